//! A session after its login: bytes both ways, for as long as what it was let in by holds.
//! Revocation is a commit: each newer snapshot is asked again.

use std::sync::Arc;
use std::time::Duration;

use model::decision::{Decision, Request};
use model::estate::iam::AccessKey;
use model::event::Enforced;
use model::plane::Journey;
use model::{Caller, Snapshot};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::sync::watch;

use super::front::Front;
use super::message::Duplex;

pub(super) struct Session {
    pub(super) client: Box<dyn Duplex>,
    pub(super) engine: UnixStream,
    pub(super) standing: Standing,
    pub(super) journey: Journey,
    pub(super) user: String,
    /// The engine's process and its secret, as the client knows them.
    pub(super) key: Vec<u8>,
}

/// By what a session was let in.
pub(super) struct Standing {
    /// The snapshot that was judged by.
    pub(super) version: u64,
    /// What IAM allowed, for members of `rds_iam`.
    pub(super) request: Option<Arc<Request>>,
}

/// How long a session may take to end by itself once the engine or the runtime stops.
const FAREWELL: Duration = Duration::from_secs(2);

pub(super) async fn run(front: &Arc<Front>, mut session: Session, mut stop: watch::Receiver<bool>) {
    let key = std::mem::take(&mut session.key);
    let Session { client, engine, standing, journey, user, .. } = &mut session;
    let ended = {
        let copying = relay(client, engine);
        tokio::pin!(copying);
        tokio::select! {
            () = &mut copying => None,
            reason = revoked(front, standing) => Some(reason),
            _ = stop.changed() => {
                // The engine is being stopped, and says so itself.
                let _ = tokio::time::timeout(FAREWELL, copying).await;
                None
            }
        }
    };
    front.forget_key(&key);
    let _ = tokio::time::timeout(Duration::from_millis(100), client.shutdown()).await;
    let Some(reason) = ended else { return };
    let enforced = Enforced {
        point: "database".to_owned(),
        resource: front.arn.clone(),
        subject: user.clone(),
        action: "session".to_owned(),
        allowed: false,
        reason,
        layers: Vec::new(),
        facts: json!({}),
    };
    let _ = front.plane.enforced(journey, enforced);
    drop(session);
    terminate(front, &key).await;
}

/// Copies both ways until the engine has said its last; a client that has said its own waits for it.
async fn relay(client: &mut Box<dyn Duplex>, engine: &mut UnixStream) {
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_engine, mut to_engine) = engine.split();
    let inward = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_engine).await;
        let _ = to_engine.shutdown().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        _ = tokio::io::copy(&mut from_engine, &mut to_client) => {}
        () = inward => {}
    }
}

/// A statement that runs does not notice that its client is gone: its process is ended.
async fn terminate(front: &Front, key: &[u8]) {
    let Some(process) = key.first_chunk::<4>().map(|p| u32::from_be_bytes(*p)) else { return };
    let end = format!("SELECT pg_terminate_backend({process})");
    let _ = tokio::time::timeout(FAREWELL, front.ask(&end)).await;
}

/// Waits until what let the session in no longer holds; says what that was.
async fn revoked(front: &Front, standing: &Standing) -> String {
    let mut version = standing.version;
    loop {
        let snapshot = front.plane.estate.newer(version).await;
        version = snapshot.version;
        if let Some(reason) = fallen(front, standing, &snapshot) {
            return reason;
        }
    }
}

fn fallen(front: &Front, standing: &Standing, snapshot: &Snapshot) -> Option<String> {
    let Some(instance) = front.instance(snapshot).filter(|i| i.serves(snapshot)) else {
        return Some("the instance is no longer available".to_owned());
    };
    let request = standing.request.as_ref()?;
    if !instance.iam_authentication {
        return Some("IAM authentication was turned off".to_owned());
    }
    if !key_active(snapshot, &request.caller) {
        return Some("the access key was deactivated".to_owned());
    }
    let again = Request { time: front.plane.estate.now(), ..Request::clone(request) };
    match front.plane.estate.authorize(snapshot, &again) {
        Decision::Allowed(_) => None,
        Decision::Denied(why) => Some(why.message),
    }
}

/// Temporary credentials have no key of their own to look at: their role's permissions are looked at.
fn key_active(snapshot: &Snapshot, caller: &Caller) -> bool {
    match (&caller.access_key, &caller.session) {
        (Some(id), None) => {
            snapshot.find_named::<AccessKey>(&format!("access-key/{id}")).is_some_and(|key| key.active)
        }
        _ => true,
    }
}
