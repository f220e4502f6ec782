//! How layers weigh against one another, and whom and what statements reach.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test may fail by panicking"
)]

mod common;

use common::{ACCOUNT, OTHER, ROLE, SESSION, USER, one, outcome};
use decide_iam::{Consent, Layer, Outcome};
use serde_json::{Value, json};

const ALLOWED: Outcome = Outcome::Allowed;
const IMPLICIT: Outcome = Outcome::ImplicitDeny;
const EXPLICIT: Outcome = Outcome::ExplicitDeny;

fn allow() -> Value {
    one("Allow", json!({ "Action": "s3:*", "Resource": "*" }))
}

fn deny() -> Value {
    one("Deny", json!({ "Action": "s3:*", "Resource": "*" }))
}

/// Says nothing to the requests of these tests.
fn other() -> Value {
    one("Allow", json!({ "Action": "ec2:*", "Resource": "*" }))
}

fn to(effect: &str, principal: &Value) -> Value {
    one(effect, json!({ "Principal": principal, "Action": "s3:*", "Resource": "*" }))
}

fn aws(name: &str) -> Value {
    json!({ "AWS": name })
}

fn check(name: &str, policies: &Value, request: &Value, expected: Outcome) {
    let case = json!({ "policies": policies, "request": request });
    assert_eq!(outcome(&case, Consent::Normal), expected, "{name}: {case}");
}

#[test]
fn identity_alone() {
    let none = json!({});
    check("silence", &json!({}), &none, IMPLICIT);
    check("other", &json!({ "identity": [other()] }), &none, IMPLICIT);
    check("allow", &json!({ "identity": [allow()] }), &none, ALLOWED);
    check("second allows", &json!({ "identity": [other(), allow()] }), &none, ALLOWED);
    check("deny beats", &json!({ "identity": [allow(), deny()] }), &none, EXPLICIT);
    check("deny first", &json!({ "identity": [deny(), allow()] }), &none, EXPLICIT);
    check("deny alone", &json!({ "identity": [deny()] }), &none, EXPLICIT);
    let root = json!({ "principal": "arn:aws:iam::111122223333:root" });
    check("root", &json!({}), &root, ALLOWED);
    check("root, denied by the bucket", &json!({ "resource": to("Deny", &json!("*")) }), &root, EXPLICIT);
    check("root, guarded", &json!({ "scp": [[other()]] }), &root, IMPLICIT);
}

#[test]
fn limits() {
    let none = json!({});
    for limit in ["boundary", "session", "endpoint"] {
        let everyone = limit == "endpoint";
        let with = |policy: Value| {
            let mut policy = policy;
            if everyone && policy.is_object() {
                policy["Statement"]["Principal"] = json!("*");
            }
            json!({ "identity": [allow()], limit: policy })
        };
        check(limit, &with(allow()), &none, ALLOWED);
        check(limit, &with(other()), &none, IMPLICIT);
        check(limit, &with(deny()), &none, EXPLICIT);
        check(limit, &with(json!([])), &none, IMPLICIT);
        check(limit, &with(Value::Null), &none, ALLOWED);
        let mut alone = with(allow());
        alone["identity"] = json!([other()]);
        check(limit, &alone, &none, IMPLICIT);
    }
}

#[test]
fn organizations() {
    let none = json!({});
    let scp = |levels: Value| json!({ "identity": [allow()], "scp": levels });
    let rcp = |levels: Value| json!({ "identity": [allow()], "rcp": levels });
    check("no levels", &scp(json!([])), &none, ALLOWED);
    check("null", &scp(Value::Null), &none, ALLOWED);
    check("all allow", &scp(json!([[allow()], [other(), allow()], [allow()]])), &none, ALLOWED);
    check("middle silent", &scp(json!([[allow()], [other()], [allow()]])), &none, IMPLICIT);
    check("level without policies", &scp(json!([[allow()], []])), &none, IMPLICIT);
    check("deny below", &scp(json!([[allow()], [allow(), deny()]])), &none, EXPLICIT);
    check("deny above silence", &scp(json!([[other()], [deny()]])), &none, EXPLICIT);
    check("scp grants nothing", &json!({ "scp": [[allow()]] }), &none, IMPLICIT);
    let everyone = json!("*");
    let (yes, no) = (to("Allow", &everyone), to("Deny", &everyone));
    check("rcp allows", &rcp(json!([[yes]])), &none, ALLOWED);
    check("rcp denies", &rcp(json!([[yes, no]])), &none, EXPLICIT);
    check("rcp silent", &rcp(json!([[yes], []])), &none, IMPLICIT);
    check("rcp grants nothing", &json!({ "rcp": [[yes]] }), &none, IMPLICIT);

    let linked =
        json!({ "principal": "arn:aws:iam::111122223333:role/aws-service-role/ecs.amazonaws.com/x" });
    check("service-linked role, scp", &scp(json!([[deny()]])), &linked, ALLOWED);
    check("service-linked role, rcp", &rcp(json!([[no]])), &linked, ALLOWED);
    let service = json!({ "principal": "logs.amazonaws.com", "principalAccount": "" });
    let granted = to("Allow", &json!({ "Service": "logs.amazonaws.com" }));
    check("services and scps", &json!({ "resource": granted, "scp": [[deny()]] }), &service, ALLOWED);
    check("services and rcps", &json!({ "resource": granted, "rcp": [[yes, no]] }), &service, EXPLICIT);
}

