//! Instances as the API shows them.

use model::estate::rds::{DbInstance, DbSubnetGroup};
use model::{Fault, Tx};

use crate::fault::{invalid, no_instance};
use crate::name::{page, tag_list};
use crate::shapes::*;
use crate::{subnet_group, version};

/// Where the front listens: on this machine.
pub(crate) const ADDRESS: &str = "localhost";

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<DbInstance, Fault> {
    let id = id.to_ascii_lowercase();
    tx.find::<DbInstance>(&id).cloned().ok_or_else(|| no_instance(&id))
}

fn endpoint(instance: &DbInstance) -> Option<Endpoint> {
    let port = instance.endpoint_port?;
    Some(Endpoint { address: Some(ADDRESS.to_owned()), port: Some(i64::from(port)), hosted_zone_id: None })
}

/// Why the status is no good one.
fn infos(instance: &DbInstance) -> Option<Vec<DBInstanceStatusInfo>> {
    let message = instance.reason.clone()?;
    Some(vec![DBInstanceStatusInfo {
        status_type: Some("engine".to_owned()),
        normal: Some(false),
        status: Some(instance.status.clone()),
        message: Some(message),
    }])
}

pub(crate) fn instance(tx: &Tx<'_>, i: &DbInstance) -> DBInstance {
    let text = |t: &str| Some(t.to_owned());
    let group = |id: &String| VpcSecurityGroupMembership {
        vpc_security_group_id: Some(id.clone()),
        status: text("active"),
    };
    let apply = if i.pending_reboot {
        "pending-reboot"
    } else if i.settled < i.generation {
        "applying"
    } else {
        "in-sync"
    };
    DBInstance {
        db_instance_identifier: text(&i.id),
        db_instance_class: text(&i.class),
        engine: text("postgres"),
        db_instance_status: text(&i.status),
        master_username: text(&i.master_user),
        db_name: i.db_name.clone(),
        endpoint: endpoint(i),
        allocated_storage: Some(i.storage),
        instance_create_time: i.engine_up.then_some(i.created),
        preferred_backup_window: text(&i.backup_window),
        backup_retention_period: Some(i.backup_retention),
        db_security_groups: Some(Vec::new()),
        vpc_security_groups: Some(i.security_groups.iter().map(group).collect()),
        db_parameter_groups: Some(vec![DBParameterGroupStatus {
            db_parameter_group_name: text(&i.parameter_group),
            parameter_apply_status: text(apply),
        }]),
        availability_zone: text(&i.zone),
        db_subnet_group: i
            .subnet_group
            .as_ref()
            .and_then(|name| tx.find::<DbSubnetGroup>(name))
            .map(|g| subnet_group::shown(tx, g)),
        preferred_maintenance_window: text(&i.maintenance_window),
        pending_modified_values: Some(PendingModifiedValues::default()),
        multi_az: Some(i.multi_az),
        engine_version: text(&i.engine_version),
        auto_minor_version_upgrade: Some(i.minor_upgrades),
        read_replica_db_instance_identifiers: Some(Vec::new()),
        license_model: text("postgresql-license"),
        option_group_memberships: Some(vec![OptionGroupMembership {
            option_group_name: Some(format!("default:postgres-{}", version::major(&i.asked_version))),
            status: text("in-sync"),
        }]),
        publicly_accessible: Some(i.public),
        status_infos: infos(i),
        storage_type: text(&i.storage_type),
        db_instance_port: Some(0),
        storage_encrypted: Some(i.kms_key.is_some()),
        kms_key_id: i.kms_key.clone(),
        dbi_resource_id: text(&i.resource_id),
        ca_certificate_identifier: text(&i.certificate_authority),
        domain_memberships: Some(Vec::new()),
        copy_tags_to_snapshot: Some(i.copy_tags),
        monitoring_interval: Some(0),
        db_instance_arn: Some(i.arn()),
        iam_database_authentication_enabled: Some(i.iam_authentication),
        performance_insights_enabled: Some(false),
        deletion_protection: Some(i.deletion_protection),
        associated_roles: Some(Vec::new()),
        tag_list: Some(tag_list(&i.tags)),
        customer_owned_ip_enabled: Some(false),
        network_type: text("IPV4"),
        backup_target: text("region"),
        master_user_secret: i.master_secret.as_ref().map(|secret| MasterUserSecret {
            secret_arn: Some(secret.arn.clone()),
            secret_status: text(if i.master_applied < i.master_version { "creating" } else { "active" }),
            kms_key_id: secret.kms_key.clone(),
        }),
        ..DBInstance::default()
    }
}

/// Whether an instance is one of those that a filter names.
fn passes(i: &DbInstance, filter: &Filter) -> Result<bool, Fault> {
    let is = |value: &str| filter.values.iter().any(|v| v == value);
    Ok(match filter.name.as_str() {
        "db-instance-id" => is(&i.id) || is(&i.arn()),
        "dbi-resource-id" => is(&i.resource_id),
        "engine" => is("postgres"),
        "db-cluster-id" | "domain" => false,
        other => return Err(invalid(format!("Unrecognized filter name: {other}"))),
    })
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html>
pub(crate) fn describe_db_instances(
    tx: &mut Tx<'_>,
    input: DescribeDBInstancesMessage,
) -> Result<DBInstanceMessage, Fault> {
    let named = match input.db_instance_identifier.as_deref().filter(|id| !id.is_empty()) {
        Some(arn) if arn.starts_with("arn:") => {
            vec![tx.find_arn::<DbInstance>(arn).cloned().ok_or_else(|| no_instance(arn))?]
        }
        Some(id) => vec![find(tx, id)?],
        None => tx.list::<DbInstance>().cloned().collect(),
    };
    let mut found = Vec::with_capacity(named.len());
    'instances: for i in named {
        for filter in input.filters.iter().flatten() {
            if !passes(&i, filter)? {
                continue 'instances;
            }
        }
        found.push(i);
    }
    let (found, marker) = page(found, |i| i.id.clone(), input.marker.as_deref(), input.max_records)?;
    let shown = found.iter().map(|i| instance(tx, i)).collect();
    Ok(DBInstanceMessage { marker, db_instances: Some(shown) })
}
