//! API Gateway's HTTP APIs, and the VPC links that REST APIs use, too.
//!
//! Refuses what the data plane would not carry out: WebSocket APIs, Lambda, AWS services,
//! token issuers that are not user pools of this runtime.

mod api;
mod authorizer;
mod deployment;
mod document;
mod expression;
mod iam;
mod integration;
mod link;
mod provider;
mod route;
#[rustfmt::skip]
mod shapes;
mod stage;
mod tag;

use model::Service;
use model::estate::apigateway::HTTP_NODES;

pub static SERVICE: Service = Service {
    name: "apigatewayv2",
    model: include_str!("../apigatewayv2.model"),
    types: include_str!("../apigatewayv2.cfn"),
    actions: include_str!("../apigatewayv2.iam"),
    operations: model::operations![
        write CreateApi => api::create_api,
        write CreateAuthorizer => authorizer::create_authorizer,
        write CreateDeployment => deployment::create_deployment,
        write CreateIntegration => integration::create_integration,
        write CreateRoute => route::create_route,
        write CreateStage => stage::create_stage,
        write CreateVpcLink => link::create_vpc_link,
        write DeleteAccessLogSettings => stage::delete_access_log_settings,
        write DeleteApi => api::delete_api,
        write DeleteAuthorizer => authorizer::delete_authorizer,
        write DeleteCorsConfiguration => api::delete_cors_configuration,
        write DeleteDeployment => deployment::delete_deployment,
        write DeleteIntegration => integration::delete_integration,
        write DeleteRoute => route::delete_route,
        write DeleteStage => stage::delete_stage,
        write DeleteVpcLink => link::delete_vpc_link,
        read GetApi => api::get_api,
        read GetApis => api::get_apis,
        read GetAuthorizer => authorizer::get_authorizer,
        read GetAuthorizers => authorizer::get_authorizers,
        read GetDeployment => deployment::get_deployment,
        read GetDeployments => deployment::get_deployments,
        read GetIntegration => integration::get_integration,
        read GetIntegrations => integration::get_integrations,
        read GetRoute => route::get_route,
        read GetRoutes => route::get_routes,
        read GetStage => stage::get_stage,
        read GetStages => stage::get_stages,
        read GetTags => tag::get_tags,
        read GetVpcLink => link::get_vpc_link,
        read GetVpcLinks => link::get_vpc_links,
        write TagResource => tag::tag_resource,
        write UntagResource => tag::untag_resource,
        write UpdateApi => api::update_api,
        write UpdateAuthorizer => authorizer::update_authorizer,
        write UpdateIntegration => integration::update_integration,
        write UpdateRoute => route::update_route,
        write UpdateStage => stage::update_stage,
        write UpdateVpcLink => link::update_vpc_link,
    ],
    ask: iam::ask,
    nodes: HTTP_NODES,
    resources: provider::RESOURCES,
    jobs: &[],
    founding: model::service::nothing,
};
