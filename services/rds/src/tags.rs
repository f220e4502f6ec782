//! Tags of instances, subnet groups and parameter groups, by ARN.

use model::estate::rds::{DbInstance, DbParameterGroup, DbSubnetGroup};
use model::{Fault, Tags, Tx};

use crate::fault::{invalid, no_instance, no_parameter_group, no_subnet_group};
use crate::name::tag_list;
use crate::shapes::*;

/// Changes the tags of whatever bears this ARN.
fn change(tx: &mut Tx<'_>, arn: &str, with: impl FnOnce(&mut Tags)) -> Result<(), Fault> {
    if let Some(mut node) = tx.find_arn::<DbInstance>(arn).cloned() {
        with(&mut node.tags);
        return tx.put(node);
    }
    if let Some(mut node) = tx.find_arn::<DbSubnetGroup>(arn).cloned() {
        with(&mut node.tags);
        return tx.put(node);
    }
    if let Some(mut node) = tx.find_arn::<DbParameterGroup>(arn).cloned() {
        with(&mut node.tags);
        return tx.put(node);
    }
    Err(missing(arn))
}

fn missing(arn: &str) -> Fault {
    let resource = model::Arn::parse(arn).map(|a| a.resource).unwrap_or_default();
    match resource.split_once(':') {
        Some(("db", name)) => no_instance(name),
        Some(("subgrp", name)) => no_subnet_group(name),
        Some(("pg", name)) => no_parameter_group(name),
        _ => invalid(format!("Invalid resource name: {arn}")),
    }
}

pub(crate) fn add_tags_to_resource(tx: &mut Tx<'_>, input: AddTagsToResourceMessage) -> Result<(), Fault> {
    let added = crate::name::tags(Some(input.tags));
    if added.keys().any(|k| k.to_ascii_lowercase().starts_with("aws:")) {
        return Err(invalid("Tag keys that start with aws: are reserved for system use."));
    }
    change(tx, &input.resource_name, |tags| tags.extend(added))
}

pub(crate) fn remove_tags_from_resource(
    tx: &mut Tx<'_>,
    input: RemoveTagsFromResourceMessage,
) -> Result<(), Fault> {
    change(tx, &input.resource_name, |tags| tags.retain(|k, _| !input.tag_keys.contains(k)))
}

pub(crate) fn list_tags_for_resource(
    tx: &mut Tx<'_>,
    input: ListTagsForResourceMessage,
) -> Result<TagListMessage, Fault> {
    let arn = &input.resource_name;
    let served = arn.contains(":rds:");
    let node = tx.snapshot().by_arn(arn).filter(|_| served).ok_or_else(|| missing(arn))?;
    Ok(TagListMessage { tag_list: Some(tag_list(node.tags())) })
}
