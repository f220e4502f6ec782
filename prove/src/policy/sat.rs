//! Boolean search: clauses, unit propagation, learning from conflicts.
//!
//! Stops as soon as every given clause is satisfied; variables that nothing depends on are left
//! open, so that what they stand for need not be thought about.

use super::budget::{Budget, Stop};

/// A variable times two, plus one when negated.
pub(crate) type Lit = usize;

pub(crate) fn negate(lit: Lit) -> Lit {
    lit ^ 1
}

#[derive(Debug, Default)]
pub(crate) struct Sat {
    clauses: Vec<Vec<Lit>>,
    /// How many of them were given, not learned.
    given: usize,
    watchers: Vec<Vec<usize>>,
    values: Vec<Option<bool>>,
    levels: Vec<usize>,
    reasons: Vec<Option<usize>>,
    trail: Vec<Lit>,
    /// Where on the trail each decision stands.
    decisions: Vec<usize>,
    head: usize,
    /// The given clauses contradict one another on sight.
    failed: bool,
}

enum Visit {
    Moved,
    Kept,
    Conflict,
}

impl Sat {
    pub(crate) fn new(variables: usize, clauses: Vec<Vec<Lit>>) -> Sat {
        let mut sat = Sat {
            watchers: vec![Vec::new(); 2 * variables],
            values: vec![None; variables],
            levels: vec![0; variables],
            reasons: vec![None; variables],
            ..Sat::default()
        };
        for mut clause in clauses {
            clause.sort_unstable();
            clause.dedup();
            let tautology = clause.iter().any(|l| l.is_multiple_of(2) && clause.contains(&negate(*l)));
            if !tautology {
                sat.give(clause);
            }
        }
        sat.given = sat.clauses.len();
        sat
    }

    fn give(&mut self, clause: Vec<Lit>) {
        match clause.as_slice() {
            [] => self.failed = true,
            [only] => match self.value(*only) {
                Some(true) => {}
                Some(false) => self.failed = true,
                None => self.assign(*only, None),
            },
            _ => {
                self.watch(clause);
            }
        }
    }

    fn watch(&mut self, clause: Vec<Lit>) -> usize {
        let id = self.clauses.len();
        for lit in clause.iter().take(2) {
            if let Some(list) = self.watchers.get_mut(*lit) {
                list.push(id);
            }
        }
        self.clauses.push(clause);
        id
    }

    pub(crate) fn value(&self, lit: Lit) -> Option<bool> {
        let value = self.values.get(lit / 2).copied().flatten()?;
        Some(value != (lit % 2 == 1))
    }

    /// What is assigned, in order.
    pub(crate) fn trail(&self) -> &[Lit] {
        &self.trail
    }

    fn level(&self, lit: Lit) -> usize {
        self.levels.get(lit / 2).copied().unwrap_or_default()
    }

    fn assign(&mut self, lit: Lit, reason: Option<usize>) {
        let variable = lit / 2;
        let level = self.decisions.len();
        if let (Some(value), Some(at), Some(why)) =
            (self.values.get_mut(variable), self.levels.get_mut(variable), self.reasons.get_mut(variable))
        {
            (*value, *at, *why) = (Some(lit.is_multiple_of(2)), level, reason);
            self.trail.push(lit);
        }
    }

    /// Draws conclusions. The clause that cannot be satisfied, if one is found.
    pub(crate) fn propagate(&mut self, budget: &mut Budget) -> Result<Option<usize>, Stop> {
        while let Some(lit) = self.trail.get(self.head).copied() {
            self.head += 1;
            let falsified = negate(lit);
            let watching = self.watchers.get_mut(falsified).map(std::mem::take).unwrap_or_default();
            budget.spend(2 * watching.len() + 1)?;
            let (mut kept, mut conflict) = (Vec::with_capacity(watching.len()), None);
            for id in watching {
                if conflict.is_some() {
                    kept.push(id);
                    continue;
                }
                match self.visit(id, falsified) {
                    Visit::Moved => {}
                    Visit::Kept => kept.push(id),
                    Visit::Conflict => {
                        kept.push(id);
                        conflict = Some(id);
                    }
                }
            }
            if let Some(list) = self.watchers.get_mut(falsified) {
                *list = kept;
            }
            if conflict.is_some() {
                return Ok(conflict);
            }
        }
        Ok(None)
    }

    fn visit(&mut self, id: usize, falsified: Lit) -> Visit {
        let Some(mut clause) = self.clauses.get_mut(id).map(std::mem::take) else { return Visit::Kept };
        if clause.first() == Some(&falsified) {
            clause.swap(0, 1);
        }
        let first = clause.first().copied().unwrap_or(falsified);
        let visit = if self.value(first) == Some(true) {
            Visit::Kept
        } else if let Some(other) =
            clause.iter().enumerate().skip(2).find(|(_, l)| self.value(**l) != Some(false)).map(|(at, _)| at)
        {
            clause.swap(1, other);
            if let Some(list) = clause.get(1).and_then(|l| self.watchers.get_mut(*l)) {
                list.push(id);
            }
            Visit::Moved
        } else if self.value(first).is_none() {
            self.assign(first, Some(id));
            Visit::Kept
        } else {
            Visit::Conflict
        };
        if let Some(slot) = self.clauses.get_mut(id) {
            *slot = clause;
        }
        visit
    }

