//! The commands, a file each.

pub(crate) mod cases;
pub(crate) mod down;
pub(crate) mod env;
pub(crate) mod journal;
pub(crate) mod log;
pub(crate) mod network;
pub(crate) mod outbox;
pub(crate) mod policy;
pub(crate) mod template;
pub(crate) mod up;
pub(crate) mod verify;

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// What a running runtime says of itself, in its data folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    pub(crate) endpoint: String,
    /// With the token, so this is for the owner of the data folder only.
    pub(crate) console: String,
    /// The URL of the deployed application, if the template has one (`ShopUrl`).
    pub(crate) shop: Option<String>,
    /// The file with the administrator's keys.
    pub(crate) credentials: PathBuf,
    pub(crate) ca: PathBuf,
    pub(crate) region: String,
    pub(crate) pid: u32,
    /// What ran before and is not back yet, a line each.
    pub(crate) not_ready: Vec<String>,
}

const FILE: &str = "ready.json";

impl Ready {
    pub(crate) fn write(&self, data: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|e| e.to_string())?;
        let (partial, path) = (data.join("ready.partial"), data.join(FILE));
        // A file left behind might be open to others, or be a link.
        let _ = std::fs::remove_file(&partial);
        std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| std::fs::rename(&partial, &path))
            .map_err(|e| format!("`{}`: {e}", path.display()))
    }

    pub(crate) fn read(data: &Path) -> Result<Ready, String> {
        let path = data.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(|_| {
            format!("nothing runs in `{}`; start it with `countersign up --data {0}`", data.display())
        })?;
        serde_json::from_str(&text).map_err(|e| format!("`{}`: {e}", path.display()))
    }

    pub(crate) fn forget(data: &Path) {
        let _ = std::fs::remove_file(data.join(FILE));
    }
}

/// The data folder where none is named.
pub(crate) fn default_data() -> PathBuf {
    let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
    home.join(".countersign")
}
