//! Events as they are kept: sealed at rest, and beneath that under the group's KMS data key.
//!
//! A key of `logs/events` is `group 16 | stream 16 | time 8 | number 8`. `logs/index` has the same
//! events by time over all streams: `group 16 | time 8 | number 8`, with the stream as value. The
//! number counts the events of a group, so that no two share a key.

use std::collections::BTreeMap;

use bytes::Bytes;
use model::{Fault, Tx};
use ring::aead::LessSafeKey;

use crate::group::{Group, find, invalid};
use crate::key;
use crate::shapes::*;
use crate::stream::{self, Stream};

pub(crate) const EVENTS: &str = "logs/events";
pub(crate) const INDEX: &str = "logs/index";
pub(crate) const COUNTERS: &str = "logs/counters";

const PURPOSE: &str = "log-event";
/// What AWS counts for an event beside its message.
const OVERHEAD: usize = 26;
const BATCH: usize = 1_048_576;
const DAY: i64 = 86_400_000;

/// Where an event stands in time: first by its timestamp, then in order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) time: i64,
    pub(crate) number: u64,
}

impl Position {
    pub(crate) fn bytes(self) -> [u8; 16] {
        let time = u128::from(u64::try_from(self.time).unwrap_or(0));
        (time << 64 | u128::from(self.number)).to_be_bytes()
    }

    /// From the end of a key.
    pub(crate) fn of_key(key: &[u8]) -> Option<Position> {
        let (_, end) = key.split_last_chunk::<16>()?;
        Some(Position::of(u128::from_be_bytes(*end)))
    }

    fn of(both: u128) -> Position {
        let number = u64::try_from(both & u128::from(u64::MAX)).unwrap_or(0);
        Position { time: i64::try_from(both >> 64).unwrap_or(i64::MAX), number }
    }

    /// The 56 digits of event ids and tokens.
    pub(crate) fn digits(self) -> String {
        format!("{:056}", u128::from_be_bytes(self.bytes()))
    }

    pub(crate) fn parse(digits: &str) -> Option<Position> {
        digits.parse::<u128>().ok().map(Position::of)
    }

    pub(crate) fn next(self) -> Position {
        Position { number: self.number.saturating_add(1), ..self }
    }
}

pub(crate) fn place(group: &Group, stream: &str, position: Position) -> Vec<u8> {
    [group.uid.as_bytes(), stream.as_bytes(), &position.bytes()].concat()
}

pub(crate) fn index_place(group: &Group, position: Position) -> Vec<u8> {
    [group.uid.as_bytes(), &position.bytes()].concat()
}

/// An event as it was put.
pub(crate) struct Event {
    pub(crate) position: Position,
    pub(crate) ingested: i64,
    pub(crate) message: String,
}

/// The data keys that one call has opened.
#[derive(Default)]
pub(crate) struct Keys(BTreeMap<u16, LessSafeKey>);

impl Keys {
    fn get(&mut self, tx: &mut Tx<'_>, group: &Group, number: u16) -> Result<&LessSafeKey, Fault> {
        match self.0.entry(number) {
            std::collections::btree_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            std::collections::btree_map::Entry::Vacant(entry) => {
                Ok(entry.insert(key::open(tx, group, usize::from(number) - 1)?))
            }
        }
    }
}

/// `data key (0: none) 2 | ingestion time 8 | sealed message`.
fn seal(
    tx: &mut Tx<'_>,
    group: &Group,
    keys: &mut Keys,
    place: &[u8],
    message: &str,
) -> Result<Vec<u8>, Fault> {
    let number = match group.kms_key {
        Some(_) => u16::try_from(group.data_keys.len()).map_err(|_| Fault::internal("too many data keys"))?,
        None => 0,
    };
    let inner = match number {
        0 => message.as_bytes().to_vec(),
        number => {
            let key = keys.get(tx, group, number)?;
            key::encrypt(tx, key, place, message.as_bytes())?
        }
    };
    let outer = tx.seal(PURPOSE, place, &inner)?;
    Ok([number.to_be_bytes().as_slice(), &tx.now.0.to_be_bytes(), &outer].concat())
}

pub(crate) fn open(
    tx: &mut Tx<'_>,
    group: &Group,
    keys: &mut Keys,
    place: &[u8],
    bytes: &[u8],
) -> Result<Event, Fault> {
    let broken = || Fault::internal("a log event cannot be read");
    let (number, rest) = bytes.split_first_chunk::<2>().ok_or_else(broken)?;
    let (ingested, outer) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
    let inner = tx.unseal(PURPOSE, place, outer)?;
    let plain = match u16::from_be_bytes(*number) {
        0 => inner,
        number => key::decrypt(keys.get(tx, group, number)?, place, &inner)?,
    };
    Ok(Event {
        position: Position::of_key(place).ok_or_else(broken)?,
        ingested: i64::from_be_bytes(*ingested),
        message: String::from_utf8(plain).map_err(|_| broken())?,
    })
}

