//! The assertion in an identity provider's response: what it says, once it is known to be signed.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_saml_assertions.html>
//!
//! Nothing is read from a document that has what a signature does not see (comments, instructions) or what
//! makes it other than it looks (a document type, two assertions). Encrypted assertions are not taken.

use model::{Fault, Timestamp};
use roxmltree::{Document, Node, ParsingOptions};

use super::metadata::Metadata;
use super::signature::{Signed, signed};
use super::{expired, invalid};

const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const FORMATS: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:";
/// "Token must be redeemed within 5 minutes of issuance", in seconds.
const FRESH: i64 = 300;
/// By how many seconds an identity provider's clock may be ahead.
const AHEAD: i64 = 60;
const NODES: u32 = 4000;
const DEPTH: usize = 40;

pub(super) struct Assertion {
    pub(super) issuer: String,
    pub(super) subject: String,
    /// `persistent`, `transient`, or a whole URI.
    pub(super) subject_type: String,
    pub(super) recipient: String,
    /// All that have to be met: one audience of each.
    audiences: Vec<Vec<String>>,
    /// When the identity provider's own session ends.
    pub(super) session_ends: Option<Timestamp>,
    attributes: Vec<(String, Vec<String>)>,
}

impl Assertion {
    /// Of a response to be redeemed now, signed by whom the metadata names.
    pub(super) fn verified(text: &str, metadata: &Metadata, now: Timestamp) -> Result<Assertion, Fault> {
        let options = ParsingOptions { nodes_limit: NODES, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|_| unreadable())?;
        let (response, assertion) = parts(&document)?;
        let issuer = child(assertion, "Issuer").and_then(text_of).ok_or_else(|| missing("Issuer"))?;
        if issuer != metadata.entity {
            return Err(invalid("Issuer not present in specified provider"));
        }
        let (whole, part) = (signed(response, &metadata.keys), signed(assertion, &metadata.keys));
        match (whole, part) {
            (Signed::Rightly, Signed::Rightly | Signed::Not) | (Signed::Not, Signed::Rightly) => {}
            _ => return Err(invalid("Response signature invalid")),
        }
        read(assertion, issuer, now)
    }

    /// The values of an attribute, if it is there.
    pub(super) fn attribute(&self, name: &str) -> Option<&[String]> {
        self.attributes.iter().find(|(of, _)| of == name).map(|(_, values)| values.as_slice())
    }

