//! The data plane of application load balancers: listeners' sockets, rules, targets and their
//! health. It serves what the graph says at this moment; what is deleted there is served no longer,
//! and connections that lean on it end. Internal load balancers are reached only through their
//! listeners' sockets, which the book names to those who may (API Gateway's VPC links).

mod body;
mod choice;
mod client;
mod fleet;
mod forward;
mod header;
mod health;
mod identity;
mod log;
mod page;
mod redirect;
mod rule;
mod serve;
mod socket;
mod tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use model::plane::Plane;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::listen::{Answer, Connection};
use fleet::{Fleet, Front, Target};
use serve::Client;

/// All load balancers of a runtime.
pub struct Balancers {
    plane: Arc<Plane>,
    fleet: watch::Sender<Arc<Fleet>>,
    client: Arc<client::Client>,
    log: log::Log,
}

/// What runs for a listener or a target.
#[derive(Default)]
struct Running {
    sockets: HashMap<String, (SocketAddr, JoinHandle<()>)>,
    checks: HashMap<(String, String, u16), JoinHandle<()>>,
}

impl Balancers {
    pub fn new(plane: Arc<Plane>) -> Arc<Balancers> {
        let (fleet, _) = watch::channel(Arc::default());
        Arc::new(Balancers {
            plane,
            fleet,
            client: client::Client::new(tls::to_targets()),
            log: log::Log::default(),
        })
    }

    fn fleet(&self) -> Arc<Fleet> {
        Arc::clone(&self.fleet.borrow())
    }

    fn changes(&self) -> watch::Receiver<Arc<Fleet>> {
        self.fleet.subscribe()
    }

