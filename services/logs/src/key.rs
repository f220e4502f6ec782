//! The KMS key of a group. CloudWatch Logs itself is the user of the key: its policy must let
//! the service in, bound to the group's ARN as encryption context.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::{Caller, Fault, Members, Tx, Value};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use crate::group::{Group, find, invalid};
use crate::shapes::*;

/// A data key of a group, as KMS gave it: a ciphertext that only KMS opens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataKey {
    pub(crate) kms_key: String,
    /// Base64.
    pub(crate) wrapped: String,
}

fn refused(arn: &str) -> Fault {
    Fault::client(
        "AccessDeniedException",
        format!("The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"),
    )
}

/// Asks KMS as the service, whose region is part of its name there.
fn ask_kms(tx: &mut Tx<'_>, group: &Group, operation: &str, mut input: Members) -> Result<Value, Fault> {
    let service = Caller::service(&format!("logs.{}.amazonaws.com", tx.region), &tx.account);
    let mut context = Members::default();
    context.push("aws:logs:arn", group.arn());
    input.0.push(("EncryptionContext".into(), Value::Map(context)));
    tx.call_as(service, None, "kms", operation, Value::Map(input)).map_err(|_| refused(&group.arn()))
}

/// Makes `id` the key of what the group receives from now on.
pub(crate) fn associate(tx: &mut Tx<'_>, group: &mut Group, id: &str) -> Result<(), Fault> {
    if !id.starts_with("arn:") || !id.contains(":key/") {
        return Err(invalid("The specified KMS key identifier must be the ARN of a key."));
    }
    let mut input = Members::default();
    input.push("KeyId", id);
    input.push("KeySpec", "AES_256");
    let made = ask_kms(tx, group, "GenerateDataKeyWithoutPlaintext", input)?;
    let Some(Value::Blob(wrapped)) = made.get("CiphertextBlob") else {
        return Err(Fault::internal("KMS gave no data key"));
    };
    group.data_keys.push(DataKey { kms_key: id.to_owned(), wrapped: STANDARD.encode(wrapped) });
    group.kms_key = Some(id.to_owned());
    Ok(())
}

/// The cipher of one of the group's data keys, as long as KMS opens it for the service.
pub(crate) fn open(tx: &mut Tx<'_>, group: &Group, index: usize) -> Result<LessSafeKey, Fault> {
    let key = group.data_keys.get(index).ok_or_else(|| Fault::internal("an event's data key is gone"))?;
    let wrapped = STANDARD.decode(&key.wrapped).map_err(|_| Fault::internal("a data key cannot be read"))?;
    let mut input = Members::default();
    input.0.push(("CiphertextBlob".into(), Value::Blob(Bytes::from(wrapped))));
    input.push("KeyId", key.kms_key.as_str());
    let opened = ask_kms(tx, group, "Decrypt", input)?;
    let Some(Value::Blob(plain)) = opened.get("Plaintext") else {
        return Err(Fault::internal("KMS gave no plaintext"));
    };
    UnboundKey::new(&AES_256_GCM, plain)
        .map(LessSafeKey::new)
        .map_err(|_| Fault::internal("a data key is not 32 bytes long"))
}

pub(crate) fn encrypt(tx: &Tx<'_>, key: &LessSafeKey, aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, Fault> {
    let nonce = tx.random::<NONCE_LEN>();
    let mut sealed = plain.to_vec();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut sealed)
        .map_err(|_| Fault::internal("an event cannot be encrypted"))?;
    Ok([nonce.as_slice(), &sealed].concat())
}

pub(crate) fn decrypt(key: &LessSafeKey, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Fault> {
    let broken = || Fault::internal("an event is not what was sealed");
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
    let mut sealed = sealed.to_vec();
    Ok(key.open_in_place(nonce, Aad::from(aad), &mut sealed).map_err(|_| broken())?.to_vec())
}

fn of_group<'a>(name: Option<&'a str>, resource: Option<&'a str>) -> Result<&'a str, Fault> {
    match (name, resource) {
        (Some(name), None) => Ok(name),
        (None, Some(arn)) if arn.contains(":log-group:") => Ok(crate::group::name_of(arn)),
        (None, Some(_)) => Err(invalid("only log groups have keys here: query results are not served")),
        _ => Err(invalid("Exactly one of logGroupName and resourceIdentifier must be specified.")),
    }
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html>
pub(crate) fn associate_kms_key(tx: &mut Tx<'_>, input: AssociateKmsKeyRequest) -> Result<(), Fault> {
    let name = of_group(input.log_group_name.as_deref(), input.resource_identifier.as_deref())?;
    let mut group = find(tx, name)?;
    associate(tx, &mut group, &input.kms_key_id)?;
    tx.put(group)
}

/// What was sealed before stays sealed, and still needs the old key.
pub(crate) fn disassociate_kms_key(tx: &mut Tx<'_>, input: DisassociateKmsKeyRequest) -> Result<(), Fault> {
    let name = of_group(input.log_group_name.as_deref(), input.resource_identifier.as_deref())?;
    let mut group = find(tx, name)?;
    group.kms_key = None;
    tx.put(group)
}
