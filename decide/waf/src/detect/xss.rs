//! Cross-site scripting: script, handlers and addresses that a browser would run.

use std::sync::LazyLock;

use regex::bytes::Regex;

use super::{harmless, or_attack, patterns};

static KNOWN: LazyLock<Option<Regex>> = LazyLock::new(|| patterns::read(include_str!("xss.patterns")));

pub(crate) fn xss(text: &[u8]) -> bool {
    if harmless(text) {
        return false;
    }
    if KNOWN.as_ref().is_none_or(|p| p.is_match(text)) {
        return true;
    }
    // Neither a tag nor an attribute.
    memchr::memchr2(b'<', b'=', text).is_some()
        && or_attack(|| libinjectionrs::detect_xss(text).is_injection())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patterns_are_valid() {
        assert!(KNOWN.is_some());
    }
}
