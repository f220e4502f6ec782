//! `AWS::DynamoDB::Table` and, for one Region, `AWS::DynamoDB::GlobalTable` in CloudFormation.
//! A global table of one replica is a table whose properties stand in other places.

use model::{Deploy, Fault, Physical, Resource, Tags, Tx, Value};
use serde_json::{Map, Value as Json, json};

pub(crate) const RESOURCES: &[Resource] = &[
    Resource {
        type_name: "AWS::DynamoDB::Table",
        create: |tx, deploy| create(tx, deploy, "/ResourcePolicy/PolicyDocument"),
        update: |tx, deploy| update(tx, deploy, "/ResourcePolicy/PolicyDocument"),
        delete,
        ready: None,
    },
    Resource {
        type_name: "AWS::DynamoDB::GlobalTable",
        create: |tx, deploy| as_table(tx, deploy, create),
        update: |tx, deploy| as_table(tx, deploy, update),
        delete,
        ready: None,
    },
];

type Step = fn(&mut Tx<'_>, &Deploy<'_>, &str) -> Result<Physical, Fault>;

fn as_table(tx: &mut Tx<'_>, deploy: &Deploy<'_>, step: Step) -> Result<Physical, Fault> {
    let properties = single_region(deploy.properties, &tx.region)?;
    let previous = deploy.previous.map(|p| single_region(p, &tx.region)).transpose()?;
    let table = Deploy { properties: &properties, previous: previous.as_ref(), ..*deploy };
    step(tx, &table, "/Replicas/0/ResourcePolicy/PolicyDocument")
}

/// The properties of the table that a global table of one replica is.
fn single_region(global: &Json, region: &str) -> Result<Json, Fault> {
    let replicas = global.get("Replicas").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let [replica] = replicas else {
        return Err(Fault::validation(
            "global tables of more than one replica are not served by this runtime",
        ));
    };
    if replica.get("Region").and_then(Json::as_str) != Some(region) {
        return Err(Fault::validation("the replica of a global table must be in the stack's own Region"));
    }
    let mut table: Map<String, Json> = global.as_object().cloned().unwrap_or_default();
    table.remove("Replicas");
    for (name, value) in replica.as_object().into_iter().flatten() {
        match name.as_str() {
            "Region" => {}
            "SSESpecification" => {
                let mut sse = table.get(name).cloned().unwrap_or_else(|| json!({"SSEEnabled": true}));
                if let (Some(sse), Some(key)) = (sse.as_object_mut(), value.get("KMSMasterKeyId")) {
                    sse.insert("KMSMasterKeyId".to_owned(), key.clone());
                }
                table.insert(name.clone(), sse);
            }
            _ => {
                table.insert(name.clone(), value.clone());
            }
        }
    }
    Ok(Json::Object(table))
}

fn call(tx: &mut Tx<'_>, deploy: &Deploy<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    deploy.call(tx, "dynamodb", operation, input)
}

/// `SSESpecification` as the API has it.
fn sse(properties: &Json) -> Option<Json> {
    let given = properties.get("SSESpecification")?;
    let mut wanted = Map::new();
    for (from, to) in
        [("SSEEnabled", "Enabled"), ("SSEType", "SSEType"), ("KMSMasterKeyId", "KMSMasterKeyId")]
    {
        if let Some(value) = given.get(from) {
            wanted.insert(to.to_owned(), value.clone());
        }
    }
    Some(Json::Object(wanted))
}

fn policy(properties: &Json) -> Option<String> {
    properties.pointer("/ResourcePolicy/PolicyDocument").map(ToString::to_string)
}

fn listed(tags: &Tags) -> Vec<Json> {
    tags.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect()
}

fn physical(name: &str, described: &Value) -> Physical {
    let text = |member: &str| described.text(member).unwrap_or_default();
    Physical::new(name).attribute("Arn", text("TableArn")).attribute("TableId", text("TableId"))
}

fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>, policy_at: &str) -> Result<Physical, Fault> {
    let name = deploy.text("TableName").map(str::to_owned);
    let name = name.unwrap_or_else(|| deploy.name(tx, 255));
    let tags = deploy.tags_with("Tags");
    tx.source = deploy.source(policy_at);
    let made = call(
        tx,
        deploy,
        "CreateTable",
        json!({
            "TableName": name,
            "AttributeDefinitions": deploy.property("AttributeDefinitions"),
            "KeySchema": deploy.property("KeySchema"),
            "LocalSecondaryIndexes": deploy.property("LocalSecondaryIndexes"),
            "GlobalSecondaryIndexes": deploy.property("GlobalSecondaryIndexes"),
            "BillingMode": deploy.property("BillingMode"),
            "ProvisionedThroughput": deploy.property("ProvisionedThroughput"),
            "SSESpecification": sse(deploy.properties),
            "TableClass": deploy.property("TableClass"),
            "DeletionProtectionEnabled": deploy.property("DeletionProtectionEnabled"),
            "ResourcePolicy": policy(deploy.properties),
            "Tags": if tags.is_empty() { Json::Null } else { Json::Array(listed(&tags)) },
        }),
    );
    tx.source = None;
    let made = made?;
    expire(tx, deploy, &name)?;
    recover(tx, deploy, &name)?;
    Ok(physical(&name, made.get("TableDescription").unwrap_or(&Value::Null)))
}

/// The attribute by which items expire, if they do.
fn expiring(properties: Option<&Json>) -> Option<&str> {
    let given = properties?.get("TimeToLiveSpecification")?;
    given.get("AttributeName")?.as_str().filter(|_| is_true(given.get("Enabled")))
}

fn is_true(value: Option<&Json>) -> bool {
    value.is_some_and(|v| v == &Json::Bool(true) || v.as_str() == Some("true"))
}

fn expire(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str) -> Result<(), Fault> {
    let (was, wanted) = (expiring(deploy.previous), expiring(Some(deploy.properties)));
    if was == wanted {
        return Ok(());
    }
    for (attribute, enabled) in was.map(|a| (a, false)).into_iter().chain(wanted.map(|a| (a, true))) {
        let specification = json!({"AttributeName": attribute, "Enabled": enabled});
        let input = json!({"TableName": name, "TimeToLiveSpecification": specification});
        call(tx, deploy, "UpdateTimeToLive", input)?;
    }
    Ok(())
}

fn recover(tx: &mut Tx<'_>, deploy: &Deploy<'_>, name: &str) -> Result<(), Fault> {
    let wanted = |properties: Option<&Json>| properties?.get("PointInTimeRecoverySpecification").cloned();
    let (was, wanted) = (wanted(deploy.previous), wanted(Some(deploy.properties)));
    if was == wanted {
        return Ok(());
    }
    let given = wanted.unwrap_or_default();
    let specification = json!({
        "PointInTimeRecoveryEnabled": is_true(given.get("PointInTimeRecoveryEnabled")),
        "RecoveryPeriodInDays": given.get("RecoveryPeriodInDays"),
    });
    let input = json!({"TableName": name, "PointInTimeRecoverySpecification": without_nulls(specification)});
    call(tx, deploy, "UpdateContinuousBackups", input).map(|_| ())
}

