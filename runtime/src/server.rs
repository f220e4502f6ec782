//! Puts the parts together and serves until told to stop.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use act::mail::Mailer;
use edge::balancer::Balancers;
use edge::ca::OnDemand;
use edge::gateway;
use edge::host::{self, Part};
use edge::listen::{self, Answer, Connection};
use estate::{Estate, Opening};
use hyper::Request;
use hyper::body::Incoming;
use model::Host as _;
use model::plane::{Book, Calls, Plane};
use model::tx::Settings;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::commands::Ready;
use crate::deploy::{self, Template};
use crate::exposure;
use crate::follow;
use crate::pages::Pages;
use crate::post;
use crate::readiness::Awaited;

/// The signal of a file that grew past its limit (Linux).
const SIGXFSZ: i32 = 25;

/// What `up` was told.
pub(crate) struct Start {
    pub(crate) data: PathBuf,
    pub(crate) port: u16,
    pub(crate) region: String,
    pub(crate) images: PathBuf,
    pub(crate) template: Option<Template>,
    /// How long to wait for the services that ran before.
    pub(crate) patience: Duration,
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
    let images = start.images.to_string_lossy().into_owned();
    let mailer = Mailer::configured()?.map(Arc::new);
    let posts = mailer.is_some();
    let settings = Settings { endpoint: endpoint.clone(), images, posts, ..Settings::default() };
    let mut ending = Ending::listen()?;
    let begun = estate::now();
    let opening = Opening { data: &start.data, settings, services: services::all() };
    let estate = Estate::open(opening).map_err(|f| f.message)?;
    let awaited = Awaited::of(&estate.snapshot(), begun);
    let administrator = estate.first_start(&start.data).map_err(|f| f.message)?;
    // A file that may not grow is an error of the write, which the log answers by permitting nothing more;
    // unhandled, the signal would end the process.
    let _size_limit = signal(SignalKind::from_raw(SIGXFSZ)).map_err(|e| e.to_string())?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|e| format!("cannot listen on {address}: {e}; choose another port with `--port`"))?;
    let (stop, stopped) = watch::channel(false);
    let plane = Arc::new(Plane {
        estate: Arc::clone(&estate) as Arc<dyn Calls>,
        book: Book::default(),
        data: start.data.clone(),
        root_pem: estate.root_certificate().to_owned(),
    });
    let pages = Arc::new(Pages::open(&estate, &start.data)?);
    let balancers = Balancers::new(Arc::clone(&plane));
    let answer = answering(&estate, &plane, &pages, &balancers);
    let listening = tokio::spawn(listen::serve(listener, tls(&estate)?, stopped.clone(), answer));
    tokio::spawn(Arc::clone(&estate).keep_schedule());
    let planes = [
        tokio::spawn(Arc::clone(&balancers).run(stopped.clone())),
        tokio::spawn(edge::database::run(Arc::clone(&plane), stopped.clone())),
        tokio::spawn(act::run(Arc::clone(&plane), stopped.clone())),
        tokio::spawn(post::run(Arc::clone(&estate), mailer, stopped.clone())),
        tokio::spawn(exposure::run(Arc::clone(&estate), stopped.clone())),
        tokio::spawn(follow::run(Arc::clone(&estate), stopped)),
    ];
    let outputs = match &start.template {
        None => Vec::new(),
        Some(template) => {
            tokio::select! {
                outcome = deploy::deploy(&estate, template, &start.region) => outcome?,
                () = ending.told() => return Ok(()),
            }
        }
    };
    let not_ready = tokio::select! {
        lacks = awaited.back(&estate, &balancers, start.patience) => lacks,
        () = ending.told() => return Ok(()),
    };
    let shop = outputs.iter().find(|(name, _)| name == "ShopUrl");
    let told = Ready {
        console: format!("{endpoint}/_countersign/#{}", pages.token()),
        endpoint: endpoint.clone(),
        shop: shop.map(|(_, url)| deploy::local_url(url, &endpoint)),
        credentials: administrator.file,
        ca: start.data.join("ca.pem"),
        region: start.region.clone(),
        pid: std::process::id(),
        not_ready,
    };
    told.write(&start.data)?;
    ready(&told);
    ending.told().await;
    Ready::forget(&start.data);
    let _ = stop.send(true);
    let _ = listening.await;
    for plane in planes {
        let _ = plane.await;
    }
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

/// What the one port answers: the runtime's own pages, the data planes, else the AWS APIs.
fn answering(
    estate: &Arc<Estate>,
    plane: &Arc<Plane>,
    pages: &Arc<Pages>,
    balancers: &Arc<Balancers>,
) -> impl Fn(Connection, Request<Incoming>) -> Answered + Clone + use<> {
    let (estate, plane) = (Arc::clone(estate), Arc::clone(plane));
    let (pages, balancers) = (Arc::clone(pages), Arc::clone(balancers));
    move |connection, request| {
        let (estate, plane) = (Arc::clone(&estate), Arc::clone(&plane));
        let (pages, balancers) = (Arc::clone(&pages), Arc::clone(&balancers));
        Box::pin(async move {
            let host = request.uri().authority().map(|a| a.as_str().to_owned());
            let header = request.headers().get(hyper::header::HOST).and_then(|h| h.to_str().ok());
            let host = host.or_else(|| header.map(str::to_owned)).unwrap_or_default();
            match host::part(&host, request.uri().path()) {
                Part::Console(path) => pages.answer(&path, &request),
                // Boxed, so that a call of an API, the commonest, does not carry their room along.
                Part::Gateway { api, path } => {
                    Box::pin(gateway::answer(plane, connection, request, gateway::Call { api, path })).await
                }
                Part::Balancer(name) => Box::pin(balancers.answer(connection, request, name)).await,
                Part::Login { domain, path } => {
                    Box::pin(edge::login::answer(&plane, request, &domain, &path)).await
                }
                Part::Aws => match edge::oidc::document(&plane, request.uri().path()) {
                    Some(document) => document,
                    None => edge::aws::answer(estate, connection, request).await,
                },
            }
        })
    }
}

/// The signals that end the runtime. Listened for from the start to the end: one that comes while
/// nobody listens is lost.
struct Ending(Signal, Signal);

impl Ending {
    fn listen() -> Result<Ending, String> {
        let of = |kind| signal(kind).map_err(|e| e.to_string());
        Ok(Ending(of(SignalKind::terminate())?, of(SignalKind::interrupt())?))
    }

    async fn told(&mut self) {
        tokio::select! {
            _ = self.0.recv() => {}
            _ = self.1.recv() => {}
        }
    }
}
