//! What a grant of a KMS key lets, and what stays beyond it.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use common::{ACCOUNT, OTHER, USER, one, outcome};
use decide_iam::{Consent, Outcome};
use serde_json::{Value, json};

const ALLOWED: Outcome = Outcome::Allowed;
const IMPLICIT: Outcome = Outcome::ImplicitDeny;
const EXPLICIT: Outcome = Outcome::ExplicitDeny;
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";
const BUCKET: &str = "arn:aws:s3:::b";

fn with(mut base: Value, more: Value) -> Value {
    base.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    base
}

/// A grant to the user of the tests, with other members.
fn grant(more: Value) -> Value {
    let operations = ["kms:Decrypt", "kms:DescribeKey", "kms:CreateGrant"];
    with(json!({ "key": KEY, "grantee": USER, "operations": operations }), more)
}

fn on(action: &str, more: Value) -> Value {
    with(json!({ "action": action, "resource": KEY, "encryption": { "Team": "red", "x": "1" } }), more)
}

fn decrypt() -> Value {
    on("kms:Decrypt", json!({}))
}

fn check(name: &str, policies: &Value, request: &Value, expected: Outcome) {
    let case = json!({ "policies": policies, "request": request });
    assert_eq!(outcome(&case, Consent::Required), expected, "{name}: {case}");
}

#[test]
fn a_grant_is_for_its_grantee_its_key_and_its_operations() {
    let sourced = || on("kms:Decrypt", json!({ "context": { "aws:SourceArn": BUCKET } }));
    let abroad = || on("kms:Decrypt", json!({ "resourceAccount": OTHER }));
    check("none", &json!({}), &decrypt(), IMPLICIT);
    for (name, more, request, expected) in [
        ("grantee", json!({}), decrypt(), ALLOWED),
        ("across accounts", json!({}), abroad(), ALLOWED),
        ("other operation", json!({}), on("kms:Encrypt", json!({})), IMPLICIT),
        ("other key", json!({ "key": "arn:aws:kms:us-east-1:111122223333:key/l" }), decrypt(), IMPLICIT),
        ("other user", json!({ "grantee": "AIDAOTHEROTHEROTHER1" }), decrypt(), IMPLICIT),
        ("account alone", json!({ "grantee": ACCOUNT }), decrypt(), IMPLICIT),
        ("equals", json!({ "equals": { "Team": "red", "x": "1" } }), decrypt(), ALLOWED),
        ("equals less", json!({ "equals": { "Team": "red" } }), decrypt(), IMPLICIT),
        ("subset", json!({ "subset": { "Team": "red" } }), decrypt(), ALLOWED),
        ("case of a name", json!({ "subset": { "team": "red" } }), decrypt(), IMPLICIT),
        ("case of a value", json!({ "subset": { "Team": "Red" } }), decrypt(), IMPLICIT),
        ("describing has no context", json!({ "equals": {} }), on("kms:DescribeKey", json!({})), ALLOWED),
        ("source missing", json!({ "source": BUCKET }), decrypt(), IMPLICIT),
        ("source", json!({ "source": BUCKET }), sourced(), ALLOWED),
    ] {
        check(name, &json!({ "grants": [grant(more)] }), &request, expected);
    }
    let case = json!({ "policies": { "grants": [grant(json!({}))] }, "request": decrypt() });
    let told = common::run(&case, Consent::Required, |verdict| verdict.explain());
    assert!(told.contains("grant: allowed: grant `g0` allows it"), "{told}");
}

#[test]
fn no_grant_is_beyond_a_deny_or_a_limit() {
    let kms = |effect: &str| one(effect, json!({ "Action": "kms:*", "Resource": "*" }));
    let named = |effect: &str| one(effect, json!({ "Principal": "*", "Action": "kms:*", "Resource": "*" }));
    let other = || one("Allow", json!({ "Action": "ec2:*", "Resource": "*" }));
    for (name, layer, policies, expected) in [
        ("denied by the key", "resource", named("Deny"), EXPLICIT),
        ("denied by identity", "identity", json!([kms("Deny")]), EXPLICIT),
        ("scp denies", "scp", json!([[kms("Allow"), kms("Deny")]]), EXPLICIT),
        ("scp is silent", "scp", json!([[other()]]), IMPLICIT),
        ("rcp denies", "rcp", json!([[named("Allow"), named("Deny")]]), EXPLICIT),
        ("endpoint is silent", "endpoint", json!([]), IMPLICIT),
        ("boundary is silent", "boundary", other(), IMPLICIT),
        ("boundary allows", "boundary", kms("Allow"), ALLOWED),
        ("session is silent", "session", json!([other()]), IMPLICIT),
        ("session allows", "session", json!([kms("Allow")]), ALLOWED),
    ] {
        check(name, &json!({ "grants": [grant(json!({}))], layer: policies }), &decrypt(), expected);
    }
    let account = grant(json!({ "grantee": ACCOUNT }));
    let both = json!({ "grants": [account], "identity": [kms("Allow")] });
    check("the account, and its policy", &both, &decrypt(), ALLOWED);
}

#[test]
fn a_grant_made_by_a_grant_is_no_wider() {
    let (equals, subset) = ("EncryptionContextEquals", "EncryptionContextSubset");
    let all = || json!({ "equals": { "Team": "red", "x": "1" } });
    for (name, parent, operations, kind, expected) in [
        ("the same", json!({}), &["Decrypt"] as &[&str], "", ALLOWED),
        ("another operation", json!({}), &["Decrypt", "Encrypt"], "", IMPLICIT),
        ("of nothing", json!({}), &[], "", IMPLICIT),
        ("keeps the subset", json!({ "subset": { "x": "1" } }), &["Decrypt"], subset, ALLOWED),
        ("drops the subset", json!({ "subset": { "y": "1" } }), &["Decrypt"], subset, IMPLICIT),
        ("keeps the equality", all(), &["Decrypt"], equals, ALLOWED),
        ("loosens the equality", all(), &["Decrypt"], subset, IMPLICIT),
        ("drops the source", json!({ "source": BUCKET }), &["Decrypt"], "", IMPLICIT),
    ] {
        let context = json!({ "kms:GrantOperations": operations, "kms:GrantConstraintType": kind, "aws:SourceArn": BUCKET });
        let request = on("kms:CreateGrant", json!({ "context": context }));
        check(name, &json!({ "grants": [grant(parent)] }), &request, expected);
    }
}
