//! Analyzers, of external, unused and internal access: of each an account has one in a region, an organization
//! up to five.
//!
//! One that looks at an organization belongs to its management account, or to the account that is its
//! delegated administrator, and stands still while the organization does not trust the service.

use model::estate::analyzer::Analyzer;
use model::estate::iam::{Account, DelegatedAdministrator, Linked, Organization, TrustedService};
use model::policy::Zone;
use model::tx::Effect;
use model::{Fault, Snapshot, Tx};

use crate::configuration::Looks;
use crate::fault::{conflict, invalid, not_found, quota};
use crate::page::page;
use crate::shapes::*;
use crate::{analysis, configuration, finding, rule};

pub(crate) const SERVICE: &str = "access-analyzer.amazonaws.com";

pub(crate) const LINKED: Linked<'static> = Linked {
    service: SERVICE,
    role: "AWSServiceRoleForAccessAnalyzer",
    policy: r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["dynamodb:GetResourcePolicy","dynamodb:ListTables","ecr:DescribeRepositories","ecr:GetRepositoryPolicy","iam:GetRole","iam:ListRoles","kms:DescribeKey","kms:GetKeyPolicy","kms:ListGrants","kms:ListKeyPolicies","kms:ListKeys","organizations:DescribeOrganization","organizations:ListAccounts","organizations:ListDelegatedAdministrators","s3:GetBucketPolicy","s3:GetBucketPolicyStatus","s3:GetBucketPublicAccessBlock","s3:ListAllMyBuckets","secretsmanager:DescribeSecret","secretsmanager:GetResourcePolicy","secretsmanager:ListSecrets"],"Resource":"*"}]}"#,
};

/// The types that are served, with how many an account may have of each.
const TYPES: [(&str, usize); 6] = [
    ("ACCOUNT", 1),
    ("ACCOUNT_INTERNAL_ACCESS", 1),
    ("ACCOUNT_UNUSED_ACCESS", 1),
    ("ORGANIZATION", 5),
    ("ORGANIZATION_INTERNAL_ACCESS", 1),
    ("ORGANIZATION_UNUSED_ACCESS", 5),
];

/// Why an analyzer of an organization stands still.
fn disabled(snapshot: &Snapshot, analyzer: &Analyzer) -> Option<&'static str> {
    if !analyzer.of_organization() {
        return None;
    }
    let Some(organization) = snapshot.all::<Organization>().next() else {
        return Some("ORGANIZATION_DELETED");
    };
    let of = &organization.account;
    if snapshot.find::<TrustedService>(of, "", SERVICE).is_none() {
        return Some("AWS_SERVICE_ACCESS_DISABLED");
    }
    let delegated = || {
        let id = format!("{}/{SERVICE}", analyzer.account);
        snapshot.find::<DelegatedAdministrator>(of, "", &id).is_some()
    };
    let administers = analyzer.account == *of || delegated();
    (!administers).then_some("DELEGATED_ADMINISTRATOR_DEREGISTERED")
}

/// Whom an analyzer trusts; none while it stands still.
pub(crate) fn zone(snapshot: &Snapshot, analyzer: &Analyzer) -> Option<Zone> {
    if disabled(snapshot, analyzer).is_some() {
        return None;
    }
    if !analyzer.of_organization() {
        return Some(Zone { accounts: vec![analyzer.account.clone()], organization: None });
    }
    let organization = snapshot.all::<Organization>().next()?;
    let members =
        snapshot.all::<Account>().filter(|a| a.parent.is_some() || a.account == organization.account);
    let accounts = members.map(|a| a.account.clone()).collect();
    Some(Zone { accounts, organization: Some(organization.id.clone()) })
}

/// By its name, in the caller's account.
pub(crate) fn named(tx: &Tx<'_>, name: &str) -> Result<Analyzer, Fault> {
    tx.find::<Analyzer>(name).cloned().ok_or_else(|| not_found("analyzer", name))
}

/// By its ARN, where the decision has let the caller through to it.
pub(crate) fn of_arn(tx: &Tx<'_>, arn: &str) -> Result<Analyzer, Fault> {
    let found = tx.find_arn::<Analyzer>(arn).filter(|a| a.account == tx.account && a.region == tx.region);
    found.cloned().ok_or_else(|| not_found("analyzer", arn))
}

