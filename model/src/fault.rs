//! What a client sees when a call fails: AWS's code, HTTP status and message.

use std::borrow::Cow;

use crate::api::{Api, Protocol};
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

/// What is sent of a fault: the answer and the record say the same.
impl Fault {
    /// A general code under the name that a service or protocol has for it.
    pub fn named(&self, api: Option<&Api>, protocol: Protocol) -> &str {
        let code = self.code.as_ref();
        match (protocol, code) {
            (Protocol::Ec2, "AccessDeniedException") => "UnauthorizedOperation",
            (Protocol::Query | Protocol::RestXml, "AccessDeniedException") => "AccessDenied",
            (Protocol::Query, "ValidationException" | "SerializationException") => "ValidationError",
            (Protocol::Ec2, "ValidationException") => "InvalidParameterValue",
            (Protocol::RestXml, "ValidationException") => "InvalidArgument",
            (Protocol::RestXml | Protocol::Ec2, "InternalFailure") => "InternalError",
            (Protocol::RestJson, "ValidationException")
                if api.is_some_and(|a| a.name.starts_with("apigateway")) =>
            {
                "BadRequestException"
            }
            (_, "ValidationException") => match api.map(|a| a.name) {
                Some("cognito-idp" | "cognito-identity" | "ecs" | "logs") => "InvalidParameterException",
                _ => code,
            },
            _ => code,
        }
    }

    /// The code in the answer. In XML it may differ from the name of the shape.
    pub fn sent_code<'a>(&'a self, api: Option<&Api>, protocol: Protocol) -> &'a str {
        let code = self.named(api, protocol);
        match protocol {
            Protocol::Query | Protocol::RestXml => {
                api.and_then(|a| a.error(code)).map_or(code, |(wire, _)| wire)
            }
            Protocol::Ec2 | Protocol::Json10 | Protocol::Json11 | Protocol::RestJson | Protocol::Cbor => code,
        }
    }

    /// The message in the answer: EC2 has a sentence of its own before the reason of a denial.
    pub fn sent_message(&self, protocol: Protocol) -> Cow<'_, str> {
        match protocol == Protocol::Ec2 && self.code == "AccessDeniedException" {
            true => format!("You are not authorized to perform this operation. {}", self.message).into(),
            false => Cow::Borrowed(&self.message),
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Fault {}
