//! What clients are told, in AWS's words.

use model::Fault;

pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("ValidationError", message)
}

pub(crate) fn no_load_balancer(name: &str) -> Fault {
    Fault::client("LoadBalancerNotFound", format!("Load balancers '[{name}]' not found"))
}

pub(crate) fn no_listener() -> Fault {
    Fault::client("ListenerNotFound", "One or more listeners not found")
}

pub(crate) fn no_rule() -> Fault {
    Fault::client("RuleNotFound", "One or more rules not found")
}

pub(crate) fn no_target_group() -> Fault {
    Fault::client("TargetGroupNotFound", "One or more target groups not found")
}

pub(crate) fn no_trust_store(arn: &str) -> Fault {
    Fault::client("TrustStoreNotFound", format!("Trust store '{arn}' not found"))
}

pub(crate) fn no_certificate(arn: &str) -> Fault {
    Fault::client("CertificateNotFound", format!("Certificate '{arn}' not found"))
}

pub(crate) fn configuration(message: impl Into<String>) -> Fault {
    Fault::client("InvalidConfigurationRequest", message)
}

pub(crate) fn action(message: impl Into<String>) -> Fault {
    Fault::client("InvalidLoadBalancerAction", message)
}

pub(crate) fn in_use(message: impl Into<String>) -> Fault {
    Fault::client("ResourceInUse", message)
}

/// More than the quota allows.
pub(crate) fn too_many(code: &'static str, what: &str, most: usize) -> Fault {
    Fault::client(code, format!("The maximum number of {what} ({most}) has been reached"))
}

/// Something that AWS has and this runtime does not carry out.
pub(crate) fn not_served(what: &str) -> Fault {
    configuration(format!("{what} is not carried out by this runtime"))
}
