//! The graph, and the contracts between the parts. Everything depends on this
//! crate; it depends on none of ours, reads no clock and does no I/O.

pub mod fault;
pub mod time;
pub mod value;

pub use fault::Fault;
pub use time::Timestamp;
pub use value::{Body, FromValue, IntoValue, Members, Value};
