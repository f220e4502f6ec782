//! Users who make their own account, and confirm it with a code.

use model::{Fault, Tx};

use crate::client::{self, Client};
use crate::code::{self, Purpose};
use crate::fault::{code_expired, invalid, no_user, not_authorized};
use crate::pool::UserPool;
use crate::schema;
use crate::shapes::*;
use crate::user::{self, Status, User};

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_SignUp.html>
pub(crate) fn sign_up(tx: &mut Tx<'_>, input: SignUpRequest) -> Result<SignUpResponse, Fault> {
    let (pool, client) = client::enter(tx, &input.client_id)?;
    client.proved(tx, input.secret_hash.as_deref(), &[&input.username])?;
    if pool.is_set(&["AdminCreateUserConfig", "AllowAdminCreateUserOnly"]) {
        return Err(not_authorized("SignUp is not permitted for this user pool"));
    }
    let password = input.password.ok_or_else(|| invalid("Password is required"))?;
    let attributes = schema::of_list(input.user_attributes);
    client.may_write(&attributes)?;
    let mut user = user::new(tx, &pool, &input.username, attributes)?;
    user.set_password(tx, &pool, &password)?;
    let code_delivery_details = match code::verified_address(&pool, &user) {
        Some((attribute, address)) => {
            Some(code::send(tx, &pool, &mut user, Purpose::SignUp, (&attribute, &address))?)
        }
        None => None,
    };
    let user_sub = user.sub.clone();
    user::rename(tx, &pool, None, &user, false)?;
    Ok(SignUpResponse { user_confirmed: false, code_delivery_details, user_sub, ..SignUpResponse::default() })
}

/// The user that an unsigned call names; absent ones are reported as the client wishes.
pub(crate) fn claimed(
    tx: &Tx<'_>,
    pool: &UserPool,
    client: &Client,
    name: &str,
) -> Result<Option<User>, Fault> {
    match user::lookup(tx, pool, name)? {
        None if !client.hides_absence() => Err(no_user()),
        found => Ok(found),
    }
}

pub(crate) fn confirm_sign_up(
    tx: &mut Tx<'_>,
    input: ConfirmSignUpRequest,
) -> Result<ConfirmSignUpResponse, Fault> {
    let (pool, client) = client::enter(tx, &input.client_id)?;
    client.proved(tx, input.secret_hash.as_deref(), &[&input.username])?;
    let before = claimed(tx, &pool, &client, &input.username)?.ok_or_else(code_expired)?;
    if before.status != Status::Unconfirmed {
        return Err(not_authorized(format!(
            "User cannot be confirmed. Current status is {}",
            before.status.name()
        )));
    }
    let mut user = before.clone();
    let code = code::take(tx, &mut user, Purpose::SignUp, &input.confirmation_code)?;
    if user.attribute(&code.attribute) == Some(&code.address) {
        user.attributes.insert(format!("{}_verified", code.attribute), "true".to_owned());
    }
    user.status = Status::Confirmed;
    user.modified = tx.now;
    user::rename(tx, &pool, Some(&before), &user, input.force_alias_creation == Some(true))?;
    Ok(ConfirmSignUpResponse::default())
}

/// Where a code would have gone, had there been a user.
pub(crate) fn pretended_delivery(pool: &UserPool, name: &str) -> CodeDeliveryDetailsType {
    match pool.verifies("phone_number") && !schema::is_email(name) {
        true => code::delivery("phone_number", "+15550001234"),
        false if schema::is_email(name) => code::delivery("email", name),
        false => code::delivery("email", &format!("{name}@example.com")),
    }
}

pub(crate) fn resend_confirmation_code(
    tx: &mut Tx<'_>,
    input: ResendConfirmationCodeRequest,
) -> Result<ResendConfirmationCodeResponse, Fault> {
    let (pool, client) = client::enter(tx, &input.client_id)?;
    client.proved(tx, input.secret_hash.as_deref(), &[&input.username])?;
    let Some(mut user) = claimed(tx, &pool, &client, &input.username)? else {
        let pretended = Some(pretended_delivery(&pool, &input.username));
        return Ok(ResendConfirmationCodeResponse { code_delivery_details: pretended });
    };
    if user.status != Status::Unconfirmed {
        return Err(invalid("User is already confirmed."));
    }
    let (attribute, address) =
        code::verified_address(&pool, &user).ok_or_else(|| invalid("Auto verification not turned on."))?;
    let details = code::send(tx, &pool, &mut user, Purpose::SignUp, (&attribute, &address))?;
    user::save(tx, &user)?;
    Ok(ResendConfirmationCodeResponse { code_delivery_details: Some(details) })
}
