//! Puts a question to the solver, and what it answers to the evaluator.
//!
//! Policies with variables are asked about twice. First with each comparison that has a variable
//! left free: no request then means that there is none. Then with values for the variables: a
//! request then is one. Where the two disagree the answer is that it is not known.

use std::collections::BTreeMap;

use decide_iam::{Condition, Operand, Pattern, Policy, Scope, Statement, Token};

use super::atom::Atoms;
use super::budget::{Budget, Stop};
use super::class::{Class, Kinds, Names};
use super::counterexample::Counterexample;
use super::formula::Formula;
use super::key::{Found, Key};
use super::language::{Class as Chars, Glob, Pins, of_pattern};
use super::public::Fixed;
use super::solve::{Problem, solve};
use super::values::candidates;
use super::what::{Table, What};
use super::who::{Who, identity};

pub(crate) struct Question<'a> {
    pub(crate) table: &'a Table,
    pub(crate) budget: Budget,
    pub(crate) policies: Vec<&'a Policy>,
    /// Says what is looked for.
    pub(crate) goal: &'a dyn Fn(&mut Atoms) -> Formula,
    pub(crate) callers: Callers<'a>,
    /// Values that a request must not have.
    pub(crate) fixed: Option<&'a Fixed>,
    /// The account that owns the resource.
    pub(crate) owner: Option<&'a str>,
    /// Values of keys that are known beforehand.
    pub(crate) known: Pins,
    /// Whether the evaluator agrees.
    pub(crate) confirm: &'a dyn Fn(&Counterexample) -> bool,
}

/// Who may ask.
pub(crate) enum Callers<'a> {
    /// All kinds, also of the accounts given, of which some may be left out.
    Kinds(Kinds, Vec<String>, &'a dyn Fn(&Class) -> bool),
    These(Vec<Class>),
}

#[derive(Debug)]
pub(crate) enum Outcome {
    Never,
    Example(Box<Counterexample>),
    Unknown(String),
}

pub(crate) fn ask(question: &Question<'_>) -> Outcome {
    let mut budget = question.budget;
    match attempts(question, &mut budget) {
        Ok(outcome) => outcome,
        Err(Stop::Spent) => {
            Outcome::Unknown("the policies are too intricate to be compared within the budget".to_owned())
        }
        Err(Stop::Unsupported(why)) => Outcome::Unknown(why),
    }
}

fn attempts(question: &Question<'_>, budget: &mut Budget) -> Result<Outcome, Stop> {
    let (found, loose) = attempt(question, question.known.clone(), budget)?;
    match found {
        Found::No => return Ok(Outcome::Never),
        Found::Doubt(why) => return Ok(Outcome::Unknown(why)),
        Found::Yes(example) if !loose => {
            return Ok(if (question.confirm)(&example) {
                Outcome::Example(Box::new(example))
            } else {
                Outcome::Unknown(format!(
                    "the evaluator does not confirm the request that was found: {example}"
                ))
            });
        }
        Found::Yes(_) => {}
    }
    let mut variables = variables(&question.policies);
    variables.retain(|name| !question.known.contains_key(name));
    for mut pins in guesses(&variables, &question.policies) {
        pins.extend(question.known.clone());
        if let (Found::Yes(example), false) = attempt(question, pins, budget)?
            && (question.confirm)(&example)
        {
            return Ok(Outcome::Example(Box::new(example)));
        }
    }
    let list = variables.iter().map(|v| format!("`{v}`")).collect::<Vec<_>>().join(", ");
    Ok(Outcome::Unknown(format!("it depends on the values of the policy variables {list}")))
}

