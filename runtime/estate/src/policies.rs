//! Puts the services' questions about policies to the evaluator and the prover.

use std::sync::Arc;

use decide_iam::{Policy, PolicyKind};
use model::policy::{
    Finding, Guarded, Outsider, Policies, PolicyCheck, Proof, Proved, Reason, Review, Simulated, Simulation,
    Zone,
};
use model::{Fault, Snapshot};
use prove::policy::{Access, Answer, PolicyType, Prover};

use crate::Estate;

impl Policies for Estate {
    fn check(&self, kind: PolicyCheck, text: &str) -> Result<(), Fault> {
        decide::check(kind, text)
    }

    fn prove(&self, proof: &Proof<'_>) -> Result<Proved, Fault> {
        prove(proof)
    }

    fn outsiders(&self, guarded: &Guarded<'_>, zone: &Zone) -> Result<Vec<Outsider>, Fault> {
        outsiders(guarded, zone)
    }

    fn simulate(&self, snapshot: &Snapshot, simulation: &Simulation<'_>) -> Result<Simulated, Fault> {
        decide::simulate(snapshot, simulation)
    }

    fn review(&self, review: &Review<'_>) -> Result<Vec<Finding>, Fault> {
        decide::review(review)
    }

    fn context_keys(&self, kind: PolicyCheck, text: &str) -> Result<Vec<String>, Fault> {
        decide::context_keys(kind, text)
    }
}

/// What is unknown is an error: neither yes nor no.
fn prove(proof: &Proof<'_>) -> Result<Proved, Fault> {
    let prover = Prover::default();
    let answer = match *proof {
        Proof::NoNewAccess { existing, new, of } => {
            let of = policy_type(of);
            let (existing, new) = (policy(existing, of)?, policy(new, of)?);
            prover.check_no_new_access(&[existing], &[new], of)
        }
        Proof::AccessNotGranted { policy: text, of, access } => {
            let of = policy_type(of);
            let each = access.iter().cloned();
            let access: Vec<Access> =
                each.map(|a| Access { actions: a.actions, resources: a.resources }).collect();
            prover.check_access_not_granted(&policy(text, of)?, of, &access)
        }
        Proof::NoPublicAccess { policy: text, resource_type } => {
            // Also asked when a policy is written, while other writers wait.
            let prover = Prover::brief();
            prover.check_no_public_access(&policy(text, PolicyType::ResourcePolicy)?, resource_type)
        }
    };
    match answer {
        Answer::Pass => Ok(Proved { holds: true, reasons: Vec::new() }),
        Answer::Fail { reasons, .. } => {
            let each = reasons.into_iter();
            let each =
                each.map(|r| Reason { statement: r.statement, sid: r.sid, description: r.description });
            Ok(Proved { holds: false, reasons: each.collect() })
        }
        Answer::Unknown { reason } => Err(unknown(&reason)),
    }
}

/// Asked while other writers wait, so without taking long.
fn outsiders(guarded: &Guarded<'_>, zone: &Zone) -> Result<Vec<Outsider>, Fault> {
    let kind = match guarded.of {
        PolicyCheck::Trust => PolicyKind::Trust,
        other => policy_type(other).kind(),
    };
    let Guarded { policy, resource_type, arn, actions, .. } = *guarded;
    let owner = guarded.owner.as_str();
    let guarded = prove::policy::Guarded { policy, kind, resource_type, arn, owner, actions };
    let accounts = zone.accounts.iter().map(ToString::to_string).collect();
    let zone = prove::policy::Zone { accounts, organization: zone.organization.clone() };
    let found = Prover::brief().outsiders(&guarded, &zone).map_err(|reason| unknown(&reason))?;
    let each = found.into_iter().map(|o| Outsider {
        principal: o.principal,
        condition: o.condition,
        public: o.public,
        actions: o.actions,
    });
    Ok(each.collect())
}

fn unknown(reason: &str) -> Fault {
    let message = format!("The policy could not be analyzed: {reason}");
    Fault::new("UnprocessableEntityException", 422, message)
}

fn policy_type(of: PolicyCheck) -> PolicyType {
    match of {
        PolicyCheck::Identity | PolicyCheck::Session | PolicyCheck::Scp => PolicyType::IdentityPolicy,
        PolicyCheck::Resource | PolicyCheck::Trust | PolicyCheck::Rcp | PolicyCheck::Endpoint => {
            PolicyType::ResourcePolicy
        }
    }
}

fn policy(text: &str, of: PolicyType) -> Result<Arc<Policy>, Fault> {
    let policy = Policy::parse(text, of.kind());
    policy
        .map(Arc::new)
        .map_err(|malformed| Fault::client("InvalidParameterException", malformed.to_string()))
}
