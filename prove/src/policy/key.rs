//! One condition key: which values it must have so that some conditions hold and others do not.
//!
//! A condition is decided as `decide_iam` decides it. A key is absent, has one value, or, where
//! requests may carry several, a set of values: then every condition is a demand on all values or
//! on some, and one witness for each "some" makes a set that is as good as any.

use decide_iam::{Condition, Context, Effect, Quantifier};

use super::budget::{Budget, Stop};
use super::language::{Class, Language, Unit};
use super::text::{Demand, find};

/// What a single value is tested for.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Text(Language),
    /// Numbers, dates, addresses, truth values and bytes: left to the evaluator.
    Typed(Box<Condition>),
    /// `Null`: whether it holds where the key is absent, and where it is present.
    Absent {
        of_absent: bool,
        of_present: bool,
    },
}

/// A condition apart from the name of its key.
#[derive(Clone, Debug)]
pub(crate) struct KeyTest {
    pub(crate) quantifier: Option<Quantifier>,
    pub(crate) negated: bool,
    pub(crate) if_exists: bool,
    pub(crate) test: Test,
}

impl KeyTest {
    /// Whether a value is one of those listed.
    pub(crate) fn listed(language: Language) -> KeyTest {
        KeyTest { quantifier: None, negated: false, if_exists: false, test: Test::Text(language) }
    }

    /// Whether the key is absent.
    pub(crate) fn absent() -> KeyTest {
        let test = Test::Absent { of_absent: true, of_present: false };
        KeyTest { quantifier: None, negated: false, if_exists: false, test }
    }

    /// Whether one value satisfies the condition.
    fn satisfied_by(&self, value: &str) -> bool {
        let hit = match &self.test {
            Test::Text(language) => language.matches(value),
            Test::Typed(condition) => {
                let mut context = Context::new();
                context.set(&condition.key.name, value);
                return condition.holds(&context, Effect::Allow);
            }
            Test::Absent { of_absent, of_present } => {
                return if value.is_empty() { *of_absent } else { *of_present };
            }
        };
        hit != self.negated
    }

    /// As `Condition::holds`.
    pub(crate) fn holds(&self, values: &[String]) -> bool {
        let empty = values.iter().all(String::is_empty);
        if let Test::Absent { of_absent, of_present } = &self.test {
            return if empty { *of_absent } else { *of_present };
        }
        let one = |value: &String| self.satisfied_by(value);
        match self.quantifier {
            Some(Quantifier::ForAllValues) => empty || values.iter().all(one),
            Some(Quantifier::ForAnyValue) => !empty && values.iter().any(one),
            None if values.is_empty() => self.negated || self.if_exists,
            None if self.negated => values.iter().all(one),
            None => values.iter().any(one),
        }
    }

    /// Whether the condition is about all of several values, not about some.
    fn universal(&self) -> bool {
        match self.quantifier {
            Some(Quantifier::ForAllValues) => true,
            Some(Quantifier::ForAnyValue) => false,
            None => self.negated,
        }
    }
}

/// The values that tell typed conditions apart.
#[derive(Clone, Debug)]
pub(crate) struct Candidates {
    pub(crate) values: Vec<String>,
    /// No other value behaves in another way.
    pub(crate) complete: bool,
}

/// What is known of a key beforehand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Key {
    pub(crate) name: String,
    /// May have several values.
    pub(crate) multi: bool,
    /// Every request has it.
    pub(crate) always: bool,
    /// The value it is taken to have, or that it is taken to be absent.
    pub(crate) pin: Option<Option<String>>,
    /// In place of a search over texts.
    pub(crate) candidates: Option<Candidates>,
    /// No value may satisfy these.
    pub(crate) shunned: Vec<KeyTest>,
}

/// A condition and whether it is to hold.
pub(crate) type Wanted<'a> = (&'a KeyTest, bool);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    Yes(T),
    No,
    /// None was found, and yet there may be one.
    Doubt(String),
}

