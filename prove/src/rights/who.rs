//! Who can do something to a resource: each user and role, and whoever the resource's own policy lets in.

use decide_iam::{Effect, Layers, PrincipalKind, PrincipalPattern, Scope};

use super::resources::asked;
use super::{Allowed, Finding, Holder, Outcome, Owned, Rights};
use crate::policy::{Answer, Goal, Prover, Who};

const RULE: &str = "who-can";

/// Who is asked about besides users and roles.
struct Outsider {
    /// What a user of the program calls it.
    name: String,
    who: Who,
}

impl Rights {
    /// Everyone who can do `action` to what is called `to`; what is undecided comes with it.
    pub fn who_can(&self, action: &str, to: &str) -> Result<Vec<Finding>, String> {
        let part = |text: &str| !text.is_empty() && !text.contains([':', ' ']);
        match action.split_once(':') {
            Some((vendor, name)) if part(vendor) && part(name) && !vendor.contains('*') => {}
            _ => return Err(format!("`{action}` is no action; write it as `kms:Decrypt`")),
        }
        let (target, arn) = self.target(to)?;
        let goal = Goal {
            actions: vec![action.to_owned()],
            resources: asked(action, &arn),
            resource_account: target.account.clone(),
            ..Goal::default()
        };
        let mut found: Vec<Finding> =
            self.holders.iter().filter_map(|holder| self.holder_can(holder, target, &goal)).collect();
        found.extend(self.sessions_can(target, &goal));
        for outsider in self.outsiders(target, action) {
            found.extend(self.outsider_can(&outsider, target, &goal));
        }
        Ok(found)
    }

    /// The resource of a logical id, a name or an ARN; the ARN may go on within the resource.
    fn target(&self, to: &str) -> Result<(&Owned, String), String> {
        let exact: Vec<&Owned> =
            self.owned.iter().filter(|o| [&o.name, &o.called, &o.arn].iter().any(|n| *n == to)).collect();
        if let [one] = exact.as_slice() {
            return match one.kind.as_str() {
                "AWS::KMS::Alias" => self.aliased(one),
                _ => Ok((one, one.arn.clone())),
            };
        }
        if exact.len() > 1 {
            let arns: Vec<&str> = exact.iter().map(|o| o.arn.as_str()).collect();
            return Err(format!(
                "`{to}` is the name of several resources; give the ARN: {}",
                arns.join(", ")
            ));
        }
        let within = |o: &&Owned| to.strip_prefix(&o.arn).is_some_and(|rest| rest.starts_with(['/', ':']));
        let within = self.owned.iter().find(within);
        let missing = || format!("no resource has the logical id, name or ARN `{to}`");
        within.map(|owned| (owned, to.to_owned())).ok_or_else(missing)
    }

    /// Permissions are for the key, not for its alias.
    fn aliased(&self, alias: &Owned) -> Result<(&Owned, String), String> {
        let keys = self.owned.iter().filter(|o| o.kind == "AWS::KMS::Key");
        let mut keys = keys.filter(|o| alias.role.as_ref().is_some_and(|t| *t == o.arn || *t == o.called));
        let unknown = || format!("`{}` is an alias: name the key itself", alias.name);
        keys.next().map(|key| (key, key.arn.clone())).ok_or_else(unknown)
    }

    fn holder_can(&self, holder: &Holder, target: &Owned, goal: &Goal) -> Option<Finding> {
        self.caller_can(holder, &holder.name, holder.principal(), target, goal)
    }

