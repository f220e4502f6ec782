//! Values that know their place.

use serde_json::Value as Json;

/// Counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub line: u32,
    pub column: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub place: Place,
    pub val: Val,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Val {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    /// In order; keys are distinct.
    Map(Vec<(String, Place, Node)>),
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.map()?.iter().find(|(k, _, _)| k == key).map(|(_, _, v)| v)
    }

    pub fn map(&self) -> Option<&[(String, Place, Node)]> {
        match &self.val {
            Val::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn list(&self) -> Option<&[Node]> {
        match &self.val {
            Val::List(list) => Some(list),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match &self.val {
            Val::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The name and argument of an intrinsic function: a map of one entry.
    pub fn function(&self) -> Option<(&str, &Node)> {
        match self.map()? {
            [(name, _, argument)] if name == "Ref" || name == "Condition" || name.starts_with("Fn::") => {
                Some((name, argument))
            }
            _ => None,
        }
    }

    pub fn to_json(&self) -> Json {
        match &self.val {
            Val::Null => Json::Null,
            Val::Bool(b) => Json::Bool(*b),
            Val::Number(n) => Json::Number(n.clone()),
            Val::Text(text) => Json::String(text.clone()),
            Val::List(list) => list.iter().map(Node::to_json).collect(),
            Val::Map(entries) => {
                Json::Object(entries.iter().map(|(k, _, v)| (k.clone(), v.to_json())).collect())
            }
        }
    }
}
