//! Access logs: a line for each request, in AWS's form, put into the bucket that the load balancer
//! names, by the service that delivers logs. The bucket's policy decides whether it may.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use model::estate::elb::LoadBalancer;
use model::plane::{Asked, Plane};
use model::{Caller, Members, Timestamp, Value};

use super::Balancers;
use super::body::Watched;
use super::fleet::Front;
use super::serve::Client;
use crate::listen::Answer;

/// How often lines are delivered.
const EVERY: Duration = Duration::from_secs(60);
/// More lines than these wait for no delivery: the oldest are lost, and said to be.
const WAITING: usize = 100_000;
const DELIVERY: &str = "logdelivery.elasticloadbalancing.amazonaws.com";

/// What a line tells beside what is known at the start.
#[derive(Default)]
struct Told {
    rule: String,
    actions: Vec<&'static str>,
    group: String,
    targets: Vec<String>,
    target_statuses: Vec<u16>,
    sent_at: Option<Instant>,
    answered_at: Option<Instant>,
    status: u16,
    redirect: String,
    error: String,
}

/// One request and its answer, as the log tells of it.
pub(super) struct Exchange {
    inner: Arc<Inner>,
}

struct Inner {
    balancers: Arc<Balancers>,
    balancer: Arc<LoadBalancer>,
    begun: Instant,
    created: Timestamp,
    /// `type elb client`, and the request's own.
    kind: &'static str,
    client: String,
    request: String,
    agent: String,
    tls: (String, String),
    trace: String,
    domain: String,
    certificate: String,
    received: Arc<AtomicU64>,
    sent: Arc<AtomicU64>,
    told: Mutex<Told>,
}

