//! Who signed a request with AWS Signature Version 4, for the service `execute-api`.

use model::Caller;

use super::call::Call;
use crate::aws::who;
use crate::sigv4::{self, Payload, Refusal, Rules, Signed};

/// The caller, once signature and payload are seen to be theirs.
pub(super) fn caller(call: &Call, body: &[u8]) -> Result<Caller, Refusal> {
    let signed =
        Signed { method: &call.method, path: &call.signed_path, query: &call.query, headers: &call.headers };
    let claim = sigv4::claim(signed)?.ok_or(Refusal::Missing)?;
    if claim.region != call.journey.region {
        return Err(Refusal::Scope(format!(
            "Credential should be scoped to a valid region, not '{}'. ",
            claim.region
        )));
    }
    let identity = who::identify(&*call.plane.estate, &claim)?;
    let actual = sigv4::sha256_hex(body);
    match sigv4::payload(&call.headers, &claim, false) {
        Payload::Hash(given) if given.is_empty() || given == actual => {}
        _ => return Err(Refusal::Mismatch),
    }
    let rules = Rules { signing_name: "execute-api", s3: false, now: call.plane.estate.now() };
    sigv4::verify(signed, &claim, &identity.secret, &actual, rules)?;
    Ok(identity.caller)
}
