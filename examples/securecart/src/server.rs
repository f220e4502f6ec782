//! HTTPS, with a certificate that the task makes for itself: the load balancer speaks TLS to its
//! targets and does not ask who signed it; who may reach the task is the security group's to say.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_rustls::TlsAcceptor;

use crate::failure::Failure;
use crate::{Outcome, Shop};

/// A request, its body read.
pub(crate) struct Asked {
    pub(crate) method: http::Method,
    /// The path behind the stage: `/orders/7`.
    pub(crate) path: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Json) -> Reply {
        Reply { status, content_type: "application/json", body: Bytes::from(body.to_string()) }
    }

    pub(crate) fn text(content_type: &'static str, body: &'static str) -> Reply {
        Reply { status: 200, content_type, body: Bytes::from_static(body.as_bytes()) }
    }
}

impl Asked {
    pub(crate) fn json(&self) -> Result<Json, Failure> {
        serde_json::from_slice(&self.body).map_err(|_| Failure::new(400, "the body is no JSON"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    /// Joins what this request causes.
    pub(crate) fn trace(&self) -> &str {
        self.header("x-amzn-trace-id")
    }

    /// The parts of the path.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.split('/').filter(|p| !p.is_empty()).collect()
    }
}

const LARGEST_BODY: usize = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(15);

fn acceptor() -> Result<TlsAcceptor, Failure> {
    let made =
        rcgen::generate_simple_self_signed(vec!["task.internal".to_owned()]).map_err(Failure::config)?;
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())
        .map_err(Failure::config)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Failure::config)?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .map_err(Failure::config)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves until told to stop.
pub(crate) async fn serve<F, A>(shop: Arc<Shop>, answer: A) -> Result<(), Failure>
where
    A: Fn(Arc<Shop>, Asked) -> F + Clone + Send + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let address = SocketAddr::from((shop.environment.address, shop.environment.port));
    let listener =
        TcpListener::bind(address).await.map_err(|e| Failure::config(format!("{address}: {e}")))?;
    let acceptor = acceptor()?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Failure::config)?;
    eprintln!("listening on {address}");
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = terminate.recv() => return Ok(()),
        };
        let Ok((stream, _)) = accepted else { continue };
        let (acceptor, shop, answer) = (acceptor.clone(), Arc::clone(&shop), answer.clone());
        tokio::spawn(async move {
            let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await else {
                return;
            };
            let service = service_fn(move |request| {
                let (shop, answer) = (Arc::clone(&shop), answer.clone());
                async move { Ok::<_, Infallible>(respond(shop, request, answer).await) }
            });
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond<F, A>(
    shop: Arc<Shop>,
    request: http::Request<Incoming>,
    answer: A,
) -> http::Response<Full<Bytes>>
where
    A: Fn(Arc<Shop>, Asked) -> F,
    F: Future<Output = Outcome>,
{
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let policy = policy(&shop.environment.service("cognito-idp"));
    let outcome = match path.as_str() {
        "/health" => Ok(Reply::text("text/plain", "well\n")),
        _ => match read(request).await {
            Ok(asked) => answer(shop, asked).await,
            Err(failure) => Err(failure),
        },
    };
    let reply = outcome.unwrap_or_else(|failure| {
        eprintln!("{method} {path}: {} {failure}", failure.status);
        Reply::json(failure.status, &json!({"message": failure.message}))
    });
    let response = http::Response::builder()
        .status(reply.status)
        .header("content-type", reply.content_type)
        .header("cache-control", "no-store")
        .header("x-content-type-options", "nosniff")
        .header("referrer-policy", "no-referrer")
        .header("cross-origin-opener-policy", "same-origin")
        .header("cross-origin-resource-policy", "same-origin")
        .header("content-security-policy", policy)
        .body(Full::new(reply.body));
    response.unwrap_or_default()
}

/// What the shop's page may load and reach: its own files, and the sign-in service. Forms are
/// never sent by the browser itself, so that no password ends up in an address.
fn policy(sign_in: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
         connect-src 'self' {sign_in}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'"
    )
}

async fn read(request: http::Request<Incoming>) -> Result<Asked, Failure> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, LARGEST_BODY).collect().await;
    let body = body.map_err(|_| Failure::new(413, "the body is too large"))?.to_bytes();
    // The gateway passes its stage on as the first part of the path.
    let path = parts.uri.path();
    let stage = std::env::var("STAGE").unwrap_or_default();
    let path = path.strip_prefix(&format!("/{stage}")).filter(|_| !stage.is_empty()).unwrap_or(path);
    Ok(Asked { method: parts.method, path: path.to_owned(), headers: parts.headers, body })
}
