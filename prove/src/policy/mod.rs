//! Answers about policies for all requests at once: what one allows and another does not, who
//! can reach a resource, whether a resource is public.
//!
//! Every answer is exact for what is modelled, or "unknown" with the reason. A counterexample is
//! a request that `decide_iam::evaluate` has decided as claimed; without one nothing fails. Never
//! runs long: what costs too much is unknown. The questions are those of IAM Access Analyzer's
//! custom policy checks, <https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-custom-policy-checks.html>.
//!
//! A policy's patterns, ranges and names become atoms ([`atom`]); a boolean search ([`sat`]) over
//! them is told by each variable of a request ([`key`], [`who`], [`what`]) which truth values
//! cannot be together. Modelled: that identity keys depend on the caller, and, with a table of
//! actions, which resources an action may be about. Not modelled: what other keys say about one
//! another, and case beyond ASCII letters.

mod answer;
mod ask;
mod atom;
mod budget;
mod checks;
mod class;
mod counterexample;
mod formula;
mod grant;
mod key;
mod language;
mod outside;
mod public;
mod reach;
mod sat;
mod side;
mod solve;
mod text;
mod values;
mod what;
mod who;

pub use answer::{Answer, Reason};
pub use checks::{Access, PolicyType, Prover};
pub use counterexample::Counterexample;
pub use outside::{Guarded, Outsider, Zone};
pub use reach::{Goal, Who};
pub use what::KnownAction;
