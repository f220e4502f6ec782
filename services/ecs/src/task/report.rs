//! What `act` saw of a task, as jobs: it is being prepared, it runs, its health changed, it ended.

use model::estate::ecs::{Service, Task, TaskContainer};
use model::{Effect, Fault, Tx};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{definition, network, service, targets};

/// Seconds for which a stopped task is still shown.
const SHOWN: i64 = 3600;
/// Seconds that a target group is given to let a task go.
const DRAINING: i64 = 3600;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// `CLUSTER/ID`.
    task: String,
    /// `PENDING`, `RUNNING`, `STOPPED`; none: only its containers changed.
    status: Option<String>,
    stop_code: Option<String>,
    stop_reason: Option<String>,
    #[serde(default)]
    containers: Vec<Seen>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Seen {
    name: String,
    status: Option<String>,
    health: Option<String>,
    exit_code: Option<i64>,
    reason: Option<String>,
    runtime_id: Option<String>,
}

/// Job: takes a report. One about a task that is gone or has ended changes nothing.
pub(crate) fn observe(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let report: Report = serde_json::from_value(payload)
        .map_err(|e| Fault::internal(format!("a report of a task cannot be read: {e}")))?;
    let Some(mut task) = tx.find::<Task>(&report.task).cloned() else { return Ok(()) };
    if task.status == "STOPPED" {
        return Ok(());
    }
    for seen in report.containers {
        if let Some(own) = task.containers.iter_mut().find(|c| c.name == seen.name) {
            apply(own, seen);
        }
    }
    task.health = health(&task.containers).to_owned();
    task.version += 1;
    let owner = task.service.as_ref().and_then(|s| tx.find::<Service>(s)).cloned();
    match report.status.as_deref() {
        Some("PENDING") if task.desired == "RUNNING" => {
            task.status = "PENDING".to_owned();
            task.pull_started = Some(tx.now);
        }
        Some("RUNNING") if task.desired == "RUNNING" => {
            task.status = "RUNNING".to_owned();
            task.pull_stopped = Some(tx.now);
            task.started = Some(tx.now);
            if let Some(service) = owner.as_ref().filter(|s| !s.load_balancers.is_empty()) {
                register(tx, service, &mut task)?;
            }
        }
        Some("STOPPED") => {
            if let Some(service) = owner.as_ref().filter(|_| task.registered) {
                targets::deregister(tx, service, &task);
            }
            stopped(tx, &mut task, report.stop_code, report.stop_reason)?;
        }
        _ => {}
    }
    let (ended, arn) = (task.status == "STOPPED", task.definition.clone());
    tx.put(task.clone())?;
    if let Some(service) = &task.service {
        if ended {
            service::scheduler::ended(tx, service, &task)?;
        }
        service::scheduler::reconcile(tx, service)?;
    }
    match ended {
        true => definition::forget_if_unused(tx, &arn),
        false => Ok(()),
    }
}

fn apply(own: &mut TaskContainer, seen: Seen) {
    if let Some(status) = seen.status {
        own.status = status;
    }
    if let Some(health) = seen.health {
        own.health = health;
    }
    own.exit_code = seen.exit_code.or(own.exit_code);
    own.reason = seen.reason.or_else(|| own.reason.take());
    own.runtime_id = seen.runtime_id.or_else(|| own.runtime_id.take());
}

fn health(containers: &[TaskContainer]) -> &'static str {
    let mut checked = containers.iter().filter(|c| c.checked).map(|c| c.health.as_str()).peekable();
    if checked.peek().is_none() {
        return "UNKNOWN";
    }
    let all: Vec<&str> = checked.collect();
    match (all.contains(&"UNHEALTHY"), all.contains(&"UNKNOWN")) {
        (true, _) => "UNHEALTHY",
        (false, true) => "UNKNOWN",
        (false, false) => "HEALTHY",
    }
}

/// A target group that refuses the task leaves it unregistered: it never counts as healthy then.
fn register(tx: &mut Tx<'_>, service: &Service, task: &mut Task) -> Result<(), Fault> {
    match targets::register(tx, service, task) {
        Ok(()) => {
            task.registered = true;
            let groups: Vec<String> =
                service.load_balancers.iter().map(|b| format!("(target-group {})", b.target_group)).collect();
            service::event(tx, &service.id, &format!("registered 1 targets in {}", groups.join(", ")))
        }
        Err(fault) => {
            service::event(tx, &service.id, &format!("failed to register targets: {}", fault.message))
        }
    }
}

fn stopped(
    tx: &mut Tx<'_>,
    task: &mut Task,
    code: Option<String>,
    reason: Option<String>,
) -> Result<(), Fault> {
    task.status = "STOPPED".to_owned();
    task.desired = "STOPPED".to_owned();
    task.registered = false;
    task.stop_code = task.stop_code.take().or(code);
    task.stop_reason = task.stop_reason.take().or(reason);
    task.stopping = task.stopping.or(Some(tx.now));
    task.stopped = Some(tx.now);
    for container in &mut task.containers {
        container.status = "STOPPED".to_owned();
    }
    network::detach(tx, &task.interface)?;
    tx.effect(Effect::Unschedule { id: format!("ecs/drain/{}", task.arn()) })?;
    tx.effect(Effect::Schedule {
        id: format!("ecs/forget/{}", task.arn()),
        at: tx.now.plus_seconds(SHOWN),
        service: "ecs".to_owned(),
        job: "Forget".to_owned(),
        payload: json!({"task": task.id}),
    })
}

fn named(tx: &Tx<'_>, payload: &Json) -> Option<Task> {
    tx.find::<Task>(payload.get("task")?.as_str()?).cloned()
}

/// Job: an hour after its end nobody asks for a task any more.
pub(crate) fn forget(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    match named(tx, &payload) {
        Some(task) if task.status == "STOPPED" => tx.remove(&task),
        _ => Ok(()),
    }
}

/// Job: ends a task once its target groups have let go of it.
pub(crate) fn drain(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let Some(mut task) = named(tx, &payload).filter(|t| t.status == "DEACTIVATING") else { return Ok(()) };
    let owner = task.service.as_ref().and_then(|s| tx.find::<Service>(s)).cloned();
    let patient = task.stopping.is_some_and(|t| t.plus_seconds(DRAINING) > tx.now);
    if let Some(service) = owner.filter(|_| patient) {
        let states = targets::states(tx, &service);
        if targets::in_state(&states, &service, &task, "draining").is_some() {
            return tx.effect(Effect::Schedule {
                id: format!("ecs/drain/{}", task.arn()),
                at: tx.now.plus_seconds(1),
                service: "ecs".to_owned(),
                job: "Drain".to_owned(),
                payload,
            });
        }
    }
    task.status = "STOPPING".to_owned();
    task.version += 1;
    tx.put(task)
}
