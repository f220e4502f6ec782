//! What a value means: parameters, conditions, intrinsic functions.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base64::Engine as _;
use serde_json::{Map, Value as Json};

use crate::Problem;
use crate::node::{Node, Val};

/// What resolution asks of the world.
pub trait Lookup {
    /// What `Ref` gives for a resource; nothing while it is not made.
    fn reference(&self, logical: &str) -> Option<Json>;
    fn attribute(&self, logical: &str, name: &str) -> Option<Json>;
    fn export(&self, name: &str) -> Option<String>;
    /// The value of a Systems Manager parameter, for template parameters that name one.
    fn stored(&self, name: &str) -> Option<String>;
    /// A pseudo parameter such as `AWS::Region`.
    fn pseudo(&self, name: &str) -> Option<Json>;
    /// The availability zones of a region.
    fn zones(&self, region: &str) -> Vec<String>;
}

/// A template with its parameters and conditions decided.
pub struct Scope<'a> {
    pub template: &'a Node,
    pub parameters: BTreeMap<String, Json>,
    pub conditions: BTreeMap<String, bool>,
}

/// A value, and the line of each of its parts, by JSON pointer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resolved {
    pub value: Json,
    pub lines: BTreeMap<String, u32>,
}

type Res<T> = Result<T, Problem>;

fn wrong(node: &Node, message: impl Into<String>) -> Problem {
    Problem::new(node.place, message)
}

/// The kind of value behind a parameter of a `AWS::SSM::Parameter::Value<...>` kind.
pub fn stored_kind(kind: &str) -> Option<&str> {
    kind.strip_prefix("AWS::SSM::Parameter::Value<")?.strip_suffix('>')
}

/// The names in `${...}`, without the literals `${!...}`.
pub(crate) fn variables(text: &str) -> Vec<&str> {
    let starts = text.match_indices("${").filter_map(|(at, _)| text.get(at + 2..));
    let names = starts.filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.trim());
    names.filter(|n| !n.starts_with('!')).collect()
}

