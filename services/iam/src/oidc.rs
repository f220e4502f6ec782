//! OpenID Connect providers: whose tokens the account's roles may trust, for which audiences. STS
//! judges the tokens.

use model::estate::iam::OidcProvider as Provider;
use model::{Fault, Tx, Value};

use crate::page::{self, limit};
use crate::shapes::*;

const PROVIDERS: usize = 100;
const CLIENTS: usize = 100;
const THUMBPRINTS: usize = 5;

fn invalid(why: impl Into<String>) -> Fault {
    Fault::client("InvalidInput", why)
}

/// One of this account's.
fn find(tx: &Tx<'_>, arn: &str) -> Result<Provider, Fault> {
    let own = tx.find_arn::<Provider>(arn).filter(|provider| provider.account == tx.account);
    let missing =
        || Fault::new("NoSuchEntity", 404, format!("OpenIDConnect Provider not found for arn {arn}"));
    own.cloned().ok_or_else(missing)
}

/// The issuer without its scheme, by which it is named.
fn named(url: &str) -> Result<String, Fault> {
    let rest = url.strip_prefix("https://").filter(|rest| !rest.is_empty());
    let rest =
        rest.ok_or_else(|| invalid("Invalid Open ID Connect Provider URL: it must begin with https://"))?;
    let host = rest.split('/').next().unwrap_or_default();
    if host.is_empty()
        || host.contains(':')
        || rest.contains(['?', '#', '@'])
        || rest.contains(char::is_whitespace)
    {
        return Err(invalid("Invalid Open ID Connect Provider URL"));
    }
    Ok(rest.trim_end_matches('/').to_owned())
}

fn thumbprints(given: Vec<String>) -> Result<Vec<String>, Fault> {
    if given.len() > THUMBPRINTS {
        return Err(invalid("Thumbprint list must contain fewer than 5 entries."));
    }
    let good = |print: &String| print.len() == 40 && print.bytes().all(|b| b.is_ascii_hexdigit());
    match given.iter().find(|print| !good(print)) {
        Some(_) => Err(invalid("Thumbprint must be a 40-character hexadecimal string.")),
        None => Ok(given),
    }
}

fn clients(given: Vec<String>) -> Result<Vec<String>, Fault> {
    if given.len() > CLIENTS {
        return Err(limit(&format!("ClientIdsPerOpenIdConnectProvider: {CLIENTS}")));
    }
    let mut clients = given;
    clients.sort();
    clients.dedup();
    Ok(clients)
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>
pub(crate) fn create_open_id_connect_provider(
    tx: &mut Tx<'_>,
    input: CreateOpenIDConnectProviderRequest,
) -> Result<CreateOpenIDConnectProviderResponse, Fault> {
    let url = named(&input.url)?;
    if tx.find_global::<Provider>(&url).is_some() {
        let message = format!("Provider with url https://{url} already exists.");
        return Err(Fault::new("EntityAlreadyExists", 409, message));
    }
    if tx.list_global::<Provider>().count() >= PROVIDERS {
        return Err(limit(&format!("OpenIdConnectProvidersPerAccount: {PROVIDERS}")));
    }
    let provider = Provider {
        account: tx.account.clone(),
        url,
        clients: clients(input.client_id_list.unwrap_or_default())?,
        thumbprints: thumbprints(input.thumbprint_list.unwrap_or_default())?,
        created: tx.now,
        tags: page::tags_of(input.tags)?,
    };
    let made = CreateOpenIDConnectProviderResponse {
        open_id_connect_provider_arn: Some(provider.arn()),
        tags: page::shown(&provider.tags),
    };
    tx.put(provider)?;
    Ok(made)
}

pub(crate) fn get_open_id_connect_provider(
    tx: &mut Tx<'_>,
    input: GetOpenIDConnectProviderRequest,
) -> Result<GetOpenIDConnectProviderResponse, Fault> {
    let provider = find(tx, &input.open_id_connect_provider_arn)?;
    Ok(GetOpenIDConnectProviderResponse {
        url: Some(provider.url),
        client_id_list: Some(provider.clients),
        thumbprint_list: Some(provider.thumbprints),
        create_date: Some(provider.created),
        tags: Some(page::listed(&provider.tags)),
    })
}

pub(crate) fn list_open_id_connect_providers(
    tx: &mut Tx<'_>,
    _: Value,
) -> Result<ListOpenIDConnectProvidersResponse, Fault> {
    let own = tx.list_global::<Provider>();
    let list = own.map(|provider| OpenIDConnectProviderListEntry { arn: Some(provider.arn()) }).collect();
    Ok(ListOpenIDConnectProvidersResponse { open_id_connect_provider_list: Some(list) })
}

/// Roles that name the provider stay; nobody gets them by it any more.
pub(crate) fn delete_open_id_connect_provider(
    tx: &mut Tx<'_>,
    input: DeleteOpenIDConnectProviderRequest,
) -> Result<(), Fault> {
    let provider = find(tx, &input.open_id_connect_provider_arn)?;
    tx.remove(&provider)
}

pub(crate) fn update_open_id_connect_provider_thumbprint(
    tx: &mut Tx<'_>,
    input: UpdateOpenIDConnectProviderThumbprintRequest,
) -> Result<(), Fault> {
    let mut provider = find(tx, &input.open_id_connect_provider_arn)?;
    provider.thumbprints = thumbprints(input.thumbprint_list)?;
    tx.put(provider)
}

pub(crate) fn add_client_id(
    tx: &mut Tx<'_>,
    input: AddClientIDToOpenIDConnectProviderRequest,
) -> Result<(), Fault> {
    let mut provider = find(tx, &input.open_id_connect_provider_arn)?;
    provider.clients.push(input.client_id);
    provider.clients = clients(provider.clients)?;
    tx.put(provider)
}

pub(crate) fn remove_client_id(
    tx: &mut Tx<'_>,
    input: RemoveClientIDFromOpenIDConnectProviderRequest,
) -> Result<(), Fault> {
    let mut provider = find(tx, &input.open_id_connect_provider_arn)?;
    provider.clients.retain(|client| *client != input.client_id);
    tx.put(provider)
}

pub(crate) fn tag_open_id_connect_provider(
    tx: &mut Tx<'_>,
    input: TagOpenIDConnectProviderRequest,
) -> Result<(), Fault> {
    let mut provider = find(tx, &input.open_id_connect_provider_arn)?;
    provider.tags = page::tagged(provider.tags, input.tags)?;
    tx.put(provider)
}

pub(crate) fn untag_open_id_connect_provider(
    tx: &mut Tx<'_>,
    input: UntagOpenIDConnectProviderRequest,
) -> Result<(), Fault> {
    let mut provider = find(tx, &input.open_id_connect_provider_arn)?;
    provider.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(provider)
}

pub(crate) fn list_open_id_connect_provider_tags(
    tx: &mut Tx<'_>,
    input: ListOpenIDConnectProviderTagsRequest,
) -> Result<ListOpenIDConnectProviderTagsResponse, Fault> {
    let tags = page::listed(&find(tx, &input.open_id_connect_provider_arn)?.tags);
    Ok(ListOpenIDConnectProviderTagsResponse { tags, is_truncated: Some(false), marker: None })
}
