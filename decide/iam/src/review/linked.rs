//! `iam:PassRole` and `iam:CreateServiceLinkedRole`, given for more than is meant.

use crate::context::Context;
use crate::json::Value;
use crate::pattern::{Hit, Pattern};

use super::Reviewer;
use super::action::PLAIN;
use super::check::*;
use super::place::At;
use super::statement::Elements;

/// An action of that kind, with a check per way of giving it: by name and by pattern with a
/// pattern of resources, by `NotAction` with it, and the same three with `NotResource`.
struct Risky {
    action: &'static str,
    star: [&'static Check; 3],
    except: [&'static Check; 3],
    /// A condition key that confines it well enough.
    confined_by: &'static str,
}

static RISKY: [Risky; 2] = [
    Risky {
        action: "iam:passrole",
        star: [
            &PASS_ROLE_WITH_STAR_IN_RESOURCE,
            &PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE,
            &PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION,
        ],
        except: [
            &PASS_ROLE_WITH_NOT_RESOURCE,
            &PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE,
            &PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE,
        ],
        confined_by: "iam:passedtoservice",
    },
    Risky {
        action: "iam:createservicelinkedrole",
        star: [
            &CREATE_SLR_WITH_STAR_IN_RESOURCE,
            &CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE,
            &CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION,
        ],
        except: [
            &CREATE_SLR_WITH_NOT_RESOURCE,
            &CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE,
            &CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE,
        ],
        confined_by: "iam:awsservicename",
    },
];

impl Reviewer<'_> {
    pub(super) fn linked(&mut self, elements: Elements<'_>, at: &At<'_>) {
        for risky in &RISKY {
            let Some((by, action)) = given(elements, risky.action) else { continue };
            if confined(elements, risky.confined_by) {
                continue;
            }
            let star = elements.texts("Resource").iter().any(|text| wide(text));
            let (checks, resource) = match (elements.get("NotResource"), elements.get("Resource")) {
                (Some(member), _) => (&risky.except, member),
                (None, Some(member)) if star => (&risky.star, member),
                _ => continue,
            };
            let Some(check) = checks.get(by) else { continue };
            let Some(action) = elements.get(action) else { continue };
            self.note_all(check, &[], &[at.value(action), at.value(resource)]);
        }
    }
}

/// How a statement gives an action: by name (0), by a pattern (1), by leaving it out of `NotAction` (2).
fn given(elements: Elements<'_>, action: &str) -> Option<(usize, &'static str)> {
    let matches = |text: &str| {
        let pattern = Pattern::compile(&text.to_ascii_lowercase(), PLAIN);
        pattern.matches(action, false, &Context::new()) == Hit::Yes
    };
    if elements.get("NotAction").is_some() {
        let kept = elements.texts("NotAction").into_iter().any(matches);
        return (!kept).then_some((2, "NotAction"));
    }
    let named = elements.texts("Action").into_iter().filter(|text| matches(text));
    named.map(|text| usize::from(text.contains(['*', '?']))).min().map(|by| (by, "Action"))
}

fn confined(elements: Elements<'_>, key: &str) -> bool {
    let Some(Value::Object(operators)) = elements.get("Condition").map(|m| &m.node.value) else {
        return false;
    };
    operators.iter().any(|operator| {
        let tells = !operator.key.contains("Not") && !operator.key.contains("IfExists");
        let keys = if let Value::Object(keys) = &operator.node.value { keys.as_slice() } else { &[] };
        tells && keys.iter().any(|k| k.key.eq_ignore_ascii_case(key))
    })
}

/// A pattern of more than one role: everything, or a wildcard where the role's name begins.
fn wide(text: &str) -> bool {
    text == "*" || text.rsplit_once(":role/").map_or(text.contains('*'), |(_, name)| name.starts_with('*'))
}
