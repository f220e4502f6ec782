//! The users of a pool. They are records, not nodes: sealed, so that neither the store nor
//! the log shows whom a pool knows; found by digests of the names they sign in with.

use std::collections::{BTreeMap, BTreeSet};

use model::{Fault, Range, Timestamp, Tx};
use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::attempt::{Attempts, Failures};
use crate::code::Code;
use crate::fault::{alias_exists, invalid, no_user, username_exists};
use crate::pool::UserPool;
use crate::schema::{Attributes, is_email, is_phone};
use crate::shapes::{AttributeType, UserType};
use crate::srp::Verifier;
use crate::totp::Totp;
use crate::{grant, group};

const USERS: &str = "cognito-idp/user";
const NAMES: &str = "cognito-idp/name";
const MEMBERS: &str = "cognito-idp/member";
const PURPOSE: &str = "cognito-user";

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Status {
    Unconfirmed,
    Confirmed,
    ResetRequired,
    ForceChangePassword,
}

impl Status {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Status::Unconfirmed => "UNCONFIRMED",
            Status::Confirmed => "CONFIRMED",
            Status::ResetRequired => "RESET_REQUIRED",
            Status::ForceChangePassword => "FORCE_CHANGE_PASSWORD",
        }
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) pool: String,
    pub(crate) sub: String,
    /// The sub itself where users are named by an attribute.
    pub(crate) username: String,
    /// Without `sub`.
    pub(crate) attributes: Attributes,
    pub(crate) status: Status,
    pub(crate) enabled: bool,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) password: Option<Verifier>,
    /// Former passwords, the latest first.
    pub(crate) former: Vec<Verifier>,
    /// Until when the temporary password is good.
    pub(crate) temporary_until: Option<Timestamp>,
    pub(crate) totp: Option<Totp>,
    /// A new token that waits to be verified; the old one stays until then.
    pub(crate) next_totp: Option<Totp>,
    /// The user wants to be asked for the software token.
    pub(crate) totp_wanted: bool,
    pub(crate) totp_preferred: bool,
    pub(crate) groups: Vec<String>,
    pub(crate) failures: Failures,
    /// Codes that are on their way, by purpose.
    pub(crate) codes: BTreeMap<String, Code>,
    /// Codes asked for and guessed at, by purpose.
    pub(crate) attempts: BTreeMap<String, Attempts>,
    /// New values that wait to be verified, by attribute.
    pub(crate) pending: Attributes,
}

impl User {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.get(name).map(String::as_str)
    }

    pub(crate) fn has_verified(&self, attribute: &str) -> bool {
        self.attributes.contains_key(attribute)
            && self.attribute(&format!("{attribute}_verified")) == Some("true")
    }

    pub(crate) fn knows(&self, password: &str) -> bool {
        self.password.as_ref().is_some_and(|v| v.matches(&self.pool, &self.username, password))
    }

    /// Whether a software token can be asked for.
    pub(crate) fn has_token(&self) -> bool {
        self.totp.as_ref().is_some_and(|t| t.verified)
    }

    /// Sets a password that the pool's policy allows.
    pub(crate) fn set_password(&mut self, tx: &Tx<'_>, pool: &UserPool, password: &str) -> Result<(), Fault> {
        let policy = pool.password_policy();
        policy.check(password)?;
        let kept = policy.password_history_size;
        let used = |v: &Verifier| v.matches(&self.pool, &self.username, password);
        if kept > 0 && (self.knows(password) || self.former.iter().take(kept - 1).any(used)) {
            return Err(Fault::client(
                "PasswordHistoryPolicyViolationException",
                "Password has already been used. Please choose a different password.",
            ));
        }
        if let Some(old) = self.password.take() {
            self.former.insert(0, old);
        }
        self.former.truncate(kept);
        self.password = Some(Verifier::new(&self.pool, &self.username, password, tx.random()));
        self.temporary_until = None;
        Ok(())
    }

    /// The user's attributes as clients see them, `sub` first.
    pub(crate) fn shown(&self, may_see: impl Fn(&str) -> bool) -> Vec<AttributeType> {
        let sub = AttributeType { name: "sub".to_owned(), value: Some(self.sub.clone()) };
        let rest = self.attributes.iter().filter(|(name, _)| may_see(name));
        let rest = rest.map(|(name, value)| AttributeType { name: name.clone(), value: Some(value.clone()) });
        std::iter::once(sub).chain(rest).collect()
    }
}

pub(crate) fn shape(user: &User) -> UserType {
    UserType {
        username: Some(user.username.clone()),
        attributes: Some(user.shown(|_| true)),
        user_create_date: Some(user.created),
        user_last_modified_date: Some(user.modified),
        enabled: Some(user.enabled),
        user_status: Some(user.status.name().to_owned()),
        ..UserType::default()
    }
}

fn key(parts: &[&str]) -> Vec<u8> {
    parts.join("\0").into_bytes()
}

