//! REST APIs. Field names are those of the API, so that a node's JSON is the API's document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Kept, api_name, deployment_name, management_arn};
use crate::{AccountId, Node, PolicyText, Tags, Timestamp};

type Texts = BTreeMap<String, String>;
type Flags = BTreeMap<String, bool>;

/// The working copy, with everything but its resources.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestApi {
    pub account: AccountId,
    pub region: String,
    /// Ten lower-case letters and digits.
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    pub version: Option<String>,
    pub created_date: Timestamp,
    pub root_resource_id: String,
    pub endpoint_configuration: EndpointConfiguration,
    #[serde(default)]
    pub disable_execute_api_endpoint: bool,
    /// `HEADER`.
    pub api_key_source: String,
    #[serde(default)]
    pub binary_media_types: Vec<String>,
    pub policy: Option<PolicyText>,
    #[serde(default)]
    pub authorizers: BTreeMap<String, Authorizer>,
    #[serde(default)]
    pub request_validators: BTreeMap<String, RequestValidator>,
    /// By name.
    #[serde(default)]
    pub models: BTreeMap<String, Model>,
    /// By type.
    #[serde(default)]
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
    pub tags: Tags,
}

impl RestApi {
    pub fn arn(&self) -> String {
        management_arn(&self.region, &format!("/restapis/{}", self.id))
    }
}

impl Node for RestApi {
    const KIND: &'static str = "AWS::ApiGateway::RestApi";
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
        Some(api_name(&self.id))
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EndpointConfiguration {
    /// `EDGE` or `REGIONAL`.
    pub types: Vec<String>,
    pub ip_address_type: Option<String>,
}

/// A resource of the working copy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RestResource {
    pub account: AccountId,
    pub region: String,
    pub api: String,
    /// `API/RESOURCE`.
    pub key: String,
    pub place: Place,
}

