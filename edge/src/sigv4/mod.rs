//! Decides who signed a request: AWS Signature Version 4, in the `Authorization`
//! header or presigned in the query, with temporary credentials or long-lived keys.
//!
//! Never looks at what is asked. Follows "Authenticating Requests (AWS Signature
//! Version 4)" and, for S3's chunked payloads, "Transferring Payload in Multiple
//! Chunks". `aws-sigv4` only signs; a verifier must keep the client's own choice of
//! headers, hence this module.

mod canonical;
mod refusal;

use bytes::Bytes;
use http::{HeaderMap, Method};
use model::Timestamp;
use ring::{digest, hmac};

pub(crate) use canonical::query_value;
pub use canonical::{canonical_query, uri_encode};
pub use refusal::{Refusal, fault};

/// The parts of a request that a signature covers.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    pub method: &'a Method,
    /// As on the wire, percent-encoded.
    pub path: &'a str,
    pub query: &'a str,
    pub headers: &'a HeaderMap,
}

/// A parsed, not yet verified, claim of identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    pub access_key: String,
    /// `YYYYMMDD`.
    pub date: String,
    pub region: String,
    pub service: String,
    pub signed_headers: Vec<String>,
    pub signature: String,
    pub time: Timestamp,
    /// `X-Amz-Date` as given.
    pub stamp: String,
    pub token: Option<String>,
    /// Seconds, when presigned.
    pub expires: Option<i64>,
}

/// What a good signature leaves for the payload: the seed of a chunked body.
#[derive(Clone)]
pub struct ChunkKey {
    key: hmac::Key,
    scope: String,
    stamp: String,
    previous: String,
}

/// How the payload is covered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// The SHA-256 that was signed, hexadecimal.
    Hash(String),
    Unsigned,
    /// `aws-chunked`, each chunk signed.
    Chunked {
        trailer: bool,
    },
    /// `aws-chunked`, chunks unsigned, checksum in the trailer.
    UnsignedChunked,
}

/// Finds the claim in header or query; `Ok(None)` for an anonymous request.
pub fn claim(request: Signed<'_>) -> Result<Option<Claim>, Refusal> {
    if let Some(header) = request.headers.get(http::header::AUTHORIZATION) {
        let header = header
            .to_str()
            .map_err(|_| Refusal::Incomplete("the Authorization header is not text".into()))?;
        return match header.strip_prefix("AWS4-HMAC-SHA256") {
            Some(rest) => header_claim(request, rest).map(Some),
            None if header.starts_with("AWS4-") || header.starts_with("AWS ") => {
                Err(Refusal::Algorithm(header.split(' ').next().unwrap_or_default().to_owned()))
            }
            // A bearer token is no SigV4 claim; operations without one treat the caller as anonymous.
            None => Ok(None),
        };
    }
    if request.query.contains("X-Amz-Algorithm=") || request.query.contains("X-Amz-Signature=") {
        return query_claim(request).map(Some);
    }
    if request.query.contains("AWSAccessKeyId=") {
        // Signature version 2, which AWS accepts for no bucket made since 2020.
        return Err(Refusal::Algorithm("AWS2".to_owned()));
    }
    Ok(None)
}

fn header_claim(request: Signed<'_>, rest: &str) -> Result<Claim, Refusal> {
    let mut credential = None;
    let mut signed_headers = None;
    let mut signature = None;
    for part in rest.split(',') {
        match part.trim().split_once('=') {
            Some(("Credential", v)) => credential = Some(v),
            Some(("SignedHeaders", v)) => signed_headers = Some(v),
            Some(("Signature", v)) => signature = Some(v),
            _ => {}
        }
    }
    let missing =
        |what: &str| Refusal::Incomplete(format!("Authorization header requires '{what}' parameter."));
    let text = |name: &str| request.headers.get(name).and_then(|v| v.to_str().ok());
    let stamp = match text("x-amz-date") {
        Some(stamp) => stamp.to_owned(),
        None => text("date")
            .and_then(Timestamp::parse_http_date)
            .ok_or_else(|| {
                Refusal::Incomplete(
                    "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
                        .into(),
                )
            })?
            .to_basic(),
    };
    let credential = credential.ok_or_else(|| missing("Credential"))?;
    finish_claim(
        credential,
        signed_headers.ok_or_else(|| missing("SignedHeaders"))?,
        signature.ok_or_else(|| missing("Signature"))?,
        stamp,
        text("x-amz-security-token").map(str::to_owned),
        None,
    )
}

