//! The loops that do what commits left to be done: jobs that fall due, blobs to be removed.

use std::sync::Arc;
use std::time::Duration;

use model::plane::{Calls as _, Incoming, Report};
use model::service::{Job, Served};
use model::tx::{Delta, Range, RecordWrite, Records as _};
use model::{Caller, Fault, Origin, Timestamp, Value};

use crate::Estate;
use crate::effects::{Due, REMOVALS, SCHEDULE};

/// Seconds after which a failed job is tried again.
const AGAIN: i64 = 2;

/// Runs until the program ends.
pub(crate) async fn run(estate: Arc<Estate>) {
    loop {
        let woken = estate.work.notified();
        let next = match turn(&estate).await {
            Ok(next) => next,
            Err(fault) => {
                eprintln!("countersign: the schedule stands still: {fault}");
                Some(Duration::from_secs(5))
            }
        };
        let pause = next.unwrap_or(Duration::from_secs(60));
        let _ = tokio::time::timeout(pause, woken).await;
    }
}

/// Runs what is due; tells how long until something else is.
async fn turn(estate: &Arc<Estate>) -> Result<Option<Duration>, Fault> {
    remove_blobs(estate).await?;
    run_due(estate, crate::now()).await
}

/// Runs what is due at `now`, in order of time; tells how long until something else is.
pub(crate) async fn run_due(estate: &Arc<Estate>, now: Timestamp) -> Result<Option<Duration>, Fault> {
    let everything = Range { from: b"", to: None, reverse: false, limit: usize::MAX };
    let mut next: Option<i64> = None;
    for (id, bytes) in estate.range(SCHEDULE, everything)? {
        let due: Due = serde_json::from_slice(&bytes)
            .map_err(|e| Fault::internal(format!("a scheduled job cannot be read: {e}")))?;
        let wait = due.at.0 - now.0;
        if wait > 0 {
            next = Some(next.map_or(wait, |n| n.min(wait)));
            continue;
        }
        one(estate, id, due).await?;
        // What ran may have scheduled more.
        next = Some(0);
    }
    Ok(next.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0).max(1))))
}

async fn one(estate: &Arc<Estate>, id: Vec<u8>, due: Due) -> Result<(), Fault> {
    let ran = job(estate, &due).await;
    let current = estate.get(SCHEDULE, &id)?;
    let unchanged =
        current.and_then(|b| serde_json::from_slice::<Due>(&b).ok()).is_some_and(|d| d.nonce == due.nonce);
    if !unchanged {
        // The job has scheduled itself anew under the same id.
        return Ok(());
    }
    let value = match ran {
        Ok(()) => None,
        Err(fault) => {
            eprintln!(
                "countersign: job `{}` of `{}` failed, to be tried again: {fault}",
                due.job, due.service
            );
            let again = Due { at: crate::now().plus_seconds(AGAIN), ..due };
            let bytes = serde_json::to_vec(&again).map_err(|e| Fault::internal(e.to_string()))?;
            Some(bytes.into())
        }
    };
    let write = RecordWrite { table: SCHEDULE.to_owned(), key: id, value };
    estate.found(Delta { records: vec![write], ..Delta::default() }).await?;
    Ok(())
}

async fn job(estate: &Arc<Estate>, due: &Due) -> Result<(), Fault> {
    let registry = model::Host::registry(&**estate);
    let served = registry.service(&due.service).ok_or_else(|| Fault::internal("no such service"))?;
    let found = served.service.jobs.iter().find(|j| j.name == due.job);
    let job = found.ok_or_else(|| Fault::internal("the service has no such job"))?;
    run_job(estate, served, job, due).await
}

async fn run_job(estate: &Arc<Estate>, served: &Served, job: &'static Job, due: &Due) -> Result<(), Fault> {
    let report = Report {
        service: served.service.name,
        job: job.name,
        account: due.account.clone(),
        region: due.region.clone(),
        payload: due.payload.clone(),
    };
    estate.call(job_call(estate, served, job, report)).await.map(|_| ())
}

/// A job is a call like any other, by the service itself.
pub(crate) fn job_call<'a>(
    estate: &Estate,
    served: &'a Served,
    job: &'static Job,
    report: Report<'_>,
) -> Incoming<'a> {
    let service = served.service.name;
    Incoming {
        served,
        operation: &job.operation,
        caller: Caller::service(&format!("{service}.amazonaws.com"), &report.account),
        origin: Origin::internal(service),
        request_id: model::tx::uuid_from(estate.random_bytes()),
        trace: String::new(),
        region: report.region,
        account: Some(report.account),
        input: Value::from_json(report.payload),
        job: true,
    }
}

async fn remove_blobs(estate: &Estate) -> Result<(), Fault> {
    let some = Range { from: b"", to: None, reverse: false, limit: 256 };
    let removals = estate.range(REMOVALS, some)?;
    let mut records = Vec::with_capacity(removals.len());
    for (key, _) in removals {
        if let Ok(blob) = std::str::from_utf8(&key) {
            estate.remove_blob(blob)?;
        }
        records.push(RecordWrite { table: REMOVALS.to_owned(), key, value: None });
    }
    if !records.is_empty() {
        estate.found(Delta { records, ..Delta::default() }).await?;
    }
    Ok(())
}
