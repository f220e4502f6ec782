//! Documents as JSON, by their shapes.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::api::{Api, Kind, Location, Member, ShapeId, TimeFormat};
use model::{Fault, Members, Value};
use serde_json::Value as Json;

use crate::{DEPTH, time};

pub(crate) fn read(api: &Api, shape: ShapeId, body: &[u8]) -> Result<Value, Fault> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Map(Members::default()));
    }
    let json: Json =
        serde_json::from_slice(body).map_err(|_| Fault::serialization("the body is not valid JSON"))?;
    if !json.is_object() {
        return Err(Fault::serialization("the body is not a JSON object"));
    }
    value(api, shape, None, json, 0)
}

fn wrong(what: &str) -> Fault {
    Fault::serialization(format!("{what} was expected"))
}

/// One value; members that the shape does not know are passed over, as AWS does.
pub(crate) fn value(
    api: &Api,
    shape: ShapeId,
    member: Option<&Member>,
    json: Json,
    depth: u32,
) -> Result<Value, Fault> {
    if depth > DEPTH {
        return Err(Fault::serialization("the document is nested too deeply"));
    }
    let Some(shape) = api.shape(shape) else { return Ok(Value::Null) };
    Ok(match (&shape.kind, json) {
        (_, Json::Null) => Value::Null,
        (Kind::Document, json) => Value::from_json(json),
        (Kind::Structure(structure), Json::Object(mut map)) => {
            let mut members = Members::with_capacity(map.len());
            for member in &structure.members {
                if let Some(json) = map.remove(name(api, member)) {
                    let read = value(api, member.shape, Some(member), json, depth + 1)?;
                    if read != Value::Null {
                        members.push(member.name, read);
                    }
                }
            }
            Value::Map(members)
        }
        (Kind::List { member, .. }, Json::Array(list)) => Value::List(
            list.into_iter()
                .map(|json| value(api, *member, None, json, depth + 1))
                .collect::<Result<_, _>>()?,
        ),
        (Kind::Map { value: of, .. }, Json::Object(map)) => {
            let mut members = Members::with_capacity(map.len());
            for (key, json) in map {
                members.0.push((Cow::Owned(key), value(api, *of, None, json, depth + 1)?));
            }
            Value::Map(members)
        }
        (Kind::String, Json::String(text)) => Value::Text(text),
        (Kind::Integer, Json::Number(n)) => Value::Integer(integer(&n).ok_or_else(|| wrong("an integer"))?),
        (Kind::Float, Json::Number(n)) => Value::Float(n.as_f64().ok_or_else(|| wrong("a number"))?),
        (Kind::Float, Json::String(text)) => Value::Float(special(&text).ok_or_else(|| wrong("a number"))?),
        (Kind::Boolean, Json::Bool(b)) => Value::Bool(b),
        (Kind::Blob, Json::String(text)) => {
            Value::Blob(Bytes::from(STANDARD.decode(text).map_err(|_| wrong("base64"))?))
        }
        (Kind::Timestamp(_), Json::Number(n)) => {
            Value::Time(n.as_f64().and_then(time::from_seconds).ok_or_else(|| wrong("a timestamp"))?)
        }
        (Kind::Timestamp(_), Json::String(text)) => {
            Value::Time(time::parse(&text).ok_or_else(|| wrong("a timestamp"))?)
        }
        (Kind::String, _) if member.is_some_and(|m| m.json_value) => return Err(wrong("a JSON text")),
        (kind, _) => return Err(wrong(described(kind))),
    })
}

fn integer(n: &serde_json::Number) -> Option<i64> {
    n.as_i64().or_else(|| {
        // Clients that only have doubles write `3.0`.
        let float = n.as_f64()?;
        (float.fract() == 0.0).then(|| format!("{float:.0}").parse().ok())?
    })
}

pub(crate) fn special(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

pub(crate) fn described(kind: &Kind) -> &'static str {
    match kind {
        Kind::Structure(_) => "a structure",
        Kind::List { .. } => "a list",
        Kind::Map { .. } => "a map",
        Kind::String => "a string",
        Kind::Integer => "an integer",
        Kind::Float => "a number",
        Kind::Boolean => "a boolean",
        Kind::Blob => "binary data",
        Kind::Timestamp(_) => "a timestamp",
        Kind::Document => "a document",
    }
}

/// REST protocols rename members in bodies; plain JSON does not.
fn name(api: &Api, member: &Member) -> &'static str {
    match api.protocol() {
        model::api::Protocol::RestJson => member.wire_name(),
        _ => member.name,
    }
}

pub(crate) fn write(api: &Api, shape: ShapeId, value: &Value) -> String {
    let mut out = String::with_capacity(256);
    push(api, shape, None, value, &mut out);
    out
}

/// Writes the body members of a structure, or any other value.
pub(crate) fn push(api: &Api, shape: ShapeId, member: Option<&Member>, value: &Value, out: &mut String) {
    let kind = api.shape(shape).map(|s| &s.kind);
    match (kind, value) {
        (Some(Kind::Structure(structure)), Value::Map(members)) => {
            out.push('{');
            let mut first = true;
            for member in structure.members.iter().filter(|m| m.location == Location::Body) {
                let Some(value) = members.get(member.name).filter(|v| **v != Value::Null) else { continue };
                if !std::mem::take(&mut first) {
                    out.push(',');
                }
                text(name(api, member), out);
                out.push(':');
                push(api, member.shape, Some(member), value, out);
            }
            out.push('}');
        }
        (Some(Kind::List { member, .. }), Value::List(list)) => {
            out.push('[');
            for (i, value) in list.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                push(api, *member, None, value, out);
            }
            out.push(']');
        }
        (Some(Kind::Map { value: of, .. }), Value::Map(members)) => {
            out.push('{');
            for (i, (key, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                text(key, out);
                out.push(':');
                push(api, *of, None, value, out);
            }
            out.push('}');
        }
        (Some(Kind::Timestamp(format)), Value::Time(at)) => {
            match member.and_then(|m| m.time_format).or(*format).unwrap_or(TimeFormat::Unix) {
                TimeFormat::Unix => out.push_str(&number(time::seconds(*at))),
                format => text(&time::write(*at, format), out),
            }
        }
        (Some(Kind::Float), Value::Integer(n)) => out.push_str(&n.to_string()),
        (_, Value::Float(n)) => out.push_str(&number(*n)),
        (_, Value::Null | Value::Body(_)) => out.push_str("null"),
        (_, Value::Bool(b)) => out.push_str(if *b { "true" } else { "false" }),
        (_, Value::Integer(n)) => out.push_str(&n.to_string()),
        (_, Value::Text(t)) => text(t, out),
        (_, Value::Blob(bytes)) => text(&STANDARD.encode(bytes), out),
        (_, other) => out.push_str(&other.to_json().to_string()),
    }
}

fn number(n: f64) -> String {
    if n.is_nan() {
        return "\"NaN\"".to_owned();
    }
    if n.is_infinite() {
        return if n > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" }.to_owned();
    }
    n.to_string()
}

pub(crate) fn text(text: &str, out: &mut String) {
    // serde_json escapes as the JSON specification asks.
    out.push_str(&serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()));
}
