//! A running engine: started, awaited, told to read its configuration again, stopped.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use edge::database::engine::{Administrator, EngineError};
use edge::database::home::Home;
use model::Host;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, sleep, timeout};

use super::program::{Program, User, prepare};

/// Recovery after a crash may take long; as long as the process lives it is waited for.
const START: Duration = Duration::from_secs(600);
/// Seconds for open transactions to be rolled back and the cluster to be closed.
const STOP_SECONDS: u64 = 30;
const LOOK_AGAIN: Duration = Duration::from_millis(25);
/// The database of the runtime's own role.
pub(super) const OWN: &str = "rdsadmin";

pub(super) struct Server {
    child: Child,
    guard: Child,
    /// Closed by the kernel when the runtime dies, which the guard waits for.
    _alive: Option<ChildStdin>,
    program: Program,
    user: Option<User>,
    home: Home,
}

/// Keeps other runtimes from an engine's folder for as long as it is held.
pub(super) fn lock(home: &Home) -> Result<File, String> {
    let path = home.folder.join("lock");
    let file = File::create(&path).map_err(|e| format!("`{}`: {e}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(format!("`{}` is in use by another runtime", home.folder.display())),
    }
}

/// Processes that work in a cluster: a postmaster or what it left behind.
fn occupants(data: &Path) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let number = |entry: &std::fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let within = |pid: &u32| std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data);
    processes.filter_map(|entry| number(&entry)).filter(within).collect()
}

async fn pg_ctl_stop(home: &Home, program: &Program, user: Option<User>, mode: &str) {
    let mut command = program.command("pg_ctl", user);
    command.arg("--pgdata").arg(home.data()).args([
        "--mode",
        mode,
        "--timeout",
        &STOP_SECONDS.to_string(),
        "stop",
    ]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let _ = command.status().await;
}

/// Stops an engine that a runtime before this one left, and clears what it left behind.
pub(super) async fn clear(home: &Home, program: &Program, user: Option<User>) -> Result<(), String> {
    let data = home.data();
    let pid_file = data.join("postmaster.pid");
    for mode in ["fast", "immediate"] {
        if occupants(&data).is_empty() {
            break;
        }
        pg_ctl_stop(home, program, user, mode).await;
        let begun = Instant::now();
        while !occupants(&data).is_empty() && begun.elapsed() < Duration::from_secs(10) {
            sleep(LOOK_AGAIN).await;
        }
    }
    if let Some(pid) = occupants(&data).first() {
        return Err(format!("process {pid} still works in `{}`, and does not stop", data.display()));
    }
    // Its number may be another process's by now, for whose sake the engine would not start.
    match std::fs::remove_file(&pid_file) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(format!("`{}`: {e}", pid_file.display())),
        _ => Ok(()),
    }
}

/// Waits for the end of the runtime, then stops the engine.
fn guard(home: &Home, program: &Program, user: Option<User>) -> Result<Child, String> {
    let mut command = Command::new("/bin/sh");
    prepare(&mut command, user);
    command.args(["-c", "read -r line; exec \"$0\" --pgdata \"$1\" --mode fast stop"]);
    command.arg(program.bin.join("pg_ctl")).arg(home.data());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|e| format!("the engine's guard cannot run: {e}"))
}

impl Server {
    /// Starts the engine; it may not answer yet.
    pub(super) fn start(home: &Home, program: &Program, user: Option<User>) -> Result<Server, String> {
        let log = home.folder.join("start.log");
        let errors = File::create(&log).map_err(|e| format!("`{}`: {e}", log.display()))?;
        let mut command = program.command("postgres", user);
        command.arg("-D").arg(home.data()).arg("-c");
        command.arg(format!("config_file={}", home.conf().join("postgresql.conf").display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::from(errors));
        let mut guard = guard(home, program, user)?;
        let child = command.spawn().map_err(|e| format!("postgres cannot run: {e}"))?;
        let alive = guard.stdin.take();
        Ok(Server { child, guard, _alive: alive, program: program.clone(), user, home: home.clone() })
    }

    /// A session of the runtime's own role, as soon as the engine answers.
    pub(super) async fn answer(
        &mut self,
        host: &dyn Host,
        password: &str,
        database: &str,
    ) -> Result<Administrator, String> {
        let begun = Instant::now();
        loop {
            let mut random = [0; 18];
            host.random(&mut random);
            match Administrator::connect(&self.home, password, database, random).await {
                Ok(administrator) => return Ok(administrator),
                // `57P03`: it is starting up.
                Err(EngineError::Refused(code, message)) if code != "57P03" => {
                    return Err(format!("the engine refuses its runtime: {message}"));
                }
                Err(_) => {}
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the engine stopped at once ({status}): {}", self.last_words()));
            }
            if begun.elapsed() > START {
                return Err("the engine does not answer".to_owned());
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// What it said before its log was open, or last in its log.
    fn last_words(&self) -> String {
        let early = std::fs::read_to_string(self.home.folder.join("start.log")).unwrap_or_default();
        let fatal = early.lines().rev().find(|l| l.contains("FATAL") || l.contains("ERROR"));
        let line = fatal.or_else(|| early.lines().next_back()).unwrap_or_default();
        line.chars().take(300).collect()
    }

    /// Returns when the engine has ended.
    pub(super) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        }
    }

    /// Closes sessions, closes the cluster.
    pub(super) async fn stop(mut self) {
        let _ = self.guard.start_kill();
        let _ = self.guard.wait().await;
        for mode in ["fast", "immediate"] {
            pg_ctl_stop(&self.home, &self.program, self.user, mode).await;
            if timeout(Duration::from_secs(2), self.child.wait()).await.is_ok() {
                return;
            }
        }
        let _ = self.child.kill().await;
    }
}

/// Makes the engine read its files again, and waits until new sessions go by them.
pub(super) async fn reload(host: &dyn Host, home: &Home, password: &str) -> Result<(), EngineError> {
    const LOADED: &str = "SELECT extract(epoch FROM pg_conf_load_time())";
    let loaded = async |sql: &str| {
        let mut random = [0; 18];
        host.random(&mut random);
        let mut administrator = Administrator::connect(home, password, OWN, random).await?;
        administrator.query(sql).await
    };
    let before = loaded(LOADED).await?;
    loaded("SELECT pg_reload_conf()").await?;
    let begun = Instant::now();
    while loaded(LOADED).await? == before && begun.elapsed() < Duration::from_secs(5) {
        sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
