//! SQL injection, at two levels of sensitivity. `LOW` is what AWS recommends where other
//! protection stands behind; `HIGH` knows more and is wrong more often.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::{harmless, or_attack, patterns};

static LOW: LazyLock<Option<Regex>> = LazyLock::new(|| patterns::read(include_str!("sqli-low.patterns")));
static HIGH: LazyLock<Option<Regex>> = LazyLock::new(|| patterns::read(include_str!("sqli-high.patterns")));

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Low,
    High,
    /// What `High` knows beyond `Low`.
    Extended,
}

pub(crate) fn sqli(text: &[u8], level: Level) -> bool {
    if harmless(text) {
        return false;
    }
    let known = |patterns: &Option<Regex>| patterns.as_ref().is_none_or(|p| p.is_match(text));
    match level {
        Level::Extended => known(&LOW) || known(&HIGH),
        Level::High => known(&LOW) || known(&HIGH) || tokens(text),
        Level::Low => known(&LOW) || tokens(text),
    }
}

/// Words and marks of punctuation, without a number or a quotation mark, are no SQL that the
/// patterns do not know.
fn prose(text: &[u8]) -> bool {
    text.iter().all(|b| b.is_ascii_alphabetic() || !b.is_ascii() || b" ,.!?:_@".contains(b))
}

/// Fingerprints that ordinary text often has, with what else must be in the text.
const WEAK: [(&str, &str); 5] = [
    // A number, and a remark behind it: not "50% off -- today".
    ("1c", r"^\W*\d+\W*(?:--|#|/\*)"),
    ("1&1", r"\d\s*['\x22)]*\s*(?:[=<>]|\b(?:like|rlike|between|is|in|div|mod)\b)"),
    ("nTn;n", r";\s*(?:drop|truncate|alter|create|insert|delete|update)\s"),
    ("nUEn", r"\bselect\s+(?:[\d@*(]|\S+\s*(?:[,(;#]|--|/\*|\bfrom\b))"),
    ("f(1)n", r"\w\(\s*\d+\s*\)\s*(?:[-+*/=<>;,#)]|\b(?:or|and)\b|$)"),
];

static CORROBORATED: LazyLock<Vec<(&str, Option<Regex>)>> =
    LazyLock::new(|| WEAK.iter().map(|(print, pattern)| (*print, patterns::read(pattern))).collect());

/// libinjection's reading, and a second look where that is known to be hasty.
fn tokens(text: &[u8]) -> bool {
    !prose(text)
        && or_attack(|| {
            let found = libinjectionrs::detect_sqli(text);
            if !found.is_injection() {
                return false;
            }
            let Some(print) = found.fingerprint else { return true };
            let weak = CORROBORATED.iter().find(|(weak, _)| *weak == print.as_str());
            weak.is_none_or(|(_, more)| more.as_ref().is_none_or(|m| m.is_match(text)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patterns_are_valid() {
        assert!(LOW.is_some() && HIGH.is_some() && CORROBORATED.iter().all(|(_, p)| p.is_some()));
    }
}
