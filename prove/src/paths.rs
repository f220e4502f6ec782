//! The theorem: every path from the internet to a database passes a WAF and an authorizer.
//!
//! Each door (a method or route behind a stage, or what else the internet reaches) is followed over
//! pairs of a point and the guards passed so far. There are few such pairs, so that every path is
//! decided without being listed; the shortest of each outcome is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::graph::{Graph, Guard, INTERNET, Point};

/// A way from the internet to a database.
#[derive(Clone, Debug)]
pub struct Path {
    pub points: Vec<Point>,
    pub database: String,
    /// The guards that do not stand on it.
    pub missing: Vec<Guard>,
}

pub struct Verdict {
    pub violations: Vec<Path>,
    pub guarded: Vec<Path>,
    pub databases: usize,
    pub doors: usize,
}

type Passed = BTreeSet<Guard>;
type State = (String, Passed);

pub fn verify(graph: &Graph) -> Verdict {
    let mut verdict = Verdict { violations: Vec::new(), guarded: Vec::new(), databases: 0, doors: 0 };
    verdict.databases = graph.points.values().filter(|p| p.database.is_some()).count();
    for door in doors(graph) {
        verdict.doors += 1;
        for path in follow(graph, &door) {
            match path.missing.is_empty() {
                true => verdict.guarded.push(path),
                false => verdict.violations.push(path),
            }
        }
    }
    verdict
}

fn next<'a>(graph: &'a Graph, point: &str) -> &'a [String] {
    graph.hops.get(point).map(Vec::as_slice).unwrap_or_default()
}

fn doors(graph: &Graph) -> Vec<Vec<String>> {
    let mut doors = Vec::new();
    for first in next(graph, INTERNET) {
        let start = vec![INTERNET.to_owned(), first.clone()];
        match graph.points.get(first).is_some_and(|p| p.stage) {
            false => doors.push(start),
            true => {
                doors.extend(next(graph, first).iter().map(|m| [start.clone(), vec![m.clone()]].concat()))
            }
        }
    }
    doors
}

fn passed(graph: &Graph, before: &Passed, point: &str) -> Passed {
    let here = graph.points.get(point).into_iter().flat_map(|p| p.guards.keys().copied());
    before.iter().copied().chain(here).collect()
}

/// The shortest path through a door to each database, for each set of guards that no other set undercuts.
fn follow(graph: &Graph, door: &[String]) -> Vec<Path> {
    let Some(last) = door.last() else { return Vec::new() };
    let start =
        (last.clone(), door.iter().fold(Passed::new(), |guards, point| passed(graph, &guards, point)));
    let mut from: BTreeMap<State, Option<State>> = BTreeMap::from([(start.clone(), None)]);
    let mut queue = VecDeque::from([start]);
    let mut ends: Vec<State> = Vec::new();
    while let Some(state) = queue.pop_front() {
        if graph.points.get(&state.0).is_some_and(|p| p.database.is_some()) {
            ends.push(state.clone());
        }
        for point in next(graph, &state.0) {
            let reached = (point.clone(), passed(graph, &state.1, point));
            if !from.contains_key(&reached) {
                from.insert(reached.clone(), Some(state.clone()));
                queue.push_back(reached);
            }
        }
    }
    let undercut = |(point, guards): &State| {
        ends.iter().any(|(other, fewer)| other == point && fewer != guards && fewer.is_subset(guards))
    };
    ends.iter().filter(|end| !undercut(end)).map(|end| path(graph, door, &from, end)).collect()
}

fn path(graph: &Graph, door: &[String], from: &BTreeMap<State, Option<State>>, end: &State) -> Path {
    let mut back = vec![end.0.clone()];
    let mut at = end;
    while let Some(Some(before)) = from.get(at) {
        back.push(before.0.clone());
        at = before;
    }
    let first = door.len().saturating_sub(1);
    let names = door.iter().take(first).chain(back.iter().rev());
    let missing = [Guard::Waf, Guard::Authorizer].into_iter().filter(|g| !end.1.contains(g)).collect();
    Path {
        points: names.filter_map(|n| graph.points.get(n).cloned()).collect(),
        database: end.0.clone(),
        missing,
    }
}

impl Guard {
    pub fn name(self) -> &'static str {
        match self {
            Guard::Waf => "waf",
            Guard::Authorizer => "authorizer",
        }
    }
}

impl Path {
    /// The first place where a missing guard could stand, or else the database: where to look.
    pub fn culprit(&self) -> Option<&Point> {
        let lacks = |p: &&Point| self.missing.iter().any(|g| p.open.contains(g));
        self.points.iter().find(lacks).or(self.points.last())
    }

    /// What is wrong with it, in words.
    pub fn complaint(&self) -> String {
        let words = self.missing.iter().map(|guard| match guard {
            Guard::Waf => "a WAF",
            Guard::Authorizer => "an authorizer",
        });
        format!("{} is reached without {}", self.database, words.collect::<Vec<_>>().join(" and without "))
    }
}

/// `internet → stage Stage (line 9) [waf Firewall] → GET / (line 20) [NO AUTHORIZER] → ...`
impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut missing = self.missing.clone();
        for (count, point) in self.points.iter().enumerate() {
            if count > 0 {
                f.write_str(" → ")?;
            }
            f.write_str(&point.label)?;
            if let Some(line) = point.line {
                write!(f, " (line {line})")?;
            }
            for (guard, name) in &point.guards {
                write!(f, " [{} {name}]", guard.name())?;
            }
            // Told once, where it could have stood first.
            for guard in &point.open {
                if let Some(at) = missing.iter().position(|m| m == guard) {
                    missing.remove(at);
                    write!(f, " [NO {}]", guard.name().to_uppercase())?;
                }
            }
        }
        Ok(())
    }
}
