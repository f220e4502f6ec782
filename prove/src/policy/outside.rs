//! Whom the policy of one resource lets in from outside of a zone of trust, as IAM Access Analyzer
//! tells it: each outsider that the policy names, with each set of conditions that says who it is.
//!
//! Each is asked of the prover by a policy of its own: the one statement for the one name and the one
//! value of each telling condition, and all denials. What is told was so decided by
//! `decide_iam::evaluate`. AWS's own services are trusted; so is what comes with the zone's own values.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings.html>

use std::collections::BTreeMap;
use std::sync::Arc;

use decide_iam::{Attached, Consent, Layers, Policy, PolicyKind, Principal, PrincipalKind};
use serde_json::{Value as Json, json};

use super::answer::Answer;
use super::checks::Prover;
use super::public::{CONFINING, confining};
use super::reach::{Goal, Who};
use crate::rights::resources::asked;

/// Accounts whose principals are trusted, and the organization where all of them are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    pub accounts: Vec<String>,
    pub organization: Option<String>,
}

/// A resource with its policy.
#[derive(Clone, Copy, Debug)]
pub struct Guarded<'a> {
    pub policy: &'a str,
    pub kind: PolicyKind,
    pub resource_type: &'a str,
    pub arn: &'a str,
    /// The account that owns it.
    pub owner: &'a str,
    /// All actions that may be done to it.
    pub actions: &'a [String],
}

/// An outsider who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outsider {
    /// `AWS` or `Federated`, and the name: an account, an ARN, a provider or `*`.
    pub principal: (String, String),
    /// Condition keys that say who it is, with the value of each.
    pub condition: BTreeMap<String, String>,
    /// Nothing fixed describes who it is.
    pub public: bool,
    /// In order, each once.
    pub actions: Vec<String>,
}

/// Conditions that say who asks; those of Access Analyzer's filters, and what stands for them.
const TELLING: [&str; 24] = [
    "accounts.google.com:aud",
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceOrgPaths",
    "aws:SourceOwner",
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:UserId",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "cognito-identity.amazonaws.com:aud",
    "graph.facebook.com:app_id",
    "kms:CallerAccount",
    "s3:DataAccessPointAccount",
    "s3:DataAccessPointArn",
    "www.amazon.com:app_id",
];

/// Operators by which a condition says that a value is one of some.
const ONE_OF: [&str; 6] =
    ["ArnEquals", "ArnLike", "IpAddress", "StringEquals", "StringEqualsIgnoreCase", "StringLike"];

/// Questions about one resource; a policy that needs more is told of as not known.
const MOST: usize = 256;
/// What each of them may cost of the budget.
const PART: u64 = 8;

/// A name of an outsider.
struct Name {
    kind: &'static str,
    name: String,
    who: Who,
}

/// A set of telling conditions: as it is shown, and the whole condition element.
type Share = (BTreeMap<String, String>, Json);

impl Prover {
    /// Who is let in from outside; an error says why it is not known.
    pub fn outsiders(&self, resource: &Guarded<'_>, zone: &Zone) -> Result<Vec<Outsider>, String> {
        Policy::read(resource.policy, resource.kind).map_err(|malformed| malformed.to_string())?;
        let document: Json = serde_json::from_str(resource.policy).map_err(|e| e.to_string())?;
        let statements = listed(document.get("Statement"));
        let (allows, denials): (Vec<&Json>, Vec<&Json>) =
            statements.into_iter().partition(|s| s.get("Effect").and_then(Json::as_str) == Some("Allow"));
        let prover = Prover { table: self.table.clone(), budget: self.budget.part(PART) };
        let mut search = Search {
            prover: &prover,
            resource,
            version: document.get("Version").cloned().unwrap_or(json!("2008-10-17")),
            denials,
            walls: zone.walls(resource),
            left: MOST,
            found: Vec::new(),
        };
        for statement in allows {
            search.statement(statement, zone)?;
        }
        for outsider in &mut search.found {
            outsider.actions.sort();
            outsider.actions.dedup();
        }
        Ok(search.found)
    }
}

struct Search<'a> {
    prover: &'a Prover,
    resource: &'a Guarded<'a>,
    version: Json,
    denials: Vec<&'a Json>,
    walls: Vec<Json>,
    left: usize,
    found: Vec<Outsider>,
}

