//! Application load balancers, as the balancer serves them and the gateway finds them.

use serde::{Deserialize, Serialize};

use crate::ids::arn;
use crate::{AccountId, Tags, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadBalancer {
    pub account: AccountId,
    pub region: String,
    pub name: String,
    /// Sixteen hexadecimal digits, the end of the ARN.
    pub id: String,
    /// `application`.
    pub kind: String,
    /// `internal` or `internet-facing`.
    pub scheme: String,
    /// `[internal-]NAME-NUMBER.REGION.elb.localhost`.
    pub dns_name: String,
    pub vpc: String,
    pub subnets: Vec<String>,
    pub security_groups: Vec<String>,
    pub interfaces: Vec<String>,
    /// `provisioning`, `active`, `failed`.
    pub state: String,
    pub attributes: std::collections::BTreeMap<String, String>,
    pub created: Timestamp,
    pub tags: Tags,
}

impl LoadBalancer {
    pub fn arn(&self) -> String {
        arn("elasticloadbalancing", &self.region, &self.account, &self.resource())
    }

    fn resource(&self) -> String {
        format!("loadbalancer/app/{}/{}", self.name, self.id)
    }
}

crate::regional_node!(LoadBalancer, "AWS::ElasticLoadBalancingV2::LoadBalancer", name);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listener {
    pub account: AccountId,
    pub region: String,
    /// `NAME/BALANCER_ID/LISTENER_ID`, the end of the ARN.
    pub id: String,
    pub load_balancer: String,
    pub port: u16,
    /// `HTTP` or `HTTPS`.
    pub protocol: String,
    /// ARNs; the first is the default.
    pub certificates: Vec<String>,
    pub ssl_policy: Option<String>,
    pub default_actions: Vec<serde_json::Value>,
    #[serde(default)]
    pub attributes: std::collections::BTreeMap<String, String>,
    #[serde(default)]
    pub mutual_authentication: Option<serde_json::Value>,
    pub tags: Tags,
}

impl Listener {
    pub fn arn(&self) -> String {
        arn("elasticloadbalancing", &self.region, &self.account, &format!("listener/app/{}", self.id))
    }
}

crate::regional_node!(Listener, "AWS::ElasticLoadBalancingV2::Listener", id);
