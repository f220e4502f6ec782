//! Codes that reach a user by mail or telephone, and prove that the address is his.
//! They are random, kept in the sealed user, compared in constant time, good once and for a while.

use model::{Effect, Fault, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::fault::{code_expired, code_mismatch, invalid};
use crate::pool::UserPool;
use crate::shapes::CodeDeliveryDetailsType;
use crate::user::{self, User};

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Code {
    code: String,
    /// The attribute whose address it went to.
    pub(crate) attribute: String,
    /// That address.
    pub(crate) address: String,
    expires: Timestamp,
}

/// What a code is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose<'a> {
    SignUp,
    Recovery,
    /// To verify an attribute.
    Attribute(&'a str),
}

impl Purpose<'_> {
    fn name(self) -> String {
        match self {
            Purpose::SignUp => "sign-up".to_owned(),
            Purpose::Recovery => "recovery".to_owned(),
            Purpose::Attribute(name) => format!("attribute/{name}"),
        }
    }

    fn seconds(self) -> i64 {
        match self {
            Purpose::Recovery => 3600,
            Purpose::SignUp | Purpose::Attribute(_) => 86_400,
        }
    }
}

/// `a***@e***`, `+*******4567`.
pub(crate) fn masked(address: &str) -> String {
    match address.split_once('@') {
        Some((local, domain)) => {
            let first = |part: &str| part.chars().next().map(String::from).unwrap_or_default();
            format!("{}***@{}***", first(local), first(domain))
        }
        None => {
            let hidden = address.chars().count().saturating_sub(5);
            let end: String = address.chars().skip(hidden + 1).collect();
            format!("+{}{end}", "*".repeat(hidden))
        }
    }
}

pub(crate) fn delivery(attribute: &str, address: &str) -> CodeDeliveryDetailsType {
    CodeDeliveryDetailsType {
        destination: Some(masked(address)),
        delivery_medium: Some(if attribute == "email" { "EMAIL" } else { "SMS" }.to_owned()),
        attribute_name: Some(attribute.to_owned()),
    }
}

/// Sends a code to an address of the user's; the caller saves the user.
pub(crate) fn send(
    tx: &mut Tx<'_>,
    pool: &UserPool,
    user: &mut User,
    purpose: Purpose<'_>,
    (attribute, address): (&str, &str),
) -> Result<CodeDeliveryDetailsType, Fault> {
    user.attempts.entry(purpose.name()).or_default().send(tx.now)?;
    let code = tx.random_text(6, b"0123456789");
    let (subject, body) = message(pool, attribute);
    let body = body.replace("{####}", &code).replace("{username}", &user.username);
    tx.effect(Effect::Mail { to: address.to_owned(), subject, body })?;
    let expires = tx.now.plus_seconds(purpose.seconds());
    let (attribute, address) = (attribute.to_owned(), address.to_owned());
    let details = delivery(&attribute, &address);
    user.codes.insert(purpose.name(), Code { code, attribute, address, expires });
    Ok(details)
}

fn message(pool: &UserPool, attribute: &str) -> (String, String) {
    let text = |pointers: [&[&str]; 2], default: &str| {
        let found = pointers.into_iter().find_map(|p| pool.text(p));
        found.unwrap_or(default).to_owned()
    };
    if attribute != "email" {
        let body = text(
            [&["VerificationMessageTemplate", "SmsMessage"], &["SmsVerificationMessage"]],
            "Your verification code is {####}",
        );
        return (String::new(), body);
    }
    let subject = text(
        [&["VerificationMessageTemplate", "EmailSubject"], &["EmailVerificationSubject"]],
        "Your verification code",
    );
    let body = text(
        [&["VerificationMessageTemplate", "EmailMessage"], &["EmailVerificationMessage"]],
        "Your confirmation code is {####}",
    );
    (subject, body)
}

/// Takes a code, at most once. A wrong one is counted even though the call fails.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    user: &mut User,
    purpose: Purpose<'_>,
    given: &str,
) -> Result<Code, Fault> {
    let name = purpose.name();
    let attempts = user.attempts.entry(name.clone()).or_default();
    attempts.allow(tx.now)?;
    let Some(code) = user.codes.get(&name).filter(|c| c.expires > tx.now).cloned() else {
        return Err(code_expired());
    };
    if crate::srp::same(code.code.as_bytes(), given.as_bytes()) {
        user.codes.remove(&name);
        user.attempts.remove(&name);
        return Ok(code);
    }
    attempts.wrong();
    user::save(tx, user)?;
    Err(tx.fail_keeping(code_mismatch()))
}

/// Where the user's own address for a new account's code is, by the pool's wishes.
pub(crate) fn verified_address(pool: &UserPool, user: &User) -> Option<(String, String)> {
    let of =
        |name: &str| user.attribute(name).filter(|v| !v.is_empty()).map(|v| (name.to_owned(), v.to_owned()));
    // A telephone number goes before an address, as in AWS.
    ["phone_number", "email"].into_iter().filter(|name| pool.verifies(name)).find_map(of)
}

/// Where a code to recover the account may go.
pub(crate) fn recovery_address(pool: &UserPool, user: &User) -> Result<(String, String), Fault> {
    for way in pool.recovery() {
        let Some(name) = way.strip_prefix("verified_") else { continue };
        if let Some(value) = user.attribute(name).filter(|_| user.has_verified(name)) {
            return Ok((name.to_owned(), value.to_owned()));
        }
    }
    Err(invalid(
        "Cannot reset password for the user as there is no registered/verified email or phone_number",
    ))
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn addresses_are_masked() {
        assert_eq!(masked("alice@example.com"), "a***@e***");
        assert_eq!(masked("+15551234567"), "+*******4567");
    }
}
