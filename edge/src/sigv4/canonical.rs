//! The canonical request: the text that both sides hash.

use std::fmt::Write as _;

use super::{Claim, Signed};

pub(super) fn request(request: Signed<'_>, claim: &Claim, body_hash: &str, s3: bool) -> String {
    let mut text = String::with_capacity(512);
    text.push_str(request.method.as_str());
    text.push('\n');
    text.push_str(&path(request.path, s3));
    text.push('\n');
    text.push_str(&canonical_query(request.query));
    text.push('\n');
    for name in &claim.signed_headers {
        text.push_str(name);
        text.push(':');
        for (i, value) in request.headers.get_all(name.as_str()).iter().enumerate() {
            if i > 0 {
                text.push(',');
            }
            push_folded(&mut text, &String::from_utf8_lossy(value.as_bytes()));
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&claim.signed_headers.join(";"));
    text.push('\n');
    text.push_str(body_hash);
    text
}

/// S3 signs the path as it is on the wire; every other service encodes it once more, dot segments removed.
fn path(raw: &str, s3: bool) -> String {
    if s3 {
        return if raw.is_empty() { "/".to_owned() } else { raw.to_owned() };
    }
    let mut segments: Vec<&str> = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    let mut normal = String::from("/");
    normal.push_str(&segments.join("/"));
    if raw.ends_with('/') && normal.len() > 1 {
        normal.push('/');
    }
    encode(&normal, true)
}

/// Trims a header value and folds runs of spaces into one.
fn push_folded(text: &mut String, value: &str) {
    let mut space = false;
    for c in value.trim().chars() {
        if c == ' ' || c == '\t' {
            space = true;
            continue;
        }
        if space {
            text.push(' ');
            space = false;
        }
        text.push(c);
    }
}

/// The query with names and values re-encoded and sorted, without the signature itself.
pub fn canonical_query(query: &str) -> String {
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .map(|(name, value)| (uri_encode(&decode(name)), uri_encode(&decode(value))))
        .collect();
    pairs.sort();
    let mut text = String::with_capacity(query.len());
    for (i, (name, value)) in pairs.iter().enumerate() {
        if i > 0 {
            text.push('&');
        }
        text.push_str(name);
        text.push('=');
        text.push_str(value);
    }
    text
}

/// The first value of a query parameter, decoded.
pub(crate) fn query_value(query: &str, name: &str) -> Option<String> {
    let (_, value) = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(n, _)| *n == name)?;
    String::from_utf8(decode(value)).ok()
}

/// Percent-decodes to bytes; malformed escapes stay as they are. A plus sign is a space only to forms, not here.
fn decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while let Some(&b) = bytes.get(i) {
        let escape = (b == b'%').then(|| bytes.get(i + 1..i + 3)).flatten();
        let decoded =
            escape.and_then(|e| std::str::from_utf8(e).ok()).and_then(|e| u8::from_str_radix(e, 16).ok());
        match decoded {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(b);
                i += 1;
            }
        }
    }
    out
}

/// Encodes everything but `A-Z a-z 0-9 - . _ ~`.
pub fn uri_encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &b in bytes {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text.push(char::from(b)),
            _ => {
                let _ = write!(text, "%{b:02X}");
            }
        }
    }
    text
}

fn encode(text: &str, keep_slash: bool) -> String {
    if !keep_slash {
        return uri_encode(text.as_bytes());
    }
    text.split('/').map(|s| uri_encode(s.as_bytes())).collect::<Vec<_>>().join("/")
}
