//! The map of the estate: which resources there are, and which names which. A node's state is
//! read for names of other nodes only; nothing else of it is ever shown.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use model::Snapshot;
use model::graph::AnyNode;
use serde_json::{Value, json};

/// What a browser still shows with ease.
const NODES: usize = 5_000;
const EDGES: usize = 20_000;

/// Shorter ids (`default`, `admin`) are words that mean other things, too.
const SHORTEST_ID: usize = 8;

/// The ids that strings may name.
#[derive(Default)]
struct Names {
    arns: HashMap<String, usize>,
    /// `None` where several nodes of an account have this id.
    ids: HashMap<(String, String), Option<usize>>,
}

/// From, to, and the member that names it.
type Edges = BTreeSet<(usize, usize, String)>;

pub(super) fn of(snapshot: &Snapshot) -> Value {
    let nodes: Vec<&Arc<dyn AnyNode>> = snapshot.nodes().take(NODES).collect();
    let mut names = Names::default();
    for (at, node) in nodes.iter().enumerate() {
        names.add(at, node.as_ref());
    }
    let mut edges = Edges::new();
    for (at, node) in nodes.iter().enumerate() {
        let account = node.key().account.to_string();
        names.search(&node.to_json(), "", &account, at, &mut edges);
    }
    let ids: Vec<String> = nodes.iter().map(|node| id(node.as_ref())).collect();
    let mut services: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for node in &nodes {
        services.entry(service(node.key().kind)).or_default().push(shown(node.as_ref()));
    }
    let edges: Vec<Value> = edges
        .iter()
        .filter_map(|(from, to, name)| {
            Some(json!({"from": ids.get(*from)?, "to": ids.get(*to)?, "as": name}))
        })
        .collect();
    json!({"services": services, "edges": edges, "nodes": nodes.len(), "total": snapshot.len()})
}

impl Names {
    fn add(&mut self, at: usize, node: &dyn AnyNode) {
        let key = node.key();
        if let Some(arn) = node.arn() {
            self.arns.insert(arn, at);
        }
        if key.id.len() >= SHORTEST_ID {
            let place = (key.account.to_string(), key.id);
            self.ids.entry(place).and_modify(|known| *known = None).or_insert(Some(at));
        }
    }

    fn named(&self, text: &str, account: &str) -> Option<usize> {
        let by_id = || self.ids.get(&(account.to_owned(), text.to_owned())).copied().flatten();
        self.arns.get(text).copied().or_else(by_id)
    }

    fn search(&self, value: &Value, member: &str, account: &str, from: usize, edges: &mut Edges) {
        match value {
            Value::String(text) => {
                if let Some(to) = self.named(text, account)
                    && to != from
                    && edges.len() < EDGES
                {
                    edges.insert((from, to, member.to_owned()));
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.search(item, member, account, from, edges);
                }
            }
            Value::Object(members) => {
                for (name, item) in members {
                    // Names of members that users choose (variables, tags) tell nothing, and are theirs.
                    self.search(item, if member.is_empty() { name } else { member }, account, from, edges);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn id(node: &dyn AnyNode) -> String {
    node.arn().unwrap_or_else(|| {
        let key = node.key();
        format!("{}/{}/{}/{}", key.kind, key.account, key.region, key.id)
    })
}

/// `AWS::KMS::Key` is of `KMS`.
fn service(kind: &str) -> String {
    kind.split("::").nth(1).unwrap_or(kind).to_owned()
}

fn shown(node: &dyn AnyNode) -> Value {
    let key = node.key();
    json!({
        "id": id(node),
        "kind": key.kind,
        "name": node.tags().get("Name").unwrap_or(&key.id),
        "account": key.account.to_string(),
        "region": key.region,
    })
}
