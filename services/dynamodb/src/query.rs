//! `Query` and `Scan`: a stretch of places, read in order, a page at a time.

use model::{Fault, Members, Range as Records, Tx, Value};

use crate::attribute::{self, Attr, Item, item_value};
use crate::capacity::{Units, Wanted};
use crate::change::{no_legacy, text_of};
use crate::expression::Scope;
use crate::expression::condition::Condition;
use crate::expression::key::{KeyCondition, Range};
use crate::expression::projection::Projection;
use crate::place::{self, BASE, ITEMS};
use crate::schema::KeySchema;
use crate::seal::{self, TableKeys};
use crate::table::{self, Index, Table};
use crate::write::Spot;

/// Bytes of items that one page looks at.
const PAGE: usize = 1024 * 1024;
/// Records read at a time: few at first, as most queries want few.
const FIRST: usize = 100;
const NEXT: usize = 1000;
const SEGMENTS: i64 = 1_000_000;

/// What `Query` and `Scan` have in common of their parameters.
struct Request {
    table: String,
    index: Option<String>,
    select: Option<String>,
    limit: Option<usize>,
    consistent: bool,
    start: Option<Item>,
    scope: Scope,
    filter: Option<String>,
    projection: Option<String>,
    wanted: Wanted,
}

impl Request {
    fn read(input: &mut Members) -> Result<Request, Fault> {
        no_legacy(input)?;
        let start = match input.take("ExclusiveStartKey") {
            Some(key) => Some(attribute::read_item(Some(key))?),
            None => None,
        };
        Ok(Request {
            wanted: Wanted::read(input),
            table: table::text(input.take("TableName"))?,
            index: text_of(input, "IndexName"),
            select: text_of(input, "Select"),
            limit: input.get("Limit").and_then(Value::as_i64).and_then(|n| usize::try_from(n).ok()),
            consistent: input.get("ConsistentRead").and_then(Value::as_bool) == Some(true),
            start,
            scope: Scope::read(
                input.take("ExpressionAttributeNames"),
                input.take("ExpressionAttributeValues"),
            )?,
            filter: text_of(input, "FilterExpression"),
            projection: text_of(input, "ProjectionExpression"),
        })
    }

    fn filter(&self) -> Result<Option<Condition<'_>>, Fault> {
        self.filter.as_deref().map(|f| Condition::parse("FilterExpression", f, &self.scope)).transpose()
    }

    fn projection(&self) -> Result<Option<Projection<'_>>, Fault> {
        self.projection.as_deref().map(|p| Projection::parse(p, &self.scope)).transpose()
    }
}

/// What is given of each item that is found.
enum Output<'a> {
    Count,
    /// As the index holds it.
    Whole,
    Parts(Projection<'a>),
}

fn output<'a>(
    request: &Request,
    projection: Option<Projection<'a>>,
    index: Option<&Index>,
) -> Result<Output<'a>, Fault> {
    match (request.select.as_deref(), projection) {
        (None | Some("SPECIFIC_ATTRIBUTES"), Some(projection)) => Ok(Output::Parts(projection)),
        (Some("SPECIFIC_ATTRIBUTES"), None) => Err(Fault::validation(
            "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES",
        )),
        (Some(other), Some(_)) => Err(Fault::validation(format!(
            "Cannot specify the ProjectionExpression when choosing to get {other}"
        ))),
        (Some("COUNT"), None) => Ok(Output::Count),
        (Some("ALL_PROJECTED_ATTRIBUTES"), None) if index.is_none() => Err(Fault::validation(
            "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName",
        )),
        (_, None) => Ok(Output::Whole),
    }
}

/// A stretch of places to be read.
struct Search<'a> {
    table: &'a Table,
    keys: &'a TableKeys,
    /// With its position among the table's.
    index: Option<(usize, &'a Index)>,
    from: Vec<u8>,
    to: Vec<u8>,
    reverse: bool,
    limit: Option<usize>,
    filter: Option<Condition<'a>>,
    output: Output<'a>,
    /// Items are completed from the table: a local index that lacks something wanted.
    complete: bool,
    consistent: bool,
}

/// What was found.
struct Page {
    items: Vec<Value>,
    count: usize,
    scanned: usize,
    last: Option<Item>,
    units: Units,
}

