//! Passwords that were forgotten, and passwords that are changed.

use model::{Fault, Tx};

use crate::client;
use crate::code::{self, Purpose};
use crate::fault::{code_mismatch, invalid, not_authorized, wrong_password};
use crate::pool::UserPool;
use crate::shapes::*;
use crate::signin::failed;
use crate::signup::{claimed, pretended_delivery};
use crate::token;
use crate::user::{self, Status, User};

/// Whether this user may ask for a new password now.
fn recoverable(pool: &UserPool, user: &User) -> Result<(), Fault> {
    if !user.enabled {
        return Err(not_authorized("User is disabled."));
    }
    if user.status == Status::ForceChangePassword {
        return Err(not_authorized("User password cannot be reset in the current state."));
    }
    match pool.recovery().as_slice() {
        [only] if only == "admin_only" => Err(not_authorized("Contact administrator to reset password.")),
        _ => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ForgotPassword.html>
pub(crate) fn forgot_password(
    tx: &mut Tx<'_>,
    input: ForgotPasswordRequest,
) -> Result<ForgotPasswordResponse, Fault> {
    let (pool, client) = client::enter(tx, &input.client_id)?;
    client.proved(tx, input.secret_hash.as_deref(), &[&input.username])?;
    let pretended = || {
        let code_delivery_details = Some(pretended_delivery(&pool, &input.username));
        Ok(ForgotPasswordResponse { code_delivery_details })
    };
    let Some(mut user) = claimed(tx, &pool, &client, &input.username)? else { return pretended() };
    let address = recoverable(&pool, &user).and_then(|()| code::recovery_address(&pool, &user));
    let (attribute, address) = match address {
        Ok(address) => address,
        // A different error would tell that the user exists.
        Err(_) if client.hides_absence() => return pretended(),
        Err(fault) => return Err(fault),
    };
    let details = code::send(tx, &pool, &mut user, Purpose::Recovery, (&attribute, &address))?;
    user::save(tx, &user)?;
    Ok(ForgotPasswordResponse { code_delivery_details: Some(details) })
}

pub(crate) fn confirm_forgot_password(
    tx: &mut Tx<'_>,
    input: ConfirmForgotPasswordRequest,
) -> Result<ConfirmForgotPasswordResponse, Fault> {
    let (pool, client) = client::enter(tx, &input.client_id)?;
    client.proved(tx, input.secret_hash.as_deref(), &[&input.username])?;
    let user = claimed(tx, &pool, &client, &input.username)?;
    let mut user = user.ok_or_else(code_mismatch)?;
    recoverable(&pool, &user)?;
    let code = code::take(tx, &mut user, Purpose::Recovery, &input.confirmation_code)?;
    if user.attribute(&code.attribute) != Some(&code.address) {
        return Err(code_mismatch());
    }
    user.set_password(tx, &pool, &input.password)?;
    if user.status == Status::ResetRequired {
        user.status = Status::Confirmed;
    }
    user.failures.succeeded();
    user.modified = tx.now;
    user::save(tx, &user)?;
    Ok(ConfirmForgotPasswordResponse::default())
}

pub(crate) fn change_password(tx: &mut Tx<'_>, input: ChangePasswordRequest) -> Result<(), Fault> {
    let signed_in = token::signed_in(tx, &input.access_token)?;
    let mut user = signed_in.user;
    user.failures.allow(tx.now)?;
    let previous = input.previous_password.ok_or_else(|| invalid("PreviousPassword is required"))?;
    if !user.knows(&previous) {
        return Err(failed(tx, &mut user, wrong_password()));
    }
    user.set_password(tx, &signed_in.pool, &input.proposed_password)?;
    user.modified = tx.now;
    user::save(tx, &user)
}

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminResetUserPassword.html>
pub(crate) fn admin_reset_user_password(
    tx: &mut Tx<'_>,
    input: AdminResetUserPasswordRequest,
) -> Result<(), Fault> {
    let pool = crate::pool::find(tx, &input.user_pool_id)?;
    let mut user = user::named(tx, &pool, &input.username)?;
    if user.status != Status::Confirmed && user.status != Status::ResetRequired {
        return Err(not_authorized("User password cannot be reset in the current state."));
    }
    let (attribute, address) = code::recovery_address(&pool, &user)?;
    code::send(tx, &pool, &mut user, Purpose::Recovery, (&attribute, &address))?;
    user.status = Status::ResetRequired;
    user.modified = tx.now;
    user::save(tx, &user)
}
