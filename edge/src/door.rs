//! What the edge hands inwards: one authenticated call, and who answers it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use model::service::Served;
use model::tx::Host;
use model::{AccountId, Caller, Fault, Operation, Origin, Snapshot, Timestamp, Value};

/// A call whose caller is known and whose input is valid by its shape.
pub struct Incoming<'a> {
    pub served: &'a Served,
    pub operation: &'static Operation,
    pub caller: Caller,
    pub origin: Origin,
    pub request_id: String,
    pub trace: String,
    pub region: String,
    /// The account whose resources are meant, where it is not the caller's.
    pub account: Option<AccountId>,
    pub input: Value,
    /// A job of the service's own, which asks nobody.
    pub job: bool,
}

pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Value, Fault>> + Send + 'a>>;

/// Asks, decides, records, runs and commits a call. Implemented by the runtime.
pub trait Calls: Host + Send + Sync + 'static {
    fn snapshot(&self) -> Arc<Snapshot>;
    fn now(&self) -> Timestamp;
    /// The answer, once its record is as durable as it must be.
    fn call<'a>(&'a self, incoming: Incoming<'a>) -> Answering<'a>;
}
