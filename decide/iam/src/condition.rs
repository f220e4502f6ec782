//! The `Condition` element: operators, and when a condition holds.
//!
//! All conditions of a statement must hold; the values of one condition are alternatives.
//! A key that is absent fails a positive operator and satisfies a negated one; `IfExists`
//! is satisfied. `ForAllValues` is satisfied by an absent key or one without a value (the
//! empty string counts as none), `ForAnyValue` never is, not even with `IfExists`.
//! Follows AWS's "Condition operators" and "Set operators".

use crate::arn::{Name, NamePattern};
use crate::context::{Context, Key};
use crate::json::Position;
use crate::pattern::{Hit, Pattern, Syntax};
use crate::policy::Effect;
use crate::value::{Cidr, Decimal, Moment, boolean, bytes};

/// `ForAllValues:` or `ForAnyValue:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    ForAllValues,
    ForAnyValue,
}

/// What a single value is tested for. Negated operators share the test of the positive one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    NumericEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    ArnEquals,
    ArnLike,
    Null,
}

/// A condition operator in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operator {
    pub quantifier: Option<Quantifier>,
    pub test: Test,
    pub negated: bool,
    pub if_exists: bool,
}

const OPERATORS: [(&str, Test, bool); 27] = [
    ("StringEquals", Test::StringEquals, false),
    ("StringNotEquals", Test::StringEquals, true),
    ("StringEqualsIgnoreCase", Test::StringEqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Test::StringEqualsIgnoreCase, true),
    ("StringLike", Test::StringLike, false),
    ("StringNotLike", Test::StringLike, true),
    ("NumericEquals", Test::NumericEquals, false),
    ("NumericNotEquals", Test::NumericEquals, true),
    ("NumericLessThan", Test::NumericLessThan, false),
    ("NumericLessThanEquals", Test::NumericLessThanEquals, false),
    ("NumericGreaterThan", Test::NumericGreaterThan, false),
    ("NumericGreaterThanEquals", Test::NumericGreaterThanEquals, false),
    ("DateEquals", Test::DateEquals, false),
    ("DateNotEquals", Test::DateEquals, true),
    ("DateLessThan", Test::DateLessThan, false),
    ("DateLessThanEquals", Test::DateLessThanEquals, false),
    ("DateGreaterThan", Test::DateGreaterThan, false),
    ("DateGreaterThanEquals", Test::DateGreaterThanEquals, false),
    ("Bool", Test::Bool, false),
    ("BinaryEquals", Test::BinaryEquals, false),
    ("IpAddress", Test::IpAddress, false),
    ("NotIpAddress", Test::IpAddress, true),
    ("ArnEquals", Test::ArnEquals, false),
    ("ArnNotEquals", Test::ArnEquals, true),
    ("ArnLike", Test::ArnLike, false),
    ("ArnNotLike", Test::ArnLike, true),
    ("Null", Test::Null, false),
];

impl Operator {
    pub fn parse(text: &str) -> Option<Operator> {
        let (quantifier, rest) = if let Some(rest) = text.strip_prefix("ForAllValues:") {
            (Some(Quantifier::ForAllValues), rest)
        } else if let Some(rest) = text.strip_prefix("ForAnyValue:") {
            (Some(Quantifier::ForAnyValue), rest)
        } else {
            (None, text)
        };
        let (name, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |name| (name, true));
        let &(_, test, negated) = OPERATORS.iter().find(|(n, ..)| *n == name)?;
        if test == Test::Null && if_exists {
            return None;
        }
        Some(Operator { quantifier, test, negated, if_exists })
    }
}

impl std::fmt::Display for Operator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.quantifier {
            Some(Quantifier::ForAllValues) => f.write_str("ForAllValues:")?,
            Some(Quantifier::ForAnyValue) => f.write_str("ForAnyValue:")?,
            None => {}
        }
        let name = OPERATORS.iter().find(|(_, test, negated)| *test == self.test && *negated == self.negated);
        f.write_str(name.map_or("", |(name, ..)| name))?;
        f.write_str(if self.if_exists { "IfExists" } else { "" })
    }
}

/// A value of a condition, read as its operator reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    Text(Pattern),
    Name(NamePattern),
    Number(Box<str>),
    Date(Moment),
    Bool(Pattern),
    Bytes(Vec<u8>),
    Range(Cidr),
    Absent(bool),
    /// Cannot be read as the operator demands; matches nothing.
    Unreadable,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionValue {
    /// As written.
    pub text: Box<str>,
    pub operand: Operand,
}

impl ConditionValue {
    pub(crate) fn compile(test: Test, text: &str, variables: bool) -> ConditionValue {
        let pattern = |wildcards| Pattern::compile(text, Syntax { wildcards, variables });
        let operand = match test {
            Test::StringEquals | Test::StringEqualsIgnoreCase => Some(Operand::Text(pattern(false))),
            Test::StringLike => Some(Operand::Text(pattern(true))),
            Test::NumericEquals
            | Test::NumericLessThan
            | Test::NumericLessThanEquals
            | Test::NumericGreaterThan
            | Test::NumericGreaterThanEquals => Decimal::parse(text).map(|_| Operand::Number(text.into())),
            Test::DateEquals
            | Test::DateLessThan
            | Test::DateLessThanEquals
            | Test::DateGreaterThan
            | Test::DateGreaterThanEquals => Moment::parse(text).map(Operand::Date),
            Test::Bool => {
                let pattern = pattern(false);
                let known = pattern.literal().is_none_or(|l| boolean(l).is_some());
                known.then_some(Operand::Bool(pattern))
            }
            Test::BinaryEquals => bytes(text).map(Operand::Bytes),
            Test::IpAddress => Cidr::parse(text).map(Operand::Range),
            Test::ArnEquals | Test::ArnLike => Some(Operand::Name(NamePattern::operand(text, variables))),
            Test::Null => boolean(text).map(Operand::Absent),
        };
        ConditionValue { text: text.into(), operand: operand.unwrap_or(Operand::Unreadable) }
    }
}

