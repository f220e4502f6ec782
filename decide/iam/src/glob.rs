//! Matches text against literals, `*` (any run of characters) and `?` (any one).
//!
//! Never backtracks over more than one `*`: segments between stars are searched from
//! left to right, so hostile patterns cost a bounded multiple of the text's length.

use std::collections::BTreeMap;

/// One piece of a pattern, ready for matching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tok<'a> {
    Literal(&'a str),
    /// `*`
    Any,
    /// `?`
    One,
}

pub(crate) trait AsTok {
    fn tok(&self) -> Tok<'_>;
}

impl AsTok for Tok<'_> {
    fn tok(&self) -> Tok<'_> {
        *self
    }
}

/// `fold` ignores the case of ASCII letters.
pub(crate) fn matches<T: AsTok>(tokens: &[T], text: &str, fold: bool) -> bool {
    let mut segments = tokens.split(|t| t.tok() == Tok::Any);
    let Some(first) = segments.next() else { return text.is_empty() };
    let Some(mut rest) = here(first, text.as_bytes(), fold) else { return false };
    let Some(last) = segments.next_back() else { return rest.is_empty() };
    for segment in segments {
        match find(segment, rest, fold) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    ends(last, rest, fold)
}

/// What follows the segment when the text begins with it.
fn here<'t, T: AsTok>(segment: &[T], mut text: &'t [u8], fold: bool) -> Option<&'t [u8]> {
    for token in segment {
        text = match token.tok() {
            Tok::Literal(literal) => {
                let (head, tail) = text.split_at_checked(literal.len())?;
                if !same(head, literal.as_bytes(), fold) {
                    return None;
                }
                tail
            }
            Tok::One | Tok::Any => after_one(text)?,
        };
    }
    Some(text)
}

/// What follows the segment's first place in the text.
fn find<'t, T: AsTok>(segment: &[T], text: &'t [u8], fold: bool) -> Option<&'t [u8]> {
    if segment.is_empty() {
        return Some(text);
    }
    if let ([only], false) = (segment, fold)
        && let Tok::Literal(literal) = only.tok()
    {
        let at = memchr::memmem::find(text, literal.as_bytes())?;
        return text.get(at + literal.len()..);
    }
    if segment.len() > SHORT {
        return find_long(segment, text, fold);
    }
    let mut rest = text;
    loop {
        if let Some(after) = here(segment, rest, fold) {
            return Some(after);
        }
        rest = after_one(rest)?;
    }
}

/// Segments of more pieces than this are searched for by bits, not piece by piece.
const SHORT: usize = 16;

/// Shift-and: bit `i` of the state says that the first `i + 1` characters of the segment
/// end at the present place of the text.
fn find_long<'t, T: AsTok>(segment: &[T], text: &'t [u8], fold: bool) -> Option<&'t [u8]> {
    let lower = |c: char| if fold { c.to_ascii_lowercase() } else { c };
    let mut wanted: Vec<Option<char>> = Vec::new();
    for token in segment {
        match token.tok() {
            Tok::Literal(literal) => wanted.extend(literal.chars().map(|c| Some(lower(c)))),
            Tok::One | Tok::Any => wanted.push(None),
        }
    }
    let bits = |c: Option<char>| -> Vec<u64> {
        let fits = |unit: &Option<char>| unit.is_none() || *unit == c;
        wanted
            .chunks(64)
            .map(|w| w.iter().rev().fold(0, |bits, unit| bits << 1 | u64::from(fits(unit))))
            .collect()
    };
    let masks: BTreeMap<char, Vec<u64>> = wanted.iter().flatten().map(|c| (*c, bits(Some(*c)))).collect();
    let other = bits(None);
    let last = (wanted.len() + 63) % 64;
    let mut state = vec![0_u64; other.len()];
    let mut chars = std::str::from_utf8(text).ok()?.chars();
    while let Some(c) = chars.next() {
        let mut carry = 1;
        for (word, mask) in state.iter_mut().zip(masks.get(&lower(c)).unwrap_or(&other)) {
            let out = *word >> 63;
            *word = (*word << 1 | carry) & mask;
            carry = out;
        }
        if state.last().is_some_and(|word| word >> last & 1 == 1) {
            return Some(chars.as_str().as_bytes());
        }
    }
    None
}

