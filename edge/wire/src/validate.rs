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
    check(api, shape, value, Path::Root, &mut found);
    if found.is_empty() {
        return Ok(());
    }
    found.truncate(REPORTED);
    let count = found.len();
    let plural = if count == 1 { "error" } else { "errors" };
    Err(Fault::validation(format!("{count} validation {plural} detected: {}", found.join("; "))))
}

/// The way to a value. It is written out only where something is wrong there.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root,
    Member(&'a Path<'a>, &'a str),
    Element(&'a Path<'a>, usize),
    Entry(&'a Path<'a>, &'a str),
}

/// Names begin with a small letter, as AWS writes them; elements count from 1.
impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Member(before, name) => {
                if !matches!(before, Path::Root) {
                    write!(f, "{before}.")?;
                }
                let mut chars = name.chars();
                if let Some(first) = chars.next() {
                    f.write_char(first.to_ascii_lowercase())?;
                }
                f.write_str(chars.as_str())
            }
            Path::Element(before, i) => write!(f, "{before}.{}.member", i + 1),
            Path::Entry(before, name) => write!(f, "{before}.{name}.member"),
        }
    }
}

fn check(api: &Api, id: ShapeId, value: &Value, path: Path<'_>, found: &mut Vec<String>) {
    let Some(shape) = api.shape(id) else { return };
    match (&shape.kind, value) {
        (Kind::Structure(structure), Value::Map(members)) => {
            for member in &structure.members {
                let inner = Path::Member(&path, member.name);
                match members.get(member.name) {
                    Some(Value::Null) | None if member.required && !member.streaming => {
                        found.push(format!(
                            "Value null at '{inner}' failed to satisfy constraint: Member must not be null"
                        ));
                    }
                    Some(value) => check(api, member.shape, value, inner, found),
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
            length(shape, list.len(), Given::Value(value), path, found);
            for (i, value) in list.iter().enumerate() {
                check(api, *member, value, Path::Element(&path, i), found);
            }
        }
        (Kind::Map { key, value: of, .. }, Value::Map(map)) => {
            length(shape, map.0.len(), Given::Value(value), path, found);
            for (name, value) in map.iter() {
                if let Some(shape) = api.shape(*key) {
                    string(shape, name, path, found);
                }
                check(api, *of, value, Path::Entry(&path, name), found);
            }
        }
        (Kind::String, Value::Text(text)) => string(shape, text, path, found),
        (Kind::Blob, Value::Blob(bytes)) => length(shape, bytes.len(), Given::Value(value), path, found),
        (Kind::Integer, Value::Integer(n)) => number(shape, *n, Given::Value(value), path, found),
        _ => {}
    }
}

/// What was given there, for the error.
#[derive(Clone, Copy)]
enum Given<'a> {
    Text(&'a str),
    Value(&'a Value),
}

fn shown(shape: &Shape, given: Given<'_>) -> String {
    match given {
        _ if shape.sensitive => "***".to_owned(),
        Given::Text(text) => text.to_owned(),
        Given::Value(Value::Text(text)) => text.clone(),
        Given::Value(Value::Blob(_) | Value::Body(_)) => "java.nio.HeapByteBuffer".to_owned(),
        Given::Value(other) => other.to_json().to_string(),
    }
}

fn violated(shape: &Shape, given: Given<'_>, path: Path<'_>, constraint: &str, found: &mut Vec<String>) {
    found.push(format!(
        "Value '{}' at '{path}' failed to satisfy constraint: Member must {constraint}",
        shown(shape, given)
    ));
}

fn length(shape: &Shape, length: usize, given: Given<'_>, path: Path<'_>, found: &mut Vec<String>) {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    if let Some(min) = shape.min.filter(|min| length < *min) {
        violated(shape, given, path, &format!("have length greater than or equal to {min}"), found);
    }
    if let Some(max) = shape.max.filter(|max| length > *max) {
        violated(shape, given, path, &format!("have length less than or equal to {max}"), found);
    }
}

fn number(shape: &Shape, n: i64, given: Given<'_>, path: Path<'_>, found: &mut Vec<String>) {
    if let Some(min) = shape.min.filter(|min| n < *min) {
        violated(shape, given, path, &format!("have value greater than or equal to {min}"), found);
    }
    if let Some(max) = shape.max.filter(|max| n > *max) {
        violated(shape, given, path, &format!("have value less than or equal to {max}"), found);
    }
}

fn string(shape: &Shape, text: &str, path: Path<'_>, found: &mut Vec<String>) {
    let given = Given::Text(text);
    length(shape, text.chars().count(), given, path, found);
    if !shape.values.is_empty() && !shape.values.contains(&text) {
        let mut set = String::new();
        for (i, value) in shape.values.iter().enumerate() {
            let _ = write!(set, "{}{value}", if i > 0 { ", " } else { "" });
        }
        violated(shape, given, path, &format!("satisfy enum value set: [{set}]"), found);
    }
    if let Some(pattern) = shape.pattern
        && compiled(pattern).is_some_and(|regex| !regex.is_match(text))
    {
        violated(shape, given, path, &format!("satisfy regular expression pattern: {pattern}"), found);
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

#[cfg(test)]
mod tests {
    use model::Members;

    use super::*;

    const MODEL: &str = "service t\nprotocols json\noperation Do POST / in=In\nstructure In\n  Things Map required\nmap Map key=Name value=List min=1\nlist List member=Thing\nstructure Thing\n  Size Size required\n  Kind Kind\nstring Name max=3\ninteger Size min=1\nstring Kind enum=a|b\n";

    #[test]
    fn a_violation_tells_where_it_is() {
        let api = Api::parse(MODEL).unwrap();
        let shape = api.operation("Do").unwrap().input.unwrap();
        let given = serde_json::json!({"Things": {"long": [{"Size": 1}, {"Size": 0, "Kind": "c"}, {}]}});
        let refused = validate(&api, shape, &Value::from_json(given)).unwrap_err();
        assert_eq!(
            refused.message,
            "4 validation errors detected: \
             Value 'long' at 'things' failed to satisfy constraint: Member must have length less than or equal to 3; \
             Value '0' at 'things.long.member.2.member.size' failed to satisfy constraint: Member must have value greater than or equal to 1; \
             Value 'c' at 'things.long.member.2.member.kind' failed to satisfy constraint: Member must satisfy enum value set: [a, b]; \
             Value null at 'things.long.member.3.member.size' failed to satisfy constraint: Member must not be null"
        );
        let none = validate(&api, shape, &Value::Map(Members::default())).unwrap_err();
        assert!(none.message.starts_with("1 validation error detected: Value null at 'things'"));
        let good = serde_json::json!({"Things": {"abc": [{"Size": 1, "Kind": "b"}]}});
        assert_eq!(validate(&api, shape, &Value::from_json(good)), Ok(()));
    }
}
