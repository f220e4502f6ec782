//! App clients: what an application may do with a pool, and how it proves to be itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{AccountId, Fault, IntoValue as _, Members, Node, Timestamp, Tx, Value};
use ring::hmac;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

use crate::fault::{invalid, no_client, not_authorized, not_honoured};
use crate::page;
use crate::pool::{self, UserPool};
use crate::schema::Attributes;
use crate::shapes::*;

const PURPOSE: &str = "cognito-client-secret";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Client {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) pool: String,
    pub(crate) id: String,
    /// `POOL/ID`.
    pub(crate) key: String,
    pub(crate) name: String,
    /// Sealed, with the id as additional data; hexadecimal.
    pub(crate) sealed_secret: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    /// The members of `CreateUserPoolClient`, as given.
    pub(crate) settings: Map<String, Json>,
}

impl Node for Client {
    const KIND: &'static str = "AWS::Cognito::UserPoolClient";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.key
    }
    fn global_name(&self) -> Option<String> {
        Some(named(&self.id))
    }
}

pub(crate) fn named(id: &str) -> String {
    format!("user-pool-client/{id}")
}

const MEMBERS: [&str; 18] = [
    "RefreshTokenValidity",
    "AccessTokenValidity",
    "IdTokenValidity",
    "TokenValidityUnits",
    "ReadAttributes",
    "WriteAttributes",
    "ExplicitAuthFlows",
    "SupportedIdentityProviders",
    "CallbackURLs",
    "LogoutURLs",
    "DefaultRedirectURI",
    "AllowedOAuthFlows",
    "AllowedOAuthScopes",
    "AllowedOAuthFlowsUserPoolClient",
    "PreventUserExistenceErrors",
    "EnableTokenRevocation",
    "EnablePropagateAdditionalUserContextData",
    "AuthSessionValidity",
];

/// Which of its tokens a client is asked about.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Access,
    Id,
    Refresh,
}

impl Client {
    fn strings(&self, member: &str) -> Option<Vec<&str>> {
        Some(self.settings.get(member)?.as_array()?.iter().filter_map(Json::as_str).collect())
    }

    fn holds(&self, member: &str, name: &str) -> bool {
        self.strings(member).is_some_and(|l| l.contains(&name))
    }

    /// Whether users may sign in this way: `USER_SRP_AUTH`, `REFRESH_TOKEN_AUTH`, ...
    pub(crate) fn allows(&self, flow: &str) -> bool {
        let Some(flows) = self.strings("ExplicitAuthFlows") else {
            return matches!(flow, "USER_SRP_AUTH" | "REFRESH_TOKEN_AUTH" | "CUSTOM_AUTH");
        };
        let today = flows.iter().any(|f| f.strip_prefix("ALLOW_") == Some(flow));
        // The older names leave SRP and refreshing on.
        let legacy = flows.iter().all(|f| !f.starts_with("ALLOW_"))
            && match flow {
                "USER_SRP_AUTH" | "REFRESH_TOKEN_AUTH" => !flows.contains(&"CUSTOM_AUTH_FLOW_ONLY"),
                "ADMIN_USER_PASSWORD_AUTH" => flows.contains(&"ADMIN_NO_SRP_AUTH"),
                other => flows.contains(&other),
            };
        today || legacy
    }

    /// Seconds that a token is good for.
    pub(crate) fn validity(&self, kind: Kind) -> i64 {
        let (member, unit, default_unit, default) = match kind {
            Kind::Access => ("AccessTokenValidity", "AccessToken", "hours", 1),
            Kind::Id => ("IdTokenValidity", "IdToken", "hours", 1),
            Kind::Refresh => ("RefreshTokenValidity", "RefreshToken", "days", 30),
        };
        let given = self.settings.get(member).and_then(Json::as_i64).filter(|n| *n > 0);
        let units = self.settings.get("TokenValidityUnits");
        let unit = units.and_then(|u| u.get(unit)).and_then(Json::as_str).unwrap_or(default_unit);
        match given {
            Some(number) => number.saturating_mul(seconds(unit)),
            None => default * seconds(default_unit),
        }
    }

    /// Seconds that a user has for each challenge.
    pub(crate) fn patience(&self) -> i64 {
        self.settings.get("AuthSessionValidity").and_then(Json::as_i64).unwrap_or(3) * 60
    }

