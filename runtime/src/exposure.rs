//! Follows commits for IAM Access Analyzer: tells the analyzers of a place which resources may be shared
//! with others than before. What it misses is made good by looking at everything.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use estate::Estate;
use model::estate::analyzer::{ANALYZED, Analyzer};
use model::estate::kms::Grant;
use model::plane::{Calls as _, Report};
use model::{AccountId, Node, Snapshot};
use serde_json::json;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::{inside, usage};

/// How long changes gather.
const GATHER: Duration = Duration::from_millis(500);
/// How long rights may change before it is looked again at what they reach.
const ROUND: Duration = Duration::from_secs(5);
/// How often it is looked at what is not used.
const DAY: Duration = Duration::from_secs(86_400);
/// Resources that are told of together: other writers wait for their analysis.
const TOGETHER: usize = 5;

/// What has changed.
#[derive(Default)]
struct Changed {
    /// ARNs of resources.
    resources: BTreeSet<String>,
    /// More than can be told.
    all: bool,
    /// What users and roles may do.
    rights: bool,
    /// Analyzers, or nothing is known of what is used yet.
    analyzers: bool,
}

impl Changed {
    /// Notes a changed node by what it was before and what it is now.
    fn note(&mut self, key: &model::NodeKey, before: &Snapshot, now: &Snapshot) {
        self.analyzers |= key.kind == Analyzer::KIND;
        self.rights |= key.kind == Analyzer::KIND
            || ANALYZED.contains(&key.kind)
            || ["AWS::IAM::", "AWS::Organizations::"].iter().any(|of| key.kind.starts_with(of));
        if key.kind.starts_with("AWS::Organizations::")
            || key.kind.starts_with("Countersign::Organizations::")
        {
            // It may be another zone of trust.
            self.all = true;
        }
        let nodes = [before.get(key), now.get(key)].into_iter().flatten();
        for node in nodes {
            if key.kind == Grant::KIND {
                self.resources.extend(node.as_any().downcast_ref::<Grant>().map(|g| g.key_arn.clone()));
            } else if ANALYZED.contains(&key.kind) {
                self.resources.extend(node.arn());
            }
        }
    }
}

pub(crate) async fn run(estate: Arc<Estate>, mut stop: watch::Receiver<bool>) {
    let mut commits = estate.follow();
    let mut before = estate.snapshot();
    // What was committed last may not have been told of before the end.
    let mut changed = Changed { all: true, analyzers: true, ..Changed::default() };
    let mut days = tokio::time::interval(DAY);
    let mut rounds = tokio::time::interval(ROUND);
    let (mut rights, mut round) = (true, None::<JoinHandle<()>>);
    let mut ticks = tokio::time::interval(GATHER);
    loop {
        tokio::select! {
            commit = commits.recv() => match commit {
                Ok(commit) => {
                    commit.changes.iter().for_each(|c| changed.note(&c.key(), &before, &commit.snapshot));
                    before = commit.snapshot;
                }
                Err(RecvError::Lagged(_)) => {
                    before = estate.snapshot();
                    changed.all = true;
                }
                Err(RecvError::Closed) => return,
            },
            _ = days.tick() => changed.analyzers = true,
            _ = rounds.tick() => {
                if rights && round.as_ref().is_none_or(JoinHandle::is_finished) {
                    rights = false;
                    let estate = Arc::clone(&estate);
                    round = Some(tokio::spawn(async move { inside::tell(&estate).await }));
                }
            }
            _ = ticks.tick() => {
                rights |= changed.rights;
                tell(&estate, std::mem::take(&mut changed)).await;
            }
            _ = stop.changed() => return,
        }
    }
}

async fn tell(estate: &Arc<Estate>, changed: Changed) {
    if changed.analyzers {
        let estate = Arc::clone(estate);
        tokio::spawn(async move { usage::tell(&estate).await });
    }
    if !changed.all && changed.resources.is_empty() {
        return;
    }
    let snapshot = estate.snapshot();
    let places: BTreeSet<(AccountId, String)> =
        snapshot.all::<Analyzer>().map(|a| (a.account.clone(), a.region.clone())).collect();
    let arns: Vec<&String> = changed.resources.iter().collect();
    let mut payloads: Vec<serde_json::Value> =
        arns.chunks(TOGETHER).map(|some| json!({"resources": some})).collect();
    if changed.all {
        payloads = vec![json!({})];
    }
    for (account, region) in places {
        for payload in payloads.clone() {
            let (account, region) = (account.clone(), region.clone());
            let report = Report { service: "accessanalyzer", job: "Changed", account, region, payload };
            if let Err(fault) = estate.report(report).await {
                eprintln!("countersign: what is shared with others is not analyzed: {fault}");
            }
        }
    }
}
