//! Access previews: what an analyzer would find of a resource if it had a proposed configuration, beside
//! what it has found of it. Nothing of the resource is changed.

use std::collections::BTreeMap;

use model::estate::analyzer::Analyzer;
use model::policy::{PolicyCheck, Zone};
use model::{Arn, Fault, Timestamp, Tx, Value};
use model::{FromValue as _, IntoValue as _};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::criteria::{self, Described};
use crate::fault::{invalid, not_found};
use crate::finding::{self, Found, Status, key};
use crate::page::page;
use crate::shapes::*;
use crate::subject::{self, Share, Subject};
use crate::{analysis, analyzer, list};

const TABLE: &str = "accessanalyzer/previews";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Preview {
    id: String,
    /// As it was given, by the ARN of the resource.
    configurations: Json,
    created: Timestamp,
    /// Why it failed.
    failed: Option<String>,
    findings: Vec<Foreseen>,
}

/// A finding of a preview.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Foreseen {
    found: Found,
    /// `NEW`, `CHANGED` or `UNCHANGED`.
    change: String,
    existing: Option<(String, Status)>,
}

impl Described for Foreseen {
    fn value(&self, key: &str) -> Option<String> {
        match key {
            "changeType" => Some(self.change.clone()),
            "existingFindingId" => self.existing.as_ref().map(|e| e.0.clone()),
            "existingFindingStatus" => self.existing.as_ref().map(|e| e.1.name().to_owned()),
            other => self.found.value(other),
        }
    }
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CreateAccessPreview.html>
pub(crate) fn create_access_preview(
    tx: &mut Tx<'_>,
    input: CreateAccessPreviewRequest,
) -> Result<CreateAccessPreviewResponse, Fault> {
    let analyzer = analyzer::external(tx, &input.analyzer_arn)?;
    let zone =
        analyzer::zone(tx.snapshot(), &analyzer).ok_or_else(|| invalid("The analyzer is disabled."))?;
    let mut configurations = input.configurations.iter();
    let (Some((arn, configuration)), None) = (configurations.next(), configurations.next()) else {
        return Err(invalid("Exactly one configuration must be specified."));
    };
    let subject = proposed(tx, &analyzer, &zone, arn, configuration)?;
    let failed = (!valid(tx, &subject)).then(|| "INVALID_CONFIGURATION".to_owned());
    let findings = match failed {
        None => foreseen(tx, &analyzer, &zone, &subject)?,
        Some(_) => Vec::new(),
    };
    let preview = Preview {
        id: tx.uuid(),
        configurations: input.configurations.into_value().to_json(),
        created: tx.now,
        failed,
        findings,
    };
    tx.put_record_as(TABLE, &key(&input.analyzer_arn, &preview.id), &preview)?;
    Ok(CreateAccessPreviewResponse { id: preview.id })
}

/// A policy that is none fails the preview, not the call.
fn valid(tx: &Tx<'_>, subject: &Subject) -> bool {
    let kind = if subject.kind == "AWS::IAM::Role" { PolicyCheck::Trust } else { PolicyCheck::Resource };
    let text = subject.policy.as_deref().filter(|text| !text.is_empty());
    text.is_none_or(|text| tx.host().policies().check(kind, text).is_ok())
}

/// The resource as it would be: what is not proposed is as it is.
fn proposed(
    tx: &Tx<'_>,
    analyzer: &Analyzer,
    zone: &Zone,
    arn: &str,
    configuration: &Configuration,
) -> Result<Subject, Fault> {
    let kind =
        kind_of(arn).ok_or_else(|| invalid(format!("{arn} is no resource of a type that is analyzed.")))?;
    let existing = subject::find(tx.snapshot(), arn);
    if existing.as_ref().is_some_and(|e| !e.within(zone, &analyzer.region)) {
        return Err(invalid(format!("{arn} is not in the zone of trust of the analyzer.")));
    }
    let owner = || Arn::parse(arn).and_then(|a| model::AccountId::parse(a.account));
    let mut subject = existing.unwrap_or_else(|| Subject {
        arn: arn.to_owned(),
        kind,
        owner: owner().unwrap_or_else(|| analyzer.account.clone()),
        region: analyzer.region.clone(),
        policy: None,
        grants: Vec::new(),
        restricted: false,
    });
    if !zone.accounts.contains(&subject.owner) {
        return Err(invalid(format!("{arn} is not in the zone of trust of the analyzer.")));
    }
    if !propose(&mut subject, configuration)? {
        return Err(invalid(format!("The configuration is not one of a resource of the type {kind}.")));
    }
    Ok(subject)
}

fn kind_of(arn: &str) -> Option<&'static str> {
    let arn = Arn::parse(arn)?;
    Some(match (arn.service, arn.resource.split(['/', ':']).next()?) {
        ("dynamodb", "table") => "AWS::DynamoDB::Table",
        ("ecr", "repository") => "AWS::ECR::Repository",
        ("iam", "role") => "AWS::IAM::Role",
        ("kms", "key") => "AWS::KMS::Key",
        ("s3", _) if !arn.resource.contains('/') => "AWS::S3::Bucket",
        ("secretsmanager", "secret") => "AWS::SecretsManager::Secret",
        _ => return None,
    })
}

