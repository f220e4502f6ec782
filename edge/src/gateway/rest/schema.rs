//! Is this document as its JSON schema says? Draft 4, all of its validation keywords; `format`
//! and references to elsewhere cannot occur: the service refuses such models.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use model::estate::apigateway::Model;
use regex_lite::Regex;
use serde_json::{Map, Value as Json};

/// Deeper documents and circles of references are refused.
const DEEPEST: u8 = 64;

/// The models of one deployment, with their patterns compiled.
pub(super) struct Schemas {
    models: BTreeMap<String, Json>,
    patterns: HashMap<String, Regex>,
}

/// One of them.
#[derive(Clone)]
pub(super) struct Schema {
    all: Arc<Schemas>,
    name: String,
}

impl Schemas {
    /// `None` if one cannot be read.
    pub(super) fn compile<'a>(models: impl Iterator<Item = &'a Model>) -> Option<Arc<Schemas>> {
        let mut schemas = Schemas { models: BTreeMap::new(), patterns: HashMap::new() };
        for model in models {
            let schema: Json = serde_json::from_str(&model.schema).ok()?;
            schemas.gather(&schema)?;
            schemas.models.insert(model.name.clone(), schema);
        }
        Some(Arc::new(schemas))
    }

    pub(super) fn schema(self: &Arc<Schemas>, name: &str) -> Option<Schema> {
        self.models.contains_key(name).then(|| Schema { all: Arc::clone(self), name: name.to_owned() })
    }

    /// Compiles every text that could be a pattern.
    fn gather(&mut self, schema: &Json) -> Option<()> {
        match schema {
            Json::Object(members) => {
                for (name, value) in members {
                    if let ("pattern", Json::String(pattern)) = (name.as_str(), value) {
                        self.pattern(pattern)?;
                    }
                    if let ("patternProperties", Json::Object(map)) = (name.as_str(), value) {
                        map.keys().try_for_each(|p| self.pattern(p))?;
                    }
                    self.gather(value)?;
                }
                Some(())
            }
            Json::Array(list) => list.iter().try_for_each(|one| self.gather(one)),
            _ => Some(()),
        }
    }

    fn pattern(&mut self, pattern: &str) -> Option<()> {
        if !self.patterns.contains_key(pattern) {
            self.patterns.insert(pattern.to_owned(), Regex::new(pattern).ok()?);
        }
        Some(())
    }
}

impl Schema {
    pub(super) fn holds(&self, instance: &Json) -> bool {
        let Some(root) = self.all.models.get(&self.name) else { return false };
        Checker { all: &self.all, root }.holds(root, instance, 0)
    }
}

#[derive(Clone, Copy)]
struct Checker<'a> {
    all: &'a Schemas,
    root: &'a Json,
}

