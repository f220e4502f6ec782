//! Finds the statements of one layer that apply to a request.

use crate::arn::Name;
use crate::layers::{Attached, Request};
use crate::pattern::{Hit, Pattern};
use crate::policy::{Effect, Scope, Statement};
use crate::principal::{Grant, PrincipalPattern};
use crate::verdict::Layer;

/// Whose policies a layer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Attached to the caller or its account: for whoever it is attached to.
    Holder,
    /// Says for whom it is.
    Named,
    /// The resource's own, which also says for whom it is.
    Owner,
}

impl Side {
    pub(crate) fn of(layer: Layer) -> Side {
        match layer {
            Layer::Resource | Layer::Grant => Side::Owner,
            Layer::Endpoint | Layer::ResourceControl => Side::Named,
            Layer::ServiceControl | Layer::Identity | Layer::Boundary | Layer::Session => Side::Holder,
        }
    }
}

/// A statement that applies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) attached: &'a Attached,
    pub(crate) statement: &'a Statement,
    pub(crate) grant: Grant,
}

/// What a layer's policies say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Said<'a> {
    pub(crate) deny: Option<Found<'a>>,
    pub(crate) allow: Option<Found<'a>>,
}

/// A request, prepared once for all layers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    pub(crate) request: Request<'a>,
    name: Name<'a>,
    /// The principal has a permissions boundary.
    bound: bool,
}

impl<'a> Question<'a> {
    pub(crate) fn new(request: Request<'a>, bound: bool) -> Question<'a> {
        Question { request, name: Name::new(request.resource), bound }
    }

    /// The account that owns the resource, where that is known.
    pub(crate) fn resource_account(&self) -> Option<&'a str> {
        self.request.resource_account.or_else(|| self.name.account())
    }

    pub(crate) fn ask(&self, policies: &'a [Attached], side: Side) -> Said<'a> {
        let mut said = Said::default();
        for attached in policies {
            let (mut deny, mut allow): (Option<Found<'a>>, Option<Found<'a>>) = (None, None);
            attached.policy.candidates(self.request.action, self.request.resource, |statement| {
                let slot = match statement.effect {
                    Effect::Deny => &mut deny,
                    Effect::Allow => &mut allow,
                };
                // Of several, the one that reaches furthest, then the first in the text.
                let worse = |grant: Grant| {
                    slot.is_some_and(|f| {
                        (f.grant, std::cmp::Reverse(f.statement.index))
                            >= (grant, std::cmp::Reverse(statement.index))
                    })
                };
                if !worse(Grant::Direct)
                    && let Some(grant) = self.applies(statement, side)
                    && !worse(grant)
                {
                    *slot = Some(Found { attached, statement, grant });
                }
            });
            said.deny = said.deny.or(deny);
            if allow.map(|f| f.grant) > said.allow.map(|f| f.grant) {
                said.allow = allow;
            }
        }
        said
    }

    pub(crate) fn applies(&self, statement: &Statement, side: Side) -> Option<Grant> {
        if !self.action(&statement.actions) {
            return None;
        }
        let grant = self.principal(statement, side)?;
        if !self.resource(statement) {
            return None;
        }
        let context = self.request.context;
        statement.conditions.iter().all(|c| c.holds(context, statement.effect)).then_some(grant)
    }

    pub(crate) fn action(&self, actions: &Scope<Pattern>) -> bool {
        let context = self.request.context;
        let listed = |p: &Pattern| p.matches(self.request.action, true, context) == Hit::Yes;
        match actions {
            Scope::Only(patterns) => patterns.iter().any(listed),
            Scope::Except(patterns) => !patterns.iter().any(listed),
        }
    }

    pub(crate) fn principal(&self, statement: &Statement, side: Side) -> Option<Grant> {
        let grant =
            |names: &[PrincipalPattern]| names.iter().filter_map(|p| p.grants(self.request.principal)).max();
        match &statement.principals {
            None => (side == Side::Holder).then_some(Grant::Direct),
            Some(Scope::Only(names)) => grant(names),
            // AWS: such a statement always denies a principal that has a permissions boundary.
            Some(Scope::Except(_))
                if side == Side::Owner && self.bound && statement.effect == Effect::Deny =>
            {
                Some(Grant::Direct)
            }
            Some(Scope::Except(names)) => grant(names).is_none().then_some(Grant::Direct),
        }
    }

    /// A resource in doubt, for want of a variable's value, is denied.
    pub(crate) fn resource(&self, statement: &Statement) -> bool {
        let context = self.request.context;
        match &statement.resources {
            None => true,
            Some(Scope::Only(names)) => names.iter().any(|n| n.matches(&self.name, context) == Hit::Yes),
            Some(Scope::Except(names)) => names.iter().all(|n| match n.matches(&self.name, context) {
                Hit::Yes => false,
                Hit::No => true,
                Hit::Unknown => statement.effect == Effect::Deny,
            }),
        }
    }
}
