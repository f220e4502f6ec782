//! What clients are told.

use model::Fault;

pub(crate) fn missing(arn: &str) -> Fault {
    Fault::client("ResourceNotFoundException", format!("Could not find certificate {arn}."))
}

pub(crate) fn invalid_arn(arn: &str) -> Fault {
    Fault::client("InvalidArnException", format!("The ARN {arn} is not that of a certificate."))
}

pub(crate) fn in_use(arn: &str, account: &str) -> Fault {
    Fault::client("ResourceInUseException", format!("Certificate {arn} in account {account} is in use."))
}

pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::validation(message)
}

pub(crate) fn too_many_tags() -> Fault {
    Fault::client("TooManyTagsException", "A certificate can have at most 50 tags.")
}
