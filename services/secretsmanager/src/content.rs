//! A secret's value, sealed under a KMS data key of its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::{Fault, Members, Tx, Value};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

const SERVICE: &str = "secretsmanager.amazonaws.com";

/// What a client stores.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Content {
    Text(String),
    Binary(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// The data key, encrypted by KMS; base64.
    pub(crate) data_key: String,
    /// Nonce and ciphertext; base64.
    pub(crate) content: String,
}

fn unable() -> Fault {
    Fault::client(
        "DecryptionFailure",
        "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
    )
}

/// Only this version of this secret opens with it.
fn context(arn: &str, version: &str) -> Value {
    let mut context = Members::default();
    context.push("SecretARN", arn);
    context.push("SecretVersionId", version);
    Value::Map(context)
}

fn cipher(key: &[u8]) -> Result<LessSafeKey, Fault> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| unable())
}

fn kms_fault(fault: Fault) -> Fault {
    match fault.code.as_ref() {
        "NotFoundException" | "DisabledException" | "KMSInvalidStateException" => {
            Fault { code: "EncryptionFailure".into(), ..fault }
        }
        _ => fault,
    }
}

pub(crate) fn seal(
    tx: &mut Tx<'_>,
    key: Option<&str>,
    arn: &str,
    version: &str,
    content: &Content,
) -> Result<Sealed, Fault> {
    if key.is_none() {
        let mut alias = Members::default();
        alias.push("Alias", "alias/aws/secretsmanager");
        let service = model::Caller::service(SERVICE, &tx.account);
        let _: Value = tx.call_as(service, None, "kms", "EnsureManagedKey", Value::Map(alias))?;
    }
    let mut input = Members::default();
    input.push("KeyId", key.unwrap_or("alias/aws/secretsmanager"));
    input.push("KeySpec", "AES_256");
    input.0.push(("EncryptionContext".into(), context(arn, version)));
    let made: Value = tx.call(SERVICE, "kms", "GenerateDataKey", Value::Map(input)).map_err(kms_fault)?;
    let (Some(Value::Blob(plain)), Some(Value::Blob(blob))) =
        (made.get("Plaintext"), made.get("CiphertextBlob"))
    else {
        return Err(unable());
    };
    let mut sealed = serde_json::to_vec(content).map_err(|_| unable())?;
    let nonce: [u8; NONCE_LEN] = tx.random();
    cipher(plain)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)
        .map_err(|_| unable())?;
    Ok(Sealed {
        data_key: STANDARD.encode(blob),
        content: STANDARD.encode([nonce.as_slice(), &sealed].concat()),
    })
}

pub(crate) fn open(tx: &mut Tx<'_>, arn: &str, version: &str, sealed: &Sealed) -> Result<Content, Fault> {
    let blob = STANDARD.decode(&sealed.data_key).map_err(|_| unable())?;
    let mut input = Members::default();
    input.0.push(("CiphertextBlob".into(), Value::Blob(Bytes::from(blob))));
    input.0.push(("EncryptionContext".into(), context(arn, version)));
    let opened: Value =
        tx.call(SERVICE, "kms", "Decrypt", Value::Map(input)).map_err(|f| match f.code.as_ref() {
            "AccessDeniedException" => f,
            _ => unable(),
        })?;
    let Some(Value::Blob(key)) = opened.get("Plaintext") else { return Err(unable()) };
    let bytes = STANDARD.decode(&sealed.content).map_err(|_| unable())?;
    let (nonce, body) = bytes.split_at_checked(NONCE_LEN).ok_or_else(unable)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| unable())?;
    let mut body = body.to_vec();
    let plain = cipher(key)?.open_in_place(nonce, Aad::empty(), &mut body).map_err(|_| unable())?;
    serde_json::from_slice(plain).map_err(|_| unable())
}
