//! What may be shown of a document: by its shapes, not by memory.

use model::api::{Api, Kind, ShapeId};
use model::{Members, Value};
use serde_json::{Map, Value as Json};

/// What AWS shows in place of a sensitive value.
const HIDDEN: &str = "HIDDEN_DUE_TO_SECURITY_REASONS";
/// Marked sensitive, and yet shown by CloudTrail: every page that signs people in tells it.
const SHOWN: [(&str, &str); 1] = [("cognito-idp", "ClientIdType")];

/// The document with sensitive members hidden and payloads left out.
pub fn redact(api: &Api, shape: ShapeId, value: &Value) -> Value {
    let Some(shape) = api.shape(shape) else { return Value::Null };
    if shape.sensitive && *value != Value::Null {
        return Value::Text(HIDDEN.to_owned());
    }
    match (&shape.kind, value) {
        (Kind::Structure(structure), Value::Map(members)) => Value::Map(Members(
            members
                .0
                .iter()
                .filter_map(|(name, value)| {
                    let member = structure.members.iter().find(|m| m.name == name)?;
                    Some((name.clone(), redact(api, member.shape, value)))
                })
                .collect(),
        )),
        (Kind::List { member, .. }, Value::List(list)) => {
            Value::List(list.iter().map(|value| redact(api, *member, value)).collect())
        }
        (Kind::Map { value: of, .. }, Value::Map(members)) => {
            Value::Map(Members(members.0.iter().map(|(n, v)| (n.clone(), redact(api, *of, v))).collect()))
        }
        (_, Value::Body(_)) => Value::Null,
        (_, other) => other.clone(),
    }
}

/// The document as CloudTrail shows it: names begin small, sensitive values are hidden, binary data and
/// payloads are left out.
pub fn trail_json(api: &Api, shape: ShapeId, value: &Value) -> Json {
    let Some(shape) = api.shape(shape) else { return Json::Null };
    if shape.sensitive && !SHOWN.contains(&(api.name, shape.name)) && *value != Value::Null {
        return Json::String(HIDDEN.to_owned());
    }
    match (&shape.kind, value) {
        (Kind::Structure(structure), Value::Map(members)) => {
            let mut map = Map::new();
            for (name, value) in members.iter() {
                let Some(member) = structure.members.iter().find(|m| m.name == name) else { continue };
                let json = trail_json(api, member.shape, value);
                if !json.is_null() {
                    map.insert(small(name), json);
                }
            }
            Json::Object(map)
        }
        (Kind::List { member, .. }, Value::List(list)) => {
            list.iter().map(|v| trail_json(api, *member, v)).collect()
        }
        (Kind::Map { value: of, .. }, Value::Map(members)) => {
            Json::Object(members.iter().map(|(n, v)| (n.to_owned(), trail_json(api, *of, v))).collect())
        }
        (_, Value::Body(_) | Value::Blob(_)) => Json::Null,
        (_, other) => other.to_json(),
    }
}

fn small(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(chars).collect()
}
