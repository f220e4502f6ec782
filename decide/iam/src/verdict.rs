//! The answer: an outcome, and what each layer said.
//!
//! Borrows from the question, so that making it costs next to nothing; what people read is
//! rendered on demand.

use crate::grants::{KeyGrant, Lack};
use crate::json::Position;
use crate::layers::{Attached, Layers, Request};
use crate::policy::Statement;
use crate::principal::Grant;
use crate::scan::{Found, Side};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Allowed,
    ImplicitDeny,
    ExplicitDeny,
}

/// The kinds of policies, in the order they are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    ResourceControl,
    ServiceControl,
    Endpoint,
    Resource,
    /// The grants of a KMS key.
    Grant,
    Identity,
    Boundary,
    Session,
}

impl Layer {
    pub fn name(self) -> &'static str {
        match self {
            Layer::ResourceControl => "resource control policy",
            Layer::ServiceControl => "service control policy",
            Layer::Endpoint => "VPC endpoint policy",
            Layer::Resource => "resource-based policy",
            Layer::Grant => "grant",
            Layer::Identity => "identity-based policy",
            Layer::Boundary => "permissions boundary",
            Layer::Session => "session policy",
        }
    }
}

/// A statement where it is attached and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementRef<'a> {
    pub policy: &'a str,
    pub arn: Option<&'a str>,
    pub sid: Option<&'a str>,
    /// Counted from 1.
    pub index: usize,
    pub file: Option<&'a str>,
    pub line: Option<u32>,
    /// In the policy's own text.
    pub position: Position,
    pub end: Position,
}

impl<'a> StatementRef<'a> {
    pub(crate) fn new(attached: &'a Attached, statement: &'a Statement) -> StatementRef<'a> {
        let lines = attached.source.as_ref().map(|s| s.statement_lines.as_slice()).unwrap_or_default();
        let line = statement.index.checked_sub(1).and_then(|at| lines.get(at)).or(lines.first());
        StatementRef {
            policy: &attached.name,
            arn: attached.arn.as_deref(),
            sid: statement.sid.as_deref().filter(|s| !s.is_empty()),
            index: statement.index,
            file: attached.source.as_ref().map(|s| s.file.as_str()),
            line: line.copied(),
            position: statement.position,
            end: statement.end,
        }
    }
}

/// Why a layer came to its outcome. Its `Display` is a sentence for people.
#[derive(Clone, Copy, Debug)]
pub enum Why<'a> {
    /// A statement allows it; `grant` says whom the statement names.
    Allows { grant: Grant },
    /// A grant of the key allows it.
    Granted { grant: Grant, by: &'a KeyGrant },
    /// A grant of the key is for the caller, but does not allow it; it never denies.
    Ungranted { lack: Lack, by: &'a KeyGrant },
    /// A statement denies it.
    Denies,
    /// The root user needs no identity policy.
    Root,
    /// There is no policy of this kind.
    NoPolicy,
    /// Policies are attached, but no statement allows it.
    Silent(Silence<'a>),
}

/// Policies that say nothing to a request, for a look at what comes nearest.
#[derive(Clone, Copy, Debug)]
pub struct Silence<'a> {
    pub(crate) policies: &'a [Attached],
    pub(crate) request: Request<'a>,
    pub(crate) side: Side,
    /// The organization's level, counted from the root.
    pub(crate) level: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub struct LayerVerdict<'a> {
    pub layer: Layer,
    pub outcome: Outcome,
    pub statement: Option<StatementRef<'a>>,
    pub why: Why<'a>,
}

impl<'a> LayerVerdict<'a> {
    pub(crate) fn denied(layer: Layer, found: &Found<'a>) -> LayerVerdict<'a> {
        let statement = Some(StatementRef::new(found.attached, found.statement));
        LayerVerdict { layer, outcome: Outcome::ExplicitDeny, statement, why: Why::Denies }
    }

    pub(crate) fn allowed(layer: Layer, found: &Found<'a>) -> LayerVerdict<'a> {
        let statement = Some(StatementRef::new(found.attached, found.statement));
        LayerVerdict { layer, outcome: Outcome::Allowed, statement, why: Why::Allows { grant: found.grant } }
    }

    pub(crate) fn silent(layer: Layer, why: Why<'a>) -> LayerVerdict<'a> {
        LayerVerdict { layer, outcome: Outcome::ImplicitDeny, statement: None, why }
    }
}

/// The decision with its explanation.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    pub outcome: Outcome,
    /// The layers that took part, in the order of [`Layer`].
    pub layers: Vec<LayerVerdict<'a>>,
    /// The layer that denied.
    pub decisive: Option<Layer>,
    pub request: Request<'a>,
    /// The resource belongs to another account than the principal.
    pub cross_account: bool,
    /// What was asked about, for a look at what would have changed the outcome.
    pub(crate) held: Layers<'a>,
    /// The resource's policy is a role's trust policy, which AWS words differently.
    pub(crate) trust: bool,
}

impl<'a> Verdict<'a> {
    pub fn is_allowed(&self) -> bool {
        self.outcome == Outcome::Allowed
    }

    pub fn layer(&self, layer: Layer) -> Option<&LayerVerdict<'a>> {
        self.layers.iter().find(|v| v.layer == layer)
    }
}
