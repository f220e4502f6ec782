//! A request at a stage of a REST API: web ACL, authorizer and resource policy, API key and
//! throttles, validation, integration, in this order. The first to refuse answers.

mod access;
mod mapping;
mod refusal;
mod routes;
mod schema;
mod send;
mod usage;

use std::sync::Arc;

use bytes::Bytes;
use model::Node as _;
use model::estate::apigateway::{
    GatewayAccount, MethodSetting, RestApi, RestDeployment, RestStage, deployment_name,
};

use self::refusal::{Custom, Refusal};
use self::routes::{Route, Table};
use super::body::Problem;
use super::call::Call;
use super::log::{self, Place, Queue};
use super::throttle::Buckets;
use super::{forward, path};
use crate::listen::Answer;
use crate::waf::{self, Verdict};

/// What is kept beside a stage.
#[derive(Default)]
pub(super) struct Live {
    buckets: Buckets,
    log: Arc<Queue>,
}

/// The stage that a request is for.
pub(super) struct Stage<'s> {
    node: &'s RestStage,
    table: &'s Table,
    live: &'s Live,
    /// The request's path behind the stage, raw, with its slash.
    rest: String,
    /// The path of the resource, such as `/orders/{id}`.
    path: String,
}

pub(super) async fn answer(mut call: Call, api: &RestApi) -> Answer {
    let (name, rest) = staged(&call.path);
    let snapshot = Arc::clone(&call.snapshot);
    let node = snapshot.find::<RestStage>(&api.account, &api.region, &format!("{}/{name}", api.id));
    let closed = if api.disable_execute_api_endpoint { None } else { node };
    let Some(node) = closed else {
        let refusal = Refusal::forbidden("there is no such stage, or the API's own endpoint is closed");
        return finish(&mut call, None, Err(refusal));
    };
    let deployment = snapshot.find_named::<RestDeployment>(&deployment_name(&node.api, &node.deployment_id));
    let root = &call.plane.root_pem;
    let table = deployment.and_then(|d| d.compiled.get(|| Table::compile(&d.definition, root)));
    let (Some(table), Some(live)) = (table, node.live.get(Live::default)) else {
        let refusal = Refusal::new("API_CONFIGURATION_ERROR", "the stage has no deployment");
        return finish(&mut call, None, Err(refusal));
    };
    call.context.set("stage", node.stage_name.clone());
    call.context.stage_variables.clone_from(&node.variables);
    let mut stage = Stage { node, table: &table, live: &live, rest, path: String::new() };
    let outcome = serve(&mut call, &mut stage).await;
    let outcome = match outcome {
        Ok(answer) => Ok(answer),
        // The web ACL has recorded its own refusal.
        Err(refusal) if refusal.kind == "WAF_FILTERED" => Err(refusal),
        Err(refusal) => match call.decided("gateway", &stage.node.arn(), Err(&refusal.reason)) {
            Ok(()) => Err(refusal),
            Err(fault) => Err(fault.into()),
        },
    };
    let answer = finish(&mut call, Some(&table), outcome);
    write_log(&call, &stage, &answer);
    answer
}

/// The stage's name and the path behind it.
fn staged(path: &str) -> (String, String) {
    let inner = path.strip_prefix('/').unwrap_or(path);
    match inner.split_once('/') {
        Some((stage, rest)) => (stage.to_owned(), format!("/{rest}")),
        None => (inner.to_owned(), "/".to_owned()),
    }
}

async fn serve(call: &mut Call, stage: &mut Stage<'_>) -> Result<Answer, Refusal> {
    let added = web_acl(call, stage).await?;
    let rest = stage.rest.clone();
    let segments = path::segments(&rest).ok_or_else(|| {
        Refusal::new("BAD_REQUEST_PARAMETERS", "the path could be read in more than one way")
    })?;
    let unknown = || Refusal::new("MISSING_AUTHENTICATION_TOKEN", "there is no such resource or method");
    let table = stage.table;
    let found = table.find(&segments).ok_or_else(unknown)?;
    let route: &Route = found.here.route(call.method.as_str()).ok_or_else(unknown)?;
    call.variables = found.variables;
    stage.path.clone_from(&found.here.path);
    call.context.set("resourcePath", found.here.path.clone());
    call.context.set("resourceId", found.here.id.clone());
    access::judge(call, stage, route).await?;
    usage::check(call, stage, route).await?;
    validate(call, route).await?;
    let ready = send::prepare(call, stage, route, added).await?;
    call.decided("gateway", &stage.node.arn(), Ok(()))?;
    send::carry_out(call, stage, route, ready).await
}

/// The web ACL sees the beginning of the body; it gives headers for the way on.
async fn web_acl(call: &mut Call, stage: &Stage<'_>) -> Result<Vec<(String, String)>, Refusal> {
    let limit = waf::body_limit(&call.plane, &stage.node.arn());
    let (beginning, oversize) = call.body.beginning(limit).await.map_err(unread)?;
    let beginning = Bytes::copy_from_slice(beginning);
    let http = waf::Http {
        method: &call.method,
        path: &call.path,
        query: &call.query,
        headers: &call.headers,
        body: &beginning,
        oversize,
        source_ip: call.connection.peer.ip(),
    };
    match waf::inspect(&call.plane, &call.journey, &stage.node.arn(), &http) {
        Verdict::Pass { headers } => Ok(headers),
        Verdict::Block { status, headers, body } => {
            let refusal = Refusal::new("WAF_FILTERED", "the web ACL blocks the request");
            match (status, body.is_empty()) {
                (403, true) => Err(refusal),
                (500, true) => {
                    Err(Refusal::new("API_CONFIGURATION_ERROR", "the web ACL cannot judge the request"))
                }
                _ => Err(Refusal { status, custom: Some(Box::new(Custom { headers, body })), ..refusal }),
            }
        }
    }
}

