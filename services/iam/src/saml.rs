//! SAML providers: an identity provider's metadata, which must say how its assertions are verified.
//!
//! Assertions are not taken here (STS does that), nor encrypted ones prepared for.

use model::estate::iam::SamlProvider;
use model::{Fault, Timestamp, Tx, Value};
use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;

use crate::page::{self, limit};
use crate::shapes::*;

const PROVIDERS: usize = 100;
const METADATA: &[u8] = b"urn:oasis:names:tc:SAML:2.0:metadata";
const SIGNATURE: &[u8] = b"http://www.w3.org/2000/09/xmldsig#";
/// AWS's own end of validity, where the metadata has none: a hundred years.
const LONG: i64 = 100 * 365 * 86_400;

fn find(tx: &Tx<'_>, arn: &str) -> Result<SamlProvider, Fault> {
    let own = tx.find_arn::<SamlProvider>(arn).filter(|provider| provider.account == tx.account);
    let missing = || Fault::new("NoSuchEntity", 404, format!("Manifest not found for arn {arn}"));
    own.cloned().ok_or_else(missing)
}

fn unparsable() -> Fault {
    Fault::client("InvalidInput", "Could not parse metadata")
}

/// What metadata must have, and until when it says to be valid.
#[derive(Default)]
struct Metadata {
    entity: bool,
    provider: bool,
    certificate: bool,
    valid_until: Option<Timestamp>,
}

impl Metadata {
    fn read(text: &str) -> Result<Metadata, Fault> {
        let mut found = Metadata::default();
        let mut reader = NsReader::from_str(text);
        let mut depth = 0_u32;
        loop {
            let (space, event) = reader.read_resolved_event().map_err(|_| unparsable())?;
            match event {
                Event::Start(start) => {
                    found.see(&space, &start, depth)?;
                    depth += 1;
                }
                Event::Empty(start) => found.see(&space, &start, depth)?,
                Event::End(_) => depth = depth.saturating_sub(1),
                // Entities that a document declares itself are nobody's to expand.
                Event::DocType(_) => return Err(unparsable()),
                Event::Eof => break,
                _ => {}
            }
        }
        match depth == 0 && found.entity && found.provider && found.certificate {
            true => Ok(found),
            false => Err(unparsable()),
        }
    }

    fn see(&mut self, space: &ResolveResult<'_>, start: &BytesStart<'_>, depth: u32) -> Result<(), Fault> {
        let ResolveResult::Bound(space) = space else { return Ok(()) };
        match (space.as_ref(), start.local_name().as_ref()) {
            (METADATA, b"EntityDescriptor") if depth == 0 => {
                let attribute = |name: &str| start.try_get_attribute(name).map_err(|_| unparsable());
                self.entity = attribute("entityID")?.is_some();
                if let Some(until) = attribute("validUntil")? {
                    let until = until.unescape_value().map_err(|_| unparsable())?;
                    self.valid_until = Some(Timestamp::parse_rfc3339(&until).ok_or_else(unparsable)?);
                }
            }
            (METADATA, b"IDPSSODescriptor") if depth == 1 => self.provider = true,
            (SIGNATURE, b"X509Certificate") if self.provider => self.certificate = true,
            _ => {}
        }
        Ok(())
    }
}

fn valid_until(tx: &Tx<'_>, metadata: &Metadata) -> Result<Timestamp, Fault> {
    let until = metadata.valid_until.unwrap_or_else(|| tx.now.plus_seconds(LONG));
    match until > tx.now {
        true => Ok(until),
        false => Err(Fault::client("InvalidInput", "The metadata has expired")),
    }
}

