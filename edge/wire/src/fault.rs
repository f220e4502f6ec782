//! Errors, as each protocol and a few services of their own write them.

use ciborium::Value as Cbor;
use model::api::{Api, Protocol};
use model::{Fault, Value};

use crate::xml::escape;
use crate::{Response, cbor, json, json_type, request_headers};

/// The status that the protocol gives for it.
fn status_of(api: Option<&Api>, protocol: Protocol, fault: &Fault, code: &str) -> u16 {
    if matches!(protocol, Protocol::Json10 | Protocol::Json11 | Protocol::Cbor)
        && fault.code == "AccessDeniedException"
    {
        return 400;
    }
    if let Some((_, status)) = api.and_then(|a| a.error(code)) {
        // The model knows best, where it knows the error.
        return if matches!(protocol, Protocol::Json10 | Protocol::Json11) && status < 500 {
            400
        } else {
            status
        };
    }
    fault.status
}

/// An error as the protocol writes it. `api` is not known where the request names no service.
pub fn write_fault(
    api: Option<&Api>,
    protocol: Protocol,
    fault: &Fault,
    request_id: &str,
    head: bool,
) -> Response {
    let code = fault.named(api, protocol);
    let status = status_of(api, protocol, fault, code);
    let wire = fault.sent_code(api, protocol);
    let message = fault.sent_message(protocol);
    let mut response = match protocol {
        Protocol::Json10 | Protocol::Json11 => {
            Response::new(status, json_type(protocol), json_body(Some(code), fault))
        }
        Protocol::RestJson => {
            let mut response = Response::new(status, "application/json", json_body(None, fault));
            response.header("x-amzn-errortype", code);
            response
        }
        Protocol::Cbor => cbor_fault(api, status, code, fault),
        Protocol::Query => {
            Response::new(status, "text/xml", query_body(api, wire, status, fault, request_id))
        }
        Protocol::Ec2 => {
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors><RequestID>{request_id}</RequestID></Response>",
                escape(code),
                escape(&message)
            );
            Response::new(status, "text/xml;charset=UTF-8", body)
        }
        Protocol::RestXml => Response::new(status, "application/xml", s3_body(wire, fault, request_id)),
    };
    if head || crate::bodiless(status) {
        response.body = model::Body::Memory(bytes::Bytes::new());
    }
    match api {
        Some(api) => request_headers(api, protocol, request_id, &mut response),
        None => response.header("x-amzn-requestid", request_id),
    }
    response
}

fn json_body(code: Option<&str>, fault: &Fault) -> String {
    let mut out = String::from("{");
    if let Some(code) = code {
        out.push_str("\"__type\":");
        json::text(code, &mut out);
        out.push(',');
    }
    out.push_str("\"message\":");
    json::text(&fault.message, &mut out);
    // Some shapes have the member with a capital letter, and clients read either.
    out.push_str(",\"Message\":");
    json::text(&fault.message, &mut out);
    for (name, value) in fault.detail.iter().flat_map(|d| d.iter()) {
        out.push(',');
        json::text(name, &mut out);
        out.push(':');
        out.push_str(&value.to_json().to_string());
    }
    out.push('}');
    out
}

fn cbor_fault(api: Option<&Api>, status: u16, code: &str, fault: &Fault) -> Response {
    let text = |t: &str| Cbor::Text(t.to_owned());
    let mut entries = vec![(text("__type"), text(code)), (text("message"), text(&fault.message))];
    for (name, value) in fault.detail.iter().flat_map(|d| d.iter()) {
        let value = match value {
            Value::Text(t) => text(t),
            Value::Integer(n) => Cbor::Integer((*n).into()),
            other => text(&other.to_json().to_string()),
        };
        entries.push((text(name), value));
    }
    let body = cbor::encode(&Cbor::Map(entries)).unwrap_or_default();
    let mut response = Response::new(status, "application/cbor", body);
    response.header("smithy-protocol", "rpc-v2-cbor");
    if api.is_some_and(|a| a.query_compatible) {
        let party = if status >= 500 { "Receiver" } else { "Sender" };
        response.header("x-amzn-query-error", format!("{code};{party}"));
    }
    response
}

fn query_body(api: Option<&Api>, code: &str, status: u16, fault: &Fault, request_id: &str) -> String {
    let namespace = api.map_or("", |a| a.xml_namespace);
    let party = if status >= 500 { "Receiver" } else { "Sender" };
    format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>{party}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        escape(code),
        escape(&fault.message)
    )
}

fn s3_body(code: &str, fault: &Fault, request_id: &str) -> String {
    let mut more = String::new();
    for (name, value) in fault.detail.iter().flat_map(|d| d.iter()) {
        if let Some(text) = value.as_str() {
            more.push_str(&format!("<{name}>{}</{name}>", escape(text)));
        }
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message>{more}<RequestId>{request_id}</RequestId><HostId>{request_id}</HostId></Error>",
        escape(code),
        escape(&fault.message)
    )
}
