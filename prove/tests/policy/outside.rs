//! Whom a resource's policy lets in from outside: statements, and who is told of.

use decide_iam::PolicyKind;
use prove::policy::{Guarded, Prover, Zone};
use serde_json::{Value as Json, json};

const OWN: &str = "111122223333";
const OTHER: &str = "444455556666";

/// `PRINCIPAL [KEY=VALUE ...] [public]: ACTIONS` of each outsider.
fn told(kind: PolicyKind, statements: &Json, organization: bool) -> Vec<String> {
    let policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let (resource_type, arn, actions) = match kind {
        PolicyKind::Trust => {
            ("AWS::IAM::Role", "arn:aws:iam::111122223333:role/r", vec!["sts:AssumeRole", "sts:TagSession"])
        }
        _ => (
            "AWS::S3::Bucket",
            "arn:aws:s3:::box",
            vec!["s3:GetBucketPolicy", "s3:GetObject", "s3:ListBucket", "s3:PutObject"],
        ),
    };
    let actions: Vec<String> = actions.into_iter().map(str::to_owned).collect();
    let guarded = Guarded { policy: &policy, kind, resource_type, arn, owner: OWN, actions: &actions };
    let zone = Zone {
        accounts: if organization {
            vec![OWN.to_owned(), "777788889999".to_owned()]
        } else {
            vec![OWN.to_owned()]
        },
        organization: organization.then(|| "o-own".to_owned()),
    };
    let found = match Prover::brief().outsiders(&guarded, &zone) {
        Ok(found) => found,
        Err(reason) => return vec![format!("unknown: {reason}")],
    };
    let line = |o: prove::policy::Outsider| {
        let condition: String = o.condition.iter().map(|(k, v)| format!(" {k}={v}")).collect();
        let public = if o.public { " public" } else { "" };
        format!("{} {}{condition}{public}: {}", o.principal.0, o.principal.1, o.actions.join(","))
    };
    found.into_iter().map(line).collect()
}

fn allow(principal: Json, action: Json, condition: Json) -> Json {
    let mut one = json!({
        "Effect": "Allow", "Principal": principal, "Action": action,
        "Resource": ["arn:aws:s3:::box", "arn:aws:s3:::box/*"],
    });
    if !condition.is_null() {
        one["Condition"] = condition;
    }
    one
}

#[test]
fn outsiders_of_a_bucket() {
    let get = || json!("s3:GetObject");
    let vpce = json!({"StringEquals": {"aws:SourceVpce": ["vpce-1", "vpce-2"]}});
    for (what, statements, expected) in [
        ("everyone", json!([allow(json!("*"), get(), Json::Null)]), "AWS * public: s3:GetObject"),
        ("own account", json!([allow(json!({"AWS": OWN}), get(), Json::Null)]), ""),
        (
            "an account",
            json!([allow(json!({"AWS": [OTHER, OWN]}), get(), Json::Null)]),
            "AWS 444455556666: s3:GetObject",
        ),
        (
            "its root",
            json!([allow(
                json!({"AWS": format!("arn:aws:iam::{OTHER}:root")}),
                json!("s3:*Object"),
                Json::Null
            )]),
            "AWS 444455556666: s3:GetObject,s3:PutObject",
        ),
        (
            "a role",
            json!([allow(json!({"AWS": format!("arn:aws:iam::{OTHER}:role/r")}), get(), Json::Null)]),
            "AWS arn:aws:iam::444455556666:role/r: s3:GetObject",
        ),
        ("a service", json!([allow(json!({"Service": "cloudtrail.amazonaws.com"}), get(), Json::Null)]), ""),
        ("others' actions", json!([allow(json!("*"), json!("kms:*"), Json::Null)]), ""),
        (
            "endpoints",
            json!([allow(json!("*"), get(), vpce)]),
            "AWS * aws:SourceVpce=vpce-1: s3:GetObject; AWS * aws:SourceVpce=vpce-2: s3:GetObject",
        ),
    ] {
        assert_eq!(told(PolicyKind::Resource, &statements, false).join("; "), expected, "{what}");
    }
}

