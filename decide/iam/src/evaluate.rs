//! Weighs the layers against one another.
//!
//! A deny anywhere wins. Resource control policies, service control policies and the VPC
//! endpoint's policy must each allow. Then, within an account, the resource's policy may
//! grant alone: to the caller directly, whatever else is silent; to the role or user behind
//! a session, within its boundary and session policies; to the account, only together with
//! an identity policy. Otherwise identity policy, boundary and session must all allow. A
//! resource of another account, and one whose consent is required, must grant as well.
//! A grant of a KMS key stands beside the key's policy: it lets in whom it names without an
//! identity policy, also across accounts, but never beyond a boundary or session policy.
//! Follows AWS's "Policy evaluation logic" and "Cross-account policy evaluation logic".

use crate::grants::{KeyGrant, Lack};
use crate::layers::{Attached, Consent, Layers, Request};
use crate::policy::PolicyKind;
use crate::principal::{Grant, PrincipalKind};
use crate::scan::{Question, Said, Side};
use crate::verdict::{Layer, LayerVerdict, Outcome, Silence, Verdict, Why};

pub fn evaluate<'a>(request: &Request<'a>, layers: &Layers<'a>) -> Verdict<'a> {
    let question = Question::new(*request, layers.boundary.is_some());
    let principal = request.principal;
    let (own, linked) = (principal.has_identity(), principal.is_service_linked());
    let mut verdicts = Vec::with_capacity(8);
    if !layers.rcps.is_empty() && !linked {
        verdicts.push(levels(&question, layers.rcps, Layer::ResourceControl));
    }
    if !layers.scps.is_empty() && !linked && own {
        verdicts.push(levels(&question, layers.scps, Layer::ServiceControl));
    }
    if let Some(policies) = layers.endpoint {
        verdicts.push(flat(&question, policies, Layer::Endpoint));
    }
    let owned = layers.resource.map(std::slice::from_ref).unwrap_or_default();
    verdicts.push(flat(&question, owned, Layer::Resource));
    verdicts.extend(layers.grants.ask(request).map(granted));
    if own {
        verdicts.push(identity(&question, layers.identity));
        verdicts.extend(layers.boundary.map(|policies| flat(&question, policies, Layer::Boundary)));
        verdicts.extend(layers.session.map(|policies| flat(&question, policies, Layer::Session)));
    }
    let cross_account =
        own && question.resource_account().is_some_and(|account| account != principal.account);
    let consent = cross_account || layers.resource_consent == Consent::Required;
    let (outcome, decisive) = combine(&verdicts, own, cross_account, consent);
    let trust = layers.resource.is_some_and(|r| r.policy.kind == PolicyKind::Trust);
    Verdict { outcome, layers: verdicts, decisive, request: *request, cross_account, held: *layers, trust }
}

fn granted<'a>((by, said): (&'a KeyGrant, Result<Grant, Lack>)) -> LayerVerdict<'a> {
    let (outcome, why) = match said {
        Ok(grant) => (Outcome::Allowed, Why::Granted { grant, by }),
        Err(lack) => (Outcome::ImplicitDeny, Why::Ungranted { lack, by }),
    };
    LayerVerdict { layer: Layer::Grant, outcome, statement: None, why }
}

/// Every level must allow.
fn levels<'a>(question: &Question<'a>, levels: &'a [Vec<Attached>], layer: Layer) -> LayerVerdict<'a> {
    let side = if layer == Layer::ResourceControl { Side::Named } else { Side::Holder };
    let (mut silent, mut allowed) = (None, None);
    for (at, policies) in levels.iter().enumerate() {
        match question.ask(policies, side) {
            Said { deny: Some(found), .. } => return LayerVerdict::denied(layer, &found),
            Said { allow: Some(found), .. } => allowed = Some(LayerVerdict::allowed(layer, &found)),
            Said { .. } if silent.is_none() => {
                let silence = Silence { policies, request: question.request, side, level: Some(at + 1) };
                silent = Some(LayerVerdict::silent(layer, Why::Silent(silence)));
            }
            Said { .. } => {}
        }
    }
    silent.or(allowed).unwrap_or(LayerVerdict::silent(layer, Why::NoPolicy))
}