/// Puts the configuration in the place of what there is; whether it is one for this type.
fn propose(subject: &mut Subject, of: &Configuration) -> Result<bool, Fault> {
    let unserved = |what: &str| invalid(format!("{what} are not served by this runtime."));
    let policy = match subject.kind {
        "AWS::DynamoDB::Table" => of.dynamodb_table.as_ref().map(|c| c.table_policy.clone()),
        "AWS::ECR::Repository" => of.ecr_repository.as_ref().map(|c| c.repository_policy.clone()),
        "AWS::IAM::Role" => of.iam_role.as_ref().map(|c| c.trust_policy.clone()),
        "AWS::SecretsManager::Secret" => of.secrets_manager_secret.as_ref().map(|c| c.secret_policy.clone()),
        "AWS::KMS::Key" => of.kms_key.as_ref().map(|c| {
            if let Some(grants) = &c.grants {
                subject.grants = grants.iter().map(share).collect();
            }
            c.key_policies.as_ref().and_then(|p| p.get("default").cloned())
        }),
        _ => match &of.s3_bucket {
            None => None,
            Some(bucket) => {
                if bucket.bucket_acl_grants.as_ref().is_some_and(|grants| !grants.is_empty()) {
                    return Err(unserved("Access control lists"));
                }
                if bucket.access_points.as_ref().is_some_and(|points| !points.is_empty()) {
                    return Err(unserved("Access points"));
                }
                if let Some(block) = &bucket.bucket_public_access_block {
                    subject.restricted = block.restrict_public_buckets;
                }
                Some(bucket.bucket_policy.clone())
            }
        },
    };
    let Some(policy) = policy else { return Ok(false) };
    if policy.is_some() {
        subject.policy = policy;
    }
    Ok(true)
}

fn share(grant: &KmsGrantConfiguration) -> Share {
    Share { grantee: grant.grantee_principal.clone(), operations: grant.operations.clone() }
}

/// What would be found, beside what has been.
fn foreseen(
    tx: &Tx<'_>,
    analyzer: &Analyzer,
    zone: &Zone,
    subject: &Subject,
) -> Result<Vec<Foreseen>, Fault> {
    let known = finding::of_resource(tx, &analyzer.arn(), &subject.arn)?;
    let archived = |found: &Found| analyzer.rules.iter().any(|rule| criteria::holds(&rule.filter, found));
    let mut all = Vec::new();
    let now = analysis::found(tx, subject, zone);
    for mut found in now.iter().cloned() {
        let old = known.iter().find(|old| old.same(&found));
        found.status = match old.map(|old| old.status) {
            Some(status @ (Status::Active | Status::Archived)) => status,
            Some(Status::Resolved) | None if archived(&found) => Status::Archived,
            Some(Status::Resolved) | None => Status::Active,
        };
        let change = match old {
            None => "NEW",
            Some(old) if old.status == found.status => "UNCHANGED",
            Some(_) => "CHANGED",
        };
        all.push((found, change, old));
    }
    for old in known.iter().filter(|old| old.status != Status::Resolved) {
        if !now.iter().any(|new| old.same(new)) {
            all.push((Found { status: Status::Resolved, ..old.clone() }, "CHANGED", Some(old)));
        }
    }
    let each = all.into_iter().map(|(found, change, old)| Foreseen {
        found: Found { id: tx.uuid(), created: tx.now, ..found },
        change: change.to_owned(),
        existing: old.map(|old| (old.id.clone(), old.status)),
    });
    Ok(each.collect())
}

