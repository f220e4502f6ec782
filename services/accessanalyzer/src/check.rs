//! The custom policy checks.

use model::policy::PolicyCheck;
use model::policy::{Access as Sought, Proof, Proved};
use model::{Fault, Tx};

use crate::shapes::*;

fn of(policy_type: &str) -> PolicyCheck {
    match policy_type {
        "IDENTITY_POLICY" => PolicyCheck::Identity,
        _ => PolicyCheck::Resource,
    }
}

fn told(proved: &Proved) -> (Option<String>, Option<Vec<ReasonSummary>>) {
    let result = if proved.holds { "PASS" } else { "FAIL" };
    let reasons = proved.reasons.iter().map(|reason| ReasonSummary {
        description: Some(reason.description.clone()),
        statement_index: i64::try_from(reason.statement).ok(),
        statement_id: reason.sid.clone(),
    });
    // A check that passes has no reasons, not none of them.
    (Some(result.to_owned()), (!proved.holds).then(|| reasons.collect()))
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CheckNoNewAccess.html>
pub(crate) fn check_no_new_access(
    tx: &mut Tx<'_>,
    input: CheckNoNewAccessRequest,
) -> Result<CheckNoNewAccessResponse, Fault> {
    let proved = tx.host().policies().prove(&Proof::NoNewAccess {
        existing: &input.existing_policy_document,
        new: &input.new_policy_document,
        of: of(&input.policy_type),
    })?;
    let message = match proved.holds {
        true => "The modified permissions do not grant new access compared to your existing policy.",
        false => "The modified permissions grant new access compared to your existing policy.",
    };
    let (result, reasons) = told(&proved);
    Ok(CheckNoNewAccessResponse { result, reasons, message: Some(message.to_owned()) })
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CheckAccessNotGranted.html>
pub(crate) fn check_access_not_granted(
    tx: &mut Tx<'_>,
    input: CheckAccessNotGrantedRequest,
) -> Result<CheckAccessNotGrantedResponse, Fault> {
    let access: Vec<Sought> = input
        .access
        .into_iter()
        .map(|a| Sought {
            actions: a.actions.unwrap_or_default(),
            resources: a.resources.unwrap_or_default(),
        })
        .collect();
    if access.iter().any(|a| a.actions.is_empty() && a.resources.is_empty()) {
        let message = "Invalid access: at least one of actions and resources must be specified.";
        return Err(Fault::client("InvalidParameterException", message));
    }
    let policy = &input.policy_document;
    let proved = tx.host().policies().prove(&Proof::AccessNotGranted {
        policy,
        of: of(&input.policy_type),
        access: &access,
    })?;
    let message = match proved.holds {
        true => {
            "The policy document does not grant access to perform one or more of the listed actions or resources."
        }
        false => {
            "The policy document grants access to perform one or more of the listed actions or resources."
        }
    };
    let (result, reasons) = told(&proved);
    Ok(CheckAccessNotGrantedResponse { result, reasons, message: Some(message.to_owned()) })
}

/// <https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_CheckNoPublicAccess.html>
pub(crate) fn check_no_public_access(
    tx: &mut Tx<'_>,
    input: CheckNoPublicAccessRequest,
) -> Result<CheckNoPublicAccessResponse, Fault> {
    let policy = &input.policy_document;
    let proved =
        tx.host().policies().prove(&Proof::NoPublicAccess { policy, resource_type: &input.resource_type })?;
    let message = match proved.holds {
        true => "The resource policy does not grant public access for the given resource type.",
        false => "The resource policy grants public access for the given resource type.",
    };
    let (result, reasons) = told(&proved);
    Ok(CheckNoPublicAccessResponse { result, reasons, message: Some(message.to_owned()) })
}