fn plain(mode: Option<&String>, key: Option<&String>) -> Result<(), Fault> {
    match mode.is_some() || key.is_some() {
        true => Err(Fault::client("InvalidInput", "encrypted assertions are not served by this runtime")),
        false => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateSAMLProvider.html>
pub(crate) fn create_saml_provider(
    tx: &mut Tx<'_>,
    input: CreateSAMLProviderRequest,
) -> Result<CreateSAMLProviderResponse, Fault> {
    plain(input.assertion_encryption_mode.as_ref(), input.add_private_key.as_ref())?;
    if tx.find_global::<SamlProvider>(&input.name).is_some() {
        let message = format!("SAML provider {} already exists.", input.name);
        return Err(Fault::new("EntityAlreadyExists", 409, message));
    }
    if tx.list_global::<SamlProvider>().count() >= PROVIDERS {
        return Err(limit(&format!("SAMLProvidersPerAccount: {PROVIDERS}")));
    }
    let metadata = Metadata::read(&input.saml_metadata_document)?;
    let provider = SamlProvider {
        account: tx.account.clone(),
        name: input.name,
        id: tx.uuid(),
        metadata: input.saml_metadata_document,
        created: tx.now,
        valid_until: valid_until(tx, &metadata)?,
        tags: page::tags_of(input.tags)?,
    };
    let made = CreateSAMLProviderResponse {
        saml_provider_arn: Some(provider.arn()),
        tags: page::shown(&provider.tags),
    };
    tx.put(provider)?;
    Ok(made)
}

pub(crate) fn get_saml_provider(
    tx: &mut Tx<'_>,
    input: GetSAMLProviderRequest,
) -> Result<GetSAMLProviderResponse, Fault> {
    let provider = find(tx, &input.saml_provider_arn)?;
    Ok(GetSAMLProviderResponse {
        saml_provider_uuid: Some(provider.id),
        saml_metadata_document: Some(provider.metadata),
        create_date: Some(provider.created),
        valid_until: Some(provider.valid_until),
        tags: Some(page::listed(&provider.tags)),
        ..GetSAMLProviderResponse::default()
    })
}

pub(crate) fn list_saml_providers(tx: &mut Tx<'_>, _: Value) -> Result<ListSAMLProvidersResponse, Fault> {
    let shape = |provider: &SamlProvider| SAMLProviderListEntry {
        arn: Some(provider.arn()),
        valid_until: Some(provider.valid_until),
        create_date: Some(provider.created),
    };
    let list = tx.list_global::<SamlProvider>().map(shape).collect();
    Ok(ListSAMLProvidersResponse { saml_provider_list: Some(list) })
}

pub(crate) fn update_saml_provider(
    tx: &mut Tx<'_>,
    input: UpdateSAMLProviderRequest,
) -> Result<UpdateSAMLProviderResponse, Fault> {
    let mut provider = find(tx, &input.saml_provider_arn)?;
    plain(input.assertion_encryption_mode.as_ref(), input.add_private_key.as_ref())?;
    if let Some(text) = input.saml_metadata_document {
        provider.valid_until = valid_until(tx, &Metadata::read(&text)?)?;
        provider.metadata = text;
    }
    let saml_provider_arn = Some(provider.arn());
    tx.put(provider)?;
    Ok(UpdateSAMLProviderResponse { saml_provider_arn })
}

pub(crate) fn delete_saml_provider(tx: &mut Tx<'_>, input: DeleteSAMLProviderRequest) -> Result<(), Fault> {
    let provider = find(tx, &input.saml_provider_arn)?;
    tx.remove(&provider)
}

pub(crate) fn tag_saml_provider(tx: &mut Tx<'_>, input: TagSAMLProviderRequest) -> Result<(), Fault> {
    let mut provider = find(tx, &input.saml_provider_arn)?;
    provider.tags = page::tagged(provider.tags, input.tags)?;
    tx.put(provider)
}

pub(crate) fn untag_saml_provider(tx: &mut Tx<'_>, input: UntagSAMLProviderRequest) -> Result<(), Fault> {
    let mut provider = find(tx, &input.saml_provider_arn)?;
    provider.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(provider)
}

pub(crate) fn list_saml_provider_tags(
    tx: &mut Tx<'_>,
    input: ListSAMLProviderTagsRequest,
) -> Result<ListSAMLProviderTagsResponse, Fault> {
    let tags = page::listed(&find(tx, &input.saml_provider_arn)?.tags);
    Ok(ListSAMLProviderTagsResponse { tags, is_truncated: Some(false), marker: None })
}
