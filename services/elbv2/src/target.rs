//! Targets and their health. The health is what the balancer's own checks found; it reports
//! only changes, which are kept in records, so that checking costs the graph nothing.

use std::net::Ipv4Addr;

use model::estate::ec2::Vpc;
use model::estate::elb::{self, Target};
use model::{Effect, Fault, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::fault::{invalid, too_many};
use crate::shapes::*;
use crate::target_group::{balancers, find};

/// Targets of one group.
const MOST: usize = 1000;
const HEALTH: &str = "elbv2/health";

/// What the balancer last said of a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Health {
    /// `initial`, `healthy` or `unhealthy`.
    state: String,
    reason: Option<String>,
    description: Option<String>,
}

/// One change, as the balancer reports it.
#[derive(Deserialize)]
struct Seen {
    target_group: String,
    id: String,
    port: u16,
    #[serde(flatten)]
    health: Health,
}

fn key(group: &str, target: &Target) -> Vec<u8> {
    format!("{group}\0{}\0{}", target.id, target.port).into_bytes()
}

/// Takes over what the balancer saw, of targets that are still there.
pub(crate) fn health_seen(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let seen: Seen = serde_json::from_value(payload)
        .map_err(|e| Fault::internal(format!("a report of a target's health cannot be read: {e}")))?;
    let Some(group) = tx.find_arn::<elb::TargetGroup>(&seen.target_group) else { return Ok(()) };
    let target = group.targets.iter().find(|t| t.id == seen.id && t.port == seen.port).cloned();
    match target {
        Some(target) => tx.put_record_as(HEALTH, &key(&seen.target_group, &target), &seen.health),
        None => Ok(()),
    }
}

/// Forgets what is known of a target that goes.
pub(crate) fn forget(tx: &mut Tx<'_>, group: &str, target: &Target) -> Result<(), Fault> {
    tx.remove_record(HEALTH, &key(group, target))
}

fn bad(id: &str, why: &str) -> Fault {
    Fault::client("InvalidTarget", format!("The following targets are not valid: '{id}': {why}"))
}

fn private(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private() || (a == 100 && (64..128).contains(&b))
}

fn within(block: &str, address: Ipv4Addr) -> bool {
    let Some((network, length)) = block.split_once('/') else { return false };
    let (Ok(network), Ok(length)) = (network.parse::<Ipv4Addr>(), length.parse::<u32>()) else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - length.min(32)).unwrap_or(0);
    u32::from(network) & mask == u32::from(address) & mask
}

