//! Who gets tokens, who does not, and what the tokens are good for.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used, reason = "tests")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use harness::World;
use model::{Caller, Fault};
use serde_json::{Value as Json, json};

/// A pool with a client, and people who have no AWS permission at all.
struct Scene {
    world: World,
    admin: Caller,
    pool: String,
    client: String,
}

const PASSWORD: &str = "Correct-horse-1";

fn scene(pool: Json, client: Json) -> Scene {
    let world = World::new(vec![&service_cognito_idp::SERVICE]);
    let admin = world.admin();
    let mut scene = Scene { world, admin, pool: String::new(), client: String::new() };
    let mut input =
        json!({"PoolName": "shop", "AutoVerifiedAttributes": ["email"], "UsernameAttributes": ["email"]});
    merge(&mut input, pool);
    scene.pool = text(&scene.admin("CreateUserPool", input).unwrap(), "/UserPool/Id");
    scene.client = scene.new_client(client);
    scene
}

fn merge(into: &mut Json, more: Json) {
    for (name, value) in more.as_object().unwrap() {
        into[name] = value.clone();
    }
}

fn text(json: &Json, pointer: &str) -> String {
    json.pointer(pointer)
        .and_then(Json::as_str)
        .unwrap_or_else(|| panic!("no {pointer} in {json}"))
        .to_owned()
}

fn code<T: std::fmt::Debug>(outcome: Result<T, Fault>) -> String {
    outcome.unwrap_err().code.into_owned()
}

fn message<T: std::fmt::Debug>(outcome: Result<T, Fault>) -> String {
    outcome.unwrap_err().message
}

impl Scene {
    fn admin(&self, operation: &str, input: Json) -> Result<Json, Fault> {
        self.world.call(&self.admin, "cognito-idp", operation, input)
    }

    /// For the pool.
    fn set(&self, operation: &str, more: Json) -> Result<Json, Fault> {
        let mut input = json!({"UserPoolId": self.pool});
        merge(&mut input, more);
        self.admin(operation, input)
    }

    fn new_client(&self, more: Json) -> String {
        let mut input = json!({"ClientName": "web", "ExplicitAuthFlows": [
            "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]});
        merge(&mut input, more);
        text(&self.set("CreateUserPoolClient", input).unwrap(), "/UserPoolClient/ClientId")
    }

    /// Without credentials.
    fn anyone(&self, operation: &str, input: Json) -> Result<Json, Fault> {
        self.world.call(&Caller::anonymous(), "cognito-idp", operation, input)
    }

    fn user(&self, email: &str) {
        self.set(
            "AdminCreateUser",
            json!({"Username": email, "MessageAction": "SUPPRESS",
            "UserAttributes": [{"Name": "email_verified", "Value": "true"}]}),
        )
        .unwrap();
        let permanent = json!({"Username": email, "Password": PASSWORD, "Permanent": true});
        self.set("AdminSetUserPassword", permanent).unwrap();
    }

    fn sign_in(&self, email: &str, password: &str) -> Result<Json, Fault> {
        self.sign_in_at(&self.client, email, password)
    }

    fn sign_in_at(&self, client: &str, email: &str, password: &str) -> Result<Json, Fault> {
        self.anyone(
            "InitiateAuth",
            json!({"ClientId": client, "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": email, "PASSWORD": password}}),
        )
    }

    fn answer(&self, challenge: &str, session: &str, mut responses: Json) -> Result<Json, Fault> {
        if responses.get("USERNAME").is_none() {
            responses["USERNAME"] = json!("alice@example.com");
        }
        self.anyone(
            "RespondToAuthChallenge",
            json!({"ClientId": self.client, "ChallengeName": challenge,
            "Session": session, "ChallengeResponses": responses}),
        )
    }

    fn access(&self, email: &str) -> String {
        text(&self.sign_in(email, PASSWORD).unwrap(), "/AuthenticationResult/AccessToken")
    }

    fn who(&self, token: &str) -> Result<Json, Fault> {
        self.anyone("GetUser", json!({"AccessToken": token}))
    }

    /// The newest code that went to an address.
    fn mailed(&self, to: &str) -> String {
        let outbox = self.world.estate.outbox().unwrap();
        let body = outbox.iter().rev().find(|m| m.to == to).expect("a message").body.clone();
        body.rsplit(' ').next().unwrap().to_owned()
    }
}

fn claims(token: &str) -> Json {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn totp(secret: &str, step: i64) -> String {
    let (mut held, mut bits, mut key) = (0_u32, 0, Vec::new());
    for c in secret.bytes() {
        held = (held << 5)
            | u32::try_from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|b| *b == c).unwrap())
                .unwrap();
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            key.push(((held >> bits) & 255) as u8);
        }
    }
    let tag = ring::hmac::sign(
        &ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key),
        &step.to_be_bytes(),
    );
    let at = usize::from(tag.as_ref()[19] & 15);
    let word = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

