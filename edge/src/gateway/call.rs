//! One request for an API, with what is known of it so far.

use std::sync::Arc;

use http::{HeaderMap, Method};
use hyper::Request;
use hyper::body::Incoming;
use model::event::Enforced;
use model::plane::{Journey, Plane};
use model::{AccountId, Fault, Origin, Snapshot, Timestamp};
use serde_json::json;

use super::body::Body;
use super::context::Context;
use crate::listen::Connection;

pub(super) struct Call {
    pub(super) plane: Arc<Plane>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) connection: Connection,
    pub(super) journey: Journey,
    pub(super) method: Method,
    /// Within the API, stage included, raw.
    pub(super) path: String,
    /// As the client wrote it: what a signature covers.
    pub(super) signed_path: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    pub(super) host: String,
    pub(super) started: Timestamp,
    pub(super) context: Context,
    /// The path variables of the route, raw.
    pub(super) variables: Vec<(String, String)>,
    /// Who asks, once that is known: the subject of a token, the ARN of a principal, a key's id.
    pub(super) subject: String,
}

impl Call {
    pub(super) fn new(
        plane: Arc<Plane>,
        snapshot: Arc<Snapshot>,
        connection: Connection,
        request: Request<Incoming>,
        call: super::Call,
        (account, region): (&AccountId, &str),
    ) -> Call {
        let (parts, body) = request.into_parts();
        let mut headers = parts.headers;
        // HTTP/2 carries the host in the URI.
        if !headers.contains_key(http::header::HOST)
            && let Some(host) = parts.uri.authority().and_then(|a| a.as_str().parse().ok())
        {
            headers.insert(http::header::HOST, host);
        }
        let text =
            |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let trace = trace(&text("x-amzn-trace-id")).unwrap_or_else(|| plane.trace());
        let journey =
            Journey { request: plane.uuid(), trace, account: account.clone(), region: region.to_owned() };
        let started = plane.estate.now();
        let mut context = Context::default();
        let host = text("host");
        let protocol = format!("{:?}", parts.version);
        for (name, value) in [
            ("accountId", account.to_string()),
            ("apiId", call.api),
            ("requestId", journey.request.clone()),
            ("extendedRequestId", extended(&journey.request)),
            ("httpMethod", parts.method.to_string()),
            ("path", call.path.clone()),
            ("protocol", protocol),
            ("requestTime", started.to_http_date()),
            ("requestTimeEpoch", started.0.to_string()),
            ("identity.sourceIp", connection.peer.ip().to_string()),
            ("identity.userAgent", text("user-agent")),
            ("domainName", host.clone()),
            ("domainPrefix", host.split('.').next().unwrap_or_default().to_owned()),
            ("xrayTraceId", journey.trace.clone()),
        ] {
            context.set(name, value);
        }
        Call {
            snapshot,
            journey,
            method: parts.method,
            path: call.path,
            signed_path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers,
            body: Body::new(body),
            host,
            started,
            context,
            variables: Vec::new(),
            subject: String::new(),
            connection,
            plane,
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// The principal's view of where this came from.
    pub(super) fn origin(&self) -> Origin {
        Origin {
            source_ip: self.connection.peer.ip(),
            secure: self.connection.secure,
            user_agent: self.header("user-agent").unwrap_or_default().to_owned(),
            vpc: None,
            vpc_endpoint: None,
            host: self.host.clone(),
        }
    }

    /// Records what was decided here. If that cannot be recorded, nothing goes on.
    pub(super) fn decided(
        &self,
        point: &str,
        resource: &str,
        verdict: Result<(), &str>,
    ) -> Result<(), Fault> {
        let route = self.context.get("resourcePath").or_else(|| self.context.get("routeKey"));
        self.plane.enforced(
            &self.journey,
            Enforced {
                point: point.to_owned(),
                resource: resource.to_owned(),
                subject: self.subject.clone(),
                action: format!("{} {}", self.method, self.path),
                allowed: verdict.is_ok(),
                reason: verdict.err().unwrap_or("every check of this point passed").to_owned(),
                layers: Vec::new(),
                facts: json!({
                    "sourceIp": self.connection.peer.ip().to_string(),
                    "stage": self.context.get("stage"),
                    "route": route,
                }),
            },
        )
    }
}

/// The root that a client says this belongs to, if it says so in X-Ray's form.
fn trace(header: &str) -> Option<String> {
    let root = header.split(';').find_map(|part| part.trim().strip_prefix("Root="))?;
    let good = root.starts_with("1-") && root.len() < 64;
    (good && root.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')).then(|| root.to_owned())
}

/// The extended request id: sixteen characters, as `x-amz-apigw-id` and `apigw-requestid` show it.
fn extended(request: &str) -> String {
    use base64::Engine as _;
    let digest = ring::digest::digest(&ring::digest::SHA256, request.as_bytes());
    let eleven: Vec<u8> = digest.as_ref().iter().take(11).copied().collect();
    base64::engine::general_purpose::STANDARD.encode(eleven)
}