    pub(crate) fn hides_absence(&self) -> bool {
        self.settings.get("PreventUserExistenceErrors").and_then(Json::as_str) == Some("ENABLED")
    }

    pub(crate) fn revokes(&self) -> bool {
        self.settings.get("EnableTokenRevocation").and_then(Json::as_bool).unwrap_or(true)
    }

    /// Whether the application may see this attribute of its users.
    pub(crate) fn reads(&self, attribute: &str) -> bool {
        match self.strings("ReadAttributes") {
            Some(listed) => listed.contains(&attribute),
            None => !attribute.starts_with("custom:"),
        }
    }

    /// Whether the application may set these attributes of its users.
    pub(crate) fn may_write(&self, attributes: &Attributes) -> Result<(), Fault> {
        let writes = |name: &str| match self.strings("WriteAttributes") {
            Some(listed) => listed.contains(&name),
            None => !name.starts_with("custom:") && !name.ends_with("_verified"),
        };
        match attributes.keys().all(|name| writes(name) && !name.ends_with("_verified")) {
            true => Ok(()),
            false => Err(not_authorized("A client attempted to write unauthorized attribute")),
        }
    }

    /// Whether the application may ask for tokens of its own.
    pub(crate) fn grants_credentials(&self) -> bool {
        self.settings.get("AllowedOAuthFlowsUserPoolClient").and_then(Json::as_bool) == Some(true)
            && self.holds("AllowedOAuthFlows", "client_credentials")
    }

    pub(crate) fn scopes(&self) -> Vec<&str> {
        self.strings("AllowedOAuthScopes").unwrap_or_default()
    }

    pub(crate) fn secret(&self, tx: &Tx<'_>) -> Result<Option<String>, Fault> {
        let Some(sealed) = &self.sealed_secret else { return Ok(None) };
        let unreadable = || Fault::internal("a client secret cannot be read");
        let sealed = hex::decode(sealed).map_err(|_| unreadable())?;
        let plain = tx.unseal(PURPOSE, self.id.as_bytes(), &sealed)?;
        String::from_utf8(plain).map(Some).map_err(|_| unreadable())
    }

    /// The application proves that it knows its secret: `HMAC(secret, username + client id)`.
    pub(crate) fn proved(&self, tx: &Tx<'_>, hash: Option<&str>, names: &[&str]) -> Result<(), Fault> {
        let id = &self.id;
        let unproved = || not_authorized(format!("Unable to verify secret hash for client {id}"));
        let secret = match (self.secret(tx)?, hash) {
            (None, None) => return Ok(()),
            (None, Some(_)) => return Err(unproved()),
            (Some(_), None) => {
                return Err(not_authorized(format!(
                    "Client {id} is configured with secret but SECRET_HASH was not received"
                )));
            }
            (Some(secret), Some(_)) => secret,
        };
        let given = hash.and_then(|h| STANDARD.decode(h).ok()).ok_or_else(unproved)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let right = |name: &&&str| hmac::verify(&key, format!("{name}{id}").as_bytes(), &given).is_ok();
        names.iter().find(right).map(|_| ()).ok_or_else(unproved)
    }
}

fn seconds(unit: &str) -> i64 {
    match unit {
        "seconds" => 1,
        "minutes" => 60,
        "hours" => 3600,
        _ => 86_400,
    }
}

/// A client whose id came with an unsigned call: the call is about its pool's account and region.
pub(crate) fn enter(tx: &mut Tx<'_>, id: &str) -> Result<(UserPool, Client), Fault> {
    let client = tx.snapshot().find_named::<Client>(&named(id)).cloned().ok_or_else(|| no_client(id))?;
    tx.account.clone_from(&client.account);
    tx.region.clone_from(&client.region);
    Ok((pool::find(tx, &client.pool)?, client))
}

pub(crate) fn find(tx: &Tx<'_>, pool: &str, id: &str) -> Result<Client, Fault> {
    pool::find(tx, pool)?;
    tx.find::<Client>(&format!("{pool}/{id}")).cloned().ok_or_else(|| no_client(id))
}

