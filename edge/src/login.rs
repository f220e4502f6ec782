//! A user pool's domain: `POST /oauth2/token` for applications (RFC 6749, 4.4). The service judges
//! the client; here the request is only read. What an application sent is never logged.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt as _, Limited};
use hyper::Request;
use hyper::body::Incoming;
use model::plane::{Asked, Plane};
use model::{Caller, Fault, Members, Value};
use serde_json::json;

use crate::listen::Answer;
use crate::plain;

const LONGEST_FORM: usize = 16 * 1024;

/// Answers a request to the domain with this prefix; `path` begins with `/`.
pub async fn answer(plane: &Plane, request: Request<Incoming>, domain: &str, path: &str) -> Answer {
    if path != "/oauth2/token" {
        return plain::json(404, &json!({"message": "managed login is not served by this runtime"}));
    }
    if request.method() != http::Method::POST {
        return plain::json(405, &json!({"error": "invalid_request"}));
    }
    match token(plane, request, domain).await {
        Ok(tokens) => {
            let mut answer = plain::json(200, &tokens.to_json());
            let headers = answer.headers_mut();
            headers.insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
            answer
        }
        Err(fault) => plain::json(fault.status, &json!({"error": fault.code})),
    }
}

fn refused(code: &'static str) -> Fault {
    Fault::client(code, "")
}

async fn token(plane: &Plane, request: Request<Incoming>, domain: &str) -> Result<Value, Fault> {
    let basic = request.headers().get(http::header::AUTHORIZATION).and_then(|h| h.to_str().ok());
    let basic = basic.map(credentials).transpose()?;
    let body = Limited::new(request.into_body(), LONGEST_FORM).collect().await;
    let form = form(&body.map_err(|_| refused("invalid_request"))?.to_bytes());
    let field = |name: &str| form.get(name).cloned();
    match field("grant_type").as_deref() {
        Some("client_credentials") => {}
        Some(_) => return Err(refused("unsupported_grant_type")),
        None => return Err(refused("invalid_request")),
    }
    let (client, secret) = match basic {
        Some((client, _)) if field("client_id").is_some_and(|id| id != client) => {
            return Err(refused("invalid_request"));
        }
        Some(both) => both,
        None => (
            field("client_id").ok_or_else(|| refused("invalid_request"))?,
            field("client_secret").unwrap_or_default(),
        ),
    };
    let mut input = Members::default();
    input.push("ClientId", client);
    input.push("ClientSecret", secret);
    input.push("Scope", field("scope").unwrap_or_default());
    input.push("Domain", domain);
    let asked = Asked {
        caller: Caller::anonymous(),
        service: "cognito-idp",
        operation: "IssueClientToken",
        region: crate::aws::DEFAULT_REGION.to_owned(),
        trace: plane.trace(),
        input: Value::Map(input),
    };
    plane.estate.ask(asked).await
}

/// `Basic BASE64(id:secret)`.
fn credentials(header: &str) -> Result<(String, String), Fault> {
    let read = || {
        let (scheme, encoded) = header.split_once(' ')?;
        let bytes = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
        let text = String::from_utf8(bytes).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some((id.to_owned(), secret.to_owned()))
    };
    read().ok_or_else(|| refused("invalid_client"))
}

fn form(body: &[u8]) -> HashMap<String, String> {
    let decoded = |text: &[u8]| {
        let spaced: Vec<u8> = text.iter().map(|b| if *b == b'+' { b' ' } else { *b }).collect();
        percent_encoding::percent_decode(&spaced).decode_utf8_lossy().into_owned()
    };
    let pair = |pair: &[u8]| {
        let mut parts = pair.splitn(2, |b| *b == b'=');
        Some((decoded(parts.next()?), decoded(parts.next().unwrap_or_default())))
    };
    body.split(|b| *b == b'&').filter(|p| !p.is_empty()).filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read() {
        let form = form(b"grant_type=client_credentials&scope=shop%2Fread+shop%2Fwrite&x");
        assert_eq!(form.get("scope").map(String::as_str), Some("shop/read shop/write"));
        assert_eq!(form.get("x").map(String::as_str), Some(""));
        assert_eq!(credentials("Basic aWQ6c2U6Y3JldA==").unwrap(), ("id".to_owned(), "se:cret".to_owned()));
        for bad in ["Bearer aWQ6c2VjcmV0", "Basic ***", "Basic aWQ="] {
            assert_eq!(credentials(bad).unwrap_err().code, "invalid_client");
        }
    }
}
