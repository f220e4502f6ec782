//! API keys and usage plans.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Kept, management_arn};
use crate::{AccountId, Node, Tags, Timestamp};

/// An API key; its value is sealed and found by its digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    pub account: AccountId,
    pub region: String,
    pub id: String,
    pub name: Option<String>,
    pub customer_id: Option<String>,
    pub description: Option<String>,
    pub enabled: bool,
    pub created_date: Timestamp,
    pub last_updated_date: Timestamp,
    /// SHA-256 of the value, hexadecimal.
    pub digest: String,
    /// The value, sealed for purpose `api-key` with the id as additional data; hexadecimal.
    pub sealed_value: String,
    pub tags: Tags,
}

impl ApiKey {
    /// The name under which the key with this digest is found.
    pub fn named(account: &AccountId, region: &str, digest: &str) -> String {
        format!("api-key/{account}/{region}/{digest}")
    }

    pub fn arn(&self) -> String {
        management_arn(&self.region, &format!("/apikeys/{}", self.id))
    }
}

impl Node for ApiKey {
    const KIND: &'static str = "AWS::ApiGateway::ApiKey";
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
        Some(ApiKey::named(&self.account, &self.region, &self.digest))
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UsagePlan {
    pub account: AccountId,
    pub region: String,
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    #[serde(default)]
    pub api_stages: Vec<ApiStage>,
    pub throttle: Option<Throttle>,
    pub quota: Option<Quota>,
    /// Ids of the keys in the plan.
    #[serde(default)]
    pub keys: Vec<String>,
    pub tags: Tags,
    /// The data plane's throttles and counters.
    #[serde(skip)]
    pub live: Kept,
}

impl UsagePlan {
    pub fn arn(&self) -> String {
        management_arn(&self.region, &format!("/usageplans/{}", self.id))
    }
}

crate::regional_node!(UsagePlan, "AWS::ApiGateway::UsagePlan", id);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ApiStage {
    pub api_id: String,
    pub stage: String,
    /// `/PATH/METHOD` to a throttle of its own.
    pub throttle: BTreeMap<String, Throttle>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Throttle {
    pub burst_limit: i64,
    /// Requests per second.
    pub rate_limit: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Quota {
    pub limit: i64,
    pub offset: i64,
    /// `DAY`, `WEEK`, `MONTH`.
    pub period: String,
}

/// The account's settings in a region.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayAccount {
    pub account: AccountId,
    pub region: String,
    /// Always `account`.
    pub id: String,
    /// The role with which logs are written.
    pub cloudwatch_role_arn: Option<String>,
}

impl Node for GatewayAccount {
    const KIND: &'static str = "AWS::ApiGateway::Account";
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
