//! The elements of a statement.

use crate::arn::NamePattern;
use crate::condition::{Condition, ConditionValue, Operand, Operator};
use crate::context::Key;
use crate::json::{Member, Node, Position, Value};
use crate::malformed::{Stage, Wrong};
use crate::pattern::{Pattern, Syntax};
use crate::policy::{Effect, PolicyKind, Scope, Statement};
use crate::principal::PrincipalPattern;

use super::{Reader, join, written};

const ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// The text of an element and where it stands.
pub(super) type Written<'a> = (&'a str, Position);

impl Reader {
    pub(super) fn statement(
        &mut self,
        members: &[Member],
        node: &Node,
        index: usize,
        element: &str,
    ) -> Option<Statement> {
        let at = node.at;
        self.duplicates(members, element);
        for member in members.iter().filter(|m| !ELEMENTS.contains(&m.key.as_str())) {
            let (name, wrong) = (join(element, &member.key), Wrong::Unknown(member.key.clone()));
            let detail = format!("a statement has no element `{}`", member.key);
            self.faults.note(Stage::Syntax, member.at, &name, &wrong, detail);
        }
        let get = |name: &str| members.iter().find(|m| m.key == name);
        let effect = self.effect(get("Effect"), at, element);
        let sid = get("Sid").and_then(|m| self.sid(m, element));
        let principals = self.principals(get("Principal"), get("NotPrincipal"), at, element);
        let actions = self.actions(get("Action"), get("NotAction"), at, element);
        let resources = self.resources(get("Resource"), get("NotResource"), at, element);
        let conditions = get("Condition").map(|m| self.conditions(m, element)).unwrap_or_default();
        Some(Statement {
            sid,
            index,
            position: at,
            end: node.end,
            effect: effect?,
            principals,
            actions: actions?,
            resources,
            conditions,
        })
    }

    fn effect(&mut self, member: Option<&Member>, at: Position, element: &str) -> Option<Effect> {
        let name = join(element, "Effect");
        let Some(member) = member else {
            let detail = "the statement has no `Effect`".to_owned();
            self.faults.note(Stage::Syntax, at, &name, &Wrong::Missing("Effect"), detail);
            return None;
        };
        match &member.node.value {
            Value::String(text) if text == "Allow" => Some(Effect::Allow),
            Value::String(text) if text == "Deny" => Some(Effect::Deny),
            other => {
                // IAM finds `allow` out one step later than other mistakes.
                let near = matches!(other, Value::String(t) if t.eq_ignore_ascii_case("allow") || t.eq_ignore_ascii_case("deny"));
                let stage = if near { Stage::Legacy } else { Stage::Syntax };
                let detail = "`Effect` is `Allow` or `Deny`".to_owned();
                self.faults.note(stage, member.node.at, &name, &Wrong::Form, detail);
                None
            }
        }
    }

