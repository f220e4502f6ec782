//! To the integration and back.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method};
use model::estate::apigateway::{Integration, IntegrationResponse};

use super::refusal::Refusal;
use super::routes::Route;
use super::{Stage, body_of, mapping};
use crate::gateway::call::Call;
use crate::gateway::forward::{self, Url};
use crate::gateway::link::{self, Way};
use crate::gateway::upstream::{Destination, Failure};
use crate::listen::Answer;
use crate::plain;

/// Headers of an answer that go back under another name.
const REMAPPED: &[&str] = &["connection", "content-length", "date", "server", "www-authenticate"];

fn broken(reason: impl Into<String>) -> Refusal {
    Refusal::new("API_CONFIGURATION_ERROR", reason)
}

/// What is known of where a request goes, before it goes there.
pub(super) enum Ready<'r> {
    Mock(&'r IntegrationResponse),
    Send(Destination, Box<hyper::Request<http_body_util::Full<Bytes>>>, Duration),
}

/// Makes the request that will go on, or says why it cannot.
pub(super) async fn prepare<'r>(
    call: &mut Call,
    stage: &Stage<'_>,
    route: &'r Route,
    added: Vec<(String, String)>,
) -> Result<Ready<'r>, Refusal> {
    let Some(integration) = &route.method.method_integration else {
        return Err(broken("the method has no integration"));
    };
    if integration.r#type == "MOCK" {
        return mock(call, integration, route).map(Ready::Mock);
    }
    if integration.r#type != "HTTP_PROXY" {
        return Err(broken(format!("the integration type `{}` is not served", integration.r#type)));
    }
    let staged = |text: Option<&String>| call.context.staged(text.map(String::as_str).unwrap_or_default());
    let unset = || broken("a stage variable of the integration is not set");
    let uri = staged(integration.uri.as_ref()).ok_or_else(unset)?;
    let url = Url::parse(&uri).ok_or_else(|| broken(format!("`{uri}` is no URL")))?;
    let private = integration.connection_type.as_deref() == Some("VPC_LINK");
    let destination = if private {
        let link = staged(integration.connection_id.as_ref()).ok_or_else(unset)?;
        let target = staged(integration.integration_target.as_ref()).ok_or_else(unset)?;
        let way = Way {
            account: &call.journey.account,
            region: &call.journey.region,
            link: &link,
            target: &target,
            port: url.port(),
        };
        let address = link::socket(&call.plane, &call.snapshot, &way).map_err(Refusal::unavailable)?;
        Destination { address, server_name: url.https.then(|| url.host().to_owned()) }
    } else {
        forward::own(call, &url)
            .ok_or_else(|| broken(format!("`{}` is not of this runtime", url.authority)))?
    };
    let body = body_of(call).await?;
    let mut headers = forward::onward(call);
    for (name, value) in &added {
        forward::set(&mut headers, name, value);
    }
    for (name, value) in [
        ("x-forwarded-for", call.connection.peer.ip().to_string().as_str()),
        ("x-forwarded-port", forward::port(call)),
        ("x-forwarded-proto", forward::scheme(call)),
        ("x-amzn-apigateway-api-id", &stage.node.api),
        ("host", url.authority),
    ] {
        forward::set(&mut headers, name, value);
    }
    let mapped = mapping::request(call, integration, &mut headers);
    // Of a private integration without a path of its own the backend sees the stage, too.
    let path = match url.path {
        "" | "/" if private => format!("/{}{}", stage.node.stage_name, stage.rest),
        "" => "/".to_owned(),
        own => filled(own, &mapped.path)
            .ok_or_else(|| broken(format!("`{own}` has a variable that is not mapped")))?,
    };
    let query = mapping::query(url.query, &call.query, &mapped.query);
    let verb = match integration.http_method.as_deref() {
        Some("ANY") | None => call.method.clone(),
        Some(verb) => {
            Method::from_bytes(verb.as_bytes()).map_err(|_| broken("the integration's method is none"))?
        }
    };
    let request = forward::request(verb, &path, &query, headers, body);
    let request = request.ok_or_else(|| broken(format!("`{path}` cannot be asked for")))?;
    let limit = Duration::from_millis(u64::try_from(integration.timeout_in_millis).unwrap_or(29_000));
    Ok(Ready::Send(destination, Box::new(request), limit))
}

/// `/orders/{id}` with the mapped values, raw.
fn filled(path: &str, values: &[(String, String)]) -> Option<String> {
    let mut text = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, more) = after.split_once('}')?;
        let name = name.trim_end_matches('+');
        text.push_str(before);
        text.push_str(&values.iter().find(|(n, _)| n == name)?.1);
        rest = more;
    }
    text.push_str(rest);
    Some(text)
}

