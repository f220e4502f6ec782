//! Web ACLs in the way of requests: what passes, what is refused, and that nothing passes
//! when what the verdict depends on is gone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test: what fails here fails the test"
)]

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use edge::waf::{BODY_AT_BALANCER, Http, Verdict, body_limit, inspect};
use harness::World;
use http::{HeaderMap, Method};
use model::decision::Recorder;
use model::estate::waf::{Association, IpSet, WebAcl};
use model::event::{Enforced, Event, EventBody};
use model::graph::Change;
use model::plane::{Answering, Asked, Book, Calls, Incoming, Journey, Newer, Plane, Report};
use model::service::{Registry, Served};
use model::tx::{Blobs, Certificate, Records, Settings, Side};
use model::{AccountId, Decision, Fault, Host, Request, Snapshot, Tags, Timestamp, Value};
use serde_json::{Value as Json, json};

/// The estate, with a clock of the test's and a log that can fail.
struct Staged {
    world: World,
    now: AtomicI64,
    broken: std::sync::atomic::AtomicBool,
    seen: std::sync::Mutex<Vec<Enforced>>,
}

impl Recorder for Staged {
    fn record(&self, event: Event) -> Result<(), Fault> {
        match self.broken.load(Ordering::Relaxed) {
            true => Err(Fault::unavailable("the log cannot be written")),
            false => {
                if let EventBody::Enforced(enforced) = &event.body {
                    self.seen.lock().unwrap().push((**enforced).clone());
                }
                self.world.estate.record(event)
            }
        }
    }
}

impl Host for Staged {
    fn registry(&self) -> &Registry {
        self.world.estate.registry()
    }
    fn authorize(&self, snapshot: &Snapshot, request: &Request) -> Decision {
        self.world.estate.authorize(snapshot, request)
    }
    fn redacted(&self, served: &Served, operation: &str, side: Side, value: &Value) -> Json {
        self.world.estate.redacted(served, operation, side, value)
    }
    fn policies(&self) -> &dyn model::policy::Policies {
        self.world.estate.policies()
    }
    fn records(&self) -> &dyn Records {
        self.world.estate.records()
    }
    fn blobs(&self) -> &dyn Blobs {
        self.world.estate.blobs()
    }
    fn settings(&self) -> &Settings {
        self.world.estate.settings()
    }
    fn random(&self, bytes: &mut [u8]) {
        self.world.estate.random(bytes);
    }
    fn seal(&self, purpose: &str, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Fault> {
        self.world.estate.seal(purpose, aad, plaintext)
    }
    fn unseal(&self, purpose: &str, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Fault> {
        self.world.estate.unseal(purpose, aad, sealed)
    }
    fn events(&self, take: &mut dyn FnMut(u64, Event) -> bool) -> Result<(), Fault> {
        self.world.estate.events(take)
    }
    fn certificate(&self, names: &[String]) -> Result<Certificate, Fault> {
        self.world.estate.certificate(names)
    }
}

impl Calls for Staged {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.world.estate.snapshot()
    }
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.now.load(Ordering::Relaxed))
    }
    fn call<'a>(&'a self, incoming: Incoming<'a>) -> Answering<'a> {
        self.world.estate.call(incoming)
    }
    fn ask<'a>(&'a self, asked: Asked<'a>) -> Answering<'a> {
        self.world.estate.ask(asked)
    }
    fn report<'a>(&'a self, report: Report<'a>) -> Answering<'a> {
        self.world.estate.report(report)
    }
    fn newer(&self, version: u64) -> Newer<'_> {
        self.world.estate.newer(version)
    }
}

const RESOURCE: &str =
    "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/front/0123456789abcdef";

struct Scene {
    staged: Arc<Staged>,
    plane: Plane,
    id: String,
}

fn account() -> AccountId {
    AccountId::parse(harness::ACCOUNT).unwrap()
}

fn visibility() -> Json {
    json!({"SampledRequestsEnabled": true, "CloudWatchMetricsEnabled": true, "MetricName": "m"})
}

fn rule(name: &str, priority: i64, statement: Json, action: Json) -> Json {
    json!({"Name": name, "Priority": priority, "Statement": statement, "Action": action, "VisibilityConfig": visibility()})
}

