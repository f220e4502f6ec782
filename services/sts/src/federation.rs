//! Roles for web identities: who shows a token is whom it names, and the role's trust policy
//! decides about them. Nobody's credentials are needed, and nobody's help.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>
//!
//! Takes the tokens of this runtime's identity pools, and those of its user pools where the account has an
//! OpenID Connect provider in IAM for them. Nobody else's keys can be had: their tokens are refused.

use std::collections::BTreeMap;

use jwt::Algorithm::{Rs256, Rs512};
use model::estate::cognito::{IDENTITY_ISSUER, IDENTITY_PROVIDER, IdentityIssuer, TokenIssuer};
use model::estate::iam::{OidcProvider, Role};
use model::identity::Session;
use model::{AccountId, Arn, Caller, Fault, Members, Tx, Value};
use serde_json::Value as Json;

use crate::shapes::*;
use crate::{credentials, session_policies};

fn invalid(why: impl Into<String>) -> Fault {
    Fault::client("InvalidIdentityToken", why)
}

/// Whom a verified token names.
struct Identity {
    /// As trust policies name it.
    provider: String,
    /// As the answer names it.
    shown: String,
    audience: String,
    subject: String,
    /// What the provider's condition keys hold.
    keys: BTreeMap<String, Vec<String>>,
}

fn text(claims: &Json, name: &str) -> Option<String> {
    claims.get(name).and_then(Json::as_str).map(str::to_owned)
}

fn missing(name: &str) -> Fault {
    invalid(format!("Missing a required claim: {name}"))
}

fn unverified() -> Fault {
    invalid("Couldn't verify the signature of the token with a key of its issuer")
}

/// The token's signature, its issuer, its audience and its times must all be right.
fn identity(tx: &Tx<'_>, token: &str) -> Result<Identity, Fault> {
    let claimed = jwt::claimed(token).ok_or_else(|| {
        invalid(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    })?;
    let issuer = text(&claimed, "iss").ok_or_else(|| missing("iss"))?;
    let audience = text(&claimed, "aud").ok_or_else(|| missing("aud"))?;
    let (provider, name, claims) = match issuer == IDENTITY_ISSUER {
        true => (IDENTITY_PROVIDER.to_owned(), IDENTITY_PROVIDER, of_identity_pool(tx, &audience, token)?),
        false => {
            let provider = registered(tx, &issuer)?;
            (provider.arn(), provider.url.as_str(), of_user_pool(tx, provider, &issuer, token)?)
        }
    };
    in_time(tx, &claims)?;
    let subject = text(&claims, "sub").ok_or_else(|| missing("sub"))?;
    let amr = claims.get("amr").and_then(Json::as_array).into_iter().flatten();
    let amr = amr.filter_map(Json::as_str).map(str::to_owned).collect();
    let key = |claim: &str| format!("{name}:{claim}");
    // The party that the token was made for, where it is not the audience.
    let party = text(&claims, "azp").unwrap_or_else(|| audience.clone());
    let keys =
        BTreeMap::from([(key("aud"), vec![party]), (key("sub"), vec![subject.clone()]), (key("amr"), amr)]);
    let shown = if issuer == IDENTITY_ISSUER { IDENTITY_PROVIDER.to_owned() } else { issuer };
    Ok(Identity { provider, shown, audience, subject, keys })
}

/// The provider by which the role's account trusts an issuer.
fn registered<'a>(tx: &'a Tx<'_>, issuer: &str) -> Result<&'a OidcProvider, Fault> {
    let none = || invalid(format!("No OpenIDConnect provider found in your account for {issuer}"));
    let url = issuer.strip_prefix("https://").ok_or_else(none)?;
    tx.find_global::<OidcProvider>(url).ok_or_else(none)
}

fn of_identity_pool(tx: &Tx<'_>, audience: &str, token: &str) -> Result<Json, Fault> {
    let named = IdentityIssuer::named(audience);
    let signer = tx.snapshot().find_named::<IdentityIssuer>(&named).ok_or_else(unverified)?;
    jwt::verified(Rs512, &signer.keys, token).ok_or_else(unverified)
}

/// The keys of user pools are at hand; to fetch those of others is no handler's to do.
fn of_user_pool(tx: &Tx<'_>, provider: &OidcProvider, issuer: &str, token: &str) -> Result<Json, Fault> {
    let unreachable = || {
        invalid(
            "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
        )
    };
    let named = TokenIssuer::named(issuer);
    let signer = tx.snapshot().find_named::<TokenIssuer>(&named).ok_or_else(unreachable)?;
    let claims = jwt::verified(Rs256, &signer.keys, token).ok_or_else(unverified)?;
    match text(&claims, "aud").is_some_and(|audience| provider.clients.contains(&audience)) {
        true => Ok(claims),
        false => Err(invalid("Incorrect token audience")),
    }
}

fn in_time(tx: &Tx<'_>, claims: &Json) -> Result<(), Fault> {
    let time = |name: &str| claims.get(name).and_then(Json::as_i64);
    let expires = time("exp").ok_or_else(|| missing("exp"))?;
    let now = tx.now.seconds();
    if expires <= now {
        return Err(Fault::client(
            "ExpiredTokenException",
            format!(
                "Token expired: current date/time {now} must be before the expiration date/time {expires}"
            ),
        ));
    }
    match time("nbf") {
        Some(begins) if begins > now => Err(invalid("The token is not valid yet")),
        _ => Ok(()),
    }
}

/// The role, if its trust policy lets a verified identity have it: what `consent` asks.
pub(crate) fn consented(
    tx: &mut Tx<'_>,
    identity: Caller,
    consent: &'static str,
    question: Members,
    denied: fn() -> Fault,
) -> Result<Role, Fault> {
    let role = question.get("RoleArn").and_then(Value::as_str).unwrap_or_default().to_owned();
    let answer = tx.call_as(identity, None, "sts", consent, Value::Map(question));
    let _: Value = answer.map_err(|fault| match fault.code.as_ref() {
        "AccessDeniedException" => denied(),
        _ => fault,
    })?;
    tx.find_arn::<Role>(&role).cloned().ok_or_else(denied)
}

fn denied() -> Fault {
    Fault::access_denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
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
    let Identity { provider, shown, audience, subject, keys } = identity(tx, &input.web_identity_token)?;
    let bearer = Caller::federated(&provider, &audience, &subject, keys.clone());
    tx.proved(bearer.clone());
    let name = input.role_session_name;
    let mut question = Members::default();
    question.push("RoleArn", input.role_arn.as_str());
    question.push("RoleSessionName", name.as_str());
    let role = consented(tx, bearer, "ConsentToWebIdentity", question, denied)?;
    let seconds = input.duration_seconds.unwrap_or(3600);
    if seconds > role.max_session {
        return Err(Fault::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    let (policies, policy_arns) = session_policies(tx, input.policy, input.policy_arns)?;
    let packed = crate::packed(&policies);
    let mut federation = keys;
    federation.insert("aws:FederatedProvider".to_owned(), vec![provider]);
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
        provider: Some(shown),
        audience: Some(audience),
        ..AssumeRoleWithWebIdentityResponse::default()
    })
}
