//! The append-only log. Appends are ordered by their calls; one thread writes what
//! has gathered, syncs once, and wakes those who wait (group commit). After an
//! error of the disk nothing is accepted any more.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::frame::{self, BATCH_BYTES, ENTRY_BYTES, Entry, Hash, Logged};
use crate::segment;

#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// A segment is closed once it is longer than this, in bytes.
    pub segment: usize,
    /// Zeros that are written ahead of the log's end, in bytes: a sync that changes neither the length
    /// of a file nor where its blocks are costs a third of one that does.
    pub room: usize,
    /// Bytes that may wait to be written before appends block.
    pub queue: usize,
    /// The longest that an entry for which nobody waits is kept from the disk.
    pub linger: Duration,
    /// The longest that those who wait are kept for others to join them.
    pub company: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment: 32 << 20,
            room: 1 << 20,
            queue: 64 << 20,
            linger: Duration::from_millis(10),
            company: Duration::from_millis(1),
        }
    }
}

/// What was found at opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    pub last_seq: u64,
    pub last_hash: Hash,
    /// Bytes of a torn, never acknowledged tail that were cut off.
    pub cut: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogError {
    Io {
        what: String,
    },
    /// A batch in the middle is not what was written.
    Damaged {
        file: PathBuf,
        offset: u64,
    },
    /// An earlier write failed: the log accepts nothing until it is opened again.
    Poisoned {
        cause: String,
    },
    TooLarge {
        bytes: usize,
    },
}

impl std::fmt::Display for LogError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LogError::Io { what } => write!(f, "{what}"),
            LogError::Damaged { file, offset } => {
                write!(f, "`{}` is damaged at offset {offset}; restore it from a copy", file.display())
            }
            LogError::Poisoned { cause } => {
                write!(f, "an earlier write failed ({cause}); free the disk and start again")
            }
            LogError::TooLarge { bytes } => {
                write!(f, "an entry of {bytes} bytes is longer than {ENTRY_BYTES}")
            }
        }
    }
}

impl std::error::Error for LogError {}

pub(crate) fn io(what: &str, path: &Path, error: &std::io::Error) -> LogError {
    LogError::Io { what: format!("cannot {what} `{}`: {error}", path.display()) }
}

type Callback = Box<dyn FnOnce(Result<(), LogError>) + Send>;

#[derive(Default)]
struct State {
    queue: Vec<Entry>,
    queued_bytes: usize,
    /// Somebody waits for something in the queue.
    urgent: bool,
    next_seq: u64,
    /// The last entry that the writer has taken from the queue.
    taken: u64,
    durable: u64,
    failed: Option<LogError>,
    waiting: Vec<(u64, Callback)>,
    /// How many waited when the last batch was on the disk, for it or for the next: those who were
    /// answered may soon wait again, and can share one sync with the others.
    expected: usize,
    closing: bool,
}

struct Shared {
    state: Mutex<State>,
    /// Wakes the writer.
    work: Condvar,
    /// Wakes those who wait for the disk or for room.
    done: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the writer go to the disk at once, if this entry is still in the queue.
    fn urge(&self, state: &mut State, seq: u64) {
        if seq > state.taken && !state.urgent {
            state.urgent = true;
            self.work.notify_one();
        }
    }

