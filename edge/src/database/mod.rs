//! The front of databases: who may become which user of which engine, and for how long.
//!
//! Each instance has a socket on loopback. A client negotiates TLS (the runtime's CA), names
//! its user and proves itself: members of `rds_iam` with an IAM token, for which
//! `rds-db:connect` is decided and recorded like any call; all others with their password by
//! SCRAM, which passes through to the engine. Then bytes are copied both ways, until the
//! client or the engine ends the session, or a commit takes away what it was let in by.
//!
//! How the front becomes an IAM user: it opens the engine's Unix socket in that user's name,
//! and the engine's `pg_hba.conf` trusts it for members of `rds_iam`. What guards this is
//! the socket's folder, mode 0700, which none but the engine's user (and root) enters. It was
//! chosen over the alternatives: to set a random password on the role would destroy its own
//! and write to the catalogue at each login; `SET SESSION AUTHORIZATION` from a superuser's
//! session can be undone by the client; a password of the front's would lie in files beside
//! the socket. A process of the same user could as well read the cluster's files or the
//! runtime's keys; that tasks are none is the business of their namespaces. Two things hold
//! besides: superusers and the runtime's own role are refused here whatever they prove (that
//! role proves itself by SCRAM even at the socket), and the engine's answer must be the one
//! that goes with the way the client was judged: an engine that trusts whom the front sent
//! by password, or asks whom it sent by token, is not gone on with.
//!
//! Never done here: reading or changing what a session says, logging passwords or tokens.

pub mod engine;
mod front;
pub mod home;
mod login;
mod message;
mod scram;
mod session;
mod token;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::estate::rds::DbInstance;
use model::plane::Plane;
use model::{Fault, Snapshot};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::ca;
use front::Front;

/// Keeps a socket open for every database instance, until `stop` changes.
pub async fn run(plane: Arc<Plane>, mut stop: watch::Receiver<bool>) {
    let mut fronts: BTreeMap<String, JoinHandle<()>> = BTreeMap::new();
    let mut tls = None;
    let mut snapshot = plane.estate.snapshot();
    loop {
        fronts.retain(|_, front| !front.is_finished());
        for instance in wanted(&snapshot) {
            if fronts.contains_key(&instance.resource_id) {
                continue;
            }
            // The certificate is made when it is first needed.
            let acceptor = match tls.clone().map_or_else(|| acceptor(&plane), Ok) {
                Ok(acceptor) => acceptor,
                Err(fault) => {
                    eprintln!("countersign: databases have no certificate: {fault}");
                    continue;
                }
            };
            tls = Some(acceptor.clone());
            let front = Arc::new(Front::new(Arc::clone(&plane), instance, acceptor));
            fronts.insert(instance.resource_id.clone(), tokio::spawn(front.serve(stop.clone())));
        }
        tokio::select! {
            newer = plane.estate.newer(snapshot.version) => snapshot = newer,
            _ = stop.changed() => break,
        }
    }
    for (_, front) in fronts {
        let _ = front.await;
    }
}

fn wanted(snapshot: &Snapshot) -> impl Iterator<Item = &DbInstance> {
    snapshot.all::<DbInstance>().filter(|i| i.status != "deleting")
}

fn acceptor(plane: &Plane) -> Result<TlsAcceptor, Fault> {
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let key = ca::certified(&plane.estate.certificate(&names)?)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let unable = |e: rustls::Error| Fault::internal(format!("databases cannot serve TLS: {e}"));
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unable)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(key)));
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
