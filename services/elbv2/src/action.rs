//! Actions of listeners and rules: read, checked, shown. Exactly one of those that end a request.

use model::estate::elb::{self, FixedResponse, Forward, Redirect, Weighted};
use model::{Fault, Tx};

use crate::fault::{action as refused, invalid, no_target_group, not_served, too_many};
use crate::shapes::{
    Action, FixedResponseActionConfig, ForwardActionConfig, RedirectActionConfig,
    TargetGroupStickinessConfig, TargetGroupTuple,
};
use crate::target_group;

/// Target groups in one action.
const GROUPS: usize = 5;
const CONTENT_TYPES: &[&str] =
    &["text/plain", "text/css", "text/html", "application/javascript", "application/json"];

/// Reads the actions that a listener or rule is given.
pub(crate) fn read(
    tx: &Tx<'_>,
    balancer: &elb::LoadBalancer,
    protocol: &str,
    actions: Vec<Action>,
) -> Result<Vec<elb::Action>, Fault> {
    let read: Vec<elb::Action> =
        actions.into_iter().map(|a| one(tx, balancer, protocol, a)).collect::<Result<_, _>>()?;
    match read.len() {
        1 => Ok(read),
        0 => Err(refused("A rule must have at least one action")),
        _ => {
            Err(refused("Only one action of type 'forward', 'redirect' or 'fixed-response' can be specified"))
        }
    }
}

fn one(
    tx: &Tx<'_>,
    balancer: &elb::LoadBalancer,
    protocol: &str,
    action: Action,
) -> Result<elb::Action, Fault> {
    match action.r#type.as_str() {
        "forward" => Ok(elb::Action::Forward { to: forward(tx, balancer, action)? }),
        "redirect" => Ok(elb::Action::Redirect { to: redirect(protocol, action.redirect_config)? }),
        "fixed-response" => Ok(elb::Action::FixedResponse { answer: fixed(action.fixed_response_config)? }),
        other => Err(not_served(&format!("An action of type '{other}'"))),
    }
}

fn forward(tx: &Tx<'_>, balancer: &elb::LoadBalancer, action: Action) -> Result<Forward, Fault> {
    let config = action.forward_config.unwrap_or_default();
    let mut tuples = config.target_groups.unwrap_or_default();
    if let Some(arn) = action.target_group_arn {
        let same = tuples.iter().all(|t| t.target_group_arn.as_ref() == Some(&arn));
        if tuples.len() > 1 || !same {
            return Err(invalid(
                "You cannot specify both a target group ARN and a forward config with different target groups",
            ));
        }
        if tuples.is_empty() {
            tuples.push(TargetGroupTuple { target_group_arn: Some(arn), weight: Some(1) });
        }
    }
    if tuples.is_empty() {
        return Err(invalid("A target group ARN must be specified"));
    }
    if tuples.len() > GROUPS {
        return Err(too_many("TooManyTargetGroups", "target groups of an action", GROUPS));
    }
    let single = tuples.len() == 1;
    let mut target_groups: Vec<Weighted> = Vec::with_capacity(tuples.len());
    for tuple in tuples {
        let arn = tuple.target_group_arn.unwrap_or_default();
        let group = target_group::find(tx, &arn)?;
        if group.vpc != balancer.vpc {
            return Err(invalid(format!(
                "The target group '{arn}' and the load balancer are in different VPCs"
            )));
        }
        let weight = tuple
            .weight
            .or(single.then_some(1))
            .ok_or_else(|| invalid("A weight must be specified for every target group"))?;
        let weight = u32::try_from(weight).ok().filter(|w| *w <= 999);
        let weight = weight.ok_or_else(|| invalid("The weight of a target group must be from 0 to 999"))?;
        if target_groups.iter().any(|t| t.target_group == arn) {
            return Err(invalid(format!("Target group '{arn}' is given twice")));
        }
        other_balancer(tx, balancer, &arn)?;
        target_groups.push(Weighted { target_group: arn, weight });
    }
    let stickiness = stickiness(config.target_group_stickiness_config)?;
    Ok(Forward { target_groups, stickiness })
}

fn stickiness(config: Option<TargetGroupStickinessConfig>) -> Result<Option<i64>, Fault> {
    let Some(config) = config.filter(|c| c.enabled == Some(true)) else { return Ok(None) };
    let seconds = config.duration_seconds.filter(|s| (1..=604_800).contains(s));
    seconds
        .map(Some)
        .ok_or_else(|| invalid("The stickiness duration of target groups must be from 1 to 604800 seconds"))
}

/// A target group serves one load balancer.
fn other_balancer(tx: &Tx<'_>, balancer: &elb::LoadBalancer, group: &str) -> Result<(), Fault> {
    match target_group::balancers(tx.snapshot(), group).iter().any(|b| *b != balancer.arn()) {
        true => Err(Fault::client(
            "TargetGroupAssociationLimit",
            format!(
                "The following target groups cannot be associated with more than one load balancer: {group}"
            ),
        )),
        false => Ok(()),
    }
}

