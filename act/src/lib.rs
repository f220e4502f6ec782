//! Carries out effects: what the graph says should run is started, watched and stopped.

use std::sync::Arc;

use model::plane::Plane;
use tokio::sync::watch;

/// Keeps tasks and database engines as the graph wants them, until `stop` changes; then stops them.
pub async fn run(_plane: Arc<Plane>, mut stop: watch::Receiver<bool>) {
    let _ = stop.changed().await;
}
