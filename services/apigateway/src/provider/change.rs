//! From changed properties to patch operations.

use model::Deploy;
use serde_json::{Value as Json, json};

/// What a property is, and where the API keeps it.
pub(super) enum Kind {
    /// One value, at this path.
    Scalar(&'static str),
    /// A list of texts, under this path by value.
    List(&'static str),
    /// A list of texts, each at a path of its own under this one.
    Elements(&'static str),
}

pub(super) fn text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

pub(super) fn replace(path: &str, value: &Json) -> Json {
    json!({"op": "replace", "path": path, "value": text(value)})
}

pub(super) fn add(path: &str, value: &str) -> Json {
    json!({"op": "add", "path": path, "value": value})
}

pub(super) fn remove(path: &str, value: Option<&str>) -> Json {
    match value {
        Some(value) => json!({"op": "remove", "path": path, "value": value}),
        None => json!({"op": "remove", "path": path}),
    }
}

/// The operations that bring the resource from the previous properties to these.
pub(super) fn operations(deploy: &Deploy<'_>, table: &[(&str, Kind)]) -> Vec<Json> {
    let mut operations = Vec::new();
    for (property, kind) in table {
        let before = deploy.previous.and_then(|p| p.get(*property));
        let after = deploy.property(property);
        if before == after {
            continue;
        }
        match kind {
            Kind::Scalar(path) => operations.push(match after {
                Some(value) => replace(path, value),
                None => remove(path, None),
            }),
            Kind::List(path) => {
                operations.extend(texts(before).iter().map(|v| remove(path, Some(v))));
                operations.extend(texts(after).iter().map(|v| add(path, v)));
            }
            Kind::Elements(path) => {
                let at = |v: &String| format!("{path}/{}", escaped(v));
                operations.extend(texts(before).iter().map(|v| remove(&at(v), None)));
                operations.extend(texts(after).iter().map(|v| json!({"op": "add", "path": at(v)})));
            }
        }
    }
    operations
}

fn texts(value: Option<&Json>) -> Vec<String> {
    value.and_then(Json::as_array).map(|list| list.iter().map(text).collect()).unwrap_or_default()
}

/// The operations for a map of texts under a path.
pub(super) fn entries(path: &str, before: Option<&Json>, after: Option<&Json>) -> Vec<Json> {
    let map = |value: Option<&Json>| value.and_then(Json::as_object).cloned().unwrap_or_default();
    let (before, after) = (map(before), map(after));
    let at = |name: &str| format!("{path}/{}", escaped(name));
    let removed = before.keys().filter(|k| !after.contains_key(*k)).map(|k| remove(&at(k), None));
    let set = after.iter().filter(|(k, v)| before.get(*k) != Some(v)).map(|(k, v)| replace(&at(k), v));
    removed.chain(set).collect()
}
