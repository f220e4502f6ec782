//! What the loops and data planes of the runtime lean on: the estate to read,
//! the doors to call through, and the book of where things really listen.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};

use crate::event::{Enforced, Event, EventBody};
use crate::service::Served;
use crate::tx::Host;
use crate::{AccountId, Caller, Fault, Operation, Origin, Snapshot, Timestamp, Value};

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

/// What a loop saw outside the graph, for a job of the service that owns it: a task that
/// stopped, a target that answers, a database that is up.
pub struct Report<'a> {
    pub service: &'a str,
    pub job: &'a str,
    pub account: AccountId,
    pub region: String,
    pub payload: serde_json::Value,
}

/// A call that a data plane makes for a principal: a task's role, a service.
pub struct Asked<'a> {
    pub caller: Caller,
    pub service: &'a str,
    pub operation: &'a str,
    pub region: String,
    pub trace: String,
    pub input: Value,
}

pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Value, Fault>> + Send + 'a>>;
pub type Newer<'a> = Pin<Box<dyn Future<Output = Arc<Snapshot>> + Send + 'a>>;

/// Asks, decides, records, runs and commits a call. Implemented by the runtime.
pub trait Calls: Host + Send + Sync + 'static {
    fn snapshot(&self) -> Arc<Snapshot>;
    fn now(&self) -> Timestamp;
    /// The answer, once its record is as durable as it must be.
    fn call<'a>(&'a self, incoming: Incoming<'a>) -> Answering<'a>;
    /// The same for a call that arose inside the runtime.
    fn ask<'a>(&'a self, asked: Asked<'a>) -> Answering<'a>;
    /// Runs a job of a service's with what was seen.
    fn report<'a>(&'a self, report: Report<'a>) -> Answering<'a>;
    /// Waits until the graph has changed since the snapshot of this version.
    fn newer(&self, version: u64) -> Newer<'_>;
}

/// What every loop and data plane is given.
pub struct Plane {
    pub estate: Arc<dyn Calls>,
    pub book: Book,
    /// The data folder.
    pub data: PathBuf,
    /// Verifies the certificates that the runtime's CA issued; PEM.
    pub root_pem: String,
}

/// One request on its way through the data planes.
#[derive(Clone, Debug)]
pub struct Journey {
    /// The id that the client sees.
    pub request: String,
    /// Joins the enforcement points of one journey: the root of `X-Amzn-Trace-Id`.
    pub trace: String,
    pub account: AccountId,
    pub region: String,
}

impl Plane {
    /// Records what an enforcement point decided. If it cannot be recorded, the caller refuses.
    pub fn enforced(&self, journey: &Journey, enforced: Enforced) -> Result<(), Fault> {
        self.estate.record(Event {
            time: self.estate.now(),
            request: journey.request.clone(),
            trace: journey.trace.clone(),
            account: journey.account.to_string(),
            region: journey.region.clone(),
            body: EventBody::Enforced(Box::new(enforced)),
        })
    }

    pub fn uuid(&self) -> String {
        let mut bytes = [0; 16];
        self.estate.random(&mut bytes);
        crate::tx::uuid_from(bytes)
    }

    /// A new trace root in X-Ray's form, `1-SECONDS-RANDOM`.
    pub fn trace(&self) -> String {
        let mut bytes = [0; 12];
        self.estate.random(&mut bytes);
        let random = hex::encode(bytes);
        format!("1-{:08x}-{random}", self.estate.now().seconds())
    }
}

/// Where things really listen. Until networks are made of namespaces, everything is on loopback:
/// an address inside a VPC stands for a loopback address, an ARN for a socket.
#[derive(Debug, Default)]
pub struct Book {
    hosts: RwLock<BTreeMap<(String, IpAddr), IpAddr>>,
    sockets: RwLock<BTreeMap<String, SocketAddr>>,
}

impl Book {
    /// A network interface's address in its VPC is served at this loopback address, port for port.
    pub fn set_host(&self, vpc: &str, address: IpAddr, at: Option<IpAddr>) {
        let mut hosts = self.hosts.write().unwrap_or_else(PoisonError::into_inner);
        let key = (vpc.to_owned(), address);
        match at {
            Some(at) => hosts.insert(key, at),
            None => hosts.remove(&key),
        };
    }

    pub fn host(&self, vpc: &str, address: IpAddr) -> Option<IpAddr> {
        self.hosts.read().unwrap_or_else(PoisonError::into_inner).get(&(vpc.to_owned(), address)).copied()
    }

    /// A load balancer's listener, a database: whatever has an ARN and a socket of its own.
    pub fn set_socket(&self, arn: &str, at: Option<SocketAddr>) {
        let mut sockets = self.sockets.write().unwrap_or_else(PoisonError::into_inner);
        match at {
            Some(at) => sockets.insert(arn.to_owned(), at),
            None => sockets.remove(arn),
        };
    }

    pub fn socket(&self, arn: &str) -> Option<SocketAddr> {
        self.sockets.read().unwrap_or_else(PoisonError::into_inner).get(arn).copied()
    }
}
