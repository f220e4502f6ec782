//! Who can do something to a resource, with every layer of policies in force.
//!
//! The layers are weighed as `decide_iam::evaluate` weighs them; what is found is put before it.

use decide_iam::{
    Attached, Consent, Effect, Grant, Layers, Policy, PolicyKind, Principal, PrincipalKind, Statement,
};

use super::answer::{Answer, Reason};
use super::ask::{Callers, Outcome, Question, ask};
use super::atom::{Atoms, Place, Side, WhoTest};
use super::checks::{Access, Prover, Sought, answer};
use super::class::{Class, Kinds};
use super::counterexample::Counterexample;
use super::formula::Formula;
use super::grant::Granted;
use super::language::Pins;

/// Who is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// One user, one role in any session of it, or whoever else this is.
    Exactly(Principal),
    /// Everyone but these accounts and who belongs to them. The anonymous, services and
    /// identity providers belong to none.
    Outside(Vec<String>),
    /// The same but AWS's own services.
    Beyond(Vec<String>),
    /// Whoever belongs to an account.
    Of(String),
    Anyone,
}

/// What is done to a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goal {
    /// Any of these; none: any action.
    pub actions: Vec<String>,
    /// Any of these; none: any resource.
    pub resources: Vec<String>,
    /// The account that owns the resources.
    pub resource_account: String,
    /// Condition keys of which it is known what they hold; `None`: they are absent.
    pub known: Vec<(String, Option<String>)>,
}

impl Prover {
    /// Whether nobody of `who` can do any of it; else an example of who can.
    ///
    /// `layers.identity` and what limits it are those of one caller. Where `who` may be many,
    /// leave them empty: each of them then has every permission in an account of his own.
    pub fn who_can(&self, layers: &Layers<'_>, who: &Who, goal: &Goal) -> Answer {
        let access = Access { actions: goal.actions.clone(), resources: goal.resources.clone() };
        let sought = match (goal.actions.is_empty() && goal.resources.is_empty(), Sought::of(&access)) {
            (true, _) => None,
            (false, Ok(sought)) => Some(sought),
            (false, Err(reason)) => return Answer::Unknown { reason },
        };
        let everything = match everything() {
            Ok(policy) => [policy],
            Err(reason) => return Answer::Unknown { reason },
        };
        let mut layers = *layers;
        if !matches!(who, Who::Exactly(_)) && layers.identity.is_empty() {
            layers.identity = &everything;
        }
        let owner = goal.resource_account.as_str();
        let granted = granted(&layers);
        let formula = |atoms: &mut Atoms| {
            let sought = sought.as_ref().map_or(Formula::Const(true), |s| s.formula(atoms));
            Formula::and([sought, allowed(atoms, &layers, &granted, owner)])
        };
        let confirm = |example: &Counterexample| {
            example.is_allowed(&layers) && sought.as_ref().is_none_or(|s| s.describes(example))
        };
        let kinds = Kinds { detailed: true, root: true, linked: true, strangers: true };
        let keep = |class: &Class| match who {
            Who::Outside(zone) => !zone.contains(&class.example.account),
            Who::Beyond(zone) => {
                let service = matches!(class.example.kind, PrincipalKind::Service(_));
                !service && !zone.contains(&class.example.account)
            }
            Who::Of(account) => class.example.account == *account,
            Who::Exactly(_) | Who::Anyone => true,
        };
        let callers = match who {
            Who::Exactly(principal) => Callers::These(vec![Class::exactly(principal)]),
            Who::Of(account) => {
                Callers::Kinds(kinds, vec![account.clone(), goal.resource_account.clone()], &keep)
            }
            Who::Outside(zone) | Who::Beyond(zone) => {
                let accounts = zone.iter().chain([&goal.resource_account]);
                Callers::Kinds(kinds, accounts.cloned().collect(), &keep)
            }
            Who::Anyone => Callers::Kinds(kinds, vec![goal.resource_account.clone()], &keep),
        };
        let policies = all(&layers).map(|a| &*a.policy).chain(granted.iter().map(|g| &g.policy)).collect();
        let owner = Some(owner);
        let fixed = None;
        let outcome = ask(&Question {
            table: &self.table,
            budget: self.budget,
            policies,
            goal: &formula,
            callers,
            fixed,
            owner,
            known: pins(who, &goal.known),
            confirm: &confirm,
        });
        let answer = answer(outcome, |example| blamed(&layers, example));
        spelled(answer, &goal.known)
    }

    /// Whether a statement of the caller's own policies never allows anything, with every layer in
    /// force; else a request that it allows.
    pub fn never_allows(&self, layers: &Layers<'_>, who: &Principal, statement: &Statement) -> Answer {
        let owner = who.account.as_str();
        let counts = |other: &Statement| std::ptr::eq(other, statement);
        let confirm = |example: &Counterexample| example.is_allowed(layers);
        let granted = granted(layers);
        let outcome = ask(&Question {
            table: &self.table,
            budget: self.budget,
            policies: all(layers).map(|a| &*a.policy).chain(granted.iter().map(|g| &g.policy)).collect(),
            goal: &|atoms| allowed_by(atoms, layers, &granted, owner, &counts),
            callers: Callers::These(vec![Class::exactly(who)]),
            fixed: None,
            owner: Some(owner),
            known: pins(&Who::Exactly(who.clone()), &[]),
            confirm: &confirm,
        });
        answer(outcome, |example| blamed(layers, example))
    }

