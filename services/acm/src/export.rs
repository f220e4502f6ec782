//! `ExportCertificate`: the only way for a key to leave, encrypted under a passphrase (PKCS #8, PBES2).

use model::{Fault, Tx};
use pkcs8::PrivateKeyInfo;
use pkcs8::der::pem::PemLabel as _;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;

use crate::certificate::{find, origin};
use crate::fault::invalid;
use crate::shapes::*;

/// Rounds of PBKDF2 with SHA-256.
const ROUNDS: u32 = 600_000;

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_ExportCertificate.html>
pub(crate) fn export_certificate(
    tx: &mut Tx<'_>,
    input: ExportCertificateRequest,
) -> Result<ExportCertificateResponse, Fault> {
    let certificate = find(tx, &input.certificate_arn)?;
    let mut origin = origin(tx, &certificate)?;
    if certificate.kind == "IMPORTED" || origin.export != "ENABLED" {
        return Err(invalid(format!(
            "Certificate ARN: {} is not a private certificate",
            input.certificate_arn
        )));
    }
    if !input.passphrase.iter().all(|b| b.is_ascii_graphic() && !b"#$%".contains(b)) {
        return Err(invalid("The passphrase may have printable ASCII characters except #, $ and %."));
    }
    let key = certificate.private_key(tx.host())?;
    let private_key = encrypted(tx, &key, &input.passphrase)?;
    origin.exported = true;
    tx.put(origin)?;
    Ok(ExportCertificateResponse {
        certificate: Some(certificate.certificate_pem),
        certificate_chain: Some(certificate.chain_pem),
        private_key: Some(private_key),
    })
}

fn encrypted(tx: &Tx<'_>, key: &str, passphrase: &[u8]) -> Result<String, Fault> {
    let failed = |what: &str| Fault::internal(format!("a private key cannot be encrypted: {what}"));
    let der =
        PrivatePkcs8KeyDer::from_pem_slice(key.as_bytes()).map_err(|_| failed("it is not in PKCS #8"))?;
    let (salt, iv) = (tx.random::<16>(), tx.random::<16>());
    let parameters = pkcs8::pkcs5::pbes2::Parameters::pbkdf2_sha256_aes256cbc(ROUNDS, &salt, &iv)
        .map_err(|e| failed(&e.to_string()))?;
    let info = PrivateKeyInfo::try_from(der.secret_pkcs8_der()).map_err(|e| failed(&e.to_string()))?;
    let document = info.encrypt_with_params(parameters, passphrase).map_err(|e| failed(&e.to_string()))?;
    let pem = document
        .to_pem(pkcs8::EncryptedPrivateKeyInfo::PEM_LABEL, pkcs8::LineEnding::LF)
        .map_err(|e| failed(&e.to_string()))?;
    Ok(pem.to_string())
}
