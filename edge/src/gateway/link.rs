//! From a VPC link to the socket of a load balancer's listener: only within one VPC, and only
//! if the security groups of both sides let the connection through.

use std::net::{Ipv4Addr, SocketAddr};

use model::estate::apigateway::VpcLink;
use model::estate::ec2::{NetworkInterface, Peer, SecurityGroup, SecurityGroupRule, Subnet};
use model::estate::elb::{Listener, LoadBalancer};
use model::plane::Plane;
use model::{AccountId, Snapshot};

/// Whose link leads where.
pub(super) struct Way<'a> {
    pub(super) account: &'a AccountId,
    pub(super) region: &'a str,
    pub(super) link: &'a str,
    /// The ARN of a load balancer or of its listener.
    pub(super) target: &'a str,
    /// Which listener of the load balancer is meant.
    pub(super) port: u16,
}

/// The socket, or why there is none.
pub(super) fn socket(plane: &Plane, snapshot: &Snapshot, way: &Way<'_>) -> Result<SocketAddr, String> {
    let link = snapshot.find::<VpcLink>(way.account, way.region, way.link);
    let link = link.filter(|l| l.vpc_link_status == "AVAILABLE");
    let link = link.ok_or_else(|| format!("the VPC link `{}` is gone", way.link))?;
    let listener = listener(snapshot, way)
        .ok_or_else(|| format!("`{}` has no listener on port {}", way.target, way.port))?;
    let balancer = snapshot.find_arn::<LoadBalancer>(&listener.load_balancer);
    let balancer = balancer.filter(|b| b.account == *way.account);
    let balancer = balancer.ok_or_else(|| format!("the load balancer of `{}` is gone", way.target))?;
    reaches(snapshot, link, balancer, listener.port)?;
    let arn = listener.arn();
    plane.book.socket(&arn).ok_or_else(|| format!("the listener `{arn}` does not listen"))
}

fn listener<'a>(snapshot: &'a Snapshot, way: &Way<'_>) -> Option<&'a Listener> {
    if let Some(listener) = snapshot.find_arn::<Listener>(way.target) {
        return (listener.account == *way.account).then_some(listener);
    }
    snapshot
        .list::<Listener>(way.account, way.region)
        .find(|l| l.load_balancer == way.target && l.port == way.port)
}

/// Both sides' groups must allow it: out of the link, into the load balancer.
fn reaches(snapshot: &Snapshot, link: &VpcLink, balancer: &LoadBalancer, port: u16) -> Result<(), String> {
    let subnets: Vec<&Subnet> = link
        .subnet_ids
        .iter()
        .filter_map(|id| snapshot.find::<Subnet>(&link.account, &link.region, id))
        .collect();
    if subnets.len() != link.subnet_ids.len() || subnets.iter().any(|s| s.vpc != balancer.vpc) {
        return Err("the VPC link and the load balancer are not in the same VPC".to_owned());
    }
    let group = |id: &String| snapshot.find::<SecurityGroup>(&link.account, &link.region, id);
    let mut ours: Vec<&SecurityGroup> = link.security_group_ids.iter().filter_map(group).collect();
    if link.security_group_ids.is_empty() {
        let all = snapshot.list::<SecurityGroup>(&link.account, &link.region);
        ours = all.filter(|g| g.vpc == balancer.vpc && g.name == "default").collect();
    }
    let theirs: Vec<&SecurityGroup> = balancer.security_groups.iter().filter_map(group).collect();
    let interface = |id: &String| snapshot.find::<NetworkInterface>(&link.account, &link.region, id);
    let addresses: Vec<Block> = balancer
        .interfaces
        .iter()
        .filter_map(interface)
        .filter_map(|i| Block::parse(&format!("{}/32", i.private_ip)))
        .collect();
    let blocks: Vec<Block> = subnets.iter().filter_map(|s| Block::parse(&s.cidr)).collect();
    let out = Side { groups: &theirs, blocks: &addresses, port };
    if !ours.iter().flat_map(|g| &g.egress).any(|rule| out.admitted(rule)) {
        return Err(format!(
            "the security groups of the VPC link let nothing out to the load balancer's port {port}"
        ));
    }
    let inward = Side { groups: &ours, blocks: &blocks, port };
    if !theirs.iter().flat_map(|g| &g.ingress).any(|rule| inward.admitted(rule)) {
        return Err(format!(
            "the security groups of the load balancer let the VPC link not in to port {port}"
        ));
    }
    Ok(())
}

/// The other side of a connection, as a rule sees it.
struct Side<'a> {
    groups: &'a [&'a SecurityGroup],
    blocks: &'a [Block],
    port: u16,
}

impl Side<'_> {
    fn admitted(&self, rule: &SecurityGroupRule) -> bool {
        let port = i64::from(self.port);
        let ports = match rule.protocol.as_str() {
            "-1" => true,
            "tcp" | "6" => rule.from_port.unwrap_or(0) <= port && port <= rule.to_port.unwrap_or(65_535),
            _ => false,
        };
        ports
            && match &rule.peer {
                Peer::Group { id, .. } => self.groups.iter().any(|g| g.id == *id),
                Peer::Ipv4(cidr) => Block::parse(cidr)
                    .is_some_and(|whole| self.blocks.iter().any(|part| whole.contains(*part))),
                // Load balancers here have no IPv6 addresses, and links none to be listed.
                Peer::Ipv6(_) | Peer::PrefixList(_) => false,
            }
    }
}

/// An IPv4 block.
#[derive(Clone, Copy)]
struct Block {
    first: u32,
    length: u32,
}

impl Block {
    fn parse(cidr: &str) -> Option<Block> {
        let (address, length) = cidr.split_once('/')?;
        let length: u32 = length.parse().ok().filter(|l| *l <= 32)?;
        let first = u32::from(address.parse::<Ipv4Addr>().ok()?) & Block::mask(length);
        Some(Block { first, length })
    }

    fn mask(length: u32) -> u32 {
        u32::MAX.checked_shl(32 - length).unwrap_or(0)
    }

    fn contains(self, other: Block) -> bool {
        self.length <= other.length && other.first & Block::mask(self.length) == self.first
    }
}