impl Search<'_> {
    /// Begins behind the item of this key, which must lie within the stretch.
    fn start_behind(&mut self, key: &Item, outside: &str) -> Result<(), Fault> {
        let invalid = || Fault::validation("The provided starting key is invalid");
        let own = self.table.schema.sparse(key).ok_or_else(invalid)?;
        let base = self.keys.places.item(own);
        let place = match self.index {
            None => base,
            Some((_, index)) => {
                let entry = index.schema.sparse(key).ok_or_else(invalid)?;
                self.keys.places.entry(index.number, entry, &base)
            }
        };
        let known = |name: &String| {
            self.table.schema.names(name) || self.index.is_some_and(|(_, i)| i.schema.names(name))
        };
        if !key.keys().all(known) {
            return Err(invalid());
        }
        if place < self.from || place >= self.to {
            return Err(Fault::validation(outside));
        }
        match self.reverse {
            true => self.to = place,
            false => self.from = [place.as_slice(), &[0]].concat(),
        }
        Ok(())
    }

    /// The keys by which a later call goes on.
    fn last_key(&self, item: &Item) -> Item {
        let schemas = std::iter::once(&self.table.schema).chain(self.index.map(|(_, i)| &i.schema));
        let names = schemas.flat_map(KeySchema::attributes).map(|a| &a.name);
        names.filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect()
    }

    fn page(mut self, tx: &Tx<'_>) -> Result<Page, Fault> {
        let mut page = Page { items: Vec::new(), count: 0, scanned: 0, last: None, units: Units::default() };
        let (mut bytes, mut fetched, mut at_once) = (0, 0.0, FIRST);
        'pages: loop {
            let wanted = self.limit.map_or(at_once, |l| at_once.min(l.saturating_sub(page.scanned)));
            let range =
                Records { from: &self.from, to: Some(&self.to), reverse: self.reverse, limit: wanted };
            let found = tx.records(ITEMS, range)?;
            let more = found.len() == wanted;
            for (place, sealed) in found {
                let mut item = self.keys.open(&place, &sealed)?;
                page.scanned += 1;
                bytes += usize::try_from(seal::size(&sealed)).unwrap_or(usize::MAX);
                let full = bytes >= PAGE || self.limit.is_some_and(|l| page.scanned >= l);
                if full {
                    page.last = Some(self.last_key(&item));
                }
                if self.complete {
                    item = self.completed(tx, item, &mut fetched)?;
                }
                self.take(item, &mut page);
                if full {
                    break 'pages;
                }
                match self.reverse {
                    true => self.to = place,
                    false => self.from = [place.as_slice(), &[0]].concat(),
                }
            }
            if !more {
                break;
            }
            at_once = NEXT;
        }
        page.units = match self.index {
            None => Units::of_read(bytes, self.consistent),
            Some((position, _)) => Units::of_index_read(position, bytes, fetched, self.consistent),
        };
        Ok(page)
    }

    /// The item as the table has it.
    fn completed(&self, tx: &Tx<'_>, item: Item, fetched: &mut f64) -> Result<Item, Fault> {
        let spot = Spot::new(self.table, self.keys, self.table.schema.of(&item)?);
        let whole = spot.item(tx)?.unwrap_or(item);
        *fetched += Units::of_fetch(attribute::size(&whole), self.consistent);
        Ok(whole)
    }

    fn take(&self, item: Item, page: &mut Page) {
        if self.filter.as_ref().is_some_and(|f| !f.holds(&item)) {
            return;
        }
        page.count += 1;
        match &self.output {
            Output::Count => {}
            Output::Whole => page.items.push(item_value(item)),
            Output::Parts(projection) => page.items.push(item_value(projection.project(item))),
        }
    }
}

fn integer(n: usize) -> Value {
    Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))
}

fn answer(request: &Request, table: &Table, page: Page, count_only: bool) -> Value {
    let mut output = Members::default();
    if !count_only {
        output.0.push(("Items".into(), Value::List(page.items)));
    }
    output.0.push(("Count".into(), integer(page.count)));
    output.0.push(("ScannedCount".into(), integer(page.scanned)));
    output.push_some("LastEvaluatedKey", page.last.map(item_value));
    output.push_some("ConsumedCapacity", page.units.shown(table, &request.table, request.wanted, None));
    Value::Map(output)
}

/// The index that is meant, with its position.
fn indexed<'t>(table: &'t Table, request: &Request) -> Result<Option<(usize, &'t Index)>, Fault> {
    let Some(name) = &request.index else { return Ok(None) };
    let index = table.index(name)?;
    if index.global && request.consistent {
        return Err(Fault::validation("Consistent reads are not supported on global secondary indexes"));
    }
    Ok(table.indexes.iter().position(|i| i.name == *name).map(|position| (position, index)))
}

/// Whether items of an index must be completed from the table; refuses where they cannot be.
fn completing(
    table: &Table,
    index: Option<&Index>,
    request: &Request,
    output: &Output<'_>,
) -> Result<bool, Fault> {
    let Some(index) = index else { return Ok(false) };
    let projected = |name: &str| {
        table.schema.names(name)
            || index.schema.names(name)
            || match &index.projection {
                table::Projection::All => true,
                table::Projection::KeysOnly => false,
                table::Projection::Include(names) => names.iter().any(|n| n == name),
            }
    };
    let all = request.select.as_deref() == Some("ALL_ATTRIBUTES");
    if all && index.projection != table::Projection::All {
        return match index.global {
            false => Ok(true),
            true => Err(Fault::validation(format!(
                "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index {} because its projection type is not ALL",
                index.name
            ))),
        };
    }
    let Output::Parts(projection) = output else { return Ok(false) };
    let lacking: Vec<&str> = projection.roots().filter(|name| !projected(name)).collect();
    match (lacking.is_empty(), index.global) {
        (true, _) => Ok(false),
        (false, false) => Ok(true),
        (false, true) => Err(Fault::validation(format!(
            "One or more parameter values were invalid: Global secondary index {} does not project [{}]",
            index.name,
            lacking.join(", ")
        ))),
    }
}

