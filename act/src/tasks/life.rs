//! The life of one task, from its image to its last report.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use model::estate::ecs::{self, Task, TaskDefinition};
use serde_json::{Value as Json, json};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::container::{self, Container, News, Order};
use super::folder::Folder;
use super::role::Execution;
use super::slot::Slot;
use super::{Ground, definition, image, logs, report, secret};
use crate::init::Spec;

/// What the runtime wants of a task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wish {
    Run,
    Stop,
    /// The runtime itself ends.
    Leave,
}

/// Given to containers that say nothing of it, in seconds; and at most when the runtime ends.
const STOP_TIMEOUT: u64 = 30;
const LEAVE_TIMEOUT: u64 = 8;
/// Seconds that a container may wait for another that says nothing of it.
const START_TIMEOUT: u64 = 180;

pub(crate) struct Life {
    ground: Arc<Ground>,
    task: Task,
    wishes: watch::Receiver<Wish>,
}

/// Why a task ended: its stop code, and its reason.
struct End(&'static str, String);

fn failed_to_start(why: impl Into<String>) -> End {
    End("TaskFailedToStart", why.into())
}

/// A container, ready to run.
struct Prepared {
    definition: ecs::Container,
    spec: Spec,
    log: Option<mpsc::Sender<logs::Line>>,
}

/// A container and what is known of it.
struct Member {
    definition: ecs::Container,
    container: Option<Container>,
    orders: watch::Sender<Order>,
    runtime_id: String,
    launched: bool,
    started: bool,
    exit: Option<i32>,
    health: &'static str,
    reason: Option<String>,
}

impl Life {
    pub(crate) fn new(ground: Arc<Ground>, task: Task, wishes: watch::Receiver<Wish>) -> Life {
        Life { ground, task, wishes }
    }

    pub(crate) async fn run(mut self) {
        report::surely(&self.ground.plane, &self.task, json!({"status": "PENDING"})).await;
        let Some(slot) = self.ground.slots.take() else {
            let end = failed_to_start("ResourceInitializationError: this machine has no address left");
            return self.bury(end, Vec::new()).await;
        };
        let folder = self.ground.folders.make(self.task.short_id(), &self.ground.plane.root_pem);
        let (end, containers) = match folder {
            Ok(folder) => {
                let lived = self.with_folder(slot, &folder).await;
                folder.remove();
                lived
            }
            Err(why) => (failed_to_start(format!("ResourceInitializationError: {why}")), Vec::new()),
        };
        self.ground.slots.give_back(slot);
        self.bury(end, containers).await;
    }

    async fn bury(&self, end: End, containers: Vec<Json>) {
        let told =
            json!({"status": "STOPPED", "stopCode": end.0, "stopReason": end.1, "containers": containers});
        report::surely(&self.ground.plane, &self.task, told).await;
    }

    async fn with_folder(&mut self, slot: Slot, folder: &Folder) -> (End, Vec<Json>) {
        let mut senders = Vec::new();
        let mut wishes = self.wishes.clone();
        let prepared = tokio::select! {
            prepared = self.prepare(slot, folder, &mut senders) => prepared,
            // A start that is no longer wanted need not be finished.
            end = left(&mut wishes) => Err(end),
        };
        let lived = match prepared {
            Ok(containers) => {
                let host = self.task.interface.private_ip.parse::<IpAddr>().ok();
                let vpc = self.task.interface.vpc.clone();
                if let Some(host) = host {
                    self.ground.plane.book.set_host(&vpc, host, Some(IpAddr::V4(slot.address)));
                }
                let lived = self.live(containers).await;
                if let Some(host) = host {
                    self.ground.plane.book.set_host(&vpc, host, None);
                }
                lived
            }
            Err(end) => (end, Vec::new()),
        };
        self.ground.desk.dismiss(&self.task);
        // The last lines, as long as the runtime has time for them.
        let sent = async {
            for sender in senders {
                let _ = sender.await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(5), sent).await;
        lived
    }

    /// Images, folder, secrets, logs: all that must be there before the first process is.
    async fn prepare(
        &self,
        slot: Slot,
        folder: &Folder,
        senders: &mut Vec<JoinHandle<()>>,
    ) -> Result<Vec<Prepared>, End> {
        let (definition, containers) = definition::containers(&self.ground.plane, &self.task)
            .map_err(|f| failed_to_start(format!("ResourceInitializationError: {}", f.message)))?;
        let writable = containers.iter().all(|c| !c.readonly_root_filesystem);
        self.may_run_here(&definition, writable).map_err(failed_to_start)?;
        let images = PathBuf::from(&self.ground.plane.estate.settings().images);
        let mut programs = BTreeMap::new();
        for container in &containers {
            let program = image::find(&images, &container.image).map_err(failed_to_start)?;
            let name = image::name(&container.image).unwrap_or_default().to_owned();
            if !programs.contains_key(&name) {
                let failed = |why| failed_to_start(format!("CannotPullContainerError: {why}"));
                programs.insert(name.clone(), folder.pull(&program, &name).map_err(failed)?);
            }
        }
        folder
            .hand_over(slot, writable)
            .map_err(|why| failed_to_start(format!("ResourceInitializationError: {why}")))?;
        let role = self.task.execution_role.as_deref().map(|r| Arc::new(Execution::new(r)));
        let mut prepared = Vec::new();
        for container in containers {
            let spec = self.spec(&container, slot, folder, writable, role.as_deref()).await;
            let spec = spec.map_err(failed_to_start)?;
            let log = self.log(&container, role.as_ref(), senders).await.map_err(failed_to_start)?;
            prepared.push(Prepared { definition: container, spec, log });
        }
        Ok(prepared)
    }

    /// A task that cannot be kept from the runtime's own files does not run.
    fn may_run_here(&self, definition: &TaskDefinition, writable: bool) -> Result<(), String> {
        let privileged = rustix::process::geteuid().is_root();
        if !self.ground.confines && (!privileged || !writable) {
            return Err("ResourceInitializationError: this machine cannot confine the task to its files: it needs a kernel with Landlock (5.13 or later)".to_owned());
        }
        let architecture = match std::env::consts::ARCH {
            "aarch64" => "ARM64",
            _ => "X86_64",
        };
        match definition.architecture.as_deref() {
            Some(wanted) if wanted != architecture => Err(format!(
                "CannotPullContainerError: image manifest does not contain a descriptor matching platform `linux/{wanted}`: this machine is {architecture}"
            )),
            _ => Ok(()),
        }
    }

    async fn spec(
        &self,
        container: &ecs::Container,
        slot: Slot,
        folder: &Folder,
        writable: bool,
        role: Option<&Execution>,
    ) -> Result<Spec, String> {
        let mut environment = self.surroundings(container, slot, folder, writable);
        for variable in &container.environment {
            environment.insert(variable.name.clone(), variable.value.clone());
        }
        for wanted in &container.secrets {
            let role = role.ok_or("ResourceInitializationError: secrets need an execution role")?;
            let value = secret::fetch(&self.ground.plane, &self.task, role, wanted).await?;
            environment.insert(wanted.name.clone(), value);
        }
        let name = image::name(&container.image).unwrap_or_default();
        let mut argv = container.entry_point.clone();
        if argv.is_empty() {
            argv.push(folder.path().join("bin").join(name).display().to_string());
        }
        argv.extend(container.command.iter().cloned());
        let files = container.ulimits.iter().find(|l| l.name == "nofile");
        let count = |n: i64| u64::try_from(n).unwrap_or(0);
        Ok(Spec {
            argv,
            environment: environment.into_iter().collect(),
            folder: folder.path().to_owned(),
            writable,
            user: slot.user,
            files: files.map(|l| (count(l.soft_limit), count(l.hard_limit))),
            confined: self.ground.confines,
            parent: 0,
        })
    }

    /// What a container is told beside what its definition says; nothing of the runtime's own environment.
    fn surroundings(
        &self,
        container: &ecs::Container,
        slot: Slot,
        folder: &Folder,
        writable: bool,
    ) -> BTreeMap<String, String> {
        let pass = self.ground.desk.admit(&self.task, &container.name);
        let ca = folder.ca().display().to_string();
        let mut all = BTreeMap::from([
            ("AWS_REGION".to_owned(), self.task.region.clone()),
            ("AWS_DEFAULT_REGION".to_owned(), self.task.region.clone()),
            ("AWS_ENDPOINT_URL".to_owned(), self.ground.plane.estate.settings().endpoint.clone()),
            ("AWS_CA_BUNDLE".to_owned(), ca.clone()),
            ("SSL_CERT_FILE".to_owned(), ca),
            ("AWS_EXECUTION_ENV".to_owned(), "AWS_ECS_FARGATE".to_owned()),
            ("ECS_CONTAINER_METADATA_URI_V4".to_owned(), pass.metadata()),
            ("TASK_ADDRESS".to_owned(), slot.address.to_string()),
            ("PATH".to_owned(), folder.search_path()),
            ("HOME".to_owned(), folder.path().display().to_string()),
        ]);
        if writable {
            all.insert("TMPDIR".to_owned(), folder.path().join("tmp").display().to_string());
        }
        if self.task.task_role.is_some() {
            all.insert("AWS_CONTAINER_CREDENTIALS_FULL_URI".to_owned(), pass.credentials());
            all.insert("AWS_CONTAINER_AUTHORIZATION_TOKEN".to_owned(), pass.token.clone());
        }
        all
    }

    async fn log(
        &self,
        container: &ecs::Container,
        role: Option<&Arc<Execution>>,
        senders: &mut Vec<JoinHandle<()>>,
    ) -> Result<Option<mpsc::Sender<logs::Line>>, String> {
        let Some(configuration) = &container.log_configuration else { return Ok(None) };
        let role =
            role.ok_or("ResourceInitializationError: the log driver awslogs needs an execution role")?;
        let plane = Arc::clone(&self.ground.plane);
        let stream =
            logs::Stream::create(plane, &self.task, Arc::clone(role), &container.name, configuration).await?;
        let (sender, lines) = logs::channel();
        senders.push(tokio::spawn(stream.send(lines)));
        Ok(Some(sender))
    }

    /// Runs the containers until the task ends.
    async fn live(&mut self, prepared: Vec<Prepared>) -> (End, Vec<Json>) {
        let (told, mut news) = mpsc::unbounded_channel();
        let mut members = self.members(prepared);
        let mut running = false;
        let begun = Instant::now();
        let end = loop {
            self.start_ready(&mut members, &told);
            if let Some(end) = ended(&members, begun) {
                break end;
            }
            if !running && members.iter().all(|m| m.started) {
                running = true;
                let told = json!({"status": "RUNNING", "containers": seen(&members)});
                report::surely(&self.ground.plane, &self.task, told).await;
            }
            tokio::select! {
                Some((index, what)) = news.recv() => {
                    let worth_telling = members.get_mut(index).is_some_and(|m| m.hear(what)) && running;
                    if worth_telling && ended(&members, begun).is_none() {
                        let told = json!({"containers": seen(&members)});
                        report::surely(&self.ground.plane, &self.task, told).await;
                    }
                }
                end = left(&mut self.wishes) => break end,
                // Some container waits for another, which has its time.
                () = tokio::time::sleep(Duration::from_secs(1)), if !running => {}
            }
        };
        self.stop_all(&mut members, &mut news).await;
        (end, seen(&members))
    }

    fn members(&self, prepared: Vec<Prepared>) -> Vec<Member> {
        let member = |(index, own): (usize, Prepared)| {
            let check = own.definition.health_check.clone();
            Member {
                container: Some(Container { index, spec: own.spec, check, log: own.log }),
                orders: watch::channel(Order::Run).0,
                runtime_id: format!("{}-{:010}", self.task.short_id(), index + 1),
                definition: own.definition,
                launched: false,
                started: false,
                exit: None,
                health: "UNKNOWN",
                reason: None,
            }
        };
        prepared.into_iter().enumerate().map(member).collect()
    }

    /// Starts the containers whose dependencies are as they should be.
    fn start_ready(&self, members: &mut [Member], told: &container::Told) {
        let ready: Vec<usize> = members
            .iter()
            .enumerate()
            .filter(|(_, m)| m.container.is_some())
            .filter(|(_, m)| m.definition.depends_on.iter().all(|d| met(members, d)))
            .map(|(index, _)| index)
            .collect();
        for index in ready {
            if let Some(member) = members.get_mut(index)
                && let Some(own) = member.container.take()
            {
                let plane = Arc::clone(&self.ground.plane);
                member.launched = true;
                tokio::spawn(container::run(plane, own, member.orders.subscribe(), told.clone()));
            }
        }
    }

    /// SIGTERM to all, SIGKILL to those that take too long; comes back when all have ended.
    async fn stop_all(&self, members: &mut [Member], news: &mut mpsc::UnboundedReceiver<(usize, News)>) {
        let leaving = *self.wishes.borrow() == Wish::Leave;
        for member in members.iter() {
            let own = member.definition.stop_timeout.and_then(|t| u64::try_from(t).ok());
            let seconds = own.unwrap_or(STOP_TIMEOUT);
            let seconds = if leaving { seconds.min(LEAVE_TIMEOUT) } else { seconds };
            member.orders.send_replace(Order::Stop(Duration::from_secs(seconds)));
        }
        while members.iter().any(Member::alive) {
            let Some((index, what)) = news.recv().await else { return };
            if let Some(member) = members.get_mut(index) {
                member.hear(what);
            }
        }
    }
}

impl Member {
    fn alive(&self) -> bool {
        self.launched && self.exit.is_none()
    }

    /// Takes news; tells whether others should hear of it.
    fn hear(&mut self, news: News) -> bool {
        match news {
            News::Started => self.started = true,
            News::CannotStart(why) => {
                self.started = true;
                self.exit = Some(crate::init::CANNOT_START);
                self.reason = Some(format!("CannotStartContainerError: {why}"));
            }
            News::Exited(status) => self.exit = Some(status),
            News::Healthy => self.health = "HEALTHY",
            News::Unhealthy => self.health = "UNHEALTHY",
        }
        !self.alive() || self.health != "UNKNOWN"
    }
}

/// Ends when the task is no longer wanted. (Why, ECS knows; for the runtime's own end it is told.)
async fn left(wishes: &mut watch::Receiver<Wish>) -> End {
    let _ = wishes.wait_for(|wish| *wish != Wish::Run).await;
    End("TerminationNotice", "The host of the task has ended.".to_owned())
}

fn met(members: &[Member], dependency: &ecs::Dependency) -> bool {
    let other = members.iter().find(|m| m.definition.name == dependency.container_name);
    other.is_some_and(|other| match dependency.condition.as_str() {
        "START" => other.started,
        "COMPLETE" => other.exit.is_some(),
        "SUCCESS" => other.exit == Some(0),
        "HEALTHY" => other.health == "HEALTHY" && other.exit.is_none(),
        _ => false,
    })
}

/// Why the task has to end, if it has to.
fn ended(members: &[Member], begun: Instant) -> Option<End> {
    if let Some(reason) = members.iter().find_map(|m| m.reason.clone()) {
        return Some(failed_to_start(reason));
    }
    if members.iter().any(|m| m.exit.is_some() && m.definition.is_essential())
        || members.iter().all(|m| m.exit.is_some())
    {
        return Some(End("EssentialContainerExited", "Essential container in task exited".to_owned()));
    }
    for waiting in members.iter().filter(|m| m.container.is_some()) {
        for dependency in waiting.definition.depends_on.iter().filter(|d| !met(members, d)) {
            let other = members.iter().find(|m| m.definition.name == dependency.container_name);
            let Some(other) = other else { continue };
            let given = other.definition.start_timeout.and_then(|t| u64::try_from(t).ok());
            let patience = Duration::from_secs(given.unwrap_or(START_TIMEOUT));
            let hopeless = match dependency.condition.as_str() {
                "SUCCESS" => other.exit.is_some_and(|status| status != 0),
                "HEALTHY" => other.exit.is_some() || other.health == "UNHEALTHY",
                _ => false,
            };
            if hopeless || begun.elapsed() > patience {
                return Some(failed_to_start(format!(
                    "Container `{}` could not be started: its dependency on `{}` did not become {}",
                    waiting.definition.name, dependency.container_name, dependency.condition
                )));
            }
        }
    }
    None
}

fn seen(members: &[Member]) -> Vec<Json> {
    let one = |m: &Member| {
        let status = match (m.started, m.exit) {
            (false, None) => "PENDING",
            (true, None) => "RUNNING",
            (_, Some(_)) => "STOPPED",
        };
        json!({
            "name": m.definition.name,
            "status": status,
            "health": m.health,
            "exitCode": m.exit,
            "reason": m.reason,
            "runtimeId": m.runtime_id,
        })
    };
    members.iter().map(one).collect()
}
