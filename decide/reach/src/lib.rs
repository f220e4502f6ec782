//! Decides what a VPC network does with a packet: security groups, network ACLs, route tables, gateways,
//! peering, transit gateways, endpoints and address translation.
//!
//! Pure: no clock, no input or output, no state. A [`Network`] is compiled from a snapshot once; a
//! [`Network::route`] follows one packet hop by hop, and a [`Network::flow`] follows it and its answer.
//! What no rule admits is dropped; what is not modelled is [`End::Unknown`] and never counted as an arrival.
//!
//! Follows the VPC user guide ("Security groups", "Network ACLs", "Route tables", "NAT gateways",
//! "VPC peering") and the Transit Gateway guide ("How network ACLs work with transit gateways").

mod compile;
mod described;
mod network;
mod packet;
mod route;
mod rule;
mod tell;
mod way;

pub use described::Described;
pub use network::{Interface, Network, Subnet, Vpc};
pub use packet::{Entry, Packet, Protocol, Ways};
pub use way::{Drop, End, Flow, Hop, Lack, Way};
