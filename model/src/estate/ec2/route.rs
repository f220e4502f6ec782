//! Route tables.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Tags};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RouteTable {
    pub account: AccountId,
    pub region: String,
    /// `rtb-...`.
    pub id: String,
    pub vpc: String,
    /// The local routes first.
    pub routes: Vec<Route>,
    pub associations: Vec<RouteAssociation>,
    pub tags: Tags,
}

network_node!(RouteTable, "AWS::EC2::RouteTable", "route-table");

impl RouteTable {
    /// Whether it counts for the subnets that have no table of their own.
    pub fn main(&self) -> bool {
        self.associations.iter().any(|a| a.main)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteAssociation {
    /// `rtbassoc-...`.
    pub id: String,
    pub main: bool,
    pub subnet: Option<String>,
    /// An internet gateway.
    pub gateway: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    pub destination: Destination,
    pub target: Target,
    /// The gateway endpoint that put the route there, which alone may take it away.
    pub managed_by: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Destination {
    Ipv4(String),
    Ipv6(String),
    PrefixList(String),
}

impl Destination {
    pub fn text(&self) -> &str {
        match self {
            Destination::Ipv4(text) | Destination::Ipv6(text) | Destination::PrefixList(text) => text,
        }
    }
}

/// Where a route leads, by the target's id. A target that is gone swallows the packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    Local,
    InternetGateway(String),
    EgressOnlyGateway(String),
    NatGateway(String),
    TransitGateway(String),
    Peering(String),
    Endpoint(String),
    Interface(String),
}

impl Target {
    pub fn id(&self) -> &str {
        match self {
            Target::Local => "local",
            Target::InternetGateway(id)
            | Target::EgressOnlyGateway(id)
            | Target::NatGateway(id)
            | Target::TransitGateway(id)
            | Target::Peering(id)
            | Target::Endpoint(id)
            | Target::Interface(id) => id,
        }
    }
}
