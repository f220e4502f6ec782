//! Which policies bear on a request.

use decide_iam::{
    Attached, Consent, EncryptionContext, Grants, KeyGrant, Layers, Policy, PolicyKind, Principal,
    PrincipalKind, Source,
};
use model::decision::{Ask, Request};
use model::estate::iam::{InlinePolicy, ManagedPolicy, Organization, OrganizationPolicy, Role, User, lives};
use model::estate::management::levels;
use model::estate::ram;
use model::{AccountId, Caller, CallerKind, PolicyText, Snapshot};

use crate::{Target, grants};

/// The policies of every layer, owned for the time of one evaluation.
pub(crate) struct Held {
    identity: Vec<Attached>,
    resource: Option<Attached>,
    boundary: Option<Vec<Attached>>,
    session: Option<Vec<Attached>>,
    scps: Vec<Vec<Attached>>,
    rcps: Vec<Vec<Attached>>,
    consent: Consent,
    grants: Vec<KeyGrant>,
    encryption: EncryptionContext,
}

impl Held {
    pub(crate) fn layers(&self) -> Layers<'_> {
        Layers {
            identity: &self.identity,
            resource: self.resource.as_ref(),
            boundary: self.boundary.as_deref(),
            session: self.session.as_deref(),
            scps: &self.scps,
            rcps: &self.rcps,
            endpoint: None,
            resource_consent: self.consent,
            grants: Grants { held: &self.grants, encryption: Some(&self.encryption) },
        }
    }
}

/// A policy that cannot be read denies everything: nothing may depend on what it would have said.
const UNREADABLE: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"UnreadablePolicy","Effect":"Deny","Action":"*","Resource":"*"}]}"#;
/// Nothing grants anything to a principal that is gone, not even a resource's policy that names it.
const GONE: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"PrincipalIsGone","Effect":"Deny","Action":"*","Resource":"*"}]}"#;
const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

fn attached(name: &str, arn: Option<String>, text: &PolicyText, kind: PolicyKind) -> Attached {
    let policy = text.compiled(|text| compile(&text.text, kind));
    let source = text
        .source
        .as_ref()
        .map(|s| Source { file: s.file.clone(), statement_lines: s.statement_lines.clone() });
    Attached { name: name.to_owned(), arn, source, policy }
}

