//! `UpdateTable`: billing, throughput, indexes, encryption, protection, class.

use model::{Fault, Tx};

use crate::create::{self, invalid};
use crate::shapes::*;
use crate::table::{self, Index, Table, Throughput};
use crate::{index, place, seal, stats};

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html>
pub(crate) fn update_table(tx: &mut Tx<'_>, input: UpdateTableInput) -> Result<UpdateTableOutput, Fault> {
    create::refuse(&[
        ("StreamSpecification", create::streams(input.stream_specification.as_ref())),
        ("WarmThroughput", input.warm_throughput.is_some()),
        ("OnDemandThroughput", input.on_demand_throughput.is_some()),
        ("ReplicaUpdates", input.replica_updates.is_some()),
        ("MultiRegionConsistency", input.multi_region_consistency.is_some()),
        ("GlobalTableWitnessUpdates", input.global_table_witness_updates.is_some()),
    ])?;
    let something = input.billing_mode.is_some()
        || input.provisioned_throughput.is_some()
        || input.global_secondary_index_updates.is_some()
        || input.stream_specification.is_some()
        || input.sse_specification.is_some()
        || input.table_class.is_some()
        || input.deletion_protection_enabled.is_some();
    if !something {
        return Err(Fault::validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required",
        ));
    }
    let before = table::find(tx, &input.table_name)?;
    let mut after = before.clone();
    after.protected = input.deletion_protection_enabled.unwrap_or(after.protected);
    after.class = input.table_class.or(after.class);
    let updates = input.global_secondary_index_updates.unwrap_or_default();
    bill(tx, &mut after, input.billing_mode.as_deref(), input.provisioned_throughput.as_ref(), &updates)?;
    indexes(&mut after, input.attribute_definitions, &updates)?;
    if let Some(wanted) = &input.sse_specification {
        encrypt(tx, &before, &mut after, wanted)?;
    }
    let removed: Vec<u16> = before
        .indexes
        .iter()
        .map(|i| i.number)
        .filter(|n| after.indexes.iter().all(|i| i.number != *n))
        .collect();
    for number in removed {
        table::purge(tx, &[place::table(&after.id).as_slice(), &number.to_be_bytes()].concat())?;
        stats::forget(tx, &after, number)?;
    }
    if after.next_index != before.next_index {
        index::rebuild(tx, &before, &after)?;
    }
    let description = table::described(tx, &after, "ACTIVE")?;
    tx.put(after)?;
    Ok(UpdateTableOutput { table_description: Some(description) })
}

fn bill(
    tx: &Tx<'_>,
    table: &mut Table,
    mode: Option<&str>,
    given: Option<&ProvisionedThroughput>,
    updates: &[GlobalSecondaryIndexUpdate],
) -> Result<(), Fault> {
    let old = table.billing.throughput;
    let new = match (mode, given, old) {
        (None, None, _) => return Ok(()),
        (None, Some(_), None) => create::billing(Some("PAY_PER_REQUEST"), given)?,
        // A provisioned table that stays so needs no new figures.
        (Some("PROVISIONED"), None, Some(_)) => old,
        _ => create::billing(mode, given)?,
    };
    if let (None, Some(new)) = (mode, new)
        && old == Some(new)
    {
        return Err(Fault::validation(format!(
            "The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: {0}. Requested ReadCapacityUnits: {0}. Current WriteCapacityUnits provisioned for the table: {1}. Requested WriteCapacityUnits: {1}. Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
            new.read, new.write
        )));
    }
    if new.is_none() && old.is_some() {
        table.billing.on_demand_since = Some(tx.now);
    }
    table.billing.throughput = new;
    for index in table.indexes.iter_mut().filter(|i| i.global) {
        let update = updates.iter().filter_map(|u| u.update.as_ref()).find(|u| u.index_name == index.name);
        let given = update.and_then(|u| create::throughput(u.provisioned_throughput.as_ref()));
        index.throughput = match new {
            None => None,
            Some(_) => Some(given.or(index.throughput).ok_or_else(|| {
                invalid(format!("ProvisionedThroughput must be specified for index: {}", index.name))
            })?),
        };
    }
    Ok(())
}

