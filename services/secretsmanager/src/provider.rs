//! `AWS::SecretsManager::Secret` and its policy in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tx, Value};
use serde_json::{Value as Json, json};

use crate::password;
use crate::shapes::GetRandomPasswordRequest;

pub(crate) const RESOURCES: &[Resource] = &[
    Resource { type_name: "AWS::SecretsManager::Secret", create, update, delete, ready: None },
    Resource {
        type_name: "AWS::SecretsManager::ResourcePolicy",
        create: put_policy,
        update: put_policy,
        delete: delete_policy,
        ready: None,
    },
];

fn call(tx: &mut Tx<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    let input = match input {
        Json::Object(map) => Json::Object(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    };
    tx.call("cloudformation.amazonaws.com", "secretsmanager", operation, Value::from_json(input))
}

fn id(deploy: &Deploy<'_>) -> Result<String, Fault> {
    deploy.physical.map(|p| p.id.clone()).ok_or_else(|| Fault::internal("the resource has no physical id"))
}

/// The value given, or one made of `GenerateSecretString`.
fn value(tx: &Tx<'_>, deploy: &Deploy<'_>) -> Result<Option<String>, Fault> {
    if let Some(text) = deploy.text("SecretString") {
        return Ok(Some(text.to_owned()));
    }
    let Some(made) = deploy.property("GenerateSecretString") else { return Ok(None) };
    let flag = |name: &str| made.get(name).and_then(Json::as_bool);
    let text = |name: &str| made.get(name).and_then(Json::as_str);
    let password = password::random(
        tx,
        &GetRandomPasswordRequest {
            password_length: made.get("PasswordLength").and_then(Json::as_i64),
            exclude_characters: text("ExcludeCharacters").map(str::to_owned),
            exclude_numbers: flag("ExcludeNumbers"),
            exclude_punctuation: flag("ExcludePunctuation"),
            exclude_uppercase: flag("ExcludeUppercase"),
            exclude_lowercase: flag("ExcludeLowercase"),
            include_space: flag("IncludeSpace"),
            require_each_included_type: flag("RequireEachIncludedType"),
        },
    )?;
    let Some(template) = text("SecretStringTemplate") else { return Ok(Some(password)) };
    let invalid = || {
        Fault::validation("SecretStringTemplate must be a JSON object, and GenerateStringKey a name in it")
    };
    let mut template: Json = serde_json::from_str(template).map_err(|_| invalid())?;
    let key = text("GenerateStringKey").ok_or_else(invalid)?;
    template.as_object_mut().ok_or_else(invalid)?.insert(key.to_owned(), Json::String(password));
    Ok(Some(template.to_string()))
}

fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    if deploy.property("ReplicaRegions").is_some() {
        return Err(Fault::validation("the property `ReplicaRegions` is not served by this runtime"));
    }
    let name = deploy.text("Name").map(str::to_owned).unwrap_or_else(|| deploy.name(tx, 200));
    let mut tags: Vec<Json> = deploy.tags.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
    tags.extend(deploy.property("Tags").and_then(Json::as_array).cloned().unwrap_or_default());
    let made = call(
        tx,
        "CreateSecret",
        json!({
            "Name": name,
            "Description": deploy.property("Description"),
            "KmsKeyId": deploy.property("KmsKeyId"),
            "SecretString": value(tx, deploy)?,
            "Tags": tags,
        }),
    )?;
    let arn = made.text("ARN").unwrap_or_default().to_owned();
    Ok(Physical::new(arn.clone()).attribute("Id", arn))
}

fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = id(deploy)?;
    let changed = |p: &str| deploy.previous.and_then(|old| old.get(p)) != deploy.property(p);
    // A generated value stays as it is unless its making has changed.
    let text =
        if changed("SecretString") || changed("GenerateSecretString") { value(tx, deploy)? } else { None };
    call(
        tx,
        "UpdateSecret",
        json!({
            "SecretId": arn,
            "Description": deploy.text("Description").unwrap_or_default(),
            "KmsKeyId": if changed("KmsKeyId") { deploy.property("KmsKeyId") } else { None },
            "SecretString": text,
        }),
    )?;
    if changed("Tags") {
        let gone = deploy.stale_tags("Tags");
        if !gone.is_empty() {
            call(tx, "UntagResource", json!({"SecretId": arn, "TagKeys": gone}))?;
        }
        let wanted = deploy.tags_with("Tags");
        let wanted: Vec<Json> = wanted.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect();
        call(tx, "TagResource", json!({"SecretId": arn, "Tags": wanted}))?;
    }
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn ignore_missing(outcome: Result<Value, Fault>) -> Result<(), Fault> {
    match outcome {
        Err(fault) if fault.code != "ResourceNotFoundException" => Err(fault),
        _ => Ok(()),
    }
}

fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let arn = id(deploy)?;
    ignore_missing(call(tx, "DeleteSecret", json!({"SecretId": arn, "ForceDeleteWithoutRecovery": true})))
}

fn put_policy(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let arn = deploy.text("SecretId").unwrap_or_default().to_owned();
    tx.source = deploy.source("/ResourcePolicy");
    let done = call(
        tx,
        "PutResourcePolicy",
        json!({
            "SecretId": arn,
            "ResourcePolicy": deploy.property("ResourcePolicy").map(ToString::to_string),
            "BlockPublicPolicy": deploy.property("BlockPublicPolicy"),
        }),
    );
    tx.source = None;
    done?;
    Ok(Physical::new(arn))
}

fn delete_policy(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let arn = id(deploy)?;
    ignore_missing(call(tx, "DeleteResourcePolicy", json!({"SecretId": arn})))
}
