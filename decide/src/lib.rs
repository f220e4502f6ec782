//! May this principal do this, here, now? Brings the graph's facts to the policy
//! language: which policies bear on a request, and what each condition key holds.
//!
//! Pure: the clock is in the request. Denies what it cannot decide. Follows AWS's
//! "Policy evaluation logic" and "AWS global condition context keys".

mod context;
mod grants;
mod layers;
mod review;
mod simulate;

use std::cell::LazyCell;
use std::sync::Arc;

use decide_iam as language;
use model::decision::{Ask, AskWhy, Decision, Layer, Outcome, Request, StatementRef, Why};
use model::estate::iam::Account;
use model::graph::AnyNode;
use model::policy::PolicyCheck;
use model::{AccountId, Fault, Snapshot};

pub use review::review;
pub use simulate::simulate;

/// Refuses a document that is no policy of this kind, with AWS's error.
pub fn check(kind: PolicyCheck, text: &str) -> Result<(), Fault> {
    parse(kind, text).map(|_| ())
}

/// The condition keys that a policy asks for, as written, each once.
pub fn context_keys(kind: PolicyCheck, text: &str) -> Result<Vec<String>, Fault> {
    parse(kind, text).map(|policy| policy.keys().into_iter().map(str::to_owned).collect())
}

fn kind(kind: PolicyCheck) -> language::PolicyKind {
    match kind {
        PolicyCheck::Identity => language::PolicyKind::Identity,
        PolicyCheck::Resource => language::PolicyKind::Resource,
        PolicyCheck::Trust => language::PolicyKind::Trust,
        PolicyCheck::Session => language::PolicyKind::Session,
        PolicyCheck::Scp => language::PolicyKind::Scp,
        PolicyCheck::Rcp => language::PolicyKind::Rcp,
        PolicyCheck::Endpoint => language::PolicyKind::Endpoint,
    }
}

fn parse(of: PolicyCheck, text: &str) -> Result<language::Policy, Fault> {
    let parsed = language::Policy::parse(text, kind(of));
    parsed.map_err(|malformed| Fault::client("MalformedPolicyDocument", malformed.to_string()))
}

/// Decides every ask of a request; all must be allowed.
pub fn authorize(snapshot: &Snapshot, request: &Request) -> Decision {
    if request.asks.is_empty() {
        let message = format!(
            "`{}:{}` has no permission mapped to it and is therefore denied",
            request.service, request.operation
        );
        return Decision::Denied(Why { message, ..Why::default() });
    }
    let global = LazyCell::new(|| Arc::new(context::global(snapshot, request)));
    let mut whys = Vec::with_capacity(request.asks.len());
    for ask in &request.asks {
        if let Some((why, message)) = closed(snapshot, request, ask) {
            whys.push(why);
            return Decision::Denied(Why { message, asks: whys, details: None });
        }
        if ask.free {
            whys.push(free(ask));
            continue;
        }
        let (why, denial) = judge(snapshot, request, ask, &global);
        whys.push(why);
        if let Some(Denial { message, details }) = denial {
            return Decision::Denied(Why { message, asks: whys, details });
        }
    }
    Decision::Allowed(Why { asks: whys, ..Why::default() })
}

/// The principals of a closed account may do nothing, and nobody may touch what is in it.
fn closed(snapshot: &Snapshot, request: &Request, ask: &Ask) -> Option<(AskWhy, String)> {
    let accounts = [Some(request.caller.account.clone()), target(snapshot, ask).account];
    let account = accounts.into_iter().flatten().find_map(|id| {
        snapshot.find::<Account>(&id, "", id.as_str()).filter(|account| account.status != "ACTIVE")
    })?;
    let reason = format!("account {} is closed ({})", account.account, account.status);
    let message = format!(
        "User: {} is not authorized to perform: {} on resource: {} because {reason}",
        request.caller.arn, ask.action, ask.resource
    );
    let outcome = Outcome::ExplicitDeny;
    let layer = Layer { name: "account".into(), outcome, statement: None, reason: reason.into() };
    let (action, resource) = (ask.action.to_string(), ask.resource.clone());
    Some((AskWhy { action, resource, outcome, layers: vec![layer] }, message))
}

fn free(ask: &Ask) -> AskWhy {
    AskWhy {
        action: ask.action.to_string(),
        resource: ask.resource.clone(),
        outcome: Outcome::Allowed,
        layers: vec![Layer {
            name: "service".into(),
            outcome: Outcome::Allowed,
            statement: None,
            reason: "no permission is needed for this operation".into(),
        }],
    }
}

/// The resource side of an ask.
struct Target<'a> {
    node: Option<&'a Arc<dyn AnyNode>>,
    account: Option<AccountId>,
}

fn target<'a>(snapshot: &'a Snapshot, ask: &Ask) -> Target<'a> {
    let node = snapshot.by_arn(ask.owner.as_deref().unwrap_or(&ask.resource));
    Target { node, account: ask.account_in(snapshot) }
}

/// Services whose denials carry their details, encoded.
const TELL_DETAILS: &[&str] = &["ec2"];

/// What a denied caller is told.
struct Denial {
    message: String,
    details: Option<String>,
}

fn judge(
    snapshot: &Snapshot,
    request: &Request,
    ask: &Ask,
    base: &LazyCell<Arc<language::Context>, impl FnOnce() -> Arc<language::Context>>,
) -> (AskWhy, Option<Denial>) {
    let target = target(snapshot, ask);
    let held = layers::collect(snapshot, request, ask, &target);
    let principal = layers::principal(&request.caller);
    let layers = held.layers();
    let (bare, full) =
        (language::Context::default(), LazyCell::new(|| context::of_ask(base, ask, &target, snapshot)));
    let question = |context| language::Request {
        principal: &principal,
        action: &ask.action,
        resource: &ask.resource,
        resource_account: target.account.as_ref().map(AccountId::as_str),
        context,
    };
    // What no policy asks for need not be found out; a denial tells it all the same.
    let plain = (!layers.asks()).then(|| language::evaluate(&question(&bare), &layers));
    let allowed = plain.filter(|verdict| verdict.outcome == language::Outcome::Allowed);
    let verdict = allowed.unwrap_or_else(|| language::evaluate(&question(&full), &layers));
    let outcome = outcome(verdict.outcome);
    let denial = (outcome != Outcome::Allowed).then(|| Denial {
        message: verdict.aws_message(&request.caller.arn, &ask.action, &ask.resource),
        details: TELL_DETAILS.contains(&request.service).then(|| verdict.authorization_message()),
    });
    let layers = verdict.layers.iter().map(layer).collect();
    (AskWhy { action: ask.action.to_string(), resource: ask.resource.clone(), outcome, layers }, denial)
}

fn outcome(outcome: language::Outcome) -> Outcome {
    match outcome {
        language::Outcome::Allowed => Outcome::Allowed,
        language::Outcome::ImplicitDeny => Outcome::ImplicitDeny,
        language::Outcome::ExplicitDeny => Outcome::ExplicitDeny,
    }
}

fn layer(verdict: &language::LayerVerdict) -> Layer {
    Layer {
        name: verdict.layer.name().into(),
        outcome: outcome(verdict.outcome),
        statement: verdict.statement.as_ref().map(|s| StatementRef {
            policy: s.policy.to_string(),
            sid: s.sid.as_ref().map(ToString::to_string),
            index: s.index,
            file: s.file.as_ref().map(ToString::to_string),
            line: s.line,
        }),
        reason: verdict.why.to_string().into(),
    }
}
