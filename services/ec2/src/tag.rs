//! Tags: given when a resource is made, or put on it and taken off later.

use model::estate::ec2::{
    DhcpOptions, EgressOnlyGateway, ElasticIp, FlowLog, InternetGateway, NatGateway, NetworkAcl,
    NetworkInterface, PrefixList, RouteTable, SecurityGroup, Subnet, TransitAttachment, TransitGateway,
    TransitRouteTable, Vpc, VpcEndpoint, VpcPeering,
};
use model::{Fault, IntoValue as _, Tags, Tx};

use crate::listing::{Listed, Listing, one};
use crate::shapes::{CreateTagsRequest, DeleteTagsRequest, Tag, TagDescription, TagSpecification};
use crate::{fault, kind};

/// Tags that one resource may have.
const MOST: usize = 50;

/// The tags that a request gives to what it makes.
pub(crate) fn given(
    tx: &Tx<'_>,
    specifications: Option<Vec<TagSpecification>>,
    kind: &str,
) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for specification in specifications.unwrap_or_default() {
        let of = specification.resource_type.unwrap_or_default();
        if of != kind {
            return Err(fault::value(format!(
                "'{of}' is not a valid taggable resource type for this operation."
            )));
        }
        for tag in specification.tags.unwrap_or_default() {
            let (key, value) = checked(tx, tag)?;
            if tags.insert(key.clone(), value).is_some() {
                return Err(fault::value(format!("Duplicate tag key '{key}' specified.")));
            }
        }
    }
    most(&tags)?;
    Ok(tags)
}

fn most(tags: &Tags) -> Result<(), Fault> {
    match tags.keys().filter(|k| !k.starts_with("aws:")).count() > MOST {
        true => Err(Fault::client("TagLimitExceeded", "The maximum number of Tags has been reached.")),
        false => Ok(()),
    }
}

fn checked(tx: &Tx<'_>, tag: Tag) -> Result<(String, String), Fault> {
    let key = tag.key.unwrap_or_default();
    let value = tag.value.unwrap_or_default();
    if key.is_empty() {
        return Err(fault::value("Tag key cannot be null or empty"));
    }
    if key.chars().count() > 128 {
        return Err(fault::value("Tag key exceeds the maximum length of 128 characters"));
    }
    if value.chars().count() > 256 {
        return Err(fault::value("Tag value exceeds the maximum length of 256 characters"));
    }
    reserved(tx, &key)?;
    Ok((key, value))
}

/// Only AWS services put and remove tags that begin with `aws:`.
fn reserved(tx: &Tx<'_>, key: &str) -> Result<(), Fault> {
    match key.starts_with("aws:") && tx.request().via.is_empty() {
        true => Err(fault::value("Tag keys starting with 'aws:' are reserved for internal use")),
        false => Ok(()),
    }
}

pub(crate) fn shown(tags: &Tags) -> Option<Vec<Tag>> {
    Some(tags.iter().map(|(k, v)| Tag { key: Some(k.clone()), value: Some(v.clone()) }).collect())
}

