//! ModifyDBInstance. There are no maintenance windows here: what changes, changes at once,
//! but for parameters, which wait for a reboot as in AWS.
//! <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html>

use model::estate::ec2::Vpc;
use model::estate::rds::{DbInstance, DbSubnetGroup};
use model::{Fault, Tx};

use crate::fault::{combination, invalid, not_served, state};
use crate::shapes::*;
use crate::{create, master, name, parameter_group, placement, show, version};

pub(crate) fn modify_db_instance(
    tx: &mut Tx<'_>,
    input: ModifyDBInstanceMessage,
) -> Result<ModifyDBInstanceResult, Fault> {
    let mut instance = show::find(tx, &input.db_instance_identifier)?;
    let before = instance.clone();
    refuse(&input)?;
    if !["available", "stopped", "failed", "modifying"].contains(&instance.status.as_str()) {
        // Only the lock against deletion can be taken off at any time.
        let only_lock = input.deletion_protection.is_some()
            && input.master_user_password.is_none()
            && input.enable_iam_database_authentication.is_none();
        if !only_lock || instance.status == "deleting" {
            return Err(state(format!("Instance {} is not in available state.", instance.id)));
        }
    }
    hardware(&mut instance, &input)?;
    upkeep(&mut instance, &input)?;
    if let Some(groups) = &input.vpc_security_group_ids {
        let vpc = vpc(tx, &instance);
        instance.security_groups = placement::security_groups(tx, vpc.as_deref(), Some(groups))?;
    }
    if let Some(asked) = &input.db_parameter_group_name {
        let group = parameter_group::choose(tx, Some(asked), &version::family(&instance.asked_version))?;
        if group.name != instance.parameter_group {
            instance.pending_reboot = group.parameters != instance.parameters;
            instance.parameter_group = group.name;
        }
    }
    if let Some(port) = input.db_port_number {
        let port = create::port(Some(port))?;
        if port != instance.port {
            instance.port = port;
            instance.endpoint_port = None;
        }
    }
    instance.iam_authentication =
        input.enable_iam_database_authentication.unwrap_or(instance.iam_authentication);
    credentials(tx, &mut instance, &input)?;
    follow(&mut instance, &before);
    let answer = show::instance(tx, &instance);
    tx.put(instance)?;
    Ok(ModifyDBInstanceResult { db_instance: Some(answer) })
}

/// What the engine or the front has to follow makes the instance busy until they have.
fn follow(instance: &mut DbInstance, before: &DbInstance) {
    let status = if instance.master_version != before.master_version {
        "resetting-master-credentials"
    } else if instance.iam_authentication != before.iam_authentication {
        "configuring-iam-database-auth"
    } else if instance.port != before.port
        || instance.class != before.class
        || instance.storage != before.storage
    {
        "modifying"
    } else {
        return;
    };
    instance.generation += 1;
    if instance.status == "available" {
        instance.status = status.to_owned();
    }
}

fn refuse(input: &ModifyDBInstanceMessage) -> Result<(), Fault> {
    let given = [
        ("DBSubnetGroupName", input.db_subnet_group_name.is_some()),
        ("DBSecurityGroups", input.db_security_groups.as_ref().is_some_and(|g| !g.is_empty())),
        ("NewDBInstanceIdentifier", input.new_db_instance_identifier.is_some()),
        ("Iops", input.iops.is_some()),
        ("StorageThroughput", input.storage_throughput.is_some()),
        (
            "OptionGroupName",
            input.option_group_name.as_deref().is_some_and(|g| !g.starts_with("default:postgres-")),
        ),
        ("TdeCredentialArn", input.tde_credential_arn.is_some()),
        ("Domain", input.domain.is_some() || input.domain_fqdn.is_some()),
        ("MonitoringInterval", input.monitoring_interval.is_some_and(|n| n != 0)),
        ("MonitoringRoleArn", input.monitoring_role_arn.is_some()),
        ("EnablePerformanceInsights", input.enable_performance_insights == Some(true)),
        ("CloudwatchLogsExportConfiguration", input.cloudwatch_logs_export_configuration.is_some()),
        ("ProcessorFeatures", input.processor_features.is_some()),
        ("MaxAllocatedStorage", input.max_allocated_storage.is_some()),
        ("ReplicaMode", input.replica_mode.is_some()),
        ("AutomationMode", input.automation_mode.is_some()),
        ("NetworkType", input.network_type.as_deref().is_some_and(|t| t != "IPV4")),
        ("MultiTenant", input.multi_tenant == Some(true)),
        ("DedicatedLogVolume", input.dedicated_log_volume == Some(true)),
        ("Engine", input.engine.as_deref().is_some_and(|e| e != "postgres")),
        ("AdditionalStorageVolumes", input.additional_storage_volumes.is_some()),
        (
            "MasterUserAuthenticationType",
            input.master_user_authentication_type.as_deref().is_some_and(|t| t != "password"),
        ),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(not_served(&format!("A change of the parameter {name}"))),
        None => Ok(()),
    }
}

