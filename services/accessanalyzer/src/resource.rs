//! The resources that an analyzer looks at: scanned on demand, listed, told of one by one.

use model::{Fault, Tx};

use crate::analysis::{self, Seen};
use crate::analyzer;
use crate::fault::{invalid, not_found};
use crate::finding::{self, Status};
use crate::page::page;
use crate::shapes::*;
use crate::subject::{self, BUCKET};

/// Looks at it at once.
/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_StartResourceScan.html>
pub(crate) fn start_resource_scan(tx: &mut Tx<'_>, input: StartResourceScanRequest) -> Result<(), Fault> {
    let analyzer = analyzer::external(tx, &input.analyzer_arn)?;
    let arn = &input.resource_arn;
    let zone =
        analyzer::zone(tx.snapshot(), &analyzer).ok_or_else(|| invalid("The analyzer is disabled."))?;
    let subject = subject::find(tx.snapshot(), arn).filter(|s| s.within(&zone, &analyzer.region));
    let known = analysis::seen(tx, &input.analyzer_arn, arn)?;
    let wrong_owner = |owner: &String| subject.as_ref().is_some_and(|s| s.owner.as_str() != owner);
    if (subject.is_none() && known.is_none())
        || input.resource_owner_account.as_ref().is_some_and(wrong_owner)
    {
        return Err(not_found("resource", arn));
    }
    analysis::analyze(tx, &analyzer, arn)
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ListAnalyzedResources.html>
pub(crate) fn list_analyzed_resources(
    tx: &mut Tx<'_>,
    input: ListAnalyzedResourcesRequest,
) -> Result<ListAnalyzedResourcesResponse, Fault> {
    analyzer::external(tx, &input.analyzer_arn)?;
    let mut seen = finding::seen_by(tx, &input.analyzer_arn)?;
    seen.retain(|s| input.resource_type.as_ref().is_none_or(|t| *t == s.kind));
    let (seen, next_token) = page(seen, input.next_token.as_deref(), input.max_results)?;
    let shown = |seen: Seen| AnalyzedResourceSummary {
        resource_arn: seen.arn,
        resource_owner_account: seen.owner.to_string(),
        resource_type: seen.kind,
    };
    Ok(ListAnalyzedResourcesResponse {
        analyzed_resources: seen.into_iter().map(shown).collect(),
        next_token,
    })
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetAnalyzedResource.html>
pub(crate) fn get_analyzed_resource(
    tx: &mut Tx<'_>,
    input: GetAnalyzedResourceRequest,
) -> Result<GetAnalyzedResourceResponse, Fault> {
    let (analyzer, arn) = (&input.analyzer_arn, &input.resource_arn);
    analyzer::external(tx, analyzer)?;
    let seen = analysis::seen(tx, analyzer, arn)?.ok_or_else(|| not_found("resource", arn))?;
    let mut found = finding::of_resource(tx, analyzer, arn)?;
    found.retain(|f| f.status != Status::Resolved);
    let mut actions: Vec<String> = found.iter().flat_map(|f| f.actions.clone()).collect();
    actions.sort();
    actions.dedup();
    let status = found.iter().map(|f| f.status).find(|s| *s == Status::Active);
    let status = status.or_else(|| found.first().map(|f| f.status));
    let shared = seen.kind == BUCKET && found.iter().any(|f| f.error.is_none());
    let resource = AnalyzedResource {
        resource_arn: seen.arn,
        resource_type: seen.kind,
        created_at: seen.created,
        analyzed_at: seen.analyzed,
        updated_at: seen.updated,
        is_public: found.iter().any(|f| f.public),
        actions: (!actions.is_empty()).then_some(actions),
        shared_via: shared.then(|| vec!["POLICY".to_owned()]),
        status: status.map(|s| s.name().to_owned()),
        resource_owner_account: seen.owner.to_string(),
        error: found.iter().find_map(|f| f.error.clone()),
    };
    Ok(GetAnalyzedResourceResponse { resource: Some(resource) })
}
