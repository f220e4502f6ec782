//! The live journey: who asked, which points decided, and why. Parameters, answers, facts and
//! messages of errors stay in the log: they may carry what people typed.

use model::decision::{Outcome, StatementRef, Why};
use model::event::{Event, EventBody};
use model::{CallerKind, Fault, Host};
use serde_json::{Value, json};

/// At most this many are told at once, the newest.
const MOST: usize = 200;

/// `after=SEQ` of a query; all from the start where it is missing.
pub(super) fn after(query: &str) -> u64 {
    let given = query.split('&').find_map(|pair| pair.strip_prefix("after="));
    given.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// The newest events after this one, newest first.
pub(super) fn since(host: &dyn Host, after: u64) -> Result<Value, Fault> {
    let (mut events, mut more) = (Vec::new(), false);
    host.events(&mut |seq, event| {
        if seq <= after {
            return false;
        }
        more = events.len() == MOST;
        if !more {
            events.push(told(seq, &event));
        }
        !more
    })?;
    Ok(json!({"events": events, "more": more}))
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
            "internal": matches!(call.caller.kind, CallerKind::Service { .. }),
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
    let decisive = why.asks.iter().find(|ask| allowed || ask.outcome != Outcome::Allowed);
    let actions: Vec<&str> = why.asks.iter().map(|ask| ask.action.as_str()).collect();
    let statement = decisive.and_then(|ask| {
        let layer = ask.layers.iter().rev().find(|l| l.statement.is_some() && l.outcome == ask.outcome);
        layer.and_then(|l| Some((&l.name, l.statement.as_ref()?)))
    });
    let by = statement.map(|(layer, statement)| format!("{layer}: {}", place(statement)));
    json!({
        "kind": "decision",
        "point": "policy",
        "action": actions.join(", "),
        "resource": decisive.map(|ask| &ask.resource),
        "allowed": allowed,
        "reason": if why.message.is_empty() { by.unwrap_or_default() } else { why.message.clone() },
    })
}

fn place(statement: &StatementRef) -> String {
    match (&statement.file, statement.line) {
        (Some(file), Some(line)) => format!("{} ({file}:{line})", statement.policy),
        _ => format!("{}, statement {}", statement.policy, statement.index),
    }
}

/// What follows `?` may be a code or a token.
fn path_only(action: &str) -> &str {
    action.split('?').next().unwrap_or_default()
}
