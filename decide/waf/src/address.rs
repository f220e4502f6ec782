//! Blocks of addresses, and addresses that a proxy has written down.

use std::net::{IpAddr, Ipv6Addr};

use model::estate::waf::rule::ForwardedIp;

use crate::request::Request;

/// Sorted, merged ranges: a look-up is a binary search.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Blocks {
    ranges: Vec<(u128, u128)>,
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

impl Blocks {
    pub(crate) fn read(given: &[String]) -> Result<Blocks, String> {
        let mut ranges: Vec<(u128, u128)> = given.iter().map(|b| block(b)).collect::<Result<_, _>>()?;
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
        for (from, to) in ranges {
            match merged.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => merged.push((from, to)),
            }
        }
        Ok(Blocks { ranges: merged })
    }

    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        let wanted = number(address);
        let behind = self.ranges.partition_point(|(from, _)| *from <= wanted);
        behind.checked_sub(1).and_then(|i| self.ranges.get(i)).is_some_and(|(_, to)| wanted <= *to)
    }
}

fn block(text: &str) -> Result<(u128, u128), String> {
    let bad = || format!("`{text}` is no block of addresses");
    let (address, length) = text.split_once('/').ok_or_else(bad)?;
    let address: IpAddr = address.parse().map_err(|_| bad())?;
    let length: u32 = length.parse().map_err(|_| bad())?;
    let (width, shift) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
    if length > width {
        return Err(bad());
    }
    let mask = u128::MAX.checked_shr(length + shift).unwrap_or(0);
    let from = number(address) & !mask;
    Ok((from, from | mask))
}

/// What a forwarding header says.
pub(crate) enum Forwarded {
    Absent,
    /// It holds something that is no address.
    Invalid,
    Addresses(Vec<IpAddr>),
}

/// The addresses of the header, in order. AWS looks at no more than the last ten.
pub(crate) fn forwarded(request: &Request<'_>, config: &ForwardedIp) -> Forwarded {
    let Some(value) = request.header(&config.header_name.to_ascii_lowercase()) else {
        return Forwarded::Absent;
    };
    let all: Option<Vec<IpAddr>> =
        value.split(|b| *b == b',').map(|part| address(part.trim_ascii())).collect();
    match all {
        Some(mut all) => {
            let old = all.len().saturating_sub(10);
            all.drain(..old);
            Forwarded::Addresses(all)
        }
        None => Forwarded::Invalid,
    }
}

/// An address, perhaps with a port or in brackets.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Some(inner) = text.strip_prefix('[') {
        return inner.split_once(']')?.0.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    text.rsplit_once(':').and_then(|(host, _)| host.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_hold_their_addresses_and_no_others() {
        let given = ["10.0.0.0/8", "192.0.2.44/32", "2001:db8::/32", "10.1.0.0/16"].map(str::to_owned);
        let blocks = Blocks::read(&given).unwrap();
        for (address, expected) in [
            ("10.255.0.1", true),
            ("9.255.255.255", false),
            ("11.0.0.0", false),
            ("192.0.2.44", true),
            ("192.0.2.45", false),
            ("2001:db8:1::1", true),
            ("2001:db9::", false),
            ("::ffff:10.0.0.1", true),
        ] {
            assert_eq!(blocks.holds(address.parse().unwrap()), expected, "{address}");
        }
        for bad in ["10.0.0.0", "10.0.0.0/33", "x/8", "::/129"] {
            assert!(Blocks::read(&[bad.to_owned()]).is_err(), "{bad}");
        }
        assert!(Blocks::read(&["0.0.0.0/0".into()]).unwrap().holds("1.2.3.4".parse().unwrap()));
        assert!(Blocks::read(&["::/0".into()]).unwrap().holds("::1".parse().unwrap()));
    }
}
