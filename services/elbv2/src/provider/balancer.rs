//! `AWS::ElasticLoadBalancingV2::LoadBalancer`.

use model::estate::elb::LoadBalancer;
use model::{Deploy, Fault, Physical, Ready, Tx, Value};
use serde_json::json;

use super::{call, changed, first, full_name, gone_already, properties, retag, tags, with};

pub(super) fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = super::name(tx, deploy);
    let input = properties(
        deploy,
        &["Subnets", "SubnetMappings", "SecurityGroups", "Scheme", "IpAddressType", "Type"],
    );
    let made =
        call(tx, deploy, "CreateLoadBalancer", with(input, json!({"Name": name, "Tags": tags(deploy)})))?;
    let (_, arn) = first(&made, "LoadBalancers", "LoadBalancerArn");
    attributes(tx, deploy, &arn)?;
    physical(tx, &arn)
}

fn physical(tx: &Tx<'_>, arn: &str) -> Result<Physical, Fault> {
    let lost = || Fault::internal("the load balancer that was made is not there");
    let made = tx.find_arn::<LoadBalancer>(arn).ok_or_else(lost)?;
    Ok(Physical::new(arn)
        .attribute("LoadBalancerArn", arn)
        .attribute("LoadBalancerName", made.name.clone())
        .attribute("LoadBalancerFullName", full_name(arn, "loadbalancer/"))
        .attribute("DNSName", made.dns_name.clone())
        .attribute("CanonicalHostedZoneID", crate::load_balancer::hosted_zone(&made.region))
        .attribute("SecurityGroups", made.security_groups.clone()))
}

fn attributes(tx: &mut Tx<'_>, deploy: &Deploy<'_>, arn: &str) -> Result<(), Fault> {
    let Some(given) = deploy.property("LoadBalancerAttributes") else { return Ok(()) };
    let input = json!({"LoadBalancerArn": arn, "Attributes": given});
    call(tx, deploy, "ModifyLoadBalancerAttributes", input).map(|_: Value| ())
}

pub(super) fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = deploy.id()?.to_owned();
    if changed(deploy, "LoadBalancerAttributes") {
        attributes(tx, deploy, &arn)?;
    }
    if changed(deploy, "Subnets") || changed(deploy, "SubnetMappings") {
        let input = with(properties(deploy, &["Subnets", "SubnetMappings"]), json!({"LoadBalancerArn": arn}));
        call(tx, deploy, "SetSubnets", input)?;
    }
    if changed(deploy, "SecurityGroups") {
        let groups = deploy.property("SecurityGroups").cloned().unwrap_or(json!([]));
        let input = json!({"LoadBalancerArn": arn, "SecurityGroups": groups});
        call(tx, deploy, "SetSecurityGroups", input)?;
    }
    retag(tx, deploy, &arn)?;
    physical(tx, &arn)
}

pub(super) fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"LoadBalancerArn": deploy.id()?});
    gone_already(call(tx, deploy, "DeleteLoadBalancer", input))
}

pub(super) fn ready(tx: &mut Tx<'_>, physical: &Physical) -> Result<Ready, Fault> {
    Ok(match tx.find_arn::<LoadBalancer>(&physical.id).map(|b| b.state.as_str()) {
        Some("active") => Ready::Yes,
        Some("failed") => Ready::Failed("the load balancer failed".to_owned()),
        Some(_) => Ready::NotYet,
        None => Ready::Failed("the load balancer is gone".to_owned()),
    })
}
