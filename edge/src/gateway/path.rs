//! Paths: raw on the way through, decoded only to be compared.

use percent_encoding::percent_decode_str;

/// The segments of a raw path, without its leading slash. `None` if a backend could read it as
/// another path than the one that was checked: dot segments (encoded or not), backslashes,
/// control characters, broken escapes.
pub(super) fn segments(path: &str) -> Option<Vec<&str>> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let good = |segment: &&str| {
        let decoded = decoded(segment)?;
        // Two layers of escapes are one too many for a dot segment.
        let twice = percent_decode_str(&decoded).decode_utf8_lossy().into_owned();
        let dots = |text: &str| text.split('/').any(|part| matches!(part, "." | ".."));
        let strange = |text: &str| text.chars().any(|c| c.is_control() || c == '\\');
        (!dots(&decoded) && !dots(&twice) && !strange(&decoded)).then_some(())
    };
    segments.iter().all(|s| good(s).is_some()).then_some(segments)
}

/// A segment as text; `None` if its escapes are broken.
pub(super) fn decoded(segment: &str) -> Option<String> {
    let mut escapes = segment.split('%').skip(1);
    if escapes.any(|e| !e.is_char_boundary(2) || e.bytes().take(2).filter(u8::is_ascii_hexdigit).count() < 2)
    {
        return None;
    }
    percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

/// The pairs of a raw query, decoded, in order.
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let text = |raw: &str| percent_decode_str(&raw.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (text(name), text(value))
    };
    query.split('&').filter(|p| !p.is_empty()).map(pair).collect()
}

/// Text as one value of a query.
pub(super) fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_a_backend_could_read_otherwise_are_refused() {
        for good in ["/", "/a/b", "/a%20b", "/a//b", "/a..b/...", "/a%2Fb"] {
            assert!(segments(good).is_some(), "{good}");
        }
        for bad in [
            "/a/../b",
            "/.",
            "/a/%2e%2E/b",
            "/a/%252e%252e/b",
            "/a%2F..%2Fb",
            "/a\\b",
            "/a%5cb",
            "/%zz",
            "/a%0a",
            "a",
        ] {
            assert!(segments(bad).is_none(), "{bad}");
        }
    }
}