impl Node for RestResource {
    const KIND: &'static str = "AWS::ApiGateway::Resource";
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

/// A path with its methods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Place {
    pub id: String,
    pub parent_id: Option<String>,
    pub path_part: Option<String>,
    pub path: String,
    pub resource_methods: BTreeMap<String, Method>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Method {
    pub http_method: String,
    /// `NONE`, `AWS_IAM`, `COGNITO_USER_POOLS`.
    pub authorization_type: String,
    pub authorizer_id: Option<String>,
    pub api_key_required: bool,
    pub operation_name: Option<String>,
    /// `method.request.querystring.page` to whether it is required.
    pub request_parameters: Flags,
    /// Content type to the model's name.
    pub request_models: Texts,
    pub request_validator_id: Option<String>,
    pub authorization_scopes: Vec<String>,
    pub method_responses: BTreeMap<String, MethodResponse>,
    pub method_integration: Option<Integration>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MethodResponse {
    pub status_code: String,
    pub response_parameters: Flags,
    pub response_models: Texts,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Integration {
    /// `HTTP_PROXY` or `MOCK`.
    pub r#type: String,
    pub http_method: Option<String>,
    pub uri: Option<String>,
    /// `INTERNET` or `VPC_LINK`.
    pub connection_type: Option<String>,
    pub connection_id: Option<String>,
    /// `integration.request.header.X` to where its value comes from.
    pub request_parameters: Texts,
    pub request_templates: Texts,
    pub passthrough_behavior: Option<String>,
    pub timeout_in_millis: i64,
    pub cache_namespace: Option<String>,
    /// By status code.
    pub integration_responses: BTreeMap<String, IntegrationResponse>,
    /// The ARN of a load balancer or of its listener.
    pub integration_target: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IntegrationResponse {
    pub status_code: String,
    pub selection_pattern: Option<String>,
    pub response_parameters: Texts,
    pub response_templates: Texts,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Authorizer {
    pub id: String,
    pub name: String,
    /// `COGNITO_USER_POOLS`.
    pub r#type: String,
    #[serde(rename = "providerARNs")]
    pub provider_arns: Vec<String>,
    pub auth_type: Option<String>,
    /// `method.request.header.Authorization`.
    pub identity_source: String,
    pub identity_validation_expression: Option<String>,
    pub authorizer_result_ttl_in_seconds: Option<i64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestValidator {
    pub id: String,
    pub name: Option<String>,
    pub validate_request_body: bool,
    pub validate_request_parameters: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Model {
    pub id: String,
    pub name: String,
    pub description: Option<String>,
    /// A JSON schema (draft 4).
    pub schema: String,
    pub content_type: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GatewayResponse {
    pub response_type: String,
    pub status_code: Option<String>,
    pub response_parameters: Texts,
    pub response_templates: Texts,
}

/// What a deployment froze.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Definition {
    pub resources: Vec<Place>,
    pub authorizers: BTreeMap<String, Authorizer>,
    pub request_validators: BTreeMap<String, RequestValidator>,
    pub models: BTreeMap<String, Model>,
    pub gateway_responses: BTreeMap<String, GatewayResponse>,
    pub policy: Option<PolicyText>,
    pub binary_media_types: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestDeployment {
    pub account: AccountId,
    pub region: String,
    pub api: String,
    /// `API/DEPLOYMENT`.
    pub key: String,
    pub id: String,
    pub description: Option<String>,
    pub created_date: Timestamp,
    pub definition: Definition,
    /// The data plane's route table.
    #[serde(skip)]
    pub compiled: Kept,
}

impl Node for RestDeployment {
    const KIND: &'static str = "AWS::ApiGateway::Deployment";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.key
    }
    fn global_name(&self) -> Option<String> {
        Some(deployment_name(&self.api, &self.id))
    }
    fn policy(&self) -> Option<&PolicyText> {
        self.definition.policy.as_ref()
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestStage {
    pub account: AccountId,
    pub region: String,
    pub api: String,
    /// `API/STAGE`.
    pub key: String,
    pub stage_name: String,
    pub deployment_id: String,
    pub description: Option<String>,
    #[serde(default)]
    pub variables: Texts,
    /// `*/*` or `PATH/METHOD`, with `~1` for the slashes in the path.
    #[serde(default)]
    pub method_settings: BTreeMap<String, MethodSetting>,
    pub access_log_settings: Option<RestAccessLog>,
    #[serde(default)]
    pub tracing_enabled: bool,
    pub created_date: Timestamp,
    pub last_updated_date: Timestamp,
    pub tags: Tags,
    /// The data plane's throttles and log queue.
    #[serde(skip)]
    pub live: Kept,
}

impl RestStage {
    pub fn arn(&self) -> String {
        management_arn(&self.region, &format!("/restapis/{}/stages/{}", self.api, self.stage_name))
    }
}

crate::regional_node!(RestStage, "AWS::ApiGateway::Stage", key);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MethodSetting {
    pub metrics_enabled: bool,
    /// `OFF`, `ERROR`, `INFO`.
    pub logging_level: Option<String>,
    pub data_trace_enabled: bool,
    pub throttling_burst_limit: Option<i64>,
    pub throttling_rate_limit: Option<f64>,
    pub caching_enabled: bool,
    pub cache_ttl_in_seconds: Option<i64>,
    pub cache_data_encrypted: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RestAccessLog {
    /// The ARN of a log group.
    pub destination_arn: Option<String>,
    pub format: Option<String>,
}

/// The gateway's own answers, with the status that each has unless it is changed.
pub const RESPONSE_TYPES: &[(&str, Option<u16>)] = &[
    ("ACCESS_DENIED", Some(403)),
    ("API_CONFIGURATION_ERROR", Some(500)),
    ("AUTHORIZER_CONFIGURATION_ERROR", Some(500)),
    ("AUTHORIZER_FAILURE", Some(500)),
    ("BAD_REQUEST_BODY", Some(400)),
    ("BAD_REQUEST_PARAMETERS", Some(400)),
    ("DEFAULT_4XX", None),
    ("DEFAULT_5XX", None),
    ("EXPIRED_TOKEN", Some(403)),
    ("INTEGRATION_FAILURE", Some(504)),
    ("INTEGRATION_TIMEOUT", Some(504)),
    ("INVALID_API_KEY", Some(403)),
    ("INVALID_SIGNATURE", Some(403)),
    ("MISSING_AUTHENTICATION_TOKEN", Some(403)),
    ("QUOTA_EXCEEDED", Some(429)),
    ("REQUEST_TOO_LARGE", Some(413)),
    ("RESOURCE_NOT_FOUND", Some(404)),
    ("THROTTLED", Some(429)),
    ("UNAUTHORIZED", Some(401)),
    ("UNSUPPORTED_MEDIA_TYPE", Some(415)),
    ("WAF_FILTERED", Some(403)),
];
