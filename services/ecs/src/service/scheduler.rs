//! Brings a service's tasks to what is wanted: starts, stops and replaces them within the bounds of
//! the deployment, gives up a deployment whose tasks keep failing, and goes back to the last good one.
//! <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html>

use model::estate::ec2::Subnet;
use model::estate::ecs::{Cluster, Service, Task, TaskDefinition};
use model::{Fault, Timestamp, Tx};
use serde_json::Value as Json;

use super::{deployment, event, look_again, redeploy};
use crate::targets::{self, States};
use crate::task::launch::{Launch, launch};
use crate::task::{self, task_tags};

/// Seconds until another look while something is on its way, and while all is steady.
const SOON: i64 = 2;
const LATER: i64 = 15;
/// The longest wait, in seconds, before tasks that keep failing are started again.
const LONGEST_WAIT: i64 = 60;
/// Tasks started in one look.
const AT_ONCE: i64 = 10;
/// Seconds that a task without any health check has to run before it counts as healthy.
const SETTLED: i64 = 3;

/// Job.
pub(crate) fn due(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    match payload.get("service").and_then(Json::as_str) {
        Some(id) => reconcile(tx, id),
        None => Ok(()),
    }
}

/// Has the service looked after right behind this call.
pub(crate) fn soon(tx: &mut Tx<'_>, id: &str) -> Result<(), Fault> {
    let Some(service) = tx.find::<Service>(id).cloned() else { return Ok(()) };
    look_again(tx, &service, tx.now)
}

pub(crate) fn reconcile(tx: &mut Tx<'_>, id: &str) -> Result<(), Fault> {
    match tx.find::<Service>(id).map(|s| s.status.clone()).as_deref() {
        Some("ACTIVE") => {}
        Some("DRAINING") => return wind_up(tx, id),
        _ => return Ok(()),
    }
    // The balancers are asked once for each look.
    let states = states(tx, id);
    replace_unhealthy(tx, id, &states)?;
    give_up_if_broken(tx, id)?;
    retire(tx, id, &states)?;
    start(tx, id, &states)?;
    conclude(tx, id, &states)
}

fn mine<'t>(tx: &'t Tx<'_>, id: &'t str) -> impl Iterator<Item = &'t Task> {
    tx.list::<Task>().filter(move |t| t.service.as_deref() == Some(id) && t.status != "STOPPED")
}

fn states(tx: &mut Tx<'_>, id: &str) -> States {
    let service = tx.find::<Service>(id).cloned();
    let registered = mine(tx, id).any(|t| t.registered);
    service.filter(|_| registered).map(|s| targets::states(tx, &s)).unwrap_or_default()
}

/// A service and its tasks that have not ended.
struct View<'s> {
    service: Service,
    tasks: Vec<Task>,
    states: &'s States,
    now: Timestamp,
}

impl<'s> View<'s> {
    fn of(tx: &Tx<'_>, id: &str, states: &'s States) -> Result<View<'s>, Fault> {
        let service = tx.find::<Service>(id).cloned().ok_or_else(crate::fault::no_service)?;
        let tasks = mine(tx, id).cloned().collect();
        Ok(View { service, tasks, states, now: tx.now })
    }

    fn primary(&self) -> &str {
        self.service.deployments.first().map_or("", |d| d.id.as_str())
    }

    fn is_new(&self, task: &Task) -> bool {
        task.started_by.as_deref() == Some(self.primary())
    }

    fn wanted(&self) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(|t| t.desired == "RUNNING")
    }

    fn healthy(&self, task: &Task) -> bool {
        let checked = task.containers.iter().any(|c| c.checked);
        let balanced = !self.service.load_balancers.is_empty();
        if task.status != "RUNNING" {
            return false;
        }
        if !checked && !balanced {
            return task.started.is_some_and(|t| t.plus_seconds(SETTLED) <= self.now);
        }
        (!checked || task.health == "HEALTHY")
            && (!balanced || (task.registered && targets::all_healthy(self.states, &self.service, task)))
    }

    /// Why a running task is to be replaced, once its time of grace is over.
    fn unhealthy(&self, task: &Task) -> Option<String> {
        let grace = self.service.grace.unwrap_or(0);
        if task.status != "RUNNING" || task.started.is_some_and(|t| t.plus_seconds(grace) > self.now) {
            return None;
        }
        if task.health == "UNHEALTHY" {
            return Some("Task failed container health checks".to_owned());
        }
        let group = targets::in_state(self.states, &self.service, task, "unhealthy")?;
        Some(format!("Task failed ELB health checks in (target-group {group})"))
    }
}

fn number(items: impl Iterator) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}

/// A task of the service has ended. If it failed, the next start waits, and its deployment is the worse for it.
pub(crate) fn ended(tx: &mut Tx<'_>, id: &str, task: &Task) -> Result<(), Fault> {
    let itself = matches!(task.stop_code.as_deref(), Some("TaskFailedToStart" | "EssentialContainerExited"));
    let unhealthy = task.stop_reason.as_deref().is_some_and(|r| r.starts_with("Task failed "));
    let Some(mut service) = tx.find::<Service>(id).cloned().filter(|_| itself || unhealthy) else {
        return Ok(());
    };
    failed(&mut service, task.started_by.as_deref(), !task.proven || unhealthy, tx.now);
    tx.put(service)
}

