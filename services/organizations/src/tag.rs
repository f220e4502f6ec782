//! Tags of the root, of units, accounts and policies.

use model::estate::iam::{Account, Organization, OrganizationPolicy, OrganizationalUnit};
use model::{Fault, Tags, Tx};

use crate::policy;
use crate::shapes::*;
use crate::target::{Target, organization, target};

/// Tags that one resource may have of a user.
const MOST: usize = 50;

/// What bears tags.
enum Tagged {
    Policy(OrganizationPolicy),
    Target(Target),
}

impl Tagged {
    fn find(tx: &Tx<'_>, id: &str) -> Result<Tagged, Fault> {
        let org = organization(tx)?;
        if id.starts_with("p-") {
            let missing =
                |_| Fault::client("TargetNotFoundException", "You specified a target that doesn't exist.");
            return policy::own(tx, id).map(Tagged::Policy).map_err(missing);
        }
        target(tx, &org, id).map(Tagged::Target)
    }

    fn tags(&self) -> &Tags {
        match self {
            Tagged::Policy(policy) => &policy.tags,
            Tagged::Target(Target::Root(root)) => &root.root_tags,
            Tagged::Target(Target::Unit(unit)) => &unit.tags,
            Tagged::Target(Target::Account(account)) => &account.tags,
        }
    }

    fn put(self, tx: &mut Tx<'_>, tags: Tags) -> Result<(), Fault> {
        match self {
            Tagged::Policy(policy) => tx.put(OrganizationPolicy { tags, ..policy }),
            Tagged::Target(Target::Root(root)) => tx.put(Organization { root_tags: tags, ..root }),
            Tagged::Target(Target::Unit(unit)) => tx.put(OrganizationalUnit { tags, ..unit }),
            Tagged::Target(Target::Account(account)) => tx.put(Account { tags, ..account }),
        }
    }
}

/// The tags of a call; keys that begin with `aws:` are AWS's own.
pub(crate) fn checked(tx: &Tx<'_>, tags: Option<Vec<Tag>>) -> Result<Tags, Fault> {
    let tags: Tags = tags.unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect();
    if tx.request().via.is_empty() && tags.keys().any(|k| k.to_ascii_lowercase().starts_with("aws:")) {
        return Err(Fault::client("InvalidInputException", "You used a reserved tag key: `aws:`."));
    }
    match tags.keys().filter(|k| !k.starts_with("aws:")).count() > MOST {
        true => Err(Fault::client("ConstraintViolationException", "You have exceeded the number of tags.")),
        false => Ok(tags),
    }
}

pub(crate) fn tag_resource(tx: &mut Tx<'_>, input: TagResourceRequest) -> Result<(), Fault> {
    let tagged = Tagged::find(tx, &input.resource_id)?;
    let mut all = tagged.tags().clone();
    all.extend(checked(tx, Some(input.tags))?);
    if all.keys().filter(|k| !k.starts_with("aws:")).count() > MOST {
        return Err(Fault::client("ConstraintViolationException", "You have exceeded the number of tags."));
    }
    tagged.put(tx, all)
}

pub(crate) fn untag_resource(tx: &mut Tx<'_>, input: UntagResourceRequest) -> Result<(), Fault> {
    let tagged = Tagged::find(tx, &input.resource_id)?;
    let mut left = tagged.tags().clone();
    left.retain(|key, _| !input.tag_keys.contains(key));
    tagged.put(tx, left)
}

pub(crate) fn list_tags_for_resource(
    tx: &mut Tx<'_>,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Fault> {
    let tagged = Tagged::find(tx, &input.resource_id)?;
    let tags = tagged.tags().iter().map(|(k, v)| Tag { key: k.clone(), value: v.clone() }).collect();
    Ok(ListTagsForResourceResponse { tags: Some(tags), next_token: None })
}
