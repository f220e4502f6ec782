//! RDS in CloudFormation. An instance is complete once it is available; its attributes are
//! known only then.

use std::collections::BTreeMap;

use model::estate::rds::DbInstance;
use model::{Deploy, Fault, Physical, Ready, Resource, Tags, Tx, Value};
use serde_json::{Map, Value as Json, json};

use crate::{parameter, show};

pub(crate) const RESOURCES: &[Resource] = &[
    Resource {
        type_name: "AWS::RDS::DBInstance",
        create: create_instance,
        update: update_instance,
        delete: delete_instance,
        ready: Some(ready),
    },
    Resource {
        type_name: "AWS::RDS::DBSubnetGroup",
        create: create_subnet_group,
        update: update_subnet_group,
        delete: delete_subnet_group,
        ready: None,
    },
    Resource {
        type_name: "AWS::RDS::DBParameterGroup",
        create: create_parameter_group,
        update: update_parameter_group,
        delete: delete_parameter_group,
        ready: None,
    },
];

fn call(tx: &mut Tx<'_>, deploy: &Deploy<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    deploy.call(tx, "rds", operation, input)
}

fn list(tags: &Tags) -> Json {
    tags.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect()
}

/// Templates may write numbers and booleans as text.
fn whole(deploy: &Deploy<'_>, name: &str) -> Option<i64> {
    let value = deploy.property(name)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn truth(deploy: &Deploy<'_>, name: &str) -> Option<bool> {
    let value = deploy.property(name)?;
    value.as_bool().or_else(|| value.as_str()?.parse().ok())
}

fn changed(deploy: &Deploy<'_>, name: &str) -> bool {
    deploy.previous.and_then(|p| p.get(name)) != deploy.property(name)
}

/// A name that RDS takes: letters, digits and single hyphens.
fn name(tx: &mut Tx<'_>, deploy: &Deploy<'_>, property: &str, max: usize) -> String {
    match deploy.text(property) {
        Some(name) => name.to_ascii_lowercase(),
        None => deploy.name(tx, max).to_ascii_lowercase().replace("--", "-"),
    }
}

/// Members that both CreateDBInstance and ModifyDBInstance take.
fn common(deploy: &Deploy<'_>) -> Map<String, Json> {
    let mut input = Map::new();
    let texts = [
        "DBInstanceClass",
        "DBParameterGroupName",
        "EngineVersion",
        "LicenseModel",
        "NetworkType",
        "MasterUserPassword",
        "PreferredBackupWindow",
        "PreferredMaintenanceWindow",
        "StorageType",
        "CACertificateIdentifier",
    ];
    for name in texts {
        input.insert(name.to_owned(), json!(deploy.text(name)));
    }
    for name in [
        "AutoMinorVersionUpgrade",
        "CopyTagsToSnapshot",
        "DeletionProtection",
        "ManageMasterUserPassword",
        "MultiAZ",
        "PubliclyAccessible",
    ] {
        input.insert(name.to_owned(), json!(truth(deploy, name)));
    }
    for name in ["AllocatedStorage", "BackupRetentionPeriod"] {
        input.insert(name.to_owned(), json!(whole(deploy, name)));
    }
    let key = deploy.property("MasterUserSecret").and_then(|s| s.get("KmsKeyId"));
    input.insert("MasterUserSecretKmsKeyId".to_owned(), json!(key));
    input.insert("VpcSecurityGroupIds".to_owned(), json!(deploy.property("VPCSecurityGroups")));
    input.insert(
        "EnableIAMDatabaseAuthentication".to_owned(),
        json!(truth(deploy, "EnableIAMDatabaseAuthentication")),
    );
    input
}

fn create_instance(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let id = name(tx, deploy, "DBInstanceIdentifier", 63);
    let mut input = common(deploy);
    for name in ["AvailabilityZone", "DBName", "DBSubnetGroupName", "Engine", "KmsKeyId", "MasterUsername"] {
        input.insert(name.to_owned(), json!(deploy.text(name)));
    }
    input.insert("StorageEncrypted".to_owned(), json!(truth(deploy, "StorageEncrypted")));
    input.insert("Port".to_owned(), json!(whole(deploy, "Port")));
    input.insert("DBInstanceIdentifier".to_owned(), json!(id));
    let tags = deploy.tags_with("Tags");
    input.insert("Tags".to_owned(), list(&tags));
    call(tx, deploy, "CreateDBInstance", Json::Object(input))?;
    Ok(Physical { attributes: attributes(tx, &id), id })
}

/// What `Fn::GetAtt` gives, as far as it is known.
fn attributes(tx: &Tx<'_>, id: &str) -> BTreeMap<String, Json> {
    let Some(instance) = tx.find::<DbInstance>(id) else { return BTreeMap::new() };
    let known = [
        ("DBInstanceArn", Some(instance.arn())),
        ("DbiResourceId", Some(instance.resource_id.clone())),
        ("Endpoint.Address", instance.endpoint_port.map(|_| show::ADDRESS.to_owned())),
        ("Endpoint.Port", instance.endpoint_port.map(|p| p.to_string())),
        ("MasterUserSecret.SecretArn", instance.master_secret.as_ref().map(|s| s.arn.clone())),
    ];
    known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect()
}

fn ready(tx: &mut Tx<'_>, physical: &Physical) -> Result<Ready, Fault> {
    let Some(instance) = tx.find::<DbInstance>(&physical.id) else {
        return Ok(Ready::Failed(format!("DBInstance {} not found.", physical.id)));
    };
    Ok(match instance.status.as_str() {
        "available" => Ready::With(attributes(tx, &physical.id)),
        // Changed while stopped, it is as it should be.
        "stopped" => Ready::Yes,
        "failed" | "inaccessible-encryption-credentials-recoverable" => Ready::Failed(
            instance.reason.clone().unwrap_or_else(|| format!("the instance is {}", instance.status)),
        ),
        _ => Ready::NotYet,
    })
}

fn update_instance(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let id = deploy.id()?.to_owned();
    let mut input = common(deploy);
    // What the template did not change may have been changed by others since, and stays.
    let renamed = |member: &str| match member {
        "VpcSecurityGroupIds" => "VPCSecurityGroups".to_owned(),
        "MasterUserSecretKmsKeyId" => "MasterUserSecret".to_owned(),
        other => other.to_owned(),
    };
    input.retain(|member, _| changed(deploy, &renamed(member)));
    if changed(deploy, "Port") {
        input.insert("DBPortNumber".to_owned(), json!(whole(deploy, "Port")));
    }
    if !input.is_empty() {
        input.insert("DBInstanceIdentifier".to_owned(), json!(id));
        input.insert("ApplyImmediately".to_owned(), json!(true));
        call(tx, deploy, "ModifyDBInstance", Json::Object(input))?;
    }
    let arn = tx.find::<DbInstance>(&id).map(DbInstance::arn).unwrap_or_default();
    retag(tx, deploy, &arn)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

/// Brings the tags of the template's up to date.
fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>, arn: &str) -> Result<(), Fault> {
    if !changed(deploy, "Tags") {
        return Ok(());
    }
    let of = |value: Option<&Json>| {
        value.map(|v| model::service::tags_of(&Value::from_json(v.clone()))).unwrap_or_default()
    };
    let (old, new) = (of(deploy.previous.and_then(|p| p.get("Tags"))), of(deploy.property("Tags")));
    let gone: Vec<&String> = old.keys().filter(|k| !new.contains_key(*k)).collect();
    if !gone.is_empty() {
        call(tx, deploy, "RemoveTagsFromResource", json!({"ResourceName": arn, "TagKeys": gone}))?;
    }
    if !new.is_empty() {
        call(tx, deploy, "AddTagsToResource", json!({"ResourceName": arn, "Tags": list(&new)}))?;
    }
    Ok(())
}

fn gone(outcome: Result<Value, Fault>, codes: &[&str]) -> Result<(), Fault> {
    match outcome {
        Err(fault) if !codes.contains(&fault.code.as_ref()) => Err(fault),
        _ => Ok(()),
    }
}

fn delete_instance(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let id = deploy.id()?;
    if tx.find::<DbInstance>(id).is_none_or(|i| i.status == "deleting") {
        return Ok(());
    }
    let input = json!({"DBInstanceIdentifier": id, "SkipFinalSnapshot": true});
    gone(call(tx, deploy, "DeleteDBInstance", input), &["DBInstanceNotFound"])
}

fn create_subnet_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = name(tx, deploy, "DBSubnetGroupName", 255);
    let tags = deploy.tags_with("Tags");
    let input = json!({
        "DBSubnetGroupName": name,
        "DBSubnetGroupDescription": deploy.property("DBSubnetGroupDescription"),
        "SubnetIds": deploy.property("SubnetIds"),
        "Tags": list(&tags),
    });
    call(tx, deploy, "CreateDBSubnetGroup", input)?;
    Ok(Physical::new(name))
}

