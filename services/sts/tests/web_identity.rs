//! Which tokens get a role, and which do not.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used, reason = "tests")]

use std::sync::Arc;

use harness::{ACCOUNT, REGION, World};
use jwt::Algorithm::{self, Rs256, Rs512};
use jwt::Made;
use model::estate::cognito::{IDENTITY_ISSUER, IdentityIssuer};
use model::estate::iam::Role;
use model::graph::Change;
use model::{AccountId, Caller, Fault, Host as _, Node as _, PolicyText, Tags, Timestamp};
use serde_json::{Value as Json, json};

const POOL: &str = "us-east-1:11111111-1111-4111-8111-111111111111";
const OTHER: &str = "us-east-1:22222222-2222-4222-8222-222222222222";
const SELF: &str = "us-east-1:33333333-3333-4333-8333-333333333333";

/// A pool's key, and a role of the name `R` with this trust policy's condition.
struct Scene {
    world: World,
    key: Made,
    now: i64,
}

fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

fn issuer(pool: &str, key: &Made) -> IdentityIssuer {
    let (pool, keys) = (pool.to_owned(), vec![key.public.clone()]);
    IdentityIssuer { account: account(), region: REGION.to_owned(), pool, keys }
}

fn role(condition: &Json) -> Role {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Federated": "cognito-identity.amazonaws.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": condition,
    }]});
    Role {
        account: account(),
        name: "R".to_owned(),
        path: "/".to_owned(),
        id: "AROAEXAMPLE".to_owned(),
        created: Timestamp(0),
        description: None,
        max_session: 3600,
        trust: PolicyText::new(trust.to_string(), None),
        inline: Vec::new(),
        attached: Vec::new(),
        boundary: None,
        tags: Tags::new(),
        last_used: None,
    }
}

/// What the role of a pool's members is trusted with, as AWS's console writes it.
fn members() -> Json {
    json!({
        "StringEquals": {"cognito-identity.amazonaws.com:aud": POOL},
        "ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": "authenticated"},
    })
}

impl Scene {
    fn new(condition: &Json) -> Scene {
        let world = World::new(vec![&service_sts::SERVICE]);
        let key = jwt::make(&*world.estate).unwrap();
        world.change(vec![Change::Put(Arc::new(issuer(POOL, &key))), Change::Put(Arc::new(role(condition)))]);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Scene { world, key, now: i64::try_from(now.as_secs()).unwrap() }
    }

    /// The claims of a good token, with some of them changed.
    fn claims(&self, changed: Json) -> Json {
        let mut claims = json!({
            "sub": SELF, "aud": POOL, "iss": IDENTITY_ISSUER, "iat": self.now, "exp": self.now + 600,
            "amr": ["authenticated", "cognito-idp.us-east-1.amazonaws.com/us-east-1_A",
                    "cognito-idp.us-east-1.amazonaws.com/us-east-1_A:CognitoSignIn:sub"],
        });
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    fn signed(&self, algorithm: Algorithm, changed: Json) -> String {
        jwt::sign(algorithm, &self.key.private, &self.key.public.kid, &self.claims(changed)).unwrap()
    }

    fn assume(&self, token: &str) -> Result<Json, Fault> {
        self.assume_with(token, json!({}))
    }

    fn assume_with(&self, token: &str, more: Json) -> Result<Json, Fault> {
        let mut input = json!({"RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/R"),
            "RoleSessionName": "session", "WebIdentityToken": token});
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        self.world.call(&Caller::anonymous(), "sts", "AssumeRoleWithWebIdentity", input)
    }

    fn refused(&self, token: &str) -> String {
        self.assume(token).unwrap_err().code.into_owned()
    }
}

#[test]
fn a_genuine_token_gets_a_role_that_trusts_its_bearer() {
    let scene = Scene::new(&members());
    let given = scene.assume(&scene.signed(Rs512, json!({}))).unwrap();
    assert_eq!(given["AssumedRoleUser"]["Arn"], format!("arn:aws:sts::{ACCOUNT}:assumed-role/R/session"));
    assert_eq!(given["Audience"], POOL);
    assert_eq!(given["SubjectFromWebIdentityToken"], SELF);
    assert_eq!(given["Provider"], "cognito-identity.amazonaws.com");
    assert!(given["Credentials"]["AccessKeyId"].as_str().unwrap().starts_with("ASIA"));
    // No longer than the role's sessions last.
    let token = scene.signed(Rs512, json!({}));
    let long = scene.assume_with(&token, json!({"DurationSeconds": 3601})).unwrap_err();
    assert_eq!(long.code, "ValidationException");
    // Session policies must be policies.
    let policy = scene.assume_with(&token, json!({"Policy": "{}"})).unwrap_err();
    assert_eq!(policy.code, "MalformedPolicyDocument");
}

