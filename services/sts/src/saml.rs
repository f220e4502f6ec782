//! Roles for SAML assertions: the identity provider's signed word says who someone is, which roles they may
//! have, and with which tags; the role's trust policy decides about it. Nobody's credentials are needed.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithSAML.html>
//!
//! Nothing in a response counts before its signature was verified with a key of the account's own SAML
//! provider. The attribute `SessionDuration` is about sessions of the console: no session here has it.

mod assertion;
mod canonical;
mod metadata;
mod signature;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::estate::iam::{Role, SamlProvider};
use model::identity::Session;
use model::{AccountId, Arn, Caller, Fault, Members, Tags, Tx, Value};

use crate::shapes::*;
use crate::{credentials, federation, session_policies};
use assertion::Assertion;
use metadata::Metadata;

const ATTRIBUTES: &str = "https://aws.amazon.com/SAML/Attributes/";
/// By the names of attributes: the condition keys that hold their values.
const KEYS: &str = include_str!("saml/keys.tsv");
/// Those that a session goes on with.
const LASTING: [&str; 3] = ["saml:namequalifier", "saml:sub", "saml:sub_type"];

fn invalid(why: impl Into<String>) -> Fault {
    Fault::client("InvalidIdentityToken", why)
}

fn expired(why: &str) -> Fault {
    Fault::client("ExpiredTokenException", why)
}

fn denied() -> Fault {
    Fault::access_denied("Not authorized to perform sts:AssumeRoleWithSAML")
}

fn provider(tx: &Tx<'_>, arn: &str) -> Result<SamlProvider, Fault> {
    let own = tx.find_arn::<SamlProvider>(arn).filter(|provider| provider.account == tx.account);
    let provider = own.cloned().ok_or_else(|| invalid("Specified provider doesn't exist"))?;
    match provider.valid_until > tx.now {
        true => Ok(provider),
        false => Err(invalid("The metadata of the specified provider has expired")),
    }
}

fn verified(tx: &Tx<'_>, provider: &SamlProvider, response: &str) -> Result<Assertion, Fault> {
    let response: String = response.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(response).map_err(|_| invalid("Invalid base64 SAMLResponse"))?;
    let text = String::from_utf8(bytes).map_err(|_| invalid("Invalid SAMLResponse: it is no UTF-8"))?;
    let metadata = Metadata::read(&provider.metadata).ok_or_else(|| invalid("Could not parse metadata"))?;
    let assertion = Assertion::verified(&text, &metadata, tx.now)?;
    let for_us = |name: &str| name == "urn:amazon:webservices" || is_endpoint(name, provider);
    match is_endpoint(&assertion.recipient, provider) && assertion.is_for(for_us) {
        true => Ok(assertion),
        false => Err(invalid("Response does not contain the required audience.")),
    }
}

/// `https://signin.aws.amazon.com/saml`, or a region's, for all providers or for this one.
fn is_endpoint(url: &str, provider: &SamlProvider) -> bool {
    let path = url.strip_prefix("https://").and_then(|rest| rest.split_once("signin.aws.amazon.com/"));
    let Some((region, path)) = path else { return false };
    let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let region = region.is_empty()
        || region.strip_suffix('.').is_some_and(|name| name.contains('-') && name.chars().all(letters));
    let acs = path.strip_prefix("saml/acs/").is_some_and(|id| id == provider.id);
    region && (acs || matches!(path, "saml" | "static/saml"))
}

/// As STS itself shows it: who someone is, among all that any provider names.
fn qualifier(issuer: &str, provider: &SamlProvider) -> String {
    let text = format!("{issuer}{}/{}", provider.account, provider.name);
    let hash = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    STANDARD.encode(hash)
}

/// What conditions may ask.
fn keys(assertion: &Assertion, provider: &SamlProvider) -> BTreeMap<String, Vec<String>> {
    let mut keys: BTreeMap<String, Vec<String>> = [
        ("aud", assertion.recipient.clone()),
        ("iss", assertion.issuer.clone()),
        ("sub", assertion.subject.clone()),
        ("sub_type", assertion.subject_type.clone()),
        ("namequalifier", qualifier(&assertion.issuer, provider)),
        ("doc", format!("{}/{}", provider.account, provider.name)),
    ]
    .into_iter()
    .map(|(name, value)| (format!("saml:{name}"), vec![value]))
    .collect();
    for (attribute, key) in KEYS.lines().filter_map(|line| line.split_once('\t')) {
        if let Some(values) = assertion.attribute(attribute) {
            keys.entry(format!("saml:{key}")).or_default().extend_from_slice(values);
        }
    }
    keys
}

/// What the identity provider gives a session, besides the role.
struct Given {
    name: String,
    tags: Tags,
    transitive: Vec<String>,
    source: Option<String>,
}

fn one<'a>(assertion: &'a Assertion, name: &str) -> Result<Option<&'a str>, Fault> {
    match assertion.attribute(&format!("{ATTRIBUTES}{name}")) {
        None => Ok(None),
        Some([value]) => Ok(Some(value)),
        Some(_) => Err(invalid(format!("{name} must have exactly one value in AuthnResponse"))),
    }
}

fn is_name(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    (2..=64).contains(&text.len()) && text.chars().all(known)
}

