//! A request at a stage of an HTTP API: CORS, authorizer, throttle, integration. The first to
//! refuse answers. (A web ACL cannot stand before an HTTP API, in AWS neither.)

mod access;
mod cors;
mod mapping;
mod routes;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use model::Fault;
use model::Node as _;
use model::estate::apigateway::{HttpApi, HttpDeployment, HttpIntegration, HttpStage};
use serde_json::json;

use self::routes::{Compiled, Table};
use super::body::Problem;
use super::call::Call;
use super::forward::{self, Url};
use super::link::{self, Way};
use super::log::{self, Place, Queue};
use super::path;
use super::throttle::{Buckets, Limit};
use super::upstream::{Destination, Failure};
use crate::listen::Answer;
use crate::plain;

/// What a stage may take unless it says otherwise: the region's default for an account.
const DEFAULT: Limit = Limit { rate: 10_000.0, burst: 5000.0 };

/// What is kept beside a stage.
#[derive(Default)]
pub(super) struct Live {
    buckets: Buckets,
    log: Arc<Queue>,
}

struct Stage<'s> {
    node: &'s HttpStage,
    table: &'s Table,
    live: &'s Live,
    /// The request's path behind the stage, raw, with its slash.
    rest: String,
}

/// Why a request does not go on.
struct Refusal {
    status: u16,
    message: &'static str,
    reason: String,
    authenticate: Option<String>,
}

impl Refusal {
    fn new(status: u16, message: &'static str, reason: impl Into<String>) -> Refusal {
        Refusal { status, message, reason: reason.into(), authenticate: None }
    }

    fn broken(reason: impl Into<String>) -> Refusal {
        Refusal::new(500, "Internal Server Error", reason)
    }

    fn forbidden(reason: impl Into<String>) -> Refusal {
        Refusal::new(403, "Forbidden", reason)
    }

    fn no_token() -> Refusal {
        let refusal = Refusal::new(401, "Unauthorized", "there is no token");
        Refusal { authenticate: Some("Bearer".to_owned()), ..refusal }
    }

    fn unauthorized(scopes: &str, why: &str) -> Refusal {
        let authenticate =
            format!("Bearer scope=\"{scopes}\" error=\"invalid_token\" error_description=\"{why}\"");
        Refusal { authenticate: Some(authenticate), ..Refusal::new(401, "Unauthorized", why) }
    }

    fn no_scope(scopes: &str) -> Refusal {
        let why = "the token does not have the required scopes";
        let authenticate =
            format!("Bearer scope=\"{scopes}\" error=\"insufficient_scope\" error_description=\"{why}\"");
        Refusal { authenticate: Some(authenticate), ..Refusal::forbidden(why) }
    }
}

/// What cannot be recorded does not happen.
impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::broken(fault.to_string())
    }
}

pub(super) async fn answer(mut call: Call, api: &HttpApi) -> Answer {
    let snapshot = Arc::clone(&call.snapshot);
    let find =
        |name: &str| snapshot.find::<HttpStage>(&api.account, &api.region, &format!("{}/{name}", api.api_id));
    let inner = call.path.strip_prefix('/').unwrap_or(&call.path);
    let (first, behind) = inner.split_once('/').map_or((inner, String::new()), |(f, b)| (f, format!("/{b}")));
    let named = find(first)
        .filter(|s| s.stage_name != "$default")
        .map(|s| (s, if behind.is_empty() { "/".to_owned() } else { behind }));
    let whole = if call.path.is_empty() { "/".to_owned() } else { call.path.clone() };
    let found =
        named.or_else(|| find("$default").map(|s| (s, whole))).filter(|_| !api.disable_execute_api_endpoint);
    let Some((node, rest)) = found else {
        let refusal =
            Refusal::new(404, "Not Found", "there is no such stage, or the API's own endpoint is closed");
        return finish(&call, Err(refusal));
    };
    let deployment = node.deployment_id.as_ref().and_then(|id| {
        snapshot.find::<HttpDeployment>(&api.account, &api.region, &format!("{}/{id}", api.api_id))
    });
    let root = &call.plane.root_pem;
    let table = deployment.and_then(|d| d.compiled.get(|| Table::compile(&d.definition, root)));
    let (Some(table), Some(live)) = (table, node.live.get(Live::default)) else {
        return finish(&call, Err(Refusal::new(404, "Not Found", "the stage has no deployment")));
    };
    call.context.set("stage", node.stage_name.clone());
    call.context.stage_variables.clone_from(&node.stage_variables);
    let stage = Stage { node, table: &table, live: &live, rest };
    if let Some(answer) = stage.table.cors.as_ref().and_then(|cors| cors::preflight(&call, cors)) {
        return finish(&call, Ok(answer));
    }
    let outcome = match serve(&mut call, &stage).await {
        Ok(answer) => Ok(answer),
        Err(refusal) => match call.decided("gateway", &node.arn(), Err(&refusal.reason)) {
            Ok(()) => Err(refusal),
            Err(fault) => Err(fault.into()),
        },
    };
    let mut answer = finish(&call, outcome);
    if let Some(cors) = &stage.table.cors {
        cors::decorate(&call, cors, answer.headers_mut());
    }
    write_log(&call, &stage, &answer);
    answer
}

