//! The tokens of a sign-in. ID and access tokens are JWTs, signed by the pool's key, with
//! Cognito's claims; refresh tokens are sealed by the runtime and name a [`Grant`].
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-with-identity-providers.html>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::estate::cognito::TokenIssuer;
use model::{Fault, Timestamp, Tx, Value};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::client::{Client, Kind};
use crate::fault::not_authorized;
use crate::grant::{self, Grant};
use crate::group::{self, Group};
use crate::key;
use crate::pool::{self, UserPool};
use crate::shapes::AuthenticationResultType;
use crate::user::{self, User};

const REFRESH: &str = "cognito-refresh-token";
/// The scope of the pool's own API for signed-in users.
pub(crate) const SELF_SERVICE: &str = "aws.cognito.signin.user.admin";

/// What a refresh token holds.
#[derive(Serialize, Deserialize)]
struct Refresh {
    pool: String,
    client: String,
    sub: String,
    event: String,
    expires: Timestamp,
}

/// Opens a sign-in and gives its tokens.
pub(crate) fn open(tx: &mut Tx<'_>, client: &Client, user: &User) -> Result<AuthenticationResultType, Fault> {
    let grant = Grant {
        pool: user.pool.clone(),
        sub: user.sub.clone(),
        event: tx.uuid(),
        client: client.id.clone(),
        origin_jti: client.revokes().then(|| tx.uuid()),
        authenticated: tx.now,
        expires: tx.now.plus_seconds(client.validity(Kind::Refresh)),
    };
    grant::save(tx, &grant)?;
    let refresh = Refresh {
        pool: grant.pool.clone(),
        client: grant.client.clone(),
        sub: grant.sub.clone(),
        event: grant.event.clone(),
        expires: grant.expires,
    };
    let plain = serde_json::to_vec(&refresh).map_err(|e| Fault::internal(e.to_string()))?;
    let refresh_token = Some(URL_SAFE_NO_PAD.encode(tx.seal(REFRESH, b"", &plain)?));
    Ok(AuthenticationResultType { refresh_token, ..issue(tx, client, user, &grant)? })
}

/// ID and access tokens for a sign-in.
fn issue(
    tx: &Tx<'_>,
    client: &Client,
    user: &User,
    grant: &Grant,
) -> Result<AuthenticationResultType, Fault> {
    let groups = group::of_user(tx, user);
    let access = access_claims(tx, client, user, grant, &groups);
    let id = id_claims(tx, client, user, grant, &groups);
    Ok(AuthenticationResultType {
        access_token: Some(key::sign(tx, &user.pool, &Json::Object(access))?),
        id_token: Some(key::sign(tx, &user.pool, &Json::Object(id))?),
        expires_in: Some(client.validity(Kind::Access)),
        token_type: Some("Bearer".to_owned()),
        ..AuthenticationResultType::default()
    })
}

/// The `iss` claim of a pool's tokens.
pub(crate) fn issuer(tx: &Tx<'_>, pool: &str) -> String {
    tx.find::<TokenIssuer>(pool).map(TokenIssuer::issuer).unwrap_or_default()
}

fn common(tx: &Tx<'_>, user: &User, grant: &Grant, groups: &[Group], seconds: i64) -> Map<String, Json> {
    let mut claims = Map::new();
    let mut claim = |name: &str, value: Json| claims.insert(name.to_owned(), value);
    claim("sub", json!(user.sub));
    if !groups.is_empty() {
        claim("cognito:groups", groups.iter().map(|g| g.name.as_str()).collect());
    }
    claim("iss", json!(issuer(tx, &user.pool)));
    if let Some(origin) = &grant.origin_jti {
        claim("origin_jti", json!(origin));
    }
    claim("event_id", json!(grant.event));
    claim("auth_time", json!(grant.authenticated.seconds()));
    claim("iat", json!(tx.now.seconds()));
    claim("exp", json!(tx.now.seconds() + seconds));
    claim("jti", json!(tx.uuid()));
    claims
}