/// Everything in a table whose key begins with these parts.
fn under(tx: &Tx<'_>, table: &str, parts: &[&str]) -> Result<Vec<(Vec<u8>, bytes::Bytes)>, Fault> {
    let from = [key(parts), vec![0]].concat();
    let to = [key(parts), vec![1]].concat();
    tx.records(table, Range { from: &from, to: Some(&to), reverse: false, limit: usize::MAX })
}

fn opened(tx: &Tx<'_>, key: &[u8], sealed: &[u8]) -> Result<User, Fault> {
    let plain = zeroize::Zeroizing::new(tx.unseal(PURPOSE, key, sealed)?);
    serde_json::from_slice(&plain).map_err(|e| Fault::internal(format!("a user cannot be read: {e}")))
}

pub(crate) fn load(tx: &Tx<'_>, pool: &str, sub: &str) -> Result<Option<User>, Fault> {
    let key = key(&[pool, sub]);
    tx.record(USERS, &key)?.map(|sealed| opened(tx, &key, &sealed)).transpose()
}

/// Keeps a user whose names have not changed.
pub(crate) fn save(tx: &mut Tx<'_>, user: &User) -> Result<(), Fault> {
    let key = key(&[&user.pool, &user.sub]);
    let plain =
        serde_json::to_vec(user).map_err(|e| Fault::internal(format!("a user cannot be kept: {e}")))?;
    let sealed = tx.seal(PURPOSE, &key, &zeroize::Zeroizing::new(plain))?;
    tx.put_record(USERS, &key, sealed)
}

/// Users in order of their subs, after one of them, at most so many.
pub(crate) fn list(tx: &Tx<'_>, pool: &str, after: Option<&str>, limit: usize) -> Result<Vec<User>, Fault> {
    let from = match after {
        Some(sub) => [key(&[pool, sub]), vec![0]].concat(),
        None => [key(&[pool]), vec![0]].concat(),
    };
    let to = [key(&[pool]), vec![1]].concat();
    let found = tx.records(USERS, Range { from: &from, to: Some(&to), reverse: false, limit })?;
    found.iter().map(|(key, sealed)| opened(tx, key, sealed)).collect()
}

pub(crate) fn count(tx: &Tx<'_>, pool: &str) -> Result<usize, Fault> {
    Ok(under(tx, USERS, &[pool])?.len())
}

/// A name as it is compared.
fn folded(pool: &UserPool, name: &str) -> String {
    if pool.case_sensitive() { name.to_owned() } else { name.to_lowercase() }
}

fn name_key(pool: &UserPool, kind: &str, name: &str) -> Vec<u8> {
    let folded = folded(pool, name);
    let digest = digest(&SHA256, format!("{}\0{kind}\0{folded}", pool.id).as_bytes());
    key(&[&pool.id, &hex::encode(digest)])
}

fn owner(tx: &Tx<'_>, key: &[u8]) -> Result<Option<String>, Fault> {
    Ok(tx.record(NAMES, key)?.map(|sub| String::from_utf8_lossy(&sub).into_owned()))
}

/// The user who signs in with this name: a username, or an alias that is in force.
pub(crate) fn lookup(tx: &Tx<'_>, pool: &UserPool, name: &str) -> Result<Option<User>, Fault> {
    for kind in ["username", "email", "phone_number", "preferred_username"] {
        if let Some(sub) = owner(tx, &name_key(pool, kind, name))? {
            return load(tx, &pool.id, &sub);
        }
    }
    Ok(None)
}

/// The user that an administrator names, by sub as well.
pub(crate) fn named(tx: &Tx<'_>, pool: &UserPool, name: &str) -> Result<User, Fault> {
    match lookup(tx, pool, name)? {
        Some(user) => Ok(user),
        None => load(tx, &pool.id, name)?.ok_or_else(no_user),
    }
}

/// The names by which a user is found.
fn names(pool: &UserPool, user: &User) -> BTreeSet<(&'static str, String)> {
    let mut names = BTreeSet::from([("username", user.username.clone())]);
    for kind in ["email", "phone_number"] {
        let in_force = pool.named_by(kind) || (pool.aliased_by(kind) && user.has_verified(kind));
        if let Some(value) = user.attribute(kind).filter(|v| in_force && !v.is_empty()) {
            names.insert((kind, value.to_owned()));
        }
    }
    if let Some(value) =
        user.attribute("preferred_username").filter(|_| pool.aliased_by("preferred_username"))
    {
        names.insert(("preferred_username", value.to_owned()));
    }
    names
}

/// Keeps a user whose names may have changed; with `force`, an alias is taken from whoever has it.
pub(crate) fn rename(
    tx: &mut Tx<'_>,
    pool: &UserPool,
    before: Option<&User>,
    user: &User,
    force: bool,
) -> Result<(), Fault> {
    let old = before.map(|b| names(pool, b)).unwrap_or_default();
    let new = names(pool, user);
    for (kind, name) in new.difference(&old) {
        let key = name_key(pool, kind, name);
        match owner(tx, &key)? {
            Some(sub) if sub != user.sub && force && *kind != "username" && !pool.named_by(kind) => {
                lose_alias(tx, pool, &sub, kind)?;
            }
            Some(sub) if sub != user.sub => return Err(taken(pool, kind, before.is_none())),
            _ => {}
        }
        tx.put_record(NAMES, &key, user.sub.clone().into_bytes())?;
    }
    let kept: Vec<Vec<u8>> = new.iter().map(|(kind, name)| name_key(pool, kind, name)).collect();
    for (kind, name) in old.difference(&new) {
        let key = name_key(pool, kind, name);
        // Names that differ only in case share one entry.
        if !kept.contains(&key) {
            tx.remove_record(NAMES, &key)?;
        }
    }
    save(tx, user)
}

