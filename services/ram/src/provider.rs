//! `AWS::RAM::ResourceShare` and `AWS::RAM::Permission` in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tx, Value};
use serde_json::{Value as Json, json};

pub(crate) const RESOURCES: &[Resource] = &[
    Resource {
        type_name: "AWS::RAM::ResourceShare",
        create: create_share,
        update: update_share,
        delete: delete_share,
        ready: None,
    },
    Resource {
        type_name: "AWS::RAM::Permission",
        create: create_permission,
        update: update_permission,
        delete: delete_permission,
        ready: None,
    },
];

fn call(tx: &mut Tx<'_>, deploy: &Deploy<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    deploy.call(tx, "ram", operation, input)
}

fn tags(deploy: &Deploy<'_>) -> Vec<Json> {
    deploy.tags_with("Tags").iter().map(|(k, v)| json!({"key": k, "value": v})).collect()
}

/// The facts of a share as an answer holds them; times as CloudFormation writes them.
fn share(made: &Value) -> Physical {
    let facts = made.get("resourceShare").cloned().unwrap_or_default();
    let text = |member: &str| facts.text(member).unwrap_or_default().to_owned();
    let time = |member: &str| match facts.get(member) {
        Some(Value::Time(time)) => time.to_rfc3339(),
        _ => String::new(),
    };
    Physical::new(text("resourceShareArn"))
        .attribute("Arn", text("resourceShareArn"))
        .attribute("CreationTime", time("creationTime"))
        .attribute("FeatureSet", text("featureSet"))
        .attribute("LastUpdatedTime", time("lastUpdatedTime"))
        .attribute("OwningAccountId", text("owningAccountId"))
        .attribute("Status", text("status"))
}

fn create_share(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = json!({
        "name": deploy.property("Name"),
        "allowExternalPrincipals": deploy.property("AllowExternalPrincipals"),
        "permissionArns": deploy.property("PermissionArns"),
        "principals": deploy.property("Principals"),
        "resourceArns": deploy.property("ResourceArns"),
        "tags": tags(deploy),
    });
    call(tx, deploy, "CreateResourceShare", input).map(|made| share(&made))
}

/// What a list has now and had not before, and the other way round.
fn difference(deploy: &Deploy<'_>, property: &str) -> (Vec<Json>, Vec<Json>) {
    let list = |of: Option<&Json>| of.and_then(Json::as_array).cloned().unwrap_or_default();
    let (old, new) = (list(deploy.previous.and_then(|p| p.get(property))), list(deploy.property(property)));
    let more = new.iter().filter(|n| !old.contains(n)).cloned().collect();
    (more, old.into_iter().filter(|o| !new.contains(o)).collect())
}

fn update_share(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = deploy.id()?.to_owned();
    let external = deploy.property("AllowExternalPrincipals").cloned().unwrap_or(json!(true));
    let name = deploy.property("Name");
    let change = json!({"resourceShareArn": arn, "name": name, "allowExternalPrincipals": external});
    let made = call(tx, deploy, "UpdateResourceShare", change)?;
    let (permissions, old_permissions) = difference(deploy, "PermissionArns");
    for permission in permissions {
        let input = json!({"resourceShareArn": arn, "permissionArn": permission, "replace": true});
        call(tx, deploy, "AssociateResourceSharePermission", input)?;
    }
    let (resources, old_resources) = difference(deploy, "ResourceArns");
    let (principals, old_principals) = difference(deploy, "Principals");
    // What leaves goes before what comes may be shared with it.
    let moves = [
        ("DisassociateResourceShare", old_resources, old_principals),
        ("AssociateResourceShare", resources, principals),
    ];
    for (operation, resources, principals) in moves {
        if !resources.is_empty() || !principals.is_empty() {
            let input = json!({"resourceShareArn": arn, "resourceArns": resources, "principals": principals});
            call(tx, deploy, operation, input)?;
        }
    }
    for permission in old_permissions {
        let input = json!({"resourceShareArn": arn, "permissionArn": permission});
        match call(tx, deploy, "DisassociateResourceSharePermission", input) {
            // Another has taken its place.
            Err(fault) if fault.code != "UnknownResourceException" => return Err(fault),
            _ => {}
        }
    }
    retag(tx, deploy, &arn)?;
    Ok(share(&made))
}

fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>, arn: &str) -> Result<(), Fault> {
    let gone = deploy.stale_tags("Tags");
    if !gone.is_empty() {
        call(tx, deploy, "UntagResource", json!({"resourceArn": arn, "tagKeys": gone}))?;
    }
    let wanted = tags(deploy);
    match wanted.is_empty() {
        true => Ok(()),
        false => call(tx, deploy, "TagResource", json!({"resourceArn": arn, "tags": wanted})).map(|_| ()),
    }
}

fn gone(done: Result<Value, Fault>) -> Result<(), Fault> {
    match done {
        Err(fault) if fault.code != "UnknownResourceException" => Err(fault),
        _ => Ok(()),
    }
}

fn delete_share(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let arn = deploy.id()?.to_owned();
    gone(call(tx, deploy, "DeleteResourceShare", json!({"resourceShareArn": arn})))
}

fn create_permission(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = json!({
        "name": deploy.property("Name"),
        "resourceType": deploy.property("ResourceType"),
        "policyTemplate": deploy.property("PolicyTemplate").map(ToString::to_string),
        "tags": tags(deploy),
    });
    let made = call(tx, deploy, "CreatePermission", input)?;
    let facts = made.get("permission").cloned().unwrap_or_default();
    let arn = facts.text("arn").unwrap_or_default().to_owned();
    Ok(Physical::new(arn.clone())
        .attribute("Arn", arn)
        .attribute("IsResourceTypeDefault", false)
        .attribute("PermissionType", facts.text("permissionType").unwrap_or_default())
        .attribute("Version", facts.text("version").unwrap_or_default()))
}

fn update_permission(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = deploy.id()?.to_owned();
    retag(tx, deploy, &arn)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete_permission(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let arn = deploy.id()?.to_owned();
    gone(call(tx, deploy, "DeletePermission", json!({"permissionArn": arn})))
}
