//! The explanation for people: one line per layer, and for a silent layer the statement
//! that came nearest, with the condition that failed and the values compared.

use std::fmt::{self, Display, Formatter, Write as _};

use crate::condition::{Condition, Operand};
use crate::policy::{Effect, Scope, Statement};
use crate::principal::Grant;
use crate::scan::Question;
use crate::verdict::{LayerVerdict, Outcome, Silence, StatementRef, Verdict, Why};

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Outcome::Allowed => "allowed",
            Outcome::ImplicitDeny => "implicit deny",
            Outcome::ExplicitDeny => "explicit deny",
        })
    }
}

impl Display for StatementRef<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "statement {}", self.index)?;
        if let Some(sid) = self.sid {
            write!(f, " `{sid}`")?;
        }
        write!(f, " of `{}`", self.policy)?;
        match (self.file, self.line) {
            (Some(file), Some(line)) => write!(f, " ({file}:{line})"),
            (Some(file), None) => write!(f, " ({file})"),
            (None, _) => Ok(()),
        }
    }
}

impl Display for Why<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Why::Allows { grant: Grant::Direct } => f.write_str("a statement allows it"),
            Why::Allows { grant: Grant::Behind } => {
                f.write_str("a statement allows it to the role or user behind the session")
            }
            Why::Allows { grant: Grant::Account } => {
                f.write_str("a statement allows it to the account, whose own policies must allow it too")
            }
            Why::Granted { grant: Grant::Account, by } => {
                write!(f, "{by} allows it to the account, whose own policies must allow it too")
            }
            Why::Granted { by, .. } => write!(f, "{by} allows it"),
            Why::Ungranted { lack, by } => write!(f, "{by} {lack}"),
            Why::Denies => f.write_str("a statement denies it"),
            Why::Root => f.write_str("the root user needs no identity policy"),
            Why::NoPolicy => f.write_str("no policy is attached"),
            Why::Silent(silence) => silence.fmt(f),
        }
    }
}

impl Display for LayerVerdict<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.layer.name(), self.outcome, self.why)?;
        match &self.statement {
            Some(statement) => write!(f, ": {statement}"),
            None => Ok(()),
        }
    }
}

impl Verdict<'_> {
    /// Several lines: the outcome, then each layer; the one that denied is marked with `>`;
    /// then the nearest change that would allow what was denied.
    pub fn explain(&self) -> String {
        let request = &self.request;
        let who = if request.principal.arn.is_empty() { "anonymous" } else { &request.principal.arn };
        let mut text = format!("{}: `{}` on `{}` by `{who}`", self.outcome, request.action, request.resource);
        if self.cross_account {
            text.push_str(", across accounts");
        }
        for verdict in &self.layers {
            let mark = if self.decisive == Some(verdict.layer) { '>' } else { ' ' };
            // Writing to a string does not fail.
            let _ = write!(text, "\n{mark} {verdict}");
        }
        let _ = match (self.nearest_change(), self.first_change()) {
            (Some(change), _) => write!(text, "\nnearest change: {change}"),
            (None, Some(first)) => write!(text, "\nmore than one change is needed; the first: {first}"),
            (None, None) => Ok(()),
        };
        text
    }
}

/// What kept a statement from applying, the nearest miss first.
enum Miss<'a> {
    Condition(&'a Condition),
    Resource,
    Principal,
}

impl Miss<'_> {
    fn rank(&self) -> u8 {
        match self {
            Miss::Condition(_) => 0,
            Miss::Resource => 1,
            Miss::Principal => 2,
        }
    }
}

impl Display for Silence<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("no statement allows it")?;
        if let Some(level) = self.level {
            write!(f, " at level {level} of the organization")?;
        }
        let question = Question::new(self.request, false);
        let mut nearest: Option<(u8, StatementRef<'_>, &Statement, Miss<'_>)> = None;
        for attached in self.policies {
            for statement in attached.policy.statements() {
                let Some(miss) = self.miss(&question, statement) else { continue };
                if nearest.as_ref().is_none_or(|(rank, ..)| miss.rank() < *rank) {
                    nearest = Some((miss.rank(), StatementRef::new(attached, statement), statement, miss));
                }
            }
        }
        let Some((_, at, statement, miss)) = nearest else { return Ok(()) };
        write!(f, "; {at} would, but ")?;
        match miss {
            Miss::Condition(condition) => self.compared(condition, f),
            Miss::Resource => {
                let patterns = statement.resources.as_ref().map(Scope::listed).unwrap_or_default();
                let texts = patterns.iter().map(|p| p.resolved_text(self.request.context));
                let except = matches!(statement.resources, Some(Scope::Except(_)));
                let verb = if except { "excludes" } else { "is for" };
                write!(f, "it {verb} {} and the resource is `{}`", list(texts), self.request.resource)
            }
            Miss::Principal => write!(f, "it is not for `{}`", self.request.principal.arn),
        }
    }
}

impl Silence<'_> {
    /// `None` for statements that are about something else.
    fn miss<'s>(&self, question: &Question<'_>, statement: &'s Statement) -> Option<Miss<'s>> {
        if statement.effect == Effect::Deny || !question.action(&statement.actions) {
            return None;
        }
        let principal = question.principal(statement, self.side).is_some();
        match (principal, question.resource(statement)) {
            (true, true) => {
                let context = self.request.context;
                statement.conditions.iter().find(|c| !c.holds(context, statement.effect)).map(Miss::Condition)
            }
            (true, false) => Some(Miss::Resource),
            (false, true) => Some(Miss::Principal),
            (false, false) => None,
        }
    }

    /// Would apply, were it not for a condition.
    pub(crate) fn lacks_conditions(&self, question: &Question<'_>, statement: &Statement) -> bool {
        matches!(self.miss(question, statement), Some(Miss::Condition(_)))
    }

    fn compared(&self, condition: &Condition, f: &mut Formatter<'_>) -> fmt::Result {
        let context = self.request.context;
        let wanted = condition.values.iter().map(|value| match &value.operand {
            Operand::Text(pattern) | Operand::Bool(pattern) => pattern.resolved_text(context),
            Operand::Name(pattern) => pattern.resolved_text(context),
            Operand::Number(_)
            | Operand::Date(_)
            | Operand::Bytes(_)
            | Operand::Range(_)
            | Operand::Absent(_)
            | Operand::Unreadable => value.text.to_string(),
        });
        let (operator, key) = (condition.operator, &condition.key.name);
        write!(f, "its condition {operator} wants `{key}` to be {}", list(wanted))?;
        match context.get(&condition.key) {
            [] => f.write_str(" and the request does not have it"),
            values => write!(f, " and the request has {}", list(values.iter().cloned())),
        }
    }
}

/// `a`, `b` or `c`, cut where it gets long.
fn list(texts: impl Iterator<Item = String>) -> String {
    const SHOWN: usize = 5;
    let mut texts: Vec<String> = texts.map(|t| format!("`{t}`")).collect();
    let more = texts.len().saturating_sub(SHOWN);
    texts.truncate(SHOWN);
    let mut text = texts.join(", ");
    if more > 0 {
        // Writing to a string does not fail.
        let _ = write!(text, " and {more} more");
    }
    if text.is_empty() { "nothing".to_owned() } else { text }
}
