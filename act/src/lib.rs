//! Carries out effects: what the graph says should run is started, watched and stopped.
#![allow(clippy::print_stderr, reason = "the loops have nowhere else to tell the operator")]

pub mod init;
pub mod mail;
mod tasks;

pub mod postgres;

use std::sync::Arc;

use model::plane::Plane;
use tokio::sync::watch;

/// Keeps tasks and database engines as the graph wants them, until `stop` changes; then stops them.
pub async fn run(plane: Arc<Plane>, stop: watch::Receiver<bool>) {
    tokio::join!(postgres::run(Arc::clone(&plane), stop.clone()), tasks::run(plane, stop));
}
