//! How long decisions take. Run by hand on an optimized build:
//! `cargo test -p decide-iam --test speed -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement tells its figures")]

mod common;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use common::{ACCOUNT, SESSION};
use decide_iam::{Attached, Context, Layers, Policy, PolicyKind, Principal, Request, evaluate};
use serde_json::{Value, json};

fn measure(what: &str, statements: &[Value], resource: &str) {
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
    let request = Request {
        principal: &principal,
        action: "s3:GetObject",
        resource,
        resource_account: None,
        context: &context,
    };
    let layers = Layers { identity: &identity, ..Layers::default() };
    assert!(evaluate(&request, &layers).is_allowed(), "{what}");
    let rounds = 200_000;
    let begun = Instant::now();
    for _ in 0..rounds {
        black_box(evaluate(black_box(&request), black_box(&layers)));
    }
    println!("{what}: {:.3} µs", begun.elapsed().as_secs_f64() * 1e6 / f64::from(rounds));
}

fn bucket(at: usize) -> Value {
    json!({ "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::bucket-{at}/*") })
}

#[test]
#[ignore = "a measurement, not a check"]
fn decisions() {
    measure("1 statement", &[bucket(0)], "arn:aws:s3:::bucket-0/k");
    let mut conditions = bucket(0);
    conditions["Condition"] = json!({
        "StringEquals": { "aws:PrincipalTag/team": "red" }, "IpAddress": { "aws:SourceIp": "10.0.0.0/8" },
    });
    measure("1 statement with conditions", &[conditions], "arn:aws:s3:::bucket-0/k");
    let ten: Vec<Value> = (0..10).map(bucket).collect();
    measure("10 statements", &ten, "arn:aws:s3:::bucket-9/k");
    let many: Vec<Value> = (0..1_000).map(bucket).collect();
    measure("1000 statements", &many, "arn:aws:s3:::bucket-999/k");
}
