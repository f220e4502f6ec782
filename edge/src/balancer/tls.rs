//! TLS of a listener: its certificates, chosen by the name that the client asks for; the versions
//! and suites of its policy; clients' certificates where it verifies them.

use std::sync::Arc;

use model::Snapshot;
use model::estate::acm;
use model::estate::elb::{self, DEFAULT_SSL_POLICY, ssl_policy};
use model::plane::Plane;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{cipher_suite as suite, default_provider};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, SupportedCipherSuite};

const TLS13: &[SupportedCipherSuite] = &[
    suite::TLS13_AES_128_GCM_SHA256,
    suite::TLS13_AES_256_GCM_SHA384,
    suite::TLS13_CHACHA20_POLY1305_SHA256,
];
const TLS12: &[SupportedCipherSuite] = &[
    suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
];

/// A listener's certificates that can be served.
#[derive(Clone)]
pub(super) struct Certificates(Arc<Vec<Served>>);

struct Served {
    arn: String,
    serial: String,
    default: bool,
    names: Vec<String>,
    key: Arc<CertifiedKey>,
}

impl Certificates {
    /// Those of these ARNs that are there, issued and within their validity. The first is the default.
    pub(super) fn of(
        plane: &Plane,
        snapshot: &Snapshot,
        arns: &[String],
        old: Option<&Certificates>,
    ) -> Certificates {
        let served = arns.iter().enumerate().filter_map(|(i, arn)| {
            let certificate = snapshot.find_arn::<acm::Certificate>(arn)?;
            let now = plane.estate.now();
            let good = certificate.status == "ISSUED" && certificate.not_after > now;
            if !good {
                return None;
            }
            let same = |s: &&Served| s.arn == *arn && s.serial == certificate.serial;
            let key = match old.and_then(|o| o.0.iter().find(same)) {
                Some(old) => Arc::clone(&old.key),
                None => Arc::new(certified(plane, certificate)?),
            };
            let names = certificate.names.iter().map(|n| n.to_ascii_lowercase()).collect();
            Some(Served { arn: arn.clone(), serial: certificate.serial.clone(), default: i == 0, names, key })
        });
        Certificates(Arc::new(served.collect()))
    }

    pub(super) fn same_as(&self, other: &Certificates) -> bool {
        let facts = |s: &Served| (s.arn.clone(), s.serial.clone(), s.default);
        self.0.iter().map(facts).eq(other.0.iter().map(facts))
    }

    /// The certificate for a server name: one that bears it, one with a wildcard over it, else the default.
    fn choose(&self, name: Option<&str>) -> Option<&Served> {
        let name = name.unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
        let exact = |s: &&Served| s.names.contains(&name);
        let wild = |s: &&Served| {
            let above = name.split_once('.').map(|(_, above)| format!("*.{above}"));
            above.is_some_and(|above| s.names.contains(&above))
        };
        self.0
            .iter()
            .find(exact)
            .or_else(|| self.0.iter().find(wild))
            .or_else(|| self.0.iter().find(|s| s.default))
    }

    /// The ARN of the certificate that a client which asks for this name is shown.
    pub(super) fn shown_to(&self, name: Option<&str>) -> Option<&str> {
        self.choose(name).map(|s| s.arn.as_str())
    }

    pub(super) fn has(&self, arn: &str) -> bool {
        self.0.iter().any(|s| s.arn == arn)
    }

    pub(super) fn has_default(&self) -> bool {
        self.0.iter().any(|s| s.default)
    }
}

impl std::fmt::Debug for Certificates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Certificates")
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.choose(hello.server_name()).map(|s| Arc::clone(&s.key))
    }
}

fn certified(plane: &Plane, certificate: &acm::Certificate) -> Option<CertifiedKey> {
    let key = certificate.private_key(&*plane.estate).ok()?;
    let chain = format!("{}\n{}", certificate.certificate_pem, certificate.chain_pem);
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<Vec<_>, _>>().ok()?;
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).ok()?;
    let key = rustls::crypto::ring::sign::any_supported_type(&key).ok()?;
    Some(CertifiedKey::new(chain, key))
}

/// What a listener wants of TLS.
pub(super) struct Wanted<'a> {
    pub(super) listener: &'a elb::Listener,
    pub(super) store: Option<&'a elb::TrustStore>,
    pub(super) http2: bool,
}

/// The configuration; `None` if the policy is unknown or the trust store is gone: then nobody gets in.
pub(super) fn config(certificates: &Certificates, wanted: &Wanted<'_>) -> Option<Arc<ServerConfig>> {
    let policy = ssl_policy(wanted.listener.ssl_policy.as_deref().unwrap_or(DEFAULT_SSL_POLICY))?;
    let mut suites = Vec::new();
    let mut versions: Vec<&'static rustls::SupportedProtocolVersion> = Vec::new();
    if policy.tls13 {
        suites.extend_from_slice(TLS13);
        versions.push(&rustls::version::TLS13);
    }
    if policy.tls12 {
        suites.extend_from_slice(TLS12);
        versions.push(&rustls::version::TLS12);
    }
    let provider = Arc::new(CryptoProvider { cipher_suites: suites, ..default_provider() });
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&versions).ok()?;
    let builder = match &wanted.listener.mutual_authentication {
        None => builder.with_no_client_auth(),
        Some(_) => {
            let mut roots = RootCertStore::empty();
            for root in CertificateDer::pem_slice_iter(wanted.store?.bundle.as_bytes()) {
                roots.add(root.ok()?).ok()?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_cert_resolver(Arc::new(certificates.clone()));
    if wanted.http2 {
        config.alpn_protocols.push(b"h2".to_vec());
    }
    config.alpn_protocols.push(b"http/1.1".to_vec());
    Some(Arc::new(config))
}

/// For targets: "the load balancer does not validate these certificates"; the traffic stays in the network.
pub(super) fn to_targets() -> Option<Arc<rustls::ClientConfig>> {
    let provider = Arc::new(default_provider());
    let verifier = Arc::new(Anyone(Arc::clone(&provider)));
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Some(Arc::new(config))
}

/// Takes any certificate of a target, as AWS does; only that the target has its key is checked.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