    fn sid(&mut self, member: &Member, element: &str) -> Option<Box<str>> {
        let name = join(element, "Sid");
        let Value::String(text) = &member.node.value else {
            self.syntax(member.node.at, &name, "`Sid` is a string");
            return None;
        };
        if self.strict() && (self.of_identity() || self.kind == PolicyKind::Scp) && !text.is_empty() {
            if self.sids.contains(text) {
                let wrong = Wrong::Text("Statement IDs (SID) in a single policy must be unique.".to_owned());
                let detail = format!("the Sid `{text}` is used twice");
                self.faults.note(Stage::Sid, member.node.at, &name, &wrong, detail);
            }
            if self.of_identity() && !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
                let rule = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*";
                let detail = format!("the Sid `{text}` has other characters");
                self.faults.note(Stage::Sid, member.node.at, &name, &Wrong::Text(rule.to_owned()), detail);
            }
            self.sids.push(text.clone());
        }
        Some(text.as_str().into())
    }

    /// The strings of an element that is a string or a list of them.
    fn strings<'a>(&mut self, node: &'a Node, element: &str) -> Vec<Written<'a>> {
        let nodes = match &node.value {
            Value::Array(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut texts = Vec::with_capacity(nodes.len());
        for node in nodes {
            match &node.value {
                Value::String(text) => texts.push((text.as_str(), node.at)),
                _ => self.syntax(node.at, element, "a string or a list of strings was expected"),
            }
        }
        texts
    }

    /// One of an element and its `Not` twin, never both.
    fn either<'a>(
        &mut self,
        only: Option<&'a Member>,
        except: Option<&'a Member>,
        element: &str,
    ) -> Option<&'a Member> {
        if let (Some(first), Some(second)) = (only, except) {
            let detail = format!("`{}` and `{}` exclude each other", first.key, second.key);
            self.syntax(second.at, &join(element, &second.key), detail);
        }
        only.or(except)
    }

    fn actions(
        &mut self,
        only: Option<&Member>,
        except: Option<&Member>,
        at: Position,
        element: &str,
    ) -> Option<Scope<Pattern>> {
        let member = self.either(only, except, element);
        let name = join(element, member.map_or("Action", |m| m.key.as_str()));
        let texts = member.map(|m| self.strings(&m.node, &name)).unwrap_or_default();
        if texts.is_empty() {
            let detail = "the statement has no actions".to_owned();
            self.faults.note(Stage::Actions, at, &name, &Wrong::Missing("Action"), detail);
            return None;
        }
        for (text, at) in &texts {
            written::action(self, text, *at, &name);
            self.bounded(text, *at, &name);
        }
        // Policy variables have no meaning in actions.
        let syntax = Syntax { wildcards: true, variables: false };
        let patterns = texts.iter().map(|(text, _)| Pattern::compile(text, syntax)).collect();
        Some(if only.is_some() { Scope::Only(patterns) } else { Scope::Except(patterns) })
    }

    fn resources(
        &mut self,
        only: Option<&Member>,
        except: Option<&Member>,
        at: Position,
        element: &str,
    ) -> Option<Scope<NamePattern>> {
        let member = self.either(only, except, element);
        let name = join(element, member.map_or("Resource", |m| m.key.as_str()));
        if let (Some(member), PolicyKind::Trust) = (member, self.kind) {
            let field = if only.is_some() { "Resource" } else { "NotResource" };
            let detail = "a trust policy is about its own role".to_owned();
            self.faults.note(Stage::Syntax, member.at, &name, &Wrong::Prohibited(field), detail);
            return None;
        }
        let texts = member.map(|m| self.strings(&m.node, &name)).unwrap_or_default();
        if texts.is_empty() {
            let own = member.is_none() && matches!(self.kind, PolicyKind::Trust | PolicyKind::Resource);
            if !own {
                let detail = "the statement has no resources".to_owned();
                self.faults.note(Stage::Resources, at, &name, &Wrong::Missing("Resource"), detail);
            }
            return None;
        }
        for (text, at) in &texts {
            if self.strict() && self.of_identity() {
                written::resource(self, text, *at, &name);
            }
            self.bounded(text, *at, &name);
        }
        let variables = self.variables();
        let patterns = texts.iter().map(|(text, _)| NamePattern::resource(text, variables)).collect();
        Some(if only.is_some() { Scope::Only(patterns) } else { Scope::Except(patterns) })
    }

    /// Long patterns that mix `*` and `?` are the only ones that cost more than one pass.
    fn bounded(&mut self, text: &str, at: Position, element: &str) {
        if text.len() > 2048 && text.contains('*') && text.contains('?') {
            self.syntax(at, element, "a pattern with both `*` and `?` has at most 2048 characters");
        }
    }

    fn principals(
        &mut self,
        only: Option<&Member>,
        except: Option<&Member>,
        at: Position,
        element: &str,
    ) -> Option<Scope<PrincipalPattern>> {
        let member = self.either(only, except, element);
        let field = if only.is_some() { "Principal" } else { "NotPrincipal" };
        let name = join(element, member.map_or("Principal", |m| m.key.as_str()));
        let Some(member) = member else {
            if !self.of_identity() && self.kind != PolicyKind::Scp {
                let detail = "the statement does not say whom it is for".to_owned();
                self.faults.note(Stage::Syntax, at, &name, &Wrong::Missing("Principal"), detail);
            }
            return None;
        };
        if self.of_identity() || self.kind == PolicyKind::Scp {
            let detail = "a policy of this kind is for whoever it is attached to".to_owned();
            self.faults.note(Stage::Syntax, member.at, &name, &Wrong::Prohibited(field), detail);
            return None;
        }
        let patterns = match &member.node.value {
            Value::String(text) if text == "*" => vec![PrincipalPattern::Everyone],
            Value::Object(kinds) => self.principal_kinds(kinds, &name),
            _ => {
                let wrong = Wrong::Principal("not `*` or an object".to_owned());
                let detail = format!("`{field}` is `*` or an object");
                self.faults.note(Stage::Syntax, member.node.at, &name, &wrong, detail);
                Vec::new()
            }
        };
        if patterns.is_empty() && !self.faults.any() {
            let detail = format!("`{field}` names nobody");
            self.faults.note(Stage::Syntax, member.node.at, &name, &Wrong::Missing("Principal"), detail);
        }
        if self.kind == PolicyKind::Rcp && (only.is_none() || patterns != [PrincipalPattern::Everyone]) {
            self.syntax(member.node.at, &name, "the principal of a resource control policy is `*`");
        }
        Some(if only.is_some() { Scope::Only(patterns) } else { Scope::Except(patterns) })
    }

    fn principal_kinds(&mut self, kinds: &[Member], element: &str) -> Vec<PrincipalPattern> {
        self.duplicates(kinds, element);
        let mut patterns = Vec::new();
        for member in kinds {
            let name = join(element, &member.key);
            for (text, at) in self.strings(&member.node, &name) {
                match PrincipalPattern::parse(&member.key, text) {
                    Some(pattern) => patterns.push(pattern),
                    None => {
                        let wrong = Wrong::Principal(format!("\"{}\":\"{text}\"", member.key));
                        let detail = format!("`{text}` is no principal of the type `{}`", member.key);
                        self.faults.note(Stage::Syntax, at, &name, &wrong, detail);
                    }
                }
            }
        }
        patterns
    }

    fn conditions(&mut self, member: &Member, element: &str) -> Vec<Condition> {
        let name = join(element, "Condition");
        let Value::Object(operators) = &member.node.value else {
            self.syntax(member.node.at, &name, "`Condition` is an object");
            return Vec::new();
        };
        self.duplicates(operators, &name);
        let mut conditions = Vec::new();
        for member in operators {
            let name = join(&name, &member.key);
            let Value::Object(keys) = &member.node.value else {
                self.syntax(member.node.at, &name, "an operator is given an object of keys and values");
                continue;
            };
            // AWS lets an operator pass that it does not know when it has nothing to test.
            if keys.is_empty() {
                continue;
            }
            let Some(operator) = Operator::parse(&member.key) else {
                self.syntax(member.at, &name, format!("there is no operator `{}`", member.key));
                continue;
            };
            self.duplicates(keys, &name);
            conditions.extend(keys.iter().map(|key| self.condition(operator, key, &name)));
        }
        conditions
    }

    fn condition(&mut self, operator: Operator, member: &Member, element: &str) -> Condition {
        let name = join(element, &member.key);
        if member.key.is_empty() {
            self.syntax(member.at, &name, "a condition key has a name");
        }
        let nodes = match &member.node.value {
            Value::Array(nodes) => nodes.as_slice(),
            _ => std::slice::from_ref(&member.node),
        };
        let mut values = Vec::with_capacity(nodes.len());
        for node in nodes {
            let text = match &node.value {
                Value::String(text) | Value::Number(text) => text.as_str(),
                Value::Bool(true) => "true",
                Value::Bool(false) => "false",
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    self.syntax(node.at, &name, "a condition's value is a string, a number or a truth value");
                    continue;
                }
            };
            self.bounded(text, node.at, &name);
            let value = ConditionValue::compile(operator.test, text, self.variables());
            if value.operand == Operand::Unreadable && self.strict() {
                let date = operator.to_string().contains("Date");
                let stage = if date { Stage::Legacy } else { Stage::Syntax };
                let detail = format!("`{text}` is no value for `{operator}`");
                self.faults.note(stage, node.at, &name, &Wrong::Form, detail);
            }
            values.push(value);
        }
        Condition { operator, key: Key::new(&member.key), values, position: member.at }
    }
}
