//! A statement's elements, and which of them go together.

use std::collections::{BTreeMap, BTreeSet};

use crate::json::{Member, Node, Value};
use crate::policy::PolicyKind;

use super::check::*;
use super::place::At;
use super::{Reviewer, redundant};

/// The elements of a statement that is an object.
#[derive(Clone, Copy)]
pub(super) struct Elements<'n> {
    members: &'n [Member],
}

impl<'n> Elements<'n> {
    pub(super) fn get(&self, name: &str) -> Option<&'n Member> {
        self.members.iter().find(|m| m.key == name)
    }

    pub(super) fn allows(&self) -> bool {
        self.says("Allow")
    }

    pub(super) fn denies(&self) -> bool {
        self.says("Deny")
    }

    fn says(&self, effect: &str) -> bool {
        self.get("Effect").is_some_and(|m| matches!(&m.node.value, Value::String(t) if t == effect))
    }

    /// The texts of an element, one or a list.
    pub(super) fn texts(&self, name: &str) -> Vec<&'n str> {
        let text = |node: &'n Node| if let Value::String(t) = &node.value { Some(t.as_str()) } else { None };
        self.get(name).map(|m| items(&m.node).iter().filter_map(text).collect()).unwrap_or_default()
    }
}

/// The values of a node that is one or a list of them.
pub(super) fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::Array(nodes) => nodes,
        _ => std::slice::from_ref(node),
    }
}

const ELEMENTS: [&str; 9] = [
    "Action",
    "Condition",
    "Effect",
    "NotAction",
    "NotPrincipal",
    "NotResource",
    "Principal",
    "Resource",
    "Sid",
];

impl Reviewer<'_> {
    pub(super) fn statement(&mut self, node: &Node, at: &At<'_>) {
        let Value::Object(members) = &node.value else {
            return self.note(&DATA_TYPE_MISMATCH, &["Object"], *at);
        };
        let elements = Elements { members };
        self.twice(members, at);
        for member in members.iter().filter(|m| !ELEMENTS.contains(&m.key.as_str())) {
            self.note(&INVALID_POLICY_ELEMENT, &[&member.key], at.key(member));
        }
        for (one, other) in
            [("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal")]
        {
            if let (Some(_), Some(second)) = (elements.get(one), elements.get(other)) {
                self.note(&UNSUPPORTED_ELEMENT_COMBINATION, &[one, other], at.key(second));
            }
        }
        self.effect(elements, at);
        if let Some(member) = elements.get("Sid") {
            self.sid(member, at);
        }
        self.principals(elements, at);
        self.actions(elements, at);
        self.resources(elements, at);
        if let Some(member) = elements.get("Condition") {
            self.conditions(elements, member, at);
        }
        if matches!(self.as_what.kind, PolicyKind::Identity | PolicyKind::Resource) && elements.allows() {
            self.linked(elements, at);
        }
    }

    fn effect(&mut self, elements: Elements<'_>, at: &At<'_>) {
        let Some(member) = elements.get("Effect") else {
            return self.note(&MISSING_EFFECT, &[], *at);
        };
        let here = at.value(member);
        match self.text(&member.node, here) {
            Some("Allow") if self.as_what.kind == PolicyKind::Rcp => {
                self.note(&RCP_SYNTAX_ERROR_ALLOW, &[], here);
            }
            None | Some("Allow" | "Deny") => {}
            Some(other) => self.note(&INVALID_EFFECT, &[other], here),
        }
    }

    fn sid(&mut self, member: &Member, at: &At<'_>) {
        let here = at.value(member);
        let Some(text) = self.text(&member.node, here) else { return };
        if text.is_empty() {
            self.note(&EMPTY_SID_VALUE, &[], here);
        } else if self.as_what.kind == PolicyKind::Identity
            && !text.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            self.note(&UNSUPPORTED_SID, &[], here);
        }
    }

    /// IAM and Organizations demand that the ids differ; elsewhere it is good to have.
    pub(super) fn same_sids(&mut self, statements: &[(At<'_>, &Node)]) {
        let required = matches!(self.as_what.kind, PolicyKind::Identity | PolicyKind::Scp);
        let check = if required { &UNIQUE_SIDS_REQUIRED } else { &UNIQUE_SIDS_RECOMMENDED };
        let mut seen = BTreeSet::new();
        for (at, node) in statements {
            let Value::Object(members) = &node.value else { continue };
            let Some(member) = members.iter().find(|m| m.key == "Sid") else { continue };
            if let Value::String(text) = &member.node.value
                && !text.is_empty()
                && !seen.insert(text.as_str())
            {
                self.note(check, &[], at.value(member));
            }
        }
    }

    pub(super) fn same_statements(&mut self, statements: &[(At<'_>, &Node)]) {
        let mut same: BTreeMap<String, Vec<At<'_>>> = BTreeMap::new();
        for (at, node) in statements {
            same.entry(redundant::meaning(node)).or_default().push(*at);
        }
        for places in same.values().filter(|places| places.len() > 1) {
            self.note_all(&REDUNDANT_STATEMENT, &[], places);
        }
    }

    /// The texts of an element with their places. Other values are noted.
    pub(super) fn listed<'n>(&mut self, node: &'n Node, at: &'n At<'n>) -> Vec<(&'n str, &'n Node, At<'n>)> {
        let list = matches!(node.value, Value::Array(_));
        let mut texts = Vec::new();
        for (index, item) in items(node).iter().enumerate() {
            let here = if list { at.index(index, item) } else { *at };
            if let Some(text) = self.text(item, here) {
                texts.push((text, item, here));
            }
        }
        texts
    }
}
