//! Tells a way in words: one line per hop, with the rule that decided.

use std::fmt::Write as _;

use crate::network::Network;
use crate::rule::{AclRule, Peer, Service};
use crate::way::{Drop, End, Flow, Hop, Lack, Way};

impl Network {
    /// The hops of a flow and how it ends, a line each.
    pub fn tell(&self, flow: &Flow) -> Vec<String> {
        let mut lines = self.tell_way(&flow.there);
        if let Some(back) = &flow.back {
            lines.push("the answer:".to_owned());
            lines.extend(self.tell_way(back));
        }
        lines
    }

    fn tell_way(&self, way: &Way) -> Vec<String> {
        let mut lines = vec![way.packet.to_string()];
        lines.extend(way.hops.iter().map(|hop| format!("  {}", self.hop(hop))));
        let end = match &way.end {
            End::Interface(place) => format!("arrives at {}", self.name_of(*place)),
            End::Internet => "arrives in the internet".to_owned(),
            End::Service { endpoint } => {
                format!("arrives at the service behind {}", or_none(self.endpoints.get(*endpoint)))
            }
            End::Dropped(drop) => format!("DROPPED: {}", self.drop(drop)),
            End::Unknown(what) => format!("UNKNOWN: {what}"),
        };
        lines.push(format!("  {end}"));
        lines
    }

    fn hop(&self, hop: &Hop) -> String {
        match *hop {
            Hop::Left { interface, group, rule } => self.judged(interface, group, rule, true),
            Hop::Entered { interface, group, rule } => self.judged(interface, group, rule, false),
            Hop::Passed { interface } => format!("passes {}", self.name_of(interface)),
            Hop::Acl { subnet, egress, entry } => {
                format!("{} {}", self.border(subnet, egress), self.entry(subnet, egress, Some(entry)))
            }
            Hop::Route { table, route } => {
                let found = self.tables.get(table).and_then(|t| Some((&t.id, t.routes.get(route)?)));
                found.map_or_else(String::new, |(id, r)| format!("{id}: {} to {}", r.written, r.target_id))
            }
            Hop::InternetGateway { vpc, from, to } => {
                let gateway = self.vpcs.get(vpc).and_then(|v| v.internet_gateway.as_ref());
                let changed = if from == to { String::new() } else { format!(", {from} becomes {to}") };
                format!("{}{changed}", or_none(gateway))
            }
            Hop::EgressOnlyGateway { vpc } => {
                format!("the egress-only gateway of {}", or_none(self.vpcs.get(vpc).map(|v| &v.id)))
            }
            Hop::Nat { nat, from, to } => {
                format!("{}: {from} becomes {to}", or_none(self.nats.get(nat).map(|n| &n.id)))
            }
            Hop::Peering { peering } => or_none(self.peerings.get(peering).map(|p| &p.id)).to_owned(),
            Hop::Transit { from, table, to } => {
                let attachment = |place: usize| or_none(self.attachments.get(place).map(|a| &a.id));
                format!(
                    "{}: {} by {} to {}",
                    or_none(self.attachments.get(from).map(|a| &a.gateway)),
                    attachment(from),
                    or_none(self.transit_tables.get(table).map(|t| &t.id)),
                    attachment(to)
                )
            }
            Hop::Appliance { interface } => format!("taken by {}", self.name_of(interface)),
        }
    }

    fn drop(&self, drop: &Drop) -> String {
        let vpc_of = |place: usize| or_none(self.vpcs.get(place).map(|v| &v.id));
        let subnet_of = |place: usize| or_none(self.subnets.get(place).map(|s| &s.id));
        let attachment_of = |place: usize| or_none(self.attachments.get(place).map(|a| &a.id));
        match *drop {
            Drop::Spoofed { interface } => {
                format!("the source is no address of {}", self.name_of(interface))
            }
            Drop::Groups { interface, egress } => {
                let own = self.interfaces.get(interface).map(|i| i.groups.as_slice()).unwrap_or_default();
                let groups: Vec<&str> =
                    own.iter().filter_map(|g| self.groups.get(*g)).map(|g| g.id.as_str()).collect();
                let way = if egress { "out of" } else { "into" };
                format!("no rule of {} lets it {way} {}", groups.join(", "), self.name_of(interface))
            }
            Drop::Acl { subnet, egress, entry } => {
                format!("{} {}", self.border(subnet, egress), self.entry(subnet, egress, entry))
            }
            Drop::NoRoute { subnet } => {
                let table = self.subnets.get(subnet).and_then(|s| self.tables.get(s.table?));
                format!("{} of {} has no route", or_none(table.map(|t| &t.id)), subnet_of(subnet))
            }
            Drop::BlackHole { table, route } => {
                let found = self.tables.get(table).and_then(|t| Some((&t.id, t.routes.get(route)?)));
                found.map_or_else(String::new, |(id, r)| {
                    format!("{id}: {} to {} is a black hole for it", r.written, r.target_id)
                })
            }
            Drop::NoSuchAddress { vpc } => format!("nobody in {} has the address", vpc_of(vpc)),
            Drop::NoSuchPublicAddress => "nobody has the public address".to_owned(),
            Drop::NoPublicAddress { interface } => {
                format!("{} has no public address", self.name_of(interface))
            }
            Drop::NoInternetGateway { vpc } => format!("{} has no internet gateway", vpc_of(vpc)),
            Drop::Unasked => "it belongs to no flow that was asked for there".to_owned(),
            Drop::NoAttachmentInZone { attachment, subnet } => {
                format!("{} has no subnet in the zone of {}", attachment_of(attachment), subnet_of(subnet))
            }
            Drop::TransitTable { attachment } => {
                let table = self.attachments.get(attachment).and_then(|a| self.transit_tables.get(a.table?));
                match table {
                    Some(table) => format!("{} has no route, or a black hole", table.id),
                    None => format!("{} is associated with no route table", attachment_of(attachment)),
                }
            }
            Drop::DestinationCheck { interface } => {
                format!("{} takes only what is addressed to it", self.name_of(interface))
            }
            Drop::Circle => "the way leads in a circle".to_owned(),
            Drop::NotDescribed(lack) => self.lack(lack),
        }
    }

