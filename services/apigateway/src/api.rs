//! REST APIs: the working copy and its settings.

use model::estate::apigateway::{
    EndpointConfiguration, Place, RestApi, RestDeployment, RestResource, RestStage, UsagePlan,
};
use model::policy::PolicyCheck;
use model::{Fault, PolicyText, Tx};

use crate::document::{api, bad_request, new_id, not_served, page, shown};
use crate::patch::{Rules, Slot, operations, patched};
use crate::schema;
use crate::shapes::{self, *};

const RULES: Rules = &[
    ("/name", Slot::Text),
    ("/description", Slot::Text),
    ("/version", Slot::Text),
    ("/apiKeySource", Slot::Text),
    ("/disableExecuteApiEndpoint", Slot::Flag),
    ("/binaryMediaTypes/*", Slot::Element),
    ("/endpointConfiguration/types/*", Slot::Element),
    ("/endpointConfiguration/ipAddressType", Slot::Text),
];

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateRestApi.html>
pub(crate) fn create_rest_api(
    tx: &mut Tx<'_>,
    input: CreateRestApiRequest,
) -> Result<shapes::RestApi, Fault> {
    let refused = [
        ("cloneFrom", input.clone_from.is_some()),
        ("minimumCompressionSize", input.minimum_compression_size.is_some()),
        ("endpointAccessMode STRICT", input.endpoint_access_mode.as_deref() == Some("STRICT")),
    ];
    if let Some((what, _)) = refused.iter().find(|(_, given)| *given) {
        return Err(not_served(what));
    }
    let given = input.endpoint_configuration.unwrap_or_default();
    if given.vpc_endpoint_ids.is_some_and(|ids| !ids.is_empty()) {
        return Err(not_served("a private API"));
    }
    let types = given.types.filter(|t| !t.is_empty()).unwrap_or_else(|| vec!["EDGE".to_owned()]);
    let api = RestApi {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: new_id(tx, 10),
        name: input.name,
        description: input.description,
        version: input.version,
        created_date: tx.now,
        root_resource_id: new_id(tx, 10),
        endpoint_configuration: EndpointConfiguration {
            types,
            ip_address_type: Some(given.ip_address_type.unwrap_or_else(|| "ipv4".to_owned())),
        },
        disable_execute_api_endpoint: input.disable_execute_api_endpoint.unwrap_or(false),
        api_key_source: input.api_key_source.unwrap_or_else(|| "HEADER".to_owned()),
        binary_media_types: input.binary_media_types.unwrap_or_default(),
        policy: None,
        authorizers: Default::default(),
        request_validators: Default::default(),
        models: schema::built_in(tx).into_iter().map(|m| (m.name.clone(), m)).collect(),
        gateway_responses: Default::default(),
        tags: input.tags.unwrap_or_default(),
    };
    let policy = input.policy.as_deref().map(|text| policy(tx, &api, text)).transpose()?.flatten();
    let api = RestApi { policy, ..api };
    check(&api)?;
    let root = RestResource {
        account: api.account.clone(),
        region: api.region.clone(),
        api: api.id.clone(),
        key: format!("{}/{}", api.id, api.root_resource_id),
        place: Place { id: api.root_resource_id.clone(), path: "/".to_owned(), ..Place::default() },
    };
    tx.put(root)?;
    tx.put(api.clone())?;
    shown(&api)
}

/// What is asked for must be what will be served.
fn check(api: &RestApi) -> Result<(), Fault> {
    if api.name.is_empty() {
        return Err(bad_request("REST API name cannot be empty"));
    }
    if api.api_key_source != "HEADER" {
        return Err(not_served("the API key source AUTHORIZER, which needs a Lambda authorizer,"));
    }
    match api.endpoint_configuration.types.as_slice() {
        [one] if one == "EDGE" || one == "REGIONAL" => Ok(()),
        [one] if one == "PRIVATE" => Err(not_served("a private API")),
        _ => Err(bad_request("Only one endpoint type may be given: EDGE, REGIONAL or PRIVATE")),
    }
}

/// A resource policy with `execute-api:/...` written out; an empty text takes the policy away.
fn policy(tx: &Tx<'_>, api: &RestApi, text: &str) -> Result<Option<PolicyText>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let prefix = model::estate::apigateway::invoke_arn(&api.region, &api.account, &api.id);
    let whole = text.replace("\"execute-api:/", &format!("\"{prefix}/"));
    let invalid = |f: Fault| {
        bad_request(format!(
            "Invalid policy document. Please check the policy syntax and ensure that Principals are valid. {}",
            f.message
        ))
    };
    tx.host().policies().check(PolicyCheck::Resource, &whole).map_err(invalid)?;
    Ok(Some(PolicyText::new(whole, tx.source.clone())))
}

pub(crate) fn get_rest_api(tx: &mut Tx<'_>, input: GetRestApiRequest) -> Result<shapes::RestApi, Fault> {
    shown(&api(tx, &input.rest_api_id)?)
}

pub(crate) fn get_rest_apis(tx: &mut Tx<'_>, input: GetRestApisRequest) -> Result<RestApis, Fault> {
    let all = tx.list::<RestApi>().map(|a| (a.id.clone(), a));
    let (found, position) = page(all, input.position.as_deref(), input.limit)?;
    let items = found.into_iter().map(shown).collect::<Result<_, _>>()?;
    Ok(RestApis { items: Some(items), position })
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateRestApi.html>
pub(crate) fn update_rest_api(
    tx: &mut Tx<'_>,
    input: UpdateRestApiRequest,
) -> Result<shapes::RestApi, Fault> {
    let old = api(tx, &input.rest_api_id)?;
    let (policies, mut others): (Vec<_>, Vec<_>) =
        operations(input.patch_operations).into_iter().partition(|o| o.path.as_deref() == Some("/policy"));
    for operation in &mut others {
        // The one endpoint type is replaced, whatever stood there.
        if operation.path.as_deref().is_some_and(|p| p.starts_with("/endpointConfiguration/types/0")) {
            let current = old.endpoint_configuration.types.first().cloned().unwrap_or_default();
            operation.path = Some(format!("/endpointConfiguration/types/{current}"));
        }
    }
    let mut new: RestApi = patched(&old, &others, RULES)?;
    for operation in policies {
        new.policy = match operation.op.as_deref() {
            Some("remove") => None,
            _ => policy(tx, &new, operation.value.as_deref().unwrap_or_default())?,
        };
    }
    check(&new)?;
    tx.put(new.clone())?;
    shown(&new)
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_DeleteRestApi.html>
pub(crate) fn delete_rest_api(tx: &mut Tx<'_>, input: DeleteRestApiRequest) -> Result<(), Fault> {
    let api = api(tx, &input.rest_api_id)?;
    if let Some(plan) =
        tx.list::<UsagePlan>().find(|p| p.api_stages.iter().any(|s| s.api_id == api.id)).map(|p| p.id.clone())
    {
        return Err(bad_request(format!(
            "Cannot delete API {}: its stages are associated with the usage plan {plan}; remove them from it first",
            api.id
        )));
    }
    let mine = |key: &str| key.split('/').next() == Some(api.id.as_str());
    let mut keys = Vec::new();
    keys.extend(tx.list::<RestResource>().filter(|n| mine(&n.key)).map(model::Node::key));
    keys.extend(tx.list::<RestDeployment>().filter(|n| mine(&n.key)).map(model::Node::key));
    keys.extend(tx.list::<RestStage>().filter(|n| mine(&n.key)).map(model::Node::key));
    for key in keys {
        tx.remove_key(key)?;
    }
    tx.remove(&api)
}