fn given(assertion: &Assertion) -> Result<Given, Fault> {
    let name = one(assertion, "RoleSessionName")?;
    let name = name.ok_or_else(|| invalid("RoleSessionName is required in AuthnResponse"))?;
    if !is_name(name) {
        return Err(invalid("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"));
    }
    let source = one(assertion, "SourceIdentity")?;
    if source.is_some_and(|source| !is_name(source) || source.starts_with("aws:")) {
        return Err(invalid(
            "Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with \"aws:\"",
        ));
    }
    let mut tags = Vec::new();
    for (attribute, values) in assertion.attributes() {
        let Some(key) =
            attribute.strip_prefix(ATTRIBUTES).and_then(|name| name.strip_prefix("PrincipalTag:"))
        else {
            continue;
        };
        let [value] = values else {
            return Err(invalid(format!("PrincipalTag:{key} must have exactly one value in AuthnResponse")));
        };
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(format!("PrincipalTag:{key} is too long, or has no key")));
        }
        tags.push(Tag { key: key.to_owned(), value: value.clone() });
    }
    if tags.len() > 50 {
        return Err(invalid("at most 50 session tags may be given"));
    }
    let transitive = assertion.attribute(&format!("{ATTRIBUTES}TransitiveTagKeys"));
    Ok(Given {
        name: name.to_owned(),
        tags: crate::session_tags(Some(tags))?,
        transitive: transitive.unwrap_or_default().to_vec(),
        source: source.map(str::to_owned),
    })
}

/// "One or more AttributeValue elements, each containing a comma-separated pair": the role and the provider.
fn is_offered(assertion: &Assertion, role: &str, provider: &str) -> Result<bool, Fault> {
    let pairs = assertion.attribute(&format!("{ATTRIBUTES}Role"));
    let pairs = pairs.ok_or_else(|| invalid("Your request included an invalid SAML response"))?;
    Ok(pairs.iter().filter_map(|pair| pair.split_once(',')).any(|(a, b)| {
        let (a, b) = (a.trim(), b.trim());
        (a, b) == (role, provider) || (b, a) == (role, provider)
    }))
}

/// The role, if it is offered and its trust policy lets this identity have it so.
fn consented(tx: &mut Tx<'_>, bearer: Caller, role: &str, given: &Given) -> Result<Role, Fault> {
    let mut question = Members::default();
    question.push("RoleArn", role);
    question.push("RoleSessionName", given.name.as_str());
    let tag = |(key, value): (&String, &String)| {
        let mut tag = Members::default();
        tag.push("Key", key.as_str());
        tag.push("Value", value.as_str());
        Value::Map(tag)
    };
    question.push("Tags", Value::List(given.tags.iter().map(tag).collect()));
    let transitive = given.transitive.iter().map(|key| Value::from(key.as_str())).collect();
    question.push("TransitiveTagKeys", Value::List(transitive));
    if let Some(source) = &given.source {
        question.push("SourceIdentity", source.as_str());
    }
    federation::consented(tx, bearer, "ConsentToSaml", question, denied)
}

pub(crate) fn assume_role_with_saml(
    tx: &mut Tx<'_>,
    input: AssumeRoleWithSAMLRequest,
) -> Result<AssumeRoleWithSAMLResponse, Fault> {
    let account = Arn::parse(&input.role_arn).and_then(|arn| AccountId::parse(arn.account));
    tx.account = account.ok_or_else(|| Fault::validation("Request ARN is invalid"))?;
    let provider = provider(tx, &input.principal_arn)?;
    let assertion = verified(tx, &provider, &input.saml_assertion)?;
    let mut keys = keys(&assertion, &provider);
    let qualifier = qualifier(&assertion.issuer, &provider);
    let bearer = Caller {
        principal_id: format!("{qualifier}:{}", assertion.subject),
        ..Caller::federated(&provider.arn(), &assertion.recipient, &assertion.subject, keys.clone())
    };
    tx.proved(bearer.clone());
    let given = given(&assertion)?;
    if !is_offered(&assertion, &input.role_arn, &input.principal_arn)? {
        return Err(denied());
    }
    let role = consented(tx, bearer, &input.role_arn, &given)?;
    let seconds = input.duration_seconds.unwrap_or(3600);
    if seconds > role.max_session {
        return Err(Fault::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    let (policies, policy_arns) = session_policies(tx, input.policy, input.policy_arns)?;
    let packed = crate::packed(&policies);
    keys.retain(|key, _| LASTING.contains(&key.as_str()));
    keys.insert("aws:FederatedProvider".to_owned(), vec![provider.arn()]);
    let until = tx.now.plus_seconds(seconds);
    let session = Session {
        policies,
        policy_arns,
        tags: given.tags,
        transitive_tag_keys: given.transitive,
        issued: tx.now,
        expires: assertion.session_ends.map_or(until, |ends| ends.min(until)),
        source_identity: given.source.clone(),
        federation: keys,
        ..Session::default()
    };
    if session.expires <= tx.now {
        return Err(expired("The identity provider's session has ended: SessionNotOnOrAfter has passed"));
    }
    let caller = crate::session_of(&role, &given.name, session);
    let user = AssumedRoleUser { assumed_role_id: caller.principal_id.clone(), arn: caller.arn.clone() };
    Ok(AssumeRoleWithSAMLResponse {
        credentials: Some(credentials(tx, caller)?),
        assumed_role_user: Some(user),
        packed_policy_size: packed,
        subject: Some(assertion.subject),
        subject_type: Some(assertion.subject_type),
        issuer: Some(assertion.issuer),
        audience: Some(assertion.recipient),
        name_qualifier: Some(qualifier),
        source_identity: given.source,
        ..AssumeRoleWithSAMLResponse::default()
    })
}
