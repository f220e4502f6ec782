//! Who can reach a resource, with all layers: known cases, random layers against the evaluator,
//! and what a table of actions rules out.

use std::sync::Arc;

use decide_iam::{
    Attached, Consent, Context, Layers, Policy, PolicyKind, Principal, PrincipalKind, Request, evaluate,
};
use prove::policy::{Access, Answer, Goal, KnownAction, PolicyType, Prover, Who};
use serde_json::{Value, json};

use crate::result;
use crate::sampled::{Dice, caller, context, document};

const ACCOUNT: &str = "111122223333";
const OTHER: &str = "999999999999";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

fn attach(document: &Value, kind: PolicyKind) -> Attached {
    let policy = Policy::read(&document.to_string(), kind).unwrap_or_else(|f| panic!("{f}\n{document}"));
    Attached { name: format!("{kind:?} {document}"), arn: None, source: None, policy: Arc::new(policy) }
}

fn one(effect: &str, rest: Value) -> Value {
    let mut statement = json!({ "Effect": effect });
    for (key, value) in rest.as_object().unwrap() {
        statement[key] = value.clone();
    }
    json!({ "Version": "2012-10-17", "Statement": statement })
}

fn decrypt() -> Goal {
    Goal {
        actions: vec!["kms:Decrypt".into()],
        resources: vec![KEY.into()],
        resource_account: ACCOUNT.into(),
        ..Goal::default()
    }
}

fn role(name: &str) -> Who {
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/{name}");
    Who::Exactly(Principal { arn, account: ACCOUNT.into(), id: String::new(), kind: PrincipalKind::Role })
}

#[test]
fn a_key_is_reached_through_its_policy() {
    let to = |principal: Value| {
        attach(
            &one("Allow", json!({ "Principal": principal, "Action": "kms:*", "Resource": "*" })),
            PolicyKind::Resource,
        )
    };
    let use_key =
        attach(&one("Allow", json!({ "Action": "kms:Decrypt", "Resource": KEY })), PolicyKind::Identity);
    let nothing = attach(&one("Deny", json!({ "Action": "*", "Resource": "*" })), PolicyKind::Scp);
    let vpc = json!({ "StringNotEquals": { "aws:SourceVpce": "vpce-1" } });
    let guarded = attach(
        &json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Principal": { "AWS": ACCOUNT }, "Action": "kms:*", "Resource": "*" },
            { "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": vpc },
        ]}),
        PolicyKind::Resource,
    );
    let outside = Who::Outside(vec![ACCOUNT.into()]);
    let (ours, open, theirs) = (to(json!({ "AWS": ACCOUNT })), to(json!("*")), to(json!({ "AWS": OTHER })));
    let service = to(json!({ "Service": "logs.us-east-1.amazonaws.com" }));
    let identity = std::slice::from_ref(&use_key);
    let scps = vec![vec![nothing]];
    let none: &[Attached] = &[];
    for (what, resource, identity, scps, who, expected) in [
        ("a role with the permission", &ours, identity, None, role("r"), "FAIL"),
        ("a role without it", &ours, none, None, role("r"), "PASS"),
        ("a service control policy denies", &ours, identity, Some(&scps), role("r"), "PASS"),
        ("strangers are not named", &ours, none, None, outside.clone(), "PASS"),
        ("everyone is named", &open, none, None, outside.clone(), "FAIL"),
        ("another account is named", &theirs, none, None, outside.clone(), "FAIL"),
        ("a service is named", &service, none, None, outside.clone(), "FAIL"),
        ("only through the endpoint", &guarded, identity, None, role("r"), "FAIL"),
        ("endpoint or not, no stranger", &guarded, none, None, outside, "PASS"),
        ("anyone at all", &ours, none, None, Who::Anyone, "FAIL"),
    ] {
        let layers = Layers {
            identity,
            resource: Some(resource),
            scps: scps.map(Vec::as_slice).unwrap_or_default(),
            resource_consent: Consent::Required,
            ..Layers::default()
        };
        let answer = Prover::default().who_can(&layers, &who, &decrypt());
        assert_eq!(result(&answer), expected, "{what}: {answer:?}");
        if let Answer::Fail { counterexample, reasons } = answer {
            assert_eq!(
                (counterexample.action.as_str(), counterexample.resource.as_str()),
                ("kms:Decrypt", KEY)
            );
            assert!(!reasons.is_empty());
            if what.contains("endpoint") {
                assert!(counterexample.keys.contains(&("aws:SourceVpce".into(), vec!["vpce-1".into()])));
            }
        }
    }
}