#[test]
fn denials_and_conditions_of_a_bucket() {
    let get = || json!("s3:GetObject");
    let deny = |action: &str, more: Json| {
        let mut one = json!({"Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*"});
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        one
    };
    let tls = json!({"Condition": {"Bool": {"aws:SecureTransport": "false"}}});
    let own = json!({"StringEquals": {"aws:PrincipalOrgID": "o-own"}});
    for (what, statements, expected) in [
        ("all denied", json!([allow(json!("*"), get(), Json::Null), deny("s3:*", json!({}))]), ""),
        (
            "some denied",
            json!([allow(json!("*"), json!("s3:*"), Json::Null), deny("s3:Put*", json!({}))]),
            "AWS * public: s3:GetBucketPolicy,s3:GetObject,s3:ListBucket",
        ),
        (
            "denied without TLS",
            json!([allow(json!({"AWS": OTHER}), get(), Json::Null), deny("*", tls)]),
            "AWS 444455556666: s3:GetObject",
        ),
        (
            "all but one denied",
            json!([
                allow(json!({"AWS": OTHER}), get(), Json::Null),
                deny("*", json!({"Condition": {"StringNotEquals": {"aws:PrincipalAccount": OWN}}})),
            ]),
            "",
        ),
        (
            "never",
            json!([allow(json!("*"), get(), json!({"StringEquals": {"aws:PrincipalAccount": OWN}}))]),
            "",
        ),
        (
            "a source of its own",
            json!([allow(json!("*"), get(), json!({"StringEquals": {"aws:SourceAccount": OWN}}))]),
            "",
        ),
        (
            "a source of others",
            json!([allow(json!("*"), get(), json!({"StringEquals": {"aws:SourceAccount": [OWN, OTHER]}}))]),
            "AWS * aws:SourceAccount=444455556666: s3:GetObject",
        ),
        (
            "an organization",
            json!([allow(json!("*"), get(), own)]),
            "AWS * aws:PrincipalOrgID=o-own: s3:GetObject",
        ),
        (
            "not some",
            json!([{"Effect": "Allow", "NotPrincipal": {"AWS": format!("arn:aws:iam::{OTHER}:root")},
            "Action": "s3:GetObject", "Resource": "arn:aws:s3:::box/*"}]),
            "AWS * public: s3:GetObject",
        ),
        (
            "not an action",
            json!([{"Effect": "Allow", "Principal": {"AWS": OTHER},
            "NotAction": "s3:Get*", "Resource": ["arn:aws:s3:::box", "arn:aws:s3:::box/*"]}]),
            "AWS 444455556666: s3:ListBucket,s3:PutObject",
        ),
    ] {
        assert_eq!(told(PolicyKind::Resource, &statements, false).join("; "), expected, "{what}");
    }
}

#[test]
fn an_organization_trusts_its_own() {
    let get = || json!("s3:GetObject");
    let of = |id: &str| json!({"StringEquals": {"aws:PrincipalOrgID": id}});
    for (statement, expected) in [
        (allow(json!("*"), get(), of("o-own")), ""),
        (allow(json!("*"), get(), of("o-other")), "AWS * aws:PrincipalOrgID=o-other: s3:GetObject"),
        (allow(json!({"AWS": "777788889999"}), get(), Json::Null), ""),
        (allow(json!({"AWS": OTHER}), get(), Json::Null), "AWS 444455556666: s3:GetObject"),
    ] {
        assert_eq!(told(PolicyKind::Resource, &json!([statement]), true).join("; "), expected, "{statement}");
    }
}

#[test]
fn outsiders_of_a_role() {
    let trust = |principal: Json, action: &str| json!([{"Effect": "Allow", "Principal": principal, "Action": action}]);
    let provider = "arn:aws:iam::111122223333:oidc-provider/token.example.com";
    for (statements, expected) in [
        (trust(json!({"Service": "ecs-tasks.amazonaws.com"}), "sts:AssumeRole"), String::new()),
        (trust(json!({"AWS": OWN}), "sts:AssumeRole"), String::new()),
        (trust(json!({"AWS": OTHER}), "sts:AssumeRole"), "AWS 444455556666: sts:AssumeRole".to_owned()),
        (
            trust(json!({"Federated": provider}), "sts:AssumeRoleWithWebIdentity"),
            format!("Federated {provider}: sts:AssumeRoleWithWebIdentity"),
        ),
    ] {
        assert_eq!(told(PolicyKind::Trust, &statements, false).join("; "), expected, "{statements}");
    }
}
