//! What is shared with whom, from either side.

use model::estate::ram::{Invited, Share, TYPES, shares_of, type_of};
use model::{Arn, Fault, Tx};
use serde_json::{Value as Json, json};

use crate::association::{bad_resource, of_principal, of_resource};
use crate::fault::{invalid, unknown};
use crate::page::page;
use crate::shapes::*;
use crate::share;

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_GetResourceShareAssociations.html>
pub(crate) fn get_resource_share_associations(
    tx: &mut Tx<'_>,
    input: GetResourceShareAssociationsRequest,
) -> Result<GetResourceShareAssociationsResponse, Fault> {
    let named = input.resource_share_arns.unwrap_or_default();
    for arn in &named {
        share::own(tx, arn)?;
    }
    let wanted = |s: &&Share| named.is_empty() || named.contains(&s.arn());
    let shares: Vec<&Share> = tx.list::<Share>().filter(wanted).collect();
    let mut found: Vec<ResourceShareAssociation> = match input.association_type.as_str() {
        "RESOURCE" if input.principal.is_some() => {
            return Err(invalid("principal cannot be specified for associations of type RESOURCE."));
        }
        "PRINCIPAL" if input.resource_arn.is_some() => {
            return Err(invalid("resourceArn cannot be specified for associations of type PRINCIPAL."));
        }
        "RESOURCE" => shares.iter().flat_map(|s| s.resources.iter().map(|r| of_resource(s, r))).collect(),
        "PRINCIPAL" => shares.iter().flat_map(|s| s.principals.iter().map(|p| of_principal(s, p))).collect(),
        _ => Vec::new(),
    };
    let entity = input.resource_arn.or(input.principal);
    found.retain(|a| entity.is_none() || a.associated_entity == entity);
    found.retain(|a| input.association_status.is_none() || a.status == input.association_status);
    let (found, next_token) = page(found, input.next_token.as_deref(), input.max_results)?;
    Ok(GetResourceShareAssociationsResponse { resource_share_associations: Some(found), next_token })
}

pub(crate) fn shown(share: &Share, arn: &str, since: model::Timestamp) -> Resource {
    Resource {
        arn: Some(arn.to_owned()),
        r#type: type_of(arn).map(|t| t.name.to_owned()),
        resource_share_arn: Some(share.arn()),
        status: Some("AVAILABLE".to_owned()),
        creation_time: Some(since),
        last_updated_time: Some(since),
        resource_region_scope: Some("REGIONAL".to_owned()),
        ..Resource::default()
    }
}

