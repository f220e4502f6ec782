//! What a client sees when a call fails: AWS's code, HTTP status and message.

use std::borrow::Cow;

use crate::value::Members;

/// An error as AWS documents it. Made by named functions, never by hand in the middle of a handler.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The code that clients branch on, e.g. `NotFoundException`.
    pub code: Cow<'static, str>,
    pub status: u16,
    pub message: String,
    /// Further members of the error shape, e.g. `CancellationReasons`.
    pub detail: Option<Box<Members>>,
}

impl Fault {
    pub fn new(code: impl Into<Cow<'static, str>>, status: u16, message: impl Into<String>) -> Fault {
        Fault { code: code.into(), status, message: message.into(), detail: None }
    }

    /// A fault of the caller's: status 400.
    pub fn client(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Fault {
        Fault::new(code, 400, message)
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<crate::value::Value>) -> Fault {
        self.detail.get_or_insert_default().push(name, value);
        self
    }

    /// The caller may not do this; `message` is the decision's own explanation.
    pub fn access_denied(message: impl Into<String>) -> Fault {
        Fault::new("AccessDeniedException", 403, message)
    }

    pub fn validation(message: impl Into<String>) -> Fault {
        Fault::client("ValidationException", message)
    }

    pub fn serialization(message: impl Into<String>) -> Fault {
        Fault::client("SerializationException", message)
    }

    /// Something of ours failed; `what` says what to suspect. Clients may retry.
    pub fn internal(what: impl Into<String>) -> Fault {
        Fault::new("InternalFailure", 500, what)
    }

    /// The record cannot be written or a dependency is gone: nothing is permitted meanwhile.
    pub fn unavailable(what: impl Into<String>) -> Fault {
        Fault::new("ServiceUnavailable", 503, what)
    }

    /// The operation exists in AWS but is not built here.
    pub fn not_served(operation: &str) -> Fault {
        Fault::new("NotImplemented", 501, format!("operation `{operation}` is not served by this runtime"))
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}