/// One policy must allow.
fn flat<'a>(question: &Question<'a>, policies: &'a [Attached], layer: Layer) -> LayerVerdict<'a> {
    let side = Side::of(layer);
    match question.ask(policies, side) {
        Said { deny: Some(found), .. } => LayerVerdict::denied(layer, &found),
        Said { allow: Some(found), .. } => LayerVerdict::allowed(layer, &found),
        Said { .. } if policies.is_empty() => LayerVerdict::silent(layer, Why::NoPolicy),
        Said { .. } => {
            let silence = Silence { policies, request: question.request, side, level: None };
            LayerVerdict::silent(layer, Why::Silent(silence))
        }
    }
}

fn identity<'a>(question: &Question<'a>, policies: &'a [Attached]) -> LayerVerdict<'a> {
    let verdict = flat(question, policies, Layer::Identity);
    let root = question.request.principal.kind == PrincipalKind::Root;
    if root && verdict.outcome == Outcome::ImplicitDeny {
        return LayerVerdict { outcome: Outcome::Allowed, why: Why::Root, ..verdict };
    }
    verdict
}

/// Of several denying layers, the one that AWS names.
const EXPLICIT: [Layer; 7] = [
    Layer::ServiceControl,
    Layer::ResourceControl,
    Layer::Endpoint,
    Layer::Identity,
    Layer::Boundary,
    Layer::Session,
    Layer::Resource,
];

fn combine(verdicts: &[LayerVerdict<'_>], own: bool, cross: bool, consent: bool) -> (Outcome, Option<Layer>) {
    let outcome = |layer| verdicts.iter().find(|v| v.layer == layer).map(|v| v.outcome);
    if let Some(layer) = EXPLICIT.into_iter().find(|l| outcome(*l) == Some(Outcome::ExplicitDeny)) {
        return (Outcome::ExplicitDeny, Some(layer));
    }
    let silent = |layer: &Layer| outcome(*layer) == Some(Outcome::ImplicitDeny);
    let denied = |layer| (Outcome::ImplicitDeny, Some(layer));
    if let Some(layer) =
        [Layer::ResourceControl, Layer::ServiceControl, Layer::Endpoint].into_iter().find(silent)
    {
        return denied(layer);
    }
    let by_grant = verdicts.iter().find_map(|v| match v.why {
        // Only the account delegates by its own policies.
        Why::Granted { grant: Grant::Account, .. } if own => {
            Some([Layer::Identity, Layer::Boundary, Layer::Session].into_iter().find(silent))
        }
        Why::Granted { .. } => Some([Layer::Boundary, Layer::Session].into_iter().find(silent)),
        _ => None,
    });
    let by_policy = by_policy(verdicts, own, cross, consent);
    match (by_grant, by_policy) {
        (Some(None), _) | (_, None) => (Outcome::Allowed, None),
        (Some(Some(layer)), _) | (None, Some(layer)) => denied(layer),
    }
}

/// The layer for want of which policies alone do not allow.
fn by_policy(verdicts: &[LayerVerdict<'_>], own: bool, cross: bool, consent: bool) -> Option<Layer> {
    let silent =
        |layer: &Layer| verdicts.iter().any(|v| v.layer == *layer && v.outcome == Outcome::ImplicitDeny);
    let grant = verdicts.iter().find(|v| v.layer == Layer::Resource).and_then(|v| match v.why {
        Why::Allows { grant } => Some(grant),
        _ => None,
    });
    if grant.is_none() && (consent || !own) {
        return Some(Layer::Resource);
    }
    if !own || (!cross && grant == Some(Grant::Direct)) {
        return None;
    }
    let identity_needed = cross || grant != Some(Grant::Behind);
    if identity_needed && silent(&Layer::Identity) {
        return Some(Layer::Identity);
    }
    [Layer::Boundary, Layer::Session].into_iter().find(silent)
}