fn managed(name: &str, priority: i64) -> Json {
    json!({"Name": name, "Priority": priority, "OverrideAction": {"None": {}}, "VisibilityConfig": visibility(),
        "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": name}}})
}

impl Scene {
    fn new() -> Scene {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let world = World::new(Vec::new());
        let now = AtomicI64::new(1_700_000_000);
        let staged = Arc::new(Staged { world, now, broken: false.into(), seen: Default::default() });
        let plane = Plane {
            estate: staged.clone(),
            book: Book::default(),
            data: PathBuf::new(),
            root_pem: String::new(),
        };
        Scene { staged, plane, id: NEXT.fetch_add(1, Ordering::Relaxed).to_string() }
    }

    fn put(&self, rules: Json) {
        let acl = WebAcl {
            account: account(),
            region: harness::REGION.into(),
            name: "shop".into(),
            id: self.id.clone(),
            lock_token: "1".into(),
            capacity: 0,
            form: json!({"DefaultAction": {"Allow": {}}, "VisibilityConfig": visibility(), "Rules": rules}),
            logging: None,
            tags: Tags::new(),
        };
        let association = Association {
            account: account(),
            region: harness::REGION.into(),
            resource: RESOURCE.into(),
            web_acl: acl.arn(),
        };
        self.staged.world.change(vec![Change::Put(Arc::new(acl)), Change::Put(Arc::new(association))]);
    }

    fn put_set(&self, addresses: &[&str]) -> String {
        let set = IpSet {
            account: account(),
            region: harness::REGION.into(),
            name: "set".into(),
            id: self.id.clone(),
            lock_token: "1".into(),
            description: None,
            version: "IPV4".into(),
            addresses: addresses.iter().map(|a| (*a).to_owned()).collect(),
            tags: Tags::new(),
        };
        let arn = set.arn();
        self.staged.world.change(vec![Change::Put(Arc::new(set))]);
        arn
    }

    fn ask(&self, path: &str, query: &str, body: &str) -> Verdict {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", "test/1.0".parse().unwrap());
        headers.insert("authorization", "Bearer secret-of-the-client".parse().unwrap());
        let journey = Journey {
            request: "r1".into(),
            trace: "t1".into(),
            account: account(),
            region: harness::REGION.into(),
        };
        let http = Http {
            method: &Method::POST,
            path,
            query,
            headers: &headers,
            body: body.as_bytes(),
            oversize: false,
            source_ip: IpAddr::from([192, 0, 2, 1]),
        };
        inspect(&self.plane, &journey, RESOURCE, &http)
    }

    fn last(&self) -> Enforced {
        self.staged.seen.lock().unwrap().last().cloned().unwrap()
    }
}

fn refused(verdict: &Verdict) -> Option<u16> {
    match verdict {
        Verdict::Pass { .. } => None,
        Verdict::Block { status, .. } => Some(*status),
    }
}

