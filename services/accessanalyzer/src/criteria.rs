//! Criteria of findings, for lists and archive rules.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-filter-keys.html>

use std::collections::BTreeMap;

use model::Fault;
use model::estate::analyzer::{Criterion as Kept, Filter};

use crate::fault::invalid;
use crate::shapes::Criterion;

/// Keys besides those of conditions.
const KEYS: [&str; 17] = [
    "accessType",
    "changeType",
    "error",
    "existingFindingId",
    "existingFindingStatus",
    "findingType",
    "id",
    "isPublic",
    "principal.AWS",
    "principal.CanonicalUser",
    "principal.Federated",
    "principalType",
    "resource",
    "resourceControlPolicyRestriction",
    "resourceOwnerAccount",
    "resourceType",
    "status",
];

/// What criteria are asked of.
pub(crate) trait Described {
    /// The value under a key; none: it has none.
    fn value(&self, key: &str) -> Option<String>;
}

/// Keys that only findings of previews have.
pub(crate) fn of_previews(key: &str) -> bool {
    matches!(key, "changeType" | "existingFindingId" | "existingFindingStatus")
}

/// Criteria as they were given, checked.
pub(crate) fn read(given: BTreeMap<String, Criterion>) -> Result<Filter, Fault> {
    let mut filter = Filter::new();
    for (key, criterion) in given {
        let condition = key.strip_prefix("condition.").is_some_and(|name| name.contains(':'));
        if !condition && !KEYS.contains(&key.as_str()) {
            return Err(invalid(format!("The filter key {key} is not valid.")));
        }
        let kept = Kept {
            eq: criterion.eq.unwrap_or_default(),
            neq: criterion.neq.unwrap_or_default(),
            contains: criterion.contains.unwrap_or_default(),
            exists: criterion.exists,
        };
        if kept == Kept::default() {
            return Err(invalid(format!("The criterion of the filter key {key} has no operator.")));
        }
        filter.insert(key, kept);
    }
    Ok(filter)
}

/// Whether all criteria hold.
pub(crate) fn holds(filter: &Filter, of: &impl Described) -> bool {
    filter.iter().all(|(key, criterion)| {
        let value = of.value(key);
        let any = |list: &[String], test: fn(&str, &str) -> bool| {
            value.as_deref().is_some_and(|v| list.iter().any(|one| test(v, one)))
        };
        let Kept { eq, neq, contains, exists } = criterion;
        (eq.is_empty() || any(eq, |v, one| v == one))
            && !any(neq, |v, one| v == one)
            && (contains.is_empty() || any(contains, |v, one| v.contains(one)))
            && exists.is_none_or(|exists| exists == value.is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One;
    impl Described for One {
        fn value(&self, key: &str) -> Option<String> {
            (key == "resource").then(|| "arn:aws:s3:::box".to_owned())
        }
    }

    #[test]
    fn all_criteria_must_hold_and_any_of_a_list() {
        let list = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        for (key, criterion, expected) in [
            ("resource", Kept { eq: list(&["x", "arn:aws:s3:::box"]), ..Kept::default() }, true),
            ("resource", Kept { eq: list(&["arn:aws:s3:::bo"]), ..Kept::default() }, false),
            ("resource", Kept { neq: list(&["arn:aws:s3:::box"]), ..Kept::default() }, false),
            ("resource", Kept { contains: list(&["s3"]), exists: Some(true), ..Kept::default() }, true),
            ("resource", Kept { contains: list(&["s3"]), exists: Some(false), ..Kept::default() }, false),
            ("error", Kept { exists: Some(false), ..Kept::default() }, true),
            ("error", Kept { eq: list(&["x"]), ..Kept::default() }, false),
            ("error", Kept { neq: list(&["x"]), ..Kept::default() }, true),
        ] {
            let filter = Filter::from([(key.to_owned(), criterion.clone())]);
            assert_eq!(holds(&filter, &One), expected, "{key} {criterion:?}");
        }
        assert!(KEYS.is_sorted());
    }
}
