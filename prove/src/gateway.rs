//! The ways in through API Gateway, and the web ACLs at the doors.

use serde_json::Value as Json;

use crate::estate::{Estate, Item, list, referred};
use crate::graph::{Graph, Guard, INTERNET, Point, balancers};

/// Every stage is open to the internet; behind it are the methods or routes of its API.
pub(crate) fn stages(graph: &mut Graph, estate: &Estate) {
    // A deployment that names a stage makes one.
    let rest = estate.of("AWS::ApiGateway::Stage").chain(estate.of("AWS::ApiGateway::Deployment"));
    for stage in rest.filter(|s| s.at("StageName").is_some()) {
        let Some(api) = stage.refers("RestApiId") else { continue };
        let name = stage.text("StageName").unwrap_or_default();
        let waf = waf(estate, &|arn| is_stage(arn, api, name, &stage.name));
        enter(graph, stage, waf);
        for method in estate.of("AWS::ApiGateway::Method").filter(|m| m.refers("RestApiId") == Some(api)) {
            rest_method(graph, estate, stage, method);
        }
    }
    for stage in estate.of("AWS::ApiGatewayV2::Stage") {
        let Some(api) = stage.refers("ApiId") else { continue };
        // AWS WAF does not protect HTTP APIs.
        enter(graph, stage, None);
        for route in estate.of("AWS::ApiGatewayV2::Route").filter(|r| r.refers("ApiId") == Some(api)) {
            http_route(graph, estate, stage, route);
        }
    }
}

fn enter(graph: &mut Graph, stage: &Item, waf: Option<String>) {
    let point = Point::of(format!("stage {}", stage.name), stage.line).guarded(Guard::Waf, waf);
    graph.points.insert(stage.name.clone(), Point { stage: true, ..point });
    graph.hop(INTERNET, &stage.name);
}

fn rest_method(graph: &mut Graph, estate: &Estate, stage: &Item, method: &Item) {
    let verb = method.text("HttpMethod").unwrap_or("ANY");
    let path = method.refers("ResourceId").map(|id| resource_path(estate, id, 0)).unwrap_or_default();
    let path = if path.is_empty() { "/".to_owned() } else { path };
    behind(graph, stage, method, format!("{verb} {path} {}", method.name));
    let uri = method.text("Integration/Uri").unwrap_or_default();
    let request = requested(uri);
    let target = method.refers("Integration/IntegrationTarget");
    for balancer in balancers(estate) {
        // Its DNS name in the URI reaches it as well as its ARN does.
        let by_name = uri.contains(&format!("@{{{}.", balancer.name));
        if target == Some(balancer.name.as_str()) || by_name {
            graph.enter_balancer(estate, &method.name, balancer, &request, None);
        }
    }
}

/// A private integration of an HTTP API names a listener, and passes any path on.
fn http_route(graph: &mut Graph, estate: &Estate, stage: &Item, route: &Item) {
    behind(graph, stage, route, format!("{} {}", route.text("RouteKey").unwrap_or("$default"), route.name));
    let target = route.text("Target").unwrap_or_default();
    let integration = target.strip_prefix("integrations/").and_then(referred);
    let Some(integration) = integration.and_then(|name| estate.items.get(name)) else { return };
    let Some(listener) = integration.refers("IntegrationUri").and_then(|name| estate.items.get(name)) else {
        return;
    };
    let balancer = listener.refers("LoadBalancerArn").and_then(|name| estate.items.get(name));
    if let Some(balancer) = balancer {
        graph.enter_balancer(estate, &route.name, balancer, "*", Some(&listener.name));
    }
}

fn behind(graph: &mut Graph, stage: &Item, method: &Item, label: String) {
    let line = method.line_of("AuthorizationType");
    let point = Point::of(label, line).guarded(Guard::Authorizer, authorizer(method));
    graph.points.insert(method.name.clone(), point);
    graph.hop(&stage.name, &method.name);
}

/// The authorizer of a method or route.
fn authorizer(method: &Item) -> Option<String> {
    match method.text("AuthorizationType")? {
        "AWS_IAM" => Some("AWS_IAM".to_owned()),
        "COGNITO_USER_POOLS" | "CUSTOM" | "JWT" => {
            let id = method.text("AuthorizerId")?;
            Some(referred(id).unwrap_or(id).to_owned())
        }
        _ => None,
    }
}

/// The path of a resource of a REST API.
fn resource_path(estate: &Estate, id: &str, depth: u32) -> String {
    match estate.items.get(id).filter(|i| i.kind == "AWS::ApiGateway::Resource") {
        Some(item) if depth < 50 => {
            let above = item.refers("ParentId").map(|up| resource_path(estate, up, depth + 1));
            format!("{}/{}", above.unwrap_or_default(), item.text("PathPart").unwrap_or("*"))
        }
        _ => String::new(),
    }
}

/// The path that an integration asks for; parts filled in later are any text.
fn requested(uri: &str) -> String {
    let Some((_, rest)) = uri.split_once("://") else { return "*".to_owned() };
    let mut path = String::new();
    let mut open = 0_u32;
    let mut begun = false;
    for c in rest.chars() {
        match c {
            '{' => open += 1,
            '}' => {
                open = open.saturating_sub(1);
                if begun {
                    path.push('*');
                }
            }
            _ if open > 0 => {}
            // A reference is written `@{..}`; the sign goes with it.
            '/' if !begun => {
                begun = true;
                path.push('/');
            }
            '?' => break,
            '@' => {}
            _ if begun => path.push(c),
            _ => {}
        }
    }
    if begun { path } else { "/".to_owned() }
}

/// The web ACL at what `at` recognises by ARN, if it blocks anything.
pub(crate) fn waf(estate: &Estate, at: &dyn Fn(&str) -> bool) -> Option<String> {
    let associations = estate.of("AWS::WAFv2::WebACLAssociation");
    associations.filter(|a| a.text("ResourceArn").is_some_and(at)).find_map(|a| {
        let acl = estate.items.get(a.refers("WebACLArn")?)?;
        (acl.kind == "AWS::WAFv2::WebACL" && blocks(acl)).then(|| acl.name.clone())
    })
}

fn is_stage(arn: &str, api: &str, name: &str, logical: &str) -> bool {
    let Some((_, rest)) = arn.split_once("/restapis/") else { return false };
    let Some((found, stage)) = rest.split_once("/stages/") else { return false };
    referred(found) == Some(api) && (stage == name || referred(stage) == Some(logical))
}

/// Whether a web ACL stops anything, rather than count it: by default, by a rule that blocks,
/// or by the managed rules against SQL injection.
fn blocks(acl: &Item) -> bool {
    let by_rule = |rule: &Json| {
        let managed = rule.pointer("/Statement/ManagedRuleGroupStatement");
        let injection = managed.is_some_and(|m| {
            m.get("VendorName").and_then(Json::as_str) == Some("AWS")
                && m.get("Name").and_then(Json::as_str) == Some("AWSManagedRulesSQLiRuleSet")
        });
        rule.pointer("/Action/Block").is_some()
            || (injection && rule.pointer("/OverrideAction/None").is_some())
    };
    acl.at("DefaultAction/Block").is_some() || list(acl.at("Rules")).iter().any(by_rule)
}
