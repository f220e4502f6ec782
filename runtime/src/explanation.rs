//! The record in words: one line for each enforcement point, and the full reasoning of a decision.
//! The commands and the console say the same, for both ask here.

use model::decision::{AskWhy, Layer, Outcome, Why};
use model::event::{Call, Enforced, Event, EventBody, Finding};

/// The beginning of a request's id, as people write it.
fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// One line for each enforcement point.
pub(crate) fn line(event: &Event) -> String {
    let (time, id) = (event.time.to_rfc3339(), short(&event.request));
    let head = |allowed: bool, point: &str| {
        format!("{time} {id} {:<5} {point:<10}", if allowed { "allow" } else { "DENY" })
    };
    match &event.body {
        EventBody::Decision { allowed, why } => {
            let ask = decisive(why);
            let what = ask.map(|a| format!("{} on {}", a.action, a.resource)).unwrap_or_default();
            format!("{} {what}: {}", head(*allowed, "iam"), cause(why))
        }
        EventBody::Enforced(enforced) => {
            let (subject, action) = (&enforced.subject, &enforced.action);
            format!("{} {subject} {action}: {}", head(enforced.allowed, &enforced.point), enforced.reason)
        }
        EventBody::Call(call) => {
            let outcome = call.error_code.as_deref().unwrap_or("ok");
            format!(
                "{time} {id}       call       {}:{} by {}: {outcome}",
                call.service, call.operation, call.caller.arn
            )
        }
        EventBody::Finding(finding) => format!("{time} {id}       finding    {}", finding.title),
        EventBody::Runtime { what } => format!("{time}                runtime    {what}"),
    }
}

/// What settled the whole: the first that was refused, or else the last.
pub(crate) fn decisive(why: &Why) -> Option<&AskWhy> {
    why.asks.iter().find(|ask| ask.outcome != Outcome::Allowed).or(why.asks.last())
}

/// Why, without who asked for what: the statement that decided, or that there is none.
pub(crate) fn cause(why: &Why) -> String {
    let sentence = why.message.split_once(" because ").map_or(why.message.as_str(), |(_, cause)| cause);
    match decisive(why) {
        Some(ask) if ask.outcome != Outcome::ImplicitDeny => deciding(ask).map(reason).unwrap_or_default(),
        _ => sentence.to_owned(),
    }
}

/// The layer that settled it: the first that denies, or the one whose statement, or whose grant, allowed.
fn deciding(ask: &AskWhy) -> Option<&Layer> {
    let allows = |name: &str| ask.layers.iter().find(|l| l.name == name && l.outcome == Outcome::Allowed);
    match ask.outcome {
        // A grant needs no other's leave; limits that agree with it decide nothing.
        Outcome::Allowed if allows("grant").is_some() && allows("identity-based policy").is_none() => {
            allows("grant")
        }
        Outcome::Allowed => ask
            .layers
            .iter()
            .rev()
            .find(|l| l.outcome == Outcome::Allowed && l.statement.is_some())
            .or(ask.layers.last()),
        outcome => ask.layers.iter().find(|l| l.outcome == outcome),
    }
}

fn reason(layer: &Layer) -> String {
    let statement = layer.statement.as_ref().map(|s| {
        let name = s.sid.clone().unwrap_or_else(|| format!("statement {}", s.index));
        let place = match (&s.file, s.line) {
            (Some(file), Some(line)) => format!(" at {file}:{line}"),
            _ => String::new(),
        };
        format!(" ({} of `{}`{place})", name, s.policy)
    });
    format!("{}: {}{}", layer.name, layer.reason, statement.unwrap_or_default())
}

/// All that the record holds about why, indented.
pub(crate) fn full(event: &Event) -> Vec<String> {
    let time = event.time.to_rfc3339();
    match &event.body {
        EventBody::Decision { allowed, why } => decision(&time, *allowed, why),
        EventBody::Call(call) => called(&time, call),
        EventBody::Enforced(enforced) => point(event, enforced),
        EventBody::Finding(finding) => found(event, finding),
        EventBody::Runtime { .. } => vec![line(event)],
    }
}

fn layers(layers: &[Layer], indent: &str) -> Vec<String> {
    layers.iter().map(|layer| format!("{indent}{:?} by {}", layer.outcome, reason(layer))).collect()
}

fn decision(time: &str, allowed: bool, why: &Why) -> Vec<String> {
    let mut lines = vec![format!("{time} {}", if allowed { "ALLOWED" } else { "DENIED" })];
    if !why.message.is_empty() {
        lines.push(format!("  {}", why.message));
    }
    for ask in &why.asks {
        lines.push(format!("  {} on {}: {:?}", ask.action, ask.resource, ask.outcome));
        lines.extend(layers(&ask.layers, "    "));
    }
    lines
}

fn called(time: &str, call: &Call) -> Vec<String> {
    let via = call.invoked_by.as_ref().map(|v| format!(" through {v}")).unwrap_or_default();
    let by = if call.caller.arn.is_empty() { "an anonymous caller" } else { &call.caller.arn };
    let from = call.origin.source_ip;
    vec![
        format!("{time} {}:{} by {by}{via} from {from}", call.service, call.operation),
        format!("  parameters {}", call.parameters),
        match (&call.error_code, &call.error_message) {
            (Some(code), Some(message)) => format!("  failed with {code}: {message}"),
            _ => "  done".to_owned(),
        },
    ]
}

fn point(event: &Event, enforced: &Enforced) -> Vec<String> {
    let mut lines = vec![line(event), format!("  enforced by {}", enforced.resource)];
    lines.extend(layers(&enforced.layers, "  "));
    lines
}

fn found(event: &Event, finding: &Finding) -> Vec<String> {
    let mut lines = vec![line(event), format!("  {}", finding.description)];
    lines.push(format!("  found by {}, severity {} of 100", finding.detector, finding.severity));
    lines.extend(finding.resources.iter().map(|resource| format!("  about {resource}")));
    lines.extend(finding.evidence.iter().map(|request| format!("  because of request {request}")));
    lines
}
