//! JWT authorizers: whose tokens are good, for which audience.

use model::estate::apigateway::{HttpApi, HttpAuthorizer};
use model::estate::cognito::TokenIssuer;
use model::{Fault, Tx, Value};

use crate::deployment::redeploy;
use crate::document::{api, bad_request, conflict, merged, new_id, not_found, not_served, page, shown};
use crate::shapes::{
    CreateAuthorizerRequest, DeleteAuthorizerRequest, GetAuthorizerRequest, GetAuthorizersRequest,
    UpdateAuthorizerRequest,
};

/// What is asked for must be what will be served.
fn check(tx: &Tx<'_>, authorizer: &HttpAuthorizer) -> Result<(), Fault> {
    if authorizer.authorizer_type != "JWT" {
        return Err(not_served(&format!("a Lambda authorizer (type {})", authorizer.authorizer_type)));
    }
    let source = |s: &String| {
        let name = s.strip_prefix("$request.header.").or_else(|| s.strip_prefix("$request.querystring."));
        name.is_some_and(|n| !n.is_empty())
    };
    if authorizer.identity_source.len() != 1 || !authorizer.identity_source.iter().all(source) {
        return Err(bad_request(
            "A JWT authorizer needs one identity source: $request.header.NAME or $request.querystring.NAME",
        ));
    }
    let jwt = &authorizer.jwt_configuration;
    if jwt.audience.is_empty() {
        return Err(bad_request("JwtConfiguration must have at least one audience"));
    }
    match tx.snapshot().find_named::<TokenIssuer>(&format!("issuer/{}", jwt.issuer)) {
        Some(_) => Ok(()),
        None => Err(bad_request(format!(
            "Caught exception when connecting to {0}/.well-known/openid-configuration for issuer {0}. Please try again later. Error: Invalid issuer: {0} is not a user pool of this runtime",
            jwt.issuer
        ))),
    }
}

/// <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-authorizers.html>
pub(crate) fn create_authorizer(tx: &mut Tx<'_>, input: CreateAuthorizerRequest) -> Result<Value, Fault> {
    let api = api(tx, &input.api_id)?;
    if api.definition.authorizers.values().any(|a| a.name == input.name) {
        return Err(conflict(format!("Authorizer name must be unique. {} already exists", input.name)));
    }
    let blank = HttpAuthorizer { authorizer_id: new_id(tx, 6), ..HttpAuthorizer::default() };
    put(tx, api, merged(&blank, input)?)
}

fn put(tx: &mut Tx<'_>, mut api: HttpApi, authorizer: HttpAuthorizer) -> Result<Value, Fault> {
    check(tx, &authorizer)?;
    api.definition.authorizers.insert(authorizer.authorizer_id.clone(), authorizer.clone());
    tx.put(api.clone())?;
    redeploy(tx, &api)?;
    shown(&authorizer)
}

fn find(api: &HttpApi, id: &str) -> Result<HttpAuthorizer, Fault> {
    let missing = || not_found("Invalid Authorizer identifier specified");
    api.definition.authorizers.get(id).cloned().ok_or_else(missing)
}

pub(crate) fn get_authorizer(tx: &mut Tx<'_>, input: GetAuthorizerRequest) -> Result<Value, Fault> {
    shown(&find(&api(tx, &input.api_id)?, &input.authorizer_id)?)
}

pub(crate) fn get_authorizers(tx: &mut Tx<'_>, input: GetAuthorizersRequest) -> Result<Value, Fault> {
    let api = api(tx, &input.api_id)?;
    let all = api.definition.authorizers.iter().map(|(id, a)| (id.clone(), shown(a)));
    page(all, input.next_token.as_deref(), input.max_results.as_deref())
}

pub(crate) fn update_authorizer(tx: &mut Tx<'_>, input: UpdateAuthorizerRequest) -> Result<Value, Fault> {
    let api = api(tx, &input.api_id)?;
    let old = find(&api, &input.authorizer_id)?;
    put(tx, api, merged(&old, input)?)
}

pub(crate) fn delete_authorizer(tx: &mut Tx<'_>, input: DeleteAuthorizerRequest) -> Result<(), Fault> {
    let mut api = api(tx, &input.api_id)?;
    let gone = find(&api, &input.authorizer_id)?;
    if api.definition.routes.values().any(|r| r.authorizer_id.as_ref() == Some(&gone.authorizer_id)) {
        return Err(conflict("Cannot delete Authorizer because it is referenced by a Route"));
    }
    api.definition.authorizers.remove(&gone.authorizer_id);
    tx.put(api.clone())?;
    redeploy(tx, &api)
}