fn step() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap() / 30
}

#[test]
fn one_signs_up_confirms_and_signs_in() {
    let scene = scene(json!({}), json!({}));
    let sign_up = |password: &str| {
        scene.anyone(
            "SignUp",
            json!({"ClientId": scene.client, "Username": "alice@example.com", "Password": password}),
        )
    };
    assert_eq!(code(sign_up("weak")), "InvalidPasswordException");
    let made = sign_up(PASSWORD).unwrap();
    assert_eq!(made["UserConfirmed"], false);
    assert_eq!(text(&made, "/CodeDeliveryDetails/Destination"), "a***@e***");
    assert_eq!(code(sign_up(PASSWORD)), "UsernameExistsException");
    assert_eq!(code(scene.sign_in("alice@example.com", PASSWORD)), "UserNotConfirmedException");
    assert_eq!(code(scene.sign_in("alice@example.com", "Wrong-horse-1")), "NotAuthorizedException");
    let confirm = |code: &str| {
        scene.anyone(
            "ConfirmSignUp",
            json!({"ClientId": scene.client, "Username": "alice@example.com", "ConfirmationCode": code}),
        )
    };
    let right = scene.mailed("alice@example.com");
    let wrong = if right == "000000" { "000001" } else { "000000" };
    assert_eq!(code(confirm(wrong)), "CodeMismatchException");
    confirm(&right).unwrap();
    assert_eq!(code(confirm(&right)), "NotAuthorizedException");
    let tokens = scene.sign_in("alice@example.com", PASSWORD).unwrap();
    let id = claims(&text(&tokens, "/AuthenticationResult/IdToken"));
    let access = claims(&text(&tokens, "/AuthenticationResult/AccessToken"));
    let issuer = format!("https://cognito-idp.us-east-1.amazonaws.com/{}", scene.pool);
    assert_eq!((id["iss"].as_str(), access["iss"].as_str()), (Some(issuer.as_str()), Some(issuer.as_str())));
    assert_eq!((&id["token_use"], &id["aud"]), (&json!("id"), &json!(scene.client)));
    assert_eq!((&access["token_use"], &access["client_id"]), (&json!("access"), &json!(scene.client)));
    assert_eq!((&id["email"], &id["email_verified"]), (&json!("alice@example.com"), &json!(true)));
    assert_eq!((&id["sub"], &access["scope"]), (&made["UserSub"], &json!("aws.cognito.signin.user.admin")));
    assert_eq!(access["exp"].as_i64().unwrap() - access["iat"].as_i64().unwrap(), 3600);
}

#[test]
fn guesses_at_codes_and_passwords_end() {
    let scene = scene(json!({}), json!({}));
    let email = "alice@example.com";
    scene
        .anyone("SignUp", json!({"ClientId": scene.client, "Username": email, "Password": PASSWORD}))
        .unwrap();
    let right = scene.mailed(email);
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let confirm = |code: &str| {
        scene.anyone(
            "ConfirmSignUp",
            json!({"ClientId": scene.client, "Username": email, "ConfirmationCode": code}),
        )
    };
    for _ in 0..5 {
        assert_eq!(code(confirm(wrong)), "CodeMismatchException");
    }
    assert_eq!(code(confirm(&right)), "LimitExceededException", "the right code comes too late");
    scene.set("AdminConfirmSignUp", json!({"Username": email})).unwrap();
    for _ in 0..5 {
        assert_eq!(message(scene.sign_in(email, "Wrong-horse-1")), "Incorrect username or password.");
    }
    assert_eq!(message(scene.sign_in(email, PASSWORD)), "Password attempts exceeded");
}