    /// Sessions that grants name; what else is a session's is its role's.
    fn sessions_can(&self, target: &Owned, goal: &Goal) -> Vec<Finding> {
        let named = self.granted(target).iter().filter_map(|grant| match &grant.grantee {
            PrincipalPattern::Id(id) => id.split_once(':').map(|(role, session)| (&**id, role, session)),
            _ => None,
        });
        let mut named: Vec<_> = named.collect();
        named.sort_unstable();
        named.dedup();
        let found = named.into_iter().filter_map(|(id, role, session)| {
            let holder = self.holders.iter().find(|h| h.id == role)?;
            let role_name = holder.arn.rsplit('/').next().unwrap_or_default();
            let principal = decide_iam::Principal {
                arn: format!("arn:aws:sts::{}:assumed-role/{role_name}/{session}", holder.account),
                account: holder.account.clone(),
                id: id.to_owned(),
                kind: PrincipalKind::AssumedRole {
                    role_arn: holder.arn.clone(),
                    session_name: session.to_owned(),
                },
            };
            self.caller_can(
                holder,
                &format!("{} in the session {session}", holder.name),
                principal,
                target,
                goal,
            )
        });
        found.collect()
    }

    fn caller_can(
        &self,
        holder: &Holder,
        name: &str,
        principal: decide_iam::Principal,
        target: &Owned,
        goal: &Goal,
    ) -> Option<Finding> {
        let action = goal.actions.first()?;
        let layers = self.layers(holder, Some(target), action);
        let goal = Goal { known: Rights::tags(&layers, Some(holder), Some(target)), ..goal.clone() };
        let answer = Prover::default().who_can(&layers, &Who::Exactly(principal), &goal);
        let mut doubts = holder.doubts.iter().chain(&target.doubts);
        let doubt = doubts.next().map(|d| format!("{}: {d}", holder.name));
        let doubt = doubt.or_else(|| self.partly(holder, action).filter(|_| answer == Answer::Pass));
        finding(name, answer, &layers, doubt, target, action)
    }

    /// AWS's own policies may say more about services that are not served.
    fn partly(&self, holder: &Holder, action: &str) -> Option<String> {
        const COMPLETE: [&str; 2] = ["AdministratorAccess", "PowerUserAccess"];
        let (vendor, _) = action.split_once(':')?;
        if self.served.is_empty() || self.served.iter().any(|s| s.eq_ignore_ascii_case(vendor)) {
            return None;
        }
        let partial = |arn: &&String| {
            let name = arn.strip_prefix("arn:aws:iam::aws:policy/");
            name.is_some_and(|name| !COMPLETE.contains(&name))
        };
        let arn = holder.managed.iter().find(partial)?;
        Some(format!("{}: what `{arn}` says about `{vendor}` is not known", holder.name))
    }

    fn outsider_can(&self, outsider: &Outsider, target: &Owned, goal: &Goal) -> Option<Finding> {
        let action = goal.actions.first()?;
        let mut layers = self.around(Some(target), action);
        let root = matches!(&outsider.who, Who::Exactly(p) if p.kind == PrincipalKind::Root && p.account == target.account);
        let everything = [Rights::everything("whatever it has")];
        if root {
            layers.scps = self.accounts.get(&target.account).map(|l| l.scps.as_slice()).unwrap_or_default();
        } else if target.restricted
            && !matches!(&outsider.who, Who::Exactly(p) if matches!(p.kind, PrincipalKind::Service(_)))
        {
            let public = layers
                .resource
                .map(|r| Prover::default().check_no_public_access(&r.policy, "AWS::S3::Bucket"));
            if matches!(public, Some(Answer::Fail { .. })) {
                return None;
            }
        }
        if matches!(outsider.who, Who::Exactly(_)) && !root {
            layers.identity = &everything;
        }
        let goal = Goal { known: Rights::tags(&layers, None, Some(target)), ..goal.clone() };
        let answer = Prover::default().who_can(&layers, &outsider.who, &goal);
        let doubt = target.doubts.first().map(|d| format!("{}: {d}", target.name));
        finding(&outsider.name, answer, &layers, doubt, target, action)
    }

