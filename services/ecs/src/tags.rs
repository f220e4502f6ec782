//! Tags of clusters, task definitions, services and tasks.

use model::estate::ecs::{Cluster, Service, Task, TaskDefinition};
use model::{Fault, Tags, Tx};

use crate::fault::{client, invalid};
use crate::shapes::{self, Tag};

pub(crate) fn checked(given: Option<Vec<Tag>>) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for tag in given.unwrap_or_default() {
        let key = tag.key.unwrap_or_default();
        let reserved = key.starts_with("aws:") && !key.starts_with("aws:cloudformation:");
        if key.is_empty() || key.chars().count() > 128 || reserved {
            return Err(invalid(format!("Invalid tag key `{key}`")));
        }
        if tags.insert(key, tag.value.unwrap_or_default()).is_some() {
            return Err(invalid("Duplicate tag keys found. Please ensure the tag keys are unique"));
        }
    }
    match tags.len() > 50 {
        true => Err(invalid("Tags can not be more than 50 elements.")),
        false => Ok(tags),
    }
}

pub(crate) fn shown(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(k, v)| Tag { key: Some(k.clone()), value: Some(v.clone()) }).collect()
}

/// Changes the tags of whatever bears this ARN.
fn change(tx: &mut Tx<'_>, arn: &str, change: impl Fn(&mut Tags)) -> Result<(), Fault> {
    macro_rules! each {
        ($($type:ty),*) => {$(
            if let Some(mut node) = tx.find_arn::<$type>(arn).cloned() {
                change(&mut node.tags);
                if node.tags.len() > 50 {
                    return Err(invalid("Tags can not be more than 50 elements."));
                }
                return tx.put(node);
            }
        )*};
    }
    each!(Cluster, TaskDefinition, Service, Task);
    Err(missing(arn))
}

fn missing(arn: &str) -> Fault {
    client(format!("The specified resource `{arn}` could not be found."))
}

pub(crate) fn tag_resource(
    tx: &mut Tx<'_>,
    input: shapes::TagResourceRequest,
) -> Result<shapes::TagResourceResponse, Fault> {
    let tags = checked(Some(input.tags))?;
    change(tx, &input.resource_arn, |old| old.extend(tags.clone()))?;
    Ok(shapes::TagResourceResponse::default())
}

pub(crate) fn untag_resource(
    tx: &mut Tx<'_>,
    input: shapes::UntagResourceRequest,
) -> Result<shapes::UntagResourceResponse, Fault> {
    change(tx, &input.resource_arn, |old| old.retain(|key, _| !input.tag_keys.contains(key)))?;
    Ok(shapes::UntagResourceResponse::default())
}

pub(crate) fn list_tags_for_resource(
    tx: &mut Tx<'_>,
    input: shapes::ListTagsForResourceRequest,
) -> Result<shapes::ListTagsForResourceResponse, Fault> {
    let node = tx.snapshot().by_arn(&input.resource_arn).ok_or_else(|| missing(&input.resource_arn))?;
    Ok(shapes::ListTagsForResourceResponse { tags: Some(shown(node.tags())) })
}
