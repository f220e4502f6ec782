//! Integrations: where a method's requests go.

use model::estate::apigateway::{Integration, IntegrationResponse, Method, VpcLink};
use model::{Arn, Fault, Tx};

use crate::document::{bad_request, not_found, not_served, shown, taken};
use crate::expression;
use crate::method::{find, put};
use crate::patch::{Rules, Slot, operations, patched};
use crate::shapes::{self, *};

const LONGEST: i64 = 29_000;

const RULES: Rules = &[
    ("/uri", Slot::Text),
    ("/httpMethod", Slot::Text),
    ("/connectionType", Slot::Text),
    ("/connectionId", Slot::Text),
    ("/integrationTarget", Slot::Text),
    ("/passthroughBehavior", Slot::Text),
    ("/timeoutInMillis", Slot::Integer),
    ("/requestParameters/*", Slot::Text),
    ("/requestTemplates/*", Slot::Text),
    ("/cacheNamespace", Slot::Text),
];

const RESPONSE_RULES: Rules = &[
    ("/selectionPattern", Slot::Text),
    ("/responseParameters/*", Slot::Text),
    ("/responseTemplates/*", Slot::Text),
];

/// Whether something is only known at a stage.
fn staged(text: &str) -> bool {
    text.contains("${stageVariables.")
}

/// What is asked for must be what will be served.
fn check(tx: &Tx<'_>, method: &Method, integration: &Integration) -> Result<(), Fault> {
    if !(50..=LONGEST).contains(&integration.timeout_in_millis) {
        return Err(bad_request("Timeout should be between 50 ms and 29000 ms"));
    }
    for (target, source) in &integration.request_parameters {
        expression::request_mapping(method, target, source)?;
    }
    expression::templates(&integration.request_templates)?;
    match integration.r#type.as_str() {
        "MOCK" => return Ok(()),
        "HTTP_PROXY" => {}
        other => return Err(not_served(&format!("the integration type {other}"))),
    }
    if integration.http_method.as_deref().is_none_or(str::is_empty) {
        return Err(bad_request("Enumeration value for HttpMethod must be non-empty"));
    }
    if !integration.request_templates.is_empty() {
        return Err(bad_request("Request templates are not allowed for a proxy integration"));
    }
    let uri = integration.uri.as_deref().unwrap_or_default();
    let Some((scheme, rest)) = uri.split_once("://") else {
        return Err(bad_request("Invalid HTTP endpoint specified for URI"));
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if !matches!(scheme, "http" | "https") || authority.is_empty() {
        return Err(bad_request("Invalid HTTP endpoint specified for URI"));
    }
    match integration.connection_type.as_deref() {
        Some("VPC_LINK") => link(tx, integration),
        _ => outside(tx, authority),
    }
}

/// A VPC link V2 of this account, and the load balancer behind it.
fn link(tx: &Tx<'_>, integration: &Integration) -> Result<(), Fault> {
    let id = integration.connection_id.as_deref().unwrap_or_default();
    if !staged(id) && tx.find::<VpcLink>(id).is_none() {
        return Err(bad_request(format!("Invalid Vpc Link identifier specified: {id}")));
    }
    let target = integration.integration_target.as_deref().unwrap_or_default();
    if staged(target) {
        return Ok(());
    }
    let Some(arn) = Arn::parse(target).filter(|a| a.service == "elasticloadbalancing") else {
        return Err(bad_request(
            "A private integration with a VPC link V2 requires the ARN of a load balancer or of its listener as the integration target",
        ));
    };
    if arn.account != tx.account.as_str() || arn.region != tx.region {
        return Err(bad_request(
            "The load balancer, the VPC link and the API must be of the same account and region",
        ));
    }
    match arn.resource.split('/').nth(1) {
        Some("app") => Ok(()),
        _ => Err(not_served("a private integration with anything but an application load balancer")),
    }
}

