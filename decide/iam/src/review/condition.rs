//! Conditions: operators, keys, and whether they go together.

use std::collections::BTreeMap;

use crate::condition::{Operator, Quantifier, Test};
use crate::json::{Member, Value};

use super::Reviewer;
use super::check::*;
use super::facts::{self, FACTS, Holds, Known};
use super::place::At;
use super::statement::{Elements, items};

impl Reviewer<'_> {
    pub(super) fn conditions(&mut self, elements: Elements<'_>, member: &Member, up: &At<'_>) {
        let at = up.value(member);
        let Value::Object(operators) = &member.node.value else {
            return self.note(&DATA_TYPE_MISMATCH, &["Object"], at);
        };
        if operators.is_empty() {
            self.note(&EMPTY_OBJECT_CONDITION, &[], at);
        }
        self.twice(operators, &at);
        for operator in operators {
            self.operator(operator, &at);
        }
        self.paired(operators, &at);
        self.tagged(elements, operators, &at);
    }

    fn operator(&mut self, member: &Member, up: &At<'_>) {
        let at = up.value(member);
        let parsed = Operator::parse(&member.key);
        if parsed.is_none() {
            let null = member.key.strip_suffix("IfExists").is_some_and(|name| name.ends_with("Null"));
            let check = if null { &NULL_WITH_IF_EXISTS } else { &INVALID_CONDITION_OPERATOR };
            self.note(check, &[&member.key], up.key(member));
        }
        let Value::Object(keys) = &member.node.value else {
            return self.note(&DATA_TYPE_MISMATCH, &["Object"], at);
        };
        if keys.is_empty() {
            return self.note(&EMPTY_OBJECT_CONDITION, &[], at);
        }
        let mut seen: BTreeMap<String, &str> = BTreeMap::new();
        for key in keys {
            match seen.insert(key.key.to_ascii_lowercase(), &key.key) {
                Some(before) if before == key.key => self.syntax(at.key(key)),
                Some(_) => self.note(&DUPLICATE_KEYS_WITH_DIFFERENT_CASE, &[&key.key], at.key(key)),
                None => {}
            }
            let known = self.key(key, &at);
            if let Some(operator) = parsed {
                self.fits(operator, &member.key, key, known, &at);
                self.operands(operator, &member.key, key, &at);
            }
        }
    }

    /// What is known of a key; notes one that does not exist.
    fn key(&mut self, member: &Member, up: &At<'_>) -> Option<Known> {
        let name = member.key.to_ascii_lowercase();
        let at = up.key(member);
        let Some((prefix, rest)) = name.split_once(':') else {
            self.note(&INVALID_CONDITION_KEY_FORMAT, &[], at);
            return None;
        };
        if prefix == "aws" {
            if name == "aws:arn" {
                self.note(&UNSUPPORTED_GLOBAL_CONDITION_KEY, &[], at);
                return None;
            }
            let family = name.split('/').next().unwrap_or_default();
            let known = facts::global(&name);
            if known.is_none() && facts::TAGGED.contains(&family) {
                let written = member.key.split('/').next().unwrap_or_default();
                let form = format!("{written}/");
                self.note(&MISSING_TAG_CONDITION_KEY, &[written, &form], at);
            } else if known.is_none() {
                self.note(&INVALID_GLOBAL_CONDITION_KEY, &[&member.key], at);
            }
            return known;
        }
        // Keys of identity providers are named by the provider's host, or by SAML.
        if prefix.contains('.') || prefix.contains('/') || prefix == "saml" {
            return None;
        }
        if rest.is_empty() {
            self.note(&INVALID_CONDITION_KEY_FORMAT, &[], at);
            return None;
        }
        if let Some(known) = facts::global(&name) {
            return Some(known);
        }
        let Some(service) = FACTS.services.get(prefix) else {
            if !FACTS.prefixes.contains(prefix) {
                self.note(&INVALID_SERVICE, &[prefix], at);
            }
            return None;
        };
        let known = service.key(&name);
        if known.is_none() {
            self.note(&INVALID_SERVICE_CONDITION_KEY, &[&member.key, prefix], at);
        }
        known
    }

    /// Whether an operator is one for what the key holds.
    fn fits(&mut self, operator: Operator, written: &str, key: &Member, known: Option<Known>, up: &At<'_>) {
        let at = up.key(key);
        if operator.test == Test::Null {
            if operator.quantifier.is_some() {
                self.note(&NULL_WITH_QUALIFIER, &[], at);
            }
            return;
        }
        let Some(known) = known else { return };
        if known.several && operator.quantifier.is_none() {
            self.note(&MISSING_QUALIFIER, &[&key.key], at);
        }
        if !known.several && operator.quantifier == Some(Quantifier::ForAllValues) {
            self.note(&FORALLVALUES_WITH_SINGLE_VALUED_KEY, &[&key.key], at);
        }
        let (allowed, name) = match known.holds {
            Holds::Text => (matches!(kind(operator.test), Kind::Text), "String"),
            Holds::Name => (matches!(kind(operator.test), Kind::Text | Kind::Name), "ARN"),
            Holds::Truth => (matches!(kind(operator.test), Kind::Truth), "Bool"),
            Holds::Number => (matches!(kind(operator.test), Kind::Number), "Numeric"),
            // Seconds since 1970 are a number as well.
            Holds::Date => (matches!(kind(operator.test), Kind::Date | Kind::Number), "Date"),
            Holds::Address => (matches!(kind(operator.test), Kind::Address), "IPAddress"),
        };
        if !allowed {
            self.note(&TYPE_MISMATCH, &[name, written, &key.key], at);
        }
    }

    fn paired(&mut self, operators: &[Member], at: &At<'_>) {
        let keys = || {
            operators.iter().filter_map(|o| match &o.node.value {
                Value::Object(keys) => Some((o, keys)),
                _ => None,
            })
        };
        let has = |name: &str| keys().any(|(_, keys)| keys.iter().any(|k| k.key.eq_ignore_ascii_case(name)));
        if has("aws:SourceVpc") || has("aws:SourceVpce") {
            return;
        }
        for (operator, keys) in keys() {
            let here = at.value(operator);
            for key in keys.iter().filter(|k| k.key.eq_ignore_ascii_case("aws:VpcSourceIp")) {
                self.note(&MISSING_PAIRED_CONDITION_KEYS, &[&key.key, "aws:SourceVpc"], here.key(key));
            }
        }
    }

    /// `aws:ResourceTag` where some of the actions do not know it.
    fn tagged(&mut self, elements: Elements<'_>, operators: &[Member], at: &At<'_>) {
        let deny = elements.denies();
        let except = elements.get("NotAction").is_some();
        let without: Vec<String> = {
            let prefixes = elements.texts("Action").into_iter().filter_map(|a| a.split_once(':'));
            let mut known: Vec<String> = prefixes.map(|(prefix, _)| prefix.to_ascii_lowercase()).collect();
            known.sort_unstable();
            known.dedup();
            known.retain(|p| FACTS.services.get(p.as_str()).is_some_and(|s| !s.tags));
            known
        };
        let check = match (except, deny) {
            (true, true) => &DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE,
            (true, false) => &ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE,
            (false, true) => &DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE,
            (false, false) => &ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE,
        };
        if !except && without.is_empty() {
            return;
        }
        for operator in operators {
            let here = at.value(operator);
            for key in items(&operator.node).iter().filter_map(|node| match &node.value {
                Value::Object(keys) => Some(keys),
                _ => None,
            }) {
                for key in key {
                    let tag = key.key.to_ascii_lowercase();
                    if tag.strip_prefix("aws:resourcetag/").is_some_and(|rest| !rest.is_empty()) {
                        self.note(check, &[&key.key, &without.join(", ")], here.key(key));
                    }
                }
            }
        }
    }
}

/// A family of operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Name,
    Truth,
    Number,
    Date,
    Address,
    Bytes,
    Null,
}

pub(super) fn kind(test: Test) -> Kind {
    match test {
        Test::StringEquals | Test::StringEqualsIgnoreCase | Test::StringLike => Kind::Text,
        Test::ArnEquals | Test::ArnLike => Kind::Name,
        Test::Bool => Kind::Truth,
        Test::NumericEquals
        | Test::NumericLessThan
        | Test::NumericLessThanEquals
        | Test::NumericGreaterThan
        | Test::NumericGreaterThanEquals => Kind::Number,
        Test::DateEquals
        | Test::DateLessThan
        | Test::DateLessThanEquals
        | Test::DateGreaterThan
        | Test::DateGreaterThanEquals => Kind::Date,
        Test::IpAddress => Kind::Address,
        Test::BinaryEquals => Kind::Bytes,
        Test::Null => Kind::Null,
    }
}
