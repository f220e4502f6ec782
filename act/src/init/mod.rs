//! The inside of a task: this program once more, as the parent of a container's process
//! (`task-init`) and, for a moment, as that process itself (`task-exec`), which gives up every
//! privilege and then becomes the image's program.
//!
//! No process outlives the runtime: `task-init` holds a pipe from it, and when the pipe closes, for
//! whatever reason, kills everything that descends from it.

mod confine;
mod supervise;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use confine::{confine, landlock_available};
pub use supervise::supervise;

/// What a container's process is to be. It comes through the pipe, so that no other process sees it.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Spec {
    /// The program, found along the environment's `PATH`, and its arguments.
    pub argv: Vec<String>,
    pub environment: Vec<(String, String)>,
    /// The task's own folder, and the working directory.
    pub folder: PathBuf,
    /// Whether it may write there.
    pub writable: bool,
    /// The user and group to become; none where the runtime itself has no privileges.
    pub user: Option<u32>,
    /// Soft and hard limit of open files.
    pub files: Option<(u64, u64)>,
    /// Whether the kernel has to confine the process to its files (Landlock).
    pub confined: bool,
    /// The process that must be the parent; filled in by it.
    pub parent: u32,
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Spec").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What `task-init` is told after the spec, a line each.
pub(crate) const TERMINATE: &str = "terminate";
/// What `task-init` ends with when the process could not be started.
pub(crate) const CANNOT_START: i32 = 127;
