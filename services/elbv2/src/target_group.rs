//! Target groups.

use std::collections::BTreeSet;

use model::estate::ec2::Vpc;
use model::estate::elb::{self, HealthCheck, Listener};
use model::{Fault, Snapshot, Tx};

use crate::action::{group_arn, sends_to};
use crate::attribute::{self, TARGET_GROUP};
use crate::fault::{in_use, invalid, no_target_group, not_served, too_many};
use crate::load_balancer::{self, HEX, check_name};
use crate::page::page;
use crate::shapes::*;
use crate::{tag, target};

/// Target groups that an account may have in a region.
const MOST: usize = 3000;

pub(crate) fn find(tx: &Tx<'_>, arn: &str) -> Result<elb::TargetGroup, Fault> {
    group_arn(arn)?;
    let found =
        tx.find_arn::<elb::TargetGroup>(arn).filter(|g| g.account == tx.account && g.region == tx.region);
    found.cloned().ok_or_else(no_target_group)
}

/// ARNs of the load balancers that send to a target group.
pub(crate) fn balancers(snapshot: &Snapshot, arn: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for listener in snapshot.all::<Listener>() {
        if sends_to(&listener.actions().unwrap_or_default(), arn) {
            found.insert(listener.load_balancer.clone());
        }
    }
    for rule in snapshot.all::<elb::Rule>().filter(|r| sends_to(&r.actions, arn)) {
        if let Some(listener) = snapshot.find_arn::<Listener>(&rule.listener) {
            found.insert(listener.load_balancer.clone());
        }
    }
    found
}

