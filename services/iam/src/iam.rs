//! Which permission each call needs: the action of its own name, on the user, group,
//! role, policy or instance profile that it is about.

use model::estate::iam::{AccessKey, Group, Role, User};
use model::{Ask, Asking, Caller, CallerKind, Fault};

use crate::profile::Profile;
use crate::{linked, login, password};

/// The operations that are about an MFA device itself, not about its user.
const MFA_DEVICES: &[&str] =
    &["DeleteVirtualMFADevice", "GetMFADevice", "TagMFADevice", "UntagMFADevice", "ListMFADeviceTags"];

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    if operation == "CheckMfaCode" {
        return Ok(crate::mfa::ask(asking));
    }
    plain_token(asking.caller)?;
    if operation == "CreateServiceLinkedRole" {
        return Ok(linked::ask(asking).into_iter().collect());
    }
    let Some(resource) = resource(asking) else { return Ok(Vec::new()) };
    let mut ask = Ask::new(format!("iam:{operation}"), resource);
    // Principals that are to be made, or the caller's own where none is named, stand in the caller's account.
    ask.account = Some(asking.account.clone());
    ask.request_tags = asking.tags("Tags");
    ask.tag_keys = asking.strings("TagKeys");
    if operation.starts_with("Attach") || operation.starts_with("Detach") {
        ask = ask.key("iam:PolicyARN", asking.text("PolicyArn"));
    }
    ask = ask.key("iam:PermissionsBoundary", boundary(asking));
    granted_by_account(asking, &mut ask);
    let mut asks = vec![ask];
    asks.extend(renamed(asking));
    if operation == "AddRoleToInstanceProfile" {
        let role = role_arn(asking, asking.text("RoleName").unwrap_or_default());
        asks.push(Ask::new("iam:PassRole", role).key("iam:PassedToService", Some("ec2.amazonaws.com")));
    }
    Ok(asks)
}

/// What the account's password policy grants to all users, beside what their own policies say.
fn granted_by_account(asking: &Asking<'_>, ask: &mut Ask) {
    let CallerKind::User { name } = &asking.caller.kind else { return };
    ask.owner = match asking.operation {
        "ChangePassword" => login::granting(asking),
        "GetAccountPasswordPolicy" => Some(password::bearer(asking.account)),
        _ => return,
    };
    if asking.operation == "ChangePassword" {
        let user = asking.snapshot.find::<User>(asking.account, "", name);
        ask.resource_tags = user.map(|user| user.tags.clone());
    }
}

/// Who renames or moves a user or a group must be allowed to do so with the new one as well.
fn renamed(asking: &Asking<'_>) -> Option<Ask> {
    let (kind, name, old_path) = match asking.operation {
        "UpdateUser" => {
            let name = asking.text("UserName")?;
            let path = asking.snapshot.find::<User>(asking.account, "", name).map(|u| u.path.clone());
            ("user", asking.text("NewUserName").unwrap_or(name), path)
        }
        "UpdateGroup" => {
            let name = asking.text("GroupName")?;
            let path = asking.snapshot.find::<Group>(asking.account, "", name).map(|g| g.path.clone());
            ("group", asking.text("NewGroupName").unwrap_or(name), path)
        }
        _ => return None,
    };
    let path = asking.text("NewPath").map(str::to_owned).or(old_path).unwrap_or_else(|| "/".to_owned());
    let resource = own(asking, &format!("{kind}{path}{name}"));
    Some(Ask {
        account: Some(asking.account.clone()),
        ..Ask::new(format!("iam:{}", asking.operation), resource)
    })
}

/// "You cannot call any IAM API operations unless MFA authentication information is included in the
/// request": so for the temporary credentials of a user, and for federated users at all.
fn plain_token(caller: &Caller) -> Result<(), Fault> {
    let shown = match &caller.kind {
        CallerKind::User { .. } | CallerKind::Root => {
            caller.session.as_ref().is_none_or(|session| session.mfa.is_some())
        }
        CallerKind::FederatedUser { .. } => false,
        CallerKind::Role { .. }
        | CallerKind::Federated { .. }
        | CallerKind::Service { .. }
        | CallerKind::Anonymous => true,
    };
    let refused =
        || Fault::new("InvalidClientTokenId", 403, "The security token included in the request is invalid");
    if shown { Ok(()) } else { Err(refused()) }
}

fn own(asking: &Asking<'_>, resource: &str) -> String {
    model::ids::arn("iam", "", asking.account, resource)
}

fn role_arn(asking: &Asking<'_>, name: &str) -> String {
    let found = asking.snapshot.find::<Role>(asking.account, "", name).map(Role::arn);
    let path = if asking.operation == "CreateRole" { asking.text("Path").unwrap_or("/") } else { "/" };
    found.unwrap_or_else(|| own(asking, &format!("role{path}{name}")))
}

