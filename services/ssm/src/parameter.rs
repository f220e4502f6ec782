//! Parameters and their versions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::estate::ram;
use model::{AccountId, Arn, Fault, Members, Node, Tags, Timestamp, Tx, Value};
use serde::{Deserialize, Serialize};

use crate::shapes::*;

const SERVICE: &str = "ssm.amazonaws.com";
/// Versions that are kept of one parameter.
const VERSIONS: usize = 100;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) tier: String,
    pub(crate) data_type: String,
    pub(crate) tags: Tags,
    /// Oldest first; the last is current.
    pub(crate) versions: Vec<Version>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) number: i64,
    pub(crate) kind: String,
    /// The text, or the KMS ciphertext in base64 of a secure string.
    pub(crate) value: String,
    pub(crate) key: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) allowed_pattern: Option<String>,
    pub(crate) time: Timestamp,
    pub(crate) user: String,
}

impl Node for Stored {
    const KIND: &'static str = "AWS::SSM::Parameter";
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
        Some(arn(&self.region, &self.account, &self.name))
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
}

pub(crate) fn arn(region: &str, account: &AccountId, name: &str) -> String {
    model::ids::arn("ssm", region, account, &format!("parameter/{}", name.trim_start_matches('/')))
}

fn missing() -> Fault {
    Fault::client("ParameterNotFound", "")
}

/// A name or an ARN.
pub(crate) fn plain_name(given: &str) -> &str {
    match given.strip_prefix("arn:") {
        Some(rest) => rest.split_once(":parameter").map_or(given, |(_, name)| {
            if name.matches('/').count() == 1 { name.trim_start_matches('/') } else { name }
        }),
        None => given,
    }
}

/// The ARN of a parameter of another account, without the version; that is how shared ones are named.
pub(crate) fn foreign(given: &str, account: &AccountId) -> Option<String> {
    let parsed = Arn::parse(given).filter(|a| a.service == "ssm" && a.account != account.as_str())?;
    let name = parsed.resource.split_once(':').map_or(parsed.resource, |(name, _)| name);
    Some(format!("arn:{}:ssm:{}:{}:{name}", parsed.partition, parsed.region, parsed.account))
}

/// `name`, `name:3`; labels are not served.
fn find(tx: &Tx<'_>, given: &str) -> Result<(Stored, Version), Fault> {
    let name = plain_name(given);
    let (name, selector) = name.rsplit_once(':').map_or((name, None), |(n, s)| (n, Some(s)));
    let stored = match foreign(given, &tx.account) {
        Some(arn) => tx.find_arn::<Stored>(&arn).filter(|p| p.region == tx.region),
        None => tx.find::<Stored>(name),
    };
    let stored = stored.cloned().ok_or_else(missing)?;
    let version = match selector {
        None => stored.versions.last().cloned(),
        Some(selector) => {
            let number: i64 = selector.parse().map_err(|_| {
                Fault::client(
                    "ParameterVersionNotFound",
                    format!("Systems Manager could not find version {selector} of {name}."),
                )
            })?;
            let found = stored.versions.iter().find(|v| v.number == number).cloned();
            Some(found.ok_or_else(|| Fault::client("ParameterVersionNotFound", format!("Systems Manager could not find version {number} of {name}. Verify the version and try again.")))?)
        }
    };
    let version = version.ok_or_else(missing)?;
    Ok((stored, version))
}

fn context(arn: &str) -> Value {
    let mut context = Members::default();
    context.push("PARAMETER_ARN", arn);
    Value::Map(context)
}

fn kms_fault(fault: Fault) -> Fault {
    match fault.code.as_ref() {
        "NotFoundException" | "DisabledException" | "KMSInvalidStateException" => {
            Fault::client("InvalidKeyId", fault.message)
        }
        _ => fault,
    }
}

