//! What is deleted stays to be seen for a while, as in AWS, and is then forgotten.

use model::{Effect, Fault, Tx};
use serde_json::{Value as Json, json};

/// One hour.
const SECONDS: i64 = 3600;

/// Has a deleted node removed after a while.
pub(crate) fn fade(tx: &mut Tx<'_>, arn: &str) -> Result<(), Fault> {
    tx.effect(Effect::Schedule {
        id: format!("ec2/forget/{arn}"),
        at: tx.now.plus_seconds(SECONDS),
        service: "ec2".to_owned(),
        job: "Forget".to_owned(),
        payload: json!({"arn": arn}),
    })
}

/// The job.
pub(crate) fn forget(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let arn = payload.get("arn").and_then(Json::as_str).unwrap_or_default();
    let gone = tx.snapshot().by_arn(arn).filter(|n| over(&n.to_json())).map(|n| n.key());
    gone.map_or(Ok(()), |key| tx.remove_key(key))
}

fn over(node: &Json) -> bool {
    let ended = ["deleted", "rejected", "expired", "failed"];
    node.get("deleted").is_some_and(|d| !d.is_null())
        || node.get("status").and_then(Json::as_str).is_some_and(|s| ended.contains(&s))
}
