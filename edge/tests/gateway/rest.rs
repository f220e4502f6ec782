//! REST APIs.

use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use harness::{ACCOUNT, REGION};
use model::Node as _;
use model::estate::iam::{InlinePolicy, Role};
use model::estate::waf::{Association, WebAcl};
use model::graph::Change;
use model::{PolicyText, Tags};
use ring::hmac;
use serde_json::{Value as Json, json};

use crate::scene::{Ask, NAME, Scene, get, group, issuer, rule};

fn id(answer: &Json) -> String {
    answer["id"].as_str().expect("an id").to_owned()
}

/// A REST API with `/orders/{id}` and what a test adds.
struct Api<'s> {
    scene: &'s Scene,
    id: String,
    root: String,
    orders: String,
    order: String,
    link: String,
}

impl<'s> Api<'s> {
    fn new(scene: &'s Scene, more: Json) -> Api<'s> {
        let mut input = json!({"name": "shop", "endpointConfiguration": {"types": ["REGIONAL"]}});
        if let (Json::Object(input), Json::Object(more)) = (&mut input, more) {
            input.extend(more);
        }
        let made = scene.rest("CreateRestApi", input);
        let (api, root) = (id(&made), made["rootResourceId"].as_str().expect("a root").to_owned());
        let child = |parent: &str, part: &str| {
            id(&scene.rest("CreateResource", json!({"restApiId": api, "parentId": parent, "pathPart": part})))
        };
        let orders = child(&root, "orders");
        let order = child(&orders, "{id}");
        Api { scene, link: scene.link(), id: api, root, orders, order }
    }

    fn method(&self, resource: &str, verb: &str, more: Json) {
        let mut input = json!({
            "restApiId": self.id, "resourceId": resource, "httpMethod": verb, "authorizationType": "NONE",
            "requestParameters": {"method.request.path.id": true},
        });
        if let (Json::Object(input), Json::Object(more)) = (&mut input, more) {
            input.extend(more);
        }
        self.scene.rest("PutMethod", input);
    }

    fn private(&self, resource: &str, verb: &str, more: Json) {
        let mut input = json!({
            "restApiId": self.id, "resourceId": resource, "httpMethod": verb, "type": "HTTP_PROXY",
            "integrationHttpMethod": "ANY", "connectionType": "VPC_LINK", "connectionId": self.link,
            "integrationTarget": self.scene.balancer, "uri": format!("https://{NAME}"),
        });
        if let (Json::Object(input), Json::Object(more)) = (&mut input, more) {
            input.extend(more);
        }
        self.scene.rest("PutIntegration", input);
    }

    fn authorizer(&self) -> String {
        let pool = format!("arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{}", crate::scene::POOL);
        id(&self.scene.rest(
            "CreateAuthorizer",
            json!({"restApiId": self.id, "name": "pool", "type": "COGNITO_USER_POOLS", "providerARNs": [pool],
                   "identitySource": "method.request.header.Authorization"}),
        ))
    }

    fn deploy(&self) {
        self.scene.rest("CreateDeployment", json!({"restApiId": self.id, "stageName": "prod"}));
    }

    fn ask(&self, ask: Ask<'_>) -> crate::scene::Reply {
        self.scene.ask(&self.id, ask)
    }
}

const UNAUTHORIZED: &str = r#"401 {"message":"Unauthorized"} UnauthorizedException"#;
const MISSING: &str = r#"403 {"message":"Missing Authentication Token"} MissingAuthenticationTokenException"#;
const FORBIDDEN: &str = r#"403 {"message":"Forbidden"} ForbiddenException"#;
const UNAVAILABLE: &str = r#"503 {"message":"Service Unavailable"} ServiceUnavailableException"#;

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

#[test]
fn tokens_are_checked() {
    let scene = Scene::new();
    let api = Api::new(&scene, json!({}));
    let authorizer = api.authorizer();
    let cognito = json!({"authorizationType": "COGNITO_USER_POOLS", "authorizerId": authorizer});
    api.method(&api.orders, "GET", cognito.clone());
    api.private(
        &api.orders,
        "GET",
        json!({"requestParameters": {
        "integration.request.header.x-user": "context.authorizer.claims.sub"}}),
    );
    let mut scoped = cognito;
    scoped["authorizationScopes"] = json!(["orders/write", "orders/admin"]);
    api.method(&api.orders, "PUT", scoped);
    api.private(&api.orders, "PUT", json!({}));
    api.deploy();
    let ask = |verb: &'static str, token: &str| {
        let ask = Ask { method: verb, path: "/prod/orders", ..Ask::default() }.with("x-user", "forged");
        api.ask(if token.is_empty() { ask } else { ask.token(token) }).line()
    };
    let good = scene.token(json!({}));
    assert_eq!(ask("GET", &good), r#"200 {"ok":true}"#);
    assert_eq!(scene.seen()[0].header("x-user"), Some("u-1"), "the subject is the token's, not the client's");
    let now = scene.now().seconds();
    let hs256 = {
        let unsigned = scene.unsigned(&json!({"alg": "HS256", "kid": "k1"}), json!({}));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &scene.public_key()), unsigned.as_bytes());
        format!("{unsigned}.{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(tag))
    };
    let tampered = {
        let other = scene.unsigned(&json!({"alg": "RS256", "kid": "k1"}), json!({"sub": "admin"}));
        format!("{other}.{}", good.rsplit('.').next().expect("a signature"))
    };
    let none = format!("{}.", scene.unsigned(&json!({"alg": "none"}), json!({})));
    let bad = [
        ("no token", String::new()),
        ("garbage", "a.b.c".to_owned()),
        ("alg none", none),
        ("alg HS256 with the public key", hs256),
        ("tampered claims", tampered),
        ("unknown kid", scene.signed(&json!({"alg": "RS256", "kid": "k2"}), json!({}))),
        ("no kid", scene.signed(&json!({"alg": "RS256"}), json!({}))),
        ("critical extension", scene.signed(&json!({"alg": "RS256", "kid": "k1", "crit": ["x"]}), json!({}))),
        ("another issuer", scene.token(json!({"iss": "https://evil.example.com"}))),
        ("no exp", scene.token(json!({"exp": null}))),
        ("not yet", scene.token(json!({"nbf": now + 100}))),
        ("issued in the future", scene.token(json!({"iat": now + 100}))),
        ("an access token where no scopes are asked", scene.token(json!({"token_use": "access"}))),
    ];
    for (why, token) in &bad {
        assert_eq!(ask("GET", token), UNAUTHORIZED, "{why}");
    }
    let expired = scene.token(json!({"exp": now - 1}));
    assert_eq!(
        ask("GET", &expired),
        r#"401 {"message":"The incoming token has expired"} UnauthorizedException"#
    );
    let access = |scope: &str| scene.token(json!({"token_use": "access", "scope": scope, "aud": null}));
    assert_eq!(ask("PUT", &access("openid orders/admin")), r#"200 {"ok":true}"#);
    for (why, token) in [
        ("no scope fits", access("openid orders/read")),
        ("part of a scope", access("orders/writer orders")),
        ("an ID token with a scope", scene.token(json!({"scope": "orders/write"}))),
    ] {
        assert_eq!(ask("PUT", &token), UNAUTHORIZED, "{why}");
    }
    let verdicts = scene.verdicts();
    let denied = verdicts.iter().find(|v| !v.allowed && v.reason.contains("signature")).expect("a verdict");
    assert_eq!((denied.point.as_str(), denied.subject.as_str()), ("authorizer", ""));
    let allowed = verdicts.iter().find(|v| v.allowed).expect("a verdict");
    assert_eq!((allowed.point.as_str(), allowed.subject.as_str()), ("authorizer", "u-1"));
    assert!(!format!("{verdicts:?}").contains(&good), "no token is recorded");
    // With the pool gone nobody can be believed.
    scene.change(vec![Change::Remove(issuer().key())]);
    assert_eq!(ask("GET", &good), r#"500 {"message":null} AuthorizerConfigurationException"#);
    assert_eq!(scene.seen().len(), 1, "nothing that was refused went on");
}

#[test]
fn the_way_through_the_link_is_guarded() {
    let scene = Scene::new();
    let api = Api::new(&scene, json!({}));
    for (verb, uri, more) in [
        ("GET", format!("https://{NAME}"), json!({})),
        ("PUT", "https://other.example.com".to_owned(), json!({})),
        ("POST", format!("https://{NAME}:8443"), json!({})),
        (
            "PATCH",
            format!("https://{NAME}"),
            json!({"integrationTarget": scene.listener, "timeoutInMillis": 200}),
        ),
        ("DELETE", format!("http://{NAME}:443"), json!({})),
    ] {
        api.method(&api.orders, verb, json!({}));
        let mut integration = json!({"uri": uri});
        if let (Json::Object(all), Json::Object(more)) = (&mut integration, more) {
            all.extend(more);
        }
        api.private(&api.orders, verb, integration);
    }
    api.deploy();
    let ask =
        |verb: &'static str| api.ask(Ask { method: verb, path: "/prod/orders", ..Ask::default() }).line();
    let ok = r#"200 {"ok":true}"#;
    let broken = r#"500 {"message":"Internal server error"} InternalServerErrorException"#;
    assert_eq!(ask("GET"), ok);
    assert_eq!(ask("GET"), ok, "on a kept connection");
    assert_eq!(ask("PATCH"), ok, "by the listener's ARN");
    assert_eq!(ask("PUT"), broken, "a certificate for another name");
    assert_eq!(ask("POST"), UNAVAILABLE, "no listener on that port");
    *scene.mode.lock().expect("no panic") = "slow";
    assert_eq!(ask("PATCH"), r#"504 {"message":"Endpoint request timed out"} InternalServerErrorException"#);
    *scene.mode.lock().expect("no panic") = "long";
    assert_eq!(ask("GET"), broken, "an answer beyond 10 MB");
    *scene.mode.lock().expect("no panic") = "ok";
    // Each side's security group must let it through.
    let put = |node| scene.change(vec![Change::Put(Arc::new(node))]);
    put(group("sg-link", vec![], vec![rule(80, "sg-alb")]));
    assert_eq!(ask("GET"), UNAVAILABLE, "not out of the link");
    put(group("sg-link", vec![], vec![rule(443, "sg-alb")]));
    assert_eq!(ask("GET"), ok);
    put(group("sg-alb", vec![rule(443, "sg-other")], vec![]));
    assert_eq!(ask("GET"), UNAVAILABLE, "not into the load balancer");
    put(group("sg-alb", vec![rule(443, "sg-link")], vec![]));
    assert_eq!(ask("GET"), ok);
    scene.plane.book.set_socket(&scene.listener, None);
    assert_eq!(ask("GET"), UNAVAILABLE, "the listener is gone");
    let dead = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("an address");
    scene.plane.book.set_socket(&scene.listener, Some(dead));
    assert_eq!(
        ask("GET"),
        r#"504 {"message":"Network error communicating with endpoint"} InternalServerErrorException"#
    );
}

#[test]
fn policies_and_signatures_decide() {
    let scene = Scene::new();
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/prod/*/orders"},
        {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/prod/DELETE/*"},
    ]});
    let api = Api::new(&scene, json!({"policy": policy.to_string()}));
    for (resource, verb, kind) in [
        (&api.orders, "GET", "NONE"),
        (&api.orders, "DELETE", "NONE"),
        (&api.order, "GET", "NONE"),
        (&api.orders, "POST", "AWS_IAM"),
    ] {
        api.method(resource, verb, json!({"authorizationType": kind}));
        api.private(resource, verb, json!({"uri": format!("https://{NAME}/x")}));
    }
    api.deploy();
    let line =
        |verb: &'static str, path: &'static str| api.ask(Ask { method: verb, path, ..Ask::default() }).line();
    assert_eq!(line("GET", "/prod/orders"), r#"200 {"ok":true}"#);
    let denied = |path: &str, end: &str| {
        format!(
            "403 {{\"Message\":\"User: anonymous is not authorized to perform: execute-api:Invoke on resource: arn:aws:execute-api:{REGION}:********{}:{}/{path}{end}\"}} AccessDeniedException",
            &ACCOUNT[8..],
            api.id
        )
    };
    assert_eq!(line("GET", "/prod/orders/7"), denied("prod/GET/orders/7", ""), "nothing allows it");
    assert_eq!(line("DELETE", "/prod/orders"), denied("prod/DELETE/orders", " with an explicit deny"));
    assert_eq!(line("POST", "/prod/orders"), MISSING, "not signed");
    let invalid = Ask { method: "POST", path: "/prod/orders", ..Ask::default() }
        .with("x-amz-date", scene.now().to_basic())
        .with("authorization", format!("AWS4-HMAC-SHA256 Credential=AKIANOBODY/{}/{REGION}/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", &scene.now().to_basic()[..8]));
    assert_eq!(
        api.ask(invalid).line(),
        r#"403 {"message":"The security token included in the request is invalid."} UnrecognizedClientException"#
    );
    // A changed policy counts from the next deployment on.
    scene.rest("UpdateRestApi", json!({"restApiId": api.id, "patchOperations": [
        {"op": "replace", "path": "/policy", "value": policy.to_string().replace("prod/*/orders", "none/*")}]}));
    assert_eq!(line("GET", "/prod/orders"), r#"200 {"ok":true}"#);
    api.deploy();
    assert_eq!(line("GET", "/prod/orders"), denied("prod/GET/orders", ""));
}

#[test]
fn the_web_acl_stands_before_everything() {
    let scene = Scene::new();
    let api = Api::new(&scene, json!({}));
    api.method(&api.orders, "POST", json!({"authorizationType": "AWS_IAM"}));
    api.private(&api.orders, "POST", json!({}));
    api.deploy();
    let stage = format!("arn:aws:apigateway:{REGION}::/restapis/{}/stages/prod", api.id);
    let visible =
        json!({"SampledRequestsEnabled": false, "CloudWatchMetricsEnabled": false, "MetricName": "m"});
    let form = json!({"DefaultAction": {"Allow": {}}, "VisibilityConfig": visible, "Rules": [{
        "Name": "no-evil", "Priority": 0, "Action": {"Block": {}}, "VisibilityConfig": visible,
        "Statement": {"ByteMatchStatement": {"SearchString": "ZXZpbA==", "FieldToMatch": {"Body": {"OversizeHandling": "MATCH"}},
            "TextTransformations": [{"Priority": 0, "Type": "NONE"}], "PositionalConstraint": "CONTAINS"}},
    }]});
    let acl: WebAcl =
        serde_json::from_value(json!({"account": ACCOUNT, "region": REGION, "name": "acl", "id": "acl-1",
        "lock_token": "t", "capacity": 10, "form": form, "logging": null, "tags": {}}))
        .expect("a web ACL");
    let association = Association {
        account: acl.account.clone(),
        region: REGION.to_owned(),
        resource: stage,
        web_acl: acl.arn(),
    };
    scene.change(vec![Change::Put(Arc::new(acl.clone())), Change::Put(Arc::new(association))]);
    let ask = |body: Vec<u8>| {
        api.ask(Ask { method: "POST", path: "/prod/orders", body: Bytes::from(body), ..Ask::default() })
            .line()
    };
    assert_eq!(ask(b"good".to_vec()), MISSING, "what passes meets the method's authorization");
    assert_eq!(ask(b"so evil".to_vec()), FORBIDDEN);
    assert_eq!(ask(vec![b'x'; 17 << 10]), FORBIDDEN, "longer than the web ACL sees");
    let shown = scene.rest("GetStage", json!({"restApiId": api.id, "stageName": "prod"}));
    assert_eq!(shown["webAclArn"], json!(acl.arn()));
    scene.change(vec![Change::Remove(acl.key())]);
    let broken = r#"500 {"message":"Internal server error"} InternalServerErrorException"#;
    assert_eq!(ask(b"good".to_vec()), broken, "a web ACL that is gone lets nothing pass");
}

#[test]
fn requests_are_validated() {
    let scene = Scene::new();
    let api = Api::new(&scene, json!({}));
    scene.rest("CreateModel", json!({"restApiId": api.id, "name": "Order", "contentType": "application/json",
        "schema": r#"{"type":"object","required":["item"],"properties":{"item":{"type":"string","maxLength":5}},"additionalProperties":false}"#}));
    let refused = scene.world.call(
        &scene.admin,
        "apigateway",
        "CreateModel",
        json!({"restApiId": api.id, "name": "Other",
        "contentType": "application/json", "schema": r#"{"type":"string","format":"email"}"#}),
    );
    assert!(refused.expect_err("an unchecked keyword is refused").message.contains("`format`"));
    let validator = id(&scene.rest(
        "CreateRequestValidator",
        json!({"restApiId": api.id, "name": "all",
        "validateRequestBody": true, "validateRequestParameters": true}),
    ));
    api.method(&api.orders, "POST", json!({
        "requestValidatorId": validator, "requestModels": {"application/json": "Order"},
        "requestParameters": {"method.request.querystring.page": true, "method.request.header.x-tenant": true},
    }));
    api.private(&api.orders, "POST", json!({}));
    api.deploy();
    let ask = |path: &'static str, body: &'static str| {
        api.ask(Ask { method: "POST", path, body: Bytes::from(body), ..Ask::default() }.with("x-tenant", "t"))
            .line()
    };
    assert_eq!(ask("/prod/orders?page=1", r#"{"item":"pen"}"#), r#"200 {"ok":true}"#);
    let body = r#"400 {"message":"Invalid request body"} BadRequestException"#;
    for bad in [r#"{"item":"pencil"}"#, "{}", "", "not JSON", r#"{"item":"pen","admin":true}"#] {
        assert_eq!(ask("/prod/orders?page=1", bad), body, "{bad}");
    }
    let missing = r#"400 {"message":"Missing required request parameters: [page]"} BadRequestException"#;
    for path in ["/prod/orders", "/prod/orders?page="] {
        assert_eq!(ask(path, r#"{"item":"pen"}"#), missing);
    }
    let long = Ask {
        method: "POST",
        path: "/prod/orders?page=1",
        body: Bytes::from(vec![b' '; (10 << 20) + 1]),
        ..Ask::default()
    };
    assert_eq!(
        api.ask(long.with("x-tenant", "t")).line(),
        r#"413 {"message":"Request Entity Too Large"} RequestTooLargeException"#
    );
    assert_eq!(scene.seen().len(), 1);
}

#[test]
fn keys_throttles_and_quotas_hold() {
    let scene = Scene::new();
    let api = Api::new(&scene, json!({}));
    api.method(&api.orders, "GET", json!({"apiKeyRequired": true}));
    api.private(&api.orders, "GET", json!({}));
    api.method(&api.order, "GET", json!({}));
    api.private(&api.order, "GET", json!({}));
    api.deploy();
    let key =
        |name: &str, enabled: bool| scene.rest("CreateApiKey", json!({"name": name, "enabled": enabled}));
    let (good, off, alien) = (key("good", true), key("off", false), key("alien", true));
    let plan = id(&scene.rest(
        "CreateUsagePlan",
        json!({"name": "plan", "apiStages": [{"apiId": api.id, "stage": "prod"}],
        "quota": {"limit": 4, "period": "DAY", "offset": 0}}),
    ));
    for one in [&good, &off] {
        scene.rest(
            "CreateUsagePlanKey",
            json!({"usagePlanId": plan, "keyId": one["id"], "keyType": "API_KEY"}),
        );
    }
    let value = |key: &Json| key["value"].as_str().expect("a value").to_owned();
    let ask = |key: &str| api.ask(get("/prod/orders").with("x-api-key", key)).line();
    assert_eq!(api.ask(get("/prod/orders")).line(), FORBIDDEN, "no key");
    for (why, key) in [("unknown", "x".repeat(40)), ("disabled", value(&off)), ("of no plan", value(&alien))]
    {
        assert_eq!(ask(&key), FORBIDDEN, "{why}");
    }
    let ok = r#"200 {"ok":true}"#;
    for _ in 0..4 {
        assert_eq!(ask(&value(&good)), ok);
    }
    assert_eq!(ask(&value(&good)), r#"429 {"message":"Limit Exceeded"} LimitExceededException"#);
    std::thread::sleep(std::time::Duration::from_millis(1300));
    let day = &scene.now().to_rfc3339()[..10];
    let usage = scene.rest("GetUsage", json!({"usagePlanId": plan, "startDate": day, "endDate": day}));
    assert_eq!(usage["items"][good["id"].as_str().expect("an id")], json!([[4, 0]]), "counts are kept");
    // A key that is taken away is worth nothing.
    scene.rest("DeleteUsagePlanKey", json!({"usagePlanId": plan, "keyId": good["id"]}));
    assert_eq!(ask(&value(&good)), FORBIDDEN);
    let slow = json!({"restApiId": api.id, "stageName": "prod", "patchOperations": [
        {"op": "replace", "path": "/~1orders~1{id}/GET/throttling/burstLimit", "value": "2"},
        {"op": "replace", "path": "/~1orders~1{id}/GET/throttling/rateLimit", "value": "0.01"}]});
    scene.rest("UpdateStage", slow);
    let lines: Vec<String> = (0..3).map(|_| api.ask(get("/prod/orders/1")).line()).collect();
    assert_eq!(lines, [ok, ok, r#"429 {"message":"Too Many Requests"} TooManyRequestsException"#]);
    let secret = value(&good);
    std::thread::sleep(std::time::Duration::from_millis(200));
    let mut log = String::new();
    let _ = model::Host::events(&*scene.world.estate, &mut |_, event| {
        log.push_str(&serde_json::to_string(&event).expect("JSON"));
        true
    });
    assert!(!log.contains(&secret), "no key's value is logged");
}

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