/// A target that may be registered with this group.
fn checked(tx: &Tx<'_>, group: &elb::TargetGroup, given: TargetDescription) -> Result<Target, Fault> {
    let port = match given.port {
        None => group.port,
        Some(port) => u16::try_from(port)
            .ok()
            .filter(|p| *p > 0)
            .ok_or_else(|| invalid(format!("Port '{port}' is not valid")))?,
    };
    if group.target_type == "instance" {
        return Err(bad(&given.id, "there are no instances in this runtime"));
    }
    let address: Ipv4Addr = given.id.parse().map_err(|_| bad(&given.id, "it is no IPv4 address"))?;
    let own = tx.find::<Vpc>(&group.vpc).is_some_and(|v| v.cidrs.iter().any(|c| within(c, address)));
    match (own, given.availability_zone.as_deref()) {
        (true, _) => {}
        (false, Some("all")) if private(address) => {}
        (false, None) if private(address) => {
            return Err(bad(
                &given.id,
                "you must specify an Availability Zone or 'all' for an IP address outside the VPC",
            ));
        }
        (false, _) => {
            return Err(bad(
                &given.id,
                "it is not within a CIDR block of the VPC, or a private range with the zone 'all'",
            ));
        }
    }
    Ok(Target { id: given.id, port, zone: given.availability_zone, draining_until: None })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RegisterTargets.html>
pub(crate) fn register_targets(
    tx: &mut Tx<'_>,
    input: RegisterTargetsInput,
) -> Result<RegisterTargetsOutput, Fault> {
    let mut group = find(tx, &input.target_group_arn)?;
    for given in input.targets {
        let target = checked(tx, &group, given)?;
        match group.targets.iter_mut().find(|t| t.id == target.id && t.port == target.port) {
            // One that was draining comes back.
            Some(old) => {
                if old.draining_until.is_some() {
                    let health = initial("Elb.RegistrationInProgress", "Target registration is in progress");
                    tx.put_record_as(HEALTH, &key(&input.target_group_arn, &target), &health)?;
                }
                *old = target;
            }
            None => group.targets.push(target),
        }
    }
    if group.targets.len() > MOST {
        return Err(too_many("TooManyTargets", "targets of a target group", MOST));
    }
    tx.put(group)?;
    Ok(RegisterTargetsOutput {})
}

fn initial(reason: &str, description: &str) -> Health {
    Health {
        state: "initial".to_owned(),
        reason: Some(reason.to_owned()),
        description: Some(description.to_owned()),
    }
}

fn is(target: &Target, given: &TargetDescription) -> bool {
    target.id == given.id && given.port.is_none_or(|p| p == i64::from(target.port))
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html>
pub(crate) fn deregister_targets(
    tx: &mut Tx<'_>,
    input: DeregisterTargetsInput,
) -> Result<DeregisterTargetsOutput, Fault> {
    let mut group = find(tx, &input.target_group_arn)?;
    let delay =
        group.attributes.get("deregistration_delay.timeout_seconds").and_then(|d| d.parse::<i64>().ok());
    let used = !balancers(tx.snapshot(), &input.target_group_arn).is_empty();
    // Of a group that nothing sends to, no request can be in flight.
    let until = tx.now.plus_seconds(if used { delay.unwrap_or(300) } else { 0 });
    for given in &input.targets {
        if !group.targets.iter().any(|t| is(t, given)) {
            return Err(bad(&given.id, "it is not registered"));
        }
        for target in group.targets.iter_mut().filter(|t| is(t, given) && t.draining_until.is_none()) {
            target.draining_until = Some(until);
        }
    }
    let gone = sweep(tx, &mut group)?;
    if !gone {
        tx.effect(Effect::Schedule {
            id: format!("elbv2/drain/{}/{}", input.target_group_arn, until.0),
            at: until,
            service: "elbv2".to_owned(),
            job: "Drained".to_owned(),
            payload: json!({"arn": input.target_group_arn}),
        })?;
    }
    tx.put(group)?;
    Ok(DeregisterTargetsOutput {})
}

/// Takes out the targets whose time to drain is over; tells whether none is left that drains.
fn sweep(tx: &mut Tx<'_>, group: &mut elb::TargetGroup) -> Result<bool, Fault> {
    let arn = group.arn();
    let over = |t: &Target| t.draining_until.is_some_and(|until| until <= tx.now);
    let (gone, kept): (Vec<Target>, Vec<Target>) = group.targets.drain(..).partition(|t| over(t));
    group.targets = kept;
    for target in &gone {
        forget(tx, &arn, target)?;
    }
    Ok(group.targets.iter().all(|t| t.draining_until.is_none()))
}

/// The time of a target to drain is over.
pub(crate) fn drained(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let arn = payload.get("arn").and_then(Json::as_str).unwrap_or_default();
    let Some(mut group) = tx.find_arn::<elb::TargetGroup>(arn).cloned() else { return Ok(()) };
    sweep(tx, &mut group)?;
    tx.put(group)
}

fn state(tx: &Tx<'_>, group: &str, used: bool, target: &Target) -> Result<Health, Fault> {
    let other = |state: &str, reason: &str, description: &str| Health {
        state: state.to_owned(),
        ..initial(reason, description)
    };
    if target.draining_until.is_some() {
        return Ok(other(
            "draining",
            "Target.DeregistrationInProgress",
            "Target deregistration is in progress",
        ));
    }
    if !used {
        return Ok(other(
            "unused",
            "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer",
        ));
    }
    let seen = tx.record_as::<Health>(HEALTH, &key(group, target))?;
    Ok(seen.unwrap_or_else(|| initial("Elb.RegistrationInProgress", "Target registration is in progress")))
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetHealth.html>
pub(crate) fn describe_target_health(
    tx: &mut Tx<'_>,
    input: DescribeTargetHealthInput,
) -> Result<DescribeTargetHealthOutput, Fault> {
    let group = find(tx, &input.target_group_arn)?;
    let used = !balancers(tx.snapshot(), &input.target_group_arn).is_empty();
    let asked = input.targets.unwrap_or_default();
    let mut shown = Vec::new();
    for target in group.targets.iter().filter(|t| asked.is_empty() || asked.iter().any(|a| is(t, a))) {
        let health = state(tx, &input.target_group_arn, used, target)?;
        let check_port = match group.check.port.as_str() {
            "traffic-port" => target.port.to_string(),
            port => port.to_owned(),
        };
        shown.push(description(target.clone(), Some(check_port), health));
    }
    for given in asked {
        if !group.targets.iter().any(|t| is(t, &given)) {
            let port = given.port.and_then(|p| u16::try_from(p).ok()).unwrap_or(group.port);
            let target = Target { id: given.id, port, zone: given.availability_zone, draining_until: None };
            let health = Health {
                state: "unused".to_owned(),
                ..initial("Target.NotRegistered", "Target is not registered to the target group")
            };
            shown.push(description(target, None, health));
        }
    }
    Ok(DescribeTargetHealthOutput { target_health_descriptions: Some(shown) })
}

fn description(target: Target, port: Option<String>, health: Health) -> TargetHealthDescription {
    TargetHealthDescription {
        target: Some(TargetDescription {
            id: target.id,
            port: Some(i64::from(target.port)),
            availability_zone: target.zone,
            quic_server_id: None,
        }),
        health_check_port: port,
        target_health: Some(TargetHealth {
            state: Some(health.state),
            reason: health.reason,
            description: health.description,
        }),
        ..TargetHealthDescription::default()
    }
}
