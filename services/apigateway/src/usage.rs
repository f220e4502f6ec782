//! How often a key was used, day by day: counted by the data plane, kept in records.

use model::estate::apigateway::UsagePlan;
use model::{Fault, Timestamp, Tx};
use serde_json::Value as Json;

/// Records `REGION/PLAN/KEY/DAY`, each a count.
const TABLE: &str = "apigateway-usage";

/// Days since 1970-01-01 of a date `YYYY-MM-DD`.
pub(crate) fn day(text: &str) -> Option<i64> {
    Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z")).map(|t| t.seconds() / 86_400)
}

fn record_key(tx: &Tx<'_>, plan: &str, key: &str, day: i64) -> Vec<u8> {
    format!("{}/{}/{plan}/{key}/{day}", tx.account, tx.region).into_bytes()
}

pub(crate) fn counted(tx: &Tx<'_>, plan: &str, key: &str, day: i64) -> Result<i64, Fault> {
    Ok(tx.record_as::<i64>(TABLE, &record_key(tx, plan, key, day))?.unwrap_or_default())
}

/// The job: adds what the data plane counted.
pub(crate) fn count(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let text = |name: &str| payload.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let number = |name: &str| payload.get(name).and_then(Json::as_i64).unwrap_or_default();
    let (plan, key, day) = (text("plan"), text("key"), number("day"));
    if tx.find::<UsagePlan>(&plan).is_none() {
        return Ok(());
    }
    let total = counted(tx, &plan, &key, day)? + number("count");
    let at = record_key(tx, &plan, &key, day);
    tx.put_record_as(TABLE, &at, &total)
}
