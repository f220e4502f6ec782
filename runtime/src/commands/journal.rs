//! `countersign trace` and `countersign explain`: the log, read by people. Both read
//! the files of the data folder and need no running runtime.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use model::decision::{AskWhy, Layer, Outcome};
use model::event::{Event, EventBody};

use super::default_data;

/// The kind of log entry that holds an event.
const EVENT: u8 = 1;

#[derive(Args)]
pub(crate) struct Trace {
    /// The data folder [default: ~/.countersign]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Begin with what is in the log already, and stop at its end
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
pub(crate) struct Explain {
    /// The request id that the client was given
    id: String,
    /// The data folder [default: ~/.countersign]
    #[arg(long)]
    data: Option<PathBuf>,
}

fn events(reader: &mut record::Reader) -> Result<Vec<Event>, String> {
    let entries = reader.poll().map_err(|e| e.to_string())?;
    let events = entries.into_iter().filter(|e| e.kind == EVENT);
    events
        .map(|e| serde_json::from_slice(&e.bytes).map_err(|error| format!("event {}: {error}", e.seq)))
        .collect()
}

impl Trace {
    pub(crate) fn run(self) -> Result<(), String> {
        let mut reader = record::Reader::open(&self.data.unwrap_or_else(default_data));
        if !self.all {
            reader.skip().map_err(|e| e.to_string())?;
        }
        loop {
            for event in events(&mut reader)? {
                if let Some(line) = line(&event) {
                    println!("{line}");
                }
            }
            if self.all {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn short(id: &str) -> &str {
    id.get(..8).unwrap_or(id)
}

/// One line for each enforcement point.
fn line(event: &Event) -> Option<String> {
    let (time, id) = (event.time.to_rfc3339(), short(&event.request));
    let head = |allowed: bool, point: &str| {
        format!("{time} {id} {:<5} {point:<10}", if allowed { "allow" } else { "DENY" })
    };
    match &event.body {
        EventBody::Decision { allowed, why } => {
            let ask = why.asks.last();
            let what = ask.map(|a| format!("{} on {}", a.action, a.resource)).unwrap_or_default();
            let reason = ask.and_then(deciding).map(reason).unwrap_or_else(|| why.message.clone());
            Some(format!("{} {what}: {reason}", head(*allowed, "iam")))
        }
        EventBody::Enforced(enforced) => {
            let (subject, action) = (&enforced.subject, &enforced.action);
            Some(format!(
                "{} {subject} {action}: {}",
                head(enforced.allowed, &enforced.point),
                enforced.reason
            ))
        }
        EventBody::Call(call) => {
            let outcome = call.error_code.as_deref().unwrap_or("ok");
            Some(format!(
                "{time} {id}       call       {}:{} by {}: {outcome}",
                call.service, call.operation, call.caller.arn
            ))
        }
        EventBody::Finding(finding) => Some(format!("{time} {id}       finding    {}", finding.title)),
        EventBody::Runtime { what } => Some(format!("{time}                runtime    {what}")),
    }
}

/// The layer that settled it: the first that denies, or the one whose statement allowed.
fn deciding(ask: &AskWhy) -> Option<&Layer> {
    match ask.outcome {
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

impl Explain {
    pub(crate) fn run(self) -> Result<(), String> {
        let mut reader = record::Reader::open(&self.data.unwrap_or_else(default_data));
        let own: Vec<Event> =
            events(&mut reader)?.into_iter().filter(|e| e.request.starts_with(&self.id)).collect();
        if own.is_empty() {
            return Err(format!("no request `{}` is in the log", self.id));
        }
        for event in &own {
            explain(event);
        }
        Ok(())
    }
}

fn explain(event: &Event) {
    match &event.body {
        EventBody::Decision { allowed, why } => {
            println!("{} {}", event.time.to_rfc3339(), if *allowed { "ALLOWED" } else { "DENIED" });
            if !why.message.is_empty() {
                println!("  {}", why.message);
            }
            for ask in &why.asks {
                println!("  {} on {}: {:?}", ask.action, ask.resource, ask.outcome);
                for layer in &ask.layers {
                    println!("    {:?} by {}", layer.outcome, reason(layer));
                }
            }
        }
        EventBody::Call(call) => {
            let via = call.invoked_by.as_ref().map(|v| format!(" through {v}")).unwrap_or_default();
            println!(
                "{} {}:{} by {}{via} from {}",
                event.time.to_rfc3339(),
                call.service,
                call.operation,
                call.caller.arn,
                call.origin.source_ip
            );
            println!("  parameters {}", call.parameters);
            match (&call.error_code, &call.error_message) {
                (Some(code), Some(message)) => println!("  failed with {code}: {message}"),
                _ => println!("  done"),
            }
        }
        EventBody::Enforced(_) | EventBody::Finding(_) | EventBody::Runtime { .. } => {
            println!("{}", line(event).unwrap_or_default())
        }
    }
}
