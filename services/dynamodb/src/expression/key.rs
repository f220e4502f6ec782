//! Key conditions: one partition, and perhaps a range of its sort keys.

use model::Fault;

use super::Scope;
use super::condition::{Comparator, Condition, Operand};
use crate::attribute::Attr;
use crate::schema::{KeyAttribute, KeySchema};

#[derive(Debug)]
pub(crate) struct KeyCondition<'a> {
    pub(crate) hash: &'a Attr,
    pub(crate) range: Option<Range<'a>>,
}

#[derive(Debug)]
pub(crate) enum Range<'a> {
    Equal(&'a Attr),
    Less(&'a Attr),
    LessOrEqual(&'a Attr),
    Greater(&'a Attr),
    GreaterOrEqual(&'a Attr),
    Between(&'a Attr, &'a Attr),
    BeginsWith(&'a Attr),
}

const MEMBER: &str = "KeyConditionExpression";

fn invalid(what: &str) -> Fault {
    Fault::validation(format!("Invalid {MEMBER}: {what}"))
}

fn unsupported() -> Fault {
    Fault::validation("Query key condition not supported")
}

impl<'a> KeyCondition<'a> {
    pub(crate) fn parse(
        text: &'a str,
        scope: &'a Scope,
        schema: &KeySchema,
    ) -> Result<KeyCondition<'a>, Fault> {
        let mut parts = Vec::new();
        flatten(Condition::parse(MEMBER, text, scope)?, &mut parts)?;
        let (mut hash, mut range) = (None, None);
        for (name, part) in parts {
            let sort = schema.range.as_ref().filter(|r| r.name == name);
            let twice = match (name == schema.hash.name, sort) {
                (true, _) => {
                    let Range::Equal(value) = part else { return Err(unsupported()) };
                    fits(&schema.hash, value)?;
                    hash.replace(value).is_some()
                }
                (false, Some(sort)) => {
                    for value in part.values() {
                        fits(sort, value)?;
                    }
                    range.replace(part).is_some()
                }
                (false, None) => return Err(missed(schema)),
            };
            if twice {
                return Err(Fault::validation(
                    "KeyConditionExpressions must only contain one condition per key",
                ));
            }
        }
        Ok(KeyCondition { hash: hash.ok_or_else(|| missed(schema))?, range })
    }
}

fn missed(schema: &KeySchema) -> Fault {
    Fault::validation(format!("Query condition missed key schema element: {}", schema.hash.name))
}

fn fits(key: &KeyAttribute, value: &Attr) -> Result<(), Fault> {
    if value.kind() != key.kind.name() {
        return Err(Fault::validation(
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ));
    }
    if matches!(value, Attr::S(s) if s.is_empty()) || matches!(value, Attr::B(b) if b.is_empty()) {
        return Err(Fault::validation(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {} value. Key: {}",
            if value.kind() == "S" { "string" } else { "binary" },
            key.name
        )));
    }
    Ok(())
}

/// The conditions joined by AND, each with the name of its attribute.
fn flatten<'a>(condition: Condition<'a>, found: &mut Vec<(&'a str, Range<'a>)>) -> Result<(), Fault> {
    let simple = |operand: Operand<'a>| match operand {
        Operand::Path(path) if path.steps.is_empty() => Ok(path.root),
        Operand::Path(_) => {
            Err(invalid("KeyConditionExpressions cannot have conditions on nested attributes"))
        }
        Operand::Size(_) => Err(invalid("KeyConditionExpressions cannot contain nested operations")),
        Operand::Value(_) => Err(unsupported()),
    };
    let value = |operand: Operand<'a>| match operand {
        Operand::Value(value) => Ok(value),
        Operand::Path(_) | Operand::Size(_) => Err(unsupported()),
    };
    let operator = |name: &str| Err(invalid(&format!("Invalid operator used in {MEMBER}: {name}")));
    let part = match condition {
        Condition::And(a, b) => {
            flatten(*a, found)?;
            return flatten(*b, found);
        }
        Condition::Compare(Operand::Value(v), comparator, path) => {
            (simple(path)?, compare(comparator.turned(), v)?)
        }
        Condition::Compare(path, comparator, v) => (simple(path)?, compare(comparator, value(v)?)?),
        Condition::Between(path, low, high) => (simple(path)?, Range::Between(value(low)?, value(high)?)),
        Condition::BeginsWith(path, prefix) => (simple(path)?, Range::BeginsWith(value(prefix)?)),
        Condition::Or(..) => return operator("OR"),
        Condition::Not(_) => return operator("NOT"),
        Condition::In(..) => return operator("IN"),
        Condition::Exists(_) => return operator("attribute_exists"),
        Condition::NotExists(_) => return operator("attribute_not_exists"),
        Condition::HasType(..) => return operator("attribute_type"),
        Condition::Contains(..) => return operator("contains"),
    };
    found.push(part);
    Ok(())
}

fn compare(comparator: Comparator, value: &Attr) -> Result<Range<'_>, Fault> {
    Ok(match comparator {
        Comparator::Equal => Range::Equal(value),
        Comparator::NotEqual => return Err(invalid(&format!("Invalid operator used in {MEMBER}: <>"))),
        Comparator::Less => Range::Less(value),
        Comparator::LessOrEqual => Range::LessOrEqual(value),
        Comparator::Greater => Range::Greater(value),
        Comparator::GreaterOrEqual => Range::GreaterOrEqual(value),
    })
}

impl<'a> Range<'a> {
    fn values(&self) -> Vec<&'a Attr> {
        match self {
            Range::Equal(v)
            | Range::Less(v)
            | Range::LessOrEqual(v)
            | Range::Greater(v)
            | Range::GreaterOrEqual(v)
            | Range::BeginsWith(v) => vec![v],
            Range::Between(low, high) => vec![low, high],
        }
    }
}
