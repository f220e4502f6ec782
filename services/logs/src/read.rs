//! Reading events: of one stream in either direction, or of a group through a filter.

use std::collections::BTreeMap;

use model::{Fault, Range, Tx};

use crate::event::{self, EVENTS, Event, INDEX, Keys, Position};
use crate::group::{Group, invalid, named};
use crate::pattern::Pattern;
use crate::shapes::*;
use crate::stream;

/// The most that a page holds.
const PAGE: usize = 10_000;
const PAGE_BYTES: usize = 1_048_576;
/// Events that a filter looks at before it gives what it has, and a token.
const SCAN: usize = 20_000;

fn limit(given: Option<i64>) -> usize {
    given.and_then(|n| usize::try_from(n).ok()).unwrap_or(PAGE)
}

fn at(time: i64) -> Position {
    Position { time, number: 0 }
}

/// Cuts a page at its size; one event is always on it.
fn fits(bytes: &mut usize, event: &Event) -> bool {
    *bytes += event.message.len() + 26;
    *bytes <= PAGE_BYTES || *bytes == event.message.len() + 26
}

enum Direction {
    Forward,
    Backward,
}

/// `f/POSITION/s` goes on from there, `b/POSITION/s` goes back from there.
fn direction(token: &str) -> Result<(Direction, Position), Fault> {
    let wrong = || invalid("The specified nextToken is invalid.");
    let (kind, rest) = token.split_once('/').ok_or_else(wrong)?;
    let position = Position::parse(rest.trim_end_matches("/s")).ok_or_else(wrong)?;
    match kind {
        "f" => Ok((Direction::Forward, position)),
        "b" => Ok((Direction::Backward, position)),
        _ => Err(wrong()),
    }
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html>
pub(crate) fn get_log_events(
    tx: &mut Tx<'_>,
    input: GetLogEventsRequest,
) -> Result<GetLogEventsResponse, Fault> {
    let group = named(tx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let stream = stream::get(tx, &group, &input.log_stream_name)?;
    let mut from = at(input.start_time.unwrap_or(0).max(group.horizon(tx.now)));
    let mut to = at(input.end_time.unwrap_or(i64::MAX));
    let given = input.next_token.as_deref().map(direction).transpose()?;
    let (backward, stay) = match given {
        Some((Direction::Forward, position)) => {
            from = from.max(position);
            (false, position)
        }
        Some((Direction::Backward, position)) => {
            to = to.min(position);
            (true, position)
        }
        None => (input.start_from_head != Some(true), from),
    };
    let (start, end) = (event::place(&group, &stream.id, from), event::place(&group, &stream.id, to));
    let mut events = Vec::new();
    if start < end {
        let range = Range { from: &start, to: Some(&end), reverse: backward, limit: limit(input.limit) };
        let (mut keys, mut bytes) = (Keys::default(), 0);
        for (place, sealed) in tx.records(EVENTS, range)? {
            let event = event::open(tx, &group, &mut keys, &place, &sealed)?;
            if !fits(&mut bytes, &event) {
                break;
            }
            events.push(event);
        }
    }
    if backward {
        events.reverse();
    }
    let first = events.first().map_or(stay, |e| e.position);
    let last = events.last().map_or(stay, |e| e.position.next());
    let shown = events.into_iter().map(|event| OutputLogEvent {
        timestamp: Some(event.position.time),
        message: Some(event.message),
        ingestion_time: Some(event.ingested),
    });
    Ok(GetLogEventsResponse {
        events: Some(shown.collect()),
        next_forward_token: Some(format!("f/{}/s", last.digits())),
        next_backward_token: Some(format!("b/{}/s", first.digits())),
    })
}

/// The streams that a filter looks at: names by id.
fn streams(
    tx: &Tx<'_>,
    group: &Group,
    names: Option<&[String]>,
    prefix: Option<&str>,
) -> Result<BTreeMap<String, String>, Fault> {
    let found = match (names, prefix) {
        (Some(_), Some(_)) => {
            return Err(invalid("logStreamNames and logStreamNamePrefix cannot be specified together."));
        }
        (Some(names), None) => {
            names.iter().map(|name| stream::get(tx, group, name)).collect::<Result<Vec<_>, _>>()?
        }
        (None, prefix) => stream::with_prefix(tx, group, prefix.unwrap_or_default())?,
    };
    Ok(found.into_iter().map(|s| (s.id, s.name)).collect())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>
pub(crate) fn filter_log_events(
    tx: &mut Tx<'_>,
    input: FilterLogEventsRequest,
) -> Result<FilterLogEventsResponse, Fault> {
    let group = named(tx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let pattern = Pattern::parse(input.filter_pattern.as_deref().unwrap_or_default())?;
    let streams =
        streams(tx, &group, input.log_stream_names.as_deref(), input.log_stream_name_prefix.as_deref())?;
    let mut from = at(input.start_time.unwrap_or(0).max(group.horizon(tx.now)));
    if let Some(token) = &input.next_token {
        let position = Position::parse(token);
        from = from.max(position.ok_or_else(|| invalid("The specified nextToken is invalid."))?);
    }
    // An event at the end time is among them, unlike in GetLogEvents.
    let to = event::index_place(&group, at(input.end_time.map_or(i64::MAX, |t| t.saturating_add(1))));
    let limit = limit(input.limit);
    let mut search = Search { group, pattern, streams, keys: Keys::default(), events: Vec::new(), bytes: 0 };
    let mut scanned = 0;
    let next_token = loop {
        let start = event::index_place(&search.group, from);
        if start >= to {
            break None;
        }
        let range = Range { from: &start, to: Some(&to), reverse: false, limit: 1000 };
        let entries = tx.records(INDEX, range)?;
        if entries.is_empty() {
            break None;
        }
        if search.events.len() >= limit || scanned >= SCAN || search.bytes >= PAGE_BYTES {
            break Some(from.digits());
        }
        for (place, stream) in entries {
            let position =
                Position::of_key(&place).ok_or_else(|| Fault::internal("the index cannot be read"))?;
            if search.events.len() >= limit || search.bytes >= PAGE_BYTES {
                break;
            }
            search.look(tx, position, &stream)?;
            from = position.next();
            scanned += 1;
        }
    };
    Ok(FilterLogEventsResponse {
        events: Some(search.events),
        searched_log_streams: Some(Vec::new()),
        next_token,
    })
}

struct Search {
    group: Group,
    pattern: Pattern,
    streams: BTreeMap<String, String>,
    keys: Keys,
    events: Vec<FilteredLogEvent>,
    bytes: usize,
}

impl Search {
    fn look(&mut self, tx: &mut Tx<'_>, position: Position, stream: &[u8]) -> Result<(), Fault> {
        let id = String::from_utf8_lossy(stream);
        // A stream that was deleted, or that was not asked for.
        let Some(name) = self.streams.get(id.as_ref()) else { return Ok(()) };
        let place = event::place(&self.group, &id, position);
        let Some(sealed) = tx.record(EVENTS, &place)? else { return Ok(()) };
        let event = event::open(tx, &self.group, &mut self.keys, &place, &sealed)?;
        if self.pattern.matches(&event.message) {
            self.bytes += event.message.len() + 26;
            self.events.push(FilteredLogEvent {
                log_stream_name: Some(name.clone()),
                timestamp: Some(position.time),
                message: Some(event.message),
                ingestion_time: Some(event.ingested),
                event_id: Some(position.digits()),
            });
        }
        Ok(())
    }
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TestMetricFilter.html>
pub(crate) fn test_metric_filter(
    _: &mut Tx<'_>,
    input: TestMetricFilterRequest,
) -> Result<TestMetricFilterResponse, Fault> {
    let pattern = Pattern::parse(&input.filter_pattern)?;
    let matches = (1..)
        .zip(input.log_event_messages)
        .filter(|(_, message)| pattern.matches(message))
        .map(|(number, message)| MetricFilterMatchRecord {
            event_number: Some(number),
            extracted_values: Some(pattern.extracted(&message)),
            event_message: Some(message),
        })
        .collect();
    Ok(TestMetricFilterResponse { matches: Some(matches) })
}
