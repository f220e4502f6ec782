//! What AWS says when it refuses.

use model::Fault;

pub(crate) fn value(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterValue", message)
}

pub(crate) fn bad_value(given: &str, parameter: &str, why: &str) -> Fault {
    value(format!("Value ({given}) for parameter {parameter} is invalid. {why}"))
}

pub(crate) fn absent(parameter: &str) -> Fault {
    Fault::client("MissingParameter", format!("The request must contain the parameter {parameter}"))
}

pub(crate) fn combination(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterCombination", message)
}

pub(crate) fn dependency(message: impl Into<String>) -> Fault {
    Fault::client("DependencyViolation", message)
}

pub(crate) fn limit(code: &'static str, what: &str) -> Fault {
    Fault::client(code, format!("The maximum number of {what} has been reached."))
}

/// Refuses parameters that would be accepted and then mean nothing.
pub(crate) fn refuse(given: &[(&str, bool)]) -> Result<(), Fault> {
    match given.iter().find(|(_, present)| *present) {
        Some((name, _)) => Err(Fault::client(
            "UnsupportedOperation",
            format!("The parameter {name} is not served by this runtime"),
        )),
        None => Ok(()),
    }
}
