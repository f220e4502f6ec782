//! Tokens of issuers that the account has an OpenID Connect provider for.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use std::sync::Arc;

use harness::{ACCOUNT, REGION, World};
use jwt::Algorithm::{Rs256, Rs512};
use jwt::Made;
use model::estate::cognito::TokenIssuer;
use model::estate::iam::{OidcProvider, Role};
use model::graph::Change;
use model::{AccountId, Caller, Fault, Node as _, Tags, Timestamp};
use serde_json::{Value as Json, json};

const URL: &str = "cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI";
const CLIENT: &str = "client-of-the-shop";

struct Scene {
    world: World,
    key: Made,
    now: i64,
}

fn account(id: &str) -> AccountId {
    AccountId::parse(id).unwrap()
}

fn provider(of: &str, url: &str) -> OidcProvider {
    OidcProvider {
        account: account(of),
        url: url.to_owned(),
        clients: vec![CLIENT.to_owned()],
        thumbprints: Vec::new(),
        created: Timestamp(0),
        tags: Tags::new(),
    }
}

fn role(federated: &str, condition: &Json) -> Role {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": federated},
        "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition,
    }]});
    let role = json!({"account": ACCOUNT, "name": "R", "path": "/", "id": "AROAEXAMPLE", "created": 0,
        "description": null, "max_session": 3600, "inline": [], "attached": [], "boundary": null, "tags": {},
        "last_used": null, "trust": {"text": trust.to_string()}});
    serde_json::from_value(role).unwrap()
}

impl Scene {
    fn new(condition: &Json) -> Scene {
        let world = World::new(vec![&service_sts::SERVICE]);
        let key = jwt::make(&*world.estate).unwrap();
        let issuer = TokenIssuer {
            account: account(ACCOUNT),
            region: REGION.to_owned(),
            pool: "us-east-1_AbCdEfGhI".to_owned(),
            keys: vec![key.public.clone()],
        };
        let provider = provider(ACCOUNT, URL);
        let role = role(&provider.arn(), condition);
        world.change(vec![
            Change::Put(Arc::new(issuer)),
            Change::Put(Arc::new(provider)),
            Change::Put(Arc::new(role)),
        ]);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Scene { world, key, now: i64::try_from(now.as_secs()).unwrap() }
    }

    fn token(&self, changed: Json) -> String {
        let mut claims = json!({"iss": format!("https://{URL}"), "aud": CLIENT, "sub": "someone",
            "iat": self.now, "exp": self.now + 600, "token_use": "id"});
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        jwt::sign(Rs256, &self.key.private, &self.key.public.kid, &claims).unwrap()
    }

    fn assume(&self, token: &str) -> Result<Json, Fault> {
        let input = json!({"RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/R"),
            "RoleSessionName": "session", "WebIdentityToken": token});
        self.world.call(&Caller::anonymous(), "sts", "AssumeRoleWithWebIdentity", input)
    }

    fn refused(&self, token: &str) -> (String, String) {
        let fault = self.assume(token).unwrap_err();
        (fault.code.into_owned(), fault.message)
    }
}

fn shop() -> Json {
    json!({"StringEquals": {format!("{URL}:aud"): CLIENT, format!("{URL}:sub"): "someone"}})
}

#[test]
fn a_registered_issuers_token_gets_a_role_that_trusts_it() {
    let scene = Scene::new(&shop());
    let given = scene.assume(&scene.token(json!({}))).unwrap();
    assert_eq!(given["Provider"], format!("https://{URL}"));
    assert_eq!(
        (&given["Audience"], &given["SubjectFromWebIdentityToken"]),
        (&json!(CLIENT), &json!("someone"))
    );
    // Whom the trust policy does not mean.
    let (code, message) = scene.refused(&scene.token(json!({"sub": "someone else"})));
    assert_eq!(
        (&*code, &*message),
        ("AccessDeniedException", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    );
    // The party that a token was made for counts, where it names one.
    assert_eq!(scene.refused(&scene.token(json!({"azp": "other"}))).0, "AccessDeniedException");
}

#[test]
fn other_tokens_get_nothing() {
    let scene = Scene::new(&shop());
    let (code, message) = scene.refused(&scene.token(json!({"aud": "other-client"})));
    assert_eq!((&*code, &*message), ("InvalidIdentityToken", "Incorrect token audience"));
    let (_, message) = scene.refused(&scene.token(json!({"iss": "https://other.example.com"})));
    assert_eq!(message, "No OpenIDConnect provider found in your account for https://other.example.com");
    for (changed, code) in [
        (json!({"aud": null, "client_id": CLIENT}), "InvalidIdentityToken"),
        (json!({"iss": URL}), "InvalidIdentityToken"),
        (json!({"sub": null}), "InvalidIdentityToken"),
        (json!({"nbf": scene.now + 300}), "InvalidIdentityToken"),
        (json!({"exp": scene.now - 1}), "ExpiredTokenException"),
    ] {
        assert_eq!(scene.refused(&scene.token(changed.clone())).0, code, "{changed}");
    }
    let stranger = jwt::make(&*scene.world.estate).unwrap();
    let claims =
        json!({"iss": format!("https://{URL}"), "aud": CLIENT, "sub": "someone", "exp": scene.now + 600});
    for (algorithm, private) in [(Rs256, &stranger.private), (Rs512, &scene.key.private)] {
        let forged = jwt::sign(algorithm, private, &scene.key.public.kid, &claims).unwrap();
        assert_eq!(scene.refused(&forged).0, "InvalidIdentityToken");
    }
}

#[test]
fn without_a_provider_or_its_keys_nobody_gets_anything() {
    let scene = Scene::new(&shop());
    let token = scene.token(json!({}));
    scene.assume(&token).unwrap();
    // Another account's provider is none of this one's.
    let own = provider(ACCOUNT, URL);
    let other = provider("444455556666", URL);
    scene.world.change(vec![Change::Remove(own.key()), Change::Put(Arc::new(other))]);
    assert!(scene.refused(&token).1.starts_with("No OpenIDConnect provider found"));
    // One whose keys cannot be had.
    let url = "token.actions.example.com";
    let foreign = provider(ACCOUNT, url);
    let trusting = role(&foreign.arn(), &json!({}));
    scene.world.change(vec![Change::Put(Arc::new(foreign)), Change::Put(Arc::new(trusting))]);
    let (code, message) = scene.refused(&scene.token(json!({"iss": format!("https://{url}")})));
    assert_eq!(code, "InvalidIdentityToken");
    assert!(message.starts_with("Couldn't retrieve verification key"), "{message}");
    // A role that trusts another provider.
    scene.world.change(vec![Change::Put(Arc::new(own))]);
    assert_eq!(scene.refused(&token).0, "AccessDeniedException");
}
