//! TLS of listeners: certificates by name, versions by policy, clients by trust store; and that
//! nobody gets in when the certificate or the trust store is gone.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails the test"
)]

mod scene;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use model::estate::acm::Certificate;
use model::estate::elb::{Listener, TrustStore};
use model::graph::Change;
use model::{AccountId, Tags};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use scene::edge::{Answer, Edge, ask, raw, read, wait};
use serde_json::{Value as Json, json};

/// A client that trusts the runtime's authority, and shows a certificate if it has one.
fn client(edge: &Edge, identity: Option<(&str, &str)>) -> Arc<rustls::ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(edge.plane.root_pem.as_bytes()) {
        roots.add(root.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    Arc::new(match identity {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect();
            builder
                .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
                .unwrap()
        }
    })
}

type Stream = rustls::StreamOwned<rustls::ClientConnection, TcpStream>;

fn connect(at: SocketAddr, name: &str, config: &Arc<rustls::ClientConfig>) -> std::io::Result<Stream> {
    let tcp = TcpStream::connect(at)?;
    tcp.set_read_timeout(Some(Duration::from_secs(10)))?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection =
        rustls::ClientConnection::new(Arc::clone(config), name).map_err(std::io::Error::other)?;
    let mut stream = Stream::new(connection, tcp);
    stream.conn.complete_io(&mut stream.sock)?;
    Ok(stream)
}

fn get(at: SocketAddr, name: &str, config: &Arc<rustls::ClientConfig>, path: &str) -> Option<Answer> {
    let mut stream = connect(at, name, config).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n").ok()?;
    read(&mut stream)
}

fn listen(edge: &Edge, balancer: &str, more: Json) -> Result<String, model::Fault> {
    let mut input = json!({
        "LoadBalancerArn": balancer,
        "Port": 443,
        "Protocol": "HTTPS",
        "DefaultActions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "hello"}}],
    });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = edge.scene.call("CreateListener", input)?;
    Ok(made["Listeners"][0]["ListenerArn"].as_str().unwrap().to_owned())
}

#[test]
fn certificates_are_chosen_by_name_and_end_with_what_they_served() {
    let edge = Edge::new();
    let (first, second) =
        (edge.scene.certificate("shop.example.com"), edge.scene.certificate("*.api.example.com"));
    let balancer = edge.scene.balancer("shop", "internal");
    let listener = listen(&edge, &balancer, json!({"Certificates": [{"CertificateArn": first}]})).unwrap();
    let more = json!({"ListenerArn": listener, "Certificates": [{"CertificateArn": second}]});
    edge.scene.call("AddListenerCertificates", more.clone()).unwrap();
    let (at, anyone) = (edge.socket(&listener), client(&edge, None));
    assert_eq!(get(at, "shop.example.com", &anyone, "/").unwrap().body, b"hello");
    assert_eq!(get(at, "v1.api.example.com", &anyone, "/").unwrap().status, 200);
    // For other names there is the default, which does not bear them.
    assert!(get(at, "other.example.com", &anyone, "/").is_none());
    let plain = raw(at, "GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n");
    assert!(plain.is_none(), "plain HTTP is no TLS");
    let mut live = connect(at, "v1.api.example.com", &anyone).unwrap();
    edge.scene.call("RemoveListenerCertificates", more).unwrap();
    assert_eq!(live.read(&mut [0; 8]).unwrap_or(0), 0, "a connection ends with its certificate");
    assert!(get(at, "v1.api.example.com", &anyone, "/").is_none());
    assert!(get(at, "shop.example.com", &anyone, "/").is_some());
    // The default certificate is gone from the graph by some other way: nobody gets in.
    let mut live = connect(at, "shop.example.com", &anyone).unwrap();
    let key = model::Node::key(edge.scene.world.estate.snapshot().find_arn::<Certificate>(&first).unwrap());
    edge.scene.world.change(vec![Change::Remove(key)]);
    assert_eq!(live.read(&mut [0; 8]).unwrap_or(0), 0);
    wait("the handshake to be refused", || get(at, "shop.example.com", &anyone, "/").is_none().then_some(()));
}

/// What OpenSSL's own client says of a handshake with these flags.
fn openssl(at: SocketAddr, flags: &[&str]) -> String {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &at.to_string(), "-servername", "shop.example.com"]).args(flags);
    let output = command.stdin(Stdio::null()).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn policies_say_which_versions_are_spoken() {
    let edge = Edge::new();
    let certificate = edge.scene.certificate("shop.example.com");
    let cases = [
        ("ELBSecurityPolicy-TLS13-1-2-2021-06", [false, true, true]),
        ("ELBSecurityPolicy-TLS13-1-3-2021-06", [false, false, true]),
        ("ELBSecurityPolicy-2016-08", [false, true, false]),
    ];
    for (i, (policy, expected)) in cases.into_iter().enumerate() {
        let balancer = edge.scene.balancer(&format!("shop-{i}"), "internal");
        let more = json!({"Certificates": [{"CertificateArn": certificate}], "SslPolicy": policy});
        let listener = listen(&edge, &balancer, more).unwrap();
        let at = edge.socket(&listener);
        let spoken = [
            ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"].as_slice(),
            ["-tls1_2"].as_slice(),
            ["-tls1_3"].as_slice(),
        ]
        .map(|flags| openssl(at, flags).contains("CN = shop.example.com"));
        assert_eq!(spoken, expected, "{policy}");
    }
    let weak = openssl_weak(&edge, &certificate);
    assert!(!weak.contains("CN = shop.example.com"), "{weak}");
}

