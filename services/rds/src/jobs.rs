//! What the keeper of the engines and the front report, and the states that follow.

use model::estate::rds::DbInstance;
use model::{Fault, Tx};
use serde_json::Value as Json;

use crate::power;

/// AWS's name for an instance whose key cannot be used: it can be started once the key can be again.
pub(crate) const KEY_LOST: &str = "inaccessible-encryption-credentials-recoverable";

/// The instance that a report is about, if it is still the same one.
fn subject(tx: &Tx<'_>, payload: &Json) -> Option<DbInstance> {
    let text = |name: &str| payload.get(name).and_then(Json::as_str);
    let instance = tx.find_arn::<DbInstance>(text("arn")?)?;
    (Some(instance.resource_id.as_str()) == text("resource")).then(|| instance.clone())
}

/// What is wanted is done, the engine answers, and the front listens.
fn settle(instance: &mut DbInstance) {
    let done =
        instance.engine_up && instance.settled == instance.generation && instance.endpoint_port.is_some();
    if done && instance.runs() {
        instance.status = "available".to_owned();
        instance.reason = None;
    }
}

/// `{arn, resource, event, generation, version, master, reason}`.
pub(crate) fn engine_report(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let Some(mut instance) = subject(tx, &payload) else { return Ok(()) };
    let number = |name: &str| payload.get(name).and_then(Json::as_u64).unwrap_or_default();
    let text = |name: &str| payload.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let before = instance.clone();
    match text("event").as_str() {
        "ready" => {
            instance.engine_up = true;
            instance.settled = number("generation");
            instance.master_applied = number("master");
            instance.engine_version = text("version");
            settle(&mut instance);
        }
        "failed" if instance.runs() => {
            instance.engine_up = false;
            instance.status = "failed".to_owned();
            instance.reason = Some(text("reason"));
        }
        "key-lost" if instance.runs() => {
            instance.engine_up = false;
            instance.status = KEY_LOST.to_owned();
            instance.reason = Some("the KMS key of the storage is disabled or gone".to_owned());
        }
        "stopped" if instance.status == "stopping" => {
            instance.engine_up = false;
            instance.status = "stopped".to_owned();
        }
        "removed" if instance.status == "deleting" => return tx.remove(&instance),
        _ => {}
    }
    if instance == before { Ok(()) } else { tx.put(instance) }
}

/// `{arn, resource, port}`.
pub(crate) fn listening(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let Some(mut instance) = subject(tx, &payload) else { return Ok(()) };
    let port = payload.get("port").and_then(Json::as_u64).and_then(|p| u16::try_from(p).ok());
    instance.endpoint_port = port.or(instance.endpoint_port);
    settle(&mut instance);
    tx.put(instance)
}

/// An instance that was stopped seven days ago.
pub(crate) fn start_again(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let Some(mut instance) = subject(tx, &payload).filter(|i| i.status == "stopped") else { return Ok(()) };
    if !instance.key_usable(tx.snapshot()) {
        return Ok(());
    }
    power::restart(tx, &mut instance, "starting")?;
    tx.put(instance)
}
