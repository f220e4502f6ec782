//! The nearest single change that would allow what was denied.
//!
//! Proposes changes near the layer that denied: another value for a condition key of the
//! request, a denying statement less, an allowing statement more. Each is tried with the
//! whole evaluation, and only one that allows is told. Made on demand; no decision depends
//! on it, and nothing is changed.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use crate::arn::NamePattern;
use crate::condition::{Condition, Operand, Test};
use crate::context::Context;
use crate::evaluate::evaluate;
use crate::json::Position;
use crate::layers::{Attached, Layers, Request};
use crate::pattern::{Pattern, Syntax};
use crate::policy::{Effect, Policy, PolicyKind, Scope, Statement};
use crate::principal::{Principal, PrincipalKind, PrincipalPattern};
use crate::scan::Question;
use crate::verdict::{Layer, StatementRef, Verdict, Why};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// The request has this value of the key.
    Set {
        key: &'a str,
        value: String,
    },
    /// The request has some value of the key.
    Give {
        key: &'a str,
    },
    /// The request does not have the key.
    Unset {
        key: &'a str,
    },
    Remove(StatementRef<'a>),
    /// A statement that allows the action on the resource; in a resource's policy, to the caller.
    Attach {
        layer: Layer,
        level: Option<usize>,
    },
}

/// Statements whose conditions are tried, and values of one condition: a long policy is not
/// worth a long answer.
const TRIED: usize = 16;

impl<'a> Verdict<'a> {
    /// `None` when the request was allowed, or when no single change is known that allows it.
    pub fn nearest_change(&self) -> Option<Change<'a>> {
        self.changes().into_iter().find(|change| self.allowed_after(change))
    }

    /// The nearest change of the layer that denied, whether or not it is enough.
    pub(crate) fn first_change(&self) -> Option<Change<'a>> {
        self.changes().pop()
    }

    /// What might help, the smallest first.
    fn changes(&self) -> Vec<Change<'a>> {
        let Some(denied) = self.decisive.and_then(|layer| self.layer(layer)) else { return Vec::new() };
        let mut changes = Vec::new();
        match (&denied.why, denied.statement) {
            (Why::Silent(silence), _) => {
                let question = Question::new(self.request, false);
                let all = silence.policies.iter().flat_map(|a| a.policy.statements());
                let near = all.filter(|s| silence.lacks_conditions(&question, s)).take(TRIED);
                near.flat_map(|s| &s.conditions).for_each(|c| around(c, self.request.context, &mut changes));
                changes.push(Change::Attach { layer: denied.layer, level: silence.level });
            }
            (_, Some(found)) => {
                let all = self.held.all().filter(|a| holds(a, &found)).flat_map(|a| a.policy.statements());
                let conditions = all.filter(|s| s.index == found.index).flat_map(|s| &s.conditions);
                conditions.for_each(|c| around(c, self.request.context, &mut changes));
                changes.push(Change::Remove(found));
            }
            (_, None) => changes.push(Change::Attach { layer: denied.layer, level: None }),
        }
        changes
    }

    fn allowed_after(&self, change: &Change<'a>) -> bool {
        let asked =
            |context: &Context| evaluate(&Request { context, ..self.request }, &self.held).is_allowed();
        let mut context = Context::over(Arc::new(self.request.context.clone()));
        match change {
            Change::Set { key, value } => {
                context.set(key, value.as_str());
                asked(&context)
            }
            Change::Give { key } => {
                context.set(key, "x");
                asked(&context)
            }
            Change::Unset { key } => {
                context.remove(key);
                asked(&context)
            }
            Change::Remove(found) => {
                let attached = self.held.all().find(|a| holds(a, found));
                attached.is_some_and(|attached| {
                    self.allowed_by(&Draft::of(&self.held).without(&attached.policy, found.index))
                })
            }
            Change::Attach { layer, level } => {
                let more = allowing(self.request.principal, *layer);
                self.allowed_by(&Draft::of(&self.held).with(*layer, *level, more))
            }
        }
    }

    fn allowed_by(&self, draft: &Draft) -> bool {
        evaluate(&self.request, &draft.layers(&self.held)).is_allowed()
    }
}

/// Values of the key that may change whether a condition holds.
fn around<'a>(condition: &'a Condition, context: &Context, changes: &mut Vec<Change<'a>>) {
    let key = &*condition.key.name;
    for value in condition.values.iter().take(TRIED) {
        let mut set = |value: String| changes.push(Change::Set { key, value });
        match &value.operand {
            Operand::Text(pattern) => set(pattern.resolved_text(context)),
            Operand::Name(pattern) => set(pattern.resolved_text(context)),
            Operand::Number(number) => {
                set(number.to_string());
                if let Ok(number) = number.parse::<i32>() {
                    set(number.saturating_sub(1).to_string());
                    set(number.saturating_add(1).to_string());
                }
            }
            Operand::Bool(_) => ["true", "false"].into_iter().for_each(|text| set(text.to_owned())),
            Operand::Range(range) => set(range.address.to_string()),
            Operand::Date(_) | Operand::Bytes(_) => set(value.text.to_string()),
            Operand::Absent(_) | Operand::Unreadable => {}
        }
    }
    if condition.operator.test == Test::Null {
        changes.push(Change::Give { key });
    }
    changes.push(Change::Unset { key });
}

/// The very policy that a statement was found in; another may have the same name.
fn holds(attached: &Attached, found: &StatementRef<'_>) -> bool {
    std::ptr::eq(attached.name.as_str(), found.policy)
}

