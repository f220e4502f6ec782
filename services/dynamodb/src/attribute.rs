//! Attribute values and items: how they are read from a request, compared, measured,
//! kept, and shown. A value that exists is valid; only its size depends on where it goes.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use model::value::FromValue as _;
use model::{Fault, Members, Value};

use crate::number::Number;

pub(crate) type Item = BTreeMap<String, Attr>;

/// Documents nested deeper than this are refused.
const DEPTH: u32 = 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attr {
    S(String),
    N(Number),
    B(Bytes),
    Bool(bool),
    Null,
    M(Item),
    L(Vec<Attr>),
    SS(BTreeSet<String>),
    NS(BTreeSet<Number>),
    BS(BTreeSet<Bytes>),
}

fn invalid(what: &str) -> Fault {
    Fault::validation(format!("One or more parameter values were invalid: {what}"))
}

/// A set of distinct elements; `shown` writes one for the error.
fn set<T: Ord>(list: Vec<T>, kind: &str, shown: impl Fn(&T) -> String) -> Result<BTreeSet<T>, Fault> {
    if list.is_empty() {
        return Err(invalid(&format!("An {kind} set  may not be empty")));
    }
    let duplicates = {
        let distinct: BTreeSet<&T> = list.iter().collect();
        distinct.len() != list.len()
    };
    if duplicates {
        let all: Vec<String> = list.iter().map(shown).collect();
        return Err(invalid(&format!("Input collection [{}] contains duplicates.", all.join(", "))));
    }
    Ok(list.into_iter().collect())
}

impl Attr {
    pub(crate) fn read(value: Value) -> Result<Attr, Fault> {
        Attr::nested(value, 0)
    }

    fn nested(value: Value, depth: u32) -> Result<Attr, Fault> {
        if depth > DEPTH {
            return Err(Fault::validation("Nesting Levels have exceeded supported limits"));
        }
        let mut members = match value {
            Value::Map(members) => members.0.into_iter(),
            _ => Vec::new().into_iter(),
        };
        let wrong = |how: &str| {
            Fault::validation(format!(
                "Supplied AttributeValue {how}, must contain exactly one of the supported datatypes"
            ))
        };
        let (kind, value) = members.next().ok_or_else(|| wrong("is empty"))?;
        if members.next().is_some() {
            return Err(wrong("has more than one datatypes set"));
        }
        Ok(match (kind.as_ref(), value) {
            ("S", value) => Attr::S(String::from_value(value)?),
            ("N", value) => Attr::N(Number::parse(&String::from_value(value)?)?),
            ("B", value) => Attr::B(Bytes::from_value(value)?),
            ("BOOL", value) => Attr::Bool(bool::from_value(value)?),
            ("NULL", value) => match bool::from_value(value)? {
                true => Attr::Null,
                false => return Err(invalid("Null attribute value types must have the value of true")),
            },
            ("M", Value::Map(map)) => Attr::M(item(map, depth + 1)?),
            ("L", Value::List(list)) => {
                Attr::L(list.into_iter().map(|v| Attr::nested(v, depth + 1)).collect::<Result<_, _>>()?)
            }
            ("SS", value) => {
                let list = Vec::<String>::from_value(value)?;
                if list.iter().any(String::is_empty) {
                    return Err(invalid("An string set may not have a empty string as a member"));
                }
                Attr::SS(set(list, "string", String::clone)?)
            }
            ("NS", value) => {
                let list = Vec::<String>::from_value(value)?;
                let list: Vec<Number> = list.iter().map(|n| Number::parse(n)).collect::<Result<_, _>>()?;
                Attr::NS(set(list, "number", Number::to_string)?)
            }
            ("BS", value) => {
                Attr::BS(set(Vec::<Bytes>::from_value(value)?, "binary", |b| format!("{} bytes", b.len()))?)
            }
            _ => return Err(wrong("is empty")),
        })
    }

