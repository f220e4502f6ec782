//! Policies made to exhaust a prover end in an answer or in "unknown", in little memory. That it is
//! soon (the budget is some seconds of work, unoptimized) shows by the test's ending at all.

use prove::policy::{PolicyType, Prover};
use serde_json::{Value, json};

use crate::sampled::Dice;
use crate::{policy, result};

#[cfg(target_os = "linux")]
const MOST_KILOBYTES: u64 = 200 * 1024;

fn document(statements: &[Value]) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn allow(action: &str, resource: Value, condition: Value) -> Value {
    json!({ "Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition })
}

fn check(what: &str, existing: &[Value], new: &[Value]) {
    let of = PolicyType::IdentityPolicy;
    let (old, new) = (policy(&document(existing), of), policy(&document(new), of));
    let answer = Prover::default().check_no_new_access(&[old], &[new], of);
    eprintln!("{what}: {}", result(&answer));
}

/// Many stars whose order is free.
fn stars(n: usize, offset: usize) -> String {
    let letter = |at: usize| char::from(b'a' + ((at * 7 + offset) % 26) as u8);
    (0..n).map(|at| format!("*{}", letter(at))).collect::<String>() + "*"
}

#[test]
fn hostile_policies_are_answered_soon() {
    let resource = |text: String| json!(format!("arn:aws:s3:::{text}"));
    // The intersection of many patterns with many stars.
    let every: Vec<Value> = (0..40).map(|n| resource(stars(12, n))).collect();
    let new = allow("s3:*", resource(stars(12, 100)), json!({}));
    check("many stars in one list", &[allow("s3:*", json!(every), json!({}))], &[new]);
    let keys = |n: usize| (0..n).map(|at| json!(stars(10, at))).collect::<Vec<_>>();
    let denied = json!({ "StringNotLike": { "a:x": keys(30) } });
    let wanted = json!({ "StringLike": { "a:x": "*" }, "Null": { "a:x": "false" } });
    check(
        "the complement of many stars",
        &[allow("*", json!("*"), denied)],
        &[allow("*", json!("*"), wanted)],
    );
    let each: Vec<Value> = (0..24)
        .map(|n| allow("*", json!("*"), json!({ "StringNotLike": { "a:x": stars(14, n) } })))
        .collect();
    check("a text in many patterns at once", &each, &[allow("*", json!("*"), json!({}))]);
    let questions = |n: usize| format!("*a{}", "?".repeat(n));
    let each: Vec<Value> = (0..20)
        .map(|n| allow("*", json!("*"), json!({ "StringLike": { "a:x": questions(10 + n) } })))
        .collect();
    let wanted = json!({ "StringLike": { "a:x": "?*" } });
    check("the powerset of a pattern", &each, &[allow("*", json!("*"), wanted)]);
}

#[test]
fn hostile_logic_is_answered_soon() {
    // Pigeons: each key has one of fewer values, no two the same.
    let (pigeons, holes) = (9, 8);
    let key = |p: usize| format!("a:p{p}");
    let mut existing = Vec::new();
    for hole in 0..holes {
        for a in 0..pigeons {
            for b in a + 1..pigeons {
                let both = json!({ "StringEquals": { key(a): hole.to_string(), key(b): hole.to_string() } });
                existing.push(allow("*", json!("*"), both));
            }
        }
    }
    let mut condition = serde_json::Map::new();
    for p in 0..pigeons {
        condition.insert(key(p), json!((0..holes).map(|h| h.to_string()).collect::<Vec<_>>()));
    }
    let new = allow("*", json!("*"), json!({ "StringEquals": condition }));
    check("pigeons", &existing, &[new]);
    // Random clauses of three truth values near where they cease to be possible.
    let mut dice = Dice(0xdead_beef_cafe_f00d);
    for variables in [40, 80, 160] {
        let clauses = variables * 43 / 10;
        let existing: Vec<Value> = (0..clauses)
            .map(|_| {
                let three: serde_json::Map<String, Value> = (0..3)
                    .map(|_| (format!("a:v{}", dice.roll(variables)), json!((dice.roll(2) == 0).to_string())))
                    .collect();
                allow("*", json!("*"), json!({ "Bool": three }))
            })
            .collect();
        let all: serde_json::Map<String, Value> =
            (0..variables).map(|v| (format!("a:v{v}"), json!("false"))).collect();
        let new = allow("*", json!("*"), json!({ "Null": all }));
        check(&format!("{clauses} clauses of {variables} variables"), &existing, &[new]);
    }
}

#[test]
fn long_policies_are_answered_soon() {
    let bucket = |at: usize| json!(format!("arn:aws:s3:::bucket-{at}-*/*"));
    let one = |at: usize| allow("s3:Get*", bucket(at), json!({ "StringLike": { "a:x": format!("v{at}*") } }));
    let existing: Vec<Value> = (0..600).map(one).collect();
    check("600 statements that are the same", &existing, &existing);
    let mut new = existing.clone();
    new.push(allow("s3:Get*", bucket(77), json!({ "StringLike": { "a:x": "v77-*" } })));
    check("600 statements and one more within", &existing, &new);
    new.push(allow("s3:GetObject", bucket(78), json!({ "StringLike": { "a:x": "v77-*" } })));
    check("600 statements and one more beyond", &existing, &new);
    let list: Vec<Value> = (0..2_000).map(bucket).collect();
    let half: Vec<Value> = (0..2_000).filter(|n| n % 2 == 0).map(bucket).collect();
    check(
        "2,000 resources",
        &[allow("s3:*", json!(list), json!({}))],
        &[allow("s3:*", json!(half), json!({}))],
    );
    let long = |c: &str| json!(format!("arn:aws:s3:::{}*", c.repeat(2_000)));
    check("long texts", &[allow("*", long("ab"), json!({}))], &[allow("*", long("ab"), json!({}))]);
}

#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded() {
    hostile_policies_are_answered_soon();
    hostile_logic_is_answered_soon();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap();
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    eprintln!("at most {kilobytes} kB");
    assert!(kilobytes < MOST_KILOBYTES, "{kilobytes} kB");
}
