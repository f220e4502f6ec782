//! How tables are sealed at rest. Each table has a data key of its own. It is wrapped by the
//! runtime, or by KMS: then every request gets it back by the caller's own `kms:Decrypt`,
//! and none does once the key is disabled or the caller may no longer use it.
//!
//! The unwrapped key stays in memory beside the table's node, so that it is unwrapped and
//! expanded once; for a KMS key, that it is there says nothing about who may use it.

use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use model::{AccountId, Fault, Members, Tx, Value};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::{hkdf, hmac};
use serde::{Deserialize, Serialize};

use crate::attribute::Item;
use crate::codec;
use crate::place::{self, Places};
use crate::table::Table;

pub(crate) const SERVICE: &str = "dynamodb.amazonaws.com";
const PURPOSE: &str = "dynamodb";
pub(crate) const MANAGED: &str = "alias/aws/dynamodb";

/// How a table's data key is wrapped; base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Wrapped {
    /// By the runtime: what AWS calls a key that it owns.
    Owned {
        sealed: String,
    },
    Kms {
        key_arn: String,
        blob: String,
    },
}

/// A table's keys, ready for use.
pub(crate) struct TableKeys {
    pub(crate) places: Places,
    cipher: LessSafeKey,
}

/// The keys once they are known. Clones of a node share them; they are never written anywhere.
#[derive(Clone, Default)]
pub(crate) struct Cache(Arc<OnceLock<TableKeys>>);

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache")
    }
}

impl PartialEq for Cache {
    fn eq(&self, _: &Cache) -> bool {
        true
    }
}

fn broken(what: &str) -> Fault {
    Fault::internal(format!("a table's items cannot be {what}"))
}

/// What a table's data key is bound to.
fn context(account: &AccountId, table: &str) -> Value {
    let mut context = Members::default();
    context.push("aws:dynamodb:tableName", table);
    context.push("aws:dynamodb:subscriberId", account.as_str());
    Value::Map(context)
}

/// KMS's refusals as DynamoDB words them.
fn kms_fault(fault: Fault) -> Fault {
    match fault.code.as_ref() {
        "AccessDeniedException" => {
            Fault { message: format!("KMS key access denied error: {}", fault.message), ..fault }
        }
        "ServiceUnavailable" | "InternalFailure" | "NotImplemented" => fault,
        code => Fault::validation(format!("KMS validation error: {code}: {}", fault.message)),
    }
}

/// Wraps `data_key`, a new one if there is none yet. With KMS that is the caller's own
/// `kms:DescribeKey` and `kms:GenerateDataKey`, or `kms:Encrypt`.
pub(crate) fn wrap(
    tx: &mut Tx<'_>,
    (account, name, id): (&AccountId, &str, &str),
    kms_key: Option<&str>,
    data_key: Option<&[u8]>,
) -> Result<Wrapped, Fault> {
    let Some(key) = kms_key else {
        let fresh: [u8; 32] = tx.random();
        let sealed = tx.seal(PURPOSE, id.as_bytes(), data_key.unwrap_or(&fresh))?;
        return Ok(Wrapped::Owned { sealed: STANDARD.encode(sealed) });
    };
    if key == MANAGED {
        let mut alias = Members::default();
        alias.push("Alias", MANAGED);
        let service = model::Caller::service(SERVICE, &tx.account);
        let _: Value = tx.call_as(service, None, "kms", "EnsureManagedKey", Value::Map(alias))?;
    }
    let mut about = Members::default();
    about.push("KeyId", key);
    let described: Value = tx.call(SERVICE, "kms", "DescribeKey", Value::Map(about)).map_err(kms_fault)?;
    let arn = described.get("KeyMetadata").and_then(|m| m.text("Arn")).unwrap_or(key).to_owned();
    let mut input = Members::default();
    input.push("KeyId", arn.as_str());
    input.0.push(("EncryptionContext".into(), context(account, name)));
    let operation = match data_key {
        None => {
            input.push("KeySpec", "AES_256");
            "GenerateDataKey"
        }
        Some(data_key) => {
            input.0.push(("Plaintext".into(), Value::Blob(Bytes::copy_from_slice(data_key))));
            "Encrypt"
        }
    };
    let made: Value = tx.call(SERVICE, "kms", operation, Value::Map(input)).map_err(kms_fault)?;
    match made.get("CiphertextBlob") {
        Some(Value::Blob(blob)) => Ok(Wrapped::Kms { key_arn: arn, blob: STANDARD.encode(blob) }),
        _ => Err(broken("sealed: KMS gave no data key")),
    }
}

/// The data key itself. With KMS that is the caller's own `kms:Decrypt`.
pub(crate) fn unwrap(tx: &mut Tx<'_>, table: &Table) -> Result<Vec<u8>, Fault> {
    let decode =
        |text: &str| STANDARD.decode(text).map_err(|_| broken("opened: the table's key cannot be read"));
    match &table.wrapped {
        Wrapped::Owned { sealed } => tx.unseal(PURPOSE, table.id.as_bytes(), &decode(sealed)?),
        Wrapped::Kms { key_arn, blob } => {
            let mut input = Members::default();
            input.push("KeyId", key_arn.as_str());
            input.0.push(("CiphertextBlob".into(), Value::Blob(Bytes::from(decode(blob)?))));
            input.0.push(("EncryptionContext".into(), context(&table.account, &table.name)));
            let opened: Value = tx.call(SERVICE, "kms", "Decrypt", Value::Map(input)).map_err(kms_fault)?;
            match opened.get("Plaintext") {
                Some(Value::Blob(plain)) => Ok(plain.to_vec()),
                _ => Err(broken("opened: KMS gave no data key")),
            }
        }
    }
}

