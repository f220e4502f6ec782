//! The custom policy checks of IAM Access Analyzer, by their names there.

use std::sync::Arc;

use decide_iam::{Policy, PolicyKind, Scope};

use super::answer::Answer;
use super::ask::{Callers, Outcome, Question, ask};
use super::atom::Atoms;
use super::budget::Budget;
use super::class::{Class, Kinds};
use super::counterexample::Counterexample;
use super::formula::Formula;
use super::language::{Class as Chars, Language, Pins, of_name, of_pattern};
use super::public::{Fixed, confining};
use super::side::{allows, confirmed, is_part, reasons};
use super::what::{KnownAction, Table};

/// `AccessCheckPolicyType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyType {
    IdentityPolicy,
    ResourcePolicy,
}

impl PolicyType {
    /// As the API writes it.
    pub fn parse(text: &str) -> Option<PolicyType> {
        match text {
            "IDENTITY_POLICY" => Some(PolicyType::IdentityPolicy),
            "RESOURCE_POLICY" => Some(PolicyType::ResourcePolicy),
            _ => None,
        }
    }

    /// How the documents of the type are to be read.
    pub fn kind(self) -> PolicyKind {
        match self {
            PolicyType::IdentityPolicy => PolicyKind::Identity,
            PolicyType::ResourcePolicy => PolicyKind::Resource,
        }
    }

    fn kinds(self) -> Kinds {
        Kinds {
            strangers: self == PolicyType::ResourcePolicy,
            root: self == PolicyType::ResourcePolicy,
            ..Kinds::default()
        }
    }
}

/// Access that is not to be granted: any of the actions on any of the resources.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// None: any.
    pub actions: Vec<String>,
    /// None: any.
    pub resources: Vec<String>,
}

/// Answers questions about policies.
#[derive(Debug, Default)]
pub struct Prover {
    pub(crate) table: Table,
    pub(crate) budget: Budget,
}

/// Everyone in question.
const ALL: &dyn Fn(&Class) -> bool = &|_| true;

impl Prover {
    /// With the actions that services are known to have. A service that has none here may have
    /// any action, on any resource.
    pub fn new(actions: &[KnownAction]) -> Prover {
        Prover { table: Table::new(actions), budget: Budget::default() }
    }

    /// Gives up after a twentieth of the usual work: for where others wait for the answer.
    pub fn brief() -> Prover {
        Prover { budget: Budget::small(), ..Prover::default() }
    }

    /// Whether the new policies allow no request that the existing ones do not.
    pub fn check_no_new_access(
        &self,
        existing: &[Arc<Policy>],
        new: &[Arc<Policy>],
        of: PolicyType,
    ) -> Answer {
        if is_part(new, existing) {
            return Answer::Pass;
        }
        let goal = |atoms: &mut Atoms| {
            let more = allows(atoms, new, of);
            Formula::and([more, allows(atoms, existing, of).not()])
        };
        let confirm = |example: &Counterexample| {
            confirmed(new, of, example).is_some() && confirmed(existing, of, example).is_none()
        };
        let outcome = ask(&Question {
            table: &self.table,
            budget: self.budget,
            policies: existing.iter().chain(new).map(|p| &**p).collect(),
            goal: &goal,
            callers: Callers::Kinds(of.kinds(), Vec::new(), ALL),
            fixed: None,
            owner: None,
            known: Pins::new(),
            confirm: &confirm,
        });
        answer(outcome, |example| reasons(new, of, example, "New access"))
    }

    /// Whether a policy grants none of the access. Each of `access` is looked for in turn.
    pub fn check_access_not_granted(
        &self,
        policy: &Arc<Policy>,
        of: PolicyType,
        access: &[Access],
    ) -> Answer {
        let policies = std::slice::from_ref(policy);
        let mut sought = Vec::new();
        for access in access {
            match Sought::of(access) {
                Ok(one) => sought.push(one),
                Err(reason) => return Answer::Unknown { reason },
            }
        }
        let goal = |atoms: &mut Atoms| {
            let granted = allows(atoms, policies, of);
            let any = Formula::or(sought.iter().map(|s| s.formula(atoms)).collect::<Vec<_>>());
            Formula::and([any, granted])
        };
        let confirm = |example: &Counterexample| {
            confirmed(policies, of, example).is_some() && sought.iter().any(|s| s.describes(example))
        };
        let outcome = ask(&Question {
            table: &self.table,
            budget: self.budget,
            // What is sought gives values for variables.
            policies: std::iter::once(policy)
                .chain(sought.iter().map(|s| &s.pattern))
                .map(|p| &**p)
                .collect(),
            goal: &goal,
            callers: Callers::Kinds(of.kinds(), Vec::new(), ALL),
            fixed: None,
            owner: None,
            known: Pins::new(),
            confirm: &confirm,
        });
        answer(outcome, |example| reasons(policies, of, example, "Access granted"))
    }

