//! CloudFormation templates: parsed with the place of every value, checked against the
//! types that are served, resolved. Pure: what a reference stands for is asked of the caller.

mod check;
mod node;
mod order;
mod parse;
mod resolve;
mod types;

pub use check::check;
pub use node::{Node, Place, Val};
pub use order::order;
pub use parse::parse;
pub use resolve::{Lookup, Resolved, Scope};
pub use types::{Property, Shape, TypeSchema, Types};

/// Something wrong with a template, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub message: String,
    pub place: Place,
}

impl Problem {
    pub(crate) fn new(place: Place, message: impl Into<String>) -> Problem {
        Problem { message: message.into(), place }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (line {}, column {})", self.message, self.place.line, self.place.column)
    }
}

impl std::error::Error for Problem {}
