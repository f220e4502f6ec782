//! The analysis: who outside of an analyzer's zone is let in to a resource, and what of that is new.
//!
//! It runs for a resource when the loop that follows commits says that it changed, and for all that an
//! analyzer looks at when it is made, at a scan, and once a day. One resource at a time: other writers wait.

use model::estate::analyzer::Analyzer;
use model::policy::{Outsider, Zone};
use model::tx::Effect;
use model::{AccountId, Fault, Timestamp, Tx};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::finding::{self, Found, Status};
use crate::subject::{self, Subject};
use crate::{analyzer, criteria, hub};

/// Resources that one job looks at.
const TOGETHER: usize = 20;
const DAY: i64 = 86_400;
/// How long a finding is kept that is resolved.
const KEPT: i64 = 90 * DAY;

pub(crate) const RESOURCES: &str = "accessanalyzer/resources";
const LAST: &str = "accessanalyzer/last";

/// A resource as an analyzer has seen it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) arn: String,
    pub(crate) kind: String,
    pub(crate) owner: AccountId,
    pub(crate) created: Timestamp,
    pub(crate) analyzed: Timestamp,
    /// When what was found changed.
    pub(crate) updated: Timestamp,
}

/// The resource that an analyzer looked at last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Last {
    pub(crate) resource: String,
    pub(crate) at: Timestamp,
}

pub(crate) fn last(tx: &Tx<'_>, analyzer: &str) -> Result<Option<Last>, Fault> {
    tx.record_as(LAST, analyzer.as_bytes())
}

pub(crate) fn seen(tx: &Tx<'_>, analyzer: &str, arn: &str) -> Result<Option<Seen>, Fault> {
    tx.record_as(RESOURCES, &finding::key(analyzer, arn))
}

pub(crate) fn schedule_id(analyzer: &str) -> String {
    format!("accessanalyzer/scan/{analyzer}")
}

/// Has an analyzer look at all resources behind this one.
pub(crate) fn schedule(tx: &mut Tx<'_>, analyzer: &str, at: Timestamp, after: &str) -> Result<(), Fault> {
    tx.effect(Effect::Schedule {
        id: schedule_id(analyzer),
        at,
        service: "accessanalyzer".to_owned(),
        job: "Scan".to_owned(),
        payload: json!({"analyzer": analyzer, "after": after}),
    })
}

/// The job: policies of resources have changed, or of more than can be told.
pub(crate) fn changed(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let analyzers: Vec<Analyzer> = tx.list::<Analyzer>().filter(|a| a.is_external()).cloned().collect();
    let arns = payload.get("resources").and_then(Json::as_array).cloned();
    for analyzer in analyzers {
        match &arns {
            None => schedule(tx, &analyzer.arn(), tx.now, "")?,
            Some(arns) => {
                for arn in arns.iter().filter_map(Json::as_str) {
                    analyze(tx, &analyzer, arn)?;
                }
            }
        }
    }
    Ok(())
}

/// The job: a part of all that an analyzer looks at; then the next part, or all again a day later.
pub(crate) fn scan(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let text = |name: &str| payload.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
    let (arn, after) = (text("analyzer"), text("after"));
    let Some(analyzer) = tx.find_arn::<Analyzer>(&arn).cloned() else { return Ok(()) };
    let there = match analyzer::zone(tx.snapshot(), &analyzer) {
        Some(zone) => subject::all(tx.snapshot(), &zone, &analyzer.region),
        None => Vec::new(),
    };
    let rest: Vec<&String> = there.iter().filter(|a| **a > after).collect();
    for one in rest.iter().take(TOGETHER) {
        analyze(tx, &analyzer, one)?;
    }
    if let Some(reached) = rest.get(TOGETHER - 1).filter(|_| rest.len() > TOGETHER) {
        return schedule(tx, &arn, tx.now, reached);
    }
    // What is gone shares nothing.
    for gone in finding::seen_by(tx, &arn)?.iter().filter(|s| there.binary_search(&s.arn).is_err()) {
        analyze(tx, &analyzer, &gone.arn)?;
    }
    let old = tx.now.plus_seconds(-KEPT);
    for found in finding::all(tx, &arn)?.iter().filter(|f| f.status == Status::Resolved && f.updated < old) {
        tx.remove_record(finding::TABLE, &finding::place(&arn, found))?;
    }
    schedule(tx, &arn, tx.now.plus_seconds(DAY), "")
}

