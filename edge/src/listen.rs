//! One port for TLS and plaintext, told apart by the first byte of a connection,
//! so that `aws:SecureTransport` is true to the wire.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;

/// The body of an answer: a buffer, or a stream.
pub type Answer = Response<BoxBody<Bytes, std::io::Error>>;

/// Facts about the connection that a request came on.
#[derive(Clone, Debug)]
pub struct Connection {
    pub peer: SocketAddr,
    pub secure: bool,
    /// The server name of the TLS handshake.
    pub server_name: Option<String>,
}

/// Connections served at one time; more wait in the kernel's queue.
const CONNECTIONS: usize = 4096;
/// A client has this long to show its first byte, to finish a handshake, to send its headers.
const PATIENCE: Duration = Duration::from_secs(15);

/// Serves until `stop` changes; then lets requests in flight finish for a moment.
pub async fn serve<S, F>(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    mut stop: watch::Receiver<bool>,
    answer: S,
) where
    S: Fn(Connection, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let acceptor = TlsAcceptor::from(tls);
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.changed() => return,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, most likely: wait for some to be freed.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (acceptor, answer, stop) = (acceptor.clone(), answer.clone(), stop.clone());
        tokio::spawn(async move {
            connection(stream, peer, acceptor, stop, answer).await;
            drop(place);
        });
    }
}

async fn connection<S, F>(
    stream: TcpStream,
    peer: SocketAddr,
    acceptor: TlsAcceptor,
    stop: watch::Receiver<bool>,
    answer: S,
) where
    S: Fn(Connection, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let _ = stream.set_nodelay(true);
    let mut first = [0];
    let Ok(Ok(1)) = tokio::time::timeout(PATIENCE, stream.peek(&mut first)).await else { return };
    const TLS_HANDSHAKE: u8 = 0x16;
    if first[0] != TLS_HANDSHAKE {
        let facts = Connection { peer, secure: false, server_name: None };
        return requests(stream, facts, stop, answer).await;
    }
    let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await else { return };
    let server_name = stream.get_ref().1.server_name().map(str::to_owned);
    requests(stream, Connection { peer, secure: true, server_name }, stop, answer).await;
}

async fn requests<T, S, F>(stream: T, facts: Connection, mut stop: watch::Receiver<bool>, answer: S)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Fn(Connection, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let service = service_fn(move |request| {
        let answered = answer(facts.clone(), request);
        async move { Ok::<_, Infallible>(answered.await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(256 * 1024);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(64 * 1024).max_concurrent_streams(256);
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(serving);
    tokio::select! {
        _ = serving.as_mut() => {}
        _ = stop.changed() => {
            serving.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(Duration::from_secs(2), serving).await;
        }
    }
}

/// The TLS configuration of a listener: TLS 1.2 and 1.3, HTTP/1.1 and HTTP/2.
pub fn tls(
    resolver: Arc<dyn rustls::server::ResolvesServerCert>,
) -> Result<rustls::ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