fn check(input: &CreateTargetGroupInput) -> Result<(), Fault> {
    check_name("Target group", &input.name)?;
    match input.target_type.as_deref().unwrap_or("instance") {
        "ip" | "instance" => {}
        other => return Err(not_served(&format!("A target group of type '{other}'"))),
    }
    match input.protocol.as_deref() {
        Some("HTTP" | "HTTPS") => {}
        Some(other) => return Err(not_served(&format!("A target group with protocol '{other}'"))),
        None => return Err(invalid("A protocol must be specified")),
    }
    if let Some(version) = input.protocol_version.as_deref().filter(|v| !v.eq_ignore_ascii_case("HTTP1")) {
        return Err(not_served(&format!("The protocol version '{version}'")));
    }
    if input.ip_address_type.as_deref().is_some_and(|t| t != "ipv4") || input.target_control_port.is_some() {
        return Err(not_served("An IP address type other than 'ipv4', or a target control port,"));
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html>
pub(crate) fn create_target_group(
    tx: &mut Tx<'_>,
    input: CreateTargetGroupInput,
) -> Result<CreateTargetGroupOutput, Fault> {
    check(&input)?;
    let port = input.port.and_then(|p| u16::try_from(p).ok()).filter(|p| *p > 0);
    let port = port.ok_or_else(|| invalid("A port from 1 to 65535 must be specified"))?;
    let vpc = input.vpc_id.ok_or_else(|| invalid("A VPC ID must be specified"))?;
    tx.find::<Vpc>(&vpc).ok_or_else(|| invalid(format!("The VPC ID '{vpc}' is not found")))?;
    let protocol = input.protocol.unwrap_or_default();
    let asked = Check {
        protocol: input.health_check_protocol,
        port: input.health_check_port,
        enabled: input.health_check_enabled,
        path: input.health_check_path,
        interval: input.health_check_interval_seconds,
        timeout: input.health_check_timeout_seconds,
        healthy: input.healthy_threshold_count,
        unhealthy: input.unhealthy_threshold_count,
        matcher: input.matcher,
    };
    let default = HealthCheck {
        protocol: "HTTP".to_owned(),
        port: "traffic-port".to_owned(),
        path: "/".to_owned(),
        interval: 30,
        timeout: if protocol == "HTTPS" { 10 } else { 6 },
        healthy_threshold: 5,
        unhealthy_threshold: 2,
        matcher: "200".to_owned(),
    };
    let made = elb::TargetGroup {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name: input.name,
        id: tx.random_text(16, HEX),
        protocol,
        protocol_version: "HTTP1".to_owned(),
        port,
        vpc,
        target_type: input.target_type.unwrap_or_else(|| "instance".to_owned()),
        check: asked.over(default)?,
        targets: Vec::new(),
        attributes: attribute::defaults(TARGET_GROUP),
        created: tx.now,
        tags: tag::checked(input.tags)?,
    };
    if let Some(old) = tx.find::<elb::TargetGroup>(&made.name) {
        let settings = |g: &elb::TargetGroup| {
            (g.protocol.clone(), g.port, g.vpc.clone(), g.target_type.clone(), g.check.clone())
        };
        return match settings(old) == settings(&made) {
            true => Ok(CreateTargetGroupOutput { target_groups: Some(vec![shown(tx, old)]) }),
            false => Err(Fault::client(
                "DuplicateTargetGroupName",
                format!(
                    "A target group with the same name '{}' exists, but with different settings",
                    made.name
                ),
            )),
        };
    }
    if tx.list::<elb::TargetGroup>().count() >= MOST {
        return Err(too_many("TooManyTargetGroups", "target groups", MOST));
    }
    let answer = shown(tx, &made);
    tx.put(made)?;
    Ok(CreateTargetGroupOutput { target_groups: Some(vec![answer]) })
}

/// What a request says about health checks.
struct Check {
    protocol: Option<String>,
    port: Option<String>,
    enabled: Option<bool>,
    path: Option<String>,
    interval: Option<i64>,
    timeout: Option<i64>,
    healthy: Option<i64>,
    unhealthy: Option<i64>,
    matcher: Option<Matcher>,
}

impl Check {
    /// The check as it was, with what was asked on top.
    fn over(self, was: HealthCheck) -> Result<HealthCheck, Fault> {
        if self.enabled == Some(false) {
            return Err(invalid(
                "Health check enabled must be true for target groups with target type 'instance' or 'ip'",
            ));
        }
        let within = |value: Option<i64>, default: u32, low: u32, high: u32, what: &str| match value {
            None => Ok(default),
            Some(n) => u32::try_from(n)
                .ok()
                .filter(|n| (low..=high).contains(n))
                .ok_or_else(|| invalid(format!("{what} '{n}' must be from {low} to {high}"))),
        };
        let now = HealthCheck {
            protocol: self.protocol.unwrap_or(was.protocol),
            port: self.port.unwrap_or(was.port),
            path: self.path.unwrap_or(was.path),
            interval: within(self.interval, was.interval, 5, 300, "Health check interval")?,
            timeout: within(self.timeout, was.timeout, 2, 120, "Health check timeout")?,
            healthy_threshold: within(self.healthy, was.healthy_threshold, 2, 10, "Healthy threshold count")?,
            unhealthy_threshold: within(
                self.unhealthy,
                was.unhealthy_threshold,
                2,
                10,
                "Unhealthy threshold count",
            )?,
            matcher: self.matcher.and_then(|m| m.http_code).unwrap_or(was.matcher),
        };
        if !["HTTP", "HTTPS"].contains(&now.protocol.as_str()) {
            return Err(invalid(format!("Health check protocol '{}' must be HTTP or HTTPS", now.protocol)));
        }
        if now.port != "traffic-port" && now.port.parse::<u16>().map_or(true, |p| p == 0) {
            return Err(invalid(format!("Health check port '{}' is not valid", now.port)));
        }
        if !now.path.starts_with('/')
            || now.path.len() > 1024
            || !now.path.bytes().all(|b| b.is_ascii_graphic())
        {
            return Err(invalid(format!("Health check path '{}' is not valid", now.path)));
        }
        if now.timeout >= now.interval {
            return Err(invalid("Health check timeout must be smaller than the interval"));
        }
        match codes(&now.matcher) {
            true => Ok(now),
            false => Err(invalid(format!(
                "Health check matcher HTTP code '{}' must be within '200-499' inclusive",
                now.matcher
            ))),
        }
    }
}

/// `200`, `200,202` or `200-299`.
fn codes(matcher: &str) -> bool {
    let code = |c: &str| c.parse::<u16>().ok().filter(|c| (200..=499).contains(c));
    matcher.split(',').all(|part| match part.split_once('-') {
        None => code(part).is_some(),
        Some((from, to)) => code(from).zip(code(to)).is_some_and(|(from, to)| from < to),
    })
}

pub(crate) fn shown(tx: &Tx<'_>, of: &elb::TargetGroup) -> TargetGroup {
    TargetGroup {
        target_group_arn: Some(of.arn()),
        target_group_name: Some(of.name.clone()),
        protocol: Some(of.protocol.clone()),
        port: Some(i64::from(of.port)),
        vpc_id: Some(of.vpc.clone()),
        health_check_protocol: Some(of.check.protocol.clone()),
        health_check_port: Some(of.check.port.clone()),
        health_check_enabled: Some(true),
        health_check_interval_seconds: Some(i64::from(of.check.interval)),
        health_check_timeout_seconds: Some(i64::from(of.check.timeout)),
        healthy_threshold_count: Some(i64::from(of.check.healthy_threshold)),
        unhealthy_threshold_count: Some(i64::from(of.check.unhealthy_threshold)),
        health_check_path: Some(of.check.path.clone()),
        matcher: Some(Matcher { http_code: Some(of.check.matcher.clone()), grpc_code: None }),
        load_balancer_arns: Some(balancers(tx.snapshot(), &of.arn()).into_iter().collect()),
        target_type: Some(of.target_type.clone()),
        protocol_version: Some(of.protocol_version.clone()),
        ip_address_type: Some("ipv4".to_owned()),
        target_control_port: None,
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroups.html>
pub(crate) fn describe_target_groups(
    tx: &mut Tx<'_>,
    input: DescribeTargetGroupsInput,
) -> Result<DescribeTargetGroupsOutput, Fault> {
    let (arns, names) = (input.target_group_arns.unwrap_or_default(), input.names.unwrap_or_default());
    let mut found = Vec::new();
    for arn in &arns {
        found.push(find(tx, arn)?);
    }
    for name in &names {
        found.push(tx.find::<elb::TargetGroup>(name).cloned().ok_or_else(no_target_group)?);
    }
    if let Some(balancer) = &input.load_balancer_arn {
        load_balancer::find(tx, balancer)?;
        let of = |g: &&elb::TargetGroup| balancers(tx.snapshot(), &g.arn()).contains(balancer);
        found.extend(tx.list::<elb::TargetGroup>().filter(of).cloned());
    } else if arns.is_empty() && names.is_empty() {
        found.extend(tx.list::<elb::TargetGroup>().cloned());
    }
    let (found, next_marker) = page(found, input.marker.as_deref(), input.page_size)?;
    let target_groups = found.iter().map(|g| shown(tx, g)).collect();
    Ok(DescribeTargetGroupsOutput { target_groups: Some(target_groups), next_marker })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyTargetGroup.html>
pub(crate) fn modify_target_group(
    tx: &mut Tx<'_>,
    input: ModifyTargetGroupInput,
) -> Result<ModifyTargetGroupOutput, Fault> {
    let mut found = find(tx, &input.target_group_arn)?;
    let asked = Check {
        protocol: input.health_check_protocol,
        port: input.health_check_port,
        enabled: input.health_check_enabled,
        path: input.health_check_path,
        interval: input.health_check_interval_seconds,
        timeout: input.health_check_timeout_seconds,
        healthy: input.healthy_threshold_count,
        unhealthy: input.unhealthy_threshold_count,
        matcher: input.matcher,
    };
    found.check = asked.over(found.check.clone())?;
    let answer = shown(tx, &found);
    tx.put(found)?;
    Ok(ModifyTargetGroupOutput { target_groups: Some(vec![answer]) })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteTargetGroup.html>
pub(crate) fn delete_target_group(
    tx: &mut Tx<'_>,
    input: DeleteTargetGroupInput,
) -> Result<DeleteTargetGroupOutput, Fault> {
    let arn = &input.target_group_arn;
    let found = match find(tx, arn) {
        Ok(found) => found,
        Err(fault) if fault.code == "TargetGroupNotFound" => return Ok(DeleteTargetGroupOutput {}),
        Err(fault) => return Err(fault),
    };
    if !balancers(tx.snapshot(), arn).is_empty() {
        return Err(in_use(format!("Target group '{arn}' is currently in use by a listener or a rule")));
    }
    for gone in &found.targets {
        target::forget(tx, arn, gone)?;
    }
    tx.remove(&found)?;
    Ok(DeleteTargetGroupOutput {})
}

fn attributes(of: &elb::TargetGroup) -> Vec<TargetGroupAttribute> {
    let one =
        |(k, v): (&String, &String)| TargetGroupAttribute { key: Some(k.clone()), value: Some(v.clone()) };
    of.attributes.iter().map(one).collect()
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyTargetGroupAttributes.html>
pub(crate) fn modify_target_group_attributes(
    tx: &mut Tx<'_>,
    input: ModifyTargetGroupAttributesInput,
) -> Result<ModifyTargetGroupAttributesOutput, Fault> {
    let mut found = find(tx, &input.target_group_arn)?;
    let given = input.attributes.into_iter().map(|a| (a.key, a.value));
    attribute::set(TARGET_GROUP, &mut found.attributes, given)?;
    let attributes = attributes(&found);
    tx.put(found)?;
    Ok(ModifyTargetGroupAttributesOutput { attributes: Some(attributes) })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTargetGroupAttributes.html>
pub(crate) fn describe_target_group_attributes(
    tx: &mut Tx<'_>,
    input: DescribeTargetGroupAttributesInput,
) -> Result<DescribeTargetGroupAttributesOutput, Fault> {
    let found = find(tx, &input.target_group_arn)?;
    Ok(DescribeTargetGroupAttributesOutput { attributes: Some(attributes(&found)) })
}
