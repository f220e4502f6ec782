//! Certificates through the service's own door.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use harness::{REGION, World};
use model::estate::acm::Certificate;
use model::estate::elb::Listener;
use model::graph::Change;
use serde_json::{Value as Json, json};

fn world() -> World {
    World::new(vec![&service_acm::SERVICE])
}

fn base64(text: &str) -> Json {
    // The harness takes blobs as base64.
    model::Value::Blob(bytes::Bytes::copy_from_slice(text.as_bytes())).to_json()
}

fn request(world: &World, input: Json) -> String {
    let made = world.call(&world.admin(), "acm", "RequestCertificate", input).unwrap();
    made["CertificateArn"].as_str().unwrap().to_owned()
}

fn describe(world: &World, arn: &str) -> Json {
    let input = json!({"CertificateArn": arn});
    world.call(&world.admin(), "acm", "DescribeCertificate", input).unwrap()["Certificate"].clone()
}

#[test]
fn a_requested_certificate_is_issued_for_its_names() {
    let world = world();
    let asked = json!({"DomainName": "*.Shop.example.com", "SubjectAlternativeNames": ["shop.example.com"], "ValidationMethod": "DNS", "IdempotencyToken": "once"});
    let arn = request(&world, asked.clone());
    let shown = describe(&world, &arn);
    assert_eq!(shown["Status"], "ISSUED");
    assert_eq!(shown["SubjectAlternativeNames"], json!(["*.shop.example.com", "shop.example.com"]));
    assert_eq!(shown["KeyAlgorithm"], "EC-prime256v1");
    let records: Vec<&Json> =
        shown["DomainValidationOptions"].as_array().unwrap().iter().map(|o| &o["ResourceRecord"]).collect();
    assert_eq!(records[0], records[1], "a wildcard shares its record with the name beneath it");
    assert!(records[0]["Name"].as_str().unwrap().ends_with(".shop.example.com."));
    assert_eq!(request(&world, asked), arn, "the same token makes nothing new");
    // What is kept of the key is sealed, and opens only under this ARN.
    let snapshot = world.estate.snapshot();
    let certificate = snapshot.find_arn::<Certificate>(&arn).unwrap();
    assert!(!serde_json::to_string(certificate).unwrap().contains("PRIVATE KEY"));
    assert!(certificate.private_key(&*world.estate).unwrap().contains("PRIVATE KEY"));
    let mut moved = certificate.clone();
    moved.id = "00000000-0000-0000-0000-000000000000".to_owned();
    assert!(moved.private_key(&*world.estate).is_err());
}

#[test]
fn what_cannot_be_honoured_is_refused() {
    let world = world();
    let cases = [
        (json!({"DomainName": "a.example.com", "KeyAlgorithm": "RSA_2048"}), "ValidationException"),
        (json!({"DomainName": "a.example.com", "ValidationMethod": "HTTP"}), "ValidationException"),
        (json!({"DomainName": "ab--cd.example.com"}), "ValidationException"),
        (
            json!({"DomainName": "a.example.com", "DomainValidationOptions": [{"DomainName": "a.example.com", "ValidationDomain": "other.com"}]}),
            "InvalidDomainValidationOptionsException",
        ),
    ];
    for (input, code) in cases {
        let refused = world.call(&world.admin(), "acm", "RequestCertificate", input.clone()).unwrap_err();
        assert_eq!(refused.code, code, "{input}");
    }
}

#[test]
fn a_certificate_in_use_stays() {
    let world = world();
    let arn = request(&world, json!({"DomainName": "a.example.com"}));
    let snapshot = world.estate.snapshot();
    let certificate = snapshot.find_arn::<Certificate>(&arn).unwrap();
    let listener = Listener {
        account: certificate.account.clone(),
        region: REGION.to_owned(),
        id: "shop/1/2".to_owned(),
        load_balancer: "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/shop/1"
            .to_owned(),
        port: 443,
        protocol: "HTTPS".to_owned(),
        certificates: vec![arn.clone()],
        ssl_policy: None,
        default_actions: Vec::new(),
        attributes: std::collections::BTreeMap::new(),
        mutual_authentication: None,
        tags: model::Tags::new(),
    };
    let put = Change::Put(std::sync::Arc::new(listener.clone()));
    world.change(vec![put.clone()]);
    let delete = || world.call(&world.admin(), "acm", "DeleteCertificate", json!({"CertificateArn": arn}));
    assert_eq!(delete().unwrap_err().code, "ResourceInUseException");
    assert_eq!(describe(&world, &arn)["InUseBy"], json!([listener.load_balancer]));
    world.change(vec![Change::Remove(put.key())]);
    delete().unwrap();
    assert_eq!(delete().unwrap_err().code, "ResourceNotFoundException");
}

