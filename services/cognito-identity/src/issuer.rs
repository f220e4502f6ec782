//! The tokens by which an identity shows itself to STS: JWTs signed by the pool's own key, which
//! goes with the pool. The private half is sealed in a record.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flow.html>

use jwt::Algorithm::Rs512;
use model::estate::cognito::{IDENTITY_ISSUER, IdentityIssuer};
use model::{Fault, Tx};
use serde_json::json;

use crate::login::Login;
use crate::pool::Pool;

const TABLE: &str = "cognito-identity/key";
const PURPOSE: &str = "cognito-identity-key";
/// Seconds that a token is good for.
const SECONDS: i64 = 600;

fn lost() -> Fault {
    Fault::internal("the signing key of an identity pool is lost")
}

pub(crate) fn make(tx: &mut Tx<'_>, pool: &str) -> Result<(), Fault> {
    let key = jwt::make(tx.host())?;
    let sealed = tx.seal(PURPOSE, pool.as_bytes(), &key.private)?;
    tx.put_record(TABLE, pool.as_bytes(), sealed)?;
    let (account, region) = (tx.account.clone(), tx.region.clone());
    tx.put(IdentityIssuer { account, region, pool: pool.to_owned(), keys: vec![key.public] })
}

pub(crate) fn remove(tx: &mut Tx<'_>, pool: &str) -> Result<(), Fault> {
    tx.remove_record(TABLE, pool.as_bytes())?;
    match tx.find::<IdentityIssuer>(pool).cloned() {
        Some(issuer) => tx.remove(&issuer),
        None => Ok(()),
    }
}

/// Says that `identity` is of this pool, and how it has shown itself to the pool.
pub(crate) fn token(
    tx: &Tx<'_>,
    pool: &Pool,
    identity: &str,
    login: Option<&Login>,
) -> Result<String, Fault> {
    let amr = match login {
        None => vec!["unauthenticated".to_owned()],
        Some(login) => vec![
            "authenticated".to_owned(),
            login.provider.clone(),
            format!("{}:CognitoSignIn:{}", login.provider, login.subject),
        ],
    };
    let now = tx.now.seconds();
    let claims = json!({
        "sub": identity,
        "aud": pool.id,
        "amr": amr,
        "iss": IDENTITY_ISSUER,
        "exp": now + SECONDS,
        "iat": now,
    });
    let issuer = tx.find::<IdentityIssuer>(&pool.id).ok_or_else(lost)?;
    let kid = issuer.keys.first().map(|k| k.kid.as_str()).ok_or_else(lost)?;
    let sealed = tx.record(TABLE, pool.id.as_bytes())?.ok_or_else(lost)?;
    let private = zeroize::Zeroizing::new(tx.unseal(PURPOSE, pool.id.as_bytes(), &sealed)?);
    jwt::sign(Rs512, &private, kid, &claims)
}
