//! What a change grants that was not granted before: each user and role with all that limits it, each
//! resource with its own policy.

use std::sync::Arc;

use decide_iam::{Layers, Policy, PolicyKind};
use serde_json::json;

use super::{Allowed, Finding, Holder, Outcome, Owned, Rights, Spot};
use crate::policy::{Answer, PolicyType, Prover};

const RULE: &str = "new-access";

impl Rights {
    /// What these rights allow and the old ones did not.
    pub fn new_access(&self, old: &Rights) -> Vec<Finding> {
        let holders = self.holders.iter().filter_map(|holder| self.of_holder(holder, old));
        holders.chain(self.owned.iter().filter_map(|owned| of_policy(owned, old))).collect()
    }

    fn of_holder(&self, holder: &Holder, old: &Rights) -> Option<Finding> {
        let before = old.holders.iter().find(|h| h.arn == holder.arn);
        let then = before.map(|h| old.layers(h, None, "")).unwrap_or_default();
        let now = self.layers(holder, None, "");
        let principal = holder.principal();
        let answer = Prover::default().exceeds((&principal, &now), (&principal, &then));
        let mut doubts = before.iter().flat_map(|h| &h.doubts).chain(&holder.doubts);
        told(&holder.name, &holder.spot, answer, doubts.next().cloned(), &now)
    }
}

/// The policy of a resource, against what it was; that of a new one against its account's own use of it.
fn of_policy(owned: &Owned, old: &Rights) -> Option<Finding> {
    let before = old.owned.iter().find(|o| o.arn == owned.arn);
    let mut doubts = before.iter().flat_map(|o| &o.doubts).chain(&owned.doubts);
    let doubt = doubts.next().cloned();
    let now = match (&owned.policy, &doubt) {
        (Some(policy), _) => policy,
        (None, None) => return None,
        (None, Some(_)) => return told(&owned.name, &owned.spot, Answer::Pass, doubt, &Layers::default()),
    };
    let then: Vec<Arc<Policy>> = match before {
        Some(before) => before.policy.iter().map(|a| Arc::clone(&a.policy)).collect(),
        None => own_use(&owned.account).into_iter().collect(),
    };
    let new = [Arc::clone(&now.policy)];
    let answer = Prover::default().check_no_new_access(&then, &new, PolicyType::ResourcePolicy);
    // Whoever is let in needs permissions of his own; these are elsewhere.
    let own = [Rights::everything("whatever it has")];
    let layers = Layers { resource: Some(now), identity: &own, ..Layers::default() };
    told(&format!("{}'s policy", owned.name), &owned.spot, answer, doubt, &layers)
}

fn own_use(account: &str) -> Option<Arc<Policy>> {
    let text = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"AWS": account}, "Action": "*", "Resource": "*",
    }});
    Policy::read(&text.to_string(), PolicyKind::Resource).ok().map(Arc::new)
}

fn told(
    name: &str,
    spot: &Spot,
    answer: Answer,
    doubt: Option<String>,
    layers: &Layers<'_>,
) -> Option<Finding> {
    let make = |outcome, message, spot, requests| {
        Some(Finding { rule: RULE, outcome, subject: name.to_owned(), message, spot, requests })
    };
    match (answer, doubt) {
        (Answer::Pass, None) => None,
        (Answer::Unknown { reason: why }, _) | (Answer::Pass, Some(why)) => {
            let message = format!("whether {name} allows more than before is not known: {why}");
            make(Outcome::Undecided, message, spot.clone(), Vec::new())
        }
        (Answer::Fail { counterexample, .. }, doubt) => {
            let allowed = Allowed::by(*counterexample, layers);
            let at = allowed.as_ref().and_then(Allowed::spot).unwrap_or_else(|| spot.clone());
            let requests = Vec::from_iter(allowed);
            match doubt {
                None => {
                    make(Outcome::Violated, format!("{name} allows what it did not before"), at, requests)
                }
                Some(why) => {
                    let message = format!("{name} perhaps allows what it did not before; {why}");
                    make(Outcome::Undecided, message, at, requests)
                }
            }
        }
    }
}
