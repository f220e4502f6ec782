//! Grants of KMS keys, as decisions read them. The keys themselves are the `kms` service's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Node, NodeKey, Snapshot, Timestamp};

/// What lets one principal use one key without any policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// Those of the key.
    pub account: AccountId,
    pub region: String,
    /// The key's id and the grant's own: the grants of a key stand side by side.
    pub place: String,
    /// 64 hexadecimal digits.
    pub id: String,
    pub key_arn: String,
    pub name: Option<String>,
    pub created: Timestamp,
    pub grantee: Party,
    pub retiring: Option<Party>,
    /// The account under which it was made, which may retire it.
    pub issuer: AccountId,
    /// e.g. `Decrypt`, each once, in order.
    pub operations: Vec<String>,
    pub constraint: Option<Constraint>,
    /// What `aws:SourceArn` must be.
    pub source_arn: Option<String>,
}

/// Names and values count with their case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Constraint {
    EncryptionContextEquals(BTreeMap<String, String>),
    EncryptionContextSubset(BTreeMap<String, String>),
}

/// A principal that a grant names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// As it was named: an ARN, or the name of a service.
    pub name: String,
    pub bound: Bound,
}

/// Whom a name meant when the grant was made: a principal of the same name that is made later is another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bound {
    Account(AccountId),
    /// `AIDA...`, `AROA...` or `AROA...:session`.
    Id(String),
    Service(String),
}

impl Grant {
    pub fn global_name_of(id: &str) -> String {
        format!("kms-grant/{id}")
    }

    pub fn place_of(key: &str, id: &str) -> String {
        format!("{key}/{id}")
    }

    /// All grants of the key that this node is.
    pub fn of_key<'a>(snapshot: &'a Snapshot, key: &NodeKey) -> impl Iterator<Item = &'a Grant> + use<'a> {
        snapshot.list_under::<Grant>(&key.account, &key.region, &Grant::place_of(&key.id, ""))
    }
}

impl Node for Grant {
    const KIND: &'static str = "Countersign::KMS::Grant";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.place
    }
    fn global_name(&self) -> Option<String> {
        Some(Grant::global_name_of(&self.id))
    }
}