impl Exchange {
    pub(super) fn begin<B>(
        balancers: &Arc<Balancers>,
        front: &Arc<Front>,
        client: &Client,
        request: &Request<B>,
        trace: &str,
    ) -> Exchange {
        let header = |name: http::HeaderName| {
            request.headers().get(name).and_then(|v| v.to_str().ok()).map_or_else(|| "-".to_owned(), escaped)
        };
        let scheme = if client.secure { "https" } else { "http" };
        let host = match header(http::header::HOST) {
            none if none == "-" => request.uri().host().unwrap_or("-").to_owned(),
            host => host,
        };
        let host = host.split(':').next().unwrap_or("-");
        let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
        let version = match request.version() {
            http::Version::HTTP_2 => "HTTP/2.0",
            http::Version::HTTP_10 => "HTTP/1.0",
            _ => "HTTP/1.1",
        };
        let kind = match (client.secure, request.version()) {
            (true, http::Version::HTTP_2) => "h2",
            (true, _) => "https",
            (false, _) => "http",
        };
        let tls = client.tls.as_ref();
        let or = |text: Option<&String>| text.cloned().unwrap_or_else(|| "-".to_owned());
        Exchange {
            inner: Arc::new(Inner {
                balancers: Arc::clone(balancers),
                balancer: Arc::clone(&front.balancer),
                begun: Instant::now(),
                created: balancers.plane.estate.now(),
                kind,
                client: client.peer.to_string(),
                request: format!(
                    "{} {scheme}://{host}:{}{} {version}",
                    request.method(),
                    front.listener.port,
                    escaped(path)
                ),
                agent: header(http::header::USER_AGENT),
                tls: (or(tls.map(|t| &t.cipher)), or(tls.map(|t| &t.version))),
                trace: format!("Root={trace}"),
                domain: or(tls.and_then(|t| t.server_name.as_ref())),
                certificate: or(tls.and_then(|t| t.certificate.as_ref())),
                received: Arc::default(),
                sent: Arc::default(),
                told: Mutex::default(),
            }),
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.inner.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn received(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.inner.received)
    }

    pub(super) fn matched(&self, rule: &str) {
        rule.clone_into(&mut self.told().rule);
    }

    pub(super) fn rule(&self) -> String {
        self.told().rule.clone()
    }

    pub(super) fn executed(&self, action: &'static str) {
        self.told().actions.push(action);
    }

    pub(super) fn target(&self, group: &str, target: &str) {
        let mut told = self.told();
        group.clone_into(&mut told.group);
        told.targets.push(target.to_owned());
        told.sent_at = Some(Instant::now());
    }

    pub(super) fn target_answered(&self, status: u16) {
        let mut told = self.told();
        told.target_statuses.push(status);
        told.answered_at = Some(Instant::now());
    }

    pub(super) fn redirect(&self, location: &str) {
        location.clone_into(&mut self.told().redirect);
    }

    pub(super) fn error(&self, reason: &str) {
        reason.clone_into(&mut self.told().error);
    }

    /// Counts the answer's body; the line is written when that is over.
    pub(super) fn answered(self, answer: Answer) -> Answer {
        self.told().status = answer.status().as_u16();
        let sent = Arc::clone(&self.inner.sent);
        // What the body itself takes too long for is judged where it comes from.
        let hour = Duration::from_secs(4000);
        answer.map(|body| Watched::new(body, hour).counting(sent).holding(self).boxed())
    }
}

/// The line is written when the answer is over; if there was none, the client had gone (460).
impl Drop for Exchange {
    fn drop(&mut self) {
        let inner = &self.inner;
        if inner.balancer.attributes.get("access_logs.s3.enabled").is_none_or(|e| e != "true") {
            return;
        }
        let line = inner.line();
        inner.balancers.log.add(&inner.balancer, line);
    }
}

impl Inner {
    fn line(&self) -> String {
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let or = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let seconds = |from: Option<Instant>, to: Option<Instant>| match (from, to) {
            (Some(from), Some(to)) => format!("{:.3}", to.duration_since(from).as_secs_f64()),
            _ => "-1".to_owned(),
        };
        let now = Some(Instant::now());
        let status = if told.status == 0 { 460 } else { told.status };
        let statuses: Vec<String> = told.target_statuses.iter().map(u16::to_string).collect();
        let resource = format!("app/{}/{}", self.balancer.name, self.balancer.id);
        let actions = if told.actions.is_empty() { "-".to_owned() } else { told.actions.join(",") };
        let ended = self.balancers.plane.estate.now();
        [
            self.kind.to_owned(),
            ended.to_rfc3339(),
            resource,
            self.client.clone(),
            told.targets.last().cloned().unwrap_or_else(|| "-".to_owned()),
            seconds(Some(self.begun), told.sent_at),
            seconds(told.sent_at, told.answered_at),
            seconds(told.answered_at, told.answered_at.and(now)),
            status.to_string(),
            statuses.last().cloned().unwrap_or_else(|| "-".to_owned()),
            self.received.load(Ordering::Relaxed).to_string(),
            self.sent.load(Ordering::Relaxed).to_string(),
            format!("\"{}\"", self.request),
            format!("\"{}\"", self.agent),
            self.tls.0.clone(),
            self.tls.1.clone(),
            or(&told.group),
            format!("\"{}\"", self.trace),
            format!("\"{}\"", self.domain),
            format!("\"{}\"", self.certificate),
            or(&told.rule).replace("default", "0"),
            self.created.to_rfc3339(),
            format!("\"{actions}\""),
            format!("\"{}\"", or(&told.redirect)),
            format!("\"{}\"", or(&escaped(&told.error))),
            format!("\"{}\"", or(&told.targets.join(" "))),
            format!("\"{}\"", or(&statuses.join(" "))),
            "\"-\"".to_owned(),
            "\"-\"".to_owned(),
            "TID_-".to_owned(),
        ]
        .join(" ")
    }
}

/// Without what would end a quoted field or a line.
fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            '"' => vec!['\\', 'x', '2', '2'],
            c if c.is_control() => vec!['-'],
            c => vec![c],
        })
        .collect()
}

/// Lines that wait for delivery, by load balancer.
#[derive(Default)]
pub(super) struct Log(Mutex<BTreeMap<String, Waiting>>);

