//! Expiry. Each item that has one is entered in the order of its time; a job removes what is
//! due, index entries and counts included, without opening any item: it needs no key.

use model::{Effect, Fault, Range, Timestamp, Tx};

use crate::attribute::{Attr, Item};
use crate::place::{self, BASE, ITEMS};
use crate::shapes::*;
use crate::stats::{self, Counts};
use crate::table::{self, Table};
use crate::write::Spot;

/// `table 16 | time 8 | the rest of the item's place`.
pub(crate) const EXPIRIES: &str = "dynamodb/expiries";
/// Items older than this are not taken for expired: the attribute is likely no time at all.
const TOO_OLD: i64 = 5 * 365 * 86_400;
const AT_ONCE: usize = 200;
const TABLE: usize = 16;

pub(crate) fn schedule_id(table: &str) -> String {
    format!("dynamodb/expire/{table}")
}

/// When an item expires, in seconds.
fn expiry(attribute: &str, item: &Item) -> Option<i64> {
    match item.get(attribute) {
        Some(Attr::N(number)) => number.whole().filter(|seconds| *seconds > 0),
        _ => None,
    }
}

fn entry_key(table: &[u8; 16], seconds: i64, own: &[u8]) -> Vec<u8> {
    let tail = own.get(TABLE..).unwrap_or_default();
    [table.as_slice(), &seconds.to_be_bytes(), tail].concat()
}

/// The records that go with an item: `index 2 | size 4 | length 4 | place`, again and again.
fn encode(records: &[(u16, u32, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, size, place) in records {
        out.extend(index.to_be_bytes());
        out.extend(size.to_be_bytes());
        out.extend(u32::try_from(place.len()).unwrap_or(0).to_be_bytes());
        out.extend_from_slice(place);
    }
    out
}

fn decode(mut record: &[u8]) -> Vec<(u16, u32, &[u8])> {
    let mut found = Vec::new();
    while let Some((index, rest)) = record.split_first_chunk()
        && let Some((size, rest)) = rest.split_first_chunk()
        && let Some((length, rest)) = rest.split_first_chunk()
        && let Some((place, rest)) =
            rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX))
    {
        found.push((u16::from_be_bytes(*index), u32::from_be_bytes(*size), place));
        record = rest;
    }
    found
}

/// Keeps the entry of a changed item; `new` comes with its size.
pub(crate) fn keep(
    tx: &mut Tx<'_>,
    spot: &Spot<'_>,
    (attribute, old): (&str, Option<&Item>),
    new: Option<(&Item, u32)>,
) -> Result<(), Fault> {
    let table = &spot.keys.places.table;
    let was = old.and_then(|item| expiry(attribute, item));
    let is = new.and_then(|(item, _)| expiry(attribute, item));
    if let Some(seconds) = was.filter(|_| was != is) {
        tx.remove_record(EXPIRIES, &entry_key(table, seconds, &spot.place))?;
    }
    let (Some(seconds), Some((item, size))) = (is, new) else { return Ok(()) };
    let entries: Vec<_> =
        spot.table.indexes.iter().filter_map(|i| Some((i.number, spot.entry(i, item)?))).collect();
    let mut records = vec![(BASE, size, spot.place.as_slice())];
    records.extend(entries.iter().map(|(number, entry)| (*number, entry.size, entry.place.as_slice())));
    let first = first(tx, table)?;
    tx.put_record(EXPIRIES, &entry_key(table, seconds, &spot.place), encode(&records))?;
    if first.is_none_or(|first| seconds < first) && seconds > tx.now.seconds() - TOO_OLD {
        schedule(tx, spot.table, seconds)?;
    }
    Ok(())
}

/// Items may live on for a while after their time, but never less.
fn schedule(tx: &mut Tx<'_>, table: &Table, seconds: i64) -> Result<(), Fault> {
    let at = Timestamp::from_seconds(seconds).plus_seconds(1).max(tx.now);
    tx.effect(Effect::Schedule {
        id: schedule_id(&table.id),
        at,
        service: "dynamodb".to_owned(),
        job: "Expire".to_owned(),
        payload: serde_json::json!({ "arn": table.arn(), "id": table.id }),
    })
}

