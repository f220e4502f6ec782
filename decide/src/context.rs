//! What each global condition key holds for a request: only what really happened.

use std::sync::Arc;

use decide_iam::Context;
use model::decision::{Ask, Request};
use model::estate::iam::{Account, Organization, OrganizationalUnit, Role, User};
use model::{AccountId, Caller, CallerKind, Snapshot, Tags};

use crate::Target;

/// The keys that are the same for every ask of a request.
pub(crate) fn global(snapshot: &Snapshot, request: &Request) -> Context {
    let mut context = Context::default();
    let mut set = |key: &str, value: String| context.set(key, value);
    let (caller, origin) = (&request.caller, &request.origin);
    set("aws:CurrentTime", request.time.to_rfc3339());
    set("aws:EpochTime", request.time.seconds().to_string());
    set("aws:SecureTransport", origin.secure.to_string());
    set("aws:RequestedRegion", request.region.clone());
    set("aws:ViaAWSService", (!request.via.is_empty()).to_string());
    if !origin.user_agent.is_empty() {
        set("aws:UserAgent", origin.user_agent.clone());
    }
    // A service that calls on the caller's behalf hides the address, as in AWS.
    if request.via.is_empty() {
        match &origin.vpc_endpoint {
            None => set("aws:SourceIp", origin.source_ip.to_string()),
            Some(endpoint) => {
                set("aws:VpcSourceIp", origin.source_ip.to_string());
                set("aws:SourceVpce", endpoint.clone());
            }
        }
        if let Some(vpc) = &origin.vpc {
            set("aws:SourceVpc", vpc.clone());
        }
    }
    if let (Some(first), Some(last)) = (request.via.first(), request.via.last()) {
        set("aws:CalledViaFirst", first.clone());
        set("aws:CalledViaLast", last.clone());
    }
    if !request.via.is_empty() {
        context.set_all("aws:CalledVia", request.via.clone());
    }
    principal(&mut context, snapshot, caller, request);
    context
}

fn principal(context: &mut Context, snapshot: &Snapshot, caller: &Caller, request: &Request) {
    let kind = match &caller.kind {
        CallerKind::Root => "Account",
        CallerKind::User { .. } => "User",
        CallerKind::Role { .. } => "AssumedRole",
        CallerKind::FederatedUser { .. } => "FederatedUser",
        CallerKind::Federated { .. } | CallerKind::Service { .. } | CallerKind::Anonymous => "Anonymous",
    };
    context.set("aws:PrincipalIsAWSService", matches!(caller.kind, CallerKind::Service { .. }).to_string());
    if let CallerKind::Service { name } = &caller.kind {
        context.set("aws:PrincipalServiceName", name.clone());
        context.set("aws:SourceAccount", caller.account.to_string());
        // The resource that the service acts for, where there is one.
        if caller.principal_id.starts_with("arn:") {
            context.set("aws:SourceArn", caller.principal_id.clone());
        }
        return;
    }
    let federation = caller.session.iter().flat_map(|session| &session.federation);
    for (key, values) in federation {
        context.set_all(key, values.clone());
    }
    // Who is only known to an identity provider is no principal of any account.
    if matches!(caller.kind, CallerKind::Anonymous | CallerKind::Federated { .. }) {
        context.set("aws:PrincipalType", kind.to_owned());
        return;
    }
    context.set("aws:PrincipalType", kind.to_owned());
    context.set("aws:PrincipalArn", principal_arn(caller));
    context.set("aws:PrincipalAccount", caller.account.to_string());
    context.set("aws:userid", caller.principal_id.clone());
    if let CallerKind::User { name } = &caller.kind {
        context.set("aws:username", name.clone());
    }
    for (key, value) in principal_tags(snapshot, caller) {
        context.set(&format!("aws:PrincipalTag/{key}"), value);
    }
    organization(context, snapshot, &caller.account, "aws:PrincipalOrgID", "aws:PrincipalOrgPaths");
    let Some(session) = &caller.session else { return };
    context.set("aws:TokenIssueTime", session.issued.to_rfc3339());
    // Only temporary credentials carry the MFA keys.
    context.set("aws:MultiFactorAuthPresent", session.mfa.is_some().to_string());
    if let Some(mfa) = session.mfa {
        context.set("aws:MultiFactorAuthAge", (request.time.seconds() - mfa.seconds()).max(0).to_string());
    }
    if let Some(source) = &session.source_identity {
        context.set("aws:SourceIdentity", source.clone());
    }
}

/// For an assumed role the role's ARN, not the session's.
fn principal_arn(caller: &Caller) -> String {
    match &caller.kind {
        CallerKind::Role { role_arn, .. } => role_arn.clone(),
        _ => caller.arn.clone(),
    }
}

/// Session tags win over the tags of the user or role.
fn principal_tags(snapshot: &Snapshot, caller: &Caller) -> Tags {
    let mut tags = match &caller.kind {
        CallerKind::User { name } => snapshot.find::<User>(&caller.account, "", name).map(|u| u.tags.clone()),
        CallerKind::Role { role_arn, .. } => snapshot.find_arn::<Role>(role_arn).map(|r| r.tags.clone()),
        _ => None,
    }
    .unwrap_or_default();
    if let Some(session) = &caller.session {
        tags.extend(session.tags.clone());
    }
    tags
}

/// `o-id/r-root/ou-a/ou-b/`.
fn organization(
    context: &mut Context,
    snapshot: &Snapshot,
    account: &AccountId,
    id_key: &str,
    paths_key: &str,
) {
    let Some(organization) = snapshot.all::<Organization>().next() else { return };
    let Some(parent) =
        snapshot.find::<Account>(account, "", account.as_str()).and_then(|a| a.parent.as_ref())
    else {
        return;
    };
    let mut path = vec![parent.clone()];
    while let Some(ou) =
        path.last().and_then(|id| snapshot.find::<OrganizationalUnit>(&organization.account, "", id))
    {
        path.push(ou.parent.clone());
    }
    path.reverse();
    context.set(id_key, organization.id.clone());
    context.set_all(paths_key, vec![format!("{}/{}/", organization.id, path.join("/"))]);
}

/// The keys of one ask on top of the request's.
pub(crate) fn of_ask(base: &Arc<Context>, ask: &Ask, target: &Target<'_>, snapshot: &Snapshot) -> Context {
    let mut context = Context::over(Arc::clone(base));
    for (key, values) in &ask.context {
        context.set_all(key, values.clone());
    }
    for (key, value) in &ask.request_tags {
        context.set(&format!("aws:RequestTag/{key}"), value.clone());
    }
    let mut keys: Vec<String> = ask.request_tags.keys().cloned().collect();
    keys.extend(ask.tag_keys.iter().cloned());
    if !keys.is_empty() {
        context.set_all("aws:TagKeys", keys);
    }
    if let Some(account) = &target.account {
        context.set("aws:ResourceAccount", account.to_string());
        organization(&mut context, snapshot, account, "aws:ResourceOrgID", "aws:ResourceOrgPaths");
    }
    let node_tags = target.node.map(|node| node.tags());
    let service = ask.action.split(':').next().unwrap_or_default();
    for (key, value) in ask.resource_tags.as_ref().or(node_tags).into_iter().flatten() {
        context.set(&format!("aws:ResourceTag/{key}"), value.clone());
        // The older form that several services keep beside the global one.
        context.set(&format!("{service}:ResourceTag/{key}"), value.clone());
    }
    context
}
