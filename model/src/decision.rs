//! The question, the answer, and the permit. The flow is enforced by types:
//! `decide` makes a [`Decision`]; recording it is the only way to a [`Permit`];
//! a transaction cannot begin without one.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventBody};
use crate::fault::Fault;
use crate::graph::{Snapshot, Tags};
use crate::identity::{Caller, Origin};
use crate::ids::{AccountId, Arn};
use crate::time::Timestamp;

/// Everything a decision may depend on, and nothing else.
#[derive(Clone, Debug)]
pub struct Request {
    /// The request id that the client sees.
    pub id: String,
    /// Joins the events of one journey through several enforcement points.
    pub trace: String,
    pub time: Timestamp,
    pub caller: Caller,
    pub origin: Origin,
    /// The folder name of the service, e.g. `kms`.
    pub service: &'static str,
    pub operation: &'static str,
    pub region: String,
    pub read_only: bool,
    /// Redacted parameters, as CloudTrail shows them.
    pub parameters: serde_json::Value,
    /// What is asked. Every one must be allowed; none at all is denied.
    pub asks: Vec<Ask>,
    /// The services on whose behalf the caller is asked, outermost first: `aws:CalledVia`.
    pub via: Vec<String>,
}

/// One action on one resource.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// e.g. `kms:Decrypt`.
    pub action: Cow<'static, str>,
    /// An ARN, or `*` where the action has no resource types.
    pub resource: String,
    /// The node whose policy, tags and account count for the resource, where its ARN differs
    /// (an object's bucket). `None`: the node that bears `resource`.
    pub owner: Option<String>,
    /// The account of the resource where neither ARN nor node tells.
    pub account: Option<AccountId>,
    /// Condition keys of the service for this request, e.g. `kms:EncryptionContext:purpose`.
    pub context: Vec<(Cow<'static, str>, Vec<String>)>,
    /// Tags that the request sets: `aws:RequestTag/*`, `aws:TagKeys`.
    pub request_tags: Tags,
    /// Tag keys that the request removes: `aws:TagKeys`.
    pub tag_keys: Vec<String>,
    /// The resource's tags where no node carries them (bulk resources).
    pub resource_tags: Option<Tags>,
    /// The resource policy must itself consent, even within the account (KMS keys, role trust).
    pub consent: bool,
    /// The operation needs no permission at all (`sts:GetCallerIdentity`).
    pub free: bool,
}

impl Ask {
    pub fn new(action: impl Into<Cow<'static, str>>, resource: impl Into<String>) -> Ask {
        Ask { action: action.into(), resource: resource.into(), ..Ask::default() }
    }

    /// An operation that AWS lets every authenticated principal call.
    pub fn free(action: impl Into<Cow<'static, str>>) -> Ask {
        Ask { free: true, ..Ask::new(action, "*") }
    }

    /// The account of the resource, where anything tells.
    pub fn account_in(&self, snapshot: &Snapshot) -> Option<AccountId> {
        let node = || snapshot.by_arn(self.owner.as_deref().unwrap_or(&self.resource));
        let written = || Arn::parse(&self.resource).and_then(|arn| AccountId::parse(arn.account));
        self.account.clone().or_else(|| node().map(|n| n.key().account)).or_else(written)
    }

    /// Adds a condition key with one value; nothing for an absent value.
    #[must_use]
    pub fn key(mut self, name: impl Into<Cow<'static, str>>, value: Option<impl Into<String>>) -> Ask {
        if let Some(value) = value {
            self.context.push((name.into(), vec![value.into()]));
        }
        self
    }

    /// Adds a condition key with several values.
    #[must_use]
    pub fn keys(mut self, name: impl Into<Cow<'static, str>>, values: Vec<String>) -> Ask {
        self.context.push((name.into(), values));
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    Allowed,
    ImplicitDeny,
    ExplicitDeny,
}

/// The statement that decided a layer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementRef {
    pub policy: String,
    pub sid: Option<String>,
    /// Counted from 1.
    pub index: usize,
    pub file: Option<String>,
    pub line: Option<u32>,
}

/// The verdict of one layer: identity policies, an SCP, the key policy, the WAF, ...
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    pub name: Cow<'static, str>,
    pub outcome: Outcome,
    pub statement: Option<StatementRef>,
    pub reason: Cow<'static, str>,
}

/// Why one ask was allowed or denied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskWhy {
    pub action: String,
    pub resource: String,
    pub outcome: Outcome,
    pub layers: Vec<Layer>,
}

/// The reason of a decision, for the client, the log and `explain`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// The sentence the client gets when denied; empty when allowed.
    pub message: String,
    pub asks: Vec<AskWhy>,
    /// The denial in the form of STS's `DecodeAuthorizationMessage`, for services whose answers carry it
    /// encoded. Not in the log, which has the asks.
    #[serde(skip)]
    pub details: Option<String>,
}

/// The answer to a [`Request`]. Made by `decide`, consumed by [`permit`].
#[must_use = "a decision that is not recorded permits nothing"]
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    Allowed(Why),
    Denied(Why),
}

/// Writes events to the log. Implemented by the runtime over `record`.
pub trait Recorder: Sync {
    /// Appends in call order; an error means that nothing may be permitted.
    fn record(&self, event: Event) -> Result<(), Fault>;
}

/// Leave to act, once, on what was asked. There is no other way to make one than [`permit`].
#[derive(Debug)]
pub struct Permit {
    request: Arc<Request>,
}

impl Permit {
    pub fn request(&self) -> &Arc<Request> {
        &self.request
    }
}

/// Records the decision, then gives leave if it was to allow. A denial comes back as the client's fault.
pub fn permit(log: &dyn Recorder, request: Arc<Request>, decision: Decision) -> Result<Permit, Fault> {
    let (allowed, why) = match decision {
        Decision::Allowed(why) => (true, why),
        Decision::Denied(why) => (false, why),
    };
    let message = if allowed { None } else { Some(why.message.clone()) };
    log.record(Event::new(&request, EventBody::Decision { allowed, why }))?;
    match message {
        None => Ok(Permit { request }),
        Some(message) => Err(Fault::access_denied(message)),
    }
}
