//! The HTTP inspection language: which rules of a web ACL a request meets, and what is
//! therefore to be done with it. Follows the AWS WAF Developer Guide.
//!
//! A web ACL is compiled once; inspecting compiles nothing. Pure: no clock, no I/O. What
//! rate-based rules count is kept by the caller ([`Rates`]). A web ACL that cannot be
//! compiled has no lenient reading: the caller refuses every request.
//!
//! Not served, and refused by name: where an address is (countries, networks), and
//! fingerprints of TLS handshakes.

mod action;
mod address;
mod compile;
mod detect;
mod evaluate;
mod field;
mod json;
mod managed;
mod matcher;
mod outcome;
mod rate;
mod request;
mod transform;

pub use action::Answer;
pub use compile::{Acl, compile};
pub use evaluate::{evaluate, explain};
pub use outcome::{Detail, Hit, Inspection, Kind, Verdict};
pub use rate::{RateRule, Rates, Uncounted};
pub use request::Request;
