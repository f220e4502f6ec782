//! The folders of tasks: the programs of their images, the CA's certificate, room to write.

use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use super::slot::Slot;

/// Where all task folders of a runtime are.
pub(crate) struct Folders(PathBuf);

/// Where a program of a task looks for others, the task's own first.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

fn failed(path: &Path) -> impl Fn(std::io::Error) -> String {
    move |e| format!("`{}`: {e}", path.display())
}

impl Folders {
    /// With privileges tasks have users of their own, who must not pass through the data folder.
    pub(crate) fn new(data: &Path) -> Result<Folders, String> {
        let path = if rustix::process::geteuid().is_root() {
            Path::new("/var/tmp").join(format!("countersign-tasks-{:016x}", mark(data)))
        } else {
            data.join("tasks")
        };
        match std::fs::symlink_metadata(&path) {
            Ok(facts) if facts.uid() != rustix::process::geteuid().as_raw() => {
                return Err(format!("`{}` belongs to someone else; remove it", path.display()));
            }
            Ok(facts) if facts.is_dir() => std::fs::remove_dir_all(&path).map_err(failed(&path))?,
            Ok(_) => std::fs::remove_file(&path).map_err(failed(&path))?,
            Err(_) => {}
        }
        // Others may pass through, and see nothing.
        std::fs::DirBuilder::new().mode(0o711).create(&path).map_err(failed(&path))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o711)).map_err(failed(&path))?;
        Ok(Folders(path))
    }

    pub(crate) fn clear(&self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }

    pub(crate) fn make(&self, task: &str, root_pem: &str) -> Result<Folder, String> {
        let path = self.0.join(task);
        for folder in [path.clone(), path.join("bin"), path.join("tmp")] {
            std::fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed(&folder))?;
        }
        let ca = path.join("ca.pem");
        std::fs::write(&ca, root_pem).map_err(failed(&ca))?;
        Ok(Folder(path))
    }
}

/// Tells one data folder from another (FNV-1a).
fn mark(data: &Path) -> u64 {
    let bytes = data.as_os_str().as_encoded_bytes();
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

/// One task's folder.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    pub(crate) fn search_path(&self) -> String {
        format!("{}:{PATH}", self.0.join("bin").display())
    }

    /// Puts an image's program into the folder, as pulling it would.
    pub(crate) fn pull(&self, program: &Path, name: &str) -> Result<PathBuf, String> {
        let to = self.0.join("bin").join(name);
        std::fs::copy(program, &to).map_err(failed(program))?;
        std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o500)).map_err(failed(&to))?;
        Ok(to)
    }

    /// Gives the folder to the task's user: to write, or only to read.
    pub(crate) fn hand_over(&self, slot: Slot, writable: bool) -> Result<(), String> {
        let Some(user) = slot.user else { return Ok(()) };
        let owner = if writable { user } else { 0 };
        let mut waiting = vec![self.0.clone()];
        while let Some(path) = waiting.pop() {
            let facts = std::fs::symlink_metadata(&path).map_err(failed(&path))?;
            if facts.is_dir() {
                for entry in std::fs::read_dir(&path).map_err(failed(&path))?.flatten() {
                    waiting.push(entry.path());
                }
            }
            let program = path.parent().is_some_and(|p| p.ends_with("bin")) || facts.is_dir();
            let mode = match (facts.is_dir(), program) {
                (true, _) => 0o750,
                (false, true) => 0o550,
                (false, false) => 0o440,
            };
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).map_err(failed(&path))?;
            chown(&path, Some(owner), Some(user)).map_err(failed(&path))?;
        }
        Ok(())
    }

    pub(crate) fn remove(&self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
