//! Capacity units: what a call consumed, for those who ask. Nothing is throttled by them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use model::{Members, Value};

use crate::table::Table;
use crate::write::Touched;

/// `ReturnConsumedCapacity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    None,
    Total,
    Indexes,
}

impl Wanted {
    pub(crate) fn read(input: &Members) -> Wanted {
        match input.get("ReturnConsumedCapacity").and_then(Value::as_str) {
            Some("TOTAL") => Wanted::Total,
            Some("INDEXES") => Wanted::Indexes,
            _ => Wanted::None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// Units by part of a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Units {
    table: f64,
    /// By position among the table's indexes.
    indexes: BTreeMap<usize, f64>,
}

fn ceiling(bytes: usize, unit: usize) -> f64 {
    u32::try_from(bytes.max(1).div_ceil(unit)).map_or(f64::MAX, f64::from)
}

fn read(bytes: usize, consistent: bool) -> f64 {
    ceiling(bytes, 4096) * if consistent { 1.0 } else { 0.5 }
}

impl Units {
    pub(crate) fn of_read(bytes: usize, consistent: bool) -> Units {
        Units { table: read(bytes, consistent), ..Units::default() }
    }

    /// A read of an index, and what its items took in the table itself.
    pub(crate) fn of_index_read(position: usize, bytes: usize, table: f64, consistent: bool) -> Units {
        Units { table, indexes: BTreeMap::from([(position, read(bytes, consistent))]) }
    }

    pub(crate) fn of_fetch(bytes: usize, consistent: bool) -> f64 {
        read(bytes, consistent)
    }

    pub(crate) fn of_write(touched: &Touched) -> Units {
        let mut units = Units { table: ceiling(touched.item, 1024), ..Units::default() };
        for (position, bytes) in &touched.entries {
            *units.indexes.entry(*position).or_default() += ceiling(*bytes, 1024);
        }
        units
    }

    pub(crate) fn add(&mut self, other: &Units) {
        self.table += other.table;
        for (position, units) in &other.indexes {
            *self.indexes.entry(*position).or_default() += units;
        }
    }

    /// In a transaction everything is done twice: prepared, then carried out.
    #[must_use]
    pub(crate) fn transactional(mut self) -> Units {
        self.table *= 2.0;
        self.indexes.values_mut().for_each(|u| *u *= 2.0);
        self
    }

    /// The `ConsumedCapacity` of a table, under the name by which the request called it.
    pub(crate) fn shown(
        &self,
        table: &Table,
        name: &str,
        wanted: Wanted,
        both: Option<Direction>,
    ) -> Option<Value> {
        let total = self.table + self.indexes.values().sum::<f64>();
        let mut shown = Members::default();
        shown.push("TableName", name);
        shown.push("CapacityUnits", total);
        match both {
            Some(Direction::Read) => shown.push("ReadCapacityUnits", total),
            Some(Direction::Write) => shown.push("WriteCapacityUnits", total),
            None => {}
        }
        let units = |n: f64| {
            let mut units = Members::default();
            units.push("CapacityUnits", n);
            Value::Map(units)
        };
        match wanted {
            Wanted::None => return None,
            Wanted::Total => {}
            Wanted::Indexes => {
                shown.push("Table", units(self.table));
                for (member, global) in [("LocalSecondaryIndexes", false), ("GlobalSecondaryIndexes", true)] {
                    let of = self.indexes.iter().filter_map(|(position, n)| {
                        let index = table.indexes.get(*position).filter(|i| i.global == global)?;
                        Some((Cow::Owned(index.name.clone()), units(*n)))
                    });
                    let of: Vec<_> = of.collect();
                    if !of.is_empty() {
                        shown.push(member, Value::Map(Members(of)));
                    }
                }
            }
        }
        Some(Value::Map(shown))
    }
}
