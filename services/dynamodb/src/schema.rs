//! Key schemas: which attributes are keys, of which type, and where that puts an item.
//! Checks the keys that requests give against them.

use model::Fault;
use serde::{Deserialize, Serialize};

use crate::attribute::{Attr, Item};

/// The types that keys can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    S,
    N,
    B,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyAttribute {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// A partition key and perhaps a sort key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeySchema {
    pub(crate) hash: KeyAttribute,
    pub(crate) range: Option<KeyAttribute>,
}

impl Kind {
    pub(crate) fn parse(name: &str) -> Option<Kind> {
        match name {
            "S" => Some(Kind::S),
            "N" => Some(Kind::N),
            "B" => Some(Kind::B),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::S => "S",
            Kind::N => "N",
            Kind::B => "B",
        }
    }
}

const HASH_BYTES: usize = 2048;
const RANGE_BYTES: usize = 1024;

fn empty(value: &Attr) -> Option<&'static str> {
    match value {
        Attr::S(text) if text.is_empty() => Some("string"),
        Attr::B(bytes) if bytes.is_empty() => Some("binary"),
        _ => None,
    }
}

impl KeyAttribute {
    /// The key's value in an item that is to be kept.
    fn within<'i>(&self, item: &'i Item) -> Result<&'i Attr, Fault> {
        let name = &self.name;
        let value = item.get(name).ok_or_else(|| {
            Fault::validation(format!(
                "One or more parameter values were invalid: Missing the key {name} in the item"
            ))
        })?;
        if value.kind() != self.kind.name() {
            return Err(Fault::validation(format!(
                "One or more parameter values were invalid: Type mismatch for key {name} expected: {} actual: {}",
                self.kind.name(),
                value.kind()
            )));
        }
        match empty(value) {
            Some(kind) => Err(empty_key(kind, name)),
            None => Ok(value),
        }
    }
}

fn empty_key(kind: &str, name: &str) -> Fault {
    Fault::validation(format!(
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {kind} value. Key: {name}"
    ))
}

fn not_the_schema() -> Fault {
    Fault::validation("The provided key element does not match the schema")
}

/// The values of one item's key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key<'i> {
    pub(crate) hash: &'i Attr,
    pub(crate) range: Option<&'i Attr>,
}

impl KeySchema {
    pub(crate) fn attributes(&self) -> impl Iterator<Item = &KeyAttribute> {
        std::iter::once(&self.hash).chain(&self.range)
    }

    pub(crate) fn names(&self, name: &str) -> bool {
        self.attributes().any(|a| a.name == name)
    }

    /// The key of an item that is to be kept.
    pub(crate) fn of<'i>(&self, item: &'i Item) -> Result<Key<'i>, Fault> {
        let hash = self.hash.within(item)?;
        let range = self.range.as_ref().map(|r| r.within(item)).transpose()?;
        sized(Key { hash, range })
    }

    /// A key that a request gives: the key attributes and nothing else.
    pub(crate) fn exactly<'i>(&self, key: &'i Item) -> Result<Key<'i>, Fault> {
        if key.len() != self.attributes().count() {
            return Err(not_the_schema());
        }
        let value = |attribute: &KeyAttribute| {
            let value = key.get(&attribute.name).ok_or_else(not_the_schema)?;
            match (value.kind() == attribute.kind.name(), empty(value)) {
                (false, _) => Err(not_the_schema()),
                (true, Some(kind)) => Err(empty_key(kind, &attribute.name)),
                (true, None) => Ok(value),
            }
        };
        let hash = value(&self.hash)?;
        let range = self.range.as_ref().map(value).transpose()?;
        sized(Key { hash, range })
    }

    /// The key in a secondary index; none, where an item is not in the index.
    pub(crate) fn sparse<'i>(&self, item: &'i Item) -> Option<Key<'i>> {
        let value =
            |a: &KeyAttribute| item.get(&a.name).filter(|v| v.kind() == a.kind.name() && empty(v).is_none());
        let hash = value(&self.hash)?;
        let range = match &self.range {
            Some(range) => Some(value(range)?),
            None => None,
        };
        sized(Key { hash, range }).ok()
    }

    /// Refuses an item whose attributes could not be keys of the index `name`.
    pub(crate) fn check_index(&self, item: &Item, name: &str) -> Result<(), Fault> {
        for attribute in self.attributes() {
            let Some(value) = item.get(&attribute.name) else { continue };
            let key = &attribute.name;
            if value.kind() != attribute.kind.name() {
                return Err(Fault::validation(format!(
                    "One or more parameter values were invalid: Type mismatch for Index Key {key} Expected: {} Actual: {} IndexName: {name}",
                    attribute.kind.name(),
                    value.kind()
                )));
            }
            if let Some(kind) = empty(value) {
                return Err(Fault::validation(format!(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty {kind} value. IndexName: {name}, IndexKey: {key}"
                )));
            }
        }
        let key = |a: &KeyAttribute| item.get(&a.name);
        let hash_fits = key(&self.hash).is_none_or(|h| h.size() <= HASH_BYTES);
        let range_fits = self.range.as_ref().and_then(key).is_none_or(|r| r.size() <= RANGE_BYTES);
        match (hash_fits, range_fits) {
            (true, true) => Ok(()),
            (false, _) => Err(oversized_hash()),
            (_, false) => Err(oversized_range()),
        }
    }
}

fn oversized_hash() -> Fault {
    Fault::validation(
        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of2048 bytes",
    )
}

fn oversized_range() -> Fault {
    Fault::validation(
        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of 1024 bytes",
    )
}

fn sized(key: Key<'_>) -> Result<Key<'_>, Fault> {
    if key.hash.size() > HASH_BYTES {
        return Err(oversized_hash());
    }
    match key.range {
        Some(range) if range.size() > RANGE_BYTES => Err(oversized_range()),
        _ => Ok(key),
    }
}