fn update_subnet_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.id()?.to_owned();
    let input = json!({
        "DBSubnetGroupName": name,
        "DBSubnetGroupDescription": deploy.property("DBSubnetGroupDescription"),
        "SubnetIds": deploy.property("SubnetIds"),
    });
    call(tx, deploy, "ModifyDBSubnetGroup", input)?;
    let arn = model::ids::arn("rds", &tx.region, &tx.account, &format!("subgrp:{name}"));
    retag(tx, deploy, &arn)?;
    Ok(Physical::new(name))
}

fn delete_subnet_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"DBSubnetGroupName": deploy.id()?});
    gone(call(tx, deploy, "DeleteDBSubnetGroup", input), &["DBSubnetGroupNotFoundFault"])
}

fn create_parameter_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = name(tx, deploy, "DBParameterGroupName", 255);
    let tags = deploy.tags_with("Tags");
    let input = json!({
        "DBParameterGroupName": name,
        "DBParameterGroupFamily": deploy.property("Family"),
        "Description": deploy.property("Description"),
        "Tags": list(&tags),
    });
    call(tx, deploy, "CreateDBParameterGroup", input)?;
    set_parameters(tx, deploy, &name)?;
    Ok(Physical::new(name.clone()).attribute("DBParameterGroupName", name))
}

