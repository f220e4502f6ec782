//! Tags of web ACLs, rule groups and sets.

use model::estate::waf::{IpSet, RegexPatternSet, RuleGroup, WebAcl};
use model::{Fault, Tags, Tx};

use crate::entity::Entity;
use crate::faults::{invalid, missing};
use crate::shapes::*;

/// Changes the tags of whatever bears the ARN; gives them as they are then.
fn change(tx: &mut Tx<'_>, arn: &str, with: impl Fn(&mut Tags), write: bool) -> Result<Tags, Fault> {
    fn of<E: Entity>(
        tx: &mut Tx<'_>,
        arn: &str,
        with: &impl Fn(&mut Tags),
        write: bool,
    ) -> Result<Option<Tags>, Fault> {
        let Some(mut found) = tx.find_arn::<E>(arn).filter(|e| *e.account() == tx.account).cloned() else {
            return Ok(None);
        };
        with(found.tags_mut());
        let tags = found.tags().clone();
        if tags.len() > 50 {
            return Err(invalid("TAGS", arn, "A resource has at most 50 tags."));
        }
        if write {
            tx.put(found)?;
        }
        Ok(Some(tags))
    }
    if let Some(tags) = of::<WebAcl>(tx, arn, &with, write)? {
        return Ok(tags);
    }
    if let Some(tags) = of::<RuleGroup>(tx, arn, &with, write)? {
        return Ok(tags);
    }
    if let Some(tags) = of::<IpSet>(tx, arn, &with, write)? {
        return Ok(tags);
    }
    of::<RegexPatternSet>(tx, arn, &with, write)?.ok_or_else(missing)
}

pub(crate) fn tag(tx: &mut Tx<'_>, input: TagResourceRequest) -> Result<TagResourceResponse, Fault> {
    let new: Tags = input.tags.into_iter().map(|t| (t.key, t.value)).collect();
    change(tx, &input.resource_arn, |tags| tags.extend(new.clone()), true)?;
    Ok(TagResourceResponse::default())
}

pub(crate) fn untag(tx: &mut Tx<'_>, input: UntagResourceRequest) -> Result<UntagResourceResponse, Fault> {
    change(tx, &input.resource_arn, |tags| tags.retain(|k, _| !input.tag_keys.contains(k)), true)?;
    Ok(UntagResourceResponse::default())
}

pub(crate) fn list(
    tx: &mut Tx<'_>,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Fault> {
    let tags = change(tx, &input.resource_arn, |_| {}, false)?;
    let tag_list = tags.into_iter().map(|(key, value)| Tag { key, value }).collect();
    Ok(ListTagsForResourceResponse {
        next_marker: None,
        tag_info_for_resource: Some(TagInfoForResource {
            resource_arn: Some(input.resource_arn),
            tag_list: Some(tag_list),
        }),
    })
}
