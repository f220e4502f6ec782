//! Integrations: where requests go, and how they are changed on the way.

use model::estate::apigateway::{HttpApi, HttpIntegration, VpcLink};
use model::{Arn, Fault, Tx, Value};

use crate::deployment::redeploy;
use crate::document::{api, bad_request, conflict, merged, new_id, not_found, not_served, page, shown};
use crate::expression;
use crate::shapes::{
    CreateIntegrationRequest, DeleteIntegrationRequest, GetIntegrationRequest, GetIntegrationsRequest,
    UpdateIntegrationRequest,
};

const LONGEST: i64 = 30_000;
const VERBS: &[&str] = &["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY"];

/// What is asked for must be what will be served.
fn check(tx: &Tx<'_>, integration: &HttpIntegration) -> Result<(), Fault> {
    if integration.integration_type != "HTTP_PROXY" {
        return Err(not_served(&format!("the integration type {}", integration.integration_type)));
    }
    if integration.payload_format_version != "1.0" {
        return Err(bad_request("PayloadFormatVersion must be 1.0 for an HTTP_PROXY integration"));
    }
    if !VERBS.contains(&integration.integration_method.as_str()) {
        return Err(bad_request("HttpMethod must be provided for an HTTP_PROXY integration"));
    }
    if !(50..=LONGEST).contains(&integration.timeout_in_millis) {
        return Err(bad_request("Timeout should be between 50 ms and 30000 ms"));
    }
    for (target, source) in &integration.request_parameters {
        expression::request(target, source)?;
    }
    for (status, changes) in &integration.response_parameters {
        expression::status(status)?;
        for (target, source) in changes {
            expression::response(target, source)?;
        }
    }
    match integration.connection_type.as_str() {
        "VPC_LINK" => link(tx, integration),
        "INTERNET" => outside(tx, integration),
        other => Err(bad_request(format!("Invalid connection type {other}"))),
    }
}

fn link(tx: &Tx<'_>, integration: &HttpIntegration) -> Result<(), Fault> {
    let id = integration.connection_id.as_deref().unwrap_or_default();
    if tx.find::<VpcLink>(id).is_none() {
        return Err(bad_request(format!("Invalid Vpc Link identifier specified: {id}")));
    }
    let arn = Arn::parse(&integration.integration_uri);
    let listener =
        arn.is_some_and(|a| a.service == "elasticloadbalancing" && a.resource.starts_with("listener/app/"));
    if !listener {
        return Err(bad_request(
            "For VpcLink HTTP_PROXY integration, the integration uri should be a valid ELB listener ARN; only listeners of application load balancers are served by this runtime",
        ));
    }
    match arn.is_some_and(|a| a.account == tx.account.as_str() && a.region == tx.region) {
        true => Ok(()),
        false => {
            Err(bad_request("The listener, the VPC link and the API must be of the same account and region"))
        }
    }
}

