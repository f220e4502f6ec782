//! Keeps one instance's engine as the graph wants it.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use edge::database::home::Home;
use model::estate::rds::{DbInstance, VERIFIER_PURPOSE, VERIFIERS};
use model::plane::{Plane, Report};
use model::{AccountId, Snapshot};
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::cluster::{self, Told};
use super::program::{self, Program, User};
use super::server::{self, Server};

/// The pauses between attempts at an engine that does not start or does not stay.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// An engine that has run for so long is no longer held to have failed before.
const STEADY: Duration = Duration::from_secs(60);

pub(super) struct Keeper {
    plane: Arc<Plane>,
    arn: String,
    resource_id: String,
    account: AccountId,
    region: String,
    home: Home,
    engine: Option<Engine>,
    lock: Option<File>,
    /// No engine runs, ours or any other.
    cleared: bool,
    pause: Duration,
    /// Not before this is another start attempted, unless something else is wanted by then.
    not_before: Option<(Instant, u64)>,
}

/// An engine that runs, and by what.
struct Engine {
    server: Server,
    program: Program,
    told: Told,
    restarts: u64,
    master: u64,
    started: Instant,
}

/// What to do next.
enum Next {
    Wait,
    Leave,
}

impl Keeper {
    pub(super) fn new(plane: Arc<Plane>, instance: &DbInstance) -> Keeper {
        Keeper {
            home: Home::of(&plane.data, &instance.resource_id),
            plane,
            arn: instance.arn(),
            resource_id: instance.resource_id.clone(),
            account: instance.account.clone(),
            region: instance.region.clone(),
            engine: None,
            lock: None,
            cleared: false,
            pause: FIRST_PAUSE,
            not_before: None,
        }
    }

