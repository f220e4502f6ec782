//! Looks for IAM Access Analyzer which users and roles can reach the resources that analyzers of internal
//! access name. It reads a snapshot and takes its time; no writer waits for it.

use std::sync::Arc;

use estate::Estate;
use model::estate::analyzer::Analyzer;
use model::estate::iam::Account;
use model::plane::{Calls as _, Report};
use model::{Host as _, Snapshot};
use prove::rights::{Rights, Surroundings};
use serde_json::{Value as Json, json};

use crate::living;

/// The types that are looked at, with the service whose actions are asked for and their resource types there.
const KINDS: [(&str, &str, &[&str]); 2] = [
    ("AWS::DynamoDB::Table", "dynamodb", &["index", "stream", "table"]),
    ("AWS::S3::Bucket", "s3", &["bucket", "object"]),
];

/// Analyzes for every analyzer of internal access, and tells it.
pub(crate) async fn tell(estate: &Arc<Estate>) {
    let snapshot = estate.snapshot();
    if !snapshot.all::<Analyzer>().any(|a| a.internal.is_some()) {
        return;
    }
    let reader = Arc::clone(estate);
    let read = tokio::task::spawn_blocking(move || analyze(&reader, &snapshot)).await;
    let found = match read {
        Ok(Ok(found)) => found,
        Ok(Err(why)) => return eprintln!("countersign: internal access is not analyzed: {why}"),
        Err(_) => return,
    };
    for (analyzer, payload) in found {
        let Analyzer { account, region, .. } = analyzer;
        let report = Report { service: "accessanalyzer", job: "Inside", account, region, payload };
        if let Err(fault) = estate.report(report).await {
            eprintln!("countersign: internal access is not analyzed: {fault}");
        }
    }
}

fn analyze(estate: &Estate, snapshot: &Snapshot) -> Result<Vec<(Analyzer, Json)>, String> {
    let services = &estate.registry().services;
    let around = Surroundings {
        file: "the estate".to_owned(),
        whole: true,
        served: services.iter().map(|s| s.api.signing_name.to_owned()).collect(),
        ..Surroundings::default()
    };
    let rights = Rights::of(&living::estate(snapshot), &around).map_err(|e| e.to_string())?;
    let mut told = Vec::new();
    for analyzer in snapshot.all::<Analyzer>() {
        let Some(rule) = &analyzer.internal else { continue };
        let accounts: Vec<String> = match analyzer.of_organization() {
            true => snapshot.all::<Account>().map(|a| a.account.to_string()).collect(),
            false => vec![analyzer.account.to_string()],
        };
        let mut found = Vec::new();
        for node in snapshot.nodes() {
            let key = node.key();
            let (Some((kind, folder, types)), Some(arn)) =
                (KINDS.iter().find(|(kind, ..)| *kind == key.kind), node.arn())
            else {
                continue;
            };
            let there = key.region == analyzer.region && accounts.iter().any(|a| a == key.account.as_str());
            if !there || !rule.iter().any(|one| one.includes(kind, key.account.as_str(), &arn)) {
                continue;
            }
            let actions = estate.registry().actions_on(folder, types);
            let insiders = rights.insiders(&arn, &actions, &accounts).into_iter().map(|insider| {
                json!({
                    "resource": arn, "kind": kind, "owner": key.account, "principal": insider.arn,
                    "account": insider.account, "user": insider.is_user, "actions": insider.actions,
                    "unknown": insider.unknown,
                })
            });
            found.extend(insiders);
        }
        told.push((analyzer.clone(), json!({"analyzer": analyzer.arn(), "found": found})));
    }
    Ok(told)
}
