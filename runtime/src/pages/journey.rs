//! The live journey: who asked, which points decided, and why. Parameters, answers, facts and
//! messages of errors stay in the log: they may carry what people typed.
//!
//! What services do of their own accord, and were allowed, is left out unless it is asked for:
//! there is more of it than of all else.

use std::collections::HashMap;

use estate::Estate;
use model::decision::Why;
use model::event::{Call, Event, EventBody};
use model::{CallerKind, Fault, Timestamp};
use serde_json::{Value, json};

use crate::explanation;

/// At most this many are told at once, the newest.
const MOST: usize = 200;

/// At most this many are looked at for them: who wants more asks again, from there on.
const LOOKED_AT: usize = 20_000;

/// The events of one request may stand this many entries apart.
const APART: u64 = 500;

/// A decision whose call has not ended within this time will be told without it.
const PATIENCE_SECONDS: i64 = 3;

/// What a query asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    after: u64,
    before: u64,
    /// Also what services do of their own accord.
    all: bool,
}

impl Wanted {
    /// `after=SEQ`, `before=SEQ`, `all=1`.
    pub(super) fn read(query: &str) -> Wanted {
        let number = |name: &str| parameter(query, name).and_then(|text| text.parse().ok());
        Wanted {
            after: number("after").unwrap_or(0),
            before: number("before").unwrap_or(u64::MAX),
            all: parameter(query, "all") == Some("1"),
        }
    }
}

pub(super) fn parameter<'q>(query: &'q str, name: &str) -> Option<&'q str> {
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The events that are wanted, newest first; `oldest` is where older ones begin, where there are
/// `more`; after `newest` come those that were not there yet.
pub(super) fn page(estate: &Estate, wanted: &Wanted) -> Result<Value, Fault> {
    let mut page = Page::new(wanted, estate::now());
    estate.events_before(wanted.before.saturating_add(APART), &mut |seq, event| page.take(seq, &event))?;
    Ok(json!({
        "events": page.events,
        "more": page.more,
        "oldest": page.more.then_some(page.oldest),
        "newest": page.newest,
    }))
}

struct Page<'w> {
    wanted: &'w Wanted,
    now: Timestamp,
    /// By request: whether it is what a service did of its own accord, without an error. Its
    /// outermost call ends last, so that it is met first.
    quiet: HashMap<String, bool>,
    events: Vec<Value>,
    looked_at: usize,
    more: bool,
    oldest: u64,
    newest: u64,
}

impl Page<'_> {
    fn new(wanted: &Wanted, now: Timestamp) -> Page<'_> {
        let (oldest, newest) = (wanted.before, wanted.after);
        let (quiet, events) = (HashMap::new(), Vec::new());
        Page { wanted, now, quiet, events, looked_at: 0, more: false, oldest, newest }
    }

    /// Whether to go on.
    fn take(&mut self, seq: u64, event: &Event) -> bool {
        if seq <= self.wanted.after {
            return false;
        }
        if let EventBody::Call(call) = &event.body {
            let quiet = of_own_accord(call) && call.error_code.is_none();
            self.quiet.entry(event.request.clone()).or_insert(quiet);
        }
        if seq >= self.wanted.before {
            return true;
        }
        if self.events.len() == MOST || self.looked_at == LOOKED_AT {
            self.more = true;
            return false;
        }
        self.looked_at += 1;
        self.oldest = seq;
        if self.is_pending(event) {
            // It comes again with its call: `newest` stays before it.
            self.newest = seq.saturating_sub(1);
            return true;
        }
        self.newest = self.newest.max(if self.looked_at == 1 { seq } else { 0 });
        if self.wanted.all || !self.is_quiet(event) {
            self.events.push(told(seq, event));
        }
        true
    }

    /// Whether this is a leave whose call has not ended yet.
    fn is_pending(&self, event: &Event) -> bool {
        matches!(event.body, EventBody::Decision { allowed: true, .. })
            && !self.quiet.contains_key(&event.request)
            && event.time.plus_seconds(PATIENCE_SECONDS) > self.now
    }

    fn is_quiet(&self, event: &Event) -> bool {
        let quiet = || self.quiet.get(&event.request).copied().unwrap_or(false);
        match &event.body {
            EventBody::Decision { allowed, .. } => *allowed && quiet(),
            EventBody::Call(call) => call.error_code.is_none() && quiet(),
            EventBody::Enforced(_) | EventBody::Finding(_) | EventBody::Runtime { .. } => false,
        }
    }
}

fn of_own_accord(call: &Call) -> bool {
    matches!(call.caller.kind, CallerKind::Service { .. })
}

/// The full reasoning about a request, as `countersign explain` tells it; `near` is the number
/// of one of its events, or nothing of it is known.
pub(super) fn reasoning(estate: &Estate, request: &str, near: Option<u64>) -> Result<Vec<String>, Fault> {
    let (from, to) = match near {
        Some(seq) => (seq.saturating_sub(APART), seq.saturating_add(APART)),
        None => (0, u64::MAX),
    };
    let mut events = Vec::new();
    estate.events_before(to, &mut |seq, event| {
        if event.request == request {
            events.push(event);
        }
        seq > from
    })?;
    Ok(events.iter().rev().flat_map(explanation::full).collect())
}

