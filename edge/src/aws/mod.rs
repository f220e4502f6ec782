//! The door of the AWS APIs: which operation, who asks, is the payload the one that
//! was signed, is the input of the right shape; then inwards, and the answer out.

mod cors;
mod payload;
pub(crate) mod who;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Frame, Incoming as HyperBody};
use model::api::{Kind, Protocol};
use model::service::Served;
use model::value::Spooled;
use model::{Body, Fault, Host, Origin};
use wire::{Head, Lost, Route};

use crate::listen::{Answer, Connection};
use crate::sigv4::{self, Refusal};
use model::plane::{Calls, Incoming};

/// Where unsigned requests that name no region go.
pub const DEFAULT_REGION: &str = "us-east-1";

/// Answers one request for an AWS API.
pub async fn answer<C: Calls>(
    calls: Arc<C>,
    connection: Connection,
    request: hyper::Request<HyperBody>,
) -> Answer {
    let request_id = uuid(&*calls);
    let (head, body) = head_of(request);
    if let Some(preflight) = cors::preflight(&head.method, &head.headers) {
        return preflight;
    }
    let plain = calls.registry().services.iter().map(|s| &s.api);
    // Forms name their operation in the body; everything else in the head.
    let source = match payload::is_form(&head) {
        false => payload::Source::Stream(body),
        true => match payload::memory(body).await {
            Ok(bytes) => payload::Source::Memory(bytes),
            Err(fault) => return answer_fault(None, Protocol::Query, &fault, &request_id, &head),
        },
    };
    let form = match &source {
        payload::Source::Memory(bytes) => bytes.clone(),
        payload::Source::Stream(_) => Bytes::new(),
    };
    let route = match wire::identify(&head, &form, plain) {
        Ok(route) => route,
        Err(lost) => return lost_answer(&lost, &request_id, &head),
    };
    let (api, protocol) = (route.api, route.protocol);
    let name = api.name;
    let answer = match call(&*calls, connection, &head, &route, source, &request_id).await {
        Ok(response) => stream(Arc::clone(&calls), response),
        Err(fault) => answer_fault(Some(api), protocol, &fault, &request_id, &head),
    };
    cors::readable(name, answer)
}

fn uuid(host: &dyn Host) -> String {
    let mut bytes = [0; 16];
    host.random(&mut bytes);
    model::tx::uuid_from(bytes)
}

fn head_of(request: hyper::Request<HyperBody>) -> (Head, HyperBody) {
    let (parts, body) = request.into_parts();
    let mut headers = parts.headers;
    // HTTP/2 carries the host in the URI.
    if !headers.contains_key(http::header::HOST)
        && let Some(host) = parts.uri.authority().and_then(|a| a.as_str().parse().ok())
    {
        headers.insert(http::header::HOST, host);
    }
    let head = Head {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers,
    };
    (head, body)
}

async fn call<C: Calls>(
    calls: &C,
    connection: Connection,
    head: &Head,
    route: &Route<'_>,
    body: payload::Source,
    request_id: &str,
) -> Result<wire::Response, Fault> {
    let (api, protocol) = (route.api, route.protocol);
    let s3 = api.name == "s3";
    let now = calls.now();
    let refused = |refusal: Refusal| sigv4::fault(&refusal, protocol, s3);
    let signed =
        sigv4::Signed { method: &head.method, path: &head.path, query: &head.query, headers: &head.headers };
    let claim = sigv4::claim(signed).map_err(refused)?;
    let rules = sigv4::Rules { signing_name: api.signing_name, s3, now };
    let identity = match &claim {
        // Anonymous requests for objects are judged by the bucket's policy.
        None if route.operation.unsigned || s3 => None,
        None => return Err(refused(Refusal::Missing)),
        Some(claim) => Some(who::identify(calls, claim).map_err(refused)?),
    };
    let streaming = streams(route);
    let proof = payload::Proof { signed, claim: claim.as_ref(), identity: identity.as_ref(), rules };
    let (body, headers) =
        payload::checked(calls, body, &proof, streaming).await.map_err(|problem| match problem {
            payload::Problem::Refused(refusal) => refused(refusal),
            payload::Problem::Fault(fault) => fault,
        })?;
    let head = Head { headers, ..head.clone() };
    let input = wire::read(route, &head, body)?;
    if let Some(shape) = route.operation.input {
        wire::validate(api, shape, &input)?;
    }
    let (served, operation) = find(calls, route)?;
    let caller = identity.map_or_else(model::Caller::anonymous, |i| i.caller);
    let region = claim.map_or_else(|| DEFAULT_REGION.to_owned(), |c| c.region);
    let incoming = Incoming {
        served,
        operation,
        caller,
        origin: origin(&connection, &head),
        request_id: request_id.to_owned(),
        trace: trace(&head, request_id),
        region,
        account: None,
        input,
        job: false,
    };
    let output = calls.call(incoming).await?;
    wire::write(route, &output, request_id)
}

fn find<'a, C: Calls>(
    calls: &'a C,
    route: &Route<'_>,
) -> Result<(&'a Served, &'static model::Operation), Fault> {
    let not_served = || Fault::not_served(route.operation.name);
    let served = calls.registry().service(route.api.name).ok_or_else(not_served)?;
    let operation = served.operation(route.operation.name).ok_or_else(not_served)?;
    Ok((served, operation))
}