#[test]
fn boundaries_and_sessions_limit_a_role() {
    let all = attach(&one("Allow", json!({ "Action": "*", "Resource": "*" })), PolicyKind::Identity);
    let only = |action: &str| {
        vec![attach(&one("Allow", json!({ "Action": action, "Resource": "*" })), PolicyKind::Boundary)]
    };
    let named = |arn: String| {
        let principal = json!({ "AWS": arn });
        attach(
            &one("Allow", json!({ "Principal": principal, "Action": "kms:*", "Resource": "*" })),
            PolicyKind::Resource,
        )
    };
    let by_role = named(format!("arn:aws:iam::{ACCOUNT}:role/r"));
    let by_session = named(format!("arn:aws:sts::{ACCOUNT}:assumed-role/r/s"));
    for (boundary, resource, expected) in [
        (only("s3:*"), None, "PASS"),
        (only("kms:*"), None, "FAIL"),
        (only("s3:*"), Some(&by_role), "PASS"),
        // A session that is named itself is beyond the boundary.
        (only("s3:*"), Some(&by_session), "FAIL"),
    ] {
        let layers = Layers {
            identity: std::slice::from_ref(&all),
            boundary: Some(&boundary),
            resource,
            ..Layers::default()
        };
        let session = Principal {
            arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/r/s"),
            account: ACCOUNT.into(),
            id: "AROAX:s".into(),
            kind: PrincipalKind::AssumedRole {
                role_arn: format!("arn:aws:iam::{ACCOUNT}:role/r"),
                session_name: "s".into(),
            },
        };
        let answer = Prover::default().who_can(&layers, &Who::Exactly(session), &decrypt());
        assert_eq!(result(&answer), expected, "{answer:?}");
    }
}