fn access_claims(
    tx: &Tx<'_>,
    client: &Client,
    user: &User,
    grant: &Grant,
    groups: &[Group],
) -> Map<String, Json> {
    let mut claims = common(tx, user, grant, groups, client.validity(Kind::Access));
    claims.insert("client_id".to_owned(), json!(client.id));
    claims.insert("token_use".to_owned(), json!("access"));
    claims.insert("scope".to_owned(), json!(SELF_SERVICE));
    claims.insert("username".to_owned(), json!(user.username));
    claims
}

fn id_claims(
    tx: &Tx<'_>,
    client: &Client,
    user: &User,
    grant: &Grant,
    groups: &[Group],
) -> Map<String, Json> {
    let mut claims = Map::new();
    for (name, value) in user.attributes.iter().filter(|(name, _)| client.reads(name)) {
        let value = match name.as_str() {
            "email_verified" | "phone_number_verified" => json!(value == "true"),
            "updated_at" => value.parse::<i64>().map_or(json!(value), |n| json!(n)),
            "address" => json!({"formatted": value}),
            _ => json!(value),
        };
        claims.insert(name.clone(), value);
    }
    // The claims of the token's own come last: no attribute can stand in for one.
    claims.extend(common(tx, user, grant, groups, client.validity(Kind::Id)));
    claims.insert("aud".to_owned(), json!(client.id));
    claims.insert("token_use".to_owned(), json!("id"));
    claims.insert("cognito:username".to_owned(), json!(user.username));
    let roles: Vec<&str> = groups.iter().filter_map(|g| g.role.as_deref()).collect();
    if !roles.is_empty() {
        claims.insert("cognito:roles".to_owned(), json!(roles));
    }
    if let Some(role) = preferred(groups) {
        claims.insert("cognito:preferred_role".to_owned(), json!(role));
    }
    claims
}

/// The only role there is, or that of the strongest group; none where equally strong groups have
/// different ones.
fn preferred(groups: &[Group]) -> Option<&str> {
    let mut roles = groups.iter().filter_map(|g| g.role.as_deref());
    let first = roles.next()?;
    if roles.all(|role| role == first) {
        return Some(first);
    }
    let with_role: Vec<&Group> =
        groups.iter().filter(|g| g.role.is_some() && g.precedence.is_some()).collect();
    let strongest = with_role.first()?;
    let equals = with_role.iter().filter(|g| g.precedence == strongest.precedence);
    equals.clone().all(|g| g.role == strongest.role).then_some(strongest.role.as_deref())?
}

fn read_refresh(tx: &Tx<'_>, token: &str) -> Option<Refresh> {
    let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
    serde_json::from_slice(&tx.unseal(REFRESH, b"", &sealed).ok()?).ok()
}

/// New ID and access tokens for a refresh token of this client.
pub(crate) fn refresh(
    tx: &Tx<'_>,
    client: &Client,
    token: &str,
    secret_hash: Option<&str>,
) -> Result<AuthenticationResultType, Fault> {
    let invalid = || not_authorized("Invalid Refresh Token");
    let refresh = read_refresh(tx, token).filter(|r| r.pool == client.pool && r.client == client.id);
    let refresh = refresh.ok_or_else(invalid)?;
    let user = user::load(tx, &refresh.pool, &refresh.sub)?.ok_or_else(invalid)?;
    client.proved(tx, secret_hash, &[&user.username, &user.sub])?;
    if refresh.expires <= tx.now {
        return Err(not_authorized("Refresh Token has expired"));
    }
    let grant = grant::find(tx, &refresh.pool, &refresh.sub, &refresh.event)?
        .ok_or_else(|| not_authorized("Refresh Token has been revoked"))?;
    if !user.enabled {
        return Err(not_authorized("User is disabled."));
    }
    issue(tx, client, &user, &grant)
}

/// The sign-in that a refresh token of this client belongs to; `None` if it has ended already.
pub(crate) fn grant_of(tx: &Tx<'_>, client: &Client, token: &str) -> Result<Option<Grant>, Fault> {
    let refresh = read_refresh(tx, token)
        .ok_or_else(|| Fault::client("UnsupportedTokenTypeException", "The token is not a refresh token"))?;
    if refresh.pool != client.pool || refresh.client != client.id {
        return Err(Fault::client("UnauthorizedException", "The token was not issued to this client"));
    }
    grant::find(tx, &refresh.pool, &refresh.sub, &refresh.event)
}

