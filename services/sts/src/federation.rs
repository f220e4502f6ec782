//! Roles for web identities: who shows a token is whom it names, and the role's trust policy
//! decides about them. Nobody's credentials are needed, and nobody's help.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
//!
//! Takes the tokens of this runtime's identity pools. Those of other issuers need an OpenID Connect
//! provider in IAM, of which there are none here.

use std::collections::BTreeMap;

use jwt::Algorithm::Rs512;
use model::estate::cognito::{IDENTITY_ISSUER, IDENTITY_PROVIDER, IdentityIssuer};
use model::estate::iam::Role;
use model::identity::Session;
use model::{AccountId, Arn, Ask, Asking, Caller, CallerKind, Fault, Members, Tx, Value};
use serde_json::Value as Json;

use crate::shapes::*;
use crate::{credentials, session_policies};

fn invalid(why: impl Into<String>) -> Fault {
    Fault::client("InvalidIdentityToken", why)
}

/// Whom a verified token names.
struct Identity {
    audience: String,
    subject: String,
    /// What the provider's condition keys hold.
    keys: BTreeMap<String, Vec<String>>,
}

/// The token's signature, its issuer, its audience and its times must all be right.
fn identity(tx: &Tx<'_>, token: &str) -> Result<Identity, Fault> {
    let claimed = jwt::claimed(token).ok_or_else(|| {
        invalid(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    })?;
    let text = |claims: &Json, name: &str| claims.get(name).and_then(Json::as_str).map(str::to_owned);
    let issuer = text(&claimed, "iss").ok_or_else(|| invalid("Missing a required claim: iss"))?;
    if issuer != IDENTITY_ISSUER {
        return Err(invalid(format!("No OpenIDConnect provider found in your account for {issuer}")));
    }
    let missing = |name: &str| invalid(format!("Missing a required claim: {name}"));
    let audience = text(&claimed, "aud").ok_or_else(|| missing("aud"))?;
    let unverified = || invalid("Couldn't verify the signature of the token with a key of its issuer");
    let named = IdentityIssuer::named(&audience);
    let signer = tx.snapshot().find_named::<IdentityIssuer>(&named).ok_or_else(unverified)?;
    let claims = jwt::verified(Rs512, &signer.keys, token).ok_or_else(unverified)?;
    let expires = claims.get("exp").and_then(Json::as_i64).ok_or_else(|| missing("exp"))?;
    let now = tx.now.seconds();
    if expires <= now {
        return Err(Fault::client(
            "ExpiredTokenException",
            format!(
                "Token expired: current date/time {now} must be before the expiration date/time {expires}"
            ),
        ));
    }
    let subject = text(&claims, "sub").ok_or_else(|| missing("sub"))?;
    let amr = claims.get("amr").and_then(Json::as_array).into_iter().flatten();
    let amr = amr.filter_map(Json::as_str).map(str::to_owned).collect();
    let key = |name: &str| format!("{IDENTITY_PROVIDER}:{name}");
    let keys = BTreeMap::from([
        (key("aud"), vec![audience.clone()]),
        (key("sub"), vec![subject.clone()]),
        (key("amr"), amr),
    ]);
    Ok(Identity { audience, subject, keys })
}

/// No API of AWS's: the question about a verified identity, which the role's trust policy answers.
pub(crate) fn ask(asking: &Asking<'_>) -> Vec<Ask> {
    if !matches!(asking.caller.kind, CallerKind::Federated { .. }) {
        return Vec::new();
    }
    let role = asking.text("RoleArn").unwrap_or_default();
    let ask = Ask { consent: true, ..Ask::new("sts:AssumeRoleWithWebIdentity", role) };
    vec![ask.key("sts:RoleSessionName", asking.text("RoleSessionName"))]
}

/// The decision is all there is to it.
pub(crate) fn consent_to_web_identity(_: &mut Tx<'_>, _: Value) -> Result<Value, Fault> {
    Ok(Value::Null)
}

/// The role, if its trust policy lets this identity have it.
fn consented(tx: &mut Tx<'_>, identity: Caller, role: &str, session: &str) -> Result<Role, Fault> {
    let denied = || Fault::access_denied("Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let mut question = Members::default();
    question.push("RoleArn", role);
    question.push("RoleSessionName", session);
    let answer = tx.call_as(identity, None, "sts", "ConsentToWebIdentity", Value::Map(question));
    let _: Value = answer.map_err(|fault| match fault.code.as_ref() {
        "AccessDeniedException" => denied(),
        _ => fault,
    })?;
    tx.find_arn::<Role>(role).cloned().ok_or_else(denied)
}

pub(crate) fn assume_role_with_web_identity(
    tx: &mut Tx<'_>,
    input: AssumeRoleWithWebIdentityRequest,
) -> Result<AssumeRoleWithWebIdentityResponse, Fault> {
    let account = Arn::parse(&input.role_arn).and_then(|arn| AccountId::parse(arn.account));
    tx.account = account.ok_or_else(|| Fault::validation("Request ARN is invalid"))?;
    if input.provider_id.is_some() {
        return Err(invalid("ProviderId is not for OpenID Connect tokens"));
    }
    let Identity { audience, subject, keys } = identity(tx, &input.web_identity_token)?;
    let bearer = Caller::federated(IDENTITY_PROVIDER, &audience, &subject, keys.clone());
    tx.proved(bearer.clone());
    let name = input.role_session_name;
    let role = consented(tx, bearer, &input.role_arn, &name)?;
    let seconds = input.duration_seconds.unwrap_or(3600);
    if seconds > role.max_session {
        return Err(Fault::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    let (policies, policy_arns) = session_policies(tx, input.policy, input.policy_arns)?;
    let packed = crate::packed(&policies);
    let mut federation = keys;
    federation.insert("aws:FederatedProvider".to_owned(), vec![IDENTITY_PROVIDER.to_owned()]);
    let session = Session {
        policies,
        policy_arns,
        issued: tx.now,
        expires: tx.now.plus_seconds(seconds),
        federation,
        ..Session::default()
    };
    let caller = crate::session_of(&role, &name, session);
    let user = AssumedRoleUser { assumed_role_id: caller.principal_id.clone(), arn: caller.arn.clone() };
    Ok(AssumeRoleWithWebIdentityResponse {
        credentials: Some(credentials(tx, caller)?),
        subject_from_web_identity_token: Some(subject),
        assumed_role_user: Some(user),
        packed_policy_size: packed,
        provider: Some(IDENTITY_PROVIDER.to_owned()),
        audience: Some(audience),
        ..AssumeRoleWithWebIdentityResponse::default()
    })
}