fn find(tx: &Tx<'_>, analyzer: &str, id: &str) -> Result<Preview, Fault> {
    analyzer::external(tx, analyzer)?;
    tx.record_as(TABLE, &key(analyzer, id))?.ok_or_else(|| not_found("access preview", id))
}

impl Preview {
    fn status(&self) -> (String, Option<AccessPreviewStatusReason>) {
        match &self.failed {
            None => ("COMPLETED".to_owned(), None),
            Some(code) => ("FAILED".to_owned(), Some(AccessPreviewStatusReason { code: code.clone() })),
        }
    }
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetAccessPreview.html>
pub(crate) fn get_access_preview(
    tx: &mut Tx<'_>,
    input: GetAccessPreviewRequest,
) -> Result<GetAccessPreviewResponse, Fault> {
    let preview = find(tx, &input.analyzer_arn, &input.access_preview_id)?;
    let (status, status_reason) = preview.status();
    let access_preview = AccessPreview {
        id: preview.id,
        analyzer_arn: input.analyzer_arn,
        configurations: BTreeMap::from_value(Value::from_json(preview.configurations))?,
        created_at: preview.created,
        status,
        status_reason,
    };
    Ok(GetAccessPreviewResponse { access_preview })
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ListAccessPreviews.html>
pub(crate) fn list_access_previews(
    tx: &mut Tx<'_>,
    input: ListAccessPreviewsRequest,
) -> Result<ListAccessPreviewsResponse, Fault> {
    analyzer::external(tx, &input.analyzer_arn)?;
    let mut previews: Vec<Preview> = finding::under(tx, TABLE, &key(&input.analyzer_arn, ""))?;
    previews.sort_by_key(|p| std::cmp::Reverse(p.created));
    let (previews, next_token) = page(previews, input.next_token.as_deref(), input.max_results)?;
    let shown = |preview: Preview| {
        let (status, status_reason) = preview.status();
        AccessPreviewSummary {
            id: preview.id,
            analyzer_arn: input.analyzer_arn.clone(),
            created_at: preview.created,
            status,
            status_reason,
        }
    };
    Ok(ListAccessPreviewsResponse { access_previews: previews.into_iter().map(shown).collect(), next_token })
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ListAccessPreviewFindings.html>
pub(crate) fn list_access_preview_findings(
    tx: &mut Tx<'_>,
    input: ListAccessPreviewFindingsRequest,
) -> Result<ListAccessPreviewFindingsResponse, Fault> {
    let preview = find(tx, &input.analyzer_arn, &input.access_preview_id)?;
    if preview.failed.is_some() {
        let message = "The access preview has failed, so it has no findings.";
        return Err(Fault::new("ConflictException", 409, message));
    }
    let filter = criteria::read(input.filter.unwrap_or_default())?;
    let mut found = preview.findings;
    found.retain(|one| criteria::holds(&filter, one));
    let (found, next_token) = page(found, input.next_token.as_deref(), input.max_results)?;
    Ok(ListAccessPreviewFindingsResponse { findings: found.into_iter().map(shown).collect(), next_token })
}

fn shown(foreseen: Foreseen) -> AccessPreviewFinding {
    let Foreseen { found, change, existing } = foreseen;
    AccessPreviewFinding {
        principal: found.principals(),
        sources: list::sources(&found),
        id: found.id,
        existing_finding_status: existing.as_ref().map(|e| e.1.name().to_owned()),
        existing_finding_id: existing.map(|e| e.0),
        action: Some(found.actions),
        condition: Some(found.condition),
        resource: Some(found.resource),
        is_public: Some(found.public),
        resource_type: found.kind,
        created_at: found.created,
        change_type: change,
        status: found.status.name().to_owned(),
        resource_owner_account: found.owner.to_string(),
        error: found.error,
        resource_control_policy_restriction: Some(found.restriction),
    }
}

/// Forgets the previews of an analyzer.
pub(crate) fn forget(tx: &mut Tx<'_>, analyzer: &str) -> Result<(), Fault> {
    for preview in finding::under::<Preview>(tx, TABLE, &key(analyzer, ""))? {
        tx.remove_record(TABLE, &key(analyzer, &preview.id))?;
    }
    Ok(())
}
