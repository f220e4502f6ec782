//! Single items: `GetItem`, `PutItem`, `UpdateItem`, `DeleteItem`.

use model::{Fault, Members, Range, Tx, Value};

use crate::attribute::{self, Item, item_value};
use crate::capacity::{Units, Wanted};
use crate::change::{Change, Verb, no_legacy, text_of};
use crate::expression::Scope;
use crate::expression::projection::Projection;
use crate::place::ITEMS;
use crate::seal;
use crate::table::{self, Table};
use crate::write::{Spot, Touched};

/// `ReturnValues`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Returns {
    None,
    AllOld,
    UpdatedOld,
    AllNew,
    UpdatedNew,
}

fn returns(input: &Members, verb: Verb) -> Result<Returns, Fault> {
    let wanted = match input.get("ReturnValues").and_then(Value::as_str) {
        None | Some("NONE") => Returns::None,
        Some("ALL_OLD") => Returns::AllOld,
        Some("UPDATED_OLD") => Returns::UpdatedOld,
        Some("ALL_NEW") => Returns::AllNew,
        Some(_) => Returns::UpdatedNew,
    };
    match (verb, wanted) {
        (Verb::Update, _) | (_, Returns::None | Returns::AllOld) => Ok(wanted),
        _ => Err(Fault::validation("ReturnValues can only be ALL_OLD or NONE")),
    }
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html>
pub(crate) fn put_item(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    change(tx, Verb::Put, input)
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html>
pub(crate) fn update_item(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    change(tx, Verb::Update, input)
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html>
pub(crate) fn delete_item(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    change(tx, Verb::Delete, input)
}

fn change(tx: &mut Tx<'_>, verb: Verb, input: Value) -> Result<Value, Fault> {
    let mut input = Members::of(input)?;
    let wanted = returns(&input, verb)?;
    let change = Change::read(verb, &mut input)?;
    let plan = change.plan()?;
    let node = table::node(tx, &change.table)?;
    let table = table::of(&node)?;
    let key = change.key(table)?;
    let keys = seal::open(tx, table)?;
    let spot = Spot::new(table, keys, key);
    let sealed = spot.sealed(tx)?;
    let known = change.needs_old() || wanted != Returns::None || spot.needs_old();
    let old = match &sealed {
        Some(sealed) if known => Some(spot.open(sealed)?),
        _ => None,
    };
    let new = change.outcome(&plan, table, old.as_ref())?;
    let touched = spot.write(tx, sealed.as_ref(), old.as_ref(), new.as_deref())?;
    let parts = |item: Item| {
        let paths: Vec<_> = plan.update.iter().flat_map(|u| u.paths()).cloned().collect();
        let part = Projection::of(&paths).project(item);
        (!part.is_empty()).then_some(part)
    };
    let attributes = match wanted {
        Returns::None => None,
        Returns::AllOld => old.clone(),
        Returns::AllNew => new.map(std::borrow::Cow::into_owned),
        Returns::UpdatedOld => old.clone().and_then(parts),
        Returns::UpdatedNew => new.map(std::borrow::Cow::into_owned).and_then(parts),
    };
    answer(tx, &spot, &change, (&input, &touched), attributes)
}

fn answer(
    tx: &Tx<'_>,
    spot: &Spot<'_>,
    change: &Change,
    (input, touched): (&Members, &Touched),
    attributes: Option<Item>,
) -> Result<Value, Fault> {
    let mut output = Members::default();
    output.push_some("Attributes", attributes.map(item_value));
    let units = Units::of_write(touched);
    output.push_some("ConsumedCapacity", units.shown(spot.table, &change.table, Wanted::read(input), None));
    if wants_metrics(input) {
        output.push_some("ItemCollectionMetrics", collection(tx, spot, &change.given)?);
    }
    Ok(Value::Map(output))
}

pub(crate) fn wants_metrics(input: &Members) -> bool {
    input.get("ReturnItemCollectionMetrics").and_then(Value::as_str) == Some("SIZE")
}

/// The size of the items with this partition key, in steps of a gigabyte; only tables with local indexes tell it.
pub(crate) fn collection(tx: &Tx<'_>, spot: &Spot<'_>, given: &Item) -> Result<Option<Value>, Fault> {
    let name = &spot.table.schema.hash.name;
    let Some(hash) = given.get(name) else { return Ok(None) };
    let numbers = spot.table.indexes.iter().filter(|i| !i.global).map(|i| i.number);
    let mut bytes = 0_u64;
    if spot.table.indexes.iter().all(|i| i.global) {
        return Ok(None);
    }
    for number in std::iter::once(crate::place::BASE).chain(numbers) {
        let from = spot.keys.places.partition(number, hash);
        let to = crate::place::after(&from);
        let range = Range { from: &from, to: Some(&to), reverse: false, limit: usize::MAX };
        bytes +=
            tx.records(ITEMS, range)?.iter().map(|(_, sealed)| u64::from(seal::size(sealed))).sum::<u64>();
    }
    let gigabytes = u32::try_from(bytes >> 30).map_or(f64::MAX, f64::from);
    let mut metrics = Members::default();
    metrics.push("ItemCollectionKey", item_value(Item::from([(name.clone(), hash.clone())])));
    let range = vec![Value::Float(gigabytes), Value::Float(gigabytes + 1.0)];
    metrics.0.push(("SizeEstimateRangeGB".into(), Value::List(range)));
    Ok(Some(Value::Map(metrics)))
}

/// What is wanted of items that are found by their keys.
pub(crate) struct Reading {
    scope: Scope,
    projection: Option<String>,
    pub(crate) consistent: bool,
}

impl Reading {
    pub(crate) fn read(input: &mut Members) -> Result<Reading, Fault> {
        no_legacy(input)?;
        Ok(Reading {
            scope: Scope::read(input.take("ExpressionAttributeNames"), None)?,
            projection: text_of(input, "ProjectionExpression"),
            consistent: input.get("ConsistentRead").and_then(Value::as_bool) == Some(true),
        })
    }

    pub(crate) fn projection(&self) -> Result<Option<Projection<'_>>, Fault> {
        let projection = self.projection.as_deref().map(|p| Projection::parse(p, &self.scope)).transpose()?;
        self.scope.all_used(projection.is_some())?;
        Ok(projection)
    }
}

/// An item by its key, and its size; whole.
pub(crate) fn fetch(
    tx: &Tx<'_>,
    table: &Table,
    keys: &seal::TableKeys,
    key: &Item,
) -> Result<Option<(Item, usize)>, Fault> {
    let spot = Spot::new(table, keys, table.schema.exactly(key)?);
    let item = spot.item(tx)?;
    Ok(item.map(|item| {
        let size = attribute::size(&item);
        (item, size)
    }))
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_GetItem.html>
pub(crate) fn get_item(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let mut input = Members::of(input)?;
    let wanted = Wanted::read(&input);
    let name = table::text(input.take("TableName"))?;
    let key = attribute::read_item(input.take("Key"))?;
    let reading = Reading::read(&mut input)?;
    let projection = reading.projection()?;
    let node = table::node(tx, &name)?;
    let table = table::of(&node)?;
    let keys = seal::open(tx, table)?;
    let found = fetch(tx, table, keys, &key)?;
    let units = Units::of_read(found.as_ref().map_or(0, |(_, size)| *size), reading.consistent);
    let item = found.map(|(item, _)| match &projection {
        Some(projection) => projection.project(item),
        None => item,
    });
    let mut output = Members::default();
    output.push_some("Item", item.map(item_value));
    output.push_some("ConsumedCapacity", units.shown(table, &name, wanted, None));
    Ok(Value::Map(output))
}