fn openssl_weak(edge: &Edge, certificate: &str) -> String {
    let balancer = edge.scene.balancer("weak", "internal");
    let listener =
        listen(edge, &balancer, json!({"Certificates": [{"CertificateArn": certificate}]})).unwrap();
    openssl(edge.socket(&listener), &["-tls1_2", "-cipher", "AES128-SHA"])
}

struct Authority {
    pem: String,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

fn authority() -> Authority {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Partners");
    let pem = params.self_signed(&key).unwrap().pem();
    Authority { pem, issuer: rcgen::Issuer::new(params, key) }
}

fn identity(of: &Authority, name: &str) -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    (params.signed_by(&key, &of.issuer).unwrap().pem(), key.serialize_pem())
}

#[test]
fn clients_prove_themselves_to_a_trust_store() {
    let edge = Edge::new();
    let (partners, strangers) = (authority(), authority());
    let store = TrustStore {
        account: AccountId::parse(harness::ACCOUNT).unwrap(),
        region: harness::REGION.to_owned(),
        name: "partners".to_owned(),
        id: "0123456789abcdef".to_owned(),
        bundle: partners.pem.clone(),
        certificates: 1,
        tags: Tags::new(),
    };
    edge.scene.world.change(vec![Change::Put(Arc::new(store.clone()))]);
    let certificate = edge.scene.certificate("shop.example.com");
    let upstream = edge.upstream("one");
    let group = edge.group("web", &[&upstream]);
    let balancer = edge.scene.balancer("shop", "internet-facing");
    let more = |arn: &str| {
        json!({
            "Certificates": [{"CertificateArn": certificate}],
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}],
            "MutualAuthentication": {"Mode": "verify", "TrustStoreArn": arn},
        })
    };
    assert_eq!(listen(&edge, &balancer, more("arn:none")).unwrap_err().code, "TrustStoreNotFound");
    let listener = listen(&edge, &balancer, more(&store.arn())).unwrap();
    edge.until_health(&group, &["healthy"]);
    let at = edge.socket(&listener);
    let (known, unknown) = (identity(&partners, "ann"), identity(&strangers, "eve"));
    let known = client(&edge, Some((&known.0, &known.1)));
    let unknown = client(&edge, Some((&unknown.0, &unknown.1)));
    let seen = get(at, "shop.example.com", &known, "/").unwrap().json()["headers"].clone();
    assert_eq!(seen["x-amzn-mtls-clientcert-subject"], "CN=ann");
    assert!(get(at, "shop.example.com", &unknown, "/").is_none());
    assert!(get(at, "shop.example.com", &client(&edge, None), "/").is_none());
    // On the shared port nobody can prove anything, so nobody is let in.
    let shared = edge.shared();
    let names = edge.scene.call("DescribeLoadBalancers", json!({})).unwrap()["LoadBalancers"].clone();
    let name = names[0]["DNSName"].as_str().unwrap().to_owned();
    assert_eq!(get(shared, &name, &client(&edge, None), "/").unwrap().status, 403);
    // The trust store is used, and stays; gone by some other way, nobody gets in.
    let delete = edge.scene.call("DeleteTrustStore", json!({"TrustStoreArn": store.arn()}));
    assert_eq!(delete.unwrap_err().code, "TrustStoreInUse");
    let mut live = connect(at, "shop.example.com", &known).unwrap();
    edge.scene.world.change(vec![Change::Remove(model::Node::key(&store))]);
    assert_eq!(live.read(&mut [0; 8]).unwrap_or(0), 0, "what they were let in by is gone");
    assert!(get(at, "shop.example.com", &known, "/").is_none());
}

#[test]
fn the_shared_port_has_the_listeners_of_internet_facing_balancers() {
    let edge = Edge::new();
    let certificate = edge.scene.certificate("shop.example.com");
    let balancer = edge.scene.balancer("shop", "internet-facing");
    let certificates = json!([{"CertificateArn": certificate}]);
    let listener = listen(&edge, &balancer, json!({"Certificates": certificates})).unwrap();
    let to_https = json!({"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}});
    let http =
        json!({"LoadBalancerArn": balancer, "Port": 80, "Protocol": "HTTP", "DefaultActions": [to_https]});
    edge.scene.call("CreateListener", http).unwrap();
    edge.settle();
    let name = edge.scene.call("DescribeLoadBalancers", json!({})).unwrap()["LoadBalancers"][0]["DNSName"]
        .as_str()
        .unwrap()
        .to_owned();
    let (at, anyone) = (edge.shared(), client(&edge, None));
    wait("the fleet", || get(at, &name, &anyone, "/").filter(|a| a.status == 200));
    let moved = ask(at, "GET /x", &[&format!("Host: {name}:{}", at.port())]);
    assert_eq!(
        (moved.status, moved.header("location").unwrap()),
        (301, format!("https://{name}:{}/x", at.port()))
    );
    let change = |policy: &str| {
        edge.scene.call("ModifyListener", json!({"ListenerArn": listener, "SslPolicy": policy})).unwrap();
    };
    // A policy that the shared port's own handshake may not meet is not taken for met.
    change("ELBSecurityPolicy-TLS13-1-3-2021-06");
    wait("403", || get(at, &name, &anyone, "/").filter(|a| a.status == 403));
    change("ELBSecurityPolicy-TLS13-1-2-2021-06");
    wait("200", || get(at, &name, &anyone, "/").filter(|a| a.status == 200));
    let found = edge.scene.world.estate.snapshot();
    let mut without = found.find_arn::<Listener>(&listener).unwrap().clone();
    without.certificates.clear();
    edge.scene.world.change(vec![Change::Put(Arc::new(without))]);
    wait("403", || get(at, &name, &anyone, "/").filter(|a| a.status == 403));
}
