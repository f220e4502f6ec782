//! Grant tokens: they name a grant, and are worth nothing unless this service made them.
//!
//! A grant counts as soon as it is made, so a token gives nothing that the grant does not give
//! without it; but one that is none is refused. `key id/grant id | sealed nonce`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::estate::kms::Grant;
use model::{Fault, Snapshot, Tx};

const PURPOSE: &str = "kms-grant-token";
/// A UUID, a slash, 64 digits.
const PLACE: usize = 36 + 1 + 64;

pub(crate) fn invalid() -> Fault {
    Fault::client("InvalidGrantTokenException", "Invalid grant token")
}

/// Another token each time.
pub(crate) fn make(tx: &Tx<'_>, grant: &Grant) -> Result<String, Fault> {
    let sealed = tx.seal(PURPOSE, grant.place.as_bytes(), &tx.random::<16>())?;
    Ok(STANDARD.encode([grant.place.as_bytes(), &sealed].concat()))
}

fn parts(token: &str) -> Option<(String, Vec<u8>)> {
    let bytes = STANDARD.decode(token).ok()?;
    let (place, sealed) = bytes.split_at_checked(PLACE)?;
    Some((std::str::from_utf8(place).ok()?.to_owned(), sealed.to_vec()))
}

/// The grant that a token says it is of, unproved: enough to ask about.
pub(crate) fn claimed<'a>(snapshot: &'a Snapshot, token: &str) -> Option<&'a Grant> {
    let (place, _) = parts(token)?;
    let (_, id) = place.split_once('/')?;
    snapshot.find_named::<Grant>(&Grant::global_name_of(id)).filter(|grant| grant.place == place)
}

/// The grant of a token that this service made, if the grant is still there.
pub(crate) fn grant(tx: &Tx<'_>, token: &str) -> Result<Grant, Fault> {
    let (place, sealed) = parts(token).ok_or_else(invalid)?;
    tx.unseal(PURPOSE, place.as_bytes(), &sealed).map_err(|_| invalid())?;
    claimed(tx.snapshot(), token).cloned().ok_or_else(invalid)
}

/// Refuses tokens that are none.
pub(crate) fn check(tx: &Tx<'_>, tokens: Option<&[String]>) -> Result<(), Fault> {
    tokens.unwrap_or_default().iter().try_for_each(|token| grant(tx, token).map(|_| ()))
}
