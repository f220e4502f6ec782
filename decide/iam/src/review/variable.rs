//! Policy variables: their form, and where they may stand.

use crate::json::Node;

use super::Reviewer;
use super::check::*;
use super::place::At;

/// A variable as it stands in a text: where it begins, in characters, and what is between its braces.
struct Found<'t> {
    start: usize,
    length: usize,
    /// `None`: no brace closes it.
    inner: Option<&'t str>,
}

fn variables(text: &str) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let (mut rest, mut at) = (text, 0);
    while let Some((before, after)) = rest.split_once("${") {
        let start = at + before.chars().count();
        let Some((inner, behind)) = after.split_once('}') else {
            found.push(Found { start, length: after.chars().count() + 2, inner: None });
            return found;
        };
        let length = inner.chars().count() + 3;
        found.push(Found { start, length, inner: Some(inner) });
        (rest, at) = (behind, start + length);
    }
    found
}

impl Reviewer<'_> {
    /// Notes variables where none may be; whether there are none.
    pub(super) fn no_variables(&mut self, text: &str, node: &Node, at: &At<'_>) -> bool {
        let found = variables(text);
        for variable in &found {
            let here = at.part(node, variable.start, variable.length);
            let name = variable.inner.map(|inner| format!("${{{inner}}}")).unwrap_or_default();
            self.note(&VARIABLE_UNSUPPORTED_IN_ELEMENT, &[&name], here);
        }
        found.is_empty()
    }

    /// Notes the faults of variables; whether there are any variables.
    pub(super) fn variables_of(&mut self, text: &str, node: &Node, at: &At<'_>) -> bool {
        let found = variables(text);
        for variable in &found {
            let fault = match variable.inner {
                // Before there were variables, the characters stood for themselves.
                _ if !self.variables => Some(&VARIABLE_UNSUPPORTED_IN_VERSION),
                None => Some(&MISSING_BRACE_IN_VARIABLE),
                Some(inner) => fault(inner),
            };
            if let Some(fault) = fault {
                self.note(fault, &[], at.part(node, variable.start, variable.length));
            }
        }
        !found.is_empty()
    }
}

fn fault(inner: &str) -> Option<&'static Check> {
    let (name, default) = inner.split_once(',').map_or((inner, None), |(n, d)| (n, Some(d.trim())));
    let quoted = |text: &str| text.len() > 1 && text.starts_with('\'') && text.ends_with('\'');
    if name.trim().is_empty() {
        Some(&EMPTY_VARIABLE)
    } else if name.contains(' ') {
        Some(&UNSUPPORTED_SPACE_IN_VARIABLE)
    } else if default.is_some_and(|d| !quoted(d)) {
        Some(&MISSING_QUOTE_IN_VARIABLE)
    } else {
        None
    }
}