fn query_claim(request: Signed<'_>) -> Result<Claim, Refusal> {
    let get = |name: &str| canonical::query_value(request.query, name);
    let need =
        |name: &str| get(name).ok_or_else(|| Refusal::Incomplete(format!("the query requires '{name}'")));
    let algorithm = need("X-Amz-Algorithm")?;
    if algorithm != "AWS4-HMAC-SHA256" {
        return Err(Refusal::Algorithm(algorithm));
    }
    let expires: i64 = need("X-Amz-Expires").and_then(|e| {
        e.parse().map_err(|_| Refusal::Incomplete("X-Amz-Expires should be a number".into()))
    })?;
    if !(0..=604_800).contains(&expires) {
        return Err(Refusal::Incomplete("X-Amz-Expires must be less than a week (in seconds)".into()));
    }
    finish_claim(
        &need("X-Amz-Credential")?,
        &need("X-Amz-SignedHeaders")?,
        &need("X-Amz-Signature")?,
        need("X-Amz-Date")?,
        get("X-Amz-Security-Token"),
        Some(expires),
    )
}

fn finish_claim(
    credential: &str,
    signed_headers: &str,
    signature: &str,
    stamp: String,
    token: Option<String>,
    expires: Option<i64>,
) -> Result<Claim, Refusal> {
    let malformed = || {
        Refusal::Incomplete(format!(
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{credential}'"
        ))
    };
    let mut parts = credential.rsplitn(5, '/');
    let (Some("aws4_request"), Some(service), Some(region), Some(date), Some(key)) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed());
    };
    let time = Timestamp::parse_basic(&stamp).ok_or_else(|| {
        Refusal::Incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{stamp}'."))
    })?;
    if !stamp.starts_with(date) {
        return Err(Refusal::Signature(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}' != '{}'.",
            stamp.get(..8).unwrap_or_default()
        )));
    }
    let signed_headers: Vec<String> = signed_headers.split(';').map(str::to_ascii_lowercase).collect();
    if !signed_headers.iter().any(|h| h == "host") {
        return Err(Refusal::Signature("'Host' must be a 'SignedHeader' in the AWS Authorization.".into()));
    }
    Ok(Claim {
        access_key: key.to_owned(),
        date: date.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        signed_headers,
        signature: signature.to_owned(),
        time,
        stamp,
        token,
        expires,
    })
}

/// How the request says its payload is covered.
pub fn payload(headers: &HeaderMap, claim: &Claim, s3: bool) -> Payload {
    let given = headers.get("x-amz-content-sha256").and_then(|v| v.to_str().ok());
    match given {
        Some("UNSIGNED-PAYLOAD") => Payload::Unsigned,
        Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD") => Payload::Chunked { trailer: false },
        Some("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") => Payload::Chunked { trailer: true },
        Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER") => Payload::UnsignedChunked,
        Some(hash) => Payload::Hash(hash.to_owned()),
        None if s3 && claim.expires.is_some() => Payload::Unsigned,
        None => Payload::Hash(String::new()),
    }
}

/// Which rules of a service apply.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// The service's signing name: a signature scoped to another service is refused.
    pub signing_name: &'a str,
    pub s3: bool,
    pub now: Timestamp,
}

