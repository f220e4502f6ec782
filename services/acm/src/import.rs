//! `ImportCertificate`. A certificate is taken only with the key that belongs to it, within its
//! validity, and with a chain in which each certificate is signed by the next.

use model::estate::acm::Certificate;
use model::{Fault, Tx};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::pem::Pem;

use crate::certificate::{Origin, find, id, origin};
use crate::fault::invalid;
use crate::shapes::*;
use crate::x509::{self, Facts};
use crate::{renewal, tag};

/// What the listeners can serve.
const KEYS: &[&str] = &["RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1"];

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_ImportCertificate.html>
pub(crate) fn import_certificate(
    tx: &mut Tx<'_>,
    input: ImportCertificateRequest,
) -> Result<ImportCertificateResponse, Fault> {
    let leaf = one(&input.certificate)?;
    let facts = x509::facts(&leaf)?;
    matching_key(&leaf, &input.private_key)?;
    let chain = chain(&leaf, input.certificate_chain.as_deref())?;
    check(tx, &facts)?;
    let mut certificate = match &input.certificate_arn {
        Some(arn) => renewed(tx, arn, input.tags.is_some())?,
        None => fresh(tx, tag::checked(input.tags.as_deref().unwrap_or_default())?)?,
    };
    let mut names = facts.names.clone();
    if names.is_empty() {
        names.extend(facts.common_name.clone());
    }
    let domain = facts.common_name.clone().or_else(|| names.first().cloned());
    certificate.domain = domain.ok_or_else(|| invalid("The certificate names no domain."))?;
    certificate.names = names;
    certificate.status = "ISSUED".to_owned();
    certificate.certificate_pem = text(&input.certificate)?;
    certificate.chain_pem = chain;
    certificate.serial = facts.serial.replace(':', "");
    certificate.not_before = facts.not_before;
    certificate.not_after = facts.not_after;
    let arn = certificate.arn();
    certificate.sealed_key = hex::encode(tx.seal("acm-key", arn.as_bytes(), &input.private_key)?);
    renewal::schedule(tx, &certificate, facts.not_after)?;
    tx.put(certificate)?;
    Ok(ImportCertificateResponse { certificate_arn: Some(arn) })
}

fn text(bytes: &[u8]) -> Result<String, Fault> {
    String::from_utf8(bytes.to_vec()).map_err(|_| invalid("The certificate is not in PEM format."))
}

fn one(text: &[u8]) -> Result<Pem, Fault> {
    let mut pems = x509::pems(text).unwrap_or_default();
    match (pems.pop(), pems.is_empty()) {
        (Some(pem), true) => Ok(pem),
        (Some(_), false) => Err(invalid(
            "The certificate field contains more than one certificate. You can specify only one certificate in this field.",
        )),
        (None, _) => Err(invalid("The certificate is not in PEM format.")),
    }
}

fn check(tx: &Tx<'_>, facts: &Facts) -> Result<(), Fault> {
    if !KEYS.contains(&facts.key_algorithm.as_str()) {
        return Err(invalid(format!("The key algorithm {} is not supported.", facts.key_algorithm)));
    }
    if facts.not_before > tx.now {
        return Err(invalid("The certificate is not valid yet."));
    }
    if facts.not_after <= tx.now {
        return Err(invalid("The certificate has expired."));
    }
    Ok(())
}

/// Refuses a key that is encrypted, of no known form, or not the certificate's.
fn matching_key(leaf: &Pem, key: &[u8]) -> Result<(), Fault> {
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| {
        invalid("The private key is not supported. It must be unencrypted and in PEM format.")
    })?;
    let certificate = CertificateDer::from(leaf.contents.clone());
    let provider = rustls::crypto::ring::default_provider();
    rustls::sign::CertifiedKey::from_der(vec![certificate], key, &provider)
        .map_err(|_| invalid("The private key does not match the certificate, or is not supported."))?
        .keys_match()
        .map_err(|_| invalid("The private key does not match the certificate."))
}

/// The chain as it is to be served; without one the certificate must have signed itself.
fn chain(leaf: &Pem, given: Option<&[u8]>) -> Result<String, Fault> {
    let Some(given) = given else {
        return match x509::signed_by(leaf, leaf) {
            true => Ok(String::new()),
            false => Err(invalid(
                "Provided certificate is not a valid self signed. Please provide either a valid self-signed certificate or certificate chain.",
            )),
        };
    };
    let broken = || invalid("Could not validate the certificate with the certificate chain.");
    let chain = x509::pems(given).filter(|c| !c.is_empty()).ok_or_else(broken)?;
    let mut below = leaf;
    for above in &chain {
        let authority = x509::facts(above).is_ok_and(|f| f.authority);
        if !authority || !x509::signed_by(below, above) {
            return Err(broken());
        }
        below = above;
    }
    text(given)
}

/// The certificate that is imported anew: it keeps its ARN and tags.
fn renewed(tx: &Tx<'_>, arn: &str, tags: bool) -> Result<Certificate, Fault> {
    id(arn)?;
    let certificate = find(tx, arn)?;
    if certificate.kind != "IMPORTED" {
        return Err(invalid(format!("Certificate {arn} was not imported.")));
    }
    if tags {
        return Err(invalid("Tags cannot be given when a certificate is imported again."));
    }
    origin(tx, &certificate)?;
    Ok(certificate)
}

fn fresh(tx: &mut Tx<'_>, tags: model::Tags) -> Result<Certificate, Fault> {
    let id = tx.uuid();
    let (account, region) = (tx.account.clone(), tx.region.clone());
    tx.put(Origin {
        account: account.clone(),
        region: region.clone(),
        id: id.clone(),
        method: None,
        validation_domains: Vec::new(),
        transparency: "DISABLED".to_owned(),
        export: "DISABLED".to_owned(),
        authority: None,
        exported: false,
        token: None,
    })?;
    Ok(Certificate {
        account,
        region,
        id,
        domain: String::new(),
        names: Vec::new(),
        status: String::new(),
        kind: "IMPORTED".to_owned(),
        certificate_pem: String::new(),
        chain_pem: String::new(),
        sealed_key: String::new(),
        serial: String::new(),
        created: tx.now,
        not_before: tx.now,
        not_after: tx.now,
        tags,
    })
}
