//! Keys: the node, its life, its material.

use model::policy::PolicyCheck;
use model::{AccountId, CallerKind, Effect, Fault, Node, PolicyText, Tags, Timestamp, Tx, Value};
use serde::{Deserialize, Serialize};

use crate::alias::Alias;
use crate::shapes::*;
use crate::{grant, policy, token};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    /// A UUID.
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) spec: Spec,
    pub(crate) state: State,
    pub(crate) created: Timestamp,
    pub(crate) policy: PolicyText,
    pub(crate) tags: Tags,
    /// The number of the newest key material; older ones still decrypt.
    pub(crate) version: u32,
    pub(crate) rotation: Option<Rotation>,
    /// Made for a service (`alias/aws/...`); customers can use it but not change it.
    pub(crate) aws_managed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Spec {
    Symmetric,
    Hmac224,
    Hmac256,
    Hmac384,
    Hmac512,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Enabled,
    Disabled,
    PendingDeletion { at: Timestamp, days: i64 },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rotation {
    pub(crate) days: i64,
    pub(crate) next: Timestamp,
}

impl Node for Key {
    const KIND: &'static str = "AWS::KMS::Key";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.id
    }
    fn arn(&self) -> Option<String> {
        Some(self.arn())
    }
    fn global_name(&self) -> Option<String> {
        Some(format!("kms-key/{}", self.id))
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn policy(&self) -> Option<&PolicyText> {
        Some(&self.policy)
    }
}

impl Spec {
    fn parse(name: &str) -> Option<Spec> {
        Some(match name {
            "SYMMETRIC_DEFAULT" => Spec::Symmetric,
            "HMAC_224" => Spec::Hmac224,
            "HMAC_256" => Spec::Hmac256,
            "HMAC_384" => Spec::Hmac384,
            "HMAC_512" => Spec::Hmac512,
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Spec::Symmetric => "SYMMETRIC_DEFAULT",
            Spec::Hmac224 => "HMAC_224",
            Spec::Hmac256 => "HMAC_256",
            Spec::Hmac384 => "HMAC_384",
            Spec::Hmac512 => "HMAC_512",
        }
    }

    pub(crate) fn usage(self) -> &'static str {
        match self {
            Spec::Symmetric => "ENCRYPT_DECRYPT",
            _ => "GENERATE_VERIFY_MAC",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Spec::Symmetric | Spec::Hmac256 => 32,
            Spec::Hmac224 => 28,
            Spec::Hmac384 => 48,
            Spec::Hmac512 => 64,
        }
    }
}

impl Key {
    pub(crate) fn arn(&self) -> String {
        model::ids::arn("kms", &self.region, &self.account, &format!("key/{}", self.id))
    }

    /// Refuses use of a key that is disabled or about to be deleted.
    pub(crate) fn usable(&self) -> Result<(), Fault> {
        match self.state {
            State::Enabled => Ok(()),
            State::Disabled => {
                Err(Fault::client("DisabledException", format!("{} is disabled.", self.arn())))
            }
            State::PendingDeletion { .. } => Err(pending(self)),
        }
    }

    fn not_pending(&self) -> Result<(), Fault> {
        match self.state {
            State::PendingDeletion { .. } => Err(pending(self)),
            _ => Ok(()),
        }
    }
}

fn pending(key: &Key) -> Fault {
    Fault::client("KMSInvalidStateException", format!("{} is pending deletion.", key.arn()))
}

pub(crate) fn not_found(id: &str) -> Fault {
    let what = if id.contains("alias/") {
        format!("Alias {id} is not found.")
    } else {
        format!("Key '{id}' does not exist")
    };
    Fault::client("NotFoundException", what)
}

/// The key that an id, a key ARN, an alias or an alias ARN names.
pub(crate) fn resolve<'a>(
    snapshot: &'a model::Snapshot,
    account: &AccountId,
    region: &str,
    id: &str,
) -> Option<&'a Key> {
    if let Some(arn) = model::Arn::parse(id) {
        return match arn.resource.starts_with("alias/") {
            true => snapshot.find_arn::<Key>(&snapshot.find_arn::<Alias>(id)?.key_arn),
            false => snapshot.find_arn::<Key>(id),
        };
    }
    if id.starts_with("alias/") {
        return snapshot.find_arn::<Key>(&snapshot.find::<Alias>(account, region, id)?.key_arn);
    }
    snapshot.find::<Key>(account, region, id)
}

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<Key, Fault> {
    resolve(tx.snapshot(), &tx.account, &tx.region, id).cloned().ok_or_else(|| not_found(id))
}