struct Pems {
    key: String,
    leaf: String,
    chain: String,
}

fn pems(until: i32) -> Pems {
    let root_key = rcgen::KeyPair::generate().unwrap();
    let mut root = rcgen::CertificateParams::default();
    root.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    root.distinguished_name.push(rcgen::DnType::CommonName, "Test root");
    let chain = root.self_signed(&root_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(root, root_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut leaf = rcgen::CertificateParams::new(vec!["import.example.com".to_owned()]).unwrap();
    leaf.distinguished_name.push(rcgen::DnType::CommonName, "import.example.com");
    leaf.not_before = rcgen::date_time_ymd(2020, 1, 1);
    leaf.not_after = rcgen::date_time_ymd(until, 1, 1);
    let leaf = leaf.signed_by(&key, &issuer).unwrap().pem();
    Pems { key: key.serialize_pem(), leaf, chain }
}

#[test]
fn an_import_is_checked() {
    let world = world();
    let (good, other, expired) = (pems(2100), pems(2100), pems(2021));
    let import = |leaf: &str, key: &str, chain: Option<&str>| {
        let input = json!({"Certificate": base64(leaf), "PrivateKey": base64(key), "CertificateChain": chain.map(base64)});
        let input: Json = input
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, v)| !v.is_null())
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        world.call(&world.admin(), "acm", "ImportCertificate", input)
    };
    let made = import(&good.leaf, &good.key, Some(&good.chain)).unwrap();
    let shown = describe(&world, made["CertificateArn"].as_str().unwrap());
    assert_eq!((&shown["Type"], &shown["DomainName"]), (&json!("IMPORTED"), &json!("import.example.com")));
    let refused = [
        (&good.leaf, &other.key, Some(&good.chain), "does not match"),
        (&good.leaf, &good.key, Some(&other.chain), "chain"),
        (&good.leaf, &good.key, None, "self signed"),
        (&expired.leaf, &expired.key, Some(&expired.chain), "expired"),
        (&good.key, &good.key, Some(&good.chain), "PEM"),
    ];
    for (leaf, key, chain, says) in refused {
        let fault = import(leaf, key, chain.map(String::as_str)).unwrap_err();
        assert_eq!(fault.code, "ValidationException");
        assert!(fault.message.contains(says), "{} / {says}", fault.message);
    }
}

#[test]
fn only_private_certificates_are_exported_and_renewed() {
    let world = world();
    let public = request(&world, json!({"DomainName": "a.example.com", "ValidationMethod": "DNS"}));
    let private = request(
        &world,
        json!({"DomainName": "a.internal.example", "CertificateAuthorityArn": "arn:aws:acm-pca:us-east-1:111122223333:certificate-authority/11111111-1111-1111-1111-111111111111"}),
    );
    let call = |operation: &str, arn: &str, passphrase: bool| {
        let mut input = json!({"CertificateArn": arn});
        if passphrase {
            input["Passphrase"] = base64("correct horse".replace(' ', "-").as_str());
        }
        world.call(&world.admin(), "acm", operation, input)
    };
    assert_eq!(call("ExportCertificate", &public, true).unwrap_err().code, "ValidationException");
    assert_eq!(call("RenewCertificate", &private, false).unwrap_err().code, "ValidationException");
    let exported = call("ExportCertificate", &private, true).unwrap();
    let pem = exported["PrivateKey"].as_str().unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"), "{pem}");
    let before = describe(&world, &private)["Serial"].clone();
    call("RenewCertificate", &private, false).unwrap();
    assert_ne!(describe(&world, &private)["Serial"], before);
}

#[test]
fn nobody_gets_a_certificate_without_leave() {
    let world = world();
    let arn = request(&world, json!({"DomainName": "a.example.com"}));
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"acm:RequestCertificate","Resource":"*","Condition":{"ForAllValues:StringLike":{"acm:DomainNames":["*.example.com"]}}}]}"#;
    let bound = world.user("bound", Some(policy));
    let ask = |name: &str| world.call(&bound, "acm", "RequestCertificate", json!({"DomainName": name}));
    ask("b.example.com").unwrap();
    assert_eq!(ask("b.example.org").unwrap_err().code, "AccessDeniedException");
    let get = world.call(&bound, "acm", "GetCertificate", json!({"CertificateArn": arn}));
    assert_eq!(get.unwrap_err().code, "AccessDeniedException");
}
