//! A policy, compiled: statements with their patterns, conditions and positions, and an
//! index that finds the few statements that may apply to a request.
//!
//! Never evaluates by itself. Follows AWS's "Grammar of the IAM JSON policy language".

use crate::arn::NamePattern;
use crate::condition::Condition;
use crate::index::Index;
use crate::json::Position;
use crate::malformed::Malformed;
use crate::parse;
use crate::pattern::Pattern;
use crate::principal::PrincipalPattern;

/// Where a policy is attached; decides which elements it may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolicyKind {
    #[default]
    Identity,
    Resource,
    /// A role's trust policy.
    Trust,
    /// A permissions boundary.
    Boundary,
    Session,
    /// A service control policy.
    Scp,
    /// A resource control policy.
    Rcp,
    /// A VPC endpoint's policy.
    Endpoint,
}

/// The version of the policy language.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// Without policy variables; also when the element is missing.
    #[default]
    V2008,
    V2012,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// An element and its `Not` twin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope<T> {
    /// `Action`, `Resource`, `Principal`: what is listed.
    Only(Vec<T>),
    /// `NotAction`, `NotResource`, `NotPrincipal`: all but what is listed.
    Except(Vec<T>),
}

impl<T> Scope<T> {
    pub fn listed(&self) -> &[T] {
        match self {
            Scope::Only(items) | Scope::Except(items) => items,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    pub sid: Option<Box<str>>,
    /// Counted from 1.
    pub index: usize,
    /// Where it begins in the policy's own text.
    pub position: Position,
    /// Where it ends: behind its last character.
    pub end: Position,
    pub effect: Effect,
    /// `None` in policies of identities and accounts.
    pub principals: Option<Scope<PrincipalPattern>>,
    pub actions: Scope<Pattern>,
    /// `None` where the policy belongs to one resource and names none.
    pub resources: Option<Scope<NamePattern>>,
    pub conditions: Vec<Condition>,
}

impl Statement {
    /// The condition keys that it asks for, in conditions and as variables, some perhaps twice.
    pub(crate) fn keys<'a>(&'a self, mut add: impl FnMut(&'a str)) {
        let names = self.resources.as_ref().map(Scope::listed).unwrap_or_default();
        names.iter().for_each(|n| n.variables(&mut add));
        for condition in &self.conditions {
            add(&condition.key.name);
            condition.values.iter().for_each(|v| v.variables(&mut add));
        }
    }
}

/// A compiled policy. The default one has no statements and grants nothing.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub kind: PolicyKind,
    pub version: Version,
    pub id: Option<Box<str>>,
    /// Characters without white space, as AWS counts them against its quotas.
    pub size: usize,
    // INVARIANT: `index` and `asks` are made of exactly these statements.
    statements: Vec<Statement>,
    index: Index,
    /// Whether it asks for any condition key.
    asks: bool,
}

impl Policy {
    /// Reads a policy as the service does when it is written: grammar, names and values.
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Policy, Malformed> {
        parse::policy(text, kind, parse::Rigour::Written)
    }

    /// Reads a policy that is already in force somewhere: the grammar alone. What cannot be
    /// understood in a value matches nothing.
    pub fn read(text: &str, kind: PolicyKind) -> Result<Policy, Malformed> {
        parse::policy(text, kind, parse::Rigour::InForce)
    }

    pub(crate) fn new(
        kind: PolicyKind,
        version: Version,
        id: Option<Box<str>>,
        statements: Vec<Statement>,
    ) -> Policy {
        let index = Index::of(&statements);
        let mut asks = false;
        statements.iter().for_each(|statement| statement.keys(|_| asks = true));
        Policy { kind, version, id, size: 0, statements, index, asks }
    }

    /// The statements in the order of the text.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The condition keys that the policy asks for, in conditions and as variables, each once.
    pub fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = Vec::new();
        let mut add = |name| {
            if !keys.iter().any(|k| k.eq_ignore_ascii_case(name)) {
                keys.push(name);
            }
        };
        self.statements.iter().for_each(|statement| statement.keys(&mut add));
        keys
    }

    /// Whether it asks for any condition key.
    pub(crate) fn asks(&self) -> bool {
        self.asks
    }

    /// Visits every statement that may apply to a request, some perhaps twice.
    pub(crate) fn candidates<'a>(
        &'a self,
        action: &str,
        resource: &str,
        mut visit: impl FnMut(&'a Statement),
    ) {
        self.index.candidates(action, resource, |at| {
            if let Some(statement) = self.statements.get(at) {
                visit(statement);
            }
        });
    }
}