#[test]
fn clients_do_what_they_were_made_for() {
    let scene = scene(json!({}), json!({}));
    scene.user("alice@example.com");
    let srp_only = scene.new_client(json!({"ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH"]}));
    let refused = scene.sign_in_at(&srp_only, "alice@example.com", PASSWORD).unwrap_err();
    assert_eq!(refused.code, "InvalidParameterException");
    assert_eq!(refused.message, "USER_PASSWORD_AUTH flow not enabled for this client");
    let secret = scene.new_client(json!({"GenerateSecret": true}));
    assert_eq!(code(scene.sign_in_at(&secret, "alice@example.com", PASSWORD)), "NotAuthorizedException");
    let described = scene.set("DescribeUserPoolClient", json!({"ClientId": secret})).unwrap();
    let key = text(&described, "/UserPoolClient/ClientSecret");
    let hash = |name: &str| {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key.as_bytes());
        let tag = ring::hmac::sign(&key, format!("{name}{secret}").as_bytes());
        base64::engine::general_purpose::STANDARD.encode(tag)
    };
    let with = |hash: String| {
        scene.anyone(
            "InitiateAuth",
            json!({"ClientId": secret, "AuthFlow": "USER_PASSWORD_AUTH", "AuthParameters": {
            "USERNAME": "alice@example.com", "PASSWORD": PASSWORD, "SECRET_HASH": hash}}),
        )
    };
    assert!(with(hash("alice@example.com")).is_ok());
    assert_eq!(code(with(hash("bob@example.com"))), "NotAuthorizedException");
    assert_eq!(
        code(scene.sign_in_at("nosuchclient", "alice@example.com", PASSWORD)),
        "ResourceNotFoundException"
    );
    // Whether a user exists is told by the one kind of client and not by the other.
    assert_eq!(code(scene.sign_in("nobody@example.com", PASSWORD)), "UserNotFoundException");
    let quiet = scene.new_client(json!({"PreventUserExistenceErrors": "ENABLED"}));
    assert_eq!(
        message(scene.sign_in_at(&quiet, "nobody@example.com", PASSWORD)),
        "Incorrect username or password."
    );
    let forgot = json!({"ClientId": quiet, "Username": "nobody@example.com"});
    assert!(scene.anyone("ForgotPassword", forgot).unwrap().get("CodeDeliveryDetails").is_some());
}

#[test]
fn a_pool_that_requires_a_second_factor_always_asks() {
    let scene = scene(json!({}), json!({}));
    scene.user("alice@example.com");
    let on = json!({"SoftwareTokenMfaConfiguration": {"Enabled": true}, "MfaConfiguration": "ON"});
    scene.set("SetUserPoolMfaConfig", on).unwrap();
    let setup = scene.sign_in("alice@example.com", PASSWORD).unwrap();
    assert_eq!((&setup["ChallengeName"], setup.get("AuthenticationResult")), (&json!("MFA_SETUP"), None));
    let session = text(&setup, "/Session");
    assert_eq!(code(scene.answer("MFA_SETUP", &session, json!({}))), "SoftwareTokenMFANotFoundException");
    assert_eq!(
        code(scene.answer("SOFTWARE_TOKEN_MFA", &session, json!({"SOFTWARE_TOKEN_MFA_CODE": "000000"}))),
        "NotAuthorizedException"
    );
    let given = scene.anyone("AssociateSoftwareToken", json!({"Session": session})).unwrap();
    let (secret, session) = (text(&given, "/SecretCode"), text(&given, "/Session"));
    let verify =
        |code: String| scene.anyone("VerifySoftwareToken", json!({"Session": session, "UserCode": code}));
    assert_eq!(code(verify(totp(&secret, step() + 9))), "EnableSoftwareTokenMFAException");
    let used = step() - 1;
    let done = text(&verify(totp(&secret, used)).unwrap(), "/Session");
    assert!(scene.answer("MFA_SETUP", &done, json!({})).unwrap().get("AuthenticationResult").is_some());
    assert_eq!(
        message(scene.answer("MFA_SETUP", &done, json!({}))),
        "Invalid session for the user, session can only be used once."
    );

    let asked = scene.sign_in("alice@example.com", PASSWORD).unwrap();
    assert_eq!(asked["ChallengeName"], "SOFTWARE_TOKEN_MFA");
    let session = text(&asked, "/Session");
    let enter =
        |code: String| scene.answer("SOFTWARE_TOKEN_MFA", &session, json!({"SOFTWARE_TOKEN_MFA_CODE": code}));
    assert_eq!(code(enter(totp(&secret, used))), "ExpiredCodeException", "it was used to set the token up");
    assert_eq!(code(enter(totp(&secret, step() + 9))), "CodeMismatchException");
    let now = step();
    assert!(enter(totp(&secret, now)).unwrap().get("AuthenticationResult").is_some());
    let again = text(&scene.sign_in("alice@example.com", PASSWORD).unwrap(), "/Session");
    let reused =
        scene.answer("SOFTWARE_TOKEN_MFA", &again, json!({"SOFTWARE_TOKEN_MFA_CODE": totp(&secret, now)}));
    assert_eq!(message(reused), "Your software token has already been used once.");
    // A user who is disabled between the steps does not get in.
    scene.set("AdminDisableUser", json!({"Username": "alice@example.com"})).unwrap();
    let late = scene.answer(
        "SOFTWARE_TOKEN_MFA",
        &again,
        json!({"SOFTWARE_TOKEN_MFA_CODE": totp(&secret, now + 1)}),
    );
    assert_eq!(message(late), "User is disabled.");
}

