//! Runs a real PostgreSQL for every database instance of the graph: makes its cluster,
//! starts it, follows what changes, restarts it when it dies, stops it, removes it. What
//! comes of it is reported to the service, which turns it into states.
//!
//! An engine listens on a Unix socket only, in a folder of mode 0700; where it lives and as
//! whom is said in `edge::database::home`. No engine outlives the runtime: a clean stop
//! stops it, and a process beside it that waits on a pipe of the runtime's stops it when
//! the runtime is killed. What is found running at a start all the same is stopped first.

mod cluster;
mod keeper;
mod program;
mod server;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::estate::rds::DbInstance;
use model::plane::Plane;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Says what to do where this machine has no PostgreSQL.
pub fn missing() -> Option<&'static str> {
    program::all().is_empty().then_some(program::MISSING)
}

/// Keeps the engines until `stop` changes.
pub(crate) async fn run(plane: Arc<Plane>, mut stop: watch::Receiver<bool>) {
    let mut keepers: BTreeMap<String, JoinHandle<()>> = BTreeMap::new();
    let mut snapshot = plane.estate.snapshot();
    loop {
        keepers.retain(|_, keeper| !keeper.is_finished());
        for instance in snapshot.all::<DbInstance>() {
            if !keepers.contains_key(&instance.resource_id) {
                let keeper = keeper::Keeper::new(Arc::clone(&plane), instance);
                keepers.insert(instance.resource_id.clone(), tokio::spawn(keeper.run(stop.clone())));
            }
        }
        tokio::select! {
            newer = plane.estate.newer(snapshot.version) => snapshot = newer,
            _ = stop.changed() => break,
        }
    }
    for (_, keeper) in keepers {
        let _ = keeper.await;
    }
}
