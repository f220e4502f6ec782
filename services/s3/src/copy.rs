//! Copying objects: read as the caller may read, written anew under the destination's encryption.

use model::{Body, Fault, Timestamp, Tx};

use crate::bucket::{self, Bucket};
use crate::content::{self, Wanted};
use crate::object::{Headers, Object, acl, find, header_tags, keep, quoted, shown, unescaped, version_shown};
use crate::shapes::*;

/// `bucket/key` or `/bucket/key`, with `?versionId=`.
pub(crate) fn copy_source(source: &str) -> Option<(String, String, Option<String>)> {
    let (path, version) = match source.split_once("?versionId=") {
        Some((path, version)) => (path, Some(version.to_owned())),
        None => (source, None),
    };
    let path = unescaped(&path.replace('+', "%2B"));
    let (bucket, key) = path.trim_start_matches('/').split_once('/')?;
    Some((bucket.to_owned(), key.to_owned(), version))
}

/// What the source of a copy is asked to be.
pub(crate) struct Asked<'a> {
    pub(crate) if_match: Option<&'a str>,
    pub(crate) if_none_match: Option<&'a str>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_unmodified_since: Option<Timestamp>,
}

/// The source of a copy, if it is what was asked for.
pub(crate) fn source_of(tx: &Tx<'_>, named: &str, asked: &Asked<'_>) -> Result<(Bucket, Object), Fault> {
    let invalid = || {
        Fault::client(
            "InvalidArgument",
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
        )
    };
    let (from, key, version) = copy_source(named).ok_or_else(invalid)?;
    let bucket = bucket::find(tx, &from)?;
    let source = find(tx, &bucket.name, &key, version.as_deref())?;
    unless_copied(&source, asked)?;
    Ok((bucket, source))
}

/// Refuses a copy of something else than was asked for.
fn unless_copied(source: &Object, asked: &Asked<'_>) -> Result<(), Fault> {
    let is = |tag: &str| tag == "*" || tag.trim_matches('"') == source.etag;
    let modified = source.modified.seconds();
    let kept = match (asked.if_match, asked.if_unmodified_since) {
        (Some(tag), _) => is(tag),
        (None, Some(time)) => modified <= time.seconds(),
        (None, None) => true,
    };
    let changed = match (asked.if_none_match, asked.if_modified_since) {
        (Some(tag), _) => !is(tag),
        (None, Some(time)) => modified > time.seconds(),
        (None, None) => true,
    };
    match kept && changed {
        true => Ok(()),
        false => Err(Fault::new(
            "PreconditionFailed",
            412,
            "At least one of the pre-conditions you specified did not hold",
        )),
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>
pub(crate) fn copy_object(tx: &mut Tx<'_>, input: CopyObjectRequest) -> Result<CopyObjectOutput, Fault> {
    let asked = Asked {
        if_match: input.copy_source_if_match.as_deref(),
        if_none_match: input.copy_source_if_none_match.as_deref(),
        if_modified_since: input.copy_source_if_modified_since,
        if_unmodified_since: input.copy_source_if_unmodified_since,
    };
    let (source_bucket, source) = source_of(tx, &input.copy_source, &asked)?;
    let bucket = bucket::find(tx, &input.bucket)?;
    acl(input.acl.as_deref())?;
    let replace = input.metadata_directive.as_deref() == Some("REPLACE");
    let itself = source_bucket.name == bucket.name && source.key == input.key;
    if itself && !replace && input.server_side_encryption.is_none() && input.storage_class.is_none() {
        return Err(Fault::client(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    let wrapper = content::reopen(tx, &source.sse)?;
    let bytes = content::whole(tx, &wrapper, &source.pieces)?;
    let wanted = Wanted {
        algorithm: input.server_side_encryption,
        key: input.ssekms_key_id,
        bucket_key: input.bucket_key_enabled,
    };
    let (sse, wrapper) = content::begin(tx, &bucket, &input.key, wanted)?;
    let (piece, _) = content::store(tx, &wrapper, Body::Memory(bytes.into()))?;
    let headers = match replace {
        false => source.headers.clone(),
        true => Headers {
            content_type: input.content_type,
            cache_control: input.cache_control,
            disposition: input.content_disposition,
            encoding: input.content_encoding,
            language: input.content_language,
            storage_class: input.storage_class,
        },
    };
    let tags = match input.tagging_directive.as_deref() {
        Some("REPLACE") => header_tags(input.tagging.as_deref())?,
        _ => source.tags.clone(),
    };
    let metadata = if replace { input.metadata.unwrap_or_default() } else { source.metadata.clone() };
    let object = Object {
        key: input.key,
        modified: tx.now,
        headers,
        metadata,
        sse,
        pieces: vec![piece],
        tags,
        version: String::new(),
        delete_marker: false,
        ..source.clone()
    };
    let object = keep(tx, &bucket, object)?;
    let (algorithm, kms, bucket_key) = shown(&object.sse);
    let result = CopyObjectResult {
        e_tag: Some(quoted(&object.etag)),
        last_modified: Some(object.modified),
        ..CopyObjectResult::default()
    };
    Ok(CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: version_shown(&source_bucket, &source),
        version_id: version_shown(&bucket, &object),
        server_side_encryption: Some(algorithm),
        ssekms_key_id: kms,
        bucket_key_enabled: bucket_key,
        ..CopyObjectOutput::default()
    })
}
