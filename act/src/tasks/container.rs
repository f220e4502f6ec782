//! One container while it lives: its process, its output, its health checks.

use std::sync::Arc;
use std::time::Duration;

use model::estate::ecs::HealthCheck;
use model::plane::Plane;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::logs::{self, Line};
use super::process::Process;
use crate::init::Spec;

/// What a container tells of itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    Started,
    CannotStart(String),
    Exited(i32),
    Healthy,
    Unhealthy,
}

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    Run,
    /// SIGTERM, and after this time SIGKILL.
    Stop(Duration),
}

/// What it is made of.
pub(crate) struct Container {
    pub(crate) index: usize,
    pub(crate) spec: Spec,
    pub(crate) check: Option<HealthCheck>,
    pub(crate) log: Option<mpsc::Sender<Line>>,
}

pub(crate) type Told = mpsc::UnboundedSender<(usize, News)>;

/// Output that descendants hold open is waited for so long after the end.
const LAST_WORDS: Duration = Duration::from_secs(2);

pub(crate) async fn run(plane: Arc<Plane>, own: Container, mut orders: watch::Receiver<Order>, told: Told) {
    let Container { index, spec, check, log } = own;
    let (mut process, (out, err)) = match Process::start(&spec).await {
        Ok(started) => started,
        Err(why) => {
            let _ = told.send((index, News::CannotStart(why)));
            return;
        }
    };
    let _ = told.send((index, News::Started));
    let readers = [
        tokio::spawn(logs::read(Arc::clone(&plane), out, log.clone())),
        tokio::spawn(logs::read(plane, err, log)),
    ];
    let health = check.map(|check| tokio::spawn(watch_health(index, spec, check, told.clone())));
    let mut deadline: Option<Instant> = None;
    let status = loop {
        let end = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            status = process.wait() => break status,
            changed = orders.changed(), if deadline.is_none() => {
                let order = *orders.borrow_and_update();
                // Where nobody is left who could end it, it ends now.
                let grace = match (changed, order) {
                    (Ok(()), Order::Run) => continue,
                    (Ok(()), Order::Stop(grace)) => grace,
                    (Err(_), _) => Duration::ZERO,
                };
                deadline = Some(Instant::now() + grace);
                process.terminate().await;
            }
            () = end => {
                process.kill();
                break process.wait().await;
            }
        }
    };
    if let Some(health) = health {
        health.abort();
    }
    let _ = tokio::time::timeout(LAST_WORDS, async {
        for reader in readers {
            let _ = reader.await;
        }
    })
    .await;
    let _ = told.send((index, News::Exited(status)));
}

/// Runs the health check as the container itself would, again and again.
async fn watch_health(index: usize, spec: Spec, check: HealthCheck, told: Told) {
    let seconds = |given: Option<i64>, or: u64| {
        Duration::from_secs(given.and_then(|s| u64::try_from(s).ok()).unwrap_or(or))
    };
    let Some(argv) = command(&check.command) else { return };
    let spec = Spec { argv, ..spec };
    let (interval, timeout) = (seconds(check.interval, 30), seconds(check.timeout, 5));
    let grace = Instant::now() + seconds(check.start_period, 0);
    let retries = check.retries.unwrap_or(3);
    let (mut failures, mut last) = (0, None);
    loop {
        tokio::time::sleep(interval).await;
        let healthy = tokio::time::timeout(timeout, probe(&spec)).await.unwrap_or(false);
        if healthy {
            failures = 0;
        } else if Instant::now() > grace {
            failures += 1;
        }
        let news = match (healthy, failures >= retries) {
            (true, _) => News::Healthy,
            (false, true) => News::Unhealthy,
            (false, false) => continue,
        };
        if last.as_ref() != Some(&news) {
            let _ = told.send((index, news.clone()));
            last = Some(news);
        }
    }
}

/// What runs of `CMD ...` or `CMD-SHELL ...`.
fn command(given: &[String]) -> Option<Vec<String>> {
    match given.split_first()? {
        (kind, rest) if kind == "CMD" => Some(rest.to_vec()),
        (kind, rest) if kind == "CMD-SHELL" => {
            Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), rest.join(" ")])
        }
        _ => None,
    }
}

async fn probe(spec: &Spec) -> bool {
    let Ok((mut process, (mut out, mut err))) = Process::start(spec).await else { return false };
    let (mut nowhere, mut nothing) = (tokio::io::sink(), tokio::io::sink());
    let (status, _, _) = tokio::join!(
        process.wait(),
        tokio::io::copy(&mut out, &mut nowhere),
        tokio::io::copy(&mut err, &mut nothing),
    );
    status == 0
}
