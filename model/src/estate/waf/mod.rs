//! Web ACLs, and what they refer to, as the edge judges requests by them.

pub mod managed;
pub mod rule;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::ids::arn;
use crate::{AccountId, Node, Tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WebAcl {
    pub account: AccountId,
    pub region: String,
    pub name: String,
    pub id: String,
    /// Changes with every update; the next update must show it.
    pub lock_token: String,
    pub capacity: u64,
    /// The API's own form: `DefaultAction`, `Rules`, `VisibilityConfig`, `CustomResponseBodies`, ...
    pub form: Json,
    /// A `LoggingConfiguration`.
    pub logging: Option<Json>,
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleGroup {
    pub account: AccountId,
    pub region: String,
    pub name: String,
    pub id: String,
    pub lock_token: String,
    /// Fixed at creation.
    pub capacity: u64,
    /// `Rules`, `VisibilityConfig`, `CustomResponseBodies`, `Description`.
    pub form: Json,
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IpSet {
    pub account: AccountId,
    pub region: String,
    pub name: String,
    pub id: String,
    pub lock_token: String,
    pub description: Option<String>,
    /// `IPV4` or `IPV6`.
    pub version: String,
    /// CIDR blocks.
    pub addresses: Vec<String>,
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegexPatternSet {
    pub account: AccountId,
    pub region: String,
    pub name: String,
    pub id: String,
    pub lock_token: String,
    pub description: Option<String>,
    pub patterns: Vec<String>,
    pub tags: Tags,
}

/// A resource's web ACL. A resource has at most one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Association {
    pub account: AccountId,
    pub region: String,
    pub resource: String,
    pub web_acl: String,
}

macro_rules! entity {
    ($type:ty, $kind:literal, $folder:literal) => {
        impl $type {
            pub fn arn(&self) -> String {
                arn(
                    "wafv2",
                    &self.region,
                    &self.account,
                    &format!(concat!("regional/", $folder, "/{}/{}"), self.name, self.id),
                )
            }
        }
        crate::regional_node!($type, $kind, id);
    };
}

entity!(WebAcl, "AWS::WAFv2::WebACL", "webacl");
entity!(RuleGroup, "AWS::WAFv2::RuleGroup", "rulegroup");
entity!(IpSet, "AWS::WAFv2::IPSet", "ipset");
entity!(RegexPatternSet, "AWS::WAFv2::RegexPatternSet", "regexpatternset");

impl WebAcl {
    /// What its rules' labels begin with.
    pub fn label_namespace(&self) -> String {
        format!("awswaf:{}:webacl:{}:", self.account, self.name)
    }
}

impl RuleGroup {
    pub fn label_namespace(&self) -> String {
        format!("awswaf:{}:rulegroup:{}:", self.account, self.name)
    }
}

impl Association {
    /// The global name under which the association of a resource is found.
    pub fn name_for(resource: &str) -> String {
        format!("web-acl-association/{resource}")
    }
}

impl Node for Association {
    const KIND: &'static str = "AWS::WAFv2::WebACLAssociation";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.resource
    }
    fn global_name(&self) -> Option<String> {
        Some(Association::name_for(&self.resource))
    }
}