    pub(super) async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let snapshot = self.plane.estate.snapshot();
            // A start can take long; the runtime may stop meanwhile.
            let next = tokio::select! {
                next = self.bring(&snapshot) => next,
                _ = stop.changed() => {
                    // What was being started is not ours to hold any more, only to stop.
                    if self.engine.is_none() && let Some(instance) = self.instance(&snapshot).cloned() {
                        let _ = self.clear(&instance).await;
                    }
                    break;
                }
            };
            if matches!(next, Next::Leave) {
                return;
            }
            let again = self.not_before.map(|(at, _)| at);
            let retry = async move {
                match again {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let down = self.engine.is_none();
            let ended = async {
                match &mut self.engine {
                    Some(engine) => engine.server.ended().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = self.plane.estate.newer(snapshot.version) => {}
                () = retry, if down => {}
                how = ended => self.died(&how),
                _ = stop.changed() => break,
            }
        }
        self.halt().await;
    }

    fn died(&mut self, how: &str) {
        eprintln!("countersign: the engine of `{}` ended ({how}) and is started again", self.arn);
        let Some(engine) = self.engine.take() else { return };
        if engine.started.elapsed() > STEADY {
            self.pause = FIRST_PAUSE;
        }
        self.delay(engine.restarts);
    }

    fn delay(&mut self, wanted: u64) {
        self.not_before = Some((Instant::now() + self.pause, wanted));
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    async fn halt(&mut self) {
        if let Some(engine) = self.engine.take() {
            engine.server.stop().await;
        }
    }

    /// The instance as it is now, if it is still the same one.
    fn instance<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a DbInstance> {
        snapshot.find_arn::<DbInstance>(&self.arn).filter(|i| i.resource_id == self.resource_id)
    }

    /// Brings the engine to what the graph wants.
    async fn bring(&mut self, snapshot: &Snapshot) -> Next {
        let Some(instance) = self.instance(snapshot).filter(|i| i.status != "deleting").cloned() else {
            return self.remove().await;
        };
        if !instance.runs() || !instance.key_usable(snapshot) {
            self.halt().await;
            // A runtime before this one may have left an engine running.
            if !self.cleared {
                match self.clear(&instance).await {
                    Ok(()) => self.cleared = true,
                    Err(reason) => eprintln!("countersign: `{}`: {reason}", self.arn),
                }
            }
            match instance.status.as_str() {
                "stopping" => self.report("stopped", json!({})).await,
                _ if instance.runs() => self.report("key-lost", json!({})).await,
                _ => {}
            }
            return Next::Wait;
        }
        if let Some((at, restarts)) = self.not_before
            && self.engine.is_none()
            && Instant::now() < at
            && restarts == instance.restarts
        {
            return Next::Wait;
        }
        match self.follow(&instance).await {
            Ok(()) => self.ready(&instance).await,
            Err(reason) => {
                self.halt().await;
                self.delay(instance.restarts);
                if instance.status != "failed" || instance.reason.as_deref() != Some(&reason) {
                    eprintln!("countersign: `{}` failed: {reason}", self.arn);
                    self.report("failed", json!({"reason": reason})).await;
                }
            }
        }
        Next::Wait
    }

    async fn follow(&mut self, instance: &DbInstance) -> Result<(), String> {
        if self.engine.as_ref().is_some_and(|engine| engine.restarts != instance.restarts) {
            self.halt().await;
        }
        match self.engine.take() {
            None => {
                self.engine = Some(self.start(instance).await?);
                self.not_before = None;
                Ok(())
            }
            Some(mut engine) => {
                let done = self.change(&mut engine, instance).await;
                self.engine = Some(engine);
                done
            }
        }
    }

    async fn start(&mut self, instance: &DbInstance) -> Result<Engine, String> {
        self.cleared = false;
        self.home.check()?;
        let user = User::find()?;
        let made = cluster::made(&self.home);
        let asked = instance.asked_version.clone();
        let program = tokio::task::spawn_blocking(move || program::choose(made, &asked));
        let program = program.await.map_err(|e| e.to_string())??;
        cluster::folders(&self.home, user)?;
        if self.lock.is_none() {
            self.lock = Some(server::lock(&self.home)?);
        }
        server::clear(&self.home, &program, user).await?;
        let told = Told::of(instance, &self.home, &program.version);
        told.write(&self.home)?;
        let host = &*self.plane.estate;
        let password = match made {
            Some(_) => self.home.password(host)?,
            None => {
                let password = self.home.new_password(host)?;
                cluster::init(&self.home, &program, user, &password).await?;
                password
            }
        };
        let mut server = Server::start(&self.home, &program, user)?;
        match self.set_up(&mut server, instance, &program, made, &password).await {
            Ok(master) => Ok(Engine {
                server,
                program,
                told,
                restarts: instance.restarts,
                master,
                started: Instant::now(),
            }),
            Err(reason) => {
                server.stop().await;
                Err(reason)
            }
        }
    }

    /// Waits for the engine; founds its roles, or gives the master user the newest password.
    async fn set_up(
        &self,
        server: &mut Server,
        instance: &DbInstance,
        program: &Program,
        made: Option<u32>,
        password: &str,
    ) -> Result<u64, String> {
        let host = &*self.plane.estate;
        let database = if made.is_some() { server::OWN } else { "postgres" };
        let mut administrator = server.answer(host, password, database).await?;
        if made.is_none() {
            let verifier = self.verifier(instance)?;
            let founded = cluster::found(&mut administrator, instance, program.major, &verifier).await;
            founded.map_err(|e| format!("the instance's roles cannot be made: {e}"))?;
            cluster::set_made(&self.home, program.major)?;
        } else if instance.master_applied < instance.master_version {
            let verifier = self.verifier(instance)?;
            let set = cluster::set_master(&mut administrator, instance, &verifier).await;
            set.map_err(|e| format!("the master password cannot be set: {e}"))?;
        }
        Ok(instance.master_version)
    }

    /// What a running engine can follow without a restart.
    async fn change(&self, engine: &mut Engine, instance: &DbInstance) -> Result<(), String> {
        let host = &*self.plane.estate;
        let told = Told::of(instance, &self.home, &engine.program.version);
        if told == engine.told && engine.master >= instance.master_version {
            return Ok(());
        }
        let password = self.home.password(host)?;
        if told != engine.told {
            told.write(&self.home)?;
            let done = server::reload(host, &self.home, &password).await;
            done.map_err(|e| format!("the configuration cannot be read again: {e}"))?;
            engine.told = told;
        }
        if engine.master < instance.master_version {
            let verifier = self.verifier(instance)?;
            let mut administrator = engine.server.answer(host, &password, server::OWN).await?;
            let set = cluster::set_master(&mut administrator, instance, &verifier).await;
            set.map_err(|e| format!("the master password cannot be set: {e}"))?;
            engine.master = instance.master_version;
        }
        Ok(())
    }

    /// The SCRAM verifier of the master user's newest password.
    fn verifier(&self, instance: &DbInstance) -> Result<String, String> {
        let host = &*self.plane.estate;
        let sealed = host.records().get(VERIFIERS, self.resource_id.as_bytes()).map_err(|f| f.message)?;
        let sealed = sealed.ok_or("the master user has no password")?;
        let aad = format!("{}/{}", self.resource_id, instance.master_version);
        let plain = host.unseal(VERIFIER_PURPOSE, aad.as_bytes(), &sealed).map_err(|f| f.message)?;
        String::from_utf8(plain).map_err(|_| "the master user's verifier is damaged".to_owned())
    }

    /// Reports what is done, if the graph does not know it yet.
    async fn ready(&mut self, instance: &DbInstance) {
        let Some(engine) = &self.engine else { return };
        let known = instance.engine_up
            && instance.settled == instance.generation
            && instance.status == "available"
            && instance.master_applied == engine.master
            && instance.engine_version == engine.program.version;
        if !known {
            let facts = json!({
                "generation": instance.generation,
                "version": engine.program.version,
                "master": engine.master,
            });
            self.report("ready", facts).await;
        }
    }

    async fn clear(&mut self, instance: &DbInstance) -> Result<(), String> {
        let Some(made) = cluster::made(&self.home) else { return Ok(()) };
        let user = User::find()?;
        let asked = instance.asked_version.clone();
        let program = tokio::task::spawn_blocking(move || program::choose(Some(made), &asked));
        let program = program.await.map_err(|e| e.to_string())??;
        if self.lock.is_none() {
            self.lock = Some(server::lock(&self.home)?);
        }
        server::clear(&self.home, &program, user).await
    }

    async fn remove(&mut self) -> Next {
        self.halt().await;
        let snapshot = self.plane.estate.snapshot();
        if let Some(instance) = self.instance(&snapshot).cloned()
            && let Err(reason) = self.clear(&instance).await
        {
            eprintln!("countersign: `{}`: {reason}", self.arn);
        }
        let folder = self.home.folder.clone();
        let removed = tokio::task::spawn_blocking(move || match std::fs::remove_dir_all(&folder) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(format!("`{}`: {e}", folder.display())),
            _ => Ok(()),
        });
        match removed.await {
            Ok(Ok(())) => self.report("removed", json!({})).await,
            Ok(Err(reason)) => {
                // What is there still is not told to be gone.
                eprintln!("countersign: `{}` cannot be removed: {reason}", self.arn);
                self.delay(0);
                return Next::Wait;
            }
            Err(_) => {}
        }
        Next::Leave
    }

    async fn report(&self, event: &str, facts: Json) {
        let mut payload = json!({"arn": self.arn, "resource": self.resource_id, "event": event});
        if let (Some(map), Some(facts)) = (payload.as_object_mut(), facts.as_object()) {
            map.extend(facts.clone());
        }
        let report = Report {
            service: "rds",
            job: "EngineReport",
            account: self.account.clone(),
            region: self.region.clone(),
            payload,
        };
        if let Err(fault) = self.plane.estate.report(report).await {
            eprintln!("countersign: `{}`: what became of its engine cannot be told: {fault}", self.arn);
        }
    }
}
