//! Escapes of programming languages: C, CSS, JavaScript.

use super::{leading_hex, push_code};

/// ANSI C: `\a \b \f \n \r \t \v \\ \? \' \"`, `\xHH`, `\0OOO`; others stay.
pub(super) fn escapes(text: &[u8]) -> Vec<u8> {
    decode(text, |after, out| {
        let first = *after.first()?;
        let plain = match first {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'v' => 11,
            b'\\' | b'?' | b'\'' | b'"' => first,
            b'x' => return hex_byte(after, out),
            _ => return octal(after, out),
        };
        out.push(plain);
        Some(1)
    })
}

/// CSS 2: a backslash and up to six hexadecimal digits with a space behind, or any character.
pub(super) fn css(text: &[u8]) -> Vec<u8> {
    decode(text, |after, out| {
        let (code, digits) = leading_hex(after, 6);
        if digits > 0 {
            push_code(code, out);
            let space = after.get(digits).is_some_and(u8::is_ascii_whitespace);
            return Some(digits + usize::from(space));
        }
        // An escaped newline is nothing; any other character is itself.
        match after.first()? {
            b'\n' => {}
            other => out.push(*other),
        }
        Some(1)
    })
}

/// `\uHHHH`, `\xHH`, `\OOO`, `\n`; `extended` also `\u{H...}`. Of others the backslash goes.
pub(super) fn javascript(text: &[u8], extended: bool) -> Vec<u8> {
    decode(text, |after, out| {
        let first = *after.first()?;
        match first {
            b'u' => {
                let digits = after.get(1..).unwrap_or_default();
                if let (code, 4) = leading_hex(digits, 4) {
                    push_code(code, out);
                    return Some(5);
                }
                if extended && digits.first() == Some(&b'{') {
                    let (code, count) = leading_hex(digits.get(1..).unwrap_or_default(), 6);
                    if count > 0 && digits.get(count + 1) == Some(&b'}') {
                        push_code(code, out);
                        return Some(count + 3);
                    }
                }
                out.push(b'u');
                Some(1)
            }
            b'x' => hex_byte(after, out).or_else(|| {
                out.push(b'x');
                Some(1)
            }),
            b'0'..=b'7' => octal(after, out),
            _ => {
                out.push(match first {
                    b'a' => 7,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => 10,
                    b'r' => 13,
                    b't' => 9,
                    b'v' => 11,
                    other => other,
                });
                Some(1)
            }
        }
    })
}

/// Calls `escape` with what is behind each backslash; it says how much it has read, or nothing.
fn decode(text: &[u8], escape: impl Fn(&[u8], &mut Vec<u8>) -> Option<usize>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        match escape(after, &mut out) {
            Some(read) => rest = after.get(read..).unwrap_or_default(),
            None => out.push(b'\\'),
        }
    }
    out
}

fn hex_byte(after: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let (value, digits) = leading_hex(after.get(1..)?, 2);
    if digits != 2 {
        return None;
    }
    out.push(u8::try_from(value).unwrap_or_default());
    Some(3)
}

fn octal(after: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let digits = after.iter().take(3).take_while(|b| (b'0'..=b'7').contains(b)).count();
    if digits == 0 {
        return None;
    }
    let value = after.iter().take(digits).fold(0u32, |v, b| v * 8 + u32::from(b - b'0'));
    out.push(u8::try_from(value & 0xFF).unwrap_or_default());
    Some(digits)
}
