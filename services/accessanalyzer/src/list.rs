//! How findings are asked for and marked: lists in both forms, one of them, counts.

use std::collections::BTreeMap;

use model::{Fault, Timestamp, Tx};

use crate::criteria::Described as _;
use crate::fault::{invalid, not_found};
use crate::finding::{self, Found, Status};
use crate::page::page;
use crate::shapes::*;
use crate::{analyzer, criteria, hub};

/// When each resource was looked at.
type Looked = BTreeMap<String, Timestamp>;

fn looked(tx: &Tx<'_>, analyzer: &str) -> Result<Looked, Fault> {
    Ok(finding::seen_by(tx, analyzer)?.into_iter().map(|s| (s.arn, s.analyzed)).collect())
}

fn analyzed(found: &Found, looked: &Looked) -> Timestamp {
    match found.status {
        Status::Resolved => found.updated,
        Status::Active | Status::Archived => looked.get(&found.resource).copied().unwrap_or(found.updated),
    }
}

pub(crate) fn sources(found: &Found) -> Option<Vec<FindingSource>> {
    found.by_policy().then(|| vec![FindingSource { r#type: "POLICY".to_owned(), detail: None }])
}

/// The findings that are asked for, in the order that is asked for: the latest first.
fn chosen(
    tx: &Tx<'_>,
    analyzer: &str,
    filter: Option<BTreeMap<String, Criterion>>,
    sort: Option<SortCriteria>,
) -> Result<Vec<Found>, Fault> {
    analyzer::of_arn(tx, analyzer)?;
    let filter = criteria::read(filter.unwrap_or_default())?;
    if let Some(key) = filter.keys().find(|key| criteria::of_previews(key)) {
        return Err(invalid(format!("The filter key {key} is only valid for access previews.")));
    }
    let mut found = finding::all(tx, analyzer)?;
    found.retain(|one| criteria::holds(&filter, one));
    let sort = sort.unwrap_or_default();
    let by = sort.attribute_name.as_deref().unwrap_or("updatedAt");
    let order: fn(&Found) -> String = match by.to_ascii_lowercase().as_str() {
        "updatedat" | "analyzedat" => |f| format!("{:020}", f.updated.0),
        "createdat" => |f| format!("{:020}", f.created.0),
        "id" => |f| f.id.clone(),
        "resource" => |f| f.resource.clone(),
        "resourcetype" => |f| f.kind.clone(),
        "resourceowneraccount" => |f| f.owner.to_string(),
        "status" => |f| f.status.name().to_owned(),
        "ispublic" => |f| f.public.to_string(),
        _ => return Err(invalid(format!("Findings cannot be sorted by {by}."))),
    };
    found.sort_by_cached_key(|f| (order(f), f.id.clone()));
    let by_time = sort.attribute_name.is_none();
    if sort.order_by.as_deref().map_or(by_time, |order| order == "DESC") {
        found.reverse();
    }
    Ok(found)
}

fn summary(found: Found, looked: &Looked) -> FindingSummary {
    FindingSummary {
        analyzed_at: analyzed(&found, looked),
        principal: found.principals(),
        sources: sources(&found),
        id: found.id,
        action: Some(found.actions),
        resource: Some(found.resource),
        is_public: Some(found.public),
        resource_type: found.kind,
        condition: found.condition,
        created_at: found.created,
        updated_at: found.updated,
        status: found.status.name().to_owned(),
        resource_owner_account: found.owner.to_string(),
        error: found.error,
        resource_control_policy_restriction: Some(found.restriction),
    }
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ListFindings.html>
pub(crate) fn list_findings(
    tx: &mut Tx<'_>,
    input: ListFindingsRequest,
) -> Result<ListFindingsResponse, Fault> {
    let found = chosen(tx, &input.analyzer_arn, input.filter, input.sort)?;
    let (found, next_token) = page(found, input.next_token.as_deref(), input.max_results)?;
    let looked = looked(tx, &input.analyzer_arn)?;
    Ok(ListFindingsResponse {
        findings: found.into_iter().map(|f| summary(f, &looked)).collect(),
        next_token,
    })
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ListFindingsV2.html>
pub(crate) fn list_findings_v2(
    tx: &mut Tx<'_>,
    input: ListFindingsV2Request,
) -> Result<ListFindingsV2Response, Fault> {
    let found = chosen(tx, &input.analyzer_arn, input.filter, input.sort)?;
    let (found, next_token) = page(found, input.next_token.as_deref(), input.max_results)?;
    let looked = looked(tx, &input.analyzer_arn)?;
    let shown = |found: Found| FindingSummaryV2 {
        analyzed_at: analyzed(&found, &looked),
        finding_type: found.value("findingType"),
        created_at: found.created,
        error: found.error,
        id: found.id,
        resource: Some(found.resource),
        resource_type: found.kind,
        resource_owner_account: found.owner.to_string(),
        status: found.status.name().to_owned(),
        updated_at: found.updated,
    };
    Ok(ListFindingsV2Response { findings: found.into_iter().map(shown).collect(), next_token })
}

fn one(tx: &Tx<'_>, analyzer: &str, id: &str) -> Result<Found, Fault> {
    analyzer::of_arn(tx, analyzer)?;
    finding::all(tx, analyzer)?.into_iter().find(|f| f.id == id).ok_or_else(|| not_found("finding", id))
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFinding.html>
pub(crate) fn get_finding(tx: &mut Tx<'_>, input: GetFindingRequest) -> Result<GetFindingResponse, Fault> {
    let found = one(tx, &input.analyzer_arn, &input.id)?;
    let looked = looked(tx, &input.analyzer_arn)?;
    let shown = summary(found, &looked);
    let finding = Finding {
        id: shown.id,
        principal: shown.principal,
        action: shown.action,
        resource: shown.resource,
        is_public: shown.is_public,
        resource_type: shown.resource_type,
        condition: shown.condition,
        created_at: shown.created_at,
        analyzed_at: shown.analyzed_at,
        updated_at: shown.updated_at,
        status: shown.status,
        resource_owner_account: shown.resource_owner_account,
        error: shown.error,
        sources: shown.sources,
        resource_control_policy_restriction: shown.resource_control_policy_restriction,
    };
    Ok(GetFindingResponse { finding: Some(finding) })
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingV2.html>
pub(crate) fn get_finding_v2(
    tx: &mut Tx<'_>,
    input: GetFindingV2Request,
) -> Result<GetFindingV2Response, Fault> {
    let found = one(tx, &input.analyzer_arn, &input.id)?;
    let looked = looked(tx, &input.analyzer_arn)?;
    let finding_type = found.value("findingType");
    let shown = summary(found, &looked);
    let details = ExternalAccessDetails {
        action: shown.action,
        condition: shown.condition,
        is_public: shown.is_public,
        principal: shown.principal,
        sources: shown.sources,
        resource_control_policy_restriction: shown.resource_control_policy_restriction,
    };
    let details = FindingDetails { external_access_details: Some(details), ..FindingDetails::default() };
    let (finding_details, next_token) = page(vec![details], input.next_token.as_deref(), input.max_results)?;
    Ok(GetFindingV2Response {
        analyzed_at: shown.analyzed_at,
        created_at: shown.created_at,
        error: shown.error,
        id: shown.id,
        next_token,
        resource: shown.resource,
        resource_type: shown.resource_type,
        resource_owner_account: shown.resource_owner_account,
        status: shown.status,
        updated_at: shown.updated_at,
        finding_details,
        finding_type,
    })
}

/// What is resolved stays so.
/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_UpdateFindings.html>
pub(crate) fn update_findings(tx: &mut Tx<'_>, input: UpdateFindingsRequest) -> Result<(), Fault> {
    analyzer::of_arn(tx, &input.analyzer_arn)?;
    let wanted = if input.status == "ARCHIVED" { Status::Archived } else { Status::Active };
    let all = finding::all(tx, &input.analyzer_arn)?;
    let named: Vec<Found> = match (&input.ids, &input.resource_arn) {
        (Some(ids), None) if !ids.is_empty() => {
            let find = |id: &String| all.iter().find(|f| f.id == *id).cloned();
            ids.iter().map(|id| find(id).ok_or_else(|| not_found("finding", id))).collect::<Result<_, _>>()?
        }
        (None, Some(arn)) => all.into_iter().filter(|f| f.resource == *arn).collect(),
        _ => return Err(invalid("Specify either the ids of findings or the ARN of a resource.")),
    };
    for mut found in named {
        if found.status != Status::Resolved && found.status != wanted {
            found.status = wanted;
            found.updated = tx.now;
            finding::keep(tx, &input.analyzer_arn, &found)?;
            hub::tell(tx, &input.analyzer_arn, &found)?;
        }
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingsStatistics.html>
pub(crate) fn get_findings_statistics(
    tx: &mut Tx<'_>,
    input: GetFindingsStatisticsRequest,
) -> Result<GetFindingsStatisticsResponse, Fault> {
    analyzer::of_arn(tx, &input.analyzer_arn)?;
    let found = finding::all(tx, &input.analyzer_arn)?;
    let count = |test: &dyn Fn(&&Found) -> bool| i64::try_from(found.iter().filter(test).count()).ok();
    let mut types = BTreeMap::new();
    for kind in found.iter().filter(|f| f.status == Status::Active).map(|f| &f.kind) {
        let of = |f: &&Found| f.kind == *kind && f.status == Status::Active;
        types.entry(kind.clone()).or_insert_with(|| ResourceTypeDetails {
            total_active_public: count(&|f| of(f) && f.public),
            total_active_cross_account: count(&|f| of(f) && !f.public && f.error.is_none()),
            total_active_errors: count(&|f| of(f) && f.error.is_some()),
        });
    }
    let statistics = ExternalAccessFindingsStatistics {
        resource_type_statistics: Some(types),
        total_active_findings: count(&|f| f.status == Status::Active),
        total_archived_findings: count(&|f| f.status == Status::Archived),
        total_resolved_findings: count(&|f| f.status == Status::Resolved),
    };
    let statistics = FindingsStatistics {
        external_access_findings_statistics: Some(statistics),
        ..FindingsStatistics::default()
    };
    Ok(GetFindingsStatisticsResponse {
        findings_statistics: Some(vec![statistics]),
        last_updated_at: Some(tx.now),
    })
}
