//! Names that are checked once, at the edge, and trusted afterwards.

use serde::{Deserialize, Serialize};

/// A twelve-digit AWS account id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccountId(String);

impl AccountId {
    /// `None` unless `text` is twelve ASCII digits.
    pub fn parse(text: &str) -> Option<AccountId> {
        (text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())).then(|| AccountId(text.to_owned()))
    }

    /// The scope of nodes that belong to no account, such as the organization's directory of accounts.
    pub fn none() -> AccountId {
        AccountId(String::new())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for AccountId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The six fields of an ARN, borrowed: `arn:partition:service:region:account:resource`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    pub fn parse(text: &'a str) -> Option<Arn<'a>> {
        let mut fields = text.splitn(6, ':');
        if fields.next()? != "arn" {
            return None;
        }
        let arn = Arn {
            partition: fields.next()?,
            service: fields.next()?,
            region: fields.next()?,
            account: fields.next()?,
            resource: fields.next()?,
        };
        (!arn.service.is_empty() && !arn.resource.is_empty()).then_some(arn)
    }

    /// The part of the resource after its type: `key/1234` gives `1234`.
    pub fn resource_id(&self) -> &'a str {
        self.resource.split_once(['/', ':']).map_or(self.resource, |(_, id)| id)
    }
}

/// An ARN of the partition `aws`.
pub fn arn(service: &str, region: &str, account: &AccountId, resource: &str) -> String {
    format!("arn:aws:{service}:{region}:{account}:{resource}")
}