fn check_flows(client: &Client) -> Result<(), Fault> {
    let flows = client.strings("ExplicitAuthFlows").unwrap_or_default();
    let legacy = flows.iter().filter(|f| !f.starts_with("ALLOW_")).count();
    if legacy > 0 && legacy < flows.len() {
        return Err(invalid("Invalid ExplicitAuthFlows. A mix of legacy and ALLOW_ values cannot be used."));
    }
    match flows.contains(&"ALLOW_USER_AUTH") {
        true => Err(not_honoured("ALLOW_USER_AUTH")),
        false => Ok(()),
    }
}

fn check_tokens(client: &Client) -> Result<(), Fault> {
    for (kind, name, least, most) in [
        (Kind::Access, "AccessTokenValidity", 300, 86_400),
        (Kind::Id, "IdTokenValidity", 300, 86_400),
        (Kind::Refresh, "RefreshTokenValidity", 3600, 315_360_000),
    ] {
        if !(least..=most).contains(&client.validity(kind)) {
            return Err(invalid(format!(
                "Invalid range for token validity: {name} must be {least} to {most} seconds"
            )));
        }
    }
    match client.validity(Kind::Refresh) < client.validity(Kind::Access).max(client.validity(Kind::Id)) {
        true => Err(invalid("Refresh token validity must be longer than that of the other tokens")),
        false => Ok(()),
    }
}

fn check_oauth(tx: &Tx<'_>, pool: &UserPool, client: &Client) -> Result<(), Fault> {
    if client.strings("SupportedIdentityProviders").is_some_and(|p| p.iter().any(|p| *p != "COGNITO")) {
        return Err(not_honoured("an identity provider other than COGNITO"));
    }
    let flows = client.strings("AllowedOAuthFlows").unwrap_or_default();
    if flows.iter().any(|f| *f != "client_credentials") {
        return Err(not_honoured("managed login (the OAuth flows `code` and `implicit`)"));
    }
    if !flows.is_empty() && client.sealed_secret.is_none() {
        return Err(invalid(
            "client_credentials flow can not be selected if client does not have a client secret.",
        ));
    }
    let known = crate::scope::names(tx, &pool.id);
    match client.scopes().into_iter().find(|s| !known.iter().any(|k| k == s)) {
        Some(scope) => Err(invalid(format!("Invalid scope requested: {scope}"))),
        None => Ok(()),
    }
}

fn check(tx: &Tx<'_>, pool: &UserPool, client: &Client) -> Result<(), Fault> {
    check_flows(client)?;
    check_tokens(client)?;
    check_oauth(tx, pool, client)?;
    for member in ["ReadAttributes", "WriteAttributes"] {
        let listed = client.strings(member).unwrap_or_default();
        if listed.iter().any(|name| !pool.schema.iter().any(|a| a.name == *name)) {
            return Err(invalid(format!("Invalid {member} specified while creating a client")));
        }
    }
    let written = client.strings("WriteAttributes");
    match pool.schema.iter().find(|a| {
        a.required && a.name != "sub" && written.as_ref().is_some_and(|w| !w.contains(&a.name.as_str()))
    }) {
        Some(lacking) => Err(invalid(format!(
            "Invalid write attributes specified while creating a client: {} is required",
            lacking.name
        ))),
        None => Ok(()),
    }
}

