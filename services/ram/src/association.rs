//! What is in a share, and who may use it.

use model::estate::ec2::Subnet;
use model::estate::ram::{Consumer, Invited, Share, SharedResource, ancestors, sharing, together, type_of};
use model::graph::AnyNode;
use model::{AccountId, Arn, Fault, Tx};

use crate::fault::{invalid, malformed, not_permitted, outside, unknown};
use crate::shapes::*;
use crate::{invitation, permission, share};

/// Resources and principals that a share may have.
const MOST: usize = 5000;

/// Sources are for shares with service principals, which are not served.
pub(crate) fn no_sources(given: Option<&Vec<String>>) -> Result<(), Fault> {
    match given.is_some_and(|s| !s.is_empty()) {
        true => Err(invalid("Sources are not served by this runtime.")),
        false => Ok(()),
    }
}

/// Adds resources of the account's own, and for each type the permission that it has by default.
pub(crate) fn add_resources(tx: &Tx<'_>, share: &mut Share, arns: &[String]) -> Result<(), Fault> {
    for arn in arns {
        let of = shareable(tx, share, arn)?;
        if share.has(arn) {
            continue;
        }
        if share.resources.len() >= MOST {
            let message = "The resource share has the maximum number of resources.";
            return Err(Fault::client("ResourceShareLimitExceededException", message));
        }
        if of.internal
            && sharing(tx.snapshot()).is_none_or(|_| ancestors(tx.snapshot(), &share.account).is_empty())
        {
            return Err(outside());
        }
        if of.internal && share.principals.iter().any(|p| p.invited.is_some()) {
            return Err(outside());
        }
        if !of.principals && share.principals.iter().any(|p| is_identity(&p.principal)) {
            return Err(invalid(format!(
                "Resources of type {} cannot be shared with IAM roles and users.",
                of.name
            )));
        }
        permission::add_default(share, of, tx.now)?;
        share.resources.push(SharedResource { arn: arn.clone(), since: tx.now });
    }
    Ok(())
}

/// The type of a resource that is the account's own and can be shared.
fn shareable(
    tx: &Tx<'_>,
    share: &Share,
    arn: &str,
) -> Result<&'static model::estate::ram::ResourceType, Fault> {
    let parsed = Arn::parse(arn).ok_or_else(|| bad_resource(arn))?;
    let of = type_of(arn).ok_or_else(|| {
        malformed(format!(
            "The resource ARN {arn} is of a type that cannot be shared. Verify the ARN and try again."
        ))
    })?;
    if parsed.account != share.account.as_str() {
        return Err(not_permitted(format!("You can share only resources that you own: {arn}")));
    }
    if parsed.region != share.region {
        return Err(invalid(format!("The resource {arn} is in another Region than the resource share.")));
    }
    let node = tx.snapshot().by_arn(arn).ok_or_else(|| unknown(&format!("Resource {arn}")))?;
    match barred(node.as_ref()) {
        Some(why) => Err(invalid(format!("{arn} cannot be shared: {why}"))),
        None => Ok(of),
    }
}

/// Why a resource of a type that can be shared yet cannot be.
fn barred(node: &dyn AnyNode) -> Option<&'static str> {
    if let Some(subnet) = node.as_any().downcast_ref::<Subnet>() {
        return subnet.default_for_zone.then_some("it is a default subnet.");
    }
    let standard = node.to_json().get("tier").is_some_and(|tier| tier != "Advanced");
    (node.key().kind == "AWS::SSM::Parameter" && standard)
        .then_some("only parameters of the advanced tier can be shared.")
}

pub(crate) fn bad_resource(arn: &str) -> Fault {
    malformed(format!("The specified resource ARN {arn} is not valid. Verify the ARN and try again."))
}

fn is_identity(principal: &str) -> bool {
    Arn::parse(principal).is_some_and(|a| a.service == "iam")
}

