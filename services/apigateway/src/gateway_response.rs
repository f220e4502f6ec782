//! Gateway responses: how the gateway's own answers look.

use std::collections::BTreeMap;

use model::estate::apigateway::{GatewayResponse, RESPONSE_TYPES, RestApi};
use model::{Fault, Tx};

use crate::document::{api, bad_request, not_found, page, shown, taken};
use crate::expression;
use crate::patch::{Rules, Slot, operations, patched};
use crate::shapes::{self, *};

const RULES: Rules = &[
    ("/statusCode", Slot::Text),
    ("/responseParameters/*", Slot::Text),
    ("/responseTemplates/*", Slot::Text),
];

fn default(kind: &str) -> Result<GatewayResponse, Fault> {
    let (_, status) = RESPONSE_TYPES
        .iter()
        .find(|(k, _)| *k == kind)
        .ok_or_else(|| not_found("Invalid response type specified"))?;
    Ok(GatewayResponse {
        response_type: kind.to_owned(),
        status_code: status.map(|s| s.to_string()),
        response_parameters: BTreeMap::new(),
        response_templates: BTreeMap::from([(
            "application/json".to_owned(),
            "{\"message\":$context.error.messageString}".to_owned(),
        )]),
    })
}

fn check(response: &GatewayResponse) -> Result<(), Fault> {
    for (target, source) in &response.response_parameters {
        expression::response_mapping(target, "gatewayresponse.header.", source)?;
    }
    let good = |s: &String| s.parse::<u16>().is_ok_and(|n| (100..600).contains(&n));
    if response.status_code.as_ref().is_some_and(|s| !good(s)) {
        return Err(bad_request("Invalid status code specified"));
    }
    expression::templates(&response.response_templates)
}

fn show(api: &RestApi, kind: &str) -> Result<shapes::GatewayResponse, Fault> {
    let own = api.gateway_responses.get(kind);
    let mut shape: shapes::GatewayResponse = match own {
        Some(own) => shown(own)?,
        None => shown(&default(kind)?)?,
    };
    shape.default_response = Some(own.is_none());
    Ok(shape)
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_PutGatewayResponse.html>
pub(crate) fn put_gateway_response(
    tx: &mut Tx<'_>,
    input: PutGatewayResponseRequest,
) -> Result<shapes::GatewayResponse, Fault> {
    let mut api = api(tx, &input.rest_api_id)?;
    let mut response: GatewayResponse = taken(input)?;
    let usual = default(&response.response_type)?;
    response.status_code = response.status_code.or(usual.status_code);
    if response.response_templates.is_empty() {
        response.response_templates = usual.response_templates;
    }
    check(&response)?;
    let kind = response.response_type.clone();
    api.gateway_responses.insert(kind.clone(), response);
    tx.put(api.clone())?;
    show(&api, &kind)
}

pub(crate) fn get_gateway_response(
    tx: &mut Tx<'_>,
    input: GetGatewayResponseRequest,
) -> Result<shapes::GatewayResponse, Fault> {
    show(&api(tx, &input.rest_api_id)?, &input.response_type)
}

pub(crate) fn get_gateway_responses(
    tx: &mut Tx<'_>,
    input: GetGatewayResponsesRequest,
) -> Result<GatewayResponses, Fault> {
    let api = api(tx, &input.rest_api_id)?;
    let all = RESPONSE_TYPES.iter().map(|(kind, _)| ((*kind).to_owned(), *kind));
    let (found, position) = page(all, input.position.as_deref(), input.limit)?;
    let items = found.into_iter().map(|kind| show(&api, kind)).collect::<Result<_, _>>()?;
    Ok(GatewayResponses { items: Some(items), position })
}

pub(crate) fn update_gateway_response(
    tx: &mut Tx<'_>,
    input: UpdateGatewayResponseRequest,
) -> Result<shapes::GatewayResponse, Fault> {
    let mut api = api(tx, &input.rest_api_id)?;
    let kind = input.response_type;
    let old = match api.gateway_responses.get(&kind) {
        Some(own) => own.clone(),
        None => default(&kind)?,
    };
    let new: GatewayResponse = patched(&old, &operations(input.patch_operations), RULES)?;
    check(&new)?;
    api.gateway_responses.insert(kind.clone(), new);
    tx.put(api.clone())?;
    show(&api, &kind)
}

pub(crate) fn delete_gateway_response(
    tx: &mut Tx<'_>,
    input: DeleteGatewayResponseRequest,
) -> Result<(), Fault> {
    let mut api = api(tx, &input.rest_api_id)?;
    if api.gateway_responses.remove(&input.response_type).is_none() {
        return Err(not_found("Gateway response type not defined on api"));
    }
    tx.put(api)
}
