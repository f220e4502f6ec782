//! A document between the wire and a handler: what a codec reads and writes,
//! what one service passes to another, what a condition key is taken from.
//!
//! Members keep the order in which they arrived; names of shape members are
//! borrowed from the API model, names of map entries are owned.

use std::borrow::Cow;

use bytes::Bytes;

use crate::fault::Fault;
use crate::time::Timestamp;

/// One value of an AWS API document.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    #[default]
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Blob(Bytes),
    Time(Timestamp),
    List(Vec<Value>),
    Map(Members),
    /// A streaming payload: never copied into a document, never logged.
    Body(Body),
}

/// A streaming payload, in memory when small, spooled (and encrypted) when large.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Memory(Bytes),
    Spooled(Spooled),
    /// Several blobs, one behind the other.
    Joined(Vec<Spooled>),
}

/// A payload that the edge has written into the blob store, sealed under `key`.
#[derive(Clone, PartialEq)]
pub struct Spooled {
    pub blob: String,
    /// Where the payload begins within the blob's plaintext.
    pub offset: u64,
    /// Length of the payload in bytes.
    pub length: u64,
    pub key: [u8; 32],
    pub md5: [u8; 16],
    pub sha256: [u8; 32],
}

impl std::fmt::Debug for Spooled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spooled")
            .field("blob", &self.blob)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

impl Body {
    /// Length of the plaintext in bytes.
    pub fn length(&self) -> u64 {
        match self {
            Body::Memory(bytes) => bytes.len() as u64,
            Body::Spooled(spooled) => spooled.length,
            Body::Joined(parts) => parts.iter().map(|p| p.length).sum(),
        }
    }
}

/// The members of a structure or the entries of a map, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members(pub Vec<(Cow<'static, str>, Value)>);

impl Members {
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    /// Takes a member out, leaving the others in order.
    #[inline(never)]
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(n, _)| n == name)?;
        Some(self.0.remove(at).1)
    }

    pub fn push(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        self.0.push((name.into(), value.into()));
    }

    /// Adds the member if there is something to add.
    pub fn push_some(&mut self, name: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.push(name, value);
        }
    }

    pub fn with_capacity(members: usize) -> Members {
        Members(Vec::with_capacity(members))
    }

    /// The members of a structure; an absent structure has none.
    pub fn of(value: Value) -> Result<Members, Fault> {
        match value {
            Value::Map(members) => Ok(members),
            Value::Null => Ok(Members::default()),
            _ => Err(Fault::serialization("expected a structure")),
        }
    }

    /// Adds a typed member.
    #[inline(never)]
    pub fn put(&mut self, name: &'static str, value: impl IntoValue) {
        self.0.push((Cow::Borrowed(name), value.into_value()));
    }

    /// Adds a typed member if there is one.
    #[inline(never)]
    pub fn put_some(&mut self, name: &'static str, value: Option<impl IntoValue>) {
        if let Some(value) = value {
            self.put(name, value);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(n, v)| (n.as_ref(), v))
    }
}

impl Value {
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Integer(n) => Some(*n),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(b) => Some(*b),
            _ => None,
        }
    }

    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Value::List(list) => Some(list),
            _ => None,
        }
    }

    pub fn as_map(&self) -> Option<&Members> {
        match self {
            Value::Map(members) => Some(members),
            _ => None,
        }
    }

    /// A member of a structure; `None` for anything else.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_map()?.get(name)
    }

    /// A text member of a structure.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The same document as JSON: blobs in base64, times in RFC 3339, bodies left out.
    pub fn to_json(&self) -> serde_json::Value {
        use base64::Engine as _;
        use serde_json::Value as Json;
        match self {
            Value::Null | Value::Body(_) => Json::Null,
            Value::Bool(b) => Json::Bool(*b),
            Value::Integer(n) => Json::from(*n),
            Value::Float(n) => Json::from(*n),
            Value::Text(text) => Json::String(text.clone()),
            Value::Blob(bytes) => Json::String(base64::engine::general_purpose::STANDARD.encode(bytes)),
            Value::Time(time) => Json::String(time.to_rfc3339()),
            Value::List(list) => Json::Array(list.iter().map(Value::to_json).collect()),
            Value::Map(members) => {
                Json::Object(members.iter().map(|(n, v)| (n.to_owned(), v.to_json())).collect())
            }
        }
    }

    /// A document from JSON. Blobs and times stay text: the shapes convert them.
    pub fn from_json(json: serde_json::Value) -> Value {
        use serde_json::Value as Json;
        match json {
            Json::Null => Value::Null,
            Json::Bool(b) => Value::Bool(b),
            Json::Number(n) => match n.as_i64() {
                Some(n) => Value::Integer(n),
                None => Value::Float(n.as_f64().unwrap_or_default()),
            },
            Json::String(text) => Value::Text(text),
            Json::Array(list) => Value::List(list.into_iter().map(Value::from_json).collect()),
            Json::Object(map) => Value::Map(Members(
                map.into_iter().map(|(n, v)| (Cow::Owned(n), Value::from_json(v))).collect(),
            )),
        }
    }
}

/// A typed shape that can be read from a document.
pub trait FromValue: Sized {
    fn from_value(value: Value) -> Result<Self, Fault>;
}

/// A typed shape that can be written as a document.
pub trait IntoValue {
    fn into_value(self) -> Value;
}

/// Takes a shape's members one by one; after the first fault it takes no more, and [`Reader::done`] tells it.
///
/// Its functions are called once per member of every shape, so they are shared and have one way out:
/// inlined and with a way out behind each member, one request's shape was 135 kB of code that runs cold.
pub struct Reader {
    members: Members,
    fault: Option<Fault>,
}