/// What a principal's text means.
enum Meaning {
    Account(AccountId),
    /// A role or user, by its account.
    Identity(AccountId),
    /// The organization, or a unit of it.
    Collective,
}

fn meaning(tx: &Tx<'_>, principal: &str) -> Result<Meaning, Fault> {
    let bad = || invalid(format!("Principal ID {principal} is malformed. Verify the ID and try again."));
    if let Some(account) = AccountId::parse(principal) {
        return Ok(Meaning::Account(account));
    }
    let parsed = Arn::parse(principal).ok_or_else(bad)?;
    let account = AccountId::parse(parsed.account).ok_or_else(bad)?;
    match (parsed.service, parsed.resource.split_once('/')) {
        ("iam", Some(("role" | "user", _))) => Ok(Meaning::Identity(account)),
        ("organizations", Some((kind @ ("organization" | "ou"), id))) => {
            let organization = sharing(tx.snapshot()).ok_or_else(outside)?;
            let own = organization.account == account && !ancestors(tx.snapshot(), &tx.account).is_empty();
            let known = match (kind, id.split_once('/')) {
                ("organization", None) => id == organization.id,
                ("ou", Some((org, unit))) => org == organization.id && unit_exists(tx, &account, unit),
                _ => return Err(bad()),
            };
            let name = if kind == "ou" { "OrganizationalUnit" } else { "Organization" };
            let last = id.rsplit('/').next().unwrap_or(id);
            if known && own { Ok(Meaning::Collective) } else { Err(unknown(&format!("{name} {last}"))) }
        }
        _ => Err(bad()),
    }
}

fn unit_exists(tx: &Tx<'_>, account: &AccountId, unit: &str) -> bool {
    tx.snapshot().find::<model::estate::iam::OrganizationalUnit>(account, "", unit).is_some()
}

/// Adds principals: members of the organization at once, others with an invitation.
pub(crate) fn add_principals(tx: &mut Tx<'_>, share: &mut Share, given: &[String]) -> Result<(), Fault> {
    for principal in given {
        let meaning = meaning(tx, principal)?;
        if share.principals.iter().any(|p| p.principal == *principal) {
            continue;
        }
        if share.principals.len() >= MOST {
            let message = "The resource share has the maximum number of principals.";
            return Err(Fault::client("ResourceShareLimitExceededException", message));
        }
        let types = || share.resources.iter().filter_map(|r| type_of(&r.arn));
        if let (Meaning::Identity(_), Some(of)) = (&meaning, types().find(|t| !t.principals)) {
            return Err(invalid(format!(
                "Resources of type {} cannot be shared with IAM roles and users.",
                of.name
            )));
        }
        let invited = match &meaning {
            Meaning::Collective => None,
            Meaning::Account(account) | Meaning::Identity(account) if *account == share.account => {
                return Err(invalid("You cannot share resources with the account that owns them."));
            }
            Meaning::Account(account) | Meaning::Identity(account) => {
                match together(tx.snapshot(), &share.account, account) {
                    true => None,
                    false if !share.external || types().any(|t| t.internal) => return Err(outside()),
                    false => {
                        invitation::send(tx, share, account, principal)?;
                        Some(Invited::Pending)
                    }
                }
            }
        };
        share.principals.push(Consumer { principal: principal.clone(), since: tx.now, invited });
    }
    Ok(())
}

pub(crate) fn of_resource(share: &Share, resource: &SharedResource) -> ResourceShareAssociation {
    ResourceShareAssociation {
        resource_share_arn: Some(share.arn()),
        resource_share_name: Some(share.name.clone()),
        associated_entity: Some(resource.arn.clone()),
        association_type: Some("RESOURCE".to_owned()),
        status: Some("ASSOCIATED".to_owned()),
        creation_time: Some(resource.since),
        last_updated_time: Some(resource.since),
        external: Some(false),
        ..ResourceShareAssociation::default()
    }
}

