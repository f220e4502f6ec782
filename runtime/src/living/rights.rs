//! Users, groups, roles and policies, the organization's limits, the policies of resources, what is shared
//! of them, and the grants of keys.

use std::collections::{BTreeMap, BTreeSet};

use model::estate::iam::{
    Account, Group, InlinePolicy, ManagedPolicy, Organization, OrganizationPolicy, OrganizationalUnit, Role,
    User,
};
use model::estate::kms::{Bound, Constraint, Grant};
use model::estate::ram;
use model::{AccountId, PolicyText, Snapshot};
use serde_json::{Value as Json, json};

use super::{At, Items};

/// A document within an item.
struct Written<'a> {
    pointer: &'a str,
    document: &'a PolicyText,
}

/// Adds an item with a policy, and where that was written.
fn add(items: &mut Items, name: String, kind: &str, mut properties: Json, written: &Written<'_>) {
    let Written { pointer, document } = written;
    if let Some(fields) = properties.as_object_mut() {
        fields.insert((*pointer).to_owned(), json!(document.text));
    }
    let source = document.source.clone().unwrap_or_default();
    let lines = source.statement_lines.iter().enumerate();
    let lines = lines.map(|(at, line)| (format!("/{pointer}/Statement/{at}"), *line));
    let file = Some(source.file).filter(|file| !file.is_empty());
    items.add(name.clone(), kind, properties);
    if let Some(item) = items.items.get_mut(&name) {
        item.line = source.statement_lines.first().copied().unwrap_or_default();
        item.lines = lines.collect::<BTreeMap<_, _>>();
        item.file = file;
    }
}

fn inline(items: &mut Items, of: &str, arn: &str, policies: &[InlinePolicy]) {
    for policy in policies {
        let properties = json!({"PolicyName": policy.name, format!("{of}Name"): arn});
        let written = Written { pointer: "PolicyDocument", document: &policy.document };
        let name = format!("inline/{arn}/{}", policy.name);
        add(items, name, &format!("AWS::IAM::{of}Policy"), properties, &written);
    }
}

/// Identities with everything that they have.
pub(super) fn identities(items: &mut Items, snapshot: &Snapshot) {
    for user in snapshot.all::<User>() {
        let arn = user.arn();
        let groups = user.in_groups(snapshot).map(Group::arn);
        let properties = json!({
            "Arn": arn, "Id": user.id, "UserName": user.name, "ManagedPolicyArns": user.attached, "Tags": user.tags,
            "PermissionsBoundary": user.boundary, "Groups": groups.collect::<Vec<_>>(),
        });
        items.add(arn.clone(), "AWS::IAM::User", properties);
        inline(items, "User", &arn, &user.inline);
    }
    for group in snapshot.all::<Group>() {
        let arn = group.arn();
        let properties = json!({"Arn": arn, "GroupName": group.name, "ManagedPolicyArns": group.attached});
        items.add(arn.clone(), "AWS::IAM::Group", properties);
        inline(items, "Group", &arn, &group.inline);
    }
    for role in snapshot.all::<Role>() {
        let arn = role.arn();
        let properties = json!({
            "Arn": arn, "Id": role.id, "RoleName": role.name, "ManagedPolicyArns": role.attached, "Tags": role.tags,
            "PermissionsBoundary": role.boundary,
        });
        let written = Written { pointer: "AssumeRolePolicyDocument", document: &role.trust };
        add(items, arn.clone(), "AWS::IAM::Role", properties, &written);
        inline(items, "Role", &arn, &role.inline);
    }
    for policy in snapshot.all::<ManagedPolicy>() {
        let Some(document) = policy.document() else { continue };
        let properties = json!({"Arn": policy.arn(), "ManagedPolicyName": policy.name});
        let written = Written { pointer: "PolicyDocument", document };
        add(items, policy.arn(), "AWS::IAM::ManagedPolicy", properties, &written);
    }
}

/// What else has an ARN, with its own policy.
pub(super) fn resources(items: &mut Items, snapshot: &Snapshot) {
    for node in snapshot.nodes() {
        let key = node.key();
        let Some(arn) = node.arn().filter(|_| !key.kind.starts_with("AWS::IAM::")) else { continue };
        let restricts = node.to_json().pointer("/block/restrict_public_buckets").cloned();
        let properties = json!({
            "Arn": arn, "Kind": key.kind, "Name": key.id, "Account": key.account.as_str(),
            "Tags": node.tags(),
            "PublicAccessBlockConfiguration": {"RestrictPublicBuckets": restricts},
        });
        let name = format!("resource/{arn}");
        match node.policy() {
            Some(document) => {
                let written = Written { pointer: "Policy", document };
                add(items, name, "Countersign::Resource", properties, &written);
            }
            None => match shared(snapshot, &arn) {
                Some(document) => {
                    let written = Written { pointer: "Policy", document: &document };
                    add(items, name, "Countersign::Resource", properties, &written);
                }
                None => items.add(name, "Countersign::Resource", properties),
            },
        }
    }
}

