//! The estate: one typed graph, published as immutable snapshots.
//!
//! Readers hold a [`Snapshot`]; a commit makes the next one. Cloning a snapshot
//! is cheap (the maps are persistent), so a transaction works on a clone.

use std::any::Any;
use std::cmp::Ordering;
use std::sync::Arc;

use equivalent::{Comparable, Equivalent};
use imbl::OrdMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ids::AccountId;
use crate::policy::PolicyText;

/// Resource tags, in order of their keys.
pub type Tags = std::collections::BTreeMap<String, String>;

static NO_TAGS: Tags = Tags::new();

/// Where a node stands: its type, account, region (empty where global) and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeKey {
    pub kind: &'static str,
    pub account: AccountId,
    pub region: String,
    pub id: String,
}

/// A key that is only looked up, in the order of [`NodeKey`].
struct Place<'a> {
    kind: &'static str,
    account: &'a AccountId,
    region: &'a str,
    id: &'a str,
}

impl Equivalent<NodeKey> for Place<'_> {
    fn equivalent(&self, key: &NodeKey) -> bool {
        self.compare(key).is_eq()
    }
}

impl Comparable<NodeKey> for Place<'_> {
    fn compare(&self, key: &NodeKey) -> Ordering {
        let own = (self.kind, self.account, self.region, self.id);
        own.cmp(&(key.kind, &key.account, key.region.as_str(), key.id.as_str()))
    }
}

/// A typed resource. Its fields are the resource's state; serde gives its form in the log.
pub trait Node: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {
    /// The CloudFormation type name, or `Countersign::...` for what has none.
    const KIND: &'static str;

    fn account(&self) -> &AccountId;

    /// Empty for global resources.
    fn region(&self) -> &str;

    /// The id within kind, account and region; what `find` is asked for.
    fn local_id(&self) -> &str;

    /// The resource's ARN, by which policies and other services name it.
    fn arn(&self) -> Option<String> {
        None
    }

    /// A further name that is unique over the whole estate, by which the node is found without
    /// knowing its account: `access-key/AKIA...`, `domain/api.example.com`.
    fn global_name(&self) -> Option<String> {
        None
    }

    fn tags(&self) -> &Tags {
        &NO_TAGS
    }

    /// The resource-based policy, if the resource carries one.
    fn policy(&self) -> Option<&PolicyText> {
        None
    }

    fn key(&self) -> NodeKey {
        NodeKey {
            kind: Self::KIND,
            account: self.account().clone(),
            region: self.region().to_owned(),
            id: self.local_id().to_owned(),
        }
    }
}

/// A node whose type has been forgotten.
pub trait AnyNode: Send + Sync {
    fn key(&self) -> NodeKey;
    fn arn(&self) -> Option<String>;
    fn global_name(&self) -> Option<String>;
    fn tags(&self) -> &Tags;
    fn policy(&self) -> Option<&PolicyText>;
    /// The node's state as JSON, for the log, AWS Config, the console and graph queries across services.
    fn to_json(&self) -> serde_json::Value;
    fn as_any(&self) -> &(dyn Any + Send + Sync);
}

impl<N: Node> AnyNode for N {
    fn key(&self) -> NodeKey {
        Node::key(self)
    }
    fn arn(&self) -> Option<String> {
        Node::arn(self)
    }
    fn global_name(&self) -> Option<String> {
        Node::global_name(self)
    }
    fn tags(&self) -> &Tags {
        Node::tags(self)
    }
    fn policy(&self) -> Option<&PolicyText> {
        Node::policy(self)
    }
    fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
}

/// How a kind of node is read back from the log. A service lists one per node type.
#[derive(Clone, Copy)]
pub struct NodeKind {
    pub name: &'static str,
    pub decode: fn(serde_json::Value) -> Result<Arc<dyn AnyNode>, serde_json::Error>,
}

impl NodeKind {
    pub const fn of<N: Node>() -> NodeKind {
        NodeKind {
            name: N::KIND,
            decode: |json| Ok(Arc::new(serde_json::from_value::<N>(json)?) as Arc<dyn AnyNode>),
        }
    }
}

/// One change of the graph.
#[derive(Clone)]
pub enum Change {
    Put(Arc<dyn AnyNode>),
    Remove(NodeKey),
}

