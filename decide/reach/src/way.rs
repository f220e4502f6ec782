//! The way of a packet, and how it ends. Names are rendered in `tell`; here are places in the network.

use std::net::IpAddr;

use crate::packet::Packet;

/// A place that a packet passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// It left this interface, let out by this rule of one of its groups.
    Left {
        interface: usize,
        group: usize,
        rule: usize,
    },
    /// It left or reached this interface as part of a flow that its groups know, or that has none.
    Passed {
        interface: usize,
    },
    /// It reached this interface, let in by this rule of one of its groups.
    Entered {
        interface: usize,
        group: usize,
        rule: usize,
    },
    /// A network ACL's entry let it out of a subnet, or into it.
    Acl {
        subnet: usize,
        egress: bool,
        entry: usize,
    },
    /// A route of a subnet's table took it.
    Route {
        table: usize,
        route: usize,
    },
    InternetGateway {
        vpc: usize,
        from: IpAddr,
        to: IpAddr,
    },
    EgressOnlyGateway {
        vpc: usize,
    },
    /// A NAT gateway put its own address in place of another, or put the other back.
    Nat {
        nat: usize,
        from: IpAddr,
        to: IpAddr,
    },
    Peering {
        peering: usize,
    },
    /// A transit gateway took it from one attachment to another.
    Transit {
        from: usize,
        table: usize,
        to: usize,
    },
    /// An interface whose source and destination check is off took what is not its own.
    Appliance {
        interface: usize,
    },
}

/// Why a packet went no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// The source address is not one of the interface's.
    Spoofed {
        interface: usize,
    },
    /// No group of the interface lets it out.
    Groups {
        interface: usize,
        egress: bool,
    },
    /// An entry denies it; `None`: none matches.
    Acl {
        subnet: usize,
        egress: bool,
        entry: Option<usize>,
    },
    NoRoute {
        subnet: usize,
    },
    /// The route's target is gone, or cannot take packets.
    BlackHole {
        table: usize,
        route: usize,
    },
    /// Nobody in the VPC has this address.
    NoSuchAddress {
        vpc: usize,
    },
    /// Nothing public has this address.
    NoSuchPublicAddress,
    /// The sender has no public address, and so no way through the internet gateway.
    NoPublicAddress {
        interface: usize,
    },
    NoInternetGateway {
        vpc: usize,
    },
    /// NAT and egress-only gateways let nothing in that was not asked for.
    Unasked,
    /// The transit gateway's attachment has no subnet in the sender's availability zone.
    NoAttachmentInZone {
        attachment: usize,
        subnet: usize,
    },
    /// The attachment is associated with no table, or the table has no route, or a black hole.
    TransitTable {
        attachment: usize,
    },
    /// The interface would not take what is not addressed to it.
    DestinationCheck {
        interface: usize,
    },
    /// The way leads in a circle.
    Circle,
    /// Of a network that is known in part: what decides here is not known. It ends a way as [`End::Unknown`].
    NotDescribed(Lack),
}

/// What is not described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    Acl { subnet: usize },
    Table { subnet: usize },
    Groups { interface: usize },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It arrived at this interface.
    Interface(usize),
    /// It left to the internet.
    Internet,
    /// It arrived at an AWS service, through this gateway endpoint.
    Service {
        endpoint: usize,
    },
    Dropped(Drop),
    /// It came to something that is not modelled, and that is named here.
    Unknown(String),
}

/// The way of one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// As it was sent.
    pub packet: Packet,
    pub hops: Vec<Hop>,
    pub end: End,
    /// As it arrived: addresses may have been translated.
    pub arrived: Packet,
}

impl Way {
    pub fn arrives(&self) -> bool {
        matches!(self.end, End::Interface(_) | End::Internet | End::Service { .. })
    }
}

/// A packet that begins a flow, and its answer if it arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    pub there: Way,
    pub back: Option<Way>,
}

impl Flow {
    /// Whether the packet arrives and its answer comes back to who sent it.
    /// `None`: that hangs on something that is not modelled.
    pub fn reachable(&self) -> Option<bool> {
        let unknown = |way: &Way| matches!(way.end, End::Unknown(_));
        match &self.back {
            _ if unknown(&self.there) => None,
            Some(back) if unknown(back) => None,
            back => Some(self.there.arrives() && back.as_ref().is_none_or(Way::arrives)),
        }
    }
}
