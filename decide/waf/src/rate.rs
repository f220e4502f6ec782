//! Rate-based rules: what is counted together. The counting itself needs a clock and a memory;
//! both are the caller's.

use model::estate::waf::rule::{ForwardedIp, RateBased, RateKey};

use crate::address::{Forwarded, forwarded};
use crate::request::Request;
use crate::transform::{self, Transform};

/// Keeps the counts.
pub trait Rates {
    /// Counts one more request under this key, and gives how many came in the rule's window, this one included.
    fn count(&self, rule: &RateRule, key: &[u8]) -> u64;
}

/// Counts nothing: for explanations.
pub struct Uncounted;

impl Rates for Uncounted {
    fn count(&self, _: &RateRule, _: &[u8]) -> u64 {
        0
    }
}

/// A rate-based rule.
pub struct RateRule {
    /// Of the web ACL, group and rule; counts are kept apart by it.
    pub id: String,
    pub limit: u64,
    pub window_seconds: u32,
    /// As logs name the way of aggregation.
    pub aggregate: String,
    pub(crate) parts: Vec<Part>,
}

pub(crate) enum Part {
    Ip,
    Forwarded(ForwardedIp),
    Header(String, Vec<Transform>),
    Cookie(String, Vec<Transform>),
    Argument(String, Vec<Transform>),
    Query(Vec<Transform>),
    Path(Vec<Transform>),
    Method,
    Labels(String),
}

/// What a request is counted under.
pub(crate) enum Key {
    /// The rule does not bear on the request.
    None,
    /// The rule matches without counting: the forwarding header is unreadable, and is to count as a match.
    Match,
    Of(Vec<u8>),
}

pub(crate) fn rule(id: String, given: &RateBased) -> Result<RateRule, String> {
    let window_seconds = given.evaluation_window_sec.unwrap_or(300);
    if ![60, 120, 300, 600].contains(&window_seconds) {
        return Err(format!("{window_seconds} seconds are no evaluation window"));
    }
    let forwarding =
        || given.forwarded.clone().ok_or_else(|| "a forwarded IP configuration is needed".to_owned());
    let parts = match given.aggregate_key_type.as_str() {
        "IP" => vec![Part::Ip],
        "FORWARDED_IP" => vec![Part::Forwarded(forwarding()?)],
        "CONSTANT" => Vec::new(),
        "CUSTOM_KEYS" if given.custom_keys.is_empty() => return Err("custom keys are needed".to_owned()),
        "CUSTOM_KEYS" => {
            let mut parts = Vec::new();
            for key in &given.custom_keys {
                parts.push(part(key, &forwarding)?);
            }
            parts
        }
        other => return Err(format!("`{other}` is no aggregate key type")),
    };
    Ok(RateRule {
        id,
        limit: given.limit,
        window_seconds,
        aggregate: given.aggregate_key_type.clone(),
        parts,
    })
}

fn part(key: &RateKey, forwarding: &dyn Fn() -> Result<ForwardedIp, String>) -> Result<Part, String> {
    Ok(match key {
        RateKey::Header(h) => {
            Part::Header(h.name.to_ascii_lowercase(), transform::chain(&h.text_transformations)?)
        }
        RateKey::Cookie(c) => Part::Cookie(c.name.clone(), transform::chain(&c.text_transformations)?),
        RateKey::QueryArgument(a) => {
            Part::Argument(a.name.clone(), transform::chain(&a.text_transformations)?)
        }
        RateKey::QueryString(q) => Part::Query(transform::chain(&q.text_transformations)?),
        RateKey::UriPath(p) => Part::Path(transform::chain(&p.text_transformations)?),
        RateKey::Method(_) => Part::Method,
        RateKey::Ip(_) => Part::Ip,
        RateKey::ForwardedIp(_) => Part::Forwarded(forwarding()?),
        RateKey::LabelNamespace(n) => Part::Labels(n.namespace.clone()),
        RateKey::Ja3(_) | RateKey::Ja4(_) => {
            return Err("fingerprints of TLS handshakes are not known to this runtime".to_owned());
        }
        RateKey::Asn(_) => return Err("the networks of addresses are not known to this runtime".to_owned()),
    })
}

/// A request in which a part is missing is not counted.
pub(crate) fn key(rule: &RateRule, request: &Request<'_>, labels: &[String]) -> Key {
    let mut key = Vec::new();
    for part in &rule.parts {
        let changed = |chain: &[Transform], text: &[u8]| transform::apply(chain, text.into()).into_owned();
        let found = match part {
            Part::Ip => Some(request.source_ip.to_string().into_bytes()),
            Part::Method => Some(request.method.as_bytes().to_vec()),
            Part::Header(name, chain) => request.header(name).map(|v| changed(chain, v)),
            Part::Cookie(name, chain) => {
                request.cookies().find(|(n, _)| *n == name.as_bytes()).map(|(_, v)| changed(chain, v))
            }
            Part::Argument(name, chain) => request
                .arguments()
                .find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
                .map(|(_, v)| changed(chain, v)),
            Part::Query(chain) => {
                Some(request.query).filter(|q| !q.is_empty()).map(|q| changed(chain, q.as_bytes()))
            }
            Part::Path(chain) => Some(changed(chain, request.path.as_bytes())),
            Part::Labels(namespace) => {
                let own: Vec<&str> =
                    labels.iter().map(String::as_str).filter(|l| l.starts_with(namespace.as_str())).collect();
                (!own.is_empty()).then(|| own.join(",").into_bytes())
            }
            Part::Forwarded(config) => match forwarded(request, config) {
                Forwarded::Absent => None,
                Forwarded::Invalid if config.fallback_behavior == "MATCH" => return Key::Match,
                Forwarded::Invalid => None,
                Forwarded::Addresses(all) => all.first().map(|a| a.to_string().into_bytes()),
            },
        };
        let Some(found) = found else { return Key::None };
        key.extend_from_slice(&(found.len() as u64).to_be_bytes());
        key.extend_from_slice(&found);
    }
    Key::Of(key)
}
