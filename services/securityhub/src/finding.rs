//! Findings: kept as documents in the AWS Security Finding Format.
//! <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format.html>

use model::event::Finding;
use model::{Fault, Range, Tx, Value};
use serde_json::{Value as Json, json};

use crate::{filter, hub};

const TABLE: &str = "securityhub/findings";
const PRODUCT: &str = "countersign";

/// `account 0 region 0 product 0 id`.
fn key(tx: &Tx<'_>, product: &str, id: &str) -> Vec<u8> {
    [tx.account.as_str(), &tx.region, product, id].join("\0").into_bytes()
}

fn all(tx: &Tx<'_>) -> Result<Vec<Json>, Fault> {
    let from = [tx.account.as_str(), &tx.region, ""].join("\0").into_bytes();
    let to = [[tx.account.as_str(), &tx.region].join("\0").as_bytes(), &[1]].concat();
    let records =
        tx.records(TABLE, Range { from: &from, to: Some(&to), reverse: false, limit: usize::MAX })?;
    let read = |bytes: &[u8]| {
        serde_json::from_slice(bytes).map_err(|e| Fault::internal(format!("a finding cannot be read: {e}")))
    };
    records.iter().map(|(_, bytes)| read(bytes)).collect()
}

fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// <https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_GetFindings.html>
pub(crate) fn get_findings(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    hub::find(tx)?;
    let input = input.to_json();
    let filters = input.get("Filters").cloned().unwrap_or_default();
    let mut found = Vec::new();
    for finding in all(tx)? {
        if filter::passes(&finding, &filters, tx.now)? {
            found.push(finding);
        }
    }
    let sort = input.pointer("/SortCriteria/0");
    let field = sort.map_or("UpdatedAt", |s| text(s, "Field")).to_owned();
    found.sort_by_cached_key(|f| f.get(&field).map(ToString::to_string));
    if sort.is_none_or(|s| text(s, "SortOrder") == "desc") {
        found.reverse();
    }
    let invalid = || Fault::client("InvalidInputException", "the next token is not valid");
    let from = match input.get("NextToken").and_then(Json::as_str) {
        None => 0,
        Some(token) => token.parse::<usize>().map_err(|_| invalid())?,
    };
    let limit = input.get("MaxResults").and_then(Json::as_u64).and_then(|n| usize::try_from(n).ok());
    let upto = from.saturating_add(limit.unwrap_or(100));
    let next = (upto < found.len()).then(|| upto.to_string());
    let page: Vec<Json> = found.into_iter().skip(from).take(upto - from).collect();
    let mut output = json!({"Findings": page});
    if let (Some(next), Some(map)) = (next, output.as_object_mut()) {
        map.insert("NextToken".to_owned(), Json::String(next));
    }
    Ok(Value::from_json(output))
}

/// <https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html>
pub(crate) fn batch_import_findings(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    hub::find(tx)?;
    let input = input.to_json();
    let (mut imported, mut failed) = (0, Vec::new());
    let own = model::ids::arn("securityhub", &tx.region, &tx.account, "product/");
    for finding in input.get("Findings").and_then(Json::as_array).into_iter().flatten() {
        let (product, id) = (text(finding, "ProductArn"), text(finding, "Id"));
        let wrong = if !product.starts_with(&own) {
            Some("the ProductArn is not one of this account and region")
        } else if text(finding, "AwsAccountId") != tx.account.as_str() {
            Some("the AwsAccountId is not the caller's")
        } else {
            None
        };
        if let Some(why) = wrong {
            failed.push(json!({"Id": id, "ErrorCode": "InvalidInput", "ErrorMessage": why}));
            continue;
        }
        keep(tx, finding.clone())?;
        imported += 1;
    }
    Ok(Value::from_json(json!({
        "FailedCount": failed.len(), "SuccessCount": imported, "FailedFindings": failed,
    })))
}

/// Keeps a finding; what people have said of it stays.
fn keep(tx: &mut Tx<'_>, mut finding: Json) -> Result<(), Fault> {
    let place = key(tx, text(&finding, "ProductArn"), text(&finding, "Id"));
    let old: Option<Json> = tx.record_as(TABLE, &place)?;
    if let Some(map) = finding.as_object_mut() {
        for name in ["Workflow", "Note", "VerificationState", "UserDefinedFields"] {
            if let Some(said) = old.as_ref().and_then(|o| o.get(name)) {
                map.insert(name.to_owned(), said.clone());
            }
        }
        map.entry("Workflow").or_insert_with(|| json!({"Status": "NEW"}));
        map.entry("RecordState").or_insert_with(|| json!("ACTIVE"));
        map.insert("Region".to_owned(), json!(tx.region));
    }
    tx.put_record_as(TABLE, &place, &finding)
}

