//! The errors of AWS WAF.

use model::Fault;

/// What is invalid: the field as `ParameterExceptionField` names it, the value given, and why.
pub(crate) fn invalid(field: &'static str, given: &str, reason: impl Into<String>) -> Fault {
    let reason = reason.into();
    let message = format!("Error reason: {reason}, field: {field}, parameter: {given}");
    Fault::client("WAFInvalidParameterException", message)
        .with("Field", field)
        .with("Parameter", given)
        .with("Reason", reason)
}

pub(crate) fn missing() -> Fault {
    Fault::client(
        "WAFNonexistentItemException",
        "AWS WAF couldn’t perform the operation because your resource doesn’t exist.",
    )
}

pub(crate) fn duplicate() -> Fault {
    Fault::client(
        "WAFDuplicateItemException",
        "AWS WAF couldn’t perform the operation because some resource in your request is a duplicate of an existing one.",
    )
}

pub(crate) fn outdated() -> Fault {
    Fault::client(
        "WAFOptimisticLockException",
        "AWS WAF couldn’t save your changes because someone changed the resource after you started to edit it. Reapply your changes.",
    )
}

pub(crate) fn associated() -> Fault {
    Fault::client(
        "WAFAssociatedItemException",
        "AWS WAF couldn’t perform the operation because your resource is being used by another resource or it’s associated with another resource.",
    )
}

pub(crate) fn too_large(needed: u64, most: u64) -> Fault {
    Fault::client(
        "WAFLimitsExceededException",
        format!(
            "AWS WAF couldn’t perform the operation because you exceeded your resource limit: {needed} WCUs are needed, {most} are allowed."
        ),
    )
}

/// Only regional resources are served: there is no CloudFront here.
pub(crate) fn regional(scope: &str) -> Result<(), Fault> {
    match scope {
        "REGIONAL" => Ok(()),
        other => Err(invalid("SCOPE_VALUE", other, "The scope is not served by this runtime: use REGIONAL.")),
    }
}