impl Checker<'_> {
    fn holds(self, schema: &Json, instance: &Json, depth: u8) -> bool {
        let Some(members) = schema.as_object().filter(|_| depth < DEEPEST) else { return false };
        if let Some(reference) = members.get("$ref").and_then(Json::as_str) {
            return self.referred(reference, instance, depth);
        }
        let all = |name: &str, depth: u8| {
            let list = members.get(name).and_then(Json::as_array);
            list.map(|list| list.iter().filter(|s| self.holds(s, instance, depth)).count())
        };
        let length = |name: &str| members.get(name).and_then(Json::as_array).map_or(0, Vec::len);
        members.get("type").is_none_or(|t| is_type(t, instance))
            && members.get("enum").and_then(Json::as_array).is_none_or(|list| list.contains(instance))
            && all("allOf", depth + 1).is_none_or(|n| n == length("allOf"))
            && all("anyOf", depth + 1).is_none_or(|n| n > 0)
            && all("oneOf", depth + 1).is_none_or(|n| n == 1)
            && members.get("not").is_none_or(|s| !self.holds(s, instance, depth + 1))
            && match instance {
                Json::Number(n) => n.as_f64().is_some_and(|n| number(members, n)),
                Json::String(text) => self.text(members, text),
                Json::Array(list) => self.array(members, list, depth),
                Json::Object(object) => self.object(members, object, depth),
                Json::Null | Json::Bool(_) => true,
            }
    }

    /// `#/definitions/x`, or another model of the API by its URL.
    fn referred(self, reference: &str, instance: &Json, depth: u8) -> bool {
        if let Some(pointer) = reference.strip_prefix('#') {
            return self.root.pointer(pointer).is_some_and(|s| self.holds(s, instance, depth + 1));
        }
        let name = reference.rsplit('/').next().unwrap_or_default();
        let Some(root) = self.all.models.get(name) else { return false };
        Checker { root, ..self }.holds(root, instance, depth + 1)
    }

    fn matches(self, pattern: &str, text: &str) -> bool {
        self.all.patterns.get(pattern).is_some_and(|p| p.is_match(text))
    }

    fn text(self, members: &Map<String, Json>, text: &str) -> bool {
        within(members, "minLength", "maxLength", text.chars().count())
            && members.get("pattern").and_then(Json::as_str).is_none_or(|p| self.matches(p, text))
    }

    fn array(self, members: &Map<String, Json>, list: &[Json], depth: u8) -> bool {
        let more = |from: usize| {
            let mut rest = list.iter().skip(from);
            match members.get("additionalItems") {
                Some(Json::Bool(false)) => rest.next().is_none(),
                Some(schema @ Json::Object(_)) => rest.all(|i| self.holds(schema, i, depth + 1)),
                _ => true,
            }
        };
        let items = match members.get("items") {
            Some(Json::Array(schemas)) => {
                schemas.iter().zip(list).all(|(s, i)| self.holds(s, i, depth + 1)) && more(schemas.len())
            }
            Some(schema) => list.iter().all(|i| self.holds(schema, i, depth + 1)),
            None => true,
        };
        let unique = || list.iter().enumerate().all(|(at, i)| !list.iter().skip(at + 1).any(|j| i == j));
        items
            && within(members, "minItems", "maxItems", list.len())
            && (members.get("uniqueItems") != Some(&Json::Bool(true)) || unique())
    }

    fn object(self, members: &Map<String, Json>, object: &Map<String, Json>, depth: u8) -> bool {
        let map = |name: &str| members.get(name).and_then(Json::as_object);
        let required = members.get("required").and_then(Json::as_array);
        let names = |list: &Vec<Json>| list.iter().filter_map(Json::as_str).all(|n| object.contains_key(n));
        let properties = object.iter().all(|(name, value)| {
            let own = map("properties").and_then(|p| p.get(name));
            let mut fitting = map("patternProperties")
                .into_iter()
                .flatten()
                .filter(|(pattern, _)| self.matches(pattern, name))
                .peekable();
            if own.is_none() && fitting.peek().is_none() {
                return match members.get("additionalProperties") {
                    Some(Json::Bool(allowed)) => *allowed,
                    Some(schema) => self.holds(schema, value, depth + 1),
                    None => true,
                };
            }
            own.is_none_or(|s| self.holds(s, value, depth + 1))
                && fitting.all(|(_, s)| self.holds(s, value, depth + 1))
        });
        let dependencies = map("dependencies").into_iter().flatten().all(|(name, needs)| {
            !object.contains_key(name)
                || match needs {
                    Json::Array(list) => names(list),
                    schema => self.holds(schema, &Json::Object(object.clone()), depth + 1),
                }
        });
        properties
            && dependencies
            && required.is_none_or(names)
            && within(members, "minProperties", "maxProperties", object.len())
    }
}

fn within(members: &Map<String, Json>, least: &str, most: &str, count: usize) -> bool {
    let bound = |name: &str| members.get(name).and_then(Json::as_u64);
    let count = count as u64;
    bound(least).is_none_or(|n| count >= n) && bound(most).is_none_or(|n| count <= n)
}

fn number(members: &Map<String, Json>, n: f64) -> bool {
    let bound = |name: &str| members.get(name).and_then(Json::as_f64);
    let exclusive = |name: &str| members.get(name) == Some(&Json::Bool(true));
    let above = bound("minimum").is_none_or(|m| if exclusive("exclusiveMinimum") { n > m } else { n >= m });
    let below = bound("maximum").is_none_or(|m| if exclusive("exclusiveMaximum") { n < m } else { n <= m });
    let multiple = bound("multipleOf").is_none_or(|m| {
        let times = n / m;
        (times - times.round()).abs() < 1e-9
    });
    above && below && multiple
}

