//! A pool's signing key: RSA of 2,048 bits, made once, its private half sealed in a record.
//! The `rsa` crate makes it; ring signs with it. The public half is the pool's [`TokenIssuer`].

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::estate::cognito::{PublicKey, TokenIssuer};
use model::{Fault, Host, Tx};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256};
use rsa::PrivateKey;
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};

const TABLE: &str = "cognito-idp/key";
const PURPOSE: &str = "cognito-signing-key";

/// The host's randomness, in the form that the key's maker wants.
struct Random<'a>(&'a dyn Host);

impl TryRng for Random<'_> {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.0.random(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.0.random(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.random(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Random<'_> {}

fn failed(error: impl std::fmt::Display) -> Fault {
    Fault::internal(format!("a pool's signing key cannot be used: {error}"))
}

/// Makes the key of a new pool, and the node by which the world verifies its tokens.
pub(crate) fn make(tx: &mut Tx<'_>, pool: &str) -> Result<(), Fault> {
    let key = PrivateKey::new(&mut Random(tx.host()), 2048).map_err(failed)?;
    let encoded = key.to_pkcs8_der().map_err(failed)?;
    let pair = KeyPair::from_pkcs8(encoded.as_bytes()).map_err(failed)?;
    let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
    let public = PublicKey {
        kid: base64::engine::general_purpose::STANDARD.encode(tx.random::<32>()),
        n: URL_SAFE_NO_PAD.encode(public.n),
        e: URL_SAFE_NO_PAD.encode(public.e),
    };
    let sealed = tx.seal(PURPOSE, pool.as_bytes(), encoded.as_bytes())?;
    tx.put_record(TABLE, pool.as_bytes(), sealed)?;
    let (account, region) = (tx.account.clone(), tx.region.clone());
    tx.put(TokenIssuer { account, region, pool: pool.to_owned(), keys: vec![public] })
}

pub(crate) fn remove(tx: &mut Tx<'_>, pool: &str) -> Result<(), Fault> {
    tx.remove_record(TABLE, pool.as_bytes())?;
    match tx.find::<TokenIssuer>(pool).cloned() {
        Some(issuer) => tx.remove(&issuer),
        None => Ok(()),
    }
}

/// Signs claims as a JWT (RFC 7515) with RS256.
pub(crate) fn sign(tx: &Tx<'_>, pool: &str, claims: &serde_json::Value) -> Result<String, Fault> {
    let issuer = tx.find::<TokenIssuer>(pool).ok_or_else(|| failed("the pool has no issuer"))?;
    let kid = issuer.keys.first().map(|k| k.kid.as_str()).ok_or_else(|| failed("there is none"))?;
    let sealed = tx.record(TABLE, pool.as_bytes())?.ok_or_else(|| failed("there is none"))?;
    let encoded = zeroize::Zeroizing::new(tx.unseal(PURPOSE, pool.as_bytes(), &sealed)?);
    let pair = KeyPair::from_pkcs8(&encoded).map_err(failed)?;
    let header = serde_json::json!({"kid": kid, "alg": "RS256"});
    let part = |json: &serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| failed("signing failed"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The claims of a JWT that this issuer signed; `None` for any other text. The only algorithm is RS256.
pub(crate) fn verified(issuer: &TokenIssuer, token: &str) -> Option<serde_json::Value> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, claims) = signed.split_once('.')?;
    let header: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    if header.get("alg")?.as_str()? != "RS256" {
        return None;
    }
    let kid = header.get("kid")?.as_str()?;
    let key = issuer.keys.iter().find(|k| k.kid == kid)?;
    let public = PublicKeyComponents {
        n: URL_SAFE_NO_PAD.decode(&key.n).ok()?,
        e: URL_SAFE_NO_PAD.decode(&key.e).ok()?,
    };
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// The claims of a JWT, unverified: only to find out whose key must verify it.
pub(crate) fn claimed_issuer(token: &str) -> Option<String> {
    let claims = token.split('.').nth(1)?;
    let claims: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    Some(claims.get("iss")?.as_str()?.to_owned())
}

/// Something that is always the same for a name, and that nobody outside can foretell.
pub(crate) fn pseudonym(tx: &Tx<'_>, pool: &str, name: &str) -> Result<Vec<u8>, Fault> {
    let sealed = tx.record(TABLE, pool.as_bytes())?.ok_or_else(|| failed("there is none"))?;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &sealed);
    Ok(ring::hmac::sign(&key, name.as_bytes()).as_ref().to_vec())
}
