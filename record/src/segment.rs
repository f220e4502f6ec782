//! Segment files: their names, and reading batches from them.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;

use crate::frame::{self, HEADER, Header, Logged, MAGIC};

/// Segments in order of their first sequence number.
pub(crate) fn list(dir: &Path) -> std::io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let first = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_suffix(".seg"));
        if let Some(first) = first.and_then(|n| n.parse().ok()) {
            found.push((first, path));
        }
    }
    found.sort();
    Ok(found)
}

pub(crate) fn name(dir: &Path, first_seq: u64) -> PathBuf {
    dir.join(format!("{first_seq:020}.seg"))
}

pub(crate) fn load(path: &Path) -> std::io::Result<Bytes> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(Bytes::from(bytes))
}

/// One batch within a segment.
pub(crate) struct Batch {
    pub(crate) header: Header,
    pub(crate) entries: Vec<Logged>,
    /// Offset just behind it.
    pub(crate) end: usize,
}

/// The batch at this offset; `None` at the end and where the bytes are no whole, true batch.
pub(crate) fn batch(bytes: &Bytes, at: usize) -> Option<Batch> {
    let header = Header::decode(bytes.get(at..)?)?;
    let from = at + HEADER;
    let end = from.checked_add(header.payload as usize)?;
    if end > bytes.len() {
        return None;
    }
    let entries = frame::entries(&header, &bytes.slice(from..end))?;
    Some(Batch { header, entries, end })
}

/// Whether any whole header stands behind this offset: then what is broken here is no torn tail.
pub(crate) fn another_behind(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at + 1..).unwrap_or_default();
    rest.windows(MAGIC.len())
        .enumerate()
        .filter(|(_, window)| window == MAGIC)
        .any(|(i, _)| rest.get(i..).and_then(Header::decode).is_some())
}
