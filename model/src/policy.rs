//! A policy as it stands in the graph: its text, where it was written, and a
//! place for the compiled form, which `decide` fills once per policy.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::decision::Outcome;
use crate::fault::Fault;
use crate::graph::Snapshot;
use crate::ids::AccountId;

/// Where a policy was written: the template file and the line of each statement.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub file: String,
    pub statement_lines: Vec<u32>,
}

/// A policy document.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct PolicyText {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    #[serde(skip)]
    compiled: Arc<OnceLock<Arc<dyn Any + Send + Sync>>>,
}

impl PolicyText {
    pub fn new(text: impl Into<String>, source: Option<Source>) -> PolicyText {
        PolicyText { text: text.into(), source, compiled: Arc::default() }
    }

    /// The compiled form, made at its first use and shared by every clone.
    pub fn compiled<T: Send + Sync + 'static>(&self, compile: impl FnOnce(&PolicyText) -> T) -> Arc<T> {
        let any = self.compiled.get_or_init(|| Arc::new(compile(self)) as Arc<dyn Any + Send + Sync>);
        Arc::clone(any).downcast::<T>().unwrap_or_else(|_| unreachable!("one compiled form per policy"))
    }
}

impl std::fmt::Debug for PolicyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PolicyText").field("text", &self.text).field("source", &self.source).finish()
    }
}

impl PartialEq for PolicyText {
    fn eq(&self, other: &PolicyText) -> bool {
        self.text == other.text
    }
}

/// What a policy is to be, and so which elements it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyCheck {
    Identity,
    Resource,
    Trust,
    Session,
    Scp,
    Rcp,
    Endpoint,
}

/// What services ask about policies as texts. Implemented by the runtime, with the evaluator and the prover.
pub trait Policies {
    /// Refuses a document that is no policy of this kind, with `MalformedPolicyDocument`.
    fn check(&self, kind: PolicyCheck, text: &str) -> Result<(), Fault>;
    /// Proves a statement about policies. `UnprocessableEntityException`: it is not known whether it holds;
    /// `InvalidParameterException`: a document is no policy.
    fn prove(&self, proof: &Proof<'_>) -> Result<Proved, Fault>;
    /// Whom a resource's policy lets in from outside of a zone. `UnprocessableEntityException`: it is not known.
    fn outsiders(&self, guarded: &Guarded<'_>, zone: &Zone) -> Result<Vec<Outsider>, Fault>;
    /// Decides a request that nobody makes. `MalformedPolicyDocument`: a document is no policy.
    fn simulate(&self, snapshot: &Snapshot, simulation: &Simulation<'_>) -> Result<Simulated, Fault>;
    /// All that is wrong with a policy's text or could be better, in the order of the text.
    /// `ValidationException`: that would take too long to find out.
    fn review(&self, review: &Review<'_>) -> Result<Vec<Finding>, Fault>;
    /// The condition keys that a policy asks for, as written, each once.
    fn context_keys(&self, kind: PolicyCheck, text: &str) -> Result<Vec<String>, Fault>;
}

/// A statement about all requests at once, to be proved of policies given as their texts. Named as
/// in IAM Access Analyzer's custom policy checks.
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    /// `new` allows nothing that `existing` does not.
    NoNewAccess { existing: &'a str, new: &'a str, of: PolicyCheck },
    /// None of the access is granted.
    AccessNotGranted { policy: &'a str, of: PolicyCheck, access: &'a [Access] },
    /// Nobody is let in whom nothing fixed describes.
    NoPublicAccess { policy: &'a str, resource_type: &'a str },
}

/// Any of the actions on any of the resources; an empty list stands for all there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    pub actions: Vec<String>,
    pub resources: Vec<String>,
}

/// How a proof ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proved {
    pub holds: bool,
    /// The statements to blame, where it does not hold.
    pub reasons: Vec<Reason>,
}

/// A statement to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Counted from 0.
    pub statement: usize,
    pub sid: Option<String>,
    pub description: String,
}

/// Accounts whose principals are trusted, and the organization where all of them are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zone {
    pub accounts: Vec<AccountId>,
    pub organization: Option<String>,
}

