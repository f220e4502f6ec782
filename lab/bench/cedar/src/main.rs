//! How long one decision takes, beside cedar-policy on the equivalent policies, in one run: statements
//! that differ by resource, of which the last one decides. Ours is the decision with its explanation.
//!
//!     cargo run --release --manifest-path lab/bench/cedar/Cargo.toml

use std::hint::black_box;
use std::sync::Arc;

use cedar_policy::{Authorizer, Context as CedarContext, Entities, EntityUid, PolicySet, Request as CedarRequest};
use criterion::Criterion;
use decide_iam::{Attached, Context, Layers, Policy, PolicyKind, Principal, Request, evaluate};
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/r/s";

struct Case {
    name: &'static str,
    statements: usize,
    conditions: bool,
}

const CASES: [Case; 4] = [
    Case { name: "1 statement", statements: 1, conditions: false },
    Case { name: "1 statement with conditions", statements: 1, conditions: true },
    Case { name: "10 statements", statements: 10, conditions: false },
    Case { name: "1000 statements", statements: 1_000, conditions: false },
];

fn statement(at: usize, conditions: bool) -> Value {
    let mut made = json!({
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::bucket-{at}/*"),
    });
    if conditions {
        made["Condition"] = json!({
            "StringEquals": { "aws:PrincipalTag/team": "red" }, "IpAddress": { "aws:SourceIp": "10.0.0.0/8" },
        });
    }
    made
}

fn ours(bench: &mut Criterion, case: &Case) {
    let statements: Vec<Value> = (0..case.statements).map(|at| statement(at, case.conditions)).collect();
    let text = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let policy = Arc::new(Policy::parse(&text, PolicyKind::Identity).unwrap());
    let identity = [Attached { name: "p".into(), arn: None, source: None, policy }];
    let principal = Principal::named(SESSION, ACCOUNT);
    let mut context = Context::new();
    for at in 0..20 {
        context.set(&format!("aws:Key{at}"), "value");
    }
    context.set("aws:PrincipalTag/team", "red");
    context.set("aws:SourceIp", "10.1.2.3");
    let resource = format!("arn:aws:s3:::bucket-{}/k", case.statements - 1);
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: &resource,
        resource_account: None,
        context: &context,
    };
    let layers = Layers { identity: &identity, ..Layers::default() };
    assert!(evaluate(&request, &layers).is_allowed());
    bench.bench_function(&format!("countersign: {}", case.name), |b| {
        b.iter(|| black_box(evaluate(black_box(&request), black_box(&layers))).is_allowed())
    });
}

fn cedar(bench: &mut Criterion, case: &Case) {
    let when = if case.conditions {
        " && context.team == \"red\" && context.address.isInRange(ip(\"10.0.0.0/8\"))"
    } else {
        ""
    };
    let text: String = (0..case.statements)
        .map(|at| {
            format!(
                "permit(principal, action == Action::\"s3:GetObject\", resource) \
                 when {{ context.arn like \"arn:aws:s3:::bucket-{at}/*\"{when} }};\n"
            )
        })
        .collect();
    let policies: PolicySet = text.parse().unwrap();
    let mut context = serde_json::Map::new();
    for at in 0..20 {
        context.insert(format!("key{at}"), json!("value"));
    }
    context.insert("team".into(), json!("red"));
    context.insert("address".into(), json!({ "__extn": { "fn": "ip", "arg": "10.1.2.3" } }));
    context.insert("arn".into(), json!(format!("arn:aws:s3:::bucket-{}/k", case.statements - 1)));
    let context = CedarContext::from_json_value(Value::Object(context), None).unwrap();
    let uid = |text: &str| text.parse::<EntityUid>().unwrap();
    let request = CedarRequest::new(
        uid("Session::\"s\""),
        uid("Action::\"s3:GetObject\""),
        uid("Object::\"k\""),
        context,
        None,
    )
    .unwrap();
    let (authorizer, entities) = (Authorizer::new(), Entities::empty());
    let decide = || authorizer.is_authorized(black_box(&request), black_box(&policies), &entities);
    assert_eq!(decide().decision(), cedar_policy::Decision::Allow);
    bench.bench_function(&format!("cedar-policy: {}", case.name), |b| b.iter(|| black_box(decide()).decision()));
}

fn main() {
    let mut bench = Criterion::default();
    for case in &CASES {
        ours(&mut bench, case);
        cedar(&mut bench, case);
    }
    bench.final_summary();
}
