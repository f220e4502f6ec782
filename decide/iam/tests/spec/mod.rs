//! The policy language once more, as plainly as the user guide tells it and without any
//! thought for speed. Shares no code with the engine: documents are JSON, globs recurse.
//! Here is who decides; how a word is matched is in `words`, what grants of keys add in `grants`.

mod grants;
mod words;

use std::collections::BTreeMap;

use serde_json::Value;
use words::{arn, compare, glob, strings, units};

/// Keys in lower case.
pub(crate) type Keys = BTreeMap<String, Vec<String>>;

pub(crate) struct Ask {
    /// `root`, `user`, `role`, `session`, `federated`, `token`, `service` or `anonymous`.
    pub(crate) kind: &'static str,
    /// Of a token its provider, of a service its name.
    pub(crate) arn: String,
    pub(crate) id: String,
    /// The role or user behind a session.
    pub(crate) behind: String,
    pub(crate) account: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) owner: String,
    pub(crate) keys: Keys,
    pub(crate) consent: bool,
    /// Of a request to a key.
    pub(crate) encryption: BTreeMap<String, String>,
}

pub(crate) fn decide(layers: &Value, ask: &Ask) -> &'static str {
    let identified = identified(ask);
    let linked = ask.behind.contains(":role/aws-service-role/");
    let bound = !layers["boundary"].is_null();
    let (mut denies, mut guards) = (Vec::new(), Vec::new());
    for (name, applies) in [("rcp", !linked), ("scp", !linked && identified)] {
        for level in layers[name].as_array().into_iter().flatten().filter(|_| applies) {
            denies.push(any(level, "Deny", ask, false).is_some());
            guards.push(any(level, "Allow", ask, false).is_some());
        }
    }
    for (name, applies) in [("endpoint", true), ("boundary", identified), ("session", identified)] {
        denies.push(applies && any(&layers[name], "Deny", ask, false).is_some());
    }
    denies.push(any(&layers["resource"], "Deny", ask, bound).is_some());
    denies.push(identified && any(&layers["identity"], "Deny", ask, false).is_some());
    // 1. An explicit deny in any policy is final.
    if denies.contains(&true) {
        return "ExplicitDeny";
    }
    // 2. Guard rails must allow, where there are any.
    let holds = |name: &str| layers[name].is_null() || any(&layers[name], "Allow", ask, false).is_some();
    let granted = any(&layers["resource"], "Allow", ask, bound);
    let identity = ask.kind == "root" || any(&layers["identity"], "Allow", ask, false).is_some();
    let limits = !identified || (holds("boundary") && holds("session"));
    let by_grant = grants::granted(&layers["grants"], ask);
    let allowed = if guards.contains(&false) || !holds("endpoint") {
        false
    } else if by_grant.is_some_and(|to| limits && (to != "account" || identity)) {
        // A grant of the key stands beside its policy, within the caller's own limits.
        true
    } else if !identified {
        granted.is_some()
    } else if ask.owner != ask.account {
        // 3. Across accounts both sides must allow.
        granted.is_some() && identity && limits
    } else {
        // 4. Within the account it depends on whom the resource's policy names.
        match granted {
            Some("direct") => true,
            Some("behind") => limits,
            Some(_) => identity && limits,
            None => !ask.consent && identity && limits,
        }
    };
    if allowed { "Allowed" } else { "ImplicitDeny" }
}

/// Has an account, and with it policies of its own.
fn identified(ask: &Ask) -> bool {
    !matches!(ask.kind, "token" | "service" | "anonymous")
}

/// Whom the statements that apply name at best: `direct`, `behind` or `account`.
fn any(policies: &Value, effect: &str, ask: &Ask, bound: bool) -> Option<&'static str> {
    let policies = match policies {
        Value::Array(policies) => policies.as_slice(),
        Value::Null => &[],
        one => std::slice::from_ref(one),
    };
    let mut best = Vec::new();
    for policy in policies {
        let variables = policy["Version"] == "2012-10-17";
        for statement in policy["Statement"].as_array().unwrap().iter().filter(|s| s["Effect"] == effect) {
            if statement_applies(statement, ask, variables, effect == "Deny") {
                best.extend(names(statement, ask, bound && effect == "Deny"));
            }
        }
    }
    ["direct", "behind", "account"].into_iter().find(|grant| best.contains(grant))
}

