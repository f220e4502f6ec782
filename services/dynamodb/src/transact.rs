//! `TransactWriteItems` and `TransactGetItems`: all of it, or nothing and the reasons why.

use std::collections::{BTreeMap, BTreeSet};

use model::{Fault, Members, Range, Tx, Value};
use ring::digest::{SHA256, digest};

use crate::attribute::{self, Item, item_value};
use crate::capacity::{Direction, Units, Wanted};
use crate::change::{Change, Plan, Refusal, Verb};
use crate::item::{Reading, fetch};
use crate::write::Spot;
use crate::{seal, table};

/// Bytes of the items of one transaction.
const LARGEST: usize = 4 * 1024 * 1024;

fn actions(input: &mut Members) -> Vec<Value> {
    match input.take("TransactItems") {
        Some(Value::List(list)) => list,
        _ => Vec::new(),
    }
}

/// The one action of an entry, by the names it may have.
fn only<T: Copy>(entry: Value, kinds: &[(&str, T)]) -> Result<(T, Members), Fault> {
    let mut entry = Members::of(entry)?;
    let wrong = || Fault::validation("TransactItems can only contain one of Check, Put, Update or Delete");
    let mut found = kinds.iter().filter_map(|(name, kind)| Some((*kind, entry.take(name)?)));
    let (kind, value) = found.next().ok_or_else(wrong)?;
    match found.next() {
        Some(_) => Err(wrong()),
        None => Ok((kind, Members::of(value)?)),
    }
}

fn reason(code: &str, message: Option<String>, item: Option<Item>) -> Value {
    let mut reason = Members::default();
    reason.push("Code", code);
    reason.push_some("Message", message);
    reason.push_some("Item", item.map(item_value));
    Value::Map(reason)
}

fn cancelled(reasons: Vec<Value>) -> Fault {
    let codes: Vec<&str> = reasons.iter().filter_map(|r| r.text("Code")).collect();
    let codes = codes.join(", ");
    Fault::client(
        "TransactionCanceledException",
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"),
    )
    .with("CancellationReasons", Value::List(reasons))
}

