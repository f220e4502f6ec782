//! Follows a packet through the network, hop by hop.

use std::net::IpAddr;

use crate::network::{Beyond, Network, Target};
use crate::packet::{Entry, Packet, Ways};
use crate::rule::{GroupRule, Peer};
use crate::way::{Drop, End, Flow, Hop, Lack, Way};

/// More hops than any way has that does not lead in a circle.
const FARTHEST: usize = 64;

/// What the gateways remember of a flow: what NAT gateways and the internet gateway translated on its way
/// there, and must put back.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    /// The NAT gateway that put its own address in place of this one.
    nat: Option<(usize, IpAddr)>,
    /// The VPC whose egress-only gateway it left by.
    egress_only: Option<usize>,
}

/// Where a packet stands that still has to go on.
enum Step {
    /// In a subnet, on its way out of it.
    From { subnet: usize },
    /// At the border of a VPC, from outside or from this subnet of it.
    Into { vpc: usize, from: Option<usize> },
}

struct Walk<'a> {
    network: &'a Network,
    packet: Packet,
    state: Ways,
    /// Of the flow that this packet answers.
    known: Memory,
    /// Of the flow that this packet begins.
    made: Memory,
    hops: Vec<Hop>,
    /// The interface that the packet came from last.
    at: Option<usize>,
}

impl Network {
    /// The way of one packet that begins a flow.
    pub fn route(&self, entry: Entry, packet: Packet) -> Way {
        self.walk(entry, packet, Ways::New, Memory::default()).0
    }

    /// The way of a packet that begins a flow, and of its answer.
    pub fn flow(&self, entry: Entry, packet: Packet) -> Flow {
        let (there, memory) = self.walk(entry, packet, Ways::New, Memory::default());
        let back = match (&there.end, entry) {
            (End::Interface(to), _) => Some((Entry::Interface(*to), there.arrived.answer())),
            (End::Internet, _) => Some((Entry::Internet, there.arrived.answer())),
            // An endpoint's answer comes the way that the request went.
            (End::Service { .. }, Entry::Interface(from)) => {
                return Flow { back: Some(self.served(from, &there)), there };
            }
            _ => None,
        };
        let back = back.map(|(from, answer)| {
            let (mut way, _) = self.walk(from, answer, Ways::Established, memory);
            let came = match (entry, &way.end) {
                (Entry::Interface(from), End::Interface(to)) => from == *to,
                (Entry::Internet, End::Internet) => way.arrived.source == packet.destination,
                (_, End::Dropped(_) | End::Unknown(_)) => true,
                _ => false,
            };
            if !came {
                // It went to somebody who did not ask.
                way.end = End::Dropped(Drop::Unasked);
            }
            way
        });
        Flow { there, back }
    }

    /// The answer of a gateway endpoint: only the subnet's ACL judges it.
    fn served(&self, to: usize, there: &Way) -> Way {
        let packet = there.arrived.answer();
        let mut walk = Walk::new(self, packet, Ways::Established, Memory::default());
        let end = match self.interfaces.get(to) {
            Some(interface) => match walk.acl(interface.subnet, false) {
                Ok(()) => End::Interface(to),
                Err(Drop::NotDescribed(lack)) => End::Unknown(self.lack(lack)),
                Err(drop) => End::Dropped(drop),
            },
            None => End::Dropped(Drop::Unasked),
        };
        Way { packet, hops: walk.hops, end, arrived: packet }
    }

    fn walk(&self, entry: Entry, packet: Packet, state: Ways, known: Memory) -> (Way, Memory) {
        let mut walk = Walk::new(self, packet, state, known);
        let end = match entry {
            Entry::Internet => walk.come_in(),
            Entry::Interface(place) => walk.sent(place),
        };
        let end = end.unwrap_or_else(|drop| match drop {
            Drop::NotDescribed(lack) => End::Unknown(self.lack(lack)),
            drop => End::Dropped(drop),
        });
        (Way { packet, hops: walk.hops, end, arrived: walk.packet }, walk.made)
    }
}

type Ended = Result<End, Drop>;