/// Management calls take no alias.
fn find_own(tx: &Tx<'_>, id: &str) -> Result<Key, Fault> {
    if id.contains("alias/") {
        return Err(Fault::client("InvalidArnException", format!("Invalid keyId {id}")));
    }
    let key = find(tx, id)?;
    match key.aws_managed {
        true => Err(Fault::access_denied(format!(
            "User: {} is not authorized to change the AWS managed key {}",
            tx.caller().arn,
            key.arn()
        ))),
        false => Ok(key),
    }
}

pub(crate) fn tags_of(tags: Option<Vec<Tag>>) -> Result<Tags, Fault> {
    let mut found = Tags::new();
    for tag in tags.unwrap_or_default() {
        if tag.tag_key.starts_with("aws:") && !tag.tag_key.starts_with("aws:cloudformation:") {
            return Err(Fault::client(
                "TagException",
                "aws: prefixed tag key names are not allowed for external use.",
            ));
        }
        if found.insert(tag.tag_key, tag.tag_value).is_some() {
            return Err(Fault::client("TagException", "Duplicate tag keys"));
        }
    }
    Ok(found)
}

pub(crate) fn metadata(key: &Key) -> KeyMetadata {
    let (state, deletion) = match key.state {
        State::Enabled => ("Enabled", None),
        State::Disabled => ("Disabled", None),
        State::PendingDeletion { at, .. } => ("PendingDeletion", Some(at)),
    };
    let symmetric = key.spec == Spec::Symmetric;
    KeyMetadata {
        aws_account_id: Some(key.account.to_string()),
        key_id: key.id.clone(),
        arn: Some(key.arn()),
        creation_date: Some(key.created),
        enabled: Some(key.state == State::Enabled),
        description: Some(key.description.clone()),
        key_usage: Some(key.spec.usage().to_owned()),
        key_state: Some(state.to_owned()),
        deletion_date: deletion,
        origin: Some("AWS_KMS".to_owned()),
        key_manager: Some(if key.aws_managed { "AWS" } else { "CUSTOMER" }.to_owned()),
        customer_master_key_spec: Some(key.spec.name().to_owned()),
        key_spec: Some(key.spec.name().to_owned()),
        encryption_algorithms: symmetric.then(|| vec!["SYMMETRIC_DEFAULT".to_owned()]),
        mac_algorithms: (!symmetric).then(|| vec![key.spec.name().replace('_', "_SHA_")]),
        multi_region: Some(false),
        ..KeyMetadata::default()
    }
}

/// The table of sealed key material, by key ARN and version.
const MATERIAL: &str = "kms/material";

fn material_key(arn: &str, version: u32) -> Vec<u8> {
    [arn.as_bytes(), &[0], &version.to_be_bytes()].concat()
}

fn make_material(tx: &mut Tx<'_>, key: &Key) -> Result<(), Fault> {
    let mut bytes = tx.random::<64>().to_vec();
    bytes.truncate(key.spec.bytes());
    let place = material_key(&key.arn(), key.version);
    let sealed = tx.seal("kms", &place, &bytes)?;
    tx.put_record(MATERIAL, &place, sealed)
}