fn too_large() -> Fault {
    Fault::validation("Collective size of all items in the transaction exceeds the limit of 4 MB")
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>
pub(crate) fn transact_write_items(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let digest = digest_of(&input);
    let mut input = Members::of(input)?;
    let wanted = Wanted::read(&input);
    let mut changes = Vec::new();
    for entry in actions(&mut input) {
        const KINDS: &[(&str, Verb)] = &[
            ("ConditionCheck", Verb::Check),
            ("Put", Verb::Put),
            ("Update", Verb::Update),
            ("Delete", Verb::Delete),
        ];
        let (verb, mut members) = only(entry, KINDS)?;
        changes.push(Change::read(verb, &mut members)?);
    }
    let plans: Vec<Plan<'_>> = changes.iter().map(Change::plan).collect::<Result<_, _>>()?;
    let done_before = match input.get("ClientRequestToken").and_then(Value::as_str) {
        Some(token) => repeated(tx, token, &digest)?,
        None => false,
    };
    let nodes = changes.iter().map(|c| table::node(tx, &c.table)).collect::<Result<Vec<_>, _>>()?;
    let mut tables = BTreeMap::new();
    for (change, node) in changes.iter().zip(&nodes) {
        if !tables.contains_key(&change.table) {
            let table = table::of(node)?;
            tables.insert(change.table.clone(), (table, seal::open(tx, table)?));
        }
    }
    let (mut spots, mut seen, mut total) = (Vec::new(), BTreeSet::new(), 0);
    for change in &changes {
        let Some((table, keys)) = tables.get(&change.table) else { return Err(table::missing()) };
        let spot = Spot::new(table, keys, change.key(table)?);
        if !seen.insert(spot.place.clone()) {
            return Err(Fault::validation(
                "Transaction request cannot include multiple operations on one item",
            ));
        }
        total += attribute::size(&change.given);
        spots.push(spot);
    }
    if total > LARGEST {
        return Err(too_large());
    }
    let mut units: BTreeMap<&str, Units> = BTreeMap::new();
    let metrics =
        if done_before { Vec::new() } else { carry_out(tx, (&changes, &plans, &spots), &mut units, &input)? };
    let mut output = Members::default();
    let shown = tables.iter().filter_map(|(name, (table, _))| {
        units.get(name.as_str()).cloned().unwrap_or_default().shown(
            table,
            name,
            wanted,
            Some(Direction::Write),
        )
    });
    if wanted != Wanted::None {
        output.0.push(("ConsumedCapacity".into(), Value::List(shown.collect())));
    }
    if !metrics.is_empty() {
        output.0.push(("ItemCollectionMetrics".into(), Value::Map(Members(metrics))));
    }
    Ok(Value::Map(output))
}

type Metrics = Vec<(std::borrow::Cow<'static, str>, Value)>;

/// Judges every change before any is written.
fn carry_out<'c>(
    tx: &mut Tx<'_>,
    (changes, plans, spots): (&'c [Change], &[Plan<'_>], &[Spot<'_>]),
    units: &mut BTreeMap<&'c str, Units>,
    input: &Members,
) -> Result<Metrics, Fault> {
    let mut before = Vec::with_capacity(spots.len());
    for spot in spots {
        let sealed = spot.sealed(tx)?;
        let item = sealed.as_deref().map(|s| spot.open(s)).transpose()?;
        before.push((sealed, item));
    }
    let (mut after, mut reasons, mut good) = (Vec::new(), Vec::new(), true);
    for (((change, plan), spot), (_, old)) in changes.iter().zip(plans).zip(spots).zip(&before) {
        let reason = match change.outcome(plan, spot.table, old.as_ref()) {
            Ok(new) => {
                after.push(new);
                reasons.push(reason("None", None, None));
                continue;
            }
            Err(Refusal::Condition(item)) => {
                reason("ConditionalCheckFailed", Some("The conditional request failed".to_owned()), item)
            }
            Err(Refusal::Fault(fault)) => reason("ValidationError", Some(fault.message), None),
        };
        reasons.push(reason);
        good = false;
    }
    if !good {
        return Err(cancelled(reasons));
    }
    let mut metrics: Metrics = Vec::new();
    for (((change, spot), (sealed, old)), new) in changes.iter().zip(spots).zip(&before).zip(after) {
        let touched = match change.verb {
            // What is only checked stays as it is.
            Verb::Check => {
                crate::write::Touched { item: attribute::size(&change.given), entries: Vec::new() }
            }
            _ => spot.write(tx, sealed.as_ref(), old.as_ref(), new.as_deref())?,
        };
        units.entry(&change.table).or_default().add(&Units::of_write(&touched).transactional());
        if crate::item::wants_metrics(input)
            && let Some(found) = crate::item::collection(tx, spot, &change.given)?
        {
            match metrics.iter_mut().find(|(name, _)| *name == change.table.as_str()) {
                Some((_, Value::List(list))) => list.push(found),
                _ => metrics.push((change.table.clone().into(), Value::List(vec![found]))),
            }
        }
    }
    Ok(metrics)
}

/// Tokens of the last minutes: `time of the bucket 8 | account | token`.
const TOKENS: &str = "dynamodb/tokens";
/// For how long a repeated request is known again.
const REMEMBERED: i64 = 600;
const PURPOSE: &str = "dynamodb-token";

/// What makes a request another: everything but what it wants to be told.
fn digest_of(input: &Value) -> Vec<u8> {
    let items = input.get("TransactItems").map(|items| items.to_json().to_string()).unwrap_or_default();
    digest(&SHA256, items.as_bytes()).as_ref().to_vec()
}

/// Whether this very request has been carried out already; remembers it, if not.
fn repeated(tx: &mut Tx<'_>, token: &str, digest: &[u8]) -> Result<bool, Fault> {
    let now = tx.now.seconds();
    let bucket = now.div_euclid(REMEMBERED);
    let name = format!("{}/{}/{token}", tx.caller().account, tx.region);
    let place = |bucket: i64| [bucket.to_be_bytes().as_slice(), name.as_bytes()].concat();
    for bucket in [bucket, bucket - 1] {
        let Some(record) = tx.record(TOKENS, &place(bucket))? else { continue };
        let (time, sealed) =
            record.split_first_chunk().ok_or_else(|| Fault::internal("a token's record is broken"))?;
        if now - i64::from_be_bytes(*time) > REMEMBERED {
            continue;
        }
        // Sealed: a digest of little data would tell it.
        return match tx.unseal(PURPOSE, name.as_bytes(), sealed)? == digest {
            true => Ok(true),
            false => Err(Fault::client(
                "IdempotentParameterMismatchException",
                "The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical",
            )),
        };
    }
    // Each new one clears away a few that are past.
    let past = (bucket - 1).to_be_bytes();
    for (key, _) in tx.records(TOKENS, Range { from: &[], to: Some(&past), reverse: false, limit: 8 })? {
        tx.remove_record(TOKENS, &key)?;
    }
    let sealed = tx.seal(PURPOSE, name.as_bytes(), digest)?;
    tx.put_record(TOKENS, &place(bucket), [now.to_be_bytes().as_slice(), &sealed].concat())?;
    Ok(false)
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html>
pub(crate) fn transact_get_items(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let mut input = Members::of(input)?;
    let wanted = Wanted::read(&input);
    let mut gets = Vec::new();
    for entry in actions(&mut input) {
        let ((), mut get) = only(entry, &[("Get", ())])?;
        let (name, key) = (table::text(get.take("TableName"))?, attribute::read_item(get.take("Key"))?);
        gets.push((table::node(tx, &name)?, name, key, Reading::read(&mut get)?));
    }
    let mut tables = BTreeMap::new();
    for (node, name, _, _) in &gets {
        if !tables.contains_key(name.as_str()) {
            let table = table::of(node)?;
            tables.insert(name.as_str(), (table, seal::open(tx, table)?, Units::default()));
        }
    }
    let (mut responses, mut total, mut seen) = (Vec::new(), 0, BTreeSet::new());
    for (_, name, key, reading) in &gets {
        let Some((table, keys, units)) = tables.get_mut(name.as_str()) else { return Err(table::missing()) };
        let projection = reading.projection()?;
        if !seen.insert(keys.places.item(table.schema.exactly(key)?)) {
            return Err(Fault::validation(
                "Transaction request cannot include multiple operations on one item",
            ));
        }
        let found = fetch(tx, table, keys, key)?;
        let size = found.as_ref().map_or(0, |(_, size)| *size);
        total += size;
        if total > LARGEST {
            return Err(too_large());
        }
        units.add(&Units::of_read(size, true).transactional());
        let mut response = Members::default();
        let item = found.map(|(item, _)| match &projection {
            Some(projection) => projection.project(item),
            None => item,
        });
        response.push_some("Item", item.map(item_value));
        responses.push(Value::Map(response));
    }
    let mut output = Members::default();
    output.0.push(("Responses".into(), Value::List(responses)));
    if wanted != Wanted::None {
        let shown = tables
            .iter()
            .filter_map(|(name, (table, _, units))| units.shown(table, name, wanted, Some(Direction::Read)));
        output.0.push(("ConsumedCapacity".into(), Value::List(shown.collect())));
    }
    Ok(Value::Map(output))
}