    /// The root user of the account, and everyone whom the resource's policy names and who is not here.
    fn outsiders(&self, target: &Owned, action: &str) -> Vec<Outsider> {
        let principal = |name: &str, account: &str| decide_iam::Principal::named(name, account);
        let root = format!("arn:aws:iam::{}:root", target.account);
        let mut found = vec![Outsider {
            name: format!("root of {}", target.account),
            who: Who::Exactly(principal(&root, &target.account)),
        }];
        let layers = self.around(Some(target), action);
        let statements = layers.resource.iter().flat_map(|r| r.policy.statements());
        let mut open = false;
        for statement in statements.filter(|s| s.effect == Effect::Allow) {
            open |= matches!(statement.principals, Some(Scope::Except(_)));
            for name in statement.principals.iter().flat_map(Scope::listed) {
                let (name, who) = match name {
                    PrincipalPattern::Everyone => {
                        open = true;
                        continue;
                    }
                    PrincipalPattern::Account(account) if **account == target.account => continue,
                    PrincipalPattern::Account(account) => (
                        format!("account {account}"),
                        principal(&format!("arn:aws:iam::{account}:root"), account),
                    ),
                    PrincipalPattern::Arn(arn) if self.holders.iter().any(|h| *h.arn == **arn) => continue,
                    PrincipalPattern::Arn(arn) => {
                        (arn.to_string(), principal(arn, arn.split(':').nth(4).unwrap_or_default()))
                    }
                    PrincipalPattern::Service(name) => (name.to_string(), principal(name, "")),
                    PrincipalPattern::Federated(provider) => {
                        let kind = PrincipalKind::WebIdentity { provider: provider.to_string() };
                        let of = principal("", "");
                        (provider.to_string(), decide_iam::Principal { kind, ..of })
                    }
                    PrincipalPattern::Id(_) | PrincipalPattern::CanonicalUser(_) => continue,
                };
                if !found.iter().any(|known| known.name == name) {
                    found.push(Outsider { name, who: Who::Exactly(who) });
                }
            }
        }
        for grant in self.granted(target) {
            let (name, who) = match &grant.grantee {
                PrincipalPattern::Service(name) => (name.to_string(), principal(name, "")),
                PrincipalPattern::Account(account) if **account != target.account => (
                    format!("account {account}"),
                    principal(&format!("arn:aws:iam::{account}:root"), account),
                ),
                _ => continue,
            };
            if !found.iter().any(|known| known.name == name) {
                found.push(Outsider { name, who: Who::Exactly(who) });
            }
        }
        if open {
            let accounts = self.holders.iter().map(|h| h.account.clone()).chain([target.account.clone()]);
            found.push(Outsider { name: "everyone".to_owned(), who: Who::Outside(accounts.collect()) });
        }
        found
    }
}

fn finding(
    name: &str,
    answer: Answer,
    layers: &Layers<'_>,
    doubt: Option<String>,
    target: &Owned,
    action: &str,
) -> Option<Finding> {
    let make = |outcome, message, spot, requests| {
        Some(Finding { rule: RULE, outcome, subject: name.to_owned(), message, spot, requests })
    };
    let of = format!("`{action}` on {}", target.name);
    match answer {
        Answer::Pass => {
            let why = doubt?;
            let message = format!("whether {name} can {of} is not known: {why}");
            make(Outcome::Undecided, message, target.spot.clone(), Vec::new())
        }
        Answer::Fail { counterexample, .. } => {
            let allowed = Allowed::by(*counterexample, layers)?;
            let spot = allowed.spot().unwrap_or_else(|| target.spot.clone());
            match doubt {
                None => make(Outcome::Told, format!("{name} can {of}"), spot, vec![allowed]),
                Some(why) => {
                    let message = format!("{name} can {of}, unless what is not known denies it: {why}");
                    make(Outcome::Undecided, message, spot, vec![allowed])
                }
            }
        }
        Answer::Unknown { reason } => {
            let message = format!("whether {name} can {of} is not decided: {reason}");
            make(Outcome::Undecided, message, target.spot.clone(), Vec::new())
        }
    }
}
