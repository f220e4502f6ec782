//! How content is sealed. Each object's bytes are encrypted under a key of their own;
//! that key is wrapped by the runtime (SSE-S3), or under a KMS data key (SSE-KMS), whose
//! plaintext only a caller who may use the KMS key can get back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::value::Spooled;
use model::{Body, Fault, Members, Tx, Value};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use crate::bucket::{Bucket, Encryption, arn};

const SERVICE: &str = "s3.amazonaws.com";

/// How an object is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Sse {
    S3,
    Kms {
        key_arn: String,
        /// The data key, encrypted by KMS; base64.
        data_key: String,
        /// What the data key was bound to: the object's ARN, or the bucket's with a bucket key.
        context: String,
        bucket_key: bool,
    },
}

/// A stretch of content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Piece {
    pub(crate) length: u64,
    /// The piece's own key, wrapped; base64.
    pub(crate) wrapped_key: String,
    pub(crate) place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Place {
    /// In the record of this number; sealed.
    Record(String),
    Blob(String),
}

/// The table of small content.
const CONTENT: &str = "s3/content";

/// What a request asks for, or the bucket's default.
pub(crate) struct Wanted {
    pub(crate) algorithm: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) bucket_key: Option<bool>,
}

/// A wrapping key in hand for one request.
pub(crate) enum Wrapper {
    S3,
    Key(Box<LessSafeKey>),
}

fn unable(what: &str) -> Fault {
    Fault::internal(format!("content cannot be {what}"))
}

/// Chooses the encryption and gets a wrapping key for it. With KMS this is the caller's own `kms:GenerateDataKey`.
pub(crate) fn begin(
    tx: &mut Tx<'_>,
    bucket: &Bucket,
    object: &str,
    wanted: Wanted,
) -> Result<(Sse, Wrapper), Fault> {
    let (key, bucket_key) = match (wanted.algorithm.as_deref(), &bucket.encryption) {
        (Some("AES256"), _) | (None, Encryption::S3) if wanted.key.is_none() => {
            return Ok((Sse::S3, Wrapper::S3));
        }
        (Some("aws:kms"), Encryption::Kms { key, bucket_key }) => {
            (wanted.key.or_else(|| key.clone()), wanted.bucket_key.unwrap_or(*bucket_key))
        }
        (Some("aws:kms"), Encryption::S3) => (wanted.key, wanted.bucket_key.unwrap_or(false)),
        (None, Encryption::Kms { key, bucket_key }) => (key.clone(), *bucket_key),
        (Some("aws:kms:dsse"), _) => {
            return Err(Fault::new("NotImplemented", 501, "the encryption `aws:kms:dsse` is not served"));
        }
        _ => {
            return Err(Fault::client(
                "InvalidArgument",
                "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
            ));
        }
    };
    if key.is_none() {
        // The service's own key, for customers who name none.
        let mut alias = Members::default();
        alias.push("Alias", "alias/aws/s3");
        let service = model::Caller::service(SERVICE, &tx.account);
        let _: Value = tx.call_as(service, None, "kms", "EnsureManagedKey", Value::Map(alias))?;
    }
    let context = if bucket_key { arn(&bucket.name) } else { format!("{}/{object}", arn(&bucket.name)) };
    let mut input = Members::default();
    input.push("KeyId", key.unwrap_or_else(|| "alias/aws/s3".to_owned()));
    input.push("KeySpec", "AES_256");
    input.0.push(("EncryptionContext".into(), encryption_context(&context)));
    let made: Value = tx.call(SERVICE, "kms", "GenerateDataKey", Value::Map(input)).map_err(kms_fault)?;
    let (Some(Value::Blob(plain)), Some(Value::Blob(sealed)), Some(key_arn)) =
        (made.get("Plaintext"), made.get("CiphertextBlob"), made.text("KeyId"))
    else {
        return Err(unable("encrypted: KMS gave no data key"));
    };
    let sse =
        Sse::Kms { key_arn: key_arn.to_owned(), data_key: STANDARD.encode(sealed), context, bucket_key };
    Ok((sse, Wrapper::Key(Box::new(cipher(plain)?))))
}

