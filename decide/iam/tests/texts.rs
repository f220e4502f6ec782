//! What callers and people read.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail by panicking"
)]

mod common;

use common::{OTHER, ROLE, USER, attached, one, run};
use decide_iam::{Consent, Context, Layers, PolicyKind, Principal, Request, evaluate};
use serde_json::{Value, json};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

fn statement(effect: &str, principal: Option<&str>, action: &str) -> Value {
    let mut rest = json!({ "Action": action, "Resource": "*" });
    if let Some(principal) = principal {
        rest["Principal"] = json!(principal);
    }
    one(effect, rest)
}

#[test]
fn messages() {
    let allow = || statement("Allow", None, "*");
    let deny = || statement("Deny", None, "kms:Decrypt");
    let other = || statement("Allow", None, "s3:*");
    let no = |what: &str| format!("because no {what} allows the kms:Decrypt action");
    let with = |what: &str| format!("with an explicit deny in {what}");
    for (policies, end) in [
        (json!({}), no("identity-based policy")),
        (json!({ "identity": [deny()] }), with("an identity-based policy")),
        (json!({ "identity": [allow()], "boundary": other() }), no("permissions boundary")),
        (json!({ "identity": [allow()], "boundary": deny() }), with("a permissions boundary")),
        (json!({ "identity": [allow()], "session": [other()] }), no("session policy")),
        (json!({ "identity": [allow()], "session": [deny()] }), with("a session policy")),
        (json!({ "identity": [allow()], "scp": [[other()]] }), no("service control policy")),
        (json!({ "identity": [allow()], "scp": [[deny()]] }), with("a service control policy")),
        (json!({ "identity": [allow()], "rcp": [[]] }), no("resource control policy")),
        (json!({ "rcp": [[statement("Deny", Some("*"), "*")]] }), with("a resource control policy")),
        (json!({ "identity": [allow()], "endpoint": [] }), no("VPC endpoint policy")),
        (json!({ "endpoint": statement("Deny", Some("*"), "*") }), with("a VPC endpoint policy")),
        (json!({ "resource": statement("Deny", Some("*"), "*") }), with("a resource-based policy")),
    ] {
        let case = json!({ "policies": policies, "request": { "action": "kms:Decrypt", "resource": KEY } });
        let message = run(&case, Consent::Normal, |v| v.aws_message(USER, "kms:Decrypt", KEY));
        let start = format!("User: {USER} is not authorized to perform: kms:Decrypt on resource: {KEY}");
        assert_eq!(message, format!("{start} {end}"));
    }
    let case = json!({ "policies": { "identity": [allow()] }, "request": { "action": "kms:Decrypt" } });
    assert_eq!(run(&case, Consent::Normal, |v| v.aws_message(USER, "kms:Decrypt", KEY)), "");
    let message = run(&case, Consent::Required, |v| v.aws_message(USER, "kms:Decrypt", KEY));
    assert!(message.ends_with("because no resource-based policy allows the kms:Decrypt action"), "{message}");
}

#[test]
fn messages_about_trust() {
    let trust = |effect: &str, who: &str| json!({ "Version": "2012-10-17", "Statement": { "Effect": effect, "Principal": { "AWS": who }, "Action": "sts:AssumeRole" } });
    for (policy, end) in [
        (trust("Allow", OTHER), "because no role trust policy allows the sts:AssumeRole action"),
        (trust("Deny", USER), "with an explicit deny in the role trust policy"),
    ] {
        let request = json!({ "action": "sts:AssumeRole", "resource": ROLE });
        let case = json!({ "policies": { "resource": policy }, "trust": true, "request": request });
        let message = run(&case, Consent::Required, |v| v.aws_message(USER, "sts:AssumeRole", ROLE));
        assert!(message.ends_with(end), "{message}");
    }
}

#[test]
fn the_arn_of_a_denying_policy_is_told_within_the_account() {
    let mut policy = attached(&statement("Deny", None, "*"), PolicyKind::Scp, "guard");
    policy.arn = Some("arn:aws:organizations::1:policy/o-1/service_control_policy/p-1".into());
    let scps = vec![vec![policy]];
    let (principal, context) = (Principal::named(USER, common::ACCOUNT), Context::new());
    let told = |resource_account| {
        let request = Request {
            principal: &principal,
            action: "s3:GetObject",
            resource: "*",
            resource_account,
            context: &context,
        };
        evaluate(&request, &Layers { scps: &scps, ..Layers::default() }).aws_message(
            USER,
            "s3:GetObject",
            "*",
        )
    };
    assert!(told(None).ends_with(
        "with an explicit deny in a service control policy: arn:aws:organizations::1:policy/o-1/service_control_policy/p-1"
    ));
    assert!(told(Some(OTHER)).ends_with("with an explicit deny in a service control policy"));
}

