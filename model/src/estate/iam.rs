//! Accounts, principals and their policies: what an IAM decision reads.

use serde::{Deserialize, Serialize};

use crate::graph::{Node, NodeKind, Snapshot, Tags};
use crate::ids::{AccountId, arn};
use crate::policy::PolicyText;
use crate::time::Timestamp;
use crate::tx::Tx;
use crate::{Caller, CallerKind, Fault};

/// The nodes of this file, for the service that owns them.
pub const NODES: &[NodeKind] = &[
    NodeKind::of::<User>(),
    NodeKind::of::<Group>(),
    NodeKind::of::<Role>(),
    NodeKind::of::<ManagedPolicy>(),
    NodeKind::of::<AccessKey>(),
    NodeKind::of::<OidcProvider>(),
    NodeKind::of::<SamlProvider>(),
];

/// The nodes that the organizations service owns.
pub const ORGANIZATION_NODES: &[NodeKind] = &[
    NodeKind::of::<Organization>(),
    NodeKind::of::<Account>(),
    NodeKind::of::<OrganizationalUnit>(),
    NodeKind::of::<OrganizationPolicy>(),
    NodeKind::of::<TrustedService>(),
    NodeKind::of::<DelegatedAdministrator>(),
];

/// A policy written inside a user, group or role.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InlinePolicy {
    pub name: String,
    pub document: PolicyText,
}

macro_rules! node {
    ($type:ident, $kind:literal, $id:ident $(, arn: $arn:ident)? $(, tags: $tags:ident)? $(, policy: $policy:ident)? $(, unique: $unique:ident)?) => {
        impl Node for $type {
            const KIND: &'static str = $kind;
            fn account(&self) -> &AccountId { &self.account }
            fn region(&self) -> &str { "" }
            fn local_id(&self) -> &str { &self.$id }
            $(fn arn(&self) -> Option<String> { Some(self.$arn()) })?
            $(fn tags(&self) -> &Tags { &self.$tags })?
            $(fn policy(&self) -> Option<&PolicyText> { Some(&self.$policy) })?
            $(fn global_name(&self) -> Option<String> { Some(name_of::<$type>(&self.account, &self.$unique)) })?
        }
    };
}

/// By which a user, group, role or managed policy is found without regard to case: its name is unique so.
pub fn name_of<N: Node>(account: &AccountId, name: &str) -> String {
    format!("{}/{account}/{}", N::KIND, name.to_ascii_lowercase())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub account: AccountId,
    pub name: String,
    /// `/` or `/division/team/`.
    pub path: String,
    /// `AIDA...`.
    pub id: String,
    pub created: Timestamp,
    pub inline: Vec<InlinePolicy>,
    /// ARNs of attached managed policies.
    pub attached: Vec<String>,
    /// Names of the groups that the user is in, sorted. It stands here because every decision asks for it.
    pub groups: Vec<String>,
    /// ARN of the managed policy that bounds the user.
    pub boundary: Option<String>,
    pub tags: Tags,
}

impl User {
    pub fn arn(&self) -> String {
        arn("iam", "", &self.account, &format!("user{}{}", self.path, self.name))
    }

    /// The groups that the user is in.
    pub fn in_groups<'s>(&'s self, snapshot: &'s Snapshot) -> impl Iterator<Item = &'s Group> {
        self.groups.iter().filter_map(|name| snapshot.find::<Group>(&self.account, "", name))
    }
}

node!(User, "AWS::IAM::User", name, arn: arn, tags: tags, unique: name);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub account: AccountId,
    pub name: String,
    pub path: String,
    /// `AGPA...`.
    pub id: String,
    pub created: Timestamp,
    pub inline: Vec<InlinePolicy>,
    pub attached: Vec<String>,
}

impl Group {
    pub fn arn(&self) -> String {
        arn("iam", "", &self.account, &format!("group{}{}", self.path, self.name))
    }

    /// The users in it. Looks at every user of the account: for administration, not for decisions.
    pub fn members<'s>(&'s self, snapshot: &'s Snapshot) -> impl Iterator<Item = &'s User> {
        snapshot.list::<User>(&self.account, "").filter(|user| user.groups.contains(&self.name))
    }
}

node!(Group, "AWS::IAM::Group", name, arn: arn, unique: name);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Role {
    pub account: AccountId,
    pub name: String,
    pub path: String,
    /// `AROA...`.
    pub id: String,
    pub created: Timestamp,
    pub description: Option<String>,
    /// Seconds, 3,600 to 43,200.
    pub max_session: i64,
    /// Who may assume it: the resource policy of the role.
    pub trust: PolicyText,
    pub inline: Vec<InlinePolicy>,
    pub attached: Vec<String>,
    pub boundary: Option<String>,
    pub tags: Tags,
    /// Sessions issued before this time are refused (`AWSRevokeOlderSessions` by another door).
    pub last_used: Option<Timestamp>,
}

impl Role {
    pub fn arn(&self) -> String {
        arn("iam", "", &self.account, &format!("role{}{}", self.path, self.name))
    }
}

