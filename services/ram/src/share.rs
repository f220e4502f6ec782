//! Resource shares: made, changed, deleted, shown.

use model::estate::ram::{Share, Who};
use model::tx::Effect;
use model::{Fault, Tags, Tx};
use serde_json::{Value as Json, json};

use crate::association;
use crate::fault::{invalid, malformed, unknown};
use crate::page::page;
use crate::permission;
use crate::shapes::*;
use crate::tag;

/// How long a deleted share is still shown.
const MEMORY: i64 = 2 * 3600;

pub(crate) fn bad_arn() -> Fault {
    malformed("The specified resource share ARN is not valid. Verify the ARN and try again.")
}

/// Any share, whosever it is.
pub(crate) fn any(tx: &Tx<'_>, arn: &str) -> Result<Share, Fault> {
    let parsed = model::Arn::parse(arn).filter(|a| a.service == "ram");
    if !parsed.is_some_and(|a| a.resource.starts_with("resource-share/")) {
        return Err(bad_arn());
    }
    let found = tx.find_arn::<Share>(arn).filter(|s| s.deleted.is_none());
    found.cloned().ok_or_else(|| unknown(&format!("ResourceShare {arn}")))
}

/// A share of the account's own in this region.
pub(crate) fn own(tx: &Tx<'_>, arn: &str) -> Result<Share, Fault> {
    let share = any(tx, arn)?;
    match share.account == tx.account && share.region == tx.region {
        true => Ok(share),
        false => Err(unknown(&format!("ResourceShare {arn}"))),
    }
}

/// The shares of other accounts in this region that are in force for the caller.
pub(crate) fn of_others(tx: &Tx<'_>) -> Vec<Share> {
    let Some(who) = Who::of(tx.caller()) else { return Vec::new() };
    let snapshot = tx.snapshot();
    let here = snapshot.all::<Share>().filter(|s| s.region == tx.region);
    here.filter(|s| !s.reach(snapshot, who).is_empty()).cloned().collect()
}

/// `SELF` or `OTHER-ACCOUNTS`, and only these where any are named.
pub(crate) fn owned_by(tx: &Tx<'_>, owner: &str, named: Option<&[String]>) -> Vec<Share> {
    let all = match owner {
        "SELF" => tx.list::<Share>().cloned().collect(),
        _ => of_others(tx),
    };
    let wanted = |s: &Share| named.is_none_or(|named| named.is_empty() || named.contains(&s.arn()));
    all.into_iter().filter(wanted).collect()
}

