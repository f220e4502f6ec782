//! The one way to change an item: its record, its entries in the indexes, its expiry and the
//! counts change together, in one commit.

use bytes::Bytes;
use model::{Fault, Tx};

use crate::attribute::{self, Item};
use crate::place::{BASE, ITEMS};
use crate::schema::Key;
use crate::seal::{self, TableKeys};
use crate::stats::{self, Counts};
use crate::table::{Index, Projection, Table};
use crate::ttl;

/// Bytes of an item.
const LARGEST: usize = 400 * 1024;

/// One item's place in a table that the caller may open.
pub(crate) struct Spot<'t> {
    pub(crate) table: &'t Table,
    pub(crate) keys: &'t TableKeys,
    pub(crate) place: Vec<u8>,
}

/// What a change touched, in bytes, for the capacity it takes.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    /// The larger of the item's size before and after.
    pub(crate) item: usize,
    /// For each index changed: its position among the table's, and the larger size of each entry written.
    pub(crate) entries: Vec<(usize, usize)>,
}

impl<'t> Spot<'t> {
    pub(crate) fn new(table: &'t Table, keys: &'t TableKeys, key: Key<'_>) -> Spot<'t> {
        Spot { table, keys, place: keys.places.item(key) }
    }

    /// The item's record, still sealed.
    pub(crate) fn sealed(&self, tx: &Tx<'_>) -> Result<Option<Bytes>, Fault> {
        tx.record(ITEMS, &self.place)
    }

    pub(crate) fn open(&self, sealed: &[u8]) -> Result<Item, Fault> {
        self.keys.open(&self.place, sealed)
    }

    /// The item as it is.
    pub(crate) fn item(&self, tx: &Tx<'_>) -> Result<Option<Item>, Fault> {
        self.sealed(tx)?.map(|sealed| self.open(&sealed)).transpose()
    }

    /// Whether a change needs to know the item as it was.
    pub(crate) fn needs_old(&self) -> bool {
        !self.table.indexes.is_empty() || self.table.ttl.is_some()
    }

    /// Puts the item, or removes it. `old` is the item as it was, where that [is needed](Self::needs_old).
    pub(crate) fn write(
        &self,
        tx: &mut Tx<'_>,
        sealed: Option<&Bytes>,
        old: Option<&Item>,
        new: Option<&Item>,
    ) -> Result<Touched, Fault> {
        let (before, after) = (sealed.map(|s| seal::size(s)), new.map(measured).transpose()?);
        let mut counts = Counts::new();
        let mut touched = Touched::default();
        count(&mut counts, BASE, before, after);
        touched.item = larger(before, after);
        match (new, after) {
            (Some(new), Some(size)) => {
                let sealed = self.keys.seal(tx, &self.place, new, size)?;
                tx.put_record(ITEMS, &self.place, sealed)?;
            }
            _ if sealed.is_some() => tx.remove_record(ITEMS, &self.place)?,
            _ => {}
        }
        for (position, index) in self.table.indexes.iter().enumerate() {
            self.write_entry(tx, (position, index), (old, new), &mut counts, &mut touched)?;
        }
        if let Some(attribute) = &self.table.ttl {
            ttl::keep(tx, self, (attribute, old), new.zip(after))?;
        }
        stats::add(tx, &self.keys.places.table, &counts)?;
        Ok(touched)
    }

    fn write_entry(
        &self,
        tx: &mut Tx<'_>,
        (position, index): (usize, &Index),
        (old, new): (Option<&Item>, Option<&Item>),
        counts: &mut Counts,
        touched: &mut Touched,
    ) -> Result<(), Fault> {
        let (old, new) = (old.and_then(|i| self.entry(index, i)), new.and_then(|i| self.entry(index, i)));
        if old == new {
            return Ok(());
        }
        let size = |entry: &Option<Entry>| entry.as_ref().map(|e| e.size);
        count(counts, index.number, size(&old), size(&new));
        let moved = old.as_ref().map(|o| &o.place) != new.as_ref().map(|n| &n.place);
        if let Some(old) = &old
            && moved
        {
            tx.remove_record(ITEMS, &old.place)?;
            touched.entries.push((position, bytes(old.size)));
        }
        if let Some(new) = &new {
            let sealed = self.keys.seal(tx, &new.place, &new.item, new.size)?;
            tx.put_record(ITEMS, &new.place, sealed)?;
            let was = old.filter(|_| !moved).map_or(0, |o| o.size);
            touched.entries.push((position, bytes(was.max(new.size))));
        }
        Ok(())
    }

    /// An item's entry in an index; none, where it lacks the index's keys.
    pub(crate) fn entry(&self, index: &Index, item: &Item) -> Option<Entry> {
        let key = index.schema.sparse(item)?;
        let place = self.keys.places.entry(index.number, key, &self.place);
        let item = match &index.projection {
            Projection::All => item.clone(),
            some => item
                .iter()
                .filter(|(name, _)| {
                    self.table.schema.names(name)
                        || index.schema.names(name)
                        || matches!(some, Projection::Include(names) if names.contains(name))
                })
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        };
        let size = u32::try_from(attribute::size(&item)).unwrap_or(u32::MAX);
        Some(Entry { place, item, size })
    }
}

/// What an index holds of an item.
#[derive(Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) place: Vec<u8>,
    pub(crate) item: Item,
    pub(crate) size: u32,
}

fn bytes(size: u32) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX)
}

fn larger(a: Option<u32>, b: Option<u32>) -> usize {
    bytes(a.max(b).unwrap_or(0))
}

fn count(counts: &mut Counts, index: u16, before: Option<u32>, after: Option<u32>) {
    let count = counts.entry(index).or_default();
    count.items += i64::from(after.is_some()) - i64::from(before.is_some());
    count.bytes += i64::from(after.unwrap_or(0)) - i64::from(before.unwrap_or(0));
}

/// An item's size, if it may be kept at all.
fn measured(item: &Item) -> Result<u32, Fault> {
    let size = attribute::size(item);
    match size > LARGEST {
        true => Err(Fault::validation("Item size has exceeded the maximum allowed size")),
        false => Ok(u32::try_from(size).unwrap_or(u32::MAX)),
    }
}

/// Refuses an item that could not be in the table or in one of its indexes.
pub(crate) fn check<'i>(table: &Table, item: &'i Item) -> Result<Key<'i>, Fault> {
    let key = table.schema.of(item)?;
    for index in &table.indexes {
        index.schema.check_index(item, &index.name)?;
    }
    if item.keys().any(String::is_empty) {
        return Err(Fault::validation(
            "One or more parameter values were invalid: Attribute names must not be empty",
        ));
    }
    Ok(key)
}
