//! Decisions over all requests at once.
