//! One confined process with all its descendants: this program as `task-init`, at the end of a pipe.

use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use crate::init::{CANNOT_START, Spec, TERMINATE};

pub(crate) struct Process {
    child: Child,
    /// While it is open, the process lives.
    input: Option<ChildStdin>,
}

/// Its standard output and error.
pub(crate) type Outputs = (ChildStdout, ChildStderr);

impl Process {
    pub(crate) async fn start(spec: &Spec) -> Result<(Process, Outputs), String> {
        let mut child = Command::new("/proc/self/exe")
            .arg("task-init")
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|e| format!("cannot start a process: {e}"))?;
        let missing = || "the process has no pipes".to_owned();
        let mut input = child.stdin.take().ok_or_else(missing)?;
        let outputs = (child.stdout.take().ok_or_else(missing)?, child.stderr.take().ok_or_else(missing)?);
        let mut line = serde_json::to_vec(spec).map_err(|e| e.to_string())?;
        line.push(b'\n');
        input.write_all(&line).await.map_err(|e| format!("cannot tell the process what to run: {e}"))?;
        Ok((Process { child, input: Some(input) }, outputs))
    }

    /// Asks the program to end (SIGTERM).
    pub(crate) async fn terminate(&mut self) {
        if let Some(input) = &mut self.input {
            let _ = input.write_all(format!("{TERMINATE}\n").as_bytes()).await;
        }
    }

    /// Ends it and all its descendants (SIGKILL).
    pub(crate) fn kill(&mut self) {
        self.input = None;
    }

    /// The exit status, 128 and the signal's number if a signal ended it.
    pub(crate) async fn wait(&mut self) -> i32 {
        match self.child.wait().await {
            Ok(status) => {
                use std::os::unix::process::ExitStatusExt as _;
                status.code().or_else(|| status.signal().map(|s| 128 + s)).unwrap_or(CANNOT_START)
            }
            Err(_) => CANNOT_START,
        }
    }
}
