//! Reads from the record when principals, access keys and services were last used, once a day and when an
//! analyzer of unused access is made or changed, and hands it to IAM Access Analyzer.

use std::collections::BTreeMap;
use std::sync::Arc;

use estate::Estate;
use model::estate::analyzer::Analyzer;
use model::event::{Call, EventBody};
use model::plane::{Calls as _, Report};
use model::{AccountId, CallerKind, Fault, Host as _, Timestamp};
use serde::Serialize;

/// Seconds that are looked back: 400 days, as AWS keeps them.
const TRACKED: i64 = 400 * 86_400;

/// Last uses, as `accessanalyzer` reads them.
#[derive(Default, Serialize)]
struct Usage {
    principals: BTreeMap<String, Timestamp>,
    services: BTreeMap<String, BTreeMap<String, Timestamp>>,
    keys: BTreeMap<String, Timestamp>,
}

impl Usage {
    /// Calls come newest first: the first is the last use.
    fn see(&mut self, call: &Call, prefix: &str, at: Timestamp) {
        if let Some(key) = &call.caller.access_key {
            self.keys.entry(key.clone()).or_insert(at);
        }
        let id = match call.caller.kind {
            CallerKind::User { .. } => Some(call.caller.principal_id.as_str()),
            // A session's id begins with its role's.
            CallerKind::Role { .. } => call.caller.principal_id.split(':').next(),
            CallerKind::Root
            | CallerKind::FederatedUser { .. }
            | CallerKind::Federated { .. }
            | CallerKind::Service { .. }
            | CallerKind::Anonymous => None,
        };
        if let Some(id) = id {
            self.principals.entry(id.to_owned()).or_insert(at);
            self.services.entry(id.to_owned()).or_default().entry(prefix.to_owned()).or_insert(at);
        }
    }
}

/// Reads the record and tells the places that have analyzers of unused access.
pub(crate) async fn tell(estate: &Arc<Estate>) {
    let snapshot = estate.snapshot();
    let mut places: Vec<(AccountId, String)> = snapshot
        .all::<Analyzer>()
        .filter(|a| a.unused.is_some())
        .map(|a| (a.account.clone(), a.region.clone()))
        .collect();
    places.dedup();
    if places.is_empty() {
        return;
    }
    let reader = Arc::clone(estate);
    let read = tokio::task::spawn_blocking(move || read(&reader)).await;
    let payload = match read {
        Ok(Ok(usage)) => serde_json::to_value(&usage).unwrap_or_default(),
        Ok(Err(fault)) => return eprintln!("countersign: unused access is not analyzed: {fault}"),
        Err(_) => return,
    };
    for (account, region) in places {
        let payload = payload.clone();
        let report = Report { service: "accessanalyzer", job: "Used", account, region, payload };
        if let Err(fault) = estate.report(report).await {
            eprintln!("countersign: unused access is not analyzed: {fault}");
        }
    }
}

fn read(estate: &Estate) -> Result<Usage, Fault> {
    let since = estate::now().plus_seconds(-TRACKED);
    let mut usage = Usage::default();
    estate.events(&mut |_, event| {
        if event.time < since {
            return false;
        }
        if let EventBody::Call(call) = &event.body {
            let served = estate.registry().service(&call.service);
            let prefix = served.map_or(call.service.as_str(), |s| s.api.signing_name);
            usage.see(call, prefix, event.time);
        }
        true
    })?;
    Ok(usage)
}