impl Search<'_> {
    fn statement(&mut self, statement: &Json, zone: &Zone) -> Result<(), String> {
        let actions = granted(statement, self.resource);
        if actions.is_empty() {
            return Ok(());
        }
        let groups = self.groups(&actions);
        for name in names(statement, zone) {
            for (shown, condition) in shares(statement)? {
                let one = narrowed(statement, &name, condition);
                let mut actions = Vec::new();
                for group in &groups {
                    if self.lets_in(&one, &name.who, group)? {
                        actions.extend(group.iter().cloned());
                    }
                }
                if !actions.is_empty() {
                    let public = name.name == "*" && self.is_public(&one)?;
                    self.add(Outsider {
                        principal: (name.kind.to_owned(), name.name.clone()),
                        condition: shown,
                        public,
                        actions,
                    });
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, new: Outsider) {
        let same = |old: &&mut Outsider| old.principal == new.principal && old.condition == new.condition;
        match self.found.iter_mut().find(same) {
            Some(old) => {
                old.public |= new.public;
                old.actions.extend(new.actions);
            }
            None => self.found.push(new),
        }
    }

    /// Actions that no denial tells apart, and that are about the same part of the resource.
    fn groups(&self, actions: &[String]) -> Vec<Vec<String>> {
        let mut groups: BTreeMap<(Vec<bool>, Vec<String>), Vec<String>> = BTreeMap::new();
        for action in actions {
            let denied = self.denials.iter().map(|d| names_action(d, action)).collect();
            let part = asked(action, self.resource.arn);
            groups.entry((denied, part)).or_default().push(action.clone());
        }
        groups.into_values().collect()
    }

    fn policy(&self, one: &Json, walled: bool) -> Result<Arc<Policy>, String> {
        let walls = self.walls.iter().filter(|_| walled);
        let statements: Vec<&Json> =
            [one].into_iter().chain(self.denials.iter().copied()).chain(walls).collect();
        let text = json!({"Version": self.version, "Statement": statements}).to_string();
        Policy::read(&text, self.resource.kind).map(Arc::new).map_err(|malformed| malformed.to_string())
    }

    /// Whether someone of `who` can do one of the actions.
    fn lets_in(&mut self, one: &Json, who: &Who, actions: &[String]) -> Result<bool, String> {
        self.left = self.left.checked_sub(1).ok_or("the policy shares with too many at once")?;
        let Some(first) = actions.first() else { return Ok(false) };
        let attached = Attached {
            name: "resource policy".to_owned(),
            arn: None,
            source: None,
            policy: self.policy(one, true)?,
        };
        let everything = [crate::rights::Rights::everything("whatever it has")];
        let layers = Layers {
            identity: &everything,
            resource: Some(&attached),
            resource_consent: Consent::of(first, self.resource.arn),
            ..Layers::default()
        };
        let goal = Goal {
            actions: actions.to_vec(),
            resources: asked(first, self.resource.arn),
            resource_account: self.resource.owner.to_owned(),
            ..Goal::default()
        };
        match self.prover.who_can(&layers, who, &goal) {
            Answer::Pass => Ok(false),
            Answer::Fail { .. } => Ok(true),
            Answer::Unknown { reason } => Err(reason),
        }
    }

    /// What cannot be proved to be closed is open.
    fn is_public(&self, one: &Json) -> Result<bool, String> {
        let keys = confining(self.resource.resource_type).unwrap_or_else(|| CONFINING.to_vec());
        Ok(self.prover.check_closed(&self.policy(one, false)?, &keys) != Answer::Pass)
    }
}

impl Zone {
    fn holds(&self, account: &str) -> bool {
        self.accounts.iter().any(|a| a == account)
    }

    /// Denials of what comes with the zone's own values of those keys that the policy asks for.
    fn walls(&self, resource: &Guarded<'_>) -> Vec<Json> {
        let text = resource.policy.to_ascii_lowercase();
        let mut walls = Vec::new();
        let mut wall = |operator: &str, key: &str, values: Vec<String>| {
            if text.contains(&key.to_ascii_lowercase()) && !values.is_empty() {
                let mut wall = json!({
                    "Effect": "Deny", "Principal": "*", "Action": "*", "Condition": {operator: {key: values}},
                });
                if let (Some(fields), true) = (wall.as_object_mut(), resource.kind != PolicyKind::Trust) {
                    fields.insert("Resource".to_owned(), json!("*"));
                }
                walls.push(wall);
            }
        };
        for key in ["aws:SourceAccount", "aws:SourceOwner", "kms:CallerAccount", "s3:DataAccessPointAccount"]
        {
            wall("StringEquals", key, self.accounts.clone());
        }
        let arns = |form: &str| self.accounts.iter().map(|a| form.replace("{a}", a)).collect::<Vec<_>>();
        wall("ArnLike", "aws:SourceArn", arns("arn:*:*:*:{a}:*"));
        wall("StringLike", "s3:DataAccessPointArn", arns("arn:*:s3:*:{a}:accesspoint/*"));
        let Some(organization) = &self.organization else { return walls };
        for key in ["aws:PrincipalOrgID", "aws:SourceOrgID", "aws:VpceOrgID"] {
            wall("StringEquals", key, vec![organization.clone()]);
        }
        for key in ["aws:PrincipalOrgPaths", "aws:SourceOrgPaths", "aws:VpceOrgPaths"] {
            wall("ForAnyValue:StringLike", key, vec![format!("{organization}/*")]);
        }
        walls
    }
}

/// The values of an element that is one or a list.
fn listed(value: Option<&Json>) -> Vec<&Json> {
    match value {
        Some(Json::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

fn texts(value: Option<&Json>) -> impl Iterator<Item = &str> {
    listed(value).into_iter().filter_map(Json::as_str)
}

/// Whether a statement's `Action` or `NotAction` is about an action.
fn names_action(statement: &Json, action: &str) -> bool {
    match statement.get("NotAction") {
        Some(not) => !texts(Some(not)).any(|p| alike(p, action)),
        None => texts(statement.get("Action")).any(|p| alike(p, action)),
    }
}

/// The actions on the resource that a statement is about. One that is written out counts, known or not.
fn granted(statement: &Json, resource: &Guarded<'_>) -> Vec<String> {
    let known = resource.actions.iter().filter(|a| names_action(statement, a));
    let mut actions: Vec<String> = known.cloned().collect();
    let vendors: Vec<&str> = resource.actions.iter().filter_map(|a| Some(a.split_once(':')?.0)).collect();
    let own =
        |a: &&str| a.split_once(':').is_some_and(|(v, _)| vendors.iter().any(|k| k.eq_ignore_ascii_case(v)));
    for action in texts(statement.get("Action")).filter(own).filter(|a| !a.contains(['*', '?'])) {
        if !actions.iter().any(|a| a.eq_ignore_ascii_case(action)) {
            actions.push(action.to_owned());
        }
    }
    actions
}

fn alike(pattern: &str, action: &str) -> bool {
    crate::glob::meet(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// The outsiders whom a statement names.
fn names(statement: &Json, zone: &Zone) -> Vec<Name> {
    let everyone = || Name { kind: "AWS", name: "*".to_owned(), who: Who::Beyond(zone.accounts.clone()) };
    let Some(principal) = statement.get("Principal") else { return vec![everyone()] };
    if principal.as_str() == Some("*") {
        return vec![everyone()];
    }
    let mut names: Vec<Name> = Vec::new();
    for name in texts(principal.get("AWS")) {
        if name == "*" {
            names.push(everyone());
            continue;
        }
        let account = name.split(':').nth(4).unwrap_or(name);
        let number = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        // An id in the place of a name is of someone who is no more.
        if !number || zone.holds(account) {
            continue;
        }
        names.push(match name == account || name.ends_with(":root") {
            true => Name { kind: "AWS", name: account.to_owned(), who: Who::Of(account.to_owned()) },
            false => {
                let who = Who::Exactly(Principal::named(name, account));
                Name { kind: "AWS", name: name.to_owned(), who }
            }
        });
    }
    for name in texts(principal.get("Federated")) {
        let provider = name.to_owned();
        let kind = match name.contains(":saml-provider/") {
            true => PrincipalKind::Saml { provider },
            false => PrincipalKind::WebIdentity { provider },
        };
        let who = Principal { arn: String::new(), account: String::new(), id: String::new(), kind };
        names.push(Name { kind: "Federated", name: name.to_owned(), who: Who::Exactly(who) });
    }
    names
}

/// The statement for one outsider and one set of conditions.
fn narrowed(statement: &Json, name: &Name, condition: Json) -> Json {
    let mut one = statement.clone();
    if let Some(fields) = one.as_object_mut() {
        if fields.contains_key("Principal") {
            let principal = if name.name == "*" { json!("*") } else { json!({name.kind: name.name}) };
            fields.insert("Principal".to_owned(), principal);
        }
        if !condition.is_null() {
            fields.insert("Condition".to_owned(), condition);
        }
    }
    one
}

/// The sets of telling conditions of a statement: one value of each key.
fn shares(statement: &Json) -> Result<Vec<Share>, String> {
    let condition = statement.get("Condition").cloned().unwrap_or_default();
    let mut shares: Vec<Share> = vec![(BTreeMap::new(), condition.clone())];
    for (operator, keys) in condition.as_object().into_iter().flatten() {
        let plain = operator.split_once(':').map_or(operator.as_str(), |(quantifier, rest)| {
            if quantifier.eq_ignore_ascii_case("ForAnyValue") { rest } else { "" }
        });
        if !ONE_OF.iter().any(|o| o.eq_ignore_ascii_case(plain)) {
            continue;
        }
        for (key, values) in keys.as_object().into_iter().flatten() {
            let Some(shown) = TELLING.iter().find(|t| t.eq_ignore_ascii_case(key)) else { continue };
            let values: Vec<&str> = texts(Some(values)).collect();
            if shares.len().saturating_mul(values.len()) > MOST {
                return Err("the conditions have too many values".to_owned());
            }
            let mut next = Vec::new();
            for (told, condition) in &shares {
                for value in &values {
                    let (mut told, mut condition) = (told.clone(), condition.clone());
                    told.insert((*shown).to_owned(), (*value).to_owned());
                    if let Some(place) = condition.get_mut(operator).and_then(|keys| keys.get_mut(key)) {
                        *place = json!(value);
                    }
                    next.push((told, condition));
                }
            }
            shares = next;
        }
    }
    Ok(shares)
}