    fn wait(&self, seq: u64) -> Result<(), LogError> {
        let mut state = self.lock();
        self.urge(&mut state, seq);
        while state.durable < seq {
            if let Some(error) = &state.failed {
                return Err(error.clone());
            }
            state = self.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
}

/// Waits for the log's disk, from another thread.
#[derive(Clone)]
pub struct Watch {
    shared: Arc<Shared>,
}

impl Watch {
    /// Blocks until this entry is on the disk.
    pub fn wait(&self, seq: u64) -> Result<(), LogError> {
        self.shared.wait(seq)
    }
}

pub struct Log {
    dir: PathBuf,
    options: Options,
    shared: Arc<Shared>,
    writer: Option<std::thread::JoinHandle<()>>,
}

/// A place in the log, and the way to learn when it is on the disk.
pub struct Ticket {
    pub first_seq: u64,
    pub last_seq: u64,
    shared: Arc<Shared>,
}

impl Ticket {
    /// Blocks until the entries are on the disk.
    pub fn wait(self) -> Result<(), LogError> {
        self.shared.wait(self.last_seq)
    }

    /// Calls back once the entries are on the disk, or never will be.
    pub fn on_durable(self, callback: Callback) {
        let mut state = self.shared.lock();
        let outcome = match (&state.failed, state.durable >= self.last_seq) {
            (_, true) => Ok(()),
            (Some(error), _) => Err(error.clone()),
            (None, false) => {
                self.shared.urge(&mut state, self.last_seq);
                state.waiting.push((self.last_seq, callback));
                if state.waiting.len() == state.expected {
                    self.shared.work.notify_one();
                }
                return;
            }
        };
        drop(state);
        callback(outcome);
    }
}

impl Log {
    /// Opens `data/log`, cuts off a torn tail, and begins to write behind what is there.
    pub fn open(data: &Path, options: Options) -> Result<(Log, Recovery), LogError> {
        let dir = data.join("log");
        std::fs::create_dir_all(&dir).map_err(|e| io("make", &dir, &e))?;
        let recovery = recover(&dir)?;
        let last = recovery.last_seq;
        let state = State { next_seq: last + 1, taken: last, durable: last, ..State::default() };
        let shared =
            Arc::new(Shared { state: Mutex::new(state), work: Condvar::new(), done: Condvar::new() });
        let writer = Writer {
            dir: dir.clone(),
            options,
            shared: Arc::clone(&shared),
            hash: recovery.last_hash,
            segment: None,
        };
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || writer.run());
        let thread =
            thread.map_err(|e| LogError::Io { what: format!("cannot start the log's thread: {e}") })?;
        Ok((Log { dir, options, shared, writer: Some(thread) }, recovery))
    }

    /// Appends entries, all in one batch or in neighbouring ones. They are on the disk within
    /// [`Options::linger`], or as soon as can be once somebody waits for them.
    pub fn append(&self, entries: Vec<Entry>) -> Result<Ticket, LogError> {
        let bytes: usize = entries.iter().map(|e| e.bytes.len()).sum();
        if let Some(entry) = entries.iter().find(|e| e.bytes.len() > ENTRY_BYTES) {
            return Err(LogError::TooLarge { bytes: entry.bytes.len() });
        }
        let mut state = self.shared.lock();
        while state.queued_bytes > self.options.queue && state.failed.is_none() {
            state = self.shared.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(error) = &state.failed {
            return Err(error.clone());
        }
        let first_seq = state.next_seq;
        state.next_seq += entries.len() as u64;
        let last_seq = state.next_seq - 1;
        let idle = state.queue.is_empty();
        state.queue.extend(entries);
        state.queued_bytes += bytes;
        drop(state);
        if idle {
            self.shared.work.notify_one();
        }
        Ok(Ticket { first_seq, last_seq, shared: Arc::clone(&self.shared) })
    }

    /// The last entry that is on the disk.
    pub fn durable(&self) -> u64 {
        self.shared.lock().durable
    }

    pub fn watch(&self) -> Watch {
        Watch { shared: Arc::clone(&self.shared) }
    }

    /// Entries from `from` on, in order: those on the disk now.
    pub fn read(&self, from: u64) -> impl Iterator<Item = Result<Logged, LogError>> {
        let durable = self.durable();
        let segments = segment::list(&self.dir).unwrap_or_default();
        let begin = segments.iter().rposition(|(first, _)| *first <= from).unwrap_or(0);
        segments
            .into_iter()
            .skip(begin)
            .flat_map(move |(_, path)| match entries(&path, durable) {
                Ok(entries) => entries.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
            .filter(move |e| e.as_ref().map_or(true, |e| e.seq >= from))
    }

    /// The entries before this one that are on the disk now, newest first.
    pub fn read_back(&self, before: u64) -> impl Iterator<Item = Result<Logged, LogError>> {
        let durable = self.durable();
        let segments = segment::list(&self.dir).unwrap_or_default();
        segments
            .into_iter()
            .rev()
            .skip_while(move |(first, _)| *first >= before)
            .flat_map(move |(_, path)| match entries(&path, durable) {
                Ok(entries) => entries.into_iter().rev().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
            .filter(move |e| e.as_ref().map_or(true, |e| e.seq < before))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.work.notify_all();
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// The entries of a segment up to the last durable one.
fn entries(path: &Path, durable: u64) -> Result<Vec<Logged>, LogError> {
    let bytes = segment::load(path).map_err(|e| io("read", path, &e))?;
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let Some(batch) = segment::batch(&bytes, at) else {
            // Behind the durable end a batch may be half written just now.
            let next = found.last().map_or(0, |e: &Logged| e.seq);
            return if next >= durable || found.is_empty() { Ok(found) } else { Err(damaged(path, at)) };
        };
        at = batch.end;
        found.extend(batch.entries.into_iter().filter(|e| e.seq <= durable));
    }
    Ok(found)
}

fn damaged(path: &Path, at: usize) -> LogError {
    LogError::Damaged { file: path.to_owned(), offset: at as u64 }
}

/// Finds the end of the log: the last segment with a batch in it, its torn tail cut off.
fn recover(dir: &Path) -> Result<Recovery, LogError> {
    let mut recovery = Recovery { last_seq: 0, last_hash: [0; 32], cut: 0 };
    for (_, path) in segment::list(dir).map_err(|e| io("list", dir, &e))?.into_iter().rev() {
        let bytes = segment::load(&path).map_err(|e| io("read", &path, &e))?;
        let (mut at, mut last) = (0, None);
        while let Some(batch) = segment::batch(&bytes, at) {
            at = batch.end;
            last = Some((batch.header.first_seq + u64::from(batch.header.count) - 1, batch.header.hash()));
        }
        if at < bytes.len() {
            if segment::another_behind(&bytes, at) {
                return Err(damaged(&path, at));
            }
            let torn = bytes.get(at..).unwrap_or_default();
            recovery.cut += torn.iter().rposition(|b| *b != 0).map_or(0, |last| last as u64 + 1);
            let file = OpenOptions::new().write(true).open(&path).map_err(|e| io("open", &path, &e))?;
            file.set_len(at as u64).and_then(|()| file.sync_all()).map_err(|e| io("cut", &path, &e))?;
        }
        match last {
            Some((seq, hash)) => return Ok(Recovery { last_seq: seq, last_hash: hash, ..recovery }),
            None => std::fs::remove_file(&path).map_err(|e| io("remove", &path, &e))?,
        }
    }
    Ok(recovery)
}

/// The thread that writes.
struct Writer {
    dir: PathBuf,
    options: Options,
    shared: Arc<Shared>,
    hash: Hash,
    segment: Option<Segment>,
}

/// The segment that is written.
struct Segment {
    file: File,
    path: PathBuf,
    /// Where its batches end.
    length: usize,
    /// Where the file ends: from `length` to here it holds zeros.
    end: usize,
}

impl Segment {
    /// Writes behind what is there, and `room` zeros where it ended at the file's end.
    fn append(&mut self, mut bytes: Vec<u8>, room: usize) -> Result<(), LogError> {
        let end = self.length + bytes.len();
        if end > self.end {
            bytes.resize(bytes.len() + room, 0);
            self.end = self.length + bytes.len();
        }
        self.file.write_all_at(&bytes, self.length as u64).map_err(|e| io("write", &self.path, &e))?;
        self.length = end;
        Ok(())
    }

    /// Gives back the room that was not used.
    fn close(&self) -> Result<(), LogError> {
        let closed = self.file.set_len(self.length as u64).and_then(|()| self.file.sync_all());
        closed.map_err(|e| io("close", &self.path, &e))
    }
}

impl Writer {
    fn run(mut self) {
        while let Some((first, entries)) = self.gather() {
            let last = first + entries.len() as u64 - 1;
            let outcome = self.write(first, &entries);
            let mut state = self.shared.lock();
            let failed = outcome.is_err();
            match outcome {
                Ok(()) => state.durable = last,
                Err(error) => state.failed = Some(LogError::Poisoned { cause: error.to_string() }),
            }
            let error = state.failed.clone();
            let (ready, waiting): (Vec<_>, Vec<_>) =
                std::mem::take(&mut state.waiting).into_iter().partition(|(seq, _)| failed || *seq <= last);
            state.waiting = waiting;
            state.expected = ready.len() + state.waiting.len();
            drop(state);
            self.shared.done.notify_all();
            for (_, callback) in ready {
                callback(error.clone().map_or(Ok(()), Err));
            }
            if failed {
                return;
            }
        }
        // What cannot be given back is cut off at the next opening.
        let _ = self.segment.as_ref().map(Segment::close);
    }

    /// Waits for something to write; `None` when the log is closed and all is written.
    fn gather(&self) -> Option<(u64, Vec<Entry>)> {
        let mut state = self.shared.lock();
        while state.queue.is_empty() {
            if state.closing {
                return None;
            }
            state = self.shared.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.urgent && !state.closing {
            let waited =
                self.shared.work.wait_timeout_while(state, self.options.linger, |s| !s.urgent && !s.closing);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let alone = |s: &mut State| s.waiting.len() < s.expected && !s.closing;
        let waited = self.shared.work.wait_timeout_while(state, self.options.company, alone);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        let first = state.next_seq - state.queue.len() as u64;
        state.urgent = false;
        state.taken = state.next_seq - 1;
        state.queued_bytes = 0;
        Some((first, std::mem::take(&mut state.queue)))
    }

    fn write(&mut self, first: u64, entries: &[Entry]) -> Result<(), LogError> {
        let (mut seq, mut rest) = (first, entries);
        while !rest.is_empty() {
            let mut size = 0;
            let take = rest.iter().take_while(|e| {
                size += e.bytes.len() + 5;
                size <= BATCH_BYTES
            });
            let (batch, behind) = rest.split_at_checked(take.count().max(1)).unwrap_or((rest, &[]));
            self.write_batch(seq, batch)?;
            seq += batch.len() as u64;
            rest = behind;
        }
        match &self.segment {
            Some(Segment { file, path, .. }) => file.sync_data().map_err(|e| io("sync", path, &e)),
            None => Ok(()),
        }
    }

    fn write_batch(&mut self, first: u64, batch: &[Entry]) -> Result<(), LogError> {
        if self.segment.as_ref().is_none_or(|s| s.length > self.options.segment) {
            self.segment = Some(self.next_segment(first)?);
        }
        let (bytes, hash) = frame::encode(first, self.hash, batch);
        if let Some(segment) = &mut self.segment {
            segment.append(bytes, self.options.room)?;
        }
        self.hash = hash;
        Ok(())
    }

    /// Closes the segment and begins one at `first`; or goes on with the last one at opening.
    fn next_segment(&self, first: u64) -> Result<Segment, LogError> {
        if let Some(segment) = &self.segment {
            segment.close()?;
        } else if let Some((_, path)) = segment::list(&self.dir).map_err(|e| io("list", &self.dir, &e))?.pop()
        {
            let file = OpenOptions::new().write(true).open(&path).map_err(|e| io("open", &path, &e))?;
            let length = file.metadata().map_err(|e| io("read", &path, &e))?.len();
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            return Ok(Segment { file, path, length, end: length });
        }
        let path = segment::name(&self.dir, first);
        let file =
            OpenOptions::new().write(true).create_new(true).open(&path).map_err(|e| io("make", &path, &e))?;
        // The new name must survive a crash, too.
        File::open(&self.dir).and_then(|d| d.sync_all()).map_err(|e| io("sync", &self.dir, &e))?;
        Ok(Segment { file, path, length: 0, end: 0 })
    }
}

#[cfg(test)]
#[path = "log_tests.rs"]
mod tests;
