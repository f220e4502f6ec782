//! What can go wrong, as the customer sees it; the details go to the log.

use std::fmt;

#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    /// For the customer.
    pub(crate) message: &'static str,
    /// For the log. Never a token, a password or a body.
    pub(crate) details: String,
}

impl Failure {
    pub(crate) fn new(status: u16, message: &'static str) -> Failure {
        Failure { status, message, details: String::new() }
    }

    pub(crate) fn unauthorized(details: impl fmt::Display) -> Failure {
        Failure { details: details.to_string(), ..Failure::new(401, "sign in first") }
    }

    /// A part that this one leans on did not do what it should.
    pub(crate) fn upstream(what: &str, details: impl fmt::Display) -> Failure {
        Failure {
            details: format!("{what}: {details}"),
            ..Failure::new(502, "the shop is not well; try again")
        }
    }

    pub(crate) fn config(details: impl fmt::Display) -> Failure {
        Failure { details: details.to_string(), ..Failure::new(500, "the shop is not set up") }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.details.is_empty() {
            true => f.write_str(self.message),
            false => write!(f, "{}: {}", self.message, self.details),
        }
    }
}
