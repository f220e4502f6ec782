//! From text to a policy: the document and its elements.
//!
//! Refuses duplicate names, unknown elements and versions, and everything that the grammar
//! does not have; never guesses. What AWS checks only when a policy is written (names,
//! formats, readable values) is in [`written`].

mod statement;
mod written;

pub(crate) use written::IAM_RESOURCES;

use crate::json::{self, Member, Node, Position, Value};
use crate::malformed::{Faults, Malformed, Stage, Wrong};
use crate::policy::{Policy, PolicyKind, Statement, Version};

/// How much is demanded of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rigour {
    /// All that the service checks at the write.
    Written,
    /// The grammar alone.
    InForce,
}

pub(crate) fn policy(text: &str, kind: PolicyKind, rigour: Rigour) -> Result<Policy, Malformed> {
    let mut reader =
        Reader { kind, rigour, version: Version::V2008, faults: Faults::new(kind), sids: Vec::new() };
    let root = match json::read(text) {
        Ok(root) => root,
        Err(fault) => {
            reader.faults.note(Stage::Syntax, fault.at, "", &Wrong::Json, fault.message.to_owned());
            return reader.faults.into_result().map(|()| Policy::default());
        }
    };
    let (id, statements) = reader.document(&root);
    let version = reader.version;
    reader.faults.into_result()?;
    let mut policy = Policy::new(kind, version, id, statements);
    policy.size = text.chars().filter(|c| !c.is_whitespace()).count();
    Ok(policy)
}

struct Reader {
    kind: PolicyKind,
    rigour: Rigour,
    version: Version,
    faults: Faults,
    sids: Vec<String>,
}

impl Reader {
    fn syntax(&mut self, at: Position, element: &str, detail: impl Into<String>) {
        self.faults.note(Stage::Syntax, at, element, &Wrong::Form, detail.into());
    }

    fn variables(&self) -> bool {
        self.version == Version::V2012
    }

    /// Attached to an identity: the words and checks of IAM itself.
    fn of_identity(&self) -> bool {
        matches!(self.kind, PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session)
    }

    fn strict(&self) -> bool {
        self.rigour == Rigour::Written
    }

    fn document(&mut self, root: &Node) -> (Option<Box<str>>, Vec<Statement>) {
        let Value::Object(members) = &root.value else {
            self.syntax(root.at, "", "a policy is a JSON object");
            return (None, Vec::new());
        };
        self.duplicates(members, "");
        if let Some(member) = members.iter().find(|m| m.key == "Version") {
            self.version(member);
        }
        let (mut id, mut statements) = (None, None);
        for member in members {
            match (member.key.as_str(), &member.node.value) {
                ("Version", _) => {}
                ("Id", Value::String(text)) => id = Some(text.as_str().into()),
                ("Id", _) => self.syntax(member.node.at, "Id", "`Id` is a string"),
                ("Statement", _) => statements = Some(self.statements(&member.node)),
                (other, _) => {
                    let wrong = Wrong::Unknown(other.to_owned());
                    let detail = format!("a policy has no element `{other}`");
                    self.faults.note(Stage::Syntax, member.at, other, &wrong, detail);
                }
            }
        }
        if statements.is_none() {
            let detail = "the policy has no `Statement`".to_owned();
            self.faults.note(Stage::Syntax, root.at, "Statement", &Wrong::Missing("Statement"), detail);
        }
        (id, statements.unwrap_or_default())
    }

    fn version(&mut self, member: &Member) {
        match &member.node.value {
            Value::String(text) if text == "2012-10-17" => self.version = Version::V2012,
            Value::String(text) if text == "2008-10-17" => {}
            _ => {
                let detail = "`Version` is `2012-10-17` or `2008-10-17`".to_owned();
                self.faults.note(Stage::Syntax, member.node.at, "Version", &Wrong::Version, detail);
            }
        }
    }

    fn statements(&mut self, node: &Node) -> Vec<Statement> {
        match &node.value {
            Value::Object(members) => self.statement(members, node, 1, "Statement").into_iter().collect(),
            Value::Array(nodes) => {
                if nodes.is_empty() {
                    self.syntax(node.at, "Statement", "a policy has at least one statement");
                }
                let mut statements = Vec::with_capacity(nodes.len());
                for (at, node) in nodes.iter().enumerate() {
                    let element = format!("Statement[{}]", at + 1);
                    match &node.value {
                        Value::Object(members) => {
                            statements.extend(self.statement(members, node, at + 1, &element));
                        }
                        _ => self.syntax(node.at, &element, "a statement is a JSON object"),
                    }
                }
                statements
            }
            _ => {
                self.syntax(node.at, "Statement", "`Statement` is an object or a list of objects");
                Vec::new()
            }
        }
    }

    fn duplicates(&mut self, members: &[Member], element: &str) {
        let mut seen: Vec<&str> = members.iter().map(|m| m.key.as_str()).collect();
        seen.sort_unstable();
        let twice = |key: &str| seen.partition_point(|k| *k <= key) - seen.partition_point(|k| *k < key) > 1;
        if let Some(member) = members.iter().rev().find(|m| twice(&m.key)) {
            let name = join(element, &member.key);
            self.syntax(member.at, &name, format!("`{}` is given twice", member.key));
        }
    }
}

fn join(element: &str, name: &str) -> String {
    if element.is_empty() { name.to_owned() } else { format!("{element}.{name}") }
}
