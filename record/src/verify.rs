//! Checks a whole log offline: every batch is what its header vouches for, and
//! every header names the hash of the one before. Behind the last batch there may be
//! zeros, the room that a log holds while it is written.

use std::path::{Path, PathBuf};

use crate::frame::{Hash, leaf};
use crate::log::{LogError, io};
use crate::proof::Proof;
use crate::segment;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    pub entries: u64,
    pub batches: u64,
    pub last_seq: u64,
    pub last_hash: Hash,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyError {
    pub file: PathBuf,
    pub offset: u64,
    pub reason: String,
}

impl std::fmt::Display for VerifyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` at offset {}: {}", self.file.display(), self.offset, self.reason)
    }
}

impl std::error::Error for VerifyError {}

/// Verifies `data/log`. Calls `visit` with the first sequence number and hash of each batch.
pub fn verify(data: &Path, mut visit: impl FnMut(u64, &Hash)) -> Result<Verified, VerifyError> {
    let dir = data.join("log");
    let unreadable = |file: &Path, e: std::io::Error| VerifyError {
        file: file.to_owned(),
        offset: 0,
        reason: e.to_string(),
    };
    let mut so_far = Verified::default();
    let mut segments = segment::list(&dir).map_err(|e| unreadable(&dir, e))?.into_iter().peekable();
    while let Some((first, path)) = segments.next() {
        let last = segments.peek().is_none();
        let bytes = segment::load(&path).map_err(|e| unreadable(&path, e))?;
        let mut at = 0;
        let wrong = |at: usize, reason: &str| VerifyError {
            file: path.clone(),
            offset: at as u64,
            reason: reason.to_owned(),
        };
        if first != so_far.last_seq + 1 {
            return Err(wrong(0, "the segment before it is missing"));
        }
        while at < bytes.len() {
            if last && bytes.get(at..).is_some_and(|rest| rest.iter().all(|b| *b == 0)) {
                break;
            }
            let batch = segment::batch(&bytes, at)
                .ok_or_else(|| wrong(at, "no whole batch, or not the one that was written"))?;
            if batch.header.previous != so_far.last_hash {
                return Err(wrong(at, "the batch does not follow the one before it"));
            }
            if batch.header.first_seq != so_far.last_seq + 1 {
                return Err(wrong(at, "sequence numbers are missing"));
            }
            so_far.entries += u64::from(batch.header.count);
            so_far.batches += 1;
            so_far.last_seq += u64::from(batch.header.count);
            so_far.last_hash = batch.header.hash();
            visit(batch.header.first_seq, &so_far.last_hash);
            at = batch.end;
        }
    }
    Ok(so_far)
}

impl crate::Log {
    /// The proof that entry `seq` is in the log, and the hash of its batch.
    pub fn prove(data: &Path, seq: u64) -> Result<Option<(Proof, Hash)>, LogError> {
        let dir = data.join("log");
        let segments = segment::list(&dir).map_err(|e| io("list", &dir, &e))?;
        let Some((_, path)) = segments.into_iter().rev().find(|(first, _)| *first <= seq) else {
            return Ok(None);
        };
        let bytes = segment::load(&path).map_err(|e| io("read", &path, &e))?;
        let mut at = 0;
        while let Some(batch) = segment::batch(&bytes, at) {
            at = batch.end;
            if batch.entries.last().is_some_and(|e| e.seq >= seq) {
                let hash = batch.header.hash();
                let leaves = batch.entries.iter().map(|e| leaf(e.kind, &e.bytes)).collect();
                return Ok(Proof::new(batch.header, seq, leaves).map(|proof| (proof, hash)));
            }
        }
        Ok(None)
    }
}
