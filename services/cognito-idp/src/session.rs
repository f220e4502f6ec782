//! The state of a sign-in between its steps. The server keeps none: it is in the session, sealed,
//! bound to its pool and client, good for some minutes and for one step. Only that a step was
//! taken is remembered, until it would have expired anyway.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use model::{Fault, Range, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::fault::{bad_session, not_authorized};
use crate::srp::{Exchange, Verifier};
use crate::totp::Totp;

const PURPOSE: &str = "cognito-session";
const SPENT: &str = "cognito-idp/spent";
/// Expired marks that are cleared away with each new one.
const SWEPT: usize = 64;

/// The step that is awaited.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) enum Step {
    /// An SRP proof. A user who does not exist is pretended, with this verifier.
    Password {
        exchange: Exchange,
        pretended: Option<Verifier>,
    },
    NewPassword,
    SoftwareToken,
    /// A factor is to be set up: first the secret is given, then it is verified.
    MfaSetup {
        token: Option<Totp>,
        done: bool,
    },
}

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) pool: String,
    pub(crate) client: String,
    /// Whose; for a pretended user, the name that was given.
    pub(crate) sub: String,
    pub(crate) username: String,
    pub(crate) step: Step,
    /// Begun through the pool's administrative door.
    pub(crate) admin: bool,
    expires: Timestamp,
    nonce: String,
}

impl Session {
    pub(crate) fn new(tx: &Tx<'_>, client: &Client, whose: (&str, &str), step: Step, admin: bool) -> Session {
        Session {
            pool: client.pool.clone(),
            client: client.id.clone(),
            sub: whose.0.to_owned(),
            username: whose.1.to_owned(),
            step,
            admin,
            expires: tx.now.plus_seconds(client.patience()),
            nonce: hex::encode(tx.random::<16>()),
        }
    }

    /// The same sign-in at another step, with the same time left.
    pub(crate) fn next(&self, tx: &Tx<'_>, step: Step) -> Session {
        Session { step, nonce: hex::encode(tx.random::<16>()), ..self.clone() }
    }

    fn sealed(&self, tx: &Tx<'_>) -> Result<Vec<u8>, Fault> {
        let plain = serde_json::to_vec(self)
            .map_err(|e| Fault::internal(format!("a session cannot be encoded: {e}")))?;
        tx.seal(PURPOSE, b"", &zeroize::Zeroizing::new(plain))
    }

    pub(crate) fn token(&self, tx: &Tx<'_>) -> Result<String, Fault> {
        Ok(URL_SAFE_NO_PAD.encode(self.sealed(tx)?))
    }

    /// The same as the secret block of SRP.
    pub(crate) fn block(&self, tx: &Tx<'_>) -> Result<String, Fault> {
        Ok(STANDARD.encode(self.sealed(tx)?))
    }

    fn spent_key(&self) -> Vec<u8> {
        [self.expires.0.to_be_bytes().as_slice(), self.nonce.as_bytes()].concat()
    }

    /// Marks the step as taken: it cannot be taken again.
    pub(crate) fn spend(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let now = tx.now.0.to_be_bytes();
        let stale = Range { from: b"", to: Some(&now), reverse: false, limit: SWEPT };
        for (key, _) in tx.records(SPENT, stale)? {
            tx.remove_record(SPENT, &key)?;
        }
        tx.put_record(SPENT, &self.spent_key(), Vec::new())
    }
}

/// Opens a session, which must be fresh.
pub(crate) fn open(tx: &Tx<'_>, sealed: &[u8]) -> Result<Session, Fault> {
    let plain = tx.unseal(PURPOSE, b"", sealed).map_err(|_| bad_session())?;
    let session: Session = serde_json::from_slice(&plain).map_err(|_| bad_session())?;
    if session.expires <= tx.now {
        return Err(not_authorized("Invalid session for the user, session is expired."));
    }
    if tx.record(SPENT, &session.spent_key())?.is_some() {
        return Err(not_authorized("Invalid session for the user, session can only be used once."));
    }
    Ok(session)
}

pub(crate) fn of_token(tx: &Tx<'_>, token: &str) -> Result<Session, Fault> {
    open(tx, &URL_SAFE_NO_PAD.decode(token).map_err(|_| bad_session())?)
}
