//! Runs the tasks that ECS wants: each a few processes on this machine, with a loopback address,
//! a user and a folder of its own. Decides nothing: what is to run is in the graph, and what came
//! of it goes back as reports. A task that cannot be kept apart from the rest is not started.

mod container;
mod definition;
mod desk;
mod folder;
mod image;
mod life;
mod logs;
mod metadata;
mod process;
mod report;
mod role;
mod secret;
mod slot;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::Snapshot;
use model::estate::ecs::Task;
use model::plane::Plane;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use desk::Desk;
use folder::Folders;
use life::{Life, Wish};
use slot::Slots;

/// How long tasks are given when the runtime ends.
const FAREWELL: Duration = Duration::from_secs(12);

/// What every task shares.
pub(crate) struct Ground {
    pub(crate) plane: Arc<Plane>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) slots: Slots,
    pub(crate) folders: Folders,
    /// Whether the kernel confines processes to files.
    pub(crate) confines: bool,
}

struct Running {
    wish: watch::Sender<Wish>,
    handle: JoinHandle<()>,
}

/// Keeps tasks as the graph wants them, until `stop` changes; then stops them.
pub(crate) async fn run(plane: Arc<Plane>, mut stop: watch::Receiver<bool>) {
    let ground = match Ground::new(plane).await {
        Ok(ground) => Arc::new(ground),
        Err(why) => {
            eprintln!("countersign: tasks cannot be run: {why}");
            return;
        }
    };
    let (ended, mut endings) = mpsc::unbounded_channel();
    let mut running: BTreeMap<String, Running> = BTreeMap::new();
    loop {
        let snapshot = ground.plane.estate.snapshot();
        turn(&ground, &snapshot, &mut running, &ended).await;
        tokio::select! {
            _ = ground.plane.estate.newer(snapshot.version) => {}
            Some(arn) = endings.recv() => {
                running.remove(&arn);
            }
            _ = stop.changed() => break,
        }
    }
    for task in running.values() {
        task.wish.send_replace(Wish::Leave);
    }
    let all = async {
        for task in running.into_values() {
            let _ = task.handle.await;
        }
    };
    let _ = tokio::time::timeout(FAREWELL, all).await;
    ground.folders.clear();
}

impl Ground {
    async fn new(plane: Arc<Plane>) -> Result<Ground, String> {
        let folders = Folders::new(&plane.data)?;
        let desk =
            Desk::open(Arc::clone(&plane)).await.map_err(|e| format!("no credentials can be given: {e}"))?;
        let slots = Slots::new(&*plane.estate);
        Ok(Ground { desk, slots, folders, confines: crate::init::landlock_available(), plane })
    }
}

/// Starts, stops and buries what has to be.
async fn turn(
    ground: &Arc<Ground>,
    snapshot: &Snapshot,
    running: &mut BTreeMap<String, Running>,
    ended: &mpsc::UnboundedSender<String>,
) {
    for task in snapshot.all::<Task>().filter(|t| t.status != "STOPPED") {
        let arn = task.arn();
        let leaving = task.desired == "STOPPED";
        match running.get(&arn) {
            // It is still wanted by the target groups while it is being deactivated.
            Some(running) if leaving && task.status != "DEACTIVATING" => {
                running.wish.send_if_modified(|wish| {
                    let news = *wish == Wish::Run;
                    if news {
                        *wish = Wish::Stop;
                    }
                    news
                });
            }
            Some(_) => {}
            None if !leaving && task.status == "PROVISIONING" => {
                let (wish, wishes) = watch::channel(Wish::Run);
                let (life, ended) = (Life::new(Arc::clone(ground), task.clone(), wishes), ended.clone());
                let handle = tokio::spawn(async move {
                    life.run().await;
                    let _ = ended.send(arn);
                });
                running.insert(task.arn(), Running { wish, handle });
            }
            // It ran in a runtime that has ended, or was to be stopped before it began.
            None => {
                let reason = match task.status.as_str() {
                    "PENDING" | "ACTIVATING" | "RUNNING" => "The host of the task has ended.",
                    _ => "The task was stopped before it ran.",
                };
                let told =
                    json!({"status": "STOPPED", "stopCode": "TerminationNotice", "stopReason": reason});
                if let Err(fault) = report::once(&ground.plane, task, told).await {
                    eprintln!("countersign: task `{}` cannot be reported: {fault}", task.id);
                }
            }
        }
    }
}