node!(Role, "AWS::IAM::Role", name, arn: arn, tags: tags, policy: trust, unique: name);

/// A service that acts in an account through its service-linked role, which is made at the first use.
pub struct Linked<'a> {
    /// e.g. `ecs.amazonaws.com`.
    pub service: &'a str,
    /// e.g. `AWSServiceRoleForECS`.
    pub role: &'a str,
    /// The permissions policy of the role.
    pub policy: &'a str,
}

impl Linked<'_> {
    /// The service as the caller of what it does in this account.
    pub fn caller(&self, tx: &mut Tx<'_>) -> Result<Caller, Fault> {
        let Linked { service, role, policy } = self;
        let path = format!("/aws-service-role/{service}/");
        let permissions =
            || InlinePolicy { name: (*role).to_owned(), document: PolicyText::new(*policy, None) };
        let id = match tx.find_global::<Role>(role).cloned() {
            Some(made) => {
                let id = made.id.clone();
                // One that was made by hand has what the service needs from its first use.
                if made.inline.is_empty() && made.path == path {
                    tx.put(Role { inline: vec![permissions()], ..made })?;
                }
                id
            }
            None => {
                let trust = format!(
                    r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
                );
                let id = format!("AROA{}", tx.random_text(17, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
                tx.put(Role {
                    account: tx.account.clone(),
                    name: (*role).to_owned(),
                    path,
                    id: id.clone(),
                    created: tx.now,
                    description: None,
                    max_session: 3600,
                    trust: PolicyText::new(&trust, None),
                    inline: vec![permissions()],
                    attached: Vec::new(),
                    boundary: None,
                    tags: Tags::new(),
                    last_used: None,
                })?;
                id
            }
        };
        let session_name = service.split('.').next().unwrap_or(service).to_owned();
        Ok(Caller {
            arn: arn("sts", "", &tx.account, &format!("assumed-role/{role}/{session_name}")),
            account: tx.account.clone(),
            principal_id: format!("{id}:{session_name}"),
            kind: CallerKind::Role {
                role_arn: arn("iam", "", &tx.account, &format!("role/aws-service-role/{service}/{role}")),
                session_name,
            },
            access_key: None,
            session: None,
        })
    }
}

/// Whether the role or user that a caller is (a session of) is still there: the very one, not
/// another that was given its name later.
pub fn lives(snapshot: &Snapshot, caller: &Caller) -> bool {
    match &caller.kind {
        CallerKind::Role { role_arn, .. } => {
            let id = caller.principal_id.split(':').next();
            snapshot.find_arn::<Role>(role_arn).is_some_and(|role| id == Some(role.id.as_str()))
        }
        CallerKind::User { name } => snapshot
            .find::<User>(&caller.account, "", name)
            .is_some_and(|user| user.id == caller.principal_id),
        CallerKind::FederatedUser { name } => snapshot.find::<User>(&caller.account, "", name).is_some(),
        CallerKind::Root
        | CallerKind::Federated { .. }
        | CallerKind::Service { .. }
        | CallerKind::Anonymous => true,
    }
}

/// A customer-managed policy. (AWS-managed ones are data of the `iam` service, not nodes.)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManagedPolicy {
    /// `aws` policies stand in the account [`AccountId::none`].
    pub account: AccountId,
    pub name: String,
    pub path: String,
    /// `ANPA...`.
    pub id: String,
    pub description: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub versions: Vec<PolicyVersion>,
    /// `v1`, `v2`, ...
    pub default_version: String,
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicyVersion {
    pub id: String,
    pub created: Timestamp,
    pub document: PolicyText,
}

impl ManagedPolicy {
    pub fn arn(&self) -> String {
        let owner = if self.account == AccountId::none() { "aws" } else { self.account.as_str() };
        format!("arn:aws:iam::{owner}:policy{}{}", self.path, self.name)
    }

    /// The document in force.
    pub fn document(&self) -> Option<&PolicyText> {
        self.versions.iter().find(|v| v.id == self.default_version).map(|v| &v.document)
    }
}

node!(ManagedPolicy, "AWS::IAM::ManagedPolicy", name, arn: arn, tags: tags, unique: name);

/// A long-lived access key of a user or of an account's root.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessKey {
    pub account: AccountId,
    /// `AKIA...`.
    pub id: String,
    /// `None`: the account's root.
    pub user: Option<String>,
    pub active: bool,
    pub created: Timestamp,
    /// The secret, sealed for purpose `access-key` with the id as additional data; hexadecimal.
    pub sealed_secret: String,
}

impl Node for AccessKey {
    const KIND: &'static str = "AWS::IAM::AccessKey";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        ""
    }
    fn local_id(&self) -> &str {
        &self.id
    }
    fn global_name(&self) -> Option<String> {
        Some(format!("access-key/{}", self.id))
    }
}

/// An issuer of OpenID Connect tokens whose bearers roles of the account may trust.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OidcProvider {
    pub account: AccountId,
    /// The `iss` claim without `https://`: `cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI`.
    pub url: String,
    /// The audiences that are accepted.
    pub clients: Vec<String>,
    /// Of certificates of the issuer's server; no connection to it is made here.
    pub thumbprints: Vec<String>,
    pub created: Timestamp,
    pub tags: Tags,
}

