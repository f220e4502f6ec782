//! One sign-in, as long as its tokens may be used: what a refresh token refreshes, and what
//! signing out or revoking takes away. An access token without its grant is no good here.

use model::{Fault, Range, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::user::User;

pub(crate) const TABLE: &str = "cognito-idp/grant";
/// The keys of grants by the moment they end: what is swept is at the front.
const ENDS: &str = "cognito-idp/grant-end";
/// Expired grants forgotten at a new one: more than one, so that they get fewer.
const SWEPT: usize = 4;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) pool: String,
    pub(crate) sub: String,
    /// The `event_id` of its tokens.
    pub(crate) event: String,
    pub(crate) client: String,
    pub(crate) origin_jti: Option<String>,
    pub(crate) authenticated: Timestamp,
    pub(crate) expires: Timestamp,
}

fn key(pool: &str, sub: &str, event: &str) -> Vec<u8> {
    format!("{pool}\0{sub}\0{event}").into_bytes()
}

pub(crate) fn find(tx: &Tx<'_>, pool: &str, sub: &str, event: &str) -> Result<Option<Grant>, Fault> {
    let found: Option<Grant> = tx.record_as(TABLE, &key(pool, sub, event))?;
    Ok(found.filter(|grant| grant.expires > tx.now))
}

/// Keeps a new one, and forgets a few of those that have expired.
pub(crate) fn save(tx: &mut Tx<'_>, grant: &Grant) -> Result<(), Fault> {
    let now = tx.now.0.to_be_bytes();
    for (end, key) in tx.records(ENDS, Range { from: b"", to: Some(&now), reverse: false, limit: SWEPT })? {
        tx.remove_record(ENDS, &end)?;
        tx.remove_record(TABLE, &key)?;
    }
    let key = key(&grant.pool, &grant.sub, &grant.event);
    let end = [grant.expires.0.to_be_bytes().as_slice(), &key].concat();
    tx.put_record(ENDS, &end, key.clone())?;
    tx.put_record_as(TABLE, &key, grant)
}

fn of_user(tx: &Tx<'_>, pool: &str, sub: &str) -> Result<Vec<(Vec<u8>, bytes::Bytes)>, Fault> {
    let (from, to) = (format!("{pool}\0{sub}\0"), format!("{pool}\0{sub}\x01"));
    let range = Range { from: from.as_bytes(), to: Some(to.as_bytes()), reverse: false, limit: usize::MAX };
    tx.records(TABLE, range)
}

pub(crate) fn revoke(tx: &mut Tx<'_>, grant: &Grant) -> Result<(), Fault> {
    tx.remove_record(TABLE, &key(&grant.pool, &grant.sub, &grant.event))
}

/// Signs the user out everywhere.
pub(crate) fn revoke_all(tx: &mut Tx<'_>, user: &User) -> Result<(), Fault> {
    for (key, _) in of_user(tx, &user.pool, &user.sub)? {
        tx.remove_record(TABLE, &key)?;
    }
    Ok(())
}
