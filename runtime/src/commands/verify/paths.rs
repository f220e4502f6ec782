//! The theorem about paths: every one from the internet to a database is guarded.

use prove::rights::{Outcome, Spot};
use prove::{Graph, Path, Point, Verdict};
use serde_json::{Map, Value as Json, json};

use super::report::{Answer, Row};
use super::source::Source;

pub(super) const THEOREM: &str = "every path from the internet to a database passes a WAF and an authorizer";

/// What holds of the paths, and what could open one that is not followed.
pub(super) fn answer(source: &Source) -> Answer {
    let verdict = prove::verify(&Graph::of(&source.estate));
    let lacks = source.estate.not_modelled();
    let spot = |line| Spot { file: source.file.clone(), line };
    let mut rows: Vec<Row> = verdict.violations.iter().map(|path| row(path, &source.file)).collect();
    let mut facts = facts(&verdict);
    facts.insert(
        "notModelled".to_owned(),
        lacks.iter().map(|l| json!({"name": l.name, "line": l.line, "why": l.why})).collect(),
    );
    rows.extend(lacks.iter().map(|lack| {
        let message = format!("{} is not modelled: {}", lack.name, lack.why);
        Row::plain("not-modelled", Outcome::Told, message, spot(lack.line))
    }));
    let mut told = Vec::new();
    if verdict.violations.is_empty() {
        told.push(format!("{}: holds: {THEOREM}", source.file));
        told.extend(verdict.guarded.iter().map(|path| format!("  {path}")));
    }
    let (violations, guarded) = (verdict.violations.len(), verdict.guarded.len());
    told.push(format!(
        "{} databases, {} doors, {violations} unguarded paths, {guarded} guarded paths",
        verdict.databases, verdict.doors
    ));
    Answer { file: source.file.clone(), question: THEOREM.to_owned(), rows, facts, told }
}

/// Where to look for a violation.
fn line(path: &Path) -> u32 {
    path.culprit().and_then(|p| p.line).unwrap_or(1)
}

fn row(path: &Path, file: &str) -> Row {
    let spot = |line| Spot { file: file.to_owned(), line };
    let step = |point: &Point| (spot(point.line.unwrap_or(1)), point.label.clone());
    Row {
        details: vec![path.to_string()],
        flow: path.points.iter().map(step).collect(),
        ..Row::plain("unguarded-path", Outcome::Violated, path.complaint(), spot(line(path)))
    }
}

fn facts(verdict: &Verdict) -> Map<String, Json> {
    let mut facts = Map::new();
    let mut add = |name: &str, value: Json| facts.insert(name.to_owned(), value);
    add("theorem", json!(THEOREM));
    add("databases", json!(verdict.databases));
    add("doors", json!(verdict.doors));
    add("violations", verdict.violations.iter().map(path).collect());
    add("guarded", verdict.guarded.iter().map(path).collect());
    facts
}

fn path(path: &Path) -> Json {
    let hop = |point: &Point| {
        let guards = point.guards.iter().map(|(guard, name)| (guard.name().to_owned(), json!(name)));
        json!({"name": point.label, "line": point.line, "guards": guards.collect::<Map<_, _>>()})
    };
    json!({
        "database": path.database,
        "missing": path.missing.iter().map(|g| g.name()).collect::<Vec<_>>(),
        "line": line(path),
        "path": path.to_string(),
        "hops": path.points.iter().map(hop).collect::<Vec<_>>(),
    })
}
