//! Engine versions. Which PostgreSQL really runs is known once it runs: the one installed.

use model::{Fault, Tx};

use crate::fault::invalid;
use crate::name::page;
use crate::shapes::*;

/// The majors that RDS offers, with the newest minor known here. The last is the default.
const VERSIONS: [(&str, &str); 8] = [
    ("11", "11.22"),
    ("12", "12.22"),
    ("13", "13.22"),
    ("14", "14.19"),
    ("15", "15.14"),
    ("16", "16.10"),
    ("17", "17.6"),
    ("18", "18.1"),
];

/// The default until an engine has told otherwise.
const DEFAULT: &str = "17.6";

/// The version that is asked for in full: `16` means its newest minor.
pub(crate) fn resolve(asked: Option<&str>) -> Result<String, Fault> {
    let Some(asked) = asked else { return Ok(DEFAULT.to_owned()) };
    let unknown = || invalid(format!("Cannot find version {asked} for postgres"));
    let (major, minor) = asked.split_once('.').map_or((asked, None), |(major, minor)| (major, Some(minor)));
    let (_, newest) = VERSIONS.iter().find(|(m, _)| *m == major).ok_or_else(unknown)?;
    match minor {
        None => Ok((*newest).to_owned()),
        Some(minor) if minor.parse::<u16>().is_ok() => Ok(asked.to_owned()),
        Some(_) => Err(unknown()),
    }
}

pub(crate) fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or(version)
}

pub(crate) fn family(version: &str) -> String {
    format!("postgres{}", major(version))
}

pub(crate) fn is_family(family: &str) -> bool {
    VERSIONS.iter().any(|(major, _)| family.strip_prefix("postgres") == Some(major))
}

fn shown(major: &str, version: &str) -> DBEngineVersion {
    DBEngineVersion {
        engine: Some("postgres".to_owned()),
        major_engine_version: Some(major.to_owned()),
        engine_version: Some(version.to_owned()),
        db_parameter_group_family: Some(format!("postgres{major}")),
        db_engine_description: Some("PostgreSQL".to_owned()),
        db_engine_version_description: Some(format!("PostgreSQL {version}")),
        supports_read_replica: Some(false),
        supports_log_exports_to_cloudwatch_logs: Some(false),
        supports_global_databases: Some(false),
        supports_parallel_query: Some(false),
        status: Some("available".to_owned()),
        ..DBEngineVersion::default()
    }
}

fn matches(asked: Option<&str>, version: &str) -> bool {
    asked.is_none_or(|a| a == version || a == major(version))
}

pub(crate) fn describe_db_engine_versions(
    _tx: &mut Tx<'_>,
    input: DescribeDBEngineVersionsMessage,
) -> Result<DBEngineVersionMessage, Fault> {
    let wanted = input.engine.as_deref().is_none_or(|e| e == "postgres");
    let found = VERSIONS.iter().filter(|(major, version)| {
        wanted
            && matches(input.engine_version.as_deref(), version)
            && input.db_parameter_group_family.as_deref().is_none_or(|f| f == format!("postgres{major}"))
            && (input.default_only != Some(true) || *version == DEFAULT)
    });
    let found = found.map(|(major, version)| shown(major, version)).collect();
    let name = |v: &DBEngineVersion| v.engine_version.clone().unwrap_or_default();
    let (versions, marker) = page(found, name, input.marker.as_deref(), input.max_records)?;
    Ok(DBEngineVersionMessage { marker, db_engine_versions: Some(versions) })
}

/// A few of the many instance classes; any well-formed one is taken.
const CLASSES: [&str; 6] =
    ["db.m6g.large", "db.m7g.large", "db.r6g.large", "db.t3.medium", "db.t3.micro", "db.t4g.micro"];

pub(crate) fn check_class(class: &str) -> Result<(), Fault> {
    let mut parts = class.split('.');
    let word = |text: Option<&str>| {
        text.is_some_and(|t| !t.is_empty() && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    };
    let good =
        parts.next() == Some("db") && word(parts.next()) && word(parts.next()) && parts.next().is_none();
    if good { Ok(()) } else { Err(invalid(format!("Invalid DB Instance class: {class}"))) }
}

pub(crate) fn describe_orderable_db_instance_options(
    tx: &mut Tx<'_>,
    input: DescribeOrderableDBInstanceOptionsMessage,
) -> Result<OrderableDBInstanceOptionsMessage, Fault> {
    if input.engine != "postgres" {
        return Err(invalid(format!("Unrecognized engine name: {}", input.engine)));
    }
    let zone = |z: &&str| AvailabilityZone { name: Some(format!("{}{z}", tx.region)) };
    let zones: Vec<AvailabilityZone> = ["a", "b", "c"].iter().map(zone).collect();
    let mut found = Vec::new();
    for (_, version) in VERSIONS.iter().filter(|(_, v)| matches(input.engine_version.as_deref(), v)) {
        let classes = CLASSES.iter().filter(|c| input.db_instance_class.as_deref().is_none_or(|w| w == **c));
        for class in classes {
            found.push(OrderableDBInstanceOption {
                engine: Some("postgres".to_owned()),
                engine_version: Some((*version).to_owned()),
                db_instance_class: Some((*class).to_owned()),
                license_model: Some("postgresql-license".to_owned()),
                availability_zones: Some(zones.clone()),
                multi_az_capable: Some(true),
                read_replica_capable: Some(false),
                vpc: Some(true),
                supports_storage_encryption: Some(true),
                storage_type: Some("gp3".to_owned()),
                supports_iops: Some(false),
                supports_iam_database_authentication: Some(true),
                supports_performance_insights: Some(false),
                min_storage_size: Some(20),
                max_storage_size: Some(65_536),
                supported_network_types: Some(vec!["IPV4".to_owned()]),
                ..OrderableDBInstanceOption::default()
            });
        }
    }
    let name = |o: &OrderableDBInstanceOption| {
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        format!("{}/{}", text(&o.engine_version), text(&o.db_instance_class))
    };
    let (options, marker) = page(found, name, input.marker.as_deref(), input.max_records)?;
    Ok(OrderableDBInstanceOptionsMessage { orderable_db_instance_options: Some(options), marker })
}