    /// Whether one caller, with what limits it, can do nothing that another cannot; else an example.
    pub fn exceeds(&self, more: (&Principal, &Layers<'_>), less: (&Principal, &Layers<'_>)) -> Answer {
        let (who, owner) = (Who::Exactly(more.0.clone()), more.0.account.as_str());
        // No resource is meant, and so no key with grants.
        let formula = |atoms: &mut Atoms| {
            let less = allowed(atoms, less.1, &[], owner).not();
            Formula::and([allowed(atoms, more.1, &[], owner), less])
        };
        let confirm =
            |example: &Counterexample| example.is_allowed(more.1) && !example.by(less.0).is_allowed(less.1);
        let outcome = ask(&Question {
            table: &self.table,
            budget: self.budget,
            policies: all(more.1).chain(all(less.1)).map(|a| &*a.policy).collect(),
            goal: &formula,
            callers: Callers::These(vec![Class::exactly(more.0)]),
            fixed: None,
            owner: Some(owner),
            known: pins(&who, &[]),
            confirm: &confirm,
        });
        let outcome = match outcome {
            Outcome::Example(found) => Outcome::Example(Box::new(telling(*found, &confirm))),
            other => other,
        };
        answer(outcome, |example| blamed(more.1, example))
    }
}

/// A request that people know, in the place of one with an action that the search made up.
fn telling(found: Counterexample, confirm: &dyn Fn(&Counterexample) -> bool) -> Counterexample {
    const USUAL: [(&str, &str); 3] = [
        ("iam:CreateUser", "arn:aws:iam::{a}:user/someone"),
        ("s3:GetObject", "arn:aws:s3:::bucket/key"),
        ("ec2:DescribeInstances", "*"),
    ];
    if found.action.contains(|c: char| c.is_ascii_uppercase()) {
        return found;
    }
    let account = found.principal.account.clone();
    let mut usual = USUAL.iter().map(|(action, resource)| Counterexample {
        action: (*action).to_owned(),
        resource: resource.replace("{a}", &account),
        ..found.clone()
    });
    usual.find(|one| confirm(one)).unwrap_or(found)
}

/// Which statements of identity policies count among those that allow.
type Counts<'a> = &'a dyn Fn(&Statement) -> bool;

const ALL: Counts<'static> = &|_| true;

/// What is known beforehand, also by who asks.
fn pins(who: &Who, known: &[(String, Option<String>)]) -> Pins {
    let mut pins: Pins = known.iter().map(|(key, value)| (key.to_ascii_lowercase(), value.clone())).collect();
    if let Who::Exactly(principal) = who {
        let user = principal.kind == PrincipalKind::User;
        let name = principal.arn.rsplit('/').next().filter(|_| user);
        pins.insert("aws:username".to_owned(), name.map(str::to_owned));
    }
    pins
}

/// Keys as they were written, not as they are compared.
fn spelled(mut answer: Answer, known: &[(String, Option<String>)]) -> Answer {
    if let Answer::Fail { counterexample, .. } = &mut answer {
        for (key, _) in &mut counterexample.keys {
            if let Some((written, _)) = known.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)) {
                key.clone_from(written);
            }
        }
    }
    answer
}

fn everything() -> Result<Attached, String> {
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let policy = Policy::read(text, PolicyKind::Identity).map_err(|fault| fault.to_string())?;
    Ok(Attached { name: "every permission".to_owned(), arn: None, source: None, policy: policy.into() })
}

/// All policies in force, in the order in which reasons count them.
fn all<'a>(layers: &Layers<'a>) -> impl Iterator<Item = &'a Attached> + use<'a> {
    let flat = [layers.boundary, layers.session, layers.endpoint].into_iter().flatten().flatten();
    let levels = layers.scps.iter().chain(layers.rcps).flatten();
    layers.identity.iter().chain(layers.resource).chain(flat).chain(levels)
}

/// The statements by which the layers allow.
fn blamed(layers: &Layers<'_>, example: &Counterexample) -> Vec<Reason> {
    example.decided(layers, |verdict| {
        let mut reasons = Vec::new();
        for layer in &verdict.layers {
            let Some(statement) = &layer.statement else { continue };
            let policy = all(layers).position(|a| a.name == statement.policy).unwrap_or_default();
            reasons.push(Reason {
                policy,
                statement: statement.index.saturating_sub(1),
                sid: statement.sid.map(str::to_owned),
                description: layer.to_string(),
            });
        }
        reasons
    })
}

fn granted(layers: &Layers<'_>) -> Vec<Granted> {
    layers.grants.held.iter().filter_map(Granted::of).collect()
}

