//! How one word of a policy meets one word of a request: operators, globs, ARNs, variables.

use std::net::IpAddr;

use serde_json::Value;

use super::Keys;

pub(super) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().flat_map(strings).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}

/// `None` where a variable has no value.
pub(super) fn compare(base: &str, wanted: &str, value: &str, keys: &Keys, variables: bool) -> Option<bool> {
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
pub(super) fn arn(pattern: &str, name: &str, keys: &Keys, variables: bool) -> Option<bool> {
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
pub(super) enum Unit {
    Char(char),
    Any,
    One,
}

pub(super) fn units(text: &str, wild: bool) -> Vec<Unit> {
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

pub(super) fn glob(pattern: &[Unit], text: &str) -> bool {
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