impl OidcProvider {
    pub fn arn(&self) -> String {
        arn("iam", "", &self.account, &format!("oidc-provider/{}", self.url))
    }
}

node!(OidcProvider, "AWS::IAM::OIDCProvider", url, arn: arn, tags: tags);

/// An identity provider whose SAML assertions roles of the account may trust.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SamlProvider {
    pub account: AccountId,
    pub name: String,
    /// Its UUID.
    pub id: String,
    /// As it was uploaded: who the issuer is, and the certificates of its keys.
    pub metadata: String,
    pub created: Timestamp,
    pub valid_until: Timestamp,
    pub tags: Tags,
}

impl SamlProvider {
    pub fn arn(&self) -> String {
        arn("iam", "", &self.account, &format!("saml-provider/{}", self.name))
    }
}

node!(SamlProvider, "AWS::IAM::SAMLProvider", name, arn: arn, tags: tags);

/// The organization; there is at most one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Organization {
    /// The management account.
    pub account: AccountId,
    /// `o-...`.
    pub id: String,
    /// `r-...`.
    pub root: String,
    /// `ALL` or `CONSOLIDATED_BILLING`.
    pub feature_set: String,
    /// Enabled on the root: `SERVICE_CONTROL_POLICY`, `RESOURCE_CONTROL_POLICY`, ...
    pub policy_types: Vec<String>,
    pub created: Timestamp,
    /// IDs of policies attached to the root.
    pub policies: Vec<String>,
    #[serde(default)]
    pub root_tags: Tags,
}

node!(Organization, "AWS::Organizations::Organization", id);

/// A service of AWS's that may work in every account of the organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrustedService {
    /// The management account.
    pub account: AccountId,
    /// e.g. `access-analyzer.amazonaws.com`.
    pub service: String,
    pub since: Timestamp,
}

node!(TrustedService, "Countersign::Organizations::TrustedService", service);

/// A member account that administers a service for the organization.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DelegatedAdministrator {
    /// The management account.
    pub account: AccountId,
    /// `111122223333/access-analyzer.amazonaws.com`.
    pub id: String,
    pub member: AccountId,
    pub service: String,
    pub since: Timestamp,
}

node!(DelegatedAdministrator, "Countersign::Organizations::DelegatedAdministrator", id);

/// An account, in the organization or alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// The account itself.
    pub account: AccountId,
    pub name: String,
    pub email: String,
    /// `ACTIVE`, `PENDING_CLOSURE`, `SUSPENDED`, or `CLOSED` for good.
    pub status: String,
    pub joined: Timestamp,
    /// The root (`r-...`) or organizational unit (`ou-...`) it is in; `None` outside any organization.
    pub parent: Option<String>,
    /// IDs of policies attached to the account.
    pub policies: Vec<String>,
    pub tags: Tags,
}

impl Node for Account {
    const KIND: &'static str = "AWS::Organizations::Account";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        ""
    }
    fn local_id(&self) -> &str {
        self.account.as_str()
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrganizationalUnit {
    /// The management account.
    pub account: AccountId,
    /// `ou-...`.
    pub id: String,
    pub name: String,
    pub parent: String,
    pub policies: Vec<String>,
    pub tags: Tags,
}

node!(OrganizationalUnit, "AWS::Organizations::OrganizationalUnit", id, tags: tags);

/// A service control policy, resource control policy, tag policy, ...
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrganizationPolicy {
    /// The management account.
    pub account: AccountId,
    /// `p-...`.
    pub id: String,
    pub name: String,
    pub description: String,
    /// `SERVICE_CONTROL_POLICY`, `RESOURCE_CONTROL_POLICY`, `TAG_POLICY`, ...
    pub policy_type: String,
    pub document: PolicyText,
    pub aws_managed: bool,
    pub tags: Tags,
}

node!(OrganizationPolicy, "AWS::Organizations::Policy", id, tags: tags);

impl OrganizationPolicy {
    /// The policy of AWS's own that allows everything, for one type of policies.
    pub fn full_access_id(policy_type: &str) -> &'static str {
        match policy_type {
            "RESOURCE_CONTROL_POLICY" => "p-RCPFullAWSAccess",
            _ => "p-FullAWSAccess",
        }
    }

    pub fn full_access(account: &AccountId, policy_type: &str) -> OrganizationPolicy {
        let id = OrganizationPolicy::full_access_id(policy_type);
        let document = match policy_type {
            "RESOURCE_CONTROL_POLICY" => {
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#
            }
            _ => r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#,
        };
        OrganizationPolicy {
            account: account.clone(),
            id: id.to_owned(),
            name: id.trim_start_matches("p-").to_owned(),
            description: "Allows access to every operation".to_owned(),
            policy_type: policy_type.to_owned(),
            document: PolicyText::new(document, None),
            aws_managed: true,
            tags: Tags::new(),
        }
    }
}