fn indexes(
    table: &mut Table,
    given: Option<Vec<AttributeDefinition>>,
    updates: &[GlobalSecondaryIndexUpdate],
) -> Result<(), Fault> {
    let online = updates.iter().filter(|u| u.create.is_some() || u.delete.is_some()).count();
    if online > 1 {
        return Err(Fault::client(
            "LimitExceededException",
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
        ));
    }
    let mut definitions = table.attributes.clone();
    for (name, kind) in create::definitions(given.unwrap_or_default())? {
        match definitions.iter_mut().find(|(n, _)| *n == name) {
            Some(old) if table.is_key(&name) && old.1 != kind => {
                return Err(invalid(format!("The type of the key attribute {name} cannot be changed")));
            }
            Some(old) => old.1 = kind,
            None => definitions.push((name, kind)),
        }
    }
    for update in updates {
        if let Some(new) = &update.create {
            add(table, new, &definitions)?;
        }
        if let Some(old) = &update.delete {
            global(table, &old.index_name)?;
            table.indexes.retain(|i| i.name != old.index_name);
        }
        if let Some(changed) = &update.update {
            let throughput = create::index_throughput(
                &changed.index_name,
                table.billing.throughput,
                changed.provisioned_throughput.as_ref(),
            )?;
            create::refuse(&[
                ("OnDemandThroughput", changed.on_demand_throughput.is_some()),
                ("WarmThroughput", changed.warm_throughput.is_some()),
            ])?;
            global(table, &changed.index_name)?.throughput = throughput;
        }
    }
    create::check_indexes(&table.indexes)?;
    // Definitions that no key uses any more go with their index.
    let used: Vec<_> = definitions.into_iter().filter(|(name, _)| table.is_key(name)).collect();
    table.attributes = used;
    Ok(())
}

fn global<'t>(table: &'t mut Table, name: &str) -> Result<&'t mut Index, Fault> {
    let missing = || {
        Fault::client(
            "ResourceNotFoundException",
            format!("Requested resource not found: Index: {name} not found"),
        )
    };
    table.indexes.iter_mut().find(|i| i.global && i.name == name).ok_or_else(missing)
}

fn add(
    table: &mut Table,
    new: &CreateGlobalSecondaryIndexAction,
    definitions: &create::Definitions,
) -> Result<(), Fault> {
    create::refuse(&[
        ("OnDemandThroughput", new.on_demand_throughput.is_some()),
        ("WarmThroughput", new.warm_throughput.is_some()),
    ])?;
    if table.indexes.iter().any(|i| i.name == new.index_name) {
        return Err(Fault::validation(format!(
            "Attempting to create an index which already exists: {}",
            new.index_name
        )));
    }
    let throughput: Option<Throughput> = create::index_throughput(
        &new.index_name,
        table.billing.throughput,
        new.provisioned_throughput.as_ref(),
    )?;
    let index = Index {
        name: new.index_name.clone(),
        number: table.next_index,
        global: true,
        schema: create::schema(&new.key_schema, definitions, Some(&new.index_name))?,
        projection: create::projection(&new.projection)?,
        throughput,
    };
    table.next_index = table
        .next_index
        .checked_add(1)
        .ok_or_else(|| Fault::client("LimitExceededException", "the table has had too many indexes"))?;
    table.indexes.push(index);
    Ok(())
}

/// The data key stays; it is wrapped anew. Its way out of the old wrapping is the caller's own right, too.
fn encrypt(
    tx: &mut Tx<'_>,
    before: &Table,
    after: &mut Table,
    wanted: &SSESpecification,
) -> Result<(), Fault> {
    let key = create::kms_key(Some(wanted))?;
    if key.is_none() && before.kms_key().is_none() {
        return Err(invalid("Table is already encrypted by default with an AWS owned key"));
    }
    let data_key = seal::unwrap(tx, before)?;
    after.wrapped =
        seal::wrap(tx, (&before.account, &before.name, &before.id), key.as_deref(), Some(&data_key))?;
    Ok(())
}
