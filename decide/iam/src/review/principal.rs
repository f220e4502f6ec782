//! Whom a statement is for.

use crate::json::{Member, Node, Value};
use crate::policy::PolicyKind;
use crate::principal::PrincipalPattern;

use super::Reviewer;
use super::check::*;
use super::place::At;
use super::statement::{Elements, items};

impl Reviewer<'_> {
    pub(super) fn principals(&mut self, elements: Elements<'_>, up: &At<'_>) {
        let given = ["Principal", "NotPrincipal"].into_iter().filter_map(|name| elements.get(name));
        let given: Vec<&Member> = given.collect();
        match self.as_what.kind {
            PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => {
                for member in given {
                    self.note(&UNSUPPORTED_PRINCIPAL, &["IDENTITY_POLICY"], up.key(member));
                }
            }
            PolicyKind::Scp => {
                given.iter().for_each(|member| self.note(&SCP_SYNTAX_ERROR_PRINCIPAL, &[], up.key(member)));
            }
            PolicyKind::Rcp => self.of_everyone(&given, up),
            PolicyKind::Resource | PolicyKind::Trust | PolicyKind::Endpoint => {
                if given.is_empty() {
                    self.note(&MISSING_PRINCIPAL, &[], *up);
                }
                for member in given {
                    self.principal(member, up);
                }
                if let (Some(member), true) = (elements.get("NotPrincipal"), elements.allows()) {
                    self.note(&ALLOW_WITH_NOT_PRINCIPAL, &[], up.key(member));
                }
                if self.as_what.kind == PolicyKind::Trust {
                    self.federated(elements, up);
                }
            }
        }
    }

    fn of_everyone(&mut self, given: &[&Member], up: &At<'_>) {
        if given.is_empty() {
            self.note(&MISSING_PRINCIPAL, &[], *up);
        }
        for member in given {
            let everyone = matches!(&member.node.value, Value::String(text) if text == "*");
            if member.key == "NotPrincipal" || !everyone {
                self.note(&RCP_SYNTAX_ERROR_PRINCIPAL, &[], up.value(member));
            }
        }
    }

    fn principal(&mut self, member: &Member, up: &At<'_>) {
        let at = up.value(member);
        match &member.node.value {
            Value::String(text) if text == "*" => {}
            Value::Object(kinds) if kinds.is_empty() => self.note(&EMPTY_OBJECT_PRINCIPAL, &[], at),
            Value::Object(kinds) => {
                self.twice(kinds, &at);
                for kind in kinds {
                    self.principals_of(kind, &at);
                }
            }
            _ => self.note(&INVALID_PRINCIPAL_FORMAT, &[], at),
        }
    }

    fn principals_of(&mut self, kind: &Member, up: &At<'_>) {
        if !["AWS", "CanonicalUser", "Federated", "Service"].contains(&kind.key.as_str()) {
            return self.note(&INVALID_PRINCIPAL_KEY, &[&kind.key], up.key(kind));
        }
        let at = up.value(kind);
        if matches!(&kind.node.value, Value::Array(nodes) if nodes.is_empty()) {
            return self.note(&EMPTY_ARRAY_PRINCIPAL, &[], at);
        }
        for (text, node, here) in self.listed(&kind.node, &at) {
            if self.no_variables(text, node, &here) {
                self.named(&kind.key, text, &here);
            }
        }
    }

    fn named(&mut self, kind: &str, text: &str, at: &At<'_>) {
        let id = text.len() > 15 && text.bytes().all(|b| b.is_ascii_alphanumeric());
        match kind {
            "AWS" if text == "*" => {}
            _ if text.contains(['*', '?']) => self.note(&UNSUPPORTED_WILDCARD_IN_PRINCIPAL, &[kind], *at),
            "AWS" if id && text.starts_with("AIDA") => self.note(&INVALID_USER_REFERENCE, &[text], *at),
            "AWS" if id && text.starts_with("AROA") => self.note(&INVALID_ROLE_REFERENCE, &[text], *at),
            _ if PrincipalPattern::parse(kind, text).is_none() => {
                self.note(&INVALID_PRINCIPAL_FORMAT, &[], *at);
            }
            _ => {}
        }
    }

    /// Whom an identity provider vouches for assumes a role by the provider's own actions.
    fn federated(&mut self, elements: Elements<'_>, up: &At<'_>) {
        let (Some(principal), Some(action)) = (elements.get("Principal"), elements.get("Action")) else {
            return;
        };
        let Value::Object(kinds) = &principal.node.value else { return };
        let [only] = kinds.as_slice() else { return };
        let assumes =
            |node: &Node| matches!(&node.value, Value::String(t) if t.eq_ignore_ascii_case("sts:AssumeRole"));
        if only.key != "Federated" || !items(&action.node).iter().any(assumes) {
            return;
        }
        let text = |node: &Node| if let Value::String(t) = &node.value { Some(t.clone()) } else { None };
        let names: Vec<String> = items(&only.node).iter().filter_map(text).collect();
        let at = up.value(principal);
        let places = [up.value(action), at.value(only)];
        self.note_all(&MISMATCHED_ACTION_FOR_PRINCIPAL, &["sts:AssumeRole", &names.join(", ")], &places);
    }
}
