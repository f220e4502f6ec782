//! Conditions of rules: read, checked, shown.

use std::net::IpAddr;

use model::Fault;
use model::estate::elb::Condition;

use crate::fault::{invalid, not_served};
use crate::shapes::{
    HostHeaderConditionConfig, HttpHeaderConditionConfig, HttpRequestMethodConditionConfig,
    PathPatternConditionConfig, QueryStringConditionConfig, QueryStringKeyValuePair, RuleCondition,
    SourceIpConditionConfig,
};

/// Values in all conditions of a rule together.
const VALUES: usize = 5;
const LENGTH: usize = 128;

pub(crate) fn read(conditions: Vec<RuleCondition>) -> Result<Vec<Condition>, Fault> {
    let read: Vec<Condition> = conditions.into_iter().map(one).collect::<Result<_, _>>()?;
    if read.is_empty() {
        return Err(invalid("A condition must be specified"));
    }
    for (i, condition) in read.iter().enumerate() {
        let kind = std::mem::discriminant(condition);
        let repeatable = matches!(condition, Condition::Header { .. } | Condition::Query(_));
        if !repeatable && read.iter().take(i).any(|c| std::mem::discriminant(c) == kind) {
            return Err(invalid(
                "A rule can have only one condition with each of the fields 'host-header', 'http-request-method', 'path-pattern' and 'source-ip'",
            ));
        }
    }
    match read.iter().map(count).sum::<usize>() > VALUES {
        true => Err(invalid(format!("A rule can have at most {VALUES} condition values"))),
        false => Ok(read),
    }
}

fn count(condition: &Condition) -> usize {
    match condition {
        Condition::Host(v) | Condition::Path(v) | Condition::Method(v) | Condition::Source(v) => v.len(),
        Condition::Header { values, .. } => values.len(),
        Condition::Query(pairs) => pairs.len(),
    }
}

fn one(given: RuleCondition) -> Result<Condition, Fault> {
    let field = given.field.as_deref().unwrap_or_default().to_owned();
    let regex = [
        given.regex_values.as_ref(),
        given.host_header_config.as_ref().and_then(|c| c.regex_values.as_ref()),
        given.path_pattern_config.as_ref().and_then(|c| c.regex_values.as_ref()),
        given.http_header_config.as_ref().and_then(|c| c.regex_values.as_ref()),
    ];
    if regex.iter().any(Option::is_some) {
        return Err(not_served("A condition with regular expressions"));
    }
    // These two have an older form with the values beside the field.
    let older = |config: Option<Vec<String>>| config.or(given.values.clone()).unwrap_or_default();
    let condition = match field.as_str() {
        "host-header" => {
            Condition::Host(texts(&field, older(given.host_header_config.and_then(|c| c.values)), host)?)
        }
        "path-pattern" => {
            Condition::Path(texts(&field, older(given.path_pattern_config.and_then(|c| c.values)), path)?)
        }
        "http-header" => header(given.http_header_config.unwrap_or_default())?,
        "http-request-method" => {
            let values = given.http_request_method_config.and_then(|c| c.values).unwrap_or_default();
            Condition::Method(texts(&field, values, method)?)
        }
        "query-string" => query(given.query_string_config.unwrap_or_default())?,
        "source-ip" => {
            let values = given.source_ip_config.and_then(|c| c.values).unwrap_or_default();
            Condition::Source(texts(&field, values, block)?)
        }
        other => {
            return Err(invalid(format!(
                "Condition field '{other}' must be one of '[path-pattern, host-header, http-header, http-request-method, query-string, source-ip]'"
            )));
        }
    };
    Ok(condition)
}

