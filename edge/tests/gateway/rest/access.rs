//! Who may: tokens, policies with signatures, and the web ACL before both.

use std::sync::Arc;

use base64::Engine as _;
use bytes::Bytes;
use harness::{ACCOUNT, REGION};
use model::Node as _;
use model::estate::waf::{Association, WebAcl};
use model::graph::Change;
use ring::hmac;
use serde_json::json;

use super::{Api, FORBIDDEN, MISSING, UNAUTHORIZED};
use crate::scene::{Ask, NAME, Scene, issuer};

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
