//! Unused access: roles, access keys, passwords and permissions that nobody has used for as many days as
//! an analyzer says. When they were last used is a fold over the record of calls, which the loop of the
//! runtime makes once a day and hands over: no call costs anything for it, no writer waits for it.
//!
//! As in AWS an attempt is a use, whatever came of it. Whoever is not as old as the days is left alone.
//! Nobody signs in to a console here, so a password was never used.

use std::collections::{BTreeMap, BTreeSet};

use model::estate::analyzer::{Analyzer, Exclusion, Unused as Rule};
use model::estate::iam::{AccessKey, Group, InlinePolicy, ManagedPolicy, Role, User};
use model::{AccountId, Fault, NodeKey, Tags, Timestamp, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::analysis;
use crate::analyzer;
use crate::finding::{self, Found};

const DAY: i64 = 86_400;

/// When things were last used, as the record tells.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Usage {
    /// By the unique id of a user or a role.
    principals: BTreeMap<String, Timestamp>,
    /// By that and the prefix of a service.
    services: BTreeMap<String, BTreeMap<String, Timestamp>>,
    keys: BTreeMap<String, Timestamp>,
}

/// What is not used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Idle {
    Role {
        last: Option<Timestamp>,
    },
    Key {
        id: String,
        last: Option<Timestamp>,
    },
    Password {
        last: Option<Timestamp>,
    },
    /// Services that its policies allow something of.
    Permission {
        services: BTreeMap<String, Option<Timestamp>>,
    },
}

impl Idle {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Idle::Role { .. } => "UnusedIAMRole",
            Idle::Key { .. } => "UnusedIAMUserAccessKey",
            Idle::Password { .. } => "UnusedIAMUserPassword",
            Idle::Permission { .. } => "UnusedPermission",
        }
    }

    /// Is about the same thing, whenever that was used.
    pub(crate) fn same(&self, other: &Idle) -> bool {
        match (self, other) {
            (Idle::Key { id, .. }, Idle::Key { id: of, .. }) => id == of,
            _ => self.name() == other.name(),
        }
    }
}

/// The job: the record has been read.
pub(crate) fn used(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let usage: Usage = serde_json::from_value(payload)
        .map_err(|e| Fault::internal(format!("what was used cannot be read: {e}")))?;
    let analyzers: Vec<Analyzer> = tx.list::<Analyzer>().filter(|a| a.unused.is_some()).cloned().collect();
    for analyzer in analyzers {
        let Some(zone) = analyzer::zone(tx.snapshot(), &analyzer) else { continue };
        let Some(rule) = analyzer.unused.clone() else { continue };
        let look = Look { tx, usage: &usage, rule: &rule, limit: tx.now.plus_seconds(-rule.days * DAY) };
        let mut found = Vec::new();
        for account in &zone.accounts {
            look.account(account, &mut found);
        }
        let arn = analyzer.arn();
        let known = finding::all(tx, &arn)?;
        analysis::settle(tx, &analyzer, known, &found)?;
        analysis::looked_at(tx, &arn, &arn)?;
    }
    Ok(())
}

struct Look<'a, 'b> {
    tx: &'a Tx<'b>,
    usage: &'a Usage,
    rule: &'a Rule,
    /// What was last used before this is unused.
    limit: Timestamp,
}

impl Look<'_, '_> {
    fn account(&self, account: &AccountId, found: &mut Vec<Found>) {
        let snapshot = self.tx.snapshot();
        for role in snapshot.list::<Role>(account, "") {
            let linked = role.path.starts_with("/aws-service-role/");
            if linked || role.created >= self.limit || self.excludes(account, &role.tags) {
                continue;
            }
            let blank = |idle| self.found(&role.arn(), "AWS::IAM::Role", account, idle);
            let last = self.usage.principals.get(&role.id).copied();
            if self.is_idle(last) {
                found.push(blank(Idle::Role { last }));
                continue;
            }
            let allowed = self.allowed(&role.inline, &role.attached);
            found.extend(self.permission(&role.id, allowed).map(blank));
        }
        for user in snapshot.list::<User>(account, "").filter(|u| !self.excludes(account, &u.tags)) {
            self.user(user, found);
        }
    }

