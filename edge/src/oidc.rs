//! The public documents of user pools: `/POOL/.well-known/jwks.json` and `openid-configuration`
//! (OpenID Connect Discovery 1.0, RFC 7517). They hold public keys and names, nothing else.

use model::estate::cognito::{PublicKey, TokenIssuer};
use model::plane::Plane;
use serde_json::{Value, json};

use crate::listen::Answer;
use crate::plain;

/// The document at this path, if it is one of a user pool's.
pub fn document(plane: &Plane, path: &str) -> Option<Answer> {
    let (pool, name) = path.strip_prefix('/')?.split_once("/.well-known/")?;
    let (region, _) = pool.split_once('_')?;
    let snapshot = plane.estate.snapshot();
    let named = format!("issuer/https://cognito-idp.{region}.amazonaws.com/{pool}");
    let issuer = snapshot.find_named::<TokenIssuer>(&named);
    let document = match (name, issuer) {
        ("jwks.json", Some(issuer)) => keys(issuer),
        ("openid-configuration", Some(issuer)) => configuration(issuer, &plane.estate.settings().endpoint),
        _ => {
            return Some(plain::json(
                404,
                &json!({"message": format!("there is no such document of pool {pool}")}),
            ));
        }
    };
    let mut answer = plain::json(200, &document);
    // Anybody's page may read them, as in AWS.
    answer
        .headers_mut()
        .insert(http::header::ACCESS_CONTROL_ALLOW_ORIGIN, http::HeaderValue::from_static("*"));
    Some(answer)
}

fn keys(issuer: &TokenIssuer) -> Value {
    let key = |key: &PublicKey| json!({"alg": "RS256", "e": key.e, "kid": key.kid, "kty": "RSA", "n": key.n, "use": "sig"});
    json!({"keys": issuer.keys.iter().map(key).collect::<Vec<_>>()})
}

/// The issuer is named as in AWS; its keys are where this runtime answers.
fn configuration(issuer: &TokenIssuer, endpoint: &str) -> Value {
    json!({
        "issuer": issuer.issuer(),
        "jwks_uri": format!("{endpoint}/{}/.well-known/jwks.json", issuer.pool),
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["token"],
        "scopes_supported": ["openid", "email", "phone", "profile"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
    })
}