/// The boundary that the request sets, or that its principal has.
fn boundary(asking: &Asking<'_>) -> Option<String> {
    if let Some(given) = asking.text("PermissionsBoundary") {
        return Some(given.to_owned());
    }
    let user = asking.text("UserName").and_then(|n| asking.snapshot.find::<User>(asking.account, "", n));
    let role = asking.text("RoleName").and_then(|n| asking.snapshot.find::<Role>(asking.account, "", n));
    user.and_then(|u| u.boundary.clone()).or_else(|| role.and_then(|r| r.boundary.clone()))
}

fn resource(asking: &Asking<'_>) -> Option<String> {
    let path = asking.text("Path").unwrap_or("/");
    let user = |name: &str| {
        let found = asking.snapshot.find::<User>(asking.account, "", name).map(User::arn);
        let path = if asking.operation == "CreateUser" { path } else { "/" };
        found.unwrap_or_else(|| own(asking, &format!("user{path}{name}")))
    };
    let group = |name: &str| {
        let found = asking.snapshot.find::<Group>(asking.account, "", name).map(Group::arn);
        found.unwrap_or_else(|| own(asking, &format!("group{path}{name}")))
    };
    let profile = |name: &str| {
        let found = asking.snapshot.find::<Profile>(asking.account, "", name).and_then(model::Node::arn);
        found.unwrap_or_else(|| own(asking, &format!("instance-profile{path}{name}")))
    };
    Some(match asking.operation {
        "ListUsers"
        | "ListVirtualMFADevices"
        | "ListGroups"
        | "ListRoles"
        | "ListPolicies"
        | "ListInstanceProfiles" => "*".to_owned(),
        "GetAccountSummary"
        | "GetAccountAuthorizationDetails"
        | "GenerateCredentialReport"
        | "GetCredentialReport"
        | "GetServiceLastAccessedDetails"
        | "GetServiceLastAccessedDetailsWithEntities" => "*".to_owned(),
        "GenerateServiceLastAccessedDetails" => asking.text("Arn")?.to_owned(),
        "GetAccessKeyLastUsed" => {
            let key = asking.snapshot.find::<AccessKey>(asking.account, "", asking.text("AccessKeyId")?);
            key.and_then(|key| key.user.as_deref()).map_or_else(|| "*".to_owned(), user)
        }
        "ListOpenIDConnectProviders" | "ListSAMLProviders" => "*".to_owned(),
        "CreateOpenIDConnectProvider" => {
            let url = asking.text("Url")?;
            let url = url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/');
            own(asking, &format!("oidc-provider/{url}"))
        }
        "CreateSAMLProvider" => own(asking, &format!("saml-provider/{}", asking.text("Name")?)),
        "GetServiceLinkedRoleDeletionStatus" => own(asking, &linked::of_task(asking.text("DeletionTaskId")?)),
        "CreateAccountAlias" | "DeleteAccountAlias" | "ListAccountAliases" => "*".to_owned(),
        "GetAccountPasswordPolicy" | "UpdateAccountPasswordPolicy" | "DeleteAccountPasswordPolicy" => {
            "*".to_owned()
        }
        "SimulateCustomPolicy" | "GetContextKeysForCustomPolicy" => "*".to_owned(),
        "SimulatePrincipalPolicy" | "GetContextKeysForPrincipalPolicy" => {
            asking.text("PolicySourceArn")?.to_owned()
        }
        "CreateVirtualMFADevice" => {
            own(asking, &format!("mfa{path}{}", asking.text("VirtualMFADeviceName")?))
        }
        "CreatePolicy" => own(asking, &format!("policy{path}{}", asking.text("PolicyName")?)),
        "AddUserToGroup" | "RemoveUserFromGroup" => group(asking.text("GroupName")?),
        "ListGroupsForUser" => user(asking.text("UserName")?),
        "ListInstanceProfilesForRole" => role_arn(asking, asking.text("RoleName")?),
        "AddRoleToInstanceProfile" | "RemoveRoleFromInstanceProfile" => {
            profile(asking.text("InstanceProfileName")?)
        }
        _ => match () {
            () if asking.text("UserName").is_some() => user(asking.text("UserName")?),
            () if asking.text("RoleName").is_some() => role_arn(asking, asking.text("RoleName")?),
            () if asking.text("GroupName").is_some() => group(asking.text("GroupName")?),
            () if asking.text("InstanceProfileName").is_some() => {
                profile(asking.text("InstanceProfileName")?)
            }
            () if asking.text("OpenIDConnectProviderArn").is_some() => {
                asking.text("OpenIDConnectProviderArn")?.to_owned()
            }
            () if asking.text("SAMLProviderArn").is_some() => asking.text("SAMLProviderArn")?.to_owned(),
            () if asking.text("PolicyArn").is_some() => asking.text("PolicyArn")?.to_owned(),
            () if asking.text("SerialNumber").is_some() && MFA_DEVICES.contains(&asking.operation) => {
                asking.text("SerialNumber")?.to_owned()
            }
            // The caller's own user, where none is named.
            () => asking.caller.arn.clone(),
        },
    })
}
