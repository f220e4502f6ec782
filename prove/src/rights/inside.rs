//! Which users and roles can do what to a resource, each with the actions that it can.

use std::collections::BTreeMap;

use super::resources::asked;
use super::{Holder, Owned, Rights};
use crate::policy::{Answer, Goal, Prover, Who};

/// A user or a role that can do something to a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insider {
    pub arn: String,
    pub account: String,
    pub is_user: bool,
    /// In order; none where it is not known.
    pub actions: Vec<String>,
    /// Why it is not known what it can do.
    pub unknown: Option<String>,
}

impl Rights {
    /// The users and roles of these accounts that can do any of the actions to the resource of an ARN.
    /// Service-linked roles are left out: only AWS acts by them.
    pub fn insiders(&self, arn: &str, actions: &[String], accounts: &[String]) -> Vec<Insider> {
        let Some(target) = self.find(arn) else { return Vec::new() };
        let mut parts: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
        for action in actions {
            parts.entry(asked(action, arn)).or_default().push(action.clone());
        }
        let within = |h: &&Holder| accounts.contains(&h.account) && !h.is_linked();
        let insider = |holder: &Holder| {
            let (actions, unknown) = match self.abilities(holder, target, &parts) {
                Ok(actions) if actions.is_empty() => return None,
                Ok(actions) => (actions, None),
                Err(why) => (Vec::new(), Some(why)),
            };
            let Holder { arn, account, is_user, .. } = holder;
            Some(Insider { arn: arn.clone(), account: account.clone(), is_user: *is_user, actions, unknown })
        };
        self.holders.iter().filter(within).filter_map(insider).collect()
    }

    /// The actions that a holder can do, by the part of the resource that they are about.
    fn abilities(
        &self,
        holder: &Holder,
        target: &Owned,
        parts: &BTreeMap<Vec<String>, Vec<String>>,
    ) -> Result<Vec<String>, String> {
        if let Some(doubt) = holder.doubts.iter().chain(&target.doubts).next() {
            return Err(doubt.clone());
        }
        let mut able = Vec::new();
        for (part, actions) in parts {
            // Most can do nothing at all, which is one question.
            if self.can_any(holder, target, actions, part)? {
                for action in actions {
                    if self.can_any(holder, target, std::slice::from_ref(action), part)? {
                        able.push(action.clone());
                    }
                }
            }
        }
        able.sort();
        Ok(able)
    }

    fn can_any(
        &self,
        holder: &Holder,
        target: &Owned,
        actions: &[String],
        part: &[String],
    ) -> Result<bool, String> {
        let Some(first) = actions.first() else { return Ok(false) };
        let layers = self.layers(holder, Some(target), first);
        let goal = Goal {
            actions: actions.to_vec(),
            resources: part.to_vec(),
            resource_account: target.account.clone(),
            known: Rights::tags(&layers, Some(holder), Some(target)),
        };
        match Prover::brief().who_can(&layers, &Who::Exactly(holder.principal()), &goal) {
            Answer::Pass => Ok(false),
            Answer::Fail { .. } => Ok(true),
            Answer::Unknown { reason } => Err(reason),
        }
    }
}
