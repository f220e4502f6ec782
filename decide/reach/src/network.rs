//! The network of a snapshot, with every name resolved to a place in a list.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;

use crate::rule::{AclRule, GroupRule};

/// Compiled by [`Network::of`]. Places in its lists are what hops and drops name.
#[derive(Debug, Default)]
pub struct Network {
    pub(crate) vpcs: Vec<Vpc>,
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) interfaces: Vec<Interface>,
    pub(crate) groups: Vec<Group>,
    pub(crate) acls: Vec<Acl>,
    pub(crate) tables: Vec<Table>,
    pub(crate) nats: Vec<Nat>,
    pub(crate) peerings: Vec<Peering>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) transit_tables: Vec<TransitTable>,
    pub(crate) endpoints: Vec<String>,
    /// Interfaces by id.
    pub(crate) by_id: HashMap<String, usize>,
    /// It may be known in part only: what is missing is unknown, and not absent.
    pub(crate) partial: bool,
    /// Interfaces by their public IPv4 and their IPv6 addresses.
    pub(crate) public: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
pub struct Vpc {
    pub id: String,
    pub(crate) addresses: HashMap<IpAddr, usize>,
    /// The internet gateway that is attached.
    pub(crate) internet_gateway: Option<String>,
    /// The route table of that gateway, where it has one.
    pub(crate) gateway_table: Option<usize>,
}

#[derive(Debug)]
pub struct Subnet {
    pub id: String,
    pub vpc: usize,
    pub zone: String,
    pub(crate) blocks: Vec<IpNet>,
    pub(crate) table: Option<usize>,
    pub(crate) acl: Option<usize>,
}

#[derive(Debug)]
pub struct Interface {
    pub id: String,
    pub description: String,
    pub subnet: usize,
    /// The private address first.
    pub addresses: Vec<IpAddr>,
    pub public: Option<IpAddr>,
    pub(crate) groups: Vec<usize>,
    /// It has groups that are not there.
    pub(crate) lacks_groups: bool,
    /// Whether groups judge its packets. NAT gateways, transit gateways and some load balancers have none.
    pub(crate) judged: bool,
    /// Whether it takes and sends only packets of its own addresses.
    pub(crate) checked: bool,
    /// The NAT gateway that it belongs to.
    pub(crate) nat: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) ingress: Vec<GroupRule>,
    pub(crate) egress: Vec<GroupRule>,
    /// The private addresses of its members.
    pub(crate) members: HashSet<IpAddr>,
}

#[derive(Debug)]
pub(crate) struct Acl {
    pub(crate) id: String,
    pub(crate) ingress: Vec<AclRule>,
    pub(crate) egress: Vec<AclRule>,
}

#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) id: String,
    /// The most specific first.
    pub(crate) routes: Vec<Route>,
}

#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) block: IpNet,
    /// As it is written: a block, or a prefix list's id.
    pub(crate) written: String,
    pub(crate) target: Target,
    /// The target's id.
    pub(crate) target_id: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Local,
    InternetGateway,
    EgressOnlyGateway,
    Nat(usize),
    Peering(usize),
    /// The attachment of this VPC.
    Transit(usize),
    /// A gateway endpoint.
    Service(usize),
    Interface(usize),
    BlackHole,
    /// What is not modelled.
    Unknown,
}

#[derive(Debug)]
pub(crate) struct Nat {
    pub(crate) id: String,
    pub(crate) interface: usize,
    pub(crate) private: IpAddr,
}

#[derive(Debug)]
pub(crate) struct Peering {
    pub(crate) id: String,
    pub(crate) sides: [Option<usize>; 2],
    pub(crate) active: bool,
}

#[derive(Debug)]
pub(crate) struct Attachment {
    pub(crate) id: String,
    pub(crate) gateway: String,
    pub(crate) vpc: usize,
    pub(crate) subnets: Vec<usize>,
    /// The table that routes its packets.
    pub(crate) table: Option<usize>,
}

#[derive(Debug)]
pub(crate) struct TransitTable {
    pub(crate) id: String,
    /// The most specific first.
    pub(crate) ways: Vec<(IpNet, Beyond)>,
    /// Its routes are not known.
    pub(crate) unmodelled: bool,
}

/// What a transit gateway's route leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beyond {
    Attachment(usize),
    Nothing,
    /// An attachment that is not modelled, such as a VPN.
    Unknown,
}

impl Network {
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// The place of an interface by its id.
    pub fn interface(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// The interface that has a public address.
    pub fn public(&self, address: IpAddr) -> Option<usize> {
        self.public.get(&address).copied()
    }

    /// Source ports that are worth a try where any will do: if one gets through, one of these does.
    pub fn source_ports(&self) -> Vec<u16> {
        const USUAL: [u16; 4] = [49152, 32768, 1024, 65535];
        let rules = self.acls.iter().flat_map(|a| a.ingress.iter().chain(&a.egress));
        let borders = rules.flat_map(|r| r.service.borders());
        let around = borders.flat_map(|p| [p.saturating_sub(1), p, p.saturating_add(1)]);
        let mut ports: Vec<u16> = USUAL.into_iter().chain(around.filter(|p| *p >= 1024)).collect();
        let mut seen = HashSet::new();
        ports.retain(|p| seen.insert(*p));
        ports
    }

    pub fn vpcs(&self) -> &[Vpc] {
        &self.vpcs
    }

    pub fn subnets(&self) -> &[Subnet] {
        &self.subnets
    }
}

impl Table {
    /// The most specific route to an address.
    pub(crate) fn lookup(&self, to: IpAddr) -> Option<(usize, &Route)> {
        self.routes.iter().enumerate().find(|(_, r)| r.block.contains(&to))
    }
}

impl TransitTable {
    /// What is behind it where an address is.
    pub(crate) fn lookup(&self, to: IpAddr) -> Beyond {
        let found = self.ways.iter().find(|(block, _)| block.contains(&to));
        match found {
            _ if self.unmodelled => Beyond::Unknown,
            Some((_, beyond)) => *beyond,
            None => Beyond::Nothing,
        }
    }
}
