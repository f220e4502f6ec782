//! The managed rule groups that there are.

use model::estate::waf::managed::{self, ManagedGroup};
use model::{Fault, Tx};

use crate::entity::page;
use crate::faults::{missing, regional};
use crate::shapes::*;

const VENDOR: &str = "AWS";

/// Each label once, in order.
pub(crate) fn summaries(mut names: Vec<String>) -> Vec<LabelSummary> {
    names.sort();
    names.dedup();
    names.into_iter().map(|name| LabelSummary { name: Some(name) }).collect()
}

pub(crate) fn list(
    _tx: &mut Tx<'_>,
    input: ListAvailableManagedRuleGroupsRequest,
) -> Result<ListAvailableManagedRuleGroupsResponse, Fault> {
    regional(&input.scope)?;
    let all: Vec<&ManagedGroup> = managed::groups().iter().collect();
    let (shown, next_marker) = page(all, |g| g.name.to_owned(), input.next_marker.as_deref(), input.limit);
    let summary = |group: &&ManagedGroup| ManagedRuleGroupSummary {
        vendor_name: Some(VENDOR.to_owned()),
        name: Some(group.name.to_owned()),
        versioning_supported: Some(true),
        description: Some(group.about.to_owned()),
    };
    Ok(ListAvailableManagedRuleGroupsResponse {
        next_marker,
        managed_rule_groups: Some(shown.iter().map(summary).collect()),
    })
}

pub(crate) fn versions(
    _tx: &mut Tx<'_>,
    input: ListAvailableManagedRuleGroupVersionsRequest,
) -> Result<ListAvailableManagedRuleGroupVersionsResponse, Fault> {
    regional(&input.scope)?;
    managed::group(&input.vendor_name, &input.name).ok_or_else(missing)?;
    let version =
        ManagedRuleGroupVersion { name: Some(managed::VERSION.to_owned()), last_update_timestamp: None };
    Ok(ListAvailableManagedRuleGroupVersionsResponse {
        next_marker: None,
        versions: Some(vec![version]),
        current_default_version: Some(managed::VERSION.to_owned()),
    })
}

pub(crate) fn describe(
    _tx: &mut Tx<'_>,
    input: DescribeManagedRuleGroupRequest,
) -> Result<DescribeManagedRuleGroupResponse, Fault> {
    regional(&input.scope)?;
    let group = managed::group(&input.vendor_name, &input.name).ok_or_else(missing)?;
    if input.version_name.as_deref().is_some_and(|v| v != managed::VERSION) {
        return Err(missing());
    }
    let action = |counts: bool| match counts {
        true => RuleAction { count: Some(CountAction::default()), ..RuleAction::default() },
        false => RuleAction { block: Some(BlockAction::default()), ..RuleAction::default() },
    };
    let rules = group
        .rules
        .iter()
        .map(|r| RuleSummary { name: Some(r.name.to_owned()), action: Some(action(r.counts)) })
        .collect();
    let labels = group.rules.iter().map(|r| format!("{}{}", group.label_namespace, r.label)).collect();
    Ok(DescribeManagedRuleGroupResponse {
        version_name: Some(managed::VERSION.to_owned()),
        sns_topic_arn: None,
        capacity: i64::try_from(group.capacity).ok(),
        rules: Some(rules),
        label_namespace: Some(group.label_namespace.clone()),
        available_labels: Some(summaries(labels)),
        consumed_labels: Some(Vec::new()),
    })
}
