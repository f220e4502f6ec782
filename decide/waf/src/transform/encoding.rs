//! Encodings of the web: percent, entities, base64, hexadecimal.

use super::{leading_hex, push_code};

/// `%HH` and `+`; with `unicode` also `%uHHHH`. What is no code stays as it is.
pub(super) fn url(text: &[u8], unicode: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => out.push(b' '),
            b'%' => {
                let (value, digits) = leading_hex(after, 2);
                if digits == 2 {
                    out.push(u8::try_from(value).unwrap_or_default());
                    rest = after.get(2..).unwrap_or_default();
                    continue;
                }
                let wide = after.strip_prefix(b"u").or(after.strip_prefix(b"U")).filter(|_| unicode);
                if let Some(wide) = wide
                    && let (value, 4) = leading_hex(wide, 4)
                {
                    push_code(value, &mut out);
                    rest = wide.get(4..).unwrap_or_default();
                    continue;
                }
                out.push(b'%');
            }
            other => out.push(*other),
        }
    }
    out
}

const ENTITIES: [(&[u8], u32); 13] = [
    (b"quot", 0x22),
    (b"nbsp", 0xA0),
    (b"lt", 0x3C),
    (b"gt", 0x3E),
    (b"amp", 0x26),
    (b"apos", 0x27),
    (b"tab", 0x09),
    (b"newline", 0x0A),
    (b"colon", 0x3A),
    (b"lpar", 0x28),
    (b"rpar", 0x29),
    (b"sol", 0x2F),
    (b"equals", 0x3D),
];

/// `&lt;`, `&#60;`, `&#x3c;`; a semicolon may be missing behind numbers.
pub(super) fn html_entities(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let found = if *first == b'&' { entity(after) } else { None };
        match found {
            Some((code, taken)) => {
                push_code(code, &mut out);
                rest = after.get(taken..).unwrap_or_default();
            }
            None => out.push(*first),
        }
    }
    out
}

fn entity(after: &[u8]) -> Option<(u32, usize)> {
    if let Some(number) = after.strip_prefix(b"#") {
        let hex = number.strip_prefix(b"x").or(number.strip_prefix(b"X"));
        let (code, digits, prefix) = match hex {
            Some(hex) => {
                // Zeros in front may be many.
                let zeros = hex.iter().take_while(|b| **b == b'0').count().min(64);
                let (code, digits) = leading_hex(hex.get(zeros..).unwrap_or_default(), 6);
                (code, zeros + digits, 2)
            }
            None => {
                let digits = number.iter().take(64).take_while(|b| b.is_ascii_digit()).count();
                let value = number
                    .iter()
                    .take(digits)
                    .fold(0u32, |v, b| v.saturating_mul(10).saturating_add(u32::from(b.wrapping_sub(b'0'))));
                (value, digits, 1)
            }
        };
        if digits == 0 {
            return None;
        }
        let semicolon = usize::from(after.get(prefix + digits) == Some(&b';'));
        return Some((code, prefix + digits + semicolon));
    }
    let name = after.get(..after.len().min(10))?;
    let end = name.iter().position(|b| *b == b';')?;
    let name = name.get(..end)?;
    let (_, code) = ENTITIES.iter().find(|(n, _)| name.eq_ignore_ascii_case(n))?;
    Some((*code, end + 1))
}

/// Up to the first byte that is no base64; a forgiving reading skips such bytes.
pub(super) fn base64(text: &[u8], forgiving: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ if forgiving => continue,
            _ => break,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFF_FFFF;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xFF).unwrap_or_default());
        }
    }
    out
}

/// `414243`; a text that is not all hexadecimal stays as it is from there on.
pub(super) fn hex(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut rest = text;
    while let (value, 2) = leading_hex(rest, 2) {
        out.push(u8::try_from(value).unwrap_or_default());
        rest = rest.get(2..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// SQL's `0x414243`.
pub(super) fn sql_hex(text: &[u8]) -> Option<Vec<u8>> {
    memchr::memmem::find(&text.to_ascii_lowercase(), b"0x")?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let digits = match rest {
            [b'0', b'x' | b'X', digits @ ..] => {
                digits.iter().take_while(|b| b.is_ascii_hexdigit()).count() & !1
            }
            _ => 0,
        };
        if digits == 0 {
            out.push(*first);
            rest = after;
            continue;
        }
        let (code, behind) = rest.get(2..).and_then(|r| r.split_at_checked(digits)).unwrap_or_default();
        out.extend(hex(code));
        rest = behind;
    }
    Some(out)
}

/// Characters beyond ASCII as `%uHHHH`, so that rules can name them in ASCII.
pub(super) fn utf8_to_unicode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c.is_ascii() {
                true => out.push(u8::try_from(u32::from(c)).unwrap_or_default()),
                false => out.extend_from_slice(format!("%u{:04x}", u32::from(c)).as_bytes()),
            }
        }
        out.extend_from_slice(chunk.invalid());
    }
    out
}
