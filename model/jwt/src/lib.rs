//! JSON Web Tokens (RFC 7515, 7519) that issuers of this runtime sign, and their keys: RSA of 2,048
//! bits. The `rsa` crate makes a key; ring signs and verifies.
//!
//! Only says who signed a token. For whom it is, since when and until when, is for the caller to
//! judge; what nobody has verified is called `claimed`. Never takes an algorithm from the token.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::estate::cognito::PublicKey;
use model::{Fault, Host};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RsaEncoding,
    RsaParameters,
};
use rsa::PrivateKey;
use rsa::pkcs8::EncodePrivateKey as _;
use rsa::rand_core::{TryCryptoRng, TryRng};
use serde_json::{Value as Json, json};
use zeroize::Zeroizing;

/// Longer texts are nobody's tokens.
const LONGEST: usize = 50_000;

/// What an issuer signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Rs256,
    Rs512,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Rs512 => "RS512",
        }
    }

    fn signs(self) -> &'static dyn RsaEncoding {
        match self {
            Algorithm::Rs256 => &RSA_PKCS1_SHA256,
            Algorithm::Rs512 => &RSA_PKCS1_SHA512,
        }
    }

    fn verifies(self) -> &'static RsaParameters {
        match self {
            Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        }
    }
}

/// A new key: its private half in PKCS #8, to be sealed, and its public one.
pub struct Made {
    pub private: Zeroizing<Vec<u8>>,
    pub public: PublicKey,
}

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
    Fault::internal(format!("a signing key cannot be used: {error}"))
}

/// Makes a key.
pub fn make(host: &dyn Host) -> Result<Made, Fault> {
    let key = PrivateKey::new(&mut Random(host), 2048).map_err(failed)?;
    let encoded = key.to_pkcs8_der().map_err(failed)?;
    let private = Zeroizing::new(encoded.as_bytes().to_vec());
    let pair = KeyPair::from_pkcs8(&private).map_err(failed)?;
    let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
    let mut kid = [0; 32];
    host.random(&mut kid);
    let public = PublicKey {
        kid: base64::engine::general_purpose::STANDARD.encode(kid),
        n: URL_SAFE_NO_PAD.encode(public.n),
        e: URL_SAFE_NO_PAD.encode(public.e),
    };
    Ok(Made { private, public })
}

/// Keys that are kept parsed. More issuers than this at work at once parse theirs again.
const KEPT: usize = 64;
static PARSED: LazyLock<Mutex<HashMap<[u8; 32], Arc<KeyPair>>>> = LazyLock::new(Mutex::default);

/// The key, parsed and checked once. It is found by what it is: no other key can be had by a name.
fn parsed(private: &[u8]) -> Result<Arc<KeyPair>, Fault> {
    let mut name = [0; 32];
    name.copy_from_slice(digest(&SHA256, private).as_ref());
    let kept = || PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(pair) = kept().get(&name) {
        return Ok(Arc::clone(pair));
    }
    let pair = Arc::new(KeyPair::from_pkcs8(private).map_err(failed)?);
    let mut all = kept();
    if all.len() >= KEPT {
        all.clear();
    }
    all.insert(name, Arc::clone(&pair));
    Ok(pair)
}

/// Signs claims with a private key, named `kid` for those who verify.
pub fn sign(algorithm: Algorithm, private: &[u8], kid: &str, claims: &Json) -> Result<String, Fault> {
    let pair = parsed(private)?;
    let header = json!({"kid": kid, "alg": algorithm.name()});
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(algorithm.signs(), &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| failed("signing failed"))?;
    Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The claims of a token that one of these keys signed by this algorithm; `None` for any other text.
pub fn verified(algorithm: Algorithm, keys: &[PublicKey], token: &str) -> Option<Json> {
    let (signed, signature) = token.rsplit_once('.').filter(|_| token.len() <= LONGEST)?;
    let (header, claims) = signed.split_once('.')?;
    let header: Json = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    // Critical extensions that are not understood make a token invalid; none is understood.
    if header.get("alg")?.as_str()? != algorithm.name() || header.get("crit").is_some() {
        return None;
    }
    let kid = header.get("kid")?.as_str()?;
    let key = keys.iter().find(|k| k.kid == kid)?;
    let public = PublicKeyComponents {
        n: URL_SAFE_NO_PAD.decode(&key.n).ok()?,
        e: URL_SAFE_NO_PAD.decode(&key.e).ok()?,
    };
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    public.verify(algorithm.verifies(), signed.as_bytes(), &signature).ok()?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}

/// The claims of a token, unverified: only to find out whose key must verify it.
pub fn claimed(token: &str) -> Option<Json> {
    let mut parts = token.split('.').filter(|_| token.len() <= LONGEST);
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
}
