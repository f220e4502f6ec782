//! The AWS protocols as one codec.