fn explained(policies: Value, request: Value) -> String {
    run(&json!({ "policies": policies, "request": request }), Consent::Normal, |v| v.explain())
}

#[test]
fn explanations() {
    let tagged = json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "Other", "Effect": "Allow", "Action": "ec2:*", "Resource": "*" },
        { "Sid": "Team", "Effect": "Allow", "Action": "s3:*", "Resource": "*",
          "Condition": { "Bool": { "aws:SecureTransport": "true" },
                         "StringEquals": { "aws:ResourceTag/team": ["${aws:PrincipalTag/team}", "all"] } } },
    ] });
    let context = json!({ "aws:ResourceTag/team": "red", "aws:PrincipalTag/team": "blue", "aws:SecureTransport": "true" });
    assert_eq!(
        explained(json!({ "identity": [tagged] }), json!({ "context": context })),
        "implicit deny: `s3:GetObject` on `arn:aws:s3:::b/k` by `arn:aws:iam::111122223333:user/u`\n  \
         resource-based policy: implicit deny: no policy is attached\n\
         > identity-based policy: implicit deny: no statement allows it; statement 2 `Team` of `identity` (t.yaml:20) \
         would, but its condition StringEquals wants `aws:ResourceTag/team` to be `blue`, `all` and the request has `red`\n\
         nearest change: set `aws:ResourceTag/team` to `blue` in the request"
    );
    let missing = explained(json!({ "identity": [tagged] }), json!({}));
    assert!(
        missing.contains("Bool wants `aws:SecureTransport` to be `true` and the request does not have it"),
        "{missing}"
    );

    let elsewhere = one("Allow", json!({ "Action": "s3:*", "Resource": "arn:aws:s3:::c/*" }));
    let text = explained(json!({ "identity": [elsewhere] }), json!({}));
    assert!(text.contains("it is for `arn:aws:s3:::c/*` and the resource is `arn:aws:s3:::b/k`"), "{text}");
    let stranger = one("Allow", json!({ "Principal": { "AWS": OTHER }, "Action": "s3:*", "Resource": "*" }));
    let text = explained(json!({ "resource": stranger }), json!({}));
    assert!(text.contains("it is not for `arn:aws:iam::111122223333:user/u`"), "{text}");

    let all = one("Allow", json!({ "Action": "*", "Resource": "*" }));
    let text =
        explained(json!({ "identity": [all], "scp": [[all], []] }), json!({ "resourceAccount": OTHER }));
    assert!(text.contains(", across accounts\n"), "{text}");
    assert!(
        text.contains("> service control policy: implicit deny: no statement allows it at level 2"),
        "{text}"
    );
    assert!(
        text.contains(
            "  identity-based policy: allowed: a statement allows it: statement 1 of `identity` (t.yaml:10)"
        ),
        "{text}"
    );
    let root = explained(json!({}), json!({ "principal": "arn:aws:iam::111122223333:root" }));
    assert!(
        root.contains("identity-based policy: allowed: the root user needs no identity policy"),
        "{root}"
    );
}

