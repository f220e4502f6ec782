//! Stages: which deployment is served, with which variables, throttles and logs.

use model::estate::apigateway::{HttpStage, RouteSettings};
use model::{Arn, Fault, Tx, Value};

use crate::deployment;
use crate::document::{api, bad_request, conflict, merged, not_found, not_served, page, shown};
use crate::link::linked;
use crate::shapes::{
    self, CreateStageRequest, DeleteAccessLogSettingsRequest, DeleteStageRequest, GetStageRequest,
    GetStagesRequest, UpdateStageRequest,
};

fn check(tx: &mut Tx<'_>, stage: &mut HttpStage) -> Result<(), Fault> {
    let limits = |s: &RouteSettings| {
        s.throttling_burst_limit.is_some_and(|n| n < 0) || s.throttling_rate_limit.is_some_and(|n| n < 0.0)
    };
    let settings = || stage.route_settings.values().chain(std::iter::once(&stage.default_route_settings));
    if settings().any(limits) {
        return Err(bad_request("Throttling limits must not be negative"));
    }
    if settings().any(|s| s.detailed_metrics_enabled == Some(true)) {
        return Err(not_served("detailed CloudWatch metrics"));
    }
    if let Some(id) = &stage.deployment_id {
        deployment::find(tx, &stage.api_id, id)?;
    }
    let Some(log) = &mut stage.access_log_settings else { return Ok(()) };
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
        return Err(bad_request("Access Log format must be single line"));
    }
    log.destination_arn = Some(group);
    linked(tx)
}

fn refuse(settings: &[&shapes::RouteSettings], certificate: bool) -> Result<(), Fault> {
    if certificate {
        return Err(not_served("clientCertificateId"));
    }
    let websocket = |s: &&&shapes::RouteSettings| {
        s.data_trace_enabled == Some(true) || s.logging_level.as_deref().is_some_and(|l| l != "OFF")
    };
    match settings.iter().find(websocket) {
        Some(_) => Err(bad_request("Execution logs are not supported on protocolType HTTP")),
        None => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-stages.html>
pub(crate) fn create_stage(tx: &mut Tx<'_>, input: CreateStageRequest) -> Result<Value, Fault> {
    let api = api(tx, &input.api_id)?;
    let name = input.stage_name.clone();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if !plain && name != "$default" {
        return Err(bad_request("Stage name only allows a-zA-Z0-9_- or the literal $default"));
    }
    let key = format!("{}/{name}", api.api_id);
    if tx.find::<HttpStage>(&key).is_some() {
        return Err(conflict("Stage already exists"));
    }
    let settings: Vec<_> =
        input.route_settings.iter().flat_map(|m| m.values()).chain(&input.default_route_settings).collect();
    refuse(&settings, input.client_certificate_id.is_some())?;
    let blank = HttpStage {
        account: tx.account.clone(),
        region: tx.region.clone(),
        api_id: api.api_id.clone(),
        key,
        stage_name: name,
        deployment_id: None,
        auto_deploy: false,
        description: None,
        stage_variables: Default::default(),
        default_route_settings: RouteSettings::default(),
        route_settings: Default::default(),
        access_log_settings: None,
        created_date: tx.now,
        last_updated_date: tx.now,
        tags: Default::default(),
        live: Default::default(),
    };
    let stage: HttpStage = merged(&blank, input)?;
    put(tx, stage, true)
}

/// Stores a stage; one that deploys by itself does so when it is new or has just become so.
fn put(tx: &mut Tx<'_>, mut stage: HttpStage, deploy: bool) -> Result<Value, Fault> {
    check(tx, &mut stage)?;
    let api = api(tx, &stage.api_id)?;
    if stage.auto_deploy && deploy {
        if stage.deployment_id.is_some() {
            return Err(bad_request("Deployment ID cannot be set on stage because AutoDeploy is enabled"));
        }
        return shown(&deployment::auto_deploy(tx, &api, stage)?);
    }
    tx.put(stage.clone())?;
    shown(&stage)
}

fn find(tx: &Tx<'_>, api_id: &str, name: &str) -> Result<HttpStage, Fault> {
    api(tx, api_id)?;
    let missing = || not_found("Invalid stage identifier specified");
    tx.find::<HttpStage>(&format!("{api_id}/{name}")).cloned().ok_or_else(missing)
}

pub(crate) fn get_stage(tx: &mut Tx<'_>, input: GetStageRequest) -> Result<Value, Fault> {
    shown(&find(tx, &input.api_id, &input.stage_name)?)
}

pub(crate) fn get_stages(tx: &mut Tx<'_>, input: GetStagesRequest) -> Result<Value, Fault> {
    api(tx, &input.api_id)?;
    let mine = tx.list::<HttpStage>().filter(|s| s.api_id == input.api_id);
    let all = mine.map(|s| (s.stage_name.clone(), shown(s)));
    page(all, input.next_token.as_deref(), input.max_results.as_deref())
}

pub(crate) fn update_stage(tx: &mut Tx<'_>, input: UpdateStageRequest) -> Result<Value, Fault> {
    let old = find(tx, &input.api_id, &input.stage_name)?;
    let settings: Vec<_> =
        input.route_settings.iter().flat_map(|m| m.values()).chain(&input.default_route_settings).collect();
    refuse(&settings, input.client_certificate_id.is_some())?;
    let auto = input.auto_deploy.unwrap_or(old.auto_deploy);
    if auto && input.deployment_id.is_some() {
        return Err(bad_request("Deployment ID cannot be set on stage because AutoDeploy is enabled"));
    }
    let mut new: HttpStage = merged(&old, input)?;
    new.live = old.live;
    new.last_updated_date = tx.now;
    let begins = new.auto_deploy && !old.auto_deploy;
    if begins {
        new.deployment_id = None;
    }
    put(tx, new, begins)
}

pub(crate) fn delete_access_log_settings(
    tx: &mut Tx<'_>,
    input: DeleteAccessLogSettingsRequest,
) -> Result<(), Fault> {
    let mut stage = find(tx, &input.api_id, &input.stage_name)?;
    stage.access_log_settings = None;
    tx.put(stage)
}

pub(crate) fn delete_stage(tx: &mut Tx<'_>, input: DeleteStageRequest) -> Result<(), Fault> {
    let gone = find(tx, &input.api_id, &input.stage_name)?;
    tx.remove(&gone)
}
