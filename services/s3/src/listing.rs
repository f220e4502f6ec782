//! Listing objects: prefixes, delimiters, pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::{Fault, Range, Tx};

use crate::bucket::{self, canonical};
use crate::object::{OBJECTS, Object, VERSIONS, parsed, quoted, record_key};
use crate::shapes::*;

/// Nothing in it, no version of anything either.
pub(crate) fn is_empty(tx: &Tx<'_>, bucket: &str) -> Result<bool, Fault> {
    let (from, to) = (record_key(bucket, ""), [bucket.as_bytes(), &[1]].concat());
    let one = Range { from: &from, to: Some(&to), reverse: false, limit: 1 };
    Ok(tx.records(OBJECTS, one)?.is_empty() && tx.records(VERSIONS, one)?.is_empty())
}

struct Asked<'a> {
    bucket: &'a str,
    prefix: &'a str,
    delimiter: Option<&'a str>,
    /// Keys beyond this one.
    after: &'a str,
    limit: usize,
}

#[derive(Default)]
struct Page {
    objects: Vec<Object>,
    prefixes: Vec<String>,
    /// The last key or prefix looked at, if there is more.
    next: Option<String>,
}

fn page(tx: &Tx<'_>, asked: &Asked<'_>) -> Result<Page, Fault> {
    const BATCH: usize = 1000;
    let end = [bucket_end(asked.bucket).as_slice()].concat();
    let mut page = Page::default();
    if asked.limit == 0 {
        return Ok(page);
    }
    let begin =
        if asked.after >= asked.prefix { format!("{}\0", asked.after) } else { asked.prefix.to_owned() };
    let mut from = record_key(asked.bucket, &begin);
    let mut last = asked.after.to_owned();
    loop {
        let range = Range { from: &from, to: Some(&end), reverse: false, limit: BATCH };
        let records = tx.records(OBJECTS, range)?;
        let full = records.len() == BATCH;
        for (record, bytes) in records {
            from = [record.as_slice(), &[0]].concat();
            let object = parsed(&bytes)?;
            let Some(rest) = object.key.strip_prefix(asked.prefix) else { return Ok(page) };
            let common =
                asked.delimiter.and_then(|d| rest.find(d).map(|at| at + d.len())).and_then(|n| rest.get(..n));
            let common = common.map(|c| format!("{}{c}", asked.prefix));
            if common.as_ref().is_some_and(|c| page.prefixes.last() == Some(c) || *c == asked.after) {
                continue;
            }
            if page.objects.len() + page.prefixes.len() == asked.limit {
                page.next = Some(last);
                return Ok(page);
            }
            match common {
                Some(common) => {
                    last.clone_from(&common);
                    page.prefixes.push(common);
                }
                None => {
                    last.clone_from(&object.key);
                    page.objects.push(object);
                }
            }
        }
        if !full {
            return Ok(page);
        }
        // A common prefix may cover very many keys: go on behind all of them.
        if let Some(prefix) = page.prefixes.last().filter(|p| **p == last) {
            let mut behind = record_key(asked.bucket, prefix);
            behind.extend([0xff; 4]);
            from = from.max(behind);
        }
    }
}

fn bucket_end(bucket: &str) -> Vec<u8> {
    [bucket.as_bytes(), &[1]].concat()
}

fn limit(max: Option<i64>) -> Result<usize, Fault> {
    match max {
        None => Ok(1000),
        Some(n) if n < 0 => Err(Fault::client(
            "InvalidArgument",
            "Argument max-keys must be an integer between 0 and 2147483647",
        )),
        Some(n) => Ok(usize::try_from(n).unwrap_or(1000).min(1000)),
    }
}

/// Keys as the client wants them: percent-encoded, if it says so.
fn encoder(encoding: Option<&str>) -> Result<fn(&str) -> String, Fault> {
    match encoding {
        None => Ok(str::to_owned),
        Some("url") => Ok(escaped),
        Some(_) => Err(Fault::client("InvalidArgument", "Invalid Encoding Method specified in Request")),
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' | b'/' => {
                out.push(char::from(b))
            }
            b' ' => out.push('+'),
            b => out.push_str(&format!("%{b:02X}")),
        }
    }
    out
}

fn listed(object: &Object, encode: fn(&str) -> String) -> crate::shapes::Object {
    crate::shapes::Object {
        key: Some(encode(&object.key)),
        last_modified: Some(object.modified),
        e_tag: Some(quoted(&object.etag)),
        size: i64::try_from(object.size).ok(),
        storage_class: Some(object.headers.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned())),
        checksum_algorithm: object.checksum.as_ref().map(|(name, _)| vec![name.clone()]),
        ..crate::shapes::Object::default()
    }
}

