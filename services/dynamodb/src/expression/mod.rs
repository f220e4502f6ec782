//! The expression language: what placeholders stand for, and which expression asks for what.
//! Follows "Using expressions in DynamoDB" of the developer guide; errors are worded as AWS words them.
//!
//! An expression borrows its text and the request's placeholders; it owns no attribute value.

pub(crate) mod condition;
pub(crate) mod key;
mod parser;
pub(crate) mod path;
pub(crate) mod projection;
mod token;
pub(crate) mod update;

use std::cell::Cell;

use model::{Fault, Members, Value};

use crate::attribute::Attr;

/// A placeholder of the request and what it stands for.
struct Placeholder<T> {
    name: String,
    meaning: T,
    used: Cell<bool>,
}

/// What the placeholders of one request stand for.
#[derive(Default)]
pub(crate) struct Scope {
    names: Vec<Placeholder<String>>,
    values: Vec<Placeholder<Attr>>,
    /// Values are not looked at: only which attributes an expression names is of interest.
    blind: bool,
}

static NOTHING: Attr = Attr::Null;

fn well_formed(name: &str, sign: char) -> bool {
    name.strip_prefix(sign)
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

fn names(members: Members) -> Result<Vec<Placeholder<String>>, Fault> {
    if members.0.is_empty() {
        return Err(Fault::validation("ExpressionAttributeNames must not be empty"));
    }
    let placeholder = |(name, value): (std::borrow::Cow<'static, str>, Value)| match value {
        _ if !well_formed(&name, '#') => Err(Fault::validation(format!(
            "ExpressionAttributeNames contains invalid key: Syntax error; key: \"{name}\""
        ))),
        Value::Text(meaning) if !meaning.is_empty() => {
            Ok(Placeholder { name: name.into_owned(), meaning, used: Cell::new(false) })
        }
        _ => Err(Fault::validation(format!(
            "ExpressionAttributeNames contains invalid value: Length of attribute name must be at least 1 for key {name}"
        ))),
    };
    members.0.into_iter().map(placeholder).collect()
}

fn values(members: Members) -> Result<Vec<Placeholder<Attr>>, Fault> {
    if members.0.is_empty() {
        return Err(Fault::validation("ExpressionAttributeValues must not be empty"));
    }
    let placeholder = |(name, value): (std::borrow::Cow<'static, str>, Value)| {
        if !well_formed(&name, ':') {
            return Err(Fault::validation(format!(
                "ExpressionAttributeValues contains invalid key: Syntax error; key: \"{name}\""
            )));
        }
        let meaning = Attr::read(value).map_err(|fault| {
            Fault::validation(format!(
                "ExpressionAttributeValues contains invalid value: {} for key {name}",
                fault.message
            ))
        })?;
        Ok(Placeholder { name: name.into_owned(), meaning, used: Cell::new(false) })
    };
    members.0.into_iter().map(placeholder).collect()
}

/// The braced names of what was never used.
fn unused<T>(placeholders: &[Placeholder<T>]) -> Option<String> {
    let names: Vec<&str> = placeholders.iter().filter(|p| !p.used.get()).map(|p| p.name.as_str()).collect();
    (!names.is_empty()).then(|| format!("{{{}}}", names.join(", ")))
}

impl Scope {
    pub(crate) fn read(given_names: Option<Value>, given_values: Option<Value>) -> Result<Scope, Fault> {
        let names = match given_names {
            Some(Value::Map(members)) => names(members)?,
            _ => Vec::new(),
        };
        let values = match given_values {
            Some(Value::Map(members)) => values(members)?,
            _ => Vec::new(),
        };
        Ok(Scope { names, values, blind: false })
    }

    /// For finding out which attributes expressions name, and nothing else.
    pub(crate) fn blind(given_names: Option<&Value>) -> Scope {
        let names = given_names.and_then(Value::as_map).cloned().and_then(|m| names(m).ok());
        Scope { names: names.unwrap_or_default(), values: Vec::new(), blind: true }
    }

    /// Refuses placeholders that no expression used. To be asked once all have been parsed.
    pub(crate) fn all_used(&self, any_expression: bool) -> Result<(), Fault> {
        if !any_expression {
            return match (self.names.is_empty(), self.values.is_empty()) {
                (true, true) => Ok(()),
                (false, _) => Err(Fault::validation(
                    "ExpressionAttributeNames can only be specified when using expressions",
                )),
                (true, false) => Err(Fault::validation(
                    "ExpressionAttributeValues can only be specified when using expressions",
                )),
            };
        }
        for (kind, left) in [
            ("ExpressionAttributeValues", unused(&self.values)),
            ("ExpressionAttributeNames", unused(&self.names)),
        ] {
            if let Some(keys) = left {
                return Err(Fault::validation(format!(
                    "Value provided in {kind} unused in expressions: keys: {keys}"
                )));
            }
        }
        Ok(())
    }

    fn name(&self, placeholder: &str) -> Option<&str> {
        let found = self.names.iter().find(|p| p.name == placeholder)?;
        found.used.set(true);
        Some(&found.meaning)
    }

    fn value(&self, placeholder: &str) -> Option<&Attr> {
        if self.blind {
            return Some(&NOTHING);
        }
        let found = self.values.iter().find(|p| p.name == placeholder)?;
        found.used.set(true);
        Some(&found.meaning)
    }
}

/// Whether a word may not stand for itself in an expression. Case does not matter.
fn reserved(word: &str) -> bool {
    static WORDS: std::sync::OnceLock<Vec<&str>> = std::sync::OnceLock::new();
    let words = WORDS.get_or_init(|| include_str!("reserved.txt").split_whitespace().collect());
    words.binary_search(&word.to_ascii_uppercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests;