impl<'a> Walk<'a> {
    fn new(network: &'a Network, packet: Packet, state: Ways, known: Memory) -> Walk<'a> {
        let hops = Vec::with_capacity(12);
        Walk { network, packet, state, known, made: known, hops, at: None }
    }

    fn sent(&mut self, place: usize) -> Ended {
        let Some(interface) = self.network.interfaces.get(place) else {
            return Ok(End::Unknown("an interface that is not there".to_owned()));
        };
        if interface.checked && !interface.addresses.contains(&self.packet.source) {
            return Err(Drop::Spoofed { interface: place });
        }
        self.groups(place, true)?;
        self.at = Some(place);
        self.go(Step::From { subnet: interface.subnet })
    }

    /// A packet from outside, to a public address.
    fn come_in(&mut self) -> Ended {
        let public = self.packet.destination;
        let place = self.network.public(public).ok_or(Drop::NoSuchPublicAddress)?;
        let (Some(interface), Some(vpc)) = (self.network.interfaces.get(place), self.vpc_of(place)) else {
            return Err(Drop::NoSuchPublicAddress);
        };
        if self.known.egress_only == Some(vpc) {
            self.hops.push(Hop::EgressOnlyGateway { vpc });
            return self.go(Step::Into { vpc, from: None });
        }
        let Some(own) = self.network.vpcs.get(vpc).filter(|v| v.internet_gateway.is_some()) else {
            return Err(Drop::NoInternetGateway { vpc });
        };
        if let Some(private) = interface.addresses.iter().find(|a| a.is_ipv4() == public.is_ipv4())
            && public.is_ipv4()
        {
            self.packet.destination = *private;
            self.hops.push(Hop::InternetGateway { vpc, from: public, to: *private });
        } else {
            self.hops.push(Hop::InternetGateway { vpc, from: public, to: public });
        }
        match own.gateway_table {
            None => self.go(Step::Into { vpc, from: None }),
            Some(table) => self.by_table(table, vpc, None),
        }
    }

    fn go(&mut self, first: Step) -> Ended {
        let mut step = first;
        for _ in 0..FARTHEST {
            step = match step {
                Step::From { subnet } => match self.leave(subnet)? {
                    Ok(next) => next,
                    Err(end) => return Ok(end),
                },
                Step::Into { vpc, from } => match self.arrive(vpc, from)? {
                    Ok(next) => next,
                    Err(end) => return Ok(end),
                },
            };
        }
        Err(Drop::Circle)
    }

    /// Out of a subnet: straight to a neighbour, or past the ACL and by the route table.
    fn leave(&mut self, subnet: usize) -> Result<Result<Step, End>, Drop> {
        let Some(own) = self.network.subnets.get(subnet) else { return Err(Drop::NoRoute { subnet }) };
        if own.blocks.iter().any(|b| b.contains(&self.packet.destination)) {
            return Ok(Ok(Step::Into { vpc: own.vpc, from: Some(subnet) }));
        }
        self.acl(subnet, true)?;
        let table = own.table.ok_or(self.lacking(Lack::Table { subnet }, Drop::NoRoute { subnet }))?;
        self.next(table, own.vpc, Some(subnet))
    }

    fn by_table(&mut self, table: usize, vpc: usize, from: Option<usize>) -> Ended {
        match self.next(table, vpc, from)? {
            Ok(step) => self.go(step),
            Err(end) => Ok(end),
        }
    }

    /// What a route table does with the packet.
    fn next(&mut self, table: usize, vpc: usize, from: Option<usize>) -> Result<Result<Step, End>, Drop> {
        let no_route = || Drop::NoRoute { subnet: from.unwrap_or_default() };
        let routes = self.network.tables.get(table).ok_or_else(no_route)?;
        let (route, found) = routes.lookup(self.packet.destination).ok_or_else(no_route)?;
        let black_hole = Drop::BlackHole { table, route };
        self.hops.push(Hop::Route { table, route });
        match found.target {
            Target::Local => Ok(Ok(Step::Into { vpc, from })),
            Target::InternetGateway => self.out(vpc).map(Err),
            Target::EgressOnlyGateway => {
                if self.state == Ways::Established {
                    // What came in without being asked for has no way back here; what was asked for left from here.
                    return Err(Drop::Unasked);
                }
                self.made.egress_only = Some(vpc);
                self.hops.push(Hop::EgressOnlyGateway { vpc });
                Ok(Err(End::Internet))
            }
            Target::Nat(nat) => self.translate(nat, from).map(Ok),
            // Neither leads on what only passes through: there is no routing from edge to edge.
            Target::Peering(_) | Target::Service(_) if !self.begins_in(vpc) => Err(black_hole),
            Target::Peering(peering) => {
                let sides = self.network.peerings.get(peering).map(|p| p.sides);
                let other = sides.into_iter().flatten().find(|side| *side != Some(vpc)).ok_or(black_hole)?;
                self.hops.push(Hop::Peering { peering });
                match other {
                    Some(other) => Ok(Ok(Step::Into { vpc: other, from: None })),
                    None => Ok(Err(End::Unknown(
                        "the other side of a peering connection, which is not described".to_owned(),
                    ))),
                }
            }
            Target::Transit(attachment) => self.transit(attachment, from),
            Target::Service(endpoint) => Ok(Err(End::Service { endpoint })),
            Target::Interface(place) => self.appliance(place, from).map(Err),
            Target::BlackHole => Err(black_hole),
            Target::Unknown => Ok(Err(End::Unknown(format!("`{}`, which is not modelled", found.target_id)))),
        }
    }

    /// Out by the internet gateway, under the interface's public address.
    fn out(&mut self, vpc: usize) -> Ended {
        let from = self.packet.source;
        if from.is_ipv6() {
            return self.outside(Hop::InternetGateway { vpc, from, to: from });
        }
        let place = self.network.vpcs.get(vpc).and_then(|v| v.addresses.get(&from)).copied();
        let public = place.and_then(|p| self.network.interfaces.get(p)?.public);
        match (place, public) {
            (_, Some(public)) => {
                self.packet.source = public;
                self.outside(Hop::InternetGateway { vpc, from, to: public })
            }
            (place, None) => Err(Drop::NoPublicAddress { interface: place.or(self.at).unwrap_or_default() }),
        }
    }

    /// Outside, where what is addressed to a public address of this network comes in again.
    fn outside(&mut self, hop: Hop) -> Ended {
        self.hops.push(hop);
        match self.network.public(self.packet.destination) {
            Some(_) if self.hops.len() < FARTHEST => self.come_in(),
            Some(_) => Err(Drop::Circle),
            None => Ok(End::Internet),
        }
    }

    /// Whether the packet's source is an address of this VPC.
    fn begins_in(&self, vpc: usize) -> bool {
        self.network.vpcs.get(vpc).is_some_and(|v| v.addresses.contains_key(&self.packet.source))
    }

    /// Through a NAT gateway: into its subnet, and out of it under its own address.
    fn translate(&mut self, nat: usize, from: Option<usize>) -> Result<Step, Drop> {
        let Some(own) = self.network.nats.get(nat) else { return Err(Drop::Circle) };
        let subnet = self.network.interfaces.get(own.interface).map_or(0, |i| i.subnet);
        if from != Some(subnet) {
            self.acl(subnet, false)?;
        }
        let source = self.packet.source;
        if source.is_ipv6() || self.state == Ways::Established {
            return Err(Drop::Unasked);
        }
        self.made.nat = Some((nat, source));
        self.packet.source = own.private;
        self.at = Some(own.interface);
        self.hops.push(Hop::Nat { nat, from: source, to: own.private });
        Ok(Step::From { subnet })
    }

    /// By a transit gateway, from one of its attachments to another.
    fn transit(&mut self, from: usize, subnet: Option<usize>) -> Result<Result<Step, End>, Drop> {
        let Some(own) = self.network.attachments.get(from) else {
            return Err(Drop::TransitTable { attachment: from });
        };
        let zone = |subnet: usize| self.network.subnets.get(subnet).map(|s| s.zone.as_str());
        let sender = subnet.unwrap_or_default();
        let Some(entrance) = own.subnets.iter().copied().find(|s| zone(*s) == zone(sender)) else {
            return Err(Drop::NoAttachmentInZone { attachment: from, subnet: sender });
        };
        // The ACL of the attachment's subnet judges what comes in, by its source.
        self.acl(entrance, false)?;
        let lost = Drop::TransitTable { attachment: from };
        let table = own.table.ok_or(lost)?;
        let ways = self.network.transit_tables.get(table).ok_or(lost)?;
        let to = match ways.lookup(self.packet.destination) {
            Beyond::Attachment(to) => to,
            Beyond::Nothing => return Err(lost),
            Beyond::Unknown => {
                return Ok(Err(End::Unknown(format!("what `{}` leads to, which is not described", ways.id))));
            }
        };
        let other = self.network.attachments.get(to).ok_or(lost)?;
        self.hops.push(Hop::Transit { from, table, to });
        let there = other.subnets.iter().copied();
        let exit = there.clone().find(|s| zone(*s) == zone(sender)).or_else(|| there.clone().next());
        let exit = exit.ok_or(lost)?;
        // Within the attachment's own subnet no ACL judges what the gateway gives out.
        let Some(exit_subnet) = self.network.subnets.get(exit) else { return Err(lost) };
        if exit_subnet.blocks.iter().any(|b| b.contains(&self.packet.destination)) {
            return Ok(Ok(Step::Into { vpc: other.vpc, from: Some(exit) }));
        }
        self.acl(exit, true)?;
        let no_route = self.lacking(Lack::Table { subnet: exit }, Drop::NoRoute { subnet: exit });
        let table = exit_subnet.table.ok_or(no_route)?;
        self.next(table, other.vpc, Some(exit))
    }

    /// To an interface that takes what is not its own. What it does with it is not known.
    fn appliance(&mut self, place: usize, from: Option<usize>) -> Ended {
        let Some(interface) = self.network.interfaces.get(place) else { return Err(Drop::Circle) };
        if interface.checked {
            return Err(Drop::DestinationCheck { interface: place });
        }
        if from != Some(interface.subnet) {
            self.acl(interface.subnet, false)?;
        }
        self.groups(place, false)?;
        self.hops.push(Hop::Appliance { interface: place });
        Ok(End::Unknown(format!("what `{}` does with packets that are not its own", interface.id)))
    }

    /// To the interface that has the address, past the ACL of its subnet and its groups.
    fn arrive(&mut self, vpc: usize, from: Option<usize>) -> Result<Result<Step, End>, Drop> {
        let own = self.network.vpcs.get(vpc).ok_or(Drop::NoSuchAddress { vpc })?;
        let place = own.addresses.get(&self.packet.destination).copied();
        let place = place.ok_or(Drop::NoSuchAddress { vpc })?;
        let interface = self.network.interfaces.get(place).ok_or(Drop::NoSuchAddress { vpc })?;
        if from != Some(interface.subnet) {
            self.acl(interface.subnet, false)?;
        }
        if let Some(nat) = interface.nat {
            return self.untranslate(nat, interface.subnet).map(Ok);
        }
        self.groups(place, false)?;
        Ok(Err(End::Interface(place)))
    }

    /// A NAT gateway gives an answer to who asked, and takes nothing else.
    fn untranslate(&mut self, nat: usize, subnet: usize) -> Result<Step, Drop> {
        match self.known.nat.take() {
            Some((known, source)) if known == nat => {
                let from = self.packet.destination;
                self.packet.destination = source;
                self.hops.push(Hop::Nat { nat, from, to: source });
                self.at = self.network.nats.get(nat).map(|n| n.interface);
                Ok(Step::From { subnet })
            }
            _ => Err(Drop::Unasked),
        }
    }

    /// Asks the subnet's ACL. Without one nothing passes.
    fn acl(&mut self, subnet: usize, egress: bool) -> Result<(), Drop> {
        let denied = |entry| Drop::Acl { subnet, egress, entry };
        let acl = self.network.subnets.get(subnet).and_then(|s| self.network.acls.get(s.acl?));
        let Some(acl) = acl else { return Err(self.lacking(Lack::Acl { subnet }, denied(None))) };
        let (rules, other) = match egress {
            true => (&acl.egress, self.packet.destination),
            false => (&acl.ingress, self.packet.source),
        };
        match rules.iter().enumerate().find(|(_, rule)| rule.takes(&self.packet, other)) {
            Some((entry, rule)) if rule.allow => {
                self.hops.push(Hop::Acl { subnet, egress, entry });
                Ok(())
            }
            Some((entry, _)) => Err(denied(Some(entry))),
            None => Err(denied(None)),
        }
    }

    /// Asks the interface's groups, for a flow that they do not know yet.
    fn groups(&mut self, place: usize, egress: bool) -> Result<(), Drop> {
        let Some(interface) = self.network.interfaces.get(place) else {
            return Err(Drop::Groups { interface: place, egress });
        };
        if self.state == Ways::Established || !interface.judged {
            self.hops.push(Hop::Passed { interface: place });
            return Ok(());
        }
        let other = if egress { self.packet.destination } else { self.packet.source };
        for group in &interface.groups {
            let Some(own) = self.network.groups.get(*group) else { continue };
            let rules = if egress { &own.egress } else { &own.ingress };
            if let Some(rule) = rules.iter().position(|r| self.admits(r, other)) {
                let (interface, group) = (place, *group);
                self.hops.push(match egress {
                    true => Hop::Left { interface, group, rule },
                    false => Hop::Entered { interface, group, rule },
                });
                return Ok(());
            }
        }
        let drop = Drop::Groups { interface: place, egress };
        match interface.lacks_groups {
            true => Err(self.lacking(Lack::Groups { interface: place }, drop)),
            false => Err(drop),
        }
    }

    /// What is not there is not known, if the network is known in part.
    fn lacking(&self, lack: Lack, drop: Drop) -> Drop {
        if self.network.partial { Drop::NotDescribed(lack) } else { drop }
    }

    fn admits(&self, rule: &GroupRule, other: IpAddr) -> bool {
        let peer = || match &rule.peer {
            Peer::Block(block) => block.contains(&other),
            Peer::Blocks(blocks) => blocks.iter().any(|b| b.contains(&other)),
            Peer::Members(group) => {
                self.network.groups.get(*group).is_some_and(|g| g.members.contains(&other))
            }
            Peer::Nobody => false,
        };
        rule.service.takes(&self.packet) && peer()
    }

    fn vpc_of(&self, interface: usize) -> Option<usize> {
        let subnet = self.network.interfaces.get(interface)?.subnet;
        self.network.subnets.get(subnet).map(|s| s.vpc)
    }
}
