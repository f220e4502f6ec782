//! The values that typed operators compare: exact decimals, moments, address ranges,
//! truth values and bytes.
//!
//! What cannot be read compares with nothing. Dates follow the W3C profile of ISO 8601
//! or epoch seconds; a text of digits alone is epoch seconds, as in AWS.

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

/// A decimal number of any length, compared exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Decimal<'a>> {
        let (negative, body) = match text.strip_prefix('-') {
            Some(body) => (true, body),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        Some(Decimal { negative: negative && !(whole.is_empty() && fraction.is_empty()), whole, fraction })
    }

    fn size(&self) -> (usize, &str, &str) {
        (self.whole.len(), self.whole, self.fraction)
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Decimal<'_>) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.size().cmp(&other.size()),
            (true, true) => other.size().cmp(&self.size()),
        }
    }
}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Decimal<'_>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A moment: seconds since the epoch and nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    pub seconds: i64,
    pub nanos: u32,
}

impl Moment {
    pub fn parse(text: &str) -> Option<Moment> {
        let text = text.trim();
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return Some(Moment { seconds: text.parse().ok()?, nanos: 0 });
        }
        let (date, time) = match text.split_once(['T', 't']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let days = days(date)?;
        let (within, nanos) = time.map_or(Some((0, 0)), clock)?;
        let seconds = days.checked_mul(86_400)?.checked_add(within)?;
        Some(Moment { seconds, nanos })
    }
}

/// Days from the epoch to `YYYY-MM-DD`, `YYYY-MM` or `YYYY`.
fn days(date: &str) -> Option<i64> {
    let (sign, date) = date.strip_prefix('-').map_or((1, date), |d| (-1, d));
    let mut parts = date.split('-');
    let year = sign * number(parts.next()?, 1..=9, 0..=292_278_993)?;
    let month = parts.next().map_or(Some(1), |m| number(m, 1..=2, 1..=12))?;
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => 31,
    };
    let day = parts.next().map_or(Some(1), |d| number(d, 1..=2, 1..=length))?;
    if parts.next().is_some() {
        return None;
    }
    // Years that begin in March put the leap day last.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Seconds and nanoseconds within the day in UTC, from `hh[:mm[:ss[.s]]]` and a zone.
fn clock(time: &str) -> Option<(i64, u32)> {
    let (time, zone) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => time.split_at_checked(at)?,
        None => (time, ""),
    };
    let mut parts = time.split(':');
    let hours = number(parts.next()?, 1..=2, 0..=23)?;
    let minutes = parts.next().map_or(Some(0), |m| number(m, 1..=2, 0..=59))?;
    let (seconds, nanos) = match parts.next() {
        None => (0, 0),
        Some(text) => {
            let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
            let digits = u32::try_from(fraction.len()).ok()?;
            let scale = 10_u32.checked_pow(9_u32.checked_sub(digits)?)?;
            let fraction = number(fraction, 1..=9, 0..=999_999_999)?;
            (number(whole, 1..=2, 0..=59)?, u32::try_from(fraction).ok()?.checked_mul(scale)?)
        }
    };
    if parts.next().is_some() {
        return None;
    }
    Some((hours * 3600 + minutes * 60 + seconds - offset(zone)?, nanos))
}

/// Seconds that a zone is ahead of UTC. No zone at all is UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, body) = match zone.strip_prefix('+') {
        Some(body) => (1, body),
        None => (-1, zone.strip_prefix('-')?),
    };
    let (hours, minutes) = body.split_once(':').unwrap_or((body, "00"));
    Some(sign * (number(hours, 2..=2, 0..=23)? * 3600 + number(minutes, 2..=2, 0..=59)? * 60))
}

fn number(
    text: &str,
    length: std::ops::RangeInclusive<usize>,
    range: std::ops::RangeInclusive<i64>,
) -> Option<i64> {
    if !length.contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|n| range.contains(n))
}

/// An address range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    pub address: IpAddr,
    pub bits: u32,
}

