//! The transaction: all that a handler can see and do. It begins with a
//! [`Permit`]; what it changed becomes visible, all of it or nothing, at commit.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Permit, Recorder, Request, permit};
use crate::estate::tag_policy;
use crate::event::Event;
use crate::fault::Fault;
use crate::graph::{Change, Node, NodeKey, Snapshot};
use crate::identity::Caller;
use crate::ids::AccountId;
use crate::policy::{Policies, Source};
use crate::service::{Asking, Operation, Registry, Served};
use crate::time::Timestamp;
use crate::told::{About, call_event};
use crate::value::{FromValue, IntoValue, Value};

/// Bulk state: tables of byte keys. Reads see everything committed before.
pub trait Records: Sync {
    fn get(&self, table: &str, key: &[u8]) -> Result<Option<Bytes>, Fault>;
    /// Entries with `from <= key < to` (no end: to the table's end), in order or in reverse, at most `limit`.
    fn range(&self, table: &str, range: Range<'_>) -> Result<Vec<(Vec<u8>, Bytes)>, Fault>;
}

#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    pub from: &'a [u8],
    pub to: Option<&'a [u8]>,
    pub reverse: bool,
    pub limit: usize,
}

/// One change of bulk state; no value removes the key.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordWrite {
    pub table: String,
    pub key: Vec<u8>,
    pub value: Option<Bytes>,
}

/// Sealed content of large objects.
pub trait Blobs: Sync {
    /// Reads a slice of the plaintext of a blob that was sealed under `key`.
    fn read(&self, blob: &str, key: &[u8; 32], offset: u64, length: u64) -> Result<Bytes, Fault>;
    /// Begins a blob that will be sealed under `key`, which must be fresh.
    fn create(&self, key: &[u8; 32]) -> Result<Box<dyn BlobSink>, Fault>;
}

/// A blob being written; dropped unfinished, it leaves nothing.
pub trait BlobSink: Send {
    fn write(&mut self, plaintext: &[u8]) -> Result<(), Fault>;
    /// Syncs the blob and gives its name, which a record may now hold.
    fn finish(self: Box<Self>) -> Result<String, Fault>;
}

/// Something to be done after the commit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Run a service's job at a time (at once, if it has passed). Survives a restart.
    /// A second one with the same `id` replaces the first.
    Schedule {
        id: String,
        at: Timestamp,
        service: String,
        job: String,
        payload: serde_json::Value,
    },
    Unschedule {
        id: String,
    },
    /// A message to a person: to the outbox, and to SMTP if configured.
    Mail {
        to: String,
        subject: String,
        body: String,
    },
    RemoveBlob {
        blob: String,
    },
}

/// Facts about this runtime that handlers put into answers.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// e.g. `https://127.0.0.1:4566`.
    pub endpoint: String,
    /// The account in which the organization was made.
    pub management_account: String,
    /// The folder in which task images (plain binaries) are looked for.
    pub images: String,
    /// Messages to people also go to a mail server.
    pub posts: bool,
}

/// Which document of an operation is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Input,
    Output,
}