/// Gets the wrapping key back. With KMS this is the caller's own `kms:Decrypt`.
pub(crate) fn reopen(tx: &mut Tx<'_>, sse: &Sse) -> Result<Wrapper, Fault> {
    let Sse::Kms { key_arn, data_key, context, .. } = sse else { return Ok(Wrapper::S3) };
    let mut input = Members::default();
    input.push("KeyId", key_arn.as_str());
    let sealed = STANDARD.decode(data_key).map_err(|_| unable("decrypted"))?;
    input.0.push(("CiphertextBlob".into(), Value::Blob(Bytes::from(sealed))));
    input.0.push(("EncryptionContext".into(), encryption_context(context)));
    let opened: Value = tx.call(SERVICE, "kms", "Decrypt", Value::Map(input)).map_err(kms_fault)?;
    match opened.get("Plaintext") {
        Some(Value::Blob(plain)) => Ok(Wrapper::Key(Box::new(cipher(plain)?))),
        _ => Err(unable("decrypted: KMS gave no data key")),
    }
}

fn encryption_context(arn: &str) -> Value {
    let mut context = Members::default();
    context.push("aws:s3:arn", arn);
    Value::Map(context)
}

/// S3 gives KMS's errors under a name of their own, a refusal under its own.
fn kms_fault(fault: Fault) -> Fault {
    match fault.code.as_ref() {
        "AccessDeniedException" | "ServiceUnavailable" | "InternalFailure" => fault,
        code => Fault { code: format!("KMS.{code}").into(), ..fault },
    }
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, Fault> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| unable("encrypted"))
}

impl Wrapper {
    fn wrap(&self, tx: &Tx<'_>, key: &[u8; 32]) -> Result<String, Fault> {
        let sealed = match self {
            Wrapper::S3 => tx.seal("s3", b"", key)?,
            Wrapper::Key(cipher) => {
                let nonce: [u8; NONCE_LEN] = tx.random();
                let mut sealed = key.to_vec();
                let sealing = cipher.seal_in_place_append_tag(
                    Nonce::assume_unique_for_key(nonce),
                    Aad::empty(),
                    &mut sealed,
                );
                sealing.map_err(|_| unable("encrypted"))?;
                [nonce.as_slice(), &sealed].concat()
            }
        };
        Ok(STANDARD.encode(sealed))
    }

    fn unwrap(&self, tx: &Tx<'_>, wrapped: &str) -> Result<[u8; 32], Fault> {
        let wrapped = STANDARD.decode(wrapped).map_err(|_| unable("decrypted"))?;
        let plain = match self {
            Wrapper::S3 => tx.unseal("s3", b"", &wrapped)?,
            Wrapper::Key(cipher) => {
                let (nonce, sealed) =
                    wrapped.split_at_checked(NONCE_LEN).ok_or_else(|| unable("decrypted"))?;
                let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| unable("decrypted"))?;
                let mut sealed = sealed.to_vec();
                cipher
                    .open_in_place(nonce, Aad::empty(), &mut sealed)
                    .map_err(|_| unable("decrypted"))?
                    .to_vec()
            }
        };
        plain.try_into().map_err(|_| unable("decrypted"))
    }
}

/// A body and its MD5, kept.
pub(crate) fn store(tx: &mut Tx<'_>, wrapper: &Wrapper, body: Body) -> Result<(Piece, [u8; 16]), Fault> {
    match body {
        Body::Spooled(spooled) => {
            let wrapped_key = wrapper.wrap(tx, &spooled.key)?;
            Ok((Piece { length: spooled.length, wrapped_key, place: Place::Blob(spooled.blob) }, spooled.md5))
        }
        Body::Memory(bytes) => {
            use md5::Digest as _;
            let md5: [u8; 16] = md5::Md5::digest(&bytes).into();
            let key: [u8; 32] = tx.random();
            let wrapped_key = wrapper.wrap(tx, &key)?;
            let name = tx.uuid();
            let mut sealed = bytes.to_vec();
            // The key is fresh and seals nothing else.
            let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
            cipher(&key)?
                .seal_in_place_append_tag(nonce, Aad::empty(), &mut sealed)
                .map_err(|_| unable("encrypted"))?;
            tx.put_record(CONTENT, name.as_bytes(), sealed)?;
            Ok((Piece { length: bytes.len() as u64, wrapped_key, place: Place::Record(name) }, md5))
        }
        Body::Joined(_) => Err(unable("stored")),
    }
}

