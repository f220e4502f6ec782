//! Peering connections: two VPCs that can reach each other.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Tags, Timestamp};

/// Stands in the account and region that asked for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VpcPeering {
    pub account: AccountId,
    pub region: String,
    /// `pcx-...`.
    pub id: String,
    pub requester: PeeringSide,
    pub accepter: PeeringSide,
    /// `pending-acceptance`, `active`, `rejected`, `deleted`.
    pub status: String,
    pub message: String,
    pub expires: Timestamp,
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeeringSide {
    pub account: AccountId,
    pub region: String,
    pub vpc: String,
    /// Whether names of the other side resolve to private addresses here.
    pub resolve: bool,
}

network_node!(VpcPeering, "AWS::EC2::VPCPeeringConnection", "vpc-peering-connection");

impl VpcPeering {
    /// The side that has this VPC.
    pub fn side(&self, vpc: &str) -> Option<&PeeringSide> {
        [&self.requester, &self.accepter].into_iter().find(|s| s.vpc == vpc)
    }
}
