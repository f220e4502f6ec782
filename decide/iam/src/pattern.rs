//! Patterns as policies write them: literal text, `*` and `?`, and policy variables
//! `${key}`, `${key, 'default'}`, `${*}`, `${?}`, `${$}`.
//!
//! A variable stands for the literal value of a key, never for a pattern: wildcards in a
//! value match themselves. A variable whose key is absent (or has several values) and
//! that has no default cannot be resolved. Follows AWS's "Variables and tags".

use crate::context::{Context, Key};
use crate::glob::{self, AsTok, Tok};

/// One piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    Literal(Box<str>),
    /// `*`
    Any,
    /// `?`
    One,
    Variable(Variable),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    pub key: Key,
    pub default: Option<Box<str>>,
}

impl AsTok for Token {
    fn tok(&self) -> Tok<'_> {
        match self {
            Token::Literal(text) => Tok::Literal(text),
            Token::Any => Tok::Any,
            // Patterns with variables are resolved before they are matched.
            Token::One | Token::Variable(_) => Tok::One,
        }
    }
}

/// Whether something matched, where a variable may have no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hit {
    Yes,
    No,
    /// A variable could not be resolved.
    Unknown,
}

impl From<bool> for Hit {
    fn from(yes: bool) -> Hit {
        if yes { Hit::Yes } else { Hit::No }
    }
}

/// Which characters are special.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Syntax {
    pub(crate) wildcards: bool,
    pub(crate) variables: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Any,
    Exact,
    /// A literal and then `*`.
    Prefix,
    Glob,
    /// Variables, without wildcards beside them.
    Text,
    /// Variables and wildcards.
    Variables,
}

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    tokens: Box<[Token]>,
    shape: Shape,
}

impl Pattern {
    pub(crate) fn compile(text: &str, syntax: Syntax) -> Pattern {
        let tokens = tokens(text, syntax);
        let variables = tokens.iter().any(|t| matches!(t, Token::Variable(_)));
        let wild = tokens.iter().any(|t| matches!(t, Token::Any | Token::One));
        let shape = match (tokens.as_slice(), variables, wild) {
            (_, true, true) => Shape::Variables,
            (_, true, false) => Shape::Text,
            ([Token::Any], ..) => Shape::Any,
            ([Token::Literal(_), Token::Any], ..) => Shape::Prefix,
            (_, false, true) => Shape::Glob,
            (_, false, false) => Shape::Exact,
        };
        Pattern { text: text.into(), tokens: tokens.into(), shape }
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Matches every text.
    pub fn is_any(&self) -> bool {
        self.shape == Shape::Any
    }

    /// The text when nothing in it is special.
    pub fn literal(&self) -> Option<&str> {
        (self.shape == Shape::Exact).then(|| self.prefix())
    }

    /// The literal that every matching text begins with.
    pub(crate) fn prefix(&self) -> &str {
        match self.tokens.first() {
            Some(Token::Literal(text)) => text,
            _ => "",
        }
    }

    /// `fold` ignores case.
    pub(crate) fn matches(&self, text: &str, fold: bool, context: &Context) -> Hit {
        match self.shape {
            Shape::Any => Hit::Yes,
            Shape::Exact => same(self.prefix(), text, fold).into(),
            Shape::Prefix => {
                let (prefix, head) = (self.prefix().as_bytes(), text.as_bytes().get(..self.prefix().len()));
                head.is_some_and(|h| if fold { h.eq_ignore_ascii_case(prefix) } else { h == prefix }).into()
            }
            Shape::Glob => glob::matches(&self.tokens, text, fold).into(),
            Shape::Text => match self.resolve(context) {
                Some(tokens) => {
                    let literal =
                        |t: &Tok<'_>| if let Tok::Literal(s) = *t { s.to_owned() } else { String::new() };
                    same(&tokens.iter().map(literal).collect::<String>(), text, fold).into()
                }
                None => Hit::Unknown,
            },
            Shape::Variables => match self.resolve(context) {
                Some(tokens) => glob::matches(&tokens, text, fold).into(),
                None => Hit::Unknown,
            },
        }
    }

    fn resolve<'a>(&'a self, context: &'a Context) -> Option<Vec<Tok<'a>>> {
        self.tokens
            .iter()
            .map(|token| match token {
                Token::Variable(variable) => variable.value(context).map(Tok::Literal),
                other => Some(other.tok()),
            })
            .collect()
    }

    pub(crate) fn variables<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        for token in &self.tokens {
            if let Token::Variable(variable) = token {
                visit(&variable.key.name);
            }
        }
    }

    /// The pattern with its variables' values in place, for people.
    pub(crate) fn resolved_text(&self, context: &Context) -> String {
        let piece = |token: &Token| match token {
            Token::Literal(text) => text.to_string(),
            Token::Any => "*".to_owned(),
            Token::One => "?".to_owned(),
            Token::Variable(v) => v
                .value(context)
                .map_or_else(|| format!("${{{}}} (not in the request)", v.key.name), str::to_owned),
        };
        if matches!(self.shape, Shape::Text | Shape::Variables) {
            self.tokens.iter().map(piece).collect()
        } else {
            self.text.to_string()
        }
    }
}

