//! What a rule says of a packet's protocol, ports and peer.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use ipnet::IpNet;

use crate::packet::{Packet, Protocol};

/// The protocols and ports that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    All,
    /// Every packet of a protocol.
    Protocol(Protocol),
    /// Destination ports of TCP or UDP.
    Ports(Protocol, RangeInclusive<u16>),
    /// A type and a code; `None`: every one.
    Icmp(Protocol, Option<u16>, Option<u16>),
    /// Nothing: what could not be read admits nobody.
    None,
}

impl Service {
    pub(crate) fn of(protocol: &str, from: Option<i64>, to: Option<i64>) -> Service {
        if protocol == "-1" || protocol.eq_ignore_ascii_case("all") {
            return Service::All;
        }
        let Some(protocol) = Protocol::parse(protocol) else { return Service::None };
        let word = |value: Option<i64>| value.filter(|v| *v >= 0).and_then(|v| u16::try_from(v).ok());
        match (protocol, from, to) {
            (p, from, to) if p.is_icmp() => Service::Icmp(p, word(from), word(to)),
            (p, _, _) if !p.has_ports() => Service::Protocol(p),
            // All ports are written as none, as -1, or as their whole range.
            (p, None | Some(-1), None | Some(-1)) => Service::Protocol(p),
            (p, Some(from), Some(to)) => match (u16::try_from(from), u16::try_from(to)) {
                (Ok(from), Ok(to)) => Service::Ports(p, from..=to),
                _ => Service::None,
            },
            _ => Service::None,
        }
    }

    pub(crate) fn takes(&self, packet: &Packet) -> bool {
        match self {
            Service::All => true,
            Service::Protocol(protocol) => *protocol == packet.protocol,
            Service::Ports(protocol, ports) => {
                *protocol == packet.protocol && ports.contains(&packet.destination_port)
            }
            Service::Icmp(protocol, kind, code) => {
                *protocol == packet.protocol
                    && kind.is_none_or(|k| k == packet.destination_port)
                    && code.is_none_or(|c| c == packet.source_port)
            }
            Service::None => false,
        }
    }

    /// Where a range of ports begins or ends.
    pub(crate) fn borders(&self) -> impl Iterator<Item = u16> {
        let ends = match self {
            Service::Ports(_, ports) => [Some(*ports.start()), Some(*ports.end())],
            _ => [None, None],
        };
        ends.into_iter().flatten()
    }
}

/// The other side of a rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Block(IpNet),
    /// A prefix list, resolved.
    Blocks(Vec<IpNet>),
    /// The private addresses of a group's members.
    Members(usize),
    /// A group that this one cannot refer to, or that is gone.
    Nobody,
}

#[derive(Clone, Debug)]
pub(crate) struct GroupRule {
    pub(crate) id: String,
    pub(crate) service: Service,
    pub(crate) peer: Peer,
}

#[derive(Clone, Debug)]
pub(crate) struct AclRule {
    pub(crate) number: i64,
    pub(crate) service: Service,
    pub(crate) block: IpNet,
    pub(crate) allow: bool,
}

impl AclRule {
    /// `other`: where an incoming packet comes from, or where an outgoing one goes.
    pub(crate) fn takes(&self, packet: &Packet, other: IpAddr) -> bool {
        self.block.contains(&other) && self.service.takes(packet)
    }
}