fn compile(text: &str, kind: PolicyKind) -> Policy {
    Policy::parse(text, kind).unwrap_or_else(|_| {
        // Resource policies need a principal for a Deny to bite.
        let fallback = match kind {
            PolicyKind::Resource | PolicyKind::Trust => {
                UNREADABLE.replace(r#""Action""#, r#""Principal":"*","Action""#)
            }
            _ => UNREADABLE.to_owned(),
        };
        Policy::parse(&fallback, kind).unwrap_or_default()
    })
}

pub(crate) fn collect(snapshot: &Snapshot, request: &Request, ask: &Ask, target: &Target<'_>) -> Held {
    let caller = &request.caller;
    let mut held = Held {
        identity: Vec::new(),
        resource: None,
        boundary: None,
        session: None,
        scps: Vec::new(),
        rcps: Vec::new(),
        consent: if ask.consent { Consent::Required } else { Consent::Normal },
        grants: target.node.map(|node| grants::of(snapshot, request, ask, &**node)).unwrap_or_default(),
        encryption: EncryptionContext::new(),
    };
    if !held.grants.is_empty() {
        held.encryption = grants::encryption(ask);
    }
    match &caller.kind {
        CallerKind::Root => held.identity.push(attached(
            "account root",
            None,
            &PolicyText::new(EVERYTHING, None),
            PolicyKind::Identity,
        )),
        CallerKind::User { name } | CallerKind::FederatedUser { name } => {
            user(snapshot, caller, name, &mut held)
        }
        CallerKind::Role { role_arn, .. } => role(snapshot, role_arn, &mut held),
        CallerKind::Federated { .. } | CallerKind::Service { .. } | CallerKind::Anonymous => {}
    }
    if !lives(snapshot, caller) {
        let gone = PolicyText::new(GONE, None);
        held.identity = vec![attached("a principal that was deleted", None, &gone, PolicyKind::Identity)];
    }
    session(snapshot, caller, &mut held);
    held.resource = target.node.and_then(|node| {
        let kind = if node.key().kind == "AWS::IAM::Role" { PolicyKind::Trust } else { PolicyKind::Resource };
        Some(attached("resource policy", node.arn(), node.policy()?, kind))
    });
    if held.resource.is_none() {
        held.resource = shared(snapshot, caller, ask, target);
    }
    if !matches!(caller.kind, CallerKind::Service { .. } | CallerKind::Anonymous) && !service_linked(caller) {
        held.scps = organization(snapshot, &caller.account, "SERVICE_CONTROL_POLICY", PolicyKind::Scp);
    }
    if let Some(account) = &target.account
        && !service_linked(caller)
        && ask.action != grants::RETIRE
    {
        held.rcps = organization(snapshot, account, "RESOURCE_CONTROL_POLICY", PolicyKind::Rcp);
    }
    held
}

/// What the resource's owner shares with the caller's account is as a policy of the resource's that
/// grants it. (Resources that carry policies of their own are of no type that is shared.)
fn shared(snapshot: &Snapshot, caller: &Caller, ask: &Ask, target: &Target<'_>) -> Option<Attached> {
    let who = ram::Who::of(caller).filter(|who| target.account.as_ref() != Some(who.account))?;
    let text = ram::policy(snapshot, who, ask.owner.as_deref().unwrap_or(&ask.resource))?;
    Some(attached("resource share", None, &PolicyText::new(text, None), PolicyKind::Resource))
}

/// Service-linked roles are beyond the organization's policies.
fn service_linked(caller: &Caller) -> bool {
    matches!(&caller.kind, CallerKind::Role { role_arn, .. } if role_arn.contains(":role/aws-service-role/"))
}

fn inline(policies: &[InlinePolicy], into: &mut Vec<Attached>) {
    into.extend(policies.iter().map(|p| attached(&p.name, None, &p.document, PolicyKind::Identity)));
}

/// A managed policy that is attached but gone grants nothing.
fn managed(snapshot: &Snapshot, arns: &[String], into: &mut Vec<Attached>) {
    for arn in arns {
        if let Some(policy) = snapshot.find_arn::<ManagedPolicy>(arn)
            && let Some(document) = policy.document()
        {
            into.push(attached(&policy.name, Some(arn.clone()), document, PolicyKind::Identity));
        }
    }
}

/// A boundary that is named but gone allows nothing.
fn boundary(snapshot: &Snapshot, arn: Option<&String>) -> Option<Vec<Attached>> {
    let mut policies = Vec::new();
    managed(snapshot, std::slice::from_ref(arn?), &mut policies);
    Some(policies)
}

fn user(snapshot: &Snapshot, caller: &Caller, name: &str, held: &mut Held) {
    let Some(user) = snapshot.find::<User>(&caller.account, "", name) else { return };
    inline(&user.inline, &mut held.identity);
    managed(snapshot, &user.attached, &mut held.identity);
    for group in user.in_groups(snapshot) {
        inline(&group.inline, &mut held.identity);
        managed(snapshot, &group.attached, &mut held.identity);
    }
    held.boundary = boundary(snapshot, user.boundary.as_ref());
}

/// A session of a role that is gone has no permissions left.
fn role(snapshot: &Snapshot, role_arn: &str, held: &mut Held) {
    let Some(role) = snapshot.find_arn::<Role>(role_arn) else { return };
    inline(&role.inline, &mut held.identity);
    managed(snapshot, &role.attached, &mut held.identity);
    held.boundary = boundary(snapshot, role.boundary.as_ref());
}

fn session(snapshot: &Snapshot, caller: &Caller, held: &mut Held) {
    let Some(session) = &caller.session else { return };
    let federated = matches!(caller.kind, CallerKind::FederatedUser { .. });
    if session.policies.is_empty() && session.policy_arns.is_empty() && !federated {
        return;
    }
    let mut policies: Vec<Attached> = session
        .policies
        .iter()
        .map(|text| {
            attached("session policy", None, &PolicyText::new(text.as_str(), None), PolicyKind::Session)
        })
        .collect();
    managed(snapshot, &session.policy_arns, &mut policies);
    held.session = Some(policies);
}

/// The policies of one type from the root down to the account; none for the management account.
pub(crate) fn organization(
    snapshot: &Snapshot,
    account: &AccountId,
    policy_type: &str,
    kind: PolicyKind,
) -> Vec<Vec<Attached>> {
    let management = snapshot.all::<Organization>().next().is_some_and(|o| o.account == *account);
    let levels = if management { Vec::new() } else { levels(snapshot, account, policy_type) };
    let bound = |policy: &&OrganizationPolicy| attached(&policy.name, None, &policy.document, kind);
    levels.iter().map(|level| level.iter().map(bound).collect()).collect()
}

pub(crate) fn principal(caller: &Caller) -> Principal {
    let kind = match &caller.kind {
        CallerKind::Root => PrincipalKind::Root,
        CallerKind::User { .. } => PrincipalKind::User,
        CallerKind::Role { role_arn, session_name } => {
            PrincipalKind::AssumedRole { role_arn: role_arn.clone(), session_name: session_name.clone() }
        }
        CallerKind::FederatedUser { .. } => PrincipalKind::FederatedUser,
        CallerKind::Federated { provider, .. } => PrincipalKind::WebIdentity { provider: provider.clone() },
        CallerKind::Service { name } => PrincipalKind::Service(name.clone()),
        CallerKind::Anonymous => PrincipalKind::Anonymous,
    };
    Principal {
        arn: caller.arn.clone(),
        account: caller.account.to_string(),
        id: caller.principal_id.clone(),
        kind,
    }
}
