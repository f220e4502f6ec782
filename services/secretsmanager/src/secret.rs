//! Secrets, their versions and stages.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::{AccountId, Effect, Fault, Node, PolicyText, Tags, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::content::{self, Content, Sealed};
use crate::shapes::*;

pub(crate) const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Secret {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) arn: String,
    pub(crate) description: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) changed: Timestamp,
    /// When its deletion was asked for, and when it will be carried out.
    pub(crate) deleted: Option<(Timestamp, Timestamp)>,
    pub(crate) tags: Tags,
    pub(crate) policy: Option<PolicyText>,
    pub(crate) versions: Vec<Version>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) stages: Vec<String>,
    pub(crate) created: Timestamp,
    pub(crate) sealed: Sealed,
    /// SHA-256 of the value, sealed: tells a repeated request from another.
    pub(crate) digest: String,
}

impl Node for Secret {
    const KIND: &'static str = "AWS::SecretsManager::Secret";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.name
    }
    fn arn(&self) -> Option<String> {
        Some(self.arn.clone())
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn policy(&self) -> Option<&PolicyText> {
        self.policy.as_ref()
    }
}

/// By name, ARN, or ARN without its six random characters.
pub(crate) fn lookup<'a>(
    snapshot: &'a model::Snapshot,
    account: &AccountId,
    region: &str,
    id: &str,
) -> Option<&'a Secret> {
    let Some(arn) = model::Arn::parse(id) else { return snapshot.find::<Secret>(account, region, id) };
    if let Some(secret) = snapshot.find_arn::<Secret>(id) {
        return Some(secret);
    }
    let owner = AccountId::parse(arn.account)?;
    snapshot.find::<Secret>(&owner, arn.region, arn.resource.strip_prefix("secret:")?)
}

pub(crate) fn any(tx: &Tx<'_>, id: &str) -> Result<Secret, Fault> {
    let missing =
        || Fault::client("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
    lookup(tx.snapshot(), &tx.account, &tx.region, id).cloned().ok_or_else(missing)
}

/// One that is not about to be deleted.
pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<Secret, Fault> {
    let secret = any(tx, id)?;
    match secret.deleted {
        Some(_) => Err(Fault::client(
            "InvalidRequestException",
            "You can't perform this operation on the secret because it was marked for deletion.",
        )),
        None => Ok(secret),
    }
}

fn digest(content: &Content) -> Result<Vec<u8>, Fault> {
    let text = serde_json::to_vec(content).map_err(|_| Fault::internal("a secret cannot be encoded"))?;
    Ok(ring::digest::digest(&ring::digest::SHA256, &text).as_ref().to_vec())
}

const PURPOSE: &str = "secret-digest";

/// A digest is sealed: of a weak secret it would tell too much.
fn sealed_digest(tx: &Tx<'_>, version: &str, content: &Content) -> Result<String, Fault> {
    Ok(STANDARD.encode(tx.seal(PURPOSE, version.as_bytes(), &digest(content)?)?))
}

/// Whether a version holds this value.
fn same(tx: &Tx<'_>, version: &Version, content: &Content) -> Result<bool, Fault> {
    let sealed =
        STANDARD.decode(&version.digest).map_err(|_| Fault::internal("a secret's digest cannot be read"))?;
    let kept = tx.unseal(PURPOSE, version.id.as_bytes(), &sealed)?;
    let given = digest(content)?;
    // Compared in constant time.
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &kept);
    let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &given), b"");
    Ok(ring::hmac::verify(&key, b"", tag.as_ref()).is_ok())
}

fn content(text: Option<String>, binary: Option<Bytes>) -> Result<Option<Content>, Fault> {
    match (text, binary) {
        (Some(_), Some(_)) => Err(Fault::client(
            "InvalidParameterException",
            "You can't specify both a binary secret value and a string secret value in the same secret.",
        )),
        (Some(text), None) => Ok(Some(Content::Text(text))),
        (None, Some(bytes)) => Ok(Some(Content::Binary(STANDARD.encode(bytes)))),
        (None, None) => Ok(None),
    }
}