pub(crate) fn shown(tx: &Tx<'_>, share: &Share) -> ResourceShare {
    let own = share.account == tx.account;
    ResourceShare {
        resource_share_arn: Some(share.arn()),
        name: Some(share.name.clone()),
        owning_account_id: Some(share.account.to_string()),
        allow_external_principals: Some(share.external),
        status: Some(if share.deleted.is_some() { "DELETED" } else { "ACTIVE" }.to_owned()),
        // Tags are the owner's.
        tags: own.then(|| tag::shown(&share.tags)),
        creation_time: Some(share.created),
        last_updated_time: Some(share.updated),
        feature_set: Some("STANDARD".to_owned()),
        ..ResourceShare::default()
    }
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_CreateResourceShare.html>
pub(crate) fn create_resource_share(
    tx: &mut Tx<'_>,
    input: CreateResourceShareRequest,
) -> Result<CreateResourceShareResponse, Fault> {
    if input.name.trim().is_empty() {
        return Err(invalid("The name of the resource share must not be empty."));
    }
    let configuration = input.resource_share_configuration.unwrap_or_default();
    if configuration.retain_sharing_on_account_leave_organization == Some(true) {
        return Err(invalid("retainSharingOnAccountLeaveOrganization is not served by this runtime."));
    }
    association::no_sources(input.sources.as_ref())?;
    let mut share = Share {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: tx.uuid(),
        name: input.name,
        external: input.allow_external_principals.unwrap_or(true),
        created: tx.now,
        updated: tx.now,
        deleted: None,
        resources: Vec::new(),
        principals: Vec::new(),
        permissions: Vec::new(),
        tags: Tags::new(),
    };
    tag::add(&mut share.tags, input.tags.unwrap_or_default())?;
    permission::add_named(tx, &mut share, &input.permission_arns.unwrap_or_default())?;
    association::add_resources(tx, &mut share, &input.resource_arns.unwrap_or_default())?;
    association::add_principals(tx, &mut share, &input.principals.unwrap_or_default())?;
    tx.put(share.clone())?;
    let shown = shown(tx, &share);
    Ok(CreateResourceShareResponse { resource_share: Some(shown), client_token: input.client_token })
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_UpdateResourceShare.html>
pub(crate) fn update_resource_share(
    tx: &mut Tx<'_>,
    input: UpdateResourceShareRequest,
) -> Result<UpdateResourceShareResponse, Fault> {
    let mut share = own(tx, &input.resource_share_arn)?;
    if let Some(name) = input.name {
        if name.trim().is_empty() {
            return Err(invalid("The name of the resource share must not be empty."));
        }
        share.name = name;
    }
    share.external = input.allow_external_principals.unwrap_or(share.external);
    share.updated = tx.now;
    tx.put(share.clone())?;
    let shown = shown(tx, &share);
    Ok(UpdateResourceShareResponse { resource_share: Some(shown), client_token: input.client_token })
}

/// From now on it means nothing; it is shown for a while.
///
/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_DeleteResourceShare.html>
pub(crate) fn delete_resource_share(
    tx: &mut Tx<'_>,
    input: DeleteResourceShareRequest,
) -> Result<DeleteResourceShareResponse, Fault> {
    let mut share = own(tx, &input.resource_share_arn)?;
    crate::invitation::withdraw(tx, &share.arn(), None)?;
    share.resources.clear();
    share.principals.clear();
    share.updated = tx.now;
    share.deleted = Some(tx.now);
    let arn = share.arn();
    tx.put(share)?;
    tx.effect(Effect::Schedule {
        id: format!("ram/{arn}"),
        at: tx.now.plus_seconds(MEMORY),
        service: "ram".to_owned(),
        job: "Forget".to_owned(),
        payload: json!({ "arn": arn }),
    })?;
    Ok(DeleteResourceShareResponse { return_value: Some(true), client_token: input.client_token })
}

/// Job: forgets a deleted share.
pub(crate) fn forget(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let arn = payload.get("arn").and_then(Json::as_str).unwrap_or_default();
    let gone = tx.find_arn::<Share>(arn).filter(|s| s.deleted.is_some()).cloned();
    gone.iter().try_for_each(|share| tx.remove(share))
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_GetResourceShares.html>
pub(crate) fn get_resource_shares(
    tx: &mut Tx<'_>,
    input: GetResourceSharesRequest,
) -> Result<GetResourceSharesResponse, Fault> {
    let named = input.resource_share_arns.as_deref();
    let mut found = owned_by(tx, &input.resource_owner, named);
    if let Some(missing) = named.and_then(|n| n.iter().find(|n| found.iter().all(|s| s.arn() != **n))) {
        return Err(unknown(&format!("ResourceShare {missing}")));
    }
    if let Some(name) = &input.name {
        found.retain(|s| s.name == *name);
    }
    if let Some(permission) = &input.permission_arn {
        let version = input.permission_version;
        let holds = |s: &Share| {
            s.permissions.iter().any(|p| p.arn == *permission && version.is_none_or(|v| v == p.version))
        };
        found.retain(holds);
    }
    for filter in input.tag_filters.unwrap_or_default() {
        let key = filter.tag_key.unwrap_or_default();
        let values = filter.tag_values.unwrap_or_default();
        let fits = |v: &String| values.is_empty() || values.contains(v);
        found.retain(|s| s.account == tx.account && s.tags.get(&key).is_some_and(fits));
    }
    let all = found.iter().map(|s| shown(tx, s));
    let wanted =
        |s: &ResourceShare| input.resource_share_status.is_none() || s.status == input.resource_share_status;
    let all = all.filter(wanted).collect();
    let (shares, next_token) = page(all, input.next_token.as_deref(), input.max_results)?;
    Ok(GetResourceSharesResponse { resource_shares: Some(shares), next_token })
}
