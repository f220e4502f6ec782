//! The HTTP inspection language.