fn allowing(principal: &Principal, layer: Layer) -> Statement {
    let caller = match &principal.kind {
        PrincipalKind::Root => PrincipalPattern::Account(principal.account.as_str().into()),
        PrincipalKind::User
        | PrincipalKind::Role
        | PrincipalKind::AssumedRole { .. }
        | PrincipalKind::FederatedUser => PrincipalPattern::Arn(principal.arn.as_str().into()),
        PrincipalKind::WebIdentity { provider } | PrincipalKind::Saml { provider } => {
            PrincipalPattern::Federated(provider.as_str().into())
        }
        PrincipalKind::Service(name) => PrincipalPattern::Service(name.as_str().into()),
        PrincipalKind::Anonymous => PrincipalPattern::Everyone,
    };
    let principals = match layer {
        Layer::Resource | Layer::Grant => Some(Scope::Only(vec![caller])),
        Layer::Endpoint | Layer::ResourceControl => Some(Scope::Only(vec![PrincipalPattern::Everyone])),
        Layer::ServiceControl | Layer::Identity | Layer::Boundary | Layer::Session => None,
    };
    let any = Pattern::compile("*", Syntax { wildcards: true, variables: false });
    Statement {
        sid: None,
        index: 0,
        position: Position::default(),
        end: Position::default(),
        effect: Effect::Allow,
        principals,
        actions: Scope::Only(vec![any]),
        resources: Some(Scope::Only(vec![NamePattern::resource("*", false)])),
        conditions: Vec::new(),
    }
}

/// The layers, owned to be changed.
struct Draft {
    identity: Vec<Attached>,
    resource: Vec<Attached>,
    boundary: Option<Vec<Attached>>,
    session: Option<Vec<Attached>>,
    endpoint: Option<Vec<Attached>>,
    scps: Vec<Vec<Attached>>,
    rcps: Vec<Vec<Attached>>,
}

impl Draft {
    fn of(held: &Layers<'_>) -> Draft {
        Draft {
            identity: held.identity.to_vec(),
            resource: held.resource.cloned().into_iter().collect(),
            boundary: held.boundary.map(<[Attached]>::to_vec),
            session: held.session.map(<[Attached]>::to_vec),
            endpoint: held.endpoint.map(<[Attached]>::to_vec),
            scps: held.scps.to_vec(),
            rcps: held.rcps.to_vec(),
        }
    }

    fn layers<'a>(&'a self, held: &Layers<'a>) -> Layers<'a> {
        Layers {
            identity: &self.identity,
            resource: self.resource.first(),
            boundary: self.boundary.as_deref(),
            session: self.session.as_deref(),
            scps: &self.scps,
            rcps: &self.rcps,
            endpoint: self.endpoint.as_deref(),
            resource_consent: held.resource_consent,
            grants: held.grants,
        }
    }

    fn without(mut self, policy: &Arc<Policy>, index: usize) -> Draft {
        let flat = [&mut self.identity, &mut self.resource];
        let limits = [&mut self.boundary, &mut self.session, &mut self.endpoint].into_iter().flatten();
        let levels = self.scps.iter_mut().chain(&mut self.rcps);
        for attached in flat.into_iter().chain(limits).chain(levels).flatten() {
            // A copy of a policy shares what was compiled.
            if Arc::ptr_eq(&attached.policy, policy) {
                edit(attached, |statements| statements.retain(|s| s.index != index));
            }
        }
        self
    }

    fn with(mut self, layer: Layer, level: Option<usize>, more: Statement) -> Draft {
        let at = level.and_then(|l| l.checked_sub(1)).unwrap_or_default();
        let policies = match layer {
            Layer::Identity => Some(&mut self.identity),
            Layer::Resource => Some(&mut self.resource),
            Layer::Boundary => self.boundary.as_mut(),
            Layer::Session => self.session.as_mut(),
            Layer::Endpoint => self.endpoint.as_mut(),
            Layer::ServiceControl => self.scps.get_mut(at),
            Layer::ResourceControl => self.rcps.get_mut(at),
            // A grant is made, not written into a policy.
            Layer::Grant => None,
        };
        let Some(policies) = policies else { return self };
        if let Some(attached) = policies.first_mut() {
            edit(attached, |statements| statements.push(more));
        } else {
            let policy = Policy::new(PolicyKind::default(), Default::default(), None, vec![more]);
            let policy = Arc::new(policy);
            policies.push(Attached { name: String::new(), arn: None, source: None, policy });
        }
        self
    }
}

fn edit(attached: &mut Attached, change: impl FnOnce(&mut Vec<Statement>)) {
    let old = &attached.policy;
    let mut statements = old.statements().to_vec();
    change(&mut statements);
    attached.policy = Arc::new(Policy::new(old.kind, old.version, old.id.clone(), statements));
}

impl Display for Change<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Change::Set { key, value } => write!(f, "set `{key}` to `{value}` in the request"),
            Change::Give { key } => write!(f, "give the request a value of `{key}`"),
            Change::Unset { key } => write!(f, "leave `{key}` out of the request"),
            Change::Remove(found) => write!(f, "remove {found}"),
            Change::Attach { layer, level } => {
                write!(f, "attach a statement that allows it to the {}", layer.name())?;
                level.map_or(Ok(()), |level| write!(f, " at level {level} of the organization"))
            }
        }
    }
}
