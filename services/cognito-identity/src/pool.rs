//! Identity pools: whose logins they take, and whether guests may come in.

use std::collections::BTreeMap;

use model::{AccountId, Fault, Node, Tags, Tx};
use serde::{Deserialize, Serialize};

use crate::role::Mapping;
use crate::shapes::*;
use crate::{identity, issuer};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pool {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    /// `us-east-1:UUID`.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) unauthenticated: bool,
    /// Whether identities may ask STS for roles themselves, where the pool says so at all.
    pub(crate) classic: Option<bool>,
    pub(crate) providers: Vec<Provider>,
    /// `authenticated` and `unauthenticated`, by ARN.
    pub(crate) roles: BTreeMap<String, String>,
    /// By `PROVIDER:CLIENT`.
    pub(crate) mappings: BTreeMap<String, Mapping>,
    pub(crate) tags: Tags,
}

/// A client of a user pool whose tokens are taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Provider {
    /// `cognito-idp.REGION.amazonaws.com/POOL`.
    pub(crate) name: String,
    pub(crate) client: String,
    /// Tokens of ended sign-ins are refused.
    pub(crate) checks: bool,
}

impl Pool {
    pub(crate) fn arn(&self) -> String {
        arn(&self.region, &self.account, &self.id)
    }
}

impl Node for Pool {
    const KIND: &'static str = "AWS::Cognito::IdentityPool";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.id
    }
    fn arn(&self) -> Option<String> {
        Some(self.arn())
    }
    fn global_name(&self) -> Option<String> {
        Some(named(&self.id))
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
}

pub(crate) fn named(id: &str) -> String {
    format!("identity-pool/{id}")
}

pub(crate) fn arn(region: &str, account: &AccountId, id: &str) -> String {
    model::ids::arn("cognito-identity", region, account, &format!("identitypool/{id}"))
}

pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterException", message)
}

pub(crate) fn missing(id: &str) -> Fault {
    Fault::client("ResourceNotFoundException", format!("IdentityPool '{id}' not found."))
}

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<Pool, Fault> {
    tx.find::<Pool>(id).cloned().ok_or_else(|| missing(id))
}

/// `cognito-idp.REGION.amazonaws.com/REGION_POOL`.
fn is_user_pool(name: &str) -> bool {
    let parts = || {
        let (region, pool) = name.strip_prefix("cognito-idp.")?.split_once(".amazonaws.com/")?;
        Some(pool.strip_prefix(region)?.starts_with('_'))
    };
    parts() == Some(true)
}

fn providers(given: Option<Vec<CognitoIdentityProvider>>) -> Result<Vec<Provider>, Fault> {
    let provider = |one: CognitoIdentityProvider| match (one.provider_name, one.client_id) {
        (Some(name), Some(client)) if is_user_pool(&name) => {
            Ok(Provider { name, client, checks: one.server_side_token_check == Some(true) })
        }
        _ => Err(invalid("Invalid Cognito Identity Provider")),
    };
    given.unwrap_or_default().into_iter().map(provider).collect()
}

/// What is not served is refused, so that nobody counts on it.
fn honourable(input: &CreateIdentityPoolInput) -> Result<(), Fault> {
    let some = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|l| !l.is_empty());
    for (given, name) in [
        (input.supported_login_providers.as_ref().is_some_and(|p| !p.is_empty()), "SupportedLoginProviders"),
        (input.developer_provider_name.is_some(), "DeveloperProviderName"),
        (some(&input.open_id_connect_provider_ar_ns), "OpenIdConnectProviderARNs"),
        (some(&input.saml_provider_ar_ns), "SamlProviderARNs"),
    ] {
        if given {
            return Err(invalid(format!("{name} is not served by this runtime")));
        }
    }
    Ok(())
}

fn shape(pool: &Pool) -> IdentityPool {
    let provider = |p: &Provider| CognitoIdentityProvider {
        provider_name: Some(p.name.clone()),
        client_id: Some(p.client.clone()),
        server_side_token_check: Some(p.checks),
    };
    let providers: Vec<_> = pool.providers.iter().map(provider).collect();
    IdentityPool {
        identity_pool_id: pool.id.clone(),
        identity_pool_name: pool.name.clone(),
        allow_unauthenticated_identities: pool.unauthenticated,
        allow_classic_flow: pool.classic,
        cognito_identity_providers: (!providers.is_empty()).then_some(providers),
        identity_pool_tags: Some(pool.tags.clone()),
        ..IdentityPool::default()
    }
}