/// Whether the payload may be large and need not be in memory.
fn streams(route: &Route<'_>) -> bool {
    let structure = route.operation.input.and_then(|i| route.api.structure(i));
    structure.is_some_and(|s| {
        s.members
            .iter()
            .any(|m| m.streaming && matches!(route.api.shape(m.shape).map(|s| &s.kind), Some(Kind::Blob)))
    })
}

fn origin(connection: &Connection, head: &Head) -> Origin {
    Origin {
        source_ip: connection.peer.ip(),
        secure: connection.secure,
        user_agent: head.header("user-agent").unwrap_or_default().to_owned(),
        vpc: None,
        vpc_endpoint: None,
        host: head.header("host").unwrap_or_default().to_owned(),
    }
}

/// The trace that the client says it belongs to, if it says so in AWS's form.
fn trace(head: &Head, request_id: &str) -> String {
    let given = head
        .header("x-amzn-trace-id")
        .and_then(|t| t.split(';').find_map(|p| p.trim().strip_prefix("Root=")));
    let good = |t: &&str| t.len() < 64 && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    given.filter(good).map_or_else(|| request_id.to_owned(), str::to_owned)
}

fn lost_answer(lost: &Lost<'_>, request_id: &str, head: &Head) -> Answer {
    match lost {
        Lost::Service if payload::is_form(head) => {
            let fault = Fault::client(
                "InvalidAction",
                "the action or version is not valid for any API served by this runtime",
            );
            answer_fault(None, Protocol::Query, &fault, request_id, head)
        }
        Lost::Service => {
            let fault = Fault::client(
                "UnknownOperationException",
                "this runtime serves no API that the request could mean",
            );
            answer_fault(None, Protocol::Json11, &Fault { status: 404, ..fault }, request_id, head)
        }
        Lost::Operation { api, protocol, name } => {
            let service = api.name;
            let (code, status) = match protocol {
                Protocol::Query | Protocol::Ec2 => ("InvalidAction", 400),
                Protocol::RestJson => ("UnknownOperationException", 404),
                Protocol::RestXml => ("NotImplemented", 501),
                _ => ("UnknownOperationException", 400),
            };
            let fault = Fault::new(
                code,
                status,
                format!("the operation `{name}` of `{service}` is not served by this runtime"),
            );
            answer_fault(Some(api), *protocol, &fault, request_id, head)
        }
    }
}

fn answer_fault(
    api: Option<&model::api::Api>,
    protocol: Protocol,
    fault: &Fault,
    request_id: &str,
    head: &Head,
) -> Answer {
    let is_head = head.method == http::Method::HEAD;
    plain_answer(wire::write_fault(api, protocol, fault, request_id, is_head))
}

fn parts(response: &wire::Response) -> http::response::Builder {
    let mut builder = hyper::Response::builder().status(response.status);
    for (name, value) in &response.headers {
        builder = builder.header(name, value);
    }
    builder
}

fn broken() -> Answer {
    let body = Full::new(Bytes::new()).map_err(|never| match never {}).boxed();
    let mut answer = hyper::Response::new(body);
    *answer.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    answer
}

fn plain_answer(response: wire::Response) -> Answer {
    let builder = parts(&response);
    let bytes = match response.body {
        Body::Memory(bytes) => bytes,
        Body::Spooled(_) | Body::Joined(_) => Bytes::new(),
    };
    builder.body(Full::new(bytes).map_err(|never| match never {}).boxed()).unwrap_or_else(|_| broken())
}

/// Sends a large payload in pieces, read and opened as they are sent.
fn stream<C: Calls>(calls: Arc<C>, response: wire::Response) -> Answer {
    let blobs = match &response.body {
        Body::Memory(_) => return plain_answer(response),
        Body::Spooled(one) => vec![one.clone()],
        Body::Joined(parts) => parts.clone(),
    };
    let (send, receive) = tokio::sync::mpsc::channel::<Result<Frame<Bytes>, std::io::Error>>(2);
    let builder = parts(&response);
    tokio::task::spawn_blocking(move || {
        for blob in blobs {
            if !send_blob(&*calls, &blob, &send) {
                return;
            }
        }
    });
    let body = StreamBody::new(Receiver(receive)).boxed();
    builder.body(body).unwrap_or_else(|_| broken())
}

/// Sends one blob piece by piece; `false` once there is no use in going on.
fn send_blob(
    host: &dyn Host,
    blob: &Spooled,
    send: &tokio::sync::mpsc::Sender<Result<Frame<Bytes>, std::io::Error>>,
) -> bool {
    const PIECE: u64 = 1 << 20;
    let mut done = 0;
    while done < blob.length {
        let take = PIECE.min(blob.length - done);
        let piece = host.blobs().read(&blob.blob, &blob.key, blob.offset + done, take);
        let failed = piece.is_err();
        let frame = piece.map(Frame::data).map_err(|fault| std::io::Error::other(fault.message));
        if send.blocking_send(frame).is_err() || failed {
            return false;
        }
        done += take;
    }
    true
}

/// A channel's frames as a body's.
struct Receiver(tokio::sync::mpsc::Receiver<Result<Frame<Bytes>, std::io::Error>>);

impl futures_core::Stream for Receiver {
    type Item = Result<Frame<Bytes>, std::io::Error>;
    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
