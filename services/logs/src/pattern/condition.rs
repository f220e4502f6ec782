//! Conditions on a subject, joined by `&&`, `||` and parentheses.

use regex_lite::Regex;

use super::scan::Scan;

pub(super) enum Condition<S> {
    All(Vec<Condition<S>>),
    Any(Vec<Condition<S>>),
    One(S, Test),
}

pub(super) enum Test {
    Compare(Operator, Operand),
    Null,
    True,
    False,
    Missing,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Operator {
    Equal,
    Different,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

pub(super) enum Operand {
    /// A number, which is also a text.
    Number(f64, String),
    /// `*` stands for any characters.
    Text(String),
    Regex(Regex),
}

/// A regular expression of the characters that AWS takes.
pub(super) fn regex(text: &str) -> Option<Regex> {
    let taken = |c: char| c.is_ascii_alphanumeric() || "_#=@/;,-^$?[]{}|\\*+.:\" ".contains(c);
    if !text.chars().all(taken) {
        return None;
    }
    Regex::new(text).ok()
}

/// Whether `text` is as the pattern says, whose `*` stands for any characters.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

impl Operand {
    fn parse(scan: &mut Scan<'_>) -> Option<Operand> {
        scan.skip_space();
        if scan.eat("\"") {
            return Some(Operand::Text(scan.until('"')?));
        }
        if scan.eat("%") {
            return regex(&scan.until('%')?).map(Operand::Regex);
        }
        let word = scan.take(|c| !c.is_whitespace() && !"(){}&|=<>!\"".contains(c));
        if word.is_empty() {
            return None;
        }
        Some(match word.parse::<f64>() {
            Ok(number) => Operand::Number(number, word.to_owned()),
            Err(_) => Operand::Text(word.to_owned()),
        })
    }
}

impl Test {
    fn parse(scan: &mut Scan<'_>) -> Option<Test> {
        scan.skip_space();
        if scan.keyword("IS") {
            scan.skip_space();
            let known = [("NULL", Test::Null), ("TRUE", Test::True), ("FALSE", Test::False)];
            return known.into_iter().find_map(|(word, test)| scan.keyword(word).then_some(test));
        }
        if scan.keyword("NOT") {
            scan.skip_space();
            return scan.keyword("EXISTS").then_some(Test::Missing);
        }
        let known = [
            ("!=", Operator::Different),
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("=", Operator::Equal),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let operator = known.into_iter().find_map(|(sign, operator)| scan.eat(sign).then_some(operator))?;
        let operand = Operand::parse(scan)?;
        let ordered = !matches!(operator, Operator::Equal | Operator::Different);
        match operand {
            Operand::Text(_) | Operand::Regex(_) if ordered => None,
            operand => Some(Test::Compare(operator, operand)),
        }
    }

    /// For a value that is there, as text.
    pub(super) fn holds(&self, value: &str) -> bool {
        let Test::Compare(operator, operand) = self else { return false };
        let number = value.parse::<f64>().ok();
        let same = match operand {
            Operand::Number(wanted, text) => number.map_or(value == text, |n| n == *wanted),
            Operand::Text(pattern) => glob(pattern, value),
            Operand::Regex(regex) => regex.is_match(value),
        };
        let ordered = |holds: fn(&f64, &f64) -> bool| match (number, operand) {
            (Some(number), Operand::Number(wanted, _)) => holds(&number, wanted),
            _ => false,
        };
        match operator {
            Operator::Equal => same,
            Operator::Different => !same,
            Operator::Less => ordered(f64::lt),
            Operator::AtMost => ordered(f64::le),
            Operator::Greater => ordered(f64::gt),
            Operator::AtLeast => ordered(f64::ge),
        }
    }
}

/// Reads one subject.
pub(super) type Subject<S> = fn(&mut Scan<'_>) -> Option<S>;

/// How deeply parentheses may stand in one another.
const DEPTH: u8 = 32;

impl<S> Condition<S> {
    pub(super) fn parse(scan: &mut Scan<'_>, subject: Subject<S>) -> Option<Condition<S>> {
        Condition::any(scan, subject, DEPTH)
    }

    fn any(scan: &mut Scan<'_>, subject: Subject<S>, depth: u8) -> Option<Condition<S>> {
        let mut list = vec![Condition::all(scan, subject, depth)?];
        loop {
            scan.skip_space();
            if !scan.eat("||") {
                return Some(Condition::Any(list));
            }
            list.push(Condition::all(scan, subject, depth)?);
        }
    }

    fn all(scan: &mut Scan<'_>, subject: Subject<S>, depth: u8) -> Option<Condition<S>> {
        let mut list = vec![Condition::one(scan, subject, depth)?];
        loop {
            scan.skip_space();
            if !scan.eat("&&") {
                return Some(Condition::All(list));
            }
            list.push(Condition::one(scan, subject, depth)?);
        }
    }

    fn one(scan: &mut Scan<'_>, subject: Subject<S>, depth: u8) -> Option<Condition<S>> {
        scan.skip_space();
        if scan.eat("(") {
            let inner = Condition::any(scan, subject, depth.checked_sub(1)?)?;
            scan.skip_space();
            return scan.eat(")").then_some(inner);
        }
        let subject = subject(scan)?;
        Some(Condition::One(subject, Test::parse(scan)?))
    }

    pub(super) fn holds(&self, test: &dyn Fn(&S, &Test) -> bool) -> bool {
        match self {
            Condition::All(list) => list.iter().all(|c| c.holds(test)),
            Condition::Any(list) => list.iter().any(|c| c.holds(test)),
            Condition::One(subject, wanted) => test(subject, wanted),
        }
    }

    pub(super) fn subjects<'c>(&'c self, found: &mut Vec<&'c S>) {
        match self {
            Condition::All(list) | Condition::Any(list) => list.iter().for_each(|c| c.subjects(found)),
            Condition::One(subject, _) => found.push(subject),
        }
    }
}