/// The table's keys, for a caller who may have them.
pub(crate) fn open<'t>(tx: &mut Tx<'_>, table: &'t Table) -> Result<&'t TableKeys, Fault> {
    // Of a KMS key the caller's right is asked each time; what is in memory only saves the work.
    if matches!(table.wrapped, Wrapped::Owned { .. })
        && let Some(keys) = table.cache.0.get()
    {
        return Ok(keys);
    }
    let data_key = unwrap(tx, table)?;
    if let Some(keys) = table.cache.0.get() {
        return Ok(keys);
    }
    let keys = derive(&data_key, place::table(&table.id))?;
    Ok(table.cache.0.get_or_init(|| keys))
}

/// One key for sealing, one for places (HKDF-SHA256, RFC 5869).
fn derive(data_key: &[u8], table: [u8; 16]) -> Result<TableKeys, Fault> {
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, b"dynamodb table key").extract(data_key);
    let okm = secret.expand(&[b"items"], &AES_256_GCM).map_err(|_| broken("sealed"))?;
    let places = secret.expand(&[b"places"], hmac::HMAC_SHA256).map_err(|_| broken("sealed"))?;
    Ok(TableKeys {
        places: Places { table, key: hmac::Key::from(places) },
        cipher: LessSafeKey::new(UnboundKey::from(okm)),
    })
}

const FORMAT: u8 = 1;
/// `format 1 | size 4`.
const HEAD: usize = 5;

/// The size of a sealed item, as its limit counts it; needs no key.
pub(crate) fn size(sealed: &[u8]) -> u32 {
    let size = sealed.get(1..HEAD).and_then(|s| s.try_into().ok());
    size.map_or(0, u32::from_be_bytes)
}

/// What is authenticated with an item: its head and its place, so that neither can be exchanged.
fn bound(head: &[u8], place: &[u8]) -> Vec<u8> {
    [head, place].concat()
}

impl TableKeys {
    /// `format 1 | size 4 | nonce 12 | ciphertext | tag 16`.
    pub(crate) fn seal(&self, tx: &Tx<'_>, place: &[u8], item: &Item, size: u32) -> Result<Bytes, Fault> {
        let nonce: [u8; NONCE_LEN] = tx.random();
        let start = HEAD + NONCE_LEN;
        let mut out = Vec::with_capacity(start + usize::try_from(size).unwrap_or(0) + 96);
        out.push(FORMAT);
        out.extend(size.to_be_bytes());
        let aad = bound(&out, place);
        out.extend(nonce);
        codec::encode(item, &mut out);
        let plain = out.get_mut(start..).ok_or_else(|| broken("sealed"))?;
        let tag = self
            .cipher
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), plain)
            .map_err(|_| broken("sealed"))?;
        out.extend(tag.as_ref());
        Ok(Bytes::from(out))
    }

    pub(crate) fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Item, Fault> {
        let cannot = || broken("opened: a record is not what was sealed");
        let (head, rest) = sealed.split_at_checked(HEAD).ok_or_else(cannot)?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or_else(cannot)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| cannot())?;
        let mut body = body.to_vec();
        let plain = self
            .cipher
            .open_in_place(nonce, Aad::from(bound(head, place)), &mut body)
            .map_err(|_| cannot())?;
        codec::decode(&mut &*plain).filter(|_| head.first() == Some(&FORMAT)).ok_or_else(cannot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Attr;

    #[test]
    fn an_item_opens_only_where_and_as_it_was_sealed() {
        let keys = derive(&[1; 32], [2; 16]).unwrap();
        let other = derive(&[3; 32], [2; 16]).unwrap();
        let item = Item::from([("a".to_owned(), Attr::S("secret".to_owned()))]);
        // As `seal` does, which needs a transaction for its nonce.
        let mut out = vec![FORMAT, 0, 0, 0, 7];
        let aad = bound(&out, b"here");
        let mut plain = Vec::new();
        codec::encode(&item, &mut plain);
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        keys.cipher.seal_in_place_append_tag(nonce, Aad::from(aad), &mut plain).unwrap();
        out.extend([0; NONCE_LEN]);
        out.extend(plain);
        assert_eq!(keys.open(b"here", &out).unwrap(), item);
        assert_eq!(size(&out), 7);
        assert!(keys.open(b"there", &out).is_err());
        assert!(other.open(b"here", &out).is_err());
        for at in 0..out.len() {
            let mut changed = out.clone();
            changed[at] ^= 1;
            assert!(keys.open(b"here", &changed).is_err(), "byte {at}");
            assert!(keys.open(b"here", &out[..at]).is_err());
        }
    }
}