#[test]
fn layers_agree_with_the_evaluator() {
    let mut dice = Dice(0x0bad_cafe_1234_5677);
    let prover = Prover::default();
    let mut seen = [0_u32; 3];
    for at in 0..600 {
        let many = |dice: &mut Dice, most: usize, kind| -> Vec<Attached> {
            (0..dice.roll(most + 1)).map(|_| attach(&document(dice, false), kind)).collect()
        };
        let identity = many(&mut dice, 2, PolicyKind::Identity);
        let resource = (dice.roll(10) < 7).then(|| attach(&document(&mut dice, true), PolicyKind::Resource));
        let boundary = (dice.roll(10) < 3).then(|| many(&mut dice, 1, PolicyKind::Boundary));
        let session = (dice.roll(10) < 2).then(|| many(&mut dice, 1, PolicyKind::Session));
        let scps: Vec<Vec<Attached>> = match dice.roll(4) {
            0 => vec![many(&mut dice, 2, PolicyKind::Scp)],
            _ => Vec::new(),
        };
        let layers = Layers {
            identity: &identity,
            resource: resource.as_ref(),
            boundary: boundary.as_deref(),
            session: session.as_deref(),
            scps: &scps,
            resource_consent: if dice.roll(4) == 0 { Consent::Required } else { Consent::Normal },
            ..Layers::default()
        };
        let owner = if dice.roll(3) == 0 { OTHER } else { ACCOUNT };
        let goal = Goal {
            actions: vec![],
            resources: vec!["arn:aws:s3:::*".into()],
            resource_account: owner.into(),
            ..Goal::default()
        };
        let zone = vec![OTHER.to_owned()];
        let who = if dice.roll(2) == 0 { Who::Anyone } else { Who::Outside(zone.clone()) };
        match prover.who_can(&layers, &who, &goal) {
            Answer::Fail { counterexample, .. } => {
                seen[0] += 1;
                let context = counterexample.context();
                // Where nobody has policies of his own, each has every permission.
                if !identity.is_empty() {
                    assert!(evaluate(&counterexample.request(&context), &layers).is_allowed(), "{at}");
                }
            }
            Answer::Pass => {
                seen[1] += 1;
                for _ in 0..400 {
                    let (principal, keys) = caller(&mut dice, true);
                    let context: Context = context(&mut dice, keys);
                    let request = Request {
                        principal: &principal,
                        action: ["s3:GetObject", "s3:PutObject", "sqs:SendMessage"][dice.roll(3)],
                        resource: ["arn:aws:s3:::a/x", "arn:aws:s3:::a", "arn:aws:s3:::b/y/z"][dice.roll(3)],
                        resource_account: Some(owner),
                        context: &context,
                    };
                    let asked = who == Who::Anyone || !zone.contains(&principal.account);
                    assert!(
                        !asked || !evaluate(&request, &layers).is_allowed(),
                        "set {at}: {}\n{layers:?}",
                        evaluate(&request, &layers).explain()
                    );
                }
            }
            Answer::Unknown { reason } => {
                seen[2] += 1;
                assert!(!reason.contains("evaluator"), "set {at}: {reason}");
            }
        }
    }
    assert!(seen[0] > 100 && seen[1] > 100 && seen[2] < 20, "{seen:?}");
}

#[test]
fn actions_are_about_their_own_resources() {
    let known = |name: &str, resources: &[&str]| KnownAction {
        name: name.into(),
        resources: resources.iter().map(|r| (*r).to_owned()).collect(),
    };
    let prover = Prover::new(&[
        known("s3:ListAllMyBuckets", &["*"]),
        known("s3:ListBucket", &["arn:*:s3:::*"]),
        known("s3:GetObject", &["arn:*:s3:::*/*"]),
        known("s3:PutObject", &["arn:*:s3:::*/*"]),
    ]);
    let (of, secret) = (PolicyType::IdentityPolicy, "arn:aws:s3:::secret");
    let policy = |rest: Value| crate::policy(&one("Allow", rest), of);
    let sought = |actions: &[&str], resource: &str| Access {
        actions: actions.iter().map(|a| (*a).to_owned()).collect(),
        resources: vec![resource.to_owned()],
    };
    for (document, access, expected) in [
        // No action named `Get` is about a bucket.
        (json!({ "Action": "s3:Get*", "Resource": "*" }), sought(&[], secret), "PASS"),
        (json!({ "Action": "s3:*", "Resource": "*" }), sought(&[], secret), "FAIL"),
        (json!({ "Action": "s3:*Object", "Resource": "*" }), sought(&[], "arn:aws:s3:::secret/k"), "FAIL"),
        (json!({ "Action": "s3:ListAllMyBuckets", "Resource": "*" }), sought(&[], secret), "PASS"),
        // What no table knows may be about anything.
        (json!({ "Action": "sqs:*", "Resource": "*" }), sought(&[], secret), "FAIL"),
    ] {
        let policy = policy(document);
        let answer = prover.check_access_not_granted(&policy, of, std::slice::from_ref(&access));
        assert_eq!(result(&answer), expected, "{access:?}: {answer:?}");
    }
    let (existing, new) = (
        policy(json!({ "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*" })),
        policy(json!({ "Action": "s3:Get*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"] })),
    );
    let answer = prover.check_no_new_access(std::slice::from_ref(&existing), std::slice::from_ref(&new), of);
    assert_eq!(answer, Answer::Pass);
    let answer = Prover::default().check_no_new_access(&[existing], &[new], of);
    assert_eq!(result(&answer), "FAIL");
}