fn taken(input: &Value, into: &mut Map<String, Json>) -> Result<(), Fault> {
    let rotation = input.get("RefreshTokenRotation").and_then(|r| r.text("Feature"));
    if rotation == Some("ENABLED") {
        return Err(not_honoured("RefreshTokenRotation"));
    }
    if input.get("AnalyticsConfiguration").is_some() {
        return Err(not_honoured("AnalyticsConfiguration"));
    }
    for name in MEMBERS {
        match input.get(name).map(Value::to_json) {
            // No flows at all are a choice; other empty lists are none.
            Some(value) if !value.is_null() && value != json!([]) => into.insert(name.to_owned(), value),
            _ => into.remove(name),
        };
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html>
pub(crate) fn create_user_pool_client(
    tx: &mut Tx<'_>,
    typed: CreateUserPoolClientRequest,
) -> Result<Value, Fault> {
    let input = typed.clone().into_value();
    let pool = pool::find(tx, &typed.user_pool_id)?;
    let id = tx.random_text(26, LOWER);
    let secret = match (typed.generate_secret, typed.client_secret) {
        (Some(true), Some(_)) => return Err(invalid("ClientSecret cannot be given where one is generated")),
        (Some(true), None) => Some(tx.random_text(52, LOWER)),
        (_, given) => given,
    };
    let seal = |secret: String| tx.seal(PURPOSE, id.as_bytes(), secret.as_bytes()).map(hex::encode);
    let mut client = Client {
        account: tx.account.clone(),
        region: tx.region.clone(),
        key: format!("{}/{id}", pool.id),
        sealed_secret: secret.map(seal).transpose()?,
        pool: pool.id.clone(),
        id,
        name: typed.client_name,
        created: tx.now,
        modified: tx.now,
        settings: Map::new(),
    };
    taken(&input, &mut client.settings)?;
    check(tx, &pool, &client)?;
    let shown = described(tx, &client)?;
    tx.put(client)?;
    Ok(shown)
}

fn described(tx: &Tx<'_>, client: &Client) -> Result<Value, Fault> {
    let mut shown = Members::default();
    shown.push("UserPoolId", client.pool.as_str());
    shown.push("ClientName", client.name.as_str());
    shown.push("ClientId", client.id.as_str());
    shown.push_some("ClientSecret", client.secret(tx)?);
    shown.push("LastModifiedDate", client.modified);
    shown.push("CreationDate", client.created);
    let mut settings = client.settings.clone();
    for (name, value) in [
        ("RefreshTokenValidity", json!(30)),
        ("EnableTokenRevocation", json!(true)),
        ("AuthSessionValidity", json!(3)),
        ("AllowedOAuthFlowsUserPoolClient", json!(false)),
        ("EnablePropagateAdditionalUserContextData", json!(false)),
        ("TokenValidityUnits", json!({})),
    ] {
        settings.entry(name).or_insert(value);
    }
    for (name, value) in settings {
        shown.0.push((name.into(), Value::from_json(value)));
    }
    let mut answer = Members::default();
    answer.0.push(("UserPoolClient".into(), Value::Map(shown)));
    Ok(Value::Map(answer))
}

pub(crate) fn describe_user_pool_client(
    tx: &mut Tx<'_>,
    input: DescribeUserPoolClientRequest,
) -> Result<Value, Fault> {
    let client = find(tx, &input.user_pool_id, &input.client_id)?;
    described(tx, &client)
}

/// What an update does not name returns to its default, as in AWS.
pub(crate) fn update_user_pool_client(
    tx: &mut Tx<'_>,
    typed: UpdateUserPoolClientRequest,
) -> Result<Value, Fault> {
    let input = typed.clone().into_value();
    let pool = pool::find(tx, &typed.user_pool_id)?;
    let mut client = find(tx, &typed.user_pool_id, &typed.client_id)?;
    taken(&input, &mut client.settings)?;
    client.name = typed.client_name.unwrap_or(client.name);
    client.modified = tx.now;
    check(tx, &pool, &client)?;
    let shown = described(tx, &client)?;
    tx.put(client)?;
    Ok(shown)
}

pub(crate) fn delete_user_pool_client(
    tx: &mut Tx<'_>,
    input: DeleteUserPoolClientRequest,
) -> Result<(), Fault> {
    let client = find(tx, &input.user_pool_id, &input.client_id)?;
    tx.remove(&client)
}

fn of_pool<'s>(tx: &'s Tx<'_>, pool: &'s str) -> impl Iterator<Item = &'s Client> {
    tx.list::<Client>().filter(move |c| c.pool == pool)
}

pub(crate) fn list_user_pool_clients(
    tx: &mut Tx<'_>,
    input: ListUserPoolClientsRequest,
) -> Result<ListUserPoolClientsResponse, Fault> {
    pool::find(tx, &input.user_pool_id)?;
    let clients = of_pool(tx, &input.user_pool_id).map(|c| (c.id.clone(), c.clone()));
    let page = page::of(clients, input.next_token.as_deref(), input.max_results)?;
    let described = |client: Client| UserPoolClientDescription {
        client_id: Some(client.id),
        user_pool_id: Some(client.pool),
        client_name: Some(client.name),
    };
    Ok(ListUserPoolClientsResponse {
        user_pool_clients: Some(page.items.into_iter().map(described).collect()),
        next_token: page.next,
    })
}

pub(crate) fn remove_all(tx: &mut Tx<'_>, pool: &str) -> Result<(), Fault> {
    let clients: Vec<Client> = of_pool(tx, pool).cloned().collect();
    clients.iter().try_for_each(|client| tx.remove(client))
}
