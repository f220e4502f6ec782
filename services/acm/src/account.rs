//! The account's configuration: how long before its expiry a certificate is announced to expire.

use model::{AccountId, Fault, Node, Tx};
use serde::{Deserialize, Serialize};

use crate::shapes::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Configuration {
    account: AccountId,
    region: String,
    /// `configuration`: there is one.
    id: String,
    days_before_expiry: i64,
}

impl Node for Configuration {
    const KIND: &'static str = "AWS::CertificateManager::Account";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.id
    }
}

const ID: &str = "configuration";
const DAYS: i64 = 45;

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_GetAccountConfiguration.html>
pub(crate) fn get_account_configuration(
    tx: &mut Tx<'_>,
    _input: (),
) -> Result<GetAccountConfigurationResponse, Fault> {
    let days = tx.find::<Configuration>(ID).map_or(DAYS, |c| c.days_before_expiry);
    let events = ExpiryEventsConfiguration { days_before_expiry: Some(days) };
    Ok(GetAccountConfigurationResponse { expiry_events: Some(events) })
}

/// <https://docs.aws.amazon.com/acm/latest/APIReference/API_PutAccountConfiguration.html>
pub(crate) fn put_account_configuration(
    tx: &mut Tx<'_>,
    input: PutAccountConfigurationRequest,
) -> Result<(), Fault> {
    let days = input.expiry_events.and_then(|e| e.days_before_expiry);
    tx.put(Configuration {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: ID.to_owned(),
        days_before_expiry: days.unwrap_or(DAYS),
    })
}
