//! A login: the ID token of a user pool, verified by the service that signs them, for a client that
//! the identity pool takes.

use std::collections::BTreeMap;

use model::{Fault, Members, Tx, Value};

use crate::pool::{Pool, Provider};

const SERVICE: &str = "cognito-identity.amazonaws.com";

/// A verified one.
pub(crate) struct Login {
    /// `cognito-idp.REGION.amazonaws.com/POOL`.
    pub(crate) provider: String,
    pub(crate) client: String,
    /// The user's `sub` there.
    pub(crate) subject: String,
    pub(crate) claims: Value,
}

impl Login {
    /// Who it is, for the pool.
    pub(crate) fn key(&self) -> (String, String) {
        (self.provider.clone(), self.subject.clone())
    }
}

pub(crate) fn not_authorized(message: impl Into<String>) -> Fault {
    Fault::client("NotAuthorizedException", message)
}

fn unsupported() -> Fault {
    not_authorized("Token is not from a supported provider of this identity pool.")
}

/// Verifies what was given, if anything was. Linking several logins is not served.
pub(crate) fn verified(
    tx: &mut Tx<'_>,
    pool: &Pool,
    logins: Option<BTreeMap<String, String>>,
) -> Result<Option<Login>, Fault> {
    let mut logins = logins.unwrap_or_default().into_iter();
    let Some((provider, token)) = logins.next() else { return Ok(None) };
    if logins.next().is_some() {
        return Err(Fault::client(
            "InvalidParameterException",
            "several logins at once are not served by this runtime",
        ));
    }
    let known: Vec<Provider> = pool.providers.iter().filter(|p| p.name == provider).cloned().collect();
    if known.is_empty() {
        return Err(unsupported());
    }
    let checked: Vec<Value> =
        known.iter().filter(|p| p.checks).map(|p| Value::from(p.client.as_str())).collect();
    let mut input = Members::default();
    input.push("Token", token);
    input.push("Checked", Value::List(checked));
    let claims: Value = tx.call(SERVICE, "cognito-idp", "VerifyIdToken", Value::Map(input))?;
    if claims.text("iss") != Some(&format!("https://{provider}")) {
        return Err(not_authorized("Invalid login token. Issuer doesn't match providerName"));
    }
    let client = claims.text("aud").unwrap_or_default().to_owned();
    if !known.iter().any(|p| p.client == client) {
        return Err(unsupported());
    }
    match claims.text("sub").map(str::to_owned) {
        Some(subject) => Ok(Some(Login { provider, client, subject, claims })),
        None => Err(not_authorized("Invalid login token. Missing a required claim: sub")),
    }
}
