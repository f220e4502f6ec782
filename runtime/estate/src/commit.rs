//! One call, from the question to its records.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use model::decision::{Permit, Request, permit};
use model::event::Event;
use model::graph::Change;
use model::plane::Incoming;
use model::service::Asking;
use model::told::{About, call_event};
use model::tx::{Delta, Side};
use model::{Ask, Fault, Host as _, Snapshot, Tx, Value};
use record::{Entry, Ticket, Write};
use tokio::sync::MutexGuard;

use crate::{Committed, Estate, GRAPH_TABLE, kind};

/// The outcome of a call, and what must be on the disk before it may be told.
pub(crate) type Ran = (Result<Value, Fault>, Option<Ticket>);
/// What a handler gave, and what it changed.
type Acted = (Result<Value, Fault>, Option<(Snapshot, Delta)>);

impl Estate {
    pub(crate) async fn run(&self, incoming: Incoming<'_>) -> Ran {
        // A writer that waits for its turn does not hold up the thread, and so nobody who only reads.
        let _turn = match incoming.operation.writes {
            true => Some(self.writing.lock().await),
            false => None,
        };
        self.answer(&self.snapshot(), incoming)
    }

    fn answer(&self, snapshot: &Snapshot, mut incoming: Incoming<'_>) -> Ran {
        let served = incoming.served;
        let request = match self.question(snapshot, &incoming) {
            Ok(request) => Arc::new(request),
            Err(fault) => return (Err(fault), None),
        };
        let input = std::mem::take(&mut incoming.input);
        let decision = self.authorize(snapshot, &request);
        let mut about = About::asked(&request, snapshot);
        let (outcome, change) = match permit(self, Arc::clone(&request), decision) {
            Ok(permit) => self.act(permit, snapshot, (incoming, input), &mut about),
            Err(fault) => (Err(fault), None),
        };
        let event = call_event(self, &request, served, &outcome, about);
        // What changed nothing and was not refused may be answered before it is on the disk.
        let waits = change.is_some() || outcome.is_err();
        let logged = match change {
            Some((snapshot, delta)) => self.log_commit(snapshot, delta, Some(event)),
            None => self.log_event(event),
        };
        match logged {
            Ok(ticket) => (outcome, waits.then_some(ticket)),
            Err(fault) => (Err(fault), None),
        }
    }

