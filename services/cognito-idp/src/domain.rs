//! A pool's domain: where its token endpoint is asked for. Prefixes only; a domain of one's own
//! needs a certificate elsewhere.

use model::{AccountId, Fault, Node, Tx};
use serde::{Deserialize, Serialize};

use crate::fault::{invalid, not_honoured};
use crate::pool;
use crate::shapes::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Domain {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) prefix: String,
    pub(crate) pool: String,
}

impl Node for Domain {
    const KIND: &'static str = "AWS::Cognito::UserPoolDomain";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.prefix
    }
    fn global_name(&self) -> Option<String> {
        Some(named(&self.region, &self.prefix))
    }
}

/// Prefixes are unique in a region, over all accounts.
fn named(region: &str, prefix: &str) -> String {
    format!("user-pool-domain/{region}/{prefix}")
}

/// <https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolDomain.html>
pub(crate) fn create_user_pool_domain(
    tx: &mut Tx<'_>,
    input: CreateUserPoolDomainRequest,
) -> Result<CreateUserPoolDomainResponse, Fault> {
    if input.custom_domain_config.is_some() || input.domain.contains('.') {
        return Err(not_honoured("CustomDomainConfig"));
    }
    let mut pool = pool::find(tx, &input.user_pool_id)?;
    if pool.domain.is_some() {
        return Err(invalid("User pool already has a domain configured."));
    }
    if tx.snapshot().find_named::<Domain>(&named(&tx.region, &input.domain)).is_some() {
        return Err(invalid("Domain already associated with another user pool."));
    }
    if ["aws", "amazon", "cognito"].iter().any(|word| input.domain.contains(word)) {
        return Err(invalid("Domain cannot contain reserved word: aws, amazon or cognito"));
    }
    let (account, region) = (tx.account.clone(), tx.region.clone());
    tx.put(Domain { account, region, prefix: input.domain.clone(), pool: pool.id.clone() })?;
    pool.domain = Some(input.domain);
    tx.put(pool)?;
    Ok(CreateUserPoolDomainResponse::default())
}

pub(crate) fn describe_user_pool_domain(
    tx: &mut Tx<'_>,
    input: DescribeUserPoolDomainRequest,
) -> Result<DescribeUserPoolDomainResponse, Fault> {
    // A domain that is not there is described as nothing, as in AWS.
    let described = tx.find::<Domain>(&input.domain).map(|domain| DomainDescriptionType {
        user_pool_id: Some(domain.pool.clone()),
        aws_account_id: Some(domain.account.to_string()),
        domain: Some(domain.prefix.clone()),
        status: Some("ACTIVE".to_owned()),
        ..DomainDescriptionType::default()
    });
    Ok(DescribeUserPoolDomainResponse { domain_description: Some(described.unwrap_or_default()) })
}

pub(crate) fn delete_user_pool_domain(
    tx: &mut Tx<'_>,
    input: DeleteUserPoolDomainRequest,
) -> Result<(), Fault> {
    let mut pool = pool::find(tx, &input.user_pool_id)?;
    let domain = tx.find::<Domain>(&input.domain).filter(|d| d.pool == pool.id).cloned();
    let domain = domain.ok_or_else(|| invalid("No such domain or user pool exists."))?;
    tx.remove(&domain)?;
    pool.domain = None;
    tx.put(pool)
}