async fn serve(call: &mut Call, stage: &Stage<'_>) -> Result<Answer, Refusal> {
    let segments = path::segments(&stage.rest)
        .ok_or_else(|| Refusal::new(400, "Bad Request", "the path could be read in more than one way"))?;
    let unknown = || Refusal::new(404, "Not Found", "there is no such route");
    let (route, variables) = stage.table.find(call.method.as_str(), &segments).ok_or_else(unknown)?;
    call.variables = variables;
    call.context.set("routeKey", route.route.route_key.clone());
    access::judge(call, stage, route).await?;
    throttle(call, stage, route)?;
    let integration = route.integration.as_ref();
    let integration = integration.ok_or_else(|| Refusal::broken("the route has no integration"))?;
    let (destination, request) = prepare(call, stage, integration).await?;
    call.decided("gateway", &stage.node.arn(), Ok(()))?;
    let limit = Duration::from_millis(u64::try_from(integration.timeout_in_millis).unwrap_or(30_000));
    let before = call.plane.estate.now();
    let outcome = stage.table.pool.send(&destination, request, limit).await;
    call.context.set("integrationLatency", (call.plane.estate.now().0 - before.0).to_string());
    let (mut parts, body) = outcome.map_err(|failure| failed(call, failure))?.into_parts();
    call.context.set("integrationStatus", parts.status.as_str());
    call.context.set("integration.status", parts.status.as_str());
    forward::without_hops(&mut parts.headers);
    parts.headers.remove("content-length");
    let changes = integration.response_parameters.get(parts.status.as_str());
    let status = changes.and_then(|changes| mapping::response(call, changes, &mut parts.headers));
    let mut answer = plain::whole(status.unwrap_or(parts.status.as_u16()), "application/json", body);
    *answer.headers_mut() = parts.headers;
    Ok(answer)
}

fn throttle(call: &Call, stage: &Stage<'_>, route: &Compiled) -> Result<(), Refusal> {
    let key = &route.route.route_key;
    let settings = [stage.node.route_settings.get(key), Some(&stage.node.default_route_settings)];
    let limit = settings
        .into_iter()
        .flatten()
        .find_map(|s| Limit::new(s.throttling_rate_limit, s.throttling_burst_limit))
        .unwrap_or(DEFAULT);
    let now = call.plane.estate.now();
    match stage.live.buckets.take(key, limit, now) && stage.live.buckets.take("", DEFAULT, now) {
        true => Ok(()),
        false => Err(Refusal::new(429, "Too Many Requests", "the route's throttle is exceeded")),
    }
}

async fn body_of(call: &mut Call) -> Result<Bytes, Refusal> {
    call.body.whole().await.map_err(|problem| match problem {
        Problem::TooLong => Refusal::new(413, "Request Entity Too Large", "the body is longer than 10 MB"),
        Problem::Broken => Refusal::new(400, "Bad Request", "the body did not arrive"),
    })
}

type Sent = (Destination, hyper::Request<http_body_util::Full<Bytes>>);

