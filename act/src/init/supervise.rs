//! `task-init`: the parent of a container's process. It ends with the process's own status, or 128
//! and the signal's number; and it leaves no descendant behind.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, WaitOptions, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::unix::pipe;
use tokio::signal::unix::{SignalKind, signal};

use super::{CANNOT_START, Spec, TERMINATE};

/// Runs the container that the first line of the standard input tells of; gives the status to end with.
pub fn supervise() -> i32 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = runtime.map_err(|e| e.to_string()).and_then(|runtime| runtime.block_on(run()));
    kill_descendants();
    match outcome {
        Ok(status) => status,
        Err(why) => {
            // The container's own standard error, and so its log.
            let _ = writeln!(std::io::stderr(), "{why}");
            CANNOT_START
        }
    }
}

async fn run() -> Result<i32, String> {
    let input = std::io::stdin().as_fd().try_clone_to_owned().map_err(|e| e.to_string())?;
    let input = pipe::Receiver::from_owned_fd(input).map_err(|e| format!("the input is no pipe: {e}"))?;
    let mut lines = BufReader::new(input).lines();
    let text = lines.next_line().await.map_err(|e| e.to_string())?.ok_or("the runtime is gone")?;
    let mut spec: Spec = serde_json::from_str(&text).map_err(|e| format!("cannot read the spec: {e}"))?;
    drop(text);
    spec.parent = std::process::id();
    // Orphans of the container become children of this process, and end with it.
    let me = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(me)).map_err(|e| format!("cannot adopt orphans: {e}"))?;
    let mut signals = signal(SignalKind::child()).map_err(|e| format!("cannot wait for children: {e}"))?;
    let mut child = start(&spec)?;
    drop(spec);
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).ok_or("the child has no id")?;
    loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            return Ok(code(status));
        }
        reap_orphans(pid);
        tokio::select! {
            _ = signals.recv() => {}
            line = lines.next_line() => match line {
                Ok(Some(line)) if line == TERMINATE => {
                    let _ = kill_process(pid, Signal::TERM);
                }
                Ok(Some(_)) => {}
                // The runtime has let go, or is gone.
                Ok(None) | Err(_) => {
                    kill_descendants();
                    let status = child.wait().map_err(|e| e.to_string())?;
                    return Ok(code(status));
                }
            }
        }
    }
}

fn start(spec: &Spec) -> Result<Child, String> {
    let text = serde_json::to_vec(spec).map_err(|e| e.to_string())?;
    let mut child = Command::new("/proc/self/exe")
        .arg("task-exec")
        .env_clear()
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|e| format!("cannot start a process: {e}"))?;
    let mut input = child.stdin.take().ok_or("the child has no input")?;
    input.write_all(&text).map_err(|e| format!("cannot tell the child: {e}"))?;
    Ok(child)
}

fn code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|s| 128 + s)).unwrap_or(CANNOT_START)
}

/// Takes note of adopted processes that have ended, but not of the container's own.
fn reap_orphans(own: Pid) {
    for orphan in descendants().into_iter().filter(|p| *p != own) {
        let _ = rustix::process::waitpid(Some(orphan), WaitOptions::NOHANG);
    }
}

/// Kills until there is nobody left: whoever is made meanwhile is found in the next round.
fn kill_descendants() {
    for _ in 0..1000 {
        let found = descendants();
        if found.is_empty() {
            return;
        }
        for pid in found {
            let _ = kill_process(pid, Signal::KILL);
            let _ = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG);
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}

/// Every process that descends from this one.
fn descendants() -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<i32>().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // `pid (name) state ppid ...`; the name may hold anything.
        let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(pid);
        }
    }
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    let (mut found, mut next) = (Vec::new(), vec![me]);
    while let Some(parent) = next.pop() {
        for pid in children.remove(&parent).unwrap_or_default() {
            found.extend(Pid::from_raw(pid));
            next.push(pid);
        }
    }
    found
}
