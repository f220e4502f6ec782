//! What the grammars of all expressions share: tokens in hand, placeholders, paths, errors.

use model::Fault;

use super::path::{Path, Step};
use super::token::{Kind, Token, tokens};
use super::{Scope, reserved};
use crate::attribute::Attr;

/// Bytes of an expression.
const LONGEST: usize = 4096;

/// Whether a word joins conditions, and so can be nothing else.
fn keyword(word: &str) -> bool {
    ["NOT", "AND", "OR", "IN", "BETWEEN"].iter().any(|k| word.eq_ignore_ascii_case(k))
}

pub(super) struct Parser<'a> {
    /// The member of the request, such as `UpdateExpression`; errors begin with it.
    pub(super) member: &'static str,
    text: &'a str,
    tokens: Vec<Token<'a>>,
    at: usize,
    scope: &'a Scope,
}

impl<'a> Parser<'a> {
    pub(super) fn new(member: &'static str, text: &'a str, scope: &'a Scope) -> Result<Parser<'a>, Fault> {
        let parser = Parser { member, text, tokens: tokens(text), at: 0, scope };
        if text.len() > LONGEST {
            let size = text.len();
            return Err(parser.invalid(&format!(
                "Expression size has exceeded the maximum allowed size; expression size: {size}"
            )));
        }
        match parser.tokens.is_empty() {
            true => Err(parser.invalid("The expression can not be empty;")),
            false => Ok(parser),
        }
    }

    pub(super) fn invalid(&self, what: &str) -> Fault {
        Fault::validation(format!("Invalid {}: {what}", self.member))
    }

    /// The token at hand is not what may stand here.
    pub(super) fn syntax(&self) -> Fault {
        let token = self.tokens.get(self.at).map_or("<EOF>", |t| t.text);
        let first = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        let from = first.or(self.tokens.get(self.at)).map_or(0, |t| t.at);
        let last = self.tokens.get(self.at + 1).or(self.tokens.last());
        let to = last.map_or(self.text.len(), |t| t.at + t.text.len());
        let near = self.text.get(from..to).unwrap_or(self.text);
        self.invalid(&format!("Syntax error; token: \"{token}\", near: \"{near}\""))
    }

    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    pub(super) fn ended(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// The end, or else a syntax error.
    pub(super) fn end(&self) -> Result<(), Fault> {
        if self.ended() { Ok(()) } else { Err(self.syntax()) }
    }

    pub(super) fn symbol(&mut self, symbol: &str) -> bool {
        let here = self.peek().is_some_and(|t| t.kind == Kind::Symbol && t.text == symbol);
        self.at += usize::from(here);
        here
    }

    pub(super) fn expect(&mut self, symbol: &str) -> Result<(), Fault> {
        if self.symbol(symbol) { Ok(()) } else { Err(self.syntax()) }
    }

    /// A keyword in any case.
    pub(super) fn keyword(&mut self, word: &str) -> bool {
        let here = self.peek().is_some_and(|t| t.kind == Kind::Word && t.text.eq_ignore_ascii_case(word));
        self.at += usize::from(here);
        here
    }

    /// A word with an opening parenthesis behind it, both taken.
    pub(super) fn function(&mut self) -> Option<&'a str> {
        let name = self.peek().filter(|t| t.kind == Kind::Word)?;
        let opens = self.tokens.get(self.at + 1).is_some_and(|t| t.text == "(");
        if !opens || keyword(name.text) {
            return None;
        }
        self.at += 2;
        Some(name.text)
    }

    pub(super) fn value(&mut self) -> Result<Option<&'a Attr>, Fault> {
        let Some(token) = self.peek().filter(|t| t.kind == Kind::Value) else { return Ok(None) };
        self.at += 1;
        let undefined = || {
            self.invalid(&format!(
                "An expression attribute value used in expression is not defined; attribute value: {}",
                token.text
            ))
        };
        self.scope.value(token.text).map(Some).ok_or_else(undefined)
    }

    fn field(&mut self) -> Result<Option<&'a str>, Fault> {
        let Some(token) = self.peek() else { return Ok(None) };
        let name = match token.kind {
            Kind::Word if keyword(token.text) => return Ok(None),
            Kind::Word if reserved(token.text) => {
                return Err(self.invalid(&format!(
                    "Attribute name is a reserved keyword; reserved keyword: {}",
                    token.text
                )));
            }
            Kind::Word => token.text,
            Kind::Name => self.scope.name(token.text).ok_or_else(|| {
                self.invalid(&format!(
                    "An expression attribute name used in the document path is not defined; attribute name: {}",
                    token.text
                ))
            })?,
            _ => return Ok(None),
        };
        self.at += 1;
        Ok(Some(name))
    }

    pub(super) fn path(&mut self) -> Result<Option<Path<'a>>, Fault> {
        let Some(root) = self.field()? else { return Ok(None) };
        let mut steps = Vec::new();
        loop {
            if self.symbol(".") {
                steps.push(Step::Field(self.field()?.ok_or_else(|| self.syntax())?));
            } else if self.symbol("[") {
                let digits = self.peek().filter(|t| t.kind == Kind::Digits).ok_or_else(|| self.syntax())?;
                let index = digits.text.parse().map_err(|_| self.syntax())?;
                self.at += 1;
                self.expect("]")?;
                steps.push(Step::Index(index));
            } else {
                return Ok(Some(Path { root, steps }));
            }
        }
    }

    pub(super) fn wanted_path(&mut self) -> Result<Path<'a>, Fault> {
        self.path()?.ok_or_else(|| self.syntax())
    }

    /// A comparison, which is taken.
    pub(super) fn comparator(&mut self) -> Option<&'a str> {
        let token = self.peek().filter(|t| ["=", "<>", "<", "<=", ">", ">="].contains(&t.text))?;
        self.at += 1;
        Some(token.text)
    }

    /// Refuses paths of which one leads to, or contradicts, another.
    pub(super) fn distinct(&self, paths: &[&Path<'a>]) -> Result<(), Fault> {
        for (i, one) in paths.iter().enumerate() {
            for two in paths.iter().skip(i + 1) {
                let how = match (one.overlaps(two), one.conflicts(two)) {
                    (true, _) => "overlap",
                    (_, true) => "conflict",
                    _ => continue,
                };
                return Err(self.invalid(&format!(
                    "Two document paths {how} with each other; must remove or rewrite one of these paths; path one: {}, path two: {}",
                    one.shown(),
                    two.shown()
                )));
            }
        }
        Ok(())
    }
}
