//! Log streams: records of their group, for there may be very many.

use model::{Effect, Fault, Range, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::group::{Group, find, hex, invalid, named, token, untoken};
use crate::shapes::*;

/// By group and name.
pub(crate) const TABLE: &str = "logs/streams";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stream {
    pub(crate) name: String,
    /// Sixteen hexadecimal digits.
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) first_event: Option<i64>,
    pub(crate) last_event: Option<i64>,
    pub(crate) last_ingestion: Option<i64>,
    pub(crate) bytes: i64,
}

pub(crate) fn place(group: &Group, name: &str) -> Vec<u8> {
    [group.uid.as_bytes(), name.as_bytes()].concat()
}

/// The key behind every key that begins with `prefix`.
pub(crate) fn behind(prefix: &[u8]) -> Vec<u8> {
    [prefix, &[0xff; 24]].concat()
}

pub(crate) fn missing() -> Fault {
    Fault::client("ResourceNotFoundException", "The specified log stream does not exist.")
}

pub(crate) fn get(tx: &Tx<'_>, group: &Group, name: &str) -> Result<Stream, Fault> {
    tx.record_as::<Stream>(TABLE, &place(group, name))?.ok_or_else(missing)
}

/// The streams of a group whose names begin with `prefix`, in order of their names.
pub(crate) fn with_prefix(tx: &Tx<'_>, group: &Group, prefix: &str) -> Result<Vec<Stream>, Fault> {
    let from = place(group, prefix);
    let to = behind(&from);
    let range = Range { from: &from, to: Some(&to), reverse: false, limit: usize::MAX };
    let unreadable = |e| Fault::internal(format!("a log stream cannot be read: {e}"));
    tx.records(TABLE, range)?
        .into_iter()
        .map(|(_, bytes)| serde_json::from_slice(&bytes).map_err(unreadable))
        .collect()
}

pub(crate) fn all(tx: &Tx<'_>, group: &Group) -> Result<Vec<Stream>, Fault> {
    with_prefix(tx, group, "")
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogStream.html>
pub(crate) fn create_log_stream(tx: &mut Tx<'_>, input: CreateLogStreamRequest) -> Result<(), Fault> {
    let group = find(tx, &input.log_group_name)?;
    let place = place(&group, &input.log_stream_name);
    if tx.record(TABLE, &place)?.is_some() {
        return Err(Fault::client(
            "ResourceAlreadyExistsException",
            "The specified log stream already exists",
        ));
    }
    let stream = Stream {
        name: input.log_stream_name,
        id: hex(&tx.random::<8>()),
        created: tx.now.0,
        first_event: None,
        last_event: None,
        last_ingestion: None,
        bytes: 0,
    };
    tx.put_record_as(TABLE, &place, &stream)
}

pub(crate) fn delete_log_stream(tx: &mut Tx<'_>, input: DeleteLogStreamRequest) -> Result<(), Fault> {
    let group = find(tx, &input.log_group_name)?;
    let stream = get(tx, &group, &input.log_stream_name)?;
    if group.protected {
        return Err(Fault::validation(
            "The log group has deletion protection enabled. Disable it to delete the log stream.",
        ));
    }
    tx.remove_record(TABLE, &place(&group, &stream.name))?;
    tx.effect(Effect::Schedule {
        id: format!("logs/purge/{}/{}", group.uid, stream.id),
        at: tx.now,
        service: "logs".to_owned(),
        job: "PurgeStream".to_owned(),
        payload: json!({"group": group.uid, "stream": stream.id}),
    })
}

fn shape(group: &Group, stream: Stream) -> LogStream {
    LogStream {
        arn: Some(format!("{}:log-stream:{}", group.arn(), stream.name)),
        log_stream_name: Some(stream.name),
        creation_time: Some(stream.created),
        first_event_timestamp: stream.first_event,
        last_event_timestamp: stream.last_event,
        last_ingestion_time: stream.last_ingestion,
        upload_sequence_token: None,
        stored_bytes: Some(0),
    }
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html>
pub(crate) fn describe_log_streams(
    tx: &mut Tx<'_>,
    input: DescribeLogStreamsRequest,
) -> Result<DescribeLogStreamsResponse, Fault> {
    let group = named(tx, input.log_group_name.as_deref(), input.log_group_identifier.as_deref())?;
    let by_time = input.order_by.as_deref() == Some("LastEventTime");
    let prefix = input.log_stream_name_prefix.unwrap_or_default();
    if by_time && !prefix.is_empty() {
        return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
    }
    let mut found = with_prefix(tx, &group, &prefix)?;
    if by_time {
        found.sort_by_key(|s| (s.last_event.unwrap_or(0), s.name.clone()));
    }
    if input.descending == Some(true) {
        found.reverse();
    }
    if let Some(after) = input.next_token.as_deref().map(untoken).transpose()? {
        let at = found.iter().position(|s| s.name == after);
        let at = at.ok_or_else(|| invalid("The specified nextToken is invalid."))?;
        found.drain(..=at);
    }
    let limit = input.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(50);
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|s| token(&s.name));
    let shown = found.into_iter().map(|s| shape(&group, s)).collect();
    Ok(DescribeLogStreamsResponse { log_streams: Some(shown), next_token })
}