/// A request, and whether comparisons were left free.
fn attempt(
    question: &Question<'_>,
    pins: Pins,
    budget: &mut Budget,
) -> Result<(Found<Counterexample>, bool), Stop> {
    let statements = || question.policies.iter().flat_map(|p| p.statements());
    let conditions = by_key(statements());
    let mut atoms = Atoms::new(pins, several(&conditions));
    let goal = (question.goal)(&mut atoms);
    budget.spend(atoms.list.len())?;
    let loose = atoms.loose;
    if goal == Formula::Const(false) {
        return Ok((Found::No, loose));
    }
    let mut names = Names::of(statements(), &atoms.pins);
    let classes = match &question.callers {
        Callers::These(classes) => classes.clone(),
        Callers::Kinds(kinds, accounts, keep) => {
            accounts.iter().for_each(|account| names.account(account));
            names.settle(budget)?;
            let kinds = Kinds { detailed: kinds.detailed || names.detailed, ..*kinds };
            names.classes(kinds).into_iter().filter(|class| keep(class)).collect()
        }
    };
    let shunned = question.fixed.map(Fixed::of_caller).unwrap_or_default();
    let doubt = names.doubt.or_else(|| times(&conditions));
    let keys: Vec<Key> =
        atoms.keys.iter().map(|name| key(name, &conditions, &atoms.pins, question.fixed)).collect();
    let who = Who::new(classes, &atoms.pins, shunned);
    let what = What::new(question.table, wholes(statements(), &atoms.pins));
    let problem = Problem { atoms, goal, keys, who, what, doubt };
    Ok(match solve(&problem, budget)? {
        Found::Yes(mut model) => {
            if model.caller.is_none() {
                let anyone = problem.who.find(&Default::default(), &problem.keys, budget)?;
                model.caller = if let Found::Yes(caller) = anyone { Some(caller) } else { None };
            }
            // Variables have their values also where no condition asks for them.
            for (name, value) in &problem.atoms.pins {
                if identity(name).is_none_or(|i| i == super::who::Identity::OfAccount)
                    && !model.keys.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
                {
                    model.keys.push((name.clone(), value.iter().cloned().collect()));
                }
            }
            let example = Counterexample::of(model, question.owner);
            (example.map_or(Found::No, Found::Yes), loose)
        }
        Found::No => (Found::No, loose),
        Found::Doubt(why) => (Found::Doubt(why), loose),
    })
}

type Conditions<'a> = BTreeMap<String, Vec<&'a Condition>>;

fn by_key<'a>(statements: impl Iterator<Item = &'a Statement>) -> Conditions<'a> {
    let mut conditions = Conditions::new();
    for condition in statements.flat_map(|s| &s.conditions) {
        conditions.entry(condition.key.name.to_ascii_lowercase()).or_default().push(condition);
    }
    conditions
}

/// Keys of AWS that carry several values. <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
const SEVERAL: [&str; 6] = [
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "aws:vpceorgpaths",
];

/// Keys that a policy itself treats as sets, and those that are known as such.
fn several(conditions: &Conditions<'_>) -> Vec<String> {
    let set = |list: &[&Condition]| list.iter().any(|c| c.operator.quantifier.is_some());
    let several = conditions
        .iter()
        .filter(|(name, list)| SEVERAL.contains(&name.as_str()) || (!name.starts_with("aws:") && set(list)));
    several.map(|(name, _)| name.clone()).collect()
}

/// Keys that every request has. The same page says so of each.
const ALWAYS: [&str; 5] =
    ["aws:currenttime", "aws:epochtime", "aws:requestedregion", "aws:securetransport", "aws:viaawsservice"];

fn key(name: &str, conditions: &Conditions<'_>, pins: &Pins, fixed: Option<&Fixed>) -> Key {
    let list = conditions.get(name).map(Vec::as_slice).unwrap_or_default();
    let set = list.iter().any(|c| c.operator.quantifier.is_some());
    Key {
        name: list.first().map_or(name, |c| &c.key.name).to_owned(),
        multi: SEVERAL.contains(&name) || (!name.starts_with("aws:") && set),
        always: ALWAYS.contains(&name),
        pin: pins.get(name).cloned(),
        candidates: candidates(name, list),
        shunned: fixed.map(|f| f.of_key(name)).unwrap_or_default(),
    }
}

/// The two clocks are one.
fn times(conditions: &Conditions<'_>) -> Option<String> {
    let both = conditions.contains_key("aws:currenttime") && conditions.contains_key("aws:epochtime");
    both.then(|| "`aws:CurrentTime` and `aws:EpochTime` are the same moment".to_owned())
}