/// The places that a key condition means.
fn stretch(partition: &[u8], range: Option<&Range<'_>>) -> (Vec<u8>, Vec<u8>) {
    let at = |value: &Attr| place::with_range(partition, value);
    let behind = |value: &Attr| place::after(&at(value));
    let (start, end) = (partition.to_vec(), place::after(partition));
    match range {
        None => (start, end),
        Some(Range::Equal(v)) => (at(v), behind(v)),
        Some(Range::Less(v)) => (start, at(v)),
        Some(Range::LessOrEqual(v)) => (start, behind(v)),
        Some(Range::Greater(v)) => (behind(v), end),
        Some(Range::GreaterOrEqual(v)) => (at(v), end),
        Some(Range::Between(low, high)) => (at(low), behind(high)),
        Some(Range::BeginsWith(prefix)) => {
            let from = place::with_prefix(partition, prefix);
            let to = place::after(&from);
            (from, to)
        }
    }
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Query.html>
pub(crate) fn query(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let mut input = Members::of(input)?;
    let condition = text_of(&mut input, "KeyConditionExpression").ok_or_else(|| {
        Fault::validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        )
    })?;
    let reverse = input.get("ScanIndexForward").and_then(Value::as_bool) == Some(false);
    let request = Request::read(&mut input)?;
    let node = table::node(tx, &request.table)?;
    let table = table::of(&node)?;
    let index = indexed(table, &request)?;
    let schema = index.map_or(&table.schema, |(_, i)| &i.schema);
    let key = KeyCondition::parse(&condition, &request.scope, schema)?;
    let (filter, projection) = (request.filter()?, request.projection()?);
    request.scope.all_used(true)?;
    if let Some(filter) = &filter {
        let mut found = None;
        filter.paths(&mut |path| {
            if schema.names(path.root) {
                found = found.or(Some(path.root));
            }
        });
        if let Some(name) = found {
            return Err(Fault::validation(format!(
                "Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
            )));
        }
    }
    let output = output(&request, projection, index.map(|(_, i)| i))?;
    let complete = completing(table, index.map(|(_, i)| i), &request, &output)?;
    let keys = seal::open(tx, table)?;
    let number = index.map_or(BASE, |(_, i)| i.number);
    let (from, to) = stretch(&keys.places.partition(number, key.hash), key.range.as_ref());
    let count_only = matches!(output, Output::Count);
    let mut search = Search {
        table,
        keys,
        index,
        from,
        to,
        reverse,
        limit: request.limit,
        filter,
        output,
        complete,
        consistent: request.consistent,
    };
    if let Some(start) = &request.start {
        search.start_behind(
            start,
            "The provided starting key is outside query boundaries based on provided conditions",
        )?;
    }
    let page = search.page(tx)?;
    Ok(answer(&request, table, page, count_only))
}

/// The segment that a parallel scan asks for, of how many.
fn segment(input: &Members) -> Result<(u32, u32), Fault> {
    let number = |name: &str| input.get(name).and_then(Value::as_i64);
    match (number("Segment"), number("TotalSegments")) {
        (None, None) => Ok((0, 1)),
        (Some(_), None) => Err(Fault::validation(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
        )),
        (None, Some(_)) => Err(Fault::validation(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is present",
        )),
        (Some(segment), Some(total)) if segment >= total || total > SEGMENTS => {
            Err(Fault::validation(format!(
                "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is not less than TotalSegments: {total}"
            )))
        }
        (Some(segment), Some(total)) => {
            Ok((u32::try_from(segment).unwrap_or(0), u32::try_from(total).unwrap_or(1)))
        }
    }
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html>
pub(crate) fn scan(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let mut input = Members::of(input)?;
    let (segment, total) = segment(&input)?;
    let request = Request::read(&mut input)?;
    let node = table::node(tx, &request.table)?;
    let table = table::of(&node)?;
    let index = indexed(table, &request)?;
    let (filter, projection) = (request.filter()?, request.projection()?);
    request.scope.all_used(filter.is_some() || projection.is_some())?;
    let output = output(&request, projection, index.map(|(_, i)| i))?;
    let complete = completing(table, index.map(|(_, i)| i), &request, &output)?;
    let keys = seal::open(tx, table)?;
    let (from, to) = keys.places.segment(index.map_or(BASE, |(_, i)| i.number), segment, total);
    let count_only = matches!(output, Output::Count);
    let mut search = Search {
        table,
        keys,
        index,
        from,
        to,
        reverse: false,
        limit: request.limit,
        filter,
        output,
        complete,
        consistent: request.consistent,
    };
    if let Some(start) = &request.start {
        let wrong = format!(
            "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey with correct Segment. TotalSegments: {total} Segment: {segment}"
        );
        search.start_behind(start, &wrong)?;
    }
    let page = search.page(tx)?;
    Ok(answer(&request, table, page, count_only))
}
