//! JSON with positions: every value knows the line and column where it begins, and
//! an object keeps its members in order with duplicates, so that a policy's faults
//! can be named where they stand.
//!
//! Bounded: the text's length and the nesting depth are limited before anything is
//! built. Follows RFC 8259; never repairs what it cannot read.

/// Counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: Position,
    /// Behind the last character.
    pub(crate) end: Position,
    pub(crate) value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As written.
    Number(String),
    String(String),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) at: Position,
    /// Behind the key's closing quote.
    pub(crate) key_end: Position,
    pub(crate) key: String,
    pub(crate) node: Node,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) at: Position,
    pub(crate) message: &'static str,
}

/// The service's own limit on the length of a policy parameter.
pub(crate) const MAX_BYTES: usize = 131_072;
/// A policy needs six levels.
const MAX_DEPTH: u32 = 32;

pub(crate) fn read(text: &str) -> Result<Node, Unreadable> {
    let mut reader = Reader { rest: text, at: Position { line: 1, column: 1 } };
    if text.len() > MAX_BYTES {
        return Err(reader.fault("the policy is longer than 131072 bytes"));
    }
    reader.space();
    let node = reader.value(0)?;
    reader.space();
    if reader.rest.is_empty() { Ok(node) } else { Err(reader.fault("text follows the policy")) }
}

struct Reader<'a> {
    rest: &'a str,
    at: Position,
}

impl Reader<'_> {
    fn fault(&self, message: &'static str) -> Unreadable {
        Unreadable { at: self.at, message }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        if c == '\n' {
            self.at = Position { line: self.at.line + 1, column: 1 };
        } else {
            self.at.column += 1;
        }
        Some(c)
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\r' | '\n')) {
            self.next();
        }
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.next();
        }
        found
    }

    fn value(&mut self, depth: u32) -> Result<Node, Unreadable> {
        if depth > MAX_DEPTH {
            return Err(self.fault("the policy is nested too deeply"));
        }
        let at = self.at;
        let value = match self.peek() {
            Some('{') => self.object(depth)?,
            Some('[') => self.array(depth)?,
            Some('"') => Value::String(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            Some('t') => self.word("true", Value::Bool(true))?,
            Some('f') => self.word("false", Value::Bool(false))?,
            Some('n') => self.word("null", Value::Null)?,
            Some(_) => return Err(self.fault("a value was expected")),
            None => return Err(self.fault("the policy ends too early")),
        };
        Ok(Node { at, end: self.at, value })
    }

    fn object(&mut self, depth: u32) -> Result<Value, Unreadable> {
        self.next();
        let mut members = Vec::new();
        self.space();
        if self.eat('}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            let at = self.at;
            if self.peek() != Some('"') {
                return Err(self.fault("a quoted name was expected"));
            }
            let key = self.string()?;
            let key_end = self.at;
            self.space();
            if !self.eat(':') {
                return Err(self.fault("`:` was expected"));
            }
            self.space();
            let node = self.value(depth + 1)?;
            members.push(Member { at, key_end, key, node });
            self.space();
            if self.eat('}') {
                return Ok(Value::Object(members));
            }
            if !self.eat(',') {
                return Err(self.fault("`,` or `}` was expected"));
            }
        }
    }

    fn array(&mut self, depth: u32) -> Result<Value, Unreadable> {
        self.next();
        let mut nodes = Vec::new();
        self.space();
        if self.eat(']') {
            return Ok(Value::Array(nodes));
        }
        loop {
            self.space();
            nodes.push(self.value(depth + 1)?);
            self.space();
            if self.eat(']') {
                return Ok(Value::Array(nodes));
            }
            if !self.eat(',') {
                return Err(self.fault("`,` or `]` was expected"));
            }
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, Unreadable> {
        for expected in word.chars() {
            if self.next() != Some(expected) {
                return Err(self.fault("a value was expected"));
            }
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, Unreadable> {
        let mut text = String::new();
        while let Some(c @ ('0'..='9' | '-' | '+' | '.' | 'e' | 'E')) = self.peek() {
            text.push(c);
            self.next();
        }
        if well_formed(&text) { Ok(Value::Number(text)) } else { Err(self.fault("a number was expected")) }
    }

    fn string(&mut self) -> Result<String, Unreadable> {
        self.next();
        let mut out = String::new();
        loop {
            match self.next() {
                None => return Err(self.fault("a string does not end")),
                Some('"') => return Ok(out),
                Some('\\') => out.push(self.escape()?),
                Some(c) if c < ' ' => return Err(self.fault("a control character stands in a string")),
                Some(c) => out.push(c),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Unreadable> {
        match self.next() {
            Some(c @ ('"' | '\\' | '/')) => Ok(c),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('u') => self.unicode(),
            _ => Err(self.fault("an unknown escape stands in a string")),
        }
    }

    fn unicode(&mut self) -> Result<char, Unreadable> {
        let high = self.hex4()?;
        let code = if (0xd800..0xdc00).contains(&high) {
            if !(self.eat('\\') && self.eat('u')) {
                return Err(self.fault("half a surrogate pair stands in a string"));
            }
            let low = self.hex4()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(self.fault("half a surrogate pair stands in a string"));
            }
            0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
        } else {
            high
        };
        char::from_u32(code).ok_or_else(|| self.fault("half a surrogate pair stands in a string"))
    }

    fn hex4(&mut self) -> Result<u32, Unreadable> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|c| c.to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.fault("four hexadecimal digits were expected"))?;
        }
        Ok(code)
    }
}

fn well_formed(number: &str) -> bool {
    let body = number.strip_prefix('-').unwrap_or(number);
    let (mantissa, exponent) = match body.split_once(['e', 'E']) {
        Some((m, e)) => (m, Some(e.strip_prefix(['+', '-']).unwrap_or(e))),
        None => (body, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((w, f)) => (w, Some(f)),
        None => (mantissa, None),
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_json_and_nothing_else() {
        for good in ["{}", " [1, -2.5, 1e9, true, null] ", r#""\u00e9\ud83d\ude00\n""#, r#"{"a":{"a":[]}}"#] {
            assert!(read(good).is_ok(), "{good}");
        }
        let bad = [
            "",
            "{",
            "{a:1}",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "1.",
            "--1",
            "1e",
            "tru",
            "nul",
            "\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "\"\n\"",
            "{} {}",
            "{\"a\" 1}",
            "[1 2]",
            "\u{feff}{}",
        ];
        for bad in bad {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn faults_stand_where_they_are() {
        assert_eq!(read("{\n  \"a\": é\n}").unwrap_err().at, Position { line: 2, column: 8 });
        assert_eq!(read("[\n\n1 2]").unwrap_err().at, Position { line: 3, column: 3 });
    }

    #[test]
    fn hostile_text_is_refused_early() {
        let deep = "[".repeat(100_000);
        assert_eq!(read(&deep).unwrap_err().message, "the policy is nested too deeply");
        let long = format!("\"{}\"", "a".repeat(1 << 20));
        assert_eq!(read(&long).unwrap_err().message, "the policy is longer than 131072 bytes");
    }
}
