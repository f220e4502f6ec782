//! What signed-in users do to their own accounts. The access token is the only permission.

use model::{Fault, Tx};

use crate::attribute::{self, ADDRESSES};
use crate::code::{self, Purpose};
use crate::fault::{invalid, not_authorized, not_honoured};
use crate::schema;
use crate::shapes::*;
use crate::token::{self, SignedIn};
use crate::user::{self, User};
use crate::{client, grant};

const TOKEN: &str = "SOFTWARE_TOKEN_MFA";

/// The factors that are on, and the preferred one.
pub(crate) fn factors(user: &User) -> (Option<Vec<String>>, Option<String>) {
    let on = user.has_token() && user.totp_wanted;
    (on.then(|| vec![TOKEN.to_owned()]), (on && user.totp_preferred).then(|| TOKEN.to_owned()))
}

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GetUser.html>
pub(crate) fn get_user(tx: &mut Tx<'_>, input: GetUserRequest) -> Result<GetUserResponse, Fault> {
    let SignedIn { client, user, .. } = token::signed_in(tx, &input.access_token)?;
    let (user_mfa_setting_list, preferred_mfa_setting) = factors(&user);
    Ok(GetUserResponse {
        username: user.username.clone(),
        user_attributes: user.shown(|name| client.reads(name)),
        preferred_mfa_setting,
        user_mfa_setting_list,
        ..GetUserResponse::default()
    })
}

pub(crate) fn update_user_attributes(
    tx: &mut Tx<'_>,
    input: UpdateUserAttributesRequest,
) -> Result<UpdateUserAttributesResponse, Fault> {
    let SignedIn { pool, client, mut user } = token::signed_in(tx, &input.access_token)?;
    let changes = schema::of_list(Some(input.user_attributes));
    client.may_write(&changes)?;
    let sent = attribute::change(tx, &pool, &mut user, changes)?;
    Ok(UpdateUserAttributesResponse { code_delivery_details_list: (!sent.is_empty()).then_some(sent) })
}

pub(crate) fn delete_user_attributes(
    tx: &mut Tx<'_>,
    input: DeleteUserAttributesRequest,
) -> Result<(), Fault> {
    let SignedIn { pool, client, mut user } = token::signed_in(tx, &input.access_token)?;
    let named = input.user_attribute_names.iter().map(|name| (name.clone(), String::new())).collect();
    client.may_write(&named)?;
    attribute::remove(tx, &pool, &mut user, &input.user_attribute_names)
}

pub(crate) fn get_user_attribute_verification_code(
    tx: &mut Tx<'_>,
    input: GetUserAttributeVerificationCodeRequest,
) -> Result<GetUserAttributeVerificationCodeResponse, Fault> {
    let SignedIn { pool, mut user, .. } = token::signed_in(tx, &input.access_token)?;
    let name = input.attribute_name.as_str();
    let address = user.pending.get(name).or_else(|| user.attributes.get(name)).cloned();
    let address = address
        .filter(|a| ADDRESSES.contains(&name) && !a.is_empty())
        .ok_or_else(|| invalid(format!("{name} is not an attribute that can be verified")))?;
    if !user.pending.contains_key(name) && user.has_verified(name) {
        return Err(invalid("User attribute already verified."));
    }
    let details = code::send(tx, &pool, &mut user, Purpose::Attribute(name), (name, &address))?;
    user::save(tx, &user)?;
    Ok(GetUserAttributeVerificationCodeResponse { code_delivery_details: Some(details) })
}

pub(crate) fn verify_user_attribute(tx: &mut Tx<'_>, input: VerifyUserAttributeRequest) -> Result<(), Fault> {
    let SignedIn { pool, mut user, .. } = token::signed_in(tx, &input.access_token)?;
    attribute::verify(tx, &pool, &mut user, &input.attribute_name, &input.code)
}

pub(crate) fn delete_user(tx: &mut Tx<'_>, input: DeleteUserRequest) -> Result<(), Fault> {
    let SignedIn { pool, user, .. } = token::signed_in(tx, &input.access_token)?;
    user::remove(tx, &pool, &user)
}

pub(crate) fn global_sign_out(tx: &mut Tx<'_>, input: GlobalSignOutRequest) -> Result<(), Fault> {
    let SignedIn { user, .. } = token::signed_in(tx, &input.access_token)?;
    grant::revoke_all(tx, &user)
}

/// A refresh token, and with it every token of the same sign-in, is no good any more.
/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RevokeToken.html>
pub(crate) fn revoke_token(tx: &mut Tx<'_>, input: RevokeTokenRequest) -> Result<(), Fault> {
    let (_, client) = client::enter(tx, &input.client_id)?;
    let secret = client.secret(tx)?;
    let same = |one: &String, other: &String| crate::srp::same(one.as_bytes(), other.as_bytes());
    match (&secret, &input.client_secret) {
        (None, None) => {}
        (Some(secret), Some(given)) if same(secret, given) => {}
        _ => return Err(Fault::client("UnauthorizedException", "The client cannot be authenticated")),
    }
    if !client.revokes() {
        return Err(Fault::client(
            "UnsupportedOperationException",
            "Token revocation is not enabled for the client",
        ));
    }
    match token::grant_of(tx, &client, &input.token)? {
        Some(grant) => grant::revoke(tx, &grant),
        // It has ended already.
        None => Ok(()),
    }
}

/// What a user wants to be asked for.
pub(crate) fn prefer(
    user: &mut User,
    token: Option<SoftwareTokenMfaSettingsType>,
    others: [(bool, &str); 3],
) -> Result<(), Fault> {
    if let Some((_, name)) = others.into_iter().find(|(given, _)| *given) {
        return Err(not_honoured(name));
    }
    let Some(wanted) = token else { return Ok(()) };
    let enabled = wanted.enabled == Some(true);
    if enabled && !user.has_token() {
        return Err(invalid("User has not verified software token mfa"));
    }
    if !enabled && wanted.preferred_mfa == Some(true) {
        return Err(not_authorized("A factor that is not enabled cannot be preferred"));
    }
    user.totp_wanted = enabled;
    user.totp_preferred = wanted.preferred_mfa == Some(true);
    Ok(())
}

pub(crate) fn set_user_mfa_preference(
    tx: &mut Tx<'_>,
    input: SetUserMFAPreferenceRequest,
) -> Result<(), Fault> {
    let SignedIn { mut user, .. } = token::signed_in(tx, &input.access_token)?;
    let sms = input.sms_mfa_settings.is_some_and(|s| s.enabled == Some(true));
    let email = input.email_mfa_settings.is_some_and(|s| s.enabled == Some(true));
    let passkey = input.web_authn_mfa_settings.is_some_and(|s| s.enabled == Some(true));
    let others = [(sms, "SMSMfaSettings"), (email, "EmailMfaSettings"), (passkey, "WebAuthnMfaSettings")];
    prefer(&mut user, input.software_token_mfa_settings, others)?;
    user::save(tx, &user)
}
