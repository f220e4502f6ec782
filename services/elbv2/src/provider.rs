//! The resource types of this service in CloudFormation. Each step is a call of the service's own
//! operations, for the deployer.

mod balancer;
mod group;
mod listener;
mod store;

use model::{Deploy, Fault, Resource, Tx, Value};
use serde_json::{Value as Json, json};

pub(crate) const RESOURCES: &[Resource] = &[
    Resource {
        type_name: "AWS::ElasticLoadBalancingV2::LoadBalancer",
        create: balancer::create,
        update: balancer::update,
        delete: balancer::delete,
        ready: Some(balancer::ready),
    },
    Resource {
        type_name: "AWS::ElasticLoadBalancingV2::TargetGroup",
        create: group::create,
        update: group::update,
        delete: group::delete,
        ready: None,
    },
    Resource {
        type_name: "AWS::ElasticLoadBalancingV2::Listener",
        create: listener::create,
        update: listener::update,
        delete: listener::delete,
        ready: None,
    },
    Resource {
        type_name: "AWS::ElasticLoadBalancingV2::ListenerCertificate",
        create: listener::create_certificates,
        update: listener::update_certificates,
        delete: listener::delete_certificates,
        ready: None,
    },
    Resource {
        type_name: "AWS::ElasticLoadBalancingV2::ListenerRule",
        create: listener::create_rule,
        update: listener::update_rule,
        delete: listener::delete_rule,
        ready: None,
    },
    Resource {
        type_name: "AWS::ElasticLoadBalancingV2::TrustStore",
        create: store::create,
        update: store::update,
        delete: store::delete,
        ready: None,
    },
];

const SERVICE: &str = "elbv2";

fn call(tx: &mut Tx<'_>, deploy: &Deploy<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    deploy.call(tx, SERVICE, operation, input)
}

/// The first of what was made, and its ARN.
fn first(made: &Value, list: &str, arn: &str) -> (Value, String) {
    let one = made.get(list).and_then(Value::as_list).and_then(|l| l.first()).cloned().unwrap_or_default();
    let arn = one.text(arn).unwrap_or_default().to_owned();
    (one, arn)
}

fn changed(deploy: &Deploy<'_>, property: &str) -> bool {
    deploy.previous.and_then(|p| p.get(property)) != deploy.property(property)
}

/// The given members, each a property of the same name.
fn properties(deploy: &Deploy<'_>, names: &[&str]) -> Json {
    let some = |name: &&str| Some(((*name).to_owned(), deploy.property(name)?.clone()));
    Json::Object(names.iter().filter_map(some).collect())
}

/// The same with further members.
fn with(mut input: Json, more: Json) -> Json {
    if let (Some(input), Json::Object(more)) = (input.as_object_mut(), more) {
        input.extend(more.into_iter().filter(|(_, v)| !v.is_null()));
    }
    input
}

fn tags(deploy: &Deploy<'_>) -> Json {
    let tags = deploy.tags_with("Tags");
    match tags.is_empty() {
        true => Json::Null,
        false => tags.into_iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect(),
    }
}

/// Makes the tags of a resource those of the template.
fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>, arn: &str) -> Result<(), Fault> {
    let wanted = deploy.tags_with("Tags");
    let has = tx.snapshot().by_arn(arn).map(|n| n.tags().clone()).unwrap_or_default();
    let gone: Vec<&String> = has.keys().filter(|k| !wanted.contains_key(*k)).collect();
    if !gone.is_empty() {
        call(tx, deploy, "RemoveTags", json!({"ResourceArns": [arn], "TagKeys": gone}))?;
    }
    if !wanted.is_empty() && has != wanted {
        call(tx, deploy, "AddTags", json!({"ResourceArns": [arn], "Tags": tags(deploy)}))?;
    }
    Ok(())
}

fn gone_already(outcome: Result<Value, Fault>) -> Result<(), Fault> {
    match outcome {
        Err(fault) if !fault.code.ends_with("NotFound") => Err(fault),
        _ => Ok(()),
    }
}

/// What stands behind the type in an ARN: `app/NAME/ID`, `targetgroup/NAME/ID`.
fn full_name(arn: &str, but: &str) -> String {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    resource.strip_prefix(but).unwrap_or(resource).to_owned()
}

/// A name as CloudFormation makes it, within the 32 characters there are.
fn name(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> String {
    match deploy.text("Name") {
        Some(name) => name.to_owned(),
        None => {
            let random =
                tx.random_text(12, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
            let stack: String = deploy.stack_name.chars().take(6).collect();
            let logical: String = deploy.logical_id.chars().take(6).collect();
            let stack = stack.trim_matches('-').to_owned();
            format!("{stack}-{}-{random}", logical.trim_matches('-'))
        }
    }
}
