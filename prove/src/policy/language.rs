//! Sets of texts: what a pattern of a policy matches, as globs over characters.
//!
//! A pattern over ARNs becomes one glob whose wildcards cannot pass a `:` in the first five
//! fields. Case is ignored for ASCII letters only.

use std::collections::BTreeMap;

use decide_iam::{NamePattern, Pattern, Token};

/// Which characters a wildcard stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Any,
    NoColon,
    /// Neither `:` nor `/`.
    Name,
    Digit,
    /// Of unique ids: capitals and digits.
    Id,
}

impl Class {
    pub(crate) fn has(self, c: char) -> bool {
        match self {
            Class::Any => true,
            Class::NoColon => c != ':',
            Class::Name => c != ':' && c != '/',
            Class::Digit => c.is_ascii_digit(),
            Class::Id => c.is_ascii_digit() || c.is_ascii_uppercase(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Unit {
    Char(char),
    One(Class),
    Star(Class),
}

pub(crate) type Glob = Vec<Unit>;

/// The union of some globs.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Language {
    pub(crate) globs: Vec<Glob>,
    /// The case of ASCII letters is ignored.
    pub(crate) fold: bool,
}

impl Language {
    pub(crate) fn new(mut globs: Vec<Glob>, fold: bool) -> Language {
        globs.sort_unstable();
        globs.dedup();
        Language { globs, fold }
    }

    pub(crate) fn of(globs: Vec<Glob>) -> Language {
        Language::new(globs, false)
    }

    /// The texts, when there are finitely many without wildcards.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        self.globs.iter().map(|glob| literal(glob)).collect()
    }

    /// Every text.
    pub(crate) fn is_all(&self) -> bool {
        self.globs.iter().any(|g| g.as_slice() == [Unit::Star(Class::Any)])
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.globs.iter().any(|glob| matches(glob, text, self.fold))
    }
}

fn literal(glob: &[Unit]) -> Option<String> {
    glob.iter().map(|u| if let Unit::Char(c) = u { Some(*c) } else { None }).collect()
}

pub(crate) fn chars(text: &str) -> impl Iterator<Item = Unit> + '_ {
    text.chars().map(Unit::Char)
}

/// Units from a plain notation: text, with `*` and `?` of a class.
pub(crate) fn glob(text: &str, class: Class) -> Glob {
    let unit = |c| match c {
        '*' => Unit::Star(class),
        '?' => Unit::One(class),
        c => Unit::Char(c),
    };
    text.chars().map(unit).collect()
}

pub(crate) fn same(a: char, b: char, fold: bool) -> bool {
    a == b || (fold && a.eq_ignore_ascii_case(&b))
}

fn matches(glob: &[Unit], text: &str, fold: bool) -> bool {
    if let Some(Unit::Char(first)) = glob.first()
        && !text.chars().next().is_some_and(|c| same(*first, c, fold))
    {
        return false;
    }
    // at[i]: the first i units have matched the text so far.
    let mut at = vec![false; glob.len() + 1];
    if let Some(start) = at.first_mut() {
        *start = true;
    }
    skip_stars(glob, &mut at);
    for c in text.chars() {
        let mut next = vec![false; glob.len() + 1];
        for (i, unit) in glob.iter().enumerate().filter(|(i, _)| at.get(*i) == Some(&true)) {
            let to = match unit {
                Unit::Char(u) => same(*u, c, fold).then_some(i + 1),
                Unit::One(class) => class.has(c).then_some(i + 1),
                Unit::Star(class) => class.has(c).then_some(i),
            };
            if let Some(slot) = to.and_then(|to| next.get_mut(to)) {
                *slot = true;
            }
        }
        skip_stars(glob, &mut next);
        at = next;
        if !at.contains(&true) {
            return false;
        }
    }
    at.last() == Some(&true)
}

fn skip_stars(glob: &[Unit], at: &mut [bool]) {
    for (i, unit) in glob.iter().enumerate() {
        if matches!(unit, Unit::Star(_))
            && at.get(i) == Some(&true)
            && let Some(slot) = at.get_mut(i + 1)
        {
            *slot = true;
        }
    }
}

/// Values that variables are taken to have; `None`: the key is absent. Names in lower case.
pub(crate) type Pins = BTreeMap<String, Option<String>>;

/// How a pattern reads, where it may have variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reading {
    Plain,
    /// Has a variable of any value: the glob matches more than the pattern does.
    Open,
    /// Has a variable that is absent: nothing matches, and the glob is where it is in doubt.
    Unresolved,
    /// Matches nothing.
    Never,
}

/// A pattern over a whole text.
pub(crate) fn of_pattern(pattern: &Pattern, class: Class, pins: &Pins) -> (Glob, Reading) {
    let (mut glob, mut reading) = (Vec::new(), Reading::Plain);
    for token in pattern.tokens() {
        match token {
            Token::Literal(text) => glob.extend(chars(text)),
            Token::Any => glob.push(Unit::Star(class)),
            Token::One => glob.push(Unit::One(class)),
            Token::Variable(variable) => match pins.get(&variable.key.name.to_ascii_lowercase()) {
                None => {
                    reading = Reading::Open;
                    glob.push(Unit::Star(class));
                }
                Some(Some(value)) => glob.extend(chars(value)),
                Some(None) => match &variable.default {
                    Some(default) => glob.extend(chars(default)),
                    None => return (vec![Unit::Star(class)], Reading::Unresolved),
                },
            },
        }
    }
    let fits = |u: &Unit| if let Unit::Char(c) = u { class.has(*c) } else { true };
    if glob.iter().all(fits) { (glob, reading) } else { (Vec::new(), Reading::Never) }
}

/// A pattern over names.
pub(crate) fn of_name(pattern: &NamePattern, pins: &Pins) -> (Glob, Reading) {
    if pattern.is_any() {
        return (vec![Unit::Star(Class::Any)], Reading::Plain);
    }
    if let Some(whole) = pattern.whole() {
        return of_pattern(whole, Class::Any, pins);
    }
    let (mut glob, mut reading) = (Vec::new(), Reading::Plain);
    for (at, field) in pattern.fields().into_iter().flatten().enumerate() {
        let class = if at < 5 { Class::NoColon } else { Class::Any };
        let (units, read) = of_pattern(&field, class, pins);
        reading = reading.max(read);
        if at == 0 {
            // Names begin with `arn` whatever the pattern says.
            if !matches(&units, "arn", false) {
                return (Vec::new(), Reading::Never);
            }
            glob.extend(chars("arn"));
        } else {
            glob.push(Unit::Char(':'));
            glob.extend(units);
        }
    }
    if reading == Reading::Never { (Vec::new(), reading) } else { (glob, reading) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_as_patterns_do() {
        for (pattern, text, expected) in [
            ("", "", true),
            ("*", "", true),
            ("a*b?c", "axxbyc", true),
            ("a*b?c", "axxbc", false),
            ("**", "x", true),
            ("*a", "ba", true),
            ("?", "é", true),
        ] {
            let language = Language::of(vec![glob(pattern, Class::Any)]);
            assert_eq!(language.matches(text), expected, "{pattern} {text}");
        }
        assert!(Language::new(vec![glob("S3:get*", Class::Any)], true).matches("s3:GetObject"));
        assert!(!Language::of(vec![glob("a:*:b", Class::NoColon)]).matches("a:x:y:b"));
    }
}
