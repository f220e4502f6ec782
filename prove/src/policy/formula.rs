//! Boolean formulas over atoms, and their clauses.

use super::sat::{Lit, negate};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Formula {
    Const(bool),
    Lit(Lit),
    And(Vec<Formula>),
    Or(Vec<Formula>),
}

impl Formula {
    pub(crate) fn and(parts: impl IntoIterator<Item = Formula>) -> Formula {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Formula::Const(true) => {}
                Formula::Const(false) => return part,
                Formula::And(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Formula::Const(true),
            1 => kept.pop().unwrap_or(Formula::Const(true)),
            _ => Formula::And(kept),
        }
    }

    pub(crate) fn or(parts: impl IntoIterator<Item = Formula>) -> Formula {
        Formula::and(parts.into_iter().map(Formula::not)).not()
    }

    pub(crate) fn not(self) -> Formula {
        match self {
            Formula::Const(value) => Formula::Const(!value),
            Formula::Lit(lit) => Formula::Lit(negate(lit)),
            Formula::And(parts) => Formula::Or(parts.into_iter().map(Formula::not).collect()),
            Formula::Or(parts) => Formula::And(parts.into_iter().map(Formula::not).collect()),
        }
    }
}

/// Clauses that can be satisfied just when the formula can, over more variables.
pub(crate) struct Clauses {
    pub(crate) clauses: Vec<Vec<Lit>>,
    /// What names of parts stand for: of no interest before the part is chosen.
    definitions: Vec<Vec<Lit>>,
    /// Variables in use, those of the formula first.
    pub(crate) variables: usize,
}

impl Clauses {
    pub(crate) fn of(formula: &Formula, variables: usize) -> Clauses {
        let mut clauses = Clauses { clauses: Vec::new(), definitions: Vec::new(), variables };
        clauses.demand(formula, None);
        let definitions = std::mem::take(&mut clauses.definitions);
        clauses.clauses.extend(definitions);
        clauses
    }

    /// The formula must hold, where `when` holds.
    fn demand(&mut self, formula: &Formula, when: Option<Lit>) {
        let start: Vec<Lit> = when.map(negate).into_iter().collect();
        let clauses = if when.is_none() { &mut self.clauses } else { &mut self.definitions };
        match formula {
            Formula::Const(true) => {}
            Formula::Const(false) => clauses.push(start),
            Formula::Lit(lit) => clauses.push(start.into_iter().chain([*lit]).collect()),
            Formula::And(parts) => parts.iter().for_each(|part| self.demand(part, when)),
            Formula::Or(parts) => {
                let mut clause = start;
                for part in parts {
                    match part {
                        Formula::Lit(lit) => clause.push(*lit),
                        Formula::Const(true) => return,
                        Formula::Const(false) => {}
                        Formula::And(_) | Formula::Or(_) => {
                            let name = 2 * self.variables;
                            self.variables += 1;
                            self.demand(part, Some(name));
                            clause.push(name);
                        }
                    }
                }
                let clauses = if when.is_none() { &mut self.clauses } else { &mut self.definitions };
                clauses.push(clause);
            }
        }
    }
}
