//! Puts the parts together and serves until told to stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use edge::ca::OnDemand;
use edge::listen::{self, Answer, Connection};
use estate::{Estate, Opening};
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::{Bytes, Incoming};
use model::Host as _;
use model::tx::Settings;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::commands::Ready;

/// The signal of a file that grew past its limit (Linux).
const SIGXFSZ: i32 = 25;

/// What `up` was told.
pub(crate) struct Start {
    pub(crate) data: PathBuf,
    pub(crate) port: u16,
    pub(crate) region: String,
}

/// Serves until SIGINT or SIGTERM; calls `ready` once everything answers.
pub(crate) fn run(start: &Start, ready: impl FnOnce(&Ready)) -> Result<(), String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(serve(start, ready))
}

async fn serve(start: &Start, ready: impl FnOnce(&Ready)) -> Result<(), String> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, start.port));
    let endpoint = format!("https://{address}");
    let settings = Settings { endpoint: endpoint.clone(), ..Settings::default() };
    let opening = Opening { data: &start.data, settings, services: services::all() };
    let estate = Estate::open(opening).map_err(|f| f.message)?;
    let administrator = estate.first_start(&start.data).map_err(|f| f.message)?;
    // A file that may not grow is an error of the write, which the log answers by permitting nothing more;
    // unhandled, the signal would end the process.
    let _size_limit = signal(SignalKind::from_raw(SIGXFSZ)).map_err(|e| e.to_string())?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|e| format!("cannot listen on {address}: {e}; choose another port with `--port`"))?;
    let (stop, stopped) = watch::channel(false);
    let listening = tokio::spawn(listen::serve(listener, tls(&estate)?, stopped, answering(&estate)));
    tokio::spawn(Arc::clone(&estate).keep_schedule());
    let told = Ready {
        console: format!("{endpoint}/_countersign/"),
        endpoint,
        shop: None,
        credentials: administrator.file,
        ca: start.data.join("ca.pem"),
        region: start.region.clone(),
        pid: std::process::id(),
    };
    told.write(&start.data)?;
    ready(&told);
    until_told_to_stop().await?;
    Ready::forget(&start.data);
    let _ = stop.send(true);
    let _ = listening.await;
    Ok(())
}

fn tls(estate: &Arc<Estate>) -> Result<Arc<rustls::ServerConfig>, String> {
    let issuer = Arc::clone(estate);
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let resolver =
        OnDemand::new(move |names: &[String]| issuer.certificate(names), &names).map_err(|f| f.message)?;
    listen::tls(Arc::new(resolver)).map(Arc::new).map_err(|e| e.to_string())
}

type Answered = std::pin::Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What the one port answers: the runtime's own pages, else the AWS APIs.
fn answering(estate: &Arc<Estate>) -> impl Fn(Connection, Request<Incoming>) -> Answered + Clone + use<> {
    let estate = Arc::clone(estate);
    move |connection, request| {
        let estate = Arc::clone(&estate);
        Box::pin(async move {
            if request.uri().path() == "/_countersign/health" {
                return text("running\n");
            }
            edge::aws::answer(estate, connection, request).await
        })
    }
}

fn text(text: &'static str) -> Answer {
    hyper::Response::new(
        Full::new(Bytes::from_static(text.as_bytes())).map_err(|never| match never {}).boxed(),
    )
}

async fn until_told_to_stop() -> Result<(), String> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| e.to_string())?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| e.to_string())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
