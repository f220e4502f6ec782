//! Tags of everything that has an ARN here.

use model::estate::elb::{Listener, LoadBalancer, Rule, TargetGroup, TrustStore};
use model::{Fault, Tags, Tx};

use crate::fault::{invalid, no_listener, no_load_balancer, no_rule, no_target_group, no_trust_store};
use crate::shapes::*;

const MOST: usize = 50;

pub(crate) fn checked(tags: Option<Vec<Tag>>) -> Result<Tags, Fault> {
    let mut checked = Tags::new();
    for tag in tags.unwrap_or_default() {
        let twice = checked.insert(tag.key.clone(), tag.value.unwrap_or_default()).is_some();
        if twice {
            return Err(Fault::client("DuplicateTagKeys", format!("Tag key '{}' is given twice", tag.key)));
        }
    }
    few_enough(&checked)?;
    Ok(checked)
}

fn few_enough(tags: &Tags) -> Result<(), Fault> {
    let own = tags.keys().filter(|k| !k.starts_with("aws:")).count();
    match own > MOST {
        true => Err(Fault::client("TooManyTags", format!("A resource can have at most {MOST} tags"))),
        false => Ok(()),
    }
}

/// Changes the tags of the resource with this ARN.
fn change(tx: &mut Tx<'_>, arn: &str, with: &dyn Fn(&mut Tags)) -> Result<(), Fault> {
    macro_rules! one {
        ($type:ty) => {
            if let Some(mut node) = tx.find_arn::<$type>(arn).filter(|n| n.account == tx.account).cloned() {
                with(&mut node.tags);
                few_enough(&node.tags)?;
                return tx.put(node);
            }
        };
    }
    one!(LoadBalancer);
    one!(TargetGroup);
    one!(Listener);
    one!(Rule);
    one!(TrustStore);
    Err(missing(arn))
}

fn missing(arn: &str) -> Fault {
    let kind = arn.splitn(6, ':').nth(5).and_then(|r| r.split('/').next()).unwrap_or_default();
    match kind {
        "loadbalancer" => no_load_balancer(arn),
        "targetgroup" => no_target_group(),
        "listener" => no_listener(),
        "listener-rule" => no_rule(),
        "truststore" => no_trust_store(arn),
        _ => invalid(format!("'{arn}' is not a valid resource ARN")),
    }
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddTags.html>
pub(crate) fn add_tags(tx: &mut Tx<'_>, input: AddTagsInput) -> Result<AddTagsOutput, Fault> {
    let tags = checked(Some(input.tags))?;
    for arn in &input.resource_arns {
        change(tx, arn, &|has| has.extend(tags.clone()))?;
    }
    Ok(AddTagsOutput {})
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_RemoveTags.html>
pub(crate) fn remove_tags(tx: &mut Tx<'_>, input: RemoveTagsInput) -> Result<RemoveTagsOutput, Fault> {
    for arn in &input.resource_arns {
        change(tx, arn, &|has| has.retain(|key, _| !input.tag_keys.contains(key)))?;
    }
    Ok(RemoveTagsOutput {})
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DescribeTags.html>
pub(crate) fn describe_tags(tx: &mut Tx<'_>, input: DescribeTagsInput) -> Result<DescribeTagsOutput, Fault> {
    let mut shown = Vec::with_capacity(input.resource_arns.len());
    for arn in input.resource_arns {
        let node = tx.snapshot().by_arn(&arn).filter(|n| n.key().account == tx.account);
        let node = node.ok_or_else(|| missing(&arn))?;
        let tags = node.tags().iter().map(|(k, v)| Tag { key: k.clone(), value: Some(v.clone()) }).collect();
        shown.push(TagDescription { resource_arn: Some(arn), tags: Some(tags) });
    }
    Ok(DescribeTagsOutput { tag_descriptions: Some(shown) })
}
