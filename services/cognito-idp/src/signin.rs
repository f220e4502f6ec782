//! Signing in: the password, by SRP or in the clear, then what else the pool asks for.
//! Every challenge that is owed is asked; no order of calls leads around one.

use std::collections::BTreeMap;

use model::{Fault, Tx};
use serde_json::json;

use crate::client::{self, Client};
use crate::fault::{invalid, no_user, not_authorized, not_honoured, wrong_password};
use crate::key;
use crate::pool::UserPool;
use crate::session::{Session, Step};
use crate::shapes::*;
use crate::srp::{self, Verifier};
use crate::token;
use crate::user::{self, Status, User};

pub(crate) type Parameters = BTreeMap<String, String>;

/// Through which door a sign-in comes.
pub(crate) struct Door {
    pub(crate) pool: UserPool,
    pub(crate) client: Client,
    /// With the permissions of an AWS principal.
    pub(crate) admin: bool,
}

/// What is answered: a challenge, or tokens.
pub(crate) enum Answer {
    Challenge { name: &'static str, parameters: Parameters, session: Option<String> },
    Tokens(AuthenticationResultType),
}

macro_rules! response {
    ($type:ident) => {
        impl From<Answer> for $type {
            fn from(answer: Answer) -> $type {
                match answer {
                    Answer::Challenge { name, parameters, session } => $type {
                        challenge_name: Some(name.to_owned()),
                        challenge_parameters: Some(parameters),
                        session,
                        ..$type::default()
                    },
                    Answer::Tokens(tokens) => $type {
                        authentication_result: Some(tokens),
                        challenge_parameters: Some(Parameters::new()),
                        ..$type::default()
                    },
                }
            }
        }
    };
}

response!(InitiateAuthResponse);
response!(AdminInitiateAuthResponse);
response!(RespondToAuthChallengeResponse);
response!(AdminRespondToAuthChallengeResponse);

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_InitiateAuth.html>
pub(crate) fn initiate_auth(
    tx: &mut Tx<'_>,
    input: InitiateAuthRequest,
) -> Result<InitiateAuthResponse, Fault> {
    let (pool, client) = client::enter(tx, &input.client_id)?;
    let door = Door { pool, client, admin: false };
    begin(tx, &door, &input.auth_flow, &input.auth_parameters.unwrap_or_default()).map(Into::into)
}

pub(crate) fn admin_initiate_auth(
    tx: &mut Tx<'_>,
    input: AdminInitiateAuthRequest,
) -> Result<AdminInitiateAuthResponse, Fault> {
    let pool = crate::pool::find(tx, &input.user_pool_id)?;
    let client = client::find(tx, &pool.id, &input.client_id)?;
    let door = Door { pool, client, admin: true };
    begin(tx, &door, &input.auth_flow, &input.auth_parameters.unwrap_or_default()).map(Into::into)
}

pub(crate) fn parameter<'p>(parameters: &'p Parameters, name: &str) -> Result<&'p str, Fault> {
    let found = parameters.get(name).map(String::as_str).filter(|v| !v.is_empty());
    found.ok_or_else(|| invalid(format!("Missing required parameter {name}")))
}

