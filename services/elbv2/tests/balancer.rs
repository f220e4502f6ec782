//! The balancer in front of real targets: what is let through, what is refused, and what is still
//! refused when that which it depends on is gone.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "what fails here fails the test"
)]

mod scene;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::Duration;

use scene::edge::{ADDRESS, Edge, ask, raw, wait};
use serde_json::{Value as Json, json};

fn rule(edge: &Edge, listener: &str, priority: i64, condition: Json, action: Json) {
    let input = json!({"ListenerArn": listener, "Priority": priority, "Conditions": [condition], "Actions": [action]});
    edge.scene.call("CreateRule", input).unwrap();
}

fn fixed(status: &str, body: &str) -> Json {
    json!({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": status, "ContentType": "text/plain", "MessageBody": body}})
}

#[test]
fn rules_decide_where_a_request_goes() {
    let edge = Edge::new();
    let upstream = edge.upstream("one");
    let group = edge.group("web", &[&upstream]);
    let balancer = edge.scene.balancer("shop", "internal");
    let listener = edge.scene.listener(&balancer, 80, &group);
    let field = |name: &str, config: &str, values: Json| json!({"Field": name, config: {"Values": values}});
    rule(
        &edge,
        &listener,
        1,
        field("path-pattern", "PathPatternConfig", json!(["/fixed/*"])),
        fixed("418", "tea"),
    );
    let redirect = json!({"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}});
    rule(&edge, &listener, 2, field("host-header", "HostHeaderConfig", json!(["old.*"])), redirect);
    let header = json!({"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Stage", "Values": ["beta"]}});
    rule(&edge, &listener, 3, header, fixed("201", "beta"));
    rule(
        &edge,
        &listener,
        4,
        field("http-request-method", "HttpRequestMethodConfig", json!(["DELETE"])),
        fixed("403", "no"),
    );
    rule(
        &edge,
        &listener,
        5,
        field("query-string", "QueryStringConfig", json!([{"Key": "v", "Value": "2"}])),
        fixed("202", "v2"),
    );
    rule(
        &edge,
        &listener,
        6,
        field("source-ip", "SourceIpConfig", json!(["192.0.2.0/24"])),
        fixed("500", "never"),
    );
    edge.until_health(&group, &["healthy"]);
    let at = edge.socket(&listener);
    let cases: &[(&str, &[&str], u16)] = &[
        ("GET /fixed/1", &[], 418),
        ("GET /a?b=c", &["Host: old.example.com"], 301),
        ("GET /", &["X-Stage: Beta"], 201),
        ("GET /", &["X-Stage: gamma"], 200),
        ("DELETE /", &[], 403),
        ("GET /?x=1&v=2", &[], 202),
        // A header cannot put a client elsewhere.
        ("GET /", &["X-Forwarded-For: 192.0.2.1"], 200),
        ("TRACE /", &[], 405),
    ];
    for (line, more, status) in cases {
        assert_eq!(ask(at, line, more).status, *status, "{line} {more:?}");
    }
    let moved = ask(at, "GET /a?b=c", &["Host: old.example.com"]);
    assert_eq!(moved.header("location").unwrap(), "https://old.example.com:443/a?b=c");
    assert_eq!(moved.header("server").unwrap(), "awselb/2.0");
    let passed = ask(at, "GET /cart", &[]);
    assert_eq!(
        (passed.json()["name"].as_str(), passed.header("server").as_deref()),
        (Some("one"), Some("upstream"))
    );
    assert_eq!(passed.header("x-hop"), None, "what is about one hop stays there");
}

#[test]
fn a_target_is_told_who_asks_and_cannot_be_lied_to() {
    let edge = Edge::new();
    let upstream = edge.upstream("one");
    let group = edge.group("web", &[&upstream]);
    let balancer = edge.scene.balancer("shop", "internal");
    let listener = edge.scene.listener(&balancer, 8080, &group);
    edge.until_health(&group, &["healthy"]);
    let at = edge.socket(&listener);
    let lies = [
        "X-Forwarded-For: 203.0.113.7",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Port: 1",
        "X-Amzn-Mtls-Clientcert-Subject: CN=admin",
        "X-Amzn-Trace-Id: Root=1-67891233-abcdef012345678912345678;CalledFrom=app",
    ];
    let seen = ask(at, "GET /", &lies).json()["headers"].clone();
    assert_eq!(seen["x-forwarded-for"], "203.0.113.7, 127.0.0.1");
    assert_eq!((&seen["x-forwarded-proto"], &seen["x-forwarded-port"]), (&json!("http"), &json!("8080")));
    assert_eq!(seen.get("x-amzn-mtls-clientcert-subject"), None);
    assert_eq!(seen["host"], "shop.example.com:8080");
    let trace = seen["x-amzn-trace-id"].as_str().unwrap();
    assert!(
        trace.starts_with("Self=1-")
            && trace.ends_with(";Root=1-67891233-abcdef012345678912345678;CalledFrom=app"),
        "{trace}"
    );
    let set = |key: &str, value: &str| {
        let attributes = json!([{"Key": key, "Value": value}]);
        edge.scene
            .call(
                "ModifyLoadBalancerAttributes",
                json!({"LoadBalancerArn": balancer, "Attributes": attributes}),
            )
            .unwrap();
        std::thread::sleep(Duration::from_millis(100));
    };
    set("routing.http.xff_header_processing.mode", "remove");
    assert_eq!(ask(at, "GET /", &lies).json()["headers"].get("x-forwarded-for"), None);
    set("routing.http.xff_header_processing.mode", "preserve");
    assert_eq!(ask(at, "GET /", &lies).json()["headers"]["x-forwarded-for"], "203.0.113.7");
    assert_eq!(ask(at, "GET /", &["x_odd: 1"]).json()["headers"]["x_odd"], "1");
    set("routing.http.drop_invalid_header_fields.enabled", "true");
    assert_eq!(ask(at, "GET /", &["x_odd: 1"]).json()["headers"].get("x_odd"), None);
    set("routing.http.desync_mitigation_mode", "strictest");
    assert_eq!(ask(at, "GET /", &["x_odd: 1"]).status, 400);
    let many: String = (0..31).map(|i| format!("10.0.0.{i},")).collect();
    assert_eq!(ask(at, "GET /", &[&format!("X-Forwarded-For: {many}")]).status, 463);
}

#[test]
fn two_lengths_are_never_two_requests() {
    let edge = Edge::new();
    let upstream = edge.upstream("one");
    let group = edge.group("web", &[&upstream]);
    let balancer = edge.scene.balancer("shop", "internal");
    let listener = edge.scene.listener(&balancer, 80, &group);
    edge.until_health(&group, &["healthy"]);
    let at = edge.socket(&listener);
    let two = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!";
    assert_eq!(raw(at, two).unwrap().status, 400);
    let both = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let seen = raw(at, both).unwrap().json();
    assert_eq!((&seen["length"], seen["headers"].get("content-length")), (&json!(5), None), "framed anew");
    let odd = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n";
    assert_eq!(raw(at, odd).unwrap().status, 400);
    let hosts = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n";
    assert_eq!(raw(at, hosts).unwrap().status, 400);
    let big = "x".repeat(3 << 20);
    let echoed = ask_with(at, "POST /echo", &big);
    assert_eq!(echoed.body.len(), big.len());
}

fn ask_with(at: std::net::SocketAddr, line: &str, body: &str) -> scene::edge::Answer {
    raw(
        at,
        &format!(
            "{line} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        ),
    )
    .unwrap()
}

#[test]
fn only_healthy_targets_are_asked() {
    let edge = Edge::new();
    let (one, two) = (edge.upstream("one"), edge.upstream("two"));
    let group = edge.group("web", &[&one, &two]);
    let balancer = edge.scene.balancer("shop", "internal");
    let listener = edge.scene.listener(&balancer, 80, &group);
    edge.until_health(&group, &["healthy", "healthy"]);
    let at = edge.socket(&listener);
    let names = || {
        let mut names: Vec<String> =
            (0..6).map(|_| ask(at, "GET /", &[]).json()["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names.dedup();
        names
    };
    assert_eq!(names(), ["one", "two"]);
    two.health.store(500, Ordering::Relaxed);
    edge.until_health(&group, &["healthy", "unhealthy"]);
    let input = json!({"TargetGroupArn": group, "Targets": [{"Id": ADDRESS, "Port": two.port}]});
    let why = edge.scene.call("DescribeTargetHealth", input).unwrap()["TargetHealthDescriptions"][0]["TargetHealth"].clone();
    assert_eq!(why["Reason"], "Target.ResponseCodeMismatch");
    assert_eq!(names(), ["one"]);
    // "If a target group contains only unhealthy targets, requests go to all of them."
    one.health.store(500, Ordering::Relaxed);
    edge.until_health(&group, &["unhealthy", "unhealthy"]);
    assert_eq!(names(), ["one", "two"]);
    one.health.store(200, Ordering::Relaxed);
    edge.until_health(&group, &["healthy", "unhealthy"]);
    edge.rest(&group);
    // The healthy one dies: it cannot be reached, and there is nobody else to ask.
    one.die();
    assert_eq!(ask(at, "POST /", &["Content-Length: 0"]).status, 502);
    let both = json!([{"Id": ADDRESS, "Port": one.port}, {"Id": ADDRESS, "Port": two.port}]);
    edge.scene.call("DeregisterTargets", json!({"TargetGroupArn": group, "Targets": both})).unwrap();
    wait("503", || (ask(at, "GET /", &[]).status == 503).then_some(()));
}

#[test]
fn a_request_that_changes_nothing_finds_the_living() {
    let edge = Edge::new();
    let (one, two) = (edge.upstream("one"), edge.upstream("two"));
    let group = edge.group("web", &[&one, &two]);
    let balancer = edge.scene.balancer("shop", "internal");
    let listener = edge.scene.listener(&balancer, 80, &group);
    edge.until_health(&group, &["healthy", "healthy"]);
    let at = edge.socket(&listener);
    edge.rest(&group);
    one.die();
    let asked: Vec<u16> = (0..4).map(|_| ask(at, "GET /", &[]).status).collect();
    assert_eq!(asked, [200; 4]);
    let posted: Vec<u16> = (0..2).map(|_| ask(at, "POST /", &["Content-Length: 0"]).status).collect();
    assert!(posted.contains(&502) && posted.contains(&200), "{posted:?}");
}

#[test]
fn clients_stay_where_they_were_sent() {
    let edge = Edge::new();
    let (one, two, three) = (edge.upstream("one"), edge.upstream("two"), edge.upstream("three"));
    let group = edge.group("web", &[&one, &two]);
    let other = edge.group("other", &[&three]);
    let sticky = json!([{"Key": "stickiness.enabled", "Value": "true"}]);
    edge.scene
        .call("ModifyTargetGroupAttributes", json!({"TargetGroupArn": group, "Attributes": sticky}))
        .unwrap();
    let balancer = edge.scene.balancer("shop", "internal");
    let listener = edge.scene.listener(&balancer, 80, &group);
    let shared = json!({"Type": "forward", "ForwardConfig": {
        "TargetGroups": [{"TargetGroupArn": group, "Weight": 1}, {"TargetGroupArn": other, "Weight": 1}],
        "TargetGroupStickinessConfig": {"Enabled": true, "DurationSeconds": 60},
    }});
    rule(&edge, &listener, 1, json!({"Field": "path-pattern", "Values": ["/shared"]}), shared);
    edge.until_health(&group, &["healthy", "healthy"]);
    edge.until_health(&other, &["healthy"]);
    let at = edge.socket(&listener);
    let first = ask(at, "GET /", &[]);
    let name = first.json()["name"].clone();
    let cookie = format!("Cookie: {}", first.cookies()[0]);
    assert!(cookie.contains("AWSALB="));
    for _ in 0..5 {
        assert_eq!(ask(at, "GET /", &[&cookie]).json()["name"], name);
    }
    // A cookie of one's own making is nothing.
    let forged: Vec<Json> =
        (0..4).map(|_| ask(at, "GET /", &["Cookie: AWSALB=AAAA"]).json()["name"].clone()).collect();
    assert!(forged.contains(&json!("one")) && forged.contains(&json!("two")), "{forged:?}");
    let first = ask(at, "GET /shared", &[]);
    let name = first.json()["name"].clone();
    let cookie = format!("Cookie: {}", first.cookies().join("; "));
    assert!(cookie.contains("AWSALBTG="));
    for _ in 0..5 {
        assert_eq!(ask(at, "GET /shared", &[&cookie]).json()["name"], name);
    }
}

#[test]
fn a_socket_is_carried_both_ways_until_its_listener_goes() {
    let edge = Edge::new();
    let upstream = edge.upstream("one");
    let group = edge.group("web", &[&upstream]);
    let balancer = edge.scene.balancer("shop", "internal");
    let listener = edge.scene.listener(&balancer, 80, &group);
    edge.until_health(&group, &["healthy"]);
    let at = edge.socket(&listener);
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
        .write_all(b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        .unwrap();
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
    assert!(seen.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&seen));
    stream.write_all(b"ping").unwrap();
    let mut echoed = [0; 4];
    stream.read_exact(&mut echoed).unwrap();
    assert_eq!(&echoed, b"ping");
    // A plain connection that waits, too.
    let mut idle = TcpStream::connect(at).unwrap();
    idle.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    edge.scene.call("DeleteListener", json!({"ListenerArn": listener})).unwrap();
    assert_eq!(stream.read(&mut echoed).unwrap_or(0), 0, "the socket ends");
    assert_eq!(idle.read(&mut echoed).unwrap_or(0), 0, "the connection ends");
    assert_eq!(edge.plane.book.socket(&listener), None);
    assert!(TcpStream::connect(at).is_err(), "nobody listens there any more");
}

#[test]
fn an_internal_name_means_nothing_outside() {
    let edge = Edge::new();
    let upstream = edge.upstream("one");
    let group = edge.group("web", &[&upstream]);
    let (inside, outside) =
        (edge.scene.balancer("inside", "internal"), edge.scene.balancer("outside", "internet-facing"));
    edge.scene.listener(&inside, 80, &group);
    let input = json!({"LoadBalancerArn": outside, "Port": 80, "Protocol": "HTTP", "DefaultActions": [fixed("200", "hello")]});
    edge.scene.call("CreateListener", input).unwrap();
    edge.settle();
    let names = edge.scene.call("DescribeLoadBalancers", json!({})).unwrap()["LoadBalancers"].clone();
    let name = |i: usize| format!("Host: {}:4566", names[i]["DNSName"].as_str().unwrap());
    let at = edge.shared();
    wait("the fleet", || (ask(at, "GET /", &[&name(1)]).status == 200).then_some(()));
    assert_eq!(ask(at, "GET /", &[&name(0)]).status, 503);
    let aws = name(1).replace("localhost", "amazonaws.com");
    assert_eq!(ask(at, "GET /", &[&aws]).status, 200);
    edge.scene.call("DeleteLoadBalancer", json!({"LoadBalancerArn": outside})).unwrap();
    wait("503", || (ask(at, "GET /", &[&name(1)]).status == 503).then_some(()));
}

#[test]
fn a_target_that_does_not_answer_is_given_up() {
    let edge = Edge::new();
    let upstream = edge.upstream("one");
    let group = edge.group("web", &[&upstream]);
    let balancer = edge.scene.balancer("shop", "internal");
    let attributes = json!([{"Key": "idle_timeout.timeout_seconds", "Value": "1"}]);
    edge.scene
        .call("ModifyLoadBalancerAttributes", json!({"LoadBalancerArn": balancer, "Attributes": attributes}))
        .unwrap();
    let listener = edge.scene.listener(&balancer, 80, &group);
    edge.until_health(&group, &["healthy"]);
    let at = edge.socket(&listener);
    let late = ask(at, "GET /slow", &[]);
    assert_eq!(late.status, 504);
    assert!(String::from_utf8_lossy(&late.body).contains("<h1>504 Gateway Time-out</h1>"));
}