#[test]
fn resource_grants_within_the_account() {
    let bound = |resource: Value| json!({ "resource": resource, "boundary": other(), "session": [other()] });
    let alone = |resource: Value| json!({ "resource": resource });
    let (user, session, role) =
        (json!({ "principal": USER }), json!({ "principal": SESSION }), json!({ "principal": ROLE }));
    let federated = json!({ "principal": "arn:aws:sts::111122223333:federated-user/u" });
    let allowed = |name: &str| to("Allow", &aws(name));
    for (name, policies, request, expected) in [
        ("user", alone(allowed(USER)), &user, ALLOWED),
        ("user, bound", bound(allowed(USER)), &user, ALLOWED),
        ("other user", alone(allowed("arn:aws:iam::111122223333:user/v")), &user, IMPLICIT),
        ("everyone", alone(to("Allow", &json!("*"))), &user, ALLOWED),
        ("everyone, bound", bound(to("Allow", &json!("*"))), &session, ALLOWED),
        ("AWS everyone", alone(allowed("*")), &user, ALLOWED),
        ("account only", alone(allowed(ACCOUNT)), &user, IMPLICIT),
        ("account root only", alone(allowed("arn:aws:iam::111122223333:root")), &user, IMPLICIT),
        ("session", alone(allowed(SESSION)), &session, ALLOWED),
        ("session, bound", bound(allowed(SESSION)), &session, ALLOWED),
        ("role, alone", alone(allowed(ROLE)), &session, ALLOWED),
        ("role, bound", bound(allowed(ROLE)), &session, IMPLICIT),
        ("role itself", alone(allowed(ROLE)), &role, ALLOWED),
        (
            "federated user by session",
            bound(allowed("arn:aws:sts::111122223333:federated-user/u")),
            &federated,
            ALLOWED,
        ),
        ("federated user by user", bound(allowed(USER)), &federated, IMPLICIT),
        ("federated user by user, unbound", alone(allowed(USER)), &federated, ALLOWED),
        ("role named, deny", bound(to("Deny", &aws(ROLE))), &session, EXPLICIT),
        ("account denied", alone(to("Deny", &aws(ACCOUNT))), &session, EXPLICIT),
    ] {
        check(name, &policies, request, expected);
    }
    let both = json!({ "resource": allowed(ACCOUNT), "identity": [allow()] });
    check("account and identity", &both, &user, ALLOWED);
    let split = json!({ "resource": allowed(ROLE), "boundary": allow(), "session": [other()] });
    check("role within boundary, not session", &split, &session, IMPLICIT);
    let guarded = json!({ "resource": allowed(USER), "scp": [[other()]] });
    check("the organization still guards", &guarded, &user, IMPLICIT);
    let denied = json!({ "resource": allowed(USER), "boundary": deny() });
    check("a boundary still denies", &denied, &user, EXPLICIT);
}