/// Adds a version, and moves stages to it. The same token with the same value changes nothing.
fn add(
    tx: &mut Tx<'_>,
    secret: &mut Secret,
    token: Option<String>,
    content: &Content,
    stages: &[String],
) -> Result<String, Fault> {
    let id = token.unwrap_or_else(|| tx.uuid());
    if let Some(old) = secret.versions.iter().find(|v| v.id == id) {
        return match same(tx, old, content)? {
            true => Ok(id),
            false => Err(Fault::client(
                "ResourceExistsException",
                "You can't use ClientRequestToken again for a version with another secret value.",
            )),
        };
    }
    let sealed = content::seal(tx, secret.key.as_deref(), &secret.arn, &id, content)?;
    let digest = sealed_digest(tx, &id, content)?;
    secret.versions.push(Version { id: id.clone(), stages: Vec::new(), created: tx.now, sealed, digest });
    for stage in stages {
        stage_to(secret, stage, Some(&id));
    }
    secret.changed = tx.now;
    // Versions without a stage are of no use to anybody.
    secret.versions.retain(|v| !v.stages.is_empty());
    Ok(id)
}

/// Moves a stage; what was current becomes previous.
fn stage_to(secret: &mut Secret, stage: &str, to: Option<&str>) {
    let from = secret.versions.iter().find(|v| v.stages.iter().any(|s| s == stage)).map(|v| v.id.clone());
    for version in &mut secret.versions {
        version.stages.retain(|s| s != stage);
        if Some(version.id.as_str()) == to {
            version.stages.push(stage.to_owned());
        }
    }
    if stage == CURRENT && from.is_some() && from.as_deref() != to {
        stage_to(secret, PREVIOUS, from.as_deref());
    }
}

