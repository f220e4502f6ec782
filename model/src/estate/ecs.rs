//! Clusters, task definitions, services and tasks, as ECS keeps and `act` runs them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::arn;
use crate::{AccountId, Fault, Host, Tags, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    pub account: AccountId,
    pub region: String,
    pub name: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    pub settings: BTreeMap<String, String>,
    pub capacity_providers: Vec<String>,
    pub default_strategy: Vec<CapacityShare>,
    pub created: Timestamp,
    pub tags: Tags,
}

/// `FARGATE` or `FARGATE_SPOT`, which are the same machine here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapacityShare {
    pub provider: String,
    pub weight: i64,
    pub base: i64,
}

impl Cluster {
    pub fn arn(&self) -> String {
        arn("ecs", &self.region, &self.account, &format!("cluster/{}", self.name))
    }
}

crate::regional_node!(Cluster, "AWS::ECS::Cluster", name);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskDefinition {
    pub account: AccountId,
    pub region: String,
    /// `FAMILY:REVISION`.
    pub id: String,
    pub family: String,
    pub revision: i64,
    /// `ACTIVE`, `INACTIVE`, `DELETE_IN_PROGRESS`.
    pub status: String,
    pub task_role: Option<String>,
    pub execution_role: Option<String>,
    pub network_mode: Option<String>,
    pub cpu: Option<String>,
    pub memory: Option<String>,
    /// `EC2`, `FARGATE`: what it must and what it can run on.
    pub requires: Vec<String>,
    pub compatibilities: Vec<String>,
    /// `X86_64` or `ARM64`, where it is said.
    pub architecture: Option<String>,
    pub operating_system: Option<String>,
    /// The containers in the API's JSON, sealed for purpose `ecs-containers` with the ARN as additional
    /// data, for their environment may hold secrets; hexadecimal.
    pub sealed_containers: String,
    pub registered: Timestamp,
    pub registered_by: String,
    pub deregistered: Option<Timestamp>,
    pub tags: Tags,
}

impl TaskDefinition {
    pub fn arn(&self) -> String {
        arn("ecs", &self.region, &self.account, &format!("task-definition/{}", self.id))
    }

    /// The containers as the API has them. Secret.
    pub fn containers_json(&self, host: &dyn Host) -> Result<serde_json::Value, Fault> {
        unsealed(host, "ecs-containers", &self.arn(), &self.sealed_containers)
    }

    pub fn containers(&self, host: &dyn Host) -> Result<Vec<Container>, Fault> {
        serde_json::from_value(self.containers_json(host)?)
            .map_err(|e| Fault::internal(format!("the containers of `{}` cannot be read: {e}", self.id)))
    }
}

crate::regional_node!(TaskDefinition, "AWS::ECS::TaskDefinition", id);

/// Seals a document for a node of this file.
pub fn sealed(host: &dyn Host, purpose: &str, arn: &str, json: &serde_json::Value) -> Result<String, Fault> {
    let sealed = host.seal(purpose, arn.as_bytes(), json.to_string().as_bytes())?;
    Ok(hex::encode(sealed))
}

/// Opens a document of a node of this file.
pub fn unsealed(host: &dyn Host, purpose: &str, arn: &str, sealed: &str) -> Result<serde_json::Value, Fault> {
    let unreadable = || Fault::internal(format!("a sealed part of `{arn}` cannot be read"));
    let plain = host.unseal(purpose, arn.as_bytes(), &hex::decode(sealed).map_err(|_| unreadable())?)?;
    serde_json::from_slice(&plain).map_err(|_| unreadable())
}

/// A container of a task definition: what `act` needs of the API's form.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    pub name: String,
    pub image: String,
    pub cpu: i64,
    pub memory: Option<i64>,
    pub memory_reservation: Option<i64>,
    pub essential: Option<bool>,
    pub entry_point: Vec<String>,
    pub command: Vec<String>,
    pub environment: Vec<NameValue>,
    pub secrets: Vec<SecretFrom>,
    pub port_mappings: Vec<PortMapping>,
    pub log_configuration: Option<LogConfiguration>,
    pub readonly_root_filesystem: bool,
    pub ulimits: Vec<Ulimit>,
    /// Seconds.
    pub start_timeout: Option<i64>,
    pub stop_timeout: Option<i64>,
    pub depends_on: Vec<Dependency>,
    pub health_check: Option<HealthCheck>,
    pub docker_labels: BTreeMap<String, String>,
}

impl std::fmt::Debug for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Container")
            .field("name", &self.name)
            .field("image", &self.image)
            .finish_non_exhaustive()
    }
}

