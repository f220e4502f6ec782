//! Random passwords.

use model::{Fault, Tx};

use crate::shapes::*;

const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const DIGITS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html>
pub(crate) fn get_random_password(
    tx: &mut Tx<'_>,
    input: GetRandomPasswordRequest,
) -> Result<GetRandomPasswordResponse, Fault> {
    Ok(GetRandomPasswordResponse { random_password: Some(random(tx, &input)?) })
}

pub(crate) fn random(tx: &Tx<'_>, wanted: &GetRandomPasswordRequest) -> Result<String, Fault> {
    let excluded = wanted.exclude_characters.as_deref().unwrap_or_default();
    let kinds = [
        (UPPER, wanted.exclude_uppercase),
        (LOWER, wanted.exclude_lowercase),
        (DIGITS, wanted.exclude_numbers),
        (PUNCTUATION, wanted.exclude_punctuation),
        (" ", Some(wanted.include_space != Some(true))),
    ];
    let left = |text: &str| text.bytes().filter(|b| !excluded.as_bytes().contains(b)).collect::<Vec<u8>>();
    let kinds: Vec<Vec<u8>> = kinds
        .into_iter()
        .filter(|(_, out)| *out != Some(true))
        .map(|(k, _)| left(k))
        .filter(|k| !k.is_empty())
        .collect();
    let all: Vec<u8> = kinds.concat();
    let invalid = |why: &str| Fault::client("InvalidParameterException", why.to_owned());
    if all.is_empty() {
        return Err(invalid("no characters are left to make a password of"));
    }
    let length = usize::try_from(wanted.password_length.unwrap_or(32))
        .map_err(|_| invalid("PasswordLength is not valid"))?;
    let each = wanted.require_each_included_type != Some(false);
    if each && length < kinds.len() {
        return Err(invalid("the password is too short to have a character of each type"));
    }
    // Whole passwords are drawn until one has every type, so that no place is likelier for any.
    for _ in 0..1000 {
        let password = tx.random_text(length, &all);
        if !each || kinds.iter().all(|k| password.bytes().any(|b| k.contains(&b))) {
            return Ok(password);
        }
    }
    Err(invalid("no password could be made that has a character of each type"))
}