fn failed(service: &mut Service, of: Option<&str>, counts: bool, now: Timestamp) {
    service.failures = service.failures.saturating_add(1);
    let wait = 1_i64.checked_shl(service.failures.min(7) - 1).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
    service.launch_after = now.plus_seconds(if service.failures > 1 { wait } else { 0 });
    let deployment = service.deployments.iter_mut().find(|d| Some(d.id.as_str()) == of);
    if let Some(deployment) = deployment.filter(|_| counts) {
        deployment.failed += 1;
        deployment.failed_in_row += 1;
        deployment.updated = now;
    }
}

fn replace_unhealthy(tx: &mut Tx<'_>, id: &str, states: &States) -> Result<(), Fault> {
    let view = View::of(tx, id, states)?;
    for task in view.wanted() {
        if let Some(reason) = view.unhealthy(task) {
            event(tx, id, &format!("(task {}) is unhealthy: {reason}", task.short_id()))?;
            task::stop(tx, task.clone(), "ServiceSchedulerInitiated", &reason)?;
        } else if !task.proven && view.healthy(task) {
            tx.put(Task { proven: true, ..task.clone() })?;
            let mut service = tx.find::<Service>(id).cloned().ok_or_else(crate::fault::no_service)?;
            service.failures = 0;
            let mine = service.deployments.iter_mut().find(|d| task.started_by.as_ref() == Some(&d.id));
            if let Some(deployment) = mine {
                deployment.failed_in_row = 0;
            }
            tx.put(service)?;
        }
    }
    Ok(())
}

/// The circuit breaker.
fn give_up_if_broken(tx: &mut Tx<'_>, id: &str) -> Result<(), Fault> {
    let mut service = tx.find::<Service>(id).cloned().ok_or_else(crate::fault::no_service)?;
    let threshold = (service.desired.saturating_add(1) / 2).clamp(3, 200);
    let (breaker, rollback) = (service.breaker, service.rollback);
    let broken = service
        .deployments
        .first_mut()
        .filter(|d| breaker && d.rollout == "IN_PROGRESS" && d.failed_in_row >= threshold);
    let Some(broken) = broken else { return Ok(()) };
    broken.rollout = "FAILED".to_owned();
    broken.reason = "ECS deployment circuit breaker: tasks failed to start.".to_owned();
    broken.updated = tx.now;
    let failed_id = broken.id.clone();
    let good = service.deployments.iter().skip(1).find(|d| d.rollout == "COMPLETED").cloned();
    let mut message = format!("(deployment {failed_id}) deployment failed: tasks failed to start.");
    if let Some(good) = good.filter(|_| rollback) {
        let reason = format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", good.id);
        service.placement = good.placement.clone();
        let again = deployment(tx, &good.definition, &good.placement, &reason);
        redeploy(&mut service, again);
        message = format!("rolling back to deployment {}.", good.id);
    }
    tx.put(service)?;
    event(tx, id, &message)
}

/// Stops tasks of earlier deployments, and those that are too many, as far as enough stay healthy.
fn retire(tx: &mut Tx<'_>, id: &str, states: &States) -> Result<(), Fault> {
    let view = View::of(tx, id, states)?;
    let service = &view.service;
    let Some(primary) = service.deployments.first() else { return Ok(()) };
    let minimum = (service.desired * service.minimum_percent + 99) / 100;
    let mut spare = number(view.wanted().filter(|t| view.healthy(t))) - minimum;
    // A deployment that failed leaves what ran before it alone.
    let old = view.wanted().filter(|t| !view.is_new(t) && primary.rollout != "FAILED");
    let mut leaving: Vec<&Task> = Vec::new();
    for task in old {
        if !view.healthy(task) {
            leaving.push(task);
        } else if spare > 0 {
            spare -= 1;
            leaving.push(task);
        }
    }
    let mut new: Vec<&Task> = view.wanted().filter(|t| view.is_new(t)).collect();
    let surplus = usize::try_from(number(new.iter()) - service.desired).unwrap_or(0);
    // Those that are not healthy go first, then the newest.
    new.sort_by_key(|t| (view.healthy(t), std::cmp::Reverse(t.created)));
    leaving.extend(new.into_iter().take(surplus));
    let reason = format!("Scaling activity initiated by (deployment {})", primary.id);
    let names: Vec<String> = leaving.iter().map(|t| format!("(task {})", t.short_id())).collect();
    for task in &leaving {
        task::stop(tx, (*task).clone(), "ServiceSchedulerInitiated", &reason)?;
    }
    match names.is_empty() {
        true => Ok(()),
        false => event(tx, id, &format!("has stopped {} running tasks: {}.", names.len(), names.join(" "))),
    }
}

