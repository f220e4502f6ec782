//! Names as RDS takes them.

use model::{Fault, Tags};

use crate::fault::invalid;
use crate::shapes::Tag;

/// A letter, then letters, digits and single hyphens; kept in lower case.
pub(crate) fn identifier(parameter: &str, text: &str, longest: usize) -> Result<String, Fault> {
    let good = text.len() <= longest
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.ends_with('-')
        && !text.contains("--");
    match good {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(invalid(format!(
            "The parameter {parameter} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
        ))),
    }
}

/// Subnet groups may bear more: letters, digits, spaces, underscores, periods and hyphens.
pub(crate) fn subnet_group(text: &str) -> Result<String, Fault> {
    let good = !text.is_empty()
        && text.len() <= 255
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b" _.-".contains(&b));
    match good {
        true if text.eq_ignore_ascii_case("default") => {
            Err(invalid("The parameter DBSubnetGroupName must not be default."))
        }
        true => Ok(text.to_ascii_lowercase()),
        false => Err(invalid(
            "The parameter DBSubnetGroupName must contain not more than 255 alphanumeric characters, spaces, underscores, periods, or hyphens.",
        )),
    }
}

/// Words that no master user may bear, some of the language's, some of the service's.
const RESERVED_USERS: [&str; 24] = [
    "admin",
    "rdsadmin",
    "rdsrepladmin",
    "rds_superuser",
    "rds_iam",
    "rds_password",
    "rds_replication",
    "all",
    "and",
    "any",
    "array",
    "as",
    "case",
    "check",
    "column",
    "create",
    "default",
    "grant",
    "group",
    "public",
    "select",
    "table",
    "user",
    "where",
];

pub(crate) fn master_user(text: &str) -> Result<(), Fault> {
    let good = (1..=63).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !good {
        return Err(invalid(
            "The parameter MasterUsername is not valid. It must begin with a letter and contain from 1 to 63 letters, digits, or underscores.",
        ));
    }
    let lower = text.to_ascii_lowercase();
    match RESERVED_USERS.contains(&lower.as_str()) || lower.starts_with("pg_") {
        true => Err(invalid(format!(
            "MasterUsername {text} cannot be used as it is a reserved word used by the engine"
        ))),
        false => Ok(()),
    }
}

pub(crate) fn database(text: &str) -> Result<(), Fault> {
    let good = (1..=63).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let reserved = ["rdsadmin", "template0", "template1", "db", "user", "all"];
    match good && !reserved.contains(&text.to_ascii_lowercase().as_str()) {
        true => Ok(()),
        false => Err(invalid(format!(
            "Database name {text} is not valid. It must begin with a letter, contain only alphanumeric characters and underscores, and be no word reserved by the engine."
        ))),
    }
}

/// Printable ASCII without `/`, `"`, `@` and spaces, 8 to 128 long.
pub(crate) fn password(text: &str) -> Result<(), Fault> {
    if text.len() < 8 || text.len() > 128 {
        return Err(invalid(
            "The parameter MasterUserPassword is not a valid password because it is shorter than 8 characters or longer than 128 characters.",
        ));
    }
    match text.bytes().all(|b| b.is_ascii_graphic() && !b"/\"@".contains(&b)) {
        true => Ok(()),
        false => Err(invalid(
            "The parameter MasterUserPassword is not a valid password. Only printable ASCII characters besides '/', '@', '\"', ' ' may be used.",
        )),
    }
}

pub(crate) fn tags(list: Option<Vec<Tag>>) -> Tags {
    list.unwrap_or_default().into_iter().filter_map(|t| Some((t.key?, t.value.unwrap_or_default()))).collect()
}

pub(crate) fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(k, v)| Tag { key: Some(k.clone()), value: Some(v.clone()) }).collect()
}

/// A page of at most `limit`, behind `marker`, which is the last name shown.
pub(crate) fn page<T>(
    items: Vec<T>,
    name: impl Fn(&T) -> String,
    marker: Option<&str>,
    limit: Option<i64>,
) -> Result<(Vec<T>, Option<String>), Fault> {
    let limit = limit.unwrap_or(100);
    if !(20..=100).contains(&limit) {
        return Err(invalid(format!("Invalid value {limit} for MaxRecords. Must be between 20 and 100")));
    }
    let limit = usize::try_from(limit).unwrap_or(100);
    let mut found: Vec<T> =
        items.into_iter().filter(|i| marker.is_none_or(|m| name(i).as_str() > m)).take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = if more { found.last().map(name) } else { None };
    Ok((found, next))
}