#[test]
fn across_accounts() {
    let request = |principal: &str| json!({ "principal": principal, "resourceAccount": OTHER });
    let granted = |name: &str| to("Allow", &aws(name));
    for (name, policies, expected) in [
        ("identity only", json!({ "identity": [allow()] }), IMPLICIT),
        ("resource only", json!({ "resource": granted(USER) }), IMPLICIT),
        ("both", json!({ "identity": [allow()], "resource": granted(USER) }), ALLOWED),
        ("both, by account", json!({ "identity": [allow()], "resource": granted(ACCOUNT) }), ALLOWED),
        ("both, everyone", json!({ "identity": [allow()], "resource": to("Allow", &json!("*")) }), ALLOWED),
        ("wrong account", json!({ "identity": [allow()], "resource": granted(OTHER) }), IMPLICIT),
        (
            "boundary",
            json!({ "identity": [allow()], "resource": granted(USER), "boundary": other() }),
            IMPLICIT,
        ),
        (
            "session",
            json!({ "identity": [allow()], "resource": granted(USER), "session": [other()] }),
            IMPLICIT,
        ),
        ("denied there", json!({ "identity": [allow()], "resource": to("Deny", &json!("*")) }), EXPLICIT),
        ("denied here", json!({ "identity": [deny()], "resource": granted(USER) }), EXPLICIT),
    ] {
        check(name, &policies, &request(USER), expected);
    }
    let queue = json!({ "action": "sqs:SendMessage", "resource": "arn:aws:sqs:us-east-1:999999999999:q" });
    let identity = one("Allow", json!({ "Action": "sqs:*", "Resource": "*" }));
    check("the account in the ARN", &json!({ "identity": [identity] }), &queue, IMPLICIT);
    let root = "arn:aws:iam::111122223333:root";
    check("root of another account", &json!({ "resource": granted(ACCOUNT) }), &request(root), ALLOWED);
    check("root, ungranted", &json!({}), &request(root), IMPLICIT);
}

#[test]
fn callers_without_an_account() {
    let service = json!({ "principal": "lambda.amazonaws.com", "principalAccount": "" });
    let granted = to("Allow", &json!({ "Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"] }));
    let wrong = to("Allow", &json!({ "Service": "ec2.amazonaws.com" }));
    check("service", &json!({ "resource": granted }), &service, ALLOWED);
    check("wrong service", &json!({ "resource": wrong }), &service, IMPLICIT);
    check("service without policy", &json!({ "identity": [allow()] }), &service, IMPLICIT);
    check(
        "service elsewhere",
        &json!({ "resource": granted }),
        &json!({
        "principal": "lambda.amazonaws.com", "principalAccount": "", "resourceAccount": OTHER }),
        ALLOWED,
    );
    let nobody = json!({ "principal": "*", "principalAccount": "" });
    check("anonymous", &json!({ "resource": to("Allow", &json!("*")) }), &nobody, ALLOWED);
    check("anonymous, by account", &json!({ "resource": to("Allow", &aws(ACCOUNT)) }), &nobody, IMPLICIT);
    check("anonymous, no policy", &json!({}), &nobody, IMPLICIT);
    let web = json!({ "principal": "arn:aws:iam::111122223333:oidc-provider/x", "principalAccount": "" });
    let federated = to("Allow", &json!({ "Federated": "arn:aws:iam::111122223333:oidc-provider/x" }));
    check("token bearer", &json!({ "resource": federated }), &web, ALLOWED);
    check("endpoint limits services", &json!({ "resource": granted, "endpoint": [] }), &service, IMPLICIT);
}