fn names(statement: &Value, ask: &Ask, void: bool) -> Option<&'static str> {
    let best = |element: &Value| {
        let texts = if *element == "*" { vec!["*".to_owned()] } else { strings(&element["AWS"]) };
        let one = |text: &str| match text {
            "*" => Some("direct"),
            _ if !identified(ask) => None,
            _ if text == ask.account || text == format!("arn:aws:iam::{}:root", ask.account) => {
                Some(if ask.kind == "root" { "direct" } else { "account" })
            }
            _ if text == ask.behind || ask.id.split_once(':').is_some_and(|(role, _)| text == role) => {
                Some("behind")
            }
            _ if text == ask.arn || text == ask.id => Some("direct"),
            _ => None,
        };
        let grants: Vec<_> = texts.iter().filter_map(|t| one(t)).collect();
        let kind = [("service", "Service"), ("token", "Federated")].into_iter().find(|(k, _)| *k == ask.kind);
        let other = kind.filter(|(_, name)| strings(&element[*name]).contains(&ask.arn)).map(|_| "direct");
        ["direct", "behind", "account"].into_iter().find(|g| grants.contains(g)).or(other)
    };
    match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (Some(element), _) => best(element),
        (None, Some(_)) if void => Some("direct"),
        (None, Some(element)) => best(element).is_none().then_some("direct"),
        (None, None) => Some("direct"),
    }
}

/// `doubt`: how a comparison counts whose variable has no value, when it is negated.
fn statement_applies(statement: &Value, ask: &Ask, variables: bool, doubt: bool) -> bool {
    let asked = ask.action.to_lowercase();
    let action = |p: &String| p == "*" || glob(&units(&p.to_lowercase(), true), &asked);
    if !(strings(&statement["Action"]).iter().any(action)
        || statement.get("NotAction").is_some_and(|n| !strings(n).iter().any(action)))
    {
        return false;
    }
    let resource =
        |p: &String| if p == "*" { Some(true) } else { arn(p, &ask.resource, &ask.keys, variables) };
    let resources = match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(list), _) => strings(list).iter().any(|p| resource(p) == Some(true)),
        (None, Some(list)) => strings(list).iter().all(|p| resource(p).map_or(doubt, |hit| !hit)),
        (None, None) => true,
    };
    let holds = |(operator, keys): (&String, &Value)| {
        keys.as_object()
            .unwrap()
            .iter()
            .all(|(k, v)| condition(operator, k, &strings(v), ask, variables, doubt))
    };
    resources && statement["Condition"].as_object().is_none_or(|c| c.iter().all(holds))
}

fn condition(operator: &str, key: &str, wanted: &[String], ask: &Ask, variables: bool, doubt: bool) -> bool {
    let found = ask.keys.get(&key.to_lowercase()).cloned().unwrap_or_default();
    let empty = found.iter().all(String::is_empty);
    let (set, rest) = operator.split_once(':').unwrap_or(("", operator));
    let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |b| (b, true));
    if base == "Null" {
        return wanted.contains(&empty.to_string());
    }
    let negated = base.contains("Not");
    let base = base.replace("Not", "");
    let one = |value: &String| {
        let hits: Vec<_> = wanted.iter().map(|w| compare(&base, w, value, &ask.keys, variables)).collect();
        match (hits.contains(&Some(true)), negated) {
            (hit, false) => hit,
            (true, true) => false,
            (false, true) => !hits.contains(&None) || doubt,
        }
    };
    match set {
        "ForAllValues" => empty || found.iter().all(one),
        "ForAnyValue" => !empty && found.iter().any(one),
        _ if found.is_empty() => negated || if_exists,
        _ if negated => found.iter().all(one),
        _ => found.iter().any(one),
    }
}