fn without_nulls(json: Json) -> Json {
    match json {
        Json::Object(map) => Json::Object(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    }
}

fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>, policy_at: &str) -> Result<Physical, Fault> {
    let name = deploy.id()?.to_owned();
    let changed = |property: &str| deploy.previous.and_then(|p| p.get(property)) != deploy.property(property);
    let updates = index_updates(deploy);
    let bills = changed("BillingMode") || changed("ProvisionedThroughput");
    let mut input = json!({
        "BillingMode": bills.then(|| deploy.property("BillingMode").cloned().unwrap_or(json!("PROVISIONED"))),
        "ProvisionedThroughput": bills.then(|| deploy.property("ProvisionedThroughput").cloned()),
        "AttributeDefinitions": (!updates.is_empty()).then(|| deploy.property("AttributeDefinitions").cloned()),
        "GlobalSecondaryIndexUpdates": (!updates.is_empty()).then_some(updates),
        "SSESpecification": changed("SSESpecification").then(|| sse(deploy.properties).unwrap_or(json!({"Enabled": false}))),
        "TableClass": changed("TableClass").then(|| deploy.property("TableClass").cloned().unwrap_or(json!("STANDARD"))),
        "DeletionProtectionEnabled": changed("DeletionProtectionEnabled").then(|| is_true(deploy.property("DeletionProtectionEnabled"))),
    });
    if input.as_object().is_some_and(|i| i.values().any(|v| !v.is_null())) {
        if let Some(input) = input.as_object_mut() {
            input.insert("TableName".to_owned(), json!(name));
        }
        call(tx, deploy, "UpdateTable", input)?;
    }
    expire(tx, deploy, &name)?;
    recover(tx, deploy, &name)?;
    let described = call(tx, deploy, "DescribeTable", json!({"TableName": name}))?;
    let table = described.get("Table").unwrap_or(&Value::Null);
    let arn = table.text("TableArn").unwrap_or_default();
    if changed("ResourcePolicy") {
        let input = json!({"ResourceArn": arn, "Policy": policy(deploy.properties)});
        tx.source = deploy.source(policy_at);
        let operation = if deploy.property("ResourcePolicy").is_some() {
            "PutResourcePolicy"
        } else {
            "DeleteResourcePolicy"
        };
        let done = call(tx, deploy, operation, input);
        tx.source = None;
        done?;
    }
    retag(tx, deploy, arn)?;
    Ok(physical(&name, table))
}

fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>, arn: &str) -> Result<(), Fault> {
    let wanted = deploy.tags_with("Tags");
    let own = deploy.previous.and_then(|p| p.get("Tags")).cloned().unwrap_or_default();
    let was = model::service::tags_of(&Value::from_json(own));
    let gone: Vec<&String> = was.keys().filter(|key| !wanted.contains_key(*key)).collect();
    if !gone.is_empty() {
        call(tx, deploy, "UntagResource", json!({"ResourceArn": arn, "TagKeys": gone}))?;
    }
    match wanted.is_empty() {
        true => Ok(()),
        false => {
            call(tx, deploy, "TagResource", json!({"ResourceArn": arn, "Tags": listed(&wanted)})).map(|_| ())
        }
    }
}

/// What is to be done to the global indexes. One that changes more than its throughput is another one.
fn index_updates(deploy: &Deploy<'_>) -> Vec<Json> {
    let indexes = |properties: Option<&Json>| -> Vec<Json> {
        let list = properties.and_then(|p| p.get("GlobalSecondaryIndexes")).and_then(Json::as_array);
        list.cloned().unwrap_or_default()
    };
    let (was, wanted) = (indexes(deploy.previous), indexes(Some(deploy.properties)));
    let same = |a: &Json, b: &Json| {
        ["IndexName", "KeySchema", "Projection"].iter().all(|member| a.get(member) == b.get(member))
    };
    let gone = was.iter().filter(|old| !wanted.iter().any(|new| same(old, new)));
    let mut updates: Vec<Json> =
        gone.map(|old| json!({"Delete": {"IndexName": old.get("IndexName")}})).collect();
    for new in &wanted {
        match was.iter().find(|old| same(old, new)) {
            None => updates.push(json!({"Create": new})),
            Some(old) if old != new && new.get("ProvisionedThroughput").is_some() => {
                let throughput = new.get("ProvisionedThroughput");
                updates.push(json!({"Update": {"IndexName": new.get("IndexName"), "ProvisionedThroughput": throughput}}));
            }
            Some(_) => {}
        }
    }
    updates
}

fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    match call(tx, deploy, "DeleteTable", json!({"TableName": deploy.id()?})) {
        Err(fault) if fault.code != "ResourceNotFoundException" => Err(fault),
        _ => Ok(()),
    }
}
