//! Objects: their records, and putting, getting and deleting them.

use std::collections::BTreeMap;

use model::{Body, Fault, Tags, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::bucket::{self, Bucket, Versioning};
use crate::content::{self, Piece, Sse, Wanted};
use crate::shapes::*;

/// Current objects: `bucket 0 key`.
pub(crate) const OBJECTS: &str = "s3/objects";
/// Every version, where a bucket has had versioning: `bucket 0 key 0 newest-first`.
pub(crate) const VERSIONS: &str = "s3/versions";

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) version: String,
    pub(crate) size: u64,
    /// Without its quotes.
    pub(crate) etag: String,
    pub(crate) modified: Timestamp,
    pub(crate) headers: Headers,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) sse: Sse,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) tags: Tags,
    /// The checksum that the client gave and the edge checked: its header and its value.
    pub(crate) checksum: Option<(String, String)>,
    pub(crate) parts: Option<i64>,
    pub(crate) delete_marker: bool,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Headers {
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) disposition: Option<String>,
    pub(crate) encoding: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) storage_class: Option<String>,
}

pub(crate) fn record_key(bucket: &str, key: &str) -> Vec<u8> {
    [bucket.as_bytes(), &[0], key.as_bytes()].concat()
}

fn version_key(bucket: &str, object: &Object) -> Vec<u8> {
    let newest_first = u64::MAX - u64::try_from(object.modified.0).unwrap_or_default();
    [record_key(bucket, &object.key).as_slice(), &[0], &newest_first.to_be_bytes(), object.version.as_bytes()]
        .concat()
}

pub(crate) fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

fn missing(key: &str) -> Fault {
    Fault::new("NoSuchKey", 404, "The specified key does not exist.").with("Key", key)
}

/// The current object, or the version named.
pub(crate) fn find(tx: &Tx<'_>, bucket: &str, key: &str, version: Option<&str>) -> Result<Object, Fault> {
    let current: Option<Object> = tx.record_as(OBJECTS, &record_key(bucket, key))?;
    let Some(version) = version else { return current.ok_or_else(|| missing(key)) };
    if let Some(object) = current.filter(|o| o.version == version) {
        return Ok(object);
    }
    let found = versions(tx, bucket, key)?.into_iter().find(|o| o.version == version);
    found.ok_or_else(|| {
        Fault::new("NoSuchVersion", 404, "The specified version does not exist.").with("Key", key)
    })
}

fn versions(tx: &Tx<'_>, bucket: &str, key: &str) -> Result<Vec<Object>, Fault> {
    let from = [record_key(bucket, key).as_slice(), &[0]].concat();
    let to = [record_key(bucket, key).as_slice(), &[1]].concat();
    let range = model::Range { from: &from, to: Some(&to), reverse: false, limit: usize::MAX };
    let records = tx.records(VERSIONS, range)?;
    records.iter().map(|(_, bytes)| parsed(bytes)).collect()
}

pub(crate) fn parsed(bytes: &[u8]) -> Result<Object, Fault> {
    serde_json::from_slice(bytes)
        .map_err(|e| Fault::internal(format!("an object's record cannot be read: {e}")))
}