/// A user who has shown an access token.
pub(crate) struct SignedIn {
    pub(crate) pool: UserPool,
    pub(crate) client: Client,
    pub(crate) user: User,
}

/// Why a token is no good.
enum Bad {
    Invalid,
    Expired,
}

/// The claims of a token that one of the pools here signed for this use, and that has not expired.
fn verified(tx: &Tx<'_>, token: &str, wanted: &str) -> Result<(TokenIssuer, Json), Bad> {
    let named = key::claimed_issuer(token).map(|issuer| format!("issuer/{issuer}")).ok_or(Bad::Invalid)?;
    let issuer = tx.snapshot().find_named::<TokenIssuer>(&named).cloned().ok_or(Bad::Invalid)?;
    let claims = key::verified(&issuer, token).ok_or(Bad::Invalid)?;
    let is = |name: &str, value: &str| claims.get(name).and_then(Json::as_str) == Some(value);
    if !is("token_use", wanted) || !is("iss", &issuer.issuer()) {
        return Err(Bad::Invalid);
    }
    match claims.get("exp").and_then(Json::as_i64) {
        Some(exp) if exp > tx.now.seconds() => Ok((issuer, claims)),
        _ => Err(Bad::Expired),
    }
}

/// The claims of an ID token, for an identity pool: `Token`. The user must still be there, enabled
/// and signed in, unless `Checked` says for which clients that matters and this one is not among them.
pub(crate) fn verify_id_token(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let invalid = |why: &str| not_authorized(format!("Invalid login token. {why}"));
    let (issuer, claims) = match verified(tx, input.text("Token").unwrap_or_default(), "id") {
        Ok(verified) => verified,
        Err(Bad::Expired) => return Err(invalid("Token expired.")),
        Err(Bad::Invalid) => return Err(invalid("Couldn't verify signed token.")),
    };
    let text = |name: &str| claims.get(name).and_then(Json::as_str).unwrap_or_default();
    let checked = input.get("Checked").and_then(Value::as_list);
    if checked.is_none_or(|clients| clients.iter().any(|client| client.as_str() == Some(text("aud")))) {
        let user = user::load(tx, &issuer.pool, text("sub"))?.filter(|u| u.enabled);
        if user.is_none() || grant::find(tx, &issuer.pool, text("sub"), text("event_id"))?.is_none() {
            return Err(invalid("Token has been revoked."));
        }
    }
    Ok(Value::from_json(claims))
}

/// Verifies an access token wholly: who signed it, for what, until when, and that its sign-in
/// has not ended. From here on the call is about the account and region of its pool.
pub(crate) fn signed_in(tx: &mut Tx<'_>, token: &str) -> Result<SignedIn, Fault> {
    let invalid = || not_authorized("Invalid Access Token");
    let (issuer, claims) = match verified(tx, token, "access") {
        Ok(verified) => verified,
        Err(Bad::Expired) => return Err(not_authorized("Access Token has expired")),
        Err(Bad::Invalid) => return Err(invalid()),
    };
    let text = |name: &str| claims.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    if !text("scope").split(' ').any(|s| s == SELF_SERVICE) {
        return Err(not_authorized("Access Token does not have required scopes"));
    }
    tx.account.clone_from(&issuer.account);
    tx.region.clone_from(&issuer.region);
    let pool = pool::find(tx, &issuer.pool)?;
    let client = crate::client::find(tx, &pool.id, &text("client_id")).map_err(|_| invalid())?;
    let user = user::load(tx, &pool.id, &text("sub"))?.ok_or_else(crate::fault::no_user)?;
    if grant::find(tx, &pool.id, &user.sub, &text("event_id"))?.is_none() {
        return Err(not_authorized("Access Token has been revoked"));
    }
    if !user.enabled {
        return Err(not_authorized("User is disabled."));
    }
    Ok(SignedIn { pool, client, user })
}
