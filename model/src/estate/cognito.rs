//! What the tokens of user pools and of identity pools are verified with.

use serde::{Deserialize, Serialize};

use crate::{AccountId, Node};

/// The public side of a user pool, for authorizers and the JWKS document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TokenIssuer {
    pub account: AccountId,
    pub region: String,
    /// The pool's id, `us-east-1_AbCdEfGhI`.
    pub pool: String,
    pub keys: Vec<PublicKey>,
}

/// An RSA public key of a JWK set (RFC 7517); `n` and `e` in base64url.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    pub kid: String,
    pub n: String,
    pub e: String,
}

impl TokenIssuer {
    /// The `iss` claim: `https://cognito-idp.REGION.amazonaws.com/POOL`.
    pub fn issuer(&self) -> String {
        format!("https://cognito-idp.{}.amazonaws.com/{}", self.region, self.pool)
    }

    /// By which one is found in the whole estate: `issuer/` and the `iss` claim.
    pub fn named(issuer: &str) -> String {
        format!("issuer/{issuer}")
    }
}

impl Node for TokenIssuer {
    const KIND: &'static str = "Countersign::TokenIssuer";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.pool
    }
    fn global_name(&self) -> Option<String> {
        Some(TokenIssuer::named(&self.issuer()))
    }
}

/// Whom roles trust that identity pools may give: the `Federated` principal, and the prefix of its keys.
pub const IDENTITY_PROVIDER: &str = "cognito-identity.amazonaws.com";

/// The `iss` claim of the tokens of every identity pool.
pub const IDENTITY_ISSUER: &str = "https://cognito-identity.amazonaws.com";

/// The public side of an identity pool, for those who are shown its tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentityIssuer {
    pub account: AccountId,
    pub region: String,
    /// The pool's id, `us-east-1:UUID`: the `aud` claim.
    pub pool: String,
    pub keys: Vec<PublicKey>,
}

impl IdentityIssuer {
    /// By which one is found in the whole estate.
    pub fn named(pool: &str) -> String {
        format!("identity-issuer/{pool}")
    }
}

impl Node for IdentityIssuer {
    const KIND: &'static str = "Countersign::IdentityIssuer";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.pool
    }
    fn global_name(&self) -> Option<String> {
        Some(IdentityIssuer::named(&self.pool))
    }
}