fn is_type(given: &Json, instance: &Json) -> bool {
    if let Some(list) = given.as_array() {
        return list.iter().any(|one| is_type(one, instance));
    }
    match given.as_str() {
        Some("null") => instance.is_null(),
        Some("boolean") => instance.is_boolean(),
        Some("integer") => instance.is_i64() || instance.is_u64(),
        Some("number") => instance.is_number(),
        Some("string") => instance.is_string(),
        Some("array") => instance.is_array(),
        Some("object") => instance.is_object(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(schema: &str, instance: &str) -> bool {
        let model =
            |name: &str, schema: &str| Model { name: name.into(), schema: schema.into(), ..Model::default() };
        let other = model("Other", r#"{"type":"string","maxLength":2}"#);
        let schemas = Schemas::compile([model("M", schema), other].iter()).expect("the schema compiles");
        schemas.schema("M").expect("it is there").holds(&serde_json::from_str(instance).expect("JSON"))
    }

    #[test]
    fn every_keyword_holds_and_fails() {
        // Schema, a document that is as it says, one that is not.
        let cases = [
            (r#"{"type":"integer"}"#, "1", "1.5"),
            (r#"{"type":["string","null"]}"#, "null", "1"),
            (r#"{"enum":[1,"a"]}"#, r#""a""#, r#""b""#),
            (r#"{"minimum":1,"exclusiveMinimum":true}"#, "1.1", "1"),
            (r#"{"maximum":5}"#, "5", "6"),
            (r#"{"multipleOf":0.1}"#, "0.3", "0.35"),
            (r#"{"minLength":2,"maxLength":3}"#, r#""äö""#, r#""a""#),
            (r#"{"pattern":"^[a-z]+$"}"#, r#""abc""#, r#""a1""#),
            (
                r#"{"items":{"type":"string"},"minItems":1,"uniqueItems":true}"#,
                r#"["a","b"]"#,
                r#"["a","a"]"#,
            ),
            (r#"{"items":[{"type":"string"}],"additionalItems":false}"#, r#"["a"]"#, r#"["a",1]"#),
            (r#"{"required":["a"]}"#, r#"{"a":1}"#, "{}"),
            (r#"{"properties":{"a":{"type":"string"}}}"#, r#"{"a":"x","b":1}"#, r#"{"a":1}"#),
            (r#"{"properties":{"a":{}},"additionalProperties":false}"#, r#"{"a":1}"#, r#"{"a":1,"b":1}"#),
            (
                r#"{"patternProperties":{"^x":{"type":"integer"}},"additionalProperties":{"type":"string"}}"#,
                r#"{"x1":1,"y":"s"}"#,
                r#"{"x1":"s"}"#,
            ),
            (r#"{"minProperties":1,"maxProperties":1}"#, r#"{"a":1}"#, "{}"),
            (r#"{"dependencies":{"a":["b"]}}"#, r#"{"a":1,"b":1}"#, r#"{"a":1}"#),
            (r#"{"allOf":[{"type":"integer"},{"minimum":2}]}"#, "2", "1"),
            (r#"{"anyOf":[{"type":"integer"},{"type":"null"}]}"#, "null", r#""a""#),
            (r#"{"oneOf":[{"minimum":1},{"maximum":3}]}"#, "5", "2"),
            (r#"{"not":{"type":"string"}}"#, "1", r#""a""#),
            (
                r##"{"definitions":{"d":{"type":"integer"}},"properties":{"a":{"$ref":"#/definitions/d"}}}"##,
                r#"{"a":1}"#,
                r#"{"a":"x"}"#,
            ),
            (r#"{"$ref":"https://apigateway.amazonaws.com/restapis/x/models/Other"}"#, r#""ab""#, r#""abc""#),
        ];
        for (schema, good, bad) in cases {
            assert!(holds(schema, good), "{schema} should hold for {good}");
            assert!(!holds(schema, bad), "{schema} should not hold for {bad}");
        }
        assert!(!holds(r##"{"$ref":"#"}"##, "1"), "a circle is refused");
    }
}
