//! From statements to formulas over atoms: the questions about a request that can be answered
//! one at a time.
//!
//! Mirrors `decide_iam`'s evaluator, name by name. A pattern with a variable that is not pinned
//! is taken apart into what it certainly needs and a free truth value; so a formula then has at
//! least the solutions that the policies have, and perhaps more.

use std::collections::BTreeMap;

use decide_iam::{
    Condition, Effect, Grant, NamePattern, Operand, Pattern, PrincipalPattern, Scope, Statement,
    Test as Compared,
};

use super::formula::Formula;
use super::key::{KeyTest, Test};
use super::language::{Class, Glob, Language, Pins, Reading, Unit, of_name, of_pattern};
use super::sat::Lit;

/// Something about who asks that does not stand in the context.
#[derive(Clone, Debug)]
pub(crate) enum WhoTest {
    /// One of the names reaches the caller, at least as far as this.
    Named(Vec<PrincipalPattern>, Grant),
    /// Has identity policies of its own.
    Own,
    Linked,
    Root,
    /// Belongs to the account.
    Of(String),
}

#[derive(Clone, Debug)]
pub(crate) enum Atom {
    Action(Language),
    Resource(Language),
    Who(WhoTest),
    /// A condition on the key of this index.
    Key(usize, KeyTest),
    /// Of no meaning here: either truth value may be.
    Free,
}

/// Whose policies a layer holds; as the evaluator's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Holder,
    Named,
    Owner,
}

/// Where a statement stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) side: Side,
    /// The principal has a permissions boundary.
    pub(crate) bound: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Atoms {
    pub(crate) list: Vec<Atom>,
    pub(crate) keys: Vec<String>,
    names: BTreeMap<String, usize>,
    /// Keys in lower case that may have several values.
    multi: Vec<String>,
    pub(crate) pins: Pins,
    /// A free truth value stands for something: solutions may be none.
    pub(crate) loose: bool,
}

impl Atoms {
    pub(crate) fn new(pins: Pins, multi: Vec<String>) -> Atoms {
        Atoms { pins, multi, ..Atoms::default() }
    }

    /// The literal of an atom; atoms of the same name are the same.
    pub(crate) fn lit(&mut self, name: String, make: impl FnOnce() -> Atom) -> Formula {
        let next = self.list.len();
        let at = *self.names.entry(name).or_insert(next);
        if at == next {
            self.list.push(make());
        }
        Formula::Lit(2 * at)
    }

    pub(crate) fn who(&mut self, test: WhoTest) -> Formula {
        self.lit(format!("w{test:?}"), || Atom::Who(test))
    }

    fn free(&mut self, name: String) -> Formula {
        self.loose = true;
        self.lit(name, || Atom::Free)
    }

    pub(crate) fn key(&mut self, name: &str) -> usize {
        let folded = name.to_ascii_lowercase();
        match self.keys.iter().position(|k| *k == folded) {
            Some(at) => at,
            None => {
                self.keys.push(folded);
                self.keys.len() - 1
            }
        }
    }

    /// Whether the statement applies, and to the caller at least as far as `least`.
    pub(crate) fn applies(&mut self, statement: &Statement, place: Place, least: Grant) -> Formula {
        let principal = self.principal(statement, place, least);
        if principal == Formula::Const(false) {
            return principal;
        }
        let conditions: Vec<Formula> =
            statement.conditions.iter().map(|c| self.condition(c, statement.effect)).collect();
        let parts = [self.action(&statement.actions), self.resource(statement), principal];
        Formula::and(parts.into_iter().chain(conditions))
    }

    fn principal(&mut self, statement: &Statement, place: Place, least: Grant) -> Formula {
        match &statement.principals {
            None => Formula::Const(place.side == Side::Holder),
            Some(Scope::Except(_))
                if place.side == Side::Owner && place.bound && statement.effect == Effect::Deny =>
            {
                Formula::Const(true)
            }
            Some(Scope::Only(names)) => self.named(names, least),
            Some(Scope::Except(names)) => self.named(names, Grant::Account).not(),
        }
    }