/// Makes an object the current one; what it replaces is kept or freed as the bucket's versioning says.
pub(crate) fn keep(tx: &mut Tx<'_>, bucket: &Bucket, mut object: Object) -> Result<Object, Fault> {
    let place = record_key(&bucket.name, &object.key);
    let old: Option<Object> = tx.record_as(OBJECTS, &place)?;
    object.version = match bucket.versioning {
        Some(Versioning::Enabled) => {
            tx.random_text(32, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._")
        }
        _ => "null".to_owned(),
    };
    match bucket.versioning {
        None => {
            if let Some(old) = old {
                content::discard(tx, &old.pieces)?;
            }
        }
        Some(versioning) => {
            // What was put before versioning began becomes the null version.
            if let Some(old) = old.filter(|o| o.version == "null") {
                match versioning {
                    Versioning::Enabled => {
                        tx.put_record_as(VERSIONS, &version_key(&bucket.name, &old), &old)?
                    }
                    Versioning::Suspended => {
                        tx.remove_record(VERSIONS, &version_key(&bucket.name, &old))?;
                        content::discard(tx, &old.pieces)?;
                    }
                }
            }
            // Two versions in one millisecond still have an order.
            let newest = versions(tx, &bucket.name, &object.key)?.first().map(|o| o.modified);
            if let Some(newest) = newest.filter(|n| *n >= object.modified) {
                object.modified = Timestamp(newest.0 + 1);
            }
            tx.put_record_as(VERSIONS, &version_key(&bucket.name, &object), &object)?;
        }
    }
    match object.delete_marker {
        true => tx.remove_record(OBJECTS, &place)?,
        false => tx.put_record_as(OBJECTS, &place, &object)?,
    }
    Ok(object)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>
pub(crate) fn put_object(tx: &mut Tx<'_>, input: PutObjectRequest) -> Result<PutObjectOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    expected_owner(&bucket, input.expected_bucket_owner.as_deref())?;
    refuse(&[
        ("x-amz-server-side-encryption-customer-algorithm", input.sse_customer_algorithm.is_some()),
        ("x-amz-object-lock-mode", input.object_lock_mode.is_some()),
        ("x-amz-checksum-sha512", input.checksum_sha512.is_some()),
        ("x-amz-write-offset-bytes", input.write_offset_bytes.is_some()),
    ])?;
    acl(input.acl.as_deref())?;
    if input.key.len() > 1024 {
        return Err(Fault::client("KeyTooLongError", "Your key is too long"));
    }
    let current: Option<Object> = tx.record_as(OBJECTS, &record_key(&bucket.name, &input.key))?;
    preconditions(current.as_ref(), input.if_match.as_deref(), input.if_none_match.as_deref())?;
    let wanted = Wanted {
        algorithm: input.server_side_encryption,
        key: input.ssekms_key_id,
        bucket_key: input.bucket_key_enabled,
    };
    let (sse, wrapper) = content::begin(tx, &bucket, &input.key, wanted)?;
    let (piece, md5) = content::store(tx, &wrapper, input.body.unwrap_or(Body::Memory(bytes::Bytes::new())))?;
    let checksum = [
        ("CRC32", input.checksum_crc32),
        ("CRC32C", input.checksum_crc32_c),
        ("CRC64NVME", input.checksum_crc64_nvme),
        ("SHA1", input.checksum_sha1),
        ("SHA256", input.checksum_sha256),
    ];
    let object = Object {
        key: input.key,
        version: String::new(),
        size: piece.length,
        etag: hex::encode(md5),
        modified: tx.now,
        headers: Headers {
            content_type: input.content_type,
            cache_control: input.cache_control,
            disposition: input.content_disposition,
            encoding: input.content_encoding,
            language: input.content_language,
            storage_class: input.storage_class,
        },
        metadata: input.metadata.unwrap_or_default(),
        sse,
        pieces: vec![piece],
        tags: header_tags(input.tagging.as_deref())?,
        checksum: checksum.into_iter().find_map(|(n, v)| v.map(|v| (n.to_owned(), v))),
        parts: None,
        delete_marker: false,
    };
    let object = keep(tx, &bucket, object)?;
    let (algorithm, kms, bucket_key) = shown(&object.sse);
    Ok(PutObjectOutput {
        e_tag: Some(quoted(&object.etag)),
        version_id: version_shown(&bucket, &object),
        server_side_encryption: Some(algorithm),
        ssekms_key_id: kms,
        bucket_key_enabled: bucket_key,
        checksum_crc32: checksum_of(&object, "CRC32"),
        checksum_crc32_c: checksum_of(&object, "CRC32C"),
        checksum_crc64_nvme: checksum_of(&object, "CRC64NVME"),
        checksum_sha1: checksum_of(&object, "SHA1"),
        checksum_sha256: checksum_of(&object, "SHA256"),
        ..PutObjectOutput::default()
    })
}

fn checksum_of(object: &Object, name: &str) -> Option<String> {
    object.checksum.as_ref().filter(|(n, _)| n == name).map(|(_, v)| v.clone())
}

pub(crate) fn refuse(unserved: &[(&str, bool)]) -> Result<(), Fault> {
    match unserved.iter().find(|(_, given)| *given) {
        Some((name, _)) => {
            Err(Fault::new("NotImplemented", 501, format!("the header `{name}` is not served")))
        }
        None => Ok(()),
    }
}

pub(crate) fn acl(acl: Option<&str>) -> Result<(), Fault> {
    match acl {
        None | Some("private" | "bucket-owner-full-control") => Ok(()),
        Some(_) => Err(Fault::client("AccessControlListNotSupported", "The bucket does not allow ACLs")),
    }
}

fn expected_owner(bucket: &Bucket, expected: Option<&str>) -> Result<(), Fault> {
    match expected {
        Some(owner) if owner != bucket.account.as_str() => {
            Err(Fault::new("AccessDenied", 403, "Access Denied"))
        }
        _ => Ok(()),
    }
}

/// `If-Match` and `If-None-Match` of a write.
fn preconditions(current: Option<&Object>, matching: Option<&str>, none: Option<&str>) -> Result<(), Fault> {
    let failed = || {
        Fault::new("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
    };
    if matching.is_some_and(|m| current.is_none_or(|o| m.trim_matches('"') != o.etag)) {
        return Err(failed());
    }
    match none {
        Some("*") if current.is_some() => Err(failed()),
        Some(_) | None => Ok(()),
    }
}

/// Tags given in a header as a query string.
pub(crate) fn header_tags(header: Option<&str>) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for pair in header.unwrap_or_default().split('&').filter(|p| !p.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        tags.insert(unescaped(name), unescaped(value));
    }
    match tags.len() {
        0..=10 => Ok(tags),
        _ => Err(Fault::client("BadRequest", "Object tags cannot be greater than 10")),
    }
}

/// Percent-decoded, a plus sign as a space.
pub(crate) fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        match b {
            b'+' => out.push(b' '),
            b'%' => {
                let digits: Vec<u8> = bytes.by_ref().take(2).collect();
                let byte = std::str::from_utf8(&digits).ok().and_then(|d| u8::from_str_radix(d, 16).ok());
                out.extend(byte);
            }
            b => out.push(b),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Algorithm, key and bucket key, as answers show them.
pub(crate) fn shown(sse: &Sse) -> (String, Option<String>, Option<bool>) {
    match sse {
        Sse::S3 => ("AES256".to_owned(), None, None),
        Sse::Kms { key_arn, bucket_key, .. } => {
            ("aws:kms".to_owned(), Some(key_arn.clone()), bucket_key.then_some(true))
        }
    }
}

pub(crate) fn version_shown(bucket: &Bucket, object: &Object) -> Option<String> {
    bucket.versioning.map(|_| object.version.clone())
}

/// What `GetObject` and `HeadObject` have in common.
struct Looked {
    bucket: Bucket,
    object: Object,
    /// The slice asked for, within the object.
    slice: (u64, u64),
    range: Option<String>,
}

fn look(tx: &Tx<'_>, input: &GetObjectRequest) -> Result<Looked, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    expected_owner(&bucket, input.expected_bucket_owner.as_deref())?;
    refuse(&[("x-amz-server-side-encryption-customer-algorithm", input.sse_customer_algorithm.is_some())])?;
    let object = find(tx, &bucket.name, &input.key, input.version_id.as_deref())?;
    if object.delete_marker {
        return Err(Fault::new(
            "MethodNotAllowed",
            405,
            "The specified method is not allowed against this resource.",
        ));
    }
    let matches =
        |etags: &str| etags == "*" || etags.split(',').any(|e| e.trim().trim_matches('"') == object.etag);
    let failed = || {
        Fault::new("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
    };
    let seconds = object.modified.seconds();
    if input.if_match.as_deref().is_some_and(|m| !matches(m))
        || (input.if_match.is_none() && input.if_unmodified_since.is_some_and(|t| seconds > t.seconds()))
    {
        return Err(failed());
    }
    if input.if_none_match.as_deref().is_some_and(matches)
        || (input.if_none_match.is_none() && input.if_modified_since.is_some_and(|t| seconds <= t.seconds()))
    {
        return Err(Fault::new("NotModified", 304, ""));
    }
    let slice = match input.range.as_deref().and_then(|r| r.strip_prefix("bytes=")) {
        None => None,
        Some(range) => Some(range_of(range, object.size)?),
    };
    let range = slice.map(|(from, length)| format!("bytes {from}-{}/{}", from + length - 1, object.size));
    Ok(Looked { bucket, slice: slice.unwrap_or((0, object.size)), range, object })
}

/// `0-99`, `100-` or `-5` as offset and length (RFC 9110).
fn range_of(range: &str, size: u64) -> Result<(u64, u64), Fault> {
    let invalid = || Fault::new("InvalidRange", 416, "The requested range is not satisfiable");
    let (from, to) = range.split_once('-').ok_or_else(invalid)?;
    let number = |t: &str| t.parse::<u64>().map_err(|_| invalid());
    let (from, end) = match (from, to) {
        ("", last) => (size.saturating_sub(number(last)?), size),
        (from, "") => (number(from)?, size),
        (from, to) => (number(from)?, number(to)?.saturating_add(1).min(size)),
    };
    if from >= end { Err(invalid()) } else { Ok((from, end - from)) }
}

fn size(length: u64) -> Option<i64> {
    i64::try_from(length).ok()
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
pub(crate) fn get_object(tx: &mut Tx<'_>, input: GetObjectRequest) -> Result<GetObjectOutput, Fault> {
    let looked = look(tx, &input)?;
    let object = &looked.object;
    let wrapper = content::reopen(tx, &object.sse)?;
    let (offset, length) = looked.slice;
    let body = content::load(tx, &wrapper, &object.pieces, offset, length)?;
    let (algorithm, kms, bucket_key) = shown(&object.sse);
    // A checksum of the whole says nothing of a slice.
    let whole = looked.range.is_none() && input.checksum_mode.as_deref() == Some("ENABLED");
    let sum = |name: &str| if whole { checksum_of(object, name) } else { None };
    Ok(GetObjectOutput {
        body: Some(body),
        accept_ranges: Some("bytes".to_owned()),
        last_modified: Some(object.modified),
        content_length: size(length),
        e_tag: Some(quoted(&object.etag)),
        version_id: version_shown(&looked.bucket, object),
        content_range: looked.range.clone(),
        content_type: input
            .response_content_type
            .or_else(|| object.headers.content_type.clone())
            .or_else(octets),
        cache_control: input.response_cache_control.or_else(|| object.headers.cache_control.clone()),
        content_disposition: input
            .response_content_disposition
            .or_else(|| object.headers.disposition.clone()),
        content_encoding: input.response_content_encoding.or_else(|| object.headers.encoding.clone()),
        content_language: input.response_content_language.or_else(|| object.headers.language.clone()),
        server_side_encryption: Some(algorithm),
        ssekms_key_id: kms,
        bucket_key_enabled: bucket_key,
        metadata: Some(object.metadata.clone()),
        storage_class: object.headers.storage_class.clone().filter(|c| c != "STANDARD"),
        tag_count: i64::try_from(object.tags.len()).ok().filter(|n| *n > 0),
        parts_count: input.part_number.and(object.parts),
        checksum_crc32: sum("CRC32"),
        checksum_crc32_c: sum("CRC32C"),
        checksum_crc64_nvme: sum("CRC64NVME"),
        checksum_sha1: sum("SHA1"),
        checksum_sha256: sum("SHA256"),
        ..GetObjectOutput::default()
    })
}

fn octets() -> Option<String> {
    Some("binary/octet-stream".to_owned())
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>
pub(crate) fn head_object(tx: &mut Tx<'_>, input: HeadObjectRequest) -> Result<HeadObjectOutput, Fault> {
    let like_get = GetObjectRequest {
        bucket: input.bucket,
        key: input.key,
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
        range: input.range,
        version_id: input.version_id,
        sse_customer_algorithm: input.sse_customer_algorithm,
        expected_bucket_owner: input.expected_bucket_owner,
        ..GetObjectRequest::default()
    };
    let looked = look(tx, &like_get)?;
    let object = &looked.object;
    // Facts about an encrypted object are its reader's only, too.
    content::reopen(tx, &object.sse)?;
    let (algorithm, kms, bucket_key) = shown(&object.sse);
    let whole = input.checksum_mode.as_deref() == Some("ENABLED");
    let sum = |name: &str| if whole { checksum_of(object, name) } else { None };
    Ok(HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        last_modified: Some(object.modified),
        content_length: size(looked.slice.1),
        content_range: looked.range.clone(),
        e_tag: Some(quoted(&object.etag)),
        version_id: version_shown(&looked.bucket, object),
        content_type: object.headers.content_type.clone().or_else(octets),
        cache_control: object.headers.cache_control.clone(),
        content_disposition: object.headers.disposition.clone(),
        content_encoding: object.headers.encoding.clone(),
        content_language: object.headers.language.clone(),
        server_side_encryption: Some(algorithm),
        ssekms_key_id: kms,
        bucket_key_enabled: bucket_key,
        metadata: Some(object.metadata.clone()),
        storage_class: object.headers.storage_class.clone().filter(|c| c != "STANDARD"),
        checksum_crc32: sum("CRC32"),
        checksum_crc32_c: sum("CRC32C"),
        checksum_crc64_nvme: sum("CRC64NVME"),
        checksum_sha1: sum("SHA1"),
        checksum_sha256: sum("SHA256"),
        ..HeadObjectOutput::default()
    })
}

/// Deletes the current object, or one version for good.
pub(crate) fn delete(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    key: &str,
    version: Option<&str>,
) -> Result<DeletedObject, Fault> {
    let place = record_key(&bucket.name, key);
    let mut deleted = DeletedObject { key: Some(key.to_owned()), ..DeletedObject::default() };
    let current: Option<Object> = tx.record_as(OBJECTS, &place)?;
    let Some(version) = version else {
        if bucket.versioning.is_none() {
            if let Some(old) = current {
                content::discard(tx, &old.pieces)?;
                tx.remove_record(OBJECTS, &place)?;
            }
            return Ok(deleted);
        }
        let marker = Object {
            key: key.to_owned(),
            version: String::new(),
            size: 0,
            etag: String::new(),
            modified: tx.now,
            headers: Headers::default(),
            metadata: BTreeMap::new(),
            sse: Sse::S3,
            pieces: Vec::new(),
            tags: Tags::new(),
            checksum: None,
            parts: None,
            delete_marker: true,
        };
        let marker = keep(tx, bucket, marker)?;
        deleted.delete_marker = Some(true);
        deleted.delete_marker_version_id = Some(marker.version);
        return Ok(deleted);
    };
    deleted.version_id = Some(version.to_owned());
    let all = versions(tx, &bucket.name, key)?;
    if let Some(object) = all.iter().find(|o| o.version == version) {
        content::discard(tx, &object.pieces)?;
        tx.remove_record(VERSIONS, &version_key(&bucket.name, object))?;
        deleted.delete_marker = object.delete_marker.then_some(true);
        // The newest that is left is the current one now.
        match all.iter().find(|o| o.version != version) {
            Some(newest) if !newest.delete_marker => tx.put_record_as(OBJECTS, &place, newest)?,
            _ => tx.remove_record(OBJECTS, &place)?,
        }
    } else if let Some(old) = current.filter(|o| o.version == version) {
        content::discard(tx, &old.pieces)?;
        tx.remove_record(OBJECTS, &place)?;
    }
    Ok(deleted)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObject.html>
pub(crate) fn delete_object(
    tx: &mut Tx<'_>,
    input: DeleteObjectRequest,
) -> Result<DeleteObjectOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    let deleted = delete(tx, &bucket, &input.key, input.version_id.as_deref())?;
    Ok(DeleteObjectOutput {
        delete_marker: deleted.delete_marker,
        version_id: deleted.delete_marker_version_id.or(deleted.version_id),
        ..DeleteObjectOutput::default()
    })
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html>
pub(crate) fn delete_objects(
    tx: &mut Tx<'_>,
    input: DeleteObjectsRequest,
) -> Result<DeleteObjectsOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    if input.delete.objects.len() > 1000 {
        return Err(bucket::malformed());
    }
    let mut deleted = Vec::new();
    for object in input.delete.objects {
        deleted.push(delete(tx, &bucket, &object.key, object.version_id.as_deref())?);
    }
    if input.delete.quiet == Some(true) {
        deleted.clear();
    }
    Ok(DeleteObjectsOutput { deleted: Some(deleted), ..DeleteObjectsOutput::default() })
}

pub(crate) fn get_object_tagging(
    tx: &mut Tx<'_>,
    input: GetObjectTaggingRequest,
) -> Result<GetObjectTaggingOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    let object = find(tx, &bucket.name, &input.key, input.version_id.as_deref())?;
    Ok(GetObjectTaggingOutput {
        version_id: version_shown(&bucket, &object),
        tag_set: bucket::tag_set(&object.tags),
    })
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjectTagging.html>
pub(crate) fn delete_object_tagging(
    tx: &mut Tx<'_>,
    input: DeleteObjectTaggingRequest,
) -> Result<DeleteObjectTaggingOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    let object = find(tx, &bucket.name, &input.key, input.version_id.as_deref())?;
    let object = retag(tx, &bucket, Object { tags: Tags::new(), ..object })?;
    Ok(DeleteObjectTaggingOutput { version_id: version_shown(&bucket, &object) })
}

/// There are no grants but the owner's.
pub(crate) fn get_object_acl(
    tx: &mut Tx<'_>,
    input: GetObjectAclRequest,
) -> Result<GetObjectAclOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    find(tx, &bucket.name, &input.key, input.version_id.as_deref())?;
    let of_bucket = bucket::get_bucket_acl(
        tx,
        GetBucketAclRequest { bucket: bucket.name, ..GetBucketAclRequest::default() },
    )?;
    Ok(GetObjectAclOutput { owner: of_bucket.owner, grants: of_bucket.grants, request_charged: None })
}

pub(crate) fn put_object_tagging(
    tx: &mut Tx<'_>,
    input: PutObjectTaggingRequest,
) -> Result<PutObjectTaggingOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    let mut object = find(tx, &bucket.name, &input.key, input.version_id.as_deref())?;
    object.tags = bucket::tags(input.tagging)?;
    let object = retag(tx, &bucket, object)?;
    Ok(PutObjectTaggingOutput { version_id: version_shown(&bucket, &object) })
}

/// Keeps an object whose tags have changed, where it is the current one and among the versions.
fn retag(tx: &mut Tx<'_>, bucket: &Bucket, object: Object) -> Result<Object, Fault> {
    if bucket.versioning.is_some() {
        tx.put_record_as(VERSIONS, &version_key(&bucket.name, &object), &object)?;
    }
    let place = record_key(&bucket.name, &object.key);
    let current: Option<Object> = tx.record_as(OBJECTS, &place)?;
    if current.is_some_and(|c| c.version == object.version) {
        tx.put_record_as(OBJECTS, &place, &object)?;
    }
    Ok(object)
}
