//! Terraform plans: what is known is answered, what is not is undecided.

use prove::rights::{Finding, Outcome, Rights, Whereabouts};
use prove::{Estate, is_plan};
use serde_json::{Value, json};

use crate::{ADMINISTRATOR, around, subjects};

fn change(address: &str, after: Value, unknown: Value) -> Value {
    let (kind, name) = address.split_once('.').unwrap();
    json!({
        "address": address, "mode": "managed", "type": kind, "name": name,
        "change": {"actions": ["create"], "before": null, "after": after, "after_unknown": unknown},
    })
}

fn written(address: &str, expressions: Value) -> Value {
    json!({"address": address, "mode": "managed", "expressions": expressions})
}

fn plan(changes: &[Value], resources: &[Value]) -> String {
    let plan = json!({
        "format_version": "1.2", "terraform_version": "1.9.0",
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": resources}},
        "prior_state": {"values": {"root_module": {"resources": [
            {"type": "aws_caller_identity", "values": {"account_id": "222233334444"}},
        ]}}},
    });
    serde_json::to_string_pretty(&plan).unwrap()
}

fn rights(plan: &str) -> Rights {
    assert!(is_plan(plan));
    let mut around = around();
    let (estate, place) = Estate::planned(plan, &Whereabouts::default()).unwrap();
    around.place = place;
    Rights::of(&estate, &around).unwrap()
}

fn role() -> Value {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    change(
        "aws_iam_role.app",
        json!({"name": "app", "path": "/", "assume_role_policy": trust}),
        json!({"arn": true, "managed_policy_arns": true, "inline_policy": true}),
    )
}

fn policy(action: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})
        .to_string()
}

/// A role with a policy of its own, attached by reference.
fn attached(action: &str) -> String {
    plan(
        &[
            role(),
            change(
                "aws_iam_policy.p",
                json!({"name": "p", "path": "/", "policy": policy(action)}),
                json!({"arn": true}),
            ),
            change("aws_iam_role_policy_attachment.a", json!({"role": "app"}), json!({"policy_arn": true})),
        ],
        &[
            written("aws_iam_role.app", json!({"name": {}, "assume_role_policy": {}})),
            written("aws_iam_policy.p", json!({"name": {}, "policy": {}})),
            written(
                "aws_iam_role_policy_attachment.a",
                json!({"role": {}, "policy_arn": {"references": ["aws_iam_policy.p.arn", "aws_iam_policy.p"]}}),
            ),
        ],
    )
}

fn raised(plan: &str) -> Vec<Finding> {
    rights(plan).escalations()
}

#[test]
fn references_are_followed() {
    assert!(raised(&attached("s3:GetObject")).is_empty());
    let text = attached("iam:PutRolePolicy");
    let found = raised(&text);
    assert_eq!(subjects(&found, Outcome::Violated), ["aws_iam_role.app"]);
    assert_eq!(found[0].requests[0].request.resource, "arn:aws:iam::222233334444:role/app");
    let line = text.lines().nth(found[0].spot.line as usize - 1).unwrap();
    assert!(line.contains("aws_iam_policy.p"), "{line}");
}

#[test]
fn what_is_known_after_apply_never_holds() {
    for (changes, written_as) in [
        // The whole document is not known.
        (
            change("aws_iam_role_policy.p", json!({"name": "p", "role": "app"}), json!({"policy": true})),
            json!({"name": {}, "role": {}, "policy": {"references": ["aws_s3_bucket.b.arn", "aws_s3_bucket.b"]}}),
        ),
        // Nor which policy is attached.
        (
            change("aws_iam_role_policy_attachment.p", json!({"role": "app"}), json!({"policy_arn": true})),
            json!({"role": {}, "policy_arn": {"references": ["var.policy"]}}),
        ),
        // Nor which of several, though another is known.
        (
            change(
                "aws_iam_policy_attachment.p",
                json!({"name": "p", "roles": [null, "other"], "policy_arn": ADMINISTRATOR}),
                json!({"roles": [true, false]}),
            ),
            json!({"roles": {"references": ["aws_iam_role.app.name", "aws_iam_role.app"]}, "policy_arn": {}}),
        ),
        // Nor to whom.
        (
            change(
                "aws_iam_role_policy.p",
                json!({"name": "p", "policy": policy("s3:Get*")}),
                json!({"role": true}),
            ),
            json!({"name": {}, "role": {"references": ["module.x.role"]}, "policy": {}}),
        ),
    ] {
        let address = changes["address"].as_str().unwrap().to_owned();
        let text = plan(
            &[role(), changes],
            &[
                written("aws_iam_role.app", json!({"name": {}, "assume_role_policy": {}})),
                written(&address, written_as),
            ],
        );
        let found = raised(&text);
        assert!(subjects(&found, Outcome::Undecided).contains(&"aws_iam_role.app"), "{found:?}");
        assert!(found[0].message.contains("known only after apply"), "{}", found[0].message);
        assert!(subjects(&found, Outcome::Violated).is_empty());
    }
}

#[test]
fn tags_that_are_not_known_may_be_any() {
    let by_tag = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:PutRolePolicy",
        "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "blue"}}}]});
    let raised = |tags: Value, unknown: Value| {
        let mut app = role();
        app["change"]["after"]["tags_all"] = tags;
        app["change"]["after_unknown"]["tags_all"] = unknown;
        let own = json!({"name": "p", "role": "app", "policy": by_tag.to_string()});
        let text = plan(
            &[app, change("aws_iam_role_policy.p", own, json!({}))],
            &[written("aws_iam_role.app", json!({"name": {}, "assume_role_policy": {}}))],
        );
        !raised(&text).is_empty()
    };
    assert!(raised(json!({"team": "blue"}), json!({})) && !raised(json!({"team": "red"}), json!({})));
    assert!(raised(json!(null), json!(true)));
}

#[test]
fn who_can_is_asked_of_a_plan() {
    let bucket = change("aws_s3_bucket.b", json!({"bucket": "store"}), json!({"arn": true}));
    let open = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::store/*"},
    ]});
    let allowed =
        change("aws_s3_bucket_policy.p", json!({"bucket": "store", "policy": open.to_string()}), json!({}));
    let text = plan(&[bucket.clone(), allowed], &[]);
    let found = rights(&text).who_can("s3:GetObject", "store").unwrap();
    assert_eq!(subjects(&found, Outcome::Told), ["root of 222233334444", "everyone"]);
    let hidden = change("aws_s3_bucket_policy.p", json!({"bucket": "store"}), json!({"policy": true}));
    let found = rights(&plan(&[bucket, hidden], &[])).who_can("s3:GetObject", "aws_s3_bucket.b").unwrap();
    assert!(subjects(&found, Outcome::Told).is_empty() && !found.is_empty(), "{found:?}");
}

#[test]
fn what_is_no_plan_is_said_with_its_place() {
    let read = |text: &str| Estate::planned(text, &Whereabouts::default()).map(|_| ()).unwrap_err();
    assert!(read("{\n\"a\": }").starts_with("2:6: this is not JSON"));
    assert!(read("{}").contains("`resource_changes` is missing"));
    assert!(
        read(r#"{"resource_changes": [{"address": "x"}]}"#).contains("`resource_changes[0].type` is missing")
    );
}