/// Looks at one resource. While the analyzer stands still, nothing changes.
pub(crate) fn analyze(tx: &mut Tx<'_>, analyzer: &Analyzer, arn: &str) -> Result<(), Fault> {
    let Some(zone) = analyzer::zone(tx.snapshot(), analyzer) else { return Ok(()) };
    let subject = subject::find(tx.snapshot(), arn).filter(|s| s.within(&zone, &analyzer.region));
    let of = analyzer.arn();
    let known = finding::of_resource(tx, &of, arn)?;
    let now: Vec<Found> = match &subject {
        Some(subject) => found(tx, subject, &zone),
        None => Vec::new(),
    };
    let changed = settle(tx, analyzer, known, &now)?;
    remember(tx, &of, arn, subject.as_ref(), changed)
}

/// Keeps what is new of what there is now, and resolves what is no more; whether anything changed.
pub(crate) fn settle(
    tx: &mut Tx<'_>,
    analyzer: &Analyzer,
    known: Vec<Found>,
    now: &[Found],
) -> Result<bool, Fault> {
    let of = analyzer.arn();
    let mut changed = false;
    for new in now {
        let old = known.iter().find(|old| old.same(new));
        if old.is_none_or(|old| old.status == Status::Resolved) {
            // The same access again is the same finding.
            let again = old.map(|old| Found { id: old.id.clone(), created: old.created, ..new.clone() });
            let mut found = again.unwrap_or_else(|| Found { id: tx.uuid(), ..new.clone() });
            if analyzer.rules.iter().any(|rule| criteria::holds(&rule.filter, &found)) {
                found.status = Status::Archived;
            }
            finding::keep(tx, &of, &found)?;
            hub::tell(tx, &of, &found)?;
            changed = true;
        } else if let Some(old) = old.filter(|old| old.idle != new.idle) {
            let found = Found { idle: new.idle.clone(), updated: tx.now, ..old.clone() };
            finding::keep(tx, &of, &found)?;
            changed = true;
        }
    }
    for old in known {
        if old.status != Status::Resolved && !now.iter().any(|new| old.same(new)) {
            let found = Found { status: Status::Resolved, updated: tx.now, ..old };
            finding::keep(tx, &of, &found)?;
            hub::tell(tx, &of, &found)?;
            changed = true;
        }
    }
    Ok(changed)
}

/// Notes that an analyzer has looked at something.
pub(crate) fn looked_at(tx: &mut Tx<'_>, analyzer: &str, resource: &str) -> Result<(), Fault> {
    let last = Last { resource: resource.to_owned(), at: tx.now };
    tx.put_record_as(LAST, analyzer.as_bytes(), &last)
}

fn remember(
    tx: &mut Tx<'_>,
    analyzer: &str,
    arn: &str,
    subject: Option<&Subject>,
    changed: bool,
) -> Result<(), Fault> {
    let place = finding::key(analyzer, arn);
    let before = seen(tx, analyzer, arn)?;
    let Some(subject) = subject else {
        return if before.is_some() { tx.remove_record(RESOURCES, &place) } else { Ok(()) };
    };
    let now = tx.now;
    let seen = Seen {
        arn: arn.to_owned(),
        kind: subject.kind.to_owned(),
        owner: subject.owner.clone(),
        created: before.as_ref().map_or(now, |b| b.created),
        analyzed: now,
        updated: before.filter(|_| !changed).map_or(now, |b| b.updated),
    };
    tx.put_record_as(RESOURCES, &place, &seen)?;
    looked_at(tx, analyzer, arn)
}

/// Forgets what an analyzer has seen.
pub(crate) fn forget(tx: &mut Tx<'_>, analyzer: &str) -> Result<(), Fault> {
    for seen in finding::seen_by(tx, analyzer)? {
        tx.remove_record(RESOURCES, &finding::key(analyzer, &seen.arn))?;
    }
    tx.remove_record(LAST, analyzer.as_bytes())
}

/// What there is to find of a resource, active. What cannot be analyzed is a finding, too.
pub(crate) fn found(tx: &Tx<'_>, subject: &Subject, zone: &Zone) -> Vec<Found> {
    let blank = Found::of(subject, hub::restriction(tx.snapshot(), subject), tx.now);
    match subject.outsiders(tx, zone) {
        Ok(outsiders) => outsiders.into_iter().map(|outsider| with(&blank, outsider)).collect(),
        Err(_) => vec![Found { error: Some("INTERNAL_ERROR".to_owned()), ..blank }],
    }
}

fn with(blank: &Found, outsider: Outsider) -> Found {
    Found {
        principal: Some(outsider.principal),
        condition: outsider.condition,
        actions: outsider.actions,
        public: outsider.public,
        ..blank.clone()
    }
}