impl Key {
    pub(crate) fn find(
        &self,
        wanted: &[Wanted<'_>],
        budget: &mut Budget,
    ) -> Result<Found<Vec<String>>, Stop> {
        let holds = |values: &[String]| wanted.iter().all(|(test, sign)| test.holds(values) == *sign);
        if let Some(pin) = &self.pin {
            let values: Vec<String> = pin.iter().cloned().collect();
            return Ok(if holds(&values) { Found::Yes(values) } else { Found::No });
        }
        if !self.always && holds(&[]) {
            return Ok(Found::Yes(Vec::new()));
        }
        let present = |(test, sign): &Wanted<'_>| match test.test {
            Test::Absent { of_present, .. } => of_present == *sign,
            Test::Text(_) | Test::Typed(_) => true,
        };
        let mut doubt = None;
        if wanted.iter().all(present) {
            let found = if self.multi { self.set(wanted, budget)? } else { self.single(wanted, budget)? };
            match found {
                Found::Yes(values) => return Ok(Found::Yes(values)),
                Found::No => {}
                Found::Doubt(why) => doubt = Some(why),
            }
        }
        let empty = vec![String::new()];
        if self.has_empty() && holds(&empty) {
            return Ok(Found::Yes(empty));
        }
        Ok(doubt.map_or(Found::No, Found::Doubt))
    }

    /// Whether the empty string may be a value.
    fn has_empty(&self) -> bool {
        self.candidates.as_ref().is_none_or(|c| !c.complete)
    }

    fn single(&self, wanted: &[Wanted<'_>], budget: &mut Budget) -> Result<Found<Vec<String>>, Stop> {
        Ok(match self.value(wanted, budget)? {
            Found::Yes(value) => Found::Yes(vec![value]),
            Found::No => Found::No,
            Found::Doubt(why) => Found::Doubt(why),
        })
    }

    /// A set of values, at least one of them with characters.
    fn set(&self, wanted: &[Wanted<'_>], budget: &mut Budget) -> Result<Found<Vec<String>>, Stop> {
        let about = wanted.iter().filter(|(test, _)| !matches!(test.test, Test::Absent { .. }));
        // "All" demanded and "some" forbidden are demands on every value.
        let (every, some): (Vec<Wanted<'_>>, Vec<Wanted<'_>>) =
            about.partition(|(test, sign)| test.universal() == *sign);
        let mut values: Vec<String> = Vec::new();
        // Where the empty string is a witness, another value must make the set one with values.
        for need in some.into_iter().map(Some).chain([None]) {
            let some = values.iter().any(|v| !v.is_empty());
            if need.is_none() && some {
                continue;
            }
            let demands: Vec<Wanted<'_>> = every.iter().copied().chain(need).collect();
            let empty = need.is_some()
                && self.has_empty()
                && demands.iter().all(|(test, sign)| test.satisfied_by("") == *sign);
            match self.value(&demands, budget)? {
                Found::Yes(value) if values.contains(&value) => {}
                Found::Yes(value) => values.push(value),
                _ if empty => values.push(String::new()),
                Found::No => return Ok(Found::No),
                Found::Doubt(why) => return Ok(Found::Doubt(why)),
            }
        }
        Ok(Found::Yes(values))
    }

    /// One value with characters that satisfies some conditions and not others.
    fn value(&self, wanted: &[Wanted<'_>], budget: &mut Budget) -> Result<Found<String>, Stop> {
        let shunned = self.shunned.iter().map(|test| (test, false));
        let wanted: Vec<Wanted<'_>> = wanted.iter().copied().chain(shunned).collect();
        if let Some(candidates) = &self.candidates {
            budget.spend(candidates.values.len() * (wanted.len() + 1))?;
            let fits = |v: &&String| wanted.iter().all(|(test, sign)| test.satisfied_by(v) == *sign);
            return Ok(match candidates.values.iter().find(fits) {
                Some(value) => Found::Yes(value.clone()),
                None if candidates.complete => Found::No,
                None => Found::Doubt(format!(
                    "the conditions on `{}` compare it in ways that are not told apart exactly",
                    self.name
                )),
            });
        }
        let some = Language::of(vec![vec![Unit::One(Class::Any), Unit::Star(Class::Any)]]);
        let mut demands: Vec<Demand<'_>> = vec![(&some, true)];
        demands.extend(wanted.iter().filter_map(|(test, sign)| match &test.test {
            Test::Text(language) => Some((language, *sign != test.negated)),
            Test::Typed(_) | Test::Absent { .. } => None,
        }));
        Ok(find(&demands, budget)?.map_or(Found::No, Found::Yes))
    }
}
