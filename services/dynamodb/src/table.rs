//! Tables: the node, how one is found, what is told of it, and its deletion.

use std::sync::Arc;

use model::graph::{AnyNode, NodeKey};
use model::{AccountId, Arn, Effect, Fault, Node, PolicyText, Snapshot, Tags, Timestamp, Tx, Value};
use serde::{Deserialize, Serialize};

use crate::schema::{KeySchema, Kind};
use crate::seal::{Cache, Wrapped};
use crate::shapes::*;
use crate::{place, stats};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) name: String,
    /// A UUID; items belong to it and not to the name, which another table may bear later.
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) schema: KeySchema,
    /// `AttributeDefinitions`, in the order given.
    pub(crate) attributes: Vec<(String, Kind)>,
    pub(crate) indexes: Vec<Index>,
    /// Numbers of indexes are not used twice.
    pub(crate) next_index: u16,
    pub(crate) billing: Billing,
    pub(crate) class: Option<String>,
    pub(crate) protected: bool,
    pub(crate) wrapped: Wrapped,
    /// The attribute that holds when an item expires.
    pub(crate) ttl: Option<String>,
    pub(crate) recovery: Option<Recovery>,
    pub(crate) tags: Tags,
    pub(crate) policy: Option<PolicyText>,
    /// Changes with each change of the policy.
    pub(crate) policy_revision: Option<String>,
    #[serde(skip)]
    pub(crate) cache: Cache,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    pub(crate) name: String,
    pub(crate) number: u16,
    pub(crate) global: bool,
    pub(crate) schema: KeySchema,
    pub(crate) projection: Projection,
    /// Of a global index of a provisioned table.
    pub(crate) throughput: Option<Throughput>,
}

/// What an index holds besides the keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Projection {
    All,
    KeysOnly,
    Include(Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Billing {
    /// `None`: paid by request.
    pub(crate) throughput: Option<Throughput>,
    /// When the table was last changed to be paid by request.
    pub(crate) on_demand_since: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Throughput {
    pub(crate) read: i64,
    pub(crate) write: i64,
}

/// The setting of point-in-time recovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Recovery {
    pub(crate) since: Timestamp,
    pub(crate) days: i64,
}

impl Node for Table {
    const KIND: &'static str = "AWS::DynamoDB::Table";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.name
    }
    fn arn(&self) -> Option<String> {
        Some(self.arn())
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn policy(&self) -> Option<&PolicyText> {
        self.policy.as_ref()
    }
}

pub(crate) fn arn(region: &str, account: &AccountId, name: &str) -> String {
    model::ids::arn("dynamodb", region, account, &format!("table/{name}"))
}

pub(crate) fn missing() -> Fault {
    Fault::client("ResourceNotFoundException", "Requested resource not found")
}

fn missing_table(name: &str) -> Fault {
    Fault::client(
        "ResourceNotFoundException",
        format!("Requested resource not found: Table: {name} not found"),
    )
}

/// The node of a table named by its name or its ARN. Held apart from the transaction, so that
/// the table can be read while the transaction is written to.
pub(crate) fn node(tx: &Tx<'_>, given: &str) -> Result<Arc<dyn AnyNode>, Fault> {
    held(tx.snapshot(), &tx.account, &tx.region, given).ok_or_else(missing)
}

fn held(snapshot: &Snapshot, account: &AccountId, region: &str, given: &str) -> Option<Arc<dyn AnyNode>> {
    if let Some(arn) = Arn::parse(given) {
        return snapshot.by_arn(given).filter(|_| arn.region == region).cloned();
    }
    let key = NodeKey {
        kind: Table::KIND,
        account: account.clone(),
        region: region.to_owned(),
        id: given.to_owned(),
    };
    snapshot.get(&key).cloned()
}

pub(crate) fn of(node: &Arc<dyn AnyNode>) -> Result<&Table, Fault> {
    node.as_any().downcast_ref().ok_or_else(missing)
}

/// The table that a name or an ARN means.
pub(crate) fn lookup<'s>(
    snapshot: &'s Snapshot,
    account: &AccountId,
    region: &str,
    given: &str,
) -> Option<&'s Table> {
    match Arn::parse(given) {
        Some(arn) => snapshot.find_arn::<Table>(given).filter(|_| arn.region == region),
        None => snapshot.find::<Table>(account, region, given),
    }
}

/// A copy of the table, to be changed.
pub(crate) fn find(tx: &Tx<'_>, given: &str) -> Result<Table, Fault> {
    let name = given.rsplit_once('/').map_or(given, |(_, name)| name);
    lookup(tx.snapshot(), &tx.account, &tx.region, given).cloned().ok_or_else(|| missing_table(name))
}