fn hardware(instance: &mut DbInstance, input: &ModifyDBInstanceMessage) -> Result<(), Fault> {
    if let Some(class) = &input.db_instance_class {
        version::check_class(class)?;
        instance.class.clone_from(class);
    }
    if let Some(size) = input.allocated_storage {
        if size < instance.storage {
            return Err(combination("Invalid storage size: storage can not be made smaller."));
        }
        instance.storage = create::storage(&instance.storage_type, Some(size))?;
    }
    if let Some(kind) = &input.storage_type {
        create::storage(kind, Some(instance.storage))?;
        instance.storage_type.clone_from(kind);
    }
    if let Some(asked) = &input.engine_version {
        let wanted = version::resolve(Some(asked))?;
        if version::major(&wanted) != version::major(&instance.asked_version) {
            return Err(not_served("An upgrade to another major version"));
        }
    }
    instance.multi_az = input.multi_az.unwrap_or(instance.multi_az);
    instance.public = input.publicly_accessible.unwrap_or(instance.public);
    Ok(())
}

fn upkeep(instance: &mut DbInstance, input: &ModifyDBInstanceMessage) -> Result<(), Fault> {
    if input.backup_retention_period.is_some() {
        instance.backup_retention = create::retention(input.backup_retention_period)?;
    }
    if let Some(window) = &input.preferred_backup_window {
        instance.backup_window.clone_from(window);
    }
    if let Some(window) = &input.preferred_maintenance_window {
        instance.maintenance_window = window.to_ascii_lowercase();
    }
    if let Some(authority) = &input.ca_certificate_identifier {
        instance.certificate_authority = create::authority(Some(authority))?;
    }
    instance.minor_upgrades = input.auto_minor_version_upgrade.unwrap_or(instance.minor_upgrades);
    instance.copy_tags = input.copy_tags_to_snapshot.unwrap_or(instance.copy_tags);
    instance.deletion_protection = input.deletion_protection.unwrap_or(instance.deletion_protection);
    Ok(())
}

fn vpc(tx: &Tx<'_>, instance: &DbInstance) -> Option<String> {
    match &instance.subnet_group {
        Some(name) => tx.find::<DbSubnetGroup>(name).map(|g| g.vpc.clone()),
        None => tx.list::<Vpc>().find(|v| v.default).map(|v| v.id.clone()),
    }
}

fn credentials(
    tx: &mut Tx<'_>,
    instance: &mut DbInstance,
    input: &ModifyDBInstanceMessage,
) -> Result<(), Fault> {
    let managed = instance.master_secret.is_some();
    let key = input.master_user_secret_kms_key_id.as_deref();
    match (input.manage_master_user_password, &input.master_user_password) {
        (Some(true), Some(_)) => {
            return Err(combination(
                "You can't specify MasterUserPassword and ManageMasterUserPassword together.",
            ));
        }
        (Some(true), None) if !managed => return master::manage(tx, instance, key),
        (Some(false), None) if managed => {
            return Err(combination(
                "MasterUserPassword is required when ManageMasterUserPassword is turned off.",
            ));
        }
        (None, Some(_)) if managed => {
            return Err(combination(
                "You can't change MasterUserPassword while Secrets Manager manages it: turn ManageMasterUserPassword off.",
            ));
        }
        (off, Some(password)) => {
            name::password(password)?;
            if off == Some(false) {
                master::forget(tx, instance)?;
            }
            master::set(tx, instance, password)?;
        }
        _ => {}
    }
    if key.is_some() {
        return Err(invalid(
            "The key of a managed master user's secret is chosen when its management is turned on.",
        ));
    }
    if input.rotate_master_user_password != Some(true) {
        return Ok(());
    }
    match instance.master_secret.is_some() {
        true => master::rotate(tx, instance),
        false => Err(combination("RotateMasterUserPassword needs ManageMasterUserPassword.")),
    }
}
