//! An identity provider: it makes responses in the form that signatures are over, so that what it signs
//! is known without any code of the runtime's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Timestamp;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

pub(crate) const ENTITY: &str = "https://idp.example.com/metadata";
const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";

pub(crate) struct Idp {
    pair: RsaKeyPair,
    certificate: String,
}

/// What a response says; each part may be another.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) issuer: String,
    pub(crate) status: String,
    /// Seconds after now.
    pub(crate) issued: i64,
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
    pub(crate) confirmed_until: i64,
    pub(crate) session_ends: Option<i64>,
    pub(crate) recipient: String,
    pub(crate) audience: String,
    pub(crate) subject: String,
    pub(crate) format: String,
    pub(crate) attributes: Vec<(String, Vec<String>)>,
}

pub(crate) fn attribute(name: &str, values: &[&str]) -> (String, Vec<String>) {
    let name = if name.contains(':') && !name.starts_with("PrincipalTag:") {
        name.to_owned()
    } else {
        format!("https://aws.amazon.com/SAML/Attributes/{name}")
    };
    (name, values.iter().map(|v| (*v).to_owned()).collect())
}

impl Said {
    pub(crate) fn new(role: &str, provider: &str) -> Said {
        Said {
            issuer: ENTITY.to_owned(),
            status: "urn:oasis:names:tc:SAML:2.0:status:Success".to_owned(),
            issued: 0,
            not_before: -5,
            not_after: 300,
            confirmed_until: 300,
            session_ends: None,
            recipient: "https://signin.aws.amazon.com/saml".to_owned(),
            audience: "urn:amazon:webservices".to_owned(),
            subject: "someone".to_owned(),
            format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent".to_owned(),
            attributes: vec![
                attribute("Role", &["arn:aws:iam::111122223333:role/other,x", &format!("{role},{provider}")]),
                attribute("RoleSessionName", &["someone@example.com"]),
            ],
        }
    }

    pub(crate) fn set(mut self, name: &str, values: &[&str]) -> Said {
        let (name, values) = attribute(name, values);
        self.attributes.retain(|(before, _)| *before != name);
        self.attributes.push((name, values));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Said {
        let (name, _) = attribute(name, &[]);
        self.attributes.retain(|(before, _)| *before != name);
        self
    }
}

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Over {
    Assertion,
    Response,
    Both,
    Nothing,
}

fn at(seconds: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_seconds(i64::try_from(now.as_secs()).unwrap() + seconds).to_rfc3339()
}

impl Idp {
    pub(crate) fn new(private: &[u8]) -> Idp {
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(private));
        let pair = rcgen::KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &rcgen::PKCS_RSA_SHA256);
        let certificate = rcgen::CertificateParams::new(vec!["idp.example.com".to_owned()]).unwrap();
        let certificate = certificate.self_signed(&pair.unwrap()).unwrap();
        Idp {
            pair: RsaKeyPair::from_pkcs8(private).unwrap(),
            certificate: STANDARD.encode(certificate.der()),
        }
    }

    pub(crate) fn metadata(&self) -> String {
        self.metadata_for("signing")
    }

    pub(crate) fn metadata_for(&self, usage: &str) -> String {
        format!(
            r#"<?xml version="1.0"?><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ENTITY}"><IDPSSODescriptor><KeyDescriptor use="{usage}"><KeyInfo xmlns="{DS}"><X509Data><X509Certificate>
            {}</X509Certificate></X509Data></KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>"#,
            self.certificate
        )
    }

    /// The signature over a text in its exclusive form, in which `<!>` says where the signature is to stand.
    pub(crate) fn signed(&self, id: &str, text: &str) -> String {
        let bare = text.replace("<!>", "");
        let reference = STANDARD.encode(digest(&SHA256, bare.as_bytes()));
        let info = format!(
            r##"<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:CanonicalizationMethod><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod><ds:Reference URI="#{id}"><ds:Transforms><ds:Transform Algorithm="{DS}enveloped-signature"></ds:Transform><ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"></ds:Transform></ds:Transforms><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod><ds:DigestValue>{reference}</ds:DigestValue></ds:Reference></ds:SignedInfo>"##
        );
        let form = format!(r#"<ds:SignedInfo xmlns:ds="{DS}">{info}"#);
        let mut value = vec![0; self.pair.public().modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), form.as_bytes(), &mut value).unwrap();
        let value = STANDARD.encode(value);
        // The key that comes along is nobody's to use.
        let key = format!(
            "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>",
            self.certificate
        );
        let signature = format!(
            r#"<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{info}<ds:SignatureValue>{value}</ds:SignatureValue>{key}</ds:Signature>"#
        );
        text.replacen("<!>", &signature, 1)
    }

    /// The assertion, in its exclusive form but for the mark of its signature.
    pub(crate) fn assertion(&self, id: &str, said: &Said) -> String {
        let attributes: String = said.attributes.iter().map(shown).collect();
        let ends = said
            .session_ends
            .map(|ends| format!(r#" SessionNotOnOrAfter="{}""#, at(ends)))
            .unwrap_or_default();
        format!(
            r#"<saml:Assertion xmlns:saml="{ASSERTION}" ID="{id}" IssueInstant="{}" Version="2.0"><saml:Issuer>{}</saml:Issuer><!><saml:Subject><saml:NameID Format="{}">{}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{}" Recipient="{}"></saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{}" NotOnOrAfter="{}"><saml:AudienceRestriction><saml:Audience>{}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AttributeStatement>{attributes}</saml:AttributeStatement><saml:AuthnStatement AuthnInstant="{}"{ends}></saml:AuthnStatement></saml:Assertion>"#,
            at(said.issued),
            said.issuer,
            said.format,
            said.subject,
            at(said.confirmed_until),
            said.recipient,
            at(said.not_before),
            at(said.not_after),
            said.audience,
            at(said.issued),
        )
    }

    /// A response around what stands in it.
    pub(crate) fn around(&self, said: &Said, inside: &str) -> String {
        format!(
            r#"<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r" Version="2.0"><!><samlp:Status><samlp:StatusCode Value="{}"></samlp:StatusCode></samlp:Status>{inside}</samlp:Response>"#,
            said.status
        )
    }

    pub(crate) fn response(&self, said: &Said, over: Over) -> String {
        let assertion = self.assertion("_a", said);
        let assertion = match over {
            Over::Assertion | Over::Both => self.signed("_a", &assertion),
            _ => assertion.replace("<!>", ""),
        };
        let response = self.around(said, &assertion);
        match over {
            Over::Response | Over::Both => self.signed("_r", &response),
            _ => response.replace("<!>", ""),
        }
    }
}

fn shown((name, values): &(String, Vec<String>)) -> String {
    let values: String =
        values.iter().map(|v| format!("<saml:AttributeValue>{v}</saml:AttributeValue>")).collect();
    format!(r#"<saml:Attribute Name="{name}">{values}</saml:Attribute>"#)
}
