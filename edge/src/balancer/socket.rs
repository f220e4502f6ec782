//! The listeners' own sockets: one on loopback for each, found through the book. A connection ends
//! when its listener, its certificate or what it verified the client by is gone.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use model::event::Enforced;
use model::plane::Journey;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::server::TlsStream;

use super::Balancers;
use super::fleet::Front;
use super::identity;
use super::serve::{self, Client, Handshake};

/// Connections of one listener at a time.
const CONNECTIONS: usize = 4096;
/// A client has this long for its handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a socket for a listener and serves it until dropped.
pub(super) async fn open(
    balancers: Arc<Balancers>,
    arn: String,
) -> std::io::Result<(SocketAddr, tokio::task::JoinHandle<()>)> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let address = listener.local_addr()?;
    Ok((address, tokio::spawn(accept(balancers, arn, listener))))
}

async fn accept(balancers: Arc<Balancers>, arn: String, listener: TcpListener) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let (balancers, arn) = (Arc::clone(&balancers), arn.clone());
        tokio::spawn(async move {
            let Some(front) = balancers.fleet().fronts.get(&arn).cloned() else { return };
            connection(&balancers, front, stream, peer).await;
            drop(place);
        });
    }
}

async fn connection(balancers: &Arc<Balancers>, front: Arc<Front>, stream: TcpStream, peer: SocketAddr) {
    let _ = stream.set_nodelay(true);
    let Some(tls) = &front.tls else {
        let client = Client { peer, secure: false, tls: None, shared: false };
        return requests(balancers, &front, stream, client).await;
    };
    let refused = |why: &str| refuse(balancers, &front, peer, why);
    let Some(config) = tls.config.clone() else {
        return refused("the listener's security policy or trust store is gone");
    };
    let accepted =
        tokio::time::timeout(PATIENCE, tokio_rustls::TlsAcceptor::from(config).accept(stream)).await;
    let stream = match accepted {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return refused(&error.to_string()),
        Err(_) => return refused("the handshake took too long"),
    };
    let Some(handshake) = facts(&front, &stream) else {
        return refused("the client's certificate cannot be read");
    };
    let client = Client { peer, secure: true, tls: Some(Arc::new(handshake)), shared: false };
    requests(balancers, &front, stream, client).await;
}

/// Records a handshake that came to nothing.
fn refuse(balancers: &Balancers, front: &Front, peer: SocketAddr, why: &str) {
    let plane = &balancers.plane;
    let journey = Journey {
        request: plane.uuid(),
        trace: plane.trace(),
        account: front.balancer.account.clone(),
        region: front.balancer.region.clone(),
    };
    let enforced = Enforced {
        point: "tls".to_owned(),
        resource: front.arn.clone(),
        subject: peer.ip().to_string(),
        action: "handshake".to_owned(),
        allowed: false,
        reason: why.to_owned(),
        layers: Vec::new(),
        facts: json!({"policy": front.listener.ssl_policy}),
    };
    // Nothing was let in, so nothing depends on the record.
    let _ = plane.enforced(&journey, enforced);
}

fn facts(front: &Front, stream: &TlsStream<TcpStream>) -> Option<Handshake> {
    let (_, connection) = stream.get_ref();
    let server_name = connection.server_name().map(str::to_owned);
    let certificates = &front.tls.as_ref()?.certificates;
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "TLSv1.2",
    };
    let suite = connection.negotiated_cipher_suite().map(|s| format!("{:?}", s.suite())).unwrap_or_default();
    let identity = match connection.peer_certificates().and_then(|c| c.first()) {
        Some(leaf) => identity::headers(leaf)?,
        None if front.mutual() => return None,
        None => Vec::new(),
    };
    Some(Handshake {
        version: version.to_owned(),
        cipher: openssl(&suite),
        certificate: certificates.shown_to(server_name.as_deref()).map(str::to_owned),
        server_name,
        identity,
    })
}

/// `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` as `ECDHE-RSA-AES128-GCM-SHA256`; the names of TLS 1.3 stay.
fn openssl(suite: &str) -> String {
    match suite.strip_prefix("TLS_ECDHE_") {
        Some(rest) => format!("ECDHE-{}", rest.replace("_WITH_AES_", "-AES").replace('_', "-")),
        None => suite.replace("TLS13_", "TLS_"),
    }
}

async fn requests<T>(balancers: &Arc<Balancers>, front: &Arc<Front>, stream: T, client: Client)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let arn = front.arn.clone();
    let shown = client.tls.as_ref().and_then(|t| t.certificate.clone());
    let service = {
        let (balancers, client, arn) = (Arc::clone(balancers), client, arn.clone());
        service_fn(move |request: hyper::Request<Incoming>| {
            let (balancers, client, arn) = (Arc::clone(&balancers), client.clone(), arn.clone());
            async move {
                // The rules of now, not of when the connection began.
                let front = balancers.fleet().fronts.get(&arn).cloned();
                let answer = match front {
                    Some(front) => serve::answer(&balancers, &front, &client, request).await,
                    None => super::page::error(503),
                };
                Ok::<_, Infallible>(answer)
            }
        })
    };
    let idle = front.seconds("idle_timeout.timeout_seconds", 60);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(128 * 1024);
    builder.http2().timer(TokioTimer::new()).max_header_list_size(64 * 1024).max_concurrent_streams(128);
    let builder = if front.is_on("routing.http2.enabled") { builder } else { builder.http1_only() };
    let serving = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(serving);
    let whole = tokio::time::sleep(front.seconds("client_keep_alive.seconds", 3600));
    let mut fleet = balancers.changes();
    let over = async {
        let gone = |fleet: &Arc<super::fleet::Fleet>| match fleet.fronts.get(&arn) {
            None => true,
            Some(now) => {
                !now.still_serves(shown.as_deref())
                    || now.mutual() != front.mutual()
                    || now.trust() != front.trust()
            }
        };
        let _ = fleet.wait_for(gone).await;
    };
    tokio::select! {
        _ = serving.as_mut() => {}
        // What it was let in by is gone: it ends at once.
        () = over => {}
        () = whole => {
            serving.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(idle, serving).await;
        }
    }
}
