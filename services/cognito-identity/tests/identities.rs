//! Who is let in, as whom, and what is refused.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used, reason = "tests")]

use std::sync::Arc;

use harness::{ACCOUNT, REGION, World};
use jwt::Algorithm::{self, Rs256, Rs512};
use jwt::Made;
use model::estate::cognito::TokenIssuer;
use model::graph::Change;
use model::{AccountId, Caller, Fault, Node as _, Service};
use serde_json::{Value as Json, json};

const USERS: &str = "us-east-1_AbCdEfGhI";
const CLIENT: &str = "1234567890abcdefghijklmnop";
const PROVIDER: &str = "cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI";
const ALL: [&Service; 4] = [
    &service_cognito_identity::SERVICE,
    &service_cognito_idp::SERVICE,
    &service_iam::SERVICE,
    &service_sts::SERVICE,
];

/// A user pool, of which there is nothing but its key, and an identity pool that takes its tokens.
struct Scene {
    world: World,
    admin: Caller,
    key: Made,
    pool: String,
    now: i64,
}

fn issuer(pool: &str, key: &Made) -> TokenIssuer {
    let (account, region) = (AccountId::parse(ACCOUNT).unwrap(), REGION.to_owned());
    TokenIssuer { account, region, pool: pool.to_owned(), keys: vec![key.public.clone()] }
}

fn users(key: &Made) -> TokenIssuer {
    issuer(USERS, key)
}

fn scene(services: Vec<&'static Service>, settings: Json) -> Scene {
    let world = World::new(services);
    let (admin, key) = (world.admin(), jwt::make(&*world.estate).unwrap());
    world.change(vec![Change::Put(Arc::new(users(&key)))]);
    let mut input = json!({"IdentityPoolName": "shop", "AllowUnauthenticatedIdentities": true,
        "CognitoIdentityProviders": [{"ProviderName": PROVIDER, "ClientId": CLIENT}]});
    for (name, value) in settings.as_object().unwrap() {
        input[name] = value.clone();
    }
    let made = world.call(&admin, "cognito-identity", "CreateIdentityPool", input).unwrap();
    let pool = made["IdentityPoolId"].as_str().unwrap().to_owned();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Scene { world, admin, key, pool, now: i64::try_from(now.as_secs()).unwrap() }
}

impl Scene {
    fn signed(&self, algorithm: Algorithm, changed: Json) -> String {
        let mut claims = json!({"sub": "alice", "aud": CLIENT, "iss": format!("https://{PROVIDER}"),
            "token_use": "id", "iat": self.now, "exp": self.now + 3600});
        for (name, value) in changed.as_object().unwrap() {
            claims[name] = value.clone();
        }
        jwt::sign(algorithm, &self.key.private, &self.key.public.kid, &claims).unwrap()
    }

    fn anyone(&self, operation: &str, input: Json) -> Result<Json, Fault> {
        self.world.call(&Caller::anonymous(), "cognito-identity", operation, input)
    }

    fn id(&self, token: Option<&str>) -> Result<String, Fault> {
        let logins = token.map_or(json!({}), |token| json!({PROVIDER: token}));
        let found = self.anyone("GetId", json!({"IdentityPoolId": self.pool, "Logins": logins}))?;
        Ok(found["IdentityId"].as_str().unwrap().to_owned())
    }

    fn token_of(&self, id: &str, login: Option<&str>) -> Result<Json, Fault> {
        let logins = login.map_or(json!({}), |token| json!({PROVIDER: token}));
        self.anyone("GetOpenIdToken", json!({"IdentityId": id, "Logins": logins}))
    }

    /// A role for whoever comes from the pool, given to both kinds.
    fn roles(&self) {
        let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Federated": "cognito-identity.amazonaws.com"},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": self.pool}}}]});
        let input = json!({"RoleName": "R", "AssumeRolePolicyDocument": trust.to_string()});
        let made = self.world.call(&self.admin, "iam", "CreateRole", input).unwrap();
        let (role, pool) = (&made["Role"]["Arn"], &self.pool);
        let input =
            json!({"IdentityPoolId": pool, "Roles": {"authenticated": role, "unauthenticated": role}});
        self.world.call(&self.admin, "cognito-identity", "SetIdentityPoolRoles", input).unwrap();
    }

    fn credentials(&self, id: &str, login: Option<&str>) -> Result<Json, Fault> {
        let logins = login.map_or(json!({}), |token| json!({PROVIDER: token}));
        self.anyone("GetCredentialsForIdentity", json!({"IdentityId": id, "Logins": logins}))
    }
}

