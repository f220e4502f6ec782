//! The explanation as AWS gives it to those who may read it: the document inside the
//! `DecodedMessage` of `DecodeAuthorizationMessage`.
//!
//! Says which statements matched, never which policies were silent.

use crate::condition::Condition;
use crate::layers::Attached;
use crate::policy::{Effect, Scope, Statement};
use crate::principal::{PrincipalKind, PrincipalPattern};
use crate::verdict::{Outcome, StatementRef, Verdict};

impl Verdict<'_> {
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html>
    pub fn authorization_message(&self) -> String {
        let request = &self.request;
        let matched = self.layers.iter().filter_map(|layer| layer.statement);
        let statements = matched.filter_map(|found| {
            let attached = self.held.all().find(|a| std::ptr::eq(a.name.as_str(), found.policy))?;
            let statement = attached.policy.statements().iter().find(|s| s.index == found.index)?;
            Some(matched_statement(attached, statement, &found))
        });
        let present = request.context.present();
        let conditions =
            present.iter().map(|(key, values)| condition(key, values.iter().map(String::as_str)));
        let principal = request.principal;
        let mut who = vec![("id", quoted(&principal.id))];
        if let PrincipalKind::User = principal.kind {
            who.push(("name", quoted(principal.arn.rsplit('/').next().unwrap_or_default())));
        }
        who.push(("arn", quoted(&principal.arn)));
        object(&[
            ("allowed", self.is_allowed().to_string()),
            ("explicitDeny", (self.outcome == Outcome::ExplicitDeny).to_string()),
            ("matchedStatements", items(statements)),
            ("failures", items(std::iter::empty())),
            (
                "context",
                object(&[
                    ("principal", object(&who)),
                    ("action", quoted(request.action)),
                    ("resource", quoted(request.resource)),
                    ("conditions", items(conditions)),
                ]),
            ),
        ])
    }
}

fn matched_statement(attached: &Attached, statement: &Statement, found: &StatementRef<'_>) -> String {
    let effect = if statement.effect == Effect::Allow { "ALLOW" } else { "DENY" };
    let mut members = vec![
        ("statementId", quoted(found.sid.unwrap_or_default())),
        ("effect", quoted(effect)),
        ("principals", of_scope(statement.principals.as_ref(), principal, false)),
        ("principalGroups", items(std::iter::empty())),
        ("actions", of_scope(Some(&statement.actions), |p| p.text().to_owned(), false)),
        ("resources", of_scope(statement.resources.as_ref(), |n| n.text().to_owned(), false)),
        ("conditions", items(statement.conditions.iter().map(wanted))),
    ];
    // The twins are told where they are used.
    let twins = [
        ("notPrincipals", of_scope(statement.principals.as_ref(), principal, true)),
        ("notActions", of_scope(Some(&statement.actions), |p| p.text().to_owned(), true)),
        ("notResources", of_scope(statement.resources.as_ref(), |n| n.text().to_owned(), true)),
    ];
    members.extend(twins.into_iter().filter(|(_, list)| list != EMPTY));
    members.extend(attached.arn.as_ref().map(|arn| ("policyArn", quoted(arn))));
    object(&members)
}

fn principal(pattern: &PrincipalPattern) -> String {
    match pattern {
        PrincipalPattern::Everyone => "*".to_owned(),
        PrincipalPattern::Account(text)
        | PrincipalPattern::Arn(text)
        | PrincipalPattern::Id(text)
        | PrincipalPattern::Service(text)
        | PrincipalPattern::Federated(text)
        | PrincipalPattern::CanonicalUser(text) => text.to_string(),
    }
}

fn wanted(of: &Condition) -> String {
    condition(&of.key.name, of.values.iter().map(|v| &*v.text))
}

fn condition<'a>(key: &str, texts: impl Iterator<Item = &'a str>) -> String {
    object(&[("key", quoted(key)), ("values", values(texts))])
}

fn of_scope<T>(scope: Option<&Scope<T>>, text: impl Fn(&T) -> String, except: bool) -> String {
    let listed = match (scope, except) {
        (Some(Scope::Only(listed)), false) | (Some(Scope::Except(listed)), true) => listed.as_slice(),
        _ => &[],
    };
    let texts: Vec<String> = listed.iter().map(text).collect();
    values(texts.iter().map(String::as_str))
}

const EMPTY: &str = r#"{"items":[]}"#;

fn values<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    items(texts.map(|text| object(&[("value", quoted(text))])))
}

fn items(items: impl Iterator<Item = String>) -> String {
    format!(r#"{{"items":[{}]}}"#, items.collect::<Vec<_>>().join(","))
}

fn object(members: &[(&str, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(name, json)| format!(r#""{name}":{json}"#)).collect();
    format!("{{{}}}", members.join(","))
}

fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            c if c < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}