/// Makes the request that will go on, or says why it cannot.
async fn prepare(call: &mut Call, stage: &Stage<'_>, integration: &HttpIntegration) -> Result<Sent, Refusal> {
    let uri = call.context.staged(&integration.integration_uri);
    let uri = uri.ok_or_else(|| Refusal::broken("a stage variable of the integration is not set"))?;
    let body = body_of(call).await?;
    let mut headers = forward::onward(call);
    let (destination, path, own_query) = if integration.connection_type == "VPC_LINK" {
        let way = Way {
            account: &call.journey.account,
            region: &call.journey.region,
            link: integration.connection_id.as_deref().unwrap_or_default(),
            target: &uri,
            port: 0,
        };
        let unavailable = |why| Refusal::new(503, "Service Unavailable", why);
        let address = link::socket(&call.plane, &call.snapshot, &way).map_err(unavailable)?;
        let server_name = integration.tls_config.as_ref().and_then(|t| t.server_name_to_verify.clone());
        forward::set(&mut headers, "host", &call.host);
        // The backend of a private integration sees the stage, unless it is the default one.
        let path = match stage.node.stage_name.as_str() {
            "$default" => stage.rest.clone(),
            name => format!("/{name}{}", stage.rest),
        };
        (Destination { address, server_name }, path, String::new())
    } else {
        let url = Url::parse(&uri).ok_or_else(|| Refusal::broken(format!("`{uri}` is no URL")))?;
        let destination = forward::own(call, &url);
        let destination = destination
            .ok_or_else(|| Refusal::broken(format!("`{}` is not of this runtime", url.authority)))?;
        forward::set(&mut headers, "host", url.authority);
        let filled = call.variables.iter().fold(url.path.to_owned(), |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), value).replace(&format!("{{{name}+}}"), value)
        });
        (destination, if filled.is_empty() { "/".to_owned() } else { filled }, url.query.to_owned())
    };
    let forwarded = format!(
        "by={};for={};host={};proto={}",
        "apigateway",
        call.connection.peer.ip(),
        call.host,
        forward::scheme(call)
    );
    forward::set(&mut headers, "forwarded", &forwarded);
    forward::set(&mut headers, "via", "HTTP/1.1 AmazonAPIGateway");
    let changed = mapping::request(call, &integration.request_parameters, &mut headers, (path, &stage.rest));
    if path::segments(&changed.path).is_none() {
        return Err(Refusal::broken("the mapped path could be read in more than one way"));
    }
    let query: Vec<&str> =
        [own_query.as_str(), &changed.query].into_iter().filter(|q| !q.is_empty()).collect();
    let verb = match integration.integration_method.as_str() {
        "ANY" => call.method.clone(),
        verb => Method::from_bytes(verb.as_bytes())
            .map_err(|_| Refusal::broken("the integration's method is none"))?,
    };
    let request = forward::request(verb, &changed.path, &query.join("&"), headers, body);
    let request =
        request.ok_or_else(|| Refusal::broken(format!("`{}` cannot be asked for", changed.path)))?;
    Ok((destination, request))
}

fn failed(call: &mut Call, failure: Failure) -> Refusal {
    let (refusal, error) = match failure {
        Failure::Timeout => (
            Refusal::new(504, "Endpoint request timed out", "the integration did not answer in time"),
            "timeout".to_owned(),
        ),
        Failure::Unreachable(why) => (Refusal::new(503, "Service Unavailable", why.clone()), why),
        Failure::Untrusted(why) => (Refusal::broken(why.clone()), why),
        Failure::TooLong => (Refusal::broken("the answer is longer than 10 MB"), "too long".to_owned()),
    };
    call.context.set("integrationErrorMessage", error.clone());
    call.context.set("integration.error", error);
    refusal
}

fn finish(call: &Call, outcome: Result<Answer, Refusal>) -> Answer {
    let mut answer = match outcome {
        Ok(answer) => answer,
        Err(refusal) => {
            let mut answer = plain::json(refusal.status, &json!({"message": refusal.message}));
            if let Some(authenticate) = &refusal.authenticate {
                forward::set(answer.headers_mut(), "www-authenticate", authenticate);
            }
            answer
        }
    };
    let extended = call.context.get("extendedRequestId").unwrap_or_default();
    forward::set(answer.headers_mut(), "apigw-requestid", &extended);
    answer
}

/// Hands the access log's line to its queue; it is written with the service's own role.
fn write_log(call: &Call, stage: &Stage<'_>, answer: &Answer) {
    let Some(access) = &stage.node.access_log_settings else { return };
    let (Some(group), Some(format)) =
        (access.destination_arn.as_deref().and_then(log::group_of), &access.format)
    else {
        return;
    };
    let role = "role/aws-service-role/ops.apigateway.amazonaws.com/AWSServiceRoleForAPIGateway";
    let place = Place {
        group,
        stream: log::stream(&stage.node.arn()),
        role: model::ids::arn("iam", "", stage.node.account(), role),
        service: "ops.apigateway.amazonaws.com",
        make: false,
    };
    let mut context = call.context.clone();
    context.set("status", answer.status().as_u16().to_string());
    let length = http_body::Body::size_hint(answer.body()).exact().unwrap_or_default();
    context.set("responseLength", length.to_string());
    context.set("responseLatency", (call.plane.estate.now().0 - call.started.0).to_string());
    stage.live.log.push(&call.plane, &call.journey, place, log::line(format, &context));
}