#[test]
fn a_temporary_password_must_be_changed() {
    let scene = scene(json!({}), json!({}));
    scene.set("AdminCreateUser", json!({"Username": "alice@example.com"})).unwrap();
    let body = scene.world.estate.outbox().unwrap().last().unwrap().body.clone();
    let temporary = body.rsplit(' ').next().unwrap().strip_suffix('.').unwrap().to_owned();
    let asked = scene.sign_in("alice@example.com", &temporary).unwrap();
    assert_eq!(asked["ChallengeName"], "NEW_PASSWORD_REQUIRED");
    let session = text(&asked, "/Session");
    let change =
        |password: &str| scene.answer("NEW_PASSWORD_REQUIRED", &session, json!({"NEW_PASSWORD": password}));
    assert_eq!(code(change("weak")), "InvalidPasswordException");
    assert!(change(PASSWORD).unwrap().get("AuthenticationResult").is_some());
    assert_eq!(code(change("Another-horse-2")), "NotAuthorizedException");
    assert_eq!(code(scene.sign_in("alice@example.com", &temporary)), "NotAuthorizedException");
    assert!(scene.sign_in("alice@example.com", PASSWORD).is_ok());
}

#[test]
fn tokens_end_with_their_sign_in() {
    let scene = scene(json!({}), json!({}));
    scene.user("alice@example.com");
    let tokens = scene.sign_in("alice@example.com", PASSWORD).unwrap();
    let (access, refresh) = (
        text(&tokens, "/AuthenticationResult/AccessToken"),
        text(&tokens, "/AuthenticationResult/RefreshToken"),
    );
    let renew = |token: &str| {
        scene.anyone(
            "InitiateAuth",
            json!({"ClientId": scene.client, "AuthFlow": "REFRESH_TOKEN_AUTH",
            "AuthParameters": {"REFRESH_TOKEN": token}}),
        )
    };
    let renewed = renew(&refresh).unwrap();
    assert!(renewed.pointer("/AuthenticationResult/RefreshToken").is_none());
    let renewed = text(&renewed, "/AuthenticationResult/AccessToken");
    assert!(scene.who(&access).is_ok() && scene.who(&renewed).is_ok());
    assert_eq!(message(renew("nonsense")), "Invalid Refresh Token");
    let other = scene.new_client(json!({}));
    let elsewhere = scene.anyone(
        "InitiateAuth",
        json!({"ClientId": other, "AuthFlow": "REFRESH_TOKEN_AUTH",
        "AuthParameters": {"REFRESH_TOKEN": refresh}}),
    );
    assert_eq!(message(elsewhere), "Invalid Refresh Token");
    let beside = scene.access("alice@example.com");
    scene.anyone("RevokeToken", json!({"ClientId": scene.client, "Token": refresh})).unwrap();
    assert_eq!(message(renew(&refresh)), "Refresh Token has been revoked");
    assert_eq!(message(scene.who(&access)), "Access Token has been revoked");
    assert_eq!(message(scene.who(&renewed)), "Access Token has been revoked");
    assert!(scene.who(&beside).is_ok(), "another sign-in is not touched");
    scene.anyone("GlobalSignOut", json!({"AccessToken": beside})).unwrap();
    assert_eq!(message(scene.who(&beside)), "Access Token has been revoked");
    let last = scene.access("alice@example.com");
    scene.set("AdminDeleteUser", json!({"Username": "alice@example.com"})).unwrap();
    assert_eq!(code(scene.who(&last)), "UserNotFoundException");
}

