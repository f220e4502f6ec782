//! Tells ECS what became of a task.

use std::time::Duration;

use model::Fault;
use model::estate::ecs::Task;
use model::plane::{Plane, Report};
use serde_json::{Value as Json, json};

/// Between two attempts to report.
const AGAIN: Duration = Duration::from_millis(500);
const ATTEMPTS: u32 = 20;

pub(crate) async fn once(plane: &Plane, task: &Task, news: Json) -> Result<(), Fault> {
    let mut payload = json!({"task": task.id});
    if let (Json::Object(payload), Json::Object(news)) = (&mut payload, news) {
        payload.extend(news);
    }
    let report = Report {
        service: "ecs",
        job: "Observe",
        account: task.account.clone(),
        region: task.region.clone(),
        payload,
    };
    plane.estate.report(report).await.map(|_| ())
}

/// The same, again and again while it fails: what is not reported would look alive.
pub(crate) async fn surely(plane: &Plane, task: &Task, news: Json) {
    for attempt in 1..=ATTEMPTS {
        match once(plane, task, news.clone()).await {
            Ok(()) => return,
            Err(fault) if attempt == ATTEMPTS => {
                eprintln!("countersign: task `{}` cannot be reported: {fault}", task.id);
            }
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}
