//! The errors of RDS, by name.

use model::Fault;

pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterValue", message)
}

pub(crate) fn combination(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterCombination", message)
}

/// What AWS has and this runtime does not.
pub(crate) fn not_served(what: &str) -> Fault {
    invalid(format!("{what} is not served by this runtime"))
}

pub(crate) fn no_instance(id: &str) -> Fault {
    Fault::new("DBInstanceNotFound", 404, format!("DBInstance {id} not found."))
}

pub(crate) fn state(message: impl Into<String>) -> Fault {
    Fault::client("InvalidDBInstanceState", message)
}

pub(crate) fn no_subnet_group(name: &str) -> Fault {
    Fault::new("DBSubnetGroupNotFoundFault", 404, format!("DB subnet group '{name}' does not exist."))
}

pub(crate) fn no_parameter_group(name: &str) -> Fault {
    Fault::new("DBParameterGroupNotFound", 404, format!("DBParameterGroup not found: {name}"))
}
