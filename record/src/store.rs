//! Tables of byte keys over the log: what was committed since the last checkpoint is
//! in memory, the rest in an embedded store on disk (redb).
//!
//! A checkpoint moves only what is durable in the log, in one transaction that
//! also names the last entry it holds; a crash at any moment loses nothing that
//! replaying the log from there does not bring back.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use redb::{Database, ReadOnlyTable, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use crate::log::Watch;
use crate::{Log, Write};

/// `table 0 key` to value.
const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
type Stored = ReadOnlyTable<&'static [u8], &'static [u8]>;
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const SEQ: &str = "seq";

/// A checkpoint is made at least this often, and when this much has gathered.
const EVERY: Duration = Duration::from_secs(5);
const GATHERED: usize = 16 << 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError(pub String);

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StoreError {}

fn failed(error: impl std::fmt::Display) -> StoreError {
    StoreError(format!("the store failed: {error}"))
}

#[derive(Default)]
struct Memory {
    /// Full keys, as in [`RECORDS`], with the entry that wrote them.
    entries: BTreeMap<Vec<u8>, (u64, Option<Bytes>)>,
    bytes: usize,
    applied: u64,
}

#[derive(Default)]
struct Signal {
    stop: bool,
    full: bool,
}

struct Shared {
    memory: RwLock<Memory>,
    /// The newest checkpoint, opened. It is replaced before memory lets go of what went into it.
    stored: RwLock<Arc<Stored>>,
    database: Database,
    signal: (Mutex<Signal>, Condvar),
}