/// The last line of an explanation.
#[test]
fn nearest_changes() {
    let all = one("Allow", json!({ "Action": "*", "Resource": "*" }));
    let deny =
        |condition: Value| one("Deny", json!({ "Action": "*", "Resource": "*", "Condition": condition }));
    let mfa = deny(json!({ "BoolIfExists": { "aws:MultiFactorAuthPresent": "false" } }));
    let allow =
        |condition: Value| one("Allow", json!({ "Action": "*", "Resource": "*", "Condition": condition }));
    let in_request = |text: &str| format!("nearest change: {text} in the request");
    let attach = |to: &str| format!("nearest change: attach a statement that allows it to the {to}");
    for (policies, request, expected) in [
        (json!({}), json!({}), attach("identity-based policy")),
        (json!({ "identity": [all], "boundary": [] }), json!({}), attach("permissions boundary")),
        (
            json!({ "identity": [all], "scp": [[all], []] }),
            json!({}),
            attach("service control policy at level 2 of the organization"),
        ),
        (json!({ "identity": [all] }), json!({ "resourceAccount": OTHER }), attach("resource-based policy")),
        (json!({}), json!({ "principal": "lambda.amazonaws.com" }), attach("resource-based policy")),
        (
            json!({ "identity": [all, mfa] }),
            json!({ "context": { "aws:MultiFactorAuthPresent": "false" } }),
            in_request("set `aws:MultiFactorAuthPresent` to `true`"),
        ),
        (
            json!({ "identity": [all, deny(json!({ "NumericGreaterThan": { "a:n": "5" } }))] }),
            json!({ "context": { "a:n": 9 } }),
            in_request("set `a:n` to `5`"),
        ),
        (
            json!({ "identity": [all, deny(json!({ "StringNotEquals": { "aws:RequestedRegion": "eu-west-1" } }))] }),
            json!({ "context": { "aws:RequestedRegion": "us-east-1" } }),
            in_request("set `aws:RequestedRegion` to `eu-west-1`"),
        ),
        (
            json!({ "identity": [all, deny(json!({ "Null": { "aws:RequestTag/cost": "true" } }))] }),
            json!({}),
            "nearest change: give the request a value of `aws:RequestTag/cost`".to_owned(),
        ),
        (
            json!({ "identity": [allow(json!({ "StringNotLike": { "a:k": "*" } }))] }),
            json!({ "context": { "a:k": "v" } }),
            "nearest change: leave `a:k` out of the request".to_owned(),
        ),
        (
            json!({ "identity": [allow(json!({ "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } }))] }),
            json!({ "context": { "aws:SourceIp": "192.168.0.1" } }),
            in_request("set `aws:SourceIp` to `10.0.0.0`"),
        ),
        // Two conditions fail: one change of the request is not enough, a statement is.
        (
            json!({ "identity": [allow(json!({ "StringEquals": { "a:k": "v", "a:l": "w" } }))] }),
            json!({}),
            attach("identity-based policy"),
        ),
        (
            json!({ "identity": [all], "scp": [[all, deny(json!({}))]] }),
            json!({}),
            "nearest change: remove statement 1 of `scp` (t.yaml:10)".to_owned(),
        ),
        (
            json!({ "identity": [deny(json!({}))] }),
            json!({}),
            "more than one change is needed; the first: remove statement 1 of `identity` (t.yaml:10)"
                .to_owned(),
        ),
    ] {
        let text = explained(policies, request);
        assert_eq!(text.lines().last(), Some(expected.as_str()), "{text}");
    }
    assert!(!explained(json!({ "identity": [all] }), json!({})).contains("change"));
}

#[test]
fn the_message_that_is_decoded() {
    let denying = json!({ "Version": "2012-10-17", "Statement": { "Sid": "No", "Effect": "Deny", "NotAction": "iam:*",
        "Resource": "*", "Condition": { "StringLike": { "a:k": ["\"v*", "w"] } } } });
    let case =
        json!({ "policies": { "identity": [denying] }, "request": { "context": { "a:k": "\"v\n\\" } } });
    let message = run(&case, Consent::Normal, |v| v.authorization_message());
    let value =
        |texts: &[&str]| json!({ "items": texts.iter().map(|t| json!({ "value": t })).collect::<Vec<_>>() });
    let none = json!({ "items": [] });
    assert_eq!(
        common::parsed(&message),
        json!({
            "allowed": false,
            "explicitDeny": true,
            "matchedStatements": { "items": [{
                "statementId": "No",
                "effect": "DENY",
                "principals": none,
                "principalGroups": none,
                "actions": none,
                "notActions": value(&["iam:*"]),
                "resources": value(&["*"]),
                "conditions": { "items": [{ "key": "a:k", "values": value(&["\"v*", "w"]) }] },
            }] },
            "failures": none,
            "context": {
                "principal": { "id": "", "name": "u", "arn": USER },
                "action": "s3:GetObject",
                "resource": "arn:aws:s3:::b/k",
                "conditions": { "items": [{ "key": "a:k", "values": value(&["\"v\n\\"]) }] },
            },
        })
    );
    let silent = json!({ "policies": {}, "request": {} });
    let message = common::parsed(&run(&silent, Consent::Normal, |v| v.authorization_message()));
    assert_eq!((&message["explicitDeny"], &message["matchedStatements"]), (&json!(false), &none));
}
