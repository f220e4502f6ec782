//! What a target is told of a client that proved itself with a certificate.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// "URL-encoded PEM format, with `+=/` as safe characters".
const SAFE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'+')
    .remove(b'=')
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The headers of mutual TLS in mode `verify`; `None` if the certificate cannot be read.
pub(super) fn headers(leaf: &CertificateDer<'_>) -> Option<Vec<(&'static str, String)>> {
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    let time =
        |t: x509_parser::time::ASN1Time| model::Timestamp::from_seconds(t.timestamp()).to_rfc3339_seconds();
    let validity = certificate.validity();
    let serial = certificate.raw_serial_as_string().replace(':', "").to_uppercase();
    Some(vec![
        ("x-amzn-mtls-clientcert-serial-number", serial),
        ("x-amzn-mtls-clientcert-issuer", named(&certificate.issuer().to_string())),
        ("x-amzn-mtls-clientcert-subject", named(&certificate.subject().to_string())),
        (
            "x-amzn-mtls-clientcert-validity",
            format!("NotBefore={};NotAfter={}", time(validity.not_before), time(validity.not_after)),
        ),
        ("x-amzn-mtls-clientcert-leaf", pem(leaf)),
    ])
}

/// Distinguished names as RFC 2253 writes them: the last first, no blanks behind commas.
fn named(name: &str) -> String {
    let mut parts: Vec<&str> = name.split(", ").collect();
    parts.reverse();
    parts.join(",")
}

fn pem(leaf: &CertificateDer<'_>) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(leaf);
    let mut pem = String::from("-----BEGIN CERTIFICATE-----\n");
    for (i, c) in text.chars().enumerate() {
        if i > 0 && i % 64 == 0 {
            pem.push('\n');
        }
        pem.push(c);
    }
    pem.push_str("\n-----END CERTIFICATE-----\n");
    utf8_percent_encode(&pem, SAFE).to_string()
}
