//! The socket of one instance: accepts, encrypts, and hands each connection to its login.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use model::estate::rds::DbInstance;
use model::plane::{Plane, Report};
use model::{AccountId, Snapshot};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::engine::{Administrator, EngineError, Rows};
use super::home::Home;
use super::{login, session};

/// Connections to one instance at one time, those that log in included; more are closed.
const CONNECTIONS: usize = 512;
/// Sessions have this long to end when the runtime stops.
const FAREWELL: Duration = Duration::from_secs(3);
/// Between two attempts at a port that is taken.
const AGAIN: Duration = Duration::from_millis(500);

/// What the connections of one instance share.
pub(super) struct Front {
    pub(super) plane: Arc<Plane>,
    pub(super) arn: String,
    pub(super) resource_id: String,
    pub(super) account: AccountId,
    pub(super) region: String,
    pub(super) home: Home,
    pub(super) tls: TlsAcceptor,
    administrator: tokio::sync::Mutex<Option<Administrator>>,
    /// The keys by which sessions can be told to cancel their statement.
    keys: Mutex<HashSet<Vec<u8>>>,
}

impl Front {
    pub(super) fn new(plane: Arc<Plane>, instance: &DbInstance, tls: TlsAcceptor) -> Front {
        Front {
            home: Home::of(&plane.data, &instance.resource_id),
            plane,
            arn: instance.arn(),
            resource_id: instance.resource_id.clone(),
            account: instance.account.clone(),
            region: instance.region.clone(),
            tls,
            administrator: tokio::sync::Mutex::default(),
            keys: Mutex::default(),
        }
    }

    /// The instance as it is now, if it is still the same one.
    pub(super) fn instance<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a DbInstance> {
        snapshot.find_arn::<DbInstance>(&self.arn).filter(|i| i.resource_id == self.resource_id)
    }

    /// Asks the engine as the runtime's own role, on a session that is kept for the next question.
    pub(super) async fn ask(&self, sql: &str) -> Result<Rows, EngineError> {
        let mut kept = self.administrator.lock().await;
        if let Some(mut session) = kept.take() {
            match session.query(sql).await {
                // The engine was restarted since: once more, on a new session.
                Err(EngineError::Away(_)) => {}
                outcome => {
                    *kept = Some(session);
                    return outcome;
                }
            }
        }
        let password = self.home.password(&*self.plane.estate);
        let password = password.map_err(|why| EngineError::Away(std::io::Error::other(why)))?;
        let mut random = [0; 18];
        self.plane.estate.random(&mut random);
        let mut session = Administrator::connect(&self.home, &password, "rdsadmin", random).await?;
        let outcome = session.query(sql).await;
        *kept = Some(session);
        outcome
    }

    pub(super) fn keep_key(&self, key: Vec<u8>) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
    }

    pub(super) fn forget_key(&self, key: &[u8]) {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    pub(super) fn has_key(&self, key: &[u8]) -> bool {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    /// Tells the service where the instance listens.
    async fn tell(&self, port: u16) -> Result<(), String> {
        let report = Report {
            service: "rds",
            job: "Listening",
            account: self.account.clone(),
            region: self.region.clone(),
            payload: json!({"arn": self.arn, "resource": self.resource_id, "port": port}),
        };
        self.plane.estate.report(report).await.map(|_| ()).map_err(|fault| fault.message)
    }

    /// Listens on the port that the instance has; on the one asked for, or a free one, if it has none yet.
    async fn listen(&self) -> Option<(TcpListener, u16)> {
        let mut told = false;
        loop {
            let snapshot = self.plane.estate.snapshot();
            let instance = self.instance(&snapshot)?;
            let fixed = instance.endpoint_port;
            let at = |port: u16| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
            let bound = match (at(fixed.unwrap_or(instance.port)).await, fixed) {
                (Err(_), None) => at(0).await,
                (bound, _) => bound,
            };
            let port = bound.as_ref().ok().and_then(|l| l.local_addr().ok()).map(|a| a.port());
            match (bound, port) {
                (Ok(listener), Some(port)) if fixed == Some(port) || self.tell(port).await.is_ok() => {
                    return Some((listener, port));
                }
                (Err(error), _) if !told => {
                    // Clients and tokens know the port: it is waited for, not exchanged.
                    let port = fixed.unwrap_or_default();
                    eprintln!("countersign: `{}` waits for its port {port}: {error}", self.arn);
                    told = true;
                }
                _ => {}
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Serves until the instance is gone, or `stop` changes.
    pub(super) async fn serve(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            let listening = tokio::select! {
                listening = self.listen() => listening,
                _ = stop.changed() => None,
            };
            let Some((listener, port)) = listening else { break };
            let again = self.accept(&listener, port, &room, &mut connections, &mut stop).await;
            self.plane.book.set_socket(&self.arn, None);
            if !again {
                break;
            }
        }
        let all = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(FAREWELL, all).await;
    }

    /// Accepts on one port; `true` when the instance is to have another.
    async fn accept(
        self: &Arc<Self>,
        listener: &TcpListener,
        port: u16,
        room: &Arc<Semaphore>,
        connections: &mut JoinSet<()>,
        stop: &mut watch::Receiver<bool>,
    ) -> bool {
        let mut snapshot = self.plane.estate.snapshot();
        loop {
            let Some(instance) = self.instance(&snapshot) else { return false };
            if instance.endpoint_port != Some(port) {
                return true;
            }
            let open = instance.serves(&snapshot);
            let at = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            self.plane.book.set_socket(&self.arn, open.then_some(at));
            let version = snapshot.version;
            tokio::select! {
                newer = self.plane.estate.newer(version) => snapshot = newer,
                _ = stop.changed() => return false,
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        while connections.try_join_next().is_some() {}
                        let Ok(place) = Arc::clone(room).try_acquire_owned() else { continue };
                        let (front, stop) = (Arc::clone(self), stop.clone());
                        connections.spawn(async move {
                            front.connection(stream, peer, port, stop).await;
                            drop(place);
                        });
                    }
                    // Out of file descriptors, most likely: wait for some to be freed.
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                },
            }
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        port: u16,
        stop: watch::Receiver<bool>,
    ) {
        let _ = stream.set_nodelay(true);
        let attempt = login::attempt(&self, stream, peer, port);
        let Ok(Some(session)) = tokio::time::timeout(login::PATIENCE, attempt).await else { return };
        session::run(&self, session, stop).await;
    }
}