/// What a transaction leans on. Implemented by the runtime; tests have a small one of their own.
pub trait Host: Recorder {
    fn registry(&self) -> &Registry;
    fn authorize(&self, snapshot: &Snapshot, request: &Request) -> Decision;
    /// A document as CloudTrail shows it: sensitive members hidden, bodies left out.
    fn redacted(&self, served: &Served, operation: &str, side: Side, value: &Value) -> serde_json::Value;
    fn policies(&self) -> &dyn Policies;
    fn records(&self) -> &dyn Records;
    fn blobs(&self) -> &dyn Blobs;
    fn settings(&self) -> &Settings;
    /// Fills `bytes` with randomness fit for keys.
    fn random(&self, bytes: &mut [u8]);
    /// Encrypts for storage at rest under a key of the runtime's for this purpose.
    fn seal(&self, purpose: &str, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Fault>;
    fn unseal(&self, purpose: &str, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Fault>;
    /// The log's events between two times, newest first, until `take` says stop.
    fn events(&self, take: &mut dyn FnMut(u64, Event) -> bool) -> Result<(), Fault>;
    /// An X.509 certificate (PEM, chain included) of the runtime's CA for these names, and its private key (PEM).
    fn certificate(&self, names: &[String]) -> Result<Certificate, Fault>;
}

/// A certificate issued by the runtime's CA.
#[derive(Clone)]
pub struct Certificate {
    pub certificate_pem: String,
    pub chain_pem: String,
    /// Secret.
    pub private_key_pem: String,
    pub serial: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// Everything that a transaction changed.
#[derive(Default)]
pub struct Delta {
    pub changes: Vec<Change>,
    pub records: Vec<RecordWrite>,
    pub effects: Vec<Effect>,
    pub events: Vec<Event>,
}

/// One request's view of the world, with its own changes on top.
pub struct Tx<'a> {
    pub now: Timestamp,
    /// The account whose resources are meant.
    pub account: AccountId,
    pub region: String,
    /// Where the policy that is being stored was written, when CloudFormation stores it.
    pub source: Option<Source>,
    host: &'a dyn Host,
    permit: Permit,
    working: Snapshot,
    writes: bool,
    pending: BTreeMap<(String, Vec<u8>), Option<Bytes>>,
    delta: Delta,
    depth: u8,
    /// Whom nested calls are made for, where that is not the caller of this transaction.
    acting: Option<Caller>,
    /// Whom a token in the call proved it to be from.
    bearer: Option<Caller>,
    /// What was written stays although the call fails.
    kept: bool,
}

impl<'a> Tx<'a> {
    pub fn begin(permit: Permit, host: &'a dyn Host, snapshot: Snapshot, writes: bool) -> Tx<'a> {
        let request = permit.request();
        Tx {
            now: request.time,
            account: request.caller.account.clone(),
            region: request.region.clone(),
            source: None,
            host,
            permit,
            working: snapshot,
            writes,
            pending: BTreeMap::new(),
            delta: Delta::default(),
            depth: 0,
            acting: None,
            bearer: None,
            kept: false,
        }
    }

    /// Ends the transaction: the graph as it is now, and what was changed.
    pub fn finish(mut self) -> (Snapshot, Delta) {
        let pending = std::mem::take(&mut self.pending);
        self.delta.records =
            pending.into_iter().map(|((table, key), value)| RecordWrite { table, key, value }).collect();
        (self.working, self.delta)
    }

    pub fn request(&self) -> &Arc<Request> {
        self.permit.request()
    }

    /// Whom this is done for: calls of this transaction are decided for them.
    pub fn caller(&self) -> &Caller {
        self.acting.as_ref().unwrap_or(&self.permit.request().caller)
    }

    /// Makes the calls that follow for another principal, such as the stored deployer of a stack.
    pub fn act_as(&mut self, caller: Option<Caller>) {
        self.acting = caller;
    }

    /// Names whom a token in an unsigned call has proved it to be from. The record shows them.
    pub fn proved(&mut self, bearer: Caller) {
        self.bearer = Some(bearer);
    }

    /// What the handler found the call to be about; no more than what was asked if it found nothing.
    pub fn about(&self, asked: About) -> About {
        let bearer = self.bearer.clone();
        match self.account == AccountId::none() {
            true => About { bearer, ..asked },
            false => About { account: self.account.clone(), region: self.region.clone(), bearer },
        }
    }

    /// Lets the call fail, and yet keeps what it has written: a failed attempt is counted.
    pub fn fail_keeping(&mut self, fault: Fault) -> Fault {
        self.kept = true;
        fault
    }

    /// Whether what was written stays although the call fails.
    pub fn keeps(&self) -> bool {
        self.kept
    }

    /// Does something wholly or not at all: what it changed before it failed is undone.
    pub fn attempt<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let before = (self.working.clone(), self.pending.clone());
        let marks = (self.delta.changes.len(), self.delta.effects.len());
        let outcome = work(self);
        if outcome.is_err() {
            (self.working, self.pending) = before;
            self.delta.changes.truncate(marks.0);
            self.delta.effects.truncate(marks.1);
            self.kept = false;
        }
        outcome
    }

    pub fn host(&self) -> &'a dyn Host {
        self.host
    }

    pub fn settings(&self) -> &'a Settings {
        self.host.settings()
    }

    /// The graph with this transaction's changes.
    pub fn snapshot(&self) -> &Snapshot {
        &self.working
    }

    /// A node in this account and region.
    pub fn find<N: Node>(&self, id: &str) -> Option<&N> {
        self.working.find(&self.account, &self.region, id)
    }

    /// A global node (no region) in this account.
    pub fn find_global<N: Node>(&self, id: &str) -> Option<&N> {
        self.working.find(&self.account, "", id)
    }

    pub fn find_arn<N: Node>(&self, arn: &str) -> Option<&N> {
        self.working.find_arn(arn)
    }

