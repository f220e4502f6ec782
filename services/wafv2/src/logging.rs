//! Logging configurations: to which log group a web ACL's records are copied.

use model::estate::waf::WebAcl;
use model::{Fault, FromValue, IntoValue, Tx, Value};
use serde_json::json;

use crate::entity::page;
use crate::faults::{invalid, missing};
use crate::shapes::*;

const DELIVERY: &str = "delivery.logs.amazonaws.com";

/// A log group of this account and region whose name says that it is for web ACLs.
fn destination(tx: &Tx<'_>, given: &[String]) -> Result<String, Fault> {
    let [arn] = given else {
        return Err(invalid(
            "LOG_DESTINATION",
            "LogDestinationConfigs",
            "Exactly one destination is needed.",
        ));
    };
    let name = arn.split_once(":log-group:").map(|(_, name)| name.trim_end_matches(":*"));
    let Some(name) = name.filter(|_| model::Arn::parse(arn).is_some_and(|a| a.service == "logs")) else {
        return Err(invalid(
            "LOG_DESTINATION",
            arn,
            "Only log groups are served as destinations by this runtime.",
        ));
    };
    if !name.starts_with("aws-waf-logs-") {
        return Err(invalid(
            "LOG_DESTINATION",
            arn,
            "The name of the log group must begin with aws-waf-logs-.",
        ));
    }
    let plain = arn.trim_end_matches(":*").to_owned();
    let there = [plain.clone(), format!("{plain}:*")].iter().any(|a| tx.snapshot().by_arn(a).is_some());
    match there {
        true => Ok(plain),
        false => Err(Fault::client(
            "WAFLogDestinationPermissionIssueException",
            "The operation failed because you don't have the permissions that your logging configuration requires, or the log group does not exist.",
        )),
    }
}

/// As AWS does, lets the delivery service write to the log group.
fn allow_delivery(tx: &mut Tx<'_>, group: &str) -> Result<(), Fault> {
    let served =
        tx.host().registry().service("logs").is_some_and(|s| s.operation("PutResourcePolicy").is_some());
    if !served {
        return Ok(());
    }
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "AWSWAFLogs",
        "Effect": "Allow",
        "Principal": {"Service": DELIVERY},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": format!("{group}:*"),
    }]});
    let name = format!("AWSWAF-LOGS-{}", group.rsplit(':').next().unwrap_or_default());
    let input = json!({"policyName": name, "policyDocument": policy.to_string()});
    let _: Value = tx.call("wafv2.amazonaws.com", "logs", "PutResourcePolicy", Value::from_json(input))?;
    Ok(())
}

/// <https://docs.aws.amazon.com/waf/latest/APIReference/API_PutLoggingConfiguration.html>
pub(crate) fn put(
    tx: &mut Tx<'_>,
    input: PutLoggingConfigurationRequest,
) -> Result<PutLoggingConfigurationResponse, Fault> {
    let mut config = input.logging_configuration;
    let mut acl = own(tx, &config.resource_arn)?;
    let group = destination(tx, &config.log_destination_configs)?;
    for field in config.redacted_fields.iter().flatten() {
        let served = field.single_header.is_some()
            || field.uri_path.is_some()
            || field.query_string.is_some()
            || field.method.is_some();
        if !served {
            return Err(invalid(
                "FIELD_TO_MATCH",
                "RedactedFields",
                "Only UriPath, QueryString, SingleHeader and Method can be redacted.",
            ));
        }
    }
    if config.log_scope.as_deref().is_some_and(|s| s != "CUSTOMER") {
        return Err(invalid("LOG_DESTINATION", "LogScope", "Only CUSTOMER is served by this runtime."));
    }
    allow_delivery(tx, &group)?;
    config.log_destination_configs = vec![group];
    config.log_type = Some("WAF_LOGS".to_owned());
    config.log_scope = Some("CUSTOMER".to_owned());
    config.managed_by_firewall_manager = Some(false);
    acl.logging = Some(config.clone().into_value().to_json());
    tx.put(acl)?;
    Ok(PutLoggingConfigurationResponse { logging_configuration: Some(config) })
}

fn own(tx: &Tx<'_>, arn: &str) -> Result<WebAcl, Fault> {
    tx.find_arn::<WebAcl>(arn).filter(|a| a.account == tx.account).cloned().ok_or_else(missing)
}

fn of(acl: &WebAcl) -> Result<Option<LoggingConfiguration>, Fault> {
    acl.logging.clone().map(|l| LoggingConfiguration::from_value(Value::from_json(l))).transpose()
}

pub(crate) fn get(
    tx: &mut Tx<'_>,
    input: GetLoggingConfigurationRequest,
) -> Result<GetLoggingConfigurationResponse, Fault> {
    let config = of(&own(tx, &input.resource_arn)?)?.ok_or_else(missing)?;
    Ok(GetLoggingConfigurationResponse { logging_configuration: Some(config) })
}

pub(crate) fn delete(
    tx: &mut Tx<'_>,
    input: DeleteLoggingConfigurationRequest,
) -> Result<DeleteLoggingConfigurationResponse, Fault> {
    let mut acl = own(tx, &input.resource_arn)?;
    if acl.logging.take().is_none() {
        return Err(missing());
    }
    tx.put(acl)?;
    Ok(DeleteLoggingConfigurationResponse::default())
}

pub(crate) fn list(
    tx: &mut Tx<'_>,
    input: ListLoggingConfigurationsRequest,
) -> Result<ListLoggingConfigurationsResponse, Fault> {
    let mut all = Vec::new();
    for acl in tx.list::<WebAcl>().filter(|_| input.scope == "REGIONAL") {
        all.extend(of(acl)?);
    }
    let (shown, next_marker) =
        page(all, |c| c.resource_arn.clone(), input.next_marker.as_deref(), input.limit);
    Ok(ListLoggingConfigurationsResponse { logging_configurations: Some(shown), next_marker })
}
