//! Lifecycle rules: what is deleted by itself, and when. Objects move to no other storage
//! class here; a rule that asks for that is refused.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>

use model::{Effect, Fault, Range, Timestamp, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::bucket::{self, Bucket, malformed};
use crate::multipart;
use crate::object::{self, OBJECTS, Object, VERSIONS};
use crate::shapes::*;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) enabled: bool,
    pub(crate) prefix: String,
    pub(crate) days: Option<i64>,
    pub(crate) expired_marker: bool,
    pub(crate) noncurrent_days: Option<i64>,
    pub(crate) newer_noncurrent: usize,
    pub(crate) abort_days: Option<i64>,
}

const DAY: i64 = 86_400;

fn unserved(what: &str) -> Fault {
    Fault::new("NotImplemented", 501, format!("{what} of a lifecycle rule is not served by this runtime"))
}

fn rule(tx: &Tx<'_>, given: LifecycleRule) -> Result<Rule, Fault> {
    if given.transitions.is_some() || given.noncurrent_version_transitions.is_some() {
        return Err(unserved("a transition"));
    }
    let filter = given.filter.unwrap_or_default();
    let both = filter.and.unwrap_or_default();
    let narrow = filter.tag.is_some()
        || filter.object_size_greater_than.is_some()
        || filter.object_size_less_than.is_some()
        || both.tags.is_some()
        || both.object_size_greater_than.is_some()
        || both.object_size_less_than.is_some();
    if narrow {
        return Err(unserved("a filter by tag or size"));
    }
    let expiration = given.expiration.unwrap_or_default();
    if expiration.date.is_some() {
        return Err(unserved("an expiration date"));
    }
    let noncurrent = given.noncurrent_version_expiration;
    let rule = Rule {
        id: given.id.filter(|id| !id.is_empty()).unwrap_or_else(|| tx.uuid()),
        enabled: given.status == "Enabled",
        prefix: given.prefix.or(filter.prefix).or(both.prefix).unwrap_or_default(),
        days: expiration.days,
        expired_marker: expiration.expired_object_delete_marker == Some(true),
        noncurrent_days: noncurrent.as_ref().and_then(|n| n.noncurrent_days),
        newer_noncurrent: noncurrent
            .and_then(|n| n.newer_noncurrent_versions)
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(0),
        abort_days: given.abort_incomplete_multipart_upload.and_then(|a| a.days_after_initiation),
    };
    let days = [rule.days, rule.noncurrent_days, rule.abort_days];
    if days.iter().flatten().any(|d| *d < 1) {
        return Err(Fault::client(
            "InvalidArgument",
            "'Days' in a lifecycle rule must be a positive integer",
        ));
    }
    match days.iter().any(Option::is_some) || rule.expired_marker {
        true => Ok(rule),
        false => Err(Fault::client("InvalidRequest", "At least one action needs to be specified in a rule")),
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html>
pub(crate) fn put_bucket_lifecycle_configuration(
    tx: &mut Tx<'_>,
    input: PutBucketLifecycleConfigurationRequest,
) -> Result<PutBucketLifecycleConfigurationOutput, Fault> {
    let mut bucket = bucket::find(tx, &input.bucket)?;
    let given = input.lifecycle_configuration.ok_or_else(malformed)?.rules;
    if given.is_empty() || given.len() > 1000 {
        return Err(malformed());
    }
    let rules: Vec<Rule> = given.into_iter().map(|r| rule(tx, r)).collect::<Result<_, _>>()?;
    let mut ids: Vec<&str> = rules.iter().map(|r| r.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.len() < rules.len() {
        return Err(Fault::client("InvalidArgument", "Rule ID must be unique."));
    }
    bucket.lifecycle = rules;
    schedule(tx, &bucket)?;
    tx.put(bucket)?;
    Ok(PutBucketLifecycleConfigurationOutput::default())
}

fn schedule_id(bucket: &str) -> String {
    format!("s3/lifecycle/{bucket}")
}

/// Rules run once a day, at midnight (UTC), as in AWS.
fn schedule(tx: &mut Tx<'_>, bucket: &Bucket) -> Result<(), Fault> {
    tx.effect(Effect::Schedule {
        id: schedule_id(&bucket.name),
        at: midnight_after(tx.now),
        service: "s3".to_owned(),
        job: "Expire".to_owned(),
        payload: serde_json::json!({"bucket": bucket.name}),
    })
}

fn midnight_after(time: Timestamp) -> Timestamp {
    Timestamp::from_seconds((time.seconds().div_euclid(DAY) + 1) * DAY)
}

pub(crate) fn get_bucket_lifecycle_configuration(
    tx: &mut Tx<'_>,
    input: GetBucketLifecycleConfigurationRequest,
) -> Result<GetBucketLifecycleConfigurationOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    if bucket.lifecycle.is_empty() {
        return Err(Fault::new(
            "NoSuchLifecycleConfiguration",
            404,
            "The lifecycle configuration does not exist",
        ));
    }
    Ok(GetBucketLifecycleConfigurationOutput {
        rules: Some(bucket.lifecycle.iter().map(shape).collect()),
        ..GetBucketLifecycleConfigurationOutput::default()
    })
}

fn shape(rule: &Rule) -> LifecycleRule {
    let expires = rule.days.is_some() || rule.expired_marker;
    LifecycleRule {
        id: Some(rule.id.clone()),
        status: if rule.enabled { "Enabled" } else { "Disabled" }.to_owned(),
        filter: Some(LifecycleRuleFilter { prefix: Some(rule.prefix.clone()), ..Default::default() }),
        expiration: expires.then(|| LifecycleExpiration {
            days: rule.days,
            expired_object_delete_marker: rule.expired_marker.then_some(true),
            ..Default::default()
        }),
        noncurrent_version_expiration: rule.noncurrent_days.map(|days| NoncurrentVersionExpiration {
            noncurrent_days: Some(days),
            newer_noncurrent_versions: i64::try_from(rule.newer_noncurrent).ok().filter(|n| *n > 0),
        }),
        abort_incomplete_multipart_upload: rule
            .abort_days
            .map(|days| AbortIncompleteMultipartUpload { days_after_initiation: Some(days) }),
        ..LifecycleRule::default()
    }
}

pub(crate) fn delete_bucket_lifecycle(
    tx: &mut Tx<'_>,
    input: DeleteBucketLifecycleRequest,
) -> Result<(), Fault> {
    let mut bucket = bucket::find(tx, &input.bucket)?;
    bucket.lifecycle.clear();
    tx.effect(Effect::Unschedule { id: schedule_id(&bucket.name) })?;
    tx.put(bucket)
}

/// The job: carries out a bucket's rules.
pub(crate) fn expire(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let name = payload.get("bucket").and_then(Json::as_str).unwrap_or_default();
    let Ok(bucket) = bucket::find(tx, name) else { return Ok(()) };
    for rule in bucket.lifecycle.iter().filter(|r| r.enabled) {
        current(tx, &bucket, rule)?;
        noncurrent(tx, &bucket, rule)?;
        uploads(tx, &bucket, rule)?;
    }
    match bucket.lifecycle.is_empty() {
        true => Ok(()),
        false => schedule(tx, &bucket),
    }
}

/// Whether so many days, counted to the next midnight, have passed since.
fn due(now: Timestamp, since: Timestamp, days: i64) -> bool {
    midnight_after(since.plus_seconds(days * DAY)) <= now
}

fn objects(tx: &Tx<'_>, table: &str, bucket: &Bucket, prefix: &str) -> Result<Vec<Object>, Fault> {
    let from = object::record_key(&bucket.name, prefix);
    let to = [bucket.name.as_bytes(), &[1]].concat();
    let range = Range { from: &from, to: Some(&to), reverse: false, limit: usize::MAX };
    let mut found = Vec::new();
    for (key, bytes) in tx.records(table, range)? {
        if !key.starts_with(&from) {
            break;
        }
        found.push(object::parsed(&bytes)?);
    }
    Ok(found)
}

fn current(tx: &mut Tx<'_>, bucket: &Bucket, rule: &Rule) -> Result<(), Fault> {
    let Some(days) = rule.days else { return Ok(()) };
    for object in objects(tx, OBJECTS, bucket, &rule.prefix)? {
        if due(tx.now, object.modified, days) {
            object::delete(tx, bucket, &object.key, None)?;
        }
    }
    Ok(())
}

fn noncurrent(tx: &mut Tx<'_>, bucket: &Bucket, rule: &Rule) -> Result<(), Fault> {
    // By key, the newest version first.
    let all = objects(tx, VERSIONS, bucket, &rule.prefix)?;
    for versions in all.chunk_by(|a, b| a.key == b.key) {
        let successors = versions.iter().zip(versions.iter().skip(1));
        for (at, (newer, old)) in successors.enumerate() {
            let spared = at < rule.newer_noncurrent;
            // A version is noncurrent from the time that its successor came.
            if rule.noncurrent_days.is_some_and(|days| due(tx.now, newer.modified, days)) && !spared {
                object::delete(tx, bucket, &old.key, Some(&old.version))?;
            }
        }
        if let [only] = versions
            && only.delete_marker
            && rule.expired_marker
        {
            object::delete(tx, bucket, &only.key, Some(&only.version))?;
        }
    }
    Ok(())
}

fn uploads(tx: &mut Tx<'_>, bucket: &Bucket, rule: &Rule) -> Result<(), Fault> {
    let Some(days) = rule.abort_days else { return Ok(()) };
    for (key, upload_id, begun) in multipart::begun(tx, &bucket.name, &rule.prefix)? {
        if due(tx.now, begun, days) {
            let input = AbortMultipartUploadRequest {
                bucket: bucket.name.clone(),
                key,
                upload_id,
                ..AbortMultipartUploadRequest::default()
            };
            multipart::abort_multipart_upload(tx, input)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_to_the_next_midnight() {
        let hour = |h: i64| Timestamp::from_seconds(h * 3600);
        // Put at ten o'clock on the first day, for one day: gone at midnight after the second.
        assert!(!due(hour(24), hour(10), 1));
        assert!(!due(hour(47), hour(10), 1));
        assert!(due(hour(48), hour(10), 1));
        assert!(!due(hour(48), hour(10), 2));
    }
}
