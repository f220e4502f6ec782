//! May this be called? The method's authorization and the API's resource policy.
//!
//! With IAM the policy and the caller's own policies are one decision. A Cognito authorizer asks
//! first, then the policy judges by where the request came from. Follows "How API Gateway
//! resource policies affect authorization workflow".

use std::sync::Arc;

use model::api::Protocol;
use model::decision::{Ask, Outcome, Request};
use model::estate::apigateway::{deployment_name, invoke_arn, management_arn};
use model::estate::cognito::TokenIssuer;
use model::{AccountId, Caller, Decision};

use super::refusal::Refusal;
use super::routes::{Access, Cognito, Route};
use super::{Stage, body_of};
use crate::gateway::call::Call;
use crate::gateway::signature;
use crate::gateway::token::{self, Bad, Token};
use crate::sigv4;

pub(super) async fn judge(call: &mut Call, stage: &Stage<'_>, route: &Route) -> Result<(), Refusal> {
    match &route.access {
        Access::Nobody(reason) => Err(Refusal::new("API_CONFIGURATION_ERROR", reason.clone())),
        Access::Anyone if stage.table.has_policy => decide(call, stage, Caller::anonymous()),
        Access::Anyone => Ok(()),
        Access::Iam => {
            let body = body_of(call).await?;
            let caller = signature::caller(call, &body).map_err(|refusal| signed(&refusal))?;
            identify(call, &caller);
            decide(call, stage, caller)
        }
        Access::Cognito(cognito) => {
            let arn = management_arn(
                &call.journey.region,
                &format!("/restapis/{}/authorizers/{}", stage.node.api, cognito.authorizer),
            );
            let verdict = claims(call, cognito);
            let said = verdict.as_ref().map(|_| ()).map_err(|r: &Refusal| r.reason.as_str());
            if let Ok(claims) = &verdict {
                let name = ["sub", "username", "client_id"].iter().find_map(|c| claims.get(*c)?.as_str());
                call.subject = name.unwrap_or_default().to_owned();
            }
            call.decided("authorizer", &arn, said)?;
            call.context.claims = Some(verdict?);
            if stage.table.has_policy { decide(call, stage, Caller::anonymous()) } else { Ok(()) }
        }
    }
}

fn identify(call: &mut Call, caller: &Caller) {
    call.subject.clone_from(&caller.arn);
    for (name, value) in [
        ("identity.caller", caller.principal_id.clone()),
        ("identity.user", caller.principal_id.clone()),
        ("identity.userArn", caller.arn.clone()),
        ("identity.accountId", caller.account.to_string()),
    ] {
        call.context.set(name, value);
    }
}

/// A signature that is no good, as the gateway says it.
fn signed(refusal: &sigv4::Refusal) -> Refusal {
    let reason = format!("{refusal:?}");
    match refusal {
        sigv4::Refusal::Missing => Refusal::new("MISSING_AUTHENTICATION_TOKEN", "the request is not signed"),
        sigv4::Refusal::ExpiredToken => {
            let said = Refusal::new("EXPIRED_TOKEN", reason)
                .saying("The security token included in the request is expired");
            Refusal { error: "ExpiredTokenException", ..said }
        }
        sigv4::Refusal::UnknownKey | sigv4::Refusal::BadToken => {
            let said = Refusal::new("INVALID_SIGNATURE", reason)
                .saying("The security token included in the request is invalid.");
            Refusal { error: "UnrecognizedClientException", ..said }
        }
        other => {
            let fault = sigv4::fault(other, Protocol::RestJson, false);
            let error = if fault.code == "IncompleteSignatureException" {
                "IncompleteSignatureException"
            } else {
                "InvalidSignatureException"
            };
            Refusal { error, ..Refusal::new("INVALID_SIGNATURE", reason).saying(fault.message) }
        }
    }
}

