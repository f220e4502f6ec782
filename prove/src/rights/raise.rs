//! Whether somebody can raise the own rights by one of the known ways.
//!
//! Someone or something with more rights is what can do a request that the caller cannot. A template
//! tells of a part of its account: the rest is presumed to hold one user, group, role, function and policy
//! by the name `someone-else` with every right, so that a permission for all of a kind counts and one for
//! names in particular does not. Administrators have nothing to raise.

use std::cell::RefCell;
use std::collections::BTreeMap;

use decide_iam::{Attached, Effect, Layers, Policy, PolicyKind, Scope, Statement};
use serde_json::json;

use super::escalation::{By, On, WAYS, Way};
use super::{Allowed, Finding, Holder, Known, Outcome, Owned, Rights, Spot};
use crate::policy::{Answer, Goal, Prover, Who};

const RULE: &str = "escalation";
const SOMEONE: &str = "someone-else";
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// Whom or what a way leads through.
struct Pivot {
    arn: String,
    name: String,
    /// With its policy, where it stands in the estate.
    owned: Option<Owned>,
    /// Whose rights are gained: an index of holders; none: every right is presumed.
    gives: Option<usize>,
}

/// What a way comes to.
enum Result {
    Open { requests: Vec<Allowed>, gain: Option<String> },
    Closed,
    Unknown(String),
}

/// Whether rights are more than others.
#[derive(Clone)]
enum Gain {
    Yes(Option<String>),
    No,
    Unknown(String),
}

struct Raiser<'a> {
    rights: &'a Rights,
    holder: &'a Holder,
    gains: RefCell<BTreeMap<usize, Gain>>,
    /// Roles that it may hand to some service: asked once, not for each of the many services.
    passes: RefCell<BTreeMap<String, bool>>,
}

impl Rights {
    /// Each way by which someone other than an administrator raises the own rights.
    pub fn escalations(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for holder in self.holders.iter().filter(|h| !h.is_linked() && !self.is_administrator(h)) {
            let raiser =
                Raiser { rights: self, holder, gains: RefCell::default(), passes: RefCell::default() };
            found.extend(raiser.found());
        }
        found
    }

    /// How many were asked about.
    pub fn ordinary(&self) -> usize {
        self.holders.iter().filter(|h| !h.is_linked() && !self.is_administrator(h)).count()
    }

    /// May do whatever the limits of its account leave to anyone.
    pub fn is_administrator(&self, holder: &Holder) -> bool {
        let everything = [Rights::everything("everything")];
        let now = self.layers(holder, None, "");
        let most = Layers { identity: &everything, boundary: None, ..now };
        let principal = holder.principal();
        Prover::default().exceeds((&principal, &most), (&principal, &now)) == Answer::Pass
    }
}

