//! A change of one item, as a request asks for it: alone, in a batch, or in a transaction.
//! What it would make of the item is worked out here; nothing is written.

use std::borrow::Cow;

use model::{Fault, Members, Value};

use crate::attribute::{self, Item};
use crate::expression::Scope;
use crate::expression::condition::Condition;
use crate::expression::update::Update;
use crate::schema::Key;
use crate::table::{self, Table};
use crate::write;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Put,
    Update,
    Delete,
    /// Only the condition matters.
    Check,
}

pub(crate) struct Change {
    pub(crate) table: String,
    pub(crate) verb: Verb,
    /// The whole item of a put, the key of the others.
    pub(crate) given: Item,
    scope: Scope,
    condition: Option<String>,
    update: Option<String>,
    /// A failed condition tells the item that failed it.
    tell: bool,
}

/// The expressions of a change, understood.
pub(crate) struct Plan<'a> {
    pub(crate) condition: Option<Condition<'a>>,
    pub(crate) update: Option<Update<'a>>,
}

/// Why a change is not to be.
pub(crate) enum Refusal {
    /// With the item, if the request wants to be told.
    Condition(Option<Item>),
    Fault(Fault),
}

pub(crate) fn text_of(input: &mut Members, name: &str) -> Option<String> {
    match input.take(name) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// The parameters that expressions have replaced are not served.
pub(crate) fn no_legacy(input: &Members) -> Result<(), Fault> {
    const LEGACY: &[&str] = &[
        "Expected",
        "ConditionalOperator",
        "AttributeUpdates",
        "AttributesToGet",
        "KeyConditions",
        "QueryFilter",
        "ScanFilter",
    ];
    match LEGACY.iter().find(|name| input.get(name).is_some()) {
        Some(name) => Err(Fault::validation(format!(
            "the legacy parameter {name} is not served by this runtime; use expressions instead"
        ))),
        None => Ok(()),
    }
}

impl Change {
    pub(crate) fn read(verb: Verb, input: &mut Members) -> Result<Change, Fault> {
        no_legacy(input)?;
        let given = if verb == Verb::Put { "Item" } else { "Key" };
        let tell = match input.get("ReturnValuesOnConditionCheckFailure").and_then(Value::as_str) {
            None | Some("NONE") => false,
            Some(_) => true,
        };
        Ok(Change {
            table: table::text(input.take("TableName"))?,
            verb,
            given: attribute::read_item(input.take(given))?,
            scope: Scope::read(
                input.take("ExpressionAttributeNames"),
                input.take("ExpressionAttributeValues"),
            )?,
            condition: text_of(input, "ConditionExpression"),
            update: text_of(input, "UpdateExpression"),
            tell,
        })
    }

    /// A put or delete of a batch, which knows no conditions.
    pub(crate) fn plain(table: &str, verb: Verb, given: Item) -> Change {
        Change {
            table: table.to_owned(),
            verb,
            given,
            scope: Scope::default(),
            condition: None,
            update: None,
            tell: false,
        }
    }

    pub(crate) fn plan(&self) -> Result<Plan<'_>, Fault> {
        let condition =
            self.condition.as_deref().map(|c| Condition::parse("ConditionExpression", c, &self.scope));
        let update = self.update.as_deref().map(|u| Update::parse(u, &self.scope));
        let plan = Plan { condition: condition.transpose()?, update: update.transpose()? };
        self.scope.all_used(plan.condition.is_some() || plan.update.is_some())?;
        Ok(plan)
    }

    pub(crate) fn key(&self, table: &Table) -> Result<Key<'_>, Fault> {
        match self.verb {
            Verb::Put => write::check(table, &self.given),
            _ => table.schema.exactly(&self.given),
        }
    }

    /// Whether the item as it was decides what becomes of it.
    pub(crate) fn needs_old(&self) -> bool {
        self.condition.is_some() || self.verb == Verb::Update
    }

    /// The item as it is to be; none, if it is to go.
    pub(crate) fn outcome<'s>(
        &'s self,
        plan: &Plan<'_>,
        table: &Table,
        old: Option<&'s Item>,
    ) -> Result<Option<Cow<'s, Item>>, Refusal> {
        if let Some(condition) = &plan.condition {
            let holds = match old {
                Some(item) => condition.holds(item),
                None => condition.holds(&Item::new()),
            };
            if !holds {
                return Err(Refusal::Condition(old.filter(|_| self.tell).cloned()));
            }
        }
        match self.verb {
            Verb::Put => Ok(Some(Cow::Borrowed(&self.given))),
            Verb::Delete => Ok(None),
            Verb::Check => Ok(old.map(Cow::Borrowed)),
            Verb::Update => {
                updated(plan, table, old.unwrap_or(&self.given)).map(Some).map_err(Refusal::Fault)
            }
        }
    }
}

fn updated<'s>(plan: &Plan<'_>, table: &Table, item: &'s Item) -> Result<Cow<'s, Item>, Fault> {
    let Some(update) = &plan.update else { return Ok(Cow::Borrowed(item)) };
    if let Some(path) = update.paths().find(|p| table.schema.names(p.root)) {
        return Err(Fault::validation(format!(
            "One or more parameter values were invalid: Cannot update attribute {}. This attribute is part of the key",
            path.root
        )));
    }
    let new = update.apply(item)?;
    write::check(table, &new)?;
    attribute::check_depth(&new)?;
    Ok(Cow::Owned(new))
}

/// The refusal of a single change.
pub(crate) fn failed(item: Option<Item>) -> Fault {
    let fault = Fault::client("ConditionalCheckFailedException", "The conditional request failed");
    match item {
        Some(item) => fault.with("Item", attribute::item_value(item)),
        None => fault,
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        match refusal {
            Refusal::Condition(item) => failed(item),
            Refusal::Fault(fault) => fault,
        }
    }
}
