//! What a text is held against.

use memchr::memmem::{Finder, find_iter};
use regex::bytes::{Regex, RegexBuilder};

use crate::detect::{self, Level};

/// A compiled expression may take so much memory; a larger one is refused.
const LARGEST: usize = 4 << 20;

pub(crate) enum Matcher {
    Exactly(Vec<u8>),
    StartsWith(Vec<u8>),
    EndsWith(Vec<u8>),
    Contains(Box<Finder<'static>>),
    ContainsWord(Vec<u8>),
    Regex(Regex),
    AnyRegex(Vec<Regex>),
    Size(Comparison, u64),
    Sqli(Level),
    Xss,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Eq,
    Ne,
    Le,
    Lt,
    Ge,
    Gt,
}

pub(crate) fn comparison(name: &str) -> Result<Comparison, String> {
    Ok(match name {
        "EQ" => Comparison::Eq,
        "NE" => Comparison::Ne,
        "LE" => Comparison::Le,
        "LT" => Comparison::Lt,
        "GE" => Comparison::Ge,
        "GT" => Comparison::Gt,
        other => return Err(format!("`{other}` is no comparison")),
    })
}

/// Bytes, not characters; linear in the text whatever the expression is.
pub(crate) fn regex(pattern: &str, any_case: bool) -> Result<Regex, String> {
    let build = |unicode: bool| {
        let mut builder = RegexBuilder::new(pattern);
        builder
            .unicode(unicode)
            .case_insensitive(any_case)
            .size_limit(LARGEST)
            .dfa_size_limit(LARGEST)
            .build()
    };
    // `\p{..}` and the like have a meaning only with Unicode.
    build(false)
        .or_else(|_| build(true))
        .map_err(|e| format!("`{pattern}` is no regular expression served: {e}"))
}

pub(crate) fn bytes(needle: Vec<u8>, how: &str) -> Result<Matcher, String> {
    Ok(match how {
        "EXACTLY" => Matcher::Exactly(needle),
        "STARTS_WITH" => Matcher::StartsWith(needle),
        "ENDS_WITH" => Matcher::EndsWith(needle),
        "CONTAINS" => Matcher::Contains(Box::new(Finder::new(&needle).into_owned())),
        "CONTAINS_WORD" => Matcher::ContainsWord(needle),
        other => return Err(format!("`{other}` is no positional constraint")),
    })
}

impl Matcher {
    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        match self {
            Matcher::Exactly(needle) => text == needle.as_slice(),
            Matcher::StartsWith(needle) => text.starts_with(needle),
            Matcher::EndsWith(needle) => text.ends_with(needle),
            Matcher::Contains(finder) => finder.find(text).is_some(),
            Matcher::ContainsWord(needle) => has_word(text, needle),
            Matcher::Regex(regex) => regex.is_match(text),
            Matcher::AnyRegex(all) => all.iter().any(|r| r.is_match(text)),
            Matcher::Size(comparison, size) => {
                let length = text.len() as u64;
                match comparison {
                    Comparison::Eq => length == *size,
                    Comparison::Ne => length != *size,
                    Comparison::Le => length <= *size,
                    Comparison::Lt => length < *size,
                    Comparison::Ge => length >= *size,
                    Comparison::Gt => length > *size,
                }
            }
            Matcher::Sqli(level) => detect::sqli(text, *level),
            Matcher::Xss => detect::xss(text),
        }
    }

    /// As logs name it.
    pub(crate) fn condition(&self) -> &'static str {
        match self {
            Matcher::Regex(_) | Matcher::AnyRegex(_) => "REGEX",
            Matcher::Size(..) => "SIZE_CONSTRAINT",
            Matcher::Sqli(_) => "SQL_INJECTION",
            Matcher::Xss => "XSS",
            _ => "BYTE_MATCH",
        }
    }

    /// `LOW` or `HIGH`, for SQL injection.
    pub(crate) fn sensitivity(&self) -> Option<&'static str> {
        match self {
            Matcher::Sqli(Level::Low) => Some("LOW"),
            Matcher::Sqli(_) => Some("HIGH"),
            _ => None,
        }
    }
}

/// The needle, with neither a letter, a digit nor an underscore beside it.
fn has_word(text: &[u8], needle: &[u8]) -> bool {
    let word = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    find_iter(text, needle).any(|at| {
        let before = at.checked_sub(1).and_then(|i| text.get(i));
        !word(before) && !word(text.get(at + needle.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_mean_what_they_say() {
        let cases = [
            ("EXACTLY", "abc", true),
            ("EXACTLY", "abcd", false),
            ("STARTS_WITH", "abcd", true),
            ("STARTS_WITH", "xabc", false),
            ("ENDS_WITH", "xabc", true),
            ("ENDS_WITH", "abcx", false),
            ("CONTAINS", "xabcx", true),
            ("CONTAINS", "ab c", false),
            ("CONTAINS_WORD", "x abc-y", true),
            ("CONTAINS_WORD", "abc", true),
            ("CONTAINS_WORD", "abcd abc_", false),
            ("CONTAINS_WORD", "xabc", false),
        ];
        for (how, text, expected) in cases {
            let matcher = bytes(b"abc".to_vec(), how).unwrap();
            assert_eq!(matcher.matches(text.as_bytes()), expected, "{how} {text}");
        }
        assert!(bytes(Vec::new(), "SOMEWHERE").is_err());
        assert!(regex("(a", false).is_err() && regex(r"(?:a{1000}){1000}", false).is_err());
    }
}
