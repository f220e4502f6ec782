//! Ways out of a VPC, and the public addresses used there.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Tags, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InternetGateway {
    pub account: AccountId,
    pub region: String,
    /// `igw-...`.
    pub id: String,
    /// The VPC it is attached to.
    pub vpc: Option<String>,
    pub tags: Tags,
}

network_node!(InternetGateway, "AWS::EC2::InternetGateway", "internet-gateway");

/// Lets IPv6 flows out, and only their answers in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EgressOnlyGateway {
    pub account: AccountId,
    pub region: String,
    /// `eigw-...`.
    pub id: String,
    pub vpc: String,
    pub tags: Tags,
}

network_node!(EgressOnlyGateway, "AWS::EC2::EgressOnlyInternetGateway", "egress-only-internet-gateway");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NatGateway {
    pub account: AccountId,
    pub region: String,
    /// `nat-...`.
    pub id: String,
    pub vpc: String,
    pub subnet: String,
    /// Whether it translates to a public address, or to its private one only.
    pub public: bool,
    /// `eipalloc-...`.
    pub allocation: Option<String>,
    pub association: Option<String>,
    /// `eni-...`.
    pub interface: String,
    pub private_ip: String,
    pub public_ip: Option<String>,
    pub created: Timestamp,
    /// It stays to be seen for a while, and carries nothing.
    pub deleted: Option<Timestamp>,
    pub tags: Tags,
}

network_node!(NatGateway, "AWS::EC2::NatGateway", "natgateway");

/// A public address that is held by an account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElasticIp {
    pub account: AccountId,
    pub region: String,
    /// `eipalloc-...`.
    pub id: String,
    pub public_ip: String,
    pub association: Option<IpAssociation>,
    pub tags: Tags,
}

network_node!(ElasticIp, "AWS::EC2::EIP", "elastic-ip");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IpAssociation {
    /// `eipassoc-...`.
    pub id: String,
    pub interface: String,
    pub private_ip: String,
    /// The service that made it, such as `amazon-nat`; the account cannot undo it.
    pub owner: Option<String>,
}
