//! The ciphertext that KMS hands out: it names its key, and is bound to its encryption context.
//!
//! `version 1 | key id 16 | material version 4 | nonce 12 | ciphertext | tag 16`. Everything before
//! the nonce is authenticated with the context, so neither can be exchanged.

use std::collections::BTreeMap;

use model::Fault;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

const FORMAT: u8 = 1;
const HEAD: usize = 1 + 16 + 4;

pub(crate) type Context = BTreeMap<String, String>;

/// What a ciphertext says of itself, before it is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The key's UUID.
    pub(crate) key: String,
    pub(crate) version: u32,
}

pub(crate) fn invalid() -> Fault {
    Fault::client("InvalidCiphertextException", "")
}

pub(crate) fn head(blob: &[u8]) -> Option<Head> {
    let head = blob.get(..HEAD)?;
    let (format, rest) = head.split_first()?;
    let (id, version) = rest.split_at_checked(16)?;
    let id: [u8; 16] = id.try_into().ok()?;
    let n = u128::from_be_bytes(id);
    let key = format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        n >> 96,
        (n >> 80) & 0xffff,
        (n >> 64) & 0xffff,
        (n >> 48) & 0xffff,
        n & 0xffff_ffff_ffff
    );
    (*format == FORMAT).then_some(Head { key, version: u32::from_be_bytes(version.try_into().ok()?) })
}

fn head_bytes(head: &Head) -> Option<Vec<u8>> {
    let id = u128::from_str_radix(&head.key.replace('-', ""), 16).ok()?;
    Some([&[FORMAT], id.to_be_bytes().as_slice(), &head.version.to_be_bytes()].concat())
}

/// The head and the context, each part with its length, so that no two contexts read the same.
fn authenticated(head: &[u8], context: &Context) -> Vec<u8> {
    let mut aad = head.to_vec();
    for part in context.iter().flat_map(|(k, v)| [k, v]) {
        aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
        aad.extend_from_slice(part.as_bytes());
    }
    aad
}

fn cipher(material: &[u8]) -> Result<LessSafeKey, Fault> {
    UnboundKey::new(&AES_256_GCM, material)
        .map(LessSafeKey::new)
        .map_err(|_| Fault::internal("the key material is not that of a symmetric key"))
}

pub(crate) fn seal(
    material: &[u8],
    head: &Head,
    context: &Context,
    nonce: [u8; NONCE_LEN],
    plaintext: &[u8],
) -> Result<Vec<u8>, Fault> {
    let mut out = head_bytes(head).ok_or_else(|| Fault::internal("the key's id is no UUID"))?;
    let aad = authenticated(&out, context);
    let mut sealed = plaintext.to_vec();
    cipher(material)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), &mut sealed)
        .map_err(|_| Fault::internal("the plaintext cannot be encrypted"))?;
    out.extend_from_slice(&nonce);
    out.append(&mut sealed);
    Ok(out)
}

pub(crate) fn open(material: &[u8], blob: &[u8], context: &Context) -> Result<Vec<u8>, Fault> {
    let (head, rest) = blob.split_at_checked(HEAD).ok_or_else(invalid)?;
    let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or_else(invalid)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| invalid())?;
    let mut sealed = sealed.to_vec();
    let plain = cipher(material)?.open_in_place(nonce, Aad::from(authenticated(head, context)), &mut sealed);
    Ok(plain.map_err(|_| invalid())?.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(pairs: &[(&str, &str)]) -> Context {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_ciphertext_opens_only_as_it_was_sealed() {
        let head_ = Head { key: "01234567-89ab-4def-8123-456789abcdef".into(), version: 3 };
        let bound = context(&[("a", "bc")]);
        let blob = seal(&[7; 32], &head_, &bound, [1; 12], b"plain").unwrap();
        assert_eq!(head(&blob), Some(head_));
        assert_eq!(open(&[7; 32], &blob, &bound).unwrap(), b"plain");
        assert!(open(&[8; 32], &blob, &bound).is_err());
        for wrong in [context(&[]), context(&[("ab", "c")]), context(&[("a", "bc"), ("d", "")])] {
            assert_eq!(open(&[7; 32], &blob, &wrong).unwrap_err().code, "InvalidCiphertextException");
        }
        for at in 0..blob.len() {
            let mut changed = blob.clone();
            changed[at] ^= 1;
            assert!(open(&[7; 32], &changed, &bound).is_err(), "byte {at}");
        }
        for cut in 0..blob.len() {
            assert!(open(&[7; 32], &blob[..cut], &bound).is_err());
        }
    }
}