/// Without a link, only names that this runtime itself answers.
fn outside(tx: &Tx<'_>, authority: &str) -> Result<(), Fault> {
    let own = tx.settings().endpoint.trim_start_matches("https://").trim_start_matches("http://").to_owned();
    let mut labels = authority.split(['.', ':']).skip(1);
    let (second, third) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    match authority == own || second == "execute-api" || third == "elb" {
        true => Ok(()),
        false => Err(not_served(&format!(
            "an integration with `{authority}`: requests leave this runtime only through a VPC link or to its own endpoints, which"
        ))),
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html>
pub(crate) fn put_integration(
    tx: &mut Tx<'_>,
    input: PutIntegrationRequest,
) -> Result<shapes::Integration, Fault> {
    let (resource, mut method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    let some = |text: &Option<String>| text.as_deref().is_some_and(|t| !t.is_empty());
    let refused = [
        ("credentials", some(&input.credentials)),
        ("contentHandling", some(&input.content_handling)),
        ("cacheKeyParameters", input.cache_key_parameters.as_ref().is_some_and(|k| !k.is_empty())),
        ("responseTransferMode STREAM", input.response_transfer_mode.as_deref() == Some("STREAM")),
        (
            "insecureSkipVerification",
            input.tls_config.as_ref().is_some_and(|t| t.insecure_skip_verification == Some(true)),
        ),
    ];
    if let Some((what, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(not_served(what));
    }
    let proxy = input.r#type != "MOCK";
    let integration = Integration {
        r#type: input.r#type,
        http_method: input.integration_http_method,
        uri: input.uri,
        connection_type: input.connection_type.or_else(|| proxy.then(|| "INTERNET".to_owned())),
        connection_id: input.connection_id,
        request_parameters: input.request_parameters.unwrap_or_default(),
        request_templates: input.request_templates.unwrap_or_default(),
        passthrough_behavior: Some(input.passthrough_behavior.unwrap_or_else(|| "WHEN_NO_MATCH".to_owned())),
        timeout_in_millis: input.timeout_in_millis.unwrap_or(LONGEST),
        cache_namespace: Some(input.cache_namespace.unwrap_or_else(|| resource.place.id.clone())),
        integration_responses: Default::default(),
        integration_target: input.integration_target,
    };
    check(tx, &method, &integration)?;
    method.method_integration = Some(integration.clone());
    put(tx, resource, method)?;
    shown(&integration)
}

fn of(method: &Method) -> Result<Integration, Fault> {
    method.method_integration.clone().ok_or_else(|| not_found("Invalid Integration identifier specified"))
}

pub(crate) fn get_integration(
    tx: &mut Tx<'_>,
    input: GetIntegrationRequest,
) -> Result<shapes::Integration, Fault> {
    let (_, method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    shown(&of(&method)?)
}

pub(crate) fn update_integration(
    tx: &mut Tx<'_>,
    input: UpdateIntegrationRequest,
) -> Result<shapes::Integration, Fault> {
    let (resource, mut method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    let new: Integration = patched(&of(&method)?, &operations(input.patch_operations), RULES)?;
    check(tx, &method, &new)?;
    method.method_integration = Some(new.clone());
    put(tx, resource, method)?;
    shown(&new)
}

pub(crate) fn delete_integration(tx: &mut Tx<'_>, input: DeleteIntegrationRequest) -> Result<(), Fault> {
    let (resource, mut method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    of(&method)?;
    method.method_integration = None;
    put(tx, resource, method)
}

fn check_response(
    method: &Method,
    integration: &Integration,
    response: &IntegrationResponse,
) -> Result<(), Fault> {
    if integration.r#type == "HTTP_PROXY" {
        return Err(bad_request("Integration responses are not allowed for a proxy integration"));
    }
    let Some(declared) = method.method_responses.get(&response.status_code) else {
        return Err(not_found("Invalid Response status code specified"));
    };
    for (target, source) in &response.response_parameters {
        expression::response_mapping(target, "method.response.header.", source)?;
        if !declared.response_parameters.contains_key(target) {
            return Err(bad_request(format!(
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: {target}]"
            )));
        }
    }
    if let Some(pattern) = &response.selection_pattern
        && regex_lite::Regex::new(pattern).is_err()
    {
        return Err(bad_request(format!("Invalid selection pattern specified: {pattern}")));
    }
    expression::templates(&response.response_templates)
}

pub(crate) fn put_integration_response(
    tx: &mut Tx<'_>,
    input: PutIntegrationResponseRequest,
) -> Result<shapes::IntegrationResponse, Fault> {
    let (resource, mut method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    if input.content_handling.is_some() {
        return Err(not_served("contentHandling"));
    }
    let mut integration = of(&method)?;
    let response: IntegrationResponse = taken(input)?;
    check_response(&method, &integration, &response)?;
    integration.integration_responses.insert(response.status_code.clone(), response.clone());
    method.method_integration = Some(integration);
    put(tx, resource, method)?;
    shown(&response)
}

fn response(integration: &Integration, status: &str) -> Result<IntegrationResponse, Fault> {
    let missing = || not_found("Invalid Response status code specified");
    integration.integration_responses.get(status).cloned().ok_or_else(missing)
}

pub(crate) fn get_integration_response(
    tx: &mut Tx<'_>,
    input: GetIntegrationResponseRequest,
) -> Result<shapes::IntegrationResponse, Fault> {
    let (_, method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    shown(&response(&of(&method)?, &input.status_code)?)
}

pub(crate) fn update_integration_response(
    tx: &mut Tx<'_>,
    input: UpdateIntegrationResponseRequest,
) -> Result<shapes::IntegrationResponse, Fault> {
    let (resource, mut method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    let mut integration = of(&method)?;
    let old = response(&integration, &input.status_code)?;
    let new: IntegrationResponse = patched(&old, &operations(input.patch_operations), RESPONSE_RULES)?;
    check_response(&method, &integration, &new)?;
    integration.integration_responses.insert(new.status_code.clone(), new.clone());
    method.method_integration = Some(integration);
    put(tx, resource, method)?;
    shown(&new)
}

pub(crate) fn delete_integration_response(
    tx: &mut Tx<'_>,
    input: DeleteIntegrationResponseRequest,
) -> Result<(), Fault> {
    let (resource, mut method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    let mut integration = of(&method)?;
    let gone = response(&integration, &input.status_code)?;
    integration.integration_responses.remove(&gone.status_code);
    method.method_integration = Some(integration);
    put(tx, resource, method)
}
