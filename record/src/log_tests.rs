//! What the log promises, after a cut at every byte and after a failed disk.

use std::fs;

use super::*;
use crate::store::tests::folder;
use crate::verify;

fn entry(text: &str) -> Entry {
    Entry { kind: 1, bytes: text.to_owned().into() }
}

fn texts(log: &Log) -> Vec<String> {
    log.read(1).map(|e| String::from_utf8(e.unwrap().bytes.to_vec()).unwrap()).collect()
}

fn small() -> Options {
    Options { room: 1000, ..Options::default() }
}

fn filled(name: &str, count: usize) -> PathBuf {
    let dir = folder(name);
    let (log, _) = Log::open(&dir, small()).unwrap();
    for i in 0..count {
        log.append(vec![entry(&format!("entry {i}"))]).unwrap().wait().unwrap();
    }
    dir
}

#[test]
fn entries_read_back_in_order_over_segments_and_restarts() {
    let dir = folder("log-order");
    let options = Options { segment: 100, ..small() };
    for round in 0..3 {
        let (log, recovery) = Log::open(&dir, options).unwrap();
        assert_eq!(recovery.last_seq, round * 20);
        for i in 0..20 {
            let ticket = log.append(vec![entry(&format!("{round}.{i}"))]).unwrap();
            assert_eq!(ticket.first_seq, round * 20 + i + 1);
            if i % 5 == 0 {
                ticket.wait().unwrap();
            }
        }
    }
    let (log, _) = Log::open(&dir, options).unwrap();
    let all = texts(&log);
    assert_eq!((all.len(), all[0].as_str(), all[59].as_str()), (60, "0.0", "2.19"));
    let back: Vec<u64> = log.read_back(u64::MAX).map(|e| e.unwrap().seq).collect();
    assert_eq!(back, (1..=60).rev().collect::<Vec<_>>());
    for before in [0, 1, 2, 41, 60] {
        let back: Vec<u64> = log.read_back(before).map(|e| e.unwrap().seq).collect();
        assert_eq!(back, (1..before).rev().collect::<Vec<_>>());
    }
    assert_eq!(log.read(42).next().unwrap().unwrap().seq, 42);
    assert!(segment::list(&dir.join("log")).unwrap().len() > 3);
    let verified = verify(&dir, |_, _| {}).unwrap();
    assert_eq!((verified.entries, verified.last_seq), (60, 60));
}

#[test]
fn a_cut_at_any_byte_leaves_a_prefix() {
    let dir = filled("log-cut", 6);
    let path = segment::list(&dir.join("log")).unwrap()[0].1.clone();
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let (log, recovery) = Log::open(&dir, small()).unwrap();
        let left = texts(&log);
        assert!(left.iter().enumerate().all(|(i, t)| *t == format!("entry {i}")), "cut at {cut}");
        assert_eq!(left.len() as u64, recovery.last_seq);
        // It goes on from there, and the whole still verifies.
        log.append(vec![entry("after")]).unwrap().wait().unwrap();
        drop(log);
        assert_eq!(verify(&dir, |_, _| {}).unwrap().entries, recovery.last_seq + 1, "cut at {cut}");
        fs::remove_dir_all(dir.join("log")).unwrap();
        fs::create_dir_all(dir.join("log")).unwrap();
    }
}

/// A log that was killed ends in room, and perhaps in a batch that was torn within it.
#[test]
fn room_behind_the_end_is_no_damage() {
    let dir = filled("log-room", 3);
    let path = segment::list(&dir.join("log")).unwrap()[0].1.clone();
    let whole = fs::read(&path).unwrap();
    for torn in [&b""[..], b"torn", &whole[..whole.len() / 3 - 1]] {
        fs::write(&path, [&whole, torn, &[0; 500]].concat()).unwrap();
        assert_eq!(verify(&dir, |_, _| {}).is_ok(), torn.is_empty());
        let (log, recovery) = Log::open(&dir, small()).unwrap();
        assert_eq!((recovery.last_seq, recovery.cut), (3, torn.len() as u64));
        log.append(vec![entry("after")]).unwrap().wait().unwrap();
        assert!(fs::metadata(&path).unwrap().len() > 1000);
        assert_eq!(verify(&dir, |_, _| {}).unwrap().entries, 4);
        drop(log);
        assert_eq!(verify(&dir, |_, _| {}).unwrap().entries, 4);
        assert!(fs::metadata(&path).unwrap().len() < 1000);
    }
}

#[test]
fn a_changed_byte_is_found() {
    let dir = filled("log-flip", 4);
    let path = segment::list(&dir.join("log")).unwrap()[0].1.clone();
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 0x10;
        fs::write(&path, &changed).unwrap();
        assert!(verify(&dir, |_, _| {}).is_err(), "byte {at}");
    }
    // In the middle, opening refuses too: it is not a torn tail.
    let mut changed = whole.clone();
    changed[100] ^= 1;
    fs::write(&path, &changed).unwrap();
    assert!(matches!(Log::open(&dir, Options::default()), Err(LogError::Damaged { .. })));
    fs::write(&path, &whole).unwrap();
    assert_eq!(verify(&dir, |_, _| {}).unwrap().entries, 4);
}

#[test]
fn nothing_is_accepted_after_a_failed_write() {
    let dir = folder("log-poison");
    let (log, _) = Log::open(&dir, Options { segment: 10, ..Options::default() }).unwrap();
    log.append(vec![entry("fits well enough")]).unwrap().wait().unwrap();
    // The next segment cannot be made.
    fs::remove_dir_all(dir.join("log")).unwrap();
    let ticket = log.append(vec![entry("lost")]).unwrap();
    assert!(ticket.wait().is_err());
    assert!(matches!(log.append(vec![entry("refused")]), Err(LogError::Poisoned { .. })));
}

#[test]
fn many_appenders_share_batches() {
    let dir = folder("log-many");
    let (log, _) = Log::open(&dir, Options::default()).unwrap();
    std::thread::scope(|scope| {
        for t in 0..8 {
            let log = &log;
            scope.spawn(move || {
                for i in 0..50 {
                    log.append(vec![entry(&format!("{t}.{i}"))]).unwrap().wait().unwrap();
                }
            });
        }
    });
    let verified = verify(&dir, |_, _| {}).unwrap();
    assert_eq!(verified.entries, 400);
    assert!(verified.batches < 400, "{} batches", verified.batches);
}

#[test]
fn an_entry_can_be_proved() {
    let dir = folder("log-proof");
    let (log, _) = Log::open(&dir, Options::default()).unwrap();
    let entries = (0..7).map(|i| entry(&format!("entry {i}"))).collect();
    log.append(entries).unwrap().wait().unwrap();
    for seq in 1..=7 {
        let (proof, hash) = Log::prove(&dir, seq).unwrap().unwrap();
        let text = format!("entry {}", seq - 1);
        assert!(proof.check(1, text.as_bytes(), &hash));
        assert!(!proof.check(2, text.as_bytes(), &hash));
        assert!(!proof.check(1, b"another", &hash));
        assert!(!proof.check(1, text.as_bytes(), &[0; 32]));
    }
}