/// What its owner shares a resource with, as `decide` sees it: a policy of the resource's.
fn shared(snapshot: &Snapshot, arn: &str) -> Option<PolicyText> {
    let shares = ram::shares_of(snapshot, arn);
    if shares.is_empty() {
        return None;
    }
    let users = snapshot.all::<User>().map(|user| (&user.account, Some(user.arn())));
    let roles = snapshot.all::<Role>().map(|role| (&role.account, Some(role.arn())));
    let accounts = snapshot.all::<Account>().map(|account| (&account.account, None));
    let everyone: Vec<(&AccountId, Option<String>)> = accounts.chain(users).chain(roles).collect();
    let statement = |share: &&ram::Share| {
        let reached = everyone.iter().flat_map(|(account, principal)| {
            share.reach(snapshot, ram::Who { account, principal: principal.as_deref() })
        });
        let principals: BTreeSet<String> = reached.collect();
        let principals: Vec<String> = principals.into_iter().collect();
        if principals.is_empty() { None } else { share.statement(snapshot, arn, &principals) }
    };
    let statements: Vec<Json> = shares.iter().filter_map(statement).collect();
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    (!statements.is_empty()).then(|| PolicyText::new(text, None))
}

/// What lets principals use keys without any policy.
pub(super) fn grants(items: &mut Items, snapshot: &Snapshot) {
    for grant in snapshot.all::<Grant>() {
        let grantee = match &grant.grantee.bound {
            Bound::Account(account) => json!({"Account": account.as_str()}),
            Bound::Id(id) => json!({"Id": id}),
            Bound::Service(name) => json!({"Service": name}),
        };
        let mut properties = json!({
            "Id": grant.id, "Key": grant.key_arn, "Grantee": grantee, "Operations": grant.operations,
            "Source": grant.source_arn,
        });
        let constraint = match &grant.constraint {
            Some(Constraint::EncryptionContextEquals(pairs)) => Some(("Equals", pairs)),
            Some(Constraint::EncryptionContextSubset(pairs)) => Some(("Subset", pairs)),
            None => None,
        };
        if let (Some((name, pairs)), Some(fields)) = (constraint, properties.as_object_mut()) {
            fields.insert(name.to_owned(), json!(pairs));
        }
        items.add(format!("grant/{}", grant.id), "Countersign::Grant", properties);
    }
}

const TYPES: [&str; 2] = ["RESOURCE_CONTROL_POLICY", "SERVICE_CONTROL_POLICY"];

/// The organization's policies of each account, from the root down, as `decide` collects them.
pub(super) fn limits(items: &mut Items, snapshot: &Snapshot) {
    let Some(organization) = snapshot.all::<Organization>().next() else { return };
    for (of, account) in TYPES.iter().flat_map(|of| snapshot.all::<Account>().map(move |a| (*of, a))) {
        let enabled = organization.policy_types.iter().any(|t| t == of);
        if account.account == organization.account || !enabled {
            continue;
        }
        let mut levels = vec![&account.policies];
        let mut parent = account.parent.as_ref();
        while let Some(unit) =
            parent.and_then(|id| snapshot.find::<OrganizationalUnit>(&organization.account, "", id))
        {
            levels.push(&unit.policies);
            parent = Some(&unit.parent);
        }
        if parent.is_none() {
            continue;
        }
        levels.push(&organization.policies);
        for (level, ids) in levels.iter().rev().enumerate() {
            let at = At(&account.account, "");
            let fields = json!({"Account": account.account.as_str(), "Type": of, "Level": level});
            // A level stands also where nothing is attached to it: it then allows nothing.
            items.add(at.name(of, &level.to_string()), "Countersign::Limit", fields.clone());
            for id in ids.iter() {
                let found = snapshot.find::<OrganizationPolicy>(&organization.account, "", id);
                let Some(policy) = found.filter(|p| p.policy_type == of) else { continue };
                let mut fields = fields.clone();
                if let Some(fields) = fields.as_object_mut() {
                    fields.insert("Name".to_owned(), json!(policy.name));
                }
                let written = Written { pointer: "Content", document: &policy.document };
                let name = at.name(of, &format!("{level}/{id}"));
                add(items, name, "Countersign::Limit", fields, &written);
            }
        }
    }
}
