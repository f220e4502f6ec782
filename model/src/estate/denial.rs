//! The details of a denial on their way to whoever may read them: sealed by the runtime, so that
//! the denied caller learns nothing from them, and opened by `sts:DecodeAuthorizationMessage`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::tx::Host;
use crate::{AccountId, Fault};

const PURPOSE: &str = "authorization-message";
/// Seconds after which a message is no longer decoded. AWS says that messages expire, not when.
const READABLE: i64 = 86_400;

#[derive(Serialize, Deserialize)]
struct Denial {
    at: Timestamp,
    details: String,
}

/// Characters that a message may have to be taken by the decoder.
const ROOM: usize = 10_240;

/// The message, for readers of this account; an error for one that nobody could have decoded.
pub fn encoded(host: &dyn Host, account: &AccountId, at: Timestamp, details: &str) -> Result<String, Fault> {
    let content = serde_json::to_vec(&Denial { at, details: details.to_owned() })
        .map_err(|e| Fault::internal(format!("the details of a denial cannot be encoded: {e}")))?;
    let sealed = host.seal(PURPOSE, account.as_str().as_bytes(), &content)?;
    let message = URL_SAFE_NO_PAD.encode(sealed);
    if message.len() > ROOM {
        return Err(Fault::internal("the details of a denial are too long to be told"));
    }
    Ok(message)
}

/// What the message holds; nothing for one that was not made here, is another account's or has expired.
pub fn decoded(host: &dyn Host, account: &AccountId, now: Timestamp, message: &str) -> Option<String> {
    let sealed = URL_SAFE_NO_PAD.decode(message).ok()?;
    let content = host.unseal(PURPOSE, account.as_str().as_bytes(), &sealed).ok()?;
    let denial: Denial = serde_json::from_slice(&content).ok()?;
    (denial.at.plus_seconds(READABLE) > now).then_some(denial.details)
}
