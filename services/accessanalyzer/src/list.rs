//! How findings are asked for and marked: lists in both forms, one of them, counts.

use std::collections::{BTreeMap, BTreeSet};

use model::{Fault, Timestamp, Tx};

use crate::criteria::Described as _;
use crate::fault::{invalid, not_found};
use crate::finding::{self, Found, Status};
use crate::page::page;
use crate::shapes::*;
use crate::unused::Idle;
use crate::{analysis, analyzer, criteria, hub};

/// When each resource was looked at, and when any was.
struct Looked {
    each: BTreeMap<String, Timestamp>,
    last: Option<Timestamp>,
}

fn looked(tx: &Tx<'_>, analyzer: &str) -> Result<Looked, Fault> {
    let each = finding::seen_by(tx, analyzer)?.into_iter().map(|s| (s.arn, s.analyzed)).collect();
    Ok(Looked { each, last: analysis::last(tx, analyzer)?.map(|last| last.at) })
}

fn analyzed(found: &Found, looked: &Looked) -> Timestamp {
    match found.status {
        Status::Resolved => found.updated,
        Status::Active | Status::Archived => {
            looked.each.get(&found.resource).copied().or(looked.last).unwrap_or(found.updated)
        }
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
    analyzer::external(tx, &input.analyzer_arn)?;
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
    analyzer::external(tx, &input.analyzer_arn)?;
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

/// What a finding is of: one external access, or one thing that is not used; of permissions, each service.
fn details(found: &Found) -> Vec<FindingDetails> {
    let none = FindingDetails::default;
    if let Some(insider) = &found.insider {
        let guarded = if insider.guarded { "APPLIED" } else { "NOT_APPLICABLE" };
        let internal = InternalAccessDetails {
            action: Some(found.actions.clone()),
            condition: Some(found.condition.clone()),
            principal: found.principals(),
            principal_owner_account: Some(insider.account.to_string()),
            access_type: Some(insider.access(&found.owner).to_owned()),
            principal_type: Some(insider.kind().to_owned()),
            sources: sources(found),
            resource_control_policy_restriction: Some(found.restriction.clone()),
            service_control_policy_restriction: Some(guarded.to_owned()),
        };
        return vec![FindingDetails { internal_access_details: Some(internal), ..none() }];
    }
    match &found.idle {
        None => {
            let external = ExternalAccessDetails {
                action: Some(found.actions.clone()),
                condition: found.condition.clone(),
                is_public: Some(found.public),
                principal: found.principals(),
                sources: sources(found),
                resource_control_policy_restriction: Some(found.restriction.clone()),
            };
            vec![FindingDetails { external_access_details: Some(external), ..none() }]
        }
        Some(Idle::Role { last }) => {
            let role = UnusedIamRoleDetails { last_accessed: *last };
            vec![FindingDetails { unused_iam_role_details: Some(role), ..none() }]
        }
        Some(Idle::Key { id, last }) => {
            let key = UnusedIamUserAccessKeyDetails { access_key_id: id.clone(), last_accessed: *last };
            vec![FindingDetails { unused_iam_user_access_key_details: Some(key), ..none() }]
        }
        Some(Idle::Password { last }) => {
            let password = UnusedIamUserPasswordDetails { last_accessed: *last };
            vec![FindingDetails { unused_iam_user_password_details: Some(password), ..none() }]
        }
        Some(Idle::Permission { services }) => {
            let each = services.iter().map(|(prefix, last)| UnusedPermissionDetails {
                actions: None,
                service_namespace: prefix.clone(),
                last_accessed: *last,
            });
            each.map(|one| FindingDetails { unused_permission_details: Some(one), ..none() }).collect()
        }
    }
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingV2.html>
pub(crate) fn get_finding_v2(
    tx: &mut Tx<'_>,
    input: GetFindingV2Request,
) -> Result<GetFindingV2Response, Fault> {
    let found = one(tx, &input.analyzer_arn, &input.id)?;
    let looked = looked(tx, &input.analyzer_arn)?;
    let finding_type = found.value("findingType");
    let details = details(&found);
    let shown = summary(found, &looked);
    let (finding_details, next_token) = page(details, input.next_token.as_deref(), input.max_results)?;
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
    let analyzer = analyzer::of_arn(tx, &input.analyzer_arn)?;
    let found = finding::all(tx, &input.analyzer_arn)?;
    let statistics = match (&analyzer.unused, &analyzer.internal) {
        (Some(_), _) => unused_statistics(&found),
        (_, Some(_)) => internal_statistics(&found),
        _ => external_statistics(&found),
    };
    Ok(GetFindingsStatisticsResponse {
        findings_statistics: Some(vec![statistics]),
        last_updated_at: Some(tx.now),
    })
}

fn unused_statistics(found: &[Found]) -> FindingsStatistics {
    let count = |test: &dyn Fn(&&Found) -> bool| i64::try_from(found.iter().filter(test).count()).ok();
    let active = |f: &&Found| f.status == Status::Active;
    let kinds: BTreeSet<&str> = found.iter().filter_map(|f| f.idle.as_ref()).map(Idle::name).collect();
    let of = |f: &&Found, kind: &str| active(f) && f.idle.as_ref().is_some_and(|idle| idle.name() == kind);
    let types = kinds.iter().map(|kind| UnusedAccessTypeStatistics {
        unused_access_type: Some((*kind).to_owned()),
        total: count(&|f| of(f, kind)),
    });
    let mut accounts: BTreeMap<String, i64> = BTreeMap::new();
    found.iter().filter(active).for_each(|f| *accounts.entry(f.owner.to_string()).or_default() += 1);
    let mut top: Vec<(String, i64)> = accounts.into_iter().collect();
    top.sort_by_key(|(_, number)| -number);
    let top = top.into_iter().take(10).map(|(account, number)| FindingAggregationAccountDetails {
        account: Some(account),
        number_of_active_findings: Some(number),
        details: None,
    });
    let statistics = UnusedAccessFindingsStatistics {
        unused_access_type_statistics: Some(types.collect()),
        top_accounts: Some(top.collect()),
        total_active_findings: count(&active),
        total_archived_findings: count(&|f| f.status == Status::Archived),
        total_resolved_findings: count(&|f| f.status == Status::Resolved),
    };
    FindingsStatistics {
        unused_access_findings_statistics: Some(statistics),
        ..FindingsStatistics::default()
    }
}

fn internal_statistics(found: &[Found]) -> FindingsStatistics {
    let count = |kind: Option<&String>, status: Status| {
        let of = |f: &&Found| f.status == status && kind.is_none_or(|kind| f.kind == *kind);
        i64::try_from(found.iter().filter(of).count()).ok()
    };
    let kinds: BTreeSet<&String> = found.iter().map(|f| &f.kind).collect();
    let details = |kind| InternalAccessResourceTypeDetails {
        total_active_findings: count(Some(kind), Status::Active),
        total_resolved_findings: count(Some(kind), Status::Resolved),
        total_archived_findings: count(Some(kind), Status::Archived),
    };
    let statistics = InternalAccessFindingsStatistics {
        resource_type_statistics: Some(kinds.into_iter().map(|k| (k.clone(), details(k))).collect()),
        total_active_findings: count(None, Status::Active),
        total_archived_findings: count(None, Status::Archived),
        total_resolved_findings: count(None, Status::Resolved),
    };
    FindingsStatistics {
        internal_access_findings_statistics: Some(statistics),
        ..FindingsStatistics::default()
    }
}

fn external_statistics(found: &[Found]) -> FindingsStatistics {
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
    FindingsStatistics {
        external_access_findings_statistics: Some(statistics),
        ..FindingsStatistics::default()
    }
}