/// The earliest time that is not too old.
fn first(tx: &Tx<'_>, table: &[u8; 16]) -> Result<Option<i64>, Fault> {
    Ok(due(tx, table, 1)?.first().map(|(seconds, _, _)| *seconds))
}

type Due = (i64, Vec<u8>, bytes::Bytes);

/// The earliest entries.
fn due(tx: &Tx<'_>, table: &[u8; 16], limit: usize) -> Result<Vec<Due>, Fault> {
    let from = [table.as_slice(), &(tx.now.seconds() - TOO_OLD).to_be_bytes()].concat();
    let to = place::after(table);
    let found = tx.records(EXPIRIES, Range { from: &from, to: Some(&to), reverse: false, limit })?;
    let seconds = |key: &[u8]| Some(i64::from_be_bytes(*key.get(TABLE..)?.first_chunk()?));
    Ok(found.into_iter().filter_map(|(key, record)| Some((seconds(&key)?, key, record))).collect())
}

pub(crate) fn expire_due(tx: &mut Tx<'_>, payload: serde_json::Value) -> Result<(), Fault> {
    let text = |name: &str| payload.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
    let Some(table) =
        tx.find_arn::<Table>(text("arn")).filter(|t| t.id == text("id") && t.ttl.is_some()).cloned()
    else {
        return Ok(());
    };
    let id = place::table(&table.id);
    let mut counts = Counts::new();
    let mut next = None;
    for (seconds, key, record) in due(tx, &id, AT_ONCE)? {
        next = Some(seconds);
        if seconds >= tx.now.seconds() {
            break;
        }
        for (index, size, place) in decode(&record) {
            tx.remove_record(ITEMS, place)?;
            // An index that has been deleted since is not counted any more.
            if index == BASE || table.indexes.iter().any(|i| i.number == index) {
                let count = counts.entry(index).or_default();
                count.items -= 1;
                count.bytes -= i64::from(size);
            }
        }
        tx.remove_record(EXPIRIES, &key)?;
    }
    stats::add(tx, &id, &counts)?;
    match next {
        Some(seconds) => schedule(tx, &table, seconds),
        None => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html>
pub(crate) fn update_time_to_live(
    tx: &mut Tx<'_>,
    input: UpdateTimeToLiveInput,
) -> Result<UpdateTimeToLiveOutput, Fault> {
    let mut table = table::find(tx, &input.table_name)?;
    let wanted = input.time_to_live_specification;
    match (&table.ttl, wanted.enabled) {
        (Some(_), true) => return Err(Fault::validation("TimeToLive is already enabled")),
        (None, false) => return Err(Fault::validation("TimeToLive is already disabled")),
        (Some(current), false) if *current != wanted.attribute_name => {
            return Err(Fault::validation(format!(
                "TimeToLive is active on a different AttributeName: current AttributeName is {current}"
            )));
        }
        _ => {}
    }
    let before = table.clone();
    table.ttl = wanted.enabled.then(|| wanted.attribute_name.clone());
    match wanted.enabled {
        true => crate::index::rebuild(tx, &before, &table)?,
        false => {
            tx.effect(Effect::Unschedule { id: schedule_id(&table.id) })?;
            forget(tx, &table)?;
        }
    }
    tx.put(table)?;
    Ok(UpdateTimeToLiveOutput { time_to_live_specification: Some(wanted) })
}

/// Expiry is off: nothing is entered any more.
fn forget(tx: &mut Tx<'_>, table: &Table) -> Result<(), Fault> {
    let id = place::table(&table.id);
    let to = place::after(&id);
    let all = Range { from: &id, to: Some(&to), reverse: false, limit: usize::MAX };
    for (key, _) in tx.records(EXPIRIES, all)? {
        tx.remove_record(EXPIRIES, &key)?;
    }
    Ok(())
}

pub(crate) fn describe_time_to_live(
    tx: &mut Tx<'_>,
    input: DescribeTimeToLiveInput,
) -> Result<DescribeTimeToLiveOutput, Fault> {
    let table = table::find(tx, &input.table_name)?;
    let status = if table.ttl.is_some() { "ENABLED" } else { "DISABLED" };
    Ok(DescribeTimeToLiveOutput {
        time_to_live_description: Some(TimeToLiveDescription {
            time_to_live_status: Some(status.to_owned()),
            attribute_name: table.ttl,
        }),
    })
}