    fn user(&self, user: &User, found: &mut Vec<Found>) {
        let snapshot = self.tx.snapshot();
        let blank = |idle| self.found(&user.arn(), "AWS::IAM::User", &user.account, idle);
        let own = |key: &&AccessKey| key.user.as_ref() == Some(&user.name) && key.active;
        for key in snapshot.list::<AccessKey>(&user.account, "").filter(own) {
            let last = self.usage.keys.get(&key.id).copied();
            if key.created < self.limit && self.is_idle(last) {
                found.push(blank(Idle::Key { id: key.id.clone(), last }));
            }
        }
        if self.password(user).is_some_and(|since| since < self.limit) {
            found.push(blank(Idle::Password { last: None }));
        }
        let last = self.usage.principals.get(&user.id).copied();
        if user.created < self.limit && !self.is_idle(last) {
            let mut allowed = self.allowed(&user.inline, &user.attached);
            for group in user.in_groups(snapshot) {
                let Group { inline, attached, .. } = group;
                allowed.extend(self.allowed(inline, attached));
            }
            found.extend(self.permission(&user.id, allowed).map(blank));
        }
    }

    /// Since when a user has a password.
    fn password(&self, user: &User) -> Option<Timestamp> {
        let key = NodeKey {
            kind: "Countersign::IAM::LoginProfile",
            account: user.account.clone(),
            region: String::new(),
            id: user.name.clone(),
        };
        let login = self.tx.snapshot().get(&key)?.to_json();
        serde_json::from_value(login.get("changed")?.clone()).ok()
    }

    fn is_idle(&self, last: Option<Timestamp>) -> bool {
        last.is_none_or(|at| at < self.limit)
    }

    /// The services that are allowed and not used.
    fn permission(&self, id: &str, allowed: BTreeSet<String>) -> Option<Idle> {
        let used = self.usage.services.get(id);
        let last = |prefix: &String| used.and_then(|used| used.get(prefix)).copied();
        let services: BTreeMap<String, Option<Timestamp>> = allowed
            .into_iter()
            .map(|prefix| (last(&prefix), prefix))
            .filter(|(last, _)| self.is_idle(*last))
            .map(|(last, prefix)| (prefix, last))
            .collect();
        (!services.is_empty()).then_some(Idle::Permission { services })
    }

    /// The prefixes of the served services that policies allow something of.
    fn allowed(&self, inline: &[InlinePolicy], attached: &[String]) -> BTreeSet<String> {
        let snapshot = self.tx.snapshot();
        let services = &self.tx.host().registry().services;
        let known: BTreeSet<&str> = services.iter().map(|s| s.api.signing_name).collect();
        let managed = attached.iter().filter_map(|arn| snapshot.find_arn::<ManagedPolicy>(arn)?.document());
        let mut allowed = BTreeSet::new();
        for policy in inline.iter().map(|p| &p.document).chain(managed) {
            let document: Json = serde_json::from_str(&policy.text).unwrap_or_default();
            for statement in listed(document.get("Statement")) {
                if statement.get("Effect").and_then(Json::as_str) != Some("Allow") {
                    continue;
                }
                let actions = listed(statement.get("Action")).into_iter().filter_map(Json::as_str);
                let prefixes = actions.map(|action| action.split_once(':').map_or("*", |(prefix, _)| prefix));
                let all = statement.get("NotAction").map(|_| "*");
                for prefix in prefixes.chain(all) {
                    let named = |k: &&&str| prefix == "*" || prefix.eq_ignore_ascii_case(k);
                    allowed.extend(known.iter().filter(named).map(|k| (*k).to_owned()));
                }
            }
        }
        allowed
    }

    fn excludes(&self, account: &AccountId, tags: &Tags) -> bool {
        self.rule.exclusions.iter().any(|rule| excluded(rule, account, tags))
    }

    fn found(&self, arn: &str, kind: &str, account: &AccountId, idle: Idle) -> Found {
        Found {
            resource: arn.to_owned(),
            kind: kind.to_owned(),
            owner: account.clone(),
            idle: Some(idle),
            ..Found::blank(self.tx.now)
        }
    }
}

fn excluded(rule: &Exclusion, account: &AccountId, tags: &Tags) -> bool {
    let has =
        |(key, value): (&String, &String)| tags.get(key).is_some_and(|v| value.is_empty() || v == value);
    (rule.accounts.is_empty() || rule.accounts.iter().any(|a| a == account.as_str()))
        && (rule.tags.is_empty() || rule.tags.iter().any(|wanted| wanted.iter().all(has)))
}

fn listed(value: Option<&Json>) -> Vec<&Json> {
    match value {
        Some(Json::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}
