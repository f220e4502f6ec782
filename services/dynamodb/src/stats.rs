//! How many items a table and its indexes hold, and of what size: counted with each change,
//! in the same commit.

use std::collections::BTreeMap;

use model::{Fault, Tx};

use crate::place;
use crate::table::Table;

/// One record for each table, by its id.
pub(crate) const STATS: &str = "dynamodb/stats";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) items: i64,
    pub(crate) bytes: i64,
}

/// By number of index; the table itself is [`place::BASE`].
pub(crate) type Counts = BTreeMap<u16, Count>;

/// `index 2 | items 8 | bytes 8`, again and again.
fn decode(mut record: &[u8]) -> Counts {
    let mut counts = Counts::new();
    while let Some((number, rest)) = record.split_first_chunk()
        && let Some((items, rest)) = rest.split_first_chunk()
        && let Some((bytes, rest)) = rest.split_first_chunk()
    {
        let count = Count { items: i64::from_be_bytes(*items), bytes: i64::from_be_bytes(*bytes) };
        counts.insert(u16::from_be_bytes(*number), count);
        record = rest;
    }
    counts
}

fn encode(counts: &Counts) -> Vec<u8> {
    let mut record = Vec::with_capacity(18 * counts.len());
    for (number, count) in counts {
        record.extend(number.to_be_bytes());
        record.extend(count.items.to_be_bytes());
        record.extend(count.bytes.to_be_bytes());
    }
    record
}

pub(crate) fn read(tx: &Tx<'_>, table: &Table) -> Result<Counts, Fault> {
    Ok(tx.record(STATS, &place::table(&table.id))?.map_or_else(Counts::new, |r| decode(&r)))
}

/// Adds what a change adds, and takes away what it takes away.
pub(crate) fn add(tx: &mut Tx<'_>, table: &[u8; 16], changes: &Counts) -> Result<(), Fault> {
    if changes.values().all(|c| *c == Count::default()) {
        return Ok(());
    }
    let mut counts = tx.record(STATS, table)?.map_or_else(Counts::new, |r| decode(&r));
    for (number, change) in changes {
        let count = counts.entry(*number).or_default();
        count.items += change.items;
        count.bytes += change.bytes;
    }
    tx.put_record(STATS, table, encode(&counts))
}

/// An index is no more.
pub(crate) fn forget(tx: &mut Tx<'_>, table: &Table, index: u16) -> Result<(), Fault> {
    let mut counts = read(tx, table)?;
    counts.remove(&index);
    tx.put_record(STATS, &place::table(&table.id), encode(&counts))
}
