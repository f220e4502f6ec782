//! Which embedded store holds the checkpoints? The work is that of `record/src/store.rs`: durable
//! transactions of many records at once, random reads by key, scans of one table, opening, idle size.
//! Not measured: single durable writes, which go to the log and never to the store.
//!
//!     cargo run --release --manifest-path lab/bench/store/Cargo.toml [RECORDS]
//!
//! On two busy cores: redb writes 34.6 µs, reads 6.7, scans 0.7, opens in 0.4 ms; fjall 7.5, 7.3, 0.6
//! and 481 ms; LMDB 25.4, 2.0, 0.2 and 0.3 ms, with the whole file in memory. redb was chosen: it opens
//! at once whatever it holds, its memory is bounded, it is one file of safe Rust without a C library;
//! its writes happen behind the answer, in the checkpoint's own thread.

mod fjall_store;
mod heed_store;
mod redb_store;

use std::path::Path;
use std::time::{Duration, Instant};

/// What a checkpoint's store does; every error ends the benchmark.
trait Store: Sized {
    const NAME: &'static str;
    fn open(dir: &Path) -> Self;
    /// One transaction, on the disk at return.
    fn write(&self, records: &[(Vec<u8>, Vec<u8>)]);
    fn read(&self, key: &[u8]) -> Option<usize>;
    /// The bytes of the values whose keys begin with this.
    fn scan(&self, prefix: &[u8]) -> usize;
}

const BATCH: usize = 5_000;
const TABLES: usize = 50;
const VALUE: usize = 500;

/// Numbers that look random and are the same in each run (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn key(number: u64) -> Vec<u8> {
    format!("table-{:03}\0item-{number:016x}", number % TABLES as u64).into_bytes()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let done = work();
    (done, begin.elapsed())
}

fn size(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).expect("a folder").map(|e| e.expect("an entry"));
    entries
        .map(|e| if e.path().is_dir() { size(&e.path()) } else { e.metadata().expect("a file").len() })
        .sum()
}

/// Resident bytes of this process.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|l| l.starts_with("VmRSS")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).expect("a number") * 1024
}

fn measure<S: Store>(records: usize) {
    let dir = std::env::temp_dir().join(format!("bench-store-{}-{}", S::NAME, std::process::id()));
    std::fs::create_dir_all(&dir).expect("a folder");
    let mut numbers = Numbers(1);
    let keys: Vec<u64> = (0..records).map(|_| numbers.next()).collect();
    let store = S::open(&dir);
    let ((), writing) = timed(|| {
        for batch in keys.chunks(BATCH) {
            let value = |n: u64| n.to_le_bytes().iter().copied().cycle().take(VALUE).collect();
            let records: Vec<(Vec<u8>, Vec<u8>)> = batch.iter().map(|n| (key(*n), value(*n))).collect();
            store.write(&records);
        }
    });
    drop(store);
    let before = resident();
    let (store, opening) = timed(|| S::open(&dir));
    let ((), reading) = timed(|| {
        for _ in 0..records {
            let at = keys[(numbers.next() % records as u64) as usize];
            assert_eq!(store.read(&key(at)), Some(VALUE), "a record is there");
        }
    });
    let (bytes, scanning) =
        timed(|| (0..TABLES).map(|t| store.scan(format!("table-{t:03}\0").as_bytes())).sum::<usize>());
    assert_eq!(bytes, records * VALUE, "{} scans everything", S::NAME);
    let grown = resident().saturating_sub(before);
    drop(store);
    let each = |d: Duration| d.as_secs_f64() * 1e6 / records as f64;
    println!(
        "{:6} write {:6.2} µs  read {:5.2} µs  scan {:5.2} µs (each record)  open {:6.1} ms  disk {:4} MB  memory +{} MB",
        S::NAME,
        each(writing),
        each(reading),
        each(scanning),
        opening.as_secs_f64() * 1e3,
        size(&dir) >> 20,
        grown >> 20,
    );
    std::fs::remove_dir_all(&dir).expect("the folder goes");
}

fn main() {
    let records = std::env::args().nth(1).map_or(200_000, |n| n.parse().expect("a number of records"));
    println!("{records} records of {VALUE} bytes, {BATCH} in a durable transaction, caches of 8 MB");
    measure::<redb_store::Redb>(records);
    measure::<fjall_store::Fjall>(records);
    measure::<heed_store::Heed>(records);
}
