//! Patch operations: which paths may be changed, and how, is a table of each resource.
//! Follows "API Gateway PATCH operations" of the API reference.

use model::Fault;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use crate::document::bad_request;
use crate::shapes::PatchOperation;

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Slot {
    Text,
    Flag,
    Integer,
    Number,
    /// A list: `add` puts the value in, `remove` takes it out.
    List,
    /// An element of a list, named by the last segment of the path.
    Element,
    /// May only be taken away.
    Gone,
}

/// A path, `*` for any one segment, and what stands there.
pub(crate) type Rules = &'static [(&'static str, Slot)];

pub(crate) fn operations(given: Option<Vec<PatchOperation>>) -> Vec<PatchOperation> {
    given.unwrap_or_default()
}

/// The node with all operations done.
pub(crate) fn patched<T: Serialize + DeserializeOwned>(
    node: &T,
    operations: &[PatchOperation],
    rules: Rules,
) -> Result<T, Fault> {
    let unreadable = |e: serde_json::Error| bad_request(format!("Invalid patch: {e}"));
    let mut json = serde_json::to_value(node).map_err(unreadable)?;
    for operation in operations {
        one(&mut json, operation, rules)?;
    }
    serde_json::from_value(json).map_err(unreadable)
}

/// The segments of a JSON pointer, decoded.
pub(crate) fn segments(path: &str) -> Vec<String> {
    let decoded = |s: &str| s.replace("~1", "/").replace("~0", "~");
    path.strip_prefix('/').unwrap_or(path).split('/').map(decoded).collect()
}

fn one(json: &mut Json, operation: &PatchOperation, rules: Rules) -> Result<(), Fault> {
    let op = operation.op.as_deref().unwrap_or_default();
    let path = operation.path.as_deref().unwrap_or_default();
    let segments = segments(path);
    let invalid = || {
        let allowed: Vec<&str> = rules.iter().map(|(path, _)| *path).collect();
        bad_request(format!(
            "Invalid patch path  '{path}' specified for op '{op}'. Must be one of: [{}]",
            allowed.join(", ")
        ))
    };
    let fits = |pattern: &str| {
        let pattern: Vec<&str> = pattern.trim_start_matches('/').split('/').collect();
        pattern.len() == segments.len() && pattern.iter().zip(&segments).all(|(p, s)| *p == "*" || p == s)
    };
    let (_, slot) = rules.iter().find(|(pattern, _)| fits(pattern)).ok_or_else(invalid)?;
    let (last, way) = segments.split_last().ok_or_else(invalid)?;
    let mut place = json;
    for name in way {
        if place.is_null() {
            *place = Json::Object(Map::new());
        }
        place = match place {
            Json::Object(members) => members.entry(name.as_str()).or_insert(Json::Null),
            _ => return Err(invalid()),
        };
    }
    let value = operation.value.as_deref();
    match (op, slot) {
        (_, Slot::Element) => element(place, last, op, value).ok_or_else(invalid),
        (_, Slot::List) => {
            let list = member(place, last).ok_or_else(invalid)?;
            let given = value.ok_or_else(invalid)?;
            match op {
                "replace" => {
                    *list = Json::Array(given.split(',').map(|v| Json::String(v.to_owned())).collect());
                    Ok(())
                }
                _ => element(list, given, op, None).ok_or_else(invalid),
            }
        }
        ("remove", _) => {
            if let Json::Object(members) = place {
                members.remove(last.as_str());
            }
            Ok(())
        }
        ("add" | "replace", slot) => {
            let new = parsed(*slot, value.unwrap_or_default()).ok_or_else(invalid)?;
            *member(place, last).ok_or_else(invalid)? = new;
            Ok(())
        }
        _ => Err(invalid()),
    }
}

fn member<'a>(place: &'a mut Json, name: &str) -> Option<&'a mut Json> {
    if place.is_null() {
        *place = Json::Object(Map::new());
    }
    Some(place.as_object_mut()?.entry(name).or_insert(Json::Null))
}

fn element(list: &mut Json, element: &str, op: &str, value: Option<&str>) -> Option<()> {
    if list.is_null() {
        *list = Json::Array(Vec::new());
    }
    let list = list.as_array_mut()?;
    let new = value.unwrap_or(element);
    list.retain(|e| e != element && e != new);
    match op {
        "add" | "replace" => list.push(Json::String(new.to_owned())),
        "remove" => {}
        _ => return None,
    }
    Some(())
}

fn parsed(slot: Slot, value: &str) -> Option<Json> {
    Some(match slot {
        Slot::Text => Json::String(value.to_owned()),
        Slot::Flag => Json::Bool(value.parse().ok()?),
        Slot::Integer => Json::from(value.parse::<i64>().ok()?),
        Slot::Number => Json::from(value.parse::<f64>().ok()?),
        Slot::List | Slot::Element | Slot::Gone => return None,
    })
}
