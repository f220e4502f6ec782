//! The graph, and the contracts between the parts. Everything depends on this
//! crate; it depends on none of ours, reads no clock and does no I/O.

pub mod api;
pub mod decision;
pub mod estate;
pub mod event;
pub mod fault;
pub mod graph;
pub mod identity;
pub mod ids;
pub mod plane;
pub mod policy;
pub mod service;
pub mod time;
pub mod told;
pub mod tx;
pub mod value;

pub use decision::{Ask, Decision, Permit, Request, permit};
pub use fault::Fault;
pub use graph::{Node, NodeKey, NodeKind, Snapshot, Tags};
pub use identity::{Caller, CallerKind, Origin};
pub use ids::{AccountId, Arn};
pub use policy::PolicyText;
pub use service::{Asking, Deploy, Job, Operation, Physical, Ready, Resource, Service};
pub use time::Timestamp;
pub use tx::{Effect, Host, Range, Tx};
pub use value::{Body, FromValue, IntoValue, Members, Value};