    pub(super) fn attributes(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.attributes.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// Whether it is meant for whom `is_own` knows: every restriction is.
    pub(super) fn is_for(&self, is_own: impl Fn(&str) -> bool) -> bool {
        !self.audiences.is_empty() && self.audiences.iter().all(|any| any.iter().any(|name| is_own(name)))
    }
}

fn unreadable() -> Fault {
    invalid("Invalid SAMLResponse: it cannot be read as an XML document without a document type")
}

fn missing(what: &str) -> Fault {
    invalid(format!("Invalid SAMLResponse: it has no {what}"))
}

/// The response and its only assertion.
fn parts<'a, 'i>(document: &'a Document<'i>) -> Result<(Node<'a, 'i>, Node<'a, 'i>), Fault> {
    let response = document.root_element();
    if !response.has_tag_name((PROTOCOL, "Response")) {
        return Err(missing("Response"));
    }
    if document.descendants().any(|node| node.is_comment() || node.is_pi()) {
        return Err(invalid("Invalid SAMLResponse: comments and processing instructions are not taken"));
    }
    if document.descendants().any(|node| node.ancestors().take(DEPTH + 1).count() > DEPTH) {
        return Err(invalid("Invalid SAMLResponse: it is nested too deeply"));
    }
    let status = of(response, PROTOCOL, "Status").and_then(|status| of(status, PROTOCOL, "StatusCode"));
    let status = status.and_then(|code| code.attribute("Value")).ok_or_else(|| missing("Status"))?;
    if status != SUCCESS {
        let message = format!("The identity provider reported that authentication failed: {status}");
        return Err(Fault::new("IDPRejectedClaim", 403, message));
    }
    if document.descendants().any(|node| node.has_tag_name((ASSERTION, "EncryptedAssertion"))) {
        return Err(invalid("encrypted assertions are not taken by this runtime"));
    }
    let mut all = document.descendants().filter(|node| node.has_tag_name((ASSERTION, "Assertion")));
    match (all.next(), all.next()) {
        (Some(one), None) if one.parent() == Some(response) => Ok((response, one)),
        (None, _) => Err(missing("Assertion")),
        _ => Err(invalid("Invalid SAMLResponse: it must have exactly one assertion, in the response")),
    }
}

/// What a signed assertion says, if it is good now.
fn read(assertion: Node<'_, '_>, issuer: String, now: Timestamp) -> Result<Assertion, Fault> {
    let issued = time(assertion, "IssueInstant")?.ok_or_else(|| missing("IssueInstant"))?;
    if now.seconds() > issued.seconds() + FRESH {
        return Err(expired("Token must be redeemed within 5 minutes of issuance"));
    }
    if issued > now.plus_seconds(AHEAD) {
        return Err(invalid("The response was issued in the future"));
    }
    let conditions = child(assertion, "Conditions").ok_or_else(|| missing("Conditions"))?;
    in_time(conditions, now)?;
    let subject = child(assertion, "Subject").ok_or_else(|| missing("Subject"))?;
    let name = child(subject, "NameID").ok_or_else(|| missing("NameID"))?;
    let format = name.attribute("Format").unwrap_or("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified");
    let statements = assertion.children().filter(|node| node.has_tag_name((ASSERTION, "AuthnStatement")));
    let mut session_ends = None;
    for statement in statements {
        let ends = time(statement, "SessionNotOnOrAfter")?;
        session_ends = [session_ends, ends].into_iter().flatten().min();
    }
    Ok(Assertion {
        issuer,
        subject: text_of(name).ok_or_else(|| missing("NameID"))?,
        subject_type: format.strip_prefix(FORMATS).unwrap_or(format).to_owned(),
        recipient: recipient(subject, now)?,
        audiences: audiences(conditions),
        session_ends,
        attributes: attributes(assertion)?,
    })
}

/// "There must be exactly one SubjectConfirmation element with a SubjectConfirmationData element that
/// includes both the NotOnOrAfter attribute and a Recipient attribute."
fn recipient(subject: Node<'_, '_>, now: Timestamp) -> Result<String, Fault> {
    let confirmation =
        child(subject, "SubjectConfirmation").ok_or_else(|| missing("single SubjectConfirmation"))?;
    if confirmation.attribute("Method") != Some(BEARER) {
        return Err(missing("bearer SubjectConfirmation"));
    }
    let facts = child(confirmation, "SubjectConfirmationData").ok_or_else(|| missing("Recipient"))?;
    if facts.attribute("NotOnOrAfter").is_none() {
        return Err(missing("NotOnOrAfter of SubjectConfirmationData"));
    }
    in_time(facts, now)?;
    facts.attribute("Recipient").map(str::to_owned).ok_or_else(|| missing("Recipient"))
}

fn in_time(node: Node<'_, '_>, now: Timestamp) -> Result<(), Fault> {
    if time(node, "NotOnOrAfter")?.is_some_and(|end| end <= now) {
        return Err(expired("The response has expired: its NotOnOrAfter has passed"));
    }
    match time(node, "NotBefore")? {
        Some(begin) if begin > now.plus_seconds(AHEAD) => Err(invalid("The response is not valid yet")),
        _ => Ok(()),
    }
}

fn time(node: Node<'_, '_>, name: &str) -> Result<Option<Timestamp>, Fault> {
    let read = |text| Timestamp::parse_rfc3339(text);
    let wrong = || invalid(format!("Invalid SAMLResponse: {name} is no time"));
    node.attribute(name).map(|text| read(text).ok_or_else(wrong)).transpose()
}

fn audiences(conditions: Node<'_, '_>) -> Vec<Vec<String>> {
    let restrictions = conditions.children().filter(|c| c.has_tag_name((ASSERTION, "AudienceRestriction")));
    let of = |restriction: Node<'_, '_>| {
        let named = restriction.children().filter(|c| c.has_tag_name((ASSERTION, "Audience")));
        named.filter_map(text_of).collect()
    };
    restrictions.map(of).collect()
}

/// Every attribute by its name, which may stand there once.
fn attributes(assertion: Node<'_, '_>) -> Result<Vec<(String, Vec<String>)>, Fault> {
    let statements = assertion.children().filter(|c| c.has_tag_name((ASSERTION, "AttributeStatement")));
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for attribute in
        statements.flat_map(|s| s.children()).filter(|c| c.has_tag_name((ASSERTION, "Attribute")))
    {
        let name = attribute.attribute("Name").ok_or_else(|| missing("Name of an attribute"))?;
        if all.iter().any(|(before, _)| before == name) {
            return Err(invalid(format!("Invalid SAMLResponse: it has the attribute {name} twice")));
        }
        let values = attribute.children().filter(|c| c.has_tag_name((ASSERTION, "AttributeValue")));
        all.push((name.to_owned(), values.filter_map(text_of).collect()));
    }
    Ok(all)
}

fn of<'a, 'i>(parent: Node<'a, 'i>, space: &str, name: &str) -> Option<Node<'a, 'i>> {
    let mut named = parent.children().filter(|child| child.has_tag_name((space, name)));
    named.next().filter(|_| named.next().is_none())
}

/// The child of this name, if it is one.
fn child<'a, 'i>(parent: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    of(parent, ASSERTION, name)
}

/// The text of an element that holds nothing else.
fn text_of(node: Node<'_, '_>) -> Option<String> {
    let mut text = String::new();
    for part in node.children() {
        text.push_str(part.text().filter(|_| part.is_text())?);
    }
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