/// Patterns over resources that are not ARNs.
fn wholes<'a>(statements: impl Iterator<Item = &'a Statement>, pins: &Pins) -> Vec<Glob> {
    let names = statements.filter_map(|s| s.resources.as_ref()).flat_map(Scope::listed);
    names.filter_map(|n| n.whole()).map(|p| of_pattern(p, Chars::Any, pins).0).collect()
}

/// The keys that policies use as variables, in lower case.
fn variables(policies: &[&Policy]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut look = |pattern: &Pattern| {
        for token in pattern.tokens() {
            if let Token::Variable(variable) = token {
                found.push(variable.key.name.to_ascii_lowercase());
            }
        }
    };
    for statement in policies.iter().flat_map(|p| p.statements()) {
        for name in statement.resources.iter().flat_map(Scope::listed) {
            name.whole().into_iter().for_each(&mut look);
            name.fields().iter().flatten().for_each(&mut look);
        }
        for value in statement.conditions.iter().flat_map(|c| &c.values) {
            match &value.operand {
                Operand::Text(pattern) | Operand::Bool(pattern) => look(pattern),
                Operand::Name(name) => name.fields().iter().flatten().for_each(&mut look),
                Operand::Number(_)
                | Operand::Date(_)
                | Operand::Bytes(_)
                | Operand::Range(_)
                | Operand::Absent(_)
                | Operand::Unreadable => {}
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Values for the variables that are likely to show what the policies allow.
fn guesses(variables: &[String], policies: &[&Policy]) -> Vec<Pins> {
    const MOST: usize = 12;
    let statements = policies.iter().flat_map(|p| p.statements());
    let conditions = by_key(statements);
    let written = |key: &String| {
        let values = conditions.get(key).into_iter().flatten().flat_map(|c| &c.values);
        values.filter_map(|v| match &v.operand {
            Operand::Text(pattern) => pattern.literal().map(str::to_owned),
            _ => None,
        })
    };
    let all = |value: &dyn Fn(&String) -> Option<String>| -> Pins {
        variables.iter().map(|key| (key.clone(), value(key))).collect()
    };
    let mut guesses = vec![
        all(&|key| Some(usual(key))),
        all(&|key| written(key).next().or_else(|| Some(usual(key)))),
        all(&|_| None),
    ];
    for (key, value) in likely(policies) {
        guesses.push(all(&|k| Some(if *k == key { value.clone() } else { usual(k) })));
    }
    for odd in variables {
        guesses.push(all(&|key| (key != odd).then(|| usual(key))));
        for value in written(odd).take(3) {
            guesses.push(all(&|key| Some(if key == odd { value.clone() } else { usual(key) })));
        }
        guesses.push(all(&|key| (key == odd).then(|| usual(key))));
    }
    let mut kept: Vec<Pins> = Vec::new();
    guesses.into_iter().for_each(|g| {
        if !kept.contains(&g) {
            kept.push(g)
        }
    });
    kept.truncate(MOST);
    kept
}

/// What a variable in a resource would have to be for another resource in the policies.
fn likely(policies: &[&Policy]) -> Vec<(String, String)> {
    let statements = || policies.iter().flat_map(|p| p.statements());
    let names = || statements().flat_map(|s| s.resources.iter().flat_map(Scope::listed));
    let mut found = Vec::new();
    for name in names() {
        let Some((head, rest)) = name.text().split_once("${") else { continue };
        let key = rest.split(['}', ',']).next().unwrap_or_default().trim().to_ascii_lowercase();
        for other in names().filter_map(|n| n.text().strip_prefix(head)) {
            let value = other.split(['/', ':', '*', '?', '$']).next().unwrap_or_default();
            let pair = (key.clone(), value.to_owned());
            if !value.is_empty() && !found.contains(&pair) {
                found.push(pair);
            }
        }
        if found.len() > 4 {
            break;
        }
    }
    found
}

fn usual(key: &str) -> String {
    match key {
        "aws:principalaccount" | "aws:sourceaccount" | "aws:resourceaccount" => "123456789012",
        "aws:principalarn" => "arn:aws:iam::123456789012:role/SomeRole",
        "aws:userid" => "AIDAEXAMPLEEXAMPLE123",
        "aws:principaltype" => "User",
        "aws:requestedregion" => "us-east-1",
        _ => "someone",
    }
    .to_owned()
}
