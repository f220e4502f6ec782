//! The data plane of application load balancers.

use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use model::plane::Plane;
use tokio::sync::watch;

use crate::listen::{Answer, Connection};
use crate::plain;

/// Keeps a socket open for every listener of every load balancer, and looks after the health of targets.
pub async fn run(_plane: Arc<Plane>, mut stop: watch::Receiver<bool>) {
    let _ = stop.changed().await;
}

/// Answers a request that came to the shared port under a load balancer's DNS name.
pub async fn answer(
    _plane: Arc<Plane>,
    _connection: Connection,
    _request: Request<Incoming>,
    _dns_name: String,
) -> Answer {
    plain::whole(503, "text/html", "<html><body>503 Service Temporarily Unavailable</body></html>")
}
