//! CreateDBInstance: checked whole, then handed to the engine's keeper as `creating`.
//! <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html>

use model::estate::rds::DbInstance;
use model::{Fault, Tx};

use crate::fault::{combination, invalid, not_served};
use crate::shapes::*;
use crate::{encryption, master, name, parameter_group, placement, show, version};

pub(crate) const PORT: u16 = 5432;
const AUTHORITY: &str = "rds-ca-rsa2048-g1";
const AUTHORITIES: [&str; 3] = [AUTHORITY, "rds-ca-rsa4096-g1", "rds-ca-ecc384-g1"];

pub(crate) fn create_db_instance(
    tx: &mut Tx<'_>,
    input: CreateDBInstanceMessage,
) -> Result<CreateDBInstanceResult, Fault> {
    let id = name::identifier("DBInstanceIdentifier", &input.db_instance_identifier, 63)?;
    engine(&input.engine)?;
    refuse(&input)?;
    version::check_class(&input.db_instance_class)?;
    if tx.find::<DbInstance>(&id).is_some() {
        return Err(Fault::client("DBInstanceAlreadyExists", "DB instance already exists"));
    }
    let engine_version = version::resolve(input.engine_version.as_deref())?;
    let family = version::family(&engine_version);
    options(input.option_group_name.as_deref(), &engine_version)?;
    let group = parameter_group::choose(tx, input.db_parameter_group_name.as_deref(), &family)?;
    let placement = placement::place(
        tx,
        &placement::Wanted {
            subnet_group: input.db_subnet_group_name.as_deref(),
            security_groups: input.vpc_security_group_ids.as_deref(),
            zone: input.availability_zone.as_deref(),
        },
    )?;
    let kms_key = match (input.storage_encrypted == Some(true), &input.kms_key_id) {
        (true, named) => Some(encryption::key(tx, named.as_deref())?),
        (false, Some(_)) => {
            return Err(combination("You must specify StorageEncrypted=true when you specify KmsKeyId."));
        }
        (false, None) => None,
    };
    let master_user = required(input.master_username.clone(), "MasterUsername")?;
    name::master_user(&master_user)?;
    if let Some(name) = &input.db_name {
        name::database(name)?;
    }
    let storage_type = input.storage_type.clone().unwrap_or_else(|| "gp3".to_owned());
    let mut instance = DbInstance {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id,
        resource_id: format!("db-{}", tx.random_text(26, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
        class: input.db_instance_class.clone(),
        asked_version: engine_version.clone(),
        engine_version,
        storage: storage(&storage_type, input.allocated_storage)?,
        storage_type,
        master_user,
        db_name: input.db_name.clone(),
        port: port(input.port)?,
        endpoint_port: None,
        iam_authentication: input.enable_iam_database_authentication == Some(true),
        kms_key,
        subnet_group: placement.subnet_group,
        security_groups: placement.security_groups,
        public: input.publicly_accessible == Some(true),
        zone: placement.zone,
        multi_az: multi_az(&input)?,
        deletion_protection: input.deletion_protection == Some(true),
        backup_retention: retention(input.backup_retention_period)?,
        backup_window: input.preferred_backup_window.clone().unwrap_or_else(|| "03:00-03:30".to_owned()),
        maintenance_window: maintenance(input.preferred_maintenance_window.as_deref()),
        minor_upgrades: input.auto_minor_version_upgrade != Some(false),
        copy_tags: input.copy_tags_to_snapshot == Some(true),
        certificate_authority: authority(input.ca_certificate_identifier.as_deref())?,
        parameter_group: group.name.clone(),
        parameters: group.parameters,
        pending_reboot: false,
        master_secret: None,
        master_version: 0,
        master_applied: 0,
        status: "creating".to_owned(),
        reason: None,
        generation: 1,
        settled: 0,
        restarts: 0,
        engine_up: false,
        created: tx.now,
        tags: name::tags(input.tags.clone()),
    };
    password(tx, &mut instance, &input)?;
    let answer = show::instance(tx, &instance);
    tx.put(instance)?;
    Ok(CreateDBInstanceResult { db_instance: Some(answer) })
}

fn required(value: Option<String>, name: &str) -> Result<String, Fault> {
    let missing = || {
        Fault::client(
            "MissingParameter",
            format!("The parameter {name} must be provided and must not be blank."),
        )
    };
    value.filter(|v| !v.is_empty()).ok_or_else(missing)
}

/// Engines of AWS's that this runtime has none for are refused like those that do not exist.
fn engine(engine: &str) -> Result<(), Fault> {
    match engine {
        "postgres" => Ok(()),
        other if other.starts_with("aurora") => Err(invalid(format!(
            "The engine {other} needs a DB cluster, and clusters are not served by this runtime"
        ))),
        other => Err(invalid(format!("Invalid DB engine: {other}"))),
    }
}

/// What could not be honoured is not taken.
fn refuse(input: &CreateDBInstanceMessage) -> Result<(), Fault> {
    let given = [
        ("DBSecurityGroups", input.db_security_groups.as_ref().is_some_and(|g| !g.is_empty())),
        ("DBClusterIdentifier", input.db_cluster_identifier.is_some()),
        ("Iops", input.iops.is_some()),
        ("StorageThroughput", input.storage_throughput.is_some()),
        ("CharacterSetName", input.character_set_name.is_some()),
        ("TdeCredentialArn", input.tde_credential_arn.is_some()),
        ("Domain", input.domain.is_some() || input.domain_fqdn.is_some()),
        ("MonitoringInterval", input.monitoring_interval.is_some_and(|n| n != 0)),
        ("MonitoringRoleArn", input.monitoring_role_arn.is_some()),
        ("Timezone", input.timezone.is_some()),
        ("EnablePerformanceInsights", input.enable_performance_insights == Some(true)),
        ("DatabaseInsightsMode", input.database_insights_mode.as_deref().is_some_and(|m| m != "standard")),
        (
            "EnableCloudwatchLogsExports",
            input.enable_cloudwatch_logs_exports.as_ref().is_some_and(|l| !l.is_empty()),
        ),
        ("ProcessorFeatures", input.processor_features.is_some()),
        ("MaxAllocatedStorage", input.max_allocated_storage.is_some()),
        ("NetworkType", input.network_type.as_deref().is_some_and(|t| t != "IPV4")),
        ("CustomIamInstanceProfile", input.custom_iam_instance_profile.is_some()),
        ("MultiTenant", input.multi_tenant == Some(true)),
        ("DedicatedLogVolume", input.dedicated_log_volume == Some(true)),
        ("AdditionalStorageVolumes", input.additional_storage_volumes.is_some()),
        (
            "MasterUserAuthenticationType",
            input.master_user_authentication_type.as_deref().is_some_and(|t| t != "password"),
        ),
        ("LicenseModel", input.license_model.as_deref().is_some_and(|l| l != "postgresql-license")),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(not_served(&format!("The value of the parameter {name}"))),
        None => Ok(()),
    }
}

fn options(group: Option<&str>, version: &str) -> Result<(), Fault> {
    let default = format!("default:postgres-{}", version::major(version));
    match group {
        Some(group) if group != default => Err(Fault::new(
            "OptionGroupNotFoundFault",
            404,
            format!("Specified OptionGroupName: {group} not found."),
        )),
        _ => Ok(()),
    }
}

/// Sizes are those of AWS, so that a template means the same there; here the disk is the limit.
pub(crate) fn storage(kind: &str, size: Option<i64>) -> Result<i64, Fault> {
    let range = match kind {
        "gp2" | "gp3" => 20..=65_536,
        "standard" => 5..=3_072,
        "io1" | "io2" => return Err(not_served(&format!("Storage of type {kind}"))),
        other => return Err(invalid(format!("Invalid storage type: {other}"))),
    };
    let size = size.ok_or_else(|| {
        Fault::client(
            "MissingParameter",
            "The parameter AllocatedStorage must be provided and must not be blank.",
        )
    })?;
    match range.contains(&size) {
        true => Ok(size),
        false => Err(invalid(format!(
            "Invalid storage size for engine name postgres and storage type {kind}: {size}"
        ))),
    }
}

pub(crate) fn port(port: Option<i64>) -> Result<u16, Fault> {
    let Some(port) = port else { return Ok(PORT) };
    let wrong = || invalid(format!("Invalid port: {port}. Must be from 1150 to 65535."));
    u16::try_from(port).ok().filter(|p| *p >= 1150).ok_or_else(wrong)
}

pub(crate) fn retention(days: Option<i64>) -> Result<i64, Fault> {
    let days = days.unwrap_or(1);
    match (0..=35).contains(&days) {
        true => Ok(days),
        false => Err(invalid(format!("Invalid backup retention period: {days}. Must be from 0 to 35."))),
    }
}

fn maintenance(window: Option<&str>) -> String {
    window.unwrap_or("sun:04:00-sun:04:30").to_ascii_lowercase()
}

pub(crate) fn authority(asked: Option<&str>) -> Result<String, Fault> {
    match asked {
        None => Ok(AUTHORITY.to_owned()),
        Some(asked) if AUTHORITIES.contains(&asked) => Ok(asked.to_owned()),
        Some(asked) => {
            Err(Fault::new("CertificateNotFound", 404, format!("Certificate not found for: {asked}")))
        }
    }
}

fn multi_az(input: &CreateDBInstanceMessage) -> Result<bool, Fault> {
    let multi = input.multi_az == Some(true);
    match multi && input.availability_zone.is_some() {
        true => {
            Err(combination("Requesting a specific availability zone is not valid for Multi-AZ instances."))
        }
        false => Ok(multi),
    }
}

fn password(
    tx: &mut Tx<'_>,
    instance: &mut DbInstance,
    input: &CreateDBInstanceMessage,
) -> Result<(), Fault> {
    match (&input.master_user_password, input.manage_master_user_password == Some(true)) {
        (Some(_), true) => Err(combination(
            "You can't specify MasterUserPassword for an instance with ManageMasterUserPassword enabled.",
        )),
        (None, false) => Err(Fault::client(
            "MissingParameter",
            "The parameter MasterUserPassword must be provided and must not be blank.",
        )),
        (None, true) => master::manage(tx, instance, input.master_user_secret_kms_key_id.as_deref()),
        (Some(password), false) => {
            if input.master_user_secret_kms_key_id.is_some() {
                return Err(combination("MasterUserSecretKmsKeyId needs ManageMasterUserPassword."));
            }
            name::password(password)?;
            master::set(tx, instance, password)
        }
    }
}