impl Table {
    pub(crate) fn arn(&self) -> String {
        arn(&self.region, &self.account, &self.name)
    }

    pub(crate) fn index(&self, name: &str) -> Result<&Index, Fault> {
        let missing = || Fault::validation(format!("The table does not have the specified index: {name}"));
        self.indexes.iter().find(|i| i.name == name).ok_or_else(missing)
    }

    /// Whether an attribute is a key of the table or of any index.
    pub(crate) fn is_key(&self, name: &str) -> bool {
        self.schema.names(name) || self.indexes.iter().any(|i| i.schema.names(name))
    }

    /// The KMS key, if its data key is wrapped by one.
    pub(crate) fn kms_key(&self) -> Option<&str> {
        match &self.wrapped {
            Wrapped::Kms { key_arn, .. } => Some(key_arn),
            Wrapped::Owned { .. } => None,
        }
    }
}

/// Whether a table's KMS key can be used at all, as the graph shows it.
fn accessible(snapshot: &Snapshot, table: &Table) -> bool {
    let Some(key) = table.kms_key() else { return true };
    let state = snapshot.by_arn(key).map(|node| node.to_json());
    state.is_some_and(|s| s.get("state").and_then(serde_json::Value::as_str) == Some("Enabled"))
}

fn key_schema(schema: &KeySchema) -> Vec<KeySchemaElement> {
    let element = |name: &str, kind: &str| KeySchemaElement {
        attribute_name: name.to_owned(),
        key_type: kind.to_owned(),
    };
    let range = schema.range.as_ref().map(|r| element(&r.name, "RANGE"));
    std::iter::once(element(&schema.hash.name, "HASH")).chain(range).collect()
}

fn projection(projection: &Projection) -> crate::shapes::Projection {
    let (kind, others) = match projection {
        Projection::All => ("ALL", None),
        Projection::KeysOnly => ("KEYS_ONLY", None),
        Projection::Include(names) => ("INCLUDE", Some(names.clone())),
    };
    crate::shapes::Projection { projection_type: Some(kind.to_owned()), non_key_attributes: others }
}

fn throughput(given: Option<Throughput>) -> ProvisionedThroughputDescription {
    let given = given.unwrap_or(Throughput { read: 0, write: 0 });
    ProvisionedThroughputDescription {
        number_of_decreases_today: Some(0),
        read_capacity_units: Some(given.read),
        write_capacity_units: Some(given.write),
        ..ProvisionedThroughputDescription::default()
    }
}

