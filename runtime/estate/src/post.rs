//! The messages that a mail server is still to take. Each waits as a record of the commit that made
//! it, so that none is lost; it is tried again, ever more slowly, and given up after a day. The
//! outbox keeps every message, and says which were not delivered.

use model::tx::{Delta, Range, RecordWrite, Records as _};
use model::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

use crate::effects::{self, Message, OUTBOX, POST};
use crate::{Estate, now};

/// Seconds after which a message is no longer tried.
const GIVEN_UP: i64 = 86_400;
/// The longest pause between two attempts, in seconds.
const LONGEST: i64 = 3_600;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Waiting {
    since: Timestamp,
    /// Not to be tried before.
    next: Timestamp,
    attempts: u32,
    error: Option<String>,
    /// It is not tried any more.
    #[serde(default)]
    given_up: bool,
}

/// The record of a message that waits.
pub(crate) fn waiting(key: Vec<u8>, since: Timestamp) -> Result<RecordWrite, Fault> {
    effects::put(POST, key, &Waiting { since, next: since, attempts: 0, error: None, given_up: false })
}

fn read(bytes: &[u8]) -> Result<Waiting, Fault> {
    serde_json::from_slice(bytes)
        .map_err(|e| Fault::internal(format!("a message that waits cannot be read: {e}")))
}

/// Why a message was not delivered; `None`: it was, or nobody was to deliver it.
pub(crate) fn lack(estate: &Estate, key: &[u8]) -> Result<Option<String>, Fault> {
    let Some(bytes) = estate.get(POST, key)? else { return Ok(None) };
    let waiting = read(&bytes)?;
    let why = waiting.error.unwrap_or_else(|| "not yet tried".to_owned());
    Ok(Some(if waiting.given_up { format!("given up: {why}") } else { why }))
}

impl Estate {
    /// The messages that are to be tried now, with their keys.
    pub fn to_post(&self) -> Result<Vec<(Vec<u8>, Message)>, Fault> {
        let everything = Range { from: b"", to: None, reverse: false, limit: usize::MAX };
        let mut due = Vec::new();
        for (key, bytes) in self.range(POST, everything)? {
            let waiting = read(&bytes)?;
            if waiting.given_up || waiting.next.0 > now().0 {
                continue;
            }
            if let Some(sealed) = self.get(OUTBOX, &key)? {
                due.push((key.clone(), effects::message(self, &key, &sealed)?));
            }
        }
        Ok(due)
    }

    /// Records what became of an attempt.
    pub async fn posted(&self, key: &[u8], outcome: Result<(), String>) -> Result<(), Fault> {
        let Some(bytes) = self.get(POST, key)? else { return Ok(()) };
        let write = match outcome {
            Ok(()) => RecordWrite { table: POST.to_owned(), key: key.to_vec(), value: None },
            Err(error) => {
                let mut waiting = read(&bytes)?;
                let pause = 2_i64.saturating_pow(waiting.attempts).min(LONGEST);
                waiting.attempts += 1;
                waiting.next = now().plus_seconds(pause);
                waiting.error = Some(error);
                waiting.given_up = waiting.next.0 > waiting.since.plus_seconds(GIVEN_UP).0;
                effects::put(POST, key.to_vec(), &waiting)?
            }
        };
        self.found(Delta { records: vec![write], ..Delta::default() }).await.map(|_| ())
    }
}
