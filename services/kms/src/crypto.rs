//! Using keys: encryption, data keys, MACs.

use bytes::Bytes;
use model::{Fault, Tx};
use ring::hmac;

use crate::cipher::{self, Context, Head, invalid};
use crate::key::{Key, Spec, find, material};
use crate::shapes::*;
use crate::token;

const SYMMETRIC: &str = "SYMMETRIC_DEFAULT";

pub(crate) fn dry_run(wanted: Option<bool>) -> Result<(), Fault> {
    match wanted {
        Some(true) => Err(Fault::new(
            "DryRunOperationException",
            412,
            "The request would have succeeded, but the DryRun option is set.",
        )),
        _ => Ok(()),
    }
}

fn algorithm(given: Option<&str>) -> Result<(), Fault> {
    match given {
        None | Some(SYMMETRIC) => Ok(()),
        Some(other) => Err(Fault::client(
            "InvalidKeyUsageException",
            format!("the algorithm `{other}` does not go with a symmetric key"),
        )),
    }
}

/// A key that is there, enabled, and made for encryption.
fn encrypting(tx: &Tx<'_>, id: &str) -> Result<Key, Fault> {
    let key = find(tx, id)?;
    key.usable()?;
    match key.spec {
        Spec::Symmetric => Ok(key),
        _ => Err(Fault::client(
            "InvalidKeyUsageException",
            format!("{} key usage is {} which is not valid for this operation.", key.arn(), key.spec.usage()),
        )),
    }
}

fn seal(tx: &Tx<'_>, key: &Key, context: &Context, plaintext: &[u8]) -> Result<Bytes, Fault> {
    let head = Head { key: key.id.clone(), version: key.version };
    let blob = cipher::seal(&material(tx, key, key.version)?, &head, context, tx.random(), plaintext)?;
    Ok(Bytes::from(blob))
}

