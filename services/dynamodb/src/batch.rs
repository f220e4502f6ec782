//! `BatchGetItem` and `BatchWriteItem`: many single reads or writes in one call.

use std::borrow::Cow;
use std::collections::BTreeSet;

use model::{Fault, Members, Tx, Value};

use crate::attribute::{self, item_value};
use crate::capacity::{Units, Wanted};
use crate::change::{Change, Verb};
use crate::item::{Reading, fetch};
use crate::write::Spot;
use crate::{seal, table};

const READS: usize = 100;
const WRITES: usize = 25;
/// Bytes of an answer; what does not fit is left for another call.
const ANSWER: usize = 16 * 1024 * 1024;

fn requests(input: &mut Members) -> Members {
    match input.take("RequestItems") {
        Some(Value::Map(members)) => members,
        _ => Members::default(),
    }
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::List(list)) => list,
        _ => Vec::new(),
    }
}

fn duplicates() -> Fault {
    Fault::validation("Provided list of item keys contains duplicates")
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
pub(crate) fn batch_get_item(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let mut input = Members::of(input)?;
    let wanted = Wanted::read(&input);
    let requests = requests(&mut input);
    let keys_of = |request: &Value| request.get("Keys").and_then(Value::as_list).map_or(0, <[Value]>::len);
    if requests.iter().map(|(_, r)| keys_of(r)).sum::<usize>() > READS {
        return Err(Fault::validation("Too many items requested for the BatchGetItem call"));
    }
    let (mut responses, mut left, mut consumed) = (Members::default(), Members::default(), Vec::new());
    let mut room = ANSWER;
    for (name, request) in requests.0 {
        let unread = request.clone();
        let mut request = Members::of(request)?;
        let reading = Reading::read(&mut request)?;
        let projection = reading.projection()?;
        let node = table::node(tx, &name)?;
        let table = table::of(&node)?;
        let keys = seal::open(tx, table)?;
        let (mut units, mut found, mut unprocessed) = (Units::default(), Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for given in list(request.take("Keys")) {
            let key = attribute::read_item(Some(given.clone()))?;
            let place = keys.places.item(table.schema.exactly(&key)?);
            if !seen.insert(place) {
                return Err(duplicates());
            }
            if !unprocessed.is_empty() {
                unprocessed.push(given);
                continue;
            }
            let item = fetch(tx, table, keys, &key)?;
            let size = item.as_ref().map_or(0, |(_, size)| *size);
            if size > room {
                room = 0;
                unprocessed.push(given);
                continue;
            }
            room -= size;
            units.add(&Units::of_read(size, reading.consistent));
            found.extend(item.map(|(item, _)| match &projection {
                Some(projection) => item_value(projection.project(item)),
                None => item_value(item),
            }));
        }
        if !unprocessed.is_empty() {
            let mut rest = Members::of(unread)?;
            rest.take("Keys");
            rest.0.push(("Keys".into(), Value::List(unprocessed)));
            left.0.push((name.clone(), Value::Map(rest)));
        }
        consumed.extend(units.shown(table, &name, wanted, None));
        responses.0.push((name, Value::List(found)));
    }
    let mut output = Members::default();
    output.0.push(("Responses".into(), Value::Map(responses)));
    output.0.push(("UnprocessedKeys".into(), Value::Map(left)));
    if wanted != Wanted::None {
        output.0.push(("ConsumedCapacity".into(), Value::List(consumed)));
    }
    Ok(Value::Map(output))
}

/// The change that a `PutRequest` or `DeleteRequest` is.
fn write_request(table: &str, request: Value) -> Result<Change, Fault> {
    let mut request = Members::of(request)?;
    let one = |verb, members: Value, name| {
        let given = attribute::read_item(Members::of(members)?.take(name))?;
        Ok(Change::plain(table, verb, given))
    };
    match (request.take("PutRequest"), request.take("DeleteRequest")) {
        (Some(put), None) => one(Verb::Put, put, "Item"),
        (None, Some(delete)) => one(Verb::Delete, delete, "Key"),
        _ => Err(Fault::validation(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of PutRequest and DeleteRequest",
        )),
    }
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html>
pub(crate) fn batch_write_item(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let mut input = Members::of(input)?;
    let wanted = Wanted::read(&input);
    let requests = requests(&mut input);
    if requests.iter().map(|(_, r)| r.as_list().map_or(0, <[Value]>::len)).sum::<usize>() > WRITES {
        return Err(Fault::validation("Too many items requested for the BatchWriteItem call"));
    }
    let mut consumed = Vec::new();
    let mut metrics: Vec<(Cow<'static, str>, Value)> = Vec::new();
    for (name, given) in requests.0 {
        let node = table::node(tx, &name)?;
        let table = table::of(&node)?;
        let keys = seal::open(tx, table)?;
        let mut seen = BTreeSet::new();
        let (mut units, mut collections) = (Units::default(), Vec::new());
        for request in list(Some(given)) {
            let change = write_request(&name, request)?;
            let spot = Spot::new(table, keys, change.key(table)?);
            if !seen.insert(spot.place.clone()) {
                return Err(duplicates());
            }
            let sealed = spot.sealed(tx)?;
            let old = match &sealed {
                Some(sealed) if spot.needs_old() => Some(spot.open(sealed)?),
                _ => None,
            };
            let new = (change.verb == Verb::Put).then_some(&change.given);
            units.add(&Units::of_write(&spot.write(tx, sealed.as_ref(), old.as_ref(), new)?));
            if crate::item::wants_metrics(&input) {
                collections.extend(crate::item::collection(tx, &spot, &change.given)?);
            }
        }
        consumed.extend(units.shown(table, &name, wanted, None));
        if !collections.is_empty() {
            metrics.push((name, Value::List(collections)));
        }
    }
    let mut output = Members::default();
    output.0.push(("UnprocessedItems".into(), Value::Map(Members::default())));
    if !metrics.is_empty() {
        output.0.push(("ItemCollectionMetrics".into(), Value::Map(Members(metrics))));
    }
    if wanted != Wanted::None {
        output.0.push(("ConsumedCapacity".into(), Value::List(consumed)));
    }
    Ok(Value::Map(output))
}
