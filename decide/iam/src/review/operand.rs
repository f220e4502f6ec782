//! The values of a condition: that the operator can read them, and means what they say.

use std::mem::discriminant;
use std::net::IpAddr;

use crate::condition::{Operator, Quantifier, Test};
use crate::json::{Member, Node, Value};
use crate::value::{Cidr, Decimal, Moment, boolean, bytes};

use super::Reviewer;
use super::check::*;
use super::condition::{Kind, kind};
use super::place::At;
use super::statement::items;

impl Reviewer<'_> {
    pub(super) fn operands(&mut self, operator: Operator, written: &str, key: &Member, up: &At<'_>) {
        let at = up.value(key);
        let nodes = items(&key.node);
        let list = matches!(key.node.value, Value::Array(_));
        if nodes.is_empty() {
            return self.no_values(operator, &key.key, at);
        }
        let same = nodes.first().is_none_or(|first| {
            nodes.iter().all(|node| discriminant(&node.value) == discriminant(&first.value))
        });
        if !same {
            self.note(&INVALID_CONDITION_DATA_TYPE, &[], at);
        }
        for (index, node) in nodes.iter().enumerate() {
            let here = if list { at.index(index, node) } else { at };
            self.operand(operator, written, node, &here);
        }
        if nodes.len() > 1 {
            self.several(operator, written, key, &at);
        }
        if key.key.eq_ignore_ascii_case("aws:SourceIp") && operator.test == Test::IpAddress {
            self.private(operator.negated, nodes, &at);
        }
    }

    fn no_values(&mut self, operator: Operator, key: &str, at: At<'_>) {
        let check = match operator.quantifier {
            Some(Quantifier::ForAllValues) => &EMPTY_ARRAY_CONDITION_FORALLVALUES,
            Some(Quantifier::ForAnyValue) => &EMPTY_ARRAY_CONDITION_FORANYVALUE,
            None if operator.if_exists => &EMPTY_ARRAY_CONDITION_IFEXISTS,
            None => &EMPTY_ARRAY_CONDITION,
        };
        self.note(check, &[key], at);
    }

    fn operand(&mut self, operator: Operator, written: &str, node: &Node, at: &At<'_>) {
        let text = match &node.value {
            Value::String(text) => {
                let any = self.variables_of(text, node, at);
                let may = matches!(kind(operator.test), Kind::Text | Kind::Name);
                if any && !may {
                    return self.note(&INVALID_VARIABLE_FOR_OPERATOR, &[], *at);
                }
                // What a variable will hold is not known here.
                if any && !matches!(operator.test, Test::StringEquals | Test::StringEqualsIgnoreCase) {
                    return;
                }
                text.as_str()
            }
            Value::Number(text) => text.as_str(),
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Null | Value::Array(_) | Value::Object(_) => {
                return self.note(&DATA_TYPE_MISMATCH, &["String"], *at);
            }
        };
        let about = [written];
        match kind(operator.test) {
            Kind::Text => {
                // `${*}` is the character itself.
                let wild = without_variables(text).contains(['*', '?']);
                if wild && operator.test != Test::StringLike {
                    self.note(&WILDCARD_WITHOUT_LIKE_OPERATOR, &[], *at);
                }
            }
            Kind::Truth | Kind::Null if boolean(text).is_none() => {
                self.note(&TYPE_MISMATCH_BOOLEAN, &about, *at);
            }
            Kind::Number if Decimal::parse(text).is_none() => self.note(&TYPE_MISMATCH_NUMBER, &about, *at),
            Kind::Date if Moment::parse(text).is_none() => self.note(&TYPE_MISMATCH_DATE, &[], *at),
            Kind::Date if text.bytes().all(|b| b.is_ascii_digit()) => {
                self.note(&INVALID_DATE_VALUE, &[text], *at);
            }
            Kind::Bytes if bytes(text).is_none() => self.note(&TYPE_MISMATCH_STRING, &about, *at),
            Kind::Address => match Cidr::parse(text) {
                None => self.note(&TYPE_MISMATCH_IP_RANGE, &about, *at),
                Some(range) => {
                    let first = first(range);
                    if first != range.address {
                        self.note(&IMPROVE_IP_RANGE, &[&format!("{first}/{}", range.bits)], *at);
                    }
                }
            },
            Kind::Truth | Kind::Null | Kind::Number | Kind::Date | Kind::Bytes | Kind::Name => {}
        }
    }

    fn several(&mut self, operator: Operator, written: &str, key: &Member, at: &At<'_>) {
        match operator.test {
            Test::Bool | Test::Null => self.note(&INVALID_CONDITION_MULTIPLE_BOOLEAN, &[], *at),
            Test::NumericLessThan | Test::NumericLessThanEquals => {
                self.note(&REDUNDANT_CONDITION_VALUE_NUM, &[written, "greatest", &key.key], *at);
            }
            Test::NumericGreaterThan | Test::NumericGreaterThanEquals => {
                self.note(&REDUNDANT_CONDITION_VALUE_NUM, &[written, "least", &key.key], *at);
            }
            Test::StringEquals
            | Test::StringEqualsIgnoreCase
            | Test::StringLike
            | Test::NumericEquals
            | Test::DateEquals
            | Test::DateLessThan
            | Test::DateLessThanEquals
            | Test::DateGreaterThan
            | Test::DateGreaterThanEquals
            | Test::BinaryEquals
            | Test::IpAddress
            | Test::ArnEquals
            | Test::ArnLike => {}
        }
    }

    /// Requests from private networks do not carry their address in `aws:SourceIp`.
    fn private(&mut self, negated: bool, nodes: &[Node], at: &At<'_>) {
        let range = |node: &Node| match &node.value {
            Value::String(text) => Cidr::parse(text),
            _ => None,
        };
        let ranges: Vec<Cidr> = nodes.iter().filter_map(range).collect();
        let inside = ranges.iter().filter(|r| is_private(r)).count();
        let all = inside == nodes.len();
        let check = match (inside, all, negated) {
            (0, ..) => return,
            (_, true, false) => &PRIVATE_IP_ADDRESS,
            (_, true, true) => &PRIVATE_NOT_IP_ADDRESS,
            (_, false, false) => &PRIVATE_IP_ADDRESS_SUBSET,
            (_, false, true) => &PRIVATE_NOT_IP_ADDRESS_SUBSET,
        };
        self.note(check, &[], *at);
    }
}

fn without_variables(text: &str) -> String {
    let mut pieces = text.split("${");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(piece.split_once('}').map_or(piece, |(_, behind)| behind));
    }
    out
}

/// The first address of a range.
fn first(range: Cidr) -> IpAddr {
    match range.address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.saturating_sub(range.bits)).unwrap_or_default();
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.saturating_sub(range.bits)).unwrap_or_default();
            IpAddr::V6((u128::from(address) & mask).into())
        }
    }
}

fn is_private(range: &Cidr) -> bool {
    let whole = [("10.0.0.0/8", 8), ("172.16.0.0/12", 12), ("192.168.0.0/16", 16), ("fc00::/7", 7)];
    whole.iter().any(|(text, bits)| {
        range.bits >= *bits && Cidr::parse(text).is_some_and(|whole| whole.contains(range.address))
    })
}
