//! The AWS protocols as one codec, driven by API models: which operation a request
//! means, its input as a document, and answers and errors as each protocol writes them.
//!
//! Pure: bytes in, bytes out. Knows nothing of who asks or what an operation does.
//! Follows the Smithy specifications of awsQuery, ec2Query, awsJson 1.0/1.1,
//! restJson1, restXml and rpcv2Cbor.

mod cbor;
mod fault;
mod form;
mod json;
mod redact;
mod rest;
mod route;
mod time;
mod validate;
mod xml;

use bytes::Bytes;
use http::{HeaderMap, Method};
use model::api::{Api, Operation, Protocol};
use model::{Body, Fault, Value};

pub use fault::write_fault;
pub use redact::{redact, trail_json};
pub use route::{Lost, Route, identify};
pub use validate::validate;

/// The head of a request.
#[derive(Clone, Debug)]
pub struct Head {
    pub method: Method,
    /// As on the wire, percent-encoded.
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
}

impl Head {
    /// Of the few headers that a request has, the first of this name: to look at them costs less than to hash it.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.as_str().eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| value.to_str().ok())
    }
}

/// An answer, ready for HTTP.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

impl Response {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Bytes>) -> Response {
        let headers = match content_type {
            "" => Vec::new(),
            kind => vec![("content-type".to_owned(), kind.to_owned())],
        };
        Response { status, headers, body: Body::Memory(body.into()) }
    }

    pub fn header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push((name.to_owned(), value.into()));
    }
}

/// Documents nested deeper than this are refused. (A DynamoDB item of 32 levels takes two for each.)
pub(crate) const DEPTH: u32 = 80;

/// The input of a call. A streaming payload stays a [`Body`].
pub fn read(route: &Route<'_>, head: &Head, body: Body) -> Result<Value, Fault> {
    let (api, operation) = (route.api, route.operation);
    let Some(shape) = operation.input else { return Ok(Value::Map(model::Members::default())) };
    match route.protocol {
        Protocol::Json10 | Protocol::Json11 => json::read(api, shape, &memory(body)?),
        Protocol::Query | Protocol::Ec2 => form::read(api, shape, head, &memory(body)?, route.protocol),
        Protocol::Cbor => cbor::read(api, shape, &memory(body)?),
        Protocol::RestJson | Protocol::RestXml => rest::read(route, shape, head, body),
    }
}

fn memory(body: Body) -> Result<Bytes, Fault> {
    match body {
        Body::Memory(bytes) => Ok(bytes),
        Body::Spooled(_) | Body::Joined(_) => {
            Err(Fault::new("RequestEntityTooLargeException", 413, "the request is too large"))
        }
    }
}

/// The answer to a call that went well.
pub fn write(route: &Route<'_>, output: &Value, request_id: &str) -> Result<Response, Fault> {
    let (api, operation) = (route.api, route.operation);
    let mut response = match route.protocol {
        Protocol::Json10 | Protocol::Json11 => {
            let body =
                operation.output.map_or_else(|| "{}".to_owned(), |shape| json::write(api, shape, output));
            let body = if operation.output.is_none() { String::new() } else { body };
            Response::new(200, json_type(route.protocol), body)
        }
        Protocol::Cbor => {
            let mut response =
                Response::new(200, "application/cbor", cbor::write(api, operation.output, output)?);
            response.header("smithy-protocol", "rpc-v2-cbor");
            response
        }
        Protocol::Query => Response::new(200, "text/xml", xml::query(api, operation, output, request_id)),
        Protocol::Ec2 => {
            Response::new(200, "text/xml;charset=UTF-8", xml::ec2(api, operation, output, request_id))
        }
        Protocol::RestJson | Protocol::RestXml => rest::write(route, output)?,
    };
    request_headers(api, route.protocol, request_id, &mut response);
    Ok(response)
}

pub(crate) fn json_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Json10 => "application/x-amz-json-1.0",
        _ => "application/x-amz-json-1.1",
    }
}

/// The id of the request, under the name that the service uses.
pub(crate) fn request_headers(api: &Api, protocol: Protocol, request_id: &str, response: &mut Response) {
    match protocol {
        Protocol::RestXml if api.name == "s3" => {
            response.header("x-amz-request-id", request_id);
            response.header("x-amz-id-2", request_id);
        }
        _ => response.header("x-amzn-requestid", request_id),
    }
}

/// Whether success is answered without a body.
pub(crate) fn bodiless(status: u16) -> bool {
    status == 204 || status == 304
}

/// The operation's HTTP status.
pub(crate) fn status(operation: &Operation) -> u16 {
    operation.status
}
