//! The prover against tables of facts, against the evaluator on random requests, and against
//! policies made to exhaust it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail by panicking"
)]

mod cases;
mod hostile;
mod outside;
mod reach;
mod sampled;

use std::sync::Arc;

use decide_iam::Policy;
use prove::policy::{Answer, PolicyType};
use serde_json::Value;

/// A document as it would be in force.
pub(crate) fn policy(document: &Value, of: PolicyType) -> Arc<Policy> {
    let text = document.as_str().map_or_else(|| document.to_string(), str::to_owned);
    Arc::new(Policy::read(&text, of.kind()).unwrap_or_else(|fault| panic!("{fault}\n{text}")))
}

/// `PASS`, `FAIL` or `UNKNOWN`.
pub(crate) fn result(answer: &Answer) -> &'static str {
    answer.result().unwrap_or("UNKNOWN")
}
