//! Start, stop, reboot, delete.

use model::estate::rds::{DbInstance, VERIFIERS};
use model::{Effect, Fault, Tx};
use serde_json::json;

use crate::fault::{combination, not_served, state};
use crate::shapes::*;
use crate::show::{self, find};
use crate::{jobs, master, parameter_group};

const DAY: i64 = 86_400;
/// A stopped instance is started again after so many days.
const STOPPED_DAYS: i64 = 7;

fn alarm(instance: &DbInstance) -> String {
    format!("rds/start/{}", instance.resource_id)
}

/// The parameters of the group, those that waited included, come into effect when the engine starts.
pub(crate) fn restart(tx: &Tx<'_>, instance: &mut DbInstance, status: &str) -> Result<(), Fault> {
    instance.parameters = parameter_group::find(tx, &instance.parameter_group)?.parameters;
    instance.pending_reboot = false;
    instance.status = status.to_owned();
    instance.reason = None;
    instance.engine_up = false;
    instance.generation += 1;
    instance.restarts += 1;
    Ok(())
}

pub(crate) fn start_db_instance(
    tx: &mut Tx<'_>,
    input: StartDBInstanceMessage,
) -> Result<StartDBInstanceResult, Fault> {
    let mut instance = find(tx, &input.db_instance_identifier)?;
    if instance.status != "stopped" && instance.status != jobs::KEY_LOST {
        return Err(state(format!(
            "Instance {} cannot be started as it is not in one of the following statuses: 'stopped, inaccessible-encryption-credentials-recoverable, incompatible-network (only valid for non-SqlServer instances)'.",
            instance.id
        )));
    }
    if !instance.key_usable(tx.snapshot()) {
        return Err(Fault::client(
            "KMSKeyNotAccessibleFault",
            "The KMS key that protects the instance's storage is not accessible. Enable it, then start the instance.",
        ));
    }
    restart(tx, &mut instance, "starting")?;
    tx.effect(Effect::Unschedule { id: alarm(&instance) })?;
    let answer = show::instance(tx, &instance);
    tx.put(instance)?;
    Ok(StartDBInstanceResult { db_instance: Some(answer) })
}

pub(crate) fn stop_db_instance(
    tx: &mut Tx<'_>,
    input: StopDBInstanceMessage,
) -> Result<StopDBInstanceResult, Fault> {
    if input.db_snapshot_identifier.is_some() {
        return Err(not_served("The parameter DBSnapshotIdentifier (snapshots)"));
    }
    let mut instance = available(tx, &input.db_instance_identifier)?;
    instance.status = "stopping".to_owned();
    instance.generation += 1;
    tx.effect(Effect::Schedule {
        id: alarm(&instance),
        at: tx.now.plus_seconds(STOPPED_DAYS * DAY),
        service: "rds".to_owned(),
        job: "StartAgain".to_owned(),
        payload: json!({"arn": instance.arn(), "resource": instance.resource_id}),
    })?;
    let answer = show::instance(tx, &instance);
    tx.put(instance)?;
    Ok(StopDBInstanceResult { db_instance: Some(answer) })
}

pub(crate) fn available(tx: &Tx<'_>, id: &str) -> Result<DbInstance, Fault> {
    let instance = find(tx, id)?;
    match instance.status == "available" {
        true => Ok(instance),
        false => Err(state(format!("Instance {} is not in available state.", instance.id))),
    }
}

pub(crate) fn reboot_db_instance(
    tx: &mut Tx<'_>,
    input: RebootDBInstanceMessage,
) -> Result<RebootDBInstanceResult, Fault> {
    let mut instance = available(tx, &input.db_instance_identifier)?;
    if input.force_failover == Some(true) && !instance.multi_az {
        return Err(combination("Cannot specify ForceFailover when instance is not configured for MultiAZ"));
    }
    restart(tx, &mut instance, "rebooting")?;
    let answer = show::instance(tx, &instance);
    tx.put(instance)?;
    Ok(RebootDBInstanceResult { db_instance: Some(answer) })
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html>
pub(crate) fn delete_db_instance(
    tx: &mut Tx<'_>,
    input: DeleteDBInstanceMessage,
) -> Result<DeleteDBInstanceResult, Fault> {
    let mut instance = find(tx, &input.db_instance_identifier)?;
    match (input.skip_final_snapshot == Some(true), &input.final_db_snapshot_identifier) {
        (true, None) => {}
        (true, Some(_)) => {
            return Err(combination(
                "FinalDBSnapshotIdentifier can not be specified when deleting a DB instance with SkipFinalSnapshot.",
            ));
        }
        (false, None) => {
            return Err(combination(
                "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.",
            ));
        }
        (false, Some(_)) => {
            return Err(combination(
                "DB snapshots are not served by this runtime, so no final one can be taken: nothing was deleted. Save the data with pg_dump, then delete with SkipFinalSnapshot.",
            ));
        }
    }
    if instance.status == "deleting" {
        return Err(state(format!("Instance {} is already being deleted.", instance.id)));
    }
    if instance.deletion_protection {
        return Err(combination(
            "Cannot delete protected DB Instance, please disable deletion protection and try again.",
        ));
    }
    instance.status = "deleting".to_owned();
    instance.reason = None;
    instance.generation += 1;
    master::forget(tx, &mut instance)?;
    tx.remove_record(VERIFIERS, instance.resource_id.as_bytes())?;
    tx.effect(Effect::Unschedule { id: alarm(&instance) })?;
    let answer = show::instance(tx, &instance);
    tx.put(instance)?;
    Ok(DeleteDBInstanceResult { db_instance: Some(answer) })
}
