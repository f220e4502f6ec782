//! The values of numbers, dates, addresses and the like that tell conditions apart: one for each
//! stretch between the values that policies write.
//!
//! Numbers are taken to be whole where policies write whole numbers, dates to be whole seconds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use decide_iam::{Cidr, Condition, ConditionValue, Moment, Operand, Test};

use super::key::Candidates;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Number,
    Date,
    Bool,
    Bytes,
    Address,
}

fn type_of(test: Test) -> Option<Type> {
    match test {
        Test::NumericEquals
        | Test::NumericLessThan
        | Test::NumericLessThanEquals
        | Test::NumericGreaterThan
        | Test::NumericGreaterThanEquals => Some(Type::Number),
        Test::DateEquals
        | Test::DateLessThan
        | Test::DateLessThanEquals
        | Test::DateGreaterThan
        | Test::DateGreaterThanEquals => Some(Type::Date),
        Test::Bool => Some(Type::Bool),
        Test::BinaryEquals => Some(Type::Bytes),
        Test::IpAddress => Some(Type::Address),
        Test::StringEquals
        | Test::StringEqualsIgnoreCase
        | Test::StringLike
        | Test::ArnEquals
        | Test::ArnLike
        | Test::Null => None,
    }
}

/// For the conditions on one key; `None` where all of them compare texts.
pub(crate) fn candidates(name: &str, conditions: &[&Condition]) -> Option<Candidates> {
    let told: Vec<&Condition> =
        conditions.iter().copied().filter(|c| c.operator.test != Test::Null).collect();
    let types: Vec<Option<Type>> = told.iter().map(|c| type_of(c.operator.test)).collect();
    let known = is_boolean(name).then_some(Type::Bool);
    let first = known.or(types.iter().copied().flatten().next())?;
    let complete = known.is_some() || types.iter().all(|t| *t == Some(first));
    let mut list = List { values: Vec::new(), complete };
    if known.is_none() {
        told.iter().flat_map(|c| &c.values).for_each(|value| list.around(value));
        let numbers = told.iter().flat_map(|c| &c.values).filter_map(|v| match &v.operand {
            Operand::Number(text) => Some(&**text),
            _ => None,
        });
        list.numbers(&numbers.collect::<Vec<_>>());
    }
    list.plain(first, complete);
    Some(Candidates { values: list.values, complete: list.complete })
}

/// Keys that are never anything but `true` or `false`.
fn is_boolean(name: &str) -> bool {
    const KEYS: [&str; 5] = [
        "aws:SecureTransport",
        "aws:MultiFactorAuthPresent",
        "aws:ViaAWSService",
        "aws:PrincipalIsAWSService",
        "kms:GrantIsForAWSResource",
    ];
    KEYS.iter().any(|k| k.eq_ignore_ascii_case(name))
}

struct List {
    values: Vec<String>,
    complete: bool,
}

impl List {
    fn add(&mut self, value: String) {
        if !self.values.contains(&value) {
            self.values.push(value);
        }
    }

    fn around(&mut self, value: &ConditionValue) {
        match &value.operand {
            // Numbers are looked at together.
            Operand::Number(_) => {}
            Operand::Date(moment) => self.date(*moment),
            Operand::Range(range) => self.range(*range),
            Operand::Bytes(_) => self.add(value.text.to_string()),
            Operand::Absent(_) | Operand::Unreadable => {}
            Operand::Bool(pattern) => self.complete &= pattern.literal().is_some(),
            Operand::Text(pattern) => {
                if let Some(text) = pattern.literal() {
                    self.add(text.to_owned());
                }
            }
            Operand::Name(pattern) => self.add(pattern.text().to_owned()),
        }
    }

    /// Values of no special place, of which one behaves like all others.
    fn plain(&mut self, of: Type, complete: bool) {
        let more: &[&str] = match of {
            Type::Number => &["0"],
            Type::Date => &["2026-01-01T00:00:00Z"],
            Type::Bool => &["true", "false"],
            // Bytes of policies and others are told apart by equality alone.
            Type::Bytes => &["eA==", "eQ==", "eno="],
            Type::Address => &["198.51.100.7", "0.0.0.0", "::", "2001:db8::7"],
        };
        more.iter().for_each(|v| self.add((*v).to_owned()));
        if !complete {
            self.add("x".to_owned());
        }
    }

    /// Each number and its neighbours. With fractions, neighbours differ in one digit more than
    /// any number has, so that there is one between any two.
    fn numbers(&mut self, numbers: &[&str]) {
        let digits = numbers.iter().map(|n| fraction(n).len()).max().unwrap_or(0);
        let digits = if digits == 0 { 0 } else { digits + 1 };
        for text in numbers {
            let whole = text.split_once('.').map_or(*text, |(whole, _)| whole);
            let whole = if whole.is_empty() { "0" } else { whole };
            let Ok(scaled) = format!("{whole}{:0<digits$}", fraction(text)).parse::<i128>() else {
                self.complete = false;
                continue;
            };
            for near in [scaled, scaled.saturating_sub(1), scaled.saturating_add(1)] {
                let size = format!("{:0>width$}", near.unsigned_abs(), width = digits + 1);
                let (whole, fraction) = size.split_at_checked(size.len() - digits).unwrap_or((&size, ""));
                let sign = if near < 0 { "-" } else { "" };
                let point = if digits == 0 { "" } else { "." };
                self.add(format!("{sign}{whole}{point}{fraction}"));
            }
        }
    }

    fn date(&mut self, moment: Moment) {
        for step in -1..=2 {
            self.add(rfc3339(moment.seconds.saturating_add(step)));
        }
    }

    /// Ranges nest, so every stretch begins where a range begins or behind where one ends.
    fn range(&mut self, range: Cidr) {
        match range.address {
            IpAddr::V4(address) => {
                let host = u32::MAX.checked_shr(range.bits).unwrap_or(0);
                let first = address.to_bits() & !host;
                self.add(Ipv4Addr::from_bits(first).to_string());
                if let Some(behind) = (first | host).checked_add(1) {
                    self.add(Ipv4Addr::from_bits(behind).to_string());
                }
            }
            IpAddr::V6(address) => {
                let host = u128::MAX.checked_shr(range.bits).unwrap_or(0);
                let first = address.to_bits() & !host;
                self.add(Ipv6Addr::from_bits(first).to_string());
                if let Some(behind) = (first | host).checked_add(1) {
                    self.add(Ipv6Addr::from_bits(behind).to_string());
                }
                // IPv4 addresses in IPv6 clothes count as IPv4.
                self.complete &= address.to_ipv4_mapped().is_none();
            }
        }
    }
}

/// The digits behind the point, without zeros that say nothing.
fn fraction(text: &str) -> &str {
    text.split_once('.').map_or("", |(_, fraction)| fraction.trim_end_matches('0'))
}

fn rfc3339(seconds: i64) -> String {
    let (days, within) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Years that begin in March put the leap day last.
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (within / 3_600, within / 60 % 60, within % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_read_back() {
        for seconds in [0, 951_868_799, 951_868_800, 1_582_979_415, -1, 4_102_444_800, -62_135_596_800] {
            assert_eq!(Moment::parse(&rfc3339(seconds)).unwrap().seconds, seconds, "{}", rfc3339(seconds));
        }
    }
}
