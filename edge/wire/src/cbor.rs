//! Documents as CBOR (RFC 8949), by their shapes: the rpc-v2-cbor protocol.

use std::borrow::Cow;

use bytes::Bytes;
use ciborium::Value as Cbor;
use model::api::{Api, Kind, ShapeId};
use model::{Fault, Members, Value};

use crate::{DEPTH, time};

pub(crate) fn read(api: &Api, shape: ShapeId, body: &[u8]) -> Result<Value, Fault> {
    if body.is_empty() {
        return Ok(Value::Map(Members::default()));
    }
    let mut rest = body;
    let document: Cbor = ciborium::de::from_reader_with_recursion_limit(&mut rest, DEPTH as usize)
        .map_err(|_| Fault::serialization("the body is not valid CBOR"))?;
    value(api, shape, document)
}

fn value(api: &Api, shape: ShapeId, document: Cbor) -> Result<Value, Fault> {
    let Some(shape) = api.shape(shape) else { return Ok(Value::Null) };
    Ok(match (&shape.kind, document) {
        (_, Cbor::Null) => Value::Null,
        (Kind::Structure(structure), Cbor::Map(entries)) => {
            let mut members = Members::with_capacity(entries.len());
            for (key, document) in entries {
                let known = key.as_text().and_then(|k| structure.members.iter().find(|m| m.name == k));
                if let Some(member) = known {
                    let read = value(api, member.shape, document)?;
                    if read != Value::Null {
                        members.push(member.name, read);
                    }
                }
            }
            Value::Map(members)
        }
        (Kind::List { member, .. }, Cbor::Array(list)) => {
            Value::List(list.into_iter().map(|d| value(api, *member, d)).collect::<Result<_, _>>()?)
        }
        (Kind::Map { value: of, .. }, Cbor::Map(entries)) => {
            let mut members = Members::with_capacity(entries.len());
            for (key, document) in entries {
                let key = key.into_text().map_err(|_| Fault::serialization("a map's keys are not text"))?;
                members.0.push((Cow::Owned(key), value(api, *of, document)?));
            }
            Value::Map(members)
        }
        (Kind::String, Cbor::Text(text)) => Value::Text(text),
        (Kind::Integer, Cbor::Integer(n)) => {
            Value::Integer(i64::try_from(n).map_err(|_| Fault::serialization("an integer is out of range"))?)
        }
        (Kind::Float, Cbor::Float(n)) => Value::Float(n),
        (Kind::Float, Cbor::Integer(n)) => Value::Float(i64::try_from(n).map(float).unwrap_or_default()),
        (Kind::Boolean, Cbor::Bool(b)) => Value::Bool(b),
        (Kind::Blob, Cbor::Bytes(bytes)) => Value::Blob(Bytes::from(bytes)),
        (Kind::Timestamp(_), Cbor::Tag(1, inner)) => match *inner {
            Cbor::Float(n) => Value::Time(time::from_seconds(n).ok_or_else(wrong_time)?),
            Cbor::Integer(n) => {
                Value::Time(model::Timestamp::from_seconds(i64::try_from(n).map_err(|_| wrong_time())?))
            }
            _ => return Err(wrong_time()),
        },
        (kind, _) => {
            return Err(Fault::serialization(format!("{} was expected", crate::json::described(kind))));
        }
    })
}

fn wrong_time() -> Fault {
    Fault::serialization("a timestamp was expected")
}

#[allow(clippy::cast_precision_loss, reason = "an integer sent where a double is meant")]
fn float(n: i64) -> f64 {
    n as f64
}

pub(crate) fn write(api: &Api, shape: Option<ShapeId>, output: &Value) -> Result<Vec<u8>, Fault> {
    let document = shape.map_or_else(|| Cbor::Map(Vec::new()), |shape| document(api, shape, output));
    encode(&document)
}

pub(crate) fn encode(document: &Cbor) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::with_capacity(256);
    ciborium::into_writer(document, &mut out)
        .map_err(|e| Fault::internal(format!("an answer cannot be encoded: {e}")))?;
    Ok(out)
}

fn document(api: &Api, shape: ShapeId, value: &Value) -> Cbor {
    match (api.shape(shape).map(|s| &s.kind), value) {
        (Some(Kind::Structure(structure)), Value::Map(members)) => Cbor::Map(
            structure
                .members
                .iter()
                .filter_map(|m| Some((m, members.get(m.name).filter(|v| **v != Value::Null)?)))
                .map(|(m, v)| (Cbor::Text(m.name.to_owned()), document(api, m.shape, v)))
                .collect(),
        ),
        (Some(Kind::List { member, .. }), Value::List(list)) => {
            Cbor::Array(list.iter().map(|v| document(api, *member, v)).collect())
        }
        (Some(Kind::Map { value: of, .. }), Value::Map(members)) => Cbor::Map(
            members.iter().map(|(k, v)| (Cbor::Text(k.to_owned()), document(api, *of, v))).collect(),
        ),
        (Some(Kind::Float), Value::Integer(n)) => Cbor::Float(float(*n)),
        (_, Value::Bool(b)) => Cbor::Bool(*b),
        (_, Value::Integer(n)) => Cbor::Integer((*n).into()),
        (_, Value::Float(n)) => Cbor::Float(*n),
        (_, Value::Text(text)) => Cbor::Text(text.clone()),
        (_, Value::Blob(bytes)) => Cbor::Bytes(bytes.to_vec()),
        (_, Value::Time(at)) => Cbor::Tag(1, Box::new(Cbor::Float(time::seconds(*at)))),
        _ => Cbor::Null,
    }
}
