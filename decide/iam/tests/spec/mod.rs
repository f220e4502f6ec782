//! The policy language once more, as plainly as the user guide tells it and without any
//! thought for speed. Shares no code with the engine: documents are JSON, globs recurse.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::Value;

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
    let by_grant = granted_by_key(&layers["grants"], ask);
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

/// Whom the grants that apply name at best.
fn granted_by_key(grants: &Value, ask: &Ask) -> Option<&'static str> {
    let map = |v: &Value| -> BTreeMap<String, String> { serde_json::from_value(v.clone()).unwrap() };
    let key = |name: &str| ask.keys.get(name).cloned().unwrap_or_default();
    let mut best = Vec::new();
    for grant in grants.as_array().into_iter().flatten() {
        let operations = strings(&grant["operations"]);
        let has = |action: &str| operations.iter().any(|o| o.eq_ignore_ascii_case(action));
        if grant["key"] != ask.resource || !has(&ask.action) {
            continue;
        }
        if grant["source"].as_str().is_some_and(|s| !key("aws:sourcearn").iter().any(|v| v == s)) {
            continue;
        }
        let making = ask.action == "kms:CreateGrant";
        let inside = |m: &Value| map(m).iter().all(|(k, v)| ask.encryption.get(k) == Some(v));
        let exact = |m: &Value| map(m) == ask.encryption;
        let described = ask.action == "kms:DescribeKey";
        let context = match (&grant["equals"], &grant["subset"]) {
            (Value::Null, Value::Null) => true,
            _ if described => true,
            (Value::Null, subset) => inside(subset),
            (equals, _) if making => {
                exact(equals) && key("kms:grantconstrainttype").iter().any(|t| t == "EncryptionContextEquals")
            }
            (equals, _) => exact(equals),
        };
        let asked = key("kms:grantoperations");
        let narrow = !making
            || (!asked.is_empty()
                && asked.iter().all(|o| has(&format!("kms:{o}")))
                && grant["source"].as_str().is_none_or(|s| key("kms:grantconstraintsourcearn") == [s]));
        if context && narrow {
            let named =
                serde_json::json!({ "Principal": { "AWS": grant["grantee"], "Service": grant["grantee"] } });
            best.extend(names(&named, ask, false));
        }
    }
    ["direct", "behind", "account"].into_iter().find(|to| best.contains(to))
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

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().flat_map(strings).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
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
        let hits: Vec<_> = wanted.iter().map(|w| test(&base, w, value, &ask.keys, variables)).collect();
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

/// `None` where a variable has no value.
fn test(base: &str, wanted: &str, value: &str, keys: &Keys, variables: bool) -> Option<bool> {
    let text = |wild| expand(wanted, keys, variables, wild).map(|units| glob(&units, value));
    let order = || Some(value.parse::<f64>().ok()?.total_cmp(&wanted.parse().ok()?)).map(|o| o as i32);
    let date = || seconds(value).cmp(&seconds(wanted)) as i32;
    match base {
        "StringEquals" => text(false),
        "StringLike" => text(true),
        "StringEqualsIgnoreCase" => Some(wanted.to_lowercase() == value.to_lowercase()),
        "ArnEquals" | "ArnLike" => arn(wanted, value, keys, variables),
        "NumericEquals" => Some(order() == Some(0)),
        "NumericLessThan" => Some(order().is_some_and(|o| o < 0)),
        "NumericLessThanEquals" => Some(order().is_some_and(|o| o <= 0)),
        "NumericGreaterThan" => Some(order().is_some_and(|o| o > 0)),
        "NumericGreaterThanEquals" => Some(order().is_some_and(|o| o >= 0)),
        "DateEquals" => Some(date() == 0),
        "DateLessThan" => Some(date() < 0),
        "DateLessThanEquals" => Some(date() <= 0),
        "DateGreaterThan" => Some(date() > 0),
        "DateGreaterThanEquals" => Some(date() >= 0),
        "Bool" => Some(wanted.eq_ignore_ascii_case(value)),
        "BinaryEquals" => Some(wanted.trim_end_matches('=') == value.trim_end_matches('=')),
        "IpAddress" => {
            let (net, bits) = wanted.split_once('/').unwrap_or((wanted, "128"));
            let ((family, net), (of, address)) = (address(net), address(value));
            let drop = (if family == 4 { 32_u32 } else { 128 }).saturating_sub(bits.parse().unwrap());
            Some(family == of && net.checked_shr(drop) == address.checked_shr(drop))
        }
        _ => panic!("no operator `{base}`"),
    }
}

