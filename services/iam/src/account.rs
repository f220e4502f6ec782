//! The account's alias: one, and nobody else's.

use model::{AccountId, Fault, Node, Tx};
use serde::{Deserialize, Serialize};

use crate::shapes::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Alias {
    account: AccountId,
    name: String,
}

impl Node for Alias {
    const KIND: &'static str = "Countersign::IAM::AccountAlias";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        ""
    }
    /// An account has one.
    fn local_id(&self) -> &str {
        "alias"
    }
    fn global_name(&self) -> Option<String> {
        Some(named(&self.name))
    }
}

fn named(alias: &str) -> String {
    format!("account-alias/{alias}")
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html>
pub(crate) fn create_account_alias(tx: &mut Tx<'_>, input: CreateAccountAliasRequest) -> Result<(), Fault> {
    let name = input.account_alias;
    let taken = tx.snapshot().find_named::<Alias>(&named(&name)).is_some_and(|a| a.account != tx.account);
    if taken {
        return Err(Fault::new(
            "EntityAlreadyExists",
            409,
            format!("The account alias {name} already exists."),
        ));
    }
    // A new alias takes the place of the old one.
    tx.put(Alias { account: tx.account.clone(), name })
}

pub(crate) fn delete_account_alias(tx: &mut Tx<'_>, input: DeleteAccountAliasRequest) -> Result<(), Fault> {
    let own = tx.find_global::<Alias>("alias").filter(|a| a.name == input.account_alias).cloned();
    let missing = || {
        let message = format!("The account alias {} does not exist.", input.account_alias);
        Fault::new("NoSuchEntity", 404, message)
    };
    let alias = own.ok_or_else(missing)?;
    tx.remove(&alias)
}

pub(crate) fn list_account_aliases(
    tx: &mut Tx<'_>,
    _: ListAccountAliasesRequest,
) -> Result<ListAccountAliasesResponse, Fault> {
    let account_aliases = tx.find_global::<Alias>("alias").map(|a| a.name.clone()).into_iter().collect();
    Ok(ListAccountAliasesResponse { account_aliases, is_truncated: Some(false), marker: None })
}
