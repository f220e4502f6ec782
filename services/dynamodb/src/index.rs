//! Filling an index, or the order of expiries, of a table that has items already. It happens
//! within the change itself, by the right of the caller, so that an index is whole from its first moment.

use model::{Fault, Range, Tx};

use crate::place::{self, BASE, ITEMS};
use crate::seal::{self, TableKeys};
use crate::stats::{self, Counts};
use crate::table::Table;
use crate::ttl;
use crate::write::Spot;

/// Calls `each` for every item of the table, with its place.
pub(crate) fn each_item(
    tx: &mut Tx<'_>,
    keys: &TableKeys,
    mut each: impl FnMut(&mut Tx<'_>, Vec<u8>, bytes::Bytes) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut from = keys.places.index(BASE);
    let to = place::after(&from);
    loop {
        let some = tx.records(ITEMS, Range { from: &from, to: Some(&to), reverse: false, limit: 1000 })?;
        let Some((last, _)) = some.last() else { return Ok(()) };
        from = [last.as_slice(), &[0]].concat();
        for (place, sealed) in some {
            each(tx, place, sealed)?;
        }
    }
}

/// Enters every item where the new form of the table wants it and the old did not.
pub(crate) fn rebuild(tx: &mut Tx<'_>, before: &Table, after: &Table) -> Result<(), Fault> {
    let keys = seal::open(tx, before)?;
    let mut counts = Counts::new();
    let added: Vec<_> =
        after.indexes.iter().filter(|i| before.indexes.iter().all(|b| b.number != i.number)).collect();
    each_item(tx, keys, |tx, place, sealed| {
        let item = keys.open(&place, &sealed)?;
        let spot = Spot { table: after, keys, place };
        for index in &added {
            let Some(entry) = spot.entry(index, &item) else { continue };
            tx.put_record(ITEMS, &entry.place, keys.seal(tx, &entry.place, &entry.item, entry.size)?)?;
            let count = counts.entry(index.number).or_default();
            count.items += 1;
            count.bytes += i64::from(entry.size);
        }
        match &after.ttl {
            Some(attribute) => ttl::keep(tx, &spot, (attribute, None), Some((&item, seal::size(&sealed)))),
            None => Ok(()),
        }
    })?;
    stats::add(tx, &keys.places.table, &counts)
}