/// What AWS refuses as a whole.
fn check(tx: &Tx<'_>, events: &[InputLogEvent]) -> Result<(), Fault> {
    let size: usize = events.iter().map(|e| e.message.len() + OVERHEAD).sum();
    if size > BATCH {
        return Err(invalid(format!("Upload too large: {size} bytes exceeds limit of {BATCH}")));
    }
    if !events.is_sorted_by_key(|e| e.timestamp) {
        return Err(invalid("Log events in a single PutLogEvents request must be in chronological order."));
    }
    let valid = |e: &&InputLogEvent| (tx.now.0 - 14 * DAY..=tx.now.0 + DAY / 12).contains(&e.timestamp);
    let span = (events.iter().find(valid), events.iter().rev().find(valid));
    if let (Some(first), Some(last)) = span
        && last.timestamp - first.timestamp > DAY
    {
        return Err(invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours.",
        ));
    }
    Ok(())
}

/// Which events of a batch in order of time are too old, expired or too new, as AWS counts them.
fn rejected(tx: &Tx<'_>, group: &Group, events: &[InputLogEvent]) -> RejectedLogEventsInfo {
    let end = |limit: i64| {
        let count = events.iter().take_while(|e| e.timestamp < limit).count();
        i64::try_from(count).ok().filter(|n| *n > 0)
    };
    let new = events.iter().position(|e| e.timestamp > tx.now.0 + DAY / 12);
    let expired = group.retention.and_then(|_| end(group.horizon(tx.now)));
    RejectedLogEventsInfo {
        too_new_log_event_start_index: new.and_then(|n| i64::try_from(n).ok()),
        too_old_log_event_end_index: end(tx.now.0 - 14 * DAY),
        expired_log_event_end_index: expired,
    }
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html>
pub(crate) fn put_log_events(
    tx: &mut Tx<'_>,
    input: PutLogEventsRequest,
) -> Result<PutLogEventsResponse, Fault> {
    let group = find(tx, &input.log_group_name)?;
    let mut stream = stream::get(tx, &group, &input.log_stream_name)?;
    check(tx, &input.log_events)?;
    let rejected = rejected(tx, &group, &input.log_events);
    let from = rejected.too_old_log_event_end_index.max(rejected.expired_log_event_end_index).unwrap_or(0);
    let to = rejected.too_new_log_event_start_index.unwrap_or(i64::MAX);
    let counter = group.uid();
    let mut number: u64 = tx.record_as(COUNTERS, &counter)?.unwrap_or(0);
    let mut keys = Keys::default();
    for (at, event) in (0_i64..).zip(input.log_events) {
        if at >= from && at < to {
            number += 1;
            keep(tx, &group, &mut stream, &mut keys, (Position { time: event.timestamp, number }, event))?;
        }
    }
    tx.put_record_as(COUNTERS, &counter, &number)?;
    tx.put_record_as(stream::TABLE, &stream::place(&group, &stream.name), &stream)?;
    // Entities are for correlations that are not served: AWS's answer to one it cannot keep.
    let entity =
        input.entity.map(|_| RejectedEntityInfo { error_type: "UnsupportedLogGroupType".to_owned() });
    Ok(PutLogEventsResponse {
        next_sequence_token: None,
        rejected_log_events_info: (rejected != RejectedLogEventsInfo::default()).then_some(rejected),
        rejected_entity_info: entity,
    })
}

fn keep(
    tx: &mut Tx<'_>,
    group: &Group,
    stream: &mut Stream,
    keys: &mut Keys,
    (position, event): (Position, InputLogEvent),
) -> Result<(), Fault> {
    let place = place(group, &stream.id, position);
    let sealed = seal(tx, group, keys, &place, &event.message)?;
    tx.put_record(EVENTS, &place, sealed)?;
    tx.put_record(INDEX, &index_place(group, position), Bytes::copy_from_slice(stream.id.as_bytes()))?;
    stream.first_event = Some(stream.first_event.map_or(event.timestamp, |t| t.min(event.timestamp)));
    stream.last_event = Some(stream.last_event.map_or(event.timestamp, |t| t.max(event.timestamp)));
    stream.last_ingestion = Some(tx.now.0);
    stream.bytes += i64::try_from(event.message.len() + OVERHEAD).unwrap_or(0);
    Ok(())
}
