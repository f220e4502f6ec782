//! Stages with what they serve, and web ACLs with what they stand before.

use model::Snapshot;
use model::estate::apigateway::{
    HttpDefinition, HttpDeployment, HttpStage, Method, Place, RestDeployment, RestStage,
};
use model::estate::elb::Listener;
use model::estate::waf::{Association, WebAcl};
use serde_json::{Value as Json, json};

use super::{At, Items, reference};

pub(super) fn stages(items: &mut Items, snapshot: &Snapshot) {
    for stage in snapshot.all::<RestStage>() {
        let at = At(&stage.account, &stage.region);
        let api = at.name("rest", &stage.key);
        items.add(api.clone(), "AWS::ApiGateway::RestApi", json!({}));
        items.add(
            at.name("stage", &stage.key),
            "AWS::ApiGateway::Stage",
            json!({"RestApiId": reference(&api), "StageName": stage.stage_name}),
        );
        let served = snapshot.all::<RestDeployment>().find(|d| {
            d.api == stage.api
                && d.id == stage.deployment_id
                && d.account == stage.account
                && d.region == stage.region
        });
        for place in served.iter().flat_map(|d| &d.definition.resources) {
            rest_place(items, snapshot, &api, place);
        }
    }
    for stage in snapshot.all::<HttpStage>() {
        let at = At(&stage.account, &stage.region);
        let api = at.name("http", &stage.key);
        items.add(api.clone(), "AWS::ApiGatewayV2::Api", json!({}));
        items.add(
            at.name("stage", &stage.key),
            "AWS::ApiGatewayV2::Stage",
            json!({"ApiId": reference(&api), "StageName": stage.stage_name}),
        );
        let served = snapshot.all::<HttpDeployment>().find(|d| {
            d.api_id == stage.api_id
                && Some(&d.deployment_id) == stage.deployment_id.as_ref()
                && d.account == stage.account
                && d.region == stage.region
        });
        if let Some(deployment) = served {
            http_routes(items, &api, &deployment.definition);
        }
    }
}

fn rest_place(items: &mut Items, snapshot: &Snapshot, api: &str, place: &Place) {
    let name = |id: &str| format!("{api}/{id}");
    // The root has no part of its own.
    if let Some(part) = &place.path_part {
        let parent = place.parent_id.as_deref().map(|id| reference(&name(id)));
        items.add(
            name(&place.id),
            "AWS::ApiGateway::Resource",
            json!({"RestApiId": reference(api), "ParentId": parent, "PathPart": part}),
        );
    }
    for (verb, method) in &place.resource_methods {
        let properties = json!({
            "RestApiId": reference(api), "ResourceId": reference(&name(&place.id)), "HttpMethod": verb,
            "AuthorizationType": method.authorization_type, "AuthorizerId": method.authorizer_id,
            "Integration": integration(items, snapshot, method),
        });
        items.add(format!("{}/{verb}", name(&place.id)), "AWS::ApiGateway::Method", properties);
    }
}

fn integration(items: &Items, snapshot: &Snapshot, method: &Method) -> Json {
    let Some(integration) = &method.method_integration else { return json!({}) };
    // A load balancer's own name in the URI reaches it, too.
    let uri = items
        .names
        .iter()
        .filter(|(known, _)| !known.starts_with("arn:"))
        .fold(integration.uri.clone().unwrap_or_default(), |uri, (dns, name)| {
            uri.replace(dns.as_str(), &format!("@{{{name}.DNSName}}"))
        });
    let target = integration.integration_target.as_deref().map(|arn| {
        snapshot.find_arn::<Listener>(arn).map_or_else(|| arn.to_owned(), |l| l.load_balancer.clone())
    });
    json!({"Uri": uri, "IntegrationTarget": target})
}

fn http_routes(items: &mut Items, api: &str, definition: &HttpDefinition) {
    for (id, integration) in &definition.integrations {
        items.add(
            format!("{api}/{id}"),
            "AWS::ApiGatewayV2::Integration",
            json!({"ApiId": reference(api), "IntegrationUri": integration.integration_uri}),
        );
    }
    for (id, route) in &definition.routes {
        let target = route.target.as_deref().and_then(|t| t.strip_prefix("integrations/"));
        items.add(
            format!("{api}/{id}"),
            "AWS::ApiGatewayV2::Route",
            json!({
                "ApiId": reference(api), "RouteKey": route.route_key,
                "AuthorizationType": route.authorization_type, "AuthorizerId": route.authorizer_id,
                "Target": target.map(|id| format!("integrations/{}", reference(&format!("{api}/{id}")))),
            }),
        );
    }
}

/// Web ACLs, and where they stand.
pub(super) fn guards(items: &mut Items, snapshot: &Snapshot) {
    for node in snapshot.all::<WebAcl>() {
        let name = At(&node.account, &node.region).name("acl", &node.id);
        items.names.insert(node.arn(), name.clone());
        items.add(name, "AWS::WAFv2::WebACL", node.form.clone());
    }
    for node in snapshot.all::<Association>() {
        let stage = snapshot.all::<RestStage>().find(|s| s.arn() == node.resource);
        let resource = stage.map_or_else(
            || node.resource.clone(),
            |s| {
                let api = At(&s.account, &s.region).name("rest", &s.key);
                node.resource.replacen(
                    &format!("/restapis/{}/", s.api),
                    &format!("/restapis/{}/", reference(&api)),
                    1,
                )
            },
        );
        let name = At(&node.account, &node.region).name("association", &node.resource);
        let properties = json!({"ResourceArn": resource, "WebACLArn": node.web_acl});
        items.add(name, "AWS::WAFv2::WebACLAssociation", properties);
    }
}
