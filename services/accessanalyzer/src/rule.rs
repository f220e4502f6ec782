//! Archive rules: which findings an analyzer archives as they come.

use std::collections::BTreeMap;

use model::estate::analyzer::{Analyzer, ArchiveRule, Criterion as Kept, Filter};
use model::{Fault, Timestamp, Tx};

use crate::fault::{conflict, invalid, not_found, quota};
use crate::finding::{self, Status};
use crate::page::page;
use crate::shapes::*;
use crate::{analyzer, criteria, hub};

/// Rules of one analyzer.
const MOST: usize = 100;

/// A filter for archiving, checked.
pub(crate) fn filter(given: BTreeMap<String, Criterion>) -> Result<Filter, Fault> {
    if given.is_empty() {
        return Err(invalid("The filter of an archive rule must have at least one criterion."));
    }
    let filter = criteria::read(given)?;
    match filter.keys().find(|key| *key == "status" || criteria::of_previews(key)) {
        Some(key) => Err(invalid(format!("The filter key {key} is not valid in an archive rule."))),
        None => Ok(filter),
    }
}

pub(crate) fn add(
    analyzer: &mut Analyzer,
    name: String,
    filter: Filter,
    now: Timestamp,
) -> Result<(), Fault> {
    if analyzer.rules.iter().any(|r| r.name == name) {
        return Err(conflict("archive rule", &name));
    }
    if analyzer.rules.len() >= MOST {
        let message = format!("The limit of {MOST} archive rules of an analyzer is reached.");
        return Err(quota("archive rule", &name, message));
    }
    analyzer.rules.push(ArchiveRule { name, filter, created: now, updated: now });
    Ok(())
}

fn find<'a>(analyzer: &'a mut Analyzer, name: &str) -> Result<&'a mut ArchiveRule, Fault> {
    analyzer.rules.iter_mut().find(|r| r.name == name).ok_or_else(|| not_found("archive rule", name))
}

fn summary(rule: &ArchiveRule) -> ArchiveRuleSummary {
    ArchiveRuleSummary {
        rule_name: rule.name.clone(),
        filter: rule.filter.iter().map(|(key, kept)| (key.clone(), criterion(kept))).collect(),
        created_at: rule.created,
        updated_at: rule.updated,
    }
}

fn criterion(kept: &Kept) -> Criterion {
    let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    Criterion {
        eq: some(&kept.eq),
        neq: some(&kept.neq),
        contains: some(&kept.contains),
        exists: kept.exists,
    }
}

/// Only what is found from now on is archived by it.
/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CreateArchiveRule.html>
pub(crate) fn create_archive_rule(tx: &mut Tx<'_>, input: CreateArchiveRuleRequest) -> Result<(), Fault> {
    let mut analyzer = analyzer::named(tx, &input.analyzer_name)?;
    add(&mut analyzer, input.rule_name, filter(input.filter)?, tx.now)?;
    tx.put(analyzer)
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_UpdateArchiveRule.html>
pub(crate) fn update_archive_rule(tx: &mut Tx<'_>, input: UpdateArchiveRuleRequest) -> Result<(), Fault> {
    let mut analyzer = analyzer::named(tx, &input.analyzer_name)?;
    let rule = find(&mut analyzer, &input.rule_name)?;
    rule.filter = filter(input.filter)?;
    rule.updated = tx.now;
    tx.put(analyzer)
}

pub(crate) fn delete_archive_rule(tx: &mut Tx<'_>, input: DeleteArchiveRuleRequest) -> Result<(), Fault> {
    let mut analyzer = analyzer::named(tx, &input.analyzer_name)?;
    find(&mut analyzer, &input.rule_name)?;
    analyzer.rules.retain(|r| r.name != input.rule_name);
    tx.put(analyzer)
}

pub(crate) fn get_archive_rule(
    tx: &mut Tx<'_>,
    input: GetArchiveRuleRequest,
) -> Result<GetArchiveRuleResponse, Fault> {
    let mut analyzer = analyzer::named(tx, &input.analyzer_name)?;
    Ok(GetArchiveRuleResponse { archive_rule: summary(find(&mut analyzer, &input.rule_name)?) })
}

pub(crate) fn list_archive_rules(
    tx: &mut Tx<'_>,
    input: ListArchiveRulesRequest,
) -> Result<ListArchiveRulesResponse, Fault> {
    let analyzer = analyzer::named(tx, &input.analyzer_name)?;
    let rules = analyzer.rules.iter().map(summary).collect();
    let (archive_rules, next_token) = page(rules, input.next_token.as_deref(), input.max_results)?;
    Ok(ListArchiveRulesResponse { archive_rules, next_token })
}

/// Archives what was found before the rule was made.
/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ApplyArchiveRule.html>
pub(crate) fn apply_archive_rule(tx: &mut Tx<'_>, input: ApplyArchiveRuleRequest) -> Result<(), Fault> {
    let mut analyzer = analyzer::of_arn(tx, &input.analyzer_arn)?;
    let rule = find(&mut analyzer, &input.rule_name)?.clone();
    for mut found in finding::all(tx, &input.analyzer_arn)? {
        if found.status == Status::Active && criteria::holds(&rule.filter, &found) {
            found.status = Status::Archived;
            found.updated = tx.now;
            finding::keep(tx, &input.analyzer_arn, &found)?;
            hub::tell(tx, &input.analyzer_arn, &found)?;
        }
    }
    Ok(())
}
