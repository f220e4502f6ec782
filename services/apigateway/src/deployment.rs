//! Deployments: the working copy, frozen.

use model::estate::apigateway::{Definition, Place, RestApi, RestDeployment, RestStage};
use model::{Fault, Tx};

use crate::document::{api, bad_request, new_id, not_found, not_served, page, shown};
use crate::patch::{Rules, Slot, operations, patched};
use crate::resource::of_api;
use crate::shapes::{self, *};
use crate::stage;

const RULES: Rules = &[("/description", Slot::Text)];

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateDeployment.html>
pub(crate) fn create_deployment(
    tx: &mut Tx<'_>,
    input: CreateDeploymentRequest,
) -> Result<shapes::Deployment, Fault> {
    let api = api(tx, &input.rest_api_id)?;
    if input.canary_settings.is_some() || input.cache_cluster_enabled == Some(true) {
        return Err(not_served("a canary or a cache"));
    }
    let resources: Vec<Place> = of_api(tx, &api.id).map(|r| r.place.clone()).collect();
    let id = new_id(tx, 6);
    let deployment = RestDeployment {
        account: tx.account.clone(),
        region: tx.region.clone(),
        api: api.id.clone(),
        key: format!("{}/{id}", api.id),
        id,
        description: input.description,
        created_date: tx.now,
        definition: freeze(&api, resources)?,
        compiled: Default::default(),
    };
    tx.put(deployment.clone())?;
    match input.stage_name {
        None => {
            let unused = input.stage_description.is_some() || input.variables.is_some();
            if unused {
                return Err(bad_request("Stage description and variables require a stage name"));
            }
        }
        Some(name) => match tx.find::<RestStage>(&format!("{}/{name}", api.id)).cloned() {
            Some(mut old) => {
                old.deployment_id = deployment.id.clone();
                old.last_updated_date = tx.now;
                if let Some(variables) = input.variables {
                    old.variables.extend(variables);
                }
                tx.put(old)?;
            }
            None => {
                let request = CreateStageRequest {
                    rest_api_id: api.id.clone(),
                    stage_name: name,
                    deployment_id: deployment.id.clone(),
                    description: input.stage_description,
                    variables: input.variables,
                    tracing_enabled: input.tracing_enabled,
                    ..CreateStageRequest::default()
                };
                stage::create_stage(tx, request)?;
            }
        },
    }
    shown(&deployment)
}

fn freeze(api: &RestApi, resources: Vec<Place>) -> Result<Definition, Fault> {
    let methods = || resources.iter().flat_map(|r| r.resource_methods.values());
    if methods().next().is_none() {
        return Err(bad_request("The REST API doesn't contain any methods"));
    }
    if methods().any(|m| m.method_integration.is_none()) {
        return Err(bad_request("No integration defined for method"));
    }
    Ok(Definition {
        resources,
        authorizers: api.authorizers.clone(),
        request_validators: api.request_validators.clone(),
        models: api.models.clone(),
        gateway_responses: api.gateway_responses.clone(),
        policy: api.policy.clone(),
        binary_media_types: api.binary_media_types.clone(),
    })
}

pub(crate) fn find(tx: &Tx<'_>, api_id: &str, id: &str) -> Result<RestDeployment, Fault> {
    api(tx, api_id)?;
    let found = tx.find::<RestDeployment>(&format!("{api_id}/{id}")).cloned();
    found.ok_or_else(|| not_found("Invalid Deployment identifier specified"))
}

pub(crate) fn get_deployment(
    tx: &mut Tx<'_>,
    input: GetDeploymentRequest,
) -> Result<shapes::Deployment, Fault> {
    shown(&find(tx, &input.rest_api_id, &input.deployment_id)?)
}

pub(crate) fn get_deployments(tx: &mut Tx<'_>, input: GetDeploymentsRequest) -> Result<Deployments, Fault> {
    api(tx, &input.rest_api_id)?;
    let mine = |d: &&RestDeployment| d.api == input.rest_api_id;
    let all = tx.list::<RestDeployment>().filter(mine).map(|d| (d.id.clone(), d));
    let (found, position) = page(all, input.position.as_deref(), input.limit)?;
    let items = found.into_iter().map(shown).collect::<Result<_, _>>()?;
    Ok(Deployments { items: Some(items), position })
}

pub(crate) fn update_deployment(
    tx: &mut Tx<'_>,
    input: UpdateDeploymentRequest,
) -> Result<shapes::Deployment, Fault> {
    let old = find(tx, &input.rest_api_id, &input.deployment_id)?;
    let mut new: RestDeployment = patched(&old, &operations(input.patch_operations), RULES)?;
    new.compiled = old.compiled;
    tx.put(new.clone())?;
    shown(&new)
}

pub(crate) fn delete_deployment(tx: &mut Tx<'_>, input: DeleteDeploymentRequest) -> Result<(), Fault> {
    let gone = find(tx, &input.rest_api_id, &input.deployment_id)?;
    if tx.list::<RestStage>().any(|s| s.api == gone.api && s.deployment_id == gone.id) {
        return Err(bad_request("Active stages pointing to this deployment must be moved or deleted"));
    }
    tx.remove(&gone)
}
