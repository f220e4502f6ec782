//! The payload: read, checked against the signature and the checksums, kept in
//! memory when small and spooled, sealed, when large.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body_util::BodyExt as _;
use hyper::body::Incoming as HyperBody;
use md5::Digest as _;
use model::value::Spooled;
use model::{Body, Fault};
use wire::Head;

use super::who::Identity;
use crate::chunked::{Decoder, Step};
use crate::sigv4::{self, Claim, Payload, Refusal, Rules, Signed};
use model::plane::Calls;

/// The longest body that is taken into memory.
const MEMORY: usize = 20 << 20;
/// The longest payload at once (S3's limit for one part or object put).
const LONGEST: u64 = 5 << 30;
/// Streaming payloads beyond this are spooled.
const SPOOL: usize = 256 << 10;

pub(super) enum Source {
    Stream(HyperBody),
    Memory(Bytes),
}

pub(super) enum Problem {
    Refused(Refusal),
    Fault(Fault),
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Problem {
        Problem::Fault(fault)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem::Refused(refusal)
    }
}

/// What the payload is checked against.
pub(super) struct Proof<'a> {
    pub(super) signed: Signed<'a>,
    pub(super) claim: Option<&'a Claim>,
    pub(super) identity: Option<&'a Identity>,
    pub(super) rules: Rules<'a>,
}

pub(super) fn is_form(head: &Head) -> bool {
    head.header("content-type").is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"))
}

fn too_large() -> Fault {
    Fault::new("RequestEntityTooLargeException", 413, "the request is too large")
}

fn cut_short() -> Fault {
    Fault::client("IncompleteBody", "the request body was cut short")
}

/// A body that must fit into memory.
pub(super) async fn memory(body: HyperBody) -> Result<Bytes, Fault> {
    let limited = http_body_util::Limited::new(body, MEMORY);
    match limited.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Err(_) => Err(cut_short()),
    }
}

/// The payload, once it is what was signed, and the headers with any trailing ones added.
pub(super) async fn checked<C: Calls>(
    calls: &C,
    source: Source,
    proof: &Proof<'_>,
    streaming: bool,
) -> Result<(Body, HeaderMap), Problem> {
    let headers = proof.signed.headers.clone();
    let (Some(claim), Some(identity)) = (proof.claim, proof.identity) else {
        let bytes = match source {
            Source::Memory(bytes) => bytes,
            Source::Stream(body) => memory(body).await?,
        };
        return Ok((Body::Memory(bytes), headers));
    };
    let kind = sigv4::payload(&headers, claim, proof.rules.s3);
    let verify = |hash: &str| sigv4::verify(proof.signed, claim, &identity.secret, hash, proof.rules);
    match (kind, source) {
        (Payload::Hash(given), Source::Memory(bytes)) => Ok((whole(&given, bytes, verify)?, headers)),
        (Payload::Hash(given), Source::Stream(body)) if !streaming || given.is_empty() => {
            Ok((whole(&given, memory(body).await?, verify)?, headers))
        }
        (Payload::Hash(given), Source::Stream(body)) => {
            verify(&given)?;
            let mut sink = Sink::new(calls, &headers);
            pour(body, &mut sink).await?;
            if hex::encode(sink.sha256()) != given.to_ascii_lowercase() {
                return Err(Refusal::Payload.into());
            }
            Ok((sink.finish(&headers)?, headers))
        }
        (Payload::Unsigned, source) => {
            verify("UNSIGNED-PAYLOAD")?;
            let mut sink = Sink::new(calls, &headers);
            match source {
                Source::Memory(bytes) => sink.push(&bytes)?,
                Source::Stream(body) if streaming => pour(body, &mut sink).await?,
                Source::Stream(body) => sink.push(&memory(body).await?)?,
            }
            Ok((sink.finish(&headers)?, headers))
        }
        (Payload::Chunked { .. } | Payload::UnsignedChunked, Source::Stream(body)) => {
            chunks(calls, body, headers, verify).await
        }
        (_, Source::Memory(_)) => Err(Refusal::Payload.into()),
    }
}

