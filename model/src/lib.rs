//! The graph and the contracts between the parts.
