//! What AWS principals do to the users of a pool.

use model::{Effect, Fault, Tx};

use crate::attribute;
use crate::fault::not_authorized;
use crate::pool::{self, UserPool};
use crate::schema;
use crate::shapes::*;
use crate::user::{self, Status, User};
use crate::{grant, profile};

fn found(tx: &Tx<'_>, pool: &str, name: &str) -> Result<(UserPool, User), Fault> {
    let pool = pool::find(tx, pool)?;
    let user = user::named(tx, &pool, name)?;
    Ok((pool, user))
}

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminCreateUser.html>
pub(crate) fn admin_create_user(
    tx: &mut Tx<'_>,
    input: AdminCreateUserRequest,
) -> Result<AdminCreateUserResponse, Fault> {
    let pool = pool::find(tx, &input.user_pool_id)?;
    let resend = input.message_action.as_deref() == Some("RESEND");
    let (before, mut user) = match resend {
        true => {
            let user = user::named(tx, &pool, &input.username)?;
            if user.status != Status::ForceChangePassword {
                return Err(Fault::client(
                    "UnsupportedUserStateException",
                    format!("Resend not possible. {} status is not FORCE_CHANGE_PASSWORD", input.username),
                ));
            }
            (Some(user.clone()), user)
        }
        false => {
            let attributes = schema::of_list(input.user_attributes);
            (None, user::new(tx, &pool, &input.username, attributes)?)
        }
    };
    let policy = pool.password_policy();
    let given = input.temporary_password.filter(|p| !p.is_empty());
    let password = given.unwrap_or_else(|| policy.temporary(tx));
    user.set_password(tx, &pool, &password)?;
    user.status = Status::ForceChangePassword;
    let days = policy.temporary_password_validity_days.max(1);
    user.temporary_until = Some(tx.now.plus_seconds(days * 86_400));
    if input.message_action.as_deref() != Some("SUPPRESS") {
        invite(tx, &pool, &user, &password, input.desired_delivery_mediums)?;
    }
    user::rename(tx, &pool, before.as_ref(), &user, input.force_alias_creation == Some(true))?;
    Ok(AdminCreateUserResponse { user: Some(user::shape(&user)) })
}

/// Sends the invitation over the media that were asked for; over the one there is, if none were.
fn invite(
    tx: &mut Tx<'_>,
    pool: &UserPool,
    user: &User,
    password: &str,
    media: Option<Vec<String>>,
) -> Result<(), Fault> {
    let template =
        |name: &str| pool.text(&["AdminCreateUserConfig", "InviteMessageTemplate", name]).map(str::to_owned);
    let default = "Your username is {username} and temporary password is {####}.";
    let name = match pool.has_names_of_their_own() {
        true => user.username.as_str(),
        false => user.attribute("email").or(user.attribute("phone_number")).unwrap_or(&user.username),
    };
    for (medium, attribute, message) in
        [("EMAIL", "email", "EmailMessage"), ("SMS", "phone_number", "SMSMessage")]
    {
        let wanted = media.as_ref().is_none_or(|m| m.iter().any(|m| m == medium));
        let Some(address) = user.attribute(attribute).filter(|a| wanted && !a.is_empty()) else { continue };
        let body = template(message).unwrap_or_else(|| default.to_owned());
        let body = body.replace("{####}", password).replace("{username}", name);
        let subject = template("EmailSubject").unwrap_or_else(|| "Your temporary password".to_owned());
        tx.effect(Effect::Mail { to: address.to_owned(), subject, body })?;
    }
    Ok(())
}

pub(crate) fn admin_get_user(
    tx: &mut Tx<'_>,
    input: AdminGetUserRequest,
) -> Result<AdminGetUserResponse, Fault> {
    let (_, user) = found(tx, &input.user_pool_id, &input.username)?;
    let (user_mfa_setting_list, preferred_mfa_setting) = profile::factors(&user);
    Ok(AdminGetUserResponse {
        username: user.username.clone(),
        user_attributes: Some(user.shown(|_| true)),
        user_create_date: Some(user.created),
        user_last_modified_date: Some(user.modified),
        enabled: Some(user.enabled),
        user_status: Some(user.status.name().to_owned()),
        preferred_mfa_setting,
        user_mfa_setting_list,
        ..AdminGetUserResponse::default()
    })
}