fn whole(
    given: &str,
    bytes: Bytes,
    verify: impl Fn(&str) -> Result<sigv4::ChunkKey, Refusal>,
) -> Result<Body, Refusal> {
    let actual = sigv4::sha256_hex(&bytes);
    // The header that names the hash is itself under the signature only where it was signed; the hash always is.
    let hash = if given.is_empty() { &actual } else { given };
    verify(hash)?;
    if *hash != actual {
        return Err(Refusal::Payload);
    }
    Ok(Body::Memory(bytes))
}

async fn pour<C: Calls>(mut body: HyperBody, sink: &mut Sink<'_, C>) -> Result<(), Fault> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| cut_short())?;
        if let Ok(data) = frame.into_data() {
            sink.push(&data)?;
        }
    }
    Ok(())
}

async fn chunks<C: Calls>(
    calls: &C,
    mut body: HyperBody,
    mut headers: HeaderMap,
    verify: impl Fn(&str) -> Result<sigv4::ChunkKey, Refusal>,
) -> Result<(Body, HeaderMap), Problem> {
    let marker =
        headers.get("x-amz-content-sha256").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let mut key = verify(&marker)?;
    let signed = marker.starts_with("STREAMING-AWS4");
    let mut decoder = Decoder::new(signed);
    let mut sink = Sink::new(calls, &headers);
    let mut trailers = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| cut_short())?.into_data() else { continue };
        decoder.push(&data);
        while let Some(step) = decoder.step().map_err(|e| Fault::client("IncompleteBody", e))? {
            match step {
                Step::Chunk { data, signature } => {
                    if signed {
                        key.chunk(&data, &signature)?;
                    }
                    sink.push(&data)?;
                }
                Step::Trailer { canonical, signature, pairs } => {
                    if signed && headers_announce_trailer(&marker) {
                        key.trailer(&canonical, &signature)?;
                    }
                    trailers = pairs;
                }
            }
        }
    }
    if !decoder.finished() {
        return Err(cut_short().into());
    }
    if let Some(length) =
        headers.get("x-amz-decoded-content-length").and_then(|v| v.to_str().ok()?.parse::<u64>().ok())
        && length != sink.length
    {
        return Err(cut_short().into());
    }
    for (name, value) in trailers {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), http::HeaderValue::try_from(value))
        {
            headers.insert(name, value);
        }
    }
    // What is stored is the content, not its transport.
    strip_chunked(&mut headers);
    let body = sink.finish(&headers)?;
    Ok((body, headers))
}

fn headers_announce_trailer(marker: &str) -> bool {
    marker.ends_with("-TRAILER")
}

fn strip_chunked(headers: &mut HeaderMap) {
    let Some(encoding) = headers.get("content-encoding").and_then(|v| v.to_str().ok()) else { return };
    let rest: Vec<&str> = encoding.split(',').map(str::trim).filter(|e| *e != "aws-chunked").collect();
    match http::HeaderValue::try_from(rest.join(",")) {
        Ok(value) if !value.is_empty() => headers.insert("content-encoding", value),
        _ => headers.remove("content-encoding"),
    };
}

/// Gathers the payload and its digests.
struct Sink<'a, C> {
    calls: &'a C,
    memory: BytesMut,
    spool: Option<(Box<dyn model::tx::BlobSink>, [u8; 32])>,
    length: u64,
    md5: md5::Md5,
    sha256: ring::digest::Context,
    checksum: Option<Checksum>,
}

impl<'a, C: Calls> Sink<'a, C> {
    fn new(calls: &'a C, headers: &HeaderMap) -> Sink<'a, C> {
        Sink {
            calls,
            memory: BytesMut::new(),
            spool: None,
            length: 0,
            md5: md5::Md5::new(),
            sha256: ring::digest::Context::new(&ring::digest::SHA256),
            checksum: Checksum::announced(headers),
        }
    }

    fn push(&mut self, data: &[u8]) -> Result<(), Fault> {
        self.length += data.len() as u64;
        if self.length > LONGEST {
            return Err(Fault::client(
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed size",
            ));
        }
        self.md5.update(data);
        self.sha256.update(data);
        if let Some(checksum) = &mut self.checksum {
            checksum.update(data);
        }
        match &mut self.spool {
            Some((blob, _)) => blob.write(data)?,
            None => {
                self.memory.extend_from_slice(data);
                if self.memory.len() > SPOOL {
                    let mut key = [0; 32];
                    self.calls.random(&mut key);
                    let mut blob = self.calls.blobs().create(&key)?;
                    blob.write(&self.memory)?;
                    self.memory = BytesMut::new();
                    self.spool = Some((blob, key));
                }
            }
        }
        Ok(())
    }

    fn sha256(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.sha256.clone().finish().as_ref());
        hash
    }