struct Waiting {
    balancer: Arc<LoadBalancer>,
    lines: Vec<String>,
}

impl Log {
    fn add(&self, balancer: &Arc<LoadBalancer>, line: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = all
            .entry(balancer.arn())
            .or_insert_with(|| Waiting { balancer: Arc::clone(balancer), lines: Vec::new() });
        waiting.balancer = Arc::clone(balancer);
        if waiting.lines.len() < WAITING {
            waiting.lines.push(line);
        }
    }

    fn take(&self) -> Vec<Waiting> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_values().collect()
    }
}

/// Delivers until told to stop, and once more then.
pub(super) async fn deliver(balancers: Arc<Balancers>, mut stop: tokio::sync::watch::Receiver<bool>) {
    loop {
        let stopped = tokio::time::timeout(EVERY, stop.changed()).await.is_ok();
        for waiting in balancers.log.take() {
            put(&balancers.plane, &waiting).await;
        }
        if stopped {
            return;
        }
    }
}

async fn put(plane: &Plane, waiting: &Waiting) {
    let balancer = &waiting.balancer;
    let attribute = |name: &str| balancer.attributes.get(name).cloned().unwrap_or_default();
    let bucket = attribute("access_logs.s3.bucket");
    if bucket.is_empty() {
        return;
    }
    let key = key(plane, balancer, &attribute("access_logs.s3.prefix"));
    let mut input = Members::default();
    input.push("Bucket", bucket);
    input.push("Key", key);
    input.0.push(("Body".into(), Value::Body(model::Body::Memory(gzip(&waiting.lines)))));
    let asked = Asked {
        caller: Caller::service(DELIVERY, &balancer.account),
        service: "s3",
        operation: "PutObject",
        region: balancer.region.clone(),
        trace: plane.trace(),
        input: Value::Map(input),
    };
    // A bucket that refuses is seen in the record of this call; the lines are lost, as in AWS.
    let _ = plane.estate.ask(asked).await;
}

/// `PREFIX/AWSLogs/ACCOUNT/elasticloadbalancing/REGION/yyyy/mm/dd/ACCOUNT_elasticloadbalancing_REGION_app.NAME.ID_TIME_IP_RANDOM.log.gz`
fn key(plane: &Plane, balancer: &LoadBalancer, prefix: &str) -> String {
    let now = plane.estate.now();
    // `20260101T120000Z`; the name has no seconds.
    let basic = now.to_basic();
    let day: String = now.to_rfc3339().chars().take(10).collect::<String>().replace('-', "/");
    let minute: String = basic.chars().take(13).collect();
    let random: String = plane.uuid().chars().filter(|c| *c != '-').take(8).collect();
    let prefix = if prefix.is_empty() { String::new() } else { format!("{}/", prefix.trim_matches('/')) };
    let (account, region) = (&balancer.account, &balancer.region);
    format!(
        "{prefix}AWSLogs/{account}/elasticloadbalancing/{region}/{day}/{account}_elasticloadbalancing_{region}_app.{}.{}_{minute}Z_127.0.0.1_{random}.log.gz",
        balancer.name, balancer.id
    )
}

/// A gzip file whose blocks are stored, not compressed (RFC 1951, 3.2.4; RFC 1952).
fn gzip(lines: &[String]) -> Bytes {
    let mut text = lines.join("\n");
    text.push('\n');
    let mut file: Vec<u8> = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let mut blocks = text.as_bytes().chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        file.push(u8::from(blocks.peek().is_none()));
        file.extend_from_slice(&length.to_le_bytes());
        file.extend_from_slice(&(!length).to_le_bytes());
        let _ = file.write_all(block);
    }
    file.extend_from_slice(&crc32fast::hash(text.as_bytes()).to_le_bytes());
    let length = u32::try_from(text.len() & 0xffff_ffff).unwrap_or(0);
    file.extend_from_slice(&length.to_le_bytes());
    Bytes::from(file)
}
