//! Faults as Access Analyzer words them.

use model::Fault;

pub(crate) fn not_found(what: &'static str, id: &str) -> Fault {
    let message = format!("The {what} {id} was not found.");
    Fault::new("ResourceNotFoundException", 404, message).with("resourceId", id).with("resourceType", what)
}

pub(crate) fn conflict(what: &'static str, id: &str) -> Fault {
    let message = format!("The {what} {id} already exists.");
    Fault::new("ConflictException", 409, message).with("resourceId", id).with("resourceType", what)
}

pub(crate) fn quota(what: &'static str, id: &str, message: String) -> Fault {
    Fault::new("ServiceQuotaExceededException", 402, message)
        .with("resourceId", id)
        .with("resourceType", what)
}

/// A member that the shape allows and the service does not.
pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::validation(message).with("reason", "fieldValidationFailed")
}
