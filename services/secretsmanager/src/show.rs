//! Looking at secrets, and at several values at once.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Fault, Tx};

use crate::secret::{Secret, any};
use crate::shapes::*;

fn tags(secret: &Secret) -> Option<Vec<Tag>> {
    let tags: Vec<Tag> =
        secret.tags.iter().map(|(k, v)| Tag { key: Some(k.clone()), value: Some(v.clone()) }).collect();
    (!tags.is_empty()).then_some(tags)
}

fn stages(secret: &Secret) -> Option<BTreeMap<String, Vec<String>>> {
    (!secret.versions.is_empty())
        .then(|| secret.versions.iter().map(|v| (v.id.clone(), v.stages.clone())).collect())
}

pub(crate) fn describe_secret(
    tx: &mut Tx<'_>,
    input: DescribeSecretRequest,
) -> Result<DescribeSecretResponse, Fault> {
    let secret = any(tx, &input.secret_id)?;
    Ok(DescribeSecretResponse {
        arn: Some(secret.arn.clone()),
        name: Some(secret.name.clone()),
        description: secret.description.clone(),
        kms_key_id: secret.key.clone(),
        last_changed_date: Some(secret.changed),
        deleted_date: secret.deleted.map(|(at, _)| at),
        tags: tags(&secret),
        version_ids_to_stages: stages(&secret),
        created_date: Some(secret.created),
        ..DescribeSecretResponse::default()
    })
}

fn fits(secret: &Secret, filters: Option<&[Filter]>) -> bool {
    filters.unwrap_or_default().iter().all(|filter| {
        let values = filter.values.as_deref().unwrap_or_default();
        // A value that begins with `!` is one that must not be there.
        let hit = |text: &str| {
            values.iter().any(|v| match v.strip_prefix('!') {
                Some(v) => !text.starts_with(v),
                None => text.starts_with(v.as_str()),
            })
        };
        match filter.key.as_deref().unwrap_or_default() {
            "name" => hit(&secret.name),
            "description" => secret.description.as_deref().is_some_and(hit),
            "tag-key" => secret.tags.keys().any(|k| hit(k)),
            "tag-value" => secret.tags.values().any(|v| hit(v)),
            "all" => {
                hit(&secret.name)
                    || secret.description.as_deref().is_some_and(hit)
                    || secret.tags.iter().any(|(k, v)| hit(k) || hit(v))
            }
            _ => false,
        }
    })
}

/// In order of their names, behind the one that the token names.
fn page(
    tx: &Tx<'_>,
    filters: Option<&[Filter]>,
    deleted: bool,
    token: Option<&str>,
    max: Option<i64>,
) -> Result<(Vec<Secret>, Option<String>), Fault> {
    let invalid = || Fault::client("InvalidNextTokenException", "The NextToken value is invalid.");
    let after = match token {
        None => None,
        Some(token) => {
            Some(String::from_utf8(STANDARD.decode(token).map_err(|_| invalid())?).map_err(|_| invalid())?)
        }
    };
    let limit = max.and_then(|n| usize::try_from(n).ok()).unwrap_or(100);
    let own = tx.list::<Secret>().filter(|s| (deleted || s.deleted.is_none()) && fits(s, filters));
    let mut found: Vec<Secret> =
        own.filter(|s| after.as_ref().is_none_or(|a| s.name > *a)).take(limit + 1).cloned().collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = if more { found.last().map(|s| STANDARD.encode(&s.name)) } else { None };
    Ok((found, next))
}

pub(crate) fn list_secrets(tx: &mut Tx<'_>, input: ListSecretsRequest) -> Result<ListSecretsResponse, Fault> {
    let deleted = input.include_planned_deletion == Some(true);
    let (found, next_token) =
        page(tx, input.filters.as_deref(), deleted, input.next_token.as_deref(), input.max_results)?;
    let shown = found.iter().map(|s| SecretListEntry {
        arn: Some(s.arn.clone()),
        name: Some(s.name.clone()),
        description: s.description.clone(),
        kms_key_id: s.key.clone(),
        last_changed_date: Some(s.changed),
        deleted_date: s.deleted.map(|(at, _)| at),
        tags: tags(s),
        secret_versions_to_stages: stages(s),
        created_date: Some(s.created),
        ..SecretListEntry::default()
    });
    Ok(ListSecretsResponse { secret_list: Some(shown.collect()), next_token })
}

pub(crate) fn list_secret_version_ids(
    tx: &mut Tx<'_>,
    input: ListSecretVersionIdsRequest,
) -> Result<ListSecretVersionIdsResponse, Fault> {
    let secret = any(tx, &input.secret_id)?;
    let versions = secret.versions.iter().map(|v| SecretVersionsListEntry {
        version_id: Some(v.id.clone()),
        version_stages: Some(v.stages.clone()),
        created_date: Some(v.created),
        ..SecretVersionsListEntry::default()
    });
    Ok(ListSecretVersionIdsResponse {
        versions: Some(versions.collect()),
        arn: Some(secret.arn.clone()),
        name: Some(secret.name.clone()),
        next_token: None,
    })
}

/// Each value is got as by `GetSecretValue`; what the caller may not have is told beside the rest.
pub(crate) fn batch_get_secret_value(
    tx: &mut Tx<'_>,
    input: BatchGetSecretValueRequest,
) -> Result<BatchGetSecretValueResponse, Fault> {
    let (ids, next_token) = match (input.secret_id_list, input.filters) {
        (Some(ids), None) => (ids, None),
        (None, Some(filters)) => {
            let (found, next) =
                page(tx, Some(&filters), false, input.next_token.as_deref(), input.max_results.or(Some(20)))?;
            (found.into_iter().map(|s| s.arn).collect(), next)
        }
        _ => {
            return Err(Fault::client(
                "InvalidParameterException",
                "Either SecretIdList or Filters must be provided.",
            ));
        }
    };
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        let one = GetSecretValueRequest { secret_id: id.clone(), ..GetSecretValueRequest::default() };
        let got: Result<GetSecretValueResponse, Fault> =
            tx.call("secretsmanager.amazonaws.com", "secretsmanager", "GetSecretValue", one);
        match got {
            Ok(value) => values.push(SecretValueEntry {
                arn: value.arn,
                name: value.name,
                version_id: value.version_id,
                secret_binary: value.secret_binary,
                secret_string: value.secret_string,
                version_stages: value.version_stages,
                created_date: value.created_date,
            }),
            Err(fault) => errors.push(APIErrorType {
                secret_id: Some(id),
                error_code: Some(fault.code.to_string()),
                message: Some(fault.message),
            }),
        }
    }
    Ok(BatchGetSecretValueResponse { secret_values: Some(values), next_token, errors: Some(errors) })
}
