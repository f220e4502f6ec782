//! The hash-chained log and the store.
