//! Text transformations: what is done to a text before it is matched. Each runs in time
//! linear in its input and gives at most six times as much.

mod code;
mod comments;
mod encoding;
mod path;
mod space;

use std::borrow::Cow;

use md5::Digest as _;
use model::estate::waf::rule::Transformation;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Transform {
    CompressWhiteSpace,
    HtmlEntityDecode,
    Lowercase,
    CmdLine,
    UrlDecode,
    Base64Decode,
    HexDecode,
    Md5,
    ReplaceComments,
    EscapeSeqDecode,
    SqlHexDecode,
    CssDecode,
    JsDecode,
    NormalizePath,
    NormalizePathWin,
    RemoveNulls,
    ReplaceNulls,
    Base64DecodeExt,
    UrlDecodeUni,
    Utf8ToUnicode,
    RemoveWhitespace,
    Trim,
    TrimLeft,
    TrimRight,
    RemoveCommentsChar,
    Uppercase,
    CmdLineWin,
    CmdLineUnix,
    JsDecodeExt,
    Sha256,
}

/// By the API's names; `NONE` is no transformation at all.
const NAMES: [(&str, Transform); 30] = [
    ("COMPRESS_WHITE_SPACE", Transform::CompressWhiteSpace),
    ("HTML_ENTITY_DECODE", Transform::HtmlEntityDecode),
    ("LOWERCASE", Transform::Lowercase),
    ("CMD_LINE", Transform::CmdLine),
    ("URL_DECODE", Transform::UrlDecode),
    ("BASE64_DECODE", Transform::Base64Decode),
    ("HEX_DECODE", Transform::HexDecode),
    ("MD5", Transform::Md5),
    ("REPLACE_COMMENTS", Transform::ReplaceComments),
    ("ESCAPE_SEQ_DECODE", Transform::EscapeSeqDecode),
    ("SQL_HEX_DECODE", Transform::SqlHexDecode),
    ("CSS_DECODE", Transform::CssDecode),
    ("JS_DECODE", Transform::JsDecode),
    ("NORMALIZE_PATH", Transform::NormalizePath),
    ("NORMALIZE_PATH_WIN", Transform::NormalizePathWin),
    ("REMOVE_NULLS", Transform::RemoveNulls),
    ("REPLACE_NULLS", Transform::ReplaceNulls),
    ("BASE64_DECODE_EXT", Transform::Base64DecodeExt),
    ("URL_DECODE_UNI", Transform::UrlDecodeUni),
    ("UTF8_TO_UNICODE", Transform::Utf8ToUnicode),
    ("REMOVE_WHITESPACE", Transform::RemoveWhitespace),
    ("TRIM", Transform::Trim),
    ("TRIM_LEFT", Transform::TrimLeft),
    ("TRIM_RIGHT", Transform::TrimRight),
    ("REMOVE_COMMENTS_CHAR", Transform::RemoveCommentsChar),
    ("UPPERCASE", Transform::Uppercase),
    ("CMD_LINE_WIN", Transform::CmdLineWin),
    ("CMD_LINE_UNIX", Transform::CmdLineUnix),
    ("JS_DECODE_EXT", Transform::JsDecodeExt),
    ("SHA256", Transform::Sha256),
];

/// A transformation by its name; nothing for `NONE`.
pub(crate) fn named(name: &str) -> Result<Option<Transform>, String> {
    if name == "NONE" {
        return Ok(None);
    }
    let found = NAMES.iter().find(|(n, _)| *n == name).map(|(_, t)| Some(*t));
    found.ok_or_else(|| format!("`{name}` is no text transformation"))
}

/// In order of their priority.
pub(crate) fn chain(given: &[Transformation]) -> Result<Vec<Transform>, String> {
    let mut ordered: Vec<&Transformation> = given.iter().collect();
    ordered.sort_by_key(|t| t.priority);
    let named: Result<Vec<Option<Transform>>, String> = ordered.iter().map(|t| named(&t.r#type)).collect();
    Ok(named?.into_iter().flatten().collect())
}

/// Applies a chain. A text that a transformation leaves as it is, is not copied.
pub(crate) fn apply<'a>(chain: &[Transform], text: Cow<'a, [u8]>) -> Cow<'a, [u8]> {
    chain.iter().fold(text, |text, transform| match one(*transform, &text) {
        Some(changed) => Cow::Owned(changed),
        None => text,
    })
}

