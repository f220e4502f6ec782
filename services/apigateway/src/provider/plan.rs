//! `AWS::ApiGateway::ApiKey`, `UsagePlan` and `UsagePlanKey`.

use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Value as Json, json};

use super::change::{self, Kind};
use super::{call, gone, retag, tags, text};

pub(super) fn create_key(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = match deploy.text("Name") {
        Some(name) => name.to_owned(),
        None => deploy.name(tx, 128),
    };
    let input = json!({
        "name": name,
        "value": deploy.property("Value"),
        "description": deploy.property("Description"),
        "customerId": deploy.property("CustomerId"),
        "enabled": deploy.property("Enabled"),
        "tags": tags(deploy),
    });
    let id = text(&call(tx, deploy, "CreateApiKey", input)?, "id");
    Ok(Physical::new(&id).attribute("APIKeyId", id))
}

pub(super) fn update_key(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let enabled = deploy.property("Enabled").map_or("false".to_owned(), change::text);
    let mut operations = vec![json!({"op": "replace", "path": "/enabled", "value": enabled})];
    let table = [("Description", Kind::Scalar("/description")), ("CustomerId", Kind::Scalar("/customerId"))];
    operations.extend(change::operations(deploy, &table));
    let id = deploy.id()?.to_owned();
    call(tx, deploy, "UpdateApiKey", json!({"apiKey": id, "patchOperations": operations}))?;
    retag(tx, deploy, &format!("/apikeys/{id}"))?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

pub(super) fn delete_key(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let id = deploy.id()?.to_owned();
    gone(call(tx, deploy, "DeleteApiKey", json!({"apiKey": id})))
}

fn throttle(value: Option<&Json>) -> Json {
    value.map_or(Json::Null, |t| {
        json!({
            "burstLimit": t.get("BurstLimit").unwrap_or(&json!(0)),
            "rateLimit": t.get("RateLimit").unwrap_or(&json!(0)),
        })
    })
}

fn stages(value: Option<&Json>) -> Vec<Json> {
    let list = value.and_then(Json::as_array).cloned().unwrap_or_default();
    let one = |stage: &Json| {
        let own = stage.get("Throttle").and_then(Json::as_object).cloned().unwrap_or_default();
        let own: serde_json::Map<String, Json> =
            own.iter().map(|(k, t)| (k.clone(), throttle(Some(t)))).collect();
        json!({"apiId": stage.get("ApiId"), "stage": stage.get("Stage"), "throttle": own})
    };
    list.iter().map(one).collect()
}

pub(super) fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let name = match deploy.text("UsagePlanName") {
        Some(name) => name.to_owned(),
        None => deploy.name(tx, 128),
    };
    let quota = deploy.property("Quota").map(|q| {
        json!({"limit": q.get("Limit"), "offset": q.get("Offset").unwrap_or(&json!(0)), "period": q.get("Period")})
    });
    let input = json!({
        "name": name,
        "description": deploy.property("Description"),
        "apiStages": stages(deploy.property("ApiStages")),
        "throttle": throttle(deploy.property("Throttle")),
        "quota": quota,
        "tags": tags(deploy),
    });
    let id = text(&call(tx, deploy, "CreateUsagePlan", input)?, "id");
    Ok(Physical::new(&id).attribute("Id", id))
}

fn named(stage: &Json) -> String {
    let text = |member: &str| stage.get(member).and_then(Json::as_str).unwrap_or_default();
    format!("{}:{}", text("apiId"), text("stage"))
}

pub(super) fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let table = [("UsagePlanName", Kind::Scalar("/name")), ("Description", Kind::Scalar("/description"))];
    let mut operations = change::operations(deploy, &table);
    for (property, path, members) in [
        ("Throttle", "/throttle", &[("RateLimit", "rateLimit"), ("BurstLimit", "burstLimit")] as &[_]),
        ("Quota", "/quota", &[("Limit", "limit"), ("Offset", "offset"), ("Period", "period")]),
    ] {
        match deploy.property(property) {
            Some(value) => operations.extend(members.iter().filter_map(|(member, at)| {
                Some(change::replace(&format!("{path}/{at}"), value.get(member)?))
            })),
            None => operations.push(change::remove(path, None)),
        }
    }
    let (before, after) =
        (stages(deploy.previous.and_then(|p| p.get("ApiStages"))), stages(deploy.property("ApiStages")));
    if before != after {
        operations.extend(before.iter().map(|s| change::remove("/apiStages", Some(&named(s)))));
        for stage in &after {
            operations.push(change::add("/apiStages", &named(stage)));
            for (place, limits) in stage.get("throttle").and_then(Json::as_object).into_iter().flatten() {
                let (path, method) = place.rsplit_once('/').unwrap_or((place, "*"));
                let at = format!("/apiStages/{}/throttle/{}/{method}", named(stage), change::escaped(path));
                for member in ["rateLimit", "burstLimit"] {
                    operations
                        .extend(limits.get(member).map(|v| change::replace(&format!("{at}/{member}"), v)));
                }
            }
        }
    }
    let id = deploy.id()?.to_owned();
    call(tx, deploy, "UpdateUsagePlan", json!({"usagePlanId": id, "patchOperations": operations}))?;
    retag(tx, deploy, &format!("/usageplans/{id}"))?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

/// A plan lets go of its stages before it is deleted.
pub(super) fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let id = deploy.id()?.to_owned();
    let operations: Vec<Json> = stages(deploy.property("ApiStages"))
        .iter()
        .map(|s| change::remove("/apiStages", Some(&named(s))))
        .collect();
    if !operations.is_empty() {
        gone(call(tx, deploy, "UpdateUsagePlan", json!({"usagePlanId": id, "patchOperations": operations})))?;
    }
    gone(call(tx, deploy, "DeleteUsagePlan", json!({"usagePlanId": id})))
}

pub(super) fn create_plan_key(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = json!({
        "usagePlanId": deploy.property("UsagePlanId"),
        "keyId": deploy.property("KeyId"),
        "keyType": deploy.property("KeyType"),
    });
    call(tx, deploy, "CreateUsagePlanKey", input)?;
    let part = |p: &str| deploy.text(p).unwrap_or_default().to_owned();
    let id = format!("{}:{}", part("KeyId"), part("UsagePlanId"));
    Ok(Physical::new(&id).attribute("Id", id))
}

/// Every property replaces it.
pub(super) fn keep_plan_key(_: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    Ok(deploy.physical.cloned().unwrap_or_default())
}

pub(super) fn delete_plan_key(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"usagePlanId": deploy.property("UsagePlanId"), "keyId": deploy.property("KeyId")});
    gone(call(tx, deploy, "DeleteUsagePlanKey", input))
}
