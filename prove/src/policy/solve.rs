//! Searches for a request of which a formula is true.
//!
//! The boolean search proposes truth values for atoms; each group of atoms that belong together
//! (the action, the resource, the caller, each condition key) says whether some value has them.
//! If none has, the few truth values that contradict one another become a clause.

use std::collections::BTreeMap;

use super::atom::{Atom, Atoms, parts};
use super::budget::{Budget, Stop};
use super::formula::{Clauses, Formula};
use super::key::{Found, Key, Wanted};
use super::sat::{Lit, Sat, negate};
use super::text::Demand;
use super::what::What;
use super::who::{Caller, Sought, Who, identity};

/// Everything there is to know about a question.
#[derive(Debug)]
pub(crate) struct Problem<'a> {
    pub(crate) atoms: Atoms,
    pub(crate) goal: Formula,
    /// Parallel to the atoms' keys.
    pub(crate) keys: Vec<Key>,
    pub(crate) who: Who,
    pub(crate) what: What<'a>,
    /// Why a request may have been overlooked.
    pub(crate) doubt: Option<String>,
}

/// A request, as far as the formula depends on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) action: Option<String>,
    pub(crate) resource: Option<String>,
    pub(crate) caller: Option<Caller>,
    pub(crate) keys: Vec<(String, Vec<String>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Action,
    Resource,
    /// Both, where they depend on one another.
    What,
    Who,
    Key(usize),
}

#[derive(Clone, Debug)]
enum Witness {
    Action(String),
    Resource(String),
    What(String, String),
    Who(Box<Caller>),
    Values(Vec<String>),
}

pub(crate) fn solve(problem: &Problem<'_>, budget: &mut Budget) -> Result<Found<Model>, Stop> {
    let clauses = Clauses::of(&problem.goal, problem.atoms.list.len());
    let mut sat = Sat::new(clauses.variables, clauses.clauses);
    let mut theory = Theory::new(problem);
    let none = |theory: Theory<'_>| {
        let doubt = theory.doubt.or_else(|| problem.doubt.clone());
        Ok(doubt.map_or(Found::No, Found::Doubt))
    };
    if sat.has_failed() {
        return none(theory);
    }
    loop {
        if let Some(conflict) = sat.propagate(budget)? {
            if !sat.resolve(conflict, budget)? {
                return none(theory);
            }
        } else if let Some(clause) = theory.conflict(&sat, budget)? {
            if !sat.learn(clause, budget)? {
                return none(theory);
            }
        } else {
            match sat.choose(budget)? {
                Some(lit) => sat.assume(lit),
                None => return Ok(Found::Yes(theory.model(budget))),
            }
        }
    }
}

/// What is settled of a group.
#[derive(Debug)]
struct Settled {
    lits: Vec<Lit>,
    witness: Witness,
}

struct Theory<'a> {
    problem: &'a Problem<'a>,
    groups: Vec<Option<Group>>,
    settled: BTreeMap<Group, Settled>,
    /// Whether two literals can be true at once.
    pairs: BTreeMap<(Lit, Lit), bool>,
    doubt: Option<String>,
}