#[test]
fn only_a_genuine_token_in_force_for_a_client_of_the_pool_is_a_login() {
    let scene = scene(ALL.to_vec(), json!({}));
    let good = scene.signed(Rs256, json!({}));
    let id = scene.id(Some(&good)).unwrap();
    assert_eq!(scene.id(Some(&scene.signed(Rs256, json!({"jti": "2"})))).unwrap(), id);
    let stranger = jwt::make(&*scene.world.estate).unwrap();
    let claims = jwt::claimed(&good).unwrap();
    let forged = jwt::sign(Rs256, &stranger.private, &scene.key.public.kid, &claims).unwrap();
    // Another user pool, which says that its token is for the same client.
    let elsewhere = issuer("us-east-1_Elsewhere", &stranger);
    let mut claims = claims;
    claims["iss"] = json!(elsewhere.issuer());
    let foreign = jwt::sign(Rs256, &stranger.private, &stranger.public.kid, &claims).unwrap();
    scene.world.change(vec![Change::Put(Arc::new(elsewhere))]);
    let unverified = "Invalid login token. Couldn't verify signed token.";
    for (token, message) in [
        (forged, unverified),
        (foreign, "Invalid login token. Issuer doesn't match providerName"),
        (scene.signed(Rs512, json!({})), unverified),
        (scene.signed(Rs256, json!({"token_use": "access"})), unverified),
        (scene.signed(Rs256, json!({"iss": "https://example.com"})), unverified),
        (scene.signed(Rs256, json!({"exp": scene.now})), "Invalid login token. Token expired."),
        (scene.signed(Rs256, json!({"exp": null})), "Invalid login token. Token expired."),
        (
            scene.signed(Rs256, json!({"aud": "another"})),
            "Token is not from a supported provider of this identity pool.",
        ),
        (scene.signed(Rs256, json!({"sub": null})), "Invalid login token. Missing a required claim: sub"),
    ] {
        for refused in [scene.id(Some(&token)).unwrap_err(), scene.token_of(&id, Some(&token)).unwrap_err()] {
            assert_eq!((&*refused.code, &*refused.message), ("NotAuthorizedException", message));
        }
    }
    // Without the user pool nothing verifies its tokens.
    scene.world.change(vec![Change::Remove(users(&scene.key).key())]);
    assert_eq!(scene.id(Some(&good)).unwrap_err().message, unverified);
}

#[test]
fn a_pool_that_checks_takes_no_token_of_a_sign_in_that_is_over() {
    for (checks, lets_in) in [(json!(true), false), (json!(false), true), (Json::Null, true)] {
        let mut provider = json!({"ProviderName": PROVIDER, "ClientId": CLIENT});
        if !checks.is_null() {
            provider["ServerSideTokenCheck"] = checks;
        }
        // Another client of the same user pool is checked, which says nothing about this one.
        let other = json!({"ProviderName": PROVIDER, "ClientId": "other", "ServerSideTokenCheck": true});
        let scene = scene(ALL.to_vec(), json!({"CognitoIdentityProviders": [provider, other]}));
        // Nobody of this name is in the user pool.
        assert_eq!(scene.id(Some(&scene.signed(Rs256, json!({})))).is_ok(), lets_in);
        assert!(scene.id(Some(&scene.signed(Rs256, json!({"aud": "other"})))).is_err());
    }
}

