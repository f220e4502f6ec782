//! An expression's text as tokens.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `abc`: an attribute, a function, a keyword.
    Word,
    /// `#abc`
    Name,
    /// `:abc`
    Value,
    /// `12`, in brackets.
    Digits,
    Symbol,
    /// A character that begins nothing.
    Unknown,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    /// Where it begins.
    pub(super) at: usize,
}

fn wordy(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..)
        && let Some(first) = rest.chars().next()
    {
        if first.is_ascii_whitespace() {
            at += 1;
            continue;
        }
        let word = |from: usize| from + rest.chars().skip(from).take_while(|c| wordy(*c)).count();
        let (kind, length) = match first {
            '#' if word(1) > 1 => (Kind::Name, word(1)),
            ':' if word(1) > 1 => (Kind::Value, word(1)),
            c if c.is_ascii_digit() => (Kind::Digits, word(0)),
            c if wordy(c) => (Kind::Word, word(0)),
            '<' if rest.starts_with("<>") || rest.starts_with("<=") => (Kind::Symbol, 2),
            '>' if rest.starts_with(">=") => (Kind::Symbol, 2),
            '=' | '<' | '>' | '(' | ')' | '[' | ']' | '.' | ',' | '+' | '-' => (Kind::Symbol, 1),
            other => (Kind::Unknown, other.len_utf8()),
        };
        found.push(Token { kind, text: rest.get(..length).unwrap_or(rest), at });
        at += length;
    }
    found
}
