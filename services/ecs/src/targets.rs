//! Targets: the ports of a service's tasks in the target groups of its load balancers.

use std::collections::BTreeMap;

use model::estate::ecs::{BalancedPort, Service, Task};
use model::{Fault, Members, Tx, Value};

use crate::definition;
use crate::fault::{invalid, unserved};
use crate::network::linked;
use crate::shapes::LoadBalancer;

fn call(tx: &mut Tx<'_>, operation: &str, input: Members) -> Result<Value, Fault> {
    let service = linked(tx)?;
    tx.call_as(service, None, "elbv2", operation, Value::Map(input))
}

/// Checks the load balancers of a service against its task definition and the target groups.
pub(crate) fn checked(
    tx: &mut Tx<'_>,
    given: Option<Vec<LoadBalancer>>,
    definition: &model::estate::ecs::TaskDefinition,
) -> Result<Vec<BalancedPort>, Fault> {
    let given = given.unwrap_or_default();
    if given.len() > 5 {
        return Err(invalid("loadBalancers can have at most 5 items."));
    }
    let containers = definition::containers(tx, definition)?;
    let mut ports = Vec::new();
    for balancer in given {
        if balancer.load_balancer_name.is_some() {
            return Err(unserved("Classic Load Balancers are"));
        }
        if balancer.advanced_configuration.is_some() {
            return Err(unserved("blue/green target groups are"));
        }
        let group = balancer.target_group_arn.filter(|g| !g.is_empty());
        let group = group.ok_or_else(|| invalid("targetGroupArn must be specified."))?;
        let name = balancer.container_name.unwrap_or_default();
        let port = balancer.container_port.unwrap_or(0);
        let container = containers.iter().find(|c| c.name.as_deref() == Some(name.as_str()));
        let container = container
            .ok_or_else(|| invalid(format!("The container {name} does not exist in the task definition.")))?;
        if !container.port_mappings.iter().flatten().any(|m| m.container_port == Some(port)) {
            return Err(invalid(format!(
                "The container {name} did not have a container port {port} defined."
            )));
        }
        group_serves(tx, &group)?;
        ports.push(BalancedPort { target_group: group, container: name, port });
    }
    Ok(ports)
}

fn group_serves(tx: &mut Tx<'_>, arn: &str) -> Result<(), Fault> {
    let mut input = Members::default();
    input.0.push(("TargetGroupArns".into(), Value::List(vec![arn.into()])));
    let missing = |_| invalid(format!("Unable to find the target group with targetGroupArn {arn}."));
    let found = call(tx, "DescribeTargetGroups", input).map_err(missing)?;
    let group = found.get("TargetGroups").and_then(Value::as_list).and_then(<[Value]>::first).cloned();
    let group = group.unwrap_or_default();
    if group.text("TargetType") != Some("ip") {
        return Err(invalid(format!(
            "The provided target group {arn} has target type {}, which is incompatible with the awsvpc network mode specified in the task definition.",
            group.text("TargetType").unwrap_or("instance")
        )));
    }
    match group.get("LoadBalancerArns").and_then(Value::as_list).is_some_and(|l| !l.is_empty()) {
        true => Ok(()),
        false => Err(invalid(format!(
            "The target group with targetGroupArn {arn} does not have an associated load balancer."
        ))),
    }
}

fn one(balanced: &BalancedPort, task: &Task) -> Members {
    let mut target = Members::default();
    target.push("Id", task.interface.private_ip.as_str());
    target.push("Port", balanced.port);
    let mut input = Members::default();
    input.push("TargetGroupArn", balanced.target_group.as_str());
    input.0.push(("Targets".into(), Value::List(vec![Value::Map(target)])));
    input
}

/// Registers a running task's ports.
pub(crate) fn register(tx: &mut Tx<'_>, service: &Service, task: &Task) -> Result<(), Fault> {
    for balanced in &service.load_balancers {
        call(tx, "RegisterTargets", one(balanced, task))?;
    }
    Ok(())
}

/// Takes a task's ports out. A target group that is gone has none.
pub(crate) fn deregister(tx: &mut Tx<'_>, service: &Service, task: &Task) {
    for balanced in &service.load_balancers {
        let _ = call(tx, "DeregisterTargets", one(balanced, task));
    }
}

/// The state of each target, by address and port: `healthy`, `unhealthy`, `initial`, `draining`, ...
pub(crate) type States = BTreeMap<(String, String, i64), String>;

pub(crate) fn states(tx: &mut Tx<'_>, service: &Service) -> States {
    let mut states = States::new();
    for balanced in &service.load_balancers {
        let mut input = Members::default();
        input.push("TargetGroupArn", balanced.target_group.as_str());
        // What cannot be told is not healthy, and not unhealthy either.
        let Ok(answer) = call(tx, "DescribeTargetHealth", input) else { continue };
        for seen in answer.get("TargetHealthDescriptions").and_then(Value::as_list).unwrap_or_default() {
            let (Some(target), Some(health)) = (seen.get("Target"), seen.get("TargetHealth")) else {
                continue;
            };
            let id = target.text("Id").unwrap_or_default().to_owned();
            let port = target.get("Port").and_then(Value::as_i64).unwrap_or(balanced.port);
            let state = health.text("State").unwrap_or_default().to_owned();
            states.insert((balanced.target_group.clone(), id, port), state);
        }
    }
    states
}

/// The target group in which the task is in this state.
pub(crate) fn in_state<'s>(
    states: &States,
    service: &'s Service,
    task: &Task,
    state: &str,
) -> Option<&'s str> {
    let is = |b: &&BalancedPort| {
        let key = (b.target_group.clone(), task.interface.private_ip.clone(), b.port);
        states.get(&key).is_some_and(|s| s == state)
    };
    service.load_balancers.iter().find(is).map(|b| b.target_group.as_str())
}

pub(crate) fn all_healthy(states: &States, service: &Service, task: &Task) -> bool {
    service.load_balancers.iter().all(|b| {
        let key = (b.target_group.clone(), task.interface.private_ip.clone(), b.port);
        states.get(&key).is_some_and(|s| s == "healthy")
    })
}
