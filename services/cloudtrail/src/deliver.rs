//! Delivers a trail's events to its bucket: files of events, compressed, under AWS's names.
//! CloudTrail writes as itself, so the bucket's policy must let it; events that could not be
//! written wait for the next time. Nothing is delivered twice, nothing is left out.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use model::event::EventBody;
use model::{Caller, Fault, Members, Timestamp, Tx, Value};
use serde_json::{Value as Json, json};

use crate::trail::{Selector, Stored};
use crate::view::{self, Seen};

const NAME: &str = "cloudtrail.amazonaws.com";
/// Events of one delivery; the rest follows in the next.
const MOST: usize = 10_000;

/// CloudTrail itself, on behalf of a trail.
pub(crate) fn service(trail: &Stored) -> Caller {
    Caller::service_for(NAME, &trail.account, &trail.arn())
}

/// The number of the log's newest event.
pub(crate) fn newest(tx: &Tx<'_>) -> Result<u64, Fault> {
    let mut newest = 0;
    tx.host().events(&mut |seq, _| {
        newest = seq;
        false
    })?;
    Ok(newest)
}

/// The job: delivers for every trail that is logging.
pub(crate) fn deliver(tx: &mut Tx<'_>, _: Json) -> Result<(), Fault> {
    let trails: Vec<Stored> = tx.snapshot().all::<Stored>().filter(|t| t.logging).cloned().collect();
    for mut trail in trails {
        let (events, upto) = gather(tx, &trail)?;
        if upto == trail.delivered {
            continue;
        }
        tx.account = trail.account.clone();
        tx.region.clone_from(&trail.region);
        let written = tx.attempt(|tx| write(tx, &trail, &events));
        match written {
            Ok(()) => {
                trail.delivered = upto;
                trail.delivery = if events.is_empty() { trail.delivery } else { Some(tx.now) };
                trail.delivery_error = None;
            }
            Err(fault) => trail.delivery_error = Some(fault.code.trim_end_matches("Exception").to_owned()),
        }
        tx.put(trail)?;
    }
    Ok(())
}

/// The events that are due, oldest first, and the entry of the log that they reach to.
fn gather(tx: &Tx<'_>, trail: &Stored) -> Result<(Vec<Seen>, u64), Fault> {
    let mut found = Vec::new();
    let mut upto = trail.delivered;
    tx.host().events(&mut |seq, event| {
        if seq <= trail.delivered {
            return false;
        }
        upto = upto.max(seq);
        if let EventBody::Call(call) = event.body.clone() {
            let seen = Seen { seq, event, call };
            if wanted(tx, trail, &seen) {
                found.push(seen);
            }
        }
        true
    })?;
    found.reverse();
    if found.len() > MOST {
        found.truncate(MOST);
        upto = found.last().map_or(upto, |s| s.seq);
    }
    Ok((found, upto))
}

fn wanted(tx: &Tx<'_>, trail: &Stored, seen: &Seen) -> bool {
    let (event, call) = (&seen.event, &seen.call);
    let own = event.account == trail.account.as_str() || trail.organization;
    let here = trail.multi_region || event.region == trail.region;
    // The trail's own writing is not news.
    let delivery = call.caller.principal_id == trail.arn();
    own && here
        && !delivery
        && view::is_call(tx.host(), call)
        && trail.selectors.iter().any(|s| selects(s, seen))
}

fn selects(selector: &Selector, seen: &Seen) -> bool {
    let call = &seen.call;
    let direction = match selector.read_write.as_str() {
        "ReadOnly" => call.read_only,
        "WriteOnly" => !call.read_only,
        _ => true,
    };
    if view::is_management(call) {
        return direction && selector.management && !selector.excluded.contains(&view::source(&call.service));
    }
    let kind = match call.service.as_str() {
        "s3" => "AWS::S3::Object",
        "dynamodb" => "AWS::DynamoDB::Table",
        // Only advanced selectors, which are not served, could name others.
        _ => return false,
    };
    let named = |value: &String| {
        let begins = |arn: &String| arn == value || arn.starts_with(value.as_str());
        value == "arn:aws:s3" || value == "arn:aws:dynamodb" || call.resources.iter().any(begins)
    };
    direction && selector.data.iter().any(|(k, values)| k == kind && values.iter().any(named))
}

fn write(tx: &mut Tx<'_>, trail: &Stored, events: &[Seen]) -> Result<(), Fault> {
    let mut files: BTreeMap<(String, String), Vec<Json>> = BTreeMap::new();
    for seen in events {
        let place = (seen.event.account.clone(), seen.event.region.clone());
        files.entry(place).or_default().push(view::json(seen));
    }
    let organization = tx.snapshot().all::<model::estate::iam::Organization>().next().map(|o| o.id.clone());
    for ((account, region), records) in files {
        let key = name(tx, trail, organization.as_deref(), (&account, &region));
        let mut input = Members::default();
        input.push("Bucket", trail.bucket.as_str());
        input.push("Key", key);
        input.push("ACL", "bucket-owner-full-control");
        input.push("ContentType", "application/json");
        input.push("ContentEncoding", "gzip");
        if let Some(kms) = &trail.key {
            input.push("ServerSideEncryption", "aws:kms");
            input.push("SSEKMSKeyId", kms.as_str());
        }
        let body = model::Body::Memory(packed(&json!({"Records": records}))?.into());
        input.push("Body", Value::Body(body));
        let _: Value = tx.call_as(service(trail), None, "s3", "PutObject", Value::Map(input))?;
    }
    Ok(())
}

/// `PREFIX/AWSLogs/[o-ID/]ACCOUNT/CloudTrail/REGION/Y/M/D/ACCOUNT_CloudTrail_REGION_TIME_UNIQUE.json.gz`
fn name(tx: &Tx<'_>, trail: &Stored, organization: Option<&str>, place: (&str, &str)) -> String {
    let (account, region) = place;
    let time = Timestamp::to_rfc3339_seconds(tx.now);
    let (day, clock) = time.split_once('T').unwrap_or((&time, ""));
    let minute: String = clock.chars().filter(char::is_ascii_digit).take(4).collect();
    let unique = tx.random_text(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    let prefix = trail.prefix.as_ref().map(|p| format!("{p}/")).unwrap_or_default();
    let organization =
        organization.filter(|_| trail.organization).map(|o| format!("{o}/")).unwrap_or_default();
    format!(
        "{prefix}AWSLogs/{organization}{account}/CloudTrail/{region}/{}/{account}_CloudTrail_{region}_{}T{minute}Z_{unique}.json.gz",
        day.replace('-', "/"),
        day.replace('-', ""),
    )
}

fn packed(json: &Json) -> Result<Vec<u8>, Fault> {
    let failed = |e: std::io::Error| Fault::internal(format!("events cannot be compressed: {e}"));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(json.to_string().as_bytes()).map_err(failed)?;
    encoder.finish().map_err(failed)
}
