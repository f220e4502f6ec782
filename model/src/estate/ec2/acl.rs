//! Network ACLs: rules without memory at the border of a subnet.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkAcl {
    pub account: AccountId,
    pub region: String,
    /// `acl-...`.
    pub id: String,
    pub vpc: String,
    pub default: bool,
    /// In order of direction and number. Behind them everything is denied.
    pub entries: Vec<AclEntry>,
    pub associations: Vec<AclAssociation>,
    pub tags: Tags,
}

network_node!(NetworkAcl, "AWS::EC2::NetworkAcl", "network-acl");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclAssociation {
    /// `aclassoc-...`.
    pub id: String,
    pub subnet: String,
}

/// One rule; the first that fits decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclEntry {
    pub egress: bool,
    pub number: i64,
    /// A protocol number, or `-1` for all.
    pub protocol: String,
    pub allow: bool,
    /// An IPv4 or an IPv6 block.
    pub cidr: String,
    pub icmp: Option<IcmpType>,
    pub ports: Option<PortRange>,
}

/// `-1` stands for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IcmpType {
    pub kind: i64,
    pub code: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortRange {
    pub from: i64,
    pub to: i64,
}