/// Values that are there, short enough, and good.
fn texts(field: &str, values: Vec<String>, good: fn(&str) -> bool) -> Result<Vec<String>, Fault> {
    if values.is_empty() {
        return Err(invalid(format!("A condition value must be specified for field '{field}'")));
    }
    match values.iter().find(|v| v.is_empty() || v.len() > LENGTH || !good(v)) {
        Some(bad) => Err(invalid(format!("Condition value '{bad}' is not valid for field '{field}'"))),
        None => Ok(values),
    }
}

fn host(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.*?".contains(&b)) && value.contains(['.', '*'])
}

fn path(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.$/~\"'@:+&()!,;=*?%".contains(&b))
        && value.starts_with(['/', '*', '?'])
}

fn method(value: &str) -> bool {
    value.len() <= 40 && value.bytes().all(|b| b.is_ascii_uppercase() || b == b'-' || b == b'_')
}

fn printable(value: &str) -> bool {
    value.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
}

fn block(value: &str) -> bool {
    let Some((address, length)) = value.split_once('/') else { return false };
    match (address.parse::<IpAddr>(), length.parse::<u8>()) {
        (Ok(IpAddr::V4(_)), Ok(n)) => n <= 32,
        (Ok(IpAddr::V6(_)), Ok(n)) => n <= 128,
        _ => false,
    }
}

fn header(config: HttpHeaderConditionConfig) -> Result<Condition, Fault> {
    let name = config.http_header_name.unwrap_or_default();
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > 40 || !name.bytes().all(token) {
        return Err(invalid(format!("The header name '{name}' is not valid")));
    }
    if name.eq_ignore_ascii_case("host") {
        return Err(invalid("Use the field 'host-header' for the host"));
    }
    Ok(Condition::Header {
        name,
        values: texts("http-header", config.values.unwrap_or_default(), printable)?,
    })
}

fn query(config: QueryStringConditionConfig) -> Result<Condition, Fault> {
    let pairs = config.values.unwrap_or_default();
    let mut read = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let value = pair.value.unwrap_or_default();
        let texts = texts(
            "query-string",
            std::iter::once(value.clone()).chain(pair.key.clone()).collect(),
            printable,
        );
        texts?;
        read.push((pair.key, value));
    }
    match read.is_empty() {
        true => Err(invalid("A condition value must be specified for field 'query-string'")),
        false => Ok(Condition::Query(read)),
    }
}

/// A condition as answers show it.
pub(crate) fn shown(condition: &Condition) -> RuleCondition {
    let field = |name: &str| RuleCondition { field: Some(name.to_owned()), ..RuleCondition::default() };
    match condition {
        Condition::Host(values) => RuleCondition {
            values: Some(values.clone()),
            host_header_config: Some(HostHeaderConditionConfig {
                values: Some(values.clone()),
                regex_values: None,
            }),
            ..field("host-header")
        },
        Condition::Path(values) => RuleCondition {
            values: Some(values.clone()),
            path_pattern_config: Some(PathPatternConditionConfig {
                values: Some(values.clone()),
                regex_values: None,
            }),
            ..field("path-pattern")
        },
        Condition::Header { name, values } => RuleCondition {
            http_header_config: Some(HttpHeaderConditionConfig {
                http_header_name: Some(name.clone()),
                values: Some(values.clone()),
                regex_values: None,
            }),
            ..field("http-header")
        },
        Condition::Method(values) => RuleCondition {
            http_request_method_config: Some(HttpRequestMethodConditionConfig {
                values: Some(values.clone()),
            }),
            ..field("http-request-method")
        },
        Condition::Query(pairs) => RuleCondition {
            query_string_config: Some(QueryStringConditionConfig {
                values: Some(
                    pairs
                        .iter()
                        .map(|(k, v)| QueryStringKeyValuePair { key: k.clone(), value: Some(v.clone()) })
                        .collect(),
                ),
            }),
            ..field("query-string")
        },
        Condition::Source(values) => RuleCondition {
            source_ip_config: Some(SourceIpConditionConfig { values: Some(values.clone()) }),
            ..field("source-ip")
        },
    }
}
