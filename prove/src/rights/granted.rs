//! The grants of keys. A template has none: they are made while an estate runs.

use std::collections::BTreeMap;

use decide_iam::{Constraint, EncryptionContext, KeyGrant, PrincipalPattern};
use serde_json::Value as Json;

use crate::{Estate, Item};

/// By the ARNs of the keys.
pub(super) fn grants(estate: &Estate) -> BTreeMap<String, Vec<KeyGrant>> {
    let mut all: BTreeMap<String, Vec<KeyGrant>> = BTreeMap::new();
    for grant in estate.of("Countersign::Grant").filter_map(read) {
        all.entry(grant.key.clone()).or_default().push(grant);
    }
    all
}

fn read(item: &Item) -> Option<KeyGrant> {
    let text = |name: &str| item.text(name).map(str::to_owned);
    let grantee = [
        item.text("Grantee/Account").map(|id| PrincipalPattern::Account(id.into())),
        item.text("Grantee/Id").map(|id| PrincipalPattern::Id(id.into())),
        item.text("Grantee/Service").map(|name| PrincipalPattern::Service(name.into())),
    ];
    let pairs = |name: &str| -> Option<EncryptionContext> {
        let pairs = item.at(name)?.as_object()?;
        Some(pairs.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect())
    };
    Some(KeyGrant {
        id: text("Id")?,
        key: text("Key")?,
        grantee: grantee.into_iter().flatten().next()?,
        actions: item
            .list("Operations")
            .iter()
            .filter_map(Json::as_str)
            .map(|o| format!("kms:{o}"))
            .collect(),
        constraint: pairs("Equals")
            .map(Constraint::Equals)
            .or_else(|| pairs("Subset").map(Constraint::Subset)),
        source: text("Source"),
    })
}
