//! Which findings a caller wants: the filters of `GetFindings`, each a path into a finding.
//! All filters must hold; of the values of one, equal-like ones any, unlike ones all.
//! <https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_AwsSecurityFindingFilters.html>

use model::{Fault, Timestamp};
use serde_json::Value as Json;

/// How a filter's values are compared.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Date,
    Number,
}

/// A filter's name, and where in a finding its values stand; `*` is every member of a list.
const FILTERS: [(&str, &str, Kind); 28] = [
    ("AwsAccountId", "AwsAccountId", Kind::Text),
    ("ComplianceStatus", "Compliance/Status", Kind::Text),
    ("Confidence", "Confidence", Kind::Number),
    ("CreatedAt", "CreatedAt", Kind::Date),
    ("Criticality", "Criticality", Kind::Number),
    ("Description", "Description", Kind::Text),
    ("FirstObservedAt", "FirstObservedAt", Kind::Date),
    ("GeneratorId", "GeneratorId", Kind::Text),
    ("Id", "Id", Kind::Text),
    ("LastObservedAt", "LastObservedAt", Kind::Date),
    ("NoteText", "Note/Text", Kind::Text),
    ("NoteUpdatedAt", "Note/UpdatedAt", Kind::Date),
    ("NoteUpdatedBy", "Note/UpdatedBy", Kind::Text),
    ("ProductArn", "ProductArn", Kind::Text),
    ("ProductName", "ProductName", Kind::Text),
    ("RecordState", "RecordState", Kind::Text),
    ("Region", "Region", Kind::Text),
    ("ResourceId", "Resources/*/Id", Kind::Text),
    ("ResourceRegion", "Resources/*/Region", Kind::Text),
    ("ResourceType", "Resources/*/Type", Kind::Text),
    ("SeverityLabel", "Severity/Label", Kind::Text),
    ("SeverityNormalized", "Severity/Normalized", Kind::Number),
    ("SeverityProduct", "Severity/Product", Kind::Number),
    ("Title", "Title", Kind::Text),
    ("Type", "Types/*", Kind::Text),
    ("UpdatedAt", "UpdatedAt", Kind::Date),
    ("VerificationState", "VerificationState", Kind::Text),
    ("WorkflowStatus", "Workflow/Status", Kind::Text),
];

fn invalid(message: String) -> Fault {
    Fault::client("InvalidInputException", message)
}

/// Whether a finding passes all filters.
pub(crate) fn passes(finding: &Json, filters: &Json, now: Timestamp) -> Result<bool, Fault> {
    for (name, wanted) in filters.as_object().into_iter().flatten() {
        let known = FILTERS.iter().find(|(n, _, _)| n == name);
        let (_, path, kind) =
            known.ok_or_else(|| invalid(format!("the filter {name} is not served by this runtime")))?;
        let steps: Vec<&str> = path.split('/').collect();
        let mut values = Vec::new();
        reach(finding, &steps, &mut values);
        let wanted = wanted.as_array().map(Vec::as_slice).unwrap_or_default();
        let holds = match kind {
            Kind::Text => text(&values, wanted)?,
            Kind::Date => wanted.iter().any(|w| values.iter().any(|v| date(v, w, now))),
            Kind::Number => wanted.iter().any(|w| values.iter().any(|v| number(v, w))),
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

fn reach<'a>(value: &'a Json, steps: &[&str], found: &mut Vec<&'a Json>) {
    match steps.split_first() {
        None => found.push(value),
        Some((&"*", rest)) => {
            value.as_array().into_iter().flatten().for_each(|v| reach(v, rest, found));
        }
        Some((step, rest)) => {
            if let Some(next) = value.get(step) {
                reach(next, rest, found);
            }
        }
    }
}

fn text(values: &[&Json], wanted: &[Json]) -> Result<bool, Fault> {
    let (mut any, mut positive) = (false, false);
    for filter in wanted {
        let value = filter.get("Value").and_then(Json::as_str).unwrap_or_default();
        let comparison = filter.get("Comparison").and_then(Json::as_str).unwrap_or("EQUALS");
        let holds = |compare: fn(&str, &str) -> bool| {
            values.iter().filter_map(|v| v.as_str()).any(|v| compare(v, value))
        };
        match comparison {
            "EQUALS" => (any, positive) = (any || holds(|a, b| a == b), true),
            "PREFIX" => (any, positive) = (any || holds(|a, b| a.starts_with(b)), true),
            "CONTAINS" | "CONTAINS_WORD" => (any, positive) = (any || holds(|a, b| a.contains(b)), true),
            "NOT_EQUALS" if holds(|a, b| a == b) => return Ok(false),
            "PREFIX_NOT_EQUALS" if holds(|a, b| a.starts_with(b)) => return Ok(false),
            "NOT_CONTAINS" if holds(|a, b| a.contains(b)) => return Ok(false),
            "NOT_EQUALS" | "PREFIX_NOT_EQUALS" | "NOT_CONTAINS" => {}
            other => return Err(invalid(format!("the comparison {other} is not valid"))),
        }
    }
    Ok(any || !positive)
}

fn date(value: &Json, filter: &Json, now: Timestamp) -> bool {
    let Some(value) = value.as_str().and_then(Timestamp::parse_rfc3339) else { return false };
    let bound = |name: &str| filter.get(name).and_then(Json::as_str).and_then(Timestamp::parse_rfc3339);
    let range = filter.get("DateRange").and_then(|r| r.get("Value")).and_then(Json::as_i64);
    bound("Start").is_none_or(|start| value >= start)
        && bound("End").is_none_or(|end| value <= end)
        && range.is_none_or(|days| value >= now.plus_seconds(-days * 86_400))
}

fn number(value: &Json, filter: &Json) -> bool {
    let Some(value) = value.as_f64() else { return false };
    let bound = |name: &str| filter.get(name).and_then(Json::as_f64);
    bound("Eq").is_none_or(|b| value == b)
        && bound("Gte").is_none_or(|b| value >= b)
        && bound("Lte").is_none_or(|b| value <= b)
        && bound("Gt").is_none_or(|b| value > b)
        && bound("Lt").is_none_or(|b| value < b)
}
