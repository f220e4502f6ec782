//! VPC endpoints: private ways to the AWS APIs.

use serde::{Deserialize, Serialize};

use crate::{AccountId, PolicyText, Tags, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcEndpoint {
    pub account: AccountId,
    pub region: String,
    /// `vpce-...`.
    pub id: String,
    pub vpc: String,
    pub kind: EndpointKind,
    /// e.g. `com.amazonaws.us-east-1.s3`.
    pub service: String,
    /// What may be asked through it, on top of what the caller may ask.
    pub policy: PolicyText,
    /// Of a gateway endpoint.
    pub route_tables: Vec<String>,
    /// Of an interface endpoint: one interface per subnet.
    pub subnets: Vec<String>,
    pub interfaces: Vec<String>,
    pub groups: Vec<String>,
    /// Whether the service's public names lead here within the VPC.
    pub private_dns: bool,
    /// The part of the endpoint's own names before the service: `vpce-...-abcdefgh`.
    pub dns_label: String,
    pub created: Timestamp,
    pub tags: Tags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EndpointKind {
    Gateway,
    Interface,
}

// The policy is no resource policy of the endpoint: it judges what goes through.
network_node!(VpcEndpoint, "AWS::EC2::VPCEndpoint", "vpc-endpoint");
