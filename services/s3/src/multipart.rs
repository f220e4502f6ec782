//! Uploads in parts.

use std::collections::BTreeMap;

use model::{Body, Fault, Range, Tags, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::bucket::{self, Bucket};
use crate::content::{self, Piece, Sse, Wanted};
use crate::copy;
use crate::object::{self, Headers, Object, acl, header_tags, keep, quoted, refuse, shown, version_shown};
use crate::shapes::*;

/// `bucket 0 key 0 upload`.
const UPLOADS: &str = "s3/uploads";
/// `upload 0 part number`.
const PARTS: &str = "s3/parts";
/// Every part but the last must have as many bytes.
const SMALLEST: u64 = 5 << 20;

#[derive(Serialize, Deserialize)]
struct Upload {
    id: String,
    key: String,
    begun: Timestamp,
    headers: Headers,
    metadata: BTreeMap<String, String>,
    tags: Tags,
    sse: Sse,
}

#[derive(Clone, Serialize, Deserialize)]
struct StoredPart {
    number: i64,
    md5: [u8; 16],
    modified: Timestamp,
    piece: Piece,
}

fn upload_key(bucket: &str, key: &str, id: &str) -> Vec<u8> {
    [object::record_key(bucket, key).as_slice(), &[0], id.as_bytes()].concat()
}

fn part_key(id: &str, number: i64) -> Vec<u8> {
    [id.as_bytes(), &[0], &number.to_be_bytes()].concat()
}

fn find(tx: &Tx<'_>, bucket: &str, key: &str, id: &str) -> Result<Upload, Fault> {
    let missing = || {
        Fault::new(
            "NoSuchUpload",
            404,
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
        )
    };
    tx.record_as(UPLOADS, &upload_key(bucket, key, id))?.ok_or_else(missing)
}

/// The uploads that were begun and not ended: key, id, time.
pub(crate) fn begun(
    tx: &Tx<'_>,
    bucket: &str,
    prefix: &str,
) -> Result<Vec<(String, String, Timestamp)>, Fault> {
    let from = object::record_key(bucket, prefix);
    let to = [bucket.as_bytes(), &[1]].concat();
    let range = Range { from: &from, to: Some(&to), reverse: false, limit: usize::MAX };
    let mut found = Vec::new();
    for (key, bytes) in tx.records(UPLOADS, range)? {
        if key.starts_with(&from) {
            let upload: Upload = serde_json::from_slice(&bytes)
                .map_err(|e| Fault::internal(format!("an upload's record cannot be read: {e}")))?;
            found.push((upload.key, upload.id, upload.begun));
        }
    }
    Ok(found)
}

fn parts(tx: &Tx<'_>, id: &str) -> Result<Vec<StoredPart>, Fault> {
    let (from, to) = ([id.as_bytes(), &[0]].concat(), [id.as_bytes(), &[1]].concat());
    let records = tx.records(PARTS, Range { from: &from, to: Some(&to), reverse: false, limit: 10_000 })?;
    let read = |bytes: &[u8]| {
        serde_json::from_slice(bytes)
            .map_err(|e| Fault::internal(format!("a part's record cannot be read: {e}")))
    };
    records.iter().map(|(_, bytes)| read(bytes)).collect()
}

fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html>
pub(crate) fn create_multipart_upload(
    tx: &mut Tx<'_>,
    input: CreateMultipartUploadRequest,
) -> Result<CreateMultipartUploadOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    acl(input.acl.as_deref())?;
    refuse(&[("x-amz-server-side-encryption-customer-algorithm", input.sse_customer_algorithm.is_some())])?;
    let wanted = Wanted {
        algorithm: input.server_side_encryption,
        key: input.ssekms_key_id,
        bucket_key: input.bucket_key_enabled,
    };
    let (sse, _) = content::begin(tx, &bucket, &input.key, wanted)?;
    let id = tx.random_text(64, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._");
    let upload = Upload {
        id: id.clone(),
        key: input.key.clone(),
        begun: tx.now,
        headers: Headers {
            content_type: input.content_type,
            cache_control: input.cache_control,
            disposition: input.content_disposition,
            encoding: input.content_encoding,
            language: input.content_language,
            storage_class: input.storage_class,
        },
        metadata: input.metadata.unwrap_or_default(),
        tags: header_tags(input.tagging.as_deref())?,
        sse,
    };
    tx.put_record_as(UPLOADS, &upload_key(&bucket.name, &input.key, &id), &upload)?;
    let (algorithm, kms, bucket_key) = shown(&upload.sse);
    Ok(CreateMultipartUploadOutput {
        bucket: Some(bucket.name),
        key: Some(input.key),
        upload_id: Some(id),
        server_side_encryption: Some(algorithm),
        ssekms_key_id: kms,
        bucket_key_enabled: bucket_key,
        checksum_algorithm: input.checksum_algorithm,
        checksum_type: input.checksum_type,
        ..CreateMultipartUploadOutput::default()
    })
}

/// A part must be able to stand in a joined body, so small ones go to a blob as well.
fn as_blob(tx: &Tx<'_>, body: Body) -> Result<Body, Fault> {
    let Body::Memory(bytes) = body else { return Ok(body) };
    use md5::Digest as _;
    let md5 = md5::Md5::digest(&bytes).into();
    let key: [u8; 32] = tx.random();
    let mut sink = tx.host().blobs().create(&key)?;
    sink.write(&bytes)?;
    let blob = sink.finish()?;
    Ok(Body::Spooled(model::value::Spooled {
        blob,
        offset: 0,
        length: bytes.len() as u64,
        key,
        md5,
        sha256: [0; 32],
    }))
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html>
pub(crate) fn upload_part(tx: &mut Tx<'_>, input: UploadPartRequest) -> Result<UploadPartOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    let upload = find(tx, &bucket.name, &input.key, &input.upload_id)?;
    if !(1..=10_000).contains(&input.part_number) {
        return Err(Fault::client(
            "InvalidArgument",
            "Part number must be an integer between 1 and 10000, inclusive",
        ));
    }
    let wrapper = content::reopen(tx, &upload.sse)?;
    let body = as_blob(tx, input.body.unwrap_or(Body::Memory(bytes::Bytes::new())))?;
    let (piece, md5) = content::store(tx, &wrapper, body)?;
    let place = part_key(&upload.id, input.part_number);
    let old: Option<StoredPart> = tx.record_as(PARTS, &place)?;
    if let Some(old) = old {
        content::discard(tx, &[old.piece])?;
    }
    tx.put_record_as(PARTS, &place, &StoredPart { number: input.part_number, md5, modified: tx.now, piece })?;
    let (algorithm, kms, bucket_key) = shown(&upload.sse);
    Ok(UploadPartOutput {
        e_tag: Some(quoted(&hex(&md5))),
        server_side_encryption: Some(algorithm),
        ssekms_key_id: kms,
        bucket_key_enabled: bucket_key,
        checksum_crc32: input.checksum_crc32,
        checksum_crc32_c: input.checksum_crc32_c,
        checksum_crc64_nvme: input.checksum_crc64_nvme,
        checksum_sha1: input.checksum_sha1,
        checksum_sha256: input.checksum_sha256,
        ..UploadPartOutput::default()
    })
}

/// The bytes that `bytes=first-last` means, of an object this long.
fn copied_range(text: Option<&str>, length: u64) -> Result<std::ops::Range<u64>, Fault> {
    let Some(text) = text else { return Ok(0..length) };
    let ends = text.strip_prefix("bytes=").and_then(|r| r.split_once('-'));
    let ends = ends.and_then(|(a, b)| Some((a.parse::<u64>().ok()?, b.parse::<u64>().ok()?)));
    match ends {
        Some((first, last)) if first <= last && last < length => Ok(first..last + 1),
        Some(_) => Err(Fault::client(
            "InvalidArgument",
            format!("Range specified is not valid for source object of size: {length}"),
        )),
        None => Err(Fault::client(
            "InvalidArgument",
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy",
        )),
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html>
pub(crate) fn upload_part_copy(
    tx: &mut Tx<'_>,
    input: UploadPartCopyRequest,
) -> Result<UploadPartCopyOutput, Fault> {
    refuse(&[
        ("x-amz-server-side-encryption-customer-algorithm", input.sse_customer_algorithm.is_some()),
        (
            "x-amz-copy-source-server-side-encryption-customer-algorithm",
            input.copy_source_sse_customer_algorithm.is_some(),
        ),
    ])?;
    let asked = copy::Asked {
        if_match: input.copy_source_if_match.as_deref(),
        if_none_match: input.copy_source_if_none_match.as_deref(),
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let (source_bucket, source) = copy::source_of(tx, &input.copy_source, &asked)?;
    let length = source.pieces.iter().map(|p| p.length).sum();
    let range = copied_range(input.copy_source_range.as_deref(), length)?;
    let wrapper = content::reopen(tx, &source.sse)?;
    let bytes = content::range(tx, &wrapper, &source.pieces, range)?;
    let part = UploadPartRequest {
        bucket: input.bucket,
        key: input.key,
        upload_id: input.upload_id,
        part_number: input.part_number,
        body: Some(Body::Memory(bytes.into())),
        ..UploadPartRequest::default()
    };
    let stored = upload_part(tx, part)?;
    Ok(UploadPartCopyOutput {
        copy_source_version_id: version_shown(&source_bucket, &source),
        copy_part_result: Some(CopyPartResult {
            e_tag: stored.e_tag,
            last_modified: Some(tx.now),
            ..CopyPartResult::default()
        }),
        server_side_encryption: stored.server_side_encryption,
        ssekms_key_id: stored.ssekms_key_id,
        bucket_key_enabled: stored.bucket_key_enabled,
        ..UploadPartCopyOutput::default()
    })
}

/// The parts that the client names, in its order, if they are the ones that were uploaded.
fn chosen(have: &[StoredPart], wanted: &[CompletedPart]) -> Result<Vec<StoredPart>, Fault> {
    let invalid = || {
        Fault::client(
            "InvalidPart",
            "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        )
    };
    let mut found: Vec<StoredPart> = Vec::with_capacity(wanted.len());
    for part in wanted {
        let number = part.part_number.ok_or_else(bucket::malformed)?;
        if found.last().is_some_and(|last| last.number >= number) {
            return Err(Fault::client(
                "InvalidPartOrder",
                "The list of parts was not in ascending order. Parts must be ordered by part number.",
            ));
        }
        let one = have.iter().find(|p| p.number == number).ok_or_else(invalid)?;
        if part.e_tag.as_deref().map(|e| e.trim_matches('"')) != Some(hex(&one.md5).as_str()) {
            return Err(invalid());
        }
        found.push(one.clone());
    }
    let all_but_last = found.len().saturating_sub(1);
    if found.iter().take(all_but_last).any(|p| p.piece.length < SMALLEST) {
        return Err(Fault::client(
            "EntityTooSmall",
            "Your proposed upload is smaller than the minimum allowed size",
        ));
    }
    if found.is_empty() { Err(bucket::malformed()) } else { Ok(found) }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>
pub(crate) fn complete_multipart_upload(
    tx: &mut Tx<'_>,
    input: CompleteMultipartUploadRequest,
) -> Result<CompleteMultipartUploadOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    let upload = find(tx, &bucket.name, &input.key, &input.upload_id)?;
    let have = parts(tx, &upload.id)?;
    let wanted = input.multipart_upload.and_then(|m| m.parts).unwrap_or_default();
    let chosen = chosen(&have, &wanted)?;
    for part in &have {
        tx.remove_record(PARTS, &part_key(&upload.id, part.number))?;
        if !chosen.iter().any(|c| c.number == part.number) {
            content::discard(tx, std::slice::from_ref(&part.piece))?;
        }
    }
    tx.remove_record(UPLOADS, &upload_key(&bucket.name, &upload.key, &upload.id))?;
    use md5::Digest as _;
    let sums: Vec<u8> = chosen.iter().flat_map(|p| p.md5).collect();
    let etag = format!("{}-{}", hex(&md5::Md5::digest(&sums)), chosen.len());
    let object = Object {
        key: upload.key,
        version: String::new(),
        size: chosen.iter().map(|p| p.piece.length).sum(),
        etag,
        modified: tx.now,
        headers: upload.headers,
        metadata: upload.metadata,
        sse: upload.sse,
        parts: i64::try_from(chosen.len()).ok(),
        pieces: chosen.into_iter().map(|p| p.piece).collect(),
        tags: upload.tags,
        checksum: None,
        delete_marker: false,
    };
    let object = keep(tx, &bucket, object)?;
    let (algorithm, kms, bucket_key) = shown(&object.sse);
    Ok(CompleteMultipartUploadOutput {
        location: Some(format!("{}/{}/{}", tx.settings().endpoint, bucket.name, object.key)),
        e_tag: Some(quoted(&object.etag)),
        version_id: version_shown(&bucket, &object),
        key: Some(object.key),
        bucket: Some(bucket.name),
        server_side_encryption: Some(algorithm),
        ssekms_key_id: kms,
        bucket_key_enabled: bucket_key,
        ..CompleteMultipartUploadOutput::default()
    })
}

pub(crate) fn abort_multipart_upload(
    tx: &mut Tx<'_>,
    input: AbortMultipartUploadRequest,
) -> Result<AbortMultipartUploadOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    let upload = find(tx, &bucket.name, &input.key, &input.upload_id)?;
    for part in parts(tx, &upload.id)? {
        tx.remove_record(PARTS, &part_key(&upload.id, part.number))?;
        content::discard(tx, &[part.piece])?;
    }
    tx.remove_record(UPLOADS, &upload_key(&bucket.name, &upload.key, &upload.id))?;
    Ok(AbortMultipartUploadOutput::default())
}

pub(crate) fn list_parts(tx: &mut Tx<'_>, input: ListPartsRequest) -> Result<ListPartsOutput, Fault> {
    let bucket: Bucket = bucket::find(tx, &input.bucket)?;
    let upload = find(tx, &bucket.name, &input.key, &input.upload_id)?;
    let after =
        input.part_number_marker.as_ref().and_then(|m| m.to_string().parse::<i64>().ok()).unwrap_or(0);
    let limit = input.max_parts.and_then(|n| usize::try_from(n).ok()).unwrap_or(1000).min(1000);
    let mut found: Vec<_> =
        parts(tx, &upload.id)?.into_iter().filter(|p| p.number > after).take(limit + 1).collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let shown = found.iter().map(|p| Part {
        part_number: Some(p.number),
        last_modified: Some(p.modified),
        e_tag: Some(quoted(&hex(&p.md5))),
        size: i64::try_from(p.piece.length).ok(),
        ..Part::default()
    });
    Ok(ListPartsOutput {
        bucket: Some(bucket.name),
        key: Some(upload.key),
        upload_id: Some(upload.id),
        is_truncated: Some(more),
        parts: Some(shown.collect()),
        max_parts: i64::try_from(limit).ok(),
        storage_class: Some("STANDARD".to_owned()),
        ..ListPartsOutput::default()
    })
}

pub(crate) fn list_multipart_uploads(
    tx: &mut Tx<'_>,
    input: ListMultipartUploadsRequest,
) -> Result<ListMultipartUploadsOutput, Fault> {
    let bucket = bucket::find(tx, &input.bucket)?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let (from, to) = (object::record_key(&bucket.name, &prefix), [bucket.name.as_bytes(), &[1]].concat());
    let records = tx.records(UPLOADS, Range { from: &from, to: Some(&to), reverse: false, limit: 1000 })?;
    let mut uploads = Vec::new();
    for (_, bytes) in records {
        let upload: Upload = serde_json::from_slice(&bytes)
            .map_err(|e| Fault::internal(format!("an upload's record cannot be read: {e}")))?;
        if upload.key.starts_with(&prefix) {
            uploads.push(MultipartUpload {
                upload_id: Some(upload.id),
                key: Some(upload.key),
                initiated: Some(upload.begun),
                storage_class: Some("STANDARD".to_owned()),
                ..MultipartUpload::default()
            });
        }
    }
    Ok(ListMultipartUploadsOutput {
        bucket: Some(bucket.name),
        is_truncated: Some(false),
        max_uploads: Some(1000),
        uploads: (!uploads.is_empty()).then_some(uploads),
        ..ListMultipartUploadsOutput::default()
    })
}