pub struct Store {
    shared: Arc<Shared>,
    checkpointed: u64,
    thread: Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Shared {
    fn stored(&self) -> Arc<Stored> {
        Arc::clone(&self.stored.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn newest(database: &Database) -> Result<Stored, StoreError> {
    database.begin_read().map_err(failed)?.open_table(RECORDS).map_err(failed)
}

fn full_key(table: &str, key: &[u8]) -> Vec<u8> {
    [table.as_bytes(), &[0], key].concat()
}

impl Store {
    /// Opens `data/store.redb`. A log that ends before the checkpoint was rolled back, and is refused.
    pub fn open(data: &Path, log: &Log) -> Result<Store, StoreError> {
        let mut builder = Database::builder();
        builder.set_cache_size(8 << 20);
        let database = builder.create(data.join("store.redb")).map_err(failed)?;
        let checkpointed = {
            let transaction = database.begin_write().map_err(failed)?;
            let seq = {
                let meta = transaction.open_table(META).map_err(failed)?;
                transaction.open_table(RECORDS).map_err(failed)?;
                meta.get(SEQ).map_err(failed)?.map_or(0, |v| v.value())
            };
            transaction.commit().map_err(failed)?;
            seq
        };
        if log.durable() < checkpointed {
            return Err(StoreError(format!(
                "the log ends at entry {} but the checkpoint holds entry {checkpointed}: the log was rolled back or lost; restore it",
                log.durable()
            )));
        }
        let stored = RwLock::new(Arc::new(newest(&database)?));
        let shared =
            Arc::new(Shared { memory: RwLock::default(), stored, database, signal: Default::default() });
        Ok(Store { shared, checkpointed, thread: Mutex::new(None) })
    }

    /// The last log entry that was in the checkpoint at opening; replay begins behind it.
    pub fn checkpointed_seq(&self) -> u64 {
        self.checkpointed
    }

    /// Makes a commit visible at once.
    pub fn apply(&self, seq: u64, writes: &[Write]) {
        let mut memory = self.shared.memory.write().unwrap_or_else(PoisonError::into_inner);
        for write in writes {
            memory.bytes +=
                write.table.len() + write.key.len() + write.value.as_ref().map_or(0, Bytes::len) + 64;
            memory.entries.insert(full_key(&write.table, &write.key), (seq, write.value.clone()));
        }
        memory.applied = memory.applied.max(seq);
        let full = memory.bytes > GATHERED;
        drop(memory);
        if full {
            let (signal, wake) = &self.shared.signal;
            signal.lock().unwrap_or_else(PoisonError::into_inner).full = true;
            wake.notify_one();
        }
    }

    pub fn get(&self, table: &str, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let key = full_key(table, key);
        {
            let memory = self.shared.memory.read().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, value)) = memory.entries.get(&key) {
                return Ok(value.clone());
            }
        }
        let value = self.shared.stored().get(key.as_slice()).map_err(failed)?;
        Ok(value.map(|v| Bytes::copy_from_slice(v.value())))
    }

    /// Entries with `from <= key < to`, in order or in reverse, at most `limit`.
    pub fn range(
        &self,
        table: &str,
        from: &[u8],
        to: Option<&[u8]>,
        reverse: bool,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, Bytes)>, StoreError> {
        let begin = full_key(table, from);
        let end = to.map_or_else(|| [table.as_bytes(), &[1]].concat(), |to| full_key(table, to));
        if begin >= end || limit == 0 {
            return Ok(Vec::new());
        }
        // Held while the checkpoint is read, so that nothing is between the two.
        let memory = self.shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        let fresh: Vec<_> = memory.entries.range(begin.clone()..end.clone()).collect();
        let records = self.shared.stored();
        let stored = records.range(begin.as_slice()..end.as_slice()).map_err(failed)?;
        // Every fresh entry may hide a stored one.
        let wanted = limit.saturating_add(fresh.len());
        let mut merged: BTreeMap<Vec<u8>, Option<Bytes>> = BTreeMap::new();
        let mut keep = |entry: Result<_, redb::StorageError>| -> Result<(), StoreError> {
            let (key, value): (redb::AccessGuard<'_, &[u8]>, redb::AccessGuard<'_, &[u8]>) =
                entry.map_err(failed)?;
            merged.insert(key.value().to_vec(), Some(Bytes::copy_from_slice(value.value())));
            Ok(())
        };
        match reverse {
            false => stored.take(wanted).try_for_each(&mut keep)?,
            true => stored.rev().take(wanted).try_for_each(&mut keep)?,
        }
        for (key, (_, value)) in fresh {
            merged.insert(key.clone(), value.clone());
        }
        let skip = table.len() + 1;
        let live = merged.into_iter().filter_map(|(k, v)| Some((k.get(skip..)?.to_vec(), v?)));
        Ok(match reverse {
            false => live.take(limit).collect(),
            true => live.rev().take(limit).collect(),
        })
    }

    /// Starts the thread that makes checkpoints.
    pub fn keep_checkpoints(&self, log: Watch) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let run = move || {
            loop {
                let (signal, wake) = &shared.signal;
                let guard = signal.lock().unwrap_or_else(PoisonError::into_inner);
                let waited = wake.wait_timeout_while(guard, EVERY, |s| !s.stop && !s.full);
                let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                state.full = false;
                let stop = state.stop;
                drop(state);
                if let Err(error) = checkpoint(&shared, &log) {
                    // The log still holds everything; memory grows until the disk is well again.
                    eprintln!("countersign: no checkpoint could be made: {error}");
                }
                if stop {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("checkpoint".to_owned()).spawn(run).map_err(failed)?;
        *self.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Moves all that was applied into the checkpoint.
    pub fn checkpoint(&self, log: &Watch) -> Result<(), StoreError> {
        checkpoint(&self.shared, log)
    }
}

/// Everything as of the last entry applied, once that entry is on the disk: a checkpoint never
/// holds what the log may yet lose, and holds all that it claims.
fn checkpoint(shared: &Shared, log: &Watch) -> Result<(), StoreError> {
    let (moved, upto) = {
        let memory = shared.memory.read().unwrap_or_else(PoisonError::into_inner);
        let moved: Vec<(Vec<u8>, u64, Option<Bytes>)> =
            memory.entries.iter().map(|(k, (seq, v))| (k.clone(), *seq, v.clone())).collect();
        (moved, memory.applied)
    };
    if moved.is_empty() {
        return Ok(());
    }
    log.wait(upto).map_err(failed)?;
    let transaction = shared.database.begin_write().map_err(failed)?;
    {
        let mut records = transaction.open_table(RECORDS).map_err(failed)?;
        for (key, _, value) in &moved {
            match value {
                Some(value) => records.insert(key.as_slice(), value.as_ref()).map_err(failed)?,
                None => records.remove(key.as_slice()).map_err(failed)?,
            };
        }
        let mut meta = transaction.open_table(META).map_err(failed)?;
        meta.insert(SEQ, upto).map_err(failed)?;
    }
    transaction.commit().map_err(failed)?;
    let stored = Arc::new(newest(&shared.database)?);
    *shared.stored.write().unwrap_or_else(PoisonError::into_inner) = stored;
    let mut memory = shared.memory.write().unwrap_or_else(PoisonError::into_inner);
    for (key, seq, _) in moved {
        if memory.entries.get(&key).is_some_and(|(now, _)| *now == seq) {
            memory.entries.remove(&key);
        }
    }
    memory.bytes =
        memory.entries.iter().map(|(k, (_, v))| k.len() + v.as_ref().map_or(0, Bytes::len) + 64).sum();
    Ok(())
}

impl Drop for Store {
    fn drop(&mut self) {
        let (signal, wake) = &self.shared.signal;
        signal.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        wake.notify_all();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::{Entry, Options, encode_writes};

    /// A fresh folder under the system's temporary one.
    pub(crate) fn folder(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("countersign-record-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        dir
    }

    fn write(table: &str, key: &str, value: Option<&str>) -> Write {
        Write {
            table: table.into(),
            key: key.into(),
            value: value.map(|v| Bytes::copy_from_slice(v.as_bytes())),
        }
    }

    fn keys(store: &Store, table: &str, reverse: bool, limit: usize) -> String {
        let found = store.range(table, b"", None, reverse, limit).unwrap();
        found.iter().map(|(k, _)| String::from_utf8_lossy(k).into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn memory_lies_over_the_checkpoint() {
        let dir = folder("store");
        let (log, _) = Log::open(&dir, Options::default()).unwrap();
        let store = Store::open(&dir, &log).unwrap();
        let commit = |writes: &[Write]| {
            let entry = Entry { kind: 2, bytes: encode_writes(writes).into() };
            let ticket = log.append(vec![entry]).unwrap();
            store.apply(ticket.first_seq, writes);
            ticket.wait().unwrap();
        };
        commit(&[write("t", "a", Some("1")), write("t", "b", Some("2")), write("u", "a", Some("other"))]);
        store.checkpoint(&log.watch()).unwrap();
        commit(&[write("t", "b", None), write("t", "c", Some("3")), write("t", "d", Some("4"))]);
        assert_eq!(keys(&store, "t", false, 9), "a c d");
        assert_eq!(keys(&store, "t", true, 2), "d c");
        assert_eq!(keys(&store, "u", false, 9), "a");
        assert_eq!(store.get("t", b"b").unwrap(), None);
        store.checkpoint(&log.watch()).unwrap();
        assert_eq!(keys(&store, "t", false, 9), "a c d");
        assert!(store.shared.memory.read().unwrap().entries.is_empty());
        drop((store, log));
        let (log, _) = Log::open(&dir, Options::default()).unwrap();
        let store = Store::open(&dir, &log).unwrap();
        assert_eq!((store.checkpointed_seq(), keys(&store, "t", false, 9).as_str()), (2, "a c d"));
    }

    #[test]
    fn a_lost_log_is_noticed() {
        let dir = folder("rollback");
        let (log, _) = Log::open(&dir, Options::default()).unwrap();
        let store = Store::open(&dir, &log).unwrap();
        let ticket = log.append(vec![Entry { kind: 2, bytes: Bytes::new() }]).unwrap();
        store.apply(ticket.first_seq, &[write("t", "a", Some("1"))]);
        ticket.wait().unwrap();
        store.checkpoint(&log.watch()).unwrap();
        drop((store, log));
        std::fs::remove_dir_all(dir.join("log")).unwrap();
        let (log, _) = Log::open(&dir, Options::default()).unwrap();
        assert!(Store::open(&dir, &log).err().unwrap().0.contains("rolled back"));
    }
}