    fn named(&mut self, names: &[PrincipalPattern], least: Grant) -> Formula {
        if names.contains(&PrincipalPattern::Everyone) {
            return Formula::Const(true);
        }
        self.who(WhoTest::Named(names.to_vec(), least))
    }

    pub(crate) fn action(&mut self, actions: &Scope<Pattern>) -> Formula {
        let globs: Vec<Glob> =
            actions.listed().iter().map(|p| of_pattern(p, Class::Any, &self.pins).0).collect();
        let listed = self.within('a', Language::new(globs, true), Atom::Action);
        if matches!(actions, Scope::Only(_)) { listed } else { listed.not() }
    }

    fn resource(&mut self, statement: &Statement) -> Formula {
        match &statement.resources {
            None => Formula::Const(true),
            Some(Scope::Only(names)) => self.names(names).0,
            Some(Scope::Except(names)) => {
                let (hit, resolved) = self.names(names);
                excepted(hit, resolved, statement.effect)
            }
        }
    }

    /// Whether the resource is among the names, and whether that is beyond doubt.
    pub(crate) fn names(&mut self, names: &[NamePattern]) -> (Formula, Formula) {
        let read: Vec<Read> =
            names.iter().map(|n| Read::new(n.text(), 'r', of_name(n, &self.pins))).collect();
        self.hits(read, false, &mut |atoms, language| atoms.within('r', language, Atom::Resource))
    }

    /// The atom of a text being in a language.
    pub(crate) fn within(
        &mut self,
        subject: char,
        language: Language,
        atom: impl FnOnce(Language) -> Atom,
    ) -> Formula {
        if language.globs.is_empty() {
            return Formula::Const(false);
        }
        if language.is_all() {
            return Formula::Const(true);
        }
        self.lit(format!("{subject}{}", written(&language)), || atom(language))
    }

    /// Whether a value is among patterns of which some have variables; and whether that is sure.
    fn hits(
        &mut self,
        read: Vec<Read>,
        fold: bool,
        within: &mut dyn FnMut(&mut Atoms, Language) -> Formula,
    ) -> (Formula, Formula) {
        let (mut plain, mut doubtful, mut open) = (Vec::new(), Vec::new(), Vec::new());
        for read in read {
            match read.reading {
                Reading::Plain => plain.push(read.glob),
                Reading::Unresolved => doubtful.push(read.glob),
                Reading::Open => open.push(read),
                Reading::Never => {}
            }
        }
        let mut hits = vec![within(self, Language::new(plain, fold))];
        let mut sure = vec![within(self, Language::new(doubtful, fold)).not()];
        for read in open {
            let needed = within(self, Language::new(vec![read.glob], fold));
            let matched = self.free(format!("f{}", read.name));
            hits.push(Formula::and([needed, matched]));
            sure.push(self.free(format!("s{}", read.name)));
        }
        (Formula::or(hits), Formula::and(sure))
    }

    fn condition(&mut self, condition: &Condition, effect: Effect) -> Formula {
        let operator = condition.operator;
        let key = self.key(&condition.key.name);
        let test = |test| KeyTest {
            quantifier: operator.quantifier,
            negated: operator.negated,
            if_exists: operator.if_exists,
            test,
        };
        let values = || condition.values.iter().map(|v| v.text.to_string()).collect::<Vec<_>>();
        match operator.test {
            Compared::Null => {
                let says = |absent| condition.values.iter().any(|v| v.operand == Operand::Absent(absent));
                match (says(true), says(false)) {
                    (true, true) => Formula::Const(true),
                    (false, false) => Formula::Const(false),
                    (of_absent, of_present) => {
                        let absent = self.absent(key);
                        if of_absent && !of_present { absent } else { absent.not() }
                    }
                }
            }
            Compared::StringEquals
            | Compared::StringEqualsIgnoreCase
            | Compared::StringLike
            | Compared::ArnEquals
            | Compared::ArnLike => self.text(key, condition, effect),
            _ if condition
                .values
                .iter()
                .any(|v| matches!(&v.operand, Operand::Bool(p) if p.literal().is_none())) =>
            {
                self.free(format!("c{key} {operator} {effect:?} {:?}", values()))
            }
            _ => {
                let name = format!("k{key} {operator} {:?}", values());
                self.lit(name, || Atom::Key(key, test(Test::Typed(Box::new(condition.clone())))))
            }
        }
    }

