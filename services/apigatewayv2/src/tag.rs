//! Tags of APIs, stages and VPC links.

use model::estate::apigateway::{HttpApi, HttpStage, VpcLink};
use model::{Fault, Members, Tags, Tx, Value};

use crate::document::{bad_request, not_found};
use crate::shapes::{GetTagsRequest, TagResourceRequest, UntagResourceRequest};

const MOST: usize = 50;

fn missing() -> Fault {
    not_found("Invalid Resource ARN specified")
}

/// Changes the tags of the node with this ARN, whichever of ours it is.
fn change(tx: &mut Tx<'_>, arn: &str, change: impl Fn(&mut Tags)) -> Result<(), Fault> {
    macro_rules! one {
        ($type:ty) => {
            if let Some(mut node) = tx.find_arn::<$type>(arn).filter(|n| n.account == tx.account).cloned() {
                change(&mut node.tags);
                if node.tags.len() > MOST {
                    return Err(bad_request("A resource may have at most 50 tags"));
                }
                return tx.put(node);
            }
        };
    }
    one!(HttpApi);
    one!(HttpStage);
    one!(VpcLink);
    Err(missing())
}

pub(crate) fn tag_resource(tx: &mut Tx<'_>, input: TagResourceRequest) -> Result<Value, Fault> {
    let tags = input.tags.unwrap_or_default();
    if tags.keys().any(|k| k.starts_with("aws:") && tx.request().via.is_empty()) {
        return Err(bad_request("Invalid tag key: keys that begin with aws: are reserved"));
    }
    change(tx, &input.resource_arn, |own| own.extend(tags.clone()))?;
    Ok(Value::Map(Members::default()))
}

pub(crate) fn untag_resource(tx: &mut Tx<'_>, input: UntagResourceRequest) -> Result<(), Fault> {
    change(tx, &input.resource_arn, |own| own.retain(|key, _| !input.tag_keys.contains(key)))
}

pub(crate) fn get_tags(tx: &mut Tx<'_>, input: GetTagsRequest) -> Result<Value, Fault> {
    let node = tx.snapshot().by_arn(&input.resource_arn).filter(|n| n.key().account == tx.account);
    let node = node.filter(|n| n.key().kind.starts_with("AWS::ApiGatewayV2::")).ok_or_else(missing)?;
    let mut document = Members::default();
    document.put("Tags", node.tags().clone());
    Ok(Value::Map(document))
}