/// The plaintext material of one version.
pub(crate) fn material(tx: &Tx<'_>, key: &Key, version: u32) -> Result<Vec<u8>, Fault> {
    let place = material_key(&key.arn(), version);
    let gone =
        || Fault::client("KeyUnavailableException", format!("the key material of {} is gone", key.arn()));
    tx.unseal("kms", &place, &tx.record(MATERIAL, &place)?.ok_or_else(gone)?)
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html>
pub(crate) fn create_key(tx: &mut Tx<'_>, input: CreateKeyRequest) -> Result<CreateKeyResponse, Fault> {
    let spec =
        input.key_spec.or(input.customer_master_key_spec).unwrap_or_else(|| "SYMMETRIC_DEFAULT".to_owned());
    let unsupported = |what: String| Fault::client("UnsupportedOperationException", what);
    let known = Spec::parse(&spec)
        .ok_or_else(|| unsupported(format!("keys of spec `{spec}` are not served by this runtime")))?;
    if input.key_usage.as_deref().is_some_and(|usage| usage != known.usage())
        || (known != Spec::Symmetric && input.key_usage.is_none())
    {
        let usage = input.key_usage.unwrap_or_else(|| "ENCRYPT_DECRYPT".to_owned());
        return Err(Fault::validation(format!("KeyUsage {usage} is not compatible with KeySpec {spec}")));
    }
    if input.origin.as_deref().is_some_and(|o| o != "AWS_KMS") || input.multi_region == Some(true) {
        return Err(unsupported(
            "imported, custom-store and multi-Region keys are not served by this runtime".to_owned(),
        ));
    }
    let text = input.policy.unwrap_or_else(|| policy::default(&tx.account));
    let key = Key {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: tx.uuid(),
        description: input.description.unwrap_or_default(),
        spec: known,
        state: State::Enabled,
        created: tx.now,
        policy: PolicyText::new(text, tx.source.clone()),
        tags: tags_of(input.tags)?,
        version: 1,
        rotation: None,
        aws_managed: false,
    };
    policy::check(tx, &key, input.bypass_policy_lockout_safety_check == Some(true))?;
    make_material(tx, &key)?;
    let shown = metadata(&key);
    tx.put(key)?;
    Ok(CreateKeyResponse { key_metadata: Some(shown) })
}

/// The key of a service (`alias/aws/s3`), made when it is first needed. Only the service itself asks.
pub(crate) fn ensure_managed_key(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let name = input.text("Alias").unwrap_or_default().to_owned();
    let CallerKind::Service { name: service } = tx.caller().kind.clone() else {
        return Err(Fault::access_denied("only services have keys of their own"));
    };
    let short = service.split('.').next().unwrap_or_default();
    if name != format!("alias/aws/{short}") {
        return Err(Fault::access_denied(format!("`{service}` may not have a key named `{name}`")));
    }
    if tx.find::<Alias>(&name).is_some() {
        return Ok(Value::Null);
    }
    let text = policy::managed(&tx.account, &tx.region, short);
    tx.host().policies().check(PolicyCheck::Resource, &text)?;
    let key = Key {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: tx.uuid(),
        description: format!("Default key that protects my {short} data when no other key is defined"),
        spec: Spec::Symmetric,
        state: State::Enabled,
        created: tx.now,
        policy: PolicyText::new(text, None),
        tags: Tags::new(),
        version: 1,
        rotation: None,
        aws_managed: true,
    };
    make_material(tx, &key)?;
    tx.put(Alias {
        account: key.account.clone(),
        region: key.region.clone(),
        name,
        key_arn: key.arn(),
        created: tx.now,
        updated: tx.now,
    })?;
    tx.put(key)?;
    Ok(Value::Null)
}

pub(crate) fn describe_key(tx: &mut Tx<'_>, input: DescribeKeyRequest) -> Result<DescribeKeyResponse, Fault> {
    token::check(tx, input.grant_tokens.as_deref())?;
    Ok(DescribeKeyResponse { key_metadata: Some(metadata(&find(tx, &input.key_id)?)) })
}

/// A page: at most `limit`, behind `marker`, which is the last id shown.
pub(crate) fn page<T>(
    items: impl Iterator<Item = T>,
    id: impl Fn(&T) -> String,
    marker: Option<&str>,
    limit: Option<i64>,
) -> (Vec<T>, Option<String>) {
    let limit = limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(100);
    let mut found: Vec<T> =
        items.filter(|item| marker.is_none_or(|m| id(item).as_str() > m)).take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = if more { found.last().map(id) } else { None };
    (found, next)
}

pub(crate) fn list_keys(tx: &mut Tx<'_>, input: ListKeysRequest) -> Result<ListKeysResponse, Fault> {
    let (keys, next) = page(tx.list::<Key>(), |k| k.id.clone(), input.marker.as_deref(), input.limit);
    let keys = keys
        .into_iter()
        .map(|k| KeyListEntry { key_id: Some(k.id.clone()), key_arn: Some(k.arn()) })
        .collect();
    Ok(ListKeysResponse { keys: Some(keys), truncated: Some(next.is_some()), next_marker: next })
}

pub(crate) fn enable_key(tx: &mut Tx<'_>, input: EnableKeyRequest) -> Result<(), Fault> {
    let mut key = find_own(tx, &input.key_id)?;
    key.not_pending()?;
    key.state = State::Enabled;
    tx.put(key)
}

pub(crate) fn disable_key(tx: &mut Tx<'_>, input: DisableKeyRequest) -> Result<(), Fault> {
    let mut key = find_own(tx, &input.key_id)?;
    key.not_pending()?;
    key.state = State::Disabled;
    tx.put(key)
}

pub(crate) fn update_key_description(
    tx: &mut Tx<'_>,
    input: UpdateKeyDescriptionRequest,
) -> Result<(), Fault> {
    let mut key = find_own(tx, &input.key_id)?;
    key.not_pending()?;
    key.description = input.description;
    tx.put(key)
}

fn deletion_job(key: &Key) -> String {
    format!("kms/delete/{}", key.id)
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html>
pub(crate) fn schedule_key_deletion(
    tx: &mut Tx<'_>,
    input: ScheduleKeyDeletionRequest,
) -> Result<ScheduleKeyDeletionResponse, Fault> {
    let mut key = find_own(tx, &input.key_id)?;
    key.not_pending()?;
    let days = input.pending_window_in_days.unwrap_or(30);
    if !(7..=30).contains(&days) {
        return Err(Fault::validation("PendingWindowInDays must be between 7 and 30"));
    }
    let at = tx.now.plus_seconds(days * 86_400);
    key.state = State::PendingDeletion { at, days };
    tx.effect(Effect::Schedule {
        id: deletion_job(&key),
        at,
        service: "kms".to_owned(),
        job: "DeleteKey".to_owned(),
        payload: serde_json::json!({"arn": key.arn()}),
    })?;
    let arn = key.arn();
    tx.put(key)?;
    Ok(ScheduleKeyDeletionResponse {
        key_id: Some(arn),
        deletion_date: Some(at),
        key_state: Some("PendingDeletion".to_owned()),
        pending_window_in_days: Some(days),
    })
}

pub(crate) fn cancel_key_deletion(
    tx: &mut Tx<'_>,
    input: CancelKeyDeletionRequest,
) -> Result<CancelKeyDeletionResponse, Fault> {
    let mut key = find_own(tx, &input.key_id)?;
    if !matches!(key.state, State::PendingDeletion { .. }) {
        return Err(Fault::client(
            "KMSInvalidStateException",
            format!("{} is not pending deletion.", key.arn()),
        ));
    }
    key.state = State::Disabled;
    tx.effect(Effect::Unschedule { id: deletion_job(&key) })?;
    let arn = key.arn();
    tx.put(key)?;
    Ok(CancelKeyDeletionResponse { key_id: Some(arn) })
}

fn due(tx: &Tx<'_>, payload: &serde_json::Value) -> Option<Key> {
    tx.find_arn::<Key>(payload.get("arn")?.as_str()?).cloned()
}

/// The window has passed: the material goes, and with it everything that was encrypted under it.
pub(crate) fn delete_due(tx: &mut Tx<'_>, payload: serde_json::Value) -> Result<(), Fault> {
    let Some(key) = due(tx, &payload) else { return Ok(()) };
    if !matches!(key.state, State::PendingDeletion { at, .. } if at <= tx.now) {
        return Ok(());
    }
    for version in 1..=key.version {
        tx.remove_record(MATERIAL, &material_key(&key.arn(), version))?;
    }
    let arn = key.arn();
    let aliases: Vec<Alias> = tx
        .snapshot()
        .list::<Alias>(&key.account, &key.region)
        .filter(|a| a.key_arn == arn)
        .cloned()
        .collect();
    for alias in aliases {
        tx.remove(&alias)?;
    }
    grant::remove_all(tx, &key)?;
    tx.remove(&key)
}

fn rotate(tx: &mut Tx<'_>, mut key: Key) -> Result<(), Fault> {
    key.version += 1;
    make_material(tx, &key)?;
    if let Some(rotation) = &mut key.rotation {
        rotation.next = tx.now.plus_seconds(rotation.days * 86_400);
        schedule_rotation(tx, &key)?;
    }
    tx.put(key)
}

fn schedule_rotation(tx: &mut Tx<'_>, key: &Key) -> Result<(), Fault> {
    let id = format!("kms/rotate/{}", key.id);
    let effect = match key.rotation {
        None => Effect::Unschedule { id },
        Some(rotation) => Effect::Schedule {
            id,
            at: rotation.next,
            service: "kms".to_owned(),
            job: "RotateKey".to_owned(),
            payload: serde_json::json!({"arn": key.arn()}),
        },
    };
    tx.effect(effect)
}

pub(crate) fn rotate_due(tx: &mut Tx<'_>, payload: serde_json::Value) -> Result<(), Fault> {
    match due(tx, &payload) {
        Some(key) if key.rotation.is_some_and(|r| r.next <= tx.now) => rotate(tx, key),
        _ => Ok(()),
    }
}

fn symmetric(key: &Key) -> Result<(), Fault> {
    match key.spec {
        Spec::Symmetric => Ok(()),
        _ => Err(Fault::client(
            "UnsupportedOperationException",
            format!("{} is no symmetric encryption key.", key.arn()),
        )),
    }
}

pub(crate) fn enable_key_rotation(tx: &mut Tx<'_>, input: EnableKeyRotationRequest) -> Result<(), Fault> {
    let mut key = find_own(tx, &input.key_id)?;
    key.usable()?;
    symmetric(&key)?;
    let days = input.rotation_period_in_days.unwrap_or(365);
    key.rotation = Some(Rotation { days, next: tx.now.plus_seconds(days * 86_400) });
    schedule_rotation(tx, &key)?;
    tx.put(key)
}

pub(crate) fn disable_key_rotation(tx: &mut Tx<'_>, input: DisableKeyRotationRequest) -> Result<(), Fault> {
    let mut key = find_own(tx, &input.key_id)?;
    key.usable()?;
    key.rotation = None;
    schedule_rotation(tx, &key)?;
    tx.put(key)
}

pub(crate) fn get_key_rotation_status(
    tx: &mut Tx<'_>,
    input: GetKeyRotationStatusRequest,
) -> Result<GetKeyRotationStatusResponse, Fault> {
    let key = find(tx, &input.key_id)?;
    symmetric(&key)?;
    Ok(GetKeyRotationStatusResponse {
        key_rotation_enabled: Some(key.rotation.is_some()),
        key_id: Some(key.arn()),
        rotation_period_in_days: key.rotation.map(|r| r.days),
        next_rotation_date: key.rotation.map(|r| r.next),
        on_demand_rotation_start_date: None,
    })
}

pub(crate) fn rotate_key_on_demand(
    tx: &mut Tx<'_>,
    input: RotateKeyOnDemandRequest,
) -> Result<RotateKeyOnDemandResponse, Fault> {
    let key = find_own(tx, &input.key_id)?;
    key.usable()?;
    symmetric(&key)?;
    let arn = key.arn();
    rotate(tx, key)?;
    Ok(RotateKeyOnDemandResponse { key_id: Some(arn) })
}

pub(crate) fn tag_resource(tx: &mut Tx<'_>, input: TagResourceRequest) -> Result<(), Fault> {
    let mut key = find_own(tx, &input.key_id)?;
    key.not_pending()?;
    key.tags.extend(tags_of(Some(input.tags))?);
    tx.put(key)
}

pub(crate) fn untag_resource(tx: &mut Tx<'_>, input: UntagResourceRequest) -> Result<(), Fault> {
    let mut key = find_own(tx, &input.key_id)?;
    key.not_pending()?;
    key.tags.retain(|name, _| !input.tag_keys.contains(name));
    tx.put(key)
}

pub(crate) fn list_resource_tags(
    tx: &mut Tx<'_>,
    input: ListResourceTagsRequest,
) -> Result<ListResourceTagsResponse, Fault> {
    let key = find(tx, &input.key_id)?;
    let (tags, next) = page(key.tags.iter(), |(k, _)| (*k).clone(), input.marker.as_deref(), input.limit);
    let tags = tags.into_iter().map(|(k, v)| Tag { tag_key: k.clone(), tag_value: v.clone() }).collect();
    Ok(ListResourceTagsResponse { tags: Some(tags), truncated: Some(next.is_some()), next_marker: next })
}
