//! IAM Access Analyzer: what policies allow over all requests at once. The runtime's prover
//! answers; what it does not know is refused, never passed. And what is wrong with a policy's text.
//!
//! Analyzers watch whom the policies of resources let in from outside of a zone of trust: each change is
//! analyzed once it is committed. What cannot be analyzed is a finding of its own, never nothing.

mod analysis;
mod analyzer;
mod check;
mod configuration;
mod criteria;
mod fault;
mod finding;
mod generation;
mod hub;
mod iam;
mod inside;
mod list;
mod page;
mod preview;
mod provider;
mod resource;
mod rule;
#[rustfmt::skip]
mod shapes;
mod subject;
mod unused;
mod validation;

use model::estate::analyzer::Analyzer;
use model::{NodeKind, Service};

pub static SERVICE: Service = Service {
    name: "accessanalyzer",
    model: include_str!("../accessanalyzer.model"),
    types: include_str!("../accessanalyzer.cfn"),
    actions: include_str!("../accessanalyzer.iam"),
    operations: model::operations![
        read CheckAccessNotGranted => check::check_access_not_granted,
        read CheckNoNewAccess => check::check_no_new_access,
        read CheckNoPublicAccess => check::check_no_public_access,
        read ValidatePolicy => validation::validate_policy,
        write CreateAnalyzer => analyzer::create_analyzer,
        read GetAnalyzer => analyzer::get_analyzer,
        read ListAnalyzers => analyzer::list_analyzers,
        write UpdateAnalyzer => analyzer::update_analyzer,
        write DeleteAnalyzer => analyzer::delete_analyzer,
        write TagResource => analyzer::tag_resource,
        write UntagResource => analyzer::untag_resource,
        read ListTagsForResource => analyzer::list_tags_for_resource,
        write CreateArchiveRule => rule::create_archive_rule,
        read GetArchiveRule => rule::get_archive_rule,
        read ListArchiveRules => rule::list_archive_rules,
        write UpdateArchiveRule => rule::update_archive_rule,
        write DeleteArchiveRule => rule::delete_archive_rule,
        write ApplyArchiveRule => rule::apply_archive_rule,
        read ListFindings => list::list_findings,
        read ListFindingsV2 => list::list_findings_v2,
        read GetFinding => list::get_finding,
        read GetFindingV2 => list::get_finding_v2,
        write UpdateFindings => list::update_findings,
        read GetFindingsStatistics => list::get_findings_statistics,
        write StartResourceScan => resource::start_resource_scan,
        read ListAnalyzedResources => resource::list_analyzed_resources,
        read GetAnalyzedResource => resource::get_analyzed_resource,
        write CreateAccessPreview => preview::create_access_preview,
        read GetAccessPreview => preview::get_access_preview,
        read ListAccessPreviews => preview::list_access_previews,
        read ListAccessPreviewFindings => preview::list_access_preview_findings,
        write StartPolicyGeneration => generation::start_policy_generation,
        read GetGeneratedPolicy => generation::get_generated_policy,
        read ListPolicyGenerations => generation::list_policy_generations,
        write CancelPolicyGeneration => generation::cancel_policy_generation,
    ],
    ask: iam::ask,
    nodes: &[NodeKind::of::<Analyzer>()],
    resources: provider::RESOURCES,
    jobs: model::jobs![
        Changed => analysis::changed,
        Generate => generation::generate,
        Inside => inside::reached,
        Scan => analysis::scan,
        Used => unused::used,
    ],
    founding: model::service::nothing,
};