#[test]
fn credentials_depend_on_all_that_stands_behind_them() {
    let without = |name: &str| ALL.into_iter().filter(|s| s.name != name).collect();
    let full = scene(ALL.to_vec(), json!({}));
    full.roles();
    let login = full.signed(Rs256, json!({}));
    let (me, guest) = (full.id(Some(&login)).unwrap(), full.id(None).unwrap());
    full.credentials(&me, Some(&login)).unwrap();
    full.credentials(&guest, None).unwrap();
    // The role is gone.
    full.world.call(&full.admin, "iam", "DeleteRole", json!({"RoleName": "R"})).unwrap();
    let refused = full.credentials(&guest, None).unwrap_err();
    assert_eq!(refused.code, "InvalidIdentityPoolConfigurationException");
    // Nobody judges roles.
    let no_sts = scene(without("sts"), json!({}));
    no_sts.roles();
    let guest = no_sts.id(None).unwrap();
    assert_eq!(no_sts.credentials(&guest, None).unwrap_err().code, "NotImplemented");
    // Nobody verifies logins.
    let no_users = scene(without("cognito-idp"), json!({}));
    assert!(no_users.id(Some(&no_users.signed(Rs256, json!({})))).is_err());
}

#[test]
fn identities_are_of_their_pool_and_account() {
    let scene = scene(ALL.to_vec(), json!({}));
    let login = scene.signed(Rs256, json!({}));
    let me = scene.id(Some(&login)).unwrap();
    let everything =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let stranger = scene.world.user_in("444455556666", "mallory", Some(everything));
    let call = |who: &Caller, operation: &str, input: Json| {
        scene.world.call(who, "cognito-identity", operation, input)
    };
    let described = call(&scene.admin, "DescribeIdentity", json!({"IdentityId": me})).unwrap();
    assert_eq!(described["Logins"], json!([PROVIDER]));
    for (operation, input) in [
        ("DescribeIdentity", json!({"IdentityId": me})),
        ("DescribeIdentityPool", json!({"IdentityPoolId": scene.pool})),
        ("ListIdentities", json!({"IdentityPoolId": scene.pool, "MaxResults": 1})),
        ("SetIdentityPoolRoles", json!({"IdentityPoolId": scene.pool, "Roles": {}})),
        ("DeleteIdentityPool", json!({"IdentityPoolId": scene.pool})),
    ] {
        let refused = call(&stranger, operation, input).unwrap_err();
        assert_eq!(refused.code, "ResourceNotFoundException", "{operation}");
    }
    let left = call(&stranger, "DeleteIdentities", json!({"IdentityIdsToDelete": [me]})).unwrap();
    assert_eq!(left["UnprocessedIdentityIds"][0]["ErrorCode"], "AccessDenied");
    assert!(scene.token_of(&me, Some(&login)).is_ok());
    // All are listed, page by page.
    let mut wanted: Vec<String> = (0..3).map(|_| scene.id(None).unwrap()).chain([me]).collect();
    wanted.sort();
    let (mut listed, mut next) = (Vec::new(), Json::Null);
    loop {
        let mut input = json!({"IdentityPoolId": scene.pool, "MaxResults": 3});
        if !next.is_null() {
            input["NextToken"] = next;
        }
        let page = call(&scene.admin, "ListIdentities", input).unwrap();
        let ids = page["Identities"].as_array().unwrap();
        listed.extend(ids.iter().map(|i| i["IdentityId"].as_str().unwrap().to_owned()));
        match page.get("NextToken").filter(|t| !t.is_null()) {
            Some(token) => next = token.clone(),
            None => break,
        }
    }
    assert_eq!(listed, wanted);
    call(&scene.admin, "DeleteIdentityPool", json!({"IdentityPoolId": scene.pool})).unwrap();
    for id in wanted {
        assert_eq!(scene.token_of(&id, None).unwrap_err().code, "ResourceNotFoundException");
    }
}

#[test]
fn the_basic_flow_is_there_unless_the_pool_says_no() {
    for (classic, there) in [
        (json!({}), true),
        (json!({"AllowClassicFlow": true}), true),
        (json!({"AllowClassicFlow": false}), false),
    ] {
        let scene = scene(ALL.to_vec(), classic);
        let guest = scene.id(None).unwrap();
        assert_eq!(scene.token_of(&guest, None).is_ok(), there);
    }
}
