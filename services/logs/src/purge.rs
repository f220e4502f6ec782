//! Removes what has expired or was deleted, a slice at a time, so that no commit grows too large.

use model::{Effect, Fault, Range, Timestamp, Tx};
use serde_json::{Value as Json, json};

use crate::event::{self, EVENTS, INDEX, Position};
use crate::group::Group;
use crate::stream::{self, behind};

/// Events removed in one commit.
const SLICE: usize = 2000;
/// Seconds between two looks for events that have expired. (Readers do not see them meanwhile.)
const PAUSE: i64 = 3600;

pub(crate) fn expiry_id(group: &Group) -> String {
    format!("logs/expire/{}", group.uid)
}

pub(crate) fn schedule(tx: &mut Tx<'_>, group: &Group) -> Result<(), Fault> {
    at(tx, expiry_id(group), tx.now, "Expire", json!({"group": group.name}))
}

fn at(tx: &mut Tx<'_>, id: String, at: Timestamp, job: &str, payload: Json) -> Result<(), Fault> {
    tx.effect(Effect::Schedule { id, at, service: "logs".to_owned(), job: job.to_owned(), payload })
}

fn text<'a>(payload: &'a Json, name: &str) -> &'a str {
    payload.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// Job: removes a group's events that its retention no longer covers.
pub(crate) fn expire(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let Some(group) = tx.find::<Group>(text(&payload, "group")).cloned() else { return Ok(()) };
    if group.retention.is_none() {
        return Ok(());
    }
    let end = Position { time: group.horizon(tx.now), number: 0 };
    let (from, to) = (group.uid(), event::index_place(&group, end));
    let range = Range { from: &from, to: Some(&to), reverse: false, limit: SLICE };
    let expired = tx.records(INDEX, range)?;
    let more = expired.len() == SLICE;
    for (place, stream) in expired {
        let Some(position) = Position::of_key(&place) else { continue };
        tx.remove_record(EVENTS, &event::place(&group, &String::from_utf8_lossy(&stream), position))?;
        tx.remove_record(INDEX, &place)?;
    }
    let next = if more { tx.now } else { tx.now.plus_seconds(PAUSE) };
    at(tx, expiry_id(&group), next, "Expire", payload)
}

/// Removes up to a slice of the records under a prefix; tells whether there may be more.
fn sweep(tx: &mut Tx<'_>, table: &str, prefix: &[u8]) -> Result<bool, Fault> {
    let to = behind(prefix);
    let found = tx.records(table, Range { from: prefix, to: Some(&to), reverse: false, limit: SLICE })?;
    for (place, _) in &found {
        tx.remove_record(table, place)?;
    }
    Ok(found.len() == SLICE)
}

/// Job: removes everything of a group that was deleted.
pub(crate) fn group(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let uid = text(&payload, "group").to_owned();
    let mut more = false;
    for table in [EVENTS, INDEX, stream::TABLE] {
        more |= sweep(tx, table, uid.as_bytes())?;
    }
    tx.remove_record(event::COUNTERS, uid.as_bytes())?;
    match more {
        true => at(tx, format!("logs/purge/{uid}"), tx.now, "PurgeGroup", payload),
        false => Ok(()),
    }
}

/// Job: removes the events of a stream that was deleted.
pub(crate) fn stream(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let (group, stream) = (text(&payload, "group").to_owned(), text(&payload, "stream").to_owned());
    let prefix = [group.as_bytes(), stream.as_bytes()].concat();
    let to = behind(&prefix);
    let found = tx.records(EVENTS, Range { from: &prefix, to: Some(&to), reverse: false, limit: SLICE })?;
    for (place, _) in &found {
        tx.remove_record(EVENTS, place)?;
        if let Some(position) = Position::of_key(place) {
            tx.remove_record(INDEX, &[group.as_bytes(), &position.bytes()].concat())?;
        }
    }
    match found.len() == SLICE {
        true => at(tx, format!("logs/purge/{group}/{stream}"), tx.now, "PurgeStream", payload),
        false => Ok(()),
    }
}
