//! The errors of ECS.

use model::Fault;

pub(crate) fn client(message: impl Into<String>) -> Fault {
    Fault::client("ClientException", message)
}

pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterException", message)
}

/// What AWS serves and this runtime does not: refused, never ignored.
pub(crate) fn unserved(what: &str) -> Fault {
    invalid(format!("{what} not served by this runtime"))
}

pub(crate) fn no_cluster() -> Fault {
    Fault::client("ClusterNotFoundException", "Cluster not found.")
}

pub(crate) fn no_service() -> Fault {
    Fault::client("ServiceNotFoundException", "Service not found.")
}