impl Change {
    pub fn key(&self) -> NodeKey {
        match self {
            Change::Put(node) => node.key(),
            Change::Remove(key) => key.clone(),
        }
    }
}

/// The whole estate at one moment.
#[derive(Clone, Default)]
pub struct Snapshot {
    /// Counts commits; two snapshots with the same version are the same.
    pub version: u64,
    nodes: OrdMap<NodeKey, Arc<dyn AnyNode>>,
    /// ARNs and global names.
    names: OrdMap<String, NodeKey>,
}

impl Snapshot {
    /// The node of this type in this account and region.
    pub fn find<N: Node>(&self, account: &AccountId, region: &str, id: &str) -> Option<&N> {
        self.nodes.get(&Place { kind: N::KIND, account, region, id })?.as_any().downcast_ref()
    }

    pub fn get(&self, key: &NodeKey) -> Option<&Arc<dyn AnyNode>> {
        self.nodes.get(key)
    }

    /// The node that bears this ARN, whatever its type.
    pub fn by_arn(&self, arn: &str) -> Option<&Arc<dyn AnyNode>> {
        self.nodes.get(self.names.get(arn)?)
    }

    /// The node of this type that bears this ARN.
    pub fn find_arn<N: Node>(&self, arn: &str) -> Option<&N> {
        self.by_arn(arn)?.as_any().downcast_ref()
    }

    /// The node of this type with this global name.
    pub fn find_named<N: Node>(&self, global_name: &str) -> Option<&N> {
        self.by_arn(global_name)?.as_any().downcast_ref()
    }

    /// Every node of this type in one account and region, in order of id.
    pub fn list<'a, N: Node>(
        &'a self,
        account: &AccountId,
        region: &str,
    ) -> impl Iterator<Item = &'a N> + use<'a, N> {
        let (account, region) = (account.clone(), region.to_owned());
        let from =
            NodeKey { kind: N::KIND, account: account.clone(), region: region.clone(), id: String::new() };
        self.nodes
            .range(from..)
            .take_while(move |(k, _)| k.kind == N::KIND && k.account == account && k.region == region)
            .filter_map(|(_, node)| node.as_any().downcast_ref())
    }

    /// Those whose id begins so.
    pub fn list_under<'a, N: Node>(
        &'a self,
        account: &AccountId,
        region: &str,
        prefix: &str,
    ) -> impl Iterator<Item = &'a N> + use<'a, N> {
        let from = NodeKey {
            kind: N::KIND,
            account: account.clone(),
            region: region.to_owned(),
            id: prefix.to_owned(),
        };
        let beside = {
            let from = from.clone();
            move |k: &NodeKey| k.kind == N::KIND && k.account == from.account && k.region == from.region
        };
        let prefix = prefix.to_owned();
        self.nodes
            .range(from..)
            .take_while(move |(k, _)| beside(k) && k.id.starts_with(&prefix))
            .filter_map(|(_, node)| node.as_any().downcast_ref())
    }

    /// Every node of this type, over all accounts and regions.
    pub fn all<N: Node>(&self) -> impl Iterator<Item = &N> {
        let from =
            NodeKey { kind: N::KIND, account: AccountId::none(), region: String::new(), id: String::new() };
        self.nodes
            .range(from..)
            .take_while(|(k, _)| k.kind == N::KIND)
            .filter_map(|(_, node)| node.as_any().downcast_ref())
    }

    /// Every node of every type.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<dyn AnyNode>> {
        self.nodes.values()
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Applies one change. Only a transaction, replay and tests do this; a published snapshot is never changed.
    pub fn apply(&mut self, change: &Change) {
        let key = change.key();
        if let Some(old) = self.nodes.get(&key) {
            for name in [old.arn(), old.global_name()].into_iter().flatten() {
                self.names.remove(&name);
            }
        }
        match change {
            Change::Put(node) => {
                for name in [node.arn(), node.global_name()].into_iter().flatten() {
                    self.names.insert(name, key.clone());
                }
                self.nodes.insert(key, Arc::clone(node));
            }
            Change::Remove(_) => {
                self.nodes.remove(&key);
            }
        }
    }
}