    /// Backs out of a conflict. False: there is no way out.
    pub(crate) fn resolve(&mut self, conflict: usize, budget: &mut Budget) -> Result<bool, Stop> {
        match self.clauses.get(conflict).cloned() {
            Some(clause) => self.learn(clause, budget),
            None => Ok(false),
        }
    }

    /// Takes a clause that holds in every solution and is violated now. False: no way out.
    pub(crate) fn learn(&mut self, clause: Vec<Lit>, budget: &mut Budget) -> Result<bool, Stop> {
        let top = clause.iter().map(|l| self.level(*l)).max().unwrap_or(0);
        if top == 0 {
            return Ok(false);
        }
        self.back_to(top);
        let mut learned = self.analyze(clause, top, budget)?;
        // The asserting literal first, then the one of the next level.
        learned.sort_by_key(|l| std::cmp::Reverse(self.level(*l)));
        let below = learned.get(1).map_or(0, |l| self.level(*l));
        self.back_to(below);
        let Some(asserting) = learned.first().copied() else { return Ok(false) };
        let reason = (learned.len() > 1).then(|| self.watch(learned));
        self.assign(asserting, reason);
        Ok(true)
    }

    /// Resolves until one literal of the top level is left.
    fn analyze(&self, clause: Vec<Lit>, top: usize, budget: &mut Budget) -> Result<Vec<Lit>, Stop> {
        let mut marked = vec![false; self.values.len()];
        let (mut learned, mut open) = (Vec::new(), 0_usize);
        let mut add = |lits: &[Lit], learned: &mut Vec<Lit>, open: &mut usize| {
            for lit in lits {
                match (marked.get_mut(lit / 2), self.level(*lit)) {
                    (_, 0) | (None | Some(true), _) => {}
                    (Some(mark), level) => {
                        *mark = true;
                        learned.push(*lit);
                        *open += usize::from(level == top);
                    }
                }
            }
        };
        add(&clause, &mut learned, &mut open);
        for lit in self.trail.iter().rev() {
            if open <= 1 {
                break;
            }
            let falsified = negate(*lit);
            let Some(reason) = self.reasons.get(lit / 2).copied().flatten() else { continue };
            let Some(at) = learned.iter().position(|l| *l == falsified) else { continue };
            learned.swap_remove(at);
            open -= 1;
            let reason = self.clauses.get(reason).map(Vec::as_slice).unwrap_or_default();
            budget.spend(reason.len() + at / 4)?;
            add(reason, &mut learned, &mut open);
        }
        Ok(learned)
    }

    fn back_to(&mut self, level: usize) {
        let Some(from) = self.decisions.get(level).copied() else { return };
        for lit in self.trail.drain(from..) {
            if let Some(value) = self.values.get_mut(lit / 2) {
                *value = None;
            }
        }
        self.decisions.truncate(level);
        self.head = self.head.min(from);
    }

    /// The next thing to try: `None` when every given clause is satisfied.
    pub(crate) fn choose(&self, budget: &mut Budget) -> Result<Option<Lit>, Stop> {
        for (at, clause) in self.clauses.iter().take(self.given).enumerate() {
            if clause.iter().any(|l| self.value(*l) == Some(true)) {
                continue;
            }
            budget.spend(at + 1)?;
            return Ok(clause.iter().find(|l| self.value(**l).is_none()).copied());
        }
        budget.spend(self.given)?;
        Ok(None)
    }

    pub(crate) fn assume(&mut self, lit: Lit) {
        self.decisions.push(self.trail.len());
        self.assign(lit, None);
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn solve(variables: usize, clauses: &[Vec<Lit>]) -> Option<Vec<Option<bool>>> {
        let mut sat = Sat::new(variables, clauses.to_vec());
        let mut budget = Budget::default();
        if sat.has_failed() {
            return None;
        }
        loop {
            if let Some(conflict) = sat.propagate(&mut budget).unwrap() {
                if !sat.resolve(conflict, &mut budget).unwrap() {
                    return None;
                }
                continue;
            }
            match sat.choose(&mut budget).unwrap() {
                Some(lit) => sat.assume(lit),
                None => return Some(sat.values.clone()),
            }
        }
    }

    /// Against a look at every assignment.
    #[test]
    fn solves_as_trying_all_does() {
        let mut seed = 7_u64;
        let mut roll = |sides: usize| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            usize::try_from(seed >> 33).unwrap() % sides
        };
        let mut seen = [0; 2];
        for _ in 0..2_000 {
            let variables = 3 + roll(5);
            let clauses: Vec<Vec<Lit>> = (0..variables * 4 + roll(8))
                .map(|_| (0..2 + roll(2)).map(|_| roll(2 * variables)).collect())
                .collect();
            let holds = |bits: usize| {
                clauses.iter().all(|c| c.iter().any(|l| (bits >> (l / 2) & 1 == 1) != (l % 2 == 1)))
            };
            let expected = (0..1 << variables).any(holds);
            let found = solve(variables, &clauses);
            assert_eq!(found.is_some(), expected, "{clauses:?}");
            if let Some(values) = found {
                let true_of = |l: &Lit| values[l / 2].is_some_and(|v| v != (l % 2 == 1));
                assert!(
                    clauses
                        .iter()
                        .all(|c| c.iter().any(true_of) || c.iter().any(|l| c.contains(&negate(*l))))
                );
            }
            seen[usize::from(expected)] += 1;
        }
        assert!(seen.iter().all(|n| *n > 100), "{seen:?}");
    }
}
