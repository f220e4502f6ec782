//! Tags of log groups.

use model::{Fault, Tags, Tx};

use crate::group::{find, invalid, name_of, named};
use crate::shapes::*;

pub(crate) fn checked(tags: Tags) -> Result<Tags, Fault> {
    let reserved = |key: &str| key.starts_with("aws:") && !key.starts_with("aws:cloudformation:");
    if let Some(key) = tags.keys().find(|k| reserved(k) || k.is_empty() || k.chars().count() > 128) {
        return Err(invalid(format!("the tag key `{key}` is not valid")));
    }
    match tags.len() > 50 || tags.values().any(|v| v.chars().count() > 256) {
        true => Err(Fault::client("TooManyTagsException", "a resource has at most 50 tags")),
        false => Ok(tags),
    }
}

fn add(tx: &mut Tx<'_>, name: &str, tags: Tags) -> Result<(), Fault> {
    let mut group = find(tx, name)?;
    group.tags.extend(tags);
    group.tags = checked(group.tags)?;
    tx.put(group)
}

fn take(tx: &mut Tx<'_>, name: &str, keys: &[String]) -> Result<(), Fault> {
    let mut group = find(tx, name)?;
    group.tags.retain(|key, _| !keys.contains(key));
    tx.put(group)
}

/// Only groups carry tags here; destinations are not served.
fn tagged(tx: &Tx<'_>, arn: &str) -> Result<String, Fault> {
    named(tx, None, Some(arn))?;
    Ok(name_of(arn).to_owned())
}

pub(crate) fn tag_resource(tx: &mut Tx<'_>, input: TagResourceRequest) -> Result<(), Fault> {
    let name = tagged(tx, &input.resource_arn)?;
    add(tx, &name, input.tags)
}

pub(crate) fn untag_resource(tx: &mut Tx<'_>, input: UntagResourceRequest) -> Result<(), Fault> {
    let name = tagged(tx, &input.resource_arn)?;
    take(tx, &name, &input.tag_keys)
}

pub(crate) fn list_tags_for_resource(
    tx: &mut Tx<'_>,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Fault> {
    let name = tagged(tx, &input.resource_arn)?;
    Ok(ListTagsForResourceResponse { tags: Some(find(tx, &name)?.tags) })
}

pub(crate) fn tag_log_group(tx: &mut Tx<'_>, input: TagLogGroupRequest) -> Result<(), Fault> {
    add(tx, &input.log_group_name, input.tags)
}

pub(crate) fn untag_log_group(tx: &mut Tx<'_>, input: UntagLogGroupRequest) -> Result<(), Fault> {
    take(tx, &input.log_group_name, &input.tags)
}

pub(crate) fn list_tags_log_group(
    tx: &mut Tx<'_>,
    input: ListTagsLogGroupRequest,
) -> Result<ListTagsLogGroupResponse, Fault> {
    Ok(ListTagsLogGroupResponse { tags: Some(find(tx, &input.log_group_name)?.tags) })
}
