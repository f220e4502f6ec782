//! Prefix lists: blocks of addresses under one name.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Tags};

/// A list that an account keeps itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrefixList {
    pub account: AccountId,
    pub region: String,
    /// `pl-...`.
    pub id: String,
    pub name: String,
    /// `IPv4` or `IPv6`.
    pub family: String,
    pub max_entries: i64,
    pub version: i64,
    pub entries: Vec<PrefixEntry>,
    /// The entries of earlier versions, by version.
    pub history: Vec<(i64, Vec<PrefixEntry>)>,
    pub tags: Tags,
}

network_node!(PrefixList, "AWS::EC2::PrefixList", "prefix-list");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixEntry {
    pub cidr: String,
    pub description: Option<String>,
}

/// A list that AWS keeps: the addresses of a service with gateway endpoints.
pub struct AwsPrefixList {
    pub id: &'static str,
    /// The last part of `com.amazonaws.REGION.SERVICE`.
    pub service: &'static str,
    /// From the block for benchmarks (RFC 2544), which no real host has.
    pub cidr: &'static str,
}

/// The same in every region.
pub const AWS_PREFIX_LISTS: [AwsPrefixList; 2] = [
    AwsPrefixList { id: "pl-63a5400a", service: "s3", cidr: "198.18.0.0/24" },
    AwsPrefixList { id: "pl-02cd2c6b", service: "dynamodb", cidr: "198.18.1.0/24" },
];
