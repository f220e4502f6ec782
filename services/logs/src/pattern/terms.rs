//! `ERROR "exact phrase" -excluded ?one ?or-other %regex%`.

use regex_lite::Regex;

use super::condition;
use super::scan::Scan;

#[derive(Default)]
pub(crate) struct Terms {
    included: Vec<Term>,
    excluded: Vec<Term>,
    optional: Vec<Term>,
}

enum Term {
    Text(String),
    Regex(Regex),
}

impl Term {
    fn is_in(&self, message: &str) -> bool {
        match self {
            Term::Text(text) => message.contains(text.as_str()),
            Term::Regex(regex) => regex.is_match(message),
        }
    }
}

pub(super) fn parse(text: &str) -> Option<Terms> {
    let (mut scan, mut terms) = (Scan::new(text), Terms::default());
    loop {
        scan.skip_space();
        if scan.done() {
            return Some(terms);
        }
        let list = match scan.peek()? {
            '-' if scan.eat("-") => &mut terms.excluded,
            '?' if scan.eat("?") => &mut terms.optional,
            _ => &mut terms.included,
        };
        list.push(term(&mut scan)?);
    }
}

/// A term with other characters than letters, digits and `_` stands in quotes.
fn term(scan: &mut Scan<'_>) -> Option<Term> {
    if scan.eat("\"") {
        return Some(Term::Text(scan.until('"')?));
    }
    if scan.eat("%") {
        return condition::regex(&scan.until('%')?).map(Term::Regex);
    }
    let word = scan.take(|c| !c.is_whitespace());
    let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    plain.then(|| Term::Text(word.to_owned()))
}

impl Terms {
    pub(crate) fn matches(&self, message: &str) -> bool {
        if self.included.is_empty() && self.excluded.is_empty() {
            return self.optional.iter().any(|t| t.is_in(message));
        }
        // AWS ignores optional terms beside others.
        self.included.iter().all(|t| t.is_in(message)) && !self.excluded.iter().any(|t| t.is_in(message))
    }
}
