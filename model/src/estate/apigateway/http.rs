//! HTTP APIs and VPC links. Field names are those of the API, so that a node's JSON is the API's document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Kept, api_name, management_arn};
use crate::{AccountId, Node, Tags, Timestamp};

type Texts = BTreeMap<String, String>;

/// The working copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HttpApi {
    pub account: AccountId,
    pub region: String,
    pub api_id: String,
    pub name: String,
    /// `HTTP`.
    pub protocol_type: String,
    pub description: Option<String>,
    pub version: Option<String>,
    pub created_date: Timestamp,
    #[serde(default)]
    pub disable_execute_api_endpoint: bool,
    pub ip_address_type: String,
    pub definition: HttpDefinition,
    pub tags: Tags,
}

impl HttpApi {
    pub fn arn(&self) -> String {
        management_arn(&self.region, &format!("/apis/{}", self.api_id))
    }
}

impl Node for HttpApi {
    const KIND: &'static str = "AWS::ApiGatewayV2::Api";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.api_id
    }
    fn arn(&self) -> Option<String> {
        Some(self.arn())
    }
    fn global_name(&self) -> Option<String> {
        Some(api_name(&self.api_id))
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
}

/// What a deployment freezes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HttpDefinition {
    pub routes: BTreeMap<String, Route>,
    pub integrations: BTreeMap<String, HttpIntegration>,
    pub authorizers: BTreeMap<String, HttpAuthorizer>,
    pub cors: Option<Cors>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Route {
    pub route_id: String,
    /// `GET /orders/{id}` or `$default`.
    pub route_key: String,
    /// `NONE`, `JWT`, `AWS_IAM`.
    pub authorization_type: String,
    pub authorizer_id: Option<String>,
    pub authorization_scopes: Vec<String>,
    pub operation_name: Option<String>,
    /// `integrations/ID`.
    pub target: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HttpIntegration {
    pub integration_id: String,
    /// `HTTP_PROXY`.
    pub integration_type: String,
    pub integration_method: String,
    /// A URL, or the ARN of a load balancer's listener.
    pub integration_uri: String,
    pub connection_type: String,
    pub connection_id: Option<String>,
    pub description: Option<String>,
    pub payload_format_version: String,
    /// `overwrite:header.x` to its value.
    pub request_parameters: Texts,
    /// Status code to changes of the answer.
    pub response_parameters: BTreeMap<String, Texts>,
    pub timeout_in_millis: i64,
    pub tls_config: Option<ServerName>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServerName {
    pub server_name_to_verify: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HttpAuthorizer {
    pub authorizer_id: String,
    /// `JWT`.
    pub authorizer_type: String,
    pub name: String,
    /// `$request.header.Authorization`.
    pub identity_source: Vec<String>,
    pub jwt_configuration: JwtConfiguration,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct JwtConfiguration {
    pub audience: Vec<String>,
    pub issuer: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Cors {
    pub allow_credentials: Option<bool>,
    pub allow_headers: Option<Vec<String>>,
    pub allow_methods: Option<Vec<String>>,
    pub allow_origins: Option<Vec<String>>,
    pub expose_headers: Option<Vec<String>>,
    pub max_age: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HttpDeployment {
    pub account: AccountId,
    pub region: String,
    pub api_id: String,
    /// `API/DEPLOYMENT`.
    pub key: String,
    pub deployment_id: String,
    pub auto_deployed: bool,
    pub description: Option<String>,
    pub created_date: Timestamp,
    pub definition: HttpDefinition,
    /// The data plane's route table.
    #[serde(skip)]
    pub compiled: Kept,
}

impl Node for HttpDeployment {
    const KIND: &'static str = "AWS::ApiGatewayV2::Deployment";
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HttpStage {
    pub account: AccountId,
    pub region: String,
    pub api_id: String,
    /// `API/STAGE`.
    pub key: String,
    /// A name, or `$default`.
    pub stage_name: String,
    pub deployment_id: Option<String>,
    #[serde(default)]
    pub auto_deploy: bool,
    pub description: Option<String>,
    #[serde(default)]
    pub stage_variables: Texts,
    #[serde(default)]
    pub default_route_settings: RouteSettings,
    /// By route key.
    #[serde(default)]
    pub route_settings: BTreeMap<String, RouteSettings>,
    pub access_log_settings: Option<HttpAccessLog>,
    pub created_date: Timestamp,
    pub last_updated_date: Timestamp,
    pub tags: Tags,
    /// The data plane's throttles and log queue.
    #[serde(skip)]
    pub live: Kept,
}

impl HttpStage {
    pub fn arn(&self) -> String {
        management_arn(&self.region, &format!("/apis/{}/stages/{}", self.api_id, self.stage_name))
    }
}

crate::regional_node!(HttpStage, "AWS::ApiGatewayV2::Stage", key);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RouteSettings {
    pub detailed_metrics_enabled: Option<bool>,
    pub throttling_burst_limit: Option<i64>,
    pub throttling_rate_limit: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct HttpAccessLog {
    /// The ARN of a log group.
    pub destination_arn: Option<String>,
    pub format: Option<String>,
}

/// A way into a VPC: its interfaces stand in these subnets, behind these security groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VpcLink {
    pub account: AccountId,
    pub region: String,
    pub vpc_link_id: String,
    pub name: String,
    pub subnet_ids: Vec<String>,
    pub security_group_ids: Vec<String>,
    pub created_date: Timestamp,
    /// `AVAILABLE`.
    pub vpc_link_status: String,
    pub tags: Tags,
}

impl VpcLink {
    pub fn arn(&self) -> String {
        management_arn(&self.region, &format!("/vpclinks/{}", self.vpc_link_id))
    }
}

crate::regional_node!(VpcLink, "AWS::ApiGatewayV2::VpcLink", vpc_link_id);