#[test]
fn consent() {
    let decrypt = |effect: &str, principal: Option<Value>| {
        let mut statement = json!({ "Action": "kms:Decrypt", "Resource": "*" });
        if let Some(principal) = principal {
            statement["Principal"] = principal;
        }
        one(effect, statement)
    };
    let request = json!({ "action": "kms:Decrypt", "resource": "arn:aws:kms:us-east-1:111122223333:key/k" });
    let key = |principal: Value| decrypt("Allow", Some(principal));
    let identity = decrypt("Allow", None);
    for (name, policies, expected) in [
        ("identity only", json!({ "identity": [identity] }), IMPLICIT),
        ("key to the account only", json!({ "resource": key(aws(ACCOUNT)) }), IMPLICIT),
        ("key to the account", json!({ "identity": [identity], "resource": key(aws(ACCOUNT)) }), ALLOWED),
        ("key to the user", json!({ "resource": key(aws(USER)) }), ALLOWED),
        ("key to another", json!({ "identity": [identity], "resource": key(aws(ROLE)) }), IMPLICIT),
        (
            "key denies",
            json!({ "identity": [identity], "resource": decrypt("Deny", Some(json!("*"))) }),
            EXPLICIT,
        ),
    ] {
        let case = json!({ "policies": policies, "request": request });
        assert_eq!(outcome(&case, Consent::Required), expected, "{name}");
    }
    let root = json!({ "principal": "arn:aws:iam::111122223333:root", "action": "kms:Decrypt" });
    let case = json!({ "policies": { "resource": key(aws(USER)) }, "request": root });
    assert_eq!(outcome(&case, Consent::Required), IMPLICIT, "even the root user needs the key's consent");

    let trust = |principal: Value, condition: Value| {
        json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Principal": principal,
            "Action": "sts:AssumeRole", "Condition": condition } })
    };
    let assume = one("Allow", json!({ "Action": "sts:AssumeRole", "Resource": ROLE }));
    let external = json!({ "StringEquals": { "sts:ExternalId": "e" } });
    for (name, identity, trust, context, expected) in [
        ("user named", json!([]), trust(aws(USER), json!({})), json!({}), ALLOWED),
        ("account, no identity", json!([]), trust(aws(ACCOUNT), json!({})), json!({}), IMPLICIT),
        ("account, identity", json!([assume]), trust(aws(ACCOUNT), json!({})), json!({}), ALLOWED),
        (
            "external id",
            json!([assume]),
            trust(aws(ACCOUNT), external.clone()),
            json!({ "sts:ExternalId": "e" }),
            ALLOWED,
        ),
        (
            "wrong external id",
            json!([assume]),
            trust(aws(ACCOUNT), external.clone()),
            json!({ "sts:ExternalId": "f" }),
            IMPLICIT,
        ),
        ("no external id", json!([assume]), trust(aws(ACCOUNT), external), json!({}), IMPLICIT),
    ] {
        let request = json!({ "action": "sts:AssumeRole", "resource": ROLE, "context": context });
        let case = json!({ "policies": { "identity": identity, "resource": trust }, "trust": true, "request": request });
        assert_eq!(outcome(&case, Consent::Required), expected, "{name}");
    }
}

#[test]
fn not_principal() {
    let except = |effect: &str, name: &str| {
        one(effect, json!({ "NotPrincipal": { "AWS": name }, "Action": "s3:*", "Resource": "*" }))
    };
    let policies = |resource: Value| json!({ "identity": [allow()], "resource": resource });
    let user = json!({ "principal": USER });
    check("excluded", &policies(except("Deny", USER)), &user, ALLOWED);
    check("not excluded", &policies(except("Deny", ROLE)), &user, EXPLICIT);
    check("role excluded", &policies(except("Deny", ROLE)), &json!({ "principal": SESSION }), ALLOWED);
    check("allow to all others", &json!({ "resource": except("Allow", ROLE) }), &user, ALLOWED);
    check("allow to all but it", &json!({ "resource": except("Allow", USER) }), &user, IMPLICIT);
    let bound = json!({ "identity": [allow()], "boundary": allow(), "resource": except("Deny", USER) });
    check("a boundary voids the exception", &bound, &user, EXPLICIT);
    let nobody = json!({ "principal": "", "principalAccount": "" });
    check("anonymous is not excluded", &json!({ "resource": except("Deny", USER) }), &nobody, EXPLICIT);
}

/// One identity statement against one request.
fn reach(statement: &Value, action: &str, resource: &str, expected: bool) {
    let case = json!({
        "policies": { "identity": [one("Allow", statement.clone())] },
        "request": { "action": action, "resource": resource, "context": { "aws:username": "bob" } },
    });
    let allowed = outcome(&case, Consent::Normal) == ALLOWED;
    assert_eq!(allowed, expected, "{statement} {action} {resource}");
}

#[test]
fn actions() {
    for (pattern, action, expected) in [
        ("*", "s3:GetObject", true),
        ("*:*", "s3:GetObject", true),
        ("s3:*", "s3:GetObject", true),
        ("s3:GetObject", "s3:GetObject", true),
        ("S3:getobject", "s3:GetObject", true),
        ("s3:GetObject", "S3:GETOBJECT", true),
        ("s3:Get*", "s3:GetObject", true),
        ("s3:Get*", "s3:PutObject", false),
        ("s3:*Object", "s3:GetObject", true),
        ("s3:*Object", "s3:GetObjectAcl", false),
        ("s3:Get?bject", "s3:GetObject", true),
        ("s3:GetObject?", "s3:GetObject", false),
        ("s3:GetObject*", "s3:GetObjectAcl", true),
        ("s3:GetObject", "s3:GetObjectAcl", false),
        ("ec2:*", "s3:GetObject", false),
        ("s3-object-lambda:*", "s3:GetObject", false),
        ("s3:", "s3:GetObject", false),
    ] {
        reach(&json!({ "Action": pattern, "Resource": "*" }), action, "arn:aws:s3:::b", expected);
        reach(&json!({ "NotAction": pattern, "Resource": "*" }), action, "arn:aws:s3:::b", !expected);
    }
    reach(&json!({ "Action": ["ec2:*", "s3:Get*"], "Resource": "*" }), "s3:GetObject", "*", true);
    reach(&json!({ "NotAction": ["ec2:*", "s3:Get*"], "Resource": "*" }), "s3:GetObject", "*", false);
}

