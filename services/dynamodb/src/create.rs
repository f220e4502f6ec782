//! `CreateTable`: what a table may look like. The same checks serve indexes that come later.

use model::policy::PolicyCheck;
use model::{Fault, PolicyText, Tags, Tx};

use crate::schema::{KeyAttribute, KeySchema, Kind};
use crate::seal::{self, Cache};
use crate::shapes::*;
use crate::table::{self, Billing, Index, Projection, Table, Throughput};

const LOCAL_INDEXES: usize = 5;
const GLOBAL_INDEXES: usize = 20;

pub(crate) fn invalid(what: impl std::fmt::Display) -> Fault {
    Fault::validation(format!("One or more parameter values were invalid: {what}"))
}

pub(crate) type Definitions = Vec<(String, Kind)>;

pub(crate) fn definitions(given: Vec<AttributeDefinition>) -> Result<Definitions, Fault> {
    let mut found = Definitions::new();
    for definition in given {
        let kind =
            Kind::parse(&definition.attribute_type).ok_or_else(|| invalid("unknown attribute type"))?;
        if found.iter().any(|(name, _)| *name == definition.attribute_name) {
            return Err(invalid(format!(
                "Duplicate AttributeName in AttributeDefinitions: {}",
                definition.attribute_name
            )));
        }
        found.push((definition.attribute_name, kind));
    }
    Ok(found)
}

/// The schema that a list of elements means. `index` names it for the errors, unless it is the table's own.
pub(crate) fn schema(
    elements: &[KeySchemaElement],
    definitions: &Definitions,
    index: Option<&str>,
) -> Result<KeySchema, Fault> {
    let wrong = |what: &str| Err(Fault::validation(format!("Invalid KeySchema: {what}")));
    let attribute = |element: &KeySchemaElement| {
        let name = &element.attribute_name;
        let kind = definitions.iter().find(|(n, _)| n == name).map(|(_, kind)| *kind);
        let shown = |list: Vec<&str>| format!("[{}]", list.join(", "));
        let undefined = || match index {
            None => Fault::validation("Invalid KeySchema: Some index key attribute have no definition"),
            Some(_) => invalid(format!(
                "Some index key attributes are not defined in AttributeDefinitions. Keys: {}, AttributeDefinitions: {}",
                shown(vec![name]),
                shown(definitions.iter().map(|(n, _)| n.as_str()).collect())
            )),
        };
        kind.map(|kind| KeyAttribute { name: name.clone(), kind }).ok_or_else(undefined)
    };
    match elements {
        [] => wrong("The KeySchema is empty"),
        [hash, ..] if hash.key_type != "HASH" => wrong("The first KeySchemaElement is not a HASH key type"),
        [_, range, ..] if range.key_type != "RANGE" => {
            wrong("The second KeySchemaElement is not a RANGE key type")
        }
        [hash, range] if hash.attribute_name == range.attribute_name => {
            wrong("Both the Hash Key and the Range Key element in the KeySchema have the same name")
        }
        [hash] => Ok(KeySchema { hash: attribute(hash)?, range: None }),
        [hash, range] => Ok(KeySchema { hash: attribute(hash)?, range: Some(attribute(range)?) }),
        _ => wrong("keys of more than one partition and one sort attribute are not served by this runtime"),
    }
}

pub(crate) fn projection(given: &crate::shapes::Projection) -> Result<Projection, Fault> {
    let others = given.non_key_attributes.clone();
    match (given.projection_type.as_deref(), others) {
        (Some("ALL"), None) => Ok(Projection::All),
        (Some("KEYS_ONLY"), None) => Ok(Projection::KeysOnly),
        (Some("INCLUDE"), Some(names)) if !names.is_empty() => Ok(Projection::Include(names)),
        (Some("INCLUDE"), _) => {
            Err(invalid("ProjectionType is INCLUDE, but NonKeyAttributes is not specified"))
        }
        (Some(kind @ ("ALL" | "KEYS_ONLY")), Some(_)) => {
            Err(invalid(format!("ProjectionType is {kind}, but NonKeyAttributes is specified")))
        }
        (kind, _) => Err(invalid(format!("Unknown ProjectionType: {}", kind.unwrap_or("null")))),
    }
}

pub(crate) fn throughput(given: Option<&ProvisionedThroughput>) -> Option<Throughput> {
    given.map(|t| Throughput { read: t.read_capacity_units, write: t.write_capacity_units })
}

/// The throughput of a table: given exactly where it is paid for.
pub(crate) fn billing(
    mode: Option<&str>,
    given: Option<&ProvisionedThroughput>,
) -> Result<Option<Throughput>, Fault> {
    match (mode, throughput(given)) {
        (Some("PAY_PER_REQUEST"), None) => Ok(None),
        (Some("PAY_PER_REQUEST"), Some(_)) => Err(invalid(
            "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST",
        )),
        (_, Some(throughput)) => Ok(Some(throughput)),
        (_, None) => Err(invalid(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
        )),
    }
}

