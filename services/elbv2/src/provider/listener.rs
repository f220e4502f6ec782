//! `AWS::ElasticLoadBalancingV2::Listener`, its further certificates and its rules.

use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Value as Json, json};

use super::{call, changed, first, gone_already, properties, with};

const OWN: &[&str] = &[
    "AlpnPolicy",
    "Certificates",
    "DefaultActions",
    "MutualAuthentication",
    "Port",
    "Protocol",
    "SslPolicy",
];

pub(super) fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = with(properties(deploy, OWN), properties(deploy, &["LoadBalancerArn"]));
    let input = with(input, json!({"Tags": super::tags(deploy)}));
    let made = call(tx, deploy, "CreateListener", input)?;
    let (_, arn) = first(&made, "Listeners", "ListenerArn");
    attributes(tx, deploy, &arn)?;
    Ok(Physical::new(arn.clone()).attribute("ListenerArn", arn))
}

fn attributes(tx: &mut Tx<'_>, deploy: &Deploy<'_>, arn: &str) -> Result<(), Fault> {
    let Some(given) = deploy.property("ListenerAttributes") else { return Ok(()) };
    call(tx, deploy, "ModifyListenerAttributes", json!({"ListenerArn": arn, "Attributes": given})).map(|_| ())
}

pub(super) fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = deploy.id()?.to_owned();
    let mut input = with(properties(deploy, OWN), json!({"ListenerArn": arn}));
    if deploy.property("MutualAuthentication").is_none() && changed(deploy, "MutualAuthentication") {
        input = with(input, json!({"MutualAuthentication": {"Mode": "off"}}));
    }
    call(tx, deploy, "ModifyListener", input)?;
    if changed(deploy, "ListenerAttributes") {
        attributes(tx, deploy, &arn)?;
    }
    Ok(deploy.physical.cloned().unwrap_or_default())
}

pub(super) fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone_already(call(tx, deploy, "DeleteListener", json!({"ListenerArn": deploy.id()?})))
}

fn certificates(of: Option<&Json>) -> Vec<Json> {
    of.and_then(|p| p.get("Certificates")).and_then(Json::as_array).cloned().unwrap_or_default()
}

fn each(tx: &mut Tx<'_>, deploy: &Deploy<'_>, operation: &str, certificates: &[Json]) -> Result<(), Fault> {
    for certificate in certificates {
        let input = with(json!({"Certificates": [certificate]}), properties(deploy, &["ListenerArn"]));
        let done = call(tx, deploy, operation, input);
        match operation {
            "RemoveListenerCertificates" => gone_already(done)?,
            _ => drop(done?),
        }
    }
    Ok(())
}

pub(super) fn create_certificates(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    each(tx, deploy, "AddListenerCertificates", &certificates(Some(deploy.properties)))?;
    let id = deploy.name(tx, 64);
    Ok(Physical::new(id.clone()).attribute("Id", id))
}

pub(super) fn update_certificates(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let (wanted, had) = (certificates(Some(deploy.properties)), certificates(deploy.previous));
    each(tx, deploy, "AddListenerCertificates", &wanted)?;
    let gone: Vec<Json> = had.into_iter().filter(|c| !wanted.contains(c)).collect();
    each(tx, deploy, "RemoveListenerCertificates", &gone)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

pub(super) fn delete_certificates(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    each(tx, deploy, "RemoveListenerCertificates", &certificates(Some(deploy.properties)))
}

pub(super) fn create_rule(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = properties(deploy, &["ListenerArn", "Actions", "Conditions", "Priority"]);
    let input = with(input, json!({"Tags": super::tags(deploy)}));
    let made = call(tx, deploy, "CreateRule", input)?;
    let (_, arn) = first(&made, "Rules", "RuleArn");
    Ok(Physical::new(arn.clone()).attribute("RuleArn", arn).attribute("IsDefault", false))
}

pub(super) fn update_rule(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = deploy.id()?.to_owned();
    let input = with(properties(deploy, &["Actions", "Conditions"]), json!({"RuleArn": arn}));
    call(tx, deploy, "ModifyRule", input)?;
    if changed(deploy, "Priority") {
        let pair = json!({"RuleArn": arn, "Priority": deploy.property("Priority")});
        call(tx, deploy, "SetRulePriorities", json!({"RulePriorities": [pair]}))?;
    }
    Ok(deploy.physical.cloned().unwrap_or_default())
}

pub(super) fn delete_rule(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone_already(call(tx, deploy, "DeleteRule", json!({"RuleArn": deploy.id()?})))
}