/// <https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_CreateIdentityPool.html>
pub(crate) fn create_identity_pool(
    tx: &mut Tx<'_>,
    input: CreateIdentityPoolInput,
) -> Result<IdentityPool, Fault> {
    honourable(&input)?;
    let pool = Pool {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: format!("{}:{}", tx.region, tx.uuid()),
        name: input.identity_pool_name,
        unauthenticated: input.allow_unauthenticated_identities,
        classic: input.allow_classic_flow,
        providers: providers(input.cognito_identity_providers)?,
        roles: BTreeMap::new(),
        mappings: BTreeMap::new(),
        tags: input.identity_pool_tags.unwrap_or_default(),
    };
    let shown = shape(&pool);
    issuer::make(tx, &pool.id)?;
    tx.put(pool)?;
    Ok(shown)
}

pub(crate) fn describe_identity_pool(
    tx: &mut Tx<'_>,
    input: DescribeIdentityPoolInput,
) -> Result<IdentityPool, Fault> {
    find(tx, &input.identity_pool_id).map(|pool| shape(&pool))
}

/// What an update does not name is gone, but for the tags, as in AWS.
pub(crate) fn update_identity_pool(tx: &mut Tx<'_>, input: IdentityPool) -> Result<IdentityPool, Fault> {
    let mut pool = find(tx, &input.identity_pool_id)?;
    let wanted = CreateIdentityPoolInput {
        identity_pool_name: input.identity_pool_name,
        allow_unauthenticated_identities: input.allow_unauthenticated_identities,
        allow_classic_flow: input.allow_classic_flow,
        supported_login_providers: input.supported_login_providers,
        developer_provider_name: input.developer_provider_name,
        open_id_connect_provider_ar_ns: input.open_id_connect_provider_ar_ns,
        cognito_identity_providers: input.cognito_identity_providers,
        saml_provider_ar_ns: input.saml_provider_ar_ns,
        identity_pool_tags: input.identity_pool_tags,
    };
    honourable(&wanted)?;
    pool.name = wanted.identity_pool_name;
    pool.unauthenticated = wanted.allow_unauthenticated_identities;
    pool.classic = wanted.allow_classic_flow;
    pool.providers = providers(wanted.cognito_identity_providers)?;
    pool.tags = wanted.identity_pool_tags.unwrap_or(pool.tags);
    let shown = shape(&pool);
    tx.put(pool)?;
    Ok(shown)
}

/// The pool's identities get nothing any more, and no token of the pool's is any good.
pub(crate) fn delete_identity_pool(tx: &mut Tx<'_>, input: DeleteIdentityPoolInput) -> Result<(), Fault> {
    let pool = find(tx, &input.identity_pool_id)?;
    identity::remove_all(tx, &pool.id)?;
    issuer::remove(tx, &pool.id)?;
    tx.remove(&pool)
}

pub(crate) fn list_identity_pools(
    tx: &mut Tx<'_>,
    input: ListIdentityPoolsInput,
) -> Result<ListIdentityPoolsResponse, Fault> {
    let limit = usize::try_from(input.max_results).unwrap_or(60).clamp(1, 60);
    let after = input.next_token.unwrap_or_default();
    let mut found: Vec<Pool> = tx.list::<Pool>().filter(|p| p.id > after).take(limit + 1).cloned().collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|p| p.id.clone());
    let short = |p: Pool| IdentityPoolShortDescription {
        identity_pool_id: Some(p.id),
        identity_pool_name: Some(p.name),
    };
    Ok(ListIdentityPoolsResponse { identity_pools: Some(found.into_iter().map(short).collect()), next_token })
}

fn by_arn(tx: &Tx<'_>, arn: &str) -> Result<Pool, Fault> {
    let found = tx.find_arn::<Pool>(arn).filter(|p| p.account == tx.account && p.region == tx.region);
    found.cloned().ok_or_else(|| missing(arn.rsplit('/').next().unwrap_or_default()))
}

pub(crate) fn tag_resource(tx: &mut Tx<'_>, input: TagResourceInput) -> Result<(), Fault> {
    let mut pool = by_arn(tx, &input.resource_arn)?;
    pool.tags.extend(input.tags);
    tx.put(pool)
}

pub(crate) fn untag_resource(tx: &mut Tx<'_>, input: UntagResourceInput) -> Result<(), Fault> {
    let mut pool = by_arn(tx, &input.resource_arn)?;
    pool.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(pool)
}

pub(crate) fn list_tags_for_resource(
    tx: &mut Tx<'_>,
    input: ListTagsForResourceInput,
) -> Result<ListTagsForResourceResponse, Fault> {
    Ok(ListTagsForResourceResponse { tags: Some(by_arn(tx, &input.resource_arn)?.tags) })
}
