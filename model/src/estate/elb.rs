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

    /// The default actions; `None` where one cannot be read, which serves nothing.
    pub fn actions(&self) -> Option<Vec<Action>> {
        self.default_actions.iter().map(|a| serde_json::from_value(a.clone()).ok()).collect()
    }
}

crate::regional_node!(Listener, "AWS::ElasticLoadBalancingV2::Listener", id);

/// What a rule or a listener does with a request that it matches. Its JSON is AWS's own form.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "Type")]
pub enum Action {
    #[serde(rename = "forward")]
    Forward {
        #[serde(rename = "ForwardConfig")]
        to: Forward,
    },
    #[serde(rename = "redirect")]
    Redirect {
        #[serde(rename = "RedirectConfig")]
        to: Redirect,
    },
    #[serde(rename = "fixed-response")]
    FixedResponse {
        #[serde(rename = "FixedResponseConfig")]
        answer: FixedResponse,
    },
}

/// Target groups among which requests are shared by weight.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Forward {
    pub target_groups: Vec<Weighted>,
    /// Seconds for which a client stays with its target group; `None`: it does not.
    pub stickiness: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Weighted {
    /// An ARN.
    pub target_group: String,
    /// 0 to 999.
    pub weight: u32,
}

/// `#{protocol}`, `#{host}`, `#{port}`, `#{path}` and `#{query}` stand for the request's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Redirect {
    pub protocol: String,
    pub port: String,
    pub host: String,
    pub path: String,
    pub query: String,
    pub status: u16,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FixedResponse {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: String,
}

/// One condition of a rule; any of its values is enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Condition {
    Host(Vec<String>),
    Path(Vec<String>),
    Header {
        name: String,
        values: Vec<String>,
    },
    Method(Vec<String>),
    /// Pairs; without a key the value may stand under any.
    Query(Vec<(Option<String>, String)>),
    /// Address blocks.
    Source(Vec<String>),
}

/// A rule of a listener, looked at in the order of priorities before the listener's default actions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub account: AccountId,
    pub region: String,
    /// `NAME/BALANCER_ID/LISTENER_ID/RULE_ID`, the end of the ARN.
    pub id: String,
    /// The listener's ARN.
    pub listener: String,
    /// 1 to 50,000.
    pub priority: u32,
    /// All must hold.
    pub conditions: Vec<Condition>,
    pub actions: Vec<Action>,
    pub tags: Tags,
}

impl Rule {
    pub fn arn(&self) -> String {
        arn("elasticloadbalancing", &self.region, &self.account, &format!("listener-rule/app/{}", self.id))
    }
}

crate::regional_node!(Rule, "AWS::ElasticLoadBalancingV2::ListenerRule", id);

/// Where requests go: targets, how their health is found out, how one is chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetGroup {
    pub account: AccountId,
    pub region: String,
    pub name: String,
    /// Sixteen hexadecimal digits, the end of the ARN.
    pub id: String,
    /// `HTTP` or `HTTPS`.
    pub protocol: String,
    /// `HTTP1`, `HTTP2` or `GRPC`.
    pub protocol_version: String,
    pub port: u16,
    pub vpc: String,
    /// `ip` or `instance`.
    pub target_type: String,
    pub check: HealthCheck,
    pub targets: Vec<Target>,
    pub attributes: std::collections::BTreeMap<String, String>,
    pub created: Timestamp,
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// `HTTP` or `HTTPS`.
    pub protocol: String,
    /// `traffic-port` or a number.
    pub port: String,
    pub path: String,
    /// Seconds.
    pub interval: u32,
    /// Seconds.
    pub timeout: u32,
    pub healthy_threshold: u32,
    pub unhealthy_threshold: u32,
    /// `200`, `200,202`, `200-299`.
    pub matcher: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// An address or an instance.
    pub id: String,
    pub port: u16,
    /// The zone it was registered with: a zone's name or `all`.
    pub zone: Option<String>,
    /// Deregistered: it gets no new requests, and is gone at this time.
    #[serde(default)]
    pub draining_until: Option<Timestamp>,
}

impl TargetGroup {
    pub fn arn(&self) -> String {
        let resource = format!("targetgroup/{}/{}", self.name, self.id);
        arn("elasticloadbalancing", &self.region, &self.account, &resource)
    }
}

crate::regional_node!(TargetGroup, "AWS::ElasticLoadBalancingV2::TargetGroup", name);

/// Certificate authorities whose clients a listener lets in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrustStore {
    pub account: AccountId,
    pub region: String,
    pub name: String,
    /// Sixteen hexadecimal digits, the end of the ARN.
    pub id: String,
    /// PEM.
    pub bundle: String,
    pub certificates: u32,
    pub tags: Tags,
}

impl TrustStore {
    pub fn arn(&self) -> String {
        let resource = format!("truststore/{}/{}", self.name, self.id);
        arn("elasticloadbalancing", &self.region, &self.account, &resource)
    }
}

crate::regional_node!(TrustStore, "AWS::ElasticLoadBalancingV2::TrustStore", name);

/// A predefined security policy of HTTPS listeners.
#[derive(Clone, Copy, Debug)]
pub struct SslPolicy {
    pub name: &'static str,
    pub tls12: bool,
    pub tls13: bool,
}

const fn policy(name: &'static str, tls12: bool, tls13: bool) -> SslPolicy {
    SslPolicy { name, tls12, tls13 }
}

/// What a listener has that names none.
pub const DEFAULT_SSL_POLICY: &str = "ELBSecurityPolicy-2016-08";

/// The policies that are served, with what is spoken under them here: never TLS 1.1 or older, and of
/// TLS 1.2 only the ephemeral suites with authenticated encryption, whatever else AWS lets a policy offer.
pub const SSL_POLICIES: &[SslPolicy] = &[
    policy("ELBSecurityPolicy-2016-08", true, false),
    policy("ELBSecurityPolicy-TLS13-1-3-2021-06", false, true),
    policy("ELBSecurityPolicy-TLS13-1-2-Res-2021-06", true, true),
    policy("ELBSecurityPolicy-TLS13-1-2-2021-06", true, true),
    policy("ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", true, true),
    policy("ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", true, true),
    policy("ELBSecurityPolicy-TLS13-1-1-2021-06", true, true),
    policy("ELBSecurityPolicy-TLS13-1-0-2021-06", true, true),
    policy("ELBSecurityPolicy-FS-1-2-Res-2020-10", true, false),
    policy("ELBSecurityPolicy-FS-1-2-Res-2019-08", true, false),
    policy("ELBSecurityPolicy-FS-1-2-2019-08", true, false),
    policy("ELBSecurityPolicy-FS-1-1-2019-08", true, false),
    policy("ELBSecurityPolicy-FS-2018-06", true, false),
    policy("ELBSecurityPolicy-TLS-1-2-Ext-2018-06", true, false),
    policy("ELBSecurityPolicy-TLS-1-2-2017-01", true, false),
    policy("ELBSecurityPolicy-TLS-1-1-2017-01", true, false),
];

pub fn ssl_policy(name: &str) -> Option<&'static SslPolicy> {
    SSL_POLICIES.iter().find(|p| p.name == name)
}

/// The nodes of this file, for the service that owns them.
pub const NODES: &[crate::NodeKind] = &[
    crate::NodeKind::of::<LoadBalancer>(),
    crate::NodeKind::of::<Listener>(),
    crate::NodeKind::of::<Rule>(),
    crate::NodeKind::of::<TargetGroup>(),
    crate::NodeKind::of::<TrustStore>(),
];