impl Reader {
    pub fn of(value: Value) -> Reader {
        match Members::of(value) {
            Ok(members) => Reader { members, fault: None },
            Err(fault) => Reader { members: Members::default(), fault: Some(fault) },
        }
    }

    /// Takes a member that must be there.
    #[inline(never)]
    pub fn required<T: FromValue + Default>(&mut self, name: &str) -> T {
        let taken = self.optional(name);
        if taken.is_none() && self.fault.is_none() {
            self.fault = Some(Fault::validation(format!("member `{name}` is required")));
        }
        taken.unwrap_or_default()
    }

    /// Takes a member that may be there.
    #[inline(never)]
    pub fn optional<T: FromValue>(&mut self, name: &str) -> Option<T> {
        let value = match self.members.take(name) {
            Some(Value::Null) | None => return None,
            Some(value) => value,
        };
        match T::from_value(value) {
            Ok(taken) => Some(taken),
            Err(fault) => {
                self.fault.get_or_insert(fault);
                None
            }
        }
    }

    /// The shape, if every member could be taken.
    pub fn done<T>(self, shape: T) -> Result<T, Fault> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(shape),
        }
    }
}

impl IntoValue for () {
    fn into_value(self) -> Value {
        Value::Map(Members::default())
    }
}

impl FromValue for () {
    fn from_value(_: Value) -> Result<Self, Fault> {
        Ok(())
    }
}

impl IntoValue for Value {
    fn into_value(self) -> Value {
        self
    }
}

impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self, Fault> {
        Ok(value)
    }
}

macro_rules! scalar {
    ($($type:ty, $variant:ident, $expected:literal;)*) => {$(
        impl From<$type> for Value { fn from(v: $type) -> Value { Value::$variant(v) } }
        impl IntoValue for $type { fn into_value(self) -> Value { Value::$variant(self) } }
        impl FromValue for $type {
            fn from_value(value: Value) -> Result<Self, Fault> {
                match value {
                    Value::$variant(v) => Ok(v),
                    other => from_other::$variant(other).ok_or_else(|| Fault::serialization($expected)),
                }
            }
        }
    )*};
}

scalar! {
    bool, Bool, "expected a boolean";
    i64, Integer, "expected an integer";
    f64, Float, "expected a number";
    String, Text, "expected a string";
    Bytes, Blob, "expected binary data";
    Timestamp, Time, "expected a timestamp";
    Body, Body, "expected a payload";
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl<T: IntoValue> IntoValue for Vec<T> {
    fn into_value(self) -> Value {
        Value::List(self.into_iter().map(IntoValue::into_value).collect())
    }
}

impl<T: FromValue> FromValue for Vec<T> {
    fn from_value(value: Value) -> Result<Self, Fault> {
        match value {
            Value::List(list) => list.into_iter().map(T::from_value).collect(),
            Value::Null => Ok(Vec::new()),
            _ => Err(Fault::serialization("expected a list")),
        }
    }
}

impl<T: IntoValue> IntoValue for std::collections::BTreeMap<String, T> {
    fn into_value(self) -> Value {
        Value::Map(Members(self.into_iter().map(|(n, v)| (Cow::Owned(n), v.into_value())).collect()))
    }
}

impl<T: FromValue> FromValue for std::collections::BTreeMap<String, T> {
    fn from_value(value: Value) -> Result<Self, Fault> {
        match value {
            Value::Map(members) => {
                members.0.into_iter().map(|(n, v)| Ok((n.into_owned(), T::from_value(v)?))).collect()
            }
            Value::Null => Ok(Self::new()),
            _ => Err(Fault::serialization("expected a map")),
        }
    }
}

impl<T: IntoValue> IntoValue for Box<T> {
    fn into_value(self) -> Value {
        (*self).into_value()
    }
}

impl<T: FromValue> FromValue for Box<T> {
    fn from_value(value: Value) -> Result<Self, Fault> {
        T::from_value(value).map(Box::new)
    }
}

/// Conversions that a document from JSON or from CloudFormation properties needs.
#[allow(non_snake_case, reason = "named after the variants so that one macro can call them")]
mod from_other {
    use base64::Engine as _;

    use super::{Body, Bytes, Timestamp, Value};

    pub(super) fn Bool(value: Value) -> Option<bool> {
        match value.as_str()? {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    pub(super) fn Integer(value: Value) -> Option<i64> {
        value.as_str()?.parse().ok()
    }

    #[allow(clippy::cast_precision_loss, reason = "a JSON integer given where a double is wanted")]
    pub(super) fn Float(value: Value) -> Option<f64> {
        match value {
            Value::Integer(n) => Some(n as f64),
            other => other.as_str()?.parse().ok(),
        }
    }

    pub(super) fn Text(value: Value) -> Option<String> {
        match value {
            Value::Integer(n) => Some(n.to_string()),
            Value::Float(n) => Some(n.to_string()),
            Value::Bool(b) => Some(b.to_string()),
            _ => None,
        }
    }

    pub(super) fn Blob(value: Value) -> Option<Bytes> {
        let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str()?).ok()?;
        Some(Bytes::from(bytes))
    }

    pub(super) fn Time(value: Value) -> Option<Timestamp> {
        match value {
            Value::Integer(seconds) => Some(Timestamp::from_seconds(seconds)),
            other => Timestamp::parse_rfc3339(other.as_str()?),
        }
    }

    pub(super) fn Body(value: Value) -> Option<Body> {
        match value {
            Value::Blob(bytes) => Some(Body::Memory(bytes)),
            Value::Text(text) => Some(Body::Memory(Bytes::from(text))),
            _ => None,
        }
    }
}
