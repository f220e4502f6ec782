//! Usage plans: which keys open which stages, how fast and how often.

use std::collections::BTreeMap;

use model::estate::apigateway::{ApiStage, RestStage, Throttle, UsagePlan};
use model::{Fault, Tx};
use serde_json::{Value as Json, json};

use crate::document::{bad_request, conflict, new_id, not_found, page, shown, taken};
use crate::key;
use crate::patch::{Rules, Slot, operations, patched, segments};
use crate::shapes::{self, *};
use crate::usage;

const RULES: Rules = &[
    ("/name", Slot::Text),
    ("/description", Slot::Text),
    ("/throttle", Slot::Gone),
    ("/throttle/rateLimit", Slot::Number),
    ("/throttle/burstLimit", Slot::Integer),
    ("/quota", Slot::Gone),
    ("/quota/limit", Slot::Integer),
    ("/quota/offset", Slot::Integer),
    ("/quota/period", Slot::Text),
];

fn check(tx: &Tx<'_>, plan: &UsagePlan) -> Result<(), Fault> {
    for stage in &plan.api_stages {
        if tx.find::<RestStage>(&format!("{}/{}", stage.api_id, stage.stage)).is_none() {
            return Err(not_found(format!("API Stage not found: {}:{}", stage.api_id, stage.stage)));
        }
    }
    let throttles = plan.api_stages.iter().flat_map(|s| s.throttle.values()).chain(&plan.throttle);
    for throttle in throttles {
        if throttle.rate_limit < 0.0 || throttle.burst_limit < 0 {
            return Err(bad_request("Usage Plan throttle limits must not be negative"));
        }
    }
    let Some(quota) = &plan.quota else { return Ok(()) };
    if !matches!(quota.period.as_str(), "DAY" | "WEEK" | "MONTH") {
        return Err(bad_request("Usage Plan quota period must be DAY, WEEK or MONTH"));
    }
    let longest = match quota.period.as_str() {
        "DAY" => 0,
        "WEEK" => 6,
        _ => 27,
    };
    match quota.limit < 0 || !(0..=longest).contains(&quota.offset) {
        true => Err(bad_request("Usage Plan quota limit or offset is out of its range")),
        false => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateUsagePlan.html>
pub(crate) fn create_usage_plan(
    tx: &mut Tx<'_>,
    input: CreateUsagePlanRequest,
) -> Result<shapes::UsagePlan, Fault> {
    let plan = UsagePlan {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: new_id(tx, 6),
        name: input.name,
        description: input.description,
        api_stages: input.api_stages.map(taken).transpose()?.unwrap_or_default(),
        throttle: input.throttle.map(taken).transpose()?,
        quota: input.quota.map(taken).transpose()?,
        keys: Vec::new(),
        tags: input.tags.unwrap_or_default(),
        live: Default::default(),
    };
    check(tx, &plan)?;
    tx.put(plan.clone())?;
    shown(&plan)
}

fn find(tx: &Tx<'_>, id: &str) -> Result<UsagePlan, Fault> {
    tx.find::<UsagePlan>(id).cloned().ok_or_else(|| not_found("Invalid Usage Plan ID specified"))
}

pub(crate) fn get_usage_plan(
    tx: &mut Tx<'_>,
    input: GetUsagePlanRequest,
) -> Result<shapes::UsagePlan, Fault> {
    shown(&find(tx, &input.usage_plan_id)?)
}

pub(crate) fn get_usage_plans(tx: &mut Tx<'_>, input: GetUsagePlansRequest) -> Result<UsagePlans, Fault> {
    let wanted = |p: &&UsagePlan| input.key_id.as_ref().is_none_or(|k| p.keys.contains(k));
    let all = tx.list::<UsagePlan>().filter(wanted).map(|p| (p.id.clone(), p));
    let (found, position) = page(all, input.position.as_deref(), input.limit)?;
    let items = found.into_iter().map(shown).collect::<Result<_, _>>()?;
    Ok(UsagePlans { items: Some(items), position })
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateUsagePlan.html>
pub(crate) fn update_usage_plan(
    tx: &mut Tx<'_>,
    input: UpdateUsagePlanRequest,
) -> Result<shapes::UsagePlan, Fault> {
    let old = find(tx, &input.usage_plan_id)?;
    let of_stages = |o: &PatchOperation| o.path.as_deref().is_some_and(|p| p.starts_with("/apiStages"));
    let (stages, others): (Vec<_>, Vec<_>) =
        operations(input.patch_operations).into_iter().partition(of_stages);
    let mut new: UsagePlan = patched(&old, &others, RULES)?;
    for operation in &stages {
        api_stage(&mut new.api_stages, operation)?;
    }
    check(tx, &new)?;
    new.live = old.live;
    tx.put(new.clone())?;
    shown(&new)
}

/// `/apiStages` with the value `API:STAGE`, or `/apiStages/API:STAGE/throttle/PATH/METHOD/rateLimit`.
fn api_stage(stages: &mut Vec<ApiStage>, operation: &PatchOperation) -> Result<(), Fault> {
    let path = operation.path.as_deref().unwrap_or_default();
    let (op, value) =
        (operation.op.as_deref().unwrap_or_default(), operation.value.as_deref().unwrap_or_default());
    let invalid = || bad_request(format!("Invalid patch path  '{path}' specified for op '{op}'"));
    let segments = segments(path);
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    let named = match parts.get(1) {
        Some(named) => *named,
        None => value,
    };
    let (api_id, stage) = named.split_once(':').ok_or_else(invalid)?;
    let at = stages.iter().position(|s| s.api_id == api_id && s.stage == stage);
    match (op, parts.as_slice()) {
        ("add" | "replace", ["apiStages"]) => {
            if at.is_none() {
                stages.push(ApiStage {
                    api_id: api_id.to_owned(),
                    stage: stage.to_owned(),
                    throttle: BTreeMap::new(),
                });
            }
            Ok(())
        }
        ("remove", ["apiStages"]) => {
            stages.remove(at.ok_or_else(invalid)?);
            Ok(())
        }
        (_, ["apiStages", _, "throttle", resource, method, rest @ ..]) => {
            let stage = at.and_then(|at| stages.get_mut(at)).ok_or_else(invalid)?;
            let key = format!("{resource}/{method}");
            if op == "remove" {
                stage.throttle.remove(&key);
                return Ok(());
            }
            let throttle: &mut Throttle = stage.throttle.entry(key).or_default();
            match rest {
                ["rateLimit"] => throttle.rate_limit = value.parse().map_err(|_| invalid())?,
                ["burstLimit"] => throttle.burst_limit = value.parse().map_err(|_| invalid())?,
                _ => return Err(invalid()),
            }
            Ok(())
        }
        _ => Err(invalid()),
    }
}

pub(crate) fn delete_usage_plan(tx: &mut Tx<'_>, input: DeleteUsagePlanRequest) -> Result<(), Fault> {
    let gone = find(tx, &input.usage_plan_id)?;
    if !gone.api_stages.is_empty() {
        return Err(bad_request(format!(
            "Cannot delete Usage Plan {} because there are API stages associated with it",
            gone.id
        )));
    }
    tx.remove(&gone)
}

fn show_key(tx: &Tx<'_>, id: &str) -> Result<shapes::UsagePlanKey, Fault> {
    let found = key::find(tx, id)?;
    Ok(shapes::UsagePlanKey {
        id: Some(found.id.clone()),
        r#type: Some("API_KEY".to_owned()),
        value: Some(key::value(tx, &found)?),
        name: found.name,
    })
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateUsagePlanKey.html>
pub(crate) fn create_usage_plan_key(
    tx: &mut Tx<'_>,
    input: CreateUsagePlanKeyRequest,
) -> Result<shapes::UsagePlanKey, Fault> {
    let mut plan = find(tx, &input.usage_plan_id)?;
    if input.key_type != "API_KEY" {
        return Err(bad_request("Usage Plan Key type must be API_KEY"));
    }
    let shape = show_key(tx, &input.key_id)?;
    if plan.keys.contains(&input.key_id) {
        return Err(conflict("Usage Plan Key already exists"));
    }
    // A key must mean one plan at a stage.
    let same = |a: &ApiStage, b: &ApiStage| a.api_id == b.api_id && a.stage == b.stage;
    let other = tx
        .list::<UsagePlan>()
        .filter(|p| p.keys.contains(&input.key_id))
        .find(|p| p.api_stages.iter().any(|theirs| plan.api_stages.iter().any(|ours| same(theirs, ours))));
    if let Some(other) = other {
        return Err(conflict(format!(
            "API Key {} cannot be added to the usage plan: the plan {} already gives it one of the same stages",
            input.key_id, other.id
        )));
    }
    plan.keys.push(input.key_id);
    tx.put(plan)?;
    Ok(shape)
}

pub(crate) fn get_usage_plan_key(
    tx: &mut Tx<'_>,
    input: GetUsagePlanKeyRequest,
) -> Result<shapes::UsagePlanKey, Fault> {
    match find(tx, &input.usage_plan_id)?.keys.contains(&input.key_id) {
        true => show_key(tx, &input.key_id),
        false => Err(not_found(format!("Invalid API Key identifier specified {}", input.key_id))),
    }
}

pub(crate) fn get_usage_plan_keys(
    tx: &mut Tx<'_>,
    input: GetUsagePlanKeysRequest,
) -> Result<UsagePlanKeys, Fault> {
    let mut keys = find(tx, &input.usage_plan_id)?.keys;
    keys.sort();
    let all = keys.into_iter().map(|k| (k.clone(), k));
    let (found, position) = page(all, input.position.as_deref(), input.limit)?;
    let shown = found.iter().map(|id| show_key(tx, id)).collect::<Result<Vec<_>, _>>()?;
    let wanted = |k: &UsagePlanKey| {
        input.name_query.as_ref().is_none_or(|n| k.name.as_ref().is_some_and(|name| name.starts_with(n)))
    };
    Ok(UsagePlanKeys { items: Some(shown.into_iter().filter(wanted).collect()), position })
}

pub(crate) fn delete_usage_plan_key(tx: &mut Tx<'_>, input: DeleteUsagePlanKeyRequest) -> Result<(), Fault> {
    let mut plan = find(tx, &input.usage_plan_id)?;
    if !plan.keys.contains(&input.key_id) {
        return Err(not_found(format!("Invalid API Key identifier specified {}", input.key_id)));
    }
    plan.keys.retain(|k| *k != input.key_id);
    tx.put(plan)
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_GetUsage.html>
pub(crate) fn get_usage(tx: &mut Tx<'_>, input: GetUsageRequest) -> Result<shapes::Usage, Fault> {
    let plan = find(tx, &input.usage_plan_id)?;
    let day = |text: &str| usage::day(text).ok_or_else(|| bad_request("Invalid date: it must be YYYY-MM-DD"));
    let (from, to) = (day(&input.start_date)?, day(&input.end_date)?);
    if to < from || to - from > 90 {
        return Err(bad_request(
            "Invalid date range: the start must not be after the end, nor more than 90 days before it",
        ));
    }
    let limit = plan.quota.as_ref().map_or(-1, |q| q.limit);
    let mut items = serde_json::Map::new();
    for key in plan.keys.iter().filter(|k| input.key_id.as_ref().is_none_or(|id| id == *k)) {
        let mut days = Vec::new();
        for day in from..=to {
            let used = usage::counted(tx, &plan.id, key, day)?;
            let left = if limit < 0 { -1 } else { (limit - used).max(0) };
            days.push(json!([used, left]));
        }
        items.insert(key.clone(), Json::Array(days));
    }
    shown(&json!({
        "usagePlanId": plan.id, "startDate": input.start_date, "endDate": input.end_date, "items": items,
    }))
}
