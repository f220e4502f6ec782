//! Is this JSON Web Token genuine and in force? RS256 and nothing else, with the key that the
//! token names, of the issuer that is asked about (RFC 7515, 7519; "Verifying JSON web tokens"
//! of the Cognito guide). What a token is then good for is for the authorizer to say.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::Timestamp;
use model::estate::cognito::TokenIssuer;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde_json::{Map, Value as Json};

pub(super) type Claims = Map<String, Json>;

/// Longer ones are nobody's.
const LONGEST: usize = 16 << 10;

/// A token taken apart, not yet believed.
pub(super) struct Token<'a> {
    header: Claims,
    claims: Claims,
    signed: &'a str,
    signature: Vec<u8>,
}

/// Why a token is no good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    Malformed,
    Algorithm,
    Key,
    Signature,
    Issuer,
    Expired,
    NotYet,
}

impl Bad {
    pub(super) fn text(&self) -> &'static str {
        match self {
            Bad::Malformed => "the token is malformed",
            Bad::Algorithm => "the token's signing method is not RS256",
            Bad::Key => "the token names a key that its issuer does not have",
            Bad::Signature => "the token's signature is invalid",
            Bad::Issuer => "the token does not have a valid issuer",
            Bad::Expired => "the token has expired",
            Bad::NotYet => "the token is not valid yet",
        }
    }
}

impl<'a> Token<'a> {
    /// `header.claims.signature`, each in base64url without padding.
    pub(super) fn parse(text: &'a str) -> Result<Token<'a>, Bad> {
        if text.len() > LONGEST {
            return Err(Bad::Malformed);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Bad::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Bad::Malformed)?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Bad::Malformed);
        let object = |part: &str| serde_json::from_slice::<Claims>(&bytes(part)?).map_err(|_| Bad::Malformed);
        Ok(Token { header: object(header)?, claims: object(claims)?, signed, signature: bytes(signature)? })
    }

    /// The issuer that the token claims; not believed until [`Token::verify`].
    pub(super) fn issuer(&self) -> &str {
        self.claims.get("iss").and_then(Json::as_str).unwrap_or_default()
    }

    /// The claims, once the issuer is seen to have signed them and they are in force now.
    pub(super) fn verify(self, issuer: &TokenIssuer, now: Timestamp) -> Result<Claims, Bad> {
        // Critical extensions that are not understood make a token invalid; none is understood.
        if self.header.get("alg").and_then(Json::as_str) != Some("RS256") || self.header.contains_key("crit")
        {
            return Err(Bad::Algorithm);
        }
        let kid = self.header.get("kid").and_then(Json::as_str).ok_or(Bad::Key)?;
        let key = issuer.keys.iter().find(|k| k.kid == kid).ok_or(Bad::Key)?;
        let number = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Bad::Key);
        let key = RsaPublicKeyComponents { n: number(&key.n)?, e: number(&key.e)? };
        key.verify(&RSA_PKCS1_2048_8192_SHA256, self.signed.as_bytes(), &self.signature)
            .map_err(|_| Bad::Signature)?;
        if self.issuer() != issuer.issuer() {
            return Err(Bad::Issuer);
        }
        let seconds = now.seconds() as f64;
        let time = |claim: &str| match self.claims.get(claim) {
            None => Ok(None),
            Some(value) => value.as_f64().map(Some).ok_or(Bad::Malformed),
        };
        if time("exp")?.ok_or(Bad::Malformed)? <= seconds {
            return Err(Bad::Expired);
        }
        if time("nbf")?.is_some_and(|t| t > seconds) || time("iat")?.is_some_and(|t| t > seconds) {
            return Err(Bad::NotYet);
        }
        Ok(self.claims)
    }
}

/// The scopes of an access token: `scope` or `scp`, a text or a list.
pub(super) fn scopes(claims: &Claims) -> Vec<&str> {
    match claims.get("scope").or_else(|| claims.get("scp")) {
        Some(Json::String(text)) => text.split(' ').filter(|s| !s.is_empty()).collect(),
        Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The token in a header's value, with or without `Bearer`.
pub(super) fn bare(value: &str) -> &str {
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => value.trim(),
    }
}
