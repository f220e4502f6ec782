//! A tree of paths such as `/orders/{id}` and `/files/{path+}`: from the segments of a request
//! to what stands there, literal before variable before greedy.

use std::collections::HashMap;

use super::path::decoded;

pub(super) struct Tree<T> {
    branches: Vec<Branch<T>>,
}

struct Branch<T> {
    literal: HashMap<String, usize>,
    variable: Option<(String, usize)>,
    greedy: Option<(String, usize)>,
    here: Option<T>,
}

impl<T> Default for Branch<T> {
    fn default() -> Self {
        Branch { literal: HashMap::new(), variable: None, greedy: None, here: None }
    }
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Tree { branches: vec![Branch::default()] }
    }
}

/// What was found, with the path variables, raw.
pub(super) struct Found<'t, T> {
    pub(super) here: &'t T,
    pub(super) variables: Vec<(String, String)>,
}

/// One search.
struct Search<'a, F> {
    greedy: bool,
    accept: &'a F,
    variables: Vec<(String, String)>,
}

impl<T> Tree<T> {
    /// The place of a path, made with those on the way.
    pub(super) fn place(&mut self, path: &str) -> Option<&mut Option<T>> {
        let mut at = 0;
        for part in path.split('/').filter(|p| !p.is_empty()) {
            let next = self.branches.len();
            let branch = self.branches.get_mut(at)?;
            let variable = part.strip_prefix('{').and_then(|p| p.strip_suffix('}'));
            at = match variable.map(|v| (v.strip_suffix('+'), v)) {
                None => *branch.literal.entry(part.to_owned()).or_insert(next),
                Some((Some(name), _)) => branch.greedy.get_or_insert((name.to_owned(), next)).1,
                Some((None, name)) => branch.variable.get_or_insert((name.to_owned(), next)).1,
            };
            if at == next {
                self.branches.push(Branch::default());
            }
        }
        Some(&mut self.branches.get_mut(at)?.here)
    }

    /// The most specific place that is accepted.
    pub(super) fn find(
        &self,
        segments: &[&str],
        greedy: bool,
        accept: impl Fn(&T) -> bool,
    ) -> Option<Found<'_, T>> {
        let segments = if segments == [""] { &[] } else { segments };
        let mut search = Search { greedy, accept: &accept, variables: Vec::new() };
        let here = self.walk(0, segments, &mut search)?;
        Some(Found { here, variables: search.variables })
    }

    fn walk<'t, F: Fn(&T) -> bool>(
        &'t self,
        at: usize,
        segments: &[&str],
        search: &mut Search<'_, F>,
    ) -> Option<&'t T> {
        let branch = self.branches.get(at)?;
        let Some((first, rest)) = segments.split_first() else {
            return branch.here.as_ref().filter(|here| (search.accept)(here));
        };
        if let Some(next) = branch.literal.get(&decoded(first)?)
            && let Some(here) = self.walk(*next, rest, search)
        {
            return Some(here);
        }
        if let Some((name, next)) = &branch.variable
            && !first.is_empty()
        {
            search.variables.push((name.clone(), (*first).to_owned()));
            if let Some(here) = self.walk(*next, rest, search) {
                return Some(here);
            }
            search.variables.pop();
        }
        let (name, next) = branch.greedy.as_ref().filter(|_| search.greedy)?;
        let here = self.branches.get(*next)?.here.as_ref().filter(|here| (search.accept)(here))?;
        search.variables.push((name.clone(), segments.join("/")));
        Some(here)
    }
}
