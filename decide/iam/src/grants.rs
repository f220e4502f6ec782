//! Grants of a KMS key: what lets a principal use one key without any policy.
//!
//! A grant only ever allows. It is for its grantee, its operations and its key alone, and within
//! its constraints: the encryption context, letter by letter, and the resource that the call is
//! made for. Who may make grants only by a grant makes none wider than it. Follows AWS KMS's
//! "Grants in AWS KMS", "Creating grants" and "GrantConstraints".

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use crate::context::{Context, Key};
use crate::layers::Request;
use crate::principal::{Grant, Principal, PrincipalPattern};

/// Names and values, both with their case.
pub type EncryptionContext = BTreeMap<String, String>;

/// A grant as it stands on its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyGrant {
    pub id: String,
    /// The ARN of the one key it is about.
    pub key: String,
    pub grantee: PrincipalPattern,
    /// e.g. `kms:Decrypt`.
    pub actions: Vec<String>,
    pub constraint: Option<Constraint>,
    /// What `aws:SourceArn` must be.
    pub source: Option<String>,
}

/// What the encryption context of a request must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// Exactly this.
    Equals(EncryptionContext),
    /// At least this.
    Subset(EncryptionContext),
}

/// The grants that bear on a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grants<'a> {
    pub held: &'a [KeyGrant],
    /// The encryption context of the request; of one that makes a grant, what its constraint names.
    pub encryption: Option<&'a EncryptionContext>,
}

/// Why a grant that is for the caller does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    Operation,
    /// The grant to be made would be wider than the one that lets it be made.
    Wider,
    Source,
    EncryptionContext,
}

const CREATE: &str = "kms:CreateGrant";
/// Operations without an encryption context, to which a constraint does not apply.
const UNCONSTRAINED: [&str; 2] = ["kms:DescribeKey", "kms:RetireGrant"];

impl<'a> Grants<'a> {
    /// What the caller's grants of the key say: the one that reaches furthest, or the nearest miss.
    /// `None` where no grant of the key is for the caller.
    pub(crate) fn ask(&self, request: &Request<'_>) -> Option<(&'a KeyGrant, Result<Grant, Lack>)> {
        let mut best: Option<(&'a KeyGrant, Result<Grant, Lack>)> = None;
        for grant in self.held {
            let Some(reach) = grant.reaches(request.principal, request.resource) else { continue };
            let said = grant.lacks(request, self.encryption).map_or(Ok(reach), Err);
            let better = match (best.map(|(_, said)| said), said) {
                (None, _) | (Some(Err(_)), Ok(_)) => true,
                (Some(Ok(old)), Ok(new)) => new > old,
                (Some(Err(old)), Err(new)) => new > old,
                (Some(Ok(_)), Err(_)) => false,
            };
            if better {
                best = Some((grant, said));
            }
        }
        best
    }
}

impl KeyGrant {
    fn reaches(&self, principal: &Principal, resource: &str) -> Option<Grant> {
        self.grantee.grants(principal).filter(|_| self.key == resource)
    }

    fn lacks(&self, request: &Request<'_>, encryption: Option<&EncryptionContext>) -> Option<Lack> {
        if !self.permits(request.action) {
            return Some(Lack::Operation);
        }
        let of_source =
            |source: &String| values(request.context, "aws:SourceArn").iter().any(|v| v == source);
        if !self.source.as_ref().is_none_or(of_source) {
            return Some(Lack::Source);
        }
        let none = EncryptionContext::new();
        let encryption = encryption.unwrap_or(&none);
        if request.action.eq_ignore_ascii_case(CREATE) {
            return (!self.covers(request.context, encryption)).then_some(Lack::Wider);
        }
        if UNCONSTRAINED.iter().any(|free| request.action.eq_ignore_ascii_case(free)) {
            return None;
        }
        let holds = self.constraint.as_ref().is_none_or(|c| c.holds(encryption));
        (!holds).then_some(Lack::EncryptionContext)
    }

    fn permits(&self, action: &str) -> bool {
        self.actions.iter().any(|permitted| permitted.eq_ignore_ascii_case(action))
    }

    /// A grant to be made is no wider: no other operations, and constraints that are as strict.
    fn covers(&self, context: &Context, encryption: &EncryptionContext) -> bool {
        let operations = values(context, "kms:GrantOperations");
        let equals =
            values(context, "kms:GrantConstraintType").iter().any(|t| t == "EncryptionContextEquals");
        let strict = match &self.constraint {
            None => true,
            Some(Constraint::Equals(own)) => equals && own == encryption,
            Some(Constraint::Subset(own)) => within(own, encryption),
        };
        let source = values(context, "kms:GrantConstraintSourceArn");
        strict
            && !operations.is_empty()
            && operations.iter().all(|operation| self.permits(&format!("kms:{operation}")))
            && self.source.as_ref().is_none_or(|own| source == [own.as_str()])
    }
}

impl Constraint {
    fn holds(&self, encryption: &EncryptionContext) -> bool {
        match self {
            Constraint::Equals(own) => own == encryption,
            Constraint::Subset(own) => within(own, encryption),
        }
    }
}

fn within(own: &EncryptionContext, encryption: &EncryptionContext) -> bool {
    own.iter().all(|(name, value)| encryption.get(name) == Some(value))
}

fn values<'c>(context: &'c Context, key: &str) -> &'c [String] {
    context.get(&Key::new(key))
}

impl Display for KeyGrant {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "grant `{}`", self.id)
    }
}

impl Display for Lack {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lack::Operation => "does not include the operation",
            Lack::Wider => "lets no grant be made that is wider than itself",
            Lack::Source => "is for calls on behalf of another resource (`aws:SourceArn`)",
            Lack::EncryptionContext => "has a constraint that the encryption context does not meet",
        })
    }
}
