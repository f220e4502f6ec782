//! Attributes of load balancers, listeners and target groups: a table of those that are carried
//! out, with their defaults and the values they may have. Any other is refused.

use std::collections::BTreeMap;

use model::Fault;

use crate::fault::invalid;

pub(crate) type Attributes = BTreeMap<String, String>;

/// The values that an attribute may have.
pub(crate) enum Form {
    Truth,
    /// The default and nothing else: the runtime cannot do the other.
    Fixed,
    OneOf(&'static [&'static str]),
    Number(u32, u32),
    /// `off` or a number.
    OffOr(u32, u32),
    Text(usize),
}

pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) default: &'static str,
    form: Form,
}

const fn known(name: &'static str, default: &'static str, form: Form) -> Known {
    Known { name, default, form }
}

/// Of application load balancers.
pub(crate) const LOAD_BALANCER: &[Known] = &[
    known("access_logs.s3.bucket", "", Form::Text(63)),
    known("access_logs.s3.enabled", "false", Form::Truth),
    known("access_logs.s3.prefix", "", Form::Text(512)),
    known("client_keep_alive.seconds", "3600", Form::Number(60, 604_800)),
    known("connection_logs.s3.bucket", "", Form::Fixed),
    known("connection_logs.s3.enabled", "false", Form::Fixed),
    known("connection_logs.s3.prefix", "", Form::Fixed),
    known("deletion_protection.enabled", "false", Form::Truth),
    known("idle_timeout.timeout_seconds", "60", Form::Number(1, 4000)),
    known("load_balancing.cross_zone.enabled", "true", Form::Fixed),
    known(
        "routing.http.desync_mitigation_mode",
        "defensive",
        Form::OneOf(&["monitor", "defensive", "strictest"]),
    ),
    known("routing.http.drop_invalid_header_fields.enabled", "false", Form::Truth),
    known("routing.http.preserve_host_header.enabled", "false", Form::Truth),
    known("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false", Form::Truth),
    known("routing.http.xff_client_port.enabled", "false", Form::Truth),
    known(
        "routing.http.xff_header_processing.mode",
        "append",
        Form::OneOf(&["append", "preserve", "remove"]),
    ),
    known("routing.http2.enabled", "true", Form::Truth),
    known("waf.fail_open.enabled", "false", Form::Fixed),
    known("zonal_shift.config.enabled", "false", Form::Fixed),
];

/// Of target groups.
pub(crate) const TARGET_GROUP: &[Known] = &[
    known("deregistration_delay.timeout_seconds", "300", Form::Number(0, 3600)),
    known("load_balancing.algorithm.anomaly_mitigation", "off", Form::Fixed),
    known(
        "load_balancing.algorithm.type",
        "round_robin",
        Form::OneOf(&["round_robin", "least_outstanding_requests", "weighted_random"]),
    ),
    known(
        "load_balancing.cross_zone.enabled",
        "use_load_balancer_configuration",
        Form::OneOf(&["true", "use_load_balancer_configuration"]),
    ),
    known("slow_start.duration_seconds", "0", Form::Fixed),
    known("stickiness.app_cookie.cookie_name", "", Form::Fixed),
    known("stickiness.app_cookie.duration_seconds", "86400", Form::Fixed),
    known("stickiness.enabled", "false", Form::Truth),
    known("stickiness.lb_cookie.duration_seconds", "86400", Form::Number(1, 604_800)),
    known("stickiness.type", "lb_cookie", Form::Fixed),
    known("target_group_health.dns_failover.minimum_healthy_targets.count", "1", Form::Fixed),
    known("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", Form::Fixed),
    known(
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        "1",
        Form::Number(1, 1000),
    ),
    known(
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        "off",
        Form::OffOr(1, 100),
    ),
];

/// Of HTTP and HTTPS listeners.
pub(crate) const LISTENER: &[Known] = &[
    known("routing.http.response.access_control_allow_credentials.header_value", "", Form::Text(1024)),
    known("routing.http.response.access_control_allow_headers.header_value", "", Form::Text(1024)),
    known("routing.http.response.access_control_allow_methods.header_value", "", Form::Text(1024)),
    known("routing.http.response.access_control_allow_origin.header_value", "", Form::Text(1024)),
    known("routing.http.response.access_control_expose_headers.header_value", "", Form::Text(1024)),
    known("routing.http.response.access_control_max_age.header_value", "", Form::Text(1024)),
    known("routing.http.response.content_security_policy.header_value", "", Form::Text(1024)),
    known("routing.http.response.server.enabled", "true", Form::Truth),
    known("routing.http.response.strict_transport_security.header_value", "", Form::Text(1024)),
    known("routing.http.response.x_content_type_options.header_value", "", Form::Text(1024)),
    known("routing.http.response.x_frame_options.header_value", "", Form::Text(1024)),
];

/// Every attribute with its default.
pub(crate) fn defaults(table: &[Known]) -> Attributes {
    table.iter().map(|k| (k.name.to_owned(), k.default.to_owned())).collect()
}

/// Sets the given attributes, all or none.
pub(crate) fn set(
    table: &[Known],
    attributes: &mut Attributes,
    given: impl Iterator<Item = (Option<String>, Option<String>)>,
) -> Result<(), Fault> {
    for (key, value) in given {
        let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
        let known = table.iter().find(|k| k.name == key);
        let known = known.ok_or_else(|| {
            invalid(format!("Attribute key '{key}' is not recognized, or is not carried out by this runtime"))
        })?;
        if !fits(known, &value) {
            return Err(invalid(format!(
                "The value '{value}' is not valid for attribute '{key}', or is not carried out by this runtime"
            )));
        }
        attributes.insert(key, value);
    }
    Ok(())
}

fn fits(known: &Known, value: &str) -> bool {
    let within = |low: u32, high: u32| value.parse::<u32>().is_ok_and(|n| (low..=high).contains(&n));
    match known.form {
        Form::Truth => matches!(value, "true" | "false"),
        Form::Fixed => value == known.default,
        Form::OneOf(values) => values.contains(&value),
        Form::Number(low, high) => within(low, high),
        Form::OffOr(low, high) => value == "off" || within(low, high),
        Form::Text(most) => value.len() <= most && value.bytes().all(|b| b.is_ascii_graphic() || b == b' '),
    }
}