fn redirect(protocol: &str, config: Option<RedirectActionConfig>) -> Result<Redirect, Fault> {
    let config = config
        .ok_or_else(|| refused("A redirect config must be specified with an action of type 'redirect'"))?;
    let or = |value: Option<String>, default: &str| value.unwrap_or_else(|| default.to_owned());
    let redirect = Redirect {
        protocol: or(config.protocol, "#{protocol}"),
        port: or(config.port, "#{port}"),
        host: or(config.host, "#{host}"),
        path: or(config.path, "/#{path}"),
        query: or(config.query, "#{query}"),
        status: if config.status_code == "HTTP_301" { 301 } else { 302 },
    };
    if !["HTTP", "HTTPS", "#{protocol}"].contains(&redirect.protocol.as_str()) {
        return Err(invalid(format!("The redirect protocol '{}' is not valid", redirect.protocol)));
    }
    if redirect.port != "#{port}" && redirect.port.parse::<u16>().map_or(true, |p| p == 0) {
        return Err(invalid(format!("The redirect port '{}' is not valid", redirect.port)));
    }
    if !redirect.path.starts_with('/') {
        return Err(invalid("The redirect path must begin with '/'"));
    }
    if protocol == "HTTPS" && redirect.protocol == "HTTP" {
        return Err(refused("An HTTPS request cannot be redirected to HTTP"));
    }
    let same = (redirect.protocol == "#{protocol}" || redirect.protocol == protocol)
        && redirect.port == "#{port}"
        && redirect.host == "#{host}"
        && redirect.path == "/#{path}";
    match same {
        // It would lead back to itself.
        true => Err(refused("A redirect must change at least one of protocol, host, port and path")),
        false => Ok(redirect),
    }
}

fn fixed(config: Option<FixedResponseActionConfig>) -> Result<FixedResponse, Fault> {
    let config = config.ok_or_else(|| {
        refused("A fixed response config must be specified with an action of type 'fixed-response'")
    })?;
    let status = config.status_code.parse::<u16>().ok().filter(|s| matches!(s / 100, 2 | 4 | 5));
    let status = status.ok_or_else(|| {
        invalid(format!("The status code '{}' is not valid for a fixed response", config.status_code))
    })?;
    if config.content_type.as_deref().is_some_and(|t| !CONTENT_TYPES.contains(&t)) {
        return Err(invalid(
            "The content type of a fixed response must be one of text/plain, text/css, text/html, application/javascript and application/json",
        ));
    }
    Ok(FixedResponse {
        status,
        content_type: config
            .content_type
            .or_else(|| config.message_body.is_some().then(|| "text/plain".to_owned())),
        body: config.message_body.unwrap_or_default(),
    })
}

/// An action as answers show it.
pub(crate) fn shown(action: &elb::Action) -> Action {
    let order = Some(1);
    match action {
        elb::Action::Forward { to } => Action {
            r#type: "forward".to_owned(),
            order,
            target_group_arn: match to.target_groups.as_slice() {
                [only] => Some(only.target_group.clone()),
                _ => None,
            },
            forward_config: Some(ForwardActionConfig {
                target_groups: Some(to.target_groups.iter().map(tuple).collect()),
                target_group_stickiness_config: Some(TargetGroupStickinessConfig {
                    enabled: Some(to.stickiness.is_some()),
                    duration_seconds: to.stickiness,
                }),
            }),
            ..Action::default()
        },
        elb::Action::Redirect { to } => Action {
            r#type: "redirect".to_owned(),
            order,
            redirect_config: Some(RedirectActionConfig {
                protocol: Some(to.protocol.clone()),
                port: Some(to.port.clone()),
                host: Some(to.host.clone()),
                path: Some(to.path.clone()),
                query: Some(to.query.clone()),
                status_code: format!("HTTP_{}", to.status),
            }),
            ..Action::default()
        },
        elb::Action::FixedResponse { answer } => Action {
            r#type: "fixed-response".to_owned(),
            order,
            fixed_response_config: Some(FixedResponseActionConfig {
                message_body: Some(answer.body.clone()).filter(|b| !b.is_empty()),
                status_code: answer.status.to_string(),
                content_type: answer.content_type.clone(),
            }),
            ..Action::default()
        },
    }
}

fn tuple(weighted: &Weighted) -> TargetGroupTuple {
    TargetGroupTuple {
        target_group_arn: Some(weighted.target_group.clone()),
        weight: Some(i64::from(weighted.weight)),
    }
}

/// Whether one of the actions sends to this target group.
pub(crate) fn sends_to(actions: &[elb::Action], group: &str) -> bool {
    actions.iter().any(|a| match a {
        elb::Action::Forward { to } => to.target_groups.iter().any(|t| t.target_group == group),
        elb::Action::Redirect { .. } | elb::Action::FixedResponse { .. } => false,
    })
}

/// Actions in the form in which a listener keeps them.
pub(crate) fn kept(actions: &[elb::Action]) -> Result<Vec<serde_json::Value>, Fault> {
    let kept = actions.iter().map(serde_json::to_value).collect::<Result<_, _>>();
    kept.map_err(|e| Fault::internal(format!("an action cannot be kept: {e}")))
}

/// For those who look a target group up by a wrong name.
pub(crate) fn group_arn(arn: &str) -> Result<(), Fault> {
    match arn.contains(":targetgroup/") {
        true => Ok(()),
        false => Err(if arn.starts_with("arn:") {
            no_target_group()
        } else {
            invalid(format!("'{arn}' is not a valid target group ARN"))
        }),
    }
}
