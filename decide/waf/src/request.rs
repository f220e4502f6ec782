//! A request as the language sees it: borrowed, raw, not decoded.

use std::net::IpAddr;

pub struct Request<'a> {
    pub method: &'a str,
    /// Raw; percent-encoded.
    pub path: &'a str,
    /// Raw; empty where there is none.
    pub query: &'a str,
    /// In the order in which they came; names in lower case.
    pub headers: Vec<(&'a str, &'a [u8])>,
    pub body: &'a [u8],
    /// The body is longer than `body` shows.
    pub oversize: bool,
    pub source_ip: IpAddr,
}

impl<'a> Request<'a> {
    /// The first header of this name (in lower case).
    pub fn header(&self, name: &str) -> Option<&'a [u8]> {
        self.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
    }

    /// Cookies in order, as sent.
    pub fn cookies(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + '_ {
        let lines = self.headers.iter().filter(|(n, _)| *n == "cookie");
        lines.flat_map(|(_, line)| line.split(|b| *b == b';')).filter_map(|pair| {
            let pair = pair.trim_ascii();
            (!pair.is_empty()).then(|| split_once(pair, b'='))
        })
    }

    /// Query arguments in order, raw.
    pub fn arguments(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        pairs(self.query.as_bytes())
    }
}

/// `a=1&b=2`, not decoded.
pub(crate) fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|b| *b == b'&').filter(|p| !p.is_empty()).map(|pair| split_once(pair, b'='))
}

fn split_once(text: &[u8], at: u8) -> (&[u8], &[u8]) {
    match memchr::memchr(at, text).and_then(|i| text.split_at_checked(i)) {
        Some((name, value)) => (name, value.split_first().map_or(value, |(_, rest)| rest)),
        None => (text, &[]),
    }
}