fn tags(list: Option<Vec<Tag>>) -> Tags {
    list.unwrap_or_default().into_iter().filter_map(|t| Some((t.key?, t.value.unwrap_or_default()))).collect()
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>
pub(crate) fn create_secret(
    tx: &mut Tx<'_>,
    input: CreateSecretRequest,
) -> Result<CreateSecretResponse, Fault> {
    let name = input.name;
    // Services mark the secrets that they manage: `rds!db-...`.
    let managed = !tx.request().via.is_empty();
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"/_+=.@-".contains(&b) || (managed && b == b'!');
    if !name.bytes().all(fits) {
        return Err(Fault::validation(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ));
    }
    if input.add_replica_regions.is_some() {
        return Err(Fault::client("InvalidParameterException", "replicas are not served by this runtime"));
    }
    let value = content(input.secret_string, input.secret_binary)?;
    if let Some(old) = tx.find::<Secret>(&name) {
        if old.deleted.is_some() {
            return Err(Fault::client(
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            ));
        }
        let (arn, repeated) = (
            old.arn.clone(),
            input.client_request_token.as_ref().and_then(|t| old.versions.iter().find(|v| v.id == *t)),
        );
        let unchanged = match (&value, repeated) {
            (Some(content), Some(version)) => same(tx, version, content)?,
            _ => false,
        };
        return match unchanged {
            true => Ok(CreateSecretResponse {
                arn: Some(arn),
                name: Some(name),
                version_id: input.client_request_token,
                replication_status: None,
            }),
            false => Err(Fault::client(
                "ResourceExistsException",
                format!("The operation failed because the secret {name} already exists."),
            )),
        };
    }
    let suffix = tx.random_text(6, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    let arn = model::ids::arn("secretsmanager", &tx.region, &tx.account, &format!("secret:{name}-{suffix}"));
    let mut secret = Secret {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name: name.clone(),
        arn: arn.clone(),
        description: input.description,
        key: input.kms_key_id,
        created: tx.now,
        changed: tx.now,
        deleted: None,
        tags: tags(input.tags),
        policy: None,
        versions: Vec::new(),
    };
    let version_id = match &value {
        Some(content) => {
            Some(add(tx, &mut secret, input.client_request_token, content, &[CURRENT.to_owned()])?)
        }
        None => None,
    };
    tx.put(secret)?;
    Ok(CreateSecretResponse { arn: Some(arn), name: Some(name), version_id, replication_status: None })
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html>
pub(crate) fn get_secret_value(
    tx: &mut Tx<'_>,
    input: GetSecretValueRequest,
) -> Result<GetSecretValueResponse, Fault> {
    let secret = find(tx, &input.secret_id)?;
    let stage = input.version_stage.as_deref().or(input.version_id.is_none().then_some(CURRENT));
    let fits = |v: &&Version| {
        input.version_id.as_ref().is_none_or(|id| v.id == *id)
            && stage.is_none_or(|s| v.stages.iter().any(|have| have == s))
    };
    let missing = || {
        let what = input.version_id.as_ref().map_or_else(
            || format!("staging label: {}", stage.unwrap_or_default()),
            |id| format!("VersionId: {id}"),
        );
        Fault::client(
            "ResourceNotFoundException",
            format!("Secrets Manager can't find the specified secret value for {what}"),
        )
    };
    let version = secret.versions.iter().find(fits).cloned().ok_or_else(missing)?;
    let (secret_string, secret_binary) = match content::open(tx, &secret.arn, &version.id, &version.sealed)? {
        Content::Text(text) => (Some(text), None),
        Content::Binary(binary) => (None, STANDARD.decode(binary).ok().map(Bytes::from)),
    };
    Ok(GetSecretValueResponse {
        arn: Some(secret.arn),
        name: Some(secret.name),
        version_id: Some(version.id),
        secret_binary,
        secret_string,
        version_stages: Some(version.stages),
        created_date: Some(version.created),
    })
}

pub(crate) fn put_secret_value(
    tx: &mut Tx<'_>,
    input: PutSecretValueRequest,
) -> Result<PutSecretValueResponse, Fault> {
    let mut secret = find(tx, &input.secret_id)?;
    let missing = || {
        Fault::client("InvalidParameterException", "You must provide either SecretString or SecretBinary.")
    };
    let value = content(input.secret_string, input.secret_binary)?.ok_or_else(missing)?;
    let stages = input.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
    let id = add(tx, &mut secret, input.client_request_token, &value, &stages)?;
    let version_stages = secret.versions.iter().find(|v| v.id == id).map(|v| v.stages.clone());
    let (arn, name) = (Some(secret.arn.clone()), Some(secret.name.clone()));
    tx.put(secret)?;
    Ok(PutSecretValueResponse { arn, name, version_id: Some(id), version_stages })
}

pub(crate) fn update_secret(
    tx: &mut Tx<'_>,
    input: UpdateSecretRequest,
) -> Result<UpdateSecretResponse, Fault> {
    let mut secret = find(tx, &input.secret_id)?;
    secret.description = input.description.or(secret.description);
    if let Some(key) = input.kms_key_id.filter(|k| secret.key.as_ref() != Some(k)) {
        // What is readable under the old key is sealed anew under the new one.
        let mut opened = Vec::new();
        for version in &secret.versions {
            opened.push(content::open(tx, &secret.arn, &version.id, &version.sealed)?);
        }
        for (version, content) in secret.versions.iter_mut().zip(opened) {
            version.sealed = content::seal(tx, Some(&key), &secret.arn, &version.id, &content)?;
        }
        secret.key = Some(key);
    }
    let version_id = match content(input.secret_string, input.secret_binary)? {
        Some(value) => Some(add(tx, &mut secret, input.client_request_token, &value, &[CURRENT.to_owned()])?),
        None => None,
    };
    let (arn, name) = (Some(secret.arn.clone()), Some(secret.name.clone()));
    tx.put(secret)?;
    Ok(UpdateSecretResponse { arn, name, version_id })
}

pub(crate) fn update_secret_version_stage(
    tx: &mut Tx<'_>,
    input: UpdateSecretVersionStageRequest,
) -> Result<UpdateSecretVersionStageResponse, Fault> {
    let mut secret = find(tx, &input.secret_id)?;
    let holder =
        secret.versions.iter().find(|v| v.stages.contains(&input.version_stage)).map(|v| v.id.clone());
    if holder.is_some() && holder != input.remove_from_version_id && holder != input.move_to_version_id {
        return Err(Fault::client(
            "InvalidParameterException",
            "The parameter RemoveFromVersionId must be the version that has the staging label now.",
        ));
    }
    if input.version_stage == CURRENT && input.move_to_version_id.is_none() {
        return Err(Fault::client(
            "InvalidParameterException",
            "You can't remove the staging label AWSCURRENT from a secret; move it to another version.",
        ));
    }
    if input.move_to_version_id.as_ref().is_some_and(|id| !secret.versions.iter().any(|v| v.id == *id)) {
        return Err(Fault::client(
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret version.",
        ));
    }
    stage_to(&mut secret, &input.version_stage, input.move_to_version_id.as_deref());
    let (arn, name) = (Some(secret.arn.clone()), Some(secret.name.clone()));
    tx.put(secret)?;
    Ok(UpdateSecretVersionStageResponse { arn, name })
}

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html>
pub(crate) fn delete_secret(
    tx: &mut Tx<'_>,
    input: DeleteSecretRequest,
) -> Result<DeleteSecretResponse, Fault> {
    let force = input.force_delete_without_recovery == Some(true);
    if force && input.recovery_window_in_days.is_some() {
        return Err(Fault::client(
            "InvalidParameterException",
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    let mut secret = if force { any(tx, &input.secret_id)? } else { find(tx, &input.secret_id)? };
    let (arn, name) = (Some(secret.arn.clone()), Some(secret.name.clone()));
    if force {
        tx.remove(&secret)?;
        return Ok(DeleteSecretResponse { arn, name, deletion_date: Some(tx.now) });
    }
    let days = input.recovery_window_in_days.unwrap_or(30);
    if !(7..=30).contains(&days) {
        return Err(Fault::client(
            "InvalidParameterException",
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    let at = tx.now.plus_seconds(days * 86_400);
    secret.deleted = Some((tx.now, at));
    let payload = serde_json::json!({"arn": secret.arn});
    tx.effect(Effect::Schedule {
        id: secret.arn.clone(),
        at,
        service: "secretsmanager".to_owned(),
        job: "DeleteSecret".to_owned(),
        payload,
    })?;
    tx.put(secret)?;
    Ok(DeleteSecretResponse { arn, name, deletion_date: Some(at) })
}

pub(crate) fn delete_due(tx: &mut Tx<'_>, payload: serde_json::Value) -> Result<(), Fault> {
    let arn = payload.get("arn").and_then(serde_json::Value::as_str).unwrap_or_default();
    match tx.find_arn::<Secret>(arn).cloned() {
        Some(secret) if secret.deleted.is_some_and(|(_, at)| at <= tx.now) => tx.remove(&secret),
        _ => Ok(()),
    }
}

pub(crate) fn restore_secret(
    tx: &mut Tx<'_>,
    input: RestoreSecretRequest,
) -> Result<RestoreSecretResponse, Fault> {
    let mut secret = any(tx, &input.secret_id)?;
    secret.deleted = None;
    tx.effect(Effect::Unschedule { id: secret.arn.clone() })?;
    let (arn, name) = (Some(secret.arn.clone()), Some(secret.name.clone()));
    tx.put(secret)?;
    Ok(RestoreSecretResponse { arn, name })
}

pub(crate) fn tag_resource(tx: &mut Tx<'_>, input: TagResourceRequest) -> Result<(), Fault> {
    let mut secret = find(tx, &input.secret_id)?;
    secret.tags.extend(tags(Some(input.tags)));
    tx.put(secret)
}

pub(crate) fn untag_resource(tx: &mut Tx<'_>, input: UntagResourceRequest) -> Result<(), Fault> {
    let mut secret = find(tx, &input.secret_id)?;
    secret.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(secret)
}