#[test]
fn attacks_are_refused_and_recorded_without_secrets() {
    let scene = Scene::new();
    scene.put(json!([managed("AWSManagedRulesCommonRuleSet", 0), managed("AWSManagedRulesSQLiRuleSet", 1)]));
    assert_eq!(
        scene.ask("/orders", "page=1", r#"{"name":"O'Brien"}"#),
        Verdict::Pass { headers: Vec::new() }
    );
    let seen = scene.last();
    assert!(seen.allowed && seen.facts["terminatingRuleId"] == "Default_Action", "{}", seen.reason);
    let body = r#"{"name":"x' OR '1'='1' --"}"#;
    let verdict = scene.ask("/orders", "access_token=very-secret", body);
    assert_eq!(verdict, Verdict::Block { status: 403, headers: Vec::new(), body: bytes::Bytes::new() });
    let seen = scene.last();
    assert_eq!((seen.point.as_str(), seen.allowed), ("waf", false));
    assert!(seen.reason.contains("SQLi_BODY"), "{}", seen.reason);
    assert_eq!(seen.facts["ruleGroupList"][0]["terminatingRule"]["ruleId"], "SQLi_BODY");
    assert_eq!(seen.facts["labels"][0]["name"], "awswaf:managed:aws:sql-database:SQLi_Body");
    let written = serde_json::to_string(&seen).unwrap();
    for secret in ["very-secret", "secret-of-the-client", "'1'='1"] {
        assert!(!written.contains(secret), "{written}");
    }
}

#[test]
fn a_change_takes_effect_with_the_next_request() {
    let scene = Scene::new();
    let set = scene.put_set(&["192.0.2.0/24"]);
    scene.put(json!([rule(
        "deny",
        0,
        json!({"IPSetReferenceStatement": {"ARN": set}}),
        json!({"Block": {}})
    )]));
    assert_eq!(refused(&scene.ask("/", "", "")), Some(403));
    scene.put_set(&["198.51.100.0/24"]);
    assert_eq!(refused(&scene.ask("/", "", "")), None);
    scene.put(json!([rule(
        "deny",
        0,
        json!({"NotStatement": {"Statement": {"IPSetReferenceStatement": {"ARN": set}}}}),
        json!({"Block": {}})
    )]));
    assert_eq!(refused(&scene.ask("/", "", "")), Some(403));
}

#[test]
fn nothing_passes_that_cannot_be_judged_or_recorded() {
    let scene = Scene::new();
    assert_eq!(refused(&scene.ask("/", "", "")), None, "no web ACL, nothing to ask");
    let set = scene.put_set(&["198.51.100.0/24"]);
    scene.put(json!([rule(
        "deny",
        0,
        json!({"IPSetReferenceStatement": {"ARN": set}}),
        json!({"Block": {}})
    )]));
    assert_eq!(refused(&scene.ask("/", "", "")), None);
    scene.staged.broken.store(true, Ordering::Relaxed);
    assert_eq!(refused(&scene.ask("/", "", "")), Some(500), "the log is gone");
    scene.staged.broken.store(false, Ordering::Relaxed);
    let snapshot = scene.staged.snapshot();
    let gone = snapshot.by_arn(&set).unwrap().key();
    scene.staged.world.change(vec![Change::Remove(gone)]);
    assert_eq!(refused(&scene.ask("/", "", "")), Some(500), "the set is gone");
    assert!(scene.last().reason.contains("does not exist"), "{}", scene.last().reason);
    scene.put(json!([rule("odd", 0, json!({"NewStatement": {}}), json!({"Block": {}}))]));
    assert_eq!(refused(&scene.ask("/", "", "")), Some(500), "a rule is not understood");
    let snapshot = scene.staged.snapshot();
    let acl = snapshot.all::<WebAcl>().next().map(model::Node::key).unwrap();
    scene.staged.world.change(vec![Change::Remove(acl)]);
    assert_eq!(refused(&scene.ask("/", "", "")), Some(500), "the web ACL is gone");
}

#[test]
fn rates_are_limited_within_their_window() {
    let scene = Scene::new();
    let rate =
        json!({"RateBasedStatement": {"Limit": 10, "EvaluationWindowSec": 60, "AggregateKeyType": "IP"}});
    scene.put(json!([rule("rate", 0, rate, json!({"Block": {"CustomResponse": {"ResponseCode": 429}}}))]));
    for n in 1..=12 {
        let expected = if n > 10 { Some(429) } else { None };
        assert_eq!(refused(&scene.ask("/", "", "")), expected, "request {n}");
    }
    assert_eq!(scene.last().facts["rateBasedRuleList"][0]["maxRateAllowed"], 10);
    scene.staged.now.fetch_add(61, Ordering::Relaxed);
    assert_eq!(refused(&scene.ask("/", "", "")), None);
}

#[test]
fn headers_are_added_and_bodies_seen_as_far_as_the_resource_shows_them() {
    let scene = Scene::new();
    let count =
        json!({"Count": {"CustomRequestHandling": {"InsertHeaders": [{"Name": "seen", "Value": "yes"}]}}});
    let uri = json!({"SizeConstraintStatement": {"FieldToMatch": {"UriPath": {}}, "ComparisonOperator": "GT", "Size": 0, "TextTransformations": [{"Priority": 0, "Type": "NONE"}]}});
    scene.put(json!([rule("mark", 0, uri, count)]));
    let headers = vec![("x-amzn-waf-seen".to_owned(), "yes".to_owned())];
    assert_eq!(scene.ask("/", "", ""), Verdict::Pass { headers });
    assert_eq!(body_limit(&scene.plane, RESOURCE), BODY_AT_BALANCER);
}
