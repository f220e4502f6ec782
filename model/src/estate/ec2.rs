//! Networks: what other services place their interfaces in.

use serde::{Deserialize, Serialize};

use crate::ids::arn;
use crate::{AccountId, Tags, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vpc {
    pub account: AccountId,
    pub region: String,
    /// `vpc-` and 17 hexadecimal digits.
    pub id: String,
    /// The primary block first.
    pub cidrs: Vec<String>,
    pub ipv6_cidrs: Vec<String>,
    pub tenancy: String,
    pub dns_support: bool,
    pub dns_hostnames: bool,
    pub default: bool,
    pub tags: Tags,
}

impl Vpc {
    pub fn arn(&self) -> String {
        arn("ec2", &self.region, &self.account, &format!("vpc/{}", self.id))
    }
}

crate::regional_node!(Vpc, "AWS::EC2::VPC", id);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    pub account: AccountId,
    pub region: String,
    /// `subnet-...`.
    pub id: String,
    pub vpc: String,
    pub cidr: String,
    pub ipv6_cidr: Option<String>,
    pub zone: String,
    pub map_public_ip: bool,
    pub default_for_zone: bool,
    pub tags: Tags,
}

impl Subnet {
    pub fn arn(&self) -> String {
        arn("ec2", &self.region, &self.account, &format!("subnet/{}", self.id))
    }
}

crate::regional_node!(Subnet, "AWS::EC2::Subnet", id);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub account: AccountId,
    pub region: String,
    /// `sg-...`.
    pub id: String,
    pub name: String,
    pub description: String,
    pub vpc: String,
    pub ingress: Vec<SecurityGroupRule>,
    pub egress: Vec<SecurityGroupRule>,
    pub tags: Tags,
}

/// One rule: one peer, one protocol, one range of ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// `sgr-...`.
    pub id: String,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a protocol number, or `-1` for all.
    pub protocol: String,
    /// The ICMP type, for ICMP; `None` for all.
    pub from_port: Option<i64>,
    pub to_port: Option<i64>,
    pub peer: Peer,
    pub description: Option<String>,
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Peer {
    Ipv4(String),
    Ipv6(String),
    /// A security group's id, and its account where it is another.
    Group {
        id: String,
        account: Option<String>,
    },
    PrefixList(String),
}

impl SecurityGroup {
    pub fn arn(&self) -> String {
        arn("ec2", &self.region, &self.account, &format!("security-group/{}", self.id))
    }
}

crate::regional_node!(SecurityGroup, "AWS::EC2::SecurityGroup", id);

/// An interface in a subnet: every task, load balancer node, endpoint and database has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkInterface {
    pub account: AccountId,
    pub region: String,
    /// `eni-...`.
    pub id: String,
    pub vpc: String,
    pub subnet: String,
    pub zone: String,
    pub private_ip: String,
    pub ipv6: Vec<String>,
    pub groups: Vec<String>,
    pub description: String,
    /// `interface`, `vpc_endpoint`, `nat_gateway`, ...
    pub interface_type: String,
    /// The service that made it and manages it, such as `amazon-elb`; `None`: the account itself.
    pub requester: Option<String>,
    pub public_ip: Option<String>,
    pub source_dest_check: bool,
    pub created: Timestamp,
    pub tags: Tags,
}

impl NetworkInterface {
    pub fn arn(&self) -> String {
        arn("ec2", &self.region, &self.account, &format!("network-interface/{}", self.id))
    }
}

crate::regional_node!(NetworkInterface, "AWS::EC2::NetworkInterface", id);
