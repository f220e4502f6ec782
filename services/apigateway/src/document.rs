//! Between nodes, shapes and documents: a node's JSON is the API's document.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::estate::apigateway::RestApi;
use model::{Fault, FromValue, IntoValue, Timestamp, Tx, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

pub(crate) fn bad_request(message: impl Into<String>) -> Fault {
    Fault::client("BadRequestException", message)
}

pub(crate) fn not_found(message: impl Into<String>) -> Fault {
    Fault::new("NotFoundException", 404, message)
}

pub(crate) fn conflict(message: impl Into<String>) -> Fault {
    Fault::new("ConflictException", 409, message)
}

/// What AWS has but this runtime could not honour.
pub(crate) fn not_served(what: &str) -> Fault {
    bad_request(format!("{what} is not served by this runtime"))
}

fn unreadable(error: &serde_json::Error) -> Fault {
    Fault::serialization(format!("the document is not of the expected form: {error}"))
}

/// A node, or a part of one, as the API shows it.
pub(crate) fn shown<O: FromValue>(node: &impl Serialize) -> Result<O, Fault> {
    let mut json = serde_json::to_value(node).map_err(|e| unreadable(&e))?;
    tidy(&mut json);
    O::from_value(Value::from_json(json))
}

fn tidy(json: &mut Json) {
    let Json::Object(members) = json else { return };
    members.retain(|_, value| !value.is_null());
    for (name, value) in members.iter_mut() {
        match value {
            Json::Number(n) if name.ends_with("Date") => {
                *value = Json::String(Timestamp(n.as_i64().unwrap_or_default()).to_rfc3339());
            }
            Json::Object(policy) if name == "policy" => {
                *value = policy.get("text").cloned().unwrap_or_default();
            }
            other => tidy(other),
        }
    }
}

/// A part of a node from what was given.
pub(crate) fn taken<T: DeserializeOwned>(input: impl IntoValue) -> Result<T, Fault> {
    serde_json::from_value(input.into_value().to_json()).map_err(|e| unreadable(&e))
}

pub(crate) fn api(tx: &Tx<'_>, id: &str) -> Result<RestApi, Fault> {
    let missing = || not_found(format!("Invalid API identifier specified {}:{id}", tx.account));
    tx.find::<RestApi>(id).cloned().ok_or_else(missing)
}

pub(crate) fn new_id(tx: &Tx<'_>, length: usize) -> String {
    tx.random_text(length, b"abcdefghijklmnopqrstuvwxyz0123456789")
}

/// One page of a list in order of its ids.
pub(crate) fn page<T>(
    all: impl IntoIterator<Item = (String, T)>,
    position: Option<&str>,
    limit: Option<i64>,
) -> Result<(Vec<T>, Option<String>), Fault> {
    let limit = match limit {
        None => 25,
        Some(n @ 1..=500) => usize::try_from(n).unwrap_or(25),
        Some(_) => return Err(bad_request("Limit must be between 1 and 500")),
    };
    let after = match position {
        None => None,
        Some(position) => {
            let invalid = || bad_request("Invalid position parameter");
            let bytes = URL_SAFE_NO_PAD.decode(position).map_err(|_| invalid())?;
            Some(String::from_utf8(bytes).map_err(|_| invalid())?)
        }
    };
    let mut rest = all.into_iter().filter(|(id, _)| after.as_ref().is_none_or(|a| id > a));
    let (mut shown, mut last) = (Vec::new(), None);
    for (id, item) in rest.by_ref().take(limit) {
        shown.push(item);
        last = Some(id);
    }
    let next = if rest.next().is_some() { last.map(|id| URL_SAFE_NO_PAD.encode(id)) } else { None };
    Ok((shown, next))
}
