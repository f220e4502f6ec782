//! Prefix lists: those that AWS keeps.

use model::estate::ec2::{AWS_PREFIX_LISTS, PrefixList};
use model::{Fault, Tags, Tx};

use crate::kind;
use crate::listing::{Listed, Listing, one};
use crate::shapes;

/// A list of AWS's own, in one region.
#[derive(Clone)]
pub(crate) struct Kept {
    id: &'static str,
    name: String,
    cidr: &'static str,
}

impl Listed for Kept {
    fn id(&self) -> &str {
        self.id
    }
    fn tags(&self) -> Option<&Tags> {
        None
    }
}

pub(crate) static KEPT: Listing<Kept> = Listing {
    prefix: "pl",
    ids: "PrefixListIds",
    shown: "PrefixLists",
    all: |tx| {
        let kept = AWS_PREFIX_LISTS.iter().map(|list| Kept {
            id: list.id,
            name: format!("com.amazonaws.{}.{}", tx.region, list.service),
            cidr: list.cidr,
        });
        kept.collect()
    },
    filters: &[("prefix-list-id", |_, l| one(l.id)), ("prefix-list-name", |_, l| one(&l.name))],
    show: |_, list| {
        model::IntoValue::into_value(shapes::PrefixList {
            cidrs: Some(one(list.cidr)),
            prefix_list_id: Some(list.id.to_owned()),
            prefix_list_name: Some(list.name.clone()),
        })
    },
};

pub(crate) fn must_exist(tx: &Tx<'_>, id: &str) -> Result<(), Fault> {
    match tx.find::<PrefixList>(id).is_some() || AWS_PREFIX_LISTS.iter().any(|l| l.id == id) {
        true => Ok(()),
        false => Err(kind::missing("pl", id)),
    }
}