impl<'a> Scope<'a> {
    /// Decides parameters (given values over defaults) and conditions.
    pub fn new(template: &'a Node, given: &BTreeMap<String, String>, lookup: &dyn Lookup) -> Res<Scope<'a>> {
        let mut scope = Scope { template, parameters: BTreeMap::new(), conditions: BTreeMap::new() };
        let declared = template.get("Parameters").and_then(Node::map).unwrap_or_default();
        if let Some(unknown) = given.keys().find(|g| !declared.iter().any(|(n, _, _)| n == *g)) {
            return Err(wrong(template, format!("Parameters: [{unknown}] do not exist in the template")));
        }
        for (name, place, facts) in declared {
            let default = facts.get("Default").map(|d| as_text(&d.to_json()));
            let text = given.get(name).cloned().or(default);
            let text =
                text.ok_or_else(|| Problem::new(*place, format!("Parameters: [{name}] must have values")))?;
            allowed(name, facts, &text)?;
            let kind = facts.get("Type").and_then(Node::text).unwrap_or("String");
            let (kind, text) = match stored_kind(kind) {
                None => (kind, text),
                Some(kind) => {
                    let missing = || {
                        let message = format!(
                            "Unable to fetch parameters [{text}] from parameter store for this account."
                        );
                        Problem::new(*place, message)
                    };
                    (kind, lookup.stored(&text).ok_or_else(missing)?)
                }
            };
            let is_list = kind == "CommaDelimitedList" || kind.starts_with("List<");
            let value = match is_list {
                true => text.split(',').map(|t| Json::String(t.trim().to_owned())).collect(),
                false => Json::String(text),
            };
            scope.parameters.insert(name.clone(), value);
        }
        for (name, _, _) in template.get("Conditions").and_then(Node::map).unwrap_or_default() {
            let holds = scope.condition(name, template, lookup, 0)?;
            scope.conditions.insert(name.clone(), holds);
        }
        Ok(scope)
    }

    fn condition(&self, name: &str, at: &Node, lookup: &dyn Lookup, depth: u32) -> Res<bool> {
        if let Some(known) = self.conditions.get(name) {
            return Ok(*known);
        }
        if depth > 50 {
            return Err(wrong(at, format!("Circular dependencies for condition `{name}`")));
        }
        let found = self.template.get("Conditions").and_then(|c| c.get(name));
        let node = found
            .ok_or_else(|| wrong(at, format!("Template error: unresolved condition dependency {name}")))?;
        self.holds(node, lookup, depth + 1)
    }

    fn holds(&self, node: &Node, lookup: &dyn Lookup, depth: u32) -> Res<bool> {
        let malformed = || {
            wrong(
                node,
                "Template error: every condition must be one of Fn::And, Fn::Or, Fn::Not, Fn::Equals, Condition",
            )
        };
        let (function, argument) = node.function().ok_or_else(malformed)?;
        let list = argument.list().unwrap_or_default();
        match function {
            "Condition" => self.condition(argument.text().ok_or_else(malformed)?, node, lookup, depth),
            "Fn::Equals" => match list {
                [a, b] => {
                    Ok(as_text(&self.value(a, lookup)?.value) == as_text(&self.value(b, lookup)?.value))
                }
                _ => Err(wrong(node, "Template error: Fn::Equals requires two values")),
            },
            "Fn::Not" => match list {
                [a] => Ok(!self.holds(a, lookup, depth)?),
                _ => Err(wrong(node, "Template error: Fn::Not requires one condition")),
            },
            "Fn::And" | "Fn::Or" if (2..=10).contains(&list.len()) => {
                let all: Vec<bool> = list.iter().map(|c| self.holds(c, lookup, depth)).collect::<Res<_>>()?;
                Ok(if function == "Fn::And" { all.iter().all(|b| *b) } else { all.iter().any(|b| *b) })
            }
            "Fn::And" | "Fn::Or" => {
                Err(wrong(node, format!("Template error: {function} requires two to ten conditions")))
            }
            _ => Err(malformed()),
        }
    }

    /// Whether a resource or output is wanted under its `Condition`.
    pub fn wanted(&self, node: &Node) -> bool {
        node.get("Condition").and_then(Node::text).is_none_or(|name| self.conditions.get(name) == Some(&true))
    }

    /// The value of a node, intrinsic functions carried out.
    pub fn value(&self, node: &Node, lookup: &dyn Lookup) -> Res<Resolved> {
        let mut lines = BTreeMap::new();
        let value = self.at(node, lookup, "", &mut lines)?.unwrap_or(Json::Null);
        Ok(Resolved { value, lines })
    }

    /// Nothing for `AWS::NoValue`.
    fn at(
        &self,
        node: &Node,
        lookup: &dyn Lookup,
        pointer: &str,
        lines: &mut BTreeMap<String, u32>,
    ) -> Res<Option<Json>> {
        lines.insert(pointer.to_owned(), node.place.line);
        if let Some((function, argument)) = node.function().filter(|(f, _)| *f != "Condition") {
            return self.function(node, function, argument, lookup, pointer, lines);
        }
        Ok(Some(match &node.val {
            Val::List(list) => {
                let mut out = Vec::new();
                for item in list {
                    let inner = format!("{pointer}/{}", out.len());
                    out.extend(self.at(item, lookup, &inner, lines)?);
                }
                Json::Array(out)
            }
            Val::Map(entries) => {
                let mut out = Map::new();
                for (key, _, item) in entries {
                    if let Some(value) = self.at(item, lookup, &format!("{pointer}/{key}"), lines)? {
                        out.insert(key.clone(), value);
                    }
                }
                Json::Object(out)
            }
            Val::Text(text) => Json::String(text.clone()),
            _ => node.to_json(),
        }))
    }

    fn plain(&self, node: &Node, lookup: &dyn Lookup) -> Res<Json> {
        Ok(self.value(node, lookup)?.value)
    }

    fn texts(&self, node: &Node, lookup: &dyn Lookup) -> Res<Vec<String>> {
        match self.plain(node, lookup)? {
            Json::Array(list) => Ok(list.iter().map(as_text).collect()),
            _ => Err(wrong(node, "Template error: a list is required here")),
        }
    }

    fn function(
        &self,
        node: &Node,
        function: &str,
        argument: &Node,
        lookup: &dyn Lookup,
        pointer: &str,
        lines: &mut BTreeMap<String, u32>,
    ) -> Res<Option<Json>> {
        let list = argument.list().unwrap_or_default();
        let malformed = || wrong(node, format!("Template error: the argument of {function} is malformed"));
        Ok(Some(match (function, list) {
            ("Ref", _) => {
                let name = argument.text().ok_or_else(malformed)?;
                if name == "AWS::NoValue" {
                    return Ok(None);
                }
                self.reference(node, name, lookup)?
            }
            ("Fn::If", [name, yes, no]) => {
                let holds = self.condition(name.text().ok_or_else(malformed)?, node, lookup, 0)?;
                return self.at(if holds { yes } else { no }, lookup, pointer, lines);
            }
            ("Fn::GetAtt", _) => {
                let parts = match argument.text() {
                    Some(text) => text.split_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())),
                    None => match list {
                        [a, b] => Some((
                            a.text().ok_or_else(malformed)?.to_owned(),
                            as_text(&self.plain(b, lookup)?),
                        )),
                        _ => None,
                    },
                };
                let (logical, name) = parts.ok_or_else(malformed)?;
                let missing =
                    || wrong(node, format!("Template error: resource {logical} has no attribute {name}"));
                lookup.attribute(&logical, &name).ok_or_else(missing)?
            }
            ("Fn::Sub", _) => Json::String(self.sub(node, argument, lookup)?),
            ("Fn::Join", [delimiter, values]) => {
                Json::String(self.texts(values, lookup)?.join(delimiter.text().ok_or_else(malformed)?))
            }
            ("Fn::Select", [index, values]) => {
                let index: usize = as_text(&self.plain(index, lookup)?).parse().map_err(|_| malformed())?;
                let outside = || {
                    wrong(
                        node,
                        format!(
                            "Template error: Fn::Select cannot select nonexistent value at index {index}"
                        ),
                    )
                };
                match self.plain(values, lookup)? {
                    Json::Array(list) => list.into_iter().nth(index).ok_or_else(outside)?,
                    _ => return Err(malformed()),
                }
            }
            ("Fn::Split", [delimiter, text]) => {
                let text = as_text(&self.plain(text, lookup)?);
                text.split(delimiter.text().ok_or_else(malformed)?)
                    .map(|t| Json::String(t.to_owned()))
                    .collect()
            }
            ("Fn::FindInMap", [map, first, second, ..]) => {
                let keys = [map, first, second].map(|n| self.plain(n, lookup).map(|v| as_text(&v)));
                let [map, first, second] = keys;
                let (map, first, second) = (map?, first?, second?);
                let found =
                    self.template.get("Mappings").and_then(|m| m.get(&map)?.get(&first)?.get(&second));
                match (found, list.get(3).and_then(|d| d.get("DefaultValue"))) {
                    (Some(found), _) => found.to_json(),
                    (None, Some(default)) => self.plain(default, lookup)?,
                    (None, None) => {
                        return Err(wrong(
                            node,
                            format!("Template error: Unable to get mapping for {map}::{first}::{second}"),
                        ));
                    }
                }
            }
            ("Fn::And" | "Fn::Or" | "Fn::Not" | "Fn::Equals", _) => Json::Bool(self.holds(node, lookup, 0)?),
            _ => self.rarer(node, function, argument, lookup)?,
        }))
    }

    /// The functions that templates use less.
    fn rarer(&self, node: &Node, function: &str, argument: &Node, lookup: &dyn Lookup) -> Res<Json> {
        let list = argument.list().unwrap_or_default();
        let malformed = || wrong(node, format!("Template error: the argument of {function} is malformed"));
        Ok(match (function, list) {
            ("Fn::Base64", _) => {
                let text = as_text(&self.plain(argument, lookup)?);
                Json::String(base64::engine::general_purpose::STANDARD.encode(text))
            }
            ("Fn::Cidr", [block, count, ..]) => {
                let block = as_text(&self.plain(block, lookup)?);
                let count: u32 = as_text(&self.plain(count, lookup)?).parse().map_err(|_| malformed())?;
                let bits = list.get(2).map(|b| self.plain(b, lookup)).transpose()?;
                let bits: u32 = bits.map_or(Ok(8), |b| as_text(&b).parse()).map_err(|_| malformed())?;
                cidr(&block, count, bits).ok_or_else(|| {
                    wrong(node, format!("Template error: Fn::Cidr cannot divide {block} so"))
                })?
            }
            ("Fn::GetAZs", _) => {
                let region = as_text(&self.plain(argument, lookup)?);
                lookup.zones(&region).into_iter().map(Json::String).collect()
            }
            ("Fn::ImportValue", _) => {
                let name = as_text(&self.plain(argument, lookup)?);
                Json::String(
                    lookup
                        .export(&name)
                        .ok_or_else(|| wrong(node, format!("No export named {name} found.")))?,
                )
            }
            ("Fn::Length", _) => {
                Json::from(self.plain(argument, lookup)?.as_array().ok_or_else(malformed)?.len())
            }
            ("Fn::ToJsonString", _) => Json::String(self.plain(argument, lookup)?.to_string()),
            _ => {
                return Err(wrong(
                    node,
                    format!(
                        "Template error: {function} is not served by this runtime, or its argument is malformed"
                    ),
                ));
            }
        })
    }

    fn reference(&self, node: &Node, name: &str, lookup: &dyn Lookup) -> Res<Json> {
        let missing = || {
            wrong(
                node,
                format!(
                    "Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
                ),
            )
        };
        self.parameters
            .get(name)
            .cloned()
            .or_else(|| lookup.pseudo(name))
            .or_else(|| lookup.reference(name))
            .ok_or_else(missing)
    }

    fn sub(&self, node: &Node, argument: &Node, lookup: &dyn Lookup) -> Res<String> {
        let (text, own) = match (argument.text(), argument.list()) {
            (Some(text), _) => (text, None),
            (None, Some([text, own])) => (text.text().unwrap_or_default(), own.map()),
            _ => return Err(wrong(node, "Template error: Fn::Sub requires a string, or a string and a map")),
        };
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, from)) = rest.split_once("${") {
            out.push_str(before);
            let (name, after) = from
                .split_once('}')
                .ok_or_else(|| wrong(node, "Template error: a variable of Fn::Sub has no `}`"))?;
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
                continue;
            }
            let name = name.trim();
            let given = own.and_then(|own| own.iter().find(|(k, _, _)| k == name));
            let value = match (given, name.split_once('.')) {
                (Some((_, _, value)), _) => self.plain(value, lookup)?,
                (None, Some((logical, attribute))) => {
                    let missing = || {
                        wrong(
                            node,
                            format!("Template error: resource {logical} has no attribute {attribute}"),
                        )
                    };
                    lookup.attribute(logical, attribute).ok_or_else(missing)?
                }
                (None, None) => self.reference(node, name, lookup)?,
            };
            out.push_str(&as_text(&value));
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// The dynamic references, `{{resolve:...}}`, in a resolved value.
pub fn dynamic_references(value: &Json) -> Vec<String> {
    match value {
        Json::String(text) => {
            let starts = text.split("{{resolve:").skip(1);
            starts.filter_map(|from| from.split_once("}}")).map(|(r, _)| r.to_owned()).collect()
        }
        Json::Array(list) => list.iter().flat_map(dynamic_references).collect(),
        Json::Object(map) => map.values().flat_map(dynamic_references).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) => Vec::new(),
    }
}