    pub(crate) fn lack(&self, lack: Lack) -> String {
        let subnet_of = |place: usize| or_none(self.subnets.get(place).map(|s| &s.id));
        match lack {
            Lack::Acl { subnet } => {
                format!("the network ACL of {}, which is not described", subnet_of(subnet))
            }
            Lack::Table { subnet } => {
                format!("the route table of {}, which is not described", subnet_of(subnet))
            }
            Lack::Groups { interface } => {
                format!("a security group of {}, which is not described", self.name_of(interface))
            }
        }
    }

    fn name_of(&self, place: usize) -> String {
        let Some(interface) = self.interfaces.get(place) else { return "(none)".to_owned() };
        match interface.description.as_str() {
            "" => interface.id.clone(),
            description => format!("{} ({description})", interface.id),
        }
    }

    fn judged(&self, interface: usize, group: usize, rule: usize, egress: bool) -> String {
        let way = if egress { "out of" } else { "into" };
        let found = self.groups.get(group).and_then(|g| {
            let rules = if egress { &g.egress } else { &g.ingress };
            Some((g, rules.get(rule)?))
        });
        let Some((group, rule)) = found else { return String::new() };
        let peer = match &rule.peer {
            Peer::Block(block) => block.to_string(),
            Peer::Blocks(_) => "a prefix list".to_owned(),
            Peer::Members(group) => or_none(self.groups.get(*group).map(|g| &g.id)).to_owned(),
            Peer::Nobody => "nobody".to_owned(),
        };
        let (id, name) = (&group.id, &group.name);
        format!(
            "{id} ({name}) lets {} {way} {} by {} ({peer})",
            rule.service,
            self.name_of(interface),
            rule.id
        )
    }

    fn border(&self, subnet: usize, egress: bool) -> String {
        let own = self.subnets.get(subnet);
        let acl = own.and_then(|s| self.acls.get(s.acl?)).map(|a| &a.id);
        let way = if egress { "out of" } else { "into" };
        format!("{} {way} {}:", or_none(acl), or_none(own.map(|s| &s.id)))
    }

    fn entry(&self, subnet: usize, egress: bool, entry: Option<usize>) -> String {
        let acl = self.subnets.get(subnet).and_then(|s| self.acls.get(s.acl?));
        let rule: Option<&AclRule> = acl.and_then(|a| {
            let rules = if egress { &a.egress } else { &a.ingress };
            rules.get(entry?)
        });
        match rule {
            Some(rule) => {
                let verdict = if rule.allow { "allows" } else { "denies" };
                format!("rule {} {verdict} {} ({})", rule.number, rule.service, rule.block)
            }
            None => "no rule allows it".to_owned(),
        }
    }
}

fn or_none(text: Option<&String>) -> &str {
    text.map_or("(none)", String::as_str)
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = |value: &Option<u16>| value.map_or("*".to_owned(), |v| v.to_string());
        let mut text = String::new();
        match self {
            Service::All => text.push_str("everything"),
            Service::Protocol(protocol) => write!(text, "{protocol}")?,
            Service::Ports(protocol, ports) if ports.start() == ports.end() => {
                write!(text, "{protocol} {}", ports.start())?;
            }
            Service::Ports(protocol, ports) => {
                write!(text, "{protocol} {} to {}", ports.start(), ports.end())?;
            }
            Service::Icmp(protocol, kind, code) => {
                write!(text, "{protocol} type {} code {}", of(kind), of(code))?;
            }
            Service::None => text.push_str("nothing"),
        }
        f.write_str(&text)
    }
}
