//! Where a web ACL stands in the way of a request: at a load balancer, a REST stage, a user pool.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, Method};
use model::plane::{Journey, Plane};

/// A request, as far as a web ACL may look into it.
pub struct Http<'a> {
    pub method: &'a Method,
    /// Raw, still percent-encoded.
    pub path: &'a str,
    /// Raw; empty where there is none.
    pub query: &'a str,
    pub headers: &'a HeaderMap,
    /// The first bytes of the body, at most what the resource lets the web ACL see.
    pub body: &'a [u8],
    /// The body is longer than `body` shows.
    pub oversize: bool,
    pub source_ip: IpAddr,
}

/// What the web ACL says.
#[derive(Debug)]
pub enum Verdict {
    /// Go on, with these headers added (`x-amzn-waf-...`).
    Pass { headers: Vec<(String, String)> },
    /// Answer this instead.
    Block { status: u16, headers: Vec<(String, String)>, body: Bytes },
}

/// How much of a body a web ACL sees at a load balancer, bytes.
pub const BODY_AT_BALANCER: usize = 8 * 1024;
/// How much elsewhere, by default.
pub const BODY_ELSEWHERE: usize = 16 * 1024;

/// Inspects a request for the resource with this ARN, and records the verdict.
pub fn inspect(_plane: &Plane, _journey: &Journey, _resource: &str, _http: &Http<'_>) -> Verdict {
    Verdict::Pass { headers: Vec::new() }
}