/// The throughput of a global index, by the table's.
pub(crate) fn index_throughput(
    name: &str,
    table: Option<Throughput>,
    given: Option<&ProvisionedThroughput>,
) -> Result<Option<Throughput>, Fault> {
    match (table, throughput(given)) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(invalid(format!(
            "ProvisionedThroughput should not be specified for index: {name} when BillingMode is PAY_PER_REQUEST"
        ))),
        (Some(_), None) => Err(invalid(format!("ProvisionedThroughput must be specified for index: {name}"))),
        (Some(_), given) => Ok(given),
    }
}

fn local(
    given: &LocalSecondaryIndex,
    schema: KeySchema,
    table: &KeySchema,
    number: u16,
) -> Result<Index, Fault> {
    let name = given.index_name.clone();
    if table.range.is_none() {
        return Err(invalid(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
        ));
    }
    if schema.range.is_none() {
        return Err(invalid(format!("Index KeySchema does not have a range key for index: {name}")));
    }
    if schema.hash != table.hash {
        return Err(invalid(format!(
            "Index KeySchema does not have the same leading hash key as table KeySchema for index: {name}. index hash key: {}, table hash key: {}",
            schema.hash.name, table.hash.name
        )));
    }
    Ok(Index {
        name,
        number,
        global: false,
        schema,
        projection: projection(&given.projection)?,
        throughput: None,
    })
}

/// Refuses names that are given twice, and more indexes or projected attributes than there may be.
pub(crate) fn check_indexes(indexes: &[Index]) -> Result<(), Fault> {
    for (i, index) in indexes.iter().enumerate() {
        let name = &index.name;
        if indexes.iter().skip(i + 1).any(|other| other.name == *name) {
            return Err(invalid(format!("Duplicate index name: {name}")));
        }
        good_name(name, "indexName")?;
    }
    let count = |global: bool| indexes.iter().filter(|i| i.global == global).count();
    if count(false) > LOCAL_INDEXES {
        return Err(invalid("Number of LocalSecondaryIndexes exceeds per-table limit of 5"));
    }
    if count(true) > GLOBAL_INDEXES {
        return Err(invalid("GlobalSecondaryIndex count exceeds the per-table limit of 20"));
    }
    let projected: usize = indexes
        .iter()
        .map(|i| if let Projection::Include(names) = &i.projection { names.len() } else { 0 })
        .sum();
    match projected > 100 {
        true => Err(invalid("Number of projected attributes exceeds per-table limit of 100")),
        false => Ok(()),
    }
}

/// Definitions are for keys only, and each is one.
pub(crate) fn all_keys(definitions: &Definitions, table: &KeySchema, indexes: &[Index]) -> Result<(), Fault> {
    let used = |name: &str| table.names(name) || indexes.iter().any(|i| i.schema.names(name));
    let all: Vec<&str> = definitions.iter().map(|(n, _)| n.as_str()).collect();
    if all.iter().all(|name| used(name)) {
        return Ok(());
    }
    if indexes.is_empty() {
        return Err(invalid(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions",
        ));
    }
    let keys: Vec<&str> = all.iter().copied().filter(|n| used(n)).collect();
    Err(invalid(format!(
        "Some AttributeDefinitions are not used. AttributeDefinitions: [{}], keys used: [{}]",
        all.join(", "),
        keys.join(", ")
    )))
}

fn good_name(name: &str, member: &str) -> Result<(), Fault> {
    let good = (3..=255).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
    match good {
        true => Ok(()),
        false => Err(Fault::validation(format!(
            "1 validation error detected: Value '{name}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+ and have length between 3 and 255"
        ))),
    }
}

/// The KMS key that a specification asks for; `None`: the key that AWS owns.
pub(crate) fn kms_key(given: Option<&SSESpecification>) -> Result<Option<String>, Fault> {
    let Some(given) = given else { return Ok(None) };
    let named = given.kms_master_key_id.as_deref().filter(|k| !k.is_empty());
    match (given.enabled.unwrap_or(false), given.sse_type.as_deref()) {
        (_, Some("AES256")) => Err(invalid("SSEType AES256 is not supported")),
        (false, None) if named.is_none() => Ok(None),
        (false, _) => Err(invalid("SSEType or KMSMasterKeyId cannot be set when SSE is disabled")),
        (true, _) => Ok(Some(named.unwrap_or(seal::MANAGED).to_owned())),
    }
}