fn commons(prefixes: &[String], encode: fn(&str) -> String) -> Option<Vec<CommonPrefix>> {
    (!prefixes.is_empty())
        .then(|| prefixes.iter().map(|p| CommonPrefix { prefix: Some(encode(p)) }).collect())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>
pub(crate) fn list_objects_v2(
    tx: &mut Tx<'_>,
    input: ListObjectsV2Request,
) -> Result<ListObjectsV2Output, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    let encode = encoder(input.encoding_type.as_deref())?;
    let invalid = || Fault::client("InvalidArgument", "The continuation token provided is incorrect");
    let after = match &input.continuation_token {
        Some(token) => {
            String::from_utf8(URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?).map_err(|_| invalid())?
        }
        None => input.start_after.clone().unwrap_or_default(),
    };
    let limit = limit(input.max_keys)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let delimiter = input.delimiter.as_deref().filter(|d| !d.is_empty());
    let found = page(tx, &Asked { bucket: &bucket.name, prefix: &prefix, delimiter, after: &after, limit })?;
    let owner = (input.fetch_owner == Some(true))
        .then(|| Owner { id: Some(canonical(&bucket.account)), ..Owner::default() });
    let contents: Vec<_> = found
        .objects
        .iter()
        .map(|o| crate::shapes::Object { owner: owner.clone(), ..listed(o, encode) })
        .collect();
    let count = contents.len() + found.prefixes.len();
    Ok(ListObjectsV2Output {
        is_truncated: Some(found.next.is_some()),
        contents: (!contents.is_empty()).then_some(contents),
        name: Some(bucket.name),
        prefix: Some(encode(&prefix)),
        delimiter: delimiter.map(encode),
        max_keys: i64::try_from(limit).ok(),
        common_prefixes: commons(&found.prefixes, encode),
        encoding_type: input.encoding_type,
        key_count: i64::try_from(count).ok(),
        continuation_token: input.continuation_token,
        next_continuation_token: found.next.map(|key| URL_SAFE_NO_PAD.encode(key)),
        start_after: input.start_after.as_deref().map(encode),
        ..ListObjectsV2Output::default()
    })
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html>
pub(crate) fn list_objects(tx: &mut Tx<'_>, input: ListObjectsRequest) -> Result<ListObjectsOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    let encode = encoder(input.encoding_type.as_deref())?;
    let limit = limit(input.max_keys)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let marker = input.marker.clone().unwrap_or_default();
    let delimiter = input.delimiter.as_deref().filter(|d| !d.is_empty());
    let found = page(tx, &Asked { bucket: &bucket.name, prefix: &prefix, delimiter, after: &marker, limit })?;
    let contents: Vec<_> = found.objects.iter().map(|o| listed(o, encode)).collect();
    Ok(ListObjectsOutput {
        is_truncated: Some(found.next.is_some()),
        marker: Some(encode(&marker)),
        next_marker: found.next.filter(|_| delimiter.is_some()).as_deref().map(encode),
        contents: (!contents.is_empty()).then_some(contents),
        name: Some(bucket.name),
        prefix: Some(encode(&prefix)),
        delimiter: delimiter.map(encode),
        max_keys: i64::try_from(limit).ok(),
        common_prefixes: commons(&found.prefixes, encode),
        encoding_type: input.encoding_type,
        ..ListObjectsOutput::default()
    })
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>
pub(crate) fn list_object_versions(
    tx: &mut Tx<'_>,
    input: ListObjectVersionsRequest,
) -> Result<ListObjectVersionsOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    let encode = encoder(input.encoding_type.as_deref())?;
    if input.delimiter.as_deref().is_some_and(|d| !d.is_empty()) {
        return Err(Fault::new(
            "NotImplemented",
            501,
            "the parameter `delimiter` of ListObjectVersions is not served",
        ));
    }
    let limit = limit(input.max_keys)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let marker = input.key_marker.clone().unwrap_or_default();
    let table = if bucket.versioning.is_some() { VERSIONS } else { OBJECTS };
    // Behind every version of the marked key, or from the marked version on.
    let begin = match (marker.is_empty(), &input.version_id_marker) {
        (true, _) => record_key(&bucket.name, &prefix),
        (false, None) => [record_key(&bucket.name, &marker).as_slice(), &[1]].concat(),
        (false, Some(_)) => record_key(&bucket.name, &marker),
    };
    let (from, to) = (begin.max(record_key(&bucket.name, &prefix)), bucket_end(&bucket.name));
    let records =
        tx.records(table, Range { from: &from, to: Some(&to), reverse: false, limit: usize::MAX })?;
    let mut output = ListObjectVersionsOutput {
        is_truncated: Some(false),
        name: Some(bucket.name.clone()),
        prefix: Some(encode(&prefix)),
        max_keys: i64::try_from(limit).ok(),
        encoding_type: input.encoding_type.clone(),
        ..ListObjectVersionsOutput::default()
    };
    let (mut versions, mut markers, mut previous) = (Vec::new(), Vec::new(), String::new());
    let mut passed = input.version_id_marker.is_none();
    for (_, bytes) in records {
        let object = parsed(&bytes)?;
        if !object.key.starts_with(&prefix) {
            break;
        }
        let latest = object.key != previous;
        previous.clone_from(&object.key);
        if !passed {
            passed = input.version_id_marker.as_ref() == Some(&object.version);
            continue;
        }
        if versions.len() + markers.len() == limit {
            output.is_truncated = Some(true);
            break;
        }
        output.next_key_marker = Some(encode(&object.key));
        output.next_version_id_marker = Some(object.version.clone());
        match object.delete_marker {
            true => markers.push(DeleteMarkerEntry {
                key: Some(encode(&object.key)),
                version_id: Some(object.version.clone()),
                is_latest: Some(latest),
                last_modified: Some(object.modified),
                ..DeleteMarkerEntry::default()
            }),
            false => versions.push(ObjectVersion {
                key: Some(encode(&object.key)),
                version_id: Some(object.version.clone()),
                is_latest: Some(latest),
                last_modified: Some(object.modified),
                e_tag: Some(quoted(&object.etag)),
                size: i64::try_from(object.size).ok(),
                storage_class: Some("STANDARD".to_owned()),
                ..ObjectVersion::default()
            }),
        }
    }
    if output.is_truncated == Some(false) {
        output.next_key_marker = None;
        output.next_version_id_marker = None;
    }
    output.versions = (!versions.is_empty()).then_some(versions);
    output.delete_markers = (!markers.is_empty()).then_some(markers);
    Ok(output)
}