    /// Whether a resource's policy lets nobody in whom nothing fixed describes.
    pub fn check_no_public_access(&self, policy: &Arc<Policy>, resource_type: &str) -> Answer {
        let Some(confining) = confining(resource_type) else {
            return Answer::Unknown { reason: format!("there is no check for the type `{resource_type}`") };
        };
        self.check_closed(policy, &confining)
    }

    /// The same where these keys confine requests.
    pub(crate) fn check_closed(&self, policy: &Arc<Policy>, confining: &[&str]) -> Answer {
        let (policies, of) = (std::slice::from_ref(policy), PolicyType::ResourcePolicy);
        let fixed = Fixed::of(policy, confining);
        let keep = |class: &Class| fixed.leaves(&class.example);
        let confirm = |example: &Counterexample| {
            fixed.leaves(&example.principal)
                && confirmed(policies, of, example).is_some()
                && !example.keys.iter().any(|(name, values)| fixed.describes(name, values))
        };
        let outcome = ask(&Question {
            table: &self.table,
            budget: self.budget,
            policies: vec![policy],
            goal: &|atoms| allows(atoms, policies, of),
            callers: Callers::Kinds(of.kinds(), Vec::new(), &keep),
            fixed: Some(&fixed),
            owner: None,
            known: Pins::new(),
            confirm: &confirm,
        });
        answer(outcome, |example| reasons(policies, of, example, "Public access granted"))
    }
}

pub(crate) fn answer(
    outcome: Outcome,
    reasons: impl FnOnce(&Counterexample) -> Vec<super::answer::Reason>,
) -> Answer {
    match outcome {
        Outcome::Never => Answer::Pass,
        Outcome::Example(counterexample) => {
            let reasons = reasons(&counterexample);
            Answer::Fail { counterexample, reasons }
        }
        Outcome::Unknown(reason) => Answer::Unknown { reason },
    }
}

/// Actions and resources as a policy would name them.
pub(crate) struct Sought {
    pattern: Arc<Policy>,
}

impl Sought {
    pub(crate) fn of(access: &Access) -> Result<Sought, String> {
        if access.actions.is_empty() && access.resources.is_empty() {
            return Err("the access names neither actions nor resources".to_owned());
        }
        let any = vec!["*".to_owned()];
        let or_any = |list: &Vec<String>| if list.is_empty() { any.clone() } else { list.clone() };
        let text = serde_json::json!({ "Statement": {
            "Effect": "Allow", "Action": or_any(&access.actions), "Resource": or_any(&access.resources),
        }});
        let pattern = Policy::read(&text.to_string(), PolicyKind::Identity);
        pattern.map(|p| Sought { pattern: Arc::new(p) }).map_err(|fault| fault.to_string())
    }

    pub(crate) fn formula(&self, atoms: &mut Atoms) -> Formula {
        let statements = self.pattern.statements().iter();
        Formula::or(
            statements
                .map(|s| {
                    let names = s.resources.as_ref().map(Scope::listed).unwrap_or_default();
                    let resource = atoms.names(names).0;
                    Formula::and([atoms.action(&s.actions), resource])
                })
                .collect::<Vec<_>>(),
        )
    }

    pub(crate) fn describes(&self, example: &Counterexample) -> bool {
        let pins = Pins::new();
        self.pattern.statements().iter().all(|s| {
            let actions = s.actions.listed().iter().map(|p| of_pattern(p, Chars::Any, &pins).0);
            let names = s.resources.iter().flat_map(Scope::listed).map(|n| of_name(n, &pins).0);
            Language::new(actions.collect(), true).matches(&example.action)
                && Language::of(names.collect()).matches(&example.resource)
        })
    }
}