impl ConditionValue {
    pub(crate) fn variables<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        match &self.operand {
            Operand::Text(pattern) | Operand::Bool(pattern) => pattern.variables(visit),
            Operand::Name(pattern) => pattern.variables(visit),
            Operand::Number(_)
            | Operand::Date(_)
            | Operand::Bytes(_)
            | Operand::Range(_)
            | Operand::Absent(_)
            | Operand::Unreadable => {}
        }
    }
}

/// One operator on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    pub operator: Operator,
    pub key: Key,
    pub values: Vec<ConditionValue>,
    pub position: Position,
}

impl Condition {
    /// Whether the condition holds. Where a variable cannot be resolved, a comparison that is
    /// negated is in doubt: it then holds in a `Deny` and fails in an `Allow`.
    pub fn holds(&self, context: &Context, effect: Effect) -> bool {
        let found = context.get(&self.key);
        let operator = self.operator;
        if operator.test == Test::Null {
            let absent = found.iter().all(String::is_empty);
            return self.values.iter().any(|v| v.operand == Operand::Absent(absent));
        }
        let one = |value: &String| self.satisfied_by(value, context, effect);
        match operator.quantifier {
            Some(Quantifier::ForAllValues) => found.iter().all(String::is_empty) || found.iter().all(one),
            Some(Quantifier::ForAnyValue) => !found.iter().all(String::is_empty) && found.iter().any(one),
            None if found.is_empty() => operator.negated || operator.if_exists,
            None if operator.negated => found.iter().all(one),
            None => found.iter().any(one),
        }
    }

    fn satisfied_by(&self, value: &str, context: &Context, effect: Effect) -> bool {
        let mut any = Hit::No;
        for operand in self.values.iter().map(|v| &v.operand) {
            match matches(self.operator.test, operand, value, context) {
                Hit::Yes => return !self.operator.negated,
                Hit::Unknown => any = Hit::Unknown,
                Hit::No => {}
            }
        }
        self.operator.negated && (any == Hit::No || effect == Effect::Deny)
    }
}

fn matches(test: Test, operand: &Operand, value: &str, context: &Context) -> Hit {
    match operand {
        Operand::Text(pattern) => pattern.matches(value, test == Test::StringEqualsIgnoreCase, context),
        Operand::Name(pattern) => pattern.matches(&Name::new(value), context),
        Operand::Number(number) => match (Decimal::parse(value), Decimal::parse(number)) {
            (Some(left), Some(right)) => compare(test, &left, &right).into(),
            _ => Hit::No,
        },
        Operand::Date(date) => Moment::parse(value).is_some_and(|v| compare(test, &v, date)).into(),
        Operand::Bool(pattern) => match (pattern.literal(), boolean(value)) {
            (_, None) => Hit::No,
            (Some(literal), Some(value)) => (boolean(literal) == Some(value)).into(),
            (None, Some(_)) => pattern.matches(value, true, context),
        },
        Operand::Bytes(expected) => (bytes(value).as_ref() == Some(expected)).into(),
        Operand::Range(range) => value.parse().is_ok_and(|ip| range.contains(ip)).into(),
        Operand::Absent(_) | Operand::Unreadable => Hit::No,
    }
}

fn compare<T: Ord>(test: Test, left: &T, right: &T) -> bool {
    match test {
        Test::NumericLessThan | Test::DateLessThan => left < right,
        Test::NumericLessThanEquals | Test::DateLessThanEquals => left <= right,
        Test::NumericGreaterThan | Test::DateGreaterThan => left > right,
        Test::NumericGreaterThanEquals | Test::DateGreaterThanEquals => left >= right,
        Test::NumericEquals
        | Test::DateEquals
        | Test::StringEquals
        | Test::StringEqualsIgnoreCase
        | Test::StringLike
        | Test::Bool
        | Test::BinaryEquals
        | Test::IpAddress
        | Test::ArnEquals
        | Test::ArnLike
        | Test::Null => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_read_back_as_written() {
        for (name, ..) in OPERATORS {
            for prefix in ["", "ForAllValues:", "ForAnyValue:"] {
                for suffix in ["", "IfExists"] {
                    let text = format!("{prefix}{name}{suffix}");
                    let parsed = Operator::parse(&text);
                    if name == "Null" && suffix == "IfExists" {
                        assert_eq!(parsed, None);
                    } else {
                        assert_eq!(parsed.unwrap().to_string(), text);
                    }
                }
            }
        }
        for bad in
            ["stringequals", "StringEqual", "ForAnyValue::StringEquals", "forallvalues:Bool", "", "IfExists"]
        {
            assert_eq!(Operator::parse(bad), None, "{bad}");
        }
    }
}
