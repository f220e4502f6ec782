//! What AWS says when it refuses.

use model::Fault;

pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterException", message)
}

pub(crate) fn malformed(message: impl Into<String>) -> Fault {
    Fault::client("MalformedArnException", message)
}

pub(crate) fn unknown(what: &str) -> Fault {
    Fault::client("UnknownResourceException", format!("{what} could not be found."))
}

pub(crate) fn not_permitted(message: impl Into<String>) -> Fault {
    Fault::client("OperationNotPermittedException", message)
}

pub(crate) fn transition(message: impl Into<String>) -> Fault {
    Fault::client("InvalidStateTransitionException", message)
}

/// Something would leave the organization, or the organization does not share.
pub(crate) fn outside() -> Fault {
    not_permitted(
        "The resource you are attempting to share can only be shared within your AWS Organization. This error may also occur if you have not enabled sharing with your AWS organization, or that onboarding process is still in progress.",
    )
}