#[test]
fn resources() {
    for (pattern, resource, expected) in [
        ("*", "arn:aws:s3:::b/k", true),
        ("*", "*", true),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/k", true),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::c/k", false),
        ("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/bob/x", true),
        ("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/eve/x", false),
        ("arn:aws:s3:::b/${aws:userid}/*", "arn:aws:s3:::b//x", false),
        ("arn:aws:s3:::b/${aws:userid, 'all'}/*", "arn:aws:s3:::b/all/x", true),
        ("arn:aws:sqs:*:111122223333:*", "arn:aws:sqs:eu-west-1:111122223333:q", true),
        ("arn:aws:sqs:*:111122223333:*", "arn:aws:sqs:eu-west-1:x:111122223333:q", false),
        ("arn:aws:s3:::b", "*", false),
    ] {
        let action = "s3:GetObject";
        reach(&json!({ "Action": "*", "Resource": pattern }), action, resource, expected);
        let doubt = pattern.contains("userid}");
        reach(&json!({ "Action": "*", "NotResource": pattern }), action, resource, !expected && !doubt);
    }
    let two = json!(["arn:aws:s3:::b", "arn:aws:s3:::b/*"]);
    reach(&json!({ "Action": "*", "Resource": two }), "s3:GetObject", "arn:aws:s3:::b/k", true);
    reach(&json!({ "Action": "*", "NotResource": two }), "s3:GetObject", "arn:aws:s3:::b/k", false);
    let old = json!({ "Version": "2008-10-17", "Statement": { "Effect": "Allow", "Action": "*",
        "Resource": "arn:aws:s3:::b/${aws:username}" } });
    for (resource, expected) in
        [("arn:aws:s3:::b/bob", IMPLICIT), ("arn:aws:s3:::b/${aws:username}", ALLOWED)]
    {
        let request = json!({ "resource": resource, "context": { "aws:username": "bob" } });
        check("the older version has no variables", &json!({ "identity": [old] }), &request, expected);
    }
}

#[test]
fn the_layer_that_denied() {
    let guard = |layer: &str, policy: Value| json!({ "identity": [allow()], layer: policy });
    for (policies, expected) in [
        (json!({}), Layer::Identity),
        (json!({ "identity": [deny()], "resource": to("Deny", &json!("*")) }), Layer::Identity),
        (json!({ "resource": to("Deny", &json!("*")) }), Layer::Resource),
        (guard("boundary", other()), Layer::Boundary),
        (guard("session", json!([other()])), Layer::Session),
        (guard("scp", json!([[other()]])), Layer::ServiceControl),
        (guard("rcp", json!([[]])), Layer::ResourceControl),
        (guard("endpoint", json!([])), Layer::Endpoint),
    ] {
        let case = json!({ "policies": policies, "request": {} });
        assert_eq!(common::run(&case, Consent::Normal, |v| v.decisive), Some(expected), "{case}");
    }
}

#[test]
fn policies_in_the_wrong_place_grant_nothing() {
    // An identity policy says nothing about whom it is for; as a resource's it reaches nobody.
    let case = json!({ "policies": {}, "request": {} });
    assert_eq!(outcome(&case, Consent::Normal), IMPLICIT);
    let nameless = common::attached(&allow(), decide_iam::PolicyKind::Identity, "misplaced");
    let principal = decide_iam::Principal::named(USER, ACCOUNT);
    let context = decide_iam::Context::new();
    let request = decide_iam::Request {
        principal: &principal,
        action: "s3:GetObject",
        resource: "*",
        resource_account: None,
        context: &context,
    };
    let layers = decide_iam::Layers { resource: Some(&nameless), ..Default::default() };
    assert_eq!(decide_iam::evaluate(&request, &layers).outcome, IMPLICIT);
}
