//! Authorizers: whose tokens are good.

use model::estate::apigateway::{Authorizer, RestApi, RestResource};
use model::{Arn, Fault, Tx};

use crate::document::{api, bad_request, conflict, new_id, not_found, not_served, page, shown, taken};
use crate::patch::{Rules, Slot, operations, patched};
use crate::shapes::{self, *};

const RULES: Rules = &[
    ("/name", Slot::Text),
    ("/identitySource", Slot::Text),
    ("/identityValidationExpression", Slot::Text),
    ("/providerARNs", Slot::List),
    ("/authType", Slot::Text),
    ("/authorizerResultTtlInSeconds", Slot::Integer),
];

/// What is asked for must be what will be served.
fn check(authorizer: &Authorizer) -> Result<(), Fault> {
    if authorizer.r#type != "COGNITO_USER_POOLS" {
        return Err(not_served(&format!("a Lambda authorizer (type {})", authorizer.r#type)));
    }
    let pool = |arn: &&String| {
        Arn::parse(arn).is_some_and(|a| a.service == "cognito-idp" && a.resource.starts_with("userpool/"))
    };
    if authorizer.provider_arns.is_empty() {
        return Err(bad_request(
            "Invalid request: Provider ARNs are required for an authorizer of type COGNITO_USER_POOLS",
        ));
    }
    if let Some(arn) = authorizer.provider_arns.iter().find(|arn| !pool(arn)) {
        return Err(bad_request(format!("Invalid Cognito User Pool ARN: {arn}")));
    }
    if authorizer.identity_source.strip_prefix("method.request.header.").is_none_or(str::is_empty) {
        return Err(bad_request(
            "Invalid identity source specified: it should have the form method.request.header.NAME",
        ));
    }
    match authorizer.identity_validation_expression.as_deref().map(regex_lite::Regex::new) {
        Some(Err(_)) => Err(bad_request("Invalid identity validation expression specified")),
        _ => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html>
pub(crate) fn create_authorizer(
    tx: &mut Tx<'_>,
    input: CreateAuthorizerRequest,
) -> Result<shapes::Authorizer, Fault> {
    let mut api = api(tx, &input.rest_api_id)?;
    if api.authorizers.values().any(|a| a.name == input.name) {
        return Err(conflict(
            "Authorizer name must be unique. Authorizer {".to_owned()
                + &input.name
                + "} already exists in this RestApi.",
        ));
    }
    let mut authorizer: Authorizer = taken(input)?;
    authorizer.id = new_id(tx, 6);
    authorizer.auth_type = authorizer.auth_type.or_else(|| Some("cognito_user_pools".to_owned()));
    check(&authorizer)?;
    api.authorizers.insert(authorizer.id.clone(), authorizer.clone());
    tx.put(api)?;
    shown(&authorizer)
}

fn find(api: &RestApi, id: &str) -> Result<Authorizer, Fault> {
    api.authorizers.get(id).cloned().ok_or_else(|| not_found("Invalid Authorizer identifier specified"))
}

pub(crate) fn get_authorizer(
    tx: &mut Tx<'_>,
    input: GetAuthorizerRequest,
) -> Result<shapes::Authorizer, Fault> {
    shown(&find(&api(tx, &input.rest_api_id)?, &input.authorizer_id)?)
}

pub(crate) fn get_authorizers(tx: &mut Tx<'_>, input: GetAuthorizersRequest) -> Result<Authorizers, Fault> {
    let api = api(tx, &input.rest_api_id)?;
    let (found, position) = page(api.authorizers, input.position.as_deref(), input.limit)?;
    let items = found.iter().map(shown).collect::<Result<_, _>>()?;
    Ok(Authorizers { items: Some(items), position })
}

pub(crate) fn update_authorizer(
    tx: &mut Tx<'_>,
    input: UpdateAuthorizerRequest,
) -> Result<shapes::Authorizer, Fault> {
    let mut api = api(tx, &input.rest_api_id)?;
    let old = find(&api, &input.authorizer_id)?;
    let new: Authorizer = patched(&old, &operations(input.patch_operations), RULES)?;
    check(&new)?;
    api.authorizers.insert(new.id.clone(), new.clone());
    tx.put(api)?;
    shown(&new)
}

pub(crate) fn delete_authorizer(tx: &mut Tx<'_>, input: DeleteAuthorizerRequest) -> Result<(), Fault> {
    let mut api = api(tx, &input.rest_api_id)?;
    let gone = find(&api, &input.authorizer_id)?;
    let used = tx
        .list::<RestResource>()
        .filter(|r| r.api == api.id)
        .find(|r| r.place.resource_methods.values().any(|m| m.authorizer_id.as_ref() == Some(&gone.id)));
    if let Some(resource) = used {
        return Err(conflict(format!(
            "Cannot delete authorizer '{}', is referenced in method(s): {}",
            gone.name, resource.place.path
        )));
    }
    api.authorizers.remove(&gone.id);
    tx.put(api)
}