fn has(text: &[u8], byte: u8) -> bool {
    memchr::memchr(byte, text).is_some()
}

/// One transformation; `None`: unchanged.
pub(crate) fn one(transform: Transform, text: &[u8]) -> Option<Vec<u8>> {
    use Transform as T;
    match transform {
        T::CompressWhiteSpace => space::compress(text),
        T::HtmlEntityDecode => has(text, b'&').then(|| encoding::html_entities(text)),
        T::Lowercase => text.iter().any(u8::is_ascii_uppercase).then(|| text.to_ascii_lowercase()),
        T::Uppercase => text.iter().any(u8::is_ascii_lowercase).then(|| text.to_ascii_uppercase()),
        T::CmdLine => Some(space::command_line(text)),
        T::CmdLineWin => Some(space::command_line_windows(text)),
        T::CmdLineUnix => Some(space::command_line_unix(text)),
        T::UrlDecode => (has(text, b'%') || has(text, b'+')).then(|| encoding::url(text, false)),
        T::UrlDecodeUni => (has(text, b'%') || has(text, b'+')).then(|| encoding::url(text, true)),
        T::Base64Decode => Some(encoding::base64(text, false)),
        T::Base64DecodeExt => Some(encoding::base64(text, true)),
        T::HexDecode => Some(encoding::hex(text)),
        T::SqlHexDecode => encoding::sql_hex(text),
        T::Md5 => Some(md5::Md5::digest(text).to_vec()),
        T::Sha256 => Some(sha2::Sha256::digest(text).to_vec()),
        T::ReplaceComments => comments::replace(text),
        T::RemoveCommentsChar => Some(comments::remove_marks(text)),
        T::EscapeSeqDecode => has(text, b'\\').then(|| code::escapes(text)),
        T::CssDecode => has(text, b'\\').then(|| code::css(text)),
        T::JsDecode => has(text, b'\\').then(|| code::javascript(text, false)),
        T::JsDecodeExt => has(text, b'\\').then(|| code::javascript(text, true)),
        T::NormalizePath => path::normalize(text, false),
        T::NormalizePathWin => path::normalize(text, true),
        T::RemoveNulls => has(text, 0).then(|| text.iter().copied().filter(|b| *b != 0).collect()),
        T::ReplaceNulls => {
            has(text, 0).then(|| text.iter().map(|b| if *b == 0 { b' ' } else { *b }).collect())
        }
        T::Utf8ToUnicode => (!text.is_ascii()).then(|| encoding::utf8_to_unicode(text)),
        T::RemoveWhitespace => Some(text.iter().copied().filter(|b| !space::is_space(*b)).collect()),
        T::Trim => Some(space::trim(text, true, true)),
        T::TrimLeft => Some(space::trim(text, true, false)),
        T::TrimRight => Some(space::trim(text, false, true)),
    }
}

/// The value of up to `most` hexadecimal digits at the front, and how many there are.
fn leading_hex(text: &[u8], most: usize) -> (u32, usize) {
    let mut value = 0u32;
    let mut count = 0;
    for digit in text.iter().take(most).map_while(|b| char::from(*b).to_digit(16)) {
        value = value.wrapping_mul(16).wrapping_add(digit);
        count += 1;
    }
    (value, count)
}

/// The character in UTF-8, a full-width form of ASCII as what it looks like; below 256, the byte itself.
fn push_code(code: u32, out: &mut Vec<u8>) {
    let code = if (0xFF01..=0xFF5E).contains(&code) { code - 0xFEE0 } else { code };
    match u8::try_from(code) {
        Ok(byte) => out.push(byte),
        Err(_) => {
            let c = char::from_u32(code).unwrap_or('\u{FFFD}');
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_transformation_does_what_it_says() {
        let table = include_str!("cases.txt");
        let mut seen = std::collections::BTreeSet::new();
        for line in table.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
            let [name, input, expected] = line.split(" | ").collect::<Vec<_>>()[..] else { panic!("{line}") };
            let unescape = |text: &str| code::escapes(text.as_bytes());
            let transform = named(name).unwrap().unwrap();
            seen.insert(name);
            let out = apply(&[transform], Cow::Owned(unescape(input)));
            assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&unescape(expected)), "{line}");
        }
        assert_eq!(seen.len(), NAMES.len(), "every transformation has a case");
    }
}
