//! The keys and values of a JSON text, in one pass and without recursion: a text may be
//! hostile, and what could be read before it breaks still counts.

/// Deeper texts are taken for invalid.
const DEEPEST: usize = 256;
/// More than these are not looked at; the text is then taken for invalid.
const MOST: usize = 20_000;

#[derive(Debug, PartialEq)]
pub(crate) struct Leaf {
    /// The JSON pointer of the value, or of the member whose name this is.
    pub(crate) pointer: String,
    pub(crate) is_key: bool,
    /// Strings without their escapes; numbers and words as written.
    pub(crate) text: Vec<u8>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Leaves {
    pub(crate) found: Vec<Leaf>,
    /// The whole text was valid JSON.
    pub(crate) whole: bool,
}

enum Level {
    Array(usize),
    Object,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    found: Vec<Leaf>,
    levels: Vec<Level>,
    pointer: String,
    marks: Vec<usize>,
    pointers: bool,
}

/// Reads a text; `pointers`: pointers are wanted, too.
pub(crate) fn leaves(text: &[u8], pointers: bool) -> Leaves {
    let mut reader = Reader {
        text,
        at: 0,
        found: Vec::new(),
        levels: Vec::new(),
        pointer: String::new(),
        marks: Vec::new(),
        pointers,
    };
    let whole = reader.read().is_some();
    Leaves { found: reader.found, whole }
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<u8> {
        while let Some(b) = self.text.get(self.at) {
            if !b.is_ascii_whitespace() {
                return Some(*b);
            }
            self.at += 1;
        }
        None
    }

    fn eat(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    /// `None` where the text breaks off or is no JSON.
    fn read(&mut self) -> Option<()> {
        loop {
            let opened = self.value()?;
            if !opened && !self.next_value()? {
                return if self.peek().is_none() { Some(()) } else { None };
            }
        }
    }

    /// Reads a scalar, or opens a container and stands before its first value. True: a value follows.
    fn value(&mut self) -> Option<bool> {
        match self.peek()? {
            b'{' => {
                self.at += 1;
                if self.peek()? == b'}' {
                    self.at += 1;
                    return Some(false);
                }
                self.open(Level::Object)?;
                self.key()?;
                Some(true)
            }
            b'[' => {
                self.at += 1;
                if self.peek()? == b']' {
                    self.at += 1;
                    return Some(false);
                }
                self.open(Level::Array(0))?;
                self.step("0");
                Some(true)
            }
            b'"' => {
                let (text, closed) = self.string();
                self.push(text, false)?;
                closed.then_some(false)
            }
            _ => {
                let from = self.at;
                while self.text.get(self.at).is_some_and(|b| b.is_ascii_alphanumeric() || b"+-.".contains(b))
                {
                    self.at += 1;
                }
                let word = self.text.get(from..self.at).unwrap_or_default().to_vec();
                let good = serde_json::from_slice::<serde_json::Value>(&word).is_ok();
                self.push(word, false)?;
                good.then_some(false)
            }
        }
    }

    /// Goes on behind a value, closing what ends there. False: the text's one value is complete.
    fn next_value(&mut self) -> Option<bool> {
        loop {
            let Some(level) = self.levels.last_mut() else { return Some(false) };
            let object = match level {
                Level::Object => true,
                Level::Array(n) => {
                    *n += 1;
                    false
                }
            };
            self.pointer.truncate(self.marks.last().copied().unwrap_or_default());
            match self.peek()? {
                b',' => {
                    self.at += 1;
                    if object {
                        self.key()?;
                    } else if let Some(Level::Array(n)) = self.levels.last() {
                        let n = n.to_string();
                        self.step(&n);
                    }
                    return Some(true);
                }
                b'}' if object => self.close(),
                b']' if !object => self.close(),
                _ => return None,
            }
        }
    }

    fn open(&mut self, level: Level) -> Option<()> {
        if self.levels.len() >= DEEPEST {
            return None;
        }
        self.levels.push(level);
        self.marks.push(self.pointer.len());
        Some(())
    }

    fn close(&mut self) {
        self.at += 1;
        self.levels.pop();
        self.marks.pop();
    }

    fn step(&mut self, name: &str) {
        if self.pointers {
            self.pointer.push('/');
            self.pointer.push_str(name);
        }
    }

    fn key(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        let (text, closed) = self.string();
        if self.pointers {
            let name = String::from_utf8_lossy(&text).replace('~', "~0").replace('/', "~1");
            self.step(&name);
        }
        self.push(text, true)?;
        if !closed {
            return None;
        }
        self.eat(b':')
    }

    fn push(&mut self, text: Vec<u8>, is_key: bool) -> Option<()> {
        if self.found.len() >= MOST {
            return None;
        }
        let pointer = if self.pointers { self.pointer.clone() } else { String::new() };
        self.found.push(Leaf { pointer, is_key, text });
        Some(())
    }

    /// A string from its opening quote; false where it does not end, or holds what no JSON string may.
    fn string(&mut self) -> (Vec<u8>, bool) {
        self.at += 1;
        let mut out = Vec::new();
        let mut good = true;
        while let Some(b) = self.text.get(self.at).copied() {
            self.at += 1;
            match b {
                b'"' => return (out, good),
                b'\\' => good &= self.escape(&mut out),
                _ => out.push(b),
            }
        }
        (out, false)
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(b) = self.text.get(self.at).copied() else { return false };
        self.at += 1;
        let plain = match b {
            b'"' | b'\\' | b'/' => b,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.unicode(out),
            other => {
                out.extend([b'\\', other]);
                return false;
            }
        };
        out.push(plain);
        true
    }

    fn unicode(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(first) = self.hex4() else { return false };
        let code = if (0xD800..0xDC00).contains(&first) && self.text.get(self.at..self.at + 2) == Some(b"\\u")
        {
            self.at += 2;
            let Some(second) = self.hex4() else { return false };
            0x10000 + ((first - 0xD800) << 10) + (second.wrapping_sub(0xDC00) & 0x3FF)
        } else {
            first
        };
        let c = char::from_u32(code).unwrap_or('\u{FFFD}');
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        true
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> (Vec<String>, bool) {
        let read = leaves(text.as_bytes(), true);
        let found = read.found.iter().map(|l| {
            let kind = if l.is_key { "key " } else { "" };
            format!("{kind}{} {}", l.pointer, String::from_utf8_lossy(&l.text))
        });
        (found.collect(), read.whole)
    }

    #[test]
    fn keys_values_and_pointers_are_found() {
        let (found, whole) = shown(r#"{"a":{"b":["x",1,{"c/d":null}]},"e":"\u003c\/\ud83d\ude00"}"#);
        let expected = [
            "key /a a",
            "key /a/b b",
            "/a/b/0 x",
            "/a/b/1 1",
            "key /a/b/2/c~1d c/d",
            "/a/b/2/c~1d null",
            "key /e e",
            "/e </\u{1F600}",
        ];
        assert_eq!(found, expected);
        assert!(whole);
    }

    #[test]
    fn broken_texts_give_what_was_read() {
        for (text, count) in [
            ("", 0),
            ("{\"a\":\"<script", 2),
            ("{\"a\" 1}", 1),
            ("[1,2", 2),
            ("{\"a\":1} x", 2),
            ("[1,]", 2),
            ("nonsense", 1),
        ] {
            let (found, whole) = shown(text);
            assert_eq!((found.len(), whole), (count, false), "{text}: {found:?}");
        }
        assert!(shown("[]").1 && shown("{}").1 && shown(" 12 ").1 && shown("[{},[]]").1);
        assert!(!leaves("[".repeat(100_000).as_bytes(), true).whole);
    }
}