impl Raiser<'_> {
    fn found(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let doubt = self.holder.doubts.first();
        let room = self.room();
        for way in WAYS.iter().filter(|way| self.is_for(way)) {
            let (outcome, requests, why) = match self.walk(way, &room) {
                Result::Closed => continue,
                Result::Unknown(why) => (Outcome::Undecided, Vec::new(), Some(why)),
                Result::Open { requests, gain } => match doubt {
                    Some(why) => (Outcome::Undecided, requests, Some(why.clone())),
                    None => {
                        let gain = gain.map(|g| format!("and could then {g}"));
                        (Outcome::Violated, requests, gain)
                    }
                },
            };
            let said = if outcome == Outcome::Violated { "can raise" } else { "can perhaps raise" };
            let why = why.map(|why| format!("; {why}")).unwrap_or_default();
            let spot = requests.first().and_then(Allowed::spot).unwrap_or_else(|| self.holder.spot.clone());
            found.push(Finding {
                rule: RULE,
                outcome,
                subject: self.holder.name.clone(),
                message: format!(
                    "{} {said} its own rights ({}): it {}{why}",
                    self.holder.name, way.id, way.how
                ),
                spot,
                requests,
            });
        }
        if let (true, Some(doubt)) = (found.is_empty(), doubt) {
            let message =
                format!("whether {} can raise its own rights is not known: {doubt}", self.holder.name);
            let (subject, spot) = (self.holder.name.clone(), self.holder.spot.clone());
            let (outcome, requests) = (Outcome::Undecided, Vec::new());
            found.push(Finding { rule: RULE, outcome, subject, message, spot, requests });
        }
        found
    }

    fn is_for(&self, way: &Way) -> bool {
        let bounded = !way.id.ends_with("-boundary") || self.holder.boundary.is_some();
        let kind = match way.by {
            By::Anyone => true,
            By::Users => self.holder.is_user,
            By::Roles => !self.holder.is_user,
        };
        kind && bounded
    }

    /// Whether policies of its own could give it more, within what limits it.
    fn room(&self) -> Gain {
        let everything = [Rights::everything("everything")];
        let now = self.rights.layers(self.holder, None, "");
        let most = Layers { identity: &everything, ..now };
        let principal = self.holder.principal();
        gain(Prover::default().exceeds((&principal, &most), (&principal, &now)))
    }

    /// Whether one of its statements is about the action and the resource at all. Sparing the prover the
    /// many that none is about keeps large templates quick.
    fn mentions(&self, action: &str, resource: &str) -> bool {
        let action = action.to_ascii_lowercase();
        let done = |s: &Statement| match &s.actions {
            Scope::Only(patterns) => {
                patterns.iter().any(|p| crate::glob::meet(&p.text().to_ascii_lowercase(), &action))
            }
            Scope::Except(_) => true,
        };
        let about = |s: &Statement| match &s.resources {
            Some(Scope::Only(names)) => {
                names.iter().any(|n| n.text().contains('$') || crate::glob::meet(n.text(), resource))
            }
            _ => true,
        };
        let statements = self.holder.identity.iter().flat_map(|a| a.policy.statements());
        statements.filter(|s| s.effect == Effect::Allow).any(|s| done(s) && about(s))
    }

    fn walk(&self, way: &Way, room: &Gain) -> Result {
        // A role may trust someone without a permission of his own.
        let mut own = way.steps.iter().filter(|(action, _)| !action.starts_with("sts:"));
        if !own.all(|(action, _)| self.mentions(action, "*")) {
            return Result::Closed;
        }
        let makes = way.steps.iter().find(|(_, on)| matches!(on, On::NewRole | On::NewUser));
        let pivots = match makes {
            Some((_, on)) => self.new_ones(way, *on),
            None => self.pivots(way),
        };
        let boundary = way.id.ends_with("-boundary");
        let own = |on: &On| matches!(on, On::Itself | On::OwnPolicy | On::OwnGroup);
        let own = !boundary && way.steps.iter().any(|(_, on)| own(on));
        let mut unknown = None;
        for pivot in &pivots {
            let requests = match self.steps(way, pivot) {
                Ok(Some(requests)) => requests,
                Ok(None) => continue,
                Err(why) => {
                    unknown = Some(why);
                    continue;
                }
            };
            let gain = match pivot.gives {
                _ if own => room.clone(),
                Some(at) => self.gain(at),
                None => self.joined(&pivot.arn),
            };
            match gain {
                Gain::Yes(gain) => return Result::Open { requests, gain },
                Gain::No => {}
                Gain::Unknown(why) => unknown = Some(format!("{}: {why}", pivot.name)),
            }
        }
        unknown.map_or(Result::Closed, Result::Unknown)
    }

    /// What one of the others could do more than this one.
    fn gain(&self, at: usize) -> Gain {
        if let Some(known) = self.gains.borrow().get(&at) {
            return known.clone();
        }
        let gain = match self.rights.holders.get(at) {
            Some(other) if !other.doubts.is_empty() => {
                Gain::Unknown(other.doubts.first().cloned().unwrap_or_default())
            }
            Some(other) => {
                let (more, less) =
                    (self.rights.layers(other, None, ""), self.rights.layers(self.holder, None, ""));
                let (by, than) = (other.principal(), self.holder.principal());
                gain(Prover::default().exceeds((&by, &more), (&than, &less)))
            }
            None => Gain::No,
        };
        self.gains.borrow_mut().insert(at, gain.clone());
        gain
    }

    /// What a group would give; of what is not known, every right is presumed.
    fn joined(&self, arn: &str) -> Gain {
        let Some(group) = self.rights.groups.iter().find(|g| g.arn == arn) else { return Gain::Yes(None) };
        if let Some(doubt) = group.doubts.first() {
            return Gain::Unknown(doubt.clone());
        }
        let managed = group.managed.iter().map(|arn| self.rights.policies.get(arn).cloned());
        let Some(managed) = managed.collect::<Option<Vec<_>>>() else { return Gain::Yes(None) };
        let now = self.rights.layers(self.holder, None, "");
        let identity: Vec<Attached> =
            now.identity.iter().chain(&group.identity).chain(&managed).cloned().collect();
        let principal = self.holder.principal();
        let more = Layers { identity: &identity, ..now };
        gain(Prover::default().exceeds((&principal, &more), (&principal, &now)))
    }

    /// The requests of all steps; `None`: one of them is not allowed.
    fn steps(&self, way: &Way, pivot: &Pivot) -> std::result::Result<Option<Vec<Allowed>>, String> {
        let mut requests = Vec::new();
        for (action, on) in way.steps {
            match self.step(action, *on, pivot) {
                Answer::Fail { counterexample, .. } => {
                    let trusting = self.trusting();
                    let layers = self.around(action, *on, pivot, &trusting);
                    let Some(allowed) = Allowed::by(*counterexample, &layers) else { return Ok(None) };
                    requests.push(allowed);
                }
                Answer::Pass => return Ok(None),
                Answer::Unknown { reason } => return Err(reason),
            }
        }
        Ok(Some(requests))
    }

    fn around<'a>(&'a self, action: &str, on: On, pivot: &'a Pivot, trusting: &'a Attached) -> Layers<'a> {
        let target = pivot.owned.as_ref().filter(|_| !matches!(on, On::At(_) | On::Itself));
        let mut layers = self.rights.layers(self.holder, target, action);
        if on == On::Trusting {
            layers.resource = Some(trusting);
            layers.resource_consent = decide_iam::Consent::Required;
        }
        layers
    }

    fn step(&self, action: &str, on: On, pivot: &Pivot) -> Answer {
        let resource = match on {
            On::Itself => self.holder.arn.clone(),
            On::At(pattern) => pattern.replace("{a}", &self.holder.account),
            _ => pivot.arn.clone(),
        };
        if !action.starts_with("sts:") && !self.mentions(action, &resource) {
            return Answer::Pass;
        }
        let trusting = self.trusting();
        let layers = self.around(action, on, pivot, &trusting);
        let target = pivot.owned.as_ref().filter(|_| !matches!(on, On::At(_) | On::Itself));
        let mut goal = Goal {
            actions: vec![action.to_owned()],
            resources: vec![resource],
            resource_account: self.holder.account.clone(),
            known: Rights::tags(&layers, Some(self.holder), target),
        };
        goal.known.extend(self.known(action, on, pivot));
        let who = Who::Exactly(self.holder.principal());
        let ask = |goal: &Goal| Prover::default().who_can(&layers, &who, goal);
        if !action.starts_with("iam:Attach") {
            return ask(&goal);
        }
        // The policy that gives everything, else any other that gives more.
        let mut answer = Answer::Pass;
        for policy in self.attachable() {
            let mut goal = goal.clone();
            goal.known.push(("iam:PolicyARN".to_owned(), Some(policy)));
            answer = ask(&goal);
            if answer != Answer::Pass {
                return answer;
            }
        }
        answer
    }

    /// What the request says of itself.
    fn known(&self, action: &str, on: On, pivot: &Pivot) -> Known {
        const BOUNDARY: &str = "iam:PermissionsBoundary";
        let of = |bound: Option<&String>| vec![(BOUNDARY.to_owned(), bound.cloned())];
        let holder = |at: usize| self.rights.holders.get(at);
        match on {
            On::Passed(service) => vec![("iam:PassedToService".to_owned(), Some(service.to_owned()))],
            On::NewRole | On::NewUser => of(None),
            On::Itself if action.contains(":Put") && action.ends_with("PermissionsBoundary") => {
                of(Some(&ADMINISTRATOR.to_owned()))
            }
            On::Itself => of(self.holder.bound_by.as_ref()),
            On::OtherUser | On::Role => match pivot.gives.and_then(holder) {
                Some(other) => of(other.bound_by.as_ref()),
                None => Known::new(),
            },
            _ => Known::new(),
        }
    }

    /// Policies that give more than it has.
    fn attachable(&self) -> Vec<String> {
        let mut arns = vec![ADMINISTRATOR.to_owned()];
        if !self.rights.whole {
            arns.push(format!("arn:aws:iam::{}:policy/{SOMEONE}", self.holder.account));
        }
        let principal = self.holder.principal();
        let now = self.rights.layers(self.holder, None, "");
        let more = |attached: &&Attached| {
            let identity: Vec<Attached> = now.identity.iter().chain([*attached]).cloned().collect();
            let layers = Layers { identity: &identity, ..now };
            Prover::default().exceeds((&principal, &layers), (&principal, &now)) != Answer::Pass
        };
        // Only where conditions tell policies apart is it worth the time to compare them.
        let asks =
            now.identity.iter().chain(now.boundary.into_iter().flatten()).chain(now.scps.iter().flatten());
        let asks = asks.flat_map(|a| a.policy.keys()).any(|k| k.eq_ignore_ascii_case("iam:PolicyARN"));
        if asks {
            let others = self.rights.policies.values().filter(more);
            arns.extend(others.filter_map(|a| a.arn.clone()));
        }
        arns.dedup();
        arns
    }

    /// What is made on the way: a name that every step is allowed for, if there is one.
    fn new_ones(&self, way: &Way, on: On) -> Vec<Pivot> {
        let kind = if on == On::NewUser { "user" } else { "role" };
        let arn = |name: &str| format!("arn:aws:iam::{}:{kind}/{name}", self.holder.account);
        let of = |arn: String| Pivot { name: arn.clone(), arn, owned: None, gives: None };
        let any = of(arn("*"));
        let mut pivots = vec![of(arn(SOMEONE))];
        for (action, on) in way.steps.iter().filter(|(_, on)| matches!(on, On::NewRole | On::NewUser)) {
            match self.step(action, *on, &any) {
                Answer::Fail { counterexample, .. } => pivots.push(of(counterexample.resource)),
                Answer::Pass => return Vec::new(),
                Answer::Unknown { .. } => {}
            }
        }
        pivots
    }

    /// Whom or what the way may lead through.
    fn pivots(&self, way: &Way) -> Vec<Pivot> {
        let nothing = || Pivot { arn: String::new(), name: String::new(), owned: None, gives: None };
        let needed = way.steps.iter().map(|(_, on)| *on).find(|on| !matches!(on, On::Itself | On::At(_)));
        let Some(on) = needed else { return vec![nothing()] };
        let account = &self.holder.account;
        let own_account = |arn: &String| super::read::account(arn) == *account;
        let named = |arn: &String| Pivot {
            name: arn.clone(),
            arn: arn.clone(),
            owned: self.rights.find(arn).cloned(),
            gives: None,
        };
        let mut pivots: Vec<Pivot> = match on {
            On::OwnPolicy => self.holder.managed.iter().filter(|a| own_account(a)).map(named).collect(),
            On::OwnGroup => self.holder.groups.iter().filter(|a| own_account(a)).map(named).collect(),
            On::OtherGroup => {
                let groups = self.rights.groups.iter().map(|g| &g.arn);
                groups.filter(|a| !self.holder.groups.contains(a)).map(named).collect()
            }
            On::OtherUser => self.others(true, &named),
            On::Role | On::Trusting => self.others(false, &named),
            On::Passed(service) => {
                let mut roles = self.others(false, &named);
                roles.retain(|pivot| pivot.owned.as_ref().is_none_or(|o| trusts(o, service)));
                roles.retain(|pivot| self.passes(pivot));
                roles
            }
            On::Function => self.functions(),
            On::Itself | On::Same | On::At(_) | On::NewRole | On::NewUser => Vec::new(),
        };
        let kind = match on {
            On::OwnPolicy => "policy/",
            On::OtherGroup => "group/",
            On::OtherUser => "user/",
            On::Role | On::Trusting | On::Passed(_) => "role/",
            _ => "",
        };
        if !self.rights.whole && (!kind.is_empty() || on == On::Function) {
            pivots.push(self.presumed(on, kind));
        }
        pivots
    }

    fn passes(&self, pivot: &Pivot) -> bool {
        if let Some(known) = self.passes.borrow().get(&pivot.arn) {
            return *known;
        }
        let passes = self.step("iam:PassRole", On::Same, pivot) != Answer::Pass;
        self.passes.borrow_mut().insert(pivot.arn.clone(), passes);
        passes
    }

    /// What the rest of the account is presumed to hold.
    fn presumed(&self, on: On, kind: &str) -> Pivot {
        let account = &self.holder.account;
        let arn = match on {
            On::Function => format!("arn:aws:lambda:us-east-1:{account}:function:{SOMEONE}"),
            _ => format!("arn:aws:iam::{account}:{kind}{SOMEONE}"),
        };
        let trust = trust(&format!("arn:aws:iam::{account}:root"));
        let owned = (on == On::Role).then(|| Owned {
            name: SOMEONE.to_owned(),
            called: SOMEONE.to_owned(),
            kind: "AWS::IAM::Role".to_owned(),
            arn: arn.clone(),
            account: account.clone(),
            policy: Some(trust),
            restricted: false,
            role: None,
            tags: None,
            doubts: Vec::new(),
            spot: Spot::default(),
        });
        Pivot { name: arn.clone(), arn, owned, gives: None }
    }

    fn others(&self, users: bool, named: &dyn Fn(&String) -> Pivot) -> Vec<Pivot> {
        let all = self.rights.holders.iter().enumerate();
        let others = all.filter(|(_, h)| h.is_user == users && h.arn != self.holder.arn && !h.is_linked());
        others.map(|(at, h)| Pivot { gives: Some(at), ..named(&h.arn) }).collect()
    }

    fn functions(&self) -> Vec<Pivot> {
        let functions = self.rights.owned.iter().filter(|o| o.kind == "AWS::Lambda::Function");
        let role = |o: &Owned| self.rights.holders.iter().position(|h| Some(&h.arn) == o.role.as_ref());
        let pivot = |o: &Owned| {
            let gives = role(o);
            Pivot { arn: o.arn.clone(), name: o.name.clone(), owned: Some(o.clone()), gives }
        };
        functions.map(pivot).collect()
    }

    /// A trust policy that the caller wrote for itself.
    fn trusting(&self) -> Attached {
        trust(&self.holder.arn)
    }
}

fn trust(principal: &str) -> Attached {
    let text = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"},
    ]});
    let policy = Policy::read(&text.to_string(), PolicyKind::Trust).unwrap_or_default();
    let name = "the trust policy that it may write".to_owned();
    Attached { name, arn: None, source: None, policy: policy.into() }
}

/// Whether a role may be taken on by a service: its trust policy names it.
fn trusts(role: &Owned, service: &str) -> bool {
    let principal = decide_iam::Principal::named(service, "");
    let statements = role.policy.iter().flat_map(|p| p.policy.statements());
    let named = |s: &decide_iam::Statement| match &s.principals {
        Some(Scope::Only(names)) => names.iter().any(|n| n.grants(&principal).is_some()),
        _ => true,
    };
    statements.filter(|s| s.effect == Effect::Allow).any(named)
}

fn gain(answer: Answer) -> Gain {
    match answer {
        Answer::Pass => Gain::No,
        Answer::Unknown { reason } => Gain::Unknown(reason),
        Answer::Fail { counterexample, .. } => {
            Gain::Yes(Some(format!("`{}` on `{}`", counterexample.action, counterexample.resource)))
        }
    }
}
