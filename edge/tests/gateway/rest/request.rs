//! What a request must be: valid, with a key, within its plan.

use bytes::Bytes;
use serde_json::{Value as Json, json};

use super::{Api, FORBIDDEN, id};
use crate::scene::{Ask, Scene, get};

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