fn known_type(name: Option<&String>) -> Result<(), Fault> {
    match name.is_none_or(|name| TYPES.iter().any(|t| t.name == name)) {
        true => Ok(()),
        false => {
            Err(Fault::client("InvalidResourceTypeException", "The specified resource type is not valid."))
        }
    }
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_ListResources.html>
pub(crate) fn list_resources(
    tx: &mut Tx<'_>,
    input: ListResourcesRequest,
) -> Result<ListResourcesResponse, Fault> {
    known_type(input.resource_type.as_ref())?;
    let shares = share::owned_by(tx, &input.resource_owner, input.resource_share_arns.as_deref());
    let only = input.resource_arns.unwrap_or_default();
    let by_principal = |s: &Share| {
        let theirs = |p: &String| match input.resource_owner.as_str() {
            "SELF" => s.principals.iter().any(|c| c.principal == *p),
            _ => s.account.as_str() == p,
        };
        input.principal.as_ref().is_none_or(theirs)
    };
    let mut found = Vec::new();
    for share in shares.iter().filter(|s| by_principal(s)) {
        found.extend(share.resources.iter().map(|r| shown(share, &r.arn, r.since)));
    }
    found.retain(|r| input.resource_type.is_none() || r.r#type == input.resource_type);
    found.retain(|r| only.is_empty() || r.arn.as_ref().is_some_and(|arn| only.contains(arn)));
    if input.resource_region_scope.as_deref() == Some("GLOBAL") {
        found.clear();
    }
    let (resources, next_token) = page(found, input.next_token.as_deref(), input.max_results)?;
    Ok(ListResourcesResponse { resources: Some(resources), next_token })
}

/// With `OTHER-ACCOUNTS`, the owners of what is shared with the caller.
///
/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_ListPrincipals.html>
pub(crate) fn list_principals(
    tx: &mut Tx<'_>,
    input: ListPrincipalsRequest,
) -> Result<ListPrincipalsResponse, Fault> {
    known_type(input.resource_type.as_ref())?;
    let of_type = |arn: &str| type_of(arn).map(|t| t.name);
    let relevant = |s: &&Share| {
        let resource = |arn: &String| s.has(arn);
        let of = |name: &String| s.resources.iter().any(|r| of_type(&r.arn) == Some(name));
        input.resource_arn.as_ref().is_none_or(resource) && input.resource_type.as_ref().is_none_or(of)
    };
    let shares = share::owned_by(tx, &input.resource_owner, input.resource_share_arns.as_deref());
    let mut found = Vec::new();
    for share in shares.iter().filter(relevant) {
        let principal = |id: &str, since, external| Principal {
            id: Some(id.to_owned()),
            resource_share_arn: Some(share.arn()),
            creation_time: Some(since),
            last_updated_time: Some(since),
            external: Some(external),
        };
        match input.resource_owner.as_str() {
            "SELF" => {
                let settled = share.principals.iter().filter(|p| p.invited != Some(Invited::Pending));
                found.extend(settled.map(|p| principal(&p.principal, p.since, p.invited.is_some())));
            }
            _ => {
                let together = model::estate::ram::together(tx.snapshot(), &share.account, &tx.account);
                found.push(principal(share.account.as_str(), share.created, !together));
            }
        }
    }
    let only = input.principals.unwrap_or_default();
    found.retain(|p| only.is_empty() || p.id.as_ref().is_some_and(|id| only.contains(id)));
    let (principals, next_token) = page(found, input.next_token.as_deref(), input.max_results)?;
    Ok(ListPrincipalsResponse { principals: Some(principals), next_token })
}

/// The policies that the owner's shares are to resources.
///
/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_GetResourcePolicies.html>
pub(crate) fn get_resource_policies(
    tx: &mut Tx<'_>,
    input: GetResourcePoliciesRequest,
) -> Result<GetResourcePoliciesResponse, Fault> {
    let mut policies = Vec::new();
    for arn in &input.resource_arns {
        let parsed = Arn::parse(arn).ok_or_else(|| bad_resource(arn))?;
        if parsed.account != tx.account.as_str() || tx.snapshot().by_arn(arn).is_none() {
            let message = format!("The resource {arn} could not be found.");
            return Err(Fault::client("ResourceArnNotFoundException", message));
        }
        let shares = shares_of(tx.snapshot(), arn);
        let only = input.principal.as_deref();
        let statements: Vec<Json> =
            shares.into_iter().flat_map(|share| written(tx, share, arn, only)).collect();
        if !statements.is_empty() {
            policies.push(json!({"Version": "2012-10-17", "Statement": statements}).to_string());
        }
    }
    let (policies, next_token) = page(policies, input.next_token.as_deref(), input.max_results)?;
    Ok(GetResourcePoliciesResponse { policies: Some(policies), next_token })
}

/// The statements that a share is to a resource: one for those that are named as they are, and one for
/// each part of the organization, which a policy knows by conditions.
fn written(tx: &Tx<'_>, share: &Share, arn: &str, only: Option<&str>) -> Vec<Json> {
    let settled = share.principals.iter().filter(|p| p.invited != Some(Invited::Pending));
    let meant = settled.map(|p| p.principal.as_str()).filter(|p| only.is_none_or(|only| only == *p));
    let (collective, named): (Vec<&str>, Vec<&str>) = meant.partition(|p| p.contains(":organizations:"));
    let mut statements = Vec::new();
    if !named.is_empty() {
        let named: Vec<String> = named.into_iter().map(str::to_owned).collect();
        statements.extend(share.statement(tx.snapshot(), arn, &named));
    }
    for principal in collective {
        let Some(mut statement) = share.statement(tx.snapshot(), arn, &["*".to_owned()]) else { continue };
        let id = principal.rsplit('/').next().unwrap_or(principal);
        let (operator, key, value) = match principal.contains(":organization/") {
            true => ("StringEquals", "aws:PrincipalOrgID", id.to_owned()),
            false => ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", format!("*/{id}/*")),
        };
        if let Some(members) = statement.as_object_mut() {
            let condition = members.entry("Condition").or_insert(json!({}));
            if let Some(condition) = condition.as_object_mut() {
                let tests = condition.entry(operator).or_insert(json!({}));
                tests.as_object_mut().map(|tests| tests.insert(key.to_owned(), json!(value)));
            }
        }
        statements.push(statement);
    }
    statements
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_ListResourceTypes.html>
pub(crate) fn list_resource_types(
    _tx: &mut Tx<'_>,
    input: ListResourceTypesRequest,
) -> Result<ListResourceTypesResponse, Fault> {
    let of = |t: &model::estate::ram::ResourceType| ServiceNameAndResourceType {
        resource_type: Some(t.name.to_owned()),
        service_name: Some(t.service.to_owned()),
        resource_region_scope: Some("REGIONAL".to_owned()),
    };
    let global = input.resource_region_scope.as_deref() == Some("GLOBAL");
    let types = if global { Vec::new() } else { TYPES.iter().map(of).collect() };
    let (types, next_token) = page(types, input.next_token.as_deref(), input.max_results)?;
    Ok(ListResourceTypesResponse { resource_types: Some(types), next_token })
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_ListPendingInvitationResources.html>
pub(crate) fn list_pending_invitation_resources(
    tx: &mut Tx<'_>,
    input: ListPendingInvitationResourcesRequest,
) -> Result<ListPendingInvitationResourcesResponse, Fault> {
    let invitation = crate::invitation::pending(tx, &input.resource_share_invitation_arn)?;
    let share = tx.find_arn::<Share>(&invitation.share).cloned();
    let share = share.ok_or_else(|| unknown(&format!("ResourceShare {}", invitation.share)))?;
    let mut found: Vec<Resource> = share.resources.iter().map(|r| shown(&share, &r.arn, r.since)).collect();
    if input.resource_region_scope.as_deref() == Some("GLOBAL") {
        found.clear();
    }
    let (resources, next_token) = page(found, input.next_token.as_deref(), input.max_results)?;
    Ok(ListPendingInvitationResourcesResponse { resources: Some(resources), next_token })
}
