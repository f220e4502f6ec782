//! Invitations: accounts outside the organization are asked before anything is shared with them.

use model::estate::ram::{Invitation, Invited, Share};
use model::{AccountId, Fault, Tx};

use crate::fault::{malformed, unknown};
use crate::page::page;
use crate::shapes::*;

/// How long an invitation can be answered.
const LIFE: i64 = 12 * 3600;

fn refused(code: &'static str, arn: &str, what: &str) -> Fault {
    Fault::client(code, format!("ResourceShareInvitation {arn} {what}."))
}

pub(crate) fn send(tx: &mut Tx<'_>, share: &Share, to: &AccountId, principal: &str) -> Result<(), Fault> {
    let id = tx.uuid();
    tx.put(Invitation {
        account: to.clone(),
        region: share.region.clone(),
        id,
        sender: share.account.clone(),
        share: share.arn(),
        share_name: share.name.clone(),
        principal: principal.to_owned(),
        time: tx.now,
        status: "PENDING".to_owned(),
    })
}

/// Takes back what has not been answered: all of a share's invitations, or that of one principal.
pub(crate) fn withdraw(tx: &mut Tx<'_>, share: &str, principal: Option<&str>) -> Result<(), Fault> {
    let all = tx.snapshot().all::<Invitation>();
    let meant = |i: &&Invitation| i.share == share && principal.is_none_or(|p| i.principal == p);
    let meant: Vec<Invitation> = all.filter(meant).cloned().collect();
    meant.iter().try_for_each(|invitation| tx.remove(invitation))
}

fn status(tx: &Tx<'_>, invitation: &Invitation) -> String {
    let late = tx.now.seconds() - invitation.time.seconds() >= LIFE;
    match invitation.status.as_str() {
        "PENDING" if late => "EXPIRED".to_owned(),
        status => status.to_owned(),
    }
}

fn shown(tx: &Tx<'_>, invitation: &Invitation) -> ResourceShareInvitation {
    ResourceShareInvitation {
        resource_share_invitation_arn: Some(invitation.arn()),
        resource_share_name: Some(invitation.share_name.clone()),
        resource_share_arn: Some(invitation.share.clone()),
        sender_account_id: Some(invitation.sender.to_string()),
        receiver_account_id: Some(invitation.account.to_string()),
        invitation_timestamp: Some(invitation.time),
        status: Some(status(tx, invitation)),
        receiver_arn: invitation.principal.starts_with("arn:").then(|| invitation.principal.clone()),
        ..ResourceShareInvitation::default()
    }
}

/// An invitation to this account in this region.
fn find(tx: &Tx<'_>, arn: &str) -> Result<Invitation, Fault> {
    let parsed = model::Arn::parse(arn).filter(|a| a.service == "ram");
    let Some(id) = parsed.and_then(|a| a.resource.strip_prefix("resource-share-invitation/")) else {
        let message =
            "The specified resource share invitation ARN is not valid. Verify the ARN and try again.";
        return Err(malformed(message));
    };
    let found = tx.find::<Invitation>(id).filter(|i| i.arn() == arn);
    found
        .cloned()
        .ok_or_else(|| refused("ResourceShareInvitationArnNotFoundException", arn, "could not be found"))
}

/// One that can still be answered.
pub(crate) fn pending(tx: &Tx<'_>, arn: &str) -> Result<Invitation, Fault> {
    let found = find(tx, arn)?;
    match status(tx, &found).as_str() {
        "PENDING" => Ok(found),
        "ACCEPTED" => {
            Err(refused("ResourceShareInvitationAlreadyAcceptedException", arn, "was already accepted"))
        }
        "REJECTED" => {
            Err(refused("ResourceShareInvitationAlreadyRejectedException", arn, "was already rejected"))
        }
        _ => Err(refused("ResourceShareInvitationExpiredException", arn, "is expired")),
    }
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_GetResourceShareInvitations.html>
pub(crate) fn get_resource_share_invitations(
    tx: &mut Tx<'_>,
    input: GetResourceShareInvitationsRequest,
) -> Result<GetResourceShareInvitationsResponse, Fault> {
    let named = input.resource_share_invitation_arns.unwrap_or_default();
    for arn in &named {
        find(tx, arn)?;
    }
    let shares = input.resource_share_arns.unwrap_or_default();
    let wanted = |i: &&Invitation| {
        (named.is_empty() || named.contains(&i.arn())) && (shares.is_empty() || shares.contains(&i.share))
    };
    let found = tx.list::<Invitation>().filter(wanted).map(|i| shown(tx, i)).collect();
    let (found, next_token) = page(found, input.next_token.as_deref(), input.max_results)?;
    Ok(GetResourceShareInvitationsResponse { resource_share_invitations: Some(found), next_token })
}

/// Answers an invitation; whoever declines is no principal of the share any more.
fn answer(tx: &mut Tx<'_>, arn: &str, accepted: bool) -> Result<ResourceShareInvitation, Fault> {
    let mut invitation = pending(tx, arn)?;
    let gone = || unknown(&format!("ResourceShare {}", invitation.share));
    let mut share = crate::share::any(tx, &invitation.share).map_err(|_| gone())?;
    let invited = share.principals.iter_mut().find(|p| p.principal == invitation.principal);
    let consumer = invited.filter(|p| p.invited.is_some()).ok_or_else(gone)?;
    consumer.invited = Some(Invited::Accepted);
    if !accepted {
        share.principals.retain(|p| p.principal != invitation.principal);
    }
    share.updated = tx.now;
    invitation.status = if accepted { "ACCEPTED" } else { "REJECTED" }.to_owned();
    tx.put(share)?;
    tx.put(invitation.clone())?;
    Ok(shown(tx, &invitation))
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_AcceptResourceShareInvitation.html>
pub(crate) fn accept_resource_share_invitation(
    tx: &mut Tx<'_>,
    input: AcceptResourceShareInvitationRequest,
) -> Result<AcceptResourceShareInvitationResponse, Fault> {
    let invitation = answer(tx, &input.resource_share_invitation_arn, true)?;
    Ok(AcceptResourceShareInvitationResponse {
        resource_share_invitation: Some(invitation),
        client_token: input.client_token,
    })
}

/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_RejectResourceShareInvitation.html>
pub(crate) fn reject_resource_share_invitation(
    tx: &mut Tx<'_>,
    input: RejectResourceShareInvitationRequest,
) -> Result<RejectResourceShareInvitationResponse, Fault> {
    let invitation = answer(tx, &input.resource_share_invitation_arn, false)?;
    Ok(RejectResourceShareInvitationResponse {
        resource_share_invitation: Some(invitation),
        client_token: input.client_token,
    })
}
