//! HTTP APIs.

use model::Node as _;
use model::graph::Change;
use serde_json::{Value as Json, json};

use crate::scene::{Ask, NAME, Scene, get, issuer};

fn text(answer: &Json, member: &str) -> String {
    answer[member].as_str().unwrap_or_else(|| panic!("no {member}")).to_owned()
}

/// An HTTP API whose `$default` stage deploys by itself.
fn api(scene: &Scene, more: Json) -> String {
    let mut input = json!({"Name": "shop", "ProtocolType": "HTTP"});
    if let (Json::Object(input), Json::Object(more)) = (&mut input, more) {
        input.extend(more);
    }
    let api = text(&scene.http("CreateApi", input), "ApiId");
    scene.http("CreateStage", json!({"ApiId": api, "StageName": "$default", "AutoDeploy": true}));
    api
}

fn integration(scene: &Scene, api: &str, more: Json) -> String {
    let mut input = json!({
        "ApiId": api, "IntegrationType": "HTTP_PROXY", "IntegrationMethod": "ANY", "ConnectionType": "VPC_LINK",
        "ConnectionId": scene.link(), "IntegrationUri": scene.listener, "PayloadFormatVersion": "1.0",
        "TlsConfig": {"ServerNameToVerify": NAME},
    });
    if let (Json::Object(input), Json::Object(more)) = (&mut input, more) {
        input.extend(more);
    }
    format!("integrations/{}", text(&scene.http("CreateIntegration", input), "IntegrationId"))
}

fn authorizer(scene: &Scene, api: &str) -> String {
    text(
        &scene.http(
            "CreateAuthorizer",
            json!({"ApiId": api, "AuthorizerType": "JWT", "Name": "pool", "IdentitySource": ["$request.header.Authorization"],
                   "JwtConfiguration": {"Issuer": issuer().issuer(), "Audience": ["client-1", "client-2"]}}),
        ),
        "AuthorizerId",
    )
}

const OK: &str = r#"200 {"ok":true}"#;

#[test]
fn tokens_are_checked() {
    let scene = Scene::new();
    let api = api(&scene, json!({}));
    let target = integration(
        &scene,
        &api,
        json!({"RequestParameters": {"overwrite:header.x-user": "$context.authorizer.claims.sub"}}),
    );
    let authorizer = authorizer(&scene, &api);
    for (key, scopes) in [("GET /orders", json!([])), ("PUT /orders", json!(["orders/write"]))] {
        scene.http(
            "CreateRoute",
            json!({"ApiId": api, "RouteKey": key, "Target": target, "AuthorizationType": "JWT",
            "AuthorizerId": authorizer, "AuthorizationScopes": scopes}),
        );
    }
    let ask = |verb: &'static str, token: &str| {
        let ask = Ask { method: verb, path: "/orders", ..Ask::default() }.with("x-user", "forged");
        let reply = scene.ask(&api, if token.is_empty() { ask } else { ask.token(token) });
        assert!(reply.header("apigw-requestid").is_some());
        (reply.line(), reply.header("www-authenticate").unwrap_or_default().to_owned())
    };
    let nothing = String::new();
    assert_eq!(ask("GET", &scene.token(json!({}))), (OK.to_owned(), nothing.clone()));
    assert_eq!(scene.seen()[0].header("x-user"), Some("u-1"));
    for good in [
        json!({"aud": ["x", "client-2"]}),
        json!({"aud": null, "client_id": "client-1"}),
        json!({"token_use": "access"}),
    ] {
        assert_eq!(ask("GET", &scene.token(good.clone())).0, OK, "{good}");
    }
    let unauthorized = r#"401 {"message":"Unauthorized"}"#.to_owned();
    assert_eq!(ask("GET", ""), (unauthorized.clone(), "Bearer".to_owned()));
    let now = scene.now().seconds();
    for (token, why) in [
        (scene.token(json!({"exp": now - 1})), "the token has expired"),
        (scene.token(json!({"nbf": now + 60})), "the token is not valid yet"),
        (scene.token(json!({"aud": "other"})), "the token does not have a valid audience"),
        (scene.token(json!({"aud": null, "client_id": "other"})), "the token does not have a valid audience"),
        (
            scene.token(json!({"aud": "other", "client_id": "client-1"})),
            "the token does not have a valid audience",
        ),
        (scene.token(json!({"iss": "https://evil.example.com"})), "the token does not have a valid issuer"),
        (
            scene.signed(&json!({"alg": "RS256", "kid": "k2"}), json!({})),
            "the token names a key that its issuer does not have",
        ),
        (
            format!("{}.", scene.unsigned(&json!({"alg": "none"}), json!({}))),
            "the token's signing method is not RS256",
        ),
        (
            format!("{}.AAAA", scene.unsigned(&json!({"alg": "RS256", "kid": "k1"}), json!({}))),
            "the token's signature is invalid",
        ),
        ("x".to_owned(), "the token is malformed"),
    ] {
        let told = format!("Bearer scope=\"\" error=\"invalid_token\" error_description=\"{why}\"");
        assert_eq!(ask("GET", &token), (unauthorized.clone(), told));
    }
    assert_eq!(ask("PUT", &scene.token(json!({"scope": "openid orders/write"}))).0, OK);
    assert_eq!(ask("PUT", &scene.token(json!({"scope": "openid"}))).0, r#"403 {"message":"Forbidden"}"#);
    scene.change(vec![Change::Remove(issuer().key())]);
    assert_eq!(ask("GET", &scene.token(json!({}))).0, unauthorized, "the pool is gone");
    assert_eq!(scene.seen().len(), 4, "nothing that was refused went on");
    let external = scene.world.call(&scene.admin, "apigatewayv2", "CreateAuthorizer", json!({"ApiId": api, "AuthorizerType": "JWT", "Name": "other",
        "IdentitySource": ["$request.header.Authorization"], "JwtConfiguration": {"Issuer": "https://accounts.example.com", "Audience": ["a"]}}));
    assert_eq!(
        external.expect_err("an issuer whose keys cannot be had is refused").code,
        "BadRequestException"
    );
}

