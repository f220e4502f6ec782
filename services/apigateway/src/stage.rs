//! Stages: which deployment is served, with which variables, throttles and logs.

use model::estate::apigateway::{GatewayAccount, RestStage, UsagePlan};
use model::estate::waf::Association;
use model::{Arn, Fault, Tx};

use crate::deployment;
use crate::document::{api, bad_request, conflict, not_found, not_served, shown};
use crate::patch::{Rules, Slot, operations, patched};
use crate::shapes::{self, *};

const RULES: Rules = &[
    ("/deploymentId", Slot::Text),
    ("/description", Slot::Text),
    ("/variables/*", Slot::Text),
    ("/tracingEnabled", Slot::Flag),
    ("/accessLogSettings", Slot::Gone),
    ("/accessLogSettings/destinationArn", Slot::Text),
    ("/accessLogSettings/format", Slot::Text),
    ("/methodSettings/*", Slot::Gone),
    ("/methodSettings/*/metricsEnabled", Slot::Flag),
    ("/methodSettings/*/loggingLevel", Slot::Text),
    ("/methodSettings/*/dataTraceEnabled", Slot::Flag),
    ("/methodSettings/*/throttlingBurstLimit", Slot::Integer),
    ("/methodSettings/*/throttlingRateLimit", Slot::Number),
    ("/methodSettings/*/cachingEnabled", Slot::Flag),
    ("/methodSettings/*/cacheTtlInSeconds", Slot::Integer),
    ("/methodSettings/*/cacheDataEncrypted", Slot::Flag),
];

/// The end of a patch path under `/{resource_path}/{http_method}`, and the member it means.
const SETTINGS: &[(&str, &str)] = &[
    ("metrics/enabled", "metricsEnabled"),
    ("logging/loglevel", "loggingLevel"),
    ("logging/dataTrace", "dataTraceEnabled"),
    ("throttling/burstLimit", "throttlingBurstLimit"),
    ("throttling/rateLimit", "throttlingRateLimit"),
    ("caching/enabled", "cachingEnabled"),
    ("caching/ttlInSeconds", "cacheTtlInSeconds"),
    ("caching/dataEncrypted", "cacheDataEncrypted"),
];

/// Rewrites `/~1orders/GET/throttling/rateLimit` to the member it means.
fn setting_path(path: &str) -> Option<String> {
    let mut parts = path.strip_prefix('/')?.splitn(3, '/');
    let (resource, method, rest) = (parts.next()?, parts.next()?, parts.next());
    // The key keeps the path's own escapes.
    let key = format!("{}~1{method}", resource.replace('~', "~0"));
    match rest {
        None if resource == "*" || resource.starts_with("~1") => Some(format!("/methodSettings/{key}")),
        None => None,
        Some(rest) => {
            let (_, member) = SETTINGS.iter().find(|(end, _)| *end == rest)?;
            Some(format!("/methodSettings/{key}/{member}"))
        }
    }
}

/// What is asked for must be what will be served.
fn check(tx: &Tx<'_>, stage: &mut RestStage) -> Result<(), Fault> {
    deployment::find(tx, &stage.api, &stage.deployment_id)?;
    for setting in stage.method_settings.values() {
        let refused = [
            ("the cache", setting.caching_enabled),
            ("logging of full requests (data trace)", setting.data_trace_enabled),
            ("detailed CloudWatch metrics", setting.metrics_enabled),
        ];
        if let Some((what, _)) = refused.iter().find(|(_, given)| *given) {
            return Err(not_served(what));
        }
        if setting.logging_level.as_deref().is_some_and(|l| !matches!(l, "OFF" | "ERROR" | "INFO")) {
            return Err(bad_request("Invalid log level specified. Valid values are OFF, ERROR and INFO"));
        }
        if setting.throttling_burst_limit.is_some_and(|n| n < 0)
            || setting.throttling_rate_limit.is_some_and(|n| n < 0.0)
        {
            return Err(bad_request("Throttling limits must not be negative"));
        }
    }
    if let Some(log) = &mut stage.access_log_settings {
        access_log(log)?;
    }
    let logs = stage.access_log_settings.is_some()
        || stage.method_settings.values().any(|s| s.logging_level.as_deref().is_some_and(|l| l != "OFF"));
    let role = tx.find::<GatewayAccount>("account").and_then(|a| a.cloudwatch_role_arn.as_ref());
    match logs && role.is_none() {
        true => {
            Err(bad_request("CloudWatch Logs role ARN must be set in account settings to enable logging"))
        }
        false => Ok(()),
    }
}

