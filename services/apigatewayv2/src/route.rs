//! Routes: which requests go to which integration, and who may make them.

use model::estate::apigateway::{HttpApi, Route};
use model::{Fault, Tx, Value};

use crate::deployment::redeploy;
use crate::document::{api, bad_request, conflict, merged, new_id, not_found, not_served, page, shown};
use crate::shapes::{
    CreateRouteRequest, DeleteRouteRequest, GetRouteRequest, GetRoutesRequest, UpdateRouteRequest,
};

const VERBS: &[&str] = &["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "ANY"];

fn check_key(key: &str) -> Result<(), Fault> {
    if key == "$default" {
        return Ok(());
    }
    let invalid = |why: &str| {
        bad_request(format!("The provided route key is not formatted properly for HTTP protocol. {why}"))
    };
    let (verb, path) = key
        .split_once(' ')
        .ok_or_else(|| invalid("Format should be \"<HTTP METHOD> /<RESOURCE PATH>\" or \"$default\""))?;
    if !VERBS.contains(&verb) {
        return Err(invalid(&format!("`{verb}` is no HTTP method")));
    }
    let Some(rest) = path.strip_prefix('/') else { return Err(invalid("The path must begin with a slash")) };
    let count = rest.split('/').count();
    for (at, part) in rest.split('/').enumerate() {
        let variable = part.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
        let greedy = variable.is_some_and(|v| v.ends_with('+'));
        if part == "."
            || part == ".."
            || (variable.is_none() && part.contains(['{', '}']))
            || (greedy && at + 1 < count)
        {
            return Err(invalid(&format!("The path part `{part}` cannot be used there")));
        }
    }
    Ok(())
}

/// What is asked for must be what will be served.
fn check(api: &HttpApi, route: &Route) -> Result<(), Fault> {
    check_key(&route.route_key)?;
    let twin = |r: &&Route| r.route_key == route.route_key && r.route_id != route.route_id;
    if api.definition.routes.values().any(|r| twin(&r)) {
        return Err(conflict(format!("Route with key {} already exists for this API", route.route_key)));
    }
    let jwt = match route.authorization_type.as_str() {
        "NONE" | "AWS_IAM" => false,
        "JWT" => true,
        "CUSTOM" => {
            return Err(not_served("the authorization type CUSTOM, which needs a Lambda authorizer,"));
        }
        other => return Err(bad_request(format!("Invalid authorization type {other}"))),
    };
    let known = route.authorizer_id.as_ref().is_some_and(|id| api.definition.authorizers.contains_key(id));
    if jwt && !known {
        return Err(bad_request(
            "Invalid authorizer ID specified: the authorization type JWT requires a valid authorizer",
        ));
    }
    if !jwt && !route.authorization_scopes.is_empty() {
        return Err(bad_request("Scopes are only supported with the authorization type JWT"));
    }
    match route.target.as_deref().map(|t| t.strip_prefix("integrations/")) {
        None => Ok(()),
        Some(Some(id)) if api.definition.integrations.contains_key(id) => Ok(()),
        Some(_) => {
            Err(bad_request("Invalid target: it must be integrations/ID of an integration of this API"))
        }
    }
}

/// <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-routes.html>
pub(crate) fn create_route(tx: &mut Tx<'_>, input: CreateRouteRequest) -> Result<Value, Fault> {
    let api = api(tx, &input.api_id)?;
    refuse(&[
        ("apiKeyRequired of an HTTP API", input.api_key_required == Some(true)),
        ("requestParameters of a route", input.request_parameters.as_ref().is_some_and(|p| !p.is_empty())),
        ("requestModels of a route", input.request_models.as_ref().is_some_and(|p| !p.is_empty())),
        ("modelSelectionExpression", input.model_selection_expression.is_some()),
        ("routeResponseSelectionExpression", input.route_response_selection_expression.is_some()),
    ])?;
    let blank = Route { route_id: new_id(tx, 7), authorization_type: "NONE".to_owned(), ..Route::default() };
    put(tx, api, merged(&blank, input)?)
}

fn refuse(given: &[(&str, bool)]) -> Result<(), Fault> {
    match given.iter().find(|(_, given)| *given) {
        Some((what, _)) => Err(not_served(what)),
        None => Ok(()),
    }
}

fn put(tx: &mut Tx<'_>, mut api: HttpApi, route: Route) -> Result<Value, Fault> {
    check(&api, &route)?;
    api.definition.routes.insert(route.route_id.clone(), route.clone());
    tx.put(api.clone())?;
    redeploy(tx, &api)?;
    shown(&route)
}

fn find(api: &HttpApi, id: &str) -> Result<Route, Fault> {
    api.definition.routes.get(id).cloned().ok_or_else(|| not_found("Invalid Route identifier specified"))
}

pub(crate) fn get_route(tx: &mut Tx<'_>, input: GetRouteRequest) -> Result<Value, Fault> {
    shown(&find(&api(tx, &input.api_id)?, &input.route_id)?)
}

pub(crate) fn get_routes(tx: &mut Tx<'_>, input: GetRoutesRequest) -> Result<Value, Fault> {
    let api = api(tx, &input.api_id)?;
    let all = api.definition.routes.iter().map(|(id, r)| (id.clone(), shown(r)));
    page(all, input.next_token.as_deref(), input.max_results.as_deref())
}

pub(crate) fn update_route(tx: &mut Tx<'_>, input: UpdateRouteRequest) -> Result<Value, Fault> {
    let api = api(tx, &input.api_id)?;
    refuse(&[
        ("apiKeyRequired of an HTTP API", input.api_key_required == Some(true)),
        ("requestParameters of a route", input.request_parameters.as_ref().is_some_and(|p| !p.is_empty())),
        ("requestModels of a route", input.request_models.as_ref().is_some_and(|p| !p.is_empty())),
    ])?;
    let old = find(&api, &input.route_id)?;
    put(tx, api, merged(&old, input)?)
}

pub(crate) fn delete_route(tx: &mut Tx<'_>, input: DeleteRouteRequest) -> Result<(), Fault> {
    let mut api = api(tx, &input.api_id)?;
    let gone = find(&api, &input.route_id)?;
    api.definition.routes.remove(&gone.route_id);
    tx.put(api.clone())?;
    redeploy(tx, &api)
}