#[test]
fn requests_are_mapped_and_forwarded() {
    let scene = Scene::new();
    let api = api(&scene, json!({}));
    let mapped = integration(
        &scene,
        &api,
        json!({
            "RequestParameters": {"overwrite:path": "/v2/$request.path.proxy", "overwrite:querystring.tenant": "t1",
                "remove:header.x-secret": "''", "append:header.x-note": "${context.stage}-${stageVariables.color}"},
            "ResponseParameters": {"200": {"overwrite:statuscode": "202", "append:header.x-more": "$response.header.server"}},
        }),
    );
    let plain = integration(&scene, &api, json!({}));
    scene.http("CreateRoute", json!({"ApiId": api, "RouteKey": "ANY /files/{proxy+}", "Target": mapped}));
    scene.http("CreateRoute", json!({"ApiId": api, "RouteKey": "$default", "Target": plain}));
    scene.http(
        "CreateStage",
        json!({"ApiId": api, "StageName": "blue", "AutoDeploy": true, "StageVariables": {"color": "b"}}),
    );
    let ask = get("/blue/files/a%20b/c?tenant=forged&x=1")
        .with("x-secret", "s")
        .with("x-note", "n")
        .with("x-amzn-oidc-data", "forged")
        .with("forwarded", "for=9.9.9.9");
    let reply = scene.ask(&api, ask);
    assert_eq!((reply.status, reply.header("x-more")), (202, Some("upstream")));
    let seen = scene.seen().remove(0);
    assert_eq!(seen.target, "/v2/a%20b/c?x=1&tenant=t1");
    assert_eq!(
        (seen.header("x-secret"), seen.header("x-note"), seen.header("x-amzn-oidc-data")),
        (None, Some("n,blue-b"), None)
    );
    assert!(seen.header("forwarded").is_some_and(|f| f.contains("for=127.0.0.1;") && !f.contains("9.9.9.9")));
    for (path, target) in [("/blue/other", "/blue/other"), ("/other?y=1", "/other?y=1"), ("/", "/")] {
        assert_eq!(scene.ask(&api, get(path)).line(), OK, "{path}");
        assert_eq!(scene.seen()[0].target, target);
    }
    assert_eq!(scene.ask(&api, get("/files/%2e%2e/x")).status, 400);
    // Without the right name to verify, or any, the listener is not spoken to.
    for (tls, status) in [
        (json!({"ServerNameToVerify": "other.example.com"}), 500),
        (json!({"ServerNameToVerify": NAME}), 200),
    ] {
        let id = plain.trim_start_matches("integrations/");
        scene.http("UpdateIntegration", json!({"ApiId": api, "IntegrationId": id, "TlsConfig": tls}));
        assert_eq!(scene.ask(&api, get("/other")).status, status);
    }
    scene.plane.book.set_socket(&scene.listener, None);
    assert_eq!(scene.ask(&api, get("/other")).line(), r#"503 {"message":"Service Unavailable"}"#);
}

#[test]
fn stages_routes_and_throttles() {
    let scene = Scene::new();
    let api = text(&scene.http("CreateApi", json!({"Name": "shop", "ProtocolType": "HTTP"})), "ApiId");
    let target = integration(&scene, &api, json!({}));
    scene.http("CreateRoute", json!({"ApiId": api, "RouteKey": "GET /orders", "Target": target}));
    scene.http("CreateStage", json!({"ApiId": api, "StageName": "prod"}));
    let not_found = r#"404 {"message":"Not Found"}"#;
    assert_eq!(scene.ask(&api, get("/prod/orders")).line(), not_found, "nothing is deployed");
    scene.http("CreateDeployment", json!({"ApiId": api, "StageName": "prod"}));
    assert_eq!(scene.ask(&api, get("/prod/orders")).line(), OK);
    scene.http("CreateRoute", json!({"ApiId": api, "RouteKey": "GET /later", "Target": target}));
    for path in ["/prod/later", "/prod/none", "/orders", "/none/orders"] {
        assert_eq!(scene.ask(&api, get(path)).line(), not_found, "{path}");
    }
    scene.http("UpdateStage", json!({"ApiId": api, "StageName": "prod", "RouteSettings": {"GET /orders": {"ThrottlingBurstLimit": 1, "ThrottlingRateLimit": 0.01}}}));
    let lines: Vec<String> = (0..2).map(|_| scene.ask(&api, get("/prod/orders")).line()).collect();
    assert_eq!(lines, [OK, r#"429 {"message":"Too Many Requests"}"#]);
    scene.http("UpdateApi", json!({"ApiId": api, "DisableExecuteApiEndpoint": true}));
    assert_eq!(scene.ask(&api, get("/prod/orders")).line(), not_found);
    let socket = scene.world.call(&scene.admin, "apigatewayv2", "CreateApi", json!({"Name": "ws", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$request.body.action"}));
    assert!(socket.expect_err("a WebSocket API is refused").message.contains("WebSocket"));
}

#[test]
fn browsers_are_told_what_the_api_allows() {
    let scene = Scene::new();
    let api = api(
        &scene,
        json!({"CorsConfiguration": {"AllowOrigins": ["https://shop.example"], "AllowMethods": ["GET", "PUT"],
        "AllowHeaders": ["authorization"], "ExposeHeaders": ["x-total"], "MaxAge": 60, "AllowCredentials": true}}),
    );
    let target = integration(&scene, &api, json!({}));
    let authorizer = authorizer(&scene, &api);
    scene.http("CreateRoute", json!({"ApiId": api, "RouteKey": "$default", "Target": target, "AuthorizationType": "JWT", "AuthorizerId": authorizer}));
    let preflight = |origin: &str| {
        let ask = Ask { method: "OPTIONS", path: "/orders", ..Ask::default() };
        scene.ask(&api, ask.with("origin", origin).with("access-control-request-method", "PUT"))
    };
    let reply = preflight("https://shop.example");
    let told = |name: &str| reply.header(name);
    assert_eq!((reply.status, told("access-control-allow-origin")), (204, Some("https://shop.example")));
    assert_eq!(
        (told("access-control-allow-methods"), told("access-control-max-age")),
        (Some("GET,PUT"), Some("60"))
    );
    assert_eq!(told("access-control-allow-credentials"), Some("true"));
    assert_eq!(preflight("https://evil.example").header("access-control-allow-origin"), None);
    let token = scene.token(json!({}));
    for (origin, expected) in
        [("https://shop.example", Some("https://shop.example")), ("https://evil.example", None)]
    {
        let reply = scene.ask(&api, get("/orders").token(&token).with("origin", origin));
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (200, expected));
    }
    assert_eq!(scene.seen().len(), 2, "preflights do not reach the integration");
}