/// <https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchUpdateFindings.html>
pub(crate) fn batch_update_findings(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    hub::find(tx)?;
    let input = input.to_json();
    let (mut done, mut missing) = (Vec::new(), Vec::new());
    for named in input.get("FindingIdentifiers").and_then(Json::as_array).into_iter().flatten() {
        let place = key(tx, text(named, "ProductArn"), text(named, "Id"));
        let Some(mut finding) = tx.record_as::<Json>(TABLE, &place)? else {
            missing.push(json!({
                "FindingIdentifier": named, "ErrorCode": "FindingNotFound", "ErrorMessage": "Finding Not Found",
            }));
            continue;
        };
        update(&mut finding, &input, &tx.now.to_rfc3339());
        tx.put_record_as(TABLE, &place, &finding)?;
        done.push(named.clone());
    }
    Ok(Value::from_json(json!({"ProcessedFindings": done, "UnprocessedFindings": missing})))
}

fn update(finding: &mut Json, input: &Json, now: &str) {
    let Some(map) = finding.as_object_mut() else { return };
    for name in [
        "Workflow",
        "VerificationState",
        "Confidence",
        "Criticality",
        "Types",
        "UserDefinedFields",
        "RelatedFindings",
    ] {
        if let Some(given) = input.get(name) {
            map.insert(name.to_owned(), given.clone());
        }
    }
    if let Some(note) = input.get("Note") {
        let note =
            json!({"Text": text(note, "Text"), "UpdatedBy": text(note, "UpdatedBy"), "UpdatedAt": now});
        map.insert("Note".to_owned(), note);
    }
    if let Some(label) = input.get("Severity").map(|s| text(s, "Label").to_owned()).filter(|l| !l.is_empty())
    {
        map.insert("Severity".to_owned(), json!({"Label": label, "Normalized": normalized(&label)}));
    }
    map.insert("UpdatedAt".to_owned(), json!(now));
}

fn normalized(label: &str) -> u8 {
    match label {
        "CRITICAL" => 90,
        "HIGH" => 70,
        "MEDIUM" => 40,
        "LOW" => 1,
        _ => 0,
    }
}

fn label(severity: u8) -> &'static str {
    match severity {
        90.. => "CRITICAL",
        70.. => "HIGH",
        40.. => "MEDIUM",
        1.. => "LOW",
        0 => "INFORMATIONAL",
    }
}

/// The job: another service found something, in the finding format. Where there is no hub, it tells nobody.
pub(crate) fn import(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    if hub::find(tx).is_err() {
        return Ok(());
    }
    keep(tx, payload)
}

/// The job: a detector of the runtime's found something. Where there is no hub, it stays in the log only.
pub(crate) fn report(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    if hub::find(tx).is_err() {
        return Ok(());
    }
    let found: Finding = serde_json::from_value(payload)
        .map_err(|e| Fault::internal(format!("a finding cannot be read: {e}")))?;
    let product =
        model::ids::arn("securityhub", &tx.region, &tx.account, &format!("product/{}/{PRODUCT}", tx.account));
    let resources = found.resources.iter().map(|id| {
        let kind = if id.contains(":iam:") || id.contains(":sts:") { "AwsIamPrincipal" } else { "Other" };
        json!({"Type": kind, "Id": id, "Partition": "aws", "Region": tx.region})
    });
    let finding = json!({
        "SchemaVersion": "2018-10-08",
        "Id": found.id,
        "ProductArn": product,
        "ProductName": "Countersign",
        "CompanyName": "Countersign",
        "GeneratorId": found.detector,
        "AwsAccountId": tx.account,
        "Types": found.types,
        "FirstObservedAt": found.first_seen.to_rfc3339(),
        "LastObservedAt": found.last_seen.to_rfc3339(),
        "CreatedAt": found.first_seen.to_rfc3339(),
        "UpdatedAt": tx.now.to_rfc3339(),
        "Severity": {"Label": label(found.severity), "Normalized": found.severity},
        "Title": found.title,
        "Description": found.description,
        "Resources": resources.collect::<Vec<_>>(),
        "ProductFields": {
            "countersign/count": found.count.to_string(),
            "countersign/evidence": found.evidence.join(","),
        },
    });
    keep(tx, finding)
}
