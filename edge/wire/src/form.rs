//! Inputs of the query and ec2 protocols: `application/x-www-form-urlencoded`
//! names like `Filter.1.Value.2`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine as _;
use bytes::Bytes;
use model::api::{Api, Kind, Member, Protocol, ShapeId};
use model::{Fault, Members, Value};
use percent_encoding::percent_decode;

use crate::{DEPTH, Head, time};

/// The form as a tree: `A.1.B` is a path. Siblings keep numeric order by key.
#[derive(Default)]
struct Tree {
    value: Option<String>,
    children: BTreeMap<String, Tree>,
}

/// More parameters than this are refused.
const PARAMETERS: usize = 20_000;

/// Name and value pairs of a form.
pub(crate) fn pairs(form: &[u8]) -> impl Iterator<Item = (String, String)> {
    form.split(|b| *b == b'&').filter(|p| !p.is_empty()).map(|pair| {
        let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(at);
        (decode(name), decode(value.get(1..).unwrap_or_default()))
    })
}

fn decode(bytes: &[u8]) -> String {
    let spaced: Vec<u8> = bytes.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
    percent_decode(&spaced).decode_utf8_lossy().into_owned()
}

pub(crate) fn read(
    api: &Api,
    shape: ShapeId,
    head: &Head,
    body: &[u8],
    protocol: Protocol,
) -> Result<Value, Fault> {
    let mut tree = Tree::default();
    let all = pairs(head.query.as_bytes()).chain(pairs(body));
    for (count, (name, value)) in all.enumerate() {
        if count > PARAMETERS {
            return Err(Fault::client("RequestTooLarge", "the request has too many parameters"));
        }
        insert(&mut tree, &name, value)?;
    }
    Ok(structure(api, shape, &tree, protocol, 0)?.unwrap_or_else(|| Value::Map(Members::default())))
}

fn insert(tree: &mut Tree, name: &str, value: String) -> Result<(), Fault> {
    let mut at = tree;
    for (depth, part) in name.split('.').enumerate() {
        if depth > 2 * DEPTH as usize {
            return Err(Fault::client("MalformedInput", "a parameter's name is nested too deeply"));
        }
        at = at.children.entry(part.to_owned()).or_default();
    }
    at.value = Some(value);
    Ok(())
}

/// The children named by numbers, in order of these.
fn numbered(tree: &Tree) -> Vec<&Tree> {
    let mut found: Vec<(u32, &Tree)> =
        tree.children.iter().filter_map(|(k, t)| Some((k.parse().ok()?, t))).collect();
    found.sort_by_key(|(n, _)| *n);
    found.into_iter().map(|(_, t)| t).collect()
}

fn name(member: &Member, protocol: Protocol) -> Cow<'static, str> {
    if protocol == Protocol::Query {
        return Cow::Borrowed(member.wire_name());
    }
    match member.query_name {
        Some(name) => Cow::Borrowed(name),
        None => {
            let wire = member.wire_name();
            let mut chars = wire.chars();
            let first = chars.next().map(|c| c.to_ascii_uppercase());
            Cow::Owned(first.into_iter().chain(chars).collect())
        }
    }
}

fn structure(
    api: &Api,
    shape: ShapeId,
    tree: &Tree,
    protocol: Protocol,
    depth: u32,
) -> Result<Option<Value>, Fault> {
    let Some(structure) = api.structure(shape) else { return Ok(None) };
    let mut members = Members::default();
    for member in &structure.members {
        let child = match tree.children.get(name(member, protocol).as_ref()) {
            Some(child) => Some(child),
            // A flattened list may go by the name of its elements.
            None => flattened_name(api, member).and_then(|name| tree.children.get(name)),
        };
        let Some(child) = child else { continue };
        if let Some(read) = value(api, member.shape, Some(member), child, protocol, depth + 1)? {
            members.push(member.name, read);
        }
    }
    Ok(Some(Value::Map(members)))
}

fn flattened_name(api: &Api, member: &Member) -> Option<&'static str> {
    match &api.shape(member.shape)?.kind {
        Kind::List { name, flattened, .. } if *flattened || member.flattened => Some(name),
        _ => None,
    }
}

fn value(
    api: &Api,
    shape: ShapeId,
    member: Option<&Member>,
    tree: &Tree,
    protocol: Protocol,
    depth: u32,
) -> Result<Option<Value>, Fault> {
    if depth > DEPTH {
        return Err(Fault::client("MalformedInput", "the request is nested too deeply"));
    }
    let Some(shape_) = api.shape(shape) else { return Ok(None) };
    match &shape_.kind {
        Kind::Structure(_) => return structure(api, shape, tree, protocol, depth),
        Kind::List { member: of, name, flattened } => {
            let flat = protocol == Protocol::Ec2 || *flattened || member.is_some_and(|m| m.flattened);
            let holder =
                if flat { Some(tree) } else { tree.children.get(*name).or(tree.children.get("member")) };
            let Some(holder) = holder else {
                // `List=` is an empty list.
                return Ok(tree.value.as_ref().map(|_| Value::List(Vec::new())));
            };
            let items = numbered(holder)
                .into_iter()
                .filter_map(|t| value(api, *of, None, t, protocol, depth + 1).transpose());
            let list = items.collect::<Result<Vec<_>, _>>()?;
            let empty = list.is_empty() && tree.value.is_none() && tree.children.is_empty();
            return Ok((!empty).then_some(Value::List(list)));
        }
        Kind::Map { value: of, key_name, value_name, flattened, .. } => {
            let flat = *flattened || member.is_some_and(|m| m.flattened);
            let holder = if flat { Some(tree) } else { tree.children.get("entry") };
            let mut members = Members::default();
            for entry in holder.map(numbered).unwrap_or_default() {
                let Some(key) = entry.children.get(*key_name).and_then(|t| t.value.clone()) else { continue };
                let Some(child) = entry.children.get(*value_name) else { continue };
                if let Some(read) = value(api, *of, None, child, protocol, depth + 1)? {
                    members.0.push((Cow::Owned(key), read));
                }
            }
            return Ok(Some(Value::Map(members)));
        }
        _ => {}
    }
    let Some(text) = &tree.value else { return Ok(None) };
    let named = member.map_or("value", |m| m.name);
    scalar(&shape_.kind, text)
        .map(Some)
        .ok_or_else(|| Fault::client("MalformedInput", format!("`{named}` has a value of the wrong type")))
}

/// A value from text, as forms, headers, URIs and XML carry it.
pub(crate) fn scalar(kind: &Kind, text: &str) -> Option<Value> {
    Some(match kind {
        Kind::String => Value::Text(text.to_owned()),
        Kind::Integer => Value::Integer(text.trim().parse().ok()?),
        Kind::Float => Value::Float(crate::json::special(text).or_else(|| text.trim().parse().ok())?),
        Kind::Boolean => Value::Bool(match text.trim() {
            "true" | "True" | "TRUE" | "1" => true,
            "false" | "False" | "FALSE" | "0" => false,
            _ => return None,
        }),
        Kind::Blob => {
            Value::Blob(Bytes::from(base64::engine::general_purpose::STANDARD.decode(text.trim()).ok()?))
        }
        Kind::Timestamp(_) => Value::Time(time::parse(text.trim())?),
        Kind::Document | Kind::Structure(_) | Kind::List { .. } | Kind::Map { .. } => return None,
    })
}
