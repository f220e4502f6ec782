//! Aliases: second names of keys.

use model::{AccountId, Fault, Node, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::key::{self, Key, page};
use crate::shapes::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alias {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    /// With its `alias/`.
    pub(crate) name: String,
    pub(crate) key_arn: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
}

impl Node for Alias {
    const KIND: &'static str = "AWS::KMS::Alias";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.name
    }
    fn arn(&self) -> Option<String> {
        Some(model::ids::arn("kms", &self.region, &self.account, &self.name))
    }
}

fn valid(name: &str) -> Result<(), Fault> {
    if !name.starts_with("alias/") || name.len() <= "alias/".len() {
        return Err(Fault::validation(
            "Alias must start with the prefix \"alias/\". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        ));
    }
    if name.starts_with("alias/aws/") {
        return Err(Fault::client(
            "NotAuthorizedException",
            "names that begin with `alias/aws/` are for keys of AWS services",
        ));
    }
    Ok(())
}

/// A key of this account and region, not named by an alias.
fn target(tx: &Tx<'_>, id: &str) -> Result<Key, Fault> {
    if id.contains("alias/") {
        return Err(Fault::validation("Aliases must refer to keys. Not aliases"));
    }
    let key = key::find(tx, id)?;
    match key.account == tx.account && key.region == tx.region {
        true => Ok(key),
        false => Err(key::not_found(id)),
    }
}

fn missing(tx: &Tx<'_>, name: &str) -> Fault {
    let arn = model::ids::arn("kms", &tx.region, &tx.account, name);
    Fault::client("NotFoundException", format!("Alias {arn} is not found."))
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html>
pub(crate) fn create_alias(tx: &mut Tx<'_>, input: CreateAliasRequest) -> Result<(), Fault> {
    valid(&input.alias_name)?;
    let key = target(tx, &input.target_key_id)?;
    if let Some(old) = tx.find::<Alias>(&input.alias_name) {
        let arn = old.arn().unwrap_or_default();
        return Err(Fault::client(
            "AlreadyExistsException",
            format!("An alias with the name {arn} already exists"),
        ));
    }
    let (account, region) = (tx.account.clone(), tx.region.clone());
    tx.put(Alias {
        account,
        region,
        name: input.alias_name,
        key_arn: key.arn(),
        created: tx.now,
        updated: tx.now,
    })
}

pub(crate) fn update_alias(tx: &mut Tx<'_>, input: UpdateAliasRequest) -> Result<(), Fault> {
    valid(&input.alias_name)?;
    let mut alias =
        tx.find::<Alias>(&input.alias_name).cloned().ok_or_else(|| missing(tx, &input.alias_name))?;
    let key = target(tx, &input.target_key_id)?;
    let old = tx.find_arn::<Key>(&alias.key_arn);
    if old.is_some_and(|old| old.spec.usage() != key.spec.usage()) {
        return Err(Fault::validation("the new key must be of the same type and usage as the old one"));
    }
    alias.key_arn = key.arn();
    alias.updated = tx.now;
    tx.put(alias)
}

pub(crate) fn delete_alias(tx: &mut Tx<'_>, input: DeleteAliasRequest) -> Result<(), Fault> {
    valid(&input.alias_name)?;
    let alias = tx.find::<Alias>(&input.alias_name).cloned().ok_or_else(|| missing(tx, &input.alias_name))?;
    tx.remove(&alias)
}

pub(crate) fn list_aliases(tx: &mut Tx<'_>, input: ListAliasesRequest) -> Result<ListAliasesResponse, Fault> {
    let of = match &input.key_id {
        Some(id) => Some(key::find(tx, id)?.arn()),
        None => None,
    };
    let own = tx.list::<Alias>().filter(|a| of.as_ref().is_none_or(|of| a.key_arn == *of));
    let (aliases, next) = page(own, |a| a.name.clone(), input.marker.as_deref(), input.limit);
    let shown = aliases.into_iter().map(|a| AliasListEntry {
        alias_name: Some(a.name.clone()),
        alias_arn: a.arn(),
        target_key_id: a.key_arn.rsplit('/').next().map(str::to_owned),
        creation_date: Some(a.created),
        last_updated_date: Some(a.updated),
    });
    Ok(ListAliasesResponse {
        aliases: Some(shown.collect()),
        truncated: Some(next.is_some()),
        next_marker: next,
    })
}
