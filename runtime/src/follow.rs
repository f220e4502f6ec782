//! Follows the record: shows every event to the detectors, hands findings to Security Hub, and
//! lets CloudTrail deliver when there is something to deliver.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use detect::{Engine, Reported};
use estate::Estate;
use model::event::{Event, EventBody};
use model::plane::{Calls as _, Report};
use model::{AccountId, CallerKind, Fault, Host as _};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// How long events gather before trails deliver them.
const GATHER: Duration = Duration::from_secs(2);

pub(crate) async fn run(estate: Arc<Estate>, mut stop: watch::Receiver<bool>) {
    let undelivered = Arc::new(AtomicBool::new(true));
    let recorded = Arc::clone(&undelivered);
    let mut events = estate.watch(Box::new(move |event| {
        if calls(event) {
            recorded.store(true, Ordering::Relaxed);
        }
        Engine::wants(event)
    }));
    let mut engine = Engine::default();
    // What happened before the start counts, too.
    if let Err(fault) = history(&estate, &mut engine) {
        eprintln!("countersign: the detectors do not know what was before: {fault}");
    }
    let mut ticks = tokio::time::interval(GATHER);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => {
                    for reported in engine.see(&event) {
                        report(&estate, &event, reported).await;
                    }
                }
                Err(RecvError::Lagged(missed)) => {
                    eprintln!("countersign: the detectors missed {missed} events");
                }
                Err(RecvError::Closed) => return,
            },
            _ = ticks.tick() => {
                if undelivered.swap(false, Ordering::Relaxed) && has_trails(&estate) {
                    deliver(&estate).await;
                }
            }
            _ = stop.changed() => return,
        }
    }
}

/// Whether trails may want this event. What services do of their own accord does not make them start.
fn calls(event: &Event) -> bool {
    match &event.body {
        EventBody::Call(call) => !matches!(call.caller.kind, CallerKind::Service { .. }),
        EventBody::Decision { .. }
        | EventBody::Enforced(_)
        | EventBody::Finding(_)
        | EventBody::Runtime { .. } => false,
    }
}

fn has_trails(estate: &Estate) -> bool {
    estate.snapshot().nodes().any(|n| n.key().kind == "AWS::CloudTrail::Trail")
}

async fn deliver(estate: &Estate) {
    let report = Report {
        service: "cloudtrail",
        job: "Deliver",
        account: AccountId::none(),
        region: "us-east-1".to_owned(),
        payload: serde_json::Value::Null,
    };
    if let Err(fault) = estate.report(report).await {
        eprintln!("countersign: trails cannot be delivered: {fault}");
    }
}

/// Shows the detectors what they may still need of the past. It was reported then.
fn history(estate: &Estate, engine: &mut Engine) -> Result<(), Fault> {
    let since = estate::now().plus_seconds(-Engine::WINDOW);
    let mut past = Vec::new();
    estate.events(&mut |_, event| {
        let recent = event.time >= since;
        if recent {
            past.push(event);
        }
        recent
    })?;
    for event in past.iter().rev() {
        engine.see(event);
    }
    Ok(())
}

async fn report(estate: &Estate, cause: &Event, reported: Reported) {
    use model::decision::Recorder as _;
    let Some(account) = AccountId::parse(&reported.account) else { return };
    let payload = serde_json::to_value(&reported.finding).unwrap_or_default();
    let event = Event {
        time: cause.time,
        request: cause.request.clone(),
        trace: cause.trace.clone(),
        account: reported.account,
        region: reported.region.clone(),
        body: EventBody::Finding(Box::new(reported.finding)),
    };
    let recorded = estate.record(event);
    let report = Report { service: "securityhub", job: "Report", account, region: reported.region, payload };
    if let Err(fault) = match recorded {
        Ok(()) => estate.report(report).await.map(|_| ()),
        Err(fault) => Err(fault),
    } {
        eprintln!("countersign: a finding cannot be reported: {fault}");
    }
}
