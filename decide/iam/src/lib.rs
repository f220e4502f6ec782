//! Decides what a set of policies says to a request: the IAM policy language, parsed,
//! compiled, evaluated and explained.
//!
//! Pure: no clock, no input or output, no state; time and everything else a condition may
//! ask for is in the [`Context`]. Denies by default: silence denies, a deny anywhere beats
//! every allow, and what cannot be understood matches nothing. Never finds out which
//! policies bear on a request; that is the caller's duty. Follows the IAM user guide's
//! "Policy evaluation logic" and "IAM JSON policy reference".

mod arn;
mod condition;
mod context;
mod decoded;
mod evaluate;
mod explain;
mod flip;
mod glob;
mod grants;
mod index;
mod json;
mod layers;
mod malformed;
mod message;
mod parse;
mod pattern;
mod policy;
mod principal;
mod report;
mod review;
mod scan;
mod value;
mod verdict;

pub use arn::NamePattern;
pub use condition::{Condition, ConditionValue, Operand, Operator, Quantifier, Test};
pub use context::{Context, Key};
pub use evaluate::evaluate;
pub use flip::Change;
pub use grants::{Constraint, EncryptionContext, Grants, KeyGrant, Lack};
pub use json::Position;
pub use layers::{Attached, Consent, Layers, Request, Source};
pub use malformed::Malformed;
pub use pattern::{Pattern, Token, Variable};
pub use policy::{Effect, Policy, PolicyKind, Scope, Statement, Version};
pub use principal::{Grant, Principal, PrincipalKind, PrincipalPattern};
pub use report::{facts, matched, missing};
pub use review::{Check, Finding, Place, Review, Severity, Spot, Step, TooComplex, review};
pub use value::{Cidr, Moment};
pub use verdict::{Layer, LayerVerdict, Outcome, StatementRef, Verdict, Why};