type Change = fn(&mut Tx<'_>, &str, &dyn Fn(&mut Tags)) -> Result<bool, Fault>;

/// A type of node that carries tags.
struct Taggable {
    prefix: &'static str,
    /// Whether there is such a node; then its tags are changed.
    change: Change,
    all: fn(&Tx<'_>) -> Vec<(String, Tags)>,
}

macro_rules! taggable {
    ($($prefix:literal $type:ident),* $(,)?) => {
        &[$(Taggable {
            prefix: $prefix,
            change: |tx, id, edit| {
                let Some(mut node) = tx.find::<$type>(id).cloned() else { return Ok(false) };
                edit(&mut node.tags);
                most(&node.tags)?;
                tx.put(node)?;
                Ok(true)
            },
            all: |tx| tx.list::<$type>().map(|n| (n.id.clone(), n.tags.clone())).collect(),
        }),*, Taggable { prefix: "sgr", change: change_rule, all: all_rules }]
    };
}

const TAGGABLE: &[Taggable] = taggable![
    "vpc" Vpc, "subnet" Subnet, "sg" SecurityGroup, "eni" NetworkInterface, "rtb" RouteTable,
    "igw" InternetGateway, "eigw" EgressOnlyGateway, "nat" NatGateway, "eipalloc" ElasticIp, "acl" NetworkAcl,
    "vpce" VpcEndpoint, "pcx" VpcPeering, "tgw" TransitGateway, "tgw-attach" TransitAttachment,
    "tgw-rtb" TransitRouteTable, "pl" PrefixList, "fl" FlowLog, "dopt" DhcpOptions,
];

fn all_rules(tx: &Tx<'_>) -> Vec<(String, Tags)> {
    let rules = tx.list::<SecurityGroup>().flat_map(|g| g.ingress.iter().chain(&g.egress));
    rules.map(|r| (r.id.clone(), r.tags.clone())).collect()
}

/// Rules have tags of their own within their group.
fn change_rule(tx: &mut Tx<'_>, id: &str, edit: &dyn Fn(&mut Tags)) -> Result<bool, Fault> {
    let holds = |g: &&SecurityGroup| g.ingress.iter().chain(&g.egress).any(|r| r.id == id);
    let Some(mut group) = tx.list::<SecurityGroup>().find(holds).cloned() else { return Ok(false) };
    for rule in group.ingress.iter_mut().chain(&mut group.egress).filter(|r| r.id == id) {
        edit(&mut rule.tags);
        most(&rule.tags)?;
    }
    tx.put(group)?;
    Ok(true)
}

fn change(tx: &mut Tx<'_>, id: &str, edit: &dyn Fn(&mut Tags)) -> Result<(), Fault> {
    let invalid = || Fault::client("InvalidID", format!("The ID '{id}' is not valid"));
    let kind = kind::of(id).ok_or_else(invalid)?;
    let taggable = TAGGABLE.iter().find(|t| t.prefix == kind.prefix).ok_or_else(invalid)?;
    match (taggable.change)(tx, id, edit)? {
        true => Ok(()),
        false => Err(kind::missing(kind.prefix, id)),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html>
pub(crate) fn create_tags(tx: &mut Tx<'_>, input: CreateTagsRequest) -> Result<(), Fault> {
    let tags: Vec<(String, String)> =
        input.tags.into_iter().map(|tag| checked(tx, tag)).collect::<Result<_, _>>()?;
    for id in &input.resources {
        change(tx, id, &|own| own.extend(tags.iter().cloned()))?;
    }
    Ok(())
}

/// A tag without a value is removed whatever its value; without any tags named, all go but AWS's own.
pub(crate) fn delete_tags(tx: &mut Tx<'_>, input: DeleteTagsRequest) -> Result<(), Fault> {
    let named: Option<Vec<(String, Option<String>)>> =
        input.tags.map(|tags| tags.into_iter().map(|t| (t.key.unwrap_or_default(), t.value)).collect());
    for (key, _) in named.iter().flatten() {
        reserved(tx, key)?;
    }
    for id in &input.resources {
        change(tx, id, &|own| {
            own.retain(|key, value| match &named {
                None => key.starts_with("aws:"),
                Some(named) => !named.iter().any(|(k, v)| k == key && v.as_ref().is_none_or(|v| v == value)),
            });
        })?;
    }
    Ok(())
}

/// One tag of one resource.
#[derive(Clone)]
pub(crate) struct Tagged {
    /// The resource and the key: the order of pages.
    place: String,
    resource: String,
    tag: Tags,
}

impl Listed for Tagged {
    fn id(&self) -> &str {
        &self.place
    }
    fn tags(&self) -> Option<&Tags> {
        Some(&self.tag)
    }
}

fn type_of(id: &str) -> &'static str {
    kind::of(id).map_or("", |k| k.arn)
}

pub(crate) static TAGS: Listing<Tagged> = Listing {
    prefix: "",
    ids: "",
    shown: "Tags",
    all: |tx| {
        let mut found = Vec::new();
        for (resource, tags) in TAGGABLE.iter().flat_map(|t| (t.all)(tx)) {
            found.extend(tags.into_iter().map(|(key, value)| Tagged {
                place: format!("{resource} {key}"),
                resource: resource.clone(),
                tag: [(key, value)].into(),
            }));
        }
        found
    },
    filters: &[
        ("key", |_, t| t.tag.keys().cloned().collect()),
        ("resource-id", |_, t| one(&t.resource)),
        ("resource-type", |_, t| one(type_of(&t.resource))),
        ("value", |_, t| t.tag.values().cloned().collect()),
    ],
    show: |_, t| {
        TagDescription {
            key: t.tag.keys().next().cloned(),
            resource_id: Some(t.resource.clone()),
            resource_type: Some(type_of(&t.resource).to_owned()),
            value: t.tag.values().next().cloned(),
        }
        .into_value()
    },
};
