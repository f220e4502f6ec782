//! API Gateway: what its two services write and its data plane serves.
//!
//! A stage serves a deployment, and a deployment never changes: what is edited afterwards
//! reaches nobody until it is deployed.

mod http;
mod kept;
mod rest;
mod usage;

pub use http::{
    Cors, HttpAccessLog, HttpApi, HttpAuthorizer, HttpDefinition, HttpDeployment, HttpIntegration, HttpStage,
    JwtConfiguration, Route, RouteSettings, ServerName, VpcLink,
};
pub use kept::Kept;
pub use rest::{
    Authorizer, Definition, EndpointConfiguration, GatewayResponse, Integration, IntegrationResponse, Method,
    MethodResponse, MethodSetting, Model, Place, RESPONSE_TYPES, RequestValidator, RestAccessLog, RestApi,
    RestDeployment, RestResource, RestStage,
};
pub use usage::{ApiKey, ApiStage, GatewayAccount, Quota, Throttle, UsagePlan};

use crate::{AccountId, NodeKind};

/// The nodes that the REST service owns.
pub const REST_NODES: &[NodeKind] = &[
    NodeKind::of::<RestApi>(),
    NodeKind::of::<RestResource>(),
    NodeKind::of::<RestDeployment>(),
    NodeKind::of::<RestStage>(),
    NodeKind::of::<ApiKey>(),
    NodeKind::of::<UsagePlan>(),
    NodeKind::of::<GatewayAccount>(),
];

/// The nodes that the HTTP service owns.
pub const HTTP_NODES: &[NodeKind] = &[
    NodeKind::of::<HttpApi>(),
    NodeKind::of::<HttpStage>(),
    NodeKind::of::<HttpDeployment>(),
    NodeKind::of::<VpcLink>(),
];

/// How an API is found without knowing its account: `execute-api/API`.
pub fn api_name(api: &str) -> String {
    format!("execute-api/{api}")
}

/// The policy of a deployment is found under this name; management calls never meet it.
pub fn deployment_name(api: &str, deployment: &str) -> String {
    format!("execute-api/{api}/deployments/{deployment}")
}

/// `arn:aws:apigateway:REGION::/PATH`: these ARNs carry no account.
pub fn management_arn(region: &str, path: &str) -> String {
    format!("arn:aws:apigateway:{region}::{path}")
}

/// `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`.
pub fn invoke_arn(region: &str, account: &AccountId, rest: &str) -> String {
    crate::ids::arn("execute-api", region, account, rest)
}
