//! Findings. Of external access there is one for a resource, an outsider, the conditions that say who that is, and
//! the actions. The same access is the same finding, also when it comes back; other access is another.

use std::collections::BTreeMap;

use model::estate::analyzer::Analyzer;
use model::{AccountId, Fault, Range, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::analysis::{self, RESOURCES, Seen};
use crate::criteria::Described;
use crate::inside::Insider;
use crate::subject::{BUCKET, Subject};
use crate::unused::Idle;
use crate::{hub, preview};

pub(crate) const TABLE: &str = "accessanalyzer/findings";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Active,
    Archived,
    Resolved,
}

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Status::Active => "ACTIVE",
            Status::Archived => "ARCHIVED",
            Status::Resolved => "RESOLVED",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) id: String,
    pub(crate) resource: String,
    pub(crate) kind: String,
    pub(crate) owner: AccountId,
    /// `AWS` or `Federated`, and the name; none where the resource could not be analyzed.
    pub(crate) principal: Option<(String, String)>,
    pub(crate) condition: BTreeMap<String, String>,
    pub(crate) actions: Vec<String>,
    pub(crate) public: bool,
    pub(crate) error: Option<String>,
    /// What is not used, where that was looked for.
    #[serde(default)]
    pub(crate) idle: Option<Idle>,
    /// Who it is that reaches the resource from inside, where that was looked for.
    #[serde(default)]
    pub(crate) insider: Option<Insider>,
    /// What a resource control policy of the organization has to do with it.
    pub(crate) restriction: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) status: Status,
}

impl Found {
    /// What all findings of a resource have in common.
    pub(crate) fn of(subject: &Subject, restriction: &str, now: Timestamp) -> Found {
        Found {
            resource: subject.arn.clone(),
            kind: subject.kind.to_owned(),
            owner: subject.owner.clone(),
            restriction: restriction.to_owned(),
            ..Found::blank(now)
        }
    }

    pub(crate) fn blank(now: Timestamp) -> Found {
        Found {
            id: String::new(),
            resource: String::new(),
            kind: String::new(),
            owner: AccountId::none(),
            idle: None,
            insider: None,
            principal: None,
            condition: BTreeMap::new(),
            actions: Vec::new(),
            public: false,
            error: None,
            restriction: String::new(),
            created: now,
            updated: now,
            status: Status::Active,
        }
    }

    /// Tells of the same access.
    pub(crate) fn same(&self, other: &Found) -> bool {
        self.resource == other.resource
            && self.principal == other.principal
            && self.condition == other.condition
            && self.actions == other.actions
            && self.public == other.public
            && self.error == other.error
            && match (&self.idle, &other.idle) {
                (Some(one), Some(other)) => one.same(other),
                (one, other) => one.is_none() && other.is_none(),
            }
    }

    pub(crate) fn principals(&self) -> Option<BTreeMap<String, String>> {
        self.principal.clone().map(|p| BTreeMap::from([p]))
    }

    /// By what a bucket is shared.
    pub(crate) fn by_policy(&self) -> bool {
        self.kind == BUCKET && self.error.is_none() && self.idle.is_none()
    }
}

impl Described for Found {
    fn value(&self, key: &str) -> Option<String> {
        let principal = |kind: &str| self.principal.as_ref().filter(|p| p.0 == kind).map(|p| p.1.clone());
        Some(match key {
            "id" => self.id.clone(),
            "resource" => self.resource.clone(),
            "resourceType" => self.kind.clone(),
            "resourceOwnerAccount" => self.owner.to_string(),
            "findingType" if self.insider.is_some() => "InternalAccess".to_owned(),
            "findingType" => self.idle.as_ref().map_or("ExternalAccess", Idle::name).to_owned(),
            "isPublic" if self.insider.is_some() => return None,
            "isPublic" | "resourceControlPolicyRestriction" if self.idle.is_some() => return None,
            "accessType" => return self.insider.as_ref().map(|i| i.access(&self.owner).to_owned()),
            "principalType" => return self.insider.as_ref().map(|i| i.kind().to_owned()),
            "isPublic" => self.public.to_string(),
            "status" => self.status.name().to_owned(),
            "resourceControlPolicyRestriction" => self.restriction.clone(),
            "error" => return self.error.clone(),
            other => match (other.strip_prefix("principal."), other.strip_prefix("condition.")) {
                (Some(kind), _) => return principal(kind),
                (_, Some(name)) => {
                    let mut conditions = self.condition.iter();
                    return conditions.find(|(k, _)| k.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone());
                }
                _ => return None,
            },
        })
    }
}

/// What belongs to an analyzer: its ARN, and a name within.
pub(crate) fn key(analyzer: &str, within: &str) -> Vec<u8> {
    [analyzer, within].join("\0").into_bytes()
}

/// Findings of a resource stand together.
pub(crate) fn place(analyzer: &str, found: &Found) -> Vec<u8> {
    [analyzer, &found.resource, &found.id].join("\0").into_bytes()
}

pub(crate) fn keep(tx: &mut Tx<'_>, analyzer: &str, found: &Found) -> Result<(), Fault> {
    tx.put_record_as(TABLE, &place(analyzer, found), found)
}

/// The records of a table whose keys begin so.
pub(crate) fn under<T: serde::de::DeserializeOwned>(
    tx: &Tx<'_>,
    table: &str,
    prefix: &[u8],
) -> Result<Vec<T>, Fault> {
    let to = [prefix.strip_suffix(&[0]).unwrap_or(prefix), &[1]].concat();
    let range = Range { from: prefix, to: Some(&to), reverse: false, limit: usize::MAX };
    let read = |bytes: &[u8]| {
        let unreadable = |e| Fault::internal(format!("a record of table `{table}` cannot be read: {e}"));
        serde_json::from_slice(bytes).map_err(unreadable)
    };
    tx.records(table, range)?.iter().map(|(_, bytes)| read(bytes)).collect()
}

/// All findings of an analyzer.
pub(crate) fn all(tx: &Tx<'_>, analyzer: &str) -> Result<Vec<Found>, Fault> {
    under(tx, TABLE, &key(analyzer, ""))
}

pub(crate) fn of_resource(tx: &Tx<'_>, analyzer: &str, arn: &str) -> Result<Vec<Found>, Fault> {
    under(tx, TABLE, &[analyzer, arn, ""].join("\0").into_bytes())
}

/// All resources that an analyzer has seen.
pub(crate) fn seen_by(tx: &Tx<'_>, analyzer: &str) -> Result<Vec<Seen>, Fault> {
    under(tx, RESOURCES, &key(analyzer, ""))
}

/// Forgets all that an analyzer has found.
pub(crate) fn forget(tx: &mut Tx<'_>, analyzer: &Analyzer) -> Result<(), Fault> {
    let arn = analyzer.arn();
    for found in all(tx, &arn)? {
        tx.remove_record(TABLE, &place(&arn, &found))?;
        if found.status == Status::Active {
            hub::tell(tx, &arn, &Found { status: Status::Resolved, updated: tx.now, ..found })?;
        }
    }
    preview::forget(tx, &arn)?;
    analysis::forget(tx, &arn)
}
