//! Issuing and renewing: a new key and certificate under the same ARN, before the old one ends.

use model::estate::acm::Certificate;
use model::{Effect, Fault, Timestamp, Tx};
use serde_json::{Value as Json, json};

use crate::certificate::{find, origin};
use crate::shapes::*;

/// "ACM attempts to renew 60 days before expiry."
const AHEAD_SECONDS: i64 = 60 * 86_400;

pub(crate) fn schedule_id(certificate: &Certificate) -> String {
    format!("acm/renew/{}", certificate.arn())
}

/// Has the authority issue this certificate, seals its key, and sees to the next renewal.
pub(crate) fn issue(tx: &mut Tx<'_>, mut certificate: Certificate) -> Result<(), Fault> {
    let made = tx.host().certificate(&certificate.names)?;
    let sealed = tx.seal("acm-key", certificate.arn().as_bytes(), made.private_key_pem.as_bytes())?;
    certificate.sealed_key = hex::encode(sealed);
    certificate.certificate_pem = made.certificate_pem;
    certificate.chain_pem = made.chain_pem;
    certificate.serial = made.serial;
    certificate.not_before = made.not_before;
    certificate.not_after = made.not_after;
    schedule(tx, &certificate, made.not_after.plus_seconds(-AHEAD_SECONDS))?;
    tx.put(certificate)
}

/// Sees to it that the certificate is looked at again at this time.
pub(crate) fn schedule(tx: &mut Tx<'_>, certificate: &Certificate, at: Timestamp) -> Result<(), Fault> {
    tx.effect(Effect::Schedule {
        id: schedule_id(certificate),
        at,
        service: "acm".to_owned(),
        job: "Renew".to_owned(),
        payload: json!({"arn": certificate.arn()}),
    })
}

/// Renews what the runtime issued; an imported certificate expires.
pub(crate) fn renew_due(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let arn = payload.get("arn").and_then(Json::as_str).unwrap_or_default();
    let Some(mut certificate) = tx.find_arn::<Certificate>(arn).cloned() else { return Ok(()) };
    if certificate.kind == "IMPORTED" {
        if certificate.not_after <= tx.now {
            certificate.status = "EXPIRED".to_owned();
            return tx.put(certificate);
        }
        let at = certificate.not_after;
        return schedule(tx, &certificate, at);
    }
    issue(tx, certificate)
}

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_RenewCertificate.html>
pub(crate) fn renew_certificate(tx: &mut Tx<'_>, input: RenewCertificateRequest) -> Result<(), Fault> {
    let certificate = find(tx, &input.certificate_arn)?;
    // "Renews an eligible ACM certificate": a private one that was exported.
    if certificate.kind != "PRIVATE" || !origin(tx, &certificate)?.exported {
        return Err(Fault::validation(format!(
            "Certificate {} cannot be renewed on demand: only exported private certificates can.",
            input.certificate_arn
        )));
    }
    issue(tx, certificate)
}
