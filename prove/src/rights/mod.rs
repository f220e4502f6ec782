//! Who may do what in an estate: users and roles with the policies that give and limit their rights,
//! resources with their own policies, and questions about all of it at once.
//!
//! Every request that is told was decided by `decide_iam::evaluate` as it is told. What cannot be known
//! (a policy that stands elsewhere, a value that is not there yet) makes an answer undecided, never a
//! "nobody can". A template tells of a part of an account only: what the rest holds is presumed where it
//! matters, and said.

mod change;
mod escalation;
mod granted;
mod idle;
mod inside;
mod limits;
mod names;
mod owned;
mod raise;
mod read;
pub(crate) mod resources;
mod who;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use decide_iam::{
    Attached, Consent, Grants, KeyGrant, Layer, Layers, Policy, PolicyKind, Principal, PrincipalKind, Why,
};

use crate::policy::Counterexample;

pub use inside::Insider;
pub use names::Whereabouts;
pub(crate) use names::{Called, Names};
pub use read::{Document, Surroundings, Unreadable};

/// Where something is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    pub file: String,
    pub line: u32,
}

impl Display for Spot {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A user or a role.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The logical id, or the name where there is none.
    pub name: String,
    pub arn: String,
    /// The unique id, where it is known.
    pub id: String,
    pub account: String,
    pub is_user: bool,
    /// Inline, attached, and those of groups.
    pub identity: Vec<Attached>,
    pub boundary: Option<Vec<Attached>>,
    /// The ARN of the boundary.
    pub bound_by: Option<String>,
    /// None: not known.
    pub tags: Option<Vec<(String, String)>>,
    /// ARNs of groups and of attached managed policies.
    pub groups: Vec<String>,
    pub managed: Vec<String>,
    /// What is not known of its rights.
    pub doubts: Vec<String>,
    pub spot: Spot,
}

/// A resource that policies may be about.
#[derive(Clone, Debug)]
pub struct Owned {
    pub name: String,
    /// Its name in AWS.
    pub called: String,
    pub kind: String,
    pub arn: String,
    pub account: String,
    pub policy: Option<Attached>,
    /// Buckets: whoever is outside of the account is kept out where the policy is public.
    pub restricted: bool,
    /// The role that acts for it; the key that an alias is a name of.
    pub role: Option<String>,
    /// None: not known.
    pub tags: Option<Vec<(String, String)>>,
    pub doubts: Vec<String>,
    pub spot: Spot,
}

/// A group of users.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: String,
    pub arn: String,
    pub identity: Vec<Attached>,
    pub managed: Vec<String>,
    pub doubts: Vec<String>,
}

/// The policies that limit an account, from the root of the organization down.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    pub scps: Vec<Vec<Attached>>,
    pub rcps: Vec<Vec<Attached>>,
}

#[derive(Clone, Debug, Default)]
pub struct Rights {
    pub holders: Vec<Holder>,
    pub owned: Vec<Owned>,
    pub groups: Vec<Group>,
    /// Managed policies by ARN.
    pub policies: BTreeMap<String, Attached>,
    /// What is granted of keys, by their ARNs.
    pub grants: BTreeMap<String, Vec<KeyGrant>>,
    pub accounts: BTreeMap<String, Limits>,
    /// Nothing else is in these accounts.
    pub whole: bool,
    /// The services about which AWS's own policies are complete; empty: about all.
    pub served: Vec<String>,
}

/// What a finding says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// An answer to a question, neither good nor bad.
    Told,
    Warning,
    Undecided,
    Violated,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub rule: &'static str,
    pub outcome: Outcome,
    /// Whom or what it is about.
    pub subject: String,
    pub message: String,
    pub spot: Spot,
    /// Each decided by the evaluator, with what lets it through.
    pub requests: Vec<Allowed>,
}

/// A request that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    pub request: Counterexample,
    pub because: Vec<Ground>,
}

/// A statement that lets a request through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    pub layer: &'static str,
    pub policy: String,
    pub sid: Option<String>,
    /// Counted from 1; none of a grant.
    pub statement: usize,
    pub spot: Option<Spot>,
}

impl Display for Ground {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.layer, self.policy)?;
        if self.statement > 0 {
            write!(f, ", statement {}", self.statement)?;
        }
        if let Some(sid) = &self.sid {
            write!(f, " `{sid}`")?;
        }
        self.spot.as_ref().map_or(Ok(()), |spot| write!(f, " ({spot})"))
    }
}

impl Ground {
    fn of(layer: &decide_iam::LayerVerdict<'_>) -> Option<Ground> {
        if let Why::Granted { by, .. } = &layer.why {
            let (layer, policy) = (layer.layer.name(), by.id.clone());
            return Some(Ground { layer, policy, sid: None, statement: 0, spot: None });
        }
        let statement = layer.statement?;
        let spot = statement
            .file
            .map(|file| Spot { file: file.to_owned(), line: statement.line.unwrap_or_default() });
        Some(Ground {
            layer: layer.layer.name(),
            policy: statement.policy.to_owned(),
            sid: statement.sid.map(str::to_owned),
            statement: statement.index,
            spot,
        })
    }
}

