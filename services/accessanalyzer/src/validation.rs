//! Policy validation: the findings of a review of a policy's text, page by page.

use model::policy::{Finding, Place, PolicyCheck, Review, Spot, Step};
use model::{Fault, Tx};

use crate::page::page;
use crate::shapes::*;

/// Where each finding is explained: behind it the severity and the code.
const REFERENCE: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html#access-analyzer-reference-policy-checks";
const TRUST: &str = "AWS::IAM::AssumeRolePolicyDocument";

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_ValidatePolicy.html>
pub(crate) fn validate_policy(
    tx: &mut Tx<'_>,
    input: ValidatePolicyRequest,
) -> Result<ValidatePolicyResponse, Fault> {
    let attached_to = input.validate_policy_resource_type.as_deref();
    if attached_to.is_some() && input.policy_type != "RESOURCE_POLICY" {
        return Err(Fault::validation(
            "The policy validation resource type can be specified only for the policy type RESOURCE_POLICY.",
        ));
    }
    let of = match (input.policy_type.as_str(), attached_to) {
        ("IDENTITY_POLICY", _) => PolicyCheck::Identity,
        ("SERVICE_CONTROL_POLICY", _) => PolicyCheck::Scp,
        ("RESOURCE_CONTROL_POLICY", _) => PolicyCheck::Rcp,
        (_, Some(TRUST)) => PolicyCheck::Trust,
        _ => PolicyCheck::Resource,
    };
    let text = &input.policy_document;
    let found = tx.host().policies().review(&Review { text, of, attached_to })?;
    let (found, next_token) = page(found, input.next_token.as_deref(), input.max_results)?;
    Ok(ValidatePolicyResponse { findings: found.into_iter().map(shown).collect(), next_token })
}

fn shown(finding: Finding) -> ValidatePolicyFinding {
    let section = match finding.severity {
        "WARNING" => "general-warning".to_owned(),
        other => slug(other),
    };
    ValidatePolicyFinding {
        finding_details: finding.details,
        finding_type: finding.severity.to_owned(),
        issue_code: finding.code.to_owned(),
        learn_more_link: format!("{REFERENCE}-{section}-{}", slug(finding.code)),
        locations: finding.places.into_iter().map(location).collect(),
    }
}

fn slug(code: &str) -> String {
    code.to_ascii_lowercase().replace('_', "-")
}

fn location(place: Place) -> Location {
    Location {
        path: place.path.into_iter().map(element).collect(),
        span: Span { start: position(place.start), end: position(place.end) },
    }
}

fn element(step: Step) -> PathElement {
    match step {
        Step::Index(index) => PathElement { index: Some(number(index)), ..PathElement::default() },
        Step::Key(key) => PathElement { key: Some(key), ..PathElement::default() },
        Step::Value(key) => PathElement { value: Some(key), ..PathElement::default() },
        Step::Substring { start, length } => PathElement {
            substring: Some(Substring { start: number(start), length: number(length) }),
            ..PathElement::default()
        },
    }
}

fn position(spot: Spot) -> Position {
    Position { line: number(spot.line), column: number(spot.column), offset: number(spot.offset) }
}

/// Bounded by the length of a policy's text.
fn number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
