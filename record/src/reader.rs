//! Reads a log that another process may be writing: what is whole is read, what is
//! being written is waited for. Changes nothing and takes no lock.

use std::path::{Path, PathBuf};

use crate::frame::Logged;
use crate::log::{LogError, io};
use crate::segment;

pub struct Reader {
    dir: PathBuf,
    /// The segment that is read, and how far.
    at: Option<(u64, usize)>,
}

impl Reader {
    /// From the log's beginning.
    pub fn open(data: &Path) -> Reader {
        Reader { dir: data.join("log"), at: None }
    }

    /// What has come since the last call.
    pub fn poll(&mut self) -> Result<Vec<Logged>, LogError> {
        let segments = segment::list(&self.dir).map_err(|e| io("list", &self.dir, &e))?;
        let mut found = Vec::new();
        for (first, path) in segments {
            let from = match self.at {
                Some((current, _)) if first < current => continue,
                Some((current, offset)) if first == current => offset,
                _ => 0,
            };
            let bytes = segment::load(&path).map_err(|e| io("read", &path, &e))?;
            let mut offset = from;
            while let Some(batch) = segment::batch(&bytes, offset) {
                offset = batch.end;
                found.extend(batch.entries);
            }
            self.at = Some((first, offset));
        }
        Ok(found)
    }

    /// Goes to the end: only what comes from now on will be read.
    pub fn skip(&mut self) -> Result<(), LogError> {
        self.poll().map(|_| ())
    }
}