#[test]
fn forged_tokens_are_refused() {
    let scene = scene(json!({}), json!({}));
    scene.user("alice@example.com");
    let token = scene.access("alice@example.com");
    let parts: Vec<&str> = token.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(json!({"alg": "none"}).to_string());
    let mut other = claims(&token);
    other["username"] = json!("mallory");
    let other = URL_SAFE_NO_PAD.encode(other.to_string());
    let id = text(&scene.sign_in("alice@example.com", PASSWORD).unwrap(), "/AuthenticationResult/IdToken");
    for forged in [
        format!("{none}.{}.", parts[1]),
        format!("{none}.{}.{}", parts[1], parts[2]),
        format!("{}.{other}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        id,
        "x".to_owned(),
    ] {
        assert_eq!(message(scene.who(&forged)), "Invalid Access Token", "{forged}");
    }
    // Another pool's key signs nothing for this one, whatever the claims say.
    let pool = text(&scene.admin("CreateUserPool", json!({"PoolName": "other"})).unwrap(), "/UserPool/Id");
    assert_ne!(pool, scene.pool);
    assert!(scene.who(&token).is_ok());
    scene.set("DeleteUserPoolClient", json!({"ClientId": scene.client})).unwrap();
    assert_eq!(message(scene.who(&token)), "Invalid Access Token");
}

#[test]
fn a_forgotten_password_is_recovered_at_a_verified_address_only() {
    let scene = scene(json!({}), json!({}));
    scene.user("alice@example.com");
    scene
        .set(
            "AdminUpdateUserAttributes",
            json!({"Username": "alice@example.com",
        "UserAttributes": [{"Name": "email_verified", "Value": "false"}]}),
        )
        .unwrap();
    let forgot =
        || scene.anyone("ForgotPassword", json!({"ClientId": scene.client, "Username": "alice@example.com"}));
    assert_eq!(code(forgot()), "InvalidParameterException");
    scene
        .set(
            "AdminUpdateUserAttributes",
            json!({"Username": "alice@example.com",
        "UserAttributes": [{"Name": "email_verified", "Value": "true"}]}),
        )
        .unwrap();
    forgot().unwrap();
    let mailed = scene.mailed("alice@example.com");
    let confirm = |code: &str, password: &str| {
        scene.anyone(
            "ConfirmForgotPassword",
            json!({"ClientId": scene.client, "Username": "alice@example.com",
            "ConfirmationCode": code, "Password": password}),
        )
    };
    let wrong = if mailed == "000000" { "000001" } else { "000000" };
    assert_eq!(code(confirm(wrong, "Another-horse-2")), "CodeMismatchException");
    confirm(&mailed, "Another-horse-2").unwrap();
    assert_eq!(code(confirm(&mailed, "Third-horse-33")), "ExpiredCodeException");
    assert_eq!(code(scene.sign_in("alice@example.com", PASSWORD)), "NotAuthorizedException");
    assert!(scene.sign_in("alice@example.com", "Another-horse-2").is_ok());
}

#[test]
fn users_change_what_they_may() {
    let schema = json!([{"Name": "tier", "AttributeDataType": "String", "Mutable": true}]);
    let scene = scene(json!({"Schema": schema}), json!({}));
    scene.user("alice@example.com");
    scene.user("bob@example.com");
    let token = scene.access("alice@example.com");
    let update = |name: &str, value: &str| {
        scene.anyone(
            "UpdateUserAttributes",
            json!({"AccessToken": token, "UserAttributes": [{"Name": name, "Value": value}]}),
        )
    };
    update("given_name", "Alice").unwrap();
    assert_eq!(code(update("custom:tier", "gold")), "NotAuthorizedException");
    assert_eq!(code(update("email_verified", "true")), "NotAuthorizedException");
    assert_eq!(code(update("email", "bob@example.com")), "AliasExistsException");
    update("email", "carol@example.com").unwrap();
    let verify = |code: &str| {
        scene.anyone(
            "VerifyUserAttribute",
            json!({"AccessToken": token, "AttributeName": "email", "Code": code}),
        )
    };
    verify(&scene.mailed("carol@example.com")).unwrap();
    assert_eq!(code(scene.sign_in("alice@example.com", PASSWORD)), "UserNotFoundException");
    let me = scene.who(&scene.access("carol@example.com")).unwrap();
    assert!(
        me["UserAttributes"]
            .as_array()
            .unwrap()
            .contains(&json!({"Name": "email_verified", "Value": "true"}))
    );
    scene
        .set(
            "AdminUpdateUserAttributes",
            json!({"Username": "carol@example.com",
        "UserAttributes": [{"Name": "custom:tier", "Value": "gold"}]}),
        )
        .unwrap();
    let found = scene.set("ListUsers", json!({"Filter": "email ^= \"carol\""})).unwrap();
    assert_eq!(found["Users"].as_array().unwrap().len(), 1);
    scene.set("CreateGroup", json!({"GroupName": "staff"})).unwrap();
    scene.set("AdminAddUserToGroup", json!({"GroupName": "staff", "Username": "carol@example.com"})).unwrap();
    assert_eq!(claims(&scene.access("carol@example.com"))["cognito:groups"], json!(["staff"]));
    scene.set("DeleteGroup", json!({"GroupName": "staff"})).unwrap();
    assert_eq!(claims(&scene.access("carol@example.com")).get("cognito:groups"), None);
    let change = |old: &str, new: &str| {
        scene.anyone(
            "ChangePassword",
            json!({"AccessToken": token, "PreviousPassword": old, "ProposedPassword": new}),
        )
    };
    assert_eq!(code(change("Wrong-horse-1", "Another-horse-2")), "NotAuthorizedException");
    change(PASSWORD, "Another-horse-2").unwrap();
    assert!(scene.sign_in("carol@example.com", "Another-horse-2").is_ok());
}

#[test]
fn what_is_not_honoured_is_refused() {
    let scene = scene(json!({}), json!({}));
    for pool in [
        json!({"LambdaConfig": {"PreSignUp": "arn:aws:lambda:us-east-1:111122223333:function:f"}}),
        json!({"UserPoolAddOns": {"AdvancedSecurityMode": "ENFORCED"}}),
        json!({"MfaConfiguration": "ON"}),
        json!({"Policies": {"PasswordPolicy": {"MinimumLength": 99}}, "AliasAttributes": ["email"], "UsernameAttributes": ["email"]}),
    ] {
        let mut input = json!({"PoolName": "refused"});
        merge(&mut input, pool);
        assert_eq!(code(scene.admin("CreateUserPool", input)), "InvalidParameterException");
    }
    let outsider = scene.world.user("outsider", None);
    let refused =
        scene.world.call(&outsider, "cognito-idp", "DescribeUserPool", json!({"UserPoolId": scene.pool}));
    assert_eq!(code(refused), "AccessDeniedException");
    let abroad = scene.world.user_in(
        "444455556666",
        "abroad",
        Some(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#),
    );
    let refused =
        scene.world.call(&abroad, "cognito-idp", "DescribeUserPool", json!({"UserPoolId": scene.pool}));
    assert_eq!(code(refused), "ResourceNotFoundException");
    scene.set("DeleteUserPool", json!({})).unwrap();
    assert_eq!(code(scene.sign_in("alice@example.com", PASSWORD)), "ResourceNotFoundException");
}
