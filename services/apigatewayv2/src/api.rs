//! HTTP APIs: the working copy, its settings, CORS.

use model::estate::apigateway::{Cors, HttpApi, HttpDefinition, HttpDeployment, HttpStage};
use model::{Fault, Tx, Value};

use crate::deployment::redeploy;
use crate::document::{api, bad_request, merged, new_id, not_found, not_served, page, shown, with};
use crate::shapes::{
    CreateApiRequest, DeleteApiRequest, DeleteCorsConfigurationRequest, GetApiRequest, GetApisRequest,
    UpdateApiRequest,
};

const ROUTE_SELECTION: &str = "$request.method $request.path";

fn cors(given: crate::shapes::Cors) -> Result<Cors, Fault> {
    let cors: Cors = merged(&Cors::default(), given)?;
    let all = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|l| l.iter().any(|v| v == "*"));
    if cors.allow_credentials == Some(true)
        && [&cors.allow_origins, &cors.allow_headers, &cors.allow_methods].into_iter().any(all)
    {
        return Err(bad_request("allowCredentials is not supported with a wildcard"));
    }
    for origin in cors.allow_origins.iter().flatten() {
        let scheme =
            ["http://", "https://"].iter().any(|s| origin.starts_with(s)) || origin.ends_with("://*");
        if origin != "*" && !scheme {
            return Err(bad_request(format!(
                "Invalid format for origin {origin}: it must begin with http:// or https://"
            )));
        }
    }
    Ok(cors)
}

/// <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis.html>
pub(crate) fn create_api(tx: &mut Tx<'_>, input: CreateApiRequest) -> Result<Value, Fault> {
    if input.protocol_type != "HTTP" {
        return Err(not_served("a WebSocket API"));
    }
    let refused = [
        (
            "quick create (target, routeKey, credentialsArn)",
            input.target.is_some() || input.route_key.is_some() || input.credentials_arn.is_some(),
        ),
        ("disableSchemaValidation", input.disable_schema_validation == Some(true)),
        (
            "another route selection expression",
            input
                .route_selection_expression
                .is_some_and(|e| e != ROUTE_SELECTION && e != "${request.method} ${request.path}"),
        ),
    ];
    if let Some((what, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(not_served(what));
    }
    let api = HttpApi {
        account: tx.account.clone(),
        region: tx.region.clone(),
        api_id: new_id(tx, 10),
        name: input.name,
        protocol_type: input.protocol_type,
        description: input.description,
        version: input.version,
        created_date: tx.now,
        disable_execute_api_endpoint: input.disable_execute_api_endpoint.unwrap_or(false),
        ip_address_type: input.ip_address_type.unwrap_or_else(|| "ipv4".to_owned()),
        definition: HttpDefinition {
            cors: input.cors_configuration.map(cors).transpose()?,
            ..HttpDefinition::default()
        },
        tags: input.tags.unwrap_or_default(),
    };
    tx.put(api.clone())?;
    show(&api)
}

fn show(api: &HttpApi) -> Result<Value, Fault> {
    let mut document = shown(api)?;
    let endpoint = format!("https://{}.execute-api.{}.amazonaws.com", api.api_id, api.region);
    for (name, value) in [
        ("ApiEndpoint", endpoint.as_str()),
        ("RouteSelectionExpression", ROUTE_SELECTION),
        ("ApiKeySelectionExpression", "$request.header.x-api-key"),
    ] {
        document = with(document, name, value);
    }
    match &api.definition.cors {
        Some(cors) => Ok(with(document, "CorsConfiguration", shown(cors)?)),
        None => Ok(document),
    }
}

pub(crate) fn get_api(tx: &mut Tx<'_>, input: GetApiRequest) -> Result<Value, Fault> {
    show(&api(tx, &input.api_id)?)
}

pub(crate) fn get_apis(tx: &mut Tx<'_>, input: GetApisRequest) -> Result<Value, Fault> {
    let all = tx.list::<HttpApi>().map(|a| (a.api_id.clone(), show(a)));
    page(all, input.next_token.as_deref(), input.max_results.as_deref())
}

pub(crate) fn update_api(tx: &mut Tx<'_>, input: UpdateApiRequest) -> Result<Value, Fault> {
    if input.target.is_some() || input.route_key.is_some() || input.credentials_arn.is_some() {
        return Err(not_served("quick create"));
    }
    let mut api = api(tx, &input.api_id)?;
    if let Some(given) = input.cors_configuration {
        api.definition.cors = Some(cors(given)?);
    }
    api.name = input.name.unwrap_or(api.name);
    api.description = input.description.or(api.description);
    api.version = input.version.or(api.version);
    api.disable_execute_api_endpoint =
        input.disable_execute_api_endpoint.unwrap_or(api.disable_execute_api_endpoint);
    api.ip_address_type = input.ip_address_type.unwrap_or(api.ip_address_type);
    tx.put(api.clone())?;
    redeploy(tx, &api)?;
    show(&api)
}

pub(crate) fn delete_cors_configuration(
    tx: &mut Tx<'_>,
    input: DeleteCorsConfigurationRequest,
) -> Result<(), Fault> {
    let mut api = api(tx, &input.api_id)?;
    if api.definition.cors.take().is_none() {
        return Err(not_found("Invalid CORS configuration identifier specified"));
    }
    tx.put(api.clone())?;
    redeploy(tx, &api)
}

pub(crate) fn delete_api(tx: &mut Tx<'_>, input: DeleteApiRequest) -> Result<(), Fault> {
    let api = api(tx, &input.api_id)?;
    let mut keys = Vec::new();
    keys.extend(tx.list::<HttpDeployment>().filter(|n| n.api_id == api.api_id).map(model::Node::key));
    keys.extend(tx.list::<HttpStage>().filter(|n| n.api_id == api.api_id).map(model::Node::key));
    for key in keys {
        tx.remove_key(key)?;
    }
    tx.remove(&api)
}
