//! API keys. A value is shown only to who asks for it, is sealed at rest, and found by its digest.

use model::estate::apigateway::{ApiKey, UsagePlan};
use model::{Fault, Tx};
use ring::digest;

use crate::document::{bad_request, conflict, new_id, not_found, not_served, page, shown};
use crate::patch::{Rules, Slot, operations, patched};
use crate::shapes::{self, *};

const PURPOSE: &str = "api-key";

const RULES: Rules = &[
    ("/name", Slot::Text),
    ("/description", Slot::Text),
    ("/enabled", Slot::Flag),
    ("/customerId", Slot::Text),
];

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateApiKey.html>
pub(crate) fn create_api_key(tx: &mut Tx<'_>, input: CreateApiKeyRequest) -> Result<shapes::ApiKey, Fault> {
    if input.stage_keys.as_ref().is_some_and(|k| !k.is_empty()) {
        return Err(not_served("stageKeys (use a usage plan)"));
    }
    let value = match input.value.filter(|v| !v.is_empty()) {
        Some(value) => value,
        None => tx.random_text(40, b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
    };
    if !(20..=128).contains(&value.len()) {
        return Err(bad_request("API Key value should be at least 20 characters and at most 128 characters"));
    }
    let digest = hex::encode(digest::digest(&digest::SHA256, value.as_bytes()));
    let name = ApiKey::named(&tx.account, &tx.region, &digest);
    if tx.snapshot().find_named::<ApiKey>(&name).is_some() {
        return Err(conflict("API Key already exists"));
    }
    let id = new_id(tx, 10);
    let sealed_value = hex::encode(tx.seal(PURPOSE, id.as_bytes(), value.as_bytes())?);
    let key = ApiKey {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id,
        name: input.name,
        customer_id: input.customer_id,
        description: input.description,
        enabled: input.enabled.unwrap_or(false),
        created_date: tx.now,
        last_updated_date: tx.now,
        digest,
        sealed_value,
        tags: input.tags.unwrap_or_default(),
    };
    tx.put(key.clone())?;
    show(tx, &key, true)
}

/// The value. Secret.
pub(crate) fn value(tx: &Tx<'_>, key: &ApiKey) -> Result<String, Fault> {
    let unreadable = || Fault::internal("an API key's value cannot be read");
    let sealed = hex::decode(&key.sealed_value).map_err(|_| unreadable())?;
    String::from_utf8(tx.unseal(PURPOSE, key.id.as_bytes(), &sealed)?).map_err(|_| unreadable())
}

fn show(tx: &Tx<'_>, key: &ApiKey, with_value: bool) -> Result<shapes::ApiKey, Fault> {
    let mut shape: shapes::ApiKey = shown(key)?;
    shape.stage_keys = Some(Vec::new());
    if with_value {
        shape.value = Some(value(tx, key)?);
    }
    Ok(shape)
}

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<ApiKey, Fault> {
    tx.find::<ApiKey>(id).cloned().ok_or_else(|| not_found("Invalid API Key identifier specified"))
}

pub(crate) fn get_api_key(tx: &mut Tx<'_>, input: GetApiKeyRequest) -> Result<shapes::ApiKey, Fault> {
    let key = find(tx, &input.api_key)?;
    show(tx, &key, input.include_value == Some(true))
}

pub(crate) fn get_api_keys(tx: &mut Tx<'_>, input: GetApiKeysRequest) -> Result<ApiKeys, Fault> {
    let wanted = |k: &&ApiKey| {
        input.name_query.as_ref().is_none_or(|n| k.name.as_ref().is_some_and(|name| name.starts_with(n)))
            && input.customer_id.as_ref().is_none_or(|c| k.customer_id.as_ref() == Some(c))
    };
    let all = tx.list::<ApiKey>().filter(wanted).map(|k| (k.id.clone(), k));
    let (found, position) = page(all, input.position.as_deref(), input.limit)?;
    let with_values = input.include_values == Some(true);
    let items = found.into_iter().map(|k| show(tx, k, with_values)).collect::<Result<_, _>>()?;
    Ok(ApiKeys { items: Some(items), position, ..ApiKeys::default() })
}

pub(crate) fn update_api_key(tx: &mut Tx<'_>, input: UpdateApiKeyRequest) -> Result<shapes::ApiKey, Fault> {
    let old = find(tx, &input.api_key)?;
    let mut new: ApiKey = patched(&old, &operations(input.patch_operations), RULES)?;
    new.last_updated_date = tx.now;
    tx.put(new.clone())?;
    show(tx, &new, false)
}

pub(crate) fn delete_api_key(tx: &mut Tx<'_>, input: DeleteApiKeyRequest) -> Result<(), Fault> {
    let gone = find(tx, &input.api_key)?;
    let plans: Vec<UsagePlan> =
        tx.list::<UsagePlan>().filter(|p| p.keys.contains(&gone.id)).cloned().collect();
    for mut plan in plans {
        plan.keys.retain(|k| *k != gone.id);
        tx.put(plan)?;
    }
    tx.remove(&gone)
}