/// Puts what the dynamic references stand for in their places. What is put in is not looked at again.
pub fn fill_dynamic(value: &mut Json, known: &BTreeMap<String, String>) {
    match value {
        Json::String(text) if text.contains("{{resolve:") => {
            let mut out = String::new();
            let mut rest = text.as_str();
            while let Some((before, from)) = rest.split_once("{{resolve:") {
                out.push_str(before);
                match from.split_once("}}").and_then(|(r, after)| Some((known.get(r)?, after))) {
                    Some((found, after)) => {
                        out.push_str(found);
                        rest = after;
                    }
                    None => {
                        out.push_str("{{resolve:");
                        rest = from;
                    }
                }
            }
            out.push_str(rest);
            *text = out;
        }
        Json::Array(list) => list.iter_mut().for_each(|v| fill_dynamic(v, known)),
        Json::Object(map) => map.values_mut().for_each(|v| fill_dynamic(v, known)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// Scalars as the text that CloudFormation makes of them.
pub(crate) fn as_text(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(list) => list.iter().map(as_text).collect::<Vec<_>>().join(","),
        Json::Null => String::new(),
        other => other.to_string(),
    }
}

fn allowed(name: &str, facts: &Node, text: &str) -> Res<()> {
    let refuse = |why: String| {
        let own = facts.get("ConstraintDescription").and_then(Node::text).map(|d| format!(" {d}"));
        Err(wrong(facts, format!("Parameter '{name}' {why}{}", own.unwrap_or_default())))
    };
    let number =
        |key: &str| facts.get(key).map(|n| as_text(&n.to_json())).and_then(|t| t.parse::<f64>().ok());
    if let Some(values) = facts.get("AllowedValues").and_then(Node::list)
        && !values.iter().any(|v| as_text(&v.to_json()) == text)
    {
        return refuse("must be one of AllowedValues".to_owned());
    }
    let length = text.chars().count();
    #[allow(clippy::cast_precision_loss, reason = "lengths are small")]
    let length = length as f64;
    if number("MinLength").is_some_and(|min| length < min) {
        return refuse("must contain at least MinLength characters".to_owned());
    }
    if number("MaxLength").is_some_and(|max| length > max) {
        return refuse("must contain at most MaxLength characters".to_owned());
    }
    if facts.get("Type").and_then(Node::text) == Some("Number") {
        let Ok(n) = text.parse::<f64>() else { return refuse("must be a number.".to_owned()) };
        if number("MinValue").is_some_and(|min| n < min) || number("MaxValue").is_some_and(|max| n > max) {
            return refuse("must be within MinValue and MaxValue".to_owned());
        }
    }
    Ok(())
}

/// `count` blocks with `bits` host bits each, out of a block of either family.
fn cidr(block: &str, count: u32, bits: u32) -> Option<Json> {
    let (address, prefix) = block.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let (width, given): (u32, u128) = match address {
        IpAddr::V4(address) => (32, u128::from(u32::from(address))),
        IpAddr::V6(address) => (128, u128::from(address)),
    };
    let host = width.checked_sub(prefix.parse::<u32>().ok()?)?;
    // A block as large as all addresses of its family is of no use, nor is one without any.
    if !(1..=256).contains(&count) || !(1..width).contains(&bits) {
        return None;
    }
    let room = 1_u128.checked_shl(host.checked_sub(bits)?).unwrap_or(u128::MAX);
    if u128::from(count) > room {
        return None;
    }
    let first = given.checked_shr(host)?.checked_shl(host)?;
    let shown = |start: u128| match address {
        IpAddr::V4(_) => u32::try_from(start).ok().map(|a| Ipv4Addr::from(a).to_string()),
        IpAddr::V6(_) => Some(Ipv6Addr::from(start).to_string()),
    };
    let block = |i: u32| {
        let start = first.checked_add(u128::from(i).checked_shl(bits)?)?;
        Some(Json::String(format!("{}/{}", shown(start)?, width - bits)))
    };
    (0..count).map(block).collect::<Option<Vec<_>>>().map(Json::Array)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn blocks_are_divided() {
        let cases = [
            ("10.0.0.0/16", 2, 8, Some(json!(["10.0.0.0/24", "10.0.1.0/24"]))),
            ("10.0.0.0/24", 1, 8, Some(json!(["10.0.0.0/24"]))),
            ("10.0.0.0/24", 2, 8, None),
            ("10.0.0.0/16", 257, 4, None),
            ("10.0.0.0/16", 1, 17, None),
            ("2001:db8:1:200::/56", 2, 64, Some(json!(["2001:db8:1:200::/64", "2001:db8:1:201::/64"]))),
            ("2001:db8::/64", 2, 64, None),
            ("2001:db8::/56", 257, 64, None),
            ("2001:db8::/56", 1, 128, None),
            ("2001:db8::/129", 1, 1, None),
            ("::/0", 1, 64, None),
            ("2001:db8::/126", 4, 1, None),
            ("2001:db8::ff00/120", 2, 4, Some(json!(["2001:db8::ff00/124", "2001:db8::ff10/124"]))),
            ("10.0.7.9/16", 1, 8, Some(json!(["10.0.0.0/24"]))),
            ("0.0.0.0/0", 2, 31, Some(json!(["0.0.0.0/1", "128.0.0.0/1"]))),
            (
                "255.255.255.0/24",
                4,
                6,
                Some(json!([
                    "255.255.255.0/26",
                    "255.255.255.64/26",
                    "255.255.255.128/26",
                    "255.255.255.192/26"
                ])),
            ),
            ("10.0.0/16", 1, 8, None),
        ];
        for (block, count, bits, wanted) in cases {
            assert_eq!(super::cidr(block, count, bits), wanted, "{block} {count} {bits}");
        }
    }
}
