//! What accounts share with one another: who may use a resource of another account, and for what.
//!
//! A share acts as a policy of the resource's that grants the actions of the share's permissions to
//! the account that consumes it. It never grants more than the consumer's own policies and those of
//! the organization allow, and nothing at all once anything that it rests on is gone: the share, the
//! association, the acceptance, the permission, the membership in the organization, the sharing
//! within the organization. All of it is looked up when it is asked for.

mod permission;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::estate::iam::{Account, Organization, OrganizationalUnit, Role, TrustedService};
use crate::ids::{Arn, arn};
use crate::{AccountId, Caller, CallerKind, Node, NodeKind, Snapshot, Tags, Timestamp};

pub use permission::{
    AWS_PERMISSIONS, AwsPermission, Permission, ResourceType, TYPES, Version, actions_of, template_of,
    type_of,
};

/// The nodes of this file, for the service that owns them.
pub const NODES: &[NodeKind] =
    &[NodeKind::of::<Share>(), NodeKind::of::<Invitation>(), NodeKind::of::<Permission>()];

/// The service that Organizations must trust for sharing within the organization.
pub const SERVICE: &str = "ram.amazonaws.com";
/// The role of the service's in the management account.
pub const ROLE: &str = "AWSServiceRoleForResourceAccessManager";

/// Resources, the principals that may use them, and what for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The owner of the resources.
    pub account: AccountId,
    pub region: String,
    /// A UUID.
    pub id: String,
    pub name: String,
    /// Whether accounts outside the organization may be principals.
    pub external: bool,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// A deleted share is shown for a while and means nothing.
    pub deleted: Option<Timestamp>,
    pub resources: Vec<SharedResource>,
    pub principals: Vec<Consumer>,
    /// At most one for each type of resource.
    pub permissions: Vec<Granted>,
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SharedResource {
    pub arn: String,
    pub since: Timestamp,
}

/// A principal of a share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Consumer {
    /// An account's id, or the ARN of the organization, of an organizational unit, of a role or user.
    pub principal: String,
    pub since: Timestamp,
    /// `None`: reached as a member of the organization, without an invitation.
    pub invited: Option<Invited>,
}

/// How far an invitation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Invited {
    Pending,
    Accepted,
}

/// A permission at a share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Granted {
    pub arn: String,
    pub version: i64,
    pub resource_type: String,
    pub since: Timestamp,
}

impl Share {
    pub fn arn(&self) -> String {
        arn("ram", &self.region, &self.account, &format!("resource-share/{}", self.id))
    }

    pub fn has(&self, resource: &str) -> bool {
        self.resources.iter().any(|r| r.arn == resource)
    }
}

crate::regional_node!(Share, "AWS::RAM::ResourceShare", id);

/// The question to an account outside the organization whether it wants a share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Invitation {
    /// The account that is invited.
    pub account: AccountId,
    pub region: String,
    pub id: String,
    pub sender: AccountId,
    pub share: String,
    pub share_name: String,
    /// The principal of the share that the invitation is for.
    pub principal: String,
    pub time: Timestamp,
    /// `PENDING`, `ACCEPTED`, `REJECTED`, `EXPIRED`.
    pub status: String,
}

impl Invitation {
    /// The ARN names the account that sent it.
    pub fn arn(&self) -> String {
        arn("ram", &self.region, &self.sender, &format!("resource-share-invitation/{}", self.id))
    }
}

impl Node for Invitation {
    const KIND: &'static str = "Countersign::RAM::ResourceShareInvitation";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.id
    }
    fn arn(&self) -> Option<String> {
        Some(self.arn())
    }
}

/// Who would use what is shared.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    pub account: &'a AccountId,
    /// The ARN of the role or user.
    pub principal: Option<&'a str>,
}

impl<'a> Who<'a> {
    /// `None` for whoever is of no account: nothing is shared with services and the unknown.
    pub fn of(caller: &'a Caller) -> Option<Who<'a>> {
        let principal = match &caller.kind {
            CallerKind::Root => None,
            CallerKind::User { .. } | CallerKind::FederatedUser { .. } => Some(caller.arn.as_str()),
            CallerKind::Role { role_arn, .. } => Some(role_arn.as_str()),
            CallerKind::Federated { .. } | CallerKind::Service { .. } | CallerKind::Anonymous => return None,
        };
        Some(Who { account: &caller.account, principal })
    }
}

/// The organization, while it lets its accounts share within it.
pub fn sharing(snapshot: &Snapshot) -> Option<&Organization> {
    let organization = snapshot.all::<Organization>().next()?;
    snapshot.find::<TrustedService>(&organization.account, "", SERVICE)?;
    snapshot.find::<Role>(&organization.account, "", ROLE)?;
    Some(organization)
}

/// The root and the units above an account of the organization, the nearest first; none for others.
pub fn ancestors(snapshot: &Snapshot, account: &AccountId) -> Vec<String> {
    let Some(organization) = snapshot.all::<Organization>().next() else { return Vec::new() };
    let member = snapshot.find::<Account>(account, "", account.as_str());
    let mut above: Vec<String> = member.and_then(|m| m.parent.clone()).into_iter().collect();
    while let Some(unit) =
        above.last().and_then(|id| snapshot.find::<OrganizationalUnit>(&organization.account, "", id))
    {
        above.push(unit.parent.clone());
    }
    above
}

/// Whether two accounts are of one organization that lets its accounts share within it.
pub fn together(snapshot: &Snapshot, one: &AccountId, other: &AccountId) -> bool {
    sharing(snapshot).is_some()
        && !ancestors(snapshot, one).is_empty()
        && !ancestors(snapshot, other).is_empty()
}

impl Consumer {
    /// What a statement names as its principal where this principal is or contains `who`.
    fn reaches(&self, snapshot: &Snapshot, share: &Share, who: Who<'_>) -> Option<String> {
        let named = Arn::parse(&self.principal);
        let collective = named.filter(|a| a.service == "organizations");
        if let Some(collective) = collective {
            let organization = sharing(snapshot)?;
            if !together(snapshot, &share.account, who.account) {
                return None;
            }
            let id = collective.resource.rsplit('/').next()?;
            let within = match collective.resource.starts_with("organization/") {
                true => id == organization.id,
                false => ancestors(snapshot, who.account).iter().any(|above| above == id),
            };
            return within.then(|| who.account.to_string());
        }
        let (account, statement) = match named {
            Some(named) if who.principal == Some(self.principal.as_str()) => {
                (named.account, self.principal.clone())
            }
            Some(_) => return None,
            None => (self.principal.as_str(), who.account.to_string()),
        };
        let consented = match self.invited {
            None => together(snapshot, &share.account, who.account),
            Some(Invited::Accepted) => share.external,
            Some(Invited::Pending) => false,
        };
        (account == who.account.as_str() && consented).then_some(statement)
    }
}

impl Share {
    /// The principals as whom this share is in force for `who`; none: it is not.
    pub fn reach(&self, snapshot: &Snapshot, who: Who<'_>) -> Vec<String> {
        match self.deleted.is_some() || self.account == *who.account {
            true => Vec::new(),
            false => self.principals.iter().filter_map(|p| p.reaches(snapshot, self, who)).collect(),
        }
    }

