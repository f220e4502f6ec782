//! Request validators: what of a request is checked before it goes on.

use model::estate::apigateway::{RequestValidator, RestApi, RestResource};
use model::{Fault, Tx};

use crate::document::{api, conflict, new_id, not_found, page, shown, taken};
use crate::patch::{Rules, Slot, operations, patched};
use crate::shapes::{self, *};

const RULES: Rules = &[
    ("/name", Slot::Text),
    ("/validateRequestBody", Slot::Flag),
    ("/validateRequestParameters", Slot::Flag),
];

pub(crate) fn create_request_validator(
    tx: &mut Tx<'_>,
    input: CreateRequestValidatorRequest,
) -> Result<shapes::RequestValidator, Fault> {
    let mut api = api(tx, &input.rest_api_id)?;
    let mut validator: RequestValidator = taken(input)?;
    validator.id = new_id(tx, 6);
    api.request_validators.insert(validator.id.clone(), validator.clone());
    tx.put(api)?;
    shown(&validator)
}

fn find(api: &RestApi, id: &str) -> Result<RequestValidator, Fault> {
    let missing = || not_found("Invalid Request Validator identifier specified");
    api.request_validators.get(id).cloned().ok_or_else(missing)
}

pub(crate) fn get_request_validator(
    tx: &mut Tx<'_>,
    input: GetRequestValidatorRequest,
) -> Result<shapes::RequestValidator, Fault> {
    shown(&find(&api(tx, &input.rest_api_id)?, &input.request_validator_id)?)
}

pub(crate) fn get_request_validators(
    tx: &mut Tx<'_>,
    input: GetRequestValidatorsRequest,
) -> Result<RequestValidators, Fault> {
    let api = api(tx, &input.rest_api_id)?;
    let (found, position) = page(api.request_validators, input.position.as_deref(), input.limit)?;
    let items = found.iter().map(shown).collect::<Result<_, _>>()?;
    Ok(RequestValidators { items: Some(items), position })
}

pub(crate) fn update_request_validator(
    tx: &mut Tx<'_>,
    input: UpdateRequestValidatorRequest,
) -> Result<shapes::RequestValidator, Fault> {
    let mut api = api(tx, &input.rest_api_id)?;
    let old = find(&api, &input.request_validator_id)?;
    let new: RequestValidator = patched(&old, &operations(input.patch_operations), RULES)?;
    api.request_validators.insert(new.id.clone(), new.clone());
    tx.put(api)?;
    shown(&new)
}

pub(crate) fn delete_request_validator(
    tx: &mut Tx<'_>,
    input: DeleteRequestValidatorRequest,
) -> Result<(), Fault> {
    let mut api = api(tx, &input.rest_api_id)?;
    let gone = find(&api, &input.request_validator_id)?;
    let uses = |r: &&RestResource| {
        r.api == api.id
            && r.place.resource_methods.values().any(|m| m.request_validator_id.as_ref() == Some(&gone.id))
    };
    if tx.list::<RestResource>().any(|r| uses(&r)) {
        return Err(conflict(format!(
            "Cannot delete request validator '{}', is referenced in methods",
            gone.name.unwrap_or_default()
        )));
    }
    api.request_validators.remove(&gone.id);
    tx.put(api)
}