/// Decides `execute-api:Invoke`, and records the decision.
fn decide(call: &Call, stage: &Stage<'_>, caller: Caller) -> Result<(), Refusal> {
    let segments = format!("{}/{}/{}{}", stage.node.api, stage.node.stage_name, call.method, stage.rest);
    let resource = invoke_arn(&call.journey.region, &call.journey.account, &segments);
    let ask = Ask {
        owner: Some(deployment_name(&stage.node.api, &stage.node.deployment_id)),
        account: Some(call.journey.account.clone()),
        ..Ask::new("execute-api:Invoke", resource.clone())
    };
    let who = if caller.arn.is_empty() { "anonymous".to_owned() } else { caller.arn.clone() };
    let request = Request {
        id: call.journey.request.clone(),
        trace: call.journey.trace.clone(),
        time: call.plane.estate.now(),
        caller,
        origin: call.origin(),
        service: "execute-api",
        operation: "Invoke",
        region: call.journey.region.clone(),
        read_only: false,
        parameters: serde_json::Value::Null,
        asks: vec![ask],
        via: Vec::new(),
    };
    let decision = call.plane.estate.authorize(&call.snapshot, &request);
    let explicit = match &decision {
        Decision::Denied(why) => why.asks.iter().any(|a| a.outcome == Outcome::ExplicitDeny),
        Decision::Allowed(_) => false,
    };
    match model::permit(&*call.plane.estate, Arc::new(request), decision) {
        Ok(_permit) => Ok(()),
        Err(fault) if fault.code == "AccessDeniedException" => {
            let hidden = masked(&resource, &call.journey.account);
            let end = if explicit { " with an explicit deny" } else { "" };
            let message = format!(
                "User: {who} is not authorized to perform: execute-api:Invoke on resource: {hidden}{end}"
            );
            Err(Refusal::new("ACCESS_DENIED", fault.message).saying(message))
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Clients see the last four digits of an account only.
fn masked(arn: &str, account: &AccountId) -> String {
    let last: String = account.as_str().chars().skip(8).collect();
    arn.replacen(account.as_str(), &format!("********{last}"), 1)
}

/// The claims of the token that the authorizer finds, if it is good for this method.
fn claims(call: &Call, cognito: &Cognito) -> Result<token::Claims, Refusal> {
    let no = |reason: &str| Refusal::new("UNAUTHORIZED", reason);
    let text = call.header(&cognito.header).map(token::bare).filter(|t| !t.is_empty());
    let text = text.ok_or_else(|| no("there is no token"))?;
    if cognito.pattern.as_ref().is_some_and(|p| !p.is_match(text)) {
        return Err(no("the token is not of the form that the authorizer wants"));
    }
    let token = Token::parse(text).map_err(|bad| no(bad.text()))?;
    let (issuer, account) = cognito
        .issuers
        .iter()
        .find(|(issuer, _)| issuer == token.issuer())
        .ok_or_else(|| no(Bad::Issuer.text()))?;
    let known = call.snapshot.find_named::<TokenIssuer>(&format!("issuer/{issuer}"));
    let known = known.filter(|k| k.account.as_str() == account);
    let known =
        known.ok_or_else(|| Refusal::no_authorizer(format!("the user pool of `{issuer}` is gone")))?;
    let claims = token.verify(known, call.plane.estate.now()).map_err(|bad| match bad {
        Bad::Expired => no(bad.text()).saying("The incoming token has expired"),
        other => no(other.text()),
    })?;
    let kind = claims.get("token_use").and_then(serde_json::Value::as_str).unwrap_or_default();
    if cognito.scopes.is_empty() {
        return if kind == "id" {
            Ok(claims)
        } else {
            Err(no("the method without scopes wants an ID token"))
        };
    }
    if kind != "access" {
        return Err(no("the method with scopes wants an access token"));
    }
    let held = token::scopes(&claims);
    match cognito.scopes.iter().any(|s| held.contains(&s.as_str())) {
        true => Ok(claims),
        false => Err(no("the token has none of the method's scopes")),
    }
}