    /// All nodes of a type in this account and region.
    pub fn list<'s, N: Node>(&'s self) -> impl Iterator<Item = &'s N> + use<'s, 'a, N> {
        self.working.list(&self.account, &self.region)
    }

    pub fn list_global<'s, N: Node>(&'s self) -> impl Iterator<Item = &'s N> + use<'s, 'a, N> {
        self.working.list(&self.account, "")
    }

    /// Puts a node, new or changed. (Whether it may be new is the handler's to check.)
    pub fn put<N: Node>(&mut self, node: N) -> Result<(), Fault> {
        self.change(Change::Put(Arc::new(node)))
    }

    pub fn remove<N: Node>(&mut self, node: &N) -> Result<(), Fault> {
        self.remove_key(node.key())
    }

    pub fn remove_key(&mut self, key: NodeKey) -> Result<(), Fault> {
        self.change(Change::Remove(key))
    }

    fn change(&mut self, change: Change) -> Result<(), Fault> {
        self.may_write()?;
        if let Change::Put(node) = &change {
            tag_policy::check(&self.working, &**node)?;
        }
        self.working.apply(&change);
        self.delta.changes.push(change);
        Ok(())
    }

    fn may_write(&self) -> Result<(), Fault> {
        if self.writes {
            return Ok(());
        }
        let request = self.request();
        Err(Fault::internal(format!("`{}` changes state but is listed as a read", request.operation)))
    }

    /// A record, with this transaction's writes on top.
    pub fn record(&self, table: &str, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        match self.pending.get(&(table.to_owned(), key.to_vec())) {
            Some(written) => Ok(written.clone()),
            None => self.host.records().get(table, key),
        }
    }

    /// A record read as JSON into a type.
    pub fn record_as<T: serde::de::DeserializeOwned>(
        &self,
        table: &str,
        key: &[u8],
    ) -> Result<Option<T>, Fault> {
        let Some(bytes) = self.record(table, key)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|e| unreadable(table, &e))
    }

    pub fn put_record(&mut self, table: &str, key: &[u8], value: impl Into<Bytes>) -> Result<(), Fault> {
        self.may_write()?;
        self.pending.insert((table.to_owned(), key.to_vec()), Some(value.into()));
        Ok(())
    }

    /// A record written as JSON.
    pub fn put_record_as<T: Serialize>(&mut self, table: &str, key: &[u8], value: &T) -> Result<(), Fault> {
        let bytes = serde_json::to_vec(value).map_err(|e| unreadable(table, &e))?;
        self.put_record(table, key, bytes)
    }

    pub fn remove_record(&mut self, table: &str, key: &[u8]) -> Result<(), Fault> {
        self.may_write()?;
        self.pending.insert((table.to_owned(), key.to_vec()), None);
        Ok(())
    }

    /// Records in a range, with this transaction's writes on top.
    pub fn records(&self, table: &str, range: Range<'_>) -> Result<Vec<(Vec<u8>, Bytes)>, Fault> {
        let within = |key: &[u8]| key >= range.from && range.to.is_none_or(|to| key < to);
        let mine: Vec<_> = self.pending.iter().filter(|((t, k), _)| t == table && within(k)).collect();
        if mine.is_empty() {
            return self.host.records().range(table, range);
        }
        // Every pending removal may hide one stored entry.
        let widened = Range { limit: range.limit.saturating_add(mine.len()), ..range };
        let stored = self.host.records().range(table, widened)?;
        let mut merged: BTreeMap<Vec<u8>, Option<Bytes>> =
            stored.into_iter().map(|(k, v)| (k, Some(v))).collect();
        for ((_, key), value) in mine {
            merged.insert(key.clone(), value.clone());
        }
        let live = merged.into_iter().filter_map(|(k, v)| Some((k, v?)));
        Ok(match range.reverse {
            false => live.take(range.limit).collect(),
            true => live.rev().take(range.limit).collect(),
        })
    }

    /// Something to be done once this is committed.
    pub fn effect(&mut self, effect: Effect) -> Result<(), Fault> {
        self.may_write()?;
        self.delta.effects.push(effect);
        Ok(())
    }

    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.host.random(&mut bytes);
        bytes
    }

    /// Random text over an alphabet of at most 256 characters.
    pub fn random_text(&self, length: usize, alphabet: &[u8]) -> String {
        let mut text = String::with_capacity(length);
        let zone = 256 - 256 % alphabet.len().max(1);
        while text.len() < length {
            for byte in self.random::<32>() {
                if usize::from(byte) < zone
                    && text.len() < length
                    && let Some(c) = alphabet.get(usize::from(byte) % alphabet.len())
                {
                    text.push(char::from(*c));
                }
            }
        }
        text
    }

    /// A random (version 4) UUID.
    pub fn uuid(&self) -> String {
        uuid_from(self.random())
    }

    /// Encrypts a secret for its record.
    pub fn seal(&self, purpose: &str, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Fault> {
        self.host.seal(purpose, aad, plaintext)
    }

    pub fn unseal(&self, purpose: &str, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        self.host.unseal(purpose, aad, sealed)
    }

    /// Calls an operation for the caller, in this transaction: decided and
    /// recorded like any other call, with `via` as the service that asks
    /// (`aws:CalledVia`). A failed call leaves no trace in the graph.
    pub fn call<I: IntoValue, O: FromValue>(
        &mut self,
        via: &str,
        service: &str,
        operation: &str,
        input: I,
    ) -> Result<O, Fault> {
        let caller = self.caller().clone();
        self.call_as(caller, Some(via), service, operation, input)
    }

    /// The same for another principal: an AWS service itself, or the stored deployer of a stack.
    pub fn call_as<I: IntoValue, O: FromValue>(
        &mut self,
        caller: Caller,
        via: Option<&str>,
        service: &str,
        operation: &str,
        input: I,
    ) -> Result<O, Fault> {
        let host = self.host;
        let not_served = || Fault::not_served(&format!("{service}:{operation}"));
        let served = host.registry().service(service).ok_or_else(not_served)?;
        let handler = served.operation(operation).ok_or_else(not_served)?;
        if self.depth >= 16 {
            return Err(Fault::internal(format!("`{service}:{operation}` is called too deeply")));
        }
        if handler.writes {
            self.may_write()?;
        }
        let input = input.into_value();
        let request = Arc::new(self.question(served, handler, caller, via, &input)?);
        let decision = host.authorize(&self.working, &request);
        let mut about = About::asked(&request, &self.working);
        let outcome = match permit(host, Arc::clone(&request), decision) {
            Ok(permit) => self.nested(permit, handler, input, &mut about),
            Err(fault) => Err(fault),
        };
        host.record(call_event(host, &request, served, &outcome, about))?;
        O::from_value(outcome?)
    }

    /// Runs a handler under its own permit; what a failed one changed is undone.
    fn nested(
        &mut self,
        permit: Permit,
        handler: &'static Operation,
        input: Value,
        about: &mut About,
    ) -> Result<Value, Fault> {
        let account = match &permit.request().caller.account {
            none if *none == AccountId::none() => self.account.clone(),
            account => account.clone(),
        };
        let outer_permit = std::mem::replace(&mut self.permit, permit);
        let outer_account = std::mem::replace(&mut self.account, account);
        let outer_region = self.region.clone();
        let outer_bearer = self.bearer.take();
        let outer_writes = std::mem::replace(&mut self.writes, handler.writes);
        // The permit names the caller of what is done under it.
        let outer_acting = self.acting.take();
        self.depth += 1;
        let outcome = self.attempt(|tx| (handler.run)(tx, input));
        self.depth -= 1;
        *about = self.about(about.clone());
        self.permit = outer_permit;
        self.account = outer_account;
        self.region = outer_region;
        self.bearer = outer_bearer;
        self.writes = outer_writes;
        self.acting = outer_acting;
        outcome
    }

    fn question(
        &self,
        served: &Served,
        handler: &'static Operation,
        caller: Caller,
        via: Option<&str>,
        input: &Value,
    ) -> Result<Request, Fault> {
        let outer = self.request();
        let account = if caller.account == AccountId::none() { &self.account } else { &caller.account };
        let mut chain = outer.via.clone();
        chain.extend(via.map(str::to_owned));
        let asking = Asking {
            snapshot: &self.working,
            records: self.host.records(),
            caller: &caller,
            account,
            region: &self.region,
            operation: handler.name,
            via: &chain,
            input,
        };
        let asks = (served.service.ask)(&asking)?;
        Ok(Request {
            id: outer.id.clone(),
            trace: outer.trace.clone(),
            time: self.now,
            origin: outer.origin.clone(),
            service: served.service.name,
            operation: handler.name,
            region: self.region.clone(),
            read_only: handler.read_only,
            parameters: self.host.redacted(served, handler.name, Side::Input, input),
            asks,
            via: chain,
            caller,
        })
    }
}

fn unreadable(table: &str, error: &serde_json::Error) -> Fault {
    Fault::internal(format!("a record of table `{table}` is not in the expected form: {error}"))
}

/// A version 4 UUID from sixteen random bytes (RFC 9562).
pub fn uuid_from(mut b: [u8; 16]) -> String {
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    let n = u128::from_be_bytes(b);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        n >> 96,
        (n >> 80) & 0xffff,
        (n >> 64) & 0xffff,
        (n >> 48) & 0xffff,
        n & 0xffff_ffff_ffff
    )
}
