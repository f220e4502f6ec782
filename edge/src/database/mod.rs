//! The front of databases: TLS, the IAM authentication token, the role it maps to.

use std::sync::Arc;

use model::plane::Plane;
use tokio::sync::watch;

/// Keeps a socket open for every database instance that is available.
pub async fn run(_plane: Arc<Plane>, mut stop: watch::Receiver<bool>) {
    let _ = stop.changed().await;
}
