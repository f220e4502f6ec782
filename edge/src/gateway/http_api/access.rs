//! May this route be called? A JWT of the authorizer's issuer and audience with one of the
//! route's scopes, or an IAM principal who may. Follows "Control access to HTTP APIs with JWT
//! authorizers".

use std::sync::Arc;

use model::decision::{Ask, Request};
use model::estate::apigateway::{HttpAuthorizer, invoke_arn, management_arn};
use model::estate::cognito::TokenIssuer;
use serde_json::Value as Json;

use super::routes::Compiled;
use super::{Refusal, Stage};
use crate::gateway::call::Call;
use crate::gateway::path::pairs;
use crate::gateway::signature;
use crate::gateway::token::{self, Claims, Token};

pub(super) async fn judge(call: &mut Call, stage: &Stage<'_>, route: &Compiled) -> Result<(), Refusal> {
    match route.route.authorization_type.as_str() {
        "NONE" => Ok(()),
        "AWS_IAM" => iam(call, stage).await,
        "JWT" => {
            let Some(authorizer) = &route.authorizer else {
                return Err(Refusal::broken("the authorizer is gone"));
            };
            let arn = management_arn(
                &call.journey.region,
                &format!("/apis/{}/authorizers/{}", stage.node.api_id, authorizer.authorizer_id),
            );
            let verdict = claims(call, authorizer, &route.route.authorization_scopes);
            if let Ok(claims) = &verdict {
                let name = ["sub", "username", "client_id"].iter().find_map(|c| claims.get(*c)?.as_str());
                call.subject = name.unwrap_or_default().to_owned();
            }
            call.decided("authorizer", &arn, verdict.as_ref().map(|_| ()).map_err(|r| r.reason.as_str()))?;
            call.context.claims = Some(verdict?);
            Ok(())
        }
        other => Err(Refusal::broken(format!("the authorization type `{other}` is not served"))),
    }
}

async fn iam(call: &mut Call, stage: &Stage<'_>) -> Result<(), Refusal> {
    let body = super::body_of(call).await?;
    let caller = signature::caller(call, &body).map_err(|r| Refusal::forbidden(format!("{r:?}")))?;
    call.subject.clone_from(&caller.arn);
    call.context.set("identity.userArn", caller.arn.clone());
    call.context.set("identity.caller", caller.principal_id.clone());
    call.context.set("identity.user", caller.principal_id.clone());
    call.context.set("identity.accountId", caller.account.to_string());
    let path = format!("{}/{}/{}{}", stage.node.api_id, stage.node.stage_name, call.method, stage.rest);
    let ask = Ask {
        account: Some(call.journey.account.clone()),
        ..Ask::new("execute-api:Invoke", invoke_arn(&call.journey.region, &call.journey.account, &path))
    };
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
        parameters: Json::Null,
        asks: vec![ask],
        via: Vec::new(),
    };
    let decision = call.plane.estate.authorize(&call.snapshot, &request);
    match model::permit(&*call.plane.estate, Arc::new(request), decision) {
        Ok(_permit) => Ok(()),
        Err(fault) if fault.code == "AccessDeniedException" => Err(Refusal::forbidden(fault.message)),
        Err(fault) => Err(fault.into()),
    }
}

/// The claims of a token that is good for this route.
fn claims(call: &Call, authorizer: &HttpAuthorizer, scopes: &[String]) -> Result<Claims, Refusal> {
    let listed = scopes.join(" ");
    let no = |why: &str| Refusal::unauthorized(&listed, why);
    let source = authorizer.identity_source.first().map(String::as_str).unwrap_or_default();
    let given = match (source.strip_prefix("$request.header."), source.strip_prefix("$request.querystring."))
    {
        (Some(name), _) => call.header(name).map(str::to_owned),
        (_, Some(name)) => pairs(&call.query).into_iter().find(|(n, _)| n == name).map(|(_, v)| v),
        _ => None,
    };
    let given = given.filter(|t| !t.is_empty()).ok_or_else(Refusal::no_token)?;
    let issuer = &authorizer.jwt_configuration.issuer;
    // Tokens of others cannot be checked here, and so are not believed.
    let known = call.snapshot.find_named::<TokenIssuer>(&format!("issuer/{issuer}"));
    let known = known.ok_or_else(|| no("the token's issuer is not known"))?;
    let token = Token::parse(token::bare(&given)).map_err(|bad| no(bad.text()))?;
    let claims = token.verify(known, call.plane.estate.now()).map_err(|bad| no(bad.text()))?;
    if !audience(&claims, &authorizer.jwt_configuration.audience) {
        return Err(no("the token does not have a valid audience"));
    }
    let held = token::scopes(&claims);
    match scopes.is_empty() || scopes.iter().any(|s| held.contains(&s.as_str())) {
        true => Ok(claims),
        false => Err(Refusal::no_scope(&listed)),
    }
}

/// `aud` is one of the audience, or contains one; `client_id` only where there is no `aud`.
fn audience(claims: &Claims, audience: &[String]) -> bool {
    let one = |value: &Json| value.as_str().is_some_and(|v| audience.iter().any(|a| a == v));
    match claims.get("aud") {
        Some(Json::Array(list)) => list.iter().any(one),
        Some(value) => one(value),
        None => claims.get("client_id").is_some_and(one),
    }
}