/// A resource with its policy.
#[derive(Clone, Copy, Debug)]
pub struct Guarded<'a> {
    pub policy: &'a str,
    pub of: PolicyCheck,
    /// The CloudFormation type.
    pub resource_type: &'a str,
    pub arn: &'a str,
    pub owner: &'a AccountId,
    /// All actions that may be done to it, e.g. `kms:Decrypt`.
    pub actions: &'a [String],
}

/// Someone outside who is let in. Named as in IAM Access Analyzer's findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outsider {
    /// `AWS` or `Federated`, and the name: an account, an ARN, a provider or `*`.
    pub principal: (String, String),
    /// Condition keys that say who it is, with the value of each.
    pub condition: BTreeMap<String, String>,
    /// Nothing fixed describes who it is.
    pub public: bool,
    pub actions: Vec<String>,
}

/// A text to be reviewed as a policy of a kind.
#[derive(Clone, Copy, Debug)]
pub struct Review<'a> {
    pub text: &'a str,
    pub of: PolicyCheck,
    /// The CloudFormation type of what a resource policy is attached to, where that is known.
    pub attached_to: Option<&'a str>,
}

/// What a review found. Named as in IAM Access Analyzer's policy validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// e.g. `MISSING_VERSION`.
    pub code: &'static str,
    /// `ERROR`, `SECURITY_WARNING`, `WARNING` or `SUGGESTION`.
    pub severity: &'static str,
    pub details: String,
    pub places: Vec<Place>,
}

/// A place in a policy's text: the way to it from the root, and the characters it takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub path: Vec<Step>,
    pub start: Spot,
    pub end: Spot,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Index(usize),
    Key(String),
    Value(String),
    Substring { start: usize, length: usize },
}

/// The line is counted from 1, column and offset from 0, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    pub line: usize,
    pub column: usize,
    pub offset: usize,
}

/// A policy by the name under which it is told of.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedPolicy {
    pub name: String,
    pub text: PolicyText,
}

/// A request that nobody makes, for the evaluator that decides those that are made.
#[derive(Clone, Copy, Debug)]
pub struct Simulation<'a> {
    /// ARN of a user, group or role; empty: a user of no name.
    pub principal: &'a str,
    pub account: &'a AccountId,
    /// The unique id, e.g. `AIDA...`; empty where it is not known.
    pub principal_id: &'a str,
    pub identity: &'a [NamedPolicy],
    pub boundary: Option<&'a [NamedPolicy]>,
    pub organization: Guardrails<'a>,
    pub resource_policy: Option<&'a PolicyText>,
    pub action: &'a str,
    /// An ARN or `*`.
    pub resource: &'a str,
    /// The account that owns a resource whose ARN does not tell.
    pub owner: &'a AccountId,
    pub context: &'a [(String, Vec<String>)],
}

/// The service control policies of a simulation.
#[derive(Clone, Copy, Debug)]
pub enum Guardrails<'a> {
    /// Level by level from the root; none: there is no organization.
    Given(&'a [Vec<NamedPolicy>]),
    /// Those in force for an account.
    Of(&'a AccountId),
}

/// What the evaluator said.
#[derive(Clone, Debug, PartialEq)]
pub struct Simulated {
    pub outcome: Outcome,
    /// The statements of identity and resource policies that led to it.
    pub matched: Vec<MatchedStatement>,
    /// Condition keys that were asked for and not given.
    pub missing: Vec<String>,
    /// Whether the boundary allows; `None`: there is none.
    pub boundary: Option<bool>,
    /// Whether the organization allows; `None`: there are no policies of one.
    pub organization: Option<bool>,
    /// What identity and resource policies said, where the resource is another account's.
    pub sides: Option<(Outcome, Outcome)>,
}

/// A statement with its place in the policy's text: lines and columns, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedStatement {
    pub policy: String,
    /// Behind the bracket or comma before it, as IAM counts.
    pub start: (u32, u32),
    /// Behind its last character.
    pub end: (u32, u32),
}
