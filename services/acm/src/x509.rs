//! Reads certificates. Nothing is decided here but whether one certificate signed another.

use model::{Fault, Timestamp};
use x509_parser::oid_registry as oid;
use x509_parser::pem::Pem;
use x509_parser::prelude::*;
use x509_parser::public_key::PublicKey;

use crate::fault::invalid;

/// What answers show of a certificate.
pub(crate) struct Facts {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// Colons between the bytes.
    pub(crate) serial: String,
    pub(crate) common_name: Option<String>,
    pub(crate) names: Vec<String>,
    /// e.g. `EC_prime256v1`.
    pub(crate) key_algorithm: String,
    pub(crate) signature_algorithm: String,
    pub(crate) key_usages: Vec<&'static str>,
    /// Name and OID.
    pub(crate) extended: Vec<(&'static str, &'static str)>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    pub(crate) authority: bool,
}

/// The certificates of a text, in their order.
pub(crate) fn pems(text: &[u8]) -> Option<Vec<Pem>> {
    let pems: Vec<Pem> = Pem::iter_from_buffer(text).collect::<Result<_, _>>().ok()?;
    pems.iter().all(|p| p.label == "CERTIFICATE").then_some(pems)
}

/// What is in one certificate.
pub(crate) fn facts(pem: &Pem) -> Result<Facts, Fault> {
    let certificate =
        pem.parse_x509().map_err(|_| invalid("The certificate is not a valid X.509 certificate."))?;
    let name = certificate.subject();
    let common_name = name.iter_common_name().next().and_then(|c| c.as_str().ok()).map(str::to_owned);
    Ok(Facts {
        subject: reversed(certificate.subject()),
        issuer: certificate
            .issuer()
            .iter_common_name()
            .next()
            .and_then(|c| c.as_str().ok())
            .map_or_else(|| certificate.issuer().to_string(), str::to_owned),
        serial: certificate.raw_serial_as_string(),
        common_name,
        names: names(&certificate),
        key_algorithm: key_algorithm(&certificate),
        signature_algorithm: signature_algorithm(&certificate),
        key_usages: key_usages(&certificate),
        extended: extended(&certificate),
        not_before: Timestamp::from_seconds(certificate.validity().not_before.timestamp()),
        not_after: Timestamp::from_seconds(certificate.validity().not_after.timestamp()),
        authority: certificate.is_ca(),
    })
}

fn reversed(name: &X509Name<'_>) -> String {
    name.to_string().replace(", ", ",")
}

/// Whether `issuer` signed `certificate`.
pub(crate) fn signed_by(certificate: &Pem, issuer: &Pem) -> bool {
    let (Ok(certificate), Ok(issuer)) = (certificate.parse_x509(), issuer.parse_x509()) else { return false };
    certificate.issuer() == issuer.subject()
        && certificate.verify_signature(Some(issuer.public_key())).is_ok()
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(names)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |n: &GeneralName<'_>| match n {
        GeneralName::DNSName(name) => Some((*name).to_ascii_lowercase()),
        _ => None,
    };
    names.value.general_names.iter().filter_map(name).collect()
}

fn key_algorithm(certificate: &X509Certificate<'_>) -> String {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA_{}", key.key_size()),
        Ok(PublicKey::EC(point)) => match point.key_size() {
            256 => "EC_prime256v1".to_owned(),
            384 => "EC_secp384r1".to_owned(),
            _ => "EC_secp521r1".to_owned(),
        },
        _ => "UNKNOWN".to_owned(),
    }
}

fn signature_algorithm(certificate: &X509Certificate<'_>) -> String {
    let algorithm = &certificate.signature_algorithm.algorithm;
    let known = [
        (oid::OID_PKCS1_SHA256WITHRSA, "SHA256WITHRSA"),
        (oid::OID_PKCS1_SHA384WITHRSA, "SHA384WITHRSA"),
        (oid::OID_PKCS1_SHA512WITHRSA, "SHA512WITHRSA"),
        (oid::OID_SIG_ECDSA_WITH_SHA256, "SHA256WITHECDSA"),
        (oid::OID_SIG_ECDSA_WITH_SHA384, "SHA384WITHECDSA"),
        (oid::OID_SIG_ECDSA_WITH_SHA512, "SHA512WITHECDSA"),
    ];
    known.iter().find(|(o, _)| o == algorithm).map_or_else(|| algorithm.to_string(), |(_, n)| (*n).to_owned())
}

fn key_usages(certificate: &X509Certificate<'_>) -> Vec<&'static str> {
    let Ok(Some(usage)) = certificate.key_usage() else { return Vec::new() };
    let usage = usage.value;
    [
        (usage.digital_signature(), "DIGITAL_SIGNATURE"),
        (usage.non_repudiation(), "NON_REPUDIATION"),
        (usage.key_encipherment(), "KEY_ENCIPHERMENT"),
        (usage.data_encipherment(), "DATA_ENCIPHERMENT"),
        (usage.key_agreement(), "KEY_AGREEMENT"),
        (usage.key_cert_sign(), "CERTIFICATE_SIGNING"),
        (usage.crl_sign(), "CRL_SIGNING"),
    ]
    .into_iter()
    .filter_map(|(set, name)| set.then_some(name))
    .collect()
}

fn extended(certificate: &X509Certificate<'_>) -> Vec<(&'static str, &'static str)> {
    let Ok(Some(usage)) = certificate.extended_key_usage() else { return Vec::new() };
    let usage = usage.value;
    [
        (usage.server_auth, ("TLS_WEB_SERVER_AUTHENTICATION", "1.3.6.1.5.5.7.3.1")),
        (usage.client_auth, ("TLS_WEB_CLIENT_AUTHENTICATION", "1.3.6.1.5.5.7.3.2")),
        (usage.code_signing, ("CODE_SIGNING", "1.3.6.1.5.5.7.3.3")),
        (usage.email_protection, ("EMAIL_PROTECTION", "1.3.6.1.5.5.7.3.4")),
        (usage.time_stamping, ("TIME_STAMPING", "1.3.6.1.5.5.7.3.8")),
        (usage.ocsp_signing, ("OCSP_SIGNING", "1.3.6.1.5.5.7.3.9")),
    ]
    .into_iter()
    .filter_map(|(set, name)| set.then_some(name))
    .collect()
}