fn begin(tx: &mut Tx<'_>, door: &Door, flow: &str, parameters: &Parameters) -> Result<Answer, Fault> {
    let client = &door.client;
    match (flow, door.admin) {
        ("USER_SRP_AUTH", _) if client.allows("USER_SRP_AUTH") => begin_srp(tx, door, parameters),
        ("USER_SRP_AUTH", _) => Err(invalid("USER_SRP_AUTH is not enabled for the client.")),
        ("USER_PASSWORD_AUTH", false) if client.allows("USER_PASSWORD_AUTH") => {
            password(tx, door, parameters)
        }
        ("USER_PASSWORD_AUTH", false) => Err(invalid("USER_PASSWORD_AUTH flow not enabled for this client")),
        ("ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH", true)
            if client.allows("ADMIN_USER_PASSWORD_AUTH") =>
        {
            password(tx, door, parameters)
        }
        ("REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN", _) if client.allows("REFRESH_TOKEN_AUTH") => {
            let token = parameter(parameters, "REFRESH_TOKEN")?;
            let hash = parameters.get("SECRET_HASH").map(String::as_str);
            token::refresh(tx, client, token, hash).map(Answer::Tokens)
        }
        ("ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH", true)
        | ("REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN", _) => {
            Err(invalid("Auth flow not enabled for this client"))
        }
        ("CUSTOM_AUTH", _) => Err(invalid("Custom auth lambda trigger is not configured.")),
        ("USER_AUTH", _) => Err(not_honoured("USER_AUTH")),
        _ => Err(invalid("Initiate Auth method not supported.")),
    }
}

/// Who signs in, and that the application may ask.
fn claimant(tx: &Tx<'_>, door: &Door, parameters: &Parameters) -> Result<(String, Option<User>), Fault> {
    let name = parameter(parameters, "USERNAME")?;
    door.client.proved(tx, parameters.get("SECRET_HASH").map(String::as_str), &[name])?;
    let user = user::lookup(tx, &door.pool, name)?;
    match user {
        None if !door.client.hides_absence() => Err(no_user()),
        found => Ok((name.to_owned(), found)),
    }
}

/// What stands for the password of a user who does not exist: each time the same.
fn pretended(tx: &Tx<'_>, pool: &str, name: &str) -> Result<Verifier, Fault> {
    let mut salt = [0; 16];
    for (to, from) in salt.iter_mut().zip(key::pseudonym(tx, pool, name)?) {
        *to = from;
    }
    Ok(Verifier::pretended(salt, tx.random()))
}

fn password(tx: &mut Tx<'_>, door: &Door, parameters: &Parameters) -> Result<Answer, Fault> {
    let given = parameter(parameters, "PASSWORD")?;
    let (name, user) = claimant(tx, door, parameters)?;
    let Some(mut user) = user else {
        // As much work as for a user who exists.
        let _ = pretended(tx, &door.pool.id, &name)?.matches(&door.pool.id, &name, given);
        return Err(wrong_password());
    };
    user.failures.allow(tx.now)?;
    if !user.knows(given) {
        return Err(failed(tx, &mut user, wrong_password()));
    }
    after_password(tx, door, user)
}

/// Counts a failure, and lets the call fail.
pub(crate) fn failed(tx: &mut Tx<'_>, user: &mut User, fault: Fault) -> Fault {
    user.failures.failed(tx.now);
    match user::save(tx, user) {
        Ok(()) => tx.fail_keeping(fault),
        Err(unsaved) => unsaved,
    }
}

fn begin_srp(tx: &mut Tx<'_>, door: &Door, parameters: &Parameters) -> Result<Answer, Fault> {
    let a = parameter(parameters, "SRP_A")?;
    let (name, user) = claimant(tx, door, parameters)?;
    let (sub, username, verifier, pretended) = match user {
        Some(user) => {
            user.failures.allow(tx.now)?;
            // A user without a password fails at the proof like one who is not there.
            let none = pretended(tx, &door.pool.id, &user.username)?;
            let (verifier, pretended) = match user.password {
                Some(verifier) => (verifier, None),
                None => (none.clone(), Some(none)),
            };
            (user.sub, user.username, verifier, pretended)
        }
        None => {
            let verifier = pretended(tx, &door.pool.id, &name)?;
            (String::new(), name, verifier.clone(), Some(verifier))
        }
    };
    let exchange = srp::begin(a, &verifier, tx.random()).ok_or_else(|| invalid("SRP_A is invalid"))?;
    let mut parameters = Parameters::from([
        ("SALT".to_owned(), verifier.salt.clone()),
        ("SRP_B".to_owned(), exchange.public.clone()),
        ("USERNAME".to_owned(), username.clone()),
        ("USER_ID_FOR_SRP".to_owned(), username.clone()),
    ]);
    let step = Step::Password { exchange, pretended };
    let session = Session::new(tx, &door.client, (&sub, &username), step, door.admin);
    parameters.insert("SECRET_BLOCK".to_owned(), session.block(tx)?);
    Ok(Answer::Challenge { name: "PASSWORD_VERIFIER", parameters, session: None })
}

