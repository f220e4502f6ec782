//! What a request becomes on its way, and what is not deployed.

use bytes::Bytes;
use serde_json::json;

use super::{Api, FORBIDDEN, MISSING};
use crate::scene::{Ask, NAME, Scene, get};

#[test]
fn a_request_goes_through_the_link_to_the_listener() {
    let scene = Scene::new();
    let api = Api::new(&scene, json!({}));
    api.method(
        &api.order,
        "POST",
        json!({"requestParameters": {
        "method.request.path.id": true, "method.request.header.x-given": false}}),
    );
    api.private(
        &api.order,
        "POST",
        json!({
            "uri": format!("https://{NAME}/v1/orders/{{id}}"),
            "requestParameters": {
                "integration.request.path.id": "method.request.path.id",
                "integration.request.header.x-request": "context.requestId",
                "integration.request.header.x-fixed": "'fixed'",
                "integration.request.header.x-user": "context.authorizer.claims.sub",
                "integration.request.querystring.stage": "stageVariables.color",
            },
        }),
    );
    api.method(&api.orders, "GET", json!({}));
    api.private(&api.orders, "GET", json!({}));
    api.deploy();
    scene.rest(
        "UpdateStage",
        json!({"restApiId": api.id, "stageName": "prod", "patchOperations": [
        {"op": "replace", "path": "/variables/color", "value": "blue"}]}),
    );

    let forged = Ask {
        method: "POST",
        path: "/prod/orders/a%2Fb?x=1&stage=forged",
        body: Bytes::from("hello"),
        ..Ask::default()
    }
    .with("x-user", "admin")
    .with("x-amzn-oidc-identity", "admin")
    .with("x-forwarded-for", "1.2.3.4")
    .with("forwarded", "for=1.2.3.4")
    .with("x-amz-security-token", "secret")
    .with("connection", "x-hop, keep-alive")
    .with("x-hop", "1")
    .with("authorization", "Bearer kept");
    let reply = api.ask(forged);
    assert_eq!(reply.line(), r#"200 {"ok":true}"#);
    assert!(reply.header("x-amzn-requestid").is_some() && reply.header("x-amz-apigw-id").is_some());
    assert_eq!(reply.header("x-amzn-remapped-server"), Some("upstream"));
    let seen = scene.seen().remove(0);
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/v1/orders/a%2Fb?x=1&stage=blue"));
    assert_eq!(&seen.body[..], b"hello");
    assert_eq!(seen.header("x-request"), reply.header("x-amzn-requestid"));
    assert_eq!((seen.header("x-fixed"), seen.header("host")), (Some("fixed"), Some(NAME)));
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.header("authorization"), Some("Bearer kept"));
    assert!(seen.header("x-amzn-trace-id").is_some_and(|t| t.starts_with("Root=1-")));
    for gone in ["x-user", "x-amzn-oidc-identity", "forwarded", "x-amz-security-token", "x-hop"] {
        assert_eq!(seen.header(gone), None, "{gone}");
    }
    // Without a path of its own in the URI the backend sees the stage.
    assert_eq!(api.ask(get("/prod/orders?q=2")).status, 200);
    assert_eq!(scene.seen()[0].target, "/prod/orders?q=2");
    let points: Vec<String> = scene.verdicts().iter().map(|v| format!("{} {}", v.point, v.allowed)).collect();
    assert_eq!(points, ["gateway true", "gateway true"]);
}

#[test]
fn what_is_not_deployed_is_not_served() {
    let scene = Scene::new();
    let api = Api::new(&scene, json!({}));
    api.method(&api.orders, "GET", json!({}));
    api.private(&api.orders, "GET", json!({}));
    assert_eq!(api.ask(get("/prod/orders")).line(), FORBIDDEN, "no stage");
    api.deploy();
    assert_eq!(api.ask(get("/prod/orders")).status, 200);
    api.method(&api.orders, "DELETE", json!({}));
    api.private(&api.orders, "DELETE", json!({}));
    let delete = Ask { method: "DELETE", path: "/prod/orders", ..Ask::default() };
    assert_eq!(api.ask(delete.clone()).line(), MISSING, "the working copy is not served");
    scene.rest("DeleteMethod", json!({"restApiId": api.id, "resourceId": api.orders, "httpMethod": "GET"}));
    assert_eq!(api.ask(get("/prod/orders")).status, 200, "the deployment is");
    api.deploy();
    assert_eq!(api.ask(delete).status, 200);
    for (path, line) in [("/prod/orders", MISSING), ("/prod/none", MISSING), ("/other/orders", FORBIDDEN)] {
        assert_eq!(api.ask(get(path)).line(), line, "{path}");
    }
    for path in ["/prod/a/../orders", "/prod/%2e%2e/orders", "/prod/orders/%2e%2E%2Fx"] {
        assert_eq!(api.ask(get(path)).status, 400, "{path}");
    }
    scene.rest(
        "UpdateRestApi",
        json!({"restApiId": api.id, "patchOperations": [
        {"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "true"}]}),
    );
    assert_eq!(api.ask(get("/prod/orders")).line(), FORBIDDEN);
    assert_eq!(scene.ask("nosuchapi0", get("/prod/orders")).status, 403);
}