fn taken(pool: &UserPool, kind: &str, new: bool) -> Fault {
    match kind {
        "username" => username_exists("User already exists"),
        _ if pool.named_by(kind) && new => {
            username_exists(&format!("An account with the given {kind} already exists."))
        }
        _ => alias_exists(kind),
    }
}

fn lose_alias(tx: &mut Tx<'_>, pool: &UserPool, sub: &str, kind: &str) -> Result<(), Fault> {
    let Some(mut other) = load(tx, &pool.id, sub)? else { return Ok(()) };
    other.attributes.insert(format!("{kind}_verified"), "false".to_owned());
    save(tx, &other)
}

/// A new user by the name that he or an administrator chose.
pub(crate) fn new(
    tx: &Tx<'_>,
    pool: &UserPool,
    name: &str,
    mut attributes: Attributes,
) -> Result<User, Fault> {
    let sub = tx.uuid();
    let username = match pool.has_names_of_their_own() {
        true => own_name(pool, name)?,
        false => {
            let kind = naming_attribute(pool, name)?;
            let given = attributes.insert(kind.to_owned(), name.to_owned());
            if given.is_some_and(|given| folded(pool, &given) != folded(pool, name)) {
                return Err(invalid(format!("the attribute {kind} must be the username")));
            }
            sub.clone()
        }
    };
    Ok(User {
        pool: pool.id.clone(),
        sub,
        username,
        attributes: crate::schema::of_new(&pool.schema, attributes)?,
        status: Status::Unconfirmed,
        enabled: true,
        created: tx.now,
        modified: tx.now,
        password: None,
        former: Vec::new(),
        temporary_until: None,
        totp: None,
        next_totp: None,
        totp_wanted: false,
        totp_preferred: false,
        groups: Vec::new(),
        failures: Failures::default(),
        codes: BTreeMap::new(),
        attempts: BTreeMap::new(),
        pending: Attributes::new(),
    })
}

/// A name must not look like another user's alias.
fn own_name(pool: &UserPool, name: &str) -> Result<String, Fault> {
    for (attribute, looks, form) in
        [("email", is_email(name), "email"), ("phone_number", is_phone(name), "phone number")]
    {
        if looks && pool.aliased_by(attribute) {
            return Err(invalid(format!(
                "Username cannot be of {form} format, since user pool is configured for {form} alias."
            )));
        }
    }
    Ok(folded(pool, name))
}

fn naming_attribute(pool: &UserPool, name: &str) -> Result<&'static str, Fault> {
    match (pool.named_by("email"), pool.named_by("phone_number")) {
        (true, _) if is_email(name) => Ok("email"),
        (_, true) if is_phone(name) => Ok("phone_number"),
        (true, true) => Err(invalid("Username should be either an email or a phone number.")),
        (true, false) => Err(invalid("Username should be an email.")),
        (false, _) => Err(invalid("Username should be a phone number.")),
    }
}

pub(crate) fn set_member(tx: &mut Tx<'_>, user: &User, group: &str, is: bool) -> Result<(), Fault> {
    let key = key(&[&user.pool, group, &user.sub]);
    if is { tx.put_record(MEMBERS, &key, Vec::new()) } else { tx.remove_record(MEMBERS, &key) }
}

/// The subs of a group's members.
pub(crate) fn members(tx: &Tx<'_>, pool: &str, group: &str) -> Result<Vec<String>, Fault> {
    let last = |key: &[u8]| key.rsplit(|b| *b == 0).next().map(|s| String::from_utf8_lossy(s).into_owned());
    Ok(under(tx, MEMBERS, &[pool, group])?.iter().filter_map(|(key, _)| last(key)).collect())
}

/// A user who is gone leaves no name, no membership and no token that is good.
pub(crate) fn remove(tx: &mut Tx<'_>, pool: &UserPool, user: &User) -> Result<(), Fault> {
    for (kind, name) in names(pool, user) {
        tx.remove_record(NAMES, &name_key(pool, kind, &name))?;
    }
    for group in group::of_user(tx, user) {
        set_member(tx, user, &group.name, false)?;
    }
    grant::revoke_all(tx, user)?;
    tx.remove_record(USERS, &key(&[&user.pool, &user.sub]))
}

pub(crate) fn remove_all(tx: &mut Tx<'_>, pool: &str) -> Result<(), Fault> {
    for table in [USERS, NAMES, MEMBERS, grant::TABLE] {
        for (key, _) in under(tx, table, &[pool])? {
            tx.remove_record(table, &key)?;
        }
    }
    Ok(())
}