impl Variable {
    fn value<'a>(&'a self, context: &'a Context) -> Option<&'a str> {
        match context.get(&self.key) {
            [value] => Some(value),
            [] => self.default.as_deref(),
            _ => None,
        }
    }
}

pub(crate) fn same(a: &str, b: &str, fold: bool) -> bool {
    if !fold || (a.is_ascii() && b.is_ascii()) {
        return if fold { a.eq_ignore_ascii_case(b) } else { a == b };
    }
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}

fn tokens(text: &str, syntax: Syntax) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if syntax.variables
            && let Some((inside, after)) = variable_at(rest)
        {
            rest = after;
            match inside {
                "*" | "?" | "$" => literal.push_str(inside),
                _ => {
                    flush(&mut literal, &mut tokens);
                    tokens.push(Token::Variable(variable(inside)));
                }
            }
            continue;
        }
        let mut chars = rest.chars();
        chars.next();
        rest = chars.as_str();
        match c {
            '*' if syntax.wildcards => {
                flush(&mut literal, &mut tokens);
                // `**` means no more than `*`.
                if tokens.last() != Some(&Token::Any) {
                    tokens.push(Token::Any);
                }
            }
            '?' if syntax.wildcards => {
                flush(&mut literal, &mut tokens);
                tokens.push(Token::One);
            }
            _ => literal.push(c),
        }
    }
    flush(&mut literal, &mut tokens);
    tokens
}

fn flush(literal: &mut String, tokens: &mut Vec<Token>) {
    if !literal.is_empty() {
        tokens.push(Token::Literal(std::mem::take(literal).into()));
    }
}

/// What stands in `${...}` at the head of a text, and what follows.
fn variable_at(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix("${")?.split_once('}')
}

fn variable(inside: &str) -> Variable {
    let (key, default) = match inside.split_once(',') {
        Some((key, default)) => (key, Some(default.trim())),
        None => (inside, None),
    };
    let unquoted = |d: &str| d.strip_prefix('\'').and_then(|d| d.strip_suffix('\'')).unwrap_or(d).into();
    Variable { key: Key::new(key.trim()), default: default.map(unquoted) }
}

/// Splits at `separator` into at most `limit` parts, but never within a variable.
pub(crate) fn split(text: &str, separator: char, limit: usize, variables: bool) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut skip_to) = (text, 0);
    for (at, c) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        if variables && let Some((_, after)) = text.get(at..).and_then(variable_at) {
            skip_to = text.len() - after.len();
            continue;
        }
        if c == separator && parts.len() + 1 < limit {
            let begun = text.len() - start.len();
            parts.push(text.get(begun..at).unwrap_or_default());
            start = text.get(at + c.len_utf8()..).unwrap_or_default();
        }
    }
    parts.push(start);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Syntax = Syntax { wildcards: true, variables: true };

    fn check(pattern: &str, text: &str, expected: Hit) {
        let mut context = Context::new();
        context.set("aws:username", "ali*ce");
        context.set_all("aws:TagKeys", vec!["a".into(), "b".into()]);
        assert_eq!(
            Pattern::compile(pattern, ALL).matches(text, false, &context),
            expected,
            "{pattern} {text}"
        );
    }

    #[test]
    fn variables() {
        check("home/${aws:username}/*", "home/ali*ce/x", Hit::Yes);
        check("home/${aws:username}/*", "home/alibice/x", Hit::No);
        check("home/${AWS:USERNAME}", "home/ali*ce", Hit::Yes);
        check("${aws:username}", "ali*ce", Hit::Yes);
        check("${aws:nothing}", "", Hit::Unknown);
        check("${aws:nothing}*", "anything", Hit::Unknown);
        check("${aws:TagKeys}", "a", Hit::Unknown);
        check("${aws:PrincipalTag/team, 'all'}-x", "all-x", Hit::Yes);
        check("${aws:PrincipalTag/team,'all'}-*", "all-y", Hit::Yes);
        check("${aws:username, 'all'}", "all", Hit::No);
        check("a${*}b", "a*b", Hit::Yes);
        check("a${*}b", "axb", Hit::No);
        check("a${?}b*", "a?bc", Hit::Yes);
        check("${$}{aws:username}", "${aws:username}", Hit::Yes);
        check("${aws:username", "${aws:username", Hit::Yes);
        check("$", "$", Hit::Yes);
    }

    #[test]
    fn without_variables_they_are_literal() {
        let old = Syntax { wildcards: true, variables: false };
        let pattern = Pattern::compile("${aws:username}", old);
        assert_eq!(pattern.matches("${aws:username}", false, &Context::new()), Hit::Yes);
    }

    #[test]
    fn splitting_respects_variables() {
        assert_eq!(split("a:${aws:x}:b:c", ':', 3, true), ["a", "${aws:x}", "b:c"]);
        assert_eq!(split("a:${aws:x}", ':', 6, false), ["a", "${aws", "x}"]);
        assert_eq!(split("", ':', 6, true), [""]);
        assert_eq!(split("é:", ':', 6, true), ["é", ""]);
    }

    #[test]
    fn case() {
        assert!(same("STRASSE É", "strasse é", true));
        assert!(!same("É", "é", false));
    }
}
