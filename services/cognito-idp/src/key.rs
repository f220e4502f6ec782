//! A pool's signing key, made once; its private half is sealed in a record, its public half is
//! the pool's [`TokenIssuer`].

use jwt::Algorithm::Rs256;
use model::estate::cognito::TokenIssuer;
use model::{Fault, Tx};

const TABLE: &str = "cognito-idp/key";
const PURPOSE: &str = "cognito-signing-key";

fn failed(error: impl std::fmt::Display) -> Fault {
    Fault::internal(format!("a pool's signing key cannot be used: {error}"))
}

/// Makes the key of a new pool, and the node by which the world verifies its tokens.
pub(crate) fn make(tx: &mut Tx<'_>, pool: &str) -> Result<(), Fault> {
    let key = jwt::make(tx.host())?;
    let sealed = tx.seal(PURPOSE, pool.as_bytes(), &key.private)?;
    tx.put_record(TABLE, pool.as_bytes(), sealed)?;
    let (account, region) = (tx.account.clone(), tx.region.clone());
    tx.put(TokenIssuer { account, region, pool: pool.to_owned(), keys: vec![key.public] })
}

pub(crate) fn remove(tx: &mut Tx<'_>, pool: &str) -> Result<(), Fault> {
    tx.remove_record(TABLE, pool.as_bytes())?;
    match tx.find::<TokenIssuer>(pool).cloned() {
        Some(issuer) => tx.remove(&issuer),
        None => Ok(()),
    }
}

/// Signs claims as a token of the pool's.
pub(crate) fn sign(tx: &Tx<'_>, pool: &str, claims: &serde_json::Value) -> Result<String, Fault> {
    let issuer = tx.find::<TokenIssuer>(pool).ok_or_else(|| failed("the pool has no issuer"))?;
    let kid = issuer.keys.first().map(|k| k.kid.as_str()).ok_or_else(|| failed("there is none"))?;
    let sealed = tx.record(TABLE, pool.as_bytes())?.ok_or_else(|| failed("there is none"))?;
    let private = zeroize::Zeroizing::new(tx.unseal(PURPOSE, pool.as_bytes(), &sealed)?);
    jwt::sign(Rs256, &private, kid, claims)
}

/// The claims of a token that this issuer signed.
pub(crate) fn verified(issuer: &TokenIssuer, token: &str) -> Option<serde_json::Value> {
    jwt::verified(Rs256, &issuer.keys, token)
}

/// The issuer that a token claims to be from: only to find out whose key must verify it.
pub(crate) fn claimed_issuer(token: &str) -> Option<String> {
    Some(jwt::claimed(token)?.get("iss")?.as_str()?.to_owned())
}

/// Something that is always the same for a name, and that nobody outside can foretell.
pub(crate) fn pseudonym(tx: &Tx<'_>, pool: &str, name: &str) -> Result<Vec<u8>, Fault> {
    let sealed = tx.record(TABLE, pool.as_bytes())?.ok_or_else(|| failed("there is none"))?;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &sealed);
    Ok(ring::hmac::sign(&key, name.as_bytes()).as_ref().to_vec())
}
