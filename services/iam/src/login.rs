//! Login profiles: the password of a user. There is a hash of it and nothing else, sealed: PBKDF2 (RFC 8018)
//! with HMAC-SHA-512.
//!
//! A password is never told, not kept, and not the same as one that the account's policy remembers.

use std::num::NonZeroU32;

use model::estate::iam::User;
use model::ids::arn;
use model::{AccountId, Asking, CallerKind, Fault, Node, PolicyText, Timestamp, Tx};
use ring::pbkdf2;
use serde::{Deserialize, Serialize};

use crate::password::{self, conforms, rules};
use crate::shapes::*;
use crate::user::{self, named_or_caller};

/// What OWASP's cheat sheet asks of PBKDF2-HMAC-SHA-512. A change of password costs two of them, one
/// to see that the old one is right, one for the new one; remembered passwords share the salt.
const ROUNDS: NonZeroU32 = match NonZeroU32::new(210_000) {
    Some(rounds) => rounds,
    None => NonZeroU32::MIN,
};
const PURPOSE: &str = "login-profile";
/// Passwords that a policy can want to be remembered, and the present one.
const REMEMBERED: usize = 25;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Login {
    pub(crate) account: AccountId,
    pub(crate) user: String,
    pub(crate) created: Timestamp,
    /// When the password was set.
    pub(crate) changed: Timestamp,
    pub(crate) reset: bool,
    /// The salt and the hashes, sealed with the user's id as additional data; hexadecimal.
    sealed: String,
    /// That the user may change the password, where the account lets every user do so.
    grant: Option<PolicyText>,
}

impl Node for Login {
    const KIND: &'static str = "Countersign::IAM::LoginProfile";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        ""
    }
    fn local_id(&self) -> &str {
        &self.user
    }
    fn arn(&self) -> Option<String> {
        Some(bearer(&self.account, &self.user))
    }
    fn policy(&self) -> Option<&PolicyText> {
        self.grant.as_ref()
    }
}

fn bearer(account: &AccountId, user: &str) -> String {
    arn("iam", "", account, &format!("login-profile/{user}"))
}

/// What grants a user the change of the password, beside the user's own policies.
pub(crate) fn granting(asking: &Asking<'_>) -> Option<String> {
    let CallerKind::User { name } = &asking.caller.kind else { return None };
    asking.snapshot.find::<Login>(asking.account, "", name).and_then(Node::arn)
}

/// Newest first, all with one salt.
#[derive(Serialize, Deserialize)]
struct Hashes {
    salt: String,
    hashes: Vec<String>,
}

impl Hashes {
    fn fresh(tx: &Tx<'_>) -> Hashes {
        Hashes { salt: hex::encode(tx.random::<16>()), hashes: Vec::new() }
    }

    fn hash(&self, password: &str) -> String {
        let mut hash = [0; 64];
        let salt = self.salt.as_bytes();
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, ROUNDS, salt, password.as_bytes(), &mut hash);
        hex::encode(hash)
    }

    /// Whether this is the present password; in constant time.
    fn right(&self, password: &str) -> bool {
        let Some(hash) = self.hashes.first().and_then(|hash| hex::decode(hash).ok()) else { return false };
        let salt = self.salt.as_bytes();
        pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA512, ROUNDS, salt, password.as_bytes(), &hash).is_ok()
    }

    /// Takes a new password, if it is none of the last ones.
    fn set(&mut self, password: &str, reuse: usize) -> Result<(), Fault> {
        let hash = self.hash(password);
        if self.hashes.iter().take(reuse).any(|old| *old == hash) {
            return Err(password::violation());
        }
        self.hashes.insert(0, hash);
        self.hashes.truncate(REMEMBERED);
        Ok(())
    }
}

fn unreadable(_: impl std::fmt::Debug) -> Fault {
    Fault::internal("the password of a user cannot be read")
}

fn hashes(tx: &Tx<'_>, login: &Login, user: &User) -> Result<Hashes, Fault> {
    let sealed = hex::decode(&login.sealed).map_err(unreadable)?;
    let opened = tx.unseal(PURPOSE, user.id.as_bytes(), &sealed)?;
    serde_json::from_slice(&opened).map_err(unreadable)
}

fn sealed(tx: &Tx<'_>, hashes: &Hashes, user: &User) -> Result<String, Fault> {
    let plain = serde_json::to_vec(hashes).map_err(unreadable)?;
    Ok(hex::encode(tx.seal(PURPOSE, user.id.as_bytes(), &plain)?))
}

fn granted(tx: &Tx<'_>, changed: Timestamp) -> Option<PolicyText> {
    let rules = rules(tx).filter(|rules| rules.own)?;
    Some(password::grant(&tx.account, "iam:ChangePassword", rules.hard_expiry(changed)))
}

