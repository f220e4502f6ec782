//! What an analyzer counts as unused, as the API has it and as the graph has it.

use model::estate::analyzer::{Exclusion, Unused};
use model::{AccountId, Fault};

use crate::fault::invalid;
use crate::shapes::*;

/// Days, where none are given.
const USUAL: i64 = 90;

/// The configuration of an analyzer of a type, checked. Those of external access have none.
pub(crate) fn read(kind: &str, given: Option<AnalyzerConfiguration>) -> Result<Option<Unused>, Fault> {
    let given = given.unwrap_or_default();
    let wrong = || invalid(format!("The configuration is not for an analyzer of the type {kind}."));
    if given.internal_access.is_some() {
        return Err(wrong());
    }
    match (kind.ends_with("_UNUSED_ACCESS"), given.unused_access) {
        (false, None) => Ok(None),
        (false, Some(_)) => Err(wrong()),
        (true, given) => unused(kind, given.unwrap_or_default()).map(Some),
    }
}

fn unused(kind: &str, given: UnusedAccessConfiguration) -> Result<Unused, Fault> {
    let days = given.unused_access_age.unwrap_or(USUAL);
    if !(1..=365).contains(&days) {
        return Err(invalid("The unused access age must be between 1 and 365 days."));
    }
    let mut exclusions = Vec::new();
    for one in given.analysis_rule.and_then(|rule| rule.exclusions).unwrap_or_default() {
        let accounts = one.account_ids.unwrap_or_default();
        let tags = one.resource_tags.unwrap_or_default();
        if accounts.is_empty() && tags.is_empty() {
            return Err(invalid("An exclusion must have account IDs or resource tags."));
        }
        if !accounts.is_empty() && kind.starts_with("ACCOUNT") {
            return Err(invalid("Account IDs can only be excluded by an analyzer of an organization."));
        }
        if let Some(wrong) = accounts.iter().find(|a| AccountId::parse(a).is_none()) {
            return Err(invalid(format!("{wrong} is no account ID.")));
        }
        exclusions.push(Exclusion { accounts, tags });
    }
    Ok(Unused { days, exclusions })
}

pub(crate) fn shown(unused: &Unused) -> AnalyzerConfiguration {
    let exclusion = |one: &Exclusion| AnalysisRuleCriteria {
        account_ids: (!one.accounts.is_empty()).then(|| one.accounts.clone()),
        resource_tags: (!one.tags.is_empty()).then(|| one.tags.clone()),
    };
    let exclusions: Vec<_> = unused.exclusions.iter().map(exclusion).collect();
    let rule = AnalysisRule { exclusions: Some(exclusions) };
    let unused_access = UnusedAccessConfiguration {
        unused_access_age: Some(unused.days),
        analysis_rule: (!unused.exclusions.is_empty()).then_some(rule),
    };
    AnalyzerConfiguration { unused_access: Some(unused_access), internal_access: None }
}
