//! Actions: that they exist, and that a policy of this kind may name them.

use crate::context::Context;
use crate::json::{Member, Value};
use crate::pattern::{Hit, Pattern, Syntax};
use crate::policy::PolicyKind;

use super::check::*;
use super::facts::{FACTS, Service};
use super::place::At;
use super::statement::Elements;
use super::{Reviewer, redundant};

/// Whose actions a policy may name that is attached to this, and whose resources.
pub(super) const OF_TYPE: [(&str, &str); 6] = [
    ("AWS::DynamoDB::Table", "dynamodb"),
    ("AWS::IAM::AssumeRolePolicyDocument", "sts"),
    ("AWS::S3::AccessPoint", "s3"),
    ("AWS::S3::Bucket", "s3"),
    ("AWS::S3::MultiRegionAccessPoint", "s3"),
    ("AWS::S3ObjectLambda::AccessPoint", "s3-object-lambda"),
];

impl Reviewer<'_> {
    pub(super) fn actions(&mut self, elements: Elements<'_>, up: &At<'_>) {
        if elements.get("Action").or(elements.get("NotAction")).is_none() {
            return self.note(&MISSING_ACTION, &[], *up);
        }
        if let (Some(member), PolicyKind::Rcp) = (elements.get("NotAction"), self.as_what.kind) {
            self.note(&RCP_SYNTAX_ERROR_NOTACTION, &[], up.key(member));
        }
        for member in ["Action", "NotAction"].into_iter().filter_map(|name| elements.get(name)) {
            self.action_list(member, up);
        }
    }

    fn action_list(&mut self, member: &Member, up: &At<'_>) {
        let at = up.value(member);
        if matches!(&member.node.value, Value::Array(nodes) if nodes.is_empty()) {
            return self.note(&EMPTY_ARRAY_ACTION, &[], at);
        }
        let texts = self.listed(&member.node, &at);
        for (text, node, here) in &texts {
            if self.no_variables(text, node, here) {
                self.action(text, here);
            }
        }
        let names: Vec<String> = texts.iter().map(|(text, ..)| text.to_ascii_lowercase()).collect();
        let covered = redundant::covered(self, &names, |a, b| {
            Pattern::compile(a, PLAIN).matches(b, false, &Context::new()) == Hit::Yes
        });
        let places: Vec<At<'_>> = covered.iter().filter_map(|i| texts.get(*i)).map(|(.., at)| *at).collect();
        if let Some((text, ..)) = covered.first().and_then(|i| texts.get(*i)) {
            self.note_all(&REDUNDANT_ACTION, &[&places.len().to_string(), text], &places);
        }
    }

    fn action(&mut self, text: &str, at: &At<'_>) {
        if text == "*" {
            return;
        }
        let Some((prefix, name)) = text.split_once(':') else {
            return self.note(&INVALID_ACTION, &[text, ""], *at);
        };
        let service = prefix.to_ascii_lowercase();
        let own = OF_TYPE.iter().find(|(kind, _)| Some(*kind) == self.attached_to());
        if let Some((kind, own)) = own.filter(|(_, own)| prefix != "*" && service != *own) {
            self.note(&UNSUPPORTED_ACTION_IN_POLICY, &[text, kind], *at);
            if FACTS.prefixes.contains(own) && FACTS.prefixes.contains(service.as_str()) {
                return;
            }
        }
        if prefix.contains(['*', '?']) {
            return self.note(&WILDCARD_IN_SERVICE_NAME, &[], *at);
        }
        match FACTS.services.get(service.as_str()) {
            Some(known) => self.action_of(known, &service, text, name, at),
            None if FACTS.prefixes.contains(service.as_str()) => {}
            None => {
                let near = self.guess(&service, FACTS.prefixes.iter().copied());
                let near = near.map(|n| format!(" Did you mean {n}?")).unwrap_or_default();
                self.note(&INVALID_SERVICE_IN_ACTION, &[prefix, &near], *at);
            }
        }
    }

    fn action_of(&mut self, known: &Service, prefix: &str, text: &str, name: &str, at: &At<'_>) {
        let folded = name.to_ascii_lowercase();
        if known.actions.contains(&folded) || name == "*" {
            return;
        }
        if name.contains(['*', '?']) {
            let pattern = Pattern::compile(&folded, PLAIN);
            for action in &known.actions {
                if !self.pay(folded.len().saturating_add(action.len())) {
                    return;
                }
                if pattern.matches(action, false, &Context::new()) == Hit::Yes {
                    return;
                }
            }
        }
        let near = self.guess(&folded, known.named.iter().copied());
        let near = near.map(|n| format!(" Did you mean {prefix}:{n}?")).unwrap_or_default();
        self.note(&INVALID_ACTION, &[text, &near], *at);
    }

    /// What the policy is attached to; a trust policy is attached to a role.
    pub(super) fn attached_to(&self) -> Option<&str> {
        let trust = (self.as_what.kind == PolicyKind::Trust).then_some("AWS::IAM::AssumeRolePolicyDocument");
        self.as_what.attached_to.or(trust)
    }

    /// The name that is meant, if one differs by few letters.
    fn guess<'f>(&mut self, text: &str, names: impl Iterator<Item = &'f str>) -> Option<&'f str> {
        self.guesses = self.guesses.checked_sub(1)?;
        let text: String = text.chars().take(64).collect();
        let near = |name: &'f str| (distance(&text, &name.to_ascii_lowercase()), name);
        names.map(near).min().filter(|(by, _)| *by <= 2).map(|(_, name)| name)
    }
}

pub(super) const PLAIN: Syntax = Syntax { wildcards: true, variables: false };

/// How many letters must be changed, added or left out.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            let cost = diagonal + usize::from(x != *y);
            left = cost.min(above + 1).min(left + 1);
            next.push(left);
            diagonal = *above;
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
