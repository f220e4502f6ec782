//! Temporary credentials. They are stateless: the session token holds, sealed by
//! the runtime, who the caller is and the secret that goes with the access key.

use serde::{Deserialize, Serialize};

use crate::identity::Caller;
use crate::time::Timestamp;
use crate::tx::Host;
use crate::{Fault, tx};

const PURPOSE: &str = "session-token";

/// What STS and its kin hand out.
#[derive(Clone, PartialEq)]
pub struct Credentials {
    /// `ASIA...`.
    pub access_key: String,
    pub secret: String,
    pub token: String,
    pub expires: Timestamp,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// What a session token holds.
#[derive(Clone, Serialize, Deserialize)]
pub struct SessionToken {
    pub secret: String,
    pub caller: Caller,
}

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionToken").field("caller", &self.caller.arn).finish_non_exhaustive()
    }
}

/// Why a session token is no good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadToken {
    /// Not made here, or not for this access key, or changed since.
    Invalid,
    Expired,
}

fn text(host: &dyn Host, length: usize, alphabet: &[u8]) -> String {
    let mut bytes = vec![0; length];
    host.random(&mut bytes);
    let pick = |b: &u8| alphabet.get(usize::from(*b) % alphabet.len()).copied().map(char::from);
    bytes.iter().filter_map(pick).collect()
}

/// Makes credentials for a caller, whose `session` says until when.
pub fn mint(host: &dyn Host, mut caller: Caller) -> Result<Credentials, Fault> {
    let Some(session) = &caller.session else {
        return Err(Fault::internal("temporary credentials need a session"));
    };
    let expires = session.expires;
    let access_key = format!("ASIA{}", text(host, 16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
    let secret = text(host, 40, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    caller.access_key = Some(access_key.clone());
    let content = serde_json::to_vec(&SessionToken { secret: secret.clone(), caller })
        .map_err(|e| Fault::internal(format!("a session token cannot be encoded: {e}")))?;
    let sealed = host.seal(PURPOSE, access_key.as_bytes(), &content)?;
    use base64::Engine as _;
    let token = base64::engine::general_purpose::STANDARD.encode(sealed);
    Ok(Credentials { access_key, secret, token, expires })
}

/// Opens the token that came with an access key.
pub fn open(
    host: &dyn tx::Host,
    access_key: &str,
    token: &str,
    now: Timestamp,
) -> Result<SessionToken, BadToken> {
    use base64::Engine as _;
    let sealed = base64::engine::general_purpose::STANDARD.decode(token).map_err(|_| BadToken::Invalid)?;
    let content = host.unseal(PURPOSE, access_key.as_bytes(), &sealed).map_err(|_| BadToken::Invalid)?;
    let opened: SessionToken = serde_json::from_slice(&content).map_err(|_| BadToken::Invalid)?;
    match &opened.caller.session {
        Some(session) if session.expires > now => Ok(opened),
        Some(_) => Err(BadToken::Expired),
        None => Err(BadToken::Invalid),
    }
}
