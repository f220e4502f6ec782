//! `LookupEvents`: the management events of the last ninety days, newest first.

use model::event::EventBody;
use model::{Fault, Tx};

use crate::shapes::*;
use crate::view::{self, Seen};

/// How far back events can be looked up, in seconds.
const WINDOW: i64 = 90 * 86_400;
const PAGE: usize = 50;

fn matches(seen: &Seen, attribute: &LookupAttribute) -> bool {
    let (call, wanted) = (&seen.call, attribute.attribute_value.as_str());
    match attribute.attribute_key.as_str() {
        "EventId" => view::event_id(seen) == wanted,
        "EventName" => call.operation == wanted,
        "ReadOnly" => call.read_only.to_string() == wanted,
        "Username" => view::user_name(&call.caller).as_deref() == Some(wanted),
        "EventSource" => view::source(&call.service) == wanted,
        "AccessKeyId" => call.caller.access_key.as_deref() == Some(wanted),
        "ResourceName" => {
            call.resources.iter().any(|arn| arn == wanted || arn.rsplit(['/', ':']).next() == Some(wanted))
        }
        "ResourceType" => call.resources.iter().any(|arn| resource_type(arn) == wanted),
        _ => false,
    }
}

/// `AWS::KMS::Key` of a key's ARN, for the types that have one name.
fn resource_type(arn: &str) -> String {
    let Some(parsed) = model::Arn::parse(arn) else { return String::new() };
    let kind = parsed.resource.split(['/', ':']).next().unwrap_or_default();
    let mut chars = kind.chars();
    let kind: String = chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect();
    match parsed.service {
        "s3" => "AWS::S3::Bucket".to_owned(),
        service @ ("kms" | "iam" | "sts" | "ec2" | "ssm") => {
            format!("AWS::{}::{kind}", service.to_ascii_uppercase())
        }
        _ => String::new(),
    }
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html>
pub(crate) fn lookup_events(
    tx: &mut Tx<'_>,
    input: LookupEventsRequest,
) -> Result<LookupEventsResponse, Fault> {
    let attributes = input.lookup_attributes.unwrap_or_default();
    if attributes.len() > 1 {
        return Err(Fault::client(
            "InvalidLookupAttributesException",
            "You can only specify one lookup attribute",
        ));
    }
    let limit = input.max_results.and_then(|n| usize::try_from(n).ok()).unwrap_or(PAGE);
    if !(1..=PAGE).contains(&limit) {
        return Err(Fault::client(
            "InvalidMaxResultsException",
            format!("MaxResults must be between 1 and {PAGE}"),
        ));
    }
    let invalid = || Fault::client("InvalidNextTokenException", "The next token is not valid");
    let before = input.next_token.map(|t| u64::from_str_radix(&t, 36).map_err(|_| invalid())).transpose()?;
    let oldest = input.start_time.unwrap_or(tx.now.plus_seconds(-WINDOW)).max(tx.now.plus_seconds(-WINDOW));
    let newest = input.end_time.unwrap_or(tx.now);
    if oldest > newest {
        return Err(Fault::client("InvalidTimeRangeException", "The start time must be before the end time"));
    }
    let (account, region) = (tx.account.to_string(), tx.region.clone());
    let mut found: Vec<Seen> = Vec::new();
    tx.host().events(&mut |seq, event| {
        if event.time < oldest {
            return false;
        }
        let own = event.account == account && event.region == region;
        if event.time > newest || !own || before.is_some_and(|before| seq >= before) {
            return true;
        }
        if let EventBody::Call(call) = event.body.clone() {
            let seen = Seen { seq, event, call };
            let shown = view::is_management(&seen.call) && view::is_call(tx.host(), &seen.call);
            if shown && attributes.iter().all(|a| matches(&seen, a)) {
                found.push(seen);
            }
        }
        found.len() <= limit
    })?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = if more { found.last().map(|s| base36(s.seq)) } else { None };
    Ok(LookupEventsResponse { events: Some(found.iter().map(shape).collect()), next_token })
}

fn base36(mut n: u64) -> String {
    let mut digits = Vec::new();
    while n > 0 {
        digits.push(char::from_digit(u32::try_from(n % 36).unwrap_or(0), 36).unwrap_or('0'));
        n /= 36;
    }
    digits.iter().rev().collect()
}

fn shape(seen: &Seen) -> Event {
    let resources = seen.call.resources.iter().map(|arn| Resource {
        resource_type: Some(resource_type(arn)).filter(|t| !t.is_empty()),
        resource_name: Some(arn.clone()),
    });
    Event {
        event_id: Some(view::event_id(seen)),
        event_name: Some(seen.call.operation.clone()),
        read_only: Some(seen.call.read_only.to_string()),
        access_key_id: seen.call.caller.access_key.clone(),
        event_time: Some(seen.event.time),
        event_source: Some(view::source(&seen.call.service)),
        username: view::user_name(&seen.call.caller),
        resources: Some(resources.collect()),
        cloud_trail_event: Some(view::json(seen).to_string()),
    }
}
