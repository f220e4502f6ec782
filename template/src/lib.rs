//! CloudFormation templates: parsed with the place of every value, checked against the
//! types that are served, resolved. Pure: what a reference stands for is asked of the caller.

mod check;
mod known;
mod node;
mod order;
mod parse;
mod resolve;
mod rules;
mod types;

pub use check::{check, inspect};
pub use node::{Node, Place, Val};
pub use order::order;
pub use parse::parse;
pub use resolve::{Lookup, Resolved, Scope, dynamic_references, fill_dynamic, stored_kind};
pub use types::{Property, Shape, TypeSchema, Types};

/// Something that stands in a template's way, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub kind: ProblemKind,
    pub message: String,
    pub place: Place,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// AWS would refuse it, too.
    Wrong,
    /// AWS takes it; this runtime does not.
    NotServed,
}

impl Problem {
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Problem {
        Problem { kind: ProblemKind::Wrong, message: message.into(), place }
    }

    pub(crate) fn not_served(place: Place, message: impl Into<String>) -> Problem {
        Problem { kind: ProblemKind::NotServed, message: message.into(), place }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (line {}, column {})", self.message, self.place.line, self.place.column)
    }
}

impl std::error::Error for Problem {}
