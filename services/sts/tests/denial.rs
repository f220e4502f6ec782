//! What an encoded authorization failure message says, and to whom.
#![allow(clippy::unwrap_used, reason = "a test")]

use harness::{ACCOUNT, World};
use model::estate::denial::encoded;
use model::{AccountId, Host as _, Timestamp};
use serde_json::json;

const OTHER: &str = "444455556666";
const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const DETAILS: &str = r#"{"allowed":false}"#;

#[test]
fn only_the_accounts_own_and_whole_messages_are_decoded() {
    let world = World::new(vec![&service_sts::SERVICE]);
    let admin = world.admin();
    let (nobody, other) = (world.user("nobody", None), world.user_in(OTHER, "other", Some(ALL)));
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = Timestamp::from_seconds(since.as_secs().cast_signed());
    let told = |account: &str, at: Timestamp| {
        encoded(&*world.estate, &AccountId::parse(account).unwrap(), at, DETAILS).unwrap()
    };
    let decode = |caller, message: &str| {
        world.call(caller, "sts", "DecodeAuthorizationMessage", json!({"EncodedMessage": message}))
    };
    let message = told(ACCOUNT, now);
    assert_eq!(decode(&admin, &message).unwrap()["DecodedMessage"], DETAILS);
    assert_eq!(decode(&nobody, &message).unwrap_err().code, "AccessDeniedException");
    let invalid = |caller, message: &str, why: &str| {
        assert_eq!(
            decode(caller, message).unwrap_err().code,
            "InvalidAuthorizationMessageException",
            "{why}"
        );
    };
    invalid(&other, &message, "another account's");
    invalid(&admin, &told(OTHER, now), "of another account");
    invalid(&admin, &told(ACCOUNT, now.plus_seconds(-86_401)), "expired");
    let swapped: String = message.chars().rev().collect();
    invalid(&admin, &swapped, "changed");
    let sealed = world.estate.seal("session-token", ACCOUNT.as_bytes(), DETAILS.as_bytes()).unwrap();
    use base64::Engine as _;
    let sealed = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sealed);
    invalid(&admin, &sealed, "sealed for another purpose");
}
