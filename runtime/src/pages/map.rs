//! The map of the estate: which resources there are, and which names which. A node's state is
//! read for names of other nodes, and for the members in [`FACTS`]; nothing else of it is ever shown.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use model::Snapshot;
use model::graph::AnyNode;
use serde_json::{Map, Value, json};

/// What a browser still shows with ease.
const NODES: usize = 5_000;
const EDGES: usize = 20_000;

/// Shorter ids (`default`, `admin`) are words that mean other things, too.
const SHORTEST_ID: usize = 8;

/// What is shown of a node's state: its kind, where its name stands if not in its id, and further members.
const FACTS: &[(&str, &str, &[&str])] = &[
    ("AWS::ApiGateway::RestApi", "name", &[]),
    ("AWS::ApiGateway::Stage", "", &["stageName", "deploymentId"]),
    ("AWS::ApiGatewayV2::Api", "Name", &[]),
    ("AWS::ApiGatewayV2::VpcLink", "Name", &[]),
    ("AWS::Cognito::UserPool", "name", &[]),
    ("AWS::DynamoDB::Table", "", &["status"]),
    ("AWS::EC2::NetworkInterface", "", &["private_ip", "description"]),
    ("AWS::EC2::SecurityGroup", "name", &["description"]),
    ("AWS::EC2::Subnet", "", &["cidr", "zone"]),
    ("AWS::EC2::VPCEndpoint", "", &["service", "kind"]),
    ("AWS::ECS::Service", "name", &["status", "desired"]),
    ("AWS::ECS::Task", "", &["status", "desired", "health", "group"]),
    ("AWS::ElasticLoadBalancingV2::Listener", "", &["protocol", "port"]),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", "", &["scheme", "state"]),
    ("AWS::KMS::Key", "", &["description", "state"]),
    ("AWS::RDS::DBInstance", "", &["engine", "status", "iam_authentication", "public"]),
    ("AWS::WAFv2::WebACL", "name", &[]),
];

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
        // Policies name all objects of a bucket, all streams of a log group.
        let whole = || [":*", "/*"].iter().find_map(|end| self.arns.get(text.strip_suffix(end)?).copied());
        self.arns.get(text).copied().or_else(whole).or_else(by_id)
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
                // Policies are kept as the text that was given.
                if text.starts_with('{')
                    && let Ok(document) = serde_json::from_str::<Value>(text)
                {
                    self.search(&document, member, account, from, edges);
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
    let (mut name, mut facts) = (node.tags().get("Name").cloned(), Map::new());
    if let Some((_, named, members)) = FACTS.iter().find(|(kind, ..)| *kind == key.kind) {
        let state = node.to_json();
        name = name.or_else(|| state.get(*named)?.as_str().map(str::to_owned));
        for member in *members {
            if let Some(value) = state.get(*member).filter(|v| !v.is_null() && !v.is_object()) {
                facts.insert((*member).to_owned(), value.clone());
            }
        }
    }
    json!({
        "id": id(node),
        "kind": key.kind,
        "name": name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&key.id),
        "account": key.account.to_string(),
        "region": key.region,
        "facts": facts,
    })
}
