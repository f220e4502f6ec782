//! Route tables.

use serde::{Deserialize, Serialize};

use super::{
    EgressOnlyGateway, InternetGateway, NatGateway, NetworkInterface, TransitAttachment, VpcEndpoint,
    VpcPeering,
};
use crate::{AccountId, Snapshot, Tags};

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

impl RouteTable {
    /// Whether a route's target is there to take packets; if not, the route is a black hole.
    pub fn stands(&self, snapshot: &Snapshot, target: &Target) -> bool {
        let (account, region, vpc) = (&self.account, self.region.as_str(), &self.vpc);
        match target {
            Target::Local => true,
            Target::InternetGateway(id) => {
                let gateway = snapshot.find::<InternetGateway>(account, region, id);
                gateway.is_some_and(|g| g.vpc.as_ref() == Some(vpc))
            }
            Target::EgressOnlyGateway(id) => {
                snapshot.find::<EgressOnlyGateway>(account, region, id).is_some_and(|g| g.vpc == *vpc)
            }
            Target::NatGateway(id) => {
                snapshot.find::<NatGateway>(account, region, id).is_some_and(|g| g.deleted.is_none())
            }
            Target::TransitGateway(id) => snapshot
                .list::<TransitAttachment>(account, region)
                .any(|a| a.gateway == *id && a.vpc == *vpc && a.deleted.is_none()),
            Target::Peering(id) => {
                let known = |p: &&VpcPeering| p.id == *id && p.side(vpc).is_some();
                snapshot.all::<VpcPeering>().find(known).is_some_and(|p| p.status == "active")
            }
            Target::Endpoint(id) => snapshot.find::<VpcEndpoint>(account, region, id).is_some(),
            Target::Interface(id) => snapshot.find::<NetworkInterface>(account, region, id).is_some(),
        }
    }
}
