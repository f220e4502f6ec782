//! What the gateway answers by itself, and what it logs.

use std::sync::Arc;

use harness::{ACCOUNT, REGION};
use model::estate::iam::{InlinePolicy, Role};
use model::graph::Change;
use model::{PolicyText, Tags};
use serde_json::{Value as Json, json};

use super::Api;
use crate::scene::{Ask, Scene, get};

#[test]
fn mocks_and_gateway_responses_answer() {
    let scene = Scene::new();
    let api = Api::new(&scene, json!({}));
    let on = |more: Json| {
        let mut all = json!({"restApiId": api.id, "resourceId": api.root, "httpMethod": "OPTIONS"});
        if let (Json::Object(all), Json::Object(more)) = (&mut all, more) {
            all.extend(more);
        }
        all
    };
    api.method(&api.root, "OPTIONS", json!({"requestParameters": {}}));
    scene.rest("PutMethodResponse", on(json!({"statusCode": "204", "responseParameters": {"method.response.header.Access-Control-Allow-Origin": true}})));
    scene.rest(
        "PutIntegration",
        on(json!({"type": "MOCK", "requestTemplates": {"application/json": "{\"statusCode\": 204}"}})),
    );
    scene.rest("PutIntegrationResponse", on(json!({"statusCode": "204", "responseParameters": {"method.response.header.Access-Control-Allow-Origin": "'https://shop.example'"}})));
    scene.rest("PutGatewayResponse", json!({"restApiId": api.id, "responseType": "DEFAULT_4XX",
        "responseParameters": {"gatewayresponse.header.x-why": "context.error.responseType"},
        "responseTemplates": {"application/json": "{\"error\":$context.error.messageString,\"path\":\"$context.path\"}"}}));
    api.deploy();
    let reply = api.ask(Ask { method: "OPTIONS", path: "/prod", ..Ask::default() });
    assert_eq!(
        (reply.status, reply.header("access-control-allow-origin")),
        (204, Some("https://shop.example"))
    );
    let reply = api.ask(get("/prod/no%22ne"));
    assert_eq!(reply.header("x-why"), Some("MISSING_AUTHENTICATION_TOKEN"));
    assert_eq!(
        reply.line(),
        r#"403 {"error":"Missing Authentication Token","path":"/prod/no%22ne"} MissingAuthenticationTokenException"#
    );
}

#[test]
fn access_logs_are_written_with_the_accounts_role() {
    let scene = Scene::new();
    let api = Api::new(&scene, json!({}));
    api.method(&api.orders, "GET", json!({}));
    api.private(&api.orders, "GET", json!({}));
    api.deploy();
    scene.call("logs", "CreateLogGroup", json!({"logGroupName": "access"}));
    let group = format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:access");
    let settings = json!({"restApiId": api.id, "stageName": "prod", "patchOperations": [
        {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": group},
        {"op": "replace", "path": "/accessLogSettings/format", "value": r#"{"id":"$context.requestId","status":$context.status,"agent":"$context.identity.userAgent"}"#}]});
    let refused = scene
        .world
        .call(&scene.admin, "apigateway", "UpdateStage", settings.clone())
        .expect_err("no role yet");
    assert_eq!(refused.message, "CloudWatch Logs role ARN must be set in account settings to enable logging");
    let role = |service: &str| {
        Role {
        account: crate::scene::account(),
        name: "logger".to_owned(),
        path: "/".to_owned(),
        id: "AROALOGGER".to_owned(),
        created: scene.now(),
        description: None,
        max_session: 3600,
        trust: PolicyText::new(json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}).to_string(), None),
        inline: vec![InlinePolicy { name: "logs".to_owned(), document: PolicyText::new(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}"#, None) }],
        attached: Vec::new(),
        boundary: None,
        tags: Tags::new(),
        last_used: None,
    }
    };
    scene.change(vec![Change::Put(Arc::new(role("apigateway.amazonaws.com")))]);
    scene.rest("UpdateAccount", json!({"patchOperations": [{"op": "replace", "path": "/cloudwatchRoleArn", "value": role("").arn()}]}));
    scene.rest("UpdateStage", settings);
    let lines = || {
        std::thread::sleep(std::time::Duration::from_millis(1500));
        let found = scene.call("logs", "FilterLogEvents", json!({"logGroupName": "access"}));
        found["events"]
            .as_array()
            .map(|e| {
                e.iter().map(|e| e["message"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
            })
            .unwrap_or_default()
    };
    let reply = api.ask(get("/prod/orders").with("user-agent", "x\",\"status\":1"));
    let written = lines();
    let line: Json = serde_json::from_str(&written[0]).expect("what came from outside stays in its quotes");
    assert_eq!(line["id"].as_str(), reply.header("x-amzn-requestid"));
    assert_eq!((line["status"].as_i64(), line["agent"].as_str()), (Some(200), Some("x\",\"status\":1")));
    // A role that does not trust the gateway writes nothing.
    scene.change(vec![Change::Put(Arc::new(role("ec2.amazonaws.com")))]);
    assert_eq!(api.ask(get("/prod/orders")).status, 200);
    assert_eq!(lines().len(), 1);
}
