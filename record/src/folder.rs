//! The data folder, held by one process at a time.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Keeps other processes out of the folder until it is dropped.
pub struct Folder {
    _file: File,
}

impl Folder {
    /// Makes the folder if needed (for its owner only) and locks it.
    pub fn lock(data: &Path) -> Result<Folder, String> {
        let what = |e: std::io::Error| format!("`{}`: {e}", data.display());
        if !data.exists() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(what)?;
        }
        let path = data.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(what)?;
        if file.try_lock().is_err() {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(format!(
                "`{}` is in use by process {}; stop it with `countersign down`",
                data.display(),
                holder.trim()
            ));
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(what)?;
        writeln!(file, "{}", std::process::id()).map_err(what)?;
        Ok(Folder { _file: file })
    }
}
