//! Answers to challenges. Each belongs to the session that was sealed when it was asked.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Fault, Tx};

use crate::client;
use crate::fault::{bad_session, invalid, no_user, not_authorized, wrong_password};
use crate::schema::{self, Attributes};
use crate::session::{self, Session, Step};
use crate::shapes::*;
use crate::signin::{Answer, Door, Parameters, after_password, failed, finish, parameter, second_factor};
use crate::srp::{self, Claim};
use crate::token::{self, SignedIn};
use crate::totp::{Checked, Totp};
use crate::user::{self, Status, User};

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_RespondToAuthChallenge.html>
pub(crate) fn respond_to_auth_challenge(
    tx: &mut Tx<'_>,
    input: RespondToAuthChallengeRequest,
) -> Result<RespondToAuthChallengeResponse, Fault> {
    let (pool, client) = client::enter(tx, &input.client_id)?;
    let door = Door { pool, client, admin: false };
    let responses = input.challenge_responses.unwrap_or_default();
    respond(tx, &door, &input.challenge_name, input.session.as_deref(), &responses).map(Into::into)
}

pub(crate) fn admin_respond_to_auth_challenge(
    tx: &mut Tx<'_>,
    input: AdminRespondToAuthChallengeRequest,
) -> Result<AdminRespondToAuthChallengeResponse, Fault> {
    let pool = crate::pool::find(tx, &input.user_pool_id)?;
    let client = client::find(tx, &pool.id, &input.client_id)?;
    let door = Door { pool, client, admin: true };
    let responses = input.challenge_responses.unwrap_or_default();
    respond(tx, &door, &input.challenge_name, input.session.as_deref(), &responses).map(Into::into)
}

fn respond(
    tx: &mut Tx<'_>,
    door: &Door,
    challenge: &str,
    token: Option<&str>,
    responses: &Parameters,
) -> Result<Answer, Fault> {
    let name = parameter(responses, "USERNAME")?;
    let block = match challenge {
        "PASSWORD_VERIFIER" => {
            let block = parameter(responses, "PASSWORD_CLAIM_SECRET_BLOCK")?;
            STANDARD.decode(block).map_err(|_| bad_session())?
        }
        _ => Vec::new(),
    };
    let session = match (challenge, token) {
        ("PASSWORD_VERIFIER", _) => session::open(tx, &block)?,
        (_, Some(token)) => session::of_token(tx, token)?,
        (_, None) => return Err(invalid("Missing required parameter Session")),
    };
    if session.pool != door.pool.id || session.client != door.client.id || session.admin != door.admin {
        return Err(bad_session());
    }
    let hash = responses.get("SECRET_HASH").map(String::as_str);
    door.client.proved(tx, hash, &[name, &session.username])?;
    if name != session.username && user::lookup(tx, &door.pool, name)?.is_none_or(|u| u.sub != session.sub) {
        return Err(bad_session());
    }
    match (challenge, session.step.clone()) {
        ("PASSWORD_VERIFIER", Step::Password { .. }) => prove(tx, door, &session, &block, responses),
        ("NEW_PASSWORD_REQUIRED", Step::NewPassword) => new_password(tx, door, &session, responses),
        ("SOFTWARE_TOKEN_MFA", Step::SoftwareToken) => software_token(tx, door, &session, responses),
        ("MFA_SETUP", Step::MfaSetup { done: true, .. }) => {
            let user = owner(tx, &session)?;
            session.spend(tx)?;
            finish(tx, door, user)
        }
        ("MFA_SETUP", Step::MfaSetup { .. }) => Err(Fault::client(
            "SoftwareTokenMFANotFoundException",
            "User has not verified software token mfa",
        )),
        _ => Err(bad_session()),
    }
}

/// The user of a session, who must still be there, and welcome.
fn owner(tx: &Tx<'_>, session: &Session) -> Result<User, Fault> {
    let user = user::load(tx, &session.pool, &session.sub)?.ok_or_else(bad_session)?;
    user.failures.allow(tx.now)?;
    match user.enabled {
        true => Ok(user),
        false => Err(not_authorized("User is disabled.")),
    }
}