#[test]
fn other_tokens_get_nothing() {
    let scene = Scene::new(&members());
    let stranger = jwt::make(&*scene.world.estate).unwrap();
    let sign = |key: &Made, kid: &str| jwt::sign(Rs512, &key.private, kid, &scene.claims(json!({}))).unwrap();
    let good = scene.signed(Rs512, json!({}));
    let (head, _) = good.rsplit_once('.').unwrap();
    let foreign = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_A";
    for (token, code) in [
        ("nonsense".to_owned(), "InvalidIdentityToken"),
        (format!("{head}."), "InvalidIdentityToken"),
        (sign(&stranger, &stranger.public.kid), "InvalidIdentityToken"),
        (sign(&stranger, &scene.key.public.kid), "InvalidIdentityToken"),
        (scene.signed(Rs256, json!({})), "InvalidIdentityToken"),
        (scene.signed(Rs512, json!({"iss": foreign})), "InvalidIdentityToken"),
        (scene.signed(Rs512, json!({"aud": OTHER})), "InvalidIdentityToken"),
        (scene.signed(Rs512, json!({"exp": null})), "InvalidIdentityToken"),
        (scene.signed(Rs512, json!({"sub": null})), "InvalidIdentityToken"),
        (scene.signed(Rs512, json!({"exp": scene.now - 1})), "ExpiredTokenException"),
    ] {
        assert_eq!(scene.refused(&token), code, "{token}");
    }
    let told = scene.assume(&scene.signed(Rs512, json!({"iss": foreign}))).unwrap_err().message;
    assert_eq!(told, format!("No OpenIDConnect provider found in your account for {foreign}"));
}

#[test]
fn the_trust_policy_decides_about_the_bearer() {
    let key = |name: &str| format!("cognito-identity.amazonaws.com:{name}");
    let amr = "ForAnyValue:StringEquals";
    let user = "cognito-idp.us-east-1.amazonaws.com/us-east-1_A:CognitoSignIn:sub";
    for (condition, trusted) in [
        (members(), true),
        (json!({amr: {key("amr"): user}}), true),
        (json!({"StringEquals": {key("sub"): SELF}}), true),
        (json!({"StringEquals": {"sts:RoleSessionName": "session"}}), true),
        (json!({"StringEquals": {key("aud"): OTHER}}), false),
        (json!({amr: {key("amr"): "unauthenticated"}}), false),
        (json!({"StringEquals": {key("sub"): POOL}}), false),
        (json!({"StringEquals": {"sts:RoleSessionName": "other"}}), false),
        // The bearer of a token is no principal of the role's account, nor of any.
        (json!({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}), false),
        (json!({"Null": {"aws:PrincipalArn": "false"}}), false),
    ] {
        let scene = Scene::new(&condition);
        let outcome = scene.assume(&scene.signed(Rs512, json!({})));
        match outcome {
            Ok(_) => assert!(trusted, "{condition}"),
            Err(fault) => {
                assert!(!trusted, "{condition}: {fault}");
                assert_eq!(fault.code, "AccessDeniedException");
                assert_eq!(fault.message, "Not authorized to perform sts:AssumeRoleWithWebIdentity");
            }
        }
    }
}

#[test]
fn without_the_role_or_the_pool_there_is_nothing_to_get() {
    let scene = Scene::new(&members());
    let token = scene.signed(Rs512, json!({}));
    scene.assume(&token).unwrap();
    scene.world.change(vec![Change::Remove(role(&members()).key())]);
    assert_eq!(scene.refused(&token), "AccessDeniedException");
    scene.world.change(vec![
        Change::Put(Arc::new(role(&members()))),
        Change::Remove(issuer(POOL, &scene.key).key()),
    ]);
    assert_eq!(scene.refused(&token), "InvalidIdentityToken");
}

#[test]
fn what_is_asked_about_bearers_is_no_api() {
    let world = World::new(vec![&service_sts::SERVICE]);
    let served = world.estate.registry().service("sts").unwrap();
    assert!(served.operation("ConsentToWebIdentity").is_some());
    assert!(served.api.operation("ConsentToWebIdentity").is_none());
}