    /// The type as requests and errors name it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Attr::S(_) => "S",
            Attr::N(_) => "N",
            Attr::B(_) => "B",
            Attr::Bool(_) => "BOOL",
            Attr::Null => "NULL",
            Attr::M(_) => "M",
            Attr::L(_) => "L",
            Attr::SS(_) => "SS",
            Attr::NS(_) => "NS",
            Attr::BS(_) => "BS",
        }
    }

    /// What it takes up of an item's size.
    pub(crate) fn size(&self) -> usize {
        match self {
            Attr::S(text) => text.len(),
            Attr::N(number) => number.size(),
            Attr::B(bytes) => bytes.len(),
            Attr::Bool(_) | Attr::Null => 1,
            Attr::M(map) => 3 + map.len() + size(map),
            Attr::L(list) => 3 + list.len() + list.iter().map(Attr::size).sum::<usize>(),
            Attr::SS(set) => set.iter().map(String::len).sum(),
            Attr::NS(set) => set.iter().map(|n| n.size()).sum(),
            Attr::BS(set) => set.iter().map(Bytes::len).sum(),
        }
    }

    /// The value inside (`{N:5}`), as errors show it.
    pub(crate) fn shown(&self) -> String {
        let value = match self {
            Attr::S(text) => text.clone(),
            Attr::N(number) => number.to_string(),
            _ => "...".to_owned(),
        };
        format!("{{{}:{value}}}", self.kind())
    }

    pub(crate) fn into_value(self) -> Value {
        let texts = |list: Vec<String>| Value::List(list.into_iter().map(Value::Text).collect());
        let kind = self.kind();
        let value = match self {
            Attr::S(text) => Value::Text(text),
            Attr::N(number) => Value::Text(number.to_string()),
            Attr::B(bytes) => Value::Blob(bytes),
            Attr::Bool(b) => Value::Bool(b),
            Attr::Null => Value::Bool(true),
            Attr::M(map) => item_value(map),
            Attr::L(list) => Value::List(list.into_iter().map(Attr::into_value).collect()),
            Attr::SS(set) => texts(set.into_iter().collect()),
            Attr::NS(set) => texts(set.iter().map(Number::to_string).collect()),
            Attr::BS(set) => Value::List(set.into_iter().map(Value::Blob).collect()),
        };
        Value::Map(Members(vec![(Cow::Borrowed(kind), value)]))
    }
}

fn item(members: Members, depth: u32) -> Result<Item, Fault> {
    members.0.into_iter().map(|(name, value)| Ok((name.into_owned(), Attr::nested(value, depth)?))).collect()
}

/// An item or a key from a request; nothing for an absent one.
pub(crate) fn read_item(value: Option<Value>) -> Result<Item, Fault> {
    match value {
        Some(Value::Map(members)) => item(members, 0),
        _ => Ok(Item::new()),
    }
}

pub(crate) fn item_value(item: Item) -> Value {
    Value::Map(Members(item.into_iter().map(|(n, v)| (Cow::Owned(n), v.into_value())).collect()))
}

/// The size of an item as its limit and capacity units count it.
pub(crate) fn size(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value.size()).sum()
}

/// Whether documents within are nested as deep as allowed, after an update has put them together.
pub(crate) fn check_depth(item: &Item) -> Result<(), Fault> {
    fn fits(attr: &Attr, depth: u32) -> bool {
        depth <= DEPTH
            && match attr {
                Attr::M(map) => map.values().all(|v| fits(v, depth + 1)),
                Attr::L(list) => list.iter().all(|v| fits(v, depth + 1)),
                _ => true,
            }
    }
    match item.values().all(|v| fits(v, 0)) {
        true => Ok(()),
        false => Err(Fault::validation("Nesting Levels have exceeded supported limits")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: serde_json::Value) -> Result<Attr, String> {
        Attr::read(Value::from_json(json)).map_err(|f| f.message)
    }

    #[test]
    fn values_read_and_show() {
        for value in [
            json!({"S": ""}),
            json!({"N": "1.5"}),
            json!({"BOOL": false}),
            json!({"NULL": true}),
            json!({"B": "AAE="}),
            json!({"L": [{"S": "a"}, {"L": []}]}),
            json!({"M": {"a": {"M": {}}}}),
            json!({"SS": ["a", "b"]}),
            json!({"NS": ["-1", "2"]}),
            json!({"BS": ["AA==", "AQ=="]}),
        ] {
            assert_eq!(read(value.clone()).unwrap().into_value().to_json(), value);
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for (value, message) in [
            (json!({}), "is empty"),
            (json!({"X": 1}), "is empty"),
            (json!({"S": "a", "N": "1"}), "more than one datatypes"),
            (json!({"NULL": false}), "must have the value of true"),
            (json!({"SS": []}), "set  may not be empty"),
            (json!({"SS": ["a", "a"]}), "[a, a] contains duplicates"),
            (json!({"NS": ["1", "1.0"]}), "[1, 1] contains duplicates"),
            (json!({"SS": [""]}), "empty string as a member"),
            (json!({"N": "x"}), "cannot be converted"),
            (json!({"M": {"a": {"N": ""}}}), "cannot be converted"),
        ] {
            let refused = read(value.clone()).unwrap_err();
            assert!(refused.contains(message), "{value}: {refused}");
        }
        let mut deep = json!({"S": "x"});
        for level in 0..33 {
            assert_eq!(read(deep.clone()).is_ok(), level <= 32, "{level}");
            deep = json!({"L": [deep]});
        }
        assert!(read(deep).unwrap_err().contains("Nesting Levels"));
    }

    #[test]
    fn sizes_are_as_documented() {
        for (value, bytes) in [
            (json!({"S": "é"}), 2),
            (json!({"N": "123"}), 3),
            (json!({"N": "-123"}), 4),
            (json!({"BOOL": true}), 1),
            (json!({"L": []}), 3),
            (json!({"L": [{"S": "ab"}]}), 6),
            (json!({"M": {"k": {"S": "ab"}}}), 7),
            (json!({"SS": ["a", "bc"]}), 3),
        ] {
            assert_eq!(read(value.clone()).unwrap().size(), bytes, "{value}");
        }
    }
}