/// Checks time, scope and signature. `body_hash` is the SHA-256 of the payload as it arrived, or the
/// marker word for a payload that is unsigned or chunked.
pub fn verify(
    request: Signed<'_>,
    claim: &Claim,
    secret: &str,
    body_hash: &str,
    rules: Rules<'_>,
) -> Result<ChunkKey, Refusal> {
    in_time(claim, rules)?;
    if claim.service != rules.signing_name {
        return Err(Refusal::Scope(format!(
            "Credential should be scoped to correct service: '{}'. ",
            rules.signing_name
        )));
    }
    must_be_signed(request, claim)?;
    let canonical = canonical::request(request, claim, body_hash, rules.s3);
    let scope = format!("{}/{}/{}/aws4_request", claim.date, claim.region, claim.service);
    let to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{}", claim.stamp, sha256_hex(canonical.as_bytes()));
    let key = signing_key(secret, claim);
    // `hmac::verify` compares in constant time.
    let given = hex::decode(&claim.signature).unwrap_or_default();
    if hmac::verify(&key, to_sign.as_bytes(), &given).is_err() {
        return Err(Refusal::Mismatch);
    }
    Ok(ChunkKey { key, scope, stamp: claim.stamp.clone(), previous: claim.signature.clone() })
}

/// Every `x-amz-*` header that is present must be covered, or a proxy could add one.
fn must_be_signed(request: Signed<'_>, claim: &Claim) -> Result<(), Refusal> {
    let unsigned = request.headers.keys().find(|name| {
        name.as_str().starts_with("x-amz-")
            // SDKs add these outside the signature, and nothing is decided by them.
            && !matches!(name.as_str(), "x-amz-user-agent" | "x-amzn-trace-id" | "x-amz-content-sha256")
            && !claim.signed_headers.iter().any(|h| h == name.as_str())
    });
    match unsigned {
        Some(name) => Err(Refusal::Unsigned(name.to_string())),
        None => Ok(()),
    }
}

fn in_time(claim: &Claim, rules: Rules<'_>) -> Result<(), Refusal> {
    let skew = if rules.s3 { 15 * 60 } else { 5 * 60 };
    let minutes = skew / 60;
    let (stamp, now) = (&claim.stamp, rules.now.to_basic());
    if claim.time > rules.now.plus_seconds(skew) {
        let limit = rules.now.plus_seconds(skew).to_basic();
        return Err(Refusal::Time(format!(
            "Signature not yet current: {stamp} is still later than {limit} ({now} + {minutes} min.)"
        )));
    }
    if let Some(expires) = claim.expires {
        return match claim.time.plus_seconds(expires) < rules.now {
            true => Err(Refusal::PresignExpired),
            false => Ok(()),
        };
    }
    if claim.time < rules.now.plus_seconds(-skew) {
        let limit = rules.now.plus_seconds(-skew).to_basic();
        return Err(Refusal::Time(format!(
            "Signature expired: {stamp} is now earlier than {limit} ({now} - {minutes} min.)"
        )));
    }
    Ok(())
}

fn signing_key(secret: &str, claim: &Claim) -> hmac::Key {
    let first = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    [claim.date.as_str(), &claim.region, &claim.service, "aws4_request"].iter().fold(first, |key, part| {
        hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
    })
}

pub fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, bytes))
}

/// Of a payload of no bytes.
pub(crate) const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

impl ChunkKey {
    /// Checks the signature of one chunk; the next one is chained to it.
    pub fn chunk(&mut self, data: &Bytes, signature: &str) -> Result<(), Refusal> {
        let (stamp, scope, previous) = (&self.stamp, &self.scope, &self.previous);
        let to_sign = format!(
            "AWS4-HMAC-SHA256-PAYLOAD\n{stamp}\n{scope}\n{previous}\n{EMPTY_SHA256}\n{}",
            sha256_hex(data)
        );
        self.check(&to_sign, signature)
    }

    /// Checks the signature of the trailer; `canonical` is `name:value\n` for each trailing header.
    pub fn trailer(&mut self, canonical: &str, signature: &str) -> Result<(), Refusal> {
        let (stamp, scope, previous) = (&self.stamp, &self.scope, &self.previous);
        let to_sign = format!(
            "AWS4-HMAC-SHA256-TRAILER\n{stamp}\n{scope}\n{previous}\n{}",
            sha256_hex(canonical.as_bytes())
        );
        self.check(&to_sign, signature)
    }

    fn check(&mut self, to_sign: &str, signature: &str) -> Result<(), Refusal> {
        let given = hex::decode(signature).unwrap_or_default();
        hmac::verify(&self.key, to_sign.as_bytes(), &given).map_err(|_| Refusal::Mismatch)?;
        signature.clone_into(&mut self.previous);
        Ok(())
    }
}