/// Without a link, only names that this runtime itself answers.
fn outside(tx: &Tx<'_>, integration: &HttpIntegration) -> Result<(), Fault> {
    let uri = &integration.integration_uri;
    let Some((scheme, rest)) = uri.split_once("://").filter(|(s, _)| matches!(*s, "http" | "https")) else {
        return Err(bad_request("Invalid integration uri: it must be an HTTP or HTTPS URL"));
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let own = tx.settings().endpoint.trim_start_matches("https://").trim_start_matches("http://").to_owned();
    let mut labels = authority.split(['.', ':']).skip(1);
    let (second, third) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    match authority == own || second == "execute-api" || third == "elb" {
        true => Ok(()),
        false => Err(not_served(&format!(
            "an integration with `{scheme}://{authority}`: requests leave this runtime only through a VPC link or to its own endpoints, which"
        ))),
    }
}

/// <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-integrations.html>
pub(crate) fn create_integration(tx: &mut Tx<'_>, input: CreateIntegrationRequest) -> Result<Value, Fault> {
    let api = api(tx, &input.api_id)?;
    refuse(&[
        ("credentialsArn", input.credentials_arn.is_some()),
        ("an AWS service integration", input.integration_subtype.is_some()),
        ("contentHandlingStrategy", input.content_handling_strategy.is_some()),
        ("requestTemplates of an HTTP API", input.request_templates.as_ref().is_some_and(|t| !t.is_empty())),
        ("templateSelectionExpression", input.template_selection_expression.is_some()),
    ])?;
    let blank = HttpIntegration {
        integration_id: new_id(tx, 7),
        connection_type: "INTERNET".to_owned(),
        payload_format_version: "1.0".to_owned(),
        timeout_in_millis: LONGEST,
        ..HttpIntegration::default()
    };
    put(tx, api, merged(&blank, input)?)
}

fn refuse(given: &[(&str, bool)]) -> Result<(), Fault> {
    match given.iter().find(|(_, given)| *given) {
        Some((what, _)) => Err(not_served(what)),
        None => Ok(()),
    }
}

fn put(tx: &mut Tx<'_>, mut api: HttpApi, integration: HttpIntegration) -> Result<Value, Fault> {
    check(tx, &integration)?;
    api.definition.integrations.insert(integration.integration_id.clone(), integration.clone());
    tx.put(api.clone())?;
    redeploy(tx, &api)?;
    shown(&integration)
}

fn find(api: &HttpApi, id: &str) -> Result<HttpIntegration, Fault> {
    let missing = || not_found("Invalid Integration identifier specified");
    api.definition.integrations.get(id).cloned().ok_or_else(missing)
}

pub(crate) fn get_integration(tx: &mut Tx<'_>, input: GetIntegrationRequest) -> Result<Value, Fault> {
    shown(&find(&api(tx, &input.api_id)?, &input.integration_id)?)
}

pub(crate) fn get_integrations(tx: &mut Tx<'_>, input: GetIntegrationsRequest) -> Result<Value, Fault> {
    let api = api(tx, &input.api_id)?;
    let all = api.definition.integrations.iter().map(|(id, i)| (id.clone(), shown(i)));
    page(all, input.next_token.as_deref(), input.max_results.as_deref())
}

pub(crate) fn update_integration(tx: &mut Tx<'_>, input: UpdateIntegrationRequest) -> Result<Value, Fault> {
    let api = api(tx, &input.api_id)?;
    refuse(&[
        ("credentialsArn", input.credentials_arn.is_some()),
        ("an AWS service integration", input.integration_subtype.is_some()),
        ("contentHandlingStrategy", input.content_handling_strategy.is_some()),
        ("requestTemplates of an HTTP API", input.request_templates.as_ref().is_some_and(|t| !t.is_empty())),
    ])?;
    let old = find(&api, &input.integration_id)?;
    let mut given: model::Value = model::IntoValue::into_value(input);
    // An empty value takes a parameter away.
    if let model::Value::Map(members) = &mut given
        && let Some(model::Value::Map(mut parameters)) = members.take("RequestParameters")
    {
        let own = old.request_parameters.iter().filter(|(k, _)| parameters.get(k).is_none());
        let own: Vec<_> = own.map(|(k, v)| (k.clone().into(), model::Value::Text(v.clone()))).collect();
        parameters.0.extend(own);
        parameters.0.retain(|(_, v)| v.as_str().is_none_or(|v| !v.is_empty()));
        members.push("RequestParameters", model::Value::Map(parameters));
    }
    put(tx, api, merged(&old, given)?)
}

pub(crate) fn delete_integration(tx: &mut Tx<'_>, input: DeleteIntegrationRequest) -> Result<(), Fault> {
    let mut api = api(tx, &input.api_id)?;
    let gone = find(&api, &input.integration_id)?;
    let target = format!("integrations/{}", gone.integration_id);
    if api.definition.routes.values().any(|r| r.target.as_ref() == Some(&target)) {
        return Err(conflict("Cannot delete Integration because it is referenced by a Route"));
    }
    api.definition.integrations.remove(&gone.integration_id);
    tx.put(api.clone())?;
    redeploy(tx, &api)
}
