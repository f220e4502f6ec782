//! The balancer itself over a scene, with small servers as targets and blocking clients.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use edge::balancer::Balancers;
use edge::ca::OnDemand;
use edge::listen;
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use model::estate::elb::TargetGroup;
use model::graph::Change;
use model::plane::{Book, Plane};
use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::{Scene, VPC};

pub(crate) struct Edge {
    pub(crate) scene: Scene,
    pub(crate) plane: Arc<Plane>,
    balancers: Arc<Balancers>,
    runtime: tokio::runtime::Runtime,
    stop: watch::Sender<bool>,
}

/// A target: a server that tells what it was asked.
pub(crate) struct Upstream {
    pub(crate) port: u16,
    /// What it answers to `/health`.
    pub(crate) health: Arc<AtomicU16>,
    stop: watch::Sender<bool>,
    serving: tokio::task::JoinHandle<()>,
}

impl Upstream {
    /// When this returns, nothing listens and no connection is open.
    pub(crate) fn die(&self) {
        self.stop.send_replace(true);
        wait("the end of a target", || self.serving.is_finished().then_some(()));
    }
}

/// The address of every target in the network; they differ by their ports.
pub(crate) const ADDRESS: &str = "10.0.0.10";

impl Edge {
    pub(crate) fn new() -> Edge {
        let scene = Scene::new();
        let data = std::env::temp_dir();
        let plane = Arc::new(Plane {
            estate: scene.world.estate.clone(),
            book: Book::default(),
            data,
            root_pem: scene.world.estate.root_certificate().to_owned(),
        });
        plane.book.set_host(VPC, ADDRESS.parse().unwrap(), Some(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (stop, stopped) = watch::channel(false);
        let balancers = Balancers::new(Arc::clone(&plane));
        runtime.spawn(Arc::clone(&balancers).run(stopped));
        Edge { scene, plane, balancers, runtime, stop }
    }

    /// Lets what was made become active.
    pub(crate) fn settle(&self) {
        self.scene.world.run_jobs_until(self.scene.now());
    }

    pub(crate) fn upstream(&self, name: &'static str) -> Upstream {
        let health = Arc::new(AtomicU16::new(200));
        let listener = self.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let says = Arc::clone(&health);
        let (stop, mut stopped) = watch::channel(false);
        let serving = self.runtime.spawn(async move {
            let mut all = tokio::task::JoinSet::new();
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.unwrap().0,
                    _ = stopped.changed() => {
                        drop(listener);
                        return all.shutdown().await;
                    }
                };
                let says = Arc::clone(&says);
                all.spawn(async move {
                    let service = service_fn(move |request| told(name, Arc::clone(&says), request));
                    let builder = hyper::server::conn::http1::Builder::new();
                    let _ = builder.serve_connection(TokioIo::new(stream), service).with_upgrades().await;
                });
            }
        });
        Upstream { port, health, stop, serving }
    }

    /// A group with these upstreams, checked every second under `/health`.
    pub(crate) fn group(&self, name: &str, upstreams: &[&Upstream]) -> String {
        let arn = self.scene.group(name);
        let mut node = self.scene.world.estate.snapshot().find_arn::<TargetGroup>(&arn).unwrap().clone();
        (node.check.interval, node.check.timeout, node.check.healthy_threshold) = (1, 1, 2);
        node.check.path = "/health".to_owned();
        self.scene.world.change(vec![Change::Put(Arc::new(node))]);
        let targets: Vec<Json> = upstreams.iter().map(|u| json!({"Id": ADDRESS, "Port": u.port})).collect();
        if !targets.is_empty() {
            self.scene.call("RegisterTargets", json!({"TargetGroupArn": arn, "Targets": targets})).unwrap();
        }
        arn
    }

    /// No further check of the group's targets: how long a test takes decides nothing.
    pub(crate) fn rest(&self, group: &str) {
        let mut node = self.scene.world.estate.snapshot().find_arn::<TargetGroup>(group).unwrap().clone();
        (node.check.interval, node.check.unhealthy_threshold) = (300, 10);
        self.scene.world.change(vec![Change::Put(Arc::new(node))]);
    }

    /// Where a listener listens, once it does.
    pub(crate) fn socket(&self, listener: &str) -> SocketAddr {
        self.settle();
        wait("the listener's socket", || self.plane.book.socket(listener))
    }

    pub(crate) fn healths(&self, group: &str) -> Vec<String> {
        let found = self.scene.call("DescribeTargetHealth", json!({"TargetGroupArn": group})).unwrap();
        let one = |d: &Json| d["TargetHealth"]["State"].as_str().unwrap().to_owned();
        found["TargetHealthDescriptions"].as_array().unwrap().iter().map(one).collect()
    }

