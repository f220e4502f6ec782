//! What an analyzer counts as unused, and which resources it looks at from inside, as the API has it and as the graph has it.

use model::estate::analyzer::{Analyzer, Exclusion, Inclusion, Unused};
use model::{AccountId, Fault};

use crate::fault::invalid;
use crate::shapes::*;

/// Days, where none are given.
const USUAL: i64 = 90;

/// Types of resources that are looked at from inside.
const TYPES: [&str; 2] = ["AWS::DynamoDB::Table", "AWS::S3::Bucket"];

/// What an analyzer looks for. Those of external access have no configuration.
#[derive(Default)]
pub(crate) struct Looks {
    pub(crate) unused: Option<Unused>,
    pub(crate) internal: Option<Vec<Inclusion>>,
}

/// The configuration of an analyzer of a type, checked.
pub(crate) fn read(kind: &str, given: Option<AnalyzerConfiguration>) -> Result<Looks, Fault> {
    let AnalyzerConfiguration { unused_access, internal_access } = given.unwrap_or_default();
    match (unused_access, internal_access) {
        (given, None) if kind.ends_with("_UNUSED_ACCESS") => {
            Ok(Looks { unused: Some(unused(kind, given.unwrap_or_default())?), internal: None })
        }
        (None, given) if kind.ends_with("_INTERNAL_ACCESS") => {
            Ok(Looks { unused: None, internal: Some(inclusions(kind, given.unwrap_or_default())?) })
        }
        (None, None) => Ok(Looks::default()),
        _ => Err(invalid(format!("The configuration is not for an analyzer of the type {kind}."))),
    }
}

fn inclusions(kind: &str, given: InternalAccessConfiguration) -> Result<Vec<Inclusion>, Fault> {
    let mut inclusions = Vec::new();
    for one in given.analysis_rule.and_then(|rule| rule.inclusions).unwrap_or_default() {
        let accounts = one.account_ids.unwrap_or_default();
        let types = one.resource_types.unwrap_or_default();
        let arns = one.resource_arns.unwrap_or_default();
        if !accounts.is_empty() && kind.starts_with("ACCOUNT") {
            return Err(invalid("Account IDs can only be included by an analyzer of an organization."));
        }
        if let Some(other) = types.iter().find(|t| !TYPES.contains(&t.as_str())) {
            return Err(invalid(format!("Internal access to {other} is not analyzed by this runtime.")));
        }
        inclusions.push(Inclusion { accounts, types, arns });
    }
    // Without any there would be nothing to look at, and so nothing to find.
    match inclusions.is_empty() {
        true => Err(invalid("The analysis rule must include resources.")),
        false => Ok(inclusions),
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

pub(crate) fn shown(analyzer: &Analyzer) -> Option<AnalyzerConfiguration> {
    let unused = analyzer.unused.as_ref().map(shown_unused);
    unused.or_else(|| analyzer.internal.as_deref().map(shown_internal))
}

fn shown_internal(inclusions: &[Inclusion]) -> AnalyzerConfiguration {
    let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    let inclusion = |one: &Inclusion| InternalAccessAnalysisRuleCriteria {
        account_ids: some(&one.accounts),
        resource_types: some(&one.types),
        resource_arns: some(&one.arns),
    };
    let rule = InternalAccessAnalysisRule { inclusions: Some(inclusions.iter().map(inclusion).collect()) };
    let internal_access = InternalAccessConfiguration { analysis_rule: Some(rule) };
    AnalyzerConfiguration { unused_access: None, internal_access: Some(internal_access) }
}

fn shown_unused(unused: &Unused) -> AnalyzerConfiguration {
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
