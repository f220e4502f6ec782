//! The `Rules` section: what must hold between parameters before anything is made.

use serde_json::Value as Json;

use crate::Problem;
use crate::node::Node;
use crate::resolve::{Lookup, Scope, as_text};

const FUNCTIONS: [&str; 11] = [
    "Fn::And",
    "Fn::Contains",
    "Fn::EachMemberEquals",
    "Fn::EachMemberIn",
    "Fn::Equals",
    "Fn::Not",
    "Fn::Or",
    "Fn::RefAll",
    "Fn::ValueOf",
    "Fn::ValueOfAll",
    "Ref",
];

/// Looks whether every rule has assertions and uses only what rules may use.
pub(crate) fn check(template: &Node, found: &mut Vec<Problem>) {
    for (name, place, rule) in template.get("Rules").and_then(Node::map).unwrap_or_default() {
        if rule.get("Assertions").and_then(Node::list).is_none_or(<[Node]>::is_empty) {
            found.push(Problem::new(*place, format!("Template format error: rule {name} has no Assertions")));
        }
        functions(rule, found);
    }
}

fn functions(node: &Node, found: &mut Vec<Problem>) {
    if let Some((function, _)) = node.function() {
        if !FUNCTIONS.contains(&function) {
            found.push(Problem::new(
                node.place,
                format!("Template error: {function} cannot be used in Rules"),
            ));
        } else if ["Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll"].contains(&function) {
            let message = format!("{function} in Rules is not served by this runtime");
            found.push(Problem::not_served(node.place, message));
        }
    }
    node.list().unwrap_or_default().iter().for_each(|n| functions(n, found));
    node.map().unwrap_or_default().iter().for_each(|(_, _, n)| functions(n, found));
}

impl Scope<'_> {
    /// Refuses parameters that a rule does not take.
    pub fn keep_rules(&self, lookup: &dyn Lookup) -> Result<(), Problem> {
        for (_, _, rule) in self.template.get("Rules").and_then(Node::map).unwrap_or_default() {
            if let Some(condition) = rule.get("RuleCondition")
                && !self.rule(condition, lookup)?
            {
                continue;
            }
            for assertion in rule.get("Assertions").and_then(Node::list).unwrap_or_default() {
                let Some(assert) = assertion.get("Assert") else { continue };
                if !self.rule(assert, lookup)? {
                    let told = assertion.get("AssertDescription").and_then(Node::text);
                    let told =
                        told.unwrap_or("Template error: an assertion of the Rules section does not hold");
                    return Err(Problem::new(assert.place, told));
                }
            }
        }
        Ok(())
    }

    fn rule(&self, node: &Node, lookup: &dyn Lookup) -> Result<bool, Problem> {
        let malformed =
            || Problem::new(node.place, "Template error: this is no condition that Rules can have");
        let (function, argument) = node.function().ok_or_else(malformed)?;
        let list = argument.list().unwrap_or_default();
        let texts = |n: &Node| -> Result<Vec<String>, Problem> {
            Ok(match self.value(n, lookup)?.value {
                Json::Array(list) => list.iter().map(as_text).collect(),
                one => vec![as_text(&one)],
            })
        };
        Ok(match (function, list) {
            ("Fn::And", _) => {
                list.iter().map(|n| self.rule(n, lookup)).collect::<Result<Vec<_>, _>>()?.iter().all(|b| *b)
            }
            ("Fn::Or", _) => {
                list.iter().map(|n| self.rule(n, lookup)).collect::<Result<Vec<_>, _>>()?.iter().any(|b| *b)
            }
            ("Fn::Not", [one]) => !self.rule(one, lookup)?,
            ("Fn::Equals", [a, b]) => texts(a)? == texts(b)?,
            ("Fn::Contains", [all, one]) => {
                let (all, one) = (texts(all)?, texts(one)?);
                one.iter().all(|o| all.contains(o))
            }
            ("Fn::EachMemberEquals", [all, one]) => {
                let one = texts(one)?;
                texts(all)?.iter().all(|a| one.first() == Some(a))
            }
            ("Fn::EachMemberIn", [all, of]) => {
                let of = texts(of)?;
                texts(all)?.iter().all(|a| of.contains(a))
            }
            _ => return Err(malformed()),
        })
    }
}