    /// Keeps a socket open for every listener of every load balancer, and looks after the health of targets.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let logs = tokio::spawn(log::deliver(Arc::clone(&self), stop.clone()));
        let mut running = Running::default();
        let mut snapshot = self.plane.estate.snapshot();
        loop {
            let fleet = Arc::new(Fleet::of(&self.plane, &snapshot, &self.fleet()));
            // Before the fleet is shown: whoever sees a connection end finds that nobody listens there.
            let closed = self.close(&fleet, &mut running).await;
            self.fleet.send_replace(Arc::clone(&fleet));
            let opened = self.open(&fleet, &mut running).await;
            if closed || opened {
                self.tell(&running);
            }
            self.checks(&fleet, &mut running);
            let newer = self.plane.estate.newer(snapshot.version);
            snapshot = tokio::select! {
                newer = newer => newer,
                _ = stop.changed() => break,
            };
        }
        for (arn, (_, serving)) in running.sockets.drain() {
            self.plane.book.set_socket(&arn, None);
            serving.abort();
            let _ = serving.await;
        }
        for (_, check) in running.checks.drain() {
            check.abort();
        }
        // Connections that are still there lean on nothing any more.
        self.fleet.send_replace(Arc::default());
        let _ = logs.await;
    }

    /// Closes the sockets of listeners that are gone; says whether there were any.
    async fn close(&self, fleet: &Fleet, running: &mut Running) -> bool {
        let gone: Vec<String> =
            running.sockets.keys().filter(|a| !fleet.fronts.contains_key(*a)).cloned().collect();
        for arn in &gone {
            self.plane.book.set_socket(arn, None);
            if let Some((_, serving)) = running.sockets.remove(arn) {
                serving.abort();
                // An abort is only asked for; the socket is closed once the task has ended.
                let _ = serving.await;
            }
        }
        !gone.is_empty()
    }

    /// Opens a socket for each listener that has none; says whether it opened one.
    async fn open(self: &Arc<Self>, fleet: &Fleet, running: &mut Running) -> bool {
        let before = running.sockets.len();
        let new: Vec<String> =
            fleet.fronts.keys().filter(|a| !running.sockets.contains_key(*a)).cloned().collect();
        for arn in new {
            // Without a socket the listener is not reached; the next change of the graph tries again.
            let Ok((address, serving)) = socket::open(Arc::clone(self), arn.clone()).await else { continue };
            self.plane.book.set_socket(&arn, Some(address));
            running.sockets.insert(arn, (address, serving));
        }
        before != running.sockets.len()
    }

    /// Writes where each listener listens, for people who want to connect to one themselves.
    fn tell(&self, running: &Running) {
        let sockets: std::collections::BTreeMap<&String, String> =
            running.sockets.iter().map(|(arn, (address, _))| (arn, address.to_string())).collect();
        if let Ok(text) = serde_json::to_vec_pretty(&sockets) {
            let _ = std::fs::write(self.plane.data.join("listeners.json"), text);
        }
    }

    fn checks(self: &Arc<Self>, fleet: &Fleet, running: &mut Running) {
        running.checks.retain(|_, check| !check.is_finished());
        for group in fleet.groups.values().filter(|g| g.used) {
            for member in &group.members {
                let key = (group.arn.clone(), member.target.id.clone(), member.target.port);
                if running.checks.contains_key(&key) {
                    continue;
                }
                let check = health::keep(
                    Arc::clone(&self.plane),
                    self.changes(),
                    Arc::clone(&self.client),
                    group.arn.clone(),
                    Arc::clone(&member.target),
                );
                running.checks.insert(key, tokio::spawn(check));
            }
        }
    }

    /// Ends when what an exchange leans on is gone: its listener, the certificate it came under, its target.
    fn ended(
        &self,
        listener: &str,
        client: &Client,
        target: &Arc<Target>,
    ) -> impl Future<Output = ()> + Send + Sync + use<> {
        let (mut fleet, mut gone, arn) = (self.changes(), target.gone.subscribe(), listener.to_owned());
        let (shared, shown) = (client.shared, client.tls.as_ref().and_then(|t| t.certificate.clone()));
        async move {
            let over = |fleet: &Arc<Fleet>| {
                fleet.fronts.get(&arn).is_none_or(|f| !shared && !f.still_serves(shown.as_deref()))
            };
            tokio::select! {
                _ = fleet.wait_for(over) => {}
                _ = gone.wait_for(|gone| *gone) => {}
            }
        }
    }

    /// Whether requests reach this target: it is healthy, or nothing sends to its group.
    pub fn answers(&self, group: &str, id: &str, port: u16) -> bool {
        let fleet = self.fleet();
        let Some(group) = fleet.groups.get(group) else { return false };
        let mut members = group.members.iter().filter(|m| m.target.id == id && m.target.port == port);
        !group.used || members.any(|m| m.target.health.state() == health::State::Healthy)
    }

    /// Answers a request that came to the shared port under a load balancer's DNS name. There the
    /// handshake was not the listener's own: what a listener wants of handshakes beyond the usual
    /// is not met there, and the request is refused.
    pub async fn answer(
        self: Arc<Self>,
        connection: Connection,
        request: Request<Incoming>,
        dns_name: String,
    ) -> Answer {
        let fleet = self.fleet();
        let Some(front) = fleet.named(&dns_name, connection.secure).cloned() else {
            return page::error(503);
        };
        if !front.open_to_all() {
            return page::error(403);
        }
        let client = Client { peer: connection.peer, secure: connection.secure, tls: None, shared: true };
        serve::answer(&self, &front, &client, request).await
    }
}

impl Front {
    /// Whether the usual handshake is all that the listener wants.
    fn open_to_all(&self) -> bool {
        let Some(tls) = &self.tls else { return true };
        let policy = self.listener.ssl_policy.as_deref().and_then(model::estate::elb::ssl_policy);
        tls.config.is_some()
            && tls.certificates.has_default()
            && !self.mutual()
            && policy.is_some_and(|p| p.tls12)
    }

    /// Whether the certificate that a connection was shown is still the listener's.
    fn still_serves(&self, shown: Option<&str>) -> bool {
        match (&self.tls, shown) {
            (None, None) => true,
            (Some(tls), Some(arn)) => tls.config.is_some() && tls.certificates.has(arn),
            _ => false,
        }
    }
}