impl<'a> Theory<'a> {
    fn new(problem: &'a Problem<'a>) -> Theory<'a> {
        let tied = problem.what.is_tied();
        let group = |atom: &Atom| match atom {
            Atom::Action(_) | Atom::Resource(_) if tied => Some(Group::What),
            Atom::Action(_) => Some(Group::Action),
            Atom::Resource(_) => Some(Group::Resource),
            Atom::Who(_) => Some(Group::Who),
            Atom::Key(at, _) => {
                let name = problem.atoms.keys.get(*at).map_or("", String::as_str);
                Some(if identity(name).is_some() { Group::Who } else { Group::Key(*at) })
            }
            Atom::Free => None,
        };
        Theory {
            problem,
            groups: problem.atoms.list.iter().map(group).collect(),
            settled: BTreeMap::new(),
            pairs: BTreeMap::new(),
            doubt: None,
        }
    }

    /// A clause that the assignment violates and every request satisfies.
    fn conflict(&mut self, sat: &Sat, budget: &mut Budget) -> Result<Option<Vec<Lit>>, Stop> {
        let mut assigned: BTreeMap<Group, Vec<Lit>> = BTreeMap::new();
        budget.spend(sat.trail().len() / 8)?;
        for lit in sat.trail() {
            if let Some(group) = self.groups.get(lit / 2).copied().flatten() {
                assigned.entry(group).or_default().push(*lit);
            }
        }
        self.settled.retain(|group, _| assigned.contains_key(group));
        for (group, lits) in assigned {
            let fresh: Vec<Lit> = match self.settled.get(&group) {
                Some(settled) => {
                    let fresh: Vec<Lit> =
                        lits.iter().copied().filter(|l| !settled.lits.contains(l)).collect();
                    if fresh.iter().all(|lit| self.agrees(*lit, &settled.witness)) {
                        None
                    } else {
                        Some(fresh)
                    }
                }
                None => Some(lits.clone()),
            }
            .unwrap_or_default();
            if fresh.is_empty() {
                if let Some(settled) = self.settled.get_mut(&group) {
                    settled.lits = lits;
                }
                continue;
            }
            if let Some(witness) = self.check(group, &lits, budget)? {
                self.settled.insert(group, Settled { lits, witness });
                continue;
            }
            let core = self.core(group, lits, &fresh, budget)?;
            return Ok(Some(core.into_iter().map(negate).collect()));
        }
        Ok(None)
    }

    /// A part of the literals that cannot be true together, as small as cheaply found.
    fn core(
        &mut self,
        group: Group,
        mut lits: Vec<Lit>,
        fresh: &[Lit],
        budget: &mut Budget,
    ) -> Result<Vec<Lit>, Stop> {
        for new in fresh {
            for other in &lits {
                if new != other && !self.pair(group, *new, *other, budget)? {
                    return Ok(vec![*new, *other]);
                }
            }
        }
        let mut at = 0;
        while at < lits.len() && lits.len() > 1 {
            let mut fewer = lits.clone();
            fewer.remove(at);
            if self.check(group, &fewer, budget)?.is_none() {
                lits = fewer;
            } else {
                at += 1;
            }
        }
        Ok(lits)
    }

    fn pair(&mut self, group: Group, a: Lit, b: Lit, budget: &mut Budget) -> Result<bool, Stop> {
        let key = (a.min(b), a.max(b));
        if let Some(known) = self.pairs.get(&key) {
            return Ok(*known);
        }
        let possible = self.check(group, &[a, b], budget)?.is_some();
        self.pairs.insert(key, possible);
        Ok(possible)
    }

    fn check(&mut self, group: Group, lits: &[Lit], budget: &mut Budget) -> Result<Option<Witness>, Stop> {
        let problem = self.problem;
        let found = match group {
            Group::Action => yes(problem.what.action(&self.texts(lits, true), budget)?, Witness::Action),
            Group::Resource => {
                yes(problem.what.resource(&self.texts(lits, false), budget)?, Witness::Resource)
            }
            Group::What => {
                let both = problem.what.both(&self.texts(lits, true), &self.texts(lits, false), budget)?;
                yes(both, |(action, resource)| Witness::What(action, resource))
            }
            Group::Who => match problem.who.find(&self.sought(lits), &problem.keys, budget)? {
                Found::Yes(caller) => Found::Yes(Witness::Who(Box::new(caller))),
                Found::No => Found::No,
                Found::Doubt(why) => Found::Doubt(why),
            },
            Group::Key(at) => match problem.keys.get(at) {
                Some(key) => match key.find(&self.wanted(lits), budget)? {
                    Found::Yes(values) => Found::Yes(Witness::Values(values)),
                    Found::No => Found::No,
                    Found::Doubt(why) => Found::Doubt(why),
                },
                None => Found::No,
            },
        };
        Ok(match found {
            Found::Yes(witness) => Some(witness),
            Found::No => None,
            Found::Doubt(why) => {
                self.doubt = Some(why);
                None
            }
        })
    }

    fn atoms<'s>(&'s self, lits: &'s [Lit]) -> impl Iterator<Item = (&'a Atom, bool)> + 's {
        lits.iter().filter_map(|lit| {
            let (variable, sign) = parts(*lit);
            self.problem.atoms.list.get(variable).map(|atom| (atom, sign))
        })
    }

    fn texts(&self, lits: &[Lit], actions: bool) -> Vec<Demand<'a>> {
        let text = |(atom, sign): (&'a Atom, bool)| match atom {
            Atom::Action(language) if actions => Some((language, sign)),
            Atom::Resource(language) if !actions => Some((language, sign)),
            _ => None,
        };
        self.atoms(lits).filter_map(text).collect()
    }

    fn wanted(&self, lits: &[Lit]) -> Vec<Wanted<'a>> {
        let test = |(atom, sign): (&'a Atom, bool)| match atom {
            Atom::Key(_, test) => Some((test, sign)),
            _ => None,
        };
        self.atoms(lits).filter_map(test).collect()
    }

    fn sought(&self, lits: &[Lit]) -> Sought<'a> {
        let mut sought = Sought::default();
        for (atom, sign) in self.atoms(lits) {
            match atom {
                Atom::Who(test) => sought.tests.push((test, sign)),
                Atom::Key(at, test) => match sought.keys.iter_mut().find(|(key, _)| key == at) {
                    Some((_, wanted)) => wanted.push((test, sign)),
                    None => sought.keys.push((*at, vec![(test, sign)])),
                },
                Atom::Action(_) | Atom::Resource(_) | Atom::Free => {}
            }
        }
        sought
    }

    /// Whether what was found before has one more truth value as it should be.
    fn agrees(&self, lit: Lit, witness: &Witness) -> bool {
        let (variable, sign) = parts(lit);
        let truth = match (self.problem.atoms.list.get(variable), witness) {
            (Some(Atom::Action(language)), Witness::Action(text) | Witness::What(text, _)) => {
                language.matches(text)
            }
            (Some(Atom::Resource(language)), Witness::Resource(text) | Witness::What(_, text)) => {
                language.matches(text)
            }
            (Some(Atom::Key(_, test)), Witness::Values(values)) => test.holds(values),
            (Some(Atom::Who(test)), Witness::Who(caller)) => super::who::passes(test, &caller.principal),
            _ => return false,
        };
        truth == sign
    }

    fn model(&self, budget: &mut Budget) -> Model {
        let mut model = Model::default();
        for (group, settled) in &self.settled {
            match (group, settled.witness.clone()) {
                (_, Witness::Action(text)) => model.action = Some(text),
                (_, Witness::Resource(text)) => {
                    let demands = self.texts(&settled.lits, false);
                    model.resource = Some(self.problem.what.usual(text, &demands, budget));
                }
                (_, Witness::What(action, resource)) => {
                    (model.action, model.resource) = (Some(action), Some(resource));
                }
                (_, Witness::Who(caller)) => model.caller = Some(*caller),
                (Group::Key(at), Witness::Values(values)) => {
                    let name = self.problem.keys.get(*at).map(|key| key.name.clone());
                    model.keys.extend(name.map(|name| (name, values)));
                }
                (_, Witness::Values(_)) => {}
            }
        }
        model
    }
}

fn yes<T>(found: Option<T>, witness: impl FnOnce(T) -> Witness) -> Found<Witness> {
    found.map_or(Found::No, |found| Found::Yes(witness(found)))
}
