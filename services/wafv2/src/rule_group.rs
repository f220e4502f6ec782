//! Rule groups: rules with a capacity that is fixed at creation.

use model::estate::waf::RuleGroup as Stored;
use model::{Fault, IntoValue, Tx};
use serde_json::Value as Json;

use crate::capacity;
use crate::check::{self, Place};
use crate::entity::{Entity, find, is_referred_to, locked, page, store, tags, unused};
use crate::faults::{associated, invalid, missing, regional, too_large};
use crate::shapes::*;
use crate::web_acl::{form, labels, shown, some};

fn fitting(tx: &Tx<'_>, form: &Json, capacity: u64) -> Result<(), Fault> {
    let rules = check::rules(tx, form, Place::RuleGroup)?;
    let cost = capacity::of_rules(tx.snapshot(), &rules);
    match cost > capacity {
        true => Err(too_large(cost, capacity)),
        false => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/waf/latest/APIReference/API_CreateRuleGroup.html>
pub(crate) fn create(
    tx: &mut Tx<'_>,
    input: CreateRuleGroupRequest,
) -> Result<CreateRuleGroupResponse, Fault> {
    regional(&input.scope)?;
    unused::<Stored>(tx, &input.name)?;
    if input.monetization_config.is_some() {
        return Err(invalid("RULE", "MonetizationConfig", "It is not served by this runtime."));
    }
    let capacity = u64::try_from(input.capacity).unwrap_or_default();
    if capacity == 0 || capacity > capacity::MOST {
        return Err(too_large(capacity, capacity::MOST));
    }
    let form = form(vec![
        ("Description", some(input.description)),
        ("Rules", some(input.rules)),
        ("VisibilityConfig", Some(input.visibility_config.into_value())),
        ("CustomResponseBodies", some(input.custom_response_bodies)),
    ]);
    fitting(tx, &form, capacity)?;
    let group = Stored {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name: input.name,
        id: tx.uuid(),
        lock_token: tx.uuid(),
        capacity,
        form,
        tags: tags(input.tags),
    };
    let summary = summary(&group);
    tx.put(group)?;
    Ok(CreateRuleGroupResponse { summary: Some(summary) })
}

pub(crate) fn update(
    tx: &mut Tx<'_>,
    input: UpdateRuleGroupRequest,
) -> Result<UpdateRuleGroupResponse, Fault> {
    let mut group = locked::<Stored>(tx, &input.scope, &input.name, &input.id, &input.lock_token)?;
    let form = form(vec![
        ("Description", some(input.description)),
        ("Rules", some(input.rules)),
        ("VisibilityConfig", Some(input.visibility_config.into_value())),
        ("CustomResponseBodies", some(input.custom_response_bodies)),
    ]);
    fitting(tx, &form, group.capacity)?;
    group.form = form;
    Ok(UpdateRuleGroupResponse { next_lock_token: Some(store(tx, group)?) })
}

fn summary(group: &Stored) -> RuleGroupSummary {
    RuleGroupSummary {
        name: Some(group.name.clone()),
        id: Some(group.id.clone()),
        description: Some(group.description().unwrap_or_default()),
        lock_token: Some(group.lock_token.clone()),
        arn: Some(group.arn()),
    }
}

pub(crate) fn get(tx: &mut Tx<'_>, input: GetRuleGroupRequest) -> Result<GetRuleGroupResponse, Fault> {
    let group = match (&input.arn, &input.name, &input.id) {
        (Some(arn), _, _) => tx.find_arn::<Stored>(arn).cloned().ok_or_else(missing)?,
        (None, Some(name), Some(id)) => {
            find::<Stored>(tx, input.scope.as_deref().unwrap_or("REGIONAL"), name, id)?
        }
        _ => return Err(invalid("RESOURCE_ARN", "ARN", "An ARN, or a name, a scope and an id are needed.")),
    };
    let namespace = group.label_namespace();
    let mut shape: RuleGroup = shown(
        &group.form,
        vec![
            ("Name", group.name.clone().into()),
            ("Id", group.id.clone().into()),
            ("ARN", group.arn().into()),
            ("Capacity", group.capacity.into()),
            ("LabelNamespace", namespace.clone().into()),
        ],
    )?;
    shape.available_labels = Some(labels(&group.form, &namespace));
    Ok(GetRuleGroupResponse { rule_group: Some(shape), lock_token: Some(group.lock_token) })
}

pub(crate) fn list(tx: &mut Tx<'_>, input: ListRuleGroupsRequest) -> Result<ListRuleGroupsResponse, Fault> {
    let all = if input.scope == "REGIONAL" { tx.list::<Stored>().cloned().collect() } else { Vec::new() };
    let (shown, next_marker) = page(all, |g| g.name.clone(), input.next_marker.as_deref(), input.limit);
    Ok(ListRuleGroupsResponse { next_marker, rule_groups: Some(shown.iter().map(summary).collect()) })
}

pub(crate) fn delete(
    tx: &mut Tx<'_>,
    input: DeleteRuleGroupRequest,
) -> Result<DeleteRuleGroupResponse, Fault> {
    let group = locked::<Stored>(tx, &input.scope, &input.name, &input.id, &input.lock_token)?;
    if is_referred_to(tx, &group.arn()) {
        return Err(associated());
    }
    tx.remove(&group)?;
    Ok(DeleteRuleGroupResponse::default())
}
