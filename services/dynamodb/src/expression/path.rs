//! Document paths: `a.b[2].#c`.

use crate::attribute::{Attr, Item};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step<'a> {
    Field(&'a str),
    Index(usize),
}

// INVARIANT: the first step is the attribute's name, `root`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path<'a> {
    pub(crate) root: &'a str,
    /// What follows the attribute's name.
    pub(crate) steps: Vec<Step<'a>>,
}

impl Path<'_> {
    pub(crate) fn find<'i>(&self, item: &'i Item) -> Option<&'i Attr> {
        self.steps.iter().try_fold(item.get(self.root)?, |attr, step| match (step, attr) {
            (Step::Field(name), Attr::M(map)) => map.get(*name),
            (Step::Index(n), Attr::L(list)) => list.get(*n),
            _ => None,
        })
    }

    /// `[a, b, [2]]`, as errors show paths.
    pub(crate) fn shown(&self) -> String {
        let mut text = format!("[{}", self.root);
        for step in &self.steps {
            match step {
                Step::Field(name) => text.push_str(&format!(", {name}")),
                Step::Index(n) => text.push_str(&format!(", [{n}]")),
            }
        }
        text.push(']');
        text
    }

    /// Whether one of the paths leads to the other.
    pub(crate) fn overlaps(&self, other: &Path<'_>) -> bool {
        self.root == other.root && self.steps.iter().zip(&other.steps).all(|(a, b)| a == b)
    }

    /// Whether the paths go through one place, once as a map and once as a list.
    pub(crate) fn conflicts(&self, other: &Path<'_>) -> bool {
        let parting = self.steps.iter().zip(&other.steps).find(|(a, b)| a != b);
        self.root == other.root
            && matches!(parting, Some((Step::Field(_), Step::Index(_)) | (Step::Index(_), Step::Field(_))))
    }
}