/// As `evaluate` combines the layers.
fn allowed(atoms: &mut Atoms, layers: &Layers<'_>, granted: &[Granted], owner: &str) -> Formula {
    allowed_by(atoms, layers, granted, owner, ALL)
}

fn allowed_by(
    atoms: &mut Atoms,
    layers: &Layers<'_>,
    granted: &[Granted],
    owner: &str,
    counts: Counts<'_>,
) -> Formula {
    let by_grant = [Grant::Behind, Grant::Account].map(|least| given(atoms, layers, granted, least));
    let bound = layers.boundary.is_some();
    let own = atoms.who(WhoTest::Own);
    let linked = atoms.who(WhoTest::Linked);
    let root = atoms.who(WhoTest::Root);
    let here = atoms.who(WhoTest::Of(owner.to_owned()));
    let mut weigh = |policies: &[Attached], effect: Effect, side: Side, least: Grant| {
        let place = Place { side, bound };
        let statements = policies.iter().flat_map(|a| a.policy.statements()).filter(|s| s.effect == effect);
        let own = std::ptr::eq(policies, layers.identity) && effect == Effect::Allow;
        let statements = statements.filter(|s| !own || counts(s));
        Formula::or(statements.map(|s| atoms.applies(s, place, least)).collect::<Vec<_>>())
    };
    // Where a layer takes part (`when`), it must not deny, and each of its levels must allow.
    let mut guards = Vec::new();
    let mut guard = |guards: &mut Vec<Formula>, policies: &[Attached], side, when: Formula, must: bool| {
        let denied = weigh(policies, Effect::Deny, side, Grant::Account);
        let allowed = weigh(policies, Effect::Allow, side, Grant::Account);
        guards.push(Formula::or([when.clone().not(), denied.not()]));
        if must {
            guards.push(Formula::or([when.not(), allowed.clone()]));
        }
        allowed
    };
    let always = Formula::Const(true);
    for level in layers.rcps {
        guard(&mut guards, level, Side::Named, linked.clone().not(), true);
    }
    for level in layers.scps {
        let when = Formula::and([own.clone(), linked.clone().not()]);
        guard(&mut guards, level, Side::Holder, when, true);
    }
    if let Some(policies) = layers.endpoint {
        guard(&mut guards, policies, Side::Named, always.clone(), true);
    }
    let identity = guard(&mut guards, layers.identity, Side::Holder, own.clone(), false);
    let identity = Formula::or([identity, root]);
    let mut limits = Vec::new();
    for policies in [layers.boundary, layers.session].into_iter().flatten() {
        limits.push(guard(&mut guards, policies, Side::Holder, own.clone(), false));
    }
    let limits = Formula::and(limits);
    let owned = layers.resource.map(std::slice::from_ref).unwrap_or_default();
    let account = guard(&mut guards, owned, Side::Owner, always, false);
    let direct = weigh(owned, Effect::Allow, Side::Owner, Grant::Direct);
    let behind = weigh(owned, Effect::Allow, Side::Owner, Grant::Behind);
    let consent =
        if layers.resource_consent == Consent::Required { account.clone() } else { Formula::Const(true) };
    let within = Formula::or([
        direct,
        Formula::and([behind, limits.clone()]),
        Formula::and([consent, identity.clone(), limits.clone()]),
    ]);
    let across = Formula::and([account.clone(), identity.clone(), limits.clone()]);
    let [by_name, by_account] = by_grant;
    let granted = Formula::or([
        Formula::and([own.clone().not(), Formula::or([account, by_account.clone()])]),
        Formula::and([own.clone(), here.clone(), within]),
        Formula::and([own, here.not(), across]),
        Formula::and([by_name, limits.clone()]),
        // Only the account delegates by its own policies.
        Formula::and([by_account, identity, limits]),
    ]);
    Formula::and([Formula::and(guards), granted])
}

/// Whether a grant is for the caller, at least as far as `least`, and permits the request.
fn given(atoms: &mut Atoms, layers: &Layers<'_>, granted: &[Granted], least: Grant) -> Formula {
    let place = Place { side: Side::Owner, bound: layers.boundary.is_some() };
    let statements = granted.iter().flat_map(|grant| &grant.statements);
    Formula::or(statements.map(|statement| atoms.applies(statement, place, least)).collect::<Vec<_>>())
}

impl Class {
    /// A class of one: a role stands for all of its sessions.
    fn exactly(principal: &Principal) -> Class {
        match &principal.kind {
            PrincipalKind::Role => Class::session(&principal.arn, &principal.account, None, &principal.id),
            PrincipalKind::AssumedRole { role_arn, session_name } => {
                Class::session(role_arn, &principal.account, Some(session_name), &principal.id)
            }
            PrincipalKind::Root | PrincipalKind::User | PrincipalKind::FederatedUser => {
                Class::single(principal.clone())
            }
            PrincipalKind::WebIdentity { .. }
            | PrincipalKind::Saml { .. }
            | PrincipalKind::Service(_)
            | PrincipalKind::Anonymous => Class { example: principal.clone(), arn: None, id: None },
        }
    }
}
