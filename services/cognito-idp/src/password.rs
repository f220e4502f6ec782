//! What a pool asks of passwords.

use model::{Fault, Tx};
use serde::{Deserialize, Serialize};

use crate::fault::invalid;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct PasswordPolicy {
    pub(crate) minimum_length: usize,
    pub(crate) require_uppercase: bool,
    pub(crate) require_lowercase: bool,
    pub(crate) require_numbers: bool,
    pub(crate) require_symbols: bool,
    #[serde(skip_serializing_if = "none")]
    pub(crate) password_history_size: usize,
    pub(crate) temporary_password_validity_days: i64,
}

fn none(count: &usize) -> bool {
    *count == 0
}

/// Where a policy is given, what it does not name is not asked.
impl Default for PasswordPolicy {
    fn default() -> PasswordPolicy {
        PasswordPolicy {
            minimum_length: 8,
            require_uppercase: false,
            require_lowercase: false,
            require_numbers: false,
            require_symbols: false,
            password_history_size: 0,
            temporary_password_validity_days: 7,
        }
    }
}

/// The policy of a pool that was made without one.
pub(crate) fn of_new_pools() -> PasswordPolicy {
    PasswordPolicy {
        require_uppercase: true,
        require_lowercase: true,
        require_numbers: true,
        require_symbols: true,
        ..PasswordPolicy::default()
    }
}

const SYMBOLS: &str = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+= ";

impl PasswordPolicy {
    pub(crate) fn check(&self, password: &str) -> Result<(), Fault> {
        let has = |class: fn(char) -> bool| password.chars().any(class);
        let rules = [
            (password.chars().count() >= self.minimum_length, "Password not long enough"),
            (password.chars().count() <= 256, "Password is too long"),
            (!self.require_uppercase || has(char::is_uppercase), "Password must have uppercase characters"),
            (!self.require_lowercase || has(char::is_lowercase), "Password must have lowercase characters"),
            (!self.require_numbers || has(|c| c.is_ascii_digit()), "Password must have numeric characters"),
            (!self.require_symbols || has(|c| SYMBOLS.contains(c)), "Password must have symbol characters"),
        ];
        match rules.into_iter().find(|(kept, _)| !kept) {
            None => Ok(()),
            Some((_, broken)) => Err(Fault::client(
                "InvalidPasswordException",
                format!("Password did not conform with policy: {broken}"),
            )),
        }
    }

    /// The policy itself must be one.
    pub(crate) fn sound(&self) -> Result<(), Fault> {
        match (6..=99).contains(&self.minimum_length) && self.password_history_size <= 24 {
            true => Ok(()),
            false => Err(invalid("the password policy's minimum length must be from 6 to 99")),
        }
    }

    /// A password for a user whom an administrator made.
    pub(crate) fn temporary(&self, tx: &Tx<'_>) -> String {
        let kinds: [&[u8]; 4] =
            [b"ABCDEFGHJKLMNPQRSTUVWXYZ", b"abcdefghijkmnopqrstuvwxyz", b"23456789", b"!@#%&*-_+="];
        let every = kinds.concat();
        let mut text: String = kinds.iter().map(|kind| tx.random_text(1, kind)).collect();
        text.push_str(&tx.random_text(self.minimum_length.max(14), &every));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_bites() {
        let policy = of_new_pools();
        for (password, fine) in [
            ("Passw0rd!", true),
            ("Pw0rd!", false),
            ("passw0rd!", false),
            ("PASSW0RD!", false),
            ("Password!", false),
            ("Passw0rdd", false),
        ] {
            assert_eq!(policy.check(password).is_ok(), fine, "{password}");
        }
    }
}
