//! Logs of a stage: lines are gathered for a moment, then written to their log group with the
//! role that the account gives for that. A log that cannot be written is told of in the runtime's own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::estate::iam::Role;
use model::event::{Event, EventBody};
use model::plane::{Asked, Journey, Plane};
use model::{Ask, Caller, CallerKind, Fault, Origin, Request, Snapshot, Value, ids};
use serde_json::json;

use super::context::Context;

const MOMENT: Duration = Duration::from_secs(1);
/// Lines beyond this many per moment are dropped: a log must not eat the memory.
const MOST: usize = 10_000;

/// Where a line goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The log group's name.
    pub(super) group: String,
    pub(super) stream: String,
    /// The ARN of the role that writes.
    pub(super) role: String,
    /// The service that takes this role on.
    pub(super) service: &'static str,
    /// The group is the service's own, made when it is first written to.
    pub(super) make: bool,
}

/// Lines on their way, by place.
#[derive(Default)]
pub(super) struct Queue(Mutex<BTreeMap<Place, Vec<(i64, String)>>>);

impl Queue {
    pub(super) fn push(self: &Arc<Queue>, plane: &Arc<Plane>, journey: &Journey, place: Place, line: String) {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = pending.is_empty();
        let lines = pending.entry(place).or_default();
        if lines.len() < MOST {
            lines.push((plane.estate.now().0, line));
        }
        if first {
            let (queue, plane, journey) = (Arc::clone(self), Arc::clone(plane), journey.clone());
            tokio::spawn(async move {
                tokio::time::sleep(MOMENT).await;
                queue.flush(&plane, &journey).await;
            });
        }
    }

    async fn flush(&self, plane: &Plane, journey: &Journey) {
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        for (place, lines) in taken {
            if let Err(fault) = write(plane, journey, &place, lines).await {
                let what = format!("lines for the log group `{}` are lost: {fault}", place.group);
                let _ = plane.estate.record(Event {
                    time: plane.estate.now(),
                    request: journey.request.clone(),
                    trace: journey.trace.clone(),
                    account: journey.account.to_string(),
                    region: journey.region.clone(),
                    body: EventBody::Runtime { what },
                });
            }
        }
    }
}

async fn write(
    plane: &Plane,
    journey: &Journey,
    place: &Place,
    lines: Vec<(i64, String)>,
) -> Result<(), Fault> {
    let caller = assume(plane, &plane.estate.snapshot(), journey, place)?;
    let group_and_stream = json!({"logGroupName": place.group, "logStreamName": place.stream});
    let ask = |operation: &'static str, input: serde_json::Value| Asked {
        caller: caller.clone(),
        service: "logs",
        operation,
        region: journey.region.clone(),
        trace: journey.trace.clone(),
        input: Value::from_json(input),
    };
    let events: Vec<_> =
        lines.into_iter().map(|(at, line)| json!({"timestamp": at, "message": line})).collect();
    let put = json!({"logGroupName": place.group, "logStreamName": place.stream, "logEvents": events});
    match plane.estate.ask(ask("PutLogEvents", put.clone())).await {
        Err(fault) if fault.code == "ResourceNotFoundException" => {}
        other => return other.map(|_| ()),
    }
    if place.make {
        made(plane.estate.ask(ask("CreateLogGroup", json!({"logGroupName": place.group}))).await)?;
    }
    made(plane.estate.ask(ask("CreateLogStream", group_and_stream)).await)?;
    plane.estate.ask(ask("PutLogEvents", put)).await.map(|_| ())
}

fn made(outcome: Result<Value, Fault>) -> Result<(), Fault> {
    match outcome {
        Err(fault) if fault.code != "ResourceAlreadyExistsException" => Err(fault),
        _ => Ok(()),
    }
}

/// The service as the role, if the role trusts it.
fn assume(plane: &Plane, snapshot: &Snapshot, journey: &Journey, place: &Place) -> Result<Caller, Fault> {
    let missing = || Fault::access_denied(format!("the role `{}` is gone", place.role));
    let role = snapshot
        .find_arn::<Role>(&place.role)
        .filter(|r| r.account == journey.account)
        .ok_or_else(missing)?;
    let ask = Ask { consent: true, ..Ask::new("sts:AssumeRole", role.arn()) };
    let request = Request {
        id: journey.request.clone(),
        trace: journey.trace.clone(),
        time: plane.estate.now(),
        caller: Caller::service(place.service, &journey.account),
        origin: Origin::internal(place.service),
        service: "sts",
        operation: "AssumeRole",
        region: journey.region.clone(),
        read_only: true,
        parameters: serde_json::Value::Null,
        asks: vec![ask],
        via: Vec::new(),
    };
    let decision = plane.estate.authorize(snapshot, &request);
    let _permit = model::permit(&*plane.estate, Arc::new(request), decision)?;
    let session_name = "apigateway".to_owned();
    Ok(Caller {
        arn: ids::arn("sts", "", &role.account, &format!("assumed-role/{}/{session_name}", role.name)),
        account: role.account.clone(),
        principal_id: format!("{}:{session_name}", role.id),
        kind: CallerKind::Role { role_arn: role.arn(), session_name },
        access_key: None,
        session: None,
    })
}

/// The name of a log group in its ARN.
pub(super) fn group_of(arn: &str) -> Option<String> {
    let resource = model::Arn::parse(arn)?.resource;
    resource.strip_prefix("log-group:").map(|g| g.trim_end_matches(":*").to_owned())
}

/// One line of an access log. What came from outside cannot break out of its quotes.
pub(super) fn line(format: &str, context: &Context) -> String {
    let text = context.render(format, |_, value| match value {
        None => "-".to_owned(),
        Some(value) => {
            let quoted = serde_json::Value::String(value).to_string();
            quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).unwrap_or_default().to_owned()
        }
    });
    text.trim_end_matches('\n').to_owned()
}

/// A stream's name: of this stage, and of no other.
pub(super) fn stream(stage_arn: &str) -> String {
    crate::sigv4::sha256_hex(stage_arn.as_bytes()).chars().take(32).collect()
}
