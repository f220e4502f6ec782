//! XML signatures, as SAML has them: one, in the element that it signs, over that element alone.
//! <https://www.w3.org/TR/xmldsig-core1/>, <https://docs.oasis-open.org/security/saml/v2.0/saml-core-2.0-os.pdf> 5.4
//!
//! The element is given, never looked for by what the signature refers to; whoever reads it afterwards reads
//! the very node that was found to be signed. No key that a signature brings itself is ever used. SHA-1 is
//! not taken, neither are transforms other than the two that SAML names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{self, SHA256, SHA384, SHA512};
use ring::signature::{self as rsa, RsaParameters, UnparsedPublicKey};
use roxmltree::Node;

use super::canonical::Form;

pub(super) const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const EXCLUSIVE_WITH_COMMENTS: &str = "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
/// Of one signature; SAML needs three.
const INCLUSIVE: usize = 16;

static DIGESTS: [(&str, &digest::Algorithm); 3] = [
    ("http://www.w3.org/2001/04/xmlenc#sha256", &SHA256),
    ("http://www.w3.org/2001/04/xmldsig-more#sha384", &SHA384),
    ("http://www.w3.org/2001/04/xmlenc#sha512", &SHA512),
];
static METHODS: [(&str, &RsaParameters); 3] = [
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", &rsa::RSA_PKCS1_2048_8192_SHA256),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", &rsa::RSA_PKCS1_2048_8192_SHA384),
    ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", &rsa::RSA_PKCS1_2048_8192_SHA512),
];

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Signed {
    /// With one of the keys.
    Rightly,
    Wrongly,
    Not,
}

/// Whether an element is signed with one of these keys (RSA, as DER).
pub(super) fn signed(element: Node<'_, '_>, keys: &[Vec<u8>]) -> Signed {
    let mut signatures = element.children().filter(|child| child.has_tag_name((SIGNATURE, "Signature")));
    match (signatures.next(), signatures.next()) {
        (None, _) => Signed::Not,
        (Some(one), None) if verified(element, one, keys).is_some() => Signed::Rightly,
        _ => Signed::Wrongly,
    }
}

fn verified(element: Node<'_, '_>, signature: Node<'_, '_>, keys: &[Vec<u8>]) -> Option<()> {
    let info = only(signature, "SignedInfo")?;
    covers(only(info, "Reference")?, element, signature)?;
    let form = Form { inclusive: exclusive(only(info, "CanonicalizationMethod")?)?, without: None };
    let text = form.of(info)?;
    let method = *named(&METHODS, only(info, "SignatureMethod")?)?;
    let value = decoded(only(signature, "SignatureValue")?)?;
    let right = |key: &Vec<u8>| UnparsedPublicKey::new(method, key).verify(text.as_bytes(), &value).is_ok();
    keys.iter().any(right).then_some(())
}

/// The reference is to this element, which is what it was when it was signed.
fn covers(reference: Node<'_, '_>, element: Node<'_, '_>, signature: Node<'_, '_>) -> Option<()> {
    let id = element.attribute("ID").filter(|id| !id.is_empty())?;
    let same = element.document().descendants().filter(|node| node.attribute("ID") == Some(id)).count();
    if reference.attribute("URI")?.strip_prefix('#') != Some(id) || same != 1 {
        return None;
    }
    let transforms: Vec<_> =
        only(reference, "Transforms")?.children().filter(|child| child.is_element()).collect();
    let [first, second] = *transforms.as_slice() else { return None };
    let two = [first, second].iter().all(|node| node.has_tag_name((SIGNATURE, "Transform")));
    if !two || first.attribute("Algorithm") != Some(ENVELOPED) {
        return None;
    }
    let form = Form { inclusive: exclusive(second)?, without: Some(signature.id()) };
    let digest = *named(&DIGESTS, only(reference, "DigestMethod")?)?;
    let found = digest::digest(digest, form.of(element)?.as_bytes());
    (found.as_ref() == decoded(only(reference, "DigestValue")?)?).then_some(())
}

/// The child of this name, if it is one.
fn only<'a, 'i>(parent: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    let mut named = parent.children().filter(|child| child.has_tag_name((SIGNATURE, name)));
    named.next().filter(|_| named.next().is_none())
}

fn named<'t, T>(table: &'t [(&str, T)], node: Node<'_, '_>) -> Option<&'t T> {
    let algorithm = node.attribute("Algorithm")?;
    table.iter().find(|(name, _)| *name == algorithm).map(|(_, meant)| meant)
}

/// The prefixes that the exclusive form is to declare in any case. Both names of the form are one here, for
/// no document with a comment comes so far.
fn exclusive<'a>(method: Node<'a, '_>) -> Option<Vec<&'a str>> {
    if ![EXCLUSIVE, EXCLUSIVE_WITH_COMMENTS].contains(&method.attribute("Algorithm")?) {
        return None;
    }
    let list = method.children().find(|child| child.has_tag_name((EXCLUSIVE, "InclusiveNamespaces")));
    let prefixes = list.and_then(|list| list.attribute("PrefixList")).unwrap_or_default();
    let prefixes: Vec<&str> = prefixes.split_ascii_whitespace().collect();
    (prefixes.len() <= INCLUSIVE).then_some(prefixes)
}

/// Base64, in lines or not.
pub(super) fn decoded(node: Node<'_, '_>) -> Option<Vec<u8>> {
    let text: String = node.text()?.split_ascii_whitespace().collect();
    STANDARD.decode(text).ok()
}
