//! Whether the conditions of a rule hold for a request. Pure.

use std::net::IpAddr;

use http::{HeaderMap, Method};
use model::estate::elb::{Action, Condition, Rule};

/// What rules look at.
pub(super) struct Seen<'a> {
    pub(super) method: &'a Method,
    /// Without the port.
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    /// The peer of the connection, never what a header says.
    pub(super) source: IpAddr,
}

/// The rule that matches first, by priority; `rules` are in that order.
pub(super) fn first<'a>(rules: &'a [Rule], seen: &Seen<'_>) -> Option<(&'a Rule, &'a [Action])> {
    let rule =
        rules.iter().find(|r| !r.conditions.is_empty() && r.conditions.iter().all(|c| holds(c, seen)))?;
    Some((rule, &rule.actions))
}

fn holds(condition: &Condition, seen: &Seen<'_>) -> bool {
    match condition {
        Condition::Host(values) => values.iter().any(|v| matches(&lower(v), &lower(seen.host))),
        Condition::Path(values) => values.iter().any(|v| matches(v, seen.path)),
        Condition::Method(values) => values.iter().any(|v| v == seen.method.as_str()),
        Condition::Source(values) => values.iter().any(|v| within(v, seen.source)),
        Condition::Header { name, values } => seen.headers.get_all(name.as_str()).iter().any(|h| {
            let text = String::from_utf8_lossy(h.as_bytes());
            values.iter().any(|v| matches(&lower(v), &lower(&text)))
        }),
        Condition::Query(pairs) => pairs.iter().any(|(k, v)| query_has(k.as_deref(), v, seen.query)),
    }
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// Whether one of the query's pairs has this key (or any) and this value.
fn query_has(key: Option<&str>, value: &str, query: &str) -> bool {
    query.split('&').filter(|p| !p.is_empty()).any(|pair| {
        let (k, v) = pair.split_once('=').unwrap_or((pair, ""));
        key.is_none_or(|key| matches(&lower(key), &lower(k))) && matches(&lower(value), &lower(v))
    })
}

/// `*` stands for any text, `?` for one character, `\` takes the meaning of what follows away.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pieces(pattern), text.chars().collect::<Vec<_>>());
    let (mut p, mut t) = (0, 0);
    // Where to go on if what follows the last star does not fit.
    let mut star: Option<(usize, usize)> = None;
    while let Some(c) = text.get(t) {
        let fits = match pattern.get(p) {
            Some(Piece::Any) => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(Piece::One) => true,
            Some(Piece::Char(x)) => x == c,
            None => false,
        };
        if fits {
            (p, t) = (p + 1, t + 1);
            continue;
        }
        match star {
            Some((at, from)) => {
                star = Some((at, from + 1));
                (p, t) = (at + 1, from + 1);
            }
            None => return false,
        }
    }
    pattern.iter().skip(p).all(|piece| matches!(piece, Piece::Any))
}

enum Piece {
    Any,
    One,
    Char(char),
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut chars = pattern.chars();
    let mut pieces = Vec::with_capacity(pattern.len());
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => Piece::Char(chars.next().unwrap_or('\\')),
            other => Piece::Char(other),
        });
    }
    pieces
}

fn within(block: &str, address: IpAddr) -> bool {
    let Some((network, length)) = block.split_once('/') else { return false };
    let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
    match (network, address) {
        (IpAddr::V4(n), IpAddr::V4(a)) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            u32::from(n) & mask == u32::from(a) & mask
        }
        (IpAddr::V6(n), IpAddr::V6(a)) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            u128::from(n) & mask == u128::from(a) & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let cases = [
            ("/img/*", "/img/a/b.png", true),
            ("/img/*", "/image", false),
            ("*.example.com", "a.b.example.com", true),
            ("*.example.com", "example.com", false),
            ("/a?c", "/abc", true),
            ("/a?c", "/ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("", "", true),
            ("*", "", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn conditions() {
        let mut headers = HeaderMap::new();
        headers.append("x-stage", "alpha".parse().unwrap());
        headers.append("x-stage", "Beta".parse().unwrap());
        let seen = Seen {
            method: &Method::GET,
            host: "Shop.example.com",
            path: "/Cart/1",
            query: "v=2&flag&name=Ann",
            headers: &headers,
            source: IpAddr::from([10, 0, 1, 7]),
        };
        let texts = |v: &[&str]| v.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let header = |name: &str, v: &str| Condition::Header { name: name.into(), values: texts(&[v]) };
        let query = |k: Option<&str>, v: &str| Condition::Query(vec![(k.map(str::to_owned), v.to_owned())]);
        let cases = [
            (Condition::Host(texts(&["other.com", "shop.EXAMPLE.com"])), true),
            (Condition::Path(texts(&["/Cart/*"])), true),
            (Condition::Path(texts(&["/cart/*"])), false),
            (Condition::Method(texts(&["POST"])), false),
            (header("X-Stage", "beta"), true),
            (header("X-Stage", "gamma"), false),
            (header("X-None", "*"), false),
            (query(Some("v"), "2"), true),
            (query(Some("V"), "3"), false),
            (query(None, "ann"), true),
            (Condition::Source(texts(&["10.0.1.0/24"])), true),
            (Condition::Source(texts(&["10.0.2.0/24"])), false),
            (Condition::Source(texts(&["0.0.0.0/0"])), true),
            (Condition::Source(texts(&["::/0"])), false),
        ];
        for (condition, expected) in cases {
            assert_eq!(holds(&condition, &seen), expected, "{condition:?}");
        }
    }
}
