//! The log driver `awslogs`: a container's lines go to its log stream, by the execution role, once a
//! second. Lines that find no way are dropped in the end, as the driver's mode `non-blocking` does.

use std::sync::Arc;
use std::time::Duration;

use model::estate::ecs::{LogConfiguration, Task};
use model::plane::Plane;
use model::{Fault, Members, Value};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::sync::mpsc;

use super::role::{Execution, To};

const PAUSE: Duration = Duration::from_secs(1);
/// Lines that wait at most; and those of one call.
const WAITING: usize = 20_000;
const BATCH: usize = 5000;
const BATCH_BYTES: usize = 900_000;
/// A longer line is cut.
const LINE: usize = 250_000;

pub(crate) struct Stream {
    plane: Arc<Plane>,
    task: Task,
    role: Arc<Execution>,
    region: String,
    group: String,
    name: String,
}

pub(crate) type Line = (i64, String);

impl Stream {
    /// Makes the container's log stream. Who may not do that has no log, and then no task.
    pub(crate) async fn create(
        plane: Arc<Plane>,
        task: &Task,
        role: Arc<Execution>,
        container: &str,
        configuration: &LogConfiguration,
    ) -> Result<Stream, String> {
        let option = |name: &str| configuration.options.get(name).cloned().unwrap_or_default();
        let stream = Stream {
            plane,
            task: task.clone(),
            role,
            region: option("awslogs-region"),
            group: option("awslogs-group"),
            name: format!("{}/{container}/{}", option("awslogs-stream-prefix"), task.short_id()),
        };
        if option("awslogs-create-group") == "true" {
            let made = stream.call("CreateLogGroup", Members::default()).await;
            if let Err(fault) = made.or_else(|f| {
                if f.code == "ResourceAlreadyExistsException" { Ok(Value::Null) } else { Err(f) }
            }) {
                return Err(failed("group", &fault));
            }
        }
        let mut input = Members::default();
        input.push("logStreamName", stream.name.as_str());
        stream.call("CreateLogStream", input).await.map_err(|fault| failed("stream", &fault))?;
        Ok(stream)
    }

    async fn call(&self, operation: &str, mut input: Members) -> Result<Value, Fault> {
        input.push("logGroupName", self.group.as_str());
        let to = To { service: "logs", operation, region: &self.region };
        self.role.call(&self.plane, &self.task, to, Value::Map(input)).await
    }

    /// Sends lines until no more can come.
    pub(crate) async fn send(self, mut lines: mpsc::Receiver<Line>) {
        let mut waiting: Vec<Line> = Vec::new();
        loop {
            let more = lines.recv_many(&mut waiting, BATCH).await;
            while !waiting.is_empty() {
                self.flush(&mut waiting).await;
            }
            if more == 0 {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One call: sorted by time, within a call's limits. What is refused is lost.
    async fn flush(&self, waiting: &mut Vec<Line>) {
        waiting.sort_by_key(|(time, _)| *time);
        let mut size = 0;
        let fits = waiting.iter().take_while(|(_, line)| {
            size += line.len() + 26;
            size <= BATCH_BYTES
        });
        let count = fits.count().clamp(1, BATCH).min(waiting.len());
        let events = waiting.drain(..count).map(|(time, line)| {
            let mut event = Members::default();
            event.push("timestamp", time);
            event.push("message", line);
            Value::Map(event)
        });
        let mut input = Members::default();
        input.0.push(("logEvents".into(), Value::List(events.collect())));
        input.push("logStreamName", self.name.as_str());
        // The refusal itself is recorded, as of any call.
        let _ = self.call("PutLogEvents", input).await;
    }
}

fn failed(what: &str, fault: &Fault) -> String {
    format!(
        "ResourceInitializationError: failed to validate logger args: create {what} has been retried 1 times: failed to create Cloudwatch log {what}: {}: {} : exit status 1",
        fault.code, fault.message
    )
}

/// Reads a container's output line by line, to its log if it has one.
pub(crate) async fn read(plane: Arc<Plane>, output: impl AsyncRead + Unpin, to: Option<mpsc::Sender<Line>>) {
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        let text: String = text.trim_end_matches(['\n', '\r']).chars().take(LINE).collect();
        if let Some(to) = to.as_ref().filter(|_| !text.is_empty()) {
            // A full queue drops the line rather than hold the program up.
            let _ = to.try_send((plane.estate.now().0, text));
        }
    }
}

pub(crate) fn channel() -> (mpsc::Sender<Line>, mpsc::Receiver<Line>) {
    mpsc::channel(WAITING)
}
