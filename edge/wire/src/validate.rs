//! Checks an input against the constraints of its shapes, with AWS's own messages.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, OnceLock};

use model::api::{Api, Kind, Shape, ShapeId};
use model::{Fault, Value};
use regex_lite::Regex;

/// Finds every violation; reports at most this many.
const REPORTED: usize = 10;

pub fn validate(api: &Api, shape: ShapeId, value: &Value) -> Result<(), Fault> {
    let mut found = Vec::new();
    check(api, shape, value, "", &mut found);
    if found.is_empty() {
        return Ok(());
    }
    found.truncate(REPORTED);
    let count = found.len();
    let plural = if count == 1 { "error" } else { "errors" };
    Err(Fault::validation(format!("{count} validation {plural} detected: {}", found.join("; "))))
}

fn check(api: &Api, id: ShapeId, value: &Value, path: &str, found: &mut Vec<String>) {
    let Some(shape) = api.shape(id) else { return };
    match (&shape.kind, value) {
        (Kind::Structure(structure), Value::Map(members)) => {
            for member in &structure.members {
                let inner = join(path, member.name);
                match members.get(member.name) {
                    Some(Value::Null) | None if member.required && !member.streaming => {
                        found.push(format!(
                            "Value null at '{inner}' failed to satisfy constraint: Member must not be null"
                        ));
                    }
                    Some(value) => check(api, member.shape, value, &inner, found),
                    None => {}
                }
            }
            if structure.union && members.0.len() != 1 {
                found.push(format!(
                    "Value at '{path}' failed to satisfy constraint: exactly one member must be set"
                ));
            }
        }
        (Kind::List { member, .. }, Value::List(list)) => {
            length(shape, list.len(), value, path, found);
            for (i, value) in list.iter().enumerate() {
                check(api, *member, value, &format!("{path}.{}.member", i + 1), found);
            }
        }
        (Kind::Map { key, value: of, .. }, Value::Map(map)) => {
            length(shape, map.0.len(), value, path, found);
            for (name, value) in map.iter() {
                check(api, *key, &Value::Text(name.to_owned()), path, found);
                check(api, *of, value, &format!("{path}.{name}.member"), found);
            }
        }
        (Kind::String, Value::Text(text)) => string(shape, text, value, path, found),
        (Kind::Blob, Value::Blob(bytes)) => length(shape, bytes.len(), value, path, found),
        (Kind::Integer, Value::Integer(n)) => number(shape, *n, value, path, found),
        _ => {}
    }
}

/// Paths begin with a small letter, as AWS writes them.
fn join(path: &str, name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    let name: String = first.into_iter().chain(chars).collect();
    if path.is_empty() { name } else { format!("{path}.{name}") }
}

fn shown(shape: &Shape, value: &Value) -> String {
    match value {
        _ if shape.sensitive => "***".to_owned(),
        Value::Text(text) => text.clone(),
        Value::Blob(_) | Value::Body(_) => "java.nio.HeapByteBuffer".to_owned(),
        other => other.to_json().to_string(),
    }
}

fn violated(shape: &Shape, value: &Value, path: &str, constraint: &str, found: &mut Vec<String>) {
    found.push(format!(
        "Value '{}' at '{path}' failed to satisfy constraint: Member must {constraint}",
        shown(shape, value)
    ));
}

fn length(shape: &Shape, length: usize, value: &Value, path: &str, found: &mut Vec<String>) {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    if let Some(min) = shape.min.filter(|min| length < *min) {
        violated(shape, value, path, &format!("have length greater than or equal to {min}"), found);
    }
    if let Some(max) = shape.max.filter(|max| length > *max) {
        violated(shape, value, path, &format!("have length less than or equal to {max}"), found);
    }
}

fn number(shape: &Shape, n: i64, value: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(min) = shape.min.filter(|min| n < *min) {
        violated(shape, value, path, &format!("have value greater than or equal to {min}"), found);
    }
    if let Some(max) = shape.max.filter(|max| n > *max) {
        violated(shape, value, path, &format!("have value less than or equal to {max}"), found);
    }
}

fn string(shape: &Shape, text: &str, value: &Value, path: &str, found: &mut Vec<String>) {
    length(shape, text.chars().count(), value, path, found);
    if !shape.values.is_empty() && !shape.values.contains(&text) {
        let mut set = String::new();
        for (i, value) in shape.values.iter().enumerate() {
            let _ = write!(set, "{}{value}", if i > 0 { ", " } else { "" });
        }
        violated(shape, value, path, &format!("satisfy enum value set: [{set}]"), found);
    }
    if let Some(pattern) = shape.pattern
        && compiled(pattern).is_some_and(|regex| !regex.is_match(text))
    {
        violated(shape, value, path, &format!("satisfy regular expression pattern: {pattern}"), found);
    }
}

type Patterns = Mutex<HashMap<&'static str, Option<Arc<Regex>>>>;

/// A pattern, compiled at its first use. AWS matches whole values. The few patterns that this
/// regex language lacks (look-around) are not checked here; handlers check what depends on them.
fn compiled(pattern: &'static str) -> Option<Arc<Regex>> {
    static PATTERNS: OnceLock<Patterns> = OnceLock::new();
    let mut patterns =
        PATTERNS.get_or_init(Patterns::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    patterns.entry(pattern).or_insert_with(|| whole(pattern).map(Arc::new)).clone()
}

fn whole(pattern: &str) -> Option<Regex> {
    Regex::new(&format!("^(?s:{pattern})$")).ok()
}
