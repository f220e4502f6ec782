//! Deployments: the working copy, frozen; by hand, or after each change where a stage wants that.

use model::estate::apigateway::{HttpApi, HttpDeployment, HttpStage};
use model::{Fault, Tx, Value};

use crate::document::{api, bad_request, new_id, not_found, page, shown, with};
use crate::shapes::{
    CreateDeploymentRequest, DeleteDeploymentRequest, GetDeploymentRequest, GetDeploymentsRequest,
};

fn freeze(
    tx: &mut Tx<'_>,
    api: &HttpApi,
    description: Option<String>,
    auto: bool,
) -> Result<HttpDeployment, Fault> {
    let id = new_id(tx, 6);
    let deployment = HttpDeployment {
        account: tx.account.clone(),
        region: tx.region.clone(),
        api_id: api.api_id.clone(),
        key: format!("{}/{id}", api.api_id),
        deployment_id: id,
        auto_deployed: auto,
        description,
        created_date: tx.now,
        definition: api.definition.clone(),
        compiled: Default::default(),
    };
    tx.put(deployment.clone())?;
    Ok(deployment)
}

/// Deploys what was changed to the stages that deploy by themselves.
pub(crate) fn redeploy(tx: &mut Tx<'_>, api: &HttpApi) -> Result<(), Fault> {
    let stages: Vec<HttpStage> =
        tx.list::<HttpStage>().filter(|s| s.api_id == api.api_id && s.auto_deploy).cloned().collect();
    for stage in stages {
        auto_deploy(tx, api, stage)?;
    }
    Ok(())
}

/// A new deployment for this stage; the one it had, if it was made the same way, goes.
pub(crate) fn auto_deploy(tx: &mut Tx<'_>, api: &HttpApi, mut stage: HttpStage) -> Result<HttpStage, Fault> {
    let new = freeze(
        tx,
        api,
        Some("Automatic deployment triggered by changes to the Api configuration".to_owned()),
        true,
    )?;
    let before = stage.deployment_id.replace(new.deployment_id);
    stage.last_updated_date = tx.now;
    tx.put(stage.clone())?;
    let old = before.and_then(|id| tx.find::<HttpDeployment>(&format!("{}/{id}", api.api_id)).cloned());
    if let Some(old) = old.filter(|d| d.auto_deployed && !used(tx, d)) {
        tx.remove(&old)?;
    }
    Ok(stage)
}

fn used(tx: &Tx<'_>, deployment: &HttpDeployment) -> bool {
    tx.list::<HttpStage>()
        .any(|s| s.api_id == deployment.api_id && s.deployment_id.as_ref() == Some(&deployment.deployment_id))
}

fn show(deployment: &HttpDeployment) -> Result<Value, Fault> {
    Ok(with(shown(deployment)?, "DeploymentStatus", "DEPLOYED"))
}

/// <https://docs.aws.amazon.com/apigatewayv2/latest/api-reference/apis-apiid-deployments.html>
pub(crate) fn create_deployment(tx: &mut Tx<'_>, input: CreateDeploymentRequest) -> Result<Value, Fault> {
    let api = api(tx, &input.api_id)?;
    if api.definition.routes.is_empty() {
        return Err(bad_request("Unable to deploy API because no routes exist in this API"));
    }
    let stage = match &input.stage_name {
        None => None,
        Some(name) => {
            let missing = || not_found("Invalid stage identifier specified");
            Some(tx.find::<HttpStage>(&format!("{}/{name}", api.api_id)).cloned().ok_or_else(missing)?)
        }
    };
    let made = freeze(tx, &api, input.description, false)?;
    if let Some(mut stage) = stage {
        if stage.auto_deploy {
            return Err(bad_request("Deployment ID cannot be set on stage because AutoDeploy is enabled"));
        }
        stage.deployment_id = Some(made.deployment_id.clone());
        stage.last_updated_date = tx.now;
        tx.put(stage)?;
    }
    show(&made)
}

pub(crate) fn find(tx: &Tx<'_>, api_id: &str, id: &str) -> Result<HttpDeployment, Fault> {
    let missing = || not_found("Invalid Deployment identifier specified");
    tx.find::<HttpDeployment>(&format!("{api_id}/{id}")).cloned().ok_or_else(missing)
}

pub(crate) fn get_deployment(tx: &mut Tx<'_>, input: GetDeploymentRequest) -> Result<Value, Fault> {
    api(tx, &input.api_id)?;
    show(&find(tx, &input.api_id, &input.deployment_id)?)
}

pub(crate) fn get_deployments(tx: &mut Tx<'_>, input: GetDeploymentsRequest) -> Result<Value, Fault> {
    api(tx, &input.api_id)?;
    let mine = tx.list::<HttpDeployment>().filter(|d| d.api_id == input.api_id);
    let all = mine.map(|d| (d.deployment_id.clone(), show(d)));
    page(all, input.next_token.as_deref(), input.max_results.as_deref())
}

pub(crate) fn delete_deployment(tx: &mut Tx<'_>, input: DeleteDeploymentRequest) -> Result<(), Fault> {
    api(tx, &input.api_id)?;
    let gone = find(tx, &input.api_id, &input.deployment_id)?;
    match used(tx, &gone) {
        true => Err(bad_request("Active stages pointing to this deployment must be moved or deleted")),
        false => tx.remove(&gone),
    }
}
