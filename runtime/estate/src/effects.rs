//! Effects become records of the same commit, so that none is lost between the
//! commit and the deed. Loops in `schedule` take them up from there.

use model::tx::{Delta, Range, RecordWrite, Records as _};
use model::{AccountId, Effect, Fault, Host as _, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Estate;

/// Jobs that are due at some time, by id.
pub(crate) const SCHEDULE: &str = "runtime/schedule";
/// Messages to people, by time.
pub(crate) const OUTBOX: &str = "runtime/outbox";
/// Messages that a mail server is still to take, by the key in the outbox.
pub(crate) const POST: &str = "runtime/post";
/// Blobs that no record names any longer.
pub(crate) const REMOVALS: &str = "runtime/removals";

/// A job as it waits in the schedule.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Due {
    pub(crate) at: Timestamp,
    pub(crate) service: String,
    pub(crate) job: String,
    pub(crate) payload: serde_json::Value,
    pub(crate) account: AccountId,
    pub(crate) region: String,
    /// Tells this schedule from a later one under the same id, even of the same millisecond.
    pub(crate) nonce: u64,
}

/// A message to a person.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    pub time: Timestamp,
    pub to: String,
    pub subject: String,
    pub body: String,
    /// Why the mail server has not taken it, where one should have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undelivered: Option<String>,
}

pub(crate) fn keep(
    estate: &Estate,
    delta: &mut Delta,
    account: &AccountId,
    region: &str,
) -> Result<(), Fault> {
    for effect in delta.effects.clone() {
        let write = match effect {
            Effect::Schedule { id, at, service, job, payload } => {
                let nonce = u64::from_be_bytes(estate.random_bytes());
                let (account, region) = (account.clone(), region.to_owned());
                let due = Due { at, service, job, payload, account, region, nonce };
                put(SCHEDULE, id.into_bytes(), &due)?
            }
            Effect::Unschedule { id } => {
                RecordWrite { table: SCHEDULE.into(), key: id.into_bytes(), value: None }
            }
            Effect::Mail { to, subject, body } => {
                let time = crate::now();
                let mut unique = [0; 4];
                estate.random(&mut unique);
                let key = [time.0.to_be_bytes().as_slice(), &unique].concat();
                if estate.settings.posts {
                    delta.records.push(crate::post::waiting(key.clone(), time)?);
                }
                sealed(estate, key, &Message { time, to, subject, body, undelivered: None })?
            }
            Effect::RemoveBlob { blob } => {
                RecordWrite { table: REMOVALS.into(), key: blob.into_bytes(), value: Some(Vec::new().into()) }
            }
        };
        delta.records.push(write);
    }
    Ok(())
}

pub(crate) fn put(table: &str, key: Vec<u8>, value: &impl Serialize) -> Result<RecordWrite, Fault> {
    let bytes = serde_json::to_vec(value)
        .map_err(|e| Fault::internal(format!("an effect cannot be encoded: {e}")))?;
    Ok(RecordWrite { table: table.to_owned(), key, value: Some(bytes.into()) })
}

/// Messages carry codes and passwords: they lie sealed in the store and in the log.
fn sealed(estate: &Estate, key: Vec<u8>, message: &Message) -> Result<RecordWrite, Fault> {
    let plain = serde_json::to_vec(message)
        .map_err(|e| Fault::internal(format!("a message cannot be encoded: {e}")))?;
    let value = Some(estate.seal("outbox", &key, &plain)?.into());
    Ok(RecordWrite { table: OUTBOX.to_owned(), key, value })
}

pub(crate) fn outbox(estate: &Estate) -> Result<Vec<Message>, Fault> {
    let everything = Range { from: b"", to: None, reverse: false, limit: usize::MAX };
    let messages = estate.range(OUTBOX, everything)?;
    messages.into_iter().map(|(key, bytes)| message(estate, &key, &bytes)).collect()
}

pub(crate) fn message(estate: &Estate, key: &[u8], bytes: &[u8]) -> Result<Message, Fault> {
    let plain = estate.unseal("outbox", key, bytes)?;
    let mut message: Message = serde_json::from_slice(&plain)
        .map_err(|e| Fault::internal(format!("a message cannot be read: {e}")))?;
    message.undelivered = crate::post::lack(estate, key)?;
    Ok(message)
}
