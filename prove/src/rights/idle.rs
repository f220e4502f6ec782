//! Grants that never come to anything: what denies or limits them always does, or no such action exists,
//! or no such resource.

use std::collections::BTreeMap;

use decide_iam::{Attached, Effect, Pattern, Scope, Statement};

use super::{Finding, Holder, Outcome, Rights, Spot};
use crate::policy::{Answer, Prover};

const RULE: &str = "idle-grant";

/// A service and its actions on each line.
const ACTIONS: &str = include_str!("../../data/actions.txt");

/// A statement that is a grant, wherever it is attached.
struct Grant<'a> {
    attached: &'a Attached,
    statement: &'a Statement,
    held_by: Vec<&'a Holder>,
}

impl Rights {
    /// A warning for each grant that is idle for everyone who has it, and for each name in one that
    /// stands for nothing.
    pub fn idle(&self) -> Vec<Finding> {
        let known = actions();
        let mut found = Vec::new();
        for grant in self.grants() {
            // AWS's own policies are not the user's to tidy.
            let Some(spot) = spot(&grant) else { continue };
            let sid = grant.statement.sid.as_deref().map(|s| format!(" `{s}`")).unwrap_or_default();
            let place =
                format!("{} `{}`, statement {}{sid}", "policy", grant.attached.name, grant.statement.index);
            let warn = |why: String| Finding {
                rule: RULE,
                outcome: Outcome::Warning,
                subject: grant.attached.name.clone(),
                message: format!("{place}: {why}"),
                spot: spot.clone(),
                requests: Vec::new(),
            };
            let named: Vec<String> = unknown_actions(grant.statement, &known);
            found.extend(named.iter().map(|name| warn(format!("no action is called `{name}`"))));
            found.extend(
                self.unknown_resources(grant.statement)
                    .into_iter()
                    .map(|arn| warn(format!("there is no `{arn}`"))),
            );
            if named.is_empty() && self.is_idle(&grant) {
                let names: Vec<&str> = grant.held_by.iter().map(|h| h.name.as_str()).collect();
                let why = "never allows anything: its requests are always denied, or beyond a limit";
                found.push(warn(format!("{why} (of {})", names.join(", "))));
            }
        }
        found
    }

    fn grants(&self) -> Vec<Grant<'_>> {
        let mut grants: Vec<Grant<'_>> = Vec::new();
        for holder in &self.holders {
            for attached in &holder.identity {
                for statement in attached.policy.statements().iter().filter(|s| s.effect == Effect::Allow) {
                    match grants.iter_mut().find(|g| std::ptr::eq(g.statement, statement)) {
                        Some(grant) => grant.held_by.push(holder),
                        None => grants.push(Grant { attached, statement, held_by: vec![holder] }),
                    }
                }
            }
        }
        grants
    }

    fn is_idle(&self, grant: &Grant<'_>) -> bool {
        grant.held_by.iter().all(|holder| {
            let layers = self.layers(holder, None, "");
            let idle = Prover::default().never_allows(&layers, &holder.principal(), grant.statement);
            holder.doubts.is_empty() && idle == Answer::Pass
        })
    }

    /// Names without wildcards in accounts that are known as a whole.
    fn unknown_resources(&self, statement: &Statement) -> Vec<String> {
        if !self.whole {
            return Vec::new();
        }
        let kinds: Vec<String> = self.owned.iter().map(|o| kind(&o.arn)).collect();
        let names = statement.resources.iter().flat_map(Scope::listed).map(|n| n.text().to_owned());
        let ours = |arn: &String| {
            self.owned.iter().any(|o| super::read::account(&o.arn) == super::read::account(arn))
        };
        let missing = |arn: &String| {
            let plain = !arn.contains(['*', '?', '$']) && !super::read::account(arn).is_empty();
            let within = |o: &super::Owned| {
                arn.strip_prefix(&o.arn).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
                    || o.arn.strip_suffix(":*") == Some(arn)
            };
            // Of types that are not in the estate at all nothing is known.
            plain && ours(arn) && kinds.contains(&kind(arn)) && !self.owned.iter().any(within)
        };
        names.filter(missing).collect()
    }
}

fn spot(grant: &Grant<'_>) -> Option<Spot> {
    let source = grant.attached.source.as_ref()?;
    let at = grant.statement.index.checked_sub(1)?;
    let line = source.statement_lines.get(at).or(source.statement_lines.first())?;
    Some(Spot { file: source.file.clone(), line: *line })
}

/// `arn:aws:kms:...:key/x` is of the kind `kms:key`.
fn kind(arn: &str) -> String {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    let resource = fields.get(5).copied().unwrap_or_default();
    let kind = resource.split(['/', ':']).next().filter(|k| k.len() < resource.len()).unwrap_or_default();
    format!("{}:{kind}", fields.get(2).copied().unwrap_or_default())
}

/// Actions in lower case, by service.
fn actions() -> BTreeMap<String, Vec<String>> {
    let lines = ACTIONS.lines().filter(|line| !line.starts_with('#'));
    let line = |line: &str| {
        let mut words = line.split(' ').map(str::to_ascii_lowercase);
        Some((words.next()?, words.collect()))
    };
    lines.filter_map(line).collect()
}

fn unknown_actions(statement: &Statement, known: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let Scope::Only(patterns) = &statement.actions else { return Vec::new() };
    let missing = |pattern: &&Pattern| {
        let text = pattern.text().to_ascii_lowercase();
        let Some((vendor, name)) = text.split_once(':') else { return false };
        // A service may be newer than the table.
        let Some(names) = known.get(vendor) else { return false };
        !names.iter().any(|known| crate::glob::meet(name, known))
    };
    patterns.iter().filter(missing).map(|p| p.text().to_owned()).collect()
}
