//! The token endpoint's `client_credentials` grant (RFC 6749, 4.4): an application gets an access
//! token of its own, with scopes of resource servers. Its faults carry OAuth's codes.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html>

use model::{Fault, Members, Tx, Value};
use serde_json::json;

use crate::client::{self, Client, Kind};
use crate::key;
use crate::token::issuer;

fn refused(code: &'static str) -> Fault {
    Fault::client(code, "")
}

/// Asked by the endpoint with what the application sent: `ClientId`, `ClientSecret`, `Scope`, and
/// the prefix of the domain it asked at, `Domain`.
pub(crate) fn issue_client_token(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let text = |name: &str| input.text(name).unwrap_or_default();
    let (pool, client) = client::enter(tx, text("ClientId")).map_err(|_| refused("invalid_client"))?;
    let secret = client.secret(tx)?;
    let right = secret.is_some_and(|s| crate::srp::same(s.as_bytes(), text("ClientSecret").as_bytes()));
    if !right || pool.domain.as_deref() != Some(text("Domain")) {
        return Err(refused("invalid_client"));
    }
    if !client.grants_credentials() {
        return Err(refused("unauthorized_client"));
    }
    let scope = scopes(&client, text("Scope"))?.join(" ");
    let now = tx.now.seconds();
    let seconds = client.validity(Kind::Access);
    let claims = json!({
        "sub": client.id,
        "token_use": "access",
        "scope": scope,
        "auth_time": now,
        "iss": issuer(tx, &pool.id),
        "exp": now + seconds,
        "iat": now,
        "version": 2,
        "jti": tx.uuid(),
        "client_id": client.id,
    });
    let mut answer = Members::default();
    answer.push("access_token", key::sign(tx, &pool.id, &claims)?);
    answer.push("expires_in", seconds);
    answer.push("token_type", "Bearer");
    Ok(Value::Map(answer))
}

/// The scopes that are asked for, which the client must be allowed; all of them if none is named.
fn scopes(client: &Client, asked: &str) -> Result<Vec<String>, Fault> {
    // Scopes about users say nothing without one.
    let allowed: Vec<&str> = client.scopes().into_iter().filter(|s| s.contains('/')).collect();
    let asked: Vec<&str> = asked.split(' ').filter(|s| !s.is_empty()).collect();
    if allowed.is_empty() || asked.iter().any(|s| !allowed.contains(s)) {
        return Err(refused("invalid_scope"));
    }
    Ok((if asked.is_empty() { allowed } else { asked }).into_iter().map(str::to_owned).collect())
}
