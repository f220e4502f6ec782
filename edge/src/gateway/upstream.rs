//! Connections to where requests go: HTTP/1.1, TLS checked against the runtime's CA and the
//! name that the integration gives, kept for the next request.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::body::LONGEST;

/// A connection unused for this long is not used again.
const IDLE: Duration = Duration::from_secs(30);
/// Connections kept to one destination.
const KEPT: usize = 64;
const CONNECT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Destination {
    pub(super) address: SocketAddr,
    /// The name that the certificate must carry; `None`: no TLS.
    pub(super) server_name: Option<String>,
}

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nobody listens, or the connection broke.
    Unreachable(String),
    /// The other side is not who it should be.
    Untrusted(String),
    Timeout,
    TooLong,
}

type Sender = SendRequest<Full<Bytes>>;

/// The connections of one deployment.
pub(super) struct Pool {
    tls: Option<TlsConnector>,
    idle: Mutex<HashMap<Destination, Vec<(Sender, Instant)>>>,
}

impl Pool {
    /// A pool that trusts the CA in this PEM, and no other. With an unreadable one nothing is trusted.
    pub(super) fn new(root_pem: &str) -> Pool {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(root_pem.as_bytes()).flatten() {
            let _ = roots.add(certificate);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map(|builder| builder.with_root_certificates(roots).with_no_client_auth());
        Pool { tls: config.ok().map(|c| TlsConnector::from(Arc::new(c))), idle: Mutex::default() }
    }

    /// Sends a request and reads the whole answer, within the limit.
    pub(super) async fn send(
        &self,
        to: &Destination,
        request: Request<Full<Bytes>>,
        limit: Duration,
    ) -> Result<Response<Bytes>, Failure> {
        timeout(limit, self.exchange(to, request)).await.unwrap_or(Err(Failure::Timeout))
    }

    async fn exchange(
        &self,
        to: &Destination,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, Failure> {
        let mut request = request;
        // A kept connection may have been closed meanwhile; what was not sent can be sent anew.
        while let Some(mut sender) = self.kept(to) {
            match sender.try_send_request(request).await {
                Ok(response) => return self.read(to, sender, response).await,
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Failure::Unreachable(error.into_error().to_string())),
                },
            }
        }
        let mut sender = self.connect(to).await?;
        let response = sender.send_request(request).await.map_err(|e| Failure::Unreachable(e.to_string()))?;
        self.read(to, sender, response).await
    }

    async fn read(
        &self,
        to: &Destination,
        sender: Sender,
        response: Response<hyper::body::Incoming>,
    ) -> Result<Response<Bytes>, Failure> {
        let (parts, mut body) = response.into_parts();
        let mut bytes = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|e| Failure::Unreachable(e.to_string()))?;
            if let Ok(data) = frame.into_data() {
                bytes.extend_from_slice(&data);
            }
            if bytes.len() > LONGEST {
                return Err(Failure::TooLong);
            }
        }
        self.keep(to, sender);
        Ok(Response::from_parts(parts, bytes.freeze()))
    }

    fn kept(&self, to: &Destination) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let list = idle.get_mut(to)?;
        while let Some((sender, since)) = list.pop() {
            if since.elapsed() < IDLE && !sender.is_closed() && sender.is_ready() {
                return Some(sender);
            }
        }
        idle.remove(to);
        None
    }

    fn keep(&self, to: &Destination, sender: Sender) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let list = idle.entry(to.clone()).or_default();
        if list.len() < KEPT && !sender.is_closed() {
            list.push((sender, Instant::now()));
        }
    }

    async fn connect(&self, to: &Destination) -> Result<Sender, Failure> {
        let unreachable = |e: &dyn std::fmt::Display| Failure::Unreachable(e.to_string());
        let stream = match timeout(CONNECT, TcpStream::connect(to.address)).await {
            Ok(stream) => stream.map_err(|e| unreachable(&e))?,
            Err(_) => return Err(Failure::Timeout),
        };
        let _ = stream.set_nodelay(true);
        let Some(name) = &to.server_name else {
            let (sender, connection) =
                http1::handshake(TokioIo::new(stream)).await.map_err(|e| unreachable(&e))?;
            tokio::spawn(connection);
            return Ok(sender);
        };
        let untrusted = |e: &dyn std::fmt::Display| Failure::Untrusted(format!("TLS with `{name}`: {e}"));
        let tls = self.tls.as_ref().ok_or_else(|| untrusted(&"no CA can be read"))?;
        let server = ServerName::try_from(name.clone()).map_err(|e| untrusted(&e))?;
        let stream = tls.connect(server, stream).await.map_err(|e| untrusted(&e))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|e| unreachable(&e))?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
