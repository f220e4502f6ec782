//! API Gateway's REST APIs: the working copy, its deployments, its stages, keys and usage
//! plans. What requests meet is the data plane's: it serves deployments, never the working copy.
//!
//! Refuses what the data plane would not carry out: Lambda authorizers, AWS service
//! integrations, the template language, caches, canaries, private APIs.

mod account;
mod api;
mod authorizer;
mod deployment;
mod document;
mod expression;
mod gateway_response;
mod iam;
mod integration;
mod key;
mod method;
mod patch;
mod plan;
mod provider;
mod resource;
mod schema;
#[rustfmt::skip]
mod shapes;
mod stage;
mod tag;
mod usage;
mod validator;

use model::Service;
use model::estate::apigateway::REST_NODES;

pub static SERVICE: Service = Service {
    name: "apigateway",
    model: include_str!("../apigateway.model"),
    types: include_str!("../apigateway.cfn"),
    actions: include_str!("../apigateway.iam"),
    operations: model::operations![
        write CreateApiKey => key::create_api_key,
        write CreateAuthorizer => authorizer::create_authorizer,
        write CreateDeployment => deployment::create_deployment,
        write CreateModel => schema::create_model,
        write CreateRequestValidator => validator::create_request_validator,
        write CreateResource => resource::create_resource,
        write CreateRestApi => api::create_rest_api,
        write CreateStage => stage::create_stage,
        write CreateUsagePlan => plan::create_usage_plan,
        write CreateUsagePlanKey => plan::create_usage_plan_key,
        write DeleteApiKey => key::delete_api_key,
        write DeleteAuthorizer => authorizer::delete_authorizer,
        write DeleteDeployment => deployment::delete_deployment,
        write DeleteGatewayResponse => gateway_response::delete_gateway_response,
        write DeleteIntegration => integration::delete_integration,
        write DeleteIntegrationResponse => integration::delete_integration_response,
        write DeleteMethod => method::delete_method,
        write DeleteMethodResponse => method::delete_method_response,
        write DeleteModel => schema::delete_model,
        write DeleteRequestValidator => validator::delete_request_validator,
        write DeleteResource => resource::delete_resource,
        write DeleteRestApi => api::delete_rest_api,
        write DeleteStage => stage::delete_stage,
        write DeleteUsagePlan => plan::delete_usage_plan,
        write DeleteUsagePlanKey => plan::delete_usage_plan_key,
        read GetAccount => account::get_account,
        read GetApiKey => key::get_api_key,
        read GetApiKeys => key::get_api_keys,
        read GetAuthorizer => authorizer::get_authorizer,
        read GetAuthorizers => authorizer::get_authorizers,
        read GetDeployment => deployment::get_deployment,
        read GetDeployments => deployment::get_deployments,
        read GetGatewayResponse => gateway_response::get_gateway_response,
        read GetGatewayResponses => gateway_response::get_gateway_responses,
        read GetIntegration => integration::get_integration,
        read GetIntegrationResponse => integration::get_integration_response,
        read GetMethod => method::get_method,
        read GetMethodResponse => method::get_method_response,
        read GetModel => schema::get_model,
        read GetModels => schema::get_models,
        read GetRequestValidator => validator::get_request_validator,
        read GetRequestValidators => validator::get_request_validators,
        read GetResource => resource::get_resource,
        read GetResources => resource::get_resources,
        read GetRestApi => api::get_rest_api,
        read GetRestApis => api::get_rest_apis,
        read GetStage => stage::get_stage,
        read GetStages => stage::get_stages,
        read GetTags => tag::get_tags,
        read GetUsage => plan::get_usage,
        read GetUsagePlan => plan::get_usage_plan,
        read GetUsagePlanKey => plan::get_usage_plan_key,
        read GetUsagePlanKeys => plan::get_usage_plan_keys,
        read GetUsagePlans => plan::get_usage_plans,
        write PutGatewayResponse => gateway_response::put_gateway_response,
        write PutIntegration => integration::put_integration,
        write PutIntegrationResponse => integration::put_integration_response,
        write PutMethod => method::put_method,
        write PutMethodResponse => method::put_method_response,
        write TagResource => tag::tag_resource,
        write UntagResource => tag::untag_resource,
        write UpdateAccount => account::update_account,
        write UpdateApiKey => key::update_api_key,
        write UpdateAuthorizer => authorizer::update_authorizer,
        write UpdateDeployment => deployment::update_deployment,
        write UpdateGatewayResponse => gateway_response::update_gateway_response,
        write UpdateIntegration => integration::update_integration,
        write UpdateIntegrationResponse => integration::update_integration_response,
        write UpdateMethod => method::update_method,
        write UpdateMethodResponse => method::update_method_response,
        write UpdateModel => schema::update_model,
        write UpdateRequestValidator => validator::update_request_validator,
        write UpdateResource => resource::update_resource,
        write UpdateRestApi => api::update_rest_api,
        write UpdateStage => stage::update_stage,
        write UpdateUsagePlan => plan::update_usage_plan,
    ],
    ask: iam::ask,
    nodes: REST_NODES,
    resources: provider::RESOURCES,
    jobs: model::jobs![CountUsage => usage::count],
    founding: model::service::nothing,
};