/// The password was right: may the user in, and what else is asked?
pub(crate) fn after_password(tx: &mut Tx<'_>, door: &Door, user: User) -> Result<Answer, Fault> {
    if !user.enabled {
        return Err(not_authorized("User is disabled."));
    }
    match user.status {
        Status::Unconfirmed => Err(Fault::client("UserNotConfirmedException", "User is not confirmed.")),
        Status::ResetRequired => {
            Err(Fault::client("PasswordResetRequiredException", "Password reset required for the user"))
        }
        Status::ForceChangePassword if user.temporary_until.is_some_and(|until| until <= tx.now) => {
            Err(not_authorized("Temporary password has expired and must be reset by an administrator."))
        }
        Status::ForceChangePassword => {
            let parameters = new_password_parameters(door, &user);
            challenge(tx, door, &user, Step::NewPassword, parameters)
        }
        Status::Confirmed => second_factor(tx, door, user),
    }
}

fn new_password_parameters(door: &Door, user: &User) -> Parameters {
    let lacking = |name: &str| !user.attributes.contains_key(name);
    let required: Vec<String> = door
        .pool
        .schema
        .iter()
        .filter(|a| a.required && a.name != "sub" && lacking(&a.name))
        .map(|a| format!("userAttributes.{}", a.name))
        .collect();
    Parameters::from([
        ("requiredAttributes".to_owned(), json!(required).to_string()),
        ("userAttributes".to_owned(), json!(user.attributes).to_string()),
    ])
}

/// A pool that requires a second factor always asks for one.
pub(crate) fn second_factor(tx: &mut Tx<'_>, door: &Door, user: User) -> Result<Answer, Fault> {
    let required = door.pool.mfa == "ON";
    let has = user.has_token() && (required || user.totp_wanted);
    match (door.pool.mfa.as_str(), has) {
        ("OFF", _) | ("OPTIONAL", false) => finish(tx, door, user),
        (_, true) => challenge(tx, door, &user, Step::SoftwareToken, Parameters::new()),
        (_, false) => {
            let factors = json!(["SOFTWARE_TOKEN_MFA"]).to_string();
            let parameters = Parameters::from([("MFAS_CAN_SETUP".to_owned(), factors)]);
            challenge(tx, door, &user, Step::MfaSetup { token: None, done: false }, parameters)
        }
    }
}

fn challenge(
    tx: &Tx<'_>,
    door: &Door,
    user: &User,
    step: Step,
    mut parameters: Parameters,
) -> Result<Answer, Fault> {
    let name = match step {
        Step::Password { .. } => "PASSWORD_VERIFIER",
        Step::NewPassword => "NEW_PASSWORD_REQUIRED",
        Step::SoftwareToken => "SOFTWARE_TOKEN_MFA",
        Step::MfaSetup { .. } => "MFA_SETUP",
    };
    parameters.insert("USER_ID_FOR_SRP".to_owned(), user.username.clone());
    let session = Session::new(tx, &door.client, (&user.sub, &user.username), step, door.admin);
    Ok(Answer::Challenge { name, parameters, session: Some(session.token(tx)?) })
}

/// Everything that was owed has been given.
pub(crate) fn finish(tx: &mut Tx<'_>, door: &Door, mut user: User) -> Result<Answer, Fault> {
    user.failures.succeeded();
    user::save(tx, &user)?;
    token::open(tx, &door.client, &user).map(Answer::Tokens)
}