fn told(seq: u64, event: &Event) -> Value {
    let mut told = match &event.body {
        EventBody::Decision { allowed, why } => decision(*allowed, why),
        EventBody::Call(call) => json!({
            "kind": "call",
            "point": format!("{}:{}", call.service, call.operation),
            "subject": call.caller.arn,
            "resource": call.resources.first(),
            "allowed": call.error_code.is_none(),
            "reason": call.error_code,
            "internal": of_own_accord(call),
        }),
        EventBody::Enforced(enforced) => json!({
            "kind": "enforced",
            "point": enforced.point,
            "subject": enforced.subject,
            "action": path_only(&enforced.action),
            "resource": enforced.resource,
            "allowed": enforced.allowed,
            "reason": enforced.reason,
        }),
        EventBody::Finding(finding) => json!({
            "kind": "finding",
            "point": finding.detector,
            "subject": finding.principal,
            "resource": finding.resources.first(),
            "reason": finding.title,
            "severity": finding.severity,
        }),
        EventBody::Runtime { what } => json!({"kind": "runtime", "point": "runtime", "reason": what}),
    };
    if let Some(members) = told.as_object_mut() {
        members.insert("seq".into(), seq.into());
        members.insert("time".into(), event.time.to_rfc3339().into());
        members.insert("trace".into(), event.trace.clone().into());
        members.insert("request".into(), event.request.clone().into());
        members.insert("account".into(), event.account.clone().into());
    }
    told
}

fn decision(allowed: bool, why: &Why) -> Value {
    let actions: Vec<&str> = why.asks.iter().map(|ask| ask.action.as_str()).collect();
    let cause = explanation::cause(why);
    json!({
        "kind": "decision",
        "point": "policy",
        "action": actions.join(", "),
        "resource": explanation::decisive(why).map(|ask| &ask.resource),
        "allowed": allowed,
        "reason": if why.message.is_empty() { &cause } else { &why.message },
        "cause": cause,
    })
}

/// What follows `?` may be a code or a token.
fn path_only(action: &str) -> &str {
    action.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use model::decision::Why;
    use model::identity::{Caller, Origin};
    use model::{AccountId, Timestamp};
    use serde_json::Value;

    use super::*;

    const NOW: i64 = 1_000;

    fn decision(request: &str, seconds: i64, allowed: bool) -> Event {
        event(request, seconds, EventBody::Decision { allowed, why: Why::default() })
    }

    fn call(request: &str, caller: Caller, error: Option<&str>) -> Event {
        let call = Call {
            caller,
            origin: Origin::internal("test"),
            service: "ecs".into(),
            operation: "Reconcile".into(),
            read_only: false,
            parameters: Value::Null,
            response: Value::Null,
            error_code: error.map(str::to_owned),
            error_message: None,
            resources: Vec::new(),
            invoked_by: None,
        };
        event(request, NOW - 60, EventBody::Call(Box::new(call)))
    }

    fn event(request: &str, seconds: i64, body: EventBody) -> Event {
        let (trace, account, region) = (String::new(), String::new(), String::new());
        let time = Timestamp::from_seconds(seconds);
        Event { time, request: request.to_owned(), trace, account, region, body }
    }

    fn service() -> Caller {
        Caller::service("ecs.amazonaws.com", &AccountId::none())
    }

    /// `log` is numbered from 1; the numbers that are told, and where new ones begin.
    fn check(log: &[Event], query: &str, told: &[u64], newest: u64) {
        let wanted = Wanted::read(query);
        let mut page = Page::new(&wanted, Timestamp::from_seconds(NOW));
        for (at, event) in log.iter().enumerate().rev() {
            if !page.take(at as u64 + 1, event) {
                break;
            }
        }
        let seqs: Vec<u64> = page.events.iter().filter_map(|e| e.get("seq")?.as_u64()).collect();
        assert_eq!((seqs.as_slice(), page.newest), (told, newest), "{query}");
    }

    #[test]
    fn what_services_do_on_their_own_is_left_out_unless_it_fails() {
        let log = [
            decision("quiet", NOW - 60, true),
            decision("quiet", NOW - 60, false),
            call("quiet", service(), None),
            decision("failed", NOW - 60, true),
            call("failed", service(), Some("AccessDenied")),
            decision("person", NOW - 60, true),
            call("person", Caller::anonymous(), None),
        ];
        check(&log, "", &[7, 6, 5, 4, 2], 7);
        check(&log, "all=1", &[7, 6, 5, 4, 3, 2, 1], 7);
        check(&log, "after=4", &[7, 6, 5], 7);
        check(&log, "before=3", &[2], 2);
        check(&log, "after=7", &[], 7);
    }

    #[test]
    fn a_leave_waits_for_its_call() {
        let log = [decision("done", NOW, true), call("done", service(), None), decision("open", NOW, true)];
        check(&log, "", &[], 2);
        check(&[decision("refused", NOW, false)], "", &[1], 1);
        check(&[decision("lost", NOW - 60, true)], "", &[1], 1);
    }
}