    /// Runs the handler; what it changed, if that is to be kept.
    fn act(
        &self,
        permit: Permit,
        snapshot: &Snapshot,
        (incoming, input): (Incoming<'_>, Value),
        about: &mut About,
    ) -> Acted {
        let operation = incoming.operation;
        let mut tx = Tx::begin(permit, self, snapshot.clone(), operation.writes);
        if let Some(account) = incoming.account {
            tx.account = account;
        }
        // A handler that panics must not take the process with it.
        let ran = std::panic::catch_unwind(AssertUnwindSafe(|| (operation.run)(&mut tx, input)));
        let outcome = ran.unwrap_or_else(|_| Err(Fault::internal("the handler failed unexpectedly")));
        *about = tx.about(about.clone());
        if outcome.is_err() && !tx.keeps() {
            return (outcome, None);
        }
        let (account, region) = (tx.account.clone(), tx.region.clone());
        let (snapshot, mut delta) = tx.finish();
        if let Err(fault) = crate::effects::keep(self, &mut delta, &account, &region) {
            return (Err(fault), None);
        }
        let changed = !delta.changes.is_empty() || !delta.records.is_empty();
        (outcome, changed.then_some((snapshot, delta)))
    }

    fn question(&self, snapshot: &Snapshot, incoming: &Incoming<'_>) -> Result<Request, Fault> {
        let (service, operation) = (incoming.served.service, incoming.operation);
        let asking = Asking {
            snapshot,
            records: self,
            caller: &incoming.caller,
            account: incoming.account.as_ref().unwrap_or(&incoming.caller.account),
            region: &incoming.region,
            operation: operation.name,
            via: &[],
            input: &incoming.input,
        };
        let asks = match incoming.job {
            true => vec![Ask::free(format!("{}:{}", service.name, operation.name))],
            false => (service.ask)(&asking)?,
        };
        Ok(Request {
            id: incoming.request_id.clone(),
            trace: incoming.trace.clone(),
            time: crate::now(),
            caller: incoming.caller.clone(),
            origin: incoming.origin.clone(),
            service: service.name,
            operation: operation.name,
            region: incoming.region.clone(),
            read_only: operation.read_only,
            parameters: self.redacted(incoming.served, operation.name, Side::Input, &incoming.input),
            asks,
            via: Vec::new(),
        })
    }

    /// Appends the changes and the event that tells of them to the log, then publishes them.
    /// The caller holds the write lock.
    pub(crate) fn log_commit(
        &self,
        mut snapshot: Snapshot,
        delta: Delta,
        event: Option<Event>,
    ) -> Result<Ticket, Fault> {
        let mut writes: Vec<Write> =
            delta.records.into_iter().map(|w| Write { table: w.table, key: w.key, value: w.value }).collect();
        for change in &delta.changes {
            writes.push(graph_write(change)?);
        }
        let mut entries = vec![Entry { kind: kind::COMMIT, bytes: record::encode_writes(&writes).into() }];
        if let Some(event) = &event {
            entries.push(event_entry(event)?);
        }
        let ticket = self.log.append(entries).map_err(unwritable)?;
        self.store.apply(ticket.first_seq, &writes);
        snapshot.version += 1;
        let snapshot = Arc::new(snapshot);
        self.published.store(Arc::clone(&snapshot));
        if !delta.changes.is_empty() {
            self.graph.send_replace(snapshot.version);
            let _ = self.feed.send(Committed { snapshot, changes: Arc::new(delta.changes) });
        }
        event.into_iter().for_each(|event| self.tell(event));
        if delta.effects.is_empty() {
            return Ok(ticket);
        }
        self.work.notify_one();
        Ok(ticket)
    }

    pub(crate) fn log_event(&self, event: Event) -> Result<Ticket, Fault> {
        let ticket = self.log.append(vec![event_entry(&event)?]).map_err(unwritable)?;
        self.tell(event);
        Ok(ticket)
    }

    /// Shows an event to who watches, if it is wanted.
    fn tell(&self, event: Event) {
        if self.wanted.get().is_some_and(|wanted| wanted(&event)) {
            let _ = self.events.send(Arc::new(event));
        }
    }

    /// Changes of the runtime's own, such as those of the first start.
    pub(crate) async fn found(&self, delta: Delta) -> Result<Ticket, Fault> {
        let turn = self.writing.lock().await;
        self.settle(delta, &turn)
    }

    /// The same, for the first start and for tests, where no task may wait.
    pub(crate) fn begin(&self, delta: Delta) -> Result<(), Fault> {
        let turn = loop {
            match self.writing.try_lock() {
                Ok(turn) => break turn,
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        };
        let ticket = self.settle(delta, &turn)?;
        drop(turn);
        ticket.wait().map_err(unwritable)
    }

    fn settle(&self, delta: Delta, _turn: &MutexGuard<'_, ()>) -> Result<Ticket, Fault> {
        let mut snapshot = (*self.snapshot()).clone();
        for change in &delta.changes {
            snapshot.apply(change);
        }
        self.log_commit(snapshot, delta, None)
    }
}

pub(crate) fn unwritable(error: record::LogError) -> Fault {
    Fault::unavailable(format!("the log cannot be written, so nothing is permitted: {error}"))
}

fn event_entry(event: &Event) -> Result<Entry, Fault> {
    let bytes = serde_json::to_vec(event);
    let bytes = bytes.map_err(|e| Fault::internal(format!("an event cannot be encoded: {e}")))?;
    Ok(Entry { kind: kind::EVENT, bytes: bytes.into() })
}

/// A node's record: `kind 0 account 0 region 0 id` in the graph's table, its state as JSON.
fn graph_write(change: &Change) -> Result<Write, Fault> {
    let key = change.key();
    let value = match change {
        Change::Remove(_) => None,
        Change::Put(node) => {
            let bytes = serde_json::to_vec(&node.to_json())
                .map_err(|e| Fault::internal(format!("a `{}` cannot be encoded: {e}", key.kind)))?;
            Some(bytes.into())
        }
    };
    let key = [key.kind, key.account.as_str(), &key.region, &key.id].join("\0").into_bytes();
    Ok(Write { table: GRAPH_TABLE.to_owned(), key, value })
}
