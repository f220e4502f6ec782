//! Tags of shares and of customer managed permissions.

use model::estate::ram::Permission;
use model::{Fault, Tags, Tx};

use crate::fault::{invalid, unknown};
use crate::shapes::*;
use crate::{permission, share};

const MOST: usize = 50;

pub(crate) fn shown(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect()
}

pub(crate) fn add(tags: &mut Tags, given: Vec<Tag>) -> Result<(), Fault> {
    for tag in given {
        let key = tag.key.filter(|k| !k.is_empty()).ok_or_else(|| invalid("A tag must have a key."))?;
        tags.insert(key, tag.value.unwrap_or_default());
    }
    match tags.len() > MOST {
        true => Err(Fault::client("TagLimitExceededException", "A resource can have up to 50 tags.")),
        false => Ok(()),
    }
}

/// Changes the tags of what is named by either of the members that the API has for it.
fn change(
    tx: &mut Tx<'_>,
    named: (Option<String>, Option<String>),
    change: impl FnOnce(&mut Tags) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let arn = match named {
        (Some(arn), None) | (None, Some(arn)) => arn,
        _ => return Err(invalid("Specify either resourceShareArn or resourceArn.")),
    };
    if arn.contains(":permission/") {
        let mut found: Permission = permission::customer(tx, &arn)?;
        change(&mut found.tags)?;
        return tx.put(found);
    }
    if !arn.contains(":resource-share/") {
        return Err(unknown(&format!("Resource {arn}")));
    }
    let mut found = share::own(tx, &arn)?;
    change(&mut found.tags)?;
    tx.put(found)
}

pub(crate) fn tag_resource(tx: &mut Tx<'_>, input: TagResourceRequest) -> Result<TagResourceResponse, Fault> {
    change(tx, (input.resource_share_arn, input.resource_arn), |tags| add(tags, input.tags))?;
    Ok(TagResourceResponse::default())
}

pub(crate) fn untag_resource(
    tx: &mut Tx<'_>,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, Fault> {
    change(tx, (input.resource_share_arn, input.resource_arn), |tags| {
        tags.retain(|key, _| !input.tag_keys.contains(key));
        Ok(())
    })?;
    Ok(UntagResourceResponse::default())
}
