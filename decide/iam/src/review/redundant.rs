//! What says again what stands there already.

use std::collections::BTreeMap;

use crate::json::{Node, Value};

use super::Reviewer;

/// Which of the texts another one covers, by number. `covers` takes a pattern and a text.
///
/// A text with `*` is a text like any other here, which is sound as long as no `?` of the pattern
/// stands for it; such a pair is left alone.
pub(super) fn covered(
    reviewer: &mut Reviewer<'_>,
    texts: &[String],
    covers: impl Fn(&str, &str) -> bool,
) -> Vec<usize> {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    let mut found = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        if *first.entry(text).or_insert(at) != at {
            found.push(at);
        }
    }
    let wild: Vec<&str> = first.keys().copied().filter(|t| t.contains(['*', '?'])).collect();
    for (text, at) in &first {
        for pattern in wild.iter().filter(|p| *p != text) {
            if !reviewer.pay(pattern.len().saturating_add(text.len())) {
                return found;
            }
            let unsure = pattern.contains('?') && text.contains('*');
            if !unsure && covers(pattern, text) {
                found.push(*at);
                break;
            }
        }
    }
    found.sort_unstable();
    found
}

/// A statement's text in one form, whatever its order and its id.
pub(super) fn meaning(node: &Node) -> String {
    let mut out = String::new();
    write(node, true, &mut out);
    out
}

fn write(node: &Node, statement: bool, out: &mut String) {
    match &node.value {
        Value::Null => out.push('~'),
        Value::Bool(truth) => out.push_str(if *truth { "\"true\"" } else { "\"false\"" }),
        Value::Number(text) | Value::String(text) => {
            out.push_str(&format!("{text:?}"));
        }
        // One value and a list of it are the same.
        Value::Array(nodes) => {
            let mut each: Vec<String> = nodes.iter().map(meaning_of_value).collect();
            each.sort_unstable();
            each.dedup();
            match each.as_slice() {
                [one] => out.push_str(one),
                each => out.push_str(&format!("[{}]", each.join(","))),
            }
        }
        Value::Object(members) => {
            let told = members.iter().filter(|m| !(statement && m.key == "Sid"));
            let mut each: Vec<String> =
                told.map(|m| format!("{:?}:{}", m.key, meaning_of_value(&m.node))).collect();
            each.sort_unstable();
            out.push_str(&format!("{{{}}}", each.join(",")));
        }
    }
}

fn meaning_of_value(node: &Node) -> String {
    let mut out = String::new();
    write(node, false, &mut out);
    out
}
