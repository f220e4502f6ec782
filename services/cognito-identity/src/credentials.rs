//! What an identity gets: in the enhanced flow the credentials of the role that its pool chooses,
//! in the basic flow a token to ask STS for a role itself. Either way STS judges the token.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication-flow.html>

use model::{Caller, Fault, FromValue as _, Members, Timestamp, Tx, Value};

use crate::identity::{Present, present};
use crate::shapes::*;
use crate::{issuer, role};

const SERVICE: &str = "cognito-identity.amazonaws.com";
/// What guests may do at most in the enhanced flow, whatever their role allows: AWS's session
/// policies for them, in one.
const GUESTS: &str = include_str!("guests.json");

/// <https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_GetCredentialsForIdentity.html>
pub(crate) fn get_credentials_for_identity(
    tx: &mut Tx<'_>,
    input: GetCredentialsForIdentityInput,
) -> Result<GetCredentialsForIdentityResponse, Fault> {
    let who = present(tx, input.identity_id, input.logins)?;
    let role = role::of(&who.pool, who.login.as_ref(), input.custom_role_arn.as_deref())?;
    let credentials = assume(tx, &who, &role)?;
    Ok(GetCredentialsForIdentityResponse { identity_id: Some(who.id), credentials: Some(credentials) })
}

/// <https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_GetOpenIdToken.html>
pub(crate) fn get_open_id_token(
    tx: &mut Tx<'_>,
    input: GetOpenIdTokenInput,
) -> Result<GetOpenIdTokenResponse, Fault> {
    let who = present(tx, input.identity_id, input.logins)?;
    // A pool that does not say so has the basic flow, as in AWS.
    if who.pool.classic == Some(false) {
        return Err(Fault::client(
            "InvalidParameterException",
            "Basic (classic) flow is not enabled, please use enhanced flow.",
        ));
    }
    let token = issuer::token(tx, &who.pool, &who.id, who.login.as_ref())?;
    Ok(GetOpenIdTokenResponse { identity_id: Some(who.id), token: Some(token) })
}

/// Asks STS for the role, with a token for the identity: the role's trust policy decides.
fn assume(tx: &mut Tx<'_>, who: &Present, role: &str) -> Result<Credentials, Fault> {
    let mut input = Members::default();
    input.push("RoleArn", role);
    input.push("RoleSessionName", "CognitoIdentityCredentials");
    input.push("WebIdentityToken", issuer::token(tx, &who.pool, &who.id, who.login.as_ref())?);
    if who.login.is_none() {
        input.push("Policy", GUESTS);
    }
    let nobody = Caller::anonymous();
    let asked = tx.call_as(nobody, Some(SERVICE), "sts", "AssumeRoleWithWebIdentity", Value::Map(input));
    let made: Value = asked.map_err(|fault| match fault.code.as_ref() {
        "AccessDenied" | "AccessDeniedException" => role::not_configured(),
        _ => fault,
    })?;
    let made = made.get("Credentials").cloned().unwrap_or(Value::Null);
    let text = |name: &str| made.text(name).map(str::to_owned);
    Ok(Credentials {
        access_key_id: text("AccessKeyId"),
        secret_key: text("SecretAccessKey"),
        session_token: text("SessionToken"),
        expiration: made.get("Expiration").cloned().map(Timestamp::from_value).transpose()?,
    })
}
