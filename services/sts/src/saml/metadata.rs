//! What an identity provider's metadata says: its name, and the keys it signs with.
//!
//! "IAM does not evaluate or take action based on the expiration of certificates" in it: they only bring keys.

use roxmltree::{Document, Node};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::signature::{SIGNATURE, decoded};

const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";

pub(super) struct Metadata {
    pub(super) entity: String,
    /// RSA keys, as DER.
    pub(super) keys: Vec<Vec<u8>>,
}

impl Metadata {
    pub(super) fn read(text: &str) -> Option<Metadata> {
        let document = Document::parse(text.trim_start_matches('\u{feff}')).ok()?;
        let root = document.root_element();
        let provider = root.children().find(|child| child.has_tag_name((METADATA, "IDPSSODescriptor")))?;
        let keys = provider.children().filter(signs).flat_map(certificates).filter_map(key).collect();
        Some(Metadata { entity: root.attribute("entityID")?.to_owned(), keys })
    }
}

fn signs(child: &Node<'_, '_>) -> bool {
    child.has_tag_name((METADATA, "KeyDescriptor")) && child.attribute("use").is_none_or(|of| of == "signing")
}

fn certificates<'a, 'i>(descriptor: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    descriptor.descendants().filter(|node| node.has_tag_name((SIGNATURE, "X509Certificate")))
}

fn key(certificate: Node<'_, '_>) -> Option<Vec<u8>> {
    let der = decoded(certificate)?;
    let (_, certificate) = X509Certificate::from_der(&der).ok()?;
    Some(certificate.public_key().subject_public_key.data.to_vec())
}
