//! The running estate: the published snapshot, the log beneath it, and the one
//! way in: a call is asked, decided, recorded, run, committed, answered.
//!
//! Writers run one after another under a lock, for microseconds; their records
//! share one sync of the disk (group commit), which they await outside the lock.

#![allow(clippy::print_stderr, reason = "the loops have nowhere else to tell the operator")]

mod bootstrap;
mod commit;
mod effects;
mod host;
mod policies;
mod post;
mod recover;
mod schedule;

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use edge::ca::Authority;
use model::event::Event;
use model::graph::Change;
use model::plane::{Answering, Asked, Calls, Incoming, Newer, Report};
use model::service::Registry;
use model::tx::Settings;
use model::{Fault, Origin, Snapshot, Timestamp, Value};
use record::{Blobs, Keyring, Log, Store};
use tokio::sync::{Mutex, Notify, broadcast, watch};

pub use bootstrap::Administrator;
pub use effects::Message;
pub use recover::Opening;

/// Kinds of log entries.
pub(crate) mod kind {
    /// An event, as JSON.
    pub(crate) const EVENT: u8 = 1;
    /// A commit: the graph's changes and the records' writes.
    pub(crate) const COMMIT: u8 = 2;
}

/// The table in which the graph's nodes are kept.
pub(crate) const GRAPH_TABLE: &str = "graph";

/// Whether a watcher wants to see an event.
pub type Wanted = Box<dyn Fn(&Event) -> bool + Send + Sync>;

/// What a commit changed in the graph, for those who follow.
#[derive(Clone)]
pub struct Committed {
    pub snapshot: Arc<Snapshot>,
    pub changes: Arc<Vec<Change>>,
}

pub struct Estate {
    registry: Registry,
    log: Log,
    store: Store,
    blobs: Blobs,
    keyring: Keyring,
    authority: Authority,
    settings: Settings,
    published: ArcSwap<Snapshot>,
    /// Held while a writer runs; the newest snapshot is published before it is released.
    writing: Mutex<()>,
    feed: broadcast::Sender<Committed>,
    events: broadcast::Sender<Arc<Event>>,
    wanted: OnceLock<Wanted>,
    /// The version of the newest snapshot in which the graph differs from the one before.
    graph: watch::Sender<u64>,
    /// Something was scheduled, or is to be mailed or removed.
    pub(crate) work: Notify,
    /// Keeps other processes out.
    _folder: record::Folder,
}

/// The only clock of the program.
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Estate {
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.published.load_full()
    }

    /// Every commit from now on that changes the graph.
    pub fn follow(&self) -> broadcast::Receiver<Committed> {
        self.feed.subscribe()
    }

    /// The events from now on that `wanted` says yes to. It is asked on the way of every call, and must be
    /// quick. There is one watcher.
    pub fn watch(&self, wanted: Wanted) -> broadcast::Receiver<Arc<Event>> {
        let _ = self.wanted.set(wanted);
        self.events.subscribe()
    }

    /// Runs the jobs that fall due until the program ends.
    pub async fn keep_schedule(self: Arc<Self>) {
        schedule::run(self).await;
    }

    /// Runs the jobs that are due at `now`, and those they make due.
    pub async fn run_due(self: &Arc<Self>, now: Timestamp) -> Result<(), Fault> {
        schedule::run_due(self, now).await.map(|_| ())
    }

    /// Changes the estate past every door. For tests, which set a scene with it.
    pub fn set_scene(&self, delta: model::tx::Delta) -> Result<(), Fault> {
        self.begin(delta)
    }

    /// Messages to people, oldest first.
    pub fn outbox(&self) -> Result<Vec<Message>, Fault> {
        effects::outbox(self)
    }

    pub fn root_certificate(&self) -> &str {
        &self.authority.root_pem
    }
}

impl Calls for Estate {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.published.load_full()
    }

    fn now(&self) -> Timestamp {
        now()
    }

    fn call<'a>(&'a self, incoming: Incoming<'a>) -> Answering<'a> {
        Box::pin(async move {
            let (outcome, durable) = self.run(incoming).await;
            match durable {
                // A denial or a change is not answered before its record is on the disk.
                Some(ticket) => durable_then(ticket, outcome).await,
                None => outcome,
            }
        })
    }

    fn ask<'a>(&'a self, asked: Asked<'a>) -> Answering<'a> {
        Box::pin(async move {
            let not_served = || Fault::not_served(&format!("{}:{}", asked.service, asked.operation));
            let served = self.registry.service(asked.service).ok_or_else(not_served)?;
            let operation = served.operation(asked.operation).ok_or_else(not_served)?;
            if let Some(shape) = served.api.operation(asked.operation).and_then(|o| o.input) {
                wire::validate(&served.api, shape, &asked.input)?;
            }
            let account = Some(asked.caller.account.clone());
            self.call(Incoming {
                served,
                operation,
                caller: asked.caller,
                origin: Origin::internal("countersign"),
                request_id: model::tx::uuid_from(self.random_bytes()),
                trace: asked.trace,
                region: asked.region,
                account,
                input: asked.input,
                job: false,
            })
            .await
        })
    }

    fn report<'a>(&'a self, report: Report<'a>) -> Answering<'a> {
        Box::pin(async move {
            let missing = || Fault::internal(format!("`{}` has no job `{}`", report.service, report.job));
            let served = self.registry.service(report.service).ok_or_else(missing)?;
            let job = served.service.jobs.iter().find(|j| j.name == report.job).ok_or_else(missing)?;
            self.call(schedule::job_call(self, served, job, report)).await
        })
    }

    fn newer(&self, version: u64) -> Newer<'_> {
        Box::pin(async move {
            let mut graph = self.graph.subscribe();
            // The sender lives as long as this estate does.
            let _ = graph.wait_for(|newest| *newest > version).await;
            self.published.load_full()
        })
    }
}

async fn durable_then(ticket: record::Ticket, outcome: Result<Value, Fault>) -> Result<Value, Fault> {
    let (send, wait) = tokio::sync::oneshot::channel();
    ticket.on_durable(Box::new(move |result| {
        let _ = send.send(result);
    }));
    match wait.await {
        Ok(Ok(())) => outcome,
        Ok(Err(error)) => Err(Fault::unavailable(format!("the log cannot be written: {error}"))),
        Err(_) => Err(Fault::unavailable("the log has stopped")),
    }
}