    pub(crate) fn until_health(&self, group: &str, expected: &[&str]) {
        self.settle();
        wait(&format!("health {expected:?}"), || (self.healths(group) == expected).then_some(()));
    }

    /// The shared port, as the runtime serves it.
    pub(crate) fn shared(&self) -> SocketAddr {
        let issuer = self.scene.world.estate.clone();
        let names = ["localhost".to_owned()];
        let resolver =
            OnDemand::new(move |n: &[String]| model::Host::certificate(&*issuer, n), &names).unwrap();
        let tls = Arc::new(listen::tls(Arc::new(resolver)).unwrap());
        let listener = self.runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let balancers = Arc::clone(&self.balancers);
        let answer = move |connection, request: hyper::Request<Incoming>| {
            let balancers = Arc::clone(&balancers);
            async move {
                let host = request.headers().get("host").unwrap().to_str().unwrap().to_owned();
                let host = host.split(':').next().unwrap().to_owned();
                balancers.answer(connection, request, host).await
            }
        };
        self.runtime.spawn(listen::serve(listener, tls, self.stop.subscribe(), answer));
        address
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
    }
}

/// Asks again until there is an answer.
pub(crate) fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

type Told = Response<Full<bytes::Bytes>>;

async fn told(
    name: &'static str,
    health: Arc<AtomicU16>,
    mut request: hyper::Request<Incoming>,
) -> Result<Told, std::convert::Infallible> {
    let path = request.uri().path().to_owned();
    if path == "/health" {
        let mut answer = Response::new(Full::default());
        *answer.status_mut() = StatusCode::from_u16(health.load(Ordering::Relaxed)).unwrap();
        return Ok(answer);
    }
    if path == "/slow" {
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    if request.headers().contains_key("upgrade") {
        let upgraded = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let (mut from, mut to) = tokio::io::split(TokioIo::new(upgraded.await.unwrap()));
            let _ = tokio::io::copy(&mut from, &mut to).await;
        });
        let answer =
            Response::builder().status(101).header("upgrade", "websocket").header("connection", "upgrade");
        return Ok(answer.body(Full::default()).unwrap());
    }
    let headers: serde_json::Map<String, Json> = request
        .headers()
        .keys()
        .map(|k| {
            let all: Vec<&str> = request.headers().get_all(k).iter().map(|v| v.to_str().unwrap()).collect();
            (k.to_string(), Json::from(all.join(" | ")))
        })
        .collect();
    let (method, query) = (request.method().to_string(), request.uri().query().map(str::to_owned));
    let body = request.into_body().collect().await.map(|b| b.to_bytes()).unwrap_or_default();
    let said = json!({"name": name, "method": method, "path": path, "query": query, "headers": headers, "length": body.len()});
    let mut answer =
        Response::builder().header("server", "upstream").header("connection", "x-hop").header("x-hop", "1");
    if path == "/echo" {
        answer = answer.header("content-type", "application/octet-stream");
        return Ok(answer.body(Full::new(body)).unwrap());
    }
    Ok(answer.body(Full::new(said.to_string().into())).unwrap())
}

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let named = |l: &&str| l.split_once(':').is_some_and(|(n, _)| n.eq_ignore_ascii_case(name));
        self.head.lines().find(named).map(|l| l.split_once(':').unwrap().1.trim().to_owned())
    }

    pub(crate) fn cookies(&self) -> Vec<String> {
        let cookie = |l: &str| {
            let (name, value) = l.split_once(':')?;
            name.eq_ignore_ascii_case("set-cookie")
                .then(|| value.trim().split(';').next().unwrap().to_owned())
        };
        self.head.lines().filter_map(cookie).collect()
    }

    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }
}

pub(crate) fn read(stream: &mut impl std::io::Read) -> Option<Answer> {
    let mut all = Vec::new();
    // An end without a TLS goodbye is an end.
    let _ = stream.read_to_end(&mut all);
    let at = all.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&all[..at]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, head, body: all[at + 4..].to_vec() })
}

/// Sends these bytes and reads until the end.
pub(crate) fn raw(at: SocketAddr, bytes: &str) -> Option<Answer> {
    let mut stream = TcpStream::connect(at).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(bytes.as_bytes()).ok()?;
    read(&mut stream)
}

/// A request with these further header lines.
pub(crate) fn ask(at: SocketAddr, line: &str, more: &[&str]) -> Answer {
    let host = if more.iter().any(|l| l.to_ascii_lowercase().starts_with("host:")) {
        ""
    } else {
        "Host: shop.example.com\r\n"
    };
    let more: String = more.iter().map(|l| format!("{l}\r\n")).collect();
    let text = format!("{line} HTTP/1.1\r\n{host}{more}Connection: close\r\n\r\n");
    raw(at, &text).unwrap_or_else(|| panic!("no answer to {line}"))
}