/// The same, of external access only.
pub(crate) fn external(tx: &Tx<'_>, arn: &str) -> Result<Analyzer, Fault> {
    let analyzer = of_arn(tx, arn)?;
    match analyzer.is_external() {
        true => Ok(analyzer),
        false => Err(invalid("The operation is only for analyzers of external access.")),
    }
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CreateAnalyzer.html>
pub(crate) fn create_analyzer(
    tx: &mut Tx<'_>,
    input: CreateAnalyzerRequest,
) -> Result<CreateAnalyzerResponse, Fault> {
    let name = input.analyzer_name;
    let kind = input.r#type;
    let Some((_, most)) = TYPES.iter().find(|(t, _)| *t == kind) else {
        return Err(invalid(format!("Analyzers of the type {kind} are not served by this runtime.")));
    };
    let Looks { unused, internal } = configuration::read(&kind, input.configuration)?;
    if tx.find::<Analyzer>(&name).is_some() {
        return Err(conflict("analyzer", &name));
    }
    let rules = input.archive_rules.unwrap_or_default();
    let mut analyzer = Analyzer {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name,
        kind,
        unused,
        internal,
        created: tx.now,
        rules: Vec::new(),
        tags: input.tags.unwrap_or_default(),
    };
    if let Some(why) = disabled(tx.snapshot(), &analyzer) {
        let message = format!("An organization analyzer cannot be created in this account: {why}.");
        return Err(invalid(message));
    }
    if tx.list::<Analyzer>().filter(|a| a.kind == analyzer.kind).count() >= *most {
        let message = format!("The limit of {most} analyzers of the type {} is reached.", analyzer.kind);
        return Err(quota("analyzer", &analyzer.name, message));
    }
    for given in rules {
        let filter = rule::filter(given.filter)?;
        rule::add(&mut analyzer, given.rule_name, filter, tx.now)?;
    }
    LINKED.caller(tx)?;
    let arn = analyzer.arn();
    let external = analyzer.is_external();
    tx.put(analyzer)?;
    if external {
        analysis::schedule(tx, &arn, tx.now, "")?;
    }
    Ok(CreateAnalyzerResponse { arn: Some(arn) })
}

fn summary(tx: &Tx<'_>, analyzer: &Analyzer) -> Result<AnalyzerSummary, Fault> {
    let last = analysis::last(tx, &analyzer.arn())?;
    let reason = disabled(tx.snapshot(), analyzer);
    Ok(AnalyzerSummary {
        arn: analyzer.arn(),
        name: analyzer.name.clone(),
        r#type: analyzer.kind.clone(),
        created_at: analyzer.created,
        last_resource_analyzed_at: last.as_ref().map(|l| l.at),
        last_resource_analyzed: last.map(|l| l.resource),
        tags: Some(analyzer.tags.clone()),
        status: if reason.is_some() { "DISABLED" } else { "ACTIVE" }.to_owned(),
        status_reason: reason.map(|code| StatusReason { code: code.to_owned() }),
        configuration: None,
        managed_by: None,
    })
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetAnalyzer.html>
pub(crate) fn get_analyzer(tx: &mut Tx<'_>, input: GetAnalyzerRequest) -> Result<GetAnalyzerResponse, Fault> {
    let analyzer = named(tx, &input.analyzer_name)?;
    let configuration = configuration::shown(&analyzer);
    Ok(GetAnalyzerResponse { analyzer: AnalyzerSummary { configuration, ..summary(tx, &analyzer)? } })
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ListAnalyzers.html>
pub(crate) fn list_analyzers(
    tx: &mut Tx<'_>,
    input: ListAnalyzersRequest,
) -> Result<ListAnalyzersResponse, Fault> {
    let wanted = |a: &&Analyzer| input.r#type.as_ref().is_none_or(|t| *t == a.kind);
    let found: Result<Vec<_>, Fault> = tx.list::<Analyzer>().filter(wanted).map(|a| summary(tx, a)).collect();
    let (analyzers, next_token) = page(found?, input.next_token.as_deref(), input.max_results)?;
    Ok(ListAnalyzersResponse { analyzers, next_token })
}

/// An analyzer of external access has no configuration to change.
/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_UpdateAnalyzer.html>
pub(crate) fn update_analyzer(
    tx: &mut Tx<'_>,
    input: UpdateAnalyzerRequest,
) -> Result<UpdateAnalyzerResponse, Fault> {
    let mut analyzer = named(tx, &input.analyzer_name)?;
    if analyzer.is_external() {
        let message = format!("An analyzer of the type {} has no configuration to update.", analyzer.kind);
        return Err(invalid(message));
    }
    let Looks { unused, internal } = configuration::read(&analyzer.kind, input.configuration)?;
    (analyzer.unused, analyzer.internal) = (unused, internal);
    let configuration = configuration::shown(&analyzer);
    tx.put(analyzer)?;
    Ok(UpdateAnalyzerResponse { configuration })
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_DeleteAnalyzer.html>
pub(crate) fn delete_analyzer(tx: &mut Tx<'_>, input: DeleteAnalyzerRequest) -> Result<(), Fault> {
    let analyzer = named(tx, &input.analyzer_name)?;
    finding::forget(tx, &analyzer)?;
    tx.effect(Effect::Unschedule { id: analysis::schedule_id(&analyzer.arn()) })?;
    tx.remove(&analyzer)
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_TagResource.html>
pub(crate) fn tag_resource(tx: &mut Tx<'_>, input: TagResourceRequest) -> Result<TagResourceResponse, Fault> {
    let mut analyzer = of_arn(tx, &input.resource_arn)?;
    analyzer.tags.extend(input.tags);
    if analyzer.tags.len() > 50 {
        return Err(invalid("An analyzer can have 50 tags."));
    }
    tx.put(analyzer)?;
    Ok(TagResourceResponse {})
}

pub(crate) fn untag_resource(
    tx: &mut Tx<'_>,
    input: UntagResourceRequest,
) -> Result<UntagResourceResponse, Fault> {
    let mut analyzer = of_arn(tx, &input.resource_arn)?;
    analyzer.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(analyzer)?;
    Ok(UntagResourceResponse {})
}

pub(crate) fn list_tags_for_resource(
    tx: &mut Tx<'_>,
    input: ListTagsForResourceRequest,
) -> Result<ListTagsForResourceResponse, Fault> {
    Ok(ListTagsForResourceResponse { tags: Some(of_arn(tx, &input.resource_arn)?.tags) })
}