impl Allowed {
    /// What the evaluator says to a request; nothing unless it allows it.
    pub(crate) fn by(request: Counterexample, layers: &Layers<'_>) -> Option<Allowed> {
        let because = request.decided(layers, |verdict| {
            verdict.is_allowed().then(|| verdict.layers.iter().filter_map(Ground::of).collect())
        })?;
        Some(Allowed { because, request })
    }

    /// Whether the caller has this ARN or name, or is a session of the role that has it.
    pub fn is_by(&self, name: &str) -> bool {
        let principal = &self.request.principal;
        let arn = match &principal.kind {
            PrincipalKind::AssumedRole { role_arn, .. } => role_arn,
            _ => &principal.arn,
        };
        arn == name || arn.rsplit('/').next() == Some(name)
    }

    /// Where the statement stands that grants: the caller's own, else the resource's.
    pub(crate) fn spot(&self) -> Option<Spot> {
        let of = |layer: Layer| {
            let mut grounds = self.because.iter().filter(move |g| g.layer == layer.name());
            grounds.find_map(|g| g.spot.clone())
        };
        of(Layer::Identity).or_else(|| of(Layer::Resource))
    }
}

impl Holder {
    pub(crate) fn principal(&self) -> Principal {
        let kind = if self.is_user { PrincipalKind::User } else { PrincipalKind::Role };
        Principal { arn: self.arn.clone(), account: self.account.clone(), id: self.id.clone(), kind }
    }

    /// Only services of AWS's act by it.
    pub(crate) fn is_linked(&self) -> bool {
        self.arn.contains(":role/aws-service-role/")
    }
}

impl Rights {
    /// The layers for a request of a holder, to a resource or without one.
    pub(crate) fn layers<'a>(
        &'a self,
        holder: &'a Holder,
        target: Option<&'a Owned>,
        action: &str,
    ) -> Layers<'a> {
        Layers {
            identity: &holder.identity,
            boundary: holder.boundary.as_deref(),
            scps: self.accounts.get(&holder.account).map(|l| l.scps.as_slice()).unwrap_or_default(),
            ..self.around(target, action)
        }
    }

    /// The layers of the resource's side.
    pub(crate) fn around<'a>(&'a self, target: Option<&'a Owned>, action: &str) -> Layers<'a> {
        let Some(target) = target else { return Layers::default() };
        // A role's trust policy is about its sessions only.
        let asked = target.kind != "AWS::IAM::Role" || action.to_ascii_lowercase().starts_with("sts:");
        let limits = self.accounts.get(&target.account);
        Layers {
            resource: target.policy.as_ref().filter(|_| asked),
            rcps: limits.map(|l| l.rcps.as_slice()).unwrap_or_default(),
            resource_consent: Consent::of(action, &target.arn),
            grants: Grants { held: self.granted(target), encryption: None },
            ..Layers::default()
        }
    }

    pub(crate) fn granted(&self, target: &Owned) -> &[KeyGrant] {
        self.grants.get(&target.arn).map(Vec::as_slice).unwrap_or_default()
    }

    /// What is known of the tags that policies ask for: those of the caller and of the resource.
    pub(crate) fn tags(layers: &Layers<'_>, holder: Option<&Holder>, target: Option<&Owned>) -> Known {
        let sides = [
            ("aws:PrincipalTag/", holder.and_then(|h| h.tags.as_ref())),
            ("aws:ResourceTag/", target.and_then(|t| t.tags.as_ref())),
            ("iam:ResourceTag/", target.and_then(|t| t.tags.as_ref())),
        ];
        let mut known = Known::new();
        for attached in layers_all(layers) {
            for key in attached.policy.keys() {
                for (prefix, tags) in &sides {
                    let Some(tags) = tags else { continue };
                    let head = key.get(..prefix.len()).filter(|h| h.eq_ignore_ascii_case(prefix));
                    let Some(name) = head.and(key.get(prefix.len()..)) else { continue };
                    let tag = tags.iter().find(|(k, _)| k.eq_ignore_ascii_case(name));
                    known.push((key.to_owned(), tag.map(|(_, value)| value.clone())));
                }
            }
        }
        known
    }

    /// Everyone's own permission for everything, for those whose policies are elsewhere.
    pub(crate) fn everything(name: &str) -> Attached {
        let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
        let policy = Policy::read(text, PolicyKind::Identity).unwrap_or_default();
        Attached { name: name.to_owned(), arn: None, source: None, policy: policy.into() }
    }

    pub(crate) fn find(&self, arn: &str) -> Option<&Owned> {
        self.owned.iter().find(|o| o.arn == arn)
    }
}

/// Condition keys with what they hold; `None`: absent.
pub(crate) type Known = Vec<(String, Option<String>)>;

fn layers_all<'a>(layers: &Layers<'a>) -> impl Iterator<Item = &'a Attached> {
    let flat = [Some(layers.identity), layers.boundary, layers.session, layers.endpoint];
    let levels = layers.scps.iter().chain(layers.rcps).flatten();
    flat.into_iter().flatten().flatten().chain(layers.resource).chain(levels)
}
