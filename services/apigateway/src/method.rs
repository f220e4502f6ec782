//! Methods, and what they may answer.

use model::estate::apigateway::{Method, MethodResponse, RestApi, RestResource};
use model::{Fault, Tx};

use crate::document::{api, bad_request, conflict, not_found, not_served, shown, taken};
use crate::patch::{Rules, Slot, operations, patched};
use crate::resource::find as resource;
use crate::shapes::{self, *};

const VERBS: &[&str] = &["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY"];

const RULES: Rules = &[
    ("/authorizationType", Slot::Text),
    ("/authorizerId", Slot::Text),
    ("/authorizationScopes", Slot::List),
    ("/apiKeyRequired", Slot::Flag),
    ("/requestValidatorId", Slot::Text),
    ("/operationName", Slot::Text),
    ("/requestParameters/*", Slot::Flag),
    ("/requestModels/*", Slot::Text),
];

const RESPONSE_RULES: Rules = &[("/responseParameters/*", Slot::Flag), ("/responseModels/*", Slot::Text)];

fn missing() -> Fault {
    not_found("Invalid Method identifier specified")
}

/// The resource, with a method of it taken out to be changed.
pub(crate) fn find(
    tx: &Tx<'_>,
    api_id: &str,
    resource_id: &str,
    verb: &str,
) -> Result<(RestResource, Method), Fault> {
    let resource = resource(tx, api_id, resource_id)?;
    let method = resource.place.resource_methods.get(verb).cloned().ok_or_else(missing)?;
    Ok((resource, method))
}

/// Puts the changed method back.
pub(crate) fn put(tx: &mut Tx<'_>, mut resource: RestResource, method: Method) -> Result<(), Fault> {
    resource.place.resource_methods.insert(method.http_method.clone(), method);
    tx.put(resource)
}