/// The subnet whose zone has the fewest tasks of the service.
fn next_subnet(tx: &Tx<'_>, view: &View<'_>) -> String {
    let zone = |id: &String| tx.find::<Subnet>(id).map(|s| s.zone.clone()).unwrap_or_default();
    let load = |id: &&String| {
        let zone = zone(id);
        let in_subnet = view.wanted().filter(|t| t.interface.subnet == **id).count();
        (view.wanted().filter(|t| t.interface.zone == zone).count(), in_subnet)
    };
    view.service.placement.subnets.iter().min_by_key(load).cloned().unwrap_or_default()
}

fn start(tx: &mut Tx<'_>, id: &str, states: &States) -> Result<(), Fault> {
    let view = View::of(tx, id, states)?;
    let service = view.service.clone();
    let Some(primary) = service.deployments.first().filter(|d| d.rollout != "FAILED") else { return Ok(()) };
    let maximum = service.desired * service.maximum_percent / 100;
    let missing = service.desired - number(view.wanted().filter(|t| view.is_new(t)));
    let room = maximum - number(view.wanted());
    if missing.min(room) <= 0 || service.launch_after > tx.now {
        return Ok(());
    }
    let (cluster, definition) = (
        tx.find::<Cluster>(&service.cluster).cloned(),
        tx.find_arn::<TaskDefinition>(&primary.definition).cloned(),
    );
    let (Some(cluster), Some(definition)) = (cluster, definition) else {
        return unplaced(tx, id, &primary.id, "the task definition or the cluster is gone");
    };
    let mut names = Vec::new();
    for _ in 0..missing.min(room).min(AT_ONCE) {
        let view = View::of(tx, id, states)?;
        let managed = service.managed_tags.then_some(service.cluster.as_str());
        let made = Launch {
            cluster: &cluster,
            definition: &definition,
            placement: &primary.placement,
            subnet: next_subnet(tx, &view),
            group: format!("service:{}", service.name),
            started_by: Some(primary.id.clone()),
            service: Some(&service),
            overrides: None,
            provider: service.capacity.first().map(|c| c.provider.clone()),
            client_token: None,
            tags: task_tags(
                Default::default(),
                &service.propagate_tags,
                &definition,
                Some(&service),
                managed,
            ),
        };
        match launch(tx, made) {
            Ok(task) => names.push(format!("(task {})", task.short_id())),
            Err(fault) => {
                unplaced(tx, id, &primary.id, &fault.message)?;
                break;
            }
        }
    }
    match names.is_empty() {
        true => Ok(()),
        false => event(tx, id, &format!("has started {} tasks: {}.", names.len(), names.join(" "))),
    }
}

fn unplaced(tx: &mut Tx<'_>, id: &str, deployment: &str, why: &str) -> Result<(), Fault> {
    if let Some(mut service) = tx.find::<Service>(id).cloned() {
        failed(&mut service, Some(deployment), true, tx.now);
        // The first failure of this kind does not pass by itself at once, either.
        service.launch_after = service.launch_after.max(tx.now.plus_seconds(SOON));
        tx.put(service)?;
    }
    event(tx, id, &format!("was unable to place a task. Reason: {why}."))
}

/// Ends a deployment that has reached its end, and says when to look again.
fn conclude(tx: &mut Tx<'_>, id: &str, states: &States) -> Result<(), Fault> {
    let view = View::of(tx, id, states)?;
    let mut service = view.service.clone();
    let new = number(view.wanted().filter(|t| view.is_new(t)));
    let healthy = number(view.wanted().filter(|t| view.is_new(t) && view.healthy(t)));
    let old = view.tasks.iter().any(|t| !view.is_new(t));
    let steady = new == service.desired && healthy == new && !old;
    let Some(primary) = service.deployments.first_mut() else { return Ok(()) };
    if steady && primary.rollout == "IN_PROGRESS" {
        primary.rollout = "COMPLETED".to_owned();
        primary.reason = format!("ECS deployment {} completed.", primary.id);
        primary.updated = tx.now;
        let done = primary.id.clone();
        service.deployments.truncate(1);
        tx.put(service.clone())?;
        event(tx, id, &format!("(deployment {done}) deployment completed."))?;
        event(tx, id, "has reached a steady state.")?;
    }
    let soon = tx.now.plus_seconds(SOON);
    match (steady, service.load_balancers.is_empty()) {
        (true, true) => Ok(()),
        (true, false) => look_again(tx, &service, tx.now.plus_seconds(LATER)),
        (false, _) => look_again(tx, &service, soon.max(service.launch_after)),
    }
}

/// A service that is being deleted: its tasks end, and then it is inactive.
fn wind_up(tx: &mut Tx<'_>, id: &str) -> Result<(), Fault> {
    let states = States::new();
    let view = View::of(tx, id, &states)?;
    let reason = format!("Scaling activity initiated by (deployment {})", view.primary());
    for task in view.wanted() {
        task::stop(tx, task.clone(), "ServiceSchedulerInitiated", &reason)?;
    }
    if view.tasks.is_empty() {
        let status = "INACTIVE".to_owned();
        return tx.put(Service { status, deployments: Vec::new(), ..view.service });
    }
    look_again(tx, &view.service, tx.now.plus_seconds(SOON))
}
