//! Reviews a policy's text: all that is wrong with it or could be better, not only the first fault.
//!
//! Pure, and looks at the text alone: not at what the policy is attached to. Never decides a
//! request. Hostile text costs bounded time: what would cost more is refused as too complex, never
//! passed. Each finding is a row of [`check`]; the walk is over the tree with positions.

mod action;
mod check;
mod condition;
mod facts;
mod linked;
mod operand;
mod place;
mod principal;
mod redundant;
mod resource;
mod statement;
mod variable;

#[cfg(test)]
mod tests;

use crate::json::{self, Member, Node, Value};
use crate::policy::PolicyKind;

use check::*;
pub use check::{Check, Severity};
use place::{At, Lines};
pub use place::{Place, Spot, Step};

/// What a text is reviewed as.
#[derive(Clone, Copy, Debug)]
pub struct Review<'a> {
    pub kind: PolicyKind,
    /// The CloudFormation type of what a resource policy is attached to, where that is known.
    pub attached_to: Option<&'a str>,
}

/// Something found in a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static Check,
    pub details: String,
    pub places: Vec<Place>,
}

/// A review would take too long; nothing is known about the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooComplex;

/// Characters that may be compared with one another.
const BUDGET: usize = 40_000_000;
/// A policy that is full of faults is told of this many.
const MOST: usize = 1000;
/// Characters without white space: of managed and inline policies, of SCPs and RCPs.
const IDENTITY_QUOTA: (usize, usize) = (6144, 10_240);
const ORGANIZATION_QUOTA: usize = 5120;

/// Everything that is found, in the order of the text.
pub fn review(text: &str, review: Review<'_>) -> Result<Vec<Finding>, TooComplex> {
    let mut reviewer = Reviewer {
        as_what: review,
        variables: false,
        lines: Lines::of(text),
        findings: Vec::new(),
        budget: Some(BUDGET),
        guesses: 20,
    };
    match json::read(text) {
        Ok(root) => {
            reviewer.document(&root);
            reviewer.size(text, &root);
        }
        Err(fault) => reviewer.syntax(At::spot(fault.at)),
    }
    if reviewer.budget.is_none() {
        return Err(TooComplex);
    }
    let mut findings = reviewer.findings;
    findings.sort_by_key(|f| f.places.first().map(|p| p.start));
    Ok(findings)
}

struct Reviewer<'r> {
    as_what: Review<'r>,
    /// The version of the language has policy variables.
    variables: bool,
    lines: Lines,
    findings: Vec<Finding>,
    /// `None`: it is used up.
    budget: Option<usize>,
    /// How often a name is still guessed for one that does not exist.
    guesses: usize,
}

impl Reviewer<'_> {
    fn note(&mut self, check: &'static Check, about: &[&str], at: At<'_>) {
        self.note_all(check, about, &[at]);
    }

    fn note_all(&mut self, check: &'static Check, about: &[&str], at: &[At<'_>]) {
        if self.findings.len() < MOST {
            let places = at.iter().take(MOST).map(|at| at.place(&self.lines)).collect();
            self.findings.push(Finding { check, details: check.words(about), places });
        }
    }

    /// Pays for comparing so many characters; `false`: there is nothing left to pay with.
    fn pay(&mut self, characters: usize) -> bool {
        self.budget = self.budget.and_then(|left| left.checked_sub(characters));
        self.budget.is_some()
    }

    fn syntax(&mut self, at: At<'_>) {
        let spot = at.place(&self.lines).start;
        let numbers = [spot.offset, spot.line, spot.column].map(|n| n.to_string());
        let about: Vec<&str> = numbers.iter().map(String::as_str).collect();
        self.note(&JSON_SYNTAX_ERROR, &about, at);
    }

    fn document(&mut self, root: &Node) {
        let at = At::root(root);
        let Value::Object(members) = &root.value else {
            return self.note(&DATA_TYPE_MISMATCH, &["Object"], at);
        };
        self.twice(members, &at);
        match members.iter().find(|m| m.key == "Version") {
            Some(member) => self.version(member, &at),
            None => self.note(&MISSING_VERSION, &[], at),
        }
        for member in members {
            match member.key.as_str() {
                "Version" | "Statement" => {}
                "Id" => drop(self.text(&member.node, at.value(member))),
                other => self.note(&INVALID_POLICY_ELEMENT, &[other], at.key(member)),
            }
        }
        match members.iter().find(|m| m.key == "Statement") {
            Some(member) => self.statements(member, &at),
            None => self.note(&MISSING_STATEMENT, &[], at),
        }
    }

    fn version(&mut self, member: &Member, up: &At<'_>) {
        let at = up.value(member);
        let Some(text) = self.text(&member.node, at) else { return };
        self.variables = text == "2012-10-17";
        if !self.variables && text != "2008-10-17" {
            self.note(&INVALID_VERSION, &[text, "2012-10-17, 2008-10-17"], at);
        }
    }

    fn statements(&mut self, member: &Member, up: &At<'_>) {
        let at = up.value(member);
        match &member.node.value {
            Value::Object(_) => self.statement(&member.node, &at),
            Value::Array(nodes) if nodes.is_empty() => self.note(&MISSING_STATEMENT, &[], at),
            Value::Array(nodes) => {
                let each = nodes.iter().enumerate().map(|(index, node)| (at.index(index, node), node));
                let each: Vec<(At<'_>, &Node)> = each.collect();
                each.iter().for_each(|(at, node)| self.statement(node, at));
                self.same_sids(&each);
                self.same_statements(&each);
            }
            _ => self.note(&DATA_TYPE_MISMATCH, &["Array or Object"], at),
        }
    }

    fn size(&mut self, text: &str, root: &Node) {
        let size = text.chars().filter(|c| !c.is_whitespace()).count();
        let (managed, inline) = IDENTITY_QUOTA;
        let (check, quota) = match self.as_what.kind {
            PolicyKind::Identity => (&POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA, managed),
            PolicyKind::Scp => (&POLICY_SIZE_EXCEEDS_SCP_QUOTA, ORGANIZATION_QUOTA),
            PolicyKind::Rcp => (&POLICY_SIZE_EXCEEDS_RCP_QUOTA, ORGANIZATION_QUOTA),
            _ => return,
        };
        if size > quota {
            let most = if quota == managed { inline } else { quota };
            let about = [size, most, managed].map(|n| n.to_string());
            let about: Vec<&str> = about.iter().map(String::as_str).collect();
            self.note(check, &about, At::root(root));
        }
    }

    /// A name that an object has twice. JSON leaves open what that means.
    fn twice(&mut self, members: &[Member], at: &At<'_>) {
        let mut seen = std::collections::BTreeSet::new();
        for member in members {
            if !seen.insert(member.key.as_str()) {
                self.syntax(at.key(member));
            }
        }
    }

    fn text<'n>(&mut self, node: &'n Node, at: At<'_>) -> Option<&'n str> {
        match &node.value {
            Value::String(text) => Some(text),
            _ => {
                self.note(&DATA_TYPE_MISMATCH, &["String"], at);
                None
            }
        }
    }
}
