//! The running estate in the form of a template's resources, as `prove` reads them.
//!
//! Each stage is given an API of its own, for it serves what its deployment froze, whatever was edited
//! since. References are by name; an ARN of something that is listed here becomes its name. Says only
//! what is there: what it means is for `prove` to decide.

mod gateway;
mod network;
mod rights;

use std::collections::BTreeMap;

use model::{AccountId, Snapshot};
use prove::{Estate, Item};
use serde_json::{Value as Json, json};

/// The resources, as they are collected.
#[derive(Default)]
struct Items {
    items: BTreeMap<String, Item>,
    /// What each of them is called elsewhere: by ARN, and load balancers by their DNS name.
    names: BTreeMap<String, String>,
}

/// Where something is, for its name.
struct At<'a>(&'a AccountId, &'a str);

impl At<'_> {
    /// The name of a resource: no two are alike, and none reads as a reference's end or attribute.
    fn name(&self, kind: &str, id: &str) -> String {
        format!("{kind}/{id}/{}/{}", self.0, self.1).replace(['.', ':', '{', '}', ' '], "_")
    }
}

fn reference(name: &str) -> String {
    format!("@{{{name}}}")
}

impl Items {
    fn add(&mut self, name: String, kind: &str, properties: Json) {
        let lines = BTreeMap::new();
        let item = Item {
            name: name.clone(),
            kind: kind.to_owned(),
            line: 0,
            properties,
            lines,
            file: None,
            unknown: Vec::new(),
        };
        self.items.insert(name, item);
    }

    /// Puts references in the place of ARNs.
    fn resolve(mut self) -> BTreeMap<String, Item> {
        for item in self.items.values_mut() {
            replace(&mut item.properties, &self.names);
        }
        self.items
    }
}

fn replace(value: &mut Json, names: &BTreeMap<String, String>) {
    match value {
        Json::String(text) => {
            if let Some(name) = names.get(text) {
                *text = reference(name);
            }
        }
        Json::Array(list) => list.iter_mut().for_each(|v| replace(v, names)),
        Json::Object(map) => map.values_mut().for_each(|v| replace(v, names)),
        _ => {}
    }
}

/// The estate of a snapshot.
pub(crate) fn estate(snapshot: &Snapshot) -> Estate {
    let mut items = Items::default();
    network::groups(&mut items, snapshot);
    network::balancers(&mut items, snapshot);
    network::services(&mut items, snapshot);
    network::databases(&mut items, snapshot);
    gateway::stages(&mut items, snapshot);
    gateway::guards(&mut items, snapshot);
    let mut items = Items { items: items.resolve(), names: BTreeMap::new() };
    // Policies name what they are about by its ARN.
    rights::identities(&mut items, snapshot);
    rights::resources(&mut items, snapshot);
    rights::grants(&mut items, snapshot);
    rights::limits(&mut items, snapshot);
    Estate { items: items.items }
}

/// The estate as the runtime's page gives it.
pub(crate) fn written(estate: &Estate) -> Json {
    let one = |item: &Item| {
        json!({
            "name": item.name, "kind": item.kind, "properties": item.properties,
            "file": item.file, "line": item.line, "lines": item.lines,
        })
    };
    estate.items.values().map(one).collect()
}

/// The estate as that page gave it.
pub(crate) fn read(bytes: &[u8]) -> Result<Estate, String> {
    let list: Vec<Json> =
        serde_json::from_slice(bytes).map_err(|e| format!("the estate cannot be read: {e}"))?;
    let mut items = Items::default();
    for one in &list {
        let text = |name: &str| one.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let properties = one.get("properties").cloned().unwrap_or_default();
        let name = text("name");
        items.add(name.clone(), &text("kind"), properties);
        let number = |value: &Json| value.as_u64().and_then(|n| u32::try_from(n).ok());
        if let Some(item) = items.items.get_mut(&name) {
            item.file = one.get("file").and_then(Json::as_str).map(str::to_owned);
            item.line = one.get("line").and_then(number).unwrap_or_default();
            let lines = one.get("lines").and_then(Json::as_object).into_iter().flatten();
            item.lines = lines.filter_map(|(at, line)| Some((at.clone(), number(line)?))).collect();
        }
    }
    Ok(Estate { items: items.items })
}
