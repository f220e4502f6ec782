//! Reads JSON (RFC 8259) with the position of every node.
//! Strict: no comments, no trailing commas, no second value; duplicate keys are refused.

use std::collections::BTreeMap;

use crate::read::{Malformed, check_depth};
use crate::value::{Entry, Node, Position, Value};

pub(crate) fn read(text: &str) -> Result<Node, Malformed> {
    let mut reader = Reader { rest: text, at: Position { line: 1, column: 1 } };
    reader.skip_space();
    let node = reader.value(0)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.unexpected("the end of the text")),
    }
}

struct Reader<'t> {
    rest: &'t str,
    at: Position,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let char = chars.next()?;
        self.rest = chars.as_str();
        if char == '\n' {
            self.at = Position { line: self.at.line + 1, column: 1 };
        } else {
            self.at.column += 1;
        }
        Some(char)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.next();
        }
    }

    fn unexpected(&self, wanted: &str) -> Malformed {
        let found = match self.peek() {
            None => "the end of the text".to_owned(),
            Some(char) => format!("`{}`", char.escape_default()),
        };
        Malformed::new(self.at, format!("expected {wanted}, found {found}"))
    }

    fn take(&mut self, wanted: char) -> Result<(), Malformed> {
        if self.peek() != Some(wanted) {
            return Err(self.unexpected(&format!("`{wanted}`")));
        }
        self.next();
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Node, Malformed> {
        check_depth(self.at, depth)?;
        let at = self.at;
        let value = match self.peek() {
            Some('{') => self.object(depth)?,
            Some('[') => self.array(depth)?,
            Some('"') => Value::Text(self.string()?),
            Some('-' | '0'..='9') => self.number()?,
            Some('t' | 'f' | 'n') => self.word()?,
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Node { at, value })
    }

    fn object(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.take('{')?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: BTreeMap<String, Position> = BTreeMap::new();
        self.skip_space();
        if self.peek() == Some('}') {
            self.next();
            return Ok(Value::Map(entries));
        }
        loop {
            self.skip_space();
            let at = self.at;
            if self.peek() != Some('"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let key = self.string()?;
            if let Some(first) = seen.insert(key.clone(), at) {
                return Err(Malformed::duplicate(&key, first, at));
            }
            self.skip_space();
            self.take(':')?;
            self.skip_space();
            let value = self.value(depth + 1)?;
            entries.push(Entry { key, at, value });
            self.skip_space();
            match self.peek() {
                Some(',') => self.next(),
                Some('}') => break self.next(),
                _ => return Err(self.unexpected("`,` or `}`")),
            };
        };
        Ok(Value::Map(entries))
    }

    fn array(&mut self, depth: usize) -> Result<Value, Malformed> {
        self.take('[')?;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(']') {
            self.next();
            return Ok(Value::List(items));
        }
        loop {
            self.skip_space();
            items.push(self.value(depth + 1)?);
            self.skip_space();
            match self.peek() {
                Some(',') => self.next(),
                Some(']') => break self.next(),
                _ => return Err(self.unexpected("`,` or `]`")),
            };
        };
        Ok(Value::List(items))
    }

    fn string(&mut self) -> Result<String, Malformed> {
        let start = self.at;
        self.take('"')?;
        let mut text = String::new();
        loop {
            let at = self.at;
            match self.next() {
                None => return Err(Malformed::new(start, "this string does not end".to_owned())),
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape(at)?),
                // A raw line feed is not JSON, but AWS takes it, and long policies are written so.
                Some(char) => text.push(char),
            }
        }
    }

    fn escape(&mut self, at: Position) -> Result<char, Malformed> {
        Ok(match self.next() {
            Some(char @ ('"' | '\\' | '/')) => char,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.unicode(at),
            _ => return Err(Malformed::new(at, "no such escape in JSON".to_owned())),
        })
    }

    fn unicode(&mut self, at: Position) -> Result<char, Malformed> {
        let bad = || Malformed::new(at, "`\\u` takes four hexadecimal digits of a character".to_owned());
        let high = self.hex().ok_or_else(bad)?;
        if !(0xD800..0xDC00).contains(&high) {
            return char::from_u32(high).ok_or_else(bad);
        }
        if self.next() != Some('\\') || self.next() != Some('u') {
            return Err(bad());
        }
        let low = self.hex().filter(|low| (0xDC00..0xE000).contains(low)).ok_or_else(bad)?;
        char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00)).ok_or_else(bad)
    }

    fn hex(&mut self) -> Option<u32> {
        let mut number = 0;
        for _ in 0..4 {
            number = number * 16 + self.next()?.to_digit(16)?;
        }
        Some(number)
    }

    fn number(&mut self) -> Result<Value, Malformed> {
        let start = self.at;
        let mut text = String::new();
        while let Some(char @ ('-' | '+' | '.' | 'e' | 'E' | '0'..='9')) = self.peek() {
            text.push(char);
            self.next();
        }
        // serde_json knows the grammar of numbers exactly.
        let number: serde_json::Number = serde_json::from_str(&text)
            .map_err(|_| Malformed::new(start, format!("`{text}` is not a number in JSON")))?;
        Ok(match number.as_i64() {
            Some(whole) => Value::Integer(whole),
            None => Value::Float(number.as_f64().unwrap_or_default()),
        })
    }

    fn word(&mut self) -> Result<Value, Malformed> {
        let start = self.at;
        let mut word = String::new();
        while let Some(char) = self.peek().filter(char::is_ascii_alphanumeric) {
            word.push(char);
            self.next();
        }
        match word.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            _ => Err(Malformed::new(start, format!("expected a value, found `{word}`"))),
        }
    }
}