/// What the account lets its users do has changed.
pub(crate) fn granted_anew(tx: &mut Tx<'_>) -> Result<(), Fault> {
    let logins: Vec<Login> = tx.list_global::<Login>().cloned().collect();
    for login in logins {
        let grant = granted(tx, login.changed);
        tx.put(Login { grant, ..login })?;
    }
    Ok(())
}

fn find(tx: &Tx<'_>, user: &str) -> Result<Login, Fault> {
    let missing =
        || Fault::new("NoSuchEntity", 404, format!("Login Profile for User {user} cannot be found."));
    tx.find_global::<Login>(user).cloned().ok_or_else(missing)
}

pub(crate) fn of_user<'a>(tx: &'a Tx<'_>, user: &str) -> Option<&'a Login> {
    tx.find_global::<Login>(user)
}

fn shape(login: &Login) -> LoginProfile {
    LoginProfile {
        user_name: login.user.clone(),
        create_date: login.created,
        password_reset_required: Some(login.reset),
    }
}

/// Sets a password that the account's policy accepts.
fn set(tx: &mut Tx<'_>, mut login: Login, user: &User, password: &str) -> Result<Login, Fault> {
    conforms(tx, password)?;
    let mut hashes = match login.sealed.is_empty() {
        true => Hashes::fresh(tx),
        false => hashes(tx, &login, user)?,
    };
    hashes.set(password, rules(tx).map_or(0, |rules| rules.reuse()))?;
    login.sealed = sealed(tx, &hashes, user)?;
    login.changed = tx.now;
    login.grant = granted(tx, login.changed);
    Ok(login)
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateLoginProfile.html>
pub(crate) fn create_login_profile(
    tx: &mut Tx<'_>,
    input: CreateLoginProfileRequest,
) -> Result<CreateLoginProfileResponse, Fault> {
    let user = user::find(tx, &named_or_caller(tx, input.user_name)?)?;
    if of_user(tx, &user.name).is_some() {
        let message = format!("Login Profile for user {} already exists.", user.name);
        return Err(Fault::new("EntityAlreadyExists", 409, message));
    }
    let missing = "1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null";
    let password = input.password.ok_or_else(|| Fault::validation(missing))?;
    let login = Login {
        account: tx.account.clone(),
        user: user.name.clone(),
        created: tx.now,
        changed: tx.now,
        reset: input.password_reset_required == Some(true),
        sealed: String::new(),
        grant: None,
    };
    let login = set(tx, login, &user, &password)?;
    let login_profile = shape(&login);
    tx.put(login)?;
    Ok(CreateLoginProfileResponse { login_profile })
}

pub(crate) fn get_login_profile(
    tx: &mut Tx<'_>,
    input: GetLoginProfileRequest,
) -> Result<GetLoginProfileResponse, Fault> {
    let user = user::find(tx, &named_or_caller(tx, input.user_name)?)?;
    Ok(GetLoginProfileResponse { login_profile: shape(&find(tx, &user.name)?) })
}

pub(crate) fn update_login_profile(tx: &mut Tx<'_>, input: UpdateLoginProfileRequest) -> Result<(), Fault> {
    let user = user::find(tx, &input.user_name)?;
    let mut login = find(tx, &user.name)?;
    if let Some(password) = &input.password {
        login = set(tx, login, &user, password)?;
    }
    login.reset = input.password_reset_required.unwrap_or(login.reset);
    tx.put(login)
}

pub(crate) fn delete_login_profile(tx: &mut Tx<'_>, input: DeleteLoginProfileRequest) -> Result<(), Fault> {
    let user = user::find(tx, &named_or_caller(tx, input.user_name)?)?;
    let login = find(tx, &user.name)?;
    tx.remove(&login)
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_ChangePassword.html>
pub(crate) fn change_password(tx: &mut Tx<'_>, input: ChangePasswordRequest) -> Result<(), Fault> {
    let CallerKind::User { name } = tx.caller().kind.clone() else {
        return Err(Fault::client("InvalidUserType", "Only IAM Users can change their own password"));
    };
    let user = user::find(tx, &name)?;
    let login = find(tx, &user.name)?;
    if !hashes(tx, &login, &user)?.right(&input.old_password) {
        return Err(Fault::access_denied("The old password was incorrect."));
    }
    let mut login = set(tx, login, &user, &input.new_password)?;
    login.reset = false;
    tx.put(login)
}

/// A user who is renamed keeps the password.
pub(crate) fn renamed(tx: &mut Tx<'_>, old: &User, name: &str) -> Result<(), Fault> {
    let Some(login) = of_user(tx, &old.name).cloned() else { return Ok(()) };
    tx.remove(&login)?;
    tx.put(Login { user: name.to_owned(), ..login })
}