/// An IPv4 address in IPv6 clothes is an IPv4 address.
fn address(text: &str) -> (u8, u128) {
    match text.parse::<IpAddr>().unwrap().to_canonical() {
        IpAddr::V4(ip) => (4, u128::from(ip.to_bits())),
        IpAddr::V6(ip) => (6, ip.to_bits()),
    }
}

/// The calendar of the generated dates, as a table.
fn seconds(date: &str) -> i64 {
    match date {
        "2020-01-01" | "2020-01-01T00:00:00Z" | "2020-01-01T01:00:00+01:00" => 1_577_836_800,
        "2020-06-01" | "2020-06-01T00:00:00.000Z" => 1_590_969_600,
        epoch => epoch.parse().unwrap(),
    }
}

/// Field by field; fields that are left out are `*`.
fn arn(pattern: &str, name: &str, keys: &Keys, variables: bool) -> Option<bool> {
    // The colon of a variable's key separates nothing.
    let hidden = if variables { pattern.replace("${aws:", "${aws\u{1}") } else { pattern.to_owned() };
    let mut patterns: Vec<String> = hidden.splitn(6, ':').map(|p| p.replace('\u{1}', ":")).collect();
    patterns.resize(6, "*".to_owned());
    let fields: Vec<&str> = name.splitn(6, ':').collect();
    if fields.len() != 6 || fields[0] != "arn" {
        return Some(false);
    }
    let hits: Vec<_> =
        patterns.iter().zip(fields).map(|(p, f)| Some(glob(&expand(p, keys, variables, true)?, f))).collect();
    if hits.contains(&Some(false)) {
        Some(false)
    } else {
        hits.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Unit {
    Char(char),
    Any,
    One,
}

fn units(text: &str, wild: bool) -> Vec<Unit> {
    let unit = |c| match c {
        '*' if wild => Unit::Any,
        '?' if wild => Unit::One,
        c => Unit::Char(c),
    };
    text.chars().map(unit).collect()
}

fn expand(text: &str, keys: &Keys, variables: bool, wild: bool) -> Option<Vec<Unit>> {
    let Some((before, (inside, after))) =
        text.split_once("${").and_then(|(b, r)| Some((b, r.split_once('}')?)))
    else {
        return Some(units(text, wild));
    };
    if !variables {
        return Some(units(text, wild));
    }
    let (key, default) =
        inside.split_once(", ").map_or((inside, None), |(k, d)| (k, Some(d.trim_matches('\''))));
    let value = match (key, keys.get(&key.to_lowercase()).map(Vec::as_slice)) {
        ("*" | "?" | "$", _) => key.to_owned(),
        (_, Some([one])) => one.clone(),
        (_, None | Some([])) => default?.to_owned(),
        (_, Some(_)) => return None,
    };
    Some([units(before, wild), units(&value, false), expand(after, keys, true, wild)?].concat())
}

fn glob(pattern: &[Unit], text: &str) -> bool {
    let mut chars = text.chars();
    match pattern.split_first() {
        None => text.is_empty(),
        Some((Unit::Any, rest)) => {
            glob(rest, text) || (chars.next().is_some() && glob(pattern, chars.as_str()))
        }
        Some((Unit::One, rest)) => chars.next().is_some() && glob(rest, chars.as_str()),
        Some((Unit::Char(c), rest)) => chars.next() == Some(*c) && glob(rest, chars.as_str()),
    }
}
