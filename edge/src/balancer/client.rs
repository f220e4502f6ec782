//! Connections to targets: HTTP/1.1, kept and used again. A request is sent once; it comes back
//! to the caller, whole, if no byte of it was sent.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::body::Stream;

/// "the load balancer failed to establish a connection to the target before the connection timeout expired (10 seconds)".
const CONNECT: Duration = Duration::from_secs(10);
/// A connection that is not used for so long is closed.
const IDLE: Duration = Duration::from_secs(60);
/// Idle connections kept to one target.
const KEPT: usize = 64;

/// Where a target really listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Address {
    pub(super) socket: SocketAddr,
    pub(super) tls: bool,
}

/// What went wrong.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing was sent; the request is given back.
    Unsent { request: Option<Box<Request<Stream>>>, late: bool, why: String },
    /// It was sent, in part or in whole, and no answer came.
    Lost(String),
}

struct Idle {
    sender: SendRequest<Stream>,
    since: Instant,
}

/// The connections of one runtime.
pub(super) struct Client {
    idle: Mutex<HashMap<Address, Vec<Idle>>>,
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Client {
    pub(super) fn new(tls: Option<Arc<rustls::ClientConfig>>) -> Arc<Client> {
        Arc::new(Client { idle: Mutex::default(), tls })
    }

    fn take(&self, at: Address) -> Option<SendRequest<Stream>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.get_mut(&at)?;
        while let Some(found) = connections.pop() {
            if found.sender.is_ready() && found.since.elapsed() < IDLE {
                return Some(found.sender);
            }
        }
        idle.remove(&at);
        None
    }

    fn keep(&self, at: Address, sender: SendRequest<Stream>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // Those of targets that are gone would stay for ever.
        idle.retain(|_, all| all.last().is_some_and(|c| c.since.elapsed() < IDLE));
        let connections = idle.entry(at).or_default();
        connections.retain(|c| !c.sender.is_closed() && c.since.elapsed() < IDLE);
        if connections.len() < KEPT {
            connections.push(Idle { sender, since: Instant::now() });
        }
    }

    /// Sends a request over a kept connection, or over a new one.
    pub(super) async fn send(
        self: &Arc<Self>,
        at: Address,
        mut request: Request<Stream>,
    ) -> Result<Response<Incoming>, Failure> {
        while let Some(sender) = self.take(at) {
            match self.over(at, sender, request).await {
                // The target had closed it in the meantime: nothing was sent.
                Err(Failure::Unsent { request: Some(back), .. }) => request = *back,
                other => return other,
            }
        }
        let sender = match tokio::time::timeout(CONNECT, self.connect(at)).await {
            Ok(Ok(sender)) => sender,
            Ok(Err(why)) => {
                return Err(Failure::Unsent { request: Some(Box::new(request)), late: false, why });
            }
            Err(_) => {
                let why = "the connection was not established within 10 seconds".to_owned();
                return Err(Failure::Unsent { request: Some(Box::new(request)), late: true, why });
            }
        };
        self.over(at, sender, request).await
    }

    async fn over(
        self: &Arc<Self>,
        at: Address,
        mut sender: SendRequest<Stream>,
        request: Request<Stream>,
    ) -> Result<Response<Incoming>, Failure> {
        match sender.try_send_request(request).await {
            Ok(response) => {
                let client = Arc::clone(self);
                // It can be used again once the answer's body has been read.
                tokio::spawn(async move {
                    if sender.ready().await.is_ok() {
                        client.keep(at, sender);
                    }
                });
                Ok(response)
            }
            Err(mut error) => match error.take_message() {
                Some(request) => {
                    let why = error.into_error().to_string();
                    Err(Failure::Unsent { request: Some(Box::new(request)), late: false, why })
                }
                None => Err(Failure::Lost(error.into_error().to_string())),
            },
        }
    }

    async fn connect(&self, at: Address) -> Result<SendRequest<Stream>, String> {
        let stream = TcpStream::connect(at.socket).await.map_err(|e| e.to_string())?;
        let _ = stream.set_nodelay(true);
        if !at.tls {
            return handshake(stream).await;
        }
        let config = self.tls.clone().ok_or("TLS cannot be spoken")?;
        let name = ServerName::IpAddress(at.socket.ip().into());
        let stream = tokio_rustls::TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|e| e.to_string())?;
        handshake(stream).await
    }
}

async fn handshake<T>(stream: T) -> Result<SendRequest<Stream>, String>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|e| e.to_string())?;
    tokio::spawn(async move {
        let _ = connection.with_upgrades().await;
    });
    Ok(sender)
}