fn encrypt(tx: &mut Tx<'_>, key: Option<&str>, arn: &str, plain: &str) -> Result<String, Fault> {
    if key.is_none() {
        let mut alias = Members::default();
        alias.push("Alias", "alias/aws/ssm");
        let service = model::Caller::service(SERVICE, &tx.account);
        let _: Value = tx.call_as(service, None, "kms", "EnsureManagedKey", Value::Map(alias))?;
    }
    let mut input = Members::default();
    input.push("KeyId", key.unwrap_or("alias/aws/ssm"));
    input.0.push(("Plaintext".into(), Value::Blob(Bytes::copy_from_slice(plain.as_bytes()))));
    input.0.push(("EncryptionContext".into(), context(arn)));
    let made: Value = tx.call(SERVICE, "kms", "Encrypt", Value::Map(input)).map_err(kms_fault)?;
    match made.get("CiphertextBlob") {
        Some(Value::Blob(blob)) => Ok(STANDARD.encode(blob)),
        _ => Err(Fault::internal("KMS gave no ciphertext")),
    }
}

fn decrypt(tx: &mut Tx<'_>, arn: &str, sealed: &str) -> Result<String, Fault> {
    let blob = STANDARD.decode(sealed).map_err(|_| Fault::internal("a secure string cannot be read"))?;
    let mut input = Members::default();
    input.0.push(("CiphertextBlob".into(), Value::Blob(Bytes::from(blob))));
    input.0.push(("EncryptionContext".into(), context(arn)));
    let opened: Value = tx.call(SERVICE, "kms", "Decrypt", Value::Map(input)).map_err(kms_fault)?;
    match opened.get("Plaintext") {
        Some(Value::Blob(plain)) => Ok(String::from_utf8_lossy(plain).into_owned()),
        _ => Err(Fault::internal("KMS gave no plaintext")),
    }
}