/// The key that a ciphertext names, which must be the one that the caller names, if any.
fn open(tx: &Tx<'_>, blob: &[u8], named: Option<&str>, context: &Context) -> Result<(Key, Vec<u8>), Fault> {
    let head = cipher::head(blob).ok_or_else(invalid)?;
    let key =
        tx.snapshot().find_named::<Key>(&format!("kms-key/{}", head.key)).cloned().ok_or_else(invalid)?;
    if let Some(named) = named
        && find(tx, named)?.id != key.id
    {
        return Err(Fault::client(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        ));
    }
    key.usable()?;
    let plaintext = cipher::open(&material(tx, &key, head.version).map_err(|_| invalid())?, blob, context)?;
    Ok((key, plaintext))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html>
pub(crate) fn encrypt(tx: &mut Tx<'_>, input: EncryptRequest) -> Result<EncryptResponse, Fault> {
    algorithm(input.encryption_algorithm.as_deref())?;
    let key = encrypting(tx, &input.key_id)?;
    token::check(tx, input.grant_tokens.as_deref())?;
    dry_run(input.dry_run)?;
    let blob = seal(tx, &key, &input.encryption_context.unwrap_or_default(), &input.plaintext)?;
    Ok(EncryptResponse {
        ciphertext_blob: Some(blob),
        key_id: Some(key.arn()),
        encryption_algorithm: Some(SYMMETRIC.to_owned()),
    })
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html>
pub(crate) fn decrypt(tx: &mut Tx<'_>, input: DecryptRequest) -> Result<DecryptResponse, Fault> {
    algorithm(input.encryption_algorithm.as_deref())?;
    if input.recipient.is_some() {
        return Err(Fault::client(
            "UnsupportedOperationException",
            "the parameter `Recipient` is not served by this runtime",
        ));
    }
    let blob = input.ciphertext_blob.ok_or_else(invalid)?;
    let (key, plaintext) =
        open(tx, &blob, input.key_id.as_deref(), &input.encryption_context.unwrap_or_default())?;
    token::check(tx, input.grant_tokens.as_deref())?;
    dry_run(input.dry_run)?;
    Ok(DecryptResponse {
        key_id: Some(key.arn()),
        plaintext: Some(Bytes::from(plaintext)),
        encryption_algorithm: Some(SYMMETRIC.to_owned()),
        ..DecryptResponse::default()
    })
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ReEncrypt.html>
pub(crate) fn re_encrypt(tx: &mut Tx<'_>, input: ReEncryptRequest) -> Result<ReEncryptResponse, Fault> {
    algorithm(input.source_encryption_algorithm.as_deref())?;
    algorithm(input.destination_encryption_algorithm.as_deref())?;
    let blob = input.ciphertext_blob.ok_or_else(invalid)?;
    let context = input.source_encryption_context.unwrap_or_default();
    let (source, plaintext) = open(tx, &blob, input.source_key_id.as_deref(), &context)?;
    let key = encrypting(tx, &input.destination_key_id)?;
    token::check(tx, input.grant_tokens.as_deref())?;
    dry_run(input.dry_run)?;
    let blob = seal(tx, &key, &input.destination_encryption_context.unwrap_or_default(), &plaintext)?;
    Ok(ReEncryptResponse {
        ciphertext_blob: Some(blob),
        source_key_id: Some(source.arn()),
        key_id: Some(key.arn()),
        source_encryption_algorithm: Some(SYMMETRIC.to_owned()),
        destination_encryption_algorithm: Some(SYMMETRIC.to_owned()),
        ..ReEncryptResponse::default()
    })
}

fn data_key_length(bytes: Option<i64>, spec: Option<&str>) -> Result<usize, Fault> {
    match (bytes, spec) {
        (None, Some("AES_256")) => Ok(32),
        (None, Some("AES_128")) => Ok(16),
        (Some(n), None) => {
            usize::try_from(n).map_err(|_| Fault::validation("NumberOfBytes must be positive"))
        }
        _ => Err(Fault::validation("Please specify either number of bytes or key spec.")),
    }
}

fn random(tx: &Tx<'_>, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    tx.host().random(&mut bytes);
    bytes
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html>
pub(crate) fn generate_data_key(
    tx: &mut Tx<'_>,
    input: GenerateDataKeyRequest,
) -> Result<GenerateDataKeyResponse, Fault> {
    if input.recipient.is_some() {
        return Err(Fault::client(
            "UnsupportedOperationException",
            "the parameter `Recipient` is not served by this runtime",
        ));
    }
    let key = encrypting(tx, &input.key_id)?;
    let plaintext = random(tx, data_key_length(input.number_of_bytes, input.key_spec.as_deref())?);
    token::check(tx, input.grant_tokens.as_deref())?;
    dry_run(input.dry_run)?;
    let blob = seal(tx, &key, &input.encryption_context.unwrap_or_default(), &plaintext)?;
    Ok(GenerateDataKeyResponse {
        ciphertext_blob: Some(blob),
        plaintext: Some(Bytes::from(plaintext)),
        key_id: Some(key.arn()),
        ..GenerateDataKeyResponse::default()
    })
}

pub(crate) fn generate_data_key_without_plaintext(
    tx: &mut Tx<'_>,
    input: GenerateDataKeyWithoutPlaintextRequest,
) -> Result<GenerateDataKeyWithoutPlaintextResponse, Fault> {
    let key = encrypting(tx, &input.key_id)?;
    let plaintext = random(tx, data_key_length(input.number_of_bytes, input.key_spec.as_deref())?);
    token::check(tx, input.grant_tokens.as_deref())?;
    dry_run(input.dry_run)?;
    let blob = seal(tx, &key, &input.encryption_context.unwrap_or_default(), &plaintext)?;
    Ok(GenerateDataKeyWithoutPlaintextResponse {
        ciphertext_blob: Some(blob),
        key_id: Some(key.arn()),
        ..GenerateDataKeyWithoutPlaintextResponse::default()
    })
}

pub(crate) fn generate_random(
    tx: &mut Tx<'_>,
    input: GenerateRandomRequest,
) -> Result<GenerateRandomResponse, Fault> {
    let length = input.number_of_bytes.and_then(|n| usize::try_from(n).ok());
    let length = length.ok_or_else(|| Fault::validation("NumberOfBytes is required."))?;
    Ok(GenerateRandomResponse {
        plaintext: Some(Bytes::from(random(tx, length))),
        ..GenerateRandomResponse::default()
    })
}

fn mac_key(tx: &Tx<'_>, id: &str, algorithm: &str) -> Result<(Key, hmac::Key), Fault> {
    let key = find(tx, id)?;
    key.usable()?;
    let wrong = || {
        Fault::client(
            "InvalidKeyUsageException",
            format!("{} key usage is {} which is not valid for this operation.", key.arn(), key.spec.usage()),
        )
    };
    let digest = match (key.spec, algorithm) {
        (Spec::Hmac256, "HMAC_SHA_256") => hmac::HMAC_SHA256,
        (Spec::Hmac384, "HMAC_SHA_384") => hmac::HMAC_SHA384,
        (Spec::Hmac512, "HMAC_SHA_512") => hmac::HMAC_SHA512,
        _ => return Err(wrong()),
    };
    let hmac_key = hmac::Key::new(digest, &material(tx, &key, key.version)?);
    Ok((key, hmac_key))
}

pub(crate) fn generate_mac(tx: &mut Tx<'_>, input: GenerateMacRequest) -> Result<GenerateMacResponse, Fault> {
    let (key, mac_key) = mac_key(tx, &input.key_id, &input.mac_algorithm)?;
    token::check(tx, input.grant_tokens.as_deref())?;
    dry_run(input.dry_run)?;
    let mac = hmac::sign(&mac_key, &input.message);
    Ok(GenerateMacResponse {
        mac: Some(Bytes::copy_from_slice(mac.as_ref())),
        mac_algorithm: Some(input.mac_algorithm),
        key_id: Some(key.arn()),
    })
}

pub(crate) fn verify_mac(tx: &mut Tx<'_>, input: VerifyMacRequest) -> Result<VerifyMacResponse, Fault> {
    let (key, mac_key) = mac_key(tx, &input.key_id, &input.mac_algorithm)?;
    token::check(tx, input.grant_tokens.as_deref())?;
    dry_run(input.dry_run)?;
    // Compared in constant time.
    hmac::verify(&mac_key, &input.message, &input.mac)
        .map_err(|_| Fault::client("KMSInvalidMacException", ""))?;
    Ok(VerifyMacResponse {
        key_id: Some(key.arn()),
        mac_valid: Some(true),
        mac_algorithm: Some(input.mac_algorithm),
    })
}
