//! Application load balancers.

use model::estate::ec2::{NetworkInterface, Subnet};
use model::estate::elb::{self, Listener};
use model::{Effect, Fault, Tx};
use serde_json::{Value as Json, json};

use crate::attribute::{self, LOAD_BALANCER};
use crate::fault::{invalid, no_load_balancer, not_served, too_many};
use crate::page::page;
use crate::shapes::*;
use crate::{listener, network, tag};

/// Load balancers that an account may have in a region.
const MOST: usize = 50;
pub(crate) const HEX: &[u8] = b"0123456789abcdef";

/// The hosted zones of load balancers' names, by region.
const ZONES: &[(&str, &str)] = &[
    ("us-east-1", "Z35SXDOTRQ7X7K"),
    ("us-east-2", "Z3AADJGX6KTTL2"),
    ("us-west-1", "Z368ELLRRE2KJ0"),
    ("us-west-2", "Z1H1FL5HABSF5"),
    ("ca-central-1", "ZQSVJUPU6J1EY"),
    ("eu-central-1", "Z215JYRZR1TBD5"),
    ("eu-north-1", "Z23TAZ6LKFMNIO"),
    ("eu-west-1", "Z32O12XQLNTSW2"),
    ("eu-west-2", "ZHURV8PSTC4K8"),
    ("eu-west-3", "Z3Q77PNBQS71R4"),
    ("ap-northeast-1", "Z14GRHDCWA56QT"),
    ("ap-northeast-2", "ZWKZPGTI48KDX"),
    ("ap-south-1", "ZP97RAFLXTNZK"),
    ("ap-southeast-1", "Z1LMS91P8CMLE5"),
    ("ap-southeast-2", "Z1GM3OXH4ZPM65"),
    ("sa-east-1", "Z2P70J7HTTTPLU"),
];

pub(crate) fn hosted_zone(region: &str) -> &'static str {
    ZONES.iter().find(|(r, _)| *r == region).map_or("Z35SXDOTRQ7X7K", |(_, zone)| zone)
}

pub(crate) fn find(tx: &Tx<'_>, arn: &str) -> Result<elb::LoadBalancer, Fault> {
    if !arn.starts_with("arn:") {
        return Err(invalid(format!("'{arn}' is not a valid load balancer ARN")));
    }
    let found = tx.find_arn::<elb::LoadBalancer>(arn);
    let found = found.filter(|b| b.account == tx.account && b.region == tx.region);
    found.cloned().ok_or_else(|| no_load_balancer(arn))
}

/// Names of load balancers and target groups: up to 32 letters, digits and hyphens.
pub(crate) fn check_name(what: &str, name: &str) -> Result<(), Fault> {
    if name.is_empty() || name.len() > 32 {
        return Err(invalid(format!("{what} name '{name}' cannot be longer than '32' characters")));
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err(invalid(format!(
            "{what} name '{name}' can only contain characters that are alphanumeric characters and hyphens(-)"
        )));
    }
    if name.starts_with('-') || name.ends_with('-') {
        return Err(invalid(format!("{what} name '{name}' cannot begin or end with a hyphen(-)")));
    }
    Ok(())
}