fn unread(problem: Problem) -> Refusal {
    match problem {
        Problem::TooLong => Refusal::new("REQUEST_TOO_LARGE", "the body is longer than 10 MB"),
        Problem::Broken => Refusal::new("BAD_REQUEST_PARAMETERS", "the body did not arrive"),
    }
}

async fn body_of(call: &mut Call) -> Result<Bytes, Refusal> {
    call.body.whole().await.map_err(unread)
}

/// Required parameters are there; the body is as its model says.
async fn validate(call: &mut Call, route: &Route) -> Result<(), Refusal> {
    if route.checks_parameters {
        let required = route.method.request_parameters.iter().filter(|(_, required)| **required);
        let missing: Vec<&str> = required
            .filter(|(name, _)| mapping::value(call, name).is_none_or(|v| v.trim().is_empty()))
            .map(|(name, _)| name.rsplit('.').next().unwrap_or(name))
            .collect();
        if !missing.is_empty() {
            let message = format!("Missing required request parameters: [{}]", missing.join(", "));
            return Err(Refusal::new("BAD_REQUEST_PARAMETERS", message.clone()).saying(message));
        }
    }
    if !route.checks_body || route.schemas.is_empty() {
        return Ok(());
    }
    let content_type = call.header("content-type").unwrap_or("application/json").to_ascii_lowercase();
    let media = content_type.split(';').next().unwrap_or_default().trim().to_owned();
    let Some((_, schema)) = route.schemas.iter().find(|(kind, _)| *kind == media) else { return Ok(()) };
    let body = body_of(call).await?;
    let good = serde_json::from_slice(&body).is_ok_and(|document| schema.holds(&document));
    if good { Ok(()) } else { Err(Refusal::new("BAD_REQUEST_BODY", "the body is not as its model says")) }
}

/// The answer with the ids that every one carries.
fn finish(call: &mut Call, table: Option<&Table>, outcome: Result<Answer, Refusal>) -> Answer {
    let mut answer = match outcome {
        Ok(answer) => answer,
        Err(refusal) => refusal::answer(call, table, &refusal),
    };
    let extended = call.context.get("extendedRequestId").unwrap_or_default();
    let trace = format!("Root={}", call.journey.trace);
    for (name, value) in [
        ("x-amzn-requestid", call.journey.request.as_str()),
        ("x-amz-apigw-id", &extended),
        ("x-amzn-trace-id", &trace),
    ] {
        forward::set(answer.headers_mut(), name, value);
    }
    answer
}

/// Hands the access log's line, and those of the execution log, to their queue.
fn write_log(call: &Call, stage: &Stage<'_>, answer: &Answer) {
    let node = stage.node;
    let account = call.snapshot.find::<GatewayAccount>(node.account(), node.region(), "account");
    let Some(role) = account.and_then(|a| a.cloudwatch_role_arn.clone()) else { return };
    let place = |group: String, make: bool| Place {
        group,
        stream: log::stream(&node.arn()),
        role: role.clone(),
        service: "apigateway.amazonaws.com",
        make,
    };
    let status = answer.status().as_u16();
    if let Some(access) = &node.access_log_settings
        && let (Some(group), Some(format)) =
            (access.destination_arn.as_deref().and_then(log::group_of), &access.format)
    {
        let mut context = call.context.clone();
        context.set("status", status.to_string());
        let length = http_body::Body::size_hint(answer.body()).exact().unwrap_or_default();
        context.set("responseLength", length.to_string());
        context.set("responseLatency", (call.plane.estate.now().0 - call.started.0).to_string());
        stage.live.log.push(&call.plane, &call.journey, place(group, false), log::line(format, &context));
    }
    let level = logging_level(node, &stage.path, call.method.as_str());
    if level == "INFO" || (level == "ERROR" && status >= 400) {
        let group = format!("API-Gateway-Execution-Logs_{}/{}", node.api, node.stage_name);
        let id = &call.journey.request;
        let said = call.context.get("error.message").map(|m| format!(" with error: {m}")).unwrap_or_default();
        for text in [
            format!("({id}) HTTP Method: {}, Resource Path: {}", call.method, stage.rest),
            format!("({id}) Method completed with status: {status}{said}"),
        ] {
            stage.live.log.push(&call.plane, &call.journey, place(group.clone(), true), text);
        }
    }
}

fn logging_level(stage: &RestStage, path: &str, verb: &str) -> String {
    let own = format!("{}/{verb}", path.replace('/', "~1"));
    let setting: Option<&MethodSetting> =
        stage.method_settings.get(&own).or_else(|| stage.method_settings.get("*/*"));
    setting.and_then(|s| s.logging_level.clone()).unwrap_or_else(|| "OFF".to_owned())
}
