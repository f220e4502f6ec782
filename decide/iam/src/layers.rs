//! The question: a request, and the policies that bear on it, layer by layer.

use std::sync::Arc;

use crate::context::Context;
use crate::grants::Grants;
use crate::policy::Policy;
use crate::principal::Principal;

/// Where a policy was written: the file, and the line of each statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    pub file: String,
    pub statement_lines: Vec<u32>,
}

/// A policy where it is attached.
#[derive(Clone, Debug)]
pub struct Attached {
    pub name: String,
    pub arn: Option<String>,
    pub source: Option<Source>,
    pub policy: Arc<Policy>,
}

/// One action of one principal on one resource.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub principal: &'a Principal,
    /// e.g. `kms:Decrypt`.
    pub action: &'a str,
    /// An ARN, or `*` where the action has no resource types.
    pub resource: &'a str,
    /// The account that owns the resource. `None`: the one in its ARN, or the principal's own.
    pub resource_account: Option<&'a str>,
    pub context: &'a Context,
}

/// Whether the resource's own policy must agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// Within an account either side may grant.
    #[default]
    Normal,
    /// Also within the account: KMS keys and the trust policies of roles.
    Required,
}

impl Consent {
    /// What the resource of an action demands: a KMS key and a role must agree themselves.
    pub fn of(action: &str, resource: &str) -> Consent {
        let service = |name: &str| action.get(..4).is_some_and(|s| s.eq_ignore_ascii_case(name));
        match service("kms:") || (service("sts:") && resource.contains(":role/")) {
            true => Consent::Required,
            false => Consent::Normal,
        }
    }
}

/// The policies that bear on a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Layers<'a> {
    pub identity: &'a [Attached],
    pub resource: Option<&'a Attached>,
    /// `Some` of nothing: there is a boundary, and it allows nothing.
    pub boundary: Option<&'a [Attached]>,
    /// `Some` of nothing: the session may do nothing but what names it directly.
    pub session: Option<&'a [Attached]>,
    /// Service control policies of each level from the root to the account, every one of
    /// which must allow. Empty: none are attached.
    pub scps: &'a [Vec<Attached>],
    /// Resource control policies, likewise, of the resource's account.
    pub rcps: &'a [Vec<Attached>],
    /// The policy of the VPC endpoint that the request came through.
    pub endpoint: Option<&'a [Attached]>,
    pub resource_consent: Consent,
    /// The grants of the key, where the resource is one.
    pub grants: Grants<'a>,
}

impl<'a> Layers<'a> {
    /// Whether anything of the request's context matters to any of them.
    pub fn asks(&self) -> bool {
        !self.grants.held.is_empty() || self.all().any(|attached| attached.policy.asks())
    }

    /// Every policy of every layer.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'a Attached> {
        let limits = [Some(self.identity), self.boundary, self.session, self.endpoint];
        let levels = self.scps.iter().chain(self.rcps).flatten();
        limits.into_iter().flatten().flatten().chain(self.resource).chain(levels)
    }
}