    pub(crate) fn absent(&mut self, key: usize) -> Formula {
        self.lit(format!("k{key} absent"), || Atom::Key(key, KeyTest::absent()))
    }

    fn text(&mut self, key: usize, condition: &Condition, effect: Effect) -> Formula {
        let operator = condition.operator;
        let fold = operator.test == Compared::StringEqualsIgnoreCase;
        let read: Vec<Read> = condition
            .values
            .iter()
            .map(|value| {
                let read = match &value.operand {
                    Operand::Text(pattern) => of_pattern(pattern, Class::Any, &self.pins),
                    Operand::Name(pattern) => of_name(pattern, &self.pins),
                    Operand::Number(_)
                    | Operand::Date(_)
                    | Operand::Bool(_)
                    | Operand::Bytes(_)
                    | Operand::Range(_)
                    | Operand::Absent(_)
                    | Operand::Unreadable => (Vec::new(), Reading::Never),
                };
                Read::new(&format!("{key} {}", value.text), if fold { 'i' } else { 'c' }, read)
            })
            .collect();
        if read.iter().all(|r| matches!(r.reading, Reading::Plain | Reading::Never)) {
            let globs = read.into_iter().filter(|r| r.reading == Reading::Plain).map(|r| r.glob).collect();
            let language = Language::new(globs, fold);
            let name = format!("k{key} {operator} {}", written(&language));
            let test = KeyTest {
                quantifier: operator.quantifier,
                negated: operator.negated,
                if_exists: operator.if_exists,
                test: Test::Text(language),
            };
            return self.lit(name, || Atom::Key(key, test));
        }
        let several = self.keys.get(key).is_some_and(|k| self.multi.contains(k));
        if operator.quantifier.is_some() || several {
            let values: Vec<&str> = condition.values.iter().map(|v| &*v.text).collect();
            return self.free(format!("c{key} {operator} {effect:?} {values:?}"));
        }
        let (hit, resolved) = self.hits(read, fold, &mut |atoms, language| {
            if language.globs.is_empty() {
                return Formula::Const(false);
            }
            let name = format!("k{key} StringLike {}", written(&language));
            atoms.lit(name, || Atom::Key(key, KeyTest::listed(language)))
        });
        let absent = self.absent(key);
        if operator.negated {
            Formula::or([absent, excepted(hit, resolved, effect)])
        } else if operator.if_exists {
            Formula::or([absent, hit])
        } else {
            hit
        }
    }
}

/// What is in doubt is denied: it is excepted from an `Allow`, and not from a `Deny`.
fn excepted(hit: Formula, resolved: Formula, effect: Effect) -> Formula {
    match effect {
        Effect::Deny => hit.not(),
        Effect::Allow => Formula::and([hit.not(), resolved]),
    }
}

struct Read {
    /// Of the pattern and its subject, so that the same comparison has the same free value.
    name: String,
    glob: Glob,
    reading: Reading,
}

impl Read {
    fn new(text: &str, subject: char, (glob, reading): (Glob, Reading)) -> Read {
        Read { name: format!("{subject}{text}"), glob, reading }
    }
}

/// A language as a name.
fn written(language: &Language) -> String {
    let mut text = String::from(if language.fold { "i" } else { "=" });
    for glob in &language.globs {
        text.push('\n');
        for unit in glob {
            match unit {
                Unit::Char(c) => text.push(*c),
                Unit::One(class) => text.extend(['\u{1}', mark(*class)]),
                Unit::Star(class) => text.extend(['\u{2}', mark(*class)]),
            }
        }
    }
    text
}

fn mark(class: Class) -> char {
    match class {
        Class::Any => 'a',
        Class::NoColon => 'c',
        Class::Name => 'n',
        Class::Digit => 'd',
        Class::Id => 'i',
    }
}

/// The atom's variable and whether it is to be true.
pub(crate) fn parts(lit: Lit) -> (usize, bool) {
    (lit / 2, lit.is_multiple_of(2))
}
