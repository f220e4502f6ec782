//! Why a policy cannot be written, in the words of the service that refuses it.
//!
//! A text may have several faults; AWS reports the one of the earliest stage of its
//! checks, and so does this: the stages are ordered, within one the first in the text wins.

use std::fmt;

use crate::json::Position;
use crate::policy::PolicyKind;

/// Why a policy was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub line: u32,
    pub column: u32,
    /// e.g. `Statement[2].Condition.StringEqual`.
    pub element: String,
    /// As the service words it.
    pub message: String,
    /// What is wrong in particular.
    pub detail: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}, column {}", self.message, self.line, self.column)?;
        if !self.element.is_empty() {
            write!(f, ", {}", self.element)?;
        }
        write!(f, ": {})", self.detail)
    }
}

impl std::error::Error for Malformed {}

/// The stages of AWS's checks, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Syntax,
    Legacy,
    Sid,
    Actions,
    ActionVendor,
    Resources,
    ResourceFormat,
    ActionForm,
}

/// What kind of thing is wrong, for services that word each differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    Json,
    Form,
    Unknown(String),
    Missing(&'static str),
    Prohibited(&'static str),
    Version,
    Principal(String),
    /// The message in full, the same for every kind of policy.
    Text(String),
}

/// Keeps the fault to report.
pub(crate) struct Faults {
    kind: PolicyKind,
    first: Option<(Stage, Malformed)>,
}

impl Faults {
    pub(crate) fn new(kind: PolicyKind) -> Faults {
        Faults { kind, first: None }
    }

    pub(crate) fn note(&mut self, stage: Stage, at: Position, element: &str, wrong: &Wrong, detail: String) {
        if self.first.as_ref().is_some_and(|(first, _)| *first <= stage) {
            return;
        }
        let message = message(self.kind, stage, at, wrong);
        let fault =
            Malformed { line: at.line, column: at.column, element: element.to_owned(), message, detail };
        self.first = Some((stage, fault));
    }

    pub(crate) fn any(&self) -> bool {
        self.first.is_some()
    }

    pub(crate) fn into_result(self) -> Result<(), Malformed> {
        match self.first {
            Some((_, fault)) => Err(fault),
            None => Ok(()),
        }
    }
}

fn message(kind: PolicyKind, stage: Stage, at: Position, wrong: &Wrong) -> String {
    if let (Wrong::Text(text), false) = (wrong, matches!(kind, PolicyKind::Scp | PolicyKind::Rcp)) {
        return text.clone();
    }
    match kind {
        PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => match (stage, wrong) {
            (_, Wrong::Prohibited("Principal" | "NotPrincipal")) => {
                "Policy document should not specify a principal.".to_owned()
            }
            (Stage::Legacy, _) => "The policy failed legacy parsing".to_owned(),
            (Stage::Actions, _) => "Policy statement must contain actions.".to_owned(),
            (Stage::Resources, _) => "Policy statement must contain resources.".to_owned(),
            _ => "Syntax errors in policy.".to_owned(),
        },
        PolicyKind::Scp | PolicyKind::Rcp => {
            "The provided policy document does not meet the requirements of the specified policy type."
                .to_owned()
        }
        PolicyKind::Resource | PolicyKind::Trust | PolicyKind::Endpoint => match wrong {
            Wrong::Json => "This policy contains invalid Json".to_owned(),
            Wrong::Unknown(field) => format!("Unknown field {field}"),
            Wrong::Missing(field) => format!("Missing required field {field}"),
            Wrong::Prohibited(field) => format!("Has prohibited field {field}"),
            Wrong::Version => "The policy must contain a valid version string".to_owned(),
            Wrong::Principal(name) => format!("Invalid principal in policy: {name}"),
            Wrong::Form | Wrong::Text(_) => format!("Syntax error at position ({},{})", at.line, at.column),
        },
    }
}
