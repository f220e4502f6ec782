//! Sets of regular expressions.

use model::estate::waf::RegexPatternSet as Stored;
use model::{Fault, Tx};

use crate::check;
use crate::entity::{find, is_referred_to, locked, page, store, tags, unused};
use crate::faults::{associated, invalid, regional};
use crate::shapes::*;

/// AWS allows ten expressions in a set, of two hundred characters each.
const MOST: usize = 10;
const LONGEST: usize = 200;

fn checked(given: Vec<Regex>) -> Result<Vec<String>, Fault> {
    let patterns: Vec<String> = given.into_iter().filter_map(|r| r.regex_string).collect();
    if patterns.len() > MOST || patterns.iter().any(|p| p.len() > LONGEST) {
        return Err(invalid(
            "REGEX_PATTERN_SET",
            "RegularExpressionList",
            format!("A set has at most {MOST} expressions of {LONGEST} characters."),
        ));
    }
    patterns.iter().try_for_each(|p| check::pattern(p))?;
    Ok(patterns)
}

/// <https://docs.aws.amazon.com/waf/latest/APIReference/API_CreateRegexPatternSet.html>
pub(crate) fn create(
    tx: &mut Tx<'_>,
    input: CreateRegexPatternSetRequest,
) -> Result<CreateRegexPatternSetResponse, Fault> {
    regional(&input.scope)?;
    unused::<Stored>(tx, &input.name)?;
    let set = Stored {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name: input.name,
        id: tx.uuid(),
        lock_token: tx.uuid(),
        description: input.description,
        patterns: checked(input.regular_expression_list)?,
        tags: tags(input.tags),
    };
    let summary = summary(&set);
    tx.put(set)?;
    Ok(CreateRegexPatternSetResponse { summary: Some(summary) })
}

pub(crate) fn update(
    tx: &mut Tx<'_>,
    input: UpdateRegexPatternSetRequest,
) -> Result<UpdateRegexPatternSetResponse, Fault> {
    let mut set = locked::<Stored>(tx, &input.scope, &input.name, &input.id, &input.lock_token)?;
    (set.patterns, set.description) = (checked(input.regular_expression_list)?, input.description);
    Ok(UpdateRegexPatternSetResponse { next_lock_token: Some(store(tx, set)?) })
}

fn summary(set: &Stored) -> RegexPatternSetSummary {
    RegexPatternSetSummary {
        name: Some(set.name.clone()),
        id: Some(set.id.clone()),
        description: Some(set.description.clone().unwrap_or_default()),
        lock_token: Some(set.lock_token.clone()),
        arn: Some(set.arn()),
    }
}

pub(crate) fn get(
    tx: &mut Tx<'_>,
    input: GetRegexPatternSetRequest,
) -> Result<GetRegexPatternSetResponse, Fault> {
    let set = find::<Stored>(tx, &input.scope, &input.name, &input.id)?;
    let expressions = set.patterns.iter().map(|p| Regex { regex_string: Some(p.clone()) }).collect();
    let shape = RegexPatternSet {
        name: Some(set.name.clone()),
        id: Some(set.id.clone()),
        arn: Some(set.arn()),
        description: set.description.clone(),
        regular_expression_list: Some(expressions),
    };
    Ok(GetRegexPatternSetResponse { regex_pattern_set: Some(shape), lock_token: Some(set.lock_token) })
}

pub(crate) fn list(
    tx: &mut Tx<'_>,
    input: ListRegexPatternSetsRequest,
) -> Result<ListRegexPatternSetsResponse, Fault> {
    let all = if input.scope == "REGIONAL" { tx.list::<Stored>().cloned().collect() } else { Vec::new() };
    let (shown, next_marker) = page(all, |s| s.name.clone(), input.next_marker.as_deref(), input.limit);
    let sets = shown.iter().map(summary).collect();
    Ok(ListRegexPatternSetsResponse { next_marker, regex_pattern_sets: Some(sets) })
}

pub(crate) fn delete(
    tx: &mut Tx<'_>,
    input: DeleteRegexPatternSetRequest,
) -> Result<DeleteRegexPatternSetResponse, Fault> {
    let set = locked::<Stored>(tx, &input.scope, &input.name, &input.id, &input.lock_token)?;
    if is_referred_to(tx, &set.arn()) {
        return Err(associated());
    }
    tx.remove(&set)?;
    Ok(DeleteRegexPatternSetResponse::default())
}