fn prove(
    tx: &mut Tx<'_>,
    door: &Door,
    session: &Session,
    block: &[u8],
    responses: &Parameters,
) -> Result<Answer, Fault> {
    let Step::Password { exchange, pretended } = &session.step else { return Err(bad_session()) };
    let timestamp = parameter(responses, "TIMESTAMP")?;
    let signature = STANDARD.decode(parameter(responses, "PASSWORD_CLAIM_SIGNATURE")?).unwrap_or_default();
    let user = user::load(tx, &session.pool, &session.sub)?;
    let verifier = pretended.as_ref().or(user.as_ref().and_then(|u| u.password.as_ref()));
    let verifier = verifier.ok_or_else(wrong_password)?;
    let claim = Claim {
        pool: &session.pool,
        user: &session.username,
        secret_block: block,
        timestamp,
        signature: &signature,
    };
    let proved = srp::proves(exchange, verifier, &claim);
    // One exchange is one try, whatever comes of it.
    session.spend(tx)?;
    let Some(mut user) = user else { return Err(tx.fail_keeping(wrong_password())) };
    user.failures.allow(tx.now)?;
    match proved && pretended.is_none() {
        true => after_password(tx, door, user),
        false => Err(failed(tx, &mut user, wrong_password())),
    }
}

fn new_password(
    tx: &mut Tx<'_>,
    door: &Door,
    session: &Session,
    responses: &Parameters,
) -> Result<Answer, Fault> {
    let before = owner(tx, session)?;
    if before.status != Status::ForceChangePassword {
        return Err(bad_session());
    }
    let mut user = before.clone();
    user.set_password(tx, &door.pool, parameter(responses, "NEW_PASSWORD")?)?;
    let given = |(name, value): (&String, &String)| {
        Some((name.strip_prefix("userAttributes.")?.to_owned(), value.clone()))
    };
    let changes: Attributes = responses.iter().filter_map(given).collect();
    door.client.may_write(&changes)?;
    schema::of_change(&door.pool.schema, &user.attributes, &changes)?;
    for (name, value) in changes {
        if ["email", "phone_number"].contains(&name.as_str()) && user.attribute(&name) != Some(&value) {
            user.attributes.insert(format!("{name}_verified"), "false".to_owned());
        }
        user.attributes.insert(name, value);
    }
    let lacks = |name: &str| name != "sub" && !user.attributes.contains_key(name);
    if let Some(lacking) = door.pool.schema.iter().find(|a| a.required && lacks(&a.name)) {
        return Err(invalid(format!("Invalid attributes given, {} is missing", lacking.name)));
    }
    user.status = Status::Confirmed;
    user.modified = tx.now;
    session.spend(tx)?;
    user::rename(tx, &door.pool, Some(&before), &user, false)?;
    second_factor(tx, door, user)
}

fn software_token(
    tx: &mut Tx<'_>,
    door: &Door,
    session: &Session,
    responses: &Parameters,
) -> Result<Answer, Fault> {
    let code = parameter(responses, "SOFTWARE_TOKEN_MFA_CODE")?;
    let mut user = owner(tx, session)?;
    let Some(totp) = user.totp.as_mut().filter(|t| t.verified) else {
        return Err(Fault::client("SoftwareTokenMFANotFoundException", "The user has no software token"));
    };
    match totp.take(code, tx.now)? {
        Checked::Right => {
            session.spend(tx)?;
            finish(tx, door, user)
        }
        Checked::Wrong => {
            let wrong = Fault::client("CodeMismatchException", "Invalid code received for user");
            Err(failed(tx, &mut user, wrong))
        }
        Checked::Used => {
            let used =
                Fault::client("ExpiredCodeException", "Your software token has already been used once.");
            Err(failed(tx, &mut user, used))
        }
    }
}

