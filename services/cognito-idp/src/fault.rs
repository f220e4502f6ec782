//! The service's errors, with the messages that clients know.

use model::Fault;

pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterException", message)
}

/// A member that AWS serves and this runtime does not.
pub(crate) fn not_honoured(member: &str) -> Fault {
    invalid(format!("{member} is not served by this runtime"))
}

pub(crate) fn not_authorized(message: impl Into<String>) -> Fault {
    Fault::client("NotAuthorizedException", message)
}

pub(crate) fn wrong_password() -> Fault {
    not_authorized("Incorrect username or password.")
}

pub(crate) fn missing(message: impl Into<String>) -> Fault {
    Fault::client("ResourceNotFoundException", message)
}

pub(crate) fn no_pool(id: &str) -> Fault {
    missing(format!("User pool {id} does not exist."))
}

pub(crate) fn no_client(id: &str) -> Fault {
    missing(format!("User pool client {id} does not exist."))
}

pub(crate) fn no_group() -> Fault {
    missing("Group not found.")
}

pub(crate) fn no_user() -> Fault {
    Fault::client("UserNotFoundException", "User does not exist.")
}

pub(crate) fn code_mismatch() -> Fault {
    Fault::client("CodeMismatchException", "Invalid verification code provided, please try again.")
}

pub(crate) fn code_expired() -> Fault {
    Fault::client("ExpiredCodeException", "Invalid code provided, please request a code again.")
}

pub(crate) fn limit_exceeded() -> Fault {
    Fault::client("LimitExceededException", "Attempt limit exceeded, please try after some time.")
}

pub(crate) fn alias_exists(attribute: &str) -> Fault {
    Fault::client("AliasExistsException", format!("An account with the {attribute} already exists."))
}

pub(crate) fn username_exists(message: &str) -> Fault {
    Fault::client("UsernameExistsException", message)
}

pub(crate) fn bad_session() -> Fault {
    not_authorized("Invalid session for the user.")
}
