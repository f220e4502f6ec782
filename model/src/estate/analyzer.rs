//! The analyzers of IAM Access Analyzer, which the loop that follows changes of policies looks for.
//! What they found is bulk state of the `accessanalyzer` service's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Tags, Timestamp};

/// The types of resources whose policies can share them with others, as far as they are served.
pub const ANALYZED: [&str; 6] = [
    "AWS::DynamoDB::Table",
    "AWS::ECR::Repository",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::S3::Bucket",
    "AWS::SecretsManager::Secret",
];

/// Watches what an account or an organization shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Analyzer {
    pub account: AccountId,
    pub region: String,
    pub name: String,
    /// `ACCOUNT` or `ORGANIZATION`; `ACCOUNT_UNUSED_ACCESS` or `ORGANIZATION_UNUSED_ACCESS`;
    /// `ACCOUNT_INTERNAL_ACCESS` or `ORGANIZATION_INTERNAL_ACCESS`.
    pub kind: String,
    /// What counts as unused, for an analyzer of that.
    #[serde(default)]
    pub unused: Option<Unused>,
    /// Which resources are looked at, for an analyzer of internal access.
    #[serde(default)]
    pub internal: Option<Vec<Inclusion>>,
    pub created: Timestamp,
    pub rules: Vec<ArchiveRule>,
    pub tags: Tags,
}

/// Access that nobody has used for so long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unused {
    pub days: i64,
    /// Who is left out: any of these.
    pub exclusions: Vec<Exclusion>,
}

/// Principals of these accounts that have these tags; an empty list: all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exclusion {
    pub accounts: Vec<String>,
    /// All of any of these; an empty value: any value.
    pub tags: Vec<Tags>,
}

/// Resources of these accounts, types and ARNs; an empty list: all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inclusion {
    pub accounts: Vec<String>,
    pub types: Vec<String>,
    pub arns: Vec<String>,
}

impl Inclusion {
    pub fn includes(&self, kind: &str, account: &str, arn: &str) -> bool {
        let among = |list: &[String], one: &str| list.is_empty() || list.iter().any(|l| l == one);
        among(&self.types, kind) && among(&self.accounts, account) && among(&self.arns, arn)
    }
}

/// Archives new findings that it describes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArchiveRule {
    pub name: String,
    pub filter: Filter,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// Criteria by the key that each is about; all must hold.
pub type Filter = BTreeMap<String, Criterion>;

/// What is written here must hold, all of it; of the values of one list, any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Criterion {
    pub eq: Vec<String>,
    pub neq: Vec<String>,
    pub contains: Vec<String>,
    pub exists: Option<bool>,
}

impl Analyzer {
    /// Looks for access from outside of its zone.
    pub fn is_external(&self) -> bool {
        self.unused.is_none() && self.internal.is_none()
    }

    /// Looks at all accounts of the organization.
    pub fn of_organization(&self) -> bool {
        self.kind.starts_with("ORGANIZATION")
    }

    pub fn arn(&self) -> String {
        crate::ids::arn("access-analyzer", &self.region, &self.account, &format!("analyzer/{}", self.name))
    }
}

crate::regional_node!(Analyzer, "AWS::AccessAnalyzer::Analyzer", name);
