//! Projections: which parts of an item are given back.

use std::collections::BTreeMap;

use model::Fault;

use super::Scope;
use super::parser::Parser;
use super::path::{Path, Step};
use crate::attribute::{Attr, Item};

/// A tree of what is wanted; a branch without branches of its own is wanted whole.
#[derive(Debug, Default)]
pub(crate) struct Projection<'a> {
    roots: BTreeMap<&'a str, Branch<'a>>,
}

#[derive(Debug, Default)]
struct Branch<'a>(BTreeMap<Step<'a>, Branch<'a>>);

impl<'a> Projection<'a> {
    pub(crate) fn parse(text: &'a str, scope: &'a Scope) -> Result<Projection<'a>, Fault> {
        let mut parser = Parser::new("ProjectionExpression", text, scope)?;
        let mut paths = vec![parser.wanted_path()?];
        while parser.symbol(",") {
            paths.push(parser.wanted_path()?);
        }
        parser.end()?;
        parser.distinct(&paths.iter().collect::<Vec<_>>())?;
        Ok(Projection::of(&paths))
    }

    pub(crate) fn of(paths: &[Path<'a>]) -> Projection<'a> {
        let mut projection = Projection::default();
        for path in paths {
            let mut at = projection.roots.entry(path.root).or_default();
            for step in &path.steps {
                at = at.0.entry(*step).or_default();
            }
        }
        projection
    }

    /// The attributes that are wanted, wholly or in part.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &'a str> {
        self.roots.keys().copied()
    }

    pub(crate) fn project(&self, mut item: Item) -> Item {
        self.roots
            .iter()
            .filter_map(|(name, branch)| Some(((*name).to_owned(), branch.part(item.remove(*name)?)?)))
            .collect()
    }
}

impl Branch<'_> {
    fn part(&self, attr: Attr) -> Option<Attr> {
        if self.0.is_empty() {
            return Some(attr);
        }
        match attr {
            Attr::M(mut map) => {
                let parts = self.0.iter().filter_map(|(step, branch)| match step {
                    Step::Field(name) => Some(((*name).to_owned(), branch.part(map.remove(*name)?)?)),
                    Step::Index(_) => None,
                });
                Some(Attr::M(parts.collect())).filter(|m| *m != Attr::M(Item::new()))
            }
            Attr::L(list) => {
                let mut parts = Vec::new();
                for (i, attr) in list.into_iter().enumerate() {
                    parts.extend(self.0.get(&Step::Index(i)).and_then(|branch| branch.part(attr)));
                }
                Some(Attr::L(parts)).filter(|l| *l != Attr::L(Vec::new()))
            }
            _ => None,
        }
    }
}
