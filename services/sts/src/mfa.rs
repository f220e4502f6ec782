//! One-time passwords that come with a call for credentials. The decision is made as if the code
//! were right, for what it is asked with; nothing is handed out before it is found to be.
//!
//! "The temporary credentials returned by AssumeRole do not include MFA information in the
//! context": only those of GetSessionToken do.

use model::{Ask, Asking, Caller, CallerKind, Fault, Members, Timestamp, Tx, Value};

fn given(asking: &Asking<'_>) -> bool {
    let user = matches!(asking.caller.kind, CallerKind::User { .. });
    user && asking.text("SerialNumber").is_some() && asking.text("TokenCode").is_some()
}

/// The question with the keys that a right code makes true.
pub(crate) fn claimed(asking: &Asking<'_>, ask: Ask) -> Ask {
    match given(asking) {
        true => ask.key("aws:MultiFactorAuthPresent", Some("true")).key("aws:MultiFactorAuthAge", Some("0")),
        false => ask,
    }
}

/// Checks the code, if one is given: when that was.
pub(crate) fn checked(
    tx: &mut Tx<'_>,
    serial: Option<String>,
    code: Option<String>,
) -> Result<Option<Timestamp>, Fault> {
    let denied = |why: &str| Fault::access_denied(format!("MultiFactorAuthentication failed{why}"));
    let (serial, code) = match (serial, code) {
        (None, None) => return Ok(None),
        (Some(serial), Some(code)) => (serial, code),
        (None, Some(_)) => {
            return Err(denied(", must provide both MFA serial number and one time pass code."));
        }
        (Some(_), None) => {
            return Err(denied(", must provide both MFA serial number and one time pass code."));
        }
    };
    let CallerKind::User { name } = &tx.caller().kind else {
        return Err(denied(
            ", unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
        ));
    };
    let mut question = Members::default();
    question.push("SerialNumber", serial.as_str());
    question.push("TokenCode", code.as_str());
    question.push("UserName", name.as_str());
    let sts = Caller::service("sts.amazonaws.com", &tx.caller().account);
    let right: Value = tx.call_as(sts, None, "iam", "CheckMfaCode", Value::Map(question))?;
    match right {
        Value::Bool(true) => Ok(Some(tx.now)),
        // The wrong code has been counted.
        _ => Err(tx.fail_keeping(denied(" with invalid MFA one time pass code."))),
    }
}