fn valid_name(name: &str) -> Result<(), Fault> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
    let reserved = name.trim_start_matches('/').to_ascii_lowercase();
    if !name.bytes().all(good) || name.contains("//") || (name.contains('/') && !name.starts_with('/')) {
        return Err(Fault::validation(format!(
            "Parameter name must be a fully qualified name: `{name}` is not valid"
        )));
    }
    if reserved.starts_with("aws") || reserved.starts_with("ssm") {
        return Err(Fault::validation(
            "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).",
        ));
    }
    match name.matches('/').count() > 15 {
        true => Err(Fault::client(
            "HierarchyLevelLimitExceededException",
            "A hierarchy can have a maximum of 15 levels.",
        )),
        false => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html>
pub(crate) fn put_parameter(
    tx: &mut Tx<'_>,
    input: PutParameterRequest,
) -> Result<PutParameterResult, Fault> {
    valid_name(&input.name)?;
    let old = tx.find::<Stored>(&input.name).cloned();
    if old.is_some() && input.overwrite != Some(true) {
        return Err(Fault::client(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        ));
    }
    if old.is_some() && input.tags.is_some() {
        return Err(Fault::validation("Invalid request: tags and overwrite can't be used together."));
    }
    if input.policies.as_deref().is_some_and(|p| !p.is_empty())
        || input.allowed_pattern.as_deref().is_some_and(|p| !p.is_empty())
    {
        return Err(Fault::validation(
            "parameter policies and allowed patterns are not served by this runtime",
        ));
    }
    let kind = input.r#type.or_else(|| old.as_ref().map(|o| o.kind.clone()));
    let kind =
        kind.ok_or_else(|| Fault::validation("A parameter type is required when you create a parameter."))?;
    let tier =
        input.tier.or_else(|| old.as_ref().map(|o| o.tier.clone())).unwrap_or_else(|| "Standard".to_owned());
    let most = if tier == "Standard" { 4096 } else { 8192 };
    if input.value.len() > most || input.value.is_empty() {
        return Err(Fault::validation(format!(
            "Parameter values must have 1 to {most} characters for the tier {tier}"
        )));
    }
    let arn = arn(&tx.region, &tx.account, &input.name);
    let value = match kind.as_str() {
        "SecureString" => encrypt(tx, input.key_id.as_deref(), &arn, &input.value)?,
        _ => input.value,
    };
    let key = (kind == "SecureString").then(|| input.key_id.unwrap_or_else(|| "alias/aws/ssm".to_owned()));
    let mut stored = old.unwrap_or_else(|| Stored {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name: input.name.clone(),
        kind: kind.clone(),
        tier: tier.clone(),
        data_type: input.data_type.clone().unwrap_or_else(|| "text".to_owned()),
        tags: Tags::new(),
        versions: Vec::new(),
    });
    stored.tags.extend(input.tags.unwrap_or_default().into_iter().map(|t| (t.key, t.value)));
    (stored.kind, stored.tier) = (kind.clone(), tier.clone());
    let number = stored.versions.last().map_or(1, |v| v.number + 1);
    let user = tx.caller().arn.clone();
    stored.versions.push(Version {
        number,
        kind,
        value,
        key,
        description: input.description,
        allowed_pattern: None,
        time: tx.now,
        user,
    });
    if stored.versions.len() > VERSIONS {
        stored.versions.remove(0);
    }
    tx.put(stored)?;
    Ok(PutParameterResult { version: Some(number), tier: Some(tier) })
}

fn shape(tx: &mut Tx<'_>, stored: &Stored, version: &Version, open: bool) -> Result<Parameter, Fault> {
    let arn = arn(&stored.region, &stored.account, &stored.name);
    let value = match version.kind == "SecureString" && open {
        true => decrypt(tx, &arn, &version.value)?,
        false => version.value.clone(),
    };
    Ok(Parameter {
        name: Some(stored.name.clone()),
        r#type: Some(version.kind.clone()),
        value: Some(value),
        version: Some(version.number),
        last_modified_date: Some(version.time),
        arn: Some(arn),
        data_type: Some(stored.data_type.clone()),
        ..Parameter::default()
    })
}

/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html>
pub(crate) fn get_parameter(
    tx: &mut Tx<'_>,
    input: GetParameterRequest,
) -> Result<GetParameterResult, Fault> {
    let (stored, version) = find(tx, &input.name)?;
    let mut parameter = shape(tx, &stored, &version, input.with_decryption == Some(true))?;
    parameter.selector = plain_name(&input.name)
        .strip_prefix(stored.name.as_str())
        .filter(|s| !s.is_empty())
        .map(str::to_owned);
    Ok(GetParameterResult { parameter: Some(parameter) })
}

pub(crate) fn get_parameters(
    tx: &mut Tx<'_>,
    input: GetParametersRequest,
) -> Result<GetParametersResult, Fault> {
    let (mut parameters, mut invalid) = (Vec::new(), Vec::new());
    for name in input.names {
        match find(tx, &name) {
            Ok((stored, version)) => {
                parameters.push(shape(tx, &stored, &version, input.with_decryption == Some(true))?)
            }
            Err(_) => invalid.push(name),
        }
    }
    Ok(GetParametersResult { parameters: Some(parameters), invalid_parameters: Some(invalid) })
}

/// A page of parameters in order of their names; the token is the last name shown.
fn page(
    items: Vec<Stored>,
    token: Option<&str>,
    limit: usize,
) -> Result<(Vec<Stored>, Option<String>), Fault> {
    let after = match token {
        None => None,
        Some(token) => {
            let invalid = || Fault::client("InvalidNextToken", "The specified token isn't valid.");
            Some(String::from_utf8(STANDARD.decode(token).map_err(|_| invalid())?).map_err(|_| invalid())?)
        }
    };
    let mut found: Vec<Stored> =
        items.into_iter().filter(|p| after.as_ref().is_none_or(|a| p.name > *a)).take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = if more { found.last().map(|p| STANDARD.encode(&p.name)) } else { None };
    Ok((found, next))
}

pub(crate) fn get_parameters_by_path(
    tx: &mut Tx<'_>,
    input: GetParametersByPathRequest,
) -> Result<GetParametersByPathResult, Fault> {
    if !input.path.starts_with('/') {
        return Err(Fault::validation("The parameter path must begin with a slash"));
    }
    let path = format!("{}/", input.path.trim_end_matches('/'));
    let deep = input.recursive == Some(true);
    let under = |p: &&Stored| p.name.strip_prefix(&path).is_some_and(|rest| deep || !rest.contains('/'));
    let own: Vec<Stored> = tx
        .list::<Stored>()
        .filter(under)
        .filter(|p| matches(p, input.parameter_filters.as_deref()))
        .cloned()
        .collect();
    let limit = input.max_results.and_then(|n| usize::try_from(n).ok()).unwrap_or(10);
    let (found, next_token) = page(own, input.next_token.as_deref(), limit)?;
    let mut parameters = Vec::new();
    for stored in &found {
        if let Some(version) = stored.versions.last() {
            parameters.push(shape(tx, stored, version, input.with_decryption == Some(true))?);
        }
    }
    Ok(GetParametersByPathResult { parameters: Some(parameters), next_token })
}

fn matches(stored: &Stored, filters: Option<&[ParameterStringFilter]>) -> bool {
    filters.unwrap_or_default().iter().all(|filter| {
        let values = filter.values.as_deref().unwrap_or_default();
        let key = stored.versions.last().and_then(|v| v.key.clone()).unwrap_or_default();
        let hit = |actual: &str| {
            values.iter().any(|v| match filter.option.as_deref() {
                Some("BeginsWith") => actual.starts_with(v.as_str()),
                Some("Contains") => actual.contains(v.as_str()),
                _ => actual == v,
            })
        };
        match filter.key.as_str() {
            "Name" => hit(&stored.name) || hit(stored.name.trim_start_matches('/')),
            "Type" => hit(&stored.kind),
            "KeyId" => hit(&key),
            "Tier" => hit(&stored.tier),
            "DataType" => hit(&stored.data_type),
            "Path" => {
                values.iter().any(|v| stored.name.starts_with(&format!("{}/", v.trim_end_matches('/'))))
            }
            tag => tag
                .strip_prefix("tag:")
                .and_then(|t| stored.tags.get(t))
                .is_some_and(|v| values.is_empty() || hit(v)),
        }
    })
}

/// Parameters of other accounts that the caller may see.
fn shared<'t>(tx: &'t Tx<'_>) -> Vec<&'t Stored> {
    let Some(who) = ram::Who::of(tx.caller()) else { return Vec::new() };
    ram::usable(tx.snapshot(), who, &tx.region, "ssm:DescribeParameters")
}

pub(crate) fn describe_parameters(
    tx: &mut Tx<'_>,
    input: DescribeParametersRequest,
) -> Result<DescribeParametersResult, Fault> {
    let known: Vec<&Stored> = match input.shared == Some(true) {
        true => shared(tx),
        false => tx.list::<Stored>().collect(),
    };
    let known = known.into_iter().filter(|p| matches(p, input.parameter_filters.as_deref())).cloned();
    let own: Vec<Stored> = known.collect();
    let limit = input.max_results.and_then(|n| usize::try_from(n).ok()).unwrap_or(50);
    let (found, next_token) = page(own, input.next_token.as_deref(), limit)?;
    let shown = found.iter().filter_map(|p| {
        let version = p.versions.last()?;
        Some(ParameterMetadata {
            name: Some(p.name.clone()),
            arn: p.arn(),
            r#type: Some(p.kind.clone()),
            key_id: version.key.clone(),
            last_modified_date: Some(version.time),
            last_modified_user: Some(version.user.clone()),
            description: version.description.clone(),
            version: Some(version.number),
            tier: Some(p.tier.clone()),
            policies: Some(Vec::new()),
            data_type: Some(p.data_type.clone()),
            ..ParameterMetadata::default()
        })
    });
    Ok(DescribeParametersResult { parameters: Some(shown.collect()), next_token })
}

pub(crate) fn get_parameter_history(
    tx: &mut Tx<'_>,
    input: GetParameterHistoryRequest,
) -> Result<GetParameterHistoryResult, Fault> {
    let (stored, _) = find(tx, &input.name)?;
    let mut history = Vec::new();
    for version in &stored.versions {
        let shown = shape(tx, &stored, version, input.with_decryption == Some(true))?;
        history.push(ParameterHistory {
            name: shown.name,
            r#type: shown.r#type,
            value: shown.value,
            version: shown.version,
            key_id: version.key.clone(),
            last_modified_date: Some(version.time),
            last_modified_user: Some(version.user.clone()),
            description: version.description.clone(),
            labels: Some(Vec::new()),
            tier: Some(stored.tier.clone()),
            policies: Some(Vec::new()),
            data_type: Some(stored.data_type.clone()),
            ..ParameterHistory::default()
        });
    }
    Ok(GetParameterHistoryResult { parameters: Some(history), next_token: None })
}

pub(crate) fn delete_parameter(
    tx: &mut Tx<'_>,
    input: DeleteParameterRequest,
) -> Result<DeleteParameterResult, Fault> {
    let stored = tx.find::<Stored>(plain_name(&input.name)).cloned().ok_or_else(missing)?;
    tx.remove(&stored)?;
    Ok(DeleteParameterResult::default())
}

pub(crate) fn delete_parameters(
    tx: &mut Tx<'_>,
    input: DeleteParametersRequest,
) -> Result<DeleteParametersResult, Fault> {
    let (mut deleted, mut invalid) = (Vec::new(), Vec::new());
    for name in input.names {
        match tx.find::<Stored>(plain_name(&name)).cloned() {
            Some(stored) => {
                tx.remove(&stored)?;
                deleted.push(name);
            }
            None => invalid.push(name),
        }
    }
    Ok(DeleteParametersResult { deleted_parameters: Some(deleted), invalid_parameters: Some(invalid) })
}

fn tagged(tx: &Tx<'_>, kind: &str, id: &str) -> Result<Stored, Fault> {
    if kind != "Parameter" {
        return Err(Fault::client(
            "InvalidResourceType",
            format!("resources of type `{kind}` are not served by this runtime"),
        ));
    }
    let unknown = || {
        Fault::client(
            "InvalidResourceId",
            "The resource ID isn't valid. Verify that you entered the correct ID and try again.",
        )
    };
    tx.find::<Stored>(plain_name(id)).cloned().ok_or_else(unknown)
}

pub(crate) fn add_tags_to_resource(
    tx: &mut Tx<'_>,
    input: AddTagsToResourceRequest,
) -> Result<AddTagsToResourceResult, Fault> {
    let mut stored = tagged(tx, &input.resource_type, &input.resource_id)?;
    stored.tags.extend(input.tags.into_iter().map(|t| (t.key, t.value)));
    tx.put(stored)?;
    Ok(AddTagsToResourceResult::default())
}

pub(crate) fn remove_tags_from_resource(
    tx: &mut Tx<'_>,
    input: RemoveTagsFromResourceRequest,
) -> Result<RemoveTagsFromResourceResult, Fault> {
    let mut stored = tagged(tx, &input.resource_type, &input.resource_id)?;
    stored.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(stored)?;
    Ok(RemoveTagsFromResourceResult::default())
}

pub(crate) fn list_tags_for_resource(
    tx: &mut Tx<'_>,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResult, Fault> {
    let stored = tagged(tx, &input.resource_type, &input.resource_id)?;
    let tags = stored.tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
    Ok(ListTagsForResourceResult { tag_list: Some(tags) })
}
