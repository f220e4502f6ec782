//! Blocks of addresses: how they are read, and what may lie where.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use model::{Fault, Tx};

use crate::fault;

/// A block of either family, with the bits of the host put to zero.
pub(crate) fn any(text: &str, parameter: &str) -> Result<IpNet, Fault> {
    let malformed = || fault::bad_value(text, parameter, "This is not a valid CIDR block.");
    text.parse::<IpNet>().map(|net| net.trunc()).map_err(|_| malformed())
}

pub(crate) fn v4(text: &str, parameter: &str) -> Result<Ipv4Net, Fault> {
    match any(text, parameter)? {
        IpNet::V4(net) => Ok(net),
        IpNet::V6(_) => Err(fault::bad_value(text, parameter, "This is not a valid CIDR block.")),
    }
}

pub(crate) fn v6(text: &str, parameter: &str) -> Result<Ipv6Net, Fault> {
    match any(text, parameter)? {
        IpNet::V6(net) => Ok(net),
        IpNet::V4(_) => Err(fault::bad_value(text, parameter, "This is not a valid IPv6 CIDR block.")),
    }
}

pub(crate) fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

pub(crate) fn overlap4(a: &Ipv4Net, b: &Ipv4Net) -> bool {
    a.contains(b) || b.contains(a)
}

/// Blocks that were checked when they were stored; what is none of them is passed over.
pub(crate) fn nets(blocks: &[String]) -> impl Iterator<Item = IpNet> + '_ {
    blocks.iter().filter_map(|b| b.parse().ok())
}

/// No VPC may use these: this host, loopback, link-local, multicast, reserved.
const FORBIDDEN: [&str; 5] = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"];

/// What may not be added to a VPC whose first block lies in the range on the left
/// ("IPv4 CIDR block association restrictions"). The last row is for all other ranges.
const RESTRICTED: [(&str, &[&str]); 4] = [
    ("10.0.0.0/8", &["172.16.0.0/12", "192.168.0.0/16", "198.19.0.0/16"]),
    ("172.16.0.0/12", &["10.0.0.0/8", "192.168.0.0/16", "172.31.0.0/16", "198.19.0.0/16"]),
    ("192.168.0.0/16", &["10.0.0.0/8", "172.16.0.0/12", "198.19.0.0/16"]),
    ("0.0.0.0/0", &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.19.0.0/16"]),
];

fn within(net: &Ipv4Net, range: &str) -> bool {
    range.parse::<Ipv4Net>().is_ok_and(|range| range.contains(net))
}

fn touches(net: &Ipv4Net, range: &str) -> bool {
    range.parse::<Ipv4Net>().is_ok_and(|range| overlap4(&range, net))
}

/// A block for a VPC: /16 to /28, of addresses that hosts can have.
pub(crate) fn of_vpc(text: &str) -> Result<Ipv4Net, Fault> {
    let net = v4(text, "cidrBlock")?;
    match (16..=28).contains(&net.prefix_len()) && !FORBIDDEN.iter().any(|f| touches(&net, f)) {
        true => Ok(net),
        false => Err(Fault::client("InvalidVpc.Range", format!("The CIDR '{text}' is invalid."))),
    }
}

/// Whether a further block may join the blocks of a VPC.
pub(crate) fn joins(net: &Ipv4Net, blocks: &[String]) -> Result<(), Fault> {
    let refused = |why: &str| Fault::client("InvalidVpc.Range", format!("The CIDR '{net}' {why}"));
    if nets(blocks).any(|b| overlap(&b, &IpNet::V4(*net))) {
        return Err(refused("conflicts with another CIDR block of the VPC"));
    }
    let Some(first) = blocks.iter().find_map(|b| b.parse::<Ipv4Net>().ok()) else { return Ok(()) };
    let row = RESTRICTED.iter().find(|(range, _)| within(&first, range));
    match row.is_some_and(|(_, refused)| refused.iter().any(|r| touches(net, r))) {
        true => Err(refused(
            "is restricted. Use a CIDR from the same private address range as the current VPC CIDR, or use a publicly-routable CIDR",
        )),
        false => Ok(()),
    }
}

/// Addresses of a subnet that hosts can have: AWS keeps the first four and the last.
pub(crate) fn hosts(net: &Ipv4Net) -> std::ops::RangeInclusive<u32> {
    let (first, last) = (u32::from(net.network()), u32::from(net.broadcast()));
    first.saturating_add(4)..=last.saturating_sub(1)
}

/// A free address from a random place on, or none.
pub(crate) fn free(tx: &Tx<'_>, net: &Ipv4Net, taken: &dyn Fn(Ipv4Addr) -> bool) -> Option<Ipv4Addr> {
    let hosts = hosts(net);
    let count = hosts.end().checked_sub(*hosts.start())?.checked_add(1)?;
    let start = u32::from_be_bytes(tx.random()) % count;
    let place = |i: u32| u32::try_from((u64::from(start) + u64::from(i)) % u64::from(count)).ok();
    (0..count)
        .filter_map(|i| Some(Ipv4Addr::from(hosts.start().checked_add(place(i)?)?)))
        .find(|address| !taken(*address))
}

/// A random address of an IPv6 block; the low ones are left to those who ask for them.
pub(crate) fn random6(tx: &Tx<'_>, net: &Ipv6Net) -> Ipv6Addr {
    let host = u128::from_be_bytes(tx.random()) & u128::from(net.hostmask());
    Ipv6Addr::from(u128::from(net.network()) | host.max(0x1_0000))
}

pub(crate) fn address(text: &str, parameter: &str) -> Result<IpAddr, Fault> {
    text.parse().map_err(|_| fault::bad_value(text, parameter, "This is not a valid IP address."))
}

#[cfg(test)]
mod tests {
    use super::{joins, of_vpc};

    #[test]
    fn blocks_of_vpcs() {
        for (text, good) in [
            ("10.0.0.0/16", true),
            ("10.0.0.0/15", false),
            ("10.0.0.0/28", true),
            ("10.0.0.0/29", false),
            ("127.0.0.0/16", false),
            ("169.254.0.0/20", false),
            ("100.64.0.0/16", true),
        ] {
            assert_eq!(of_vpc(text).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn blocks_that_join() {
        for (first, added, good) in [
            ("10.0.0.0/16", "10.1.0.0/16", true),
            ("10.0.0.0/16", "10.0.1.0/24", false),
            ("10.0.0.0/16", "172.16.0.0/16", false),
            ("10.0.0.0/16", "100.64.0.0/16", true),
            ("172.16.0.0/16", "172.31.0.0/20", false),
            ("172.16.0.0/16", "172.20.0.0/16", true),
            ("192.168.0.0/16", "10.0.0.0/16", false),
            ("100.64.0.0/16", "10.0.0.0/16", false),
            ("100.64.0.0/16", "198.19.0.0/24", false),
            ("100.64.0.0/16", "8.8.0.0/16", true),
        ] {
            let net = of_vpc(added).unwrap();
            assert_eq!(joins(&net, &[first.to_owned()]).is_ok(), good, "{first} {added}");
        }
    }
}
