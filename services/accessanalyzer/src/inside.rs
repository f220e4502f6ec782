//! Internal access: which users and roles of the zone can reach the resources that an analyzer names. The
//! loop of the runtime has asked the prover, with all policies in force; here it becomes findings.

use model::estate::analyzer::Analyzer;
use model::{AccountId, Fault, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::finding::{self, Found};
use crate::{analysis, analyzer};

/// Who reaches a resource from inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Insider {
    pub(crate) account: AccountId,
    pub(crate) user: bool,
    /// Service and resource control policies of an organization took part.
    pub(crate) guarded: bool,
}

impl Insider {
    pub(crate) fn access(&self, owner: &AccountId) -> &'static str {
        if self.account == *owner { "INTRA_ACCOUNT" } else { "INTRA_ORG" }
    }

    pub(crate) fn kind(&self) -> &'static str {
        if self.user { "IAM_USER" } else { "IAM_ROLE" }
    }
}

/// As the loop tells it.
#[derive(Deserialize)]
struct Reached {
    resource: String,
    kind: String,
    owner: AccountId,
    principal: String,
    account: AccountId,
    user: bool,
    actions: Vec<String>,
    unknown: Option<String>,
}

/// The job: the prover has been asked.
pub(crate) fn reached(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let arn = payload.get("analyzer").and_then(Json::as_str).unwrap_or_default().to_owned();
    let Some(analyzer) = tx.find_arn::<Analyzer>(&arn).filter(|a| a.internal.is_some()).cloned() else {
        return Ok(());
    };
    let Some(zone) = analyzer::zone(tx.snapshot(), &analyzer) else { return Ok(()) };
    let reached: Vec<Reached> = serde_json::from_value(payload.get("found").cloned().unwrap_or_default())
        .map_err(|e| Fault::internal(format!("what is reached cannot be read: {e}")))?;
    let within = |r: &Reached| zone.accounts.contains(&r.owner) && zone.accounts.contains(&r.account);
    let guarded = zone.organization.is_some();
    let found: Vec<Found> = reached.into_iter().filter(within).map(|r| found(tx, r, guarded)).collect();
    let known = finding::all(tx, &arn)?;
    analysis::settle(tx, &analyzer, known, &found)?;
    analysis::looked_at(tx, &arn, &arn)
}

fn found(tx: &Tx<'_>, reached: Reached, guarded: bool) -> Found {
    Found {
        resource: reached.resource,
        kind: reached.kind,
        owner: reached.owner,
        principal: Some(("AWS".to_owned(), reached.principal)),
        actions: reached.actions,
        error: reached.unknown.map(|_| "INTERNAL_ERROR".to_owned()),
        restriction: if guarded { "APPLIED" } else { "NOT_APPLICABLE" }.to_owned(),
        insider: Some(Insider { account: reached.account, user: reached.user, guarded }),
        ..Found::blank(tx.now)
    }
}