/// What exists in AWS and would change nothing here is refused, never taken and forgotten.
pub(crate) fn refuse(settings: &[(&str, bool)]) -> Result<(), Fault> {
    match settings.iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(Fault::validation(format!("{name} is not served by this runtime"))),
        None => Ok(()),
    }
}

pub(crate) fn streams(given: Option<&StreamSpecification>) -> bool {
    given.is_some_and(|s| s.stream_enabled)
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html>
pub(crate) fn create_table(tx: &mut Tx<'_>, input: CreateTableInput) -> Result<CreateTableOutput, Fault> {
    let name = match model::Arn::parse(&input.table_name) {
        Some(arn) if arn.account == tx.account.as_str() && arn.region == tx.region => {
            arn.resource_id().to_owned()
        }
        Some(_) => {
            return Err(Fault::validation("a table is created in the caller's own account and Region"));
        }
        None => input.table_name.clone(),
    };
    good_name(&name, "tableName")?;
    refuse(&[
        ("StreamSpecification", streams(input.stream_specification.as_ref())),
        ("WarmThroughput", input.warm_throughput.is_some()),
        ("OnDemandThroughput", input.on_demand_throughput.is_some()),
        ("GlobalTableSourceArn", input.global_table_source_arn.is_some()),
    ])?;
    if tx.find::<Table>(&name).is_some() {
        return Err(Fault::client("ResourceInUseException", format!("Table already exists: {name}")));
    }
    let attributes = definitions(input.attribute_definitions.unwrap_or_default())?;
    let own = schema(&input.key_schema.unwrap_or_default(), &attributes, None)?;
    let throughput = billing(input.billing_mode.as_deref(), input.provisioned_throughput.as_ref())?;
    let mut indexes = Vec::new();
    for given in input.local_secondary_indexes.iter().flatten() {
        let of = schema(&given.key_schema, &attributes, Some(&given.index_name))?;
        indexes.push(local(given, of, &own, number(&indexes))?);
    }
    for given in input.global_secondary_indexes.iter().flatten() {
        indexes.push(Index {
            name: given.index_name.clone(),
            number: number(&indexes),
            global: true,
            schema: schema(&given.key_schema, &attributes, Some(&given.index_name))?,
            projection: projection(&given.projection)?,
            throughput: index_throughput(
                &given.index_name,
                throughput,
                given.provisioned_throughput.as_ref(),
            )?,
        });
    }
    check_indexes(&indexes)?;
    all_keys(&attributes, &own, &indexes)?;
    let policy = policy(tx, input.resource_policy)?;
    let id = tx.uuid();
    let key = kms_key(input.sse_specification.as_ref())?;
    let account = tx.account.clone();
    let wrapped = seal::wrap(tx, (&account, &name, &id), key.as_deref(), None)?;
    let table = Table {
        account,
        region: tx.region.clone(),
        name,
        id,
        created: tx.now,
        schema: own,
        attributes,
        next_index: number(&indexes),
        indexes,
        billing: Billing { throughput, on_demand_since: throughput.is_none().then_some(tx.now) },
        class: input.table_class,
        protected: input.deletion_protection_enabled == Some(true),
        wrapped,
        ttl: None,
        recovery: None,
        tags: tags(input.tags)?,
        policy_revision: policy.as_ref().map(|_| tx.uuid()),
        policy,
        cache: Cache::default(),
    };
    let description = table::described(tx, &table, "ACTIVE")?;
    tx.put(table)?;
    Ok(CreateTableOutput { table_description: Some(description) })
}

/// Indexes count from 1; the table itself is 0.
fn number(indexes: &[Index]) -> u16 {
    u16::try_from(indexes.len() + 1).unwrap_or(u16::MAX)
}

pub(crate) fn policy(tx: &Tx<'_>, text: Option<String>) -> Result<Option<PolicyText>, Fault> {
    let Some(text) = text else { return Ok(None) };
    let malformed = |f: Fault| Fault::validation(format!("Invalid policy document: {}", f.message));
    tx.host().policies().check(PolicyCheck::Resource, &text).map_err(malformed)?;
    if text.len() > 20 * 1024 {
        return Err(Fault::client(
            "LimitExceededException",
            "the resource-based policy is larger than 20 KB",
        ));
    }
    Ok(Some(PolicyText::new(text, tx.source.clone())))
}

pub(crate) fn tags(given: Option<Vec<Tag>>) -> Result<Tags, Fault> {
    let mut tags = Tags::new();
    for tag in given.unwrap_or_default() {
        if tags.insert(tag.key, tag.value).is_some() {
            return Err(invalid("Duplicate tag keys"));
        }
    }
    match tags.len() > 50 {
        true => Err(Fault::validation("Tag count exceeds the limit of 50")),
        false => Ok(tags),
    }
}