fn method(name: &str) -> &'static str {
    if parameter::find(name).is_ok_and(|p| p.dynamic) { "immediate" } else { "pending-reboot" }
}

fn set_parameters(tx: &mut Tx<'_>, deploy: &Deploy<'_>, group: &str) -> Result<(), Fault> {
    let of = |value: Option<&Json>| value.and_then(Json::as_object).cloned().unwrap_or_default();
    let wanted = of(deploy.property("Parameters"));
    let before = of(deploy.previous.and_then(|p| p.get("Parameters")));
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let set: Vec<Json> = wanted
        .iter()
        .filter(|(name, value)| before.get(*name) != Some(*value))
        .map(|(name, value)| {
            json!({"ParameterName": name, "ParameterValue": text(value), "ApplyMethod": method(name)})
        })
        .collect();
    for some in set.chunks(20) {
        let input = json!({"DBParameterGroupName": group, "Parameters": some});
        call(tx, deploy, "ModifyDBParameterGroup", input)?;
    }
    let gone: Vec<Json> = before
        .keys()
        .filter(|name| !wanted.contains_key(*name))
        .map(|name| json!({"ParameterName": name, "ApplyMethod": method(name)}))
        .collect();
    if gone.is_empty() {
        return Ok(());
    }
    call(tx, deploy, "ResetDBParameterGroup", json!({"DBParameterGroupName": group, "Parameters": gone}))?;
    Ok(())
}

fn update_parameter_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = deploy.id()?.to_owned();
    set_parameters(tx, deploy, &name)?;
    let arn = model::ids::arn("rds", &tx.region, &tx.account, &format!("pg:{name}"));
    retag(tx, deploy, &arn)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete_parameter_group(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"DBParameterGroupName": deploy.id()?});
    gone(call(tx, deploy, "DeleteDBParameterGroup", input), &["DBParameterGroupNotFound"])
}
