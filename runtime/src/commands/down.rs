//! `countersign down`: stops the runtime of a data folder, and waits until it has stopped.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};

use super::{Ready, default_data};

#[derive(Args)]
pub(crate) struct Down {
    /// The data folder [default: ~/.countersign]
    #[arg(long)]
    data: Option<PathBuf>,
}

const PATIENCE: Duration = Duration::from_secs(30);

impl Down {
    pub(crate) fn run(self) -> Result<(), String> {
        let data = self.data.unwrap_or_else(default_data);
        let ready = Ready::read(&data)?;
        if !held(&data) {
            Ready::forget(&data);
            return Err(format!("nothing runs in `{}` any more", data.display()));
        }
        let pid =
            i32::try_from(ready.pid).ok().and_then(Pid::from_raw).ok_or("the process id cannot be read")?;
        kill_process(pid, Signal::TERM).map_err(|e| format!("cannot stop process {}: {e}", ready.pid))?;
        let begun = Instant::now();
        while held(&data) {
            if begun.elapsed() > PATIENCE {
                return Err(format!("process {} does not stop", ready.pid));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

/// Whether a process holds the data folder.
pub(super) fn held(data: &std::path::Path) -> bool {
    std::fs::File::open(data.join("lock")).is_ok_and(|file| file.try_lock().is_err())
}