impl Cidr {
    /// An address alone is a range of one.
    pub fn parse(text: &str) -> Option<Cidr> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => {
                let digits = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
                (address, Some(bits.parse::<u32>().ok().filter(|_| digits)?))
            }
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        (bits <= width).then_some(Cidr { address, bits })
    }

    /// An IPv4 address in IPv6 clothes is still that IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits.min(32)).unwrap_or(0);
                net.to_bits() & mask == ip.to_bits() & mask
            }
            (IpAddr::V6(net), IpAddr::V6(_) | IpAddr::V4(_)) => {
                let ip = match address {
                    IpAddr::V6(ip) => ip,
                    IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                };
                // `::/0` and the like mean IPv6 addresses, not every IPv4 address as well.
                let mapped = ip.to_ipv4_mapped().is_some();
                if mapped && (net.to_ipv4_mapped().is_none() || self.bits < 96) {
                    return false;
                }
                let mask = u128::MAX.checked_shl(128 - self.bits.min(128)).unwrap_or(0);
                net.to_bits() & mask == ip.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) => false,
        }
    }
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals() {
        let order = |a, b| Decimal::parse(a).unwrap().cmp(&Decimal::parse(b).unwrap());
        for (a, b, expected) in [
            ("1", "1.0", Ordering::Equal),
            ("-0", "0", Ordering::Equal),
            ("007", "7", Ordering::Equal),
            ("9", "10", Ordering::Less),
            ("-9", "-10", Ordering::Greater),
            ("0.1", "0.09", Ordering::Greater),
            ("-1", "1", Ordering::Less),
            ("1.5", "1.25", Ordering::Greater),
            ("9007199254740993", "9007199254740992", Ordering::Greater),
            (".5", "0.5", Ordering::Equal),
        ] {
            assert_eq!(order(a, b), expected, "{a} {b}");
        }
        for bad in ["", ".", "-", "1e3", "a", "1.2.3", " 1", "0x1"] {
            assert!(Decimal::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn moments() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-02", 86_400),
            ("2000-03-01T00:00:00Z", 951_868_800),
            ("2020-02-29T12:30:15Z", 1_582_979_415),
            ("2020-02-29t12:30:15z", 1_582_979_415),
            ("2020-02-29T12:30:15+02:00", 1_582_972_215),
            ("2020-02-29T12:30:15-0230", -1),
            ("2020-02-29T12:30-02:30", 1_582_988_400),
            ("2020", 2020),
            ("1582979415", 1_582_979_415),
            ("1969-12-31T23:59:59Z", -1),
            ("0001-01-01", -62_135_596_800),
        ] {
            let got = Moment::parse(text).map(|m| m.seconds);
            assert_eq!(got, if text.ends_with("-0230") { None } else { Some(seconds) }, "{text}");
        }
        assert_eq!(Moment::parse("1970-01-01T00:00:00.25Z").unwrap().nanos, 250_000_000);
        for bad in [
            "",
            "x",
            "2020-13",
            "2020-02-30",
            "2019-02-29",
            "2020-01-01T24:00",
            "2020-01-01T00:60",
            "234-13",
            "2016-12-13t2:00:00.593194+1",
            "2016-12-13t2:00:00.1999999999+10:59",
            "9223372036854775808",
            "2020-01-01-01",
            "2020-01-01T00:00:00.Z",
        ] {
            assert!(Moment::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn ranges() {
        for (range, ip, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3/8", "10.9.9.9", true),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("0.0.0.0/0", "1.2.3.4", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "1.2.3.4", false),
            ("2001:DB8:1234:5678::/64", "2001:db8:1234:5678::9", true),
            ("2001:DB8:1234:5678::/64", "2001:db8:1234:5679::9", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("::ffff:10.0.0.0/104", "10.1.1.1", true),
            ("2001:db8::1", "2001:db8::1", true),
        ] {
            assert_eq!(Cidr::parse(range).unwrap().contains(ip.parse().unwrap()), expected, "{range} {ip}");
        }
        for bad in
            ["", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.0/a", "010.0.0.1"]
        {
            assert!(Cidr::parse(bad).is_none(), "{bad}");
        }
    }
}
