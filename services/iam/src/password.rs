//! The account's password policy: what every password that is set or changed must be like.
//!
//! Where an account has none of its own, AWS's default one holds:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html>

use model::estate::iam::Account;
use model::ids::arn;
use model::{AccountId, Fault, Node, PolicyText, Timestamp, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::login;
use crate::shapes::*;

const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";
const DAY: i64 = 86_400;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rules {
    account: AccountId,
    length: i64,
    symbols: bool,
    numbers: bool,
    uppercase: bool,
    lowercase: bool,
    /// Every user may change the own password.
    pub(crate) own: bool,
    /// Days.
    age: Option<i64>,
    reuse: Option<i64>,
    hard: Option<bool>,
    /// That every user may read these rules, where they may change their passwords.
    grant: Option<PolicyText>,
}

impl Node for Rules {
    const KIND: &'static str = "Countersign::IAM::PasswordPolicy";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        ""
    }
    /// An account has one.
    fn local_id(&self) -> &str {
        "password-policy"
    }
    fn arn(&self) -> Option<String> {
        Some(bearer(&self.account))
    }
    fn policy(&self) -> Option<&PolicyText> {
        self.grant.as_ref()
    }
}

/// Under which name the decision finds what the account grants to all its users.
pub(crate) fn bearer(account: &AccountId) -> String {
    arn("iam", "", account, "password-policy")
}

/// Grants an action to the users of the account, beside what their own policies say.
pub(crate) fn grant(account: &AccountId, action: &str, until: Option<Timestamp>) -> PolicyText {
    let mut condition = json!({
        "StringEquals": {"aws:PrincipalAccount": account.as_str(), "aws:PrincipalType": "User"},
    });
    if let (Some(until), Some(condition)) = (until, condition.as_object_mut()) {
        let until = json!({"aws:CurrentTime": until.to_rfc3339_seconds()});
        condition.insert("DateLessThan".to_owned(), until);
    }
    let statement = json!({
        "Sid": "AllowUsersToChangePassword", "Effect": "Allow", "Principal": "*", "Action": action,
        "Resource": "*", "Condition": condition,
    });
    PolicyText::new(json!({"Version": "2012-10-17", "Statement": [statement]}).to_string(), None)
}

impl Rules {
    /// When a password that was set then is too old.
    pub(crate) fn expiry(&self, set: Timestamp) -> Option<Timestamp> {
        self.age.map(|days| set.plus_seconds(days * DAY))
    }

    /// "Prevents IAM users from setting a new password after it has expired": those who have no
    /// permission but the account's.
    pub(crate) fn hard_expiry(&self, set: Timestamp) -> Option<Timestamp> {
        if self.hard == Some(true) { self.expiry(set) } else { None }
    }

    /// How many of a user's passwords, the present one included, may not come again.
    pub(crate) fn reuse(&self) -> usize {
        self.reuse.and_then(|n| usize::try_from(n).ok()).unwrap_or_default()
    }

    fn met(&self, password: &str) -> bool {
        let kinds = Kinds::of(password);
        kinds.length >= self.length
            && (kinds.symbols || !self.symbols)
            && (kinds.numbers || !self.numbers)
            && (kinds.uppercase || !self.uppercase)
            && (kinds.lowercase || !self.lowercase)
    }

    fn shape(&self) -> PasswordPolicy {
        PasswordPolicy {
            minimum_password_length: Some(self.length),
            require_symbols: Some(self.symbols),
            require_numbers: Some(self.numbers),
            require_uppercase_characters: Some(self.uppercase),
            require_lowercase_characters: Some(self.lowercase),
            allow_users_to_change_password: Some(self.own),
            expire_passwords: Some(self.age.is_some()),
            max_password_age: self.age,
            password_reuse_prevention: self.reuse,
            hard_expiry: self.hard,
        }
    }
}

/// What a password is made of.
struct Kinds {
    length: i64,
    symbols: bool,
    numbers: bool,
    uppercase: bool,
    lowercase: bool,
}

impl Kinds {
    fn of(password: &str) -> Kinds {
        Kinds {
            length: i64::try_from(password.chars().count()).unwrap_or(i64::MAX),
            symbols: password.chars().any(|c| SYMBOLS.contains(c)),
            numbers: password.chars().any(|c| c.is_ascii_digit()),
            uppercase: password.chars().any(|c| c.is_ascii_uppercase()),
            lowercase: password.chars().any(|c| c.is_ascii_lowercase()),
        }
    }

    /// "A minimum length of 8 characters and a maximum length of 128; a minimum of three of the mix of
    /// character types."
    fn by_default(&self) -> bool {
        let mix = [self.symbols, self.numbers, self.uppercase, self.lowercase];
        self.length >= 8 && mix.iter().filter(|has| **has).count() >= 3
    }
}

pub(crate) fn rules<'a>(tx: &'a Tx<'_>) -> Option<&'a Rules> {
    tx.find_global::<Rules>("password-policy")
}

pub(crate) fn violation() -> Fault {
    Fault::client("PasswordPolicyViolation", "Password does not conform to the account password policy.")
}

/// Refuses a password that is not as the account wants them.
pub(crate) fn conforms(tx: &Tx<'_>, password: &str) -> Result<(), Fault> {
    let met = match rules(tx) {
        Some(rules) => rules.met(password),
        None => Kinds::of(password).by_default() && !names_account(tx, password),
    };
    if met { Ok(()) } else { Err(violation()) }
}

fn names_account(tx: &Tx<'_>, password: &str) -> bool {
    let account = tx.find_global::<Account>(tx.account.as_str());
    account.is_some_and(|a| password == a.name || password == a.email)
}

fn none(account: &AccountId) -> Fault {
    let message = format!("The Password Policy with domain name {account} cannot be found.");
    Fault::new("NoSuchEntity", 404, message)
}

pub(crate) fn get_account_password_policy(
    tx: &mut Tx<'_>,
    _: model::Value,
) -> Result<GetAccountPasswordPolicyResponse, Fault> {
    let rules = rules(tx).ok_or_else(|| none(&tx.account))?;
    Ok(GetAccountPasswordPolicyResponse { password_policy: rules.shape() })
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_UpdateAccountPasswordPolicy.html>
///
/// What is not given goes back to its default.
pub(crate) fn update_account_password_policy(
    tx: &mut Tx<'_>,
    input: UpdateAccountPasswordPolicyRequest,
) -> Result<(), Fault> {
    let own = input.allow_users_to_change_password == Some(true);
    let rules = Rules {
        account: tx.account.clone(),
        length: input.minimum_password_length.unwrap_or(6),
        symbols: input.require_symbols == Some(true),
        numbers: input.require_numbers == Some(true),
        uppercase: input.require_uppercase_characters == Some(true),
        lowercase: input.require_lowercase_characters == Some(true),
        own,
        age: input.max_password_age,
        reuse: input.password_reuse_prevention,
        hard: input.hard_expiry,
        grant: own.then(|| grant(&tx.account, "iam:GetAccountPasswordPolicy", None)),
    };
    tx.put(rules)?;
    login::granted_anew(tx)
}

pub(crate) fn delete_account_password_policy(tx: &mut Tx<'_>, _: model::Value) -> Result<(), Fault> {
    let rules = rules(tx).cloned().ok_or_else(|| none(&tx.account))?;
    tx.remove(&rules)?;
    login::granted_anew(tx)
}
