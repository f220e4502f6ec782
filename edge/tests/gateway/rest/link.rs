//! The way through the link: groups, certificates, and what is gone.

use std::sync::Arc;

use model::graph::Change;
use serde_json::{Value as Json, json};

use super::{Api, UNAVAILABLE};
use crate::scene::{Ask, NAME, Scene, group, rule};

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