/// Who sets up a token: one who is signing in and must, or one who is signed in.
enum Who {
    SigningIn(Box<Session>),
    SignedIn(Box<SignedIn>),
}

fn who(tx: &mut Tx<'_>, token: Option<&str>, session: Option<&str>) -> Result<Who, Fault> {
    let not_on = || {
        Fault::client(
            "SoftwareTokenMFANotFoundException",
            "Software token TOTP multi-factor authentication (MFA) is not enabled for the user pool.",
        )
    };
    match (token, session) {
        (Some(token), None) => {
            let signed_in = token::signed_in(tx, token)?;
            if signed_in.pool.software_token { Ok(Who::SignedIn(Box::new(signed_in))) } else { Err(not_on()) }
        }
        (None, Some(session)) => {
            let session = session::of_token(tx, session)?;
            let (pool, _) = client::enter(tx, &session.client)?;
            if !pool.software_token {
                return Err(not_on());
            }
            owner(tx, &session)?;
            Ok(Who::SigningIn(Box::new(session)))
        }
        _ => Err(invalid("Either the access token or the session must be given, not both")),
    }
}

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AssociateSoftwareToken.html>
pub(crate) fn associate_software_token(
    tx: &mut Tx<'_>,
    input: AssociateSoftwareTokenRequest,
) -> Result<AssociateSoftwareTokenResponse, Fault> {
    let totp = Totp::new(tx);
    let secret_code = Some(totp.secret_code()?);
    let session = match who(tx, input.access_token.as_deref(), input.session.as_deref())? {
        Who::SignedIn(mut signed_in) => {
            signed_in.user.next_totp = Some(totp);
            user::save(tx, &signed_in.user)?;
            None
        }
        Who::SigningIn(session) => {
            let Step::MfaSetup { done: false, .. } = session.step else { return Err(bad_session()) };
            session.spend(tx)?;
            Some(session.next(tx, Step::MfaSetup { token: Some(totp), done: false }).token(tx)?)
        }
    };
    Ok(AssociateSoftwareTokenResponse { secret_code, session })
}

/// Verifies the new token and makes it the user's.
fn verify(tx: &mut Tx<'_>, user: &mut User, totp: Option<Totp>, code: &str) -> Result<(), Fault> {
    let mut totp = totp.ok_or_else(|| {
        Fault::client("SoftwareTokenMFANotFoundException", "No software token is being set up")
    })?;
    user.failures.allow(tx.now)?;
    if totp.take(code, tx.now)? != Checked::Right {
        return Err(failed(tx, user, Fault::client("EnableSoftwareTokenMFAException", "Code mismatch")));
    }
    totp.verified = true;
    user.totp = Some(totp);
    user.next_totp = None;
    user.modified = tx.now;
    user::save(tx, user)
}

pub(crate) fn verify_software_token(
    tx: &mut Tx<'_>,
    input: VerifySoftwareTokenRequest,
) -> Result<VerifySoftwareTokenResponse, Fault> {
    let session = match who(tx, input.access_token.as_deref(), input.session.as_deref())? {
        Who::SignedIn(mut signed_in) => {
            let totp = signed_in.user.next_totp.clone();
            verify(tx, &mut signed_in.user, totp, &input.user_code)?;
            None
        }
        Who::SigningIn(session) => {
            let Step::MfaSetup { token, done: false } = session.step.clone() else {
                return Err(bad_session());
            };
            let mut user = user::load(tx, &session.pool, &session.sub)?.ok_or_else(no_user)?;
            // A password alone must not replace a factor that was set up meanwhile.
            if user.has_token() {
                return Err(bad_session());
            }
            user.totp_wanted = true;
            verify(tx, &mut user, token, &input.user_code)?;
            session.spend(tx)?;
            Some(session.next(tx, Step::MfaSetup { token: None, done: true }).token(tx)?)
        }
    };
    Ok(VerifySoftwareTokenResponse { status: Some("SUCCESS".to_owned()), session })
}