    /// What the share lets its principals do with a resource: the template of the permission for its type.
    pub fn template(&self, snapshot: &Snapshot, resource: &str) -> Option<Json> {
        let of = type_of(resource)?;
        let granted = self.permissions.iter().find(|p| p.resource_type == of.name)?;
        template_of(snapshot, &granted.arn, granted.version)
    }

    /// The statement that the share is to a resource, for these principals.
    pub fn statement(&self, snapshot: &Snapshot, resource: &str, principals: &[String]) -> Option<Json> {
        let mut statement = self.template(snapshot, resource).filter(|_| self.has(resource))?;
        let members = statement.as_object_mut()?;
        members.insert("Sid".to_owned(), json!(self.id.replace('-', "")));
        members.insert("Effect".to_owned(), json!("Allow"));
        members.insert("Principal".to_owned(), json!({"AWS": principals}));
        members.insert("Resource".to_owned(), json!(resource));
        Some(statement)
    }
}

/// Shares of the resource's owner that have the resource.
pub fn shares_of<'a>(snapshot: &'a Snapshot, resource: &str) -> Vec<&'a Share> {
    let Some(parsed) = Arn::parse(resource).filter(|_| type_of(resource).is_some()) else {
        return Vec::new();
    };
    let Some(owner) = AccountId::parse(parsed.account) else { return Vec::new() };
    let live = |s: &&Share| s.deleted.is_none() && s.has(resource);
    snapshot.list::<Share>(&owner, parsed.region).filter(live).collect()
}

/// What shares let `who` do with a resource of another account, as a policy of the resource's.
pub fn policy(snapshot: &Snapshot, who: Who<'_>, resource: &str) -> Option<String> {
    let of = |share: &&Share| {
        let principals = share.reach(snapshot, who);
        if principals.is_empty() { None } else { share.statement(snapshot, resource, &principals) }
    };
    let shares = shares_of(snapshot, resource);
    let statements: Vec<Json> = shares.iter().filter_map(of).collect();
    let policy = json!({"Version": "2012-10-17", "Statement": statements});
    (!statements.is_empty()).then(|| policy.to_string())
}

/// Whether anything of a resource of another account is shared with `who`.
pub fn shared(snapshot: &Snapshot, who: Who<'_>, resource: &str) -> bool {
    shares_of(snapshot, resource).iter().any(|share| !share.reach(snapshot, who).is_empty())
}

/// Resources of other accounts in a region that `who` may do this with, each once.
pub fn usable<'a, N: Node>(snapshot: &'a Snapshot, who: Who<'_>, region: &str, action: &str) -> Vec<&'a N> {
    let mut found: Vec<(&str, &N)> = Vec::new();
    for share in snapshot.all::<Share>().filter(|s| s.region == region && s.deleted.is_none()) {
        if share.reach(snapshot, who).is_empty() {
            continue;
        }
        for resource in &share.resources {
            let Some(node) = snapshot.find_arn::<N>(&resource.arn) else { continue };
            // What a permission grants under conditions is found by its id, not by looking around.
            let granted = share.template(snapshot, &resource.arn).filter(|t| t.get("Condition").is_none());
            let same = |a: &&str| a.eq_ignore_ascii_case(action);
            let may = granted.is_some_and(|t| actions_of(&t).iter().any(same));
            if may && found.iter().all(|(arn, _)| *arn != resource.arn) {
                found.push((&resource.arn, node));
            }
        }
    }
    found.into_iter().map(|(_, node)| node).collect()
}

/// The ARN of a resource of another account that is shared with `who` under this type and id
/// (`subnet/subnet-...`), which the caller's own account and region would else be taken for.
pub fn owner_arn(snapshot: &Snapshot, who: Who<'_>, service: &str, region: &str, id: &str) -> Option<String> {
    let named = |arn: &str| {
        Arn::parse(arn).is_some_and(|a| a.service == service && a.region == region && a.resource == id)
    };
    let live = snapshot.all::<Share>().filter(|s| s.region == region && s.deleted.is_none());
    live.filter_map(|share| Some((share, share.resources.iter().find(|r| named(&r.arn))?)))
        .find(|(share, _)| !share.reach(snapshot, who).is_empty())
        .map(|(_, resource)| resource.arn.clone())
}
