//! What is sent.

use std::net::IpAddr;

/// An IP protocol by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocol(pub u8);

impl Protocol {
    pub const ICMP: Protocol = Protocol(1);
    pub const TCP: Protocol = Protocol(6);
    pub const UDP: Protocol = Protocol(17);
    pub const ICMPV6: Protocol = Protocol(58);

    /// A name (`tcp`, `udp`, `icmp`, `icmpv6`) or a number from 0 to 255.
    pub fn parse(text: &str) -> Option<Protocol> {
        match text.to_ascii_lowercase().as_str() {
            "tcp" => Some(Protocol::TCP),
            "udp" => Some(Protocol::UDP),
            "icmp" => Some(Protocol::ICMP),
            "icmpv6" => Some(Protocol::ICMPV6),
            number => number.parse().ok().map(Protocol),
        }
    }

    pub fn has_ports(self) -> bool {
        self == Protocol::TCP || self == Protocol::UDP
    }

    pub fn is_icmp(self) -> bool {
        self == Protocol::ICMP || self == Protocol::ICMPV6
    }
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Protocol::TCP => f.write_str("tcp"),
            Protocol::UDP => f.write_str("udp"),
            Protocol::ICMP => f.write_str("icmp"),
            Protocol::ICMPV6 => f.write_str("icmpv6"),
            Protocol(number) => write!(f, "protocol {number}"),
        }
    }
}

/// One packet. For ICMP the type stands in `destination_port` and the code in `source_port`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub protocol: Protocol,
    pub source_port: u16,
    pub destination_port: u16,
}

impl Packet {
    /// The packet that answers this one.
    #[must_use]
    pub fn answer(self) -> Packet {
        let (source_port, destination_port) = match (self.protocol.is_icmp(), self.destination_port) {
            // An echo is answered by an echo reply (RFC 792, RFC 4443).
            (true, 8) if self.protocol == Protocol::ICMP => (self.source_port, 0),
            (true, 128) if self.protocol == Protocol::ICMPV6 => (self.source_port, 129),
            (true, kind) => (self.source_port, kind),
            (false, port) => (port, self.source_port),
        };
        Packet {
            source: self.destination,
            destination: self.source,
            protocol: self.protocol,
            source_port,
            destination_port,
        }
    }
}

impl std::fmt::Display for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Packet { source, destination, protocol, source_port, destination_port } = self;
        match (protocol.has_ports(), protocol.is_icmp()) {
            (true, _) => {
                write!(
                    f,
                    "{protocol} from {source} port {source_port} to {destination} port {destination_port}"
                )
            }
            (_, true) => write!(
                f,
                "{protocol} type {destination_port} code {source_port} from {source} to {destination}"
            ),
            _ => write!(f, "{protocol} from {source} to {destination}"),
        }
    }
}

/// Where a packet begins: outside, or at an interface, by its place in [`crate::Network::interfaces`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    Internet,
    Interface(usize),
}

/// Whether the security groups judge: the first packet of a flow, or one that belongs to a flow that they know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    New,
    Established,
}
