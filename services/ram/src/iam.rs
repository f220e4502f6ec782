//! Which permission each call needs: on the share, the permission or the invitation that it names,
//! with what it would share and with whom.

use model::estate::iam::Role;
use model::estate::ram::{AWS_PERMISSIONS, Invitation, Permission, ROLE, SERVICE, Share, type_of};
use model::{Ask, Asking, Fault, Value};

/// Members that name what an operation is about.
const NAMED: &[&str] = &["resourceShareArn", "resourceArn", "permissionArn", "resourceShareInvitationArn"];
/// Operations that are about all there is, although they name something as a filter.
const AT_LARGE: &[&str] =
    &["GetResourceShareAssociations", "GetResourceShares", "ListPermissionVersions", "ListPrincipals"];

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let named = NAMED.iter().filter(|_| !AT_LARGE.contains(&operation)).filter_map(|m| asking.text(m));
    let mut asks: Vec<Ask> = named.map(|arn| on(asking, arn)).collect();
    if asks.is_empty() {
        asks.push(plain(asking, "*"));
    }
    if operation == "EnableSharingWithAwsOrganization" {
        asks.extend(linked_role(asking));
    }
    if operation == "CreatePermission" && !tags(asking).is_empty() {
        let mut tagging = plain(asking, &asking.arn("ram", "permission/*"));
        tagging.action = "ram:TagResource".into();
        asks.push(tagging);
    }
    Ok(asks)
}

/// The account's own side is asked: whose the thing is, is checked where it is looked up.
fn plain(asking: &Asking<'_>, resource: &str) -> Ask {
    let mut ask = Ask::new(format!("ram:{}", asking.operation), resource);
    ask.account = Some(asking.account.clone());
    ask.request_tags = tags(asking);
    ask.tag_keys = asking.strings("tagKeys");
    with_all(asking, ask)
}

/// What the request would share, and with whom.
fn with_all(asking: &Asking<'_>, mut ask: Ask) -> Ask {
    let resources = asking.strings("resourceArns");
    let mut types: Vec<String> =
        resources.iter().filter_map(|r| type_of(r)).map(|t| t.name.to_owned()).collect();
    types.dedup();
    let several = [
        ("ram:ResourceArn", resources),
        ("ram:RequestedResourceType", types),
        ("ram:Principal", asking.strings("principals")),
        ("ram:PermissionArn", asking.strings("permissionArns")),
    ];
    for (key, values) in several {
        if !values.is_empty() {
            ask = ask.keys(key, values);
        }
    }
    // Without the member, outsiders are let in.
    let requested = asking.input.get("allowExternalPrincipals").and_then(Value::as_bool);
    let requested = requested.or((asking.operation == "CreateResourceShare").then_some(true));
    ask = ask.key("ram:RequestedAllowsExternalPrincipals", requested.map(|r| r.to_string()));
    ask.key("ram:PermissionResourceType", asking.text("resourceType"))
}

fn on(asking: &Asking<'_>, arn: &str) -> Ask {
    let ask = plain(asking, arn);
    let snapshot = asking.snapshot;
    if let Some(share) = snapshot.find_arn::<Share>(arn) {
        return ask
            .key("ram:ResourceShareName", Some(share.name.as_str()))
            .key("ram:AllowsExternalPrincipals", Some(share.external.to_string()));
    }
    if let Some(invitation) = snapshot.find_arn::<Invitation>(arn) {
        return ask
            .key("ram:ResourceShareName", Some(invitation.share_name.as_str()))
            .key("ram:ShareOwnerAccountId", Some(invitation.sender.as_str()));
    }
    let own = snapshot.find_arn::<Permission>(arn).map(|p| p.resource_type.clone());
    let kept = || AWS_PERMISSIONS.iter().find(|p| p.arn() == arn).map(|p| p.resource_type.to_owned());
    match own.or_else(kept) {
        Some(of) => ask.key("ram:PermissionArn", Some(arn)).key("ram:PermissionResourceType", Some(of)),
        None => ask,
    }
}

/// Tags, whose members have small letters here.
fn tags(asking: &Asking<'_>) -> model::Tags {
    asking.tags("tags")
}

/// Who switches sharing on makes the service's role, if there is none yet.
fn linked_role(asking: &Asking<'_>) -> Option<Ask> {
    if asking.snapshot.find::<Role>(asking.account, "", ROLE).is_some() {
        return None;
    }
    let role = format!("role/aws-service-role/{SERVICE}/{ROLE}");
    let ask = Ask::new("iam:CreateServiceLinkedRole", model::ids::arn("iam", "", asking.account, &role));
    Some(ask.key("iam:AWSServiceName", Some(SERVICE)))
}