/// What is told of a table.
pub(crate) fn described(tx: &Tx<'_>, table: &Table, status: &str) -> Result<TableDescription, Fault> {
    let counts = stats::read(tx, table)?;
    let of = |number: u16| counts.get(&number).copied().unwrap_or_default();
    let arn_of = |index: &Index| Some(format!("{}/index/{}", table.arn(), index.name));
    let (mut local, mut global) = (Vec::new(), Vec::new());
    for index in &table.indexes {
        let count = of(index.number);
        match index.global {
            false => local.push(LocalSecondaryIndexDescription {
                index_name: Some(index.name.clone()),
                key_schema: Some(key_schema(&index.schema)),
                projection: Some(projection(&index.projection)),
                index_size_bytes: Some(count.bytes),
                item_count: Some(count.items),
                index_arn: arn_of(index),
            }),
            true => global.push(GlobalSecondaryIndexDescription {
                index_name: Some(index.name.clone()),
                key_schema: Some(key_schema(&index.schema)),
                projection: Some(projection(&index.projection)),
                index_status: Some("ACTIVE".to_owned()),
                provisioned_throughput: Some(throughput(index.throughput)),
                index_size_bytes: Some(count.bytes),
                item_count: Some(count.items),
                index_arn: arn_of(index),
                ..GlobalSecondaryIndexDescription::default()
            }),
        }
    }
    let on_demand = table.billing.throughput.is_none();
    let count = of(place::BASE);
    let definitions = table.attributes.iter().map(|(name, kind)| AttributeDefinition {
        attribute_name: name.clone(),
        attribute_type: kind.name().to_owned(),
    });
    Ok(TableDescription {
        attribute_definitions: Some(definitions.collect()),
        table_name: Some(table.name.clone()),
        key_schema: Some(key_schema(&table.schema)),
        table_status: Some(status.to_owned()),
        creation_date_time: Some(table.created),
        provisioned_throughput: Some(throughput(table.billing.throughput)),
        table_size_bytes: Some(count.bytes),
        item_count: Some(count.items),
        table_arn: Some(table.arn()),
        table_id: Some(table.id.clone()),
        billing_mode_summary: (on_demand || table.billing.on_demand_since.is_some()).then(|| {
            BillingModeSummary {
                billing_mode: Some(if on_demand { "PAY_PER_REQUEST" } else { "PROVISIONED" }.to_owned()),
                last_update_to_pay_per_request_date_time: table.billing.on_demand_since,
            }
        }),
        local_secondary_indexes: (!local.is_empty()).then_some(local),
        global_secondary_indexes: (!global.is_empty()).then_some(global),
        sse_description: table.kms_key().map(|key| SSEDescription {
            status: Some("ENABLED".to_owned()),
            sse_type: Some("KMS".to_owned()),
            kms_master_key_arn: Some(key.to_owned()),
            ..SSEDescription::default()
        }),
        table_class_summary: table
            .class
            .clone()
            .map(|class| TableClassSummary { table_class: Some(class), ..TableClassSummary::default() }),
        deletion_protection_enabled: Some(table.protected),
        ..TableDescription::default()
    })
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeTable.html>
pub(crate) fn describe_table(
    tx: &mut Tx<'_>,
    input: DescribeTableInput,
) -> Result<DescribeTableOutput, Fault> {
    let table = find(tx, &input.table_name)?;
    let status = match accessible(tx.snapshot(), &table) {
        true => "ACTIVE",
        false => "INACCESSIBLE_ENCRYPTION_CREDENTIALS",
    };
    Ok(DescribeTableOutput { table: Some(described(tx, &table, status)?) })
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListTables.html>
pub(crate) fn list_tables(tx: &mut Tx<'_>, input: ListTablesInput) -> Result<ListTablesOutput, Fault> {
    let limit = input.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(100);
    let after = input.exclusive_start_table_name.unwrap_or_default();
    let mut names: Vec<String> =
        tx.list::<Table>().map(|t| &t.name).filter(|n| **n > after).take(limit + 1).cloned().collect();
    let more = names.len() > limit;
    names.truncate(limit);
    let last = if more { names.last().cloned() } else { None };
    Ok(ListTablesOutput { table_names: Some(names), last_evaluated_table_name: last })
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html>
pub(crate) fn delete_table(tx: &mut Tx<'_>, input: DeleteTableInput) -> Result<DeleteTableOutput, Fault> {
    let table = find(tx, &input.table_name)?;
    if table.protected {
        return Err(Fault::validation(format!(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first. Resource: {}",
            table.arn()
        )));
    }
    let description = described(tx, &table, "DELETING")?;
    tx.effect(Effect::Unschedule { id: crate::ttl::schedule_id(&table.id) })?;
    purge(tx, &place::table(&table.id))?;
    tx.remove(&table)?;
    Ok(DeleteTableOutput { table_description: Some(description) })
}

/// Records that go at a time, so that no commit is large.
const AT_ONCE: usize = 500;

/// Has everything that lies under a prefix removed, little by little. No name leads there any more.
pub(crate) fn purge(tx: &mut Tx<'_>, prefix: &[u8]) -> Result<(), Fault> {
    let prefix = hex::encode(prefix);
    tx.effect(Effect::Schedule {
        id: format!("dynamodb/purge/{prefix}"),
        at: tx.now,
        service: "dynamodb".to_owned(),
        job: "Purge".to_owned(),
        payload: serde_json::json!({ "prefix": prefix }),
    })
}

pub(crate) fn purge_due(tx: &mut Tx<'_>, payload: serde_json::Value) -> Result<(), Fault> {
    let prefix = payload.get("prefix").and_then(serde_json::Value::as_str).and_then(|p| hex::decode(p).ok());
    let Some(prefix) = prefix.filter(|p| p.len() >= 16) else { return Ok(()) };
    let to = place::after(&prefix);
    for table in [place::ITEMS, stats::STATS, crate::ttl::EXPIRIES] {
        let range = model::Range { from: &prefix, to: Some(&to), reverse: false, limit: AT_ONCE };
        let found = tx.records(table, range)?;
        for (key, _) in &found {
            tx.remove_record(table, key)?;
        }
        if found.len() == AT_ONCE {
            return purge(tx, &prefix);
        }
    }
    Ok(())
}

/// A table's name in an answer or a request, without its ARN.
pub(crate) fn text(value: Option<Value>) -> Result<String, Fault> {
    match value {
        Some(Value::Text(text)) => Ok(text),
        _ => Err(Fault::validation("TableName is required")),
    }
}
