//! What `$context.NAME` and `$stageVariables.NAME` stand for during one request.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    variables: BTreeMap<&'static str, String>,
    pub(super) claims: Option<Map<String, Json>>,
    pub(super) stage_variables: BTreeMap<String, String>,
}

impl Context {
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        self.variables.insert(name, value.into());
    }

    /// The value of `NAME` in `$context.NAME`.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        for prefix in ["authorizer.claims.", "authorizer.jwt.claims."] {
            if let Some(claim) = name.strip_prefix(prefix) {
                return self.claims.as_ref()?.get(claim).map(shown);
            }
        }
        self.variables.get(name).cloned()
    }

    /// The value behind a `$`, without it: `context.x`, `stageVariables.x`.
    pub(super) fn reference(&self, name: &str) -> Option<String> {
        if let Some(name) = name.strip_prefix("context.") {
            return self.get(name);
        }
        self.stage_variables.get(name.strip_prefix("stageVariables.")?).cloned()
    }

    /// `${stageVariables.NAME}` filled in; `None` if one is not set.
    pub(super) fn staged(&self, text: &str) -> Option<String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${stageVariables.") {
            let (name, more) = after.split_once('}')?;
            filled.push_str(before);
            filled.push_str(self.stage_variables.get(name)?);
            rest = more;
        }
        filled.push_str(rest);
        Some(filled)
    }

    /// A template with its references filled in, each by `value` (which gets the reference and what it stands for).
    pub(super) fn render(&self, template: &str, value: impl Fn(&str, Option<String>) -> String) -> String {
        let mut text = String::new();
        let mut parts = template.split('$');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            match named(part) {
                Some((name, rest)) => {
                    text.push_str(&value(name, self.reference(name)));
                    text.push_str(rest);
                }
                None => {
                    text.push('$');
                    text.push_str(part);
                }
            }
        }
        text
    }
}

/// The reference at the beginning of what follows a `$`, and what is behind it.
fn named(text: &str) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix('{') {
        let (name, rest) = inner.split_once('}')?;
        return known(name).then_some((name, rest));
    }
    let claim = text.starts_with("context.authorizer.");
    let good = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c) || (claim && c == ':');
    let end = text.find(|c| !good(c)).unwrap_or(text.len());
    let (name, _) = text.split_at_checked(end)?;
    // A full stop behind a reference ends a sentence.
    let name = name.trim_end_matches(['.', ':', '-']);
    let rest = text.strip_prefix(name)?;
    known(name).then_some((name, rest))
}

fn known(name: &str) -> bool {
    ["context.", "stageVariables.", "request.", "response.header."].iter().any(|p| name.starts_with(p))
}

/// A claim as text: lists with commas between.
pub(super) fn shown(claim: &Json) -> String {
    match claim {
        Json::String(text) => text.clone(),
        Json::Array(list) => list.iter().map(shown).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_filled() {
        let mut context = Context::default();
        context.set("requestId", "r-1");
        context.claims =
            serde_json::from_str(r#"{"sub":"u-1","cognito:groups":["a","b"],"auth_time":5}"#).ok();
        context.stage_variables.insert("v".into(), "1".into());
        let cases = [
            ("$context.requestId", "r-1"),
            ("id=${context.requestId}!", "id=r-1!"),
            ("$context.requestId.", "r-1."),
            ("$context.authorizer.claims.cognito:groups $context.authorizer.claims.auth_time", "a,b 5"),
            ("$context.none $5 $stageVariables.v", "- $5 1"),
        ];
        for (template, expected) in cases {
            let text = context.render(template, |_, v| v.unwrap_or_else(|| "-".into()));
            assert_eq!(text, expected, "{template}");
        }
        assert_eq!(context.staged("https://h/${stageVariables.v}/x").as_deref(), Some("https://h/1/x"));
        assert_eq!(context.staged("${stageVariables.none}"), None);
    }
}