/// The plaintext of some pieces from `offset` on; large ones as handles that the edge reads.
pub(crate) fn load(
    tx: &Tx<'_>,
    wrapper: &Wrapper,
    pieces: &[Piece],
    offset: u64,
    length: u64,
) -> Result<Body, Fault> {
    let (mut at, end) = (0, offset.saturating_add(length));
    let mut found = Vec::new();
    for piece in pieces {
        let (from, to) = (offset.max(at), end.min(at + piece.length));
        if from < to {
            found.push((piece, from - at, to - from));
        }
        at += piece.length;
    }
    if let [(piece, from, length)] = found.as_slice()
        && let Place::Record(name) = &piece.place
    {
        let sealed = tx.record(CONTENT, name.as_bytes())?.ok_or_else(|| unable("found"))?;
        let key = wrapper.unwrap(tx, &piece.wrapped_key)?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let plain =
            cipher(&key)?.open_in_place(nonce, Aad::empty(), &mut sealed).map_err(|_| unable("decrypted"))?;
        let within = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(plain.len());
        let slice = plain.get(within(*from)..within(from + length)).unwrap_or_default();
        return Ok(Body::Memory(Bytes::copy_from_slice(slice)));
    }
    if found.is_empty() {
        return Ok(Body::Memory(Bytes::new()));
    }
    let handles = found.into_iter().map(|(piece, from, length)| {
        let Place::Blob(blob) = &piece.place else { return Err(unable("joined")) };
        let key = wrapper.unwrap(tx, &piece.wrapped_key)?;
        Ok(Spooled { blob: blob.clone(), offset: from, length, key, md5: [0; 16], sha256: [0; 32] })
    });
    Ok(Body::Joined(handles.collect::<Result<_, Fault>>()?))
}

/// Frees what pieces take up.
pub(crate) fn discard(tx: &mut Tx<'_>, pieces: &[Piece]) -> Result<(), Fault> {
    for piece in pieces {
        match &piece.place {
            Place::Record(name) => tx.remove_record(CONTENT, name.as_bytes())?,
            Place::Blob(blob) => tx.effect(model::Effect::RemoveBlob { blob: blob.clone() })?,
        }
    }
    Ok(())
}

/// The whole of some pieces in memory, for a copy.
pub(crate) fn whole(tx: &Tx<'_>, wrapper: &Wrapper, pieces: &[Piece]) -> Result<Vec<u8>, Fault> {
    range(tx, wrapper, pieces, 0..u64::MAX)
}

/// A range of some pieces in memory.
pub(crate) fn range(
    tx: &Tx<'_>,
    wrapper: &Wrapper,
    pieces: &[Piece],
    wanted: std::ops::Range<u64>,
) -> Result<Vec<u8>, Fault> {
    let (mut out, mut at) = (Vec::new(), 0_u64);
    for piece in pieces {
        let (from, to) = (wanted.start.max(at), wanted.end.min(at + piece.length));
        let begin = at;
        at += piece.length;
        if from >= to {
            continue;
        }
        match load(tx, wrapper, std::slice::from_ref(piece), from - begin, to - from)? {
            Body::Memory(bytes) => out.extend_from_slice(&bytes),
            Body::Joined(parts) => {
                for part in parts {
                    out.extend_from_slice(&tx.host().blobs().read(
                        &part.blob,
                        &part.key,
                        part.offset,
                        part.length,
                    )?);
                }
            }
            Body::Spooled(_) => {}
        }
    }
    Ok(out)
}