fn check(input: &CreateLoadBalancerInput) -> Result<(), Fault> {
    check_name("Load balancer", &input.name)?;
    if input.name.starts_with("internal-") {
        return Err(invalid(format!("Load balancer name '{}' cannot begin with 'internal-'", input.name)));
    }
    match input.r#type.as_deref().unwrap_or("application") {
        "application" => {}
        other => return Err(not_served(&format!("A load balancer of type '{other}'"))),
    }
    match input.ip_address_type.as_deref().unwrap_or("ipv4") {
        "ipv4" => {}
        other => return Err(not_served(&format!("The IP address type '{other}'"))),
    }
    let more = input.customer_owned_ipv4_pool.is_some() || input.ipam_pools.is_some();
    match more {
        true => Err(not_served("A pool of addresses")),
        false => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html>
pub(crate) fn create_load_balancer(
    tx: &mut Tx<'_>,
    input: CreateLoadBalancerInput,
) -> Result<CreateLoadBalancerOutput, Fault> {
    check(&input)?;
    let subnets = network::subnets(tx, &network::given(input.subnets, input.subnet_mappings)?)?;
    let vpc = subnets.first().map(|s| s.vpc.clone()).unwrap_or_default();
    let groups = network::groups(tx, &vpc, input.security_groups)?;
    let tags = tag::checked(input.tags)?;
    let scheme = input.scheme.unwrap_or_else(|| "internet-facing".to_owned());
    let ids: Vec<String> = subnets.iter().map(|s| s.id.clone()).collect();
    if let Some(old) = tx.find::<elb::LoadBalancer>(&input.name) {
        let same =
            old.scheme == scheme && old.subnets == ids && old.security_groups == groups && old.tags == tags;
        return match same {
            true => Ok(CreateLoadBalancerOutput { load_balancers: Some(vec![shown(tx, old)]) }),
            false => Err(Fault::client(
                "DuplicateLoadBalancerName",
                format!(
                    "A load balancer with the same name '{}' exists, but with different settings",
                    input.name
                ),
            )),
        };
    }
    if tx.list::<elb::LoadBalancer>().count() >= MOST {
        return Err(too_many("TooManyLoadBalancers", "load balancers", MOST));
    }
    let id = tx.random_text(16, HEX);
    let number = tx.random_text(9, b"123456789");
    let internal = if scheme == "internal" { "internal-" } else { "" };
    let mut made = elb::LoadBalancer {
        account: tx.account.clone(),
        region: tx.region.clone(),
        dns_name: format!("{internal}{}-{number}.{}.elb.localhost", input.name, tx.region),
        name: input.name,
        id,
        kind: "application".to_owned(),
        scheme,
        vpc,
        subnets: ids,
        security_groups: groups,
        interfaces: Vec::new(),
        state: "provisioning".to_owned(),
        attributes: attribute::defaults(LOAD_BALANCER),
        created: tx.now,
        tags,
    };
    made.interfaces = interfaces(tx, &made, &made.subnets)?;
    tx.effect(Effect::Schedule {
        id: format!("elbv2/activate/{}", made.arn()),
        at: tx.now,
        service: "elbv2".to_owned(),
        job: "Activate".to_owned(),
        payload: json!({"arn": made.arn()}),
    })?;
    let answer = shown(tx, &made);
    tx.put(made)?;
    Ok(CreateLoadBalancerOutput { load_balancers: Some(vec![answer]) })
}

fn interfaces(tx: &mut Tx<'_>, of: &elb::LoadBalancer, subnets: &[String]) -> Result<Vec<String>, Fault> {
    let description = format!("ELB app/{}/{}", of.name, of.id);
    subnets.iter().map(|s| network::interface(tx, s, &of.security_groups, &description)).collect()
}

/// What was being made is there: the balancer may serve it.
pub(crate) fn activate(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let arn = payload.get("arn").and_then(Json::as_str).unwrap_or_default();
    let Some(mut found) = tx.find_arn::<elb::LoadBalancer>(arn).cloned() else { return Ok(()) };
    "active".clone_into(&mut found.state);
    tx.put(found)
}

fn zones(tx: &Tx<'_>, of: &elb::LoadBalancer) -> Vec<AvailabilityZone> {
    let zone = |id: &String| AvailabilityZone {
        zone_name: tx.find::<Subnet>(id).map(|s| s.zone.clone()),
        subnet_id: Some(id.clone()),
        load_balancer_addresses: Some(Vec::new()),
        ..AvailabilityZone::default()
    };
    of.subnets.iter().map(zone).collect()
}

fn shown(tx: &Tx<'_>, of: &elb::LoadBalancer) -> LoadBalancer {
    LoadBalancer {
        load_balancer_arn: Some(of.arn()),
        dns_name: Some(of.dns_name.clone()),
        canonical_hosted_zone_id: Some(hosted_zone(&of.region).to_owned()),
        created_time: Some(of.created),
        load_balancer_name: Some(of.name.clone()),
        scheme: Some(of.scheme.clone()),
        vpc_id: Some(of.vpc.clone()),
        state: Some(LoadBalancerState { code: Some(of.state.clone()), reason: None }),
        r#type: Some(of.kind.clone()),
        availability_zones: Some(zones(tx, of)),
        security_groups: Some(of.security_groups.clone()),
        ip_address_type: Some("ipv4".to_owned()),
        ..LoadBalancer::default()
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancers.html>
pub(crate) fn describe_load_balancers(
    tx: &mut Tx<'_>,
    input: DescribeLoadBalancersInput,
) -> Result<DescribeLoadBalancersOutput, Fault> {
    let (arns, names) = (input.load_balancer_arns.unwrap_or_default(), input.names.unwrap_or_default());
    let mut found = Vec::new();
    for arn in &arns {
        found.push(find(tx, arn)?);
    }
    for name in &names {
        found.push(tx.find::<elb::LoadBalancer>(name).cloned().ok_or_else(|| no_load_balancer(name))?);
    }
    if arns.is_empty() && names.is_empty() {
        found.extend(tx.list::<elb::LoadBalancer>().cloned());
    }
    let (found, next_marker) = page(found, input.marker.as_deref(), input.page_size)?;
    let load_balancers = found.iter().map(|b| shown(tx, b)).collect();
    Ok(DescribeLoadBalancersOutput { load_balancers: Some(load_balancers), next_marker })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeleteLoadBalancer.html>
pub(crate) fn delete_load_balancer(
    tx: &mut Tx<'_>,
    input: DeleteLoadBalancerInput,
) -> Result<DeleteLoadBalancerOutput, Fault> {
    let arn = &input.load_balancer_arn;
    let found = match find(tx, arn) {
        Ok(found) => found,
        // "If the load balancer does not exist or has already been deleted, the call succeeds."
        Err(fault) if fault.code == "LoadBalancerNotFound" => return Ok(DeleteLoadBalancerOutput {}),
        Err(fault) => return Err(fault),
    };
    if found.attributes.get("deletion_protection.enabled").is_some_and(|p| p == "true") {
        return Err(Fault::client(
            "OperationNotPermitted",
            format!("Load balancer '{arn}' cannot be deleted because deletion protection is enabled"),
        ));
    }
    for listener in listeners(tx, arn) {
        listener::remove(tx, &listener)?;
    }
    for interface in &found.interfaces {
        network::remove(tx, interface)?;
    }
    tx.remove(&found)?;
    Ok(DeleteLoadBalancerOutput {})
}

/// The listeners of a load balancer, by port.
pub(crate) fn listeners(tx: &Tx<'_>, arn: &str) -> Vec<Listener> {
    let mut found: Vec<Listener> =
        tx.list::<Listener>().filter(|l| l.load_balancer == arn).cloned().collect();
    found.sort_by_key(|l| l.port);
    found
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetSecurityGroups.html>
pub(crate) fn set_security_groups(
    tx: &mut Tx<'_>,
    input: SetSecurityGroupsInput,
) -> Result<SetSecurityGroupsOutput, Fault> {
    let mut found = find(tx, &input.load_balancer_arn)?;
    let groups = network::groups(tx, &found.vpc, Some(input.security_groups))?;
    for interface in &found.interfaces {
        network::regroup(tx, interface, &groups)?;
    }
    found.security_groups.clone_from(&groups);
    tx.put(found)?;
    Ok(SetSecurityGroupsOutput { security_group_ids: Some(groups), ..SetSecurityGroupsOutput::default() })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_SetSubnets.html>
pub(crate) fn set_subnets(tx: &mut Tx<'_>, input: SetSubnetsInput) -> Result<SetSubnetsOutput, Fault> {
    let mut found = find(tx, &input.load_balancer_arn)?;
    if input.ip_address_type.as_deref().is_some_and(|t| t != "ipv4") {
        return Err(not_served("An IP address type other than 'ipv4'"));
    }
    let subnets = network::subnets(tx, &network::given(input.subnets, input.subnet_mappings)?)?;
    if subnets.iter().any(|s| s.vpc != found.vpc) {
        return Err(Fault::client("InvalidSubnet", "All subnets must belong to the load balancer's VPC"));
    }
    let ids: Vec<String> = subnets.into_iter().map(|s| s.id).collect();
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for interface in &found.interfaces {
        let subnet = tx.find::<NetworkInterface>(interface).map(|i| i.subnet.clone()).unwrap_or_default();
        match ids.contains(&subnet) {
            true => kept.push((subnet, interface.clone())),
            false => gone.push(interface.clone()),
        }
    }
    for interface in &gone {
        network::remove(tx, interface)?;
    }
    let fresh: Vec<String> = ids.iter().filter(|id| !kept.iter().any(|(s, _)| s == *id)).cloned().collect();
    found.interfaces = kept.into_iter().map(|(_, i)| i).collect();
    let made = interfaces(tx, &found, &fresh)?;
    found.interfaces.extend(made);
    found.subnets = ids;
    let availability_zones = zones(tx, &found);
    tx.put(found)?;
    Ok(SetSubnetsOutput {
        availability_zones: Some(availability_zones),
        ip_address_type: Some("ipv4".to_owned()),
        ..SetSubnetsOutput::default()
    })
}

fn attributes(of: &elb::LoadBalancer) -> Vec<LoadBalancerAttribute> {
    let one =
        |(k, v): (&String, &String)| LoadBalancerAttribute { key: Some(k.clone()), value: Some(v.clone()) };
    of.attributes.iter().map(one).collect()
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ModifyLoadBalancerAttributes.html>
pub(crate) fn modify_load_balancer_attributes(
    tx: &mut Tx<'_>,
    input: ModifyLoadBalancerAttributesInput,
) -> Result<ModifyLoadBalancerAttributesOutput, Fault> {
    let mut found = find(tx, &input.load_balancer_arn)?;
    let given = input.attributes.into_iter().map(|a| (a.key, a.value));
    attribute::set(LOAD_BALANCER, &mut found.attributes, given)?;
    let is = |name: &str| found.attributes.get(name).map(String::as_str).unwrap_or_default();
    if is("access_logs.s3.enabled") == "true" && is("access_logs.s3.bucket").is_empty() {
        return Err(invalid(
            "The value of 'access_logs.s3.bucket' cannot be empty when access logs are enabled",
        ));
    }
    let attributes = attributes(&found);
    tx.put(found)?;
    Ok(ModifyLoadBalancerAttributesOutput { attributes: Some(attributes) })
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeLoadBalancerAttributes.html>
pub(crate) fn describe_load_balancer_attributes(
    tx: &mut Tx<'_>,
    input: DescribeLoadBalancerAttributesInput,
) -> Result<DescribeLoadBalancerAttributesOutput, Fault> {
    let found = find(tx, &input.load_balancer_arn)?;
    Ok(DescribeLoadBalancerAttributesOutput { attributes: Some(attributes(&found)) })
}
