//! Between nodes, shapes and documents: a node's JSON is the API's document.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use model::estate::apigateway::HttpApi;
use model::{Fault, IntoValue, Members, Timestamp, Tx, Value};
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

/// Members of nodes that the API does not show.
const INWARD: &[&str] = &["Account", "Region", "Key", "Definition"];

/// A node, or a part of one, as the API shows it.
pub(crate) fn shown(node: &impl Serialize) -> Result<Value, Fault> {
    let Json::Object(members) = serde_json::to_value(node).map_err(|e| unreadable(&e))? else {
        return Err(Fault::internal("a node is not a document"));
    };
    let mut document = Members::default();
    for (name, value) in members {
        if INWARD.contains(&name.as_str()) {
            continue;
        }
        match (name.ends_with("Date"), value.as_i64()) {
            (true, Some(millis)) => document.push(name, Value::Time(Timestamp(millis))),
            _ => match tidy(value) {
                Json::Null => {}
                value => document.push(name, Value::from_json(value)),
            },
        }
    }
    Ok(Value::Map(document))
}

fn tidy(json: Json) -> Json {
    match json {
        Json::Object(members) => Json::Object(
            members.into_iter().map(|(n, v)| (n, tidy(v))).filter(|(_, v)| !v.is_null()).collect(),
        ),
        other => other,
    }
}

/// Adds a member to a document.
pub(crate) fn with(document: Value, name: &'static str, value: impl Into<Value>) -> Value {
    match document {
        Value::Map(mut members) => {
            members.push(name, value);
            Value::Map(members)
        }
        other => other,
    }
}

/// A part of a node from what was given, on top of what it was.
pub(crate) fn merged<T: Serialize + DeserializeOwned>(old: &T, input: impl IntoValue) -> Result<T, Fault> {
    let mut json = serde_json::to_value(old).map_err(|e| unreadable(&e))?;
    if let (Json::Object(own), Json::Object(given)) = (&mut json, input.into_value().to_json()) {
        own.extend(given.into_iter().filter(|(_, v)| !v.is_null()));
    }
    serde_json::from_value(json).map_err(|e| unreadable(&e))
}

pub(crate) fn api(tx: &Tx<'_>, id: &str) -> Result<HttpApi, Fault> {
    let missing = || not_found(format!("Invalid API identifier specified {}:{id}", tx.account));
    tx.find::<HttpApi>(id).cloned().ok_or_else(missing)
}

pub(crate) fn new_id(tx: &Tx<'_>, length: usize) -> String {
    tx.random_text(length, b"abcdefghijklmnopqrstuvwxyz0123456789")
}

/// One page of a list in order of its ids, as `{Items, NextToken}`.
pub(crate) fn page(
    all: impl IntoIterator<Item = (String, Result<Value, Fault>)>,
    token: Option<&str>,
    most: Option<&str>,
) -> Result<Value, Fault> {
    let limit = match most.map(str::parse::<usize>) {
        None => 100,
        Some(Ok(n @ 1..=500)) => n,
        Some(_) => return Err(bad_request("maxResults must be between 1 and 500")),
    };
    let after = match token {
        None => None,
        Some(token) => {
            let invalid = || bad_request("Invalid nextToken");
            let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
            Some(String::from_utf8(bytes).map_err(|_| invalid())?)
        }
    };
    let mut rest = all.into_iter().filter(|(id, _)| after.as_ref().is_none_or(|a| id > a));
    let (mut items, mut last) = (Vec::new(), None);
    for (id, item) in rest.by_ref().take(limit) {
        items.push(item?);
        last = Some(id);
    }
    let mut document = Members::default();
    document.push("Items", Value::List(items));
    if rest.next().is_some() {
        document.push_some("NextToken", last.map(|id| URL_SAFE_NO_PAD.encode(id)));
    }
    Ok(Value::Map(document))
}