/// Whether the text ends with the segment.
fn ends<T: AsTok>(segment: &[T], mut text: &[u8], fold: bool) -> bool {
    for token in segment.iter().rev() {
        let before = match token.tok() {
            Tok::Literal(literal) => text
                .len()
                .checked_sub(literal.len())
                .and_then(|at| text.split_at_checked(at))
                .filter(|(_, tail)| same(tail, literal.as_bytes(), fold))
                .map(|(head, _)| head),
            Tok::One | Tok::Any => before_one(text),
        };
        match before {
            Some(head) => text = head,
            None => return false,
        }
    }
    true
}

fn same(a: &[u8], b: &[u8], fold: bool) -> bool {
    if fold { a.eq_ignore_ascii_case(b) } else { a == b }
}

fn continues(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// The text after its first character.
fn after_one(text: &[u8]) -> Option<&[u8]> {
    let (_, mut rest) = text.split_first()?;
    while let Some((_, tail)) = rest.split_first().filter(|(b, _)| continues(**b)) {
        rest = tail;
    }
    Some(rest)
}

/// The text before its last character.
fn before_one(text: &[u8]) -> Option<&[u8]> {
    let mut rest = text;
    loop {
        let (last, head) = rest.split_last()?;
        rest = head;
        if !continues(*last) {
            return Some(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(pattern: &str) -> Vec<Tok<'_>> {
        let mut tokens = Vec::new();
        for piece in pattern.split_inclusive(['*', '?']) {
            let (literal, wild) = match (piece.strip_suffix('*'), piece.strip_suffix('?')) {
                (Some(literal), _) => (literal, Some(Tok::Any)),
                (_, Some(literal)) => (literal, Some(Tok::One)),
                _ => (piece, None),
            };
            if !literal.is_empty() {
                tokens.push(Tok::Literal(literal));
            }
            tokens.extend(wild);
        }
        tokens
    }

    #[test]
    fn table() {
        let cases = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("?", "", false),
            ("?", "é", true),
            ("??", "é", false),
            ("*?", "é", true),
            ("?*", "", false),
            ("a*", "abc", true),
            ("a*", "b", false),
            ("*c", "abc", true),
            ("*c", "abcd", false),
            ("a*c", "ac", true),
            ("a*c", "abcbc", true),
            ("a*c", "a", false),
            ("a*a", "a", false),
            ("ab*ba", "aba", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "acb", false),
            ("a**c", "abc", true),
            ("*b?d*", "abcde", true),
            ("*b?d*", "abde", false),
            ("*?é", "xé", true),
            ("*é?*", "aéxz", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*aab", "aaaaab", true),
            ("*a?b*", "aaaxb", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(&tokens(pattern), text, false), expected, "{pattern} {text}");
        }
        assert!(matches(&tokens("S3:get*"), "s3:GetObject", true));
        assert!(matches(&tokens("*OBJECT"), "s3:GetObject", true));
        assert!(matches(&tokens("*G?t*"), "s3:getObject", true));
        assert!(!matches(&tokens("S3:get*"), "s3:GetObject", false));
    }

    #[test]
    fn long_segments() {
        let long = "ab?é".repeat(50);
        let exact = "abxé".repeat(50);
        for (pattern, text, fold, expected) in [
            (format!("*{long}*"), exact.clone(), false, true),
            (format!("*{long}*"), format!("ab{exact}z"), false, true),
            (format!("*{long}*"), exact.to_uppercase(), false, false),
            (format!("*{}*", "aB?".repeat(70)), "Abé".repeat(71), true, true),
            (format!("*{}*", "aB?".repeat(70)), "Abé".repeat(69), true, false),
            (format!("*{long}c*{long}*"), format!("{exact}{exact}c{exact}"), false, true),
            (format!("*{long}c*{long}*"), format!("{exact}{exact}c"), false, false),
            (format!("*{}*", "?".repeat(64)), "é".repeat(64), false, true),
            (format!("*{}*", "?".repeat(64)), "é".repeat(63), false, false),
            (format!("*{}*", "?".repeat(65)), "é".repeat(64), false, false),
        ] {
            assert_eq!(matches(&tokens(&pattern), &text, fold), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn exponential_patterns_are_not() {
        let pattern = "*a".repeat(20_000);
        assert!(!matches(&tokens(&pattern), &"a".repeat(19_999), false));
        let pattern = format!("*{}b*", "a".repeat(60_000));
        assert!(!matches(&tokens(&pattern), &"a".repeat(1_000_000), false));
    }
}