fn access_log(log: &mut model::estate::apigateway::RestAccessLog) -> Result<(), Fault> {
    let destination = log.destination_arn.as_deref().unwrap_or_default();
    let group = destination.strip_suffix(":*").unwrap_or(destination).to_owned();
    if !Arn::parse(&group).is_some_and(|a| a.service == "logs" && a.resource.starts_with("log-group:")) {
        return Err(bad_request(format!(
            "Invalid ARN specified in the request: `{destination}`; only a CloudWatch Logs log group is served by this runtime"
        )));
    }
    let format = log.format.as_deref().unwrap_or_default();
    if !format.contains("$context.requestId") && !format.contains("$context.extendedRequestId") {
        return Err(bad_request(
            "Access Log format should contain at least one of the following: $context.requestId or $context.extendedRequestId",
        ));
    }
    if format.trim_end_matches('\n').contains('\n') {
        return Err(bad_request(
            "Access Log format must be single line, new line character is allowed only at end of the format",
        ));
    }
    log.destination_arn = Some(group);
    Ok(())
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateStage.html>
pub(crate) fn create_stage(tx: &mut Tx<'_>, input: CreateStageRequest) -> Result<shapes::Stage, Fault> {
    let api = api(tx, &input.rest_api_id)?;
    let refused = [
        ("a cache", input.cache_cluster_enabled == Some(true)),
        ("a canary", input.canary_settings.is_some()),
        ("documentationVersion", input.documentation_version.is_some()),
    ];
    if let Some((what, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(not_served(what));
    }
    let name = input.stage_name;
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
        return Err(bad_request("Stage name only allows a-zA-Z0-9_-"));
    }
    let key = format!("{}/{name}", api.id);
    if tx.find::<RestStage>(&key).is_some() {
        return Err(conflict("Stage already exists"));
    }
    let mut stage = RestStage {
        account: tx.account.clone(),
        region: tx.region.clone(),
        api: api.id,
        key,
        stage_name: name,
        deployment_id: input.deployment_id,
        description: input.description,
        variables: input.variables.unwrap_or_default(),
        method_settings: Default::default(),
        access_log_settings: None,
        tracing_enabled: input.tracing_enabled.unwrap_or(false),
        created_date: tx.now,
        last_updated_date: tx.now,
        tags: input.tags.unwrap_or_default(),
        live: Default::default(),
    };
    check(tx, &mut stage)?;
    tx.put(stage.clone())?;
    show(tx, &stage)
}

/// With the web ACL that stands before it.
fn show(tx: &Tx<'_>, stage: &RestStage) -> Result<shapes::Stage, Fault> {
    let mut shape: shapes::Stage = shown(stage)?;
    shape.cache_cluster_enabled = Some(false);
    let association = tx.snapshot().find_named::<Association>(&Association::name_for(&stage.arn()));
    shape.web_acl_arn = association.map(|a| a.web_acl.clone());
    Ok(shape)
}

fn find(tx: &Tx<'_>, api_id: &str, name: &str) -> Result<RestStage, Fault> {
    api(tx, api_id)?;
    let found = tx.find::<RestStage>(&format!("{api_id}/{name}")).cloned();
    found.ok_or_else(|| not_found("Invalid stage identifier specified"))
}

pub(crate) fn get_stage(tx: &mut Tx<'_>, input: GetStageRequest) -> Result<shapes::Stage, Fault> {
    show(tx, &find(tx, &input.rest_api_id, &input.stage_name)?)
}

pub(crate) fn get_stages(tx: &mut Tx<'_>, input: GetStagesRequest) -> Result<Stages, Fault> {
    api(tx, &input.rest_api_id)?;
    let mine = |s: &&RestStage| {
        s.api == input.rest_api_id && input.deployment_id.as_ref().is_none_or(|d| *d == s.deployment_id)
    };
    let item = tx.list::<RestStage>().filter(mine).map(|s| show(tx, s)).collect::<Result<_, _>>()?;
    Ok(Stages { item: Some(item) })
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateStage.html>
pub(crate) fn update_stage(tx: &mut Tx<'_>, input: UpdateStageRequest) -> Result<shapes::Stage, Fault> {
    let old = find(tx, &input.rest_api_id, &input.stage_name)?;
    let mut operations = operations(input.patch_operations);
    for operation in &mut operations {
        let path = operation.path.clone().unwrap_or_default();
        let own = ["/variables/", "/accessLogSettings"].iter().any(|p| path.starts_with(p));
        if !own && let Some(meant) = setting_path(&path) {
            operation.path = Some(meant);
        }
    }
    let mut new: RestStage = patched(&old, &operations, RULES)?;
    check(tx, &mut new)?;
    new.last_updated_date = tx.now;
    new.live = old.live;
    tx.put(new.clone())?;
    show(tx, &new)
}

pub(crate) fn delete_stage(tx: &mut Tx<'_>, input: DeleteStageRequest) -> Result<(), Fault> {
    let gone = find(tx, &input.rest_api_id, &input.stage_name)?;
    let named =
        |p: &UsagePlan| p.api_stages.iter().any(|s| s.api_id == gone.api && s.stage == gone.stage_name);
    if let Some(plan) = tx.list::<UsagePlan>().find(|p| named(p)).map(|p| p.id.clone()) {
        return Err(bad_request(format!(
            "Cannot delete stage {}: it is associated with the usage plan {plan}; remove it from there first",
            gone.stage_name
        )));
    }
    tx.remove(&gone)
}