impl Container {
    /// Whether the task ends with this container.
    pub fn is_essential(&self) -> bool {
        self.essential != Some(false)
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NameValue {
    pub name: String,
    pub value: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SecretFrom {
    pub name: String,
    /// The ARN of a secret (`ARN:json-key:stage:version`) or of a parameter, or a parameter's name.
    pub value_from: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PortMapping {
    pub container_port: Option<i64>,
    pub protocol: Option<String>,
    pub name: Option<String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LogConfiguration {
    pub log_driver: String,
    pub options: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Ulimit {
    pub name: String,
    pub soft_limit: i64,
    pub hard_limit: i64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Dependency {
    pub container_name: String,
    /// `START`, `COMPLETE`, `SUCCESS`, `HEALTHY`.
    pub condition: String,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HealthCheck {
    /// `CMD` or `CMD-SHELL` first.
    pub command: Vec<String>,
    /// Seconds.
    pub interval: Option<i64>,
    pub timeout: Option<i64>,
    pub retries: Option<i64>,
    pub start_period: Option<i64>,
}

/// Where the tasks of a service or call are placed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Placement {
    pub subnets: Vec<String>,
    /// None: the default group of the VPC.
    pub security_groups: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Service {
    pub account: AccountId,
    pub region: String,
    /// `CLUSTER/NAME`, the end of the ARN.
    pub id: String,
    pub cluster: String,
    pub name: String,
    /// `ACTIVE`, `DRAINING`, `INACTIVE`.
    pub status: String,
    pub desired: i64,
    /// ARN; that of the primary deployment.
    pub definition: String,
    pub capacity: Vec<CapacityShare>,
    pub placement: Placement,
    pub load_balancers: Vec<BalancedPort>,
    /// Seconds in which unhealthy targets are left alone.
    pub grace: Option<i64>,
    pub minimum_percent: i64,
    pub maximum_percent: i64,
    pub breaker: bool,
    pub rollback: bool,
    pub managed_tags: bool,
    /// `TASK_DEFINITION`, `SERVICE` or `NONE`.
    pub propagate_tags: String,
    pub rebalancing: String,
    /// The newest first, which is the primary one.
    pub deployments: Vec<Deployment>,
    /// The newest first, at most 100.
    pub events: Vec<ServiceEvent>,
    /// Tasks that failed in a row; launches wait longer after each.
    pub failures: u32,
    pub launch_after: Timestamp,
    pub created: Timestamp,
    pub created_by: String,
    pub client_token: Option<String>,
    pub tags: Tags,
}

impl Service {
    pub fn arn(&self) -> String {
        arn("ecs", &self.region, &self.account, &format!("service/{}", self.id))
    }
}

crate::regional_node!(Service, "AWS::ECS::Service", id);

/// A container's port that is registered with a target group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BalancedPort {
    pub target_group: String,
    pub container: String,
    pub port: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// `ecs-svc/` and nineteen digits.
    pub id: String,
    /// `PRIMARY`, `ACTIVE`.
    pub status: String,
    pub definition: String,
    pub placement: Placement,
    pub failed: i64,
    /// Failures since a task was last healthy.
    pub failed_in_row: i64,
    /// `IN_PROGRESS`, `COMPLETED`, `FAILED`.
    pub rollout: String,
    pub reason: String,
    pub created: Timestamp,
    pub updated: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceEvent {
    pub id: String,
    pub time: Timestamp,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    pub account: AccountId,
    pub region: String,
    /// `CLUSTER/ID`, the end of the ARN.
    pub id: String,
    pub cluster: String,
    pub definition: String,
    /// `service:NAME`, `family:NAME`, or what the caller says.
    pub group: String,
    /// A deployment's id, or what the caller says.
    pub started_by: Option<String>,
    /// The service it belongs to, `CLUSTER/NAME`.
    pub service: Option<String>,
    /// `RUNNING` or `STOPPED`.
    pub desired: String,
    /// `PROVISIONING`, `PENDING`, `ACTIVATING`, `RUNNING`, `DEACTIVATING`, `STOPPING`, `DEPROVISIONING`, `STOPPED`.
    pub status: String,
    pub task_role: Option<String>,
    pub execution_role: Option<String>,
    pub cpu: Option<String>,
    pub memory: Option<String>,
    pub provider: Option<String>,
    pub containers: Vec<TaskContainer>,
    pub interface: Interface,
    /// Overrides in the API's JSON, sealed for purpose `ecs-overrides`; hexadecimal.
    pub sealed_overrides: Option<String>,
    pub health: String,
    pub stop_code: Option<String>,
    pub stop_reason: Option<String>,
    /// Its port is registered with the service's target groups.
    pub registered: bool,
    /// It was healthy once.
    pub proven: bool,
    pub created: Timestamp,
    pub pull_started: Option<Timestamp>,
    pub pull_stopped: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub stopping: Option<Timestamp>,
    pub stopped: Option<Timestamp>,
    /// Counts changes.
    pub version: i64,
    pub client_token: Option<String>,
    pub tags: Tags,
}

impl Task {
    pub fn arn(&self) -> String {
        arn("ecs", &self.region, &self.account, &format!("task/{}", self.id))
    }

    /// The thirty-two digits.
    pub fn short_id(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }

    /// Overrides in the API's form. Secret.
    pub fn overrides_json(&self, host: &dyn Host) -> Result<Option<serde_json::Value>, Fault> {
        let open = |sealed: &String| unsealed(host, "ecs-overrides", &self.arn(), sealed);
        self.sealed_overrides.as_ref().map(open).transpose()
    }
}

crate::regional_node!(Task, "AWS::ECS::Task", id);

/// The elastic network interface of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interface {
    /// `eni-...`.
    pub id: String,
    pub attachment: String,
    pub vpc: String,
    pub subnet: String,
    pub zone: String,
    pub private_ip: String,
    pub mac: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskContainer {
    pub name: String,
    pub image: String,
    /// A UUID, the end of the container's ARN.
    pub id: String,
    pub cpu: String,
    pub memory: Option<String>,
    pub memory_reservation: Option<String>,
    /// As of tasks.
    pub status: String,
    /// `HEALTHY`, `UNHEALTHY`, `UNKNOWN`.
    pub health: String,
    pub checked: bool,
    pub exit_code: Option<i64>,
    pub reason: Option<String>,
    pub runtime_id: Option<String>,
}