/// What is asked for must be what will be served.
fn check(api: &RestApi, method: &Method) -> Result<(), Fault> {
    let cognito = match method.authorization_type.as_str() {
        "NONE" | "AWS_IAM" => false,
        "COGNITO_USER_POOLS" => true,
        "CUSTOM" => {
            return Err(not_served("the authorization type CUSTOM, which needs a Lambda authorizer,"));
        }
        _ => {
            return Err(bad_request(
                "Invalid authorization type specified. Valid options are NONE, AWS_IAM, CUSTOM and COGNITO_USER_POOLS",
            ));
        }
    };
    let authorizer = method.authorizer_id.as_ref().and_then(|id| api.authorizers.get(id));
    if cognito && authorizer.is_none_or(|a| a.r#type != "COGNITO_USER_POOLS") {
        return Err(bad_request(
            "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.",
        ));
    }
    if !cognito && !method.authorization_scopes.is_empty() {
        return Err(bad_request(
            "Authorization scopes are only supported for COGNITO_USER_POOLS authorization type",
        ));
    }
    if let Some(id) = &method.request_validator_id
        && !api.request_validators.contains_key(id)
    {
        return Err(bad_request("Invalid Request Validator identifier specified"));
    }
    if let Some(model) = method.request_models.values().find(|m| !api.models.contains_key(*m)) {
        return Err(bad_request(format!("Invalid model identifier specified: {model}")));
    }
    for parameter in method.request_parameters.keys() {
        let parts: Vec<&str> = parameter.splitn(4, '.').collect();
        let ["method", "request", "path" | "querystring" | "header", name] = parts.as_slice() else {
            return Err(bad_request(format!(
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression specified: {parameter}]"
            )));
        };
        if name.is_empty() {
            return Err(bad_request(format!("Invalid parameter name specified: {parameter}")));
        }
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_PutMethod.html>
pub(crate) fn put_method(tx: &mut Tx<'_>, input: PutMethodRequest) -> Result<shapes::Method, Fault> {
    let api = api(tx, &input.rest_api_id)?;
    let resource = resource(tx, &input.rest_api_id, &input.resource_id)?;
    let verb = input.http_method.clone();
    if !VERBS.contains(&verb.as_str()) {
        return Err(bad_request(format!(
            "Invalid HttpMethod specified. Valid options are {}",
            VERBS.join(",")
        )));
    }
    if resource.place.resource_methods.contains_key(&verb) {
        return Err(conflict("Method already exists for this resource"));
    }
    let method: Method = taken(input)?;
    check(&api, &method)?;
    put(tx, resource, method.clone())?;
    shown(&method)
}

pub(crate) fn get_method(tx: &mut Tx<'_>, input: GetMethodRequest) -> Result<shapes::Method, Fault> {
    let (_, method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    shown(&method)
}

pub(crate) fn update_method(tx: &mut Tx<'_>, input: UpdateMethodRequest) -> Result<shapes::Method, Fault> {
    let (resource, method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    let new: Method = patched(&method, &operations(input.patch_operations), RULES)?;
    check(&api(tx, &input.rest_api_id)?, &new)?;
    put(tx, resource, new.clone())?;
    shown(&new)
}

pub(crate) fn delete_method(tx: &mut Tx<'_>, input: DeleteMethodRequest) -> Result<(), Fault> {
    let (mut resource, method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    resource.place.resource_methods.remove(&method.http_method);
    tx.put(resource)
}

fn response(method: &Method, status: &str) -> Result<MethodResponse, Fault> {
    let missing = || not_found("Invalid Response status code specified");
    method.method_responses.get(status).cloned().ok_or_else(missing)
}

fn check_response(api: &RestApi, response: &MethodResponse) -> Result<(), Fault> {
    if let Some(model) = response.response_models.values().find(|m| !api.models.contains_key(*m)) {
        return Err(bad_request(format!("Invalid model identifier specified: {model}")));
    }
    match response.response_parameters.keys().find(|p| !p.starts_with("method.response.header.")) {
        Some(parameter) => Err(bad_request(format!("Invalid response parameter specified: {parameter}"))),
        None => Ok(()),
    }
}

pub(crate) fn put_method_response(
    tx: &mut Tx<'_>,
    input: PutMethodResponseRequest,
) -> Result<shapes::MethodResponse, Fault> {
    let (resource, mut method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    if method.method_responses.contains_key(&input.status_code) {
        return Err(conflict("Response already exists for this resource"));
    }
    let api = api(tx, &input.rest_api_id)?;
    let response: MethodResponse = taken(input)?;
    check_response(&api, &response)?;
    method.method_responses.insert(response.status_code.clone(), response.clone());
    put(tx, resource, method)?;
    shown(&response)
}

pub(crate) fn get_method_response(
    tx: &mut Tx<'_>,
    input: GetMethodResponseRequest,
) -> Result<shapes::MethodResponse, Fault> {
    let (_, method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    shown(&response(&method, &input.status_code)?)
}

pub(crate) fn update_method_response(
    tx: &mut Tx<'_>,
    input: UpdateMethodResponseRequest,
) -> Result<shapes::MethodResponse, Fault> {
    let (resource, mut method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    let old = response(&method, &input.status_code)?;
    let new: MethodResponse = patched(&old, &operations(input.patch_operations), RESPONSE_RULES)?;
    check_response(&api(tx, &input.rest_api_id)?, &new)?;
    method.method_responses.insert(new.status_code.clone(), new.clone());
    put(tx, resource, method)?;
    shown(&new)
}

pub(crate) fn delete_method_response(
    tx: &mut Tx<'_>,
    input: DeleteMethodResponseRequest,
) -> Result<(), Fault> {
    let (resource, mut method) = find(tx, &input.rest_api_id, &input.resource_id, &input.http_method)?;
    let gone = response(&method, &input.status_code)?;
    method.method_responses.remove(&gone.status_code);
    put(tx, resource, method)
}
