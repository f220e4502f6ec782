//! The runtime's certificate authority: one root, from which the listeners, ACM
//! private certificates and mesh identities are issued. Keys are ECDSA P-256.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use model::tx::Certificate;
use model::{Fault, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// Days that an issued certificate is valid, as an ACM private certificate.
const LEAF_DAYS: i64 = 395;
const ROOT_DAYS: i64 = 3650;

/// A root certificate and its key.
pub struct Authority {
    pub root_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

fn failed(what: &str, error: impl std::fmt::Display) -> Fault {
    Fault::internal(format!("the certificate authority cannot {what}: {error}"))
}

fn date(time: Timestamp) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(time.seconds()).unwrap_or(time::OffsetDateTime::UNIX_EPOCH)
}

/// What names the root in the certificates it signs; the same at every start.
fn root_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Countersign root");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Authority {
    /// Makes a root; returns it with its private key (PEM), which the caller seals.
    pub fn create(now: Timestamp) -> Result<(Authority, String), Fault> {
        let key = KeyPair::generate().map_err(|e| failed("make a key", e))?;
        let mut params = root_params();
        params.not_before = date(now.plus_seconds(-3600));
        params.not_after = date(now.plus_seconds(ROOT_DAYS * 86_400));
        let root = params.self_signed(&key).map_err(|e| failed("sign its root", e))?;
        let (root_pem, key_pem) = (root.pem(), key.serialize_pem());
        let authority = Authority::open(root_pem, &key_pem)?;
        Ok((authority, key_pem))
    }

    pub fn open(root_pem: String, key_pem: &str) -> Result<Authority, Fault> {
        let key = KeyPair::from_pem(key_pem).map_err(|e| failed("read its key", e))?;
        Ok(Authority { root_pem, issuer: Issuer::new(root_params(), key) })
    }

    /// Issues a certificate for host names and IP addresses, good for servers and clients.
    pub fn issue(&self, names: &[String], serial: [u8; 16], now: Timestamp) -> Result<Certificate, Fault> {
        let key = KeyPair::generate().map_err(|e| failed("make a key", e))?;
        let mut params =
            CertificateParams::new(names.to_vec()).map_err(|e| failed("name a certificate", e))?;
        if let Some(name) = names.first() {
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        let mut serial = serial;
        serial[0] &= 0x7f;
        let (from, to) = (now.plus_seconds(-3600), now.plus_seconds(LEAF_DAYS * 86_400));
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.not_before = date(from);
        params.not_after = date(to);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let leaf = params.signed_by(&key, &self.issuer).map_err(|e| failed("sign a certificate", e))?;
        Ok(Certificate {
            certificate_pem: leaf.pem(),
            chain_pem: self.root_pem.clone(),
            private_key_pem: key.serialize_pem(),
            serial: hex::encode(serial),
            not_before: from,
            not_after: to,
        })
    }
}

/// A certificate in the form that rustls serves.
pub fn certified(certificate: &Certificate) -> Result<CertifiedKey, Fault> {
    let chain = CertificateDer::pem_slice_iter(certificate.certificate_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| failed("read a certificate", e))?;
    let key = PrivateKeyDer::from_pem_slice(certificate.private_key_pem.as_bytes())
        .map_err(|e| failed("read a private key", e))?;
    let key =
        rustls::crypto::ring::sign::any_supported_type(&key).map_err(|e| failed("use a private key", e))?;
    Ok(CertifiedKey::new(chain, key))
}

/// Serves, for each server name a client asks for, a certificate made on demand.
pub struct OnDemand<F> {
    issue: F,
    default: Arc<CertifiedKey>,
    cache: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

/// More names than this are not remembered: a client that asks for many costs itself time, not us memory.
const CACHED_NAMES: usize = 512;

impl<F: Fn(&[String]) -> Result<Certificate, Fault>> OnDemand<F> {
    /// `default_names` are served to clients that name no server.
    pub fn new(issue: F, default_names: &[String]) -> Result<OnDemand<F>, Fault> {
        let default = Arc::new(certified(&issue(default_names)?)?);
        Ok(OnDemand { issue, default, cache: Mutex::default() })
    }

    fn named(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        if let Some(key) = self.cache.lock().ok()?.get(name) {
            return Some(Arc::clone(key));
        }
        let key = Arc::new(certified(&(self.issue)(&[name.to_owned()]).ok()?).ok()?);
        let mut cache = self.cache.lock().ok()?;
        if cache.len() >= CACHED_NAMES {
            cache.clear();
        }
        cache.insert(name.to_owned(), Arc::clone(&key));
        Some(key)
    }
}

impl<F> std::fmt::Debug for OnDemand<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OnDemand")
    }
}

impl<F> ResolvesServerCert for OnDemand<F>
where
    F: Fn(&[String]) -> Result<Certificate, Fault> + Send + Sync,
{
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        match hello.server_name() {
            None | Some("localhost") => Some(Arc::clone(&self.default)),
            Some(name) => self.named(name),
        }
    }
}