pub(crate) fn of_principal(share: &Share, consumer: &Consumer) -> ResourceShareAssociation {
    let status = if consumer.invited == Some(Invited::Pending) { "ASSOCIATING" } else { "ASSOCIATED" };
    ResourceShareAssociation {
        resource_share_arn: Some(share.arn()),
        resource_share_name: Some(share.name.clone()),
        associated_entity: Some(consumer.principal.clone()),
        association_type: Some("PRINCIPAL".to_owned()),
        status: Some(status.to_owned()),
        creation_time: Some(consumer.since),
        last_updated_time: Some(consumer.since),
        external: Some(consumer.invited.is_some()),
        ..ResourceShareAssociation::default()
    }
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_AssociateResourceShare.html>
pub(crate) fn associate_resource_share(
    tx: &mut Tx<'_>,
    input: AssociateResourceShareRequest,
) -> Result<AssociateResourceShareResponse, Fault> {
    let mut found = share::own(tx, &input.resource_share_arn)?;
    no_sources(input.sources.as_ref())?;
    let resources = input.resource_arns.unwrap_or_default();
    let principals = input.principals.unwrap_or_default();
    something(&resources, &principals)?;
    add_resources(tx, &mut found, &resources)?;
    add_principals(tx, &mut found, &principals)?;
    found.updated = tx.now;
    let mut shown: Vec<_> = found
        .resources
        .iter()
        .filter(|r| resources.contains(&r.arn))
        .map(|r| of_resource(&found, r))
        .collect();
    let added = found.principals.iter().filter(|p| principals.contains(&p.principal));
    shown.extend(added.map(|p| of_principal(&found, p)));
    for association in &mut shown {
        association.status = Some("ASSOCIATING".to_owned());
    }
    tx.put(found)?;
    Ok(AssociateResourceShareResponse {
        resource_share_associations: Some(shown),
        client_token: input.client_token,
    })
}

fn something(resources: &[String], principals: &[String]) -> Result<(), Fault> {
    match resources.is_empty() && principals.is_empty() {
        true => Err(invalid("You must specify at least one resource or principal.")),
        false => Ok(()),
    }
}

/// The owner takes things out of a share; a consumer only itself.
///
/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_DisassociateResourceShare.html>
pub(crate) fn disassociate_resource_share(
    tx: &mut Tx<'_>,
    input: DisassociateResourceShareRequest,
) -> Result<DisassociateResourceShareResponse, Fault> {
    let resources = input.resource_arns.unwrap_or_default();
    let principals = input.principals.unwrap_or_default();
    no_sources(input.sources.as_ref())?;
    something(&resources, &principals)?;
    let mut found = share::any(tx, &input.resource_share_arn)?;
    let itself = |p: &String| p == tx.account.as_str();
    if found.account != tx.account && !(resources.is_empty() && principals.iter().all(itself)) {
        return Err(unknown(&format!("ResourceShare {}", input.resource_share_arn)));
    }
    let mut gone = Vec::new();
    for arn in &resources {
        let association = found.resources.iter().find(|r| r.arn == *arn).map(|r| of_resource(&found, r));
        gone.push(association.ok_or_else(|| unknown(&format!("Association of {arn}")))?);
    }
    for principal in &principals {
        let association =
            found.principals.iter().find(|p| p.principal == *principal).map(|p| of_principal(&found, p));
        gone.push(association.ok_or_else(|| unknown(&format!("Association of {principal}")))?);
        invitation::withdraw(tx, &found.arn(), Some(principal))?;
    }
    found.resources.retain(|r| !resources.contains(&r.arn));
    found.principals.retain(|p| !principals.contains(&p.principal));
    found.updated = tx.now;
    tx.put(found)?;
    for association in &mut gone {
        association.status = Some("DISASSOCIATING".to_owned());
    }
    Ok(DisassociateResourceShareResponse {
        resource_share_associations: Some(gone),
        client_token: input.client_token,
    })
}
