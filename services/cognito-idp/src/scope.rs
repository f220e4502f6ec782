//! Resource servers: the scopes that access tokens may carry for the APIs behind them.

use model::{AccountId, Fault, Node, Tx};
use serde::{Deserialize, Serialize};

use crate::fault::{invalid, missing};
use crate::shapes::*;
use crate::{page, pool};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourceServer {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) pool: String,
    pub(crate) identifier: String,
    /// `POOL/IDENTIFIER`.
    pub(crate) key: String,
    pub(crate) name: String,
    /// Name and description.
    pub(crate) scopes: Vec<(String, String)>,
}

impl Node for ResourceServer {
    const KIND: &'static str = "AWS::Cognito::UserPoolResourceServer";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.key
    }
}

/// The scopes of OpenID Connect and of the pool's own API.
const BUILT_IN: [&str; 5] = ["phone", "email", "openid", "profile", "aws.cognito.signin.user.admin"];

/// Every scope that clients of this pool may be allowed.
pub(crate) fn names(tx: &Tx<'_>, pool: &str) -> Vec<String> {
    let own = of_pool(tx, pool)
        .flat_map(|s| s.scopes.iter().map(move |(name, _)| format!("{}/{name}", s.identifier)));
    BUILT_IN.iter().map(|s| (*s).to_owned()).chain(own).collect()
}

fn of_pool<'s>(tx: &'s Tx<'_>, pool: &'s str) -> impl Iterator<Item = &'s ResourceServer> {
    tx.list::<ResourceServer>().filter(move |s| s.pool == pool)
}

fn find(tx: &Tx<'_>, pool: &str, identifier: &str) -> Result<ResourceServer, Fault> {
    pool::find(tx, pool)?;
    let found = tx.find::<ResourceServer>(&format!("{pool}/{identifier}")).cloned();
    found.ok_or_else(|| missing(format!("Resource server {identifier} does not exist.")))
}

fn shape(server: &ResourceServer) -> ResourceServerType {
    let scope = |(name, description): &(String, String)| ResourceServerScopeType {
        scope_name: name.clone(),
        scope_description: description.clone(),
    };
    ResourceServerType {
        user_pool_id: Some(server.pool.clone()),
        identifier: Some(server.identifier.clone()),
        name: Some(server.name.clone()),
        scopes: Some(server.scopes.iter().map(scope).collect()),
    }
}

fn scopes(given: Option<Vec<ResourceServerScopeType>>) -> Vec<(String, String)> {
    given.unwrap_or_default().into_iter().map(|s| (s.scope_name, s.scope_description)).collect()
}

pub(crate) fn create_resource_server(
    tx: &mut Tx<'_>,
    input: CreateResourceServerRequest,
) -> Result<CreateResourceServerResponse, Fault> {
    pool::find(tx, &input.user_pool_id)?;
    let key = format!("{}/{}", input.user_pool_id, input.identifier);
    if tx.find::<ResourceServer>(&key).is_some() {
        return Err(invalid(format!(
            "{} already exists in user pool {}.",
            input.identifier, input.user_pool_id
        )));
    }
    let server = ResourceServer {
        account: tx.account.clone(),
        region: tx.region.clone(),
        pool: input.user_pool_id,
        identifier: input.identifier,
        key,
        name: input.name,
        scopes: scopes(input.scopes),
    };
    let resource_server = shape(&server);
    tx.put(server)?;
    Ok(CreateResourceServerResponse { resource_server })
}

pub(crate) fn describe_resource_server(
    tx: &mut Tx<'_>,
    input: DescribeResourceServerRequest,
) -> Result<DescribeResourceServerResponse, Fault> {
    let server = find(tx, &input.user_pool_id, &input.identifier)?;
    Ok(DescribeResourceServerResponse { resource_server: shape(&server) })
}

pub(crate) fn update_resource_server(
    tx: &mut Tx<'_>,
    input: UpdateResourceServerRequest,
) -> Result<UpdateResourceServerResponse, Fault> {
    let mut server = find(tx, &input.user_pool_id, &input.identifier)?;
    server.name = input.name;
    server.scopes = scopes(input.scopes);
    let resource_server = shape(&server);
    tx.put(server)?;
    Ok(UpdateResourceServerResponse { resource_server })
}

pub(crate) fn delete_resource_server(
    tx: &mut Tx<'_>,
    input: DeleteResourceServerRequest,
) -> Result<(), Fault> {
    let server = find(tx, &input.user_pool_id, &input.identifier)?;
    tx.remove(&server)
}

pub(crate) fn list_resource_servers(
    tx: &mut Tx<'_>,
    input: ListResourceServersRequest,
) -> Result<ListResourceServersResponse, Fault> {
    pool::find(tx, &input.user_pool_id)?;
    let servers = of_pool(tx, &input.user_pool_id).map(|s| (s.identifier.clone(), shape(s)));
    let page = page::of(servers, input.next_token.as_deref(), input.max_results)?;
    Ok(ListResourceServersResponse { resource_servers: page.items, next_token: page.next })
}

pub(crate) fn remove_all(tx: &mut Tx<'_>, pool: &str) -> Result<(), Fault> {
    let servers: Vec<ResourceServer> = of_pool(tx, pool).cloned().collect();
    servers.iter().try_for_each(|server| tx.remove(server))
}
