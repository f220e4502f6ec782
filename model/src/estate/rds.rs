//! Database instances: what the engine runs by, what the front judges logins by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::arn;
use crate::{AccountId, Snapshot, Tags, Timestamp};

/// The parameter that says whether a login needs TLS.
pub const FORCE_SSL: &str = "rds.force_ssl";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DbInstance {
    pub account: AccountId,
    pub region: String,
    /// The identifier, in lower case.
    pub id: String,
    /// `db-` and 26 letters and digits; never used twice.
    pub resource_id: String,
    pub class: String,
    /// The version that was asked for, in full: what parameter groups go by.
    pub asked_version: String,
    /// The version that runs: the one installed here.
    pub engine_version: String,
    /// GiB.
    pub storage: i64,
    pub storage_type: String,
    pub master_user: String,
    pub db_name: Option<String>,
    /// The port that was asked for.
    pub port: u16,
    /// The port that the front listens on, once it does.
    pub endpoint_port: Option<u16>,
    pub iam_authentication: bool,
    /// The ARN of the key, where the storage is encrypted.
    pub kms_key: Option<String>,
    pub subnet_group: Option<String>,
    pub security_groups: Vec<String>,
    pub public: bool,
    pub zone: String,
    pub multi_az: bool,
    pub deletion_protection: bool,
    /// Days.
    pub backup_retention: i64,
    pub backup_window: String,
    pub maintenance_window: String,
    pub minor_upgrades: bool,
    pub copy_tags: bool,
    pub certificate_authority: String,
    pub parameter_group: String,
    /// The parameters in effect; those of the group may wait for a reboot.
    pub parameters: BTreeMap<String, String>,
    pub pending_reboot: bool,
    pub master_secret: Option<MasterSecret>,
    /// Counts the passwords that the master user was given; the verifier of the newest is a record.
    pub master_version: u64,
    /// The one that the engine has.
    pub master_applied: u64,
    /// `creating`, `available`, `stopped`, ...
    pub status: String,
    /// Why the status is no good one.
    pub reason: Option<String>,
    /// Counts the changes that the engine has to follow; `settled` is the last that it did.
    pub generation: u64,
    pub settled: u64,
    /// Counts the restarts that were asked for.
    pub restarts: u64,
    /// The engine has answered since it was made or started.
    pub engine_up: bool,
    pub created: Timestamp,
    pub tags: Tags,
}

/// A master password that Secrets Manager keeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterSecret {
    pub arn: String,
    pub kms_key: Option<String>,
}

/// The table of the master users' SCRAM verifiers, by `resource_id`: sealed for purpose
/// [`VERIFIER_PURPOSE`] with `resource_id/master_version` as additional data.
pub const VERIFIERS: &str = "rds/verifiers";
pub const VERIFIER_PURPOSE: &str = "rds-verifier";

impl DbInstance {
    pub fn arn(&self) -> String {
        arn("rds", &self.region, &self.account, &format!("db:{}", self.id))
    }

    /// What `rds-db:connect` is asked on.
    pub fn user_arn(&self, user: &str) -> String {
        arn("rds-db", &self.region, &self.account, &format!("dbuser:{}/{user}", self.resource_id))
    }

    /// Whether the engine is to run.
    pub fn runs(&self) -> bool {
        !matches!(
            self.status.as_str(),
            "stopping" | "stopped" | "deleting" | "inaccessible-encryption-credentials-recoverable"
        )
    }

    /// Whether sessions may begin and go on.
    pub fn serves(&self, snapshot: &Snapshot) -> bool {
        self.engine_up
            && self.runs()
            && !matches!(self.status.as_str(), "creating" | "starting" | "failed")
            && self.key_usable(snapshot)
    }

    pub fn force_ssl(&self) -> bool {
        self.parameters.get(FORCE_SSL).is_none_or(|value| value != "0")
    }

    /// Storage under a key that is disabled or gone is not to be read. (A key is asked for by
    /// what it shows of itself: its node belongs to KMS.)
    pub fn key_usable(&self, snapshot: &Snapshot) -> bool {
        let Some(key) = &self.kms_key else { return true };
        let state = snapshot.by_arn(key).map(|node| node.to_json());
        state.is_some_and(|json| json.get("state").and_then(|s| s.as_str()) == Some("Enabled"))
    }
}

crate::regional_node!(DbInstance, "AWS::RDS::DBInstance", id);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DbSubnetGroup {
    pub account: AccountId,
    pub region: String,
    /// In lower case.
    pub name: String,
    pub description: String,
    pub vpc: String,
    pub subnets: Vec<String>,
    pub tags: Tags,
}

impl DbSubnetGroup {
    pub fn arn(&self) -> String {
        arn("rds", &self.region, &self.account, &format!("subgrp:{}", self.name))
    }
}

crate::regional_node!(DbSubnetGroup, "AWS::RDS::DBSubnetGroup", name);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DbParameterGroup {
    pub account: AccountId,
    pub region: String,
    /// In lower case.
    pub name: String,
    /// `postgres16`.
    pub family: String,
    pub description: String,
    /// What differs from the defaults.
    pub parameters: BTreeMap<String, String>,
    pub tags: Tags,
}

impl DbParameterGroup {
    pub fn arn(&self) -> String {
        arn("rds", &self.region, &self.account, &format!("pg:{}", self.name))
    }
}

crate::regional_node!(DbParameterGroup, "AWS::RDS::DBParameterGroup", name);
