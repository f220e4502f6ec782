//! Brings a review of a policy's text into the words of the services that ask for one.

use decide_iam as language;
use model::Fault;
use model::policy::{Finding, Place, Review, Spot, Step};

/// All that is wrong with a policy's text or could be better.
pub fn review(review: &Review<'_>) -> Result<Vec<Finding>, Fault> {
    let as_what = language::Review { kind: super::kind(review.of), attached_to: review.attached_to };
    let found = language::review(review.text, as_what);
    let found = found.map_err(|language::TooComplex| {
        Fault::validation("The policy is too complex to be validated: it has too many patterns.")
    })?;
    Ok(found.into_iter().map(finding).collect())
}

fn finding(found: language::Finding) -> Finding {
    let severity = match found.check.severity {
        language::Severity::Error => "ERROR",
        language::Severity::SecurityWarning => "SECURITY_WARNING",
        language::Severity::Warning => "WARNING",
        language::Severity::Suggestion => "SUGGESTION",
    };
    let places = found.places.into_iter().map(place).collect();
    Finding { code: found.check.code, severity, details: found.details, places }
}

fn place(place: language::Place) -> Place {
    let step = |step| match step {
        language::Step::Index(index) => Step::Index(index),
        language::Step::Key(key) => Step::Key(key),
        language::Step::Value(key) => Step::Value(key),
        language::Step::Substring { start, length } => Step::Substring { start, length },
    };
    let spot = |at: language::Spot| Spot { line: at.line, column: at.column, offset: at.offset };
    Place { path: place.path.into_iter().map(step).collect(), start: spot(place.start), end: spot(place.end) }
}