/// Sends, and turns the answer into the client's.
pub(super) async fn carry_out(
    call: &mut Call,
    stage: &Stage<'_>,
    route: &Route,
    ready: Ready<'_>,
) -> Result<Answer, Refusal> {
    let (destination, request, limit) = match ready {
        Ready::Mock(response) => return Ok(mocked(call, response)),
        Ready::Send(destination, request, limit) => (destination, request, limit),
    };
    let before = call.plane.estate.now();
    let outcome = stage.table.pool.send(&destination, *request, limit).await;
    let took = call.plane.estate.now().0 - before.0;
    call.context.set("integrationLatency", took.to_string());
    call.context.set("integration.latency", took.to_string());
    let response = outcome.map_err(|failure| failed(call, failure))?;
    let (parts, body) = response.into_parts();
    call.context.set("integrationStatus", parts.status.as_str());
    call.context.set("integration.status", parts.status.as_str());
    let _ = route;
    let mut answer = plain::whole(parts.status.as_u16(), "application/json", body);
    *answer.headers_mut() = back(parts.headers);
    Ok(answer)
}

fn back(mut headers: HeaderMap) -> HeaderMap {
    let remapped: Vec<_> = REMAPPED
        .iter()
        .filter_map(|name| Some((format!("x-amzn-remapped-{name}"), headers.get(*name)?.clone())))
        .collect();
    forward::without_hops(&mut headers);
    for name in REMAPPED {
        headers.remove(*name);
    }
    for (name, value) in remapped {
        if let Ok(name) = HeaderName::try_from(name) {
            headers.insert(name, value);
        }
    }
    headers
}

fn failed(call: &mut Call, failure: Failure) -> Refusal {
    let (refusal, error) = match failure {
        Failure::Timeout => (
            Refusal::new("INTEGRATION_TIMEOUT", "the integration did not answer in time"),
            "timeout".to_owned(),
        ),
        Failure::Unreachable(why) => (Refusal::new("INTEGRATION_FAILURE", why.clone()), why),
        Failure::Untrusted(why) => (broken(why.clone()), why),
        Failure::TooLong => (broken("the answer is longer than 10 MB"), "too long".to_owned()),
    };
    call.context.set("integrationErrorMessage", error);
    refusal
}

/// The response that a MOCK integration's own status selects.
fn mock<'r>(
    call: &Call,
    integration: &Integration,
    route: &'r Route,
) -> Result<&'r IntegrationResponse, Refusal> {
    let content_type = call.header("content-type").unwrap_or("application/json");
    let media = content_type.split(';').next().unwrap_or_default().trim();
    let templates = &integration.request_templates;
    let template = templates.get(media).or_else(|| templates.get("application/json"));
    let template = template
        .ok_or_else(|| Refusal::new("UNSUPPORTED_MEDIA_TYPE", "no template fits the content type"))?;
    let text = call.context.render(template, |_, value| value.unwrap_or_default());
    let status =
        serde_json::from_str::<serde_json::Value>(&text).ok().and_then(|j| j.get("statusCode")?.as_i64());
    let status = status.ok_or_else(|| broken("the mock's template gives no `statusCode`"))?.to_string();
    let selected = route.responses.iter().find(|(pattern, _)| pattern.is_match(&status)).map(|(_, r)| r);
    selected.or(route.fallback.as_ref()).ok_or_else(|| broken(format!("no response is selected by {status}")))
}

fn mocked(call: &Call, response: &IntegrationResponse) -> Answer {
    let template = response.response_templates.get("application/json");
    let body = template.map(|t| call.context.render(t, |_, v| v.unwrap_or_default())).unwrap_or_default();
    let mut answer = plain::whole(response.status_code.parse().unwrap_or(500), "application/json", body);
    for (target, source) in &response.response_parameters {
        if let Some(name) = target.strip_prefix("method.response.header.")
            && let Some(value) = mapping::value(call, source)
        {
            forward::set(answer.headers_mut(), name, &value);
        }
    }
    answer
}