pub(crate) fn admin_delete_user(tx: &mut Tx<'_>, input: AdminDeleteUserRequest) -> Result<(), Fault> {
    let (pool, user) = found(tx, &input.user_pool_id, &input.username)?;
    user::remove(tx, &pool, &user)
}

pub(crate) fn admin_disable_user(tx: &mut Tx<'_>, input: AdminDisableUserRequest) -> Result<(), Fault> {
    let (_, mut user) = found(tx, &input.user_pool_id, &input.username)?;
    user.enabled = false;
    user.modified = tx.now;
    // Its tokens do not come back with it.
    grant::revoke_all(tx, &user)?;
    user::save(tx, &user)
}

pub(crate) fn admin_enable_user(tx: &mut Tx<'_>, input: AdminEnableUserRequest) -> Result<(), Fault> {
    let (_, mut user) = found(tx, &input.user_pool_id, &input.username)?;
    user.enabled = true;
    user.modified = tx.now;
    user::save(tx, &user)
}

pub(crate) fn admin_confirm_sign_up(tx: &mut Tx<'_>, input: AdminConfirmSignUpRequest) -> Result<(), Fault> {
    let (_, mut user) = found(tx, &input.user_pool_id, &input.username)?;
    if user.status != Status::Unconfirmed {
        return Err(not_authorized(format!(
            "User cannot be confirmed. Current status is {}",
            user.status.name()
        )));
    }
    user.status = Status::Confirmed;
    user.modified = tx.now;
    user::save(tx, &user)
}

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminSetUserPassword.html>
pub(crate) fn admin_set_user_password(
    tx: &mut Tx<'_>,
    input: AdminSetUserPasswordRequest,
) -> Result<(), Fault> {
    let (pool, mut user) = found(tx, &input.user_pool_id, &input.username)?;
    user.set_password(tx, &pool, &input.password)?;
    match input.permanent == Some(true) {
        true => user.status = Status::Confirmed,
        false => {
            user.status = Status::ForceChangePassword;
            let days = pool.password_policy().temporary_password_validity_days.max(1);
            user.temporary_until = Some(tx.now.plus_seconds(days * 86_400));
        }
    }
    user.failures.succeeded();
    user.modified = tx.now;
    user::save(tx, &user)
}

pub(crate) fn admin_update_user_attributes(
    tx: &mut Tx<'_>,
    input: AdminUpdateUserAttributesRequest,
) -> Result<(), Fault> {
    let (pool, mut user) = found(tx, &input.user_pool_id, &input.username)?;
    let changes = schema::of_list(Some(input.user_attributes));
    attribute::change(tx, &pool, &mut user, changes).map(|_| ())
}

pub(crate) fn admin_delete_user_attributes(
    tx: &mut Tx<'_>,
    input: AdminDeleteUserAttributesRequest,
) -> Result<(), Fault> {
    let (pool, mut user) = found(tx, &input.user_pool_id, &input.username)?;
    attribute::remove(tx, &pool, &mut user, &input.user_attribute_names)
}

pub(crate) fn admin_user_global_sign_out(
    tx: &mut Tx<'_>,
    input: AdminUserGlobalSignOutRequest,
) -> Result<(), Fault> {
    let (_, user) = found(tx, &input.user_pool_id, &input.username)?;
    grant::revoke_all(tx, &user)
}

pub(crate) fn admin_set_user_mfa_preference(
    tx: &mut Tx<'_>,
    input: AdminSetUserMFAPreferenceRequest,
) -> Result<(), Fault> {
    let (_, mut user) = found(tx, &input.user_pool_id, &input.username)?;
    let sms = input.sms_mfa_settings.is_some_and(|s| s.enabled == Some(true));
    let email = input.email_mfa_settings.is_some_and(|s| s.enabled == Some(true));
    let passkey = input.web_authn_mfa_settings.is_some_and(|s| s.enabled == Some(true));
    let others = [(sms, "SMSMfaSettings"), (email, "EmailMfaSettings"), (passkey, "WebAuthnMfaSettings")];
    profile::prefer(&mut user, input.software_token_mfa_settings, others)?;
    user::save(tx, &user)
}