    /// Checks what the headers (trailing ones included) promise of the payload.
    fn finish(self, headers: &HeaderMap) -> Result<Body, Fault> {
        let sha256 = self.sha256();
        let md5: [u8; 16] = self.md5.finalize().into();
        let given = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        if given("content-md5").is_some_and(|m| m != STANDARD.encode(md5)) {
            return Err(Fault::client(
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
            ));
        }
        if let Some(checksum) = self.checksum {
            let (header, actual) = checksum.finish();
            if given(header).is_some_and(|g| g != actual) {
                let name = header.trim_start_matches("x-amz-checksum-").to_ascii_uppercase();
                return Err(Fault::client(
                    "BadDigest",
                    format!("The {name} you specified did not match the calculated checksum."),
                ));
            }
        }
        match self.spool {
            None => Ok(Body::Memory(self.memory.freeze())),
            Some((blob, key)) => {
                let blob = blob.finish()?;
                Ok(Body::Spooled(Spooled { blob, offset: 0, length: self.length, key, md5, sha256 }))
            }
        }
    }
}

/// The checksum that a client announces, in a header or for the trailer.
enum Checksum {
    Crc32(crc32fast::Hasher),
    Crc32c(u32),
    Crc64(Box<crc64fast_nvme::Digest>),
    Sha1(sha1::Sha1),
    Sha256(Box<ring::digest::Context>),
}

impl Checksum {
    fn announced(headers: &HeaderMap) -> Option<Checksum> {
        let trailer = headers.get("x-amz-trailer").and_then(|v| v.to_str().ok()).unwrap_or_default();
        let has = |name: &str| headers.contains_key(name) || trailer.split(',').any(|t| t.trim() == name);
        Some(match () {
            () if has("x-amz-checksum-crc32") => Checksum::Crc32(crc32fast::Hasher::new()),
            () if has("x-amz-checksum-crc32c") => Checksum::Crc32c(0),
            () if has("x-amz-checksum-crc64nvme") => Checksum::Crc64(Box::new(crc64fast_nvme::Digest::new())),
            () if has("x-amz-checksum-sha1") => Checksum::Sha1(sha1::Sha1::new()),
            () if has("x-amz-checksum-sha256") => {
                Checksum::Sha256(Box::new(ring::digest::Context::new(&ring::digest::SHA256)))
            }
            () => return None,
        })
    }

    fn update(&mut self, data: &[u8]) {
        match self {
            Checksum::Crc32(hasher) => hasher.update(data),
            Checksum::Crc32c(sum) => *sum = crc32c::crc32c_append(*sum, data),
            Checksum::Crc64(digest) => digest.write(data),
            Checksum::Sha1(hasher) => hasher.update(data),
            Checksum::Sha256(context) => context.update(data),
        }
    }

    fn finish(self) -> (&'static str, String) {
        match self {
            Checksum::Crc32(hasher) => {
                ("x-amz-checksum-crc32", STANDARD.encode(hasher.finalize().to_be_bytes()))
            }
            Checksum::Crc32c(sum) => ("x-amz-checksum-crc32c", STANDARD.encode(sum.to_be_bytes())),
            Checksum::Crc64(digest) => {
                ("x-amz-checksum-crc64nvme", STANDARD.encode(digest.sum64().to_be_bytes()))
            }
            Checksum::Sha1(hasher) => ("x-amz-checksum-sha1", STANDARD.encode(hasher.finalize())),
            Checksum::Sha256(context) => ("x-amz-checksum-sha256", STANDARD.encode(context.finish())),
        }
    }
}
