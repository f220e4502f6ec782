//! Roles for SAML assertions: what gets one, and what gets nothing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "what fails here fails the test"
)]

mod idp;

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use harness::{ACCOUNT, World};
use idp::{Idp, Over, Said};
use model::estate::iam::{Role, SamlProvider};
use model::graph::Change;
use model::{AccountId, Caller, Fault, Node as _, Tags, Timestamp};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const ROLE: &str = "arn:aws:iam::111122223333:role/R";
const PROVIDER: &str = "arn:aws:iam::111122223333:saml-provider/Corp";

/// Two keys for all tests: to make one takes long.
static KEYS: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let world = World::new(vec![]);
    [(); 2].map(|()| jwt::make(&*world.estate).unwrap().private.to_vec())
});

fn provider(account: &str, metadata: String) -> SamlProvider {
    SamlProvider {
        account: AccountId::parse(account).unwrap(),
        name: "Corp".to_owned(),
        id: "01234567-89ab-cdef-0123-456789abcdef".to_owned(),
        metadata,
        created: Timestamp(0),
        valid_until: Timestamp::from_seconds(4_000_000_000),
        tags: Tags::new(),
    }
}

fn role(statements: Json) -> Role {
    let trust = json!({"Version": "2012-10-17", "Statement": statements});
    let role = json!({"account": ACCOUNT, "name": "R", "path": "/", "id": "AROAEXAMPLE", "created": 0,
        "description": null, "max_session": 3600, "inline": [], "attached": [], "boundary": null, "tags": {},
        "last_used": null, "trust": {"text": trust.to_string()}});
    serde_json::from_value(role).unwrap()
}

fn trust(actions: &[&str], condition: Json) -> Json {
    json!([{"Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": actions, "Condition": condition}])
}

struct Scene {
    world: World,
    idp: Idp,
}

impl Scene {
    fn new(statements: Json) -> Scene {
        let world = World::new(vec![&service_sts::SERVICE]);
        let idp = Idp::new(&KEYS[0]);
        let scene = Scene { world, idp };
        scene.put(provider(ACCOUNT, scene.idp.metadata()));
        scene.world.change(vec![Change::Put(Arc::new(role(statements)))]);
        scene
    }

    fn trusting(condition: Json) -> Scene {
        Scene::new(trust(&["sts:AssumeRoleWithSAML"], condition))
    }

    fn put(&self, provider: SamlProvider) {
        self.world.change(vec![Change::Put(Arc::new(provider))]);
    }

    fn send(&self, more: Json, text: &str) -> Result<Json, Fault> {
        let mut input =
            json!({"RoleArn": ROLE, "PrincipalArn": PROVIDER, "SAMLAssertion": STANDARD.encode(text)});
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        self.world.call(&Caller::anonymous(), "sts", "AssumeRoleWithSAML", input)
    }

    fn assume(&self, said: &Said) -> Result<Json, Fault> {
        self.send(json!({}), &self.idp.response(said, Over::Assertion))
    }

    fn refused(&self, text: &str) -> (String, String) {
        let fault = self.send(json!({}), text).unwrap_err();
        (fault.code.into_owned(), fault.message)
    }
}

fn said() -> Said {
    Said::new(ROLE, PROVIDER)
}

#[test]
fn a_signed_assertion_gets_the_role_it_names() {
    let scene = Scene::trusting(json!({"StringEquals": {"saml:aud": "https://signin.aws.amazon.com/saml",
        "saml:iss": idp::ENTITY, "saml:sub": "someone", "saml:sub_type": "persistent",
        "saml:doc": format!("{ACCOUNT}/Corp"), "sts:RoleSessionName": "someone@example.com",
        "saml:namequalifier": "P9LLD7nY4s53qfxY1kqlfihLnvo="}}));
    for over in [Over::Assertion, Over::Response, Over::Both] {
        let given = scene.send(json!({}), &scene.idp.response(&said(), over)).unwrap();
        let user = &given["AssumedRoleUser"];
        assert_eq!(user["Arn"], format!("arn:aws:sts::{ACCOUNT}:assumed-role/R/someone@example.com"));
        assert_eq!((&given["Subject"], &given["SubjectType"]), (&json!("someone"), &json!("persistent")));
        assert_eq!(given["Issuer"], idp::ENTITY);
        assert_eq!(given["Audience"], "https://signin.aws.amazon.com/saml");
        assert_eq!(given["NameQualifier"], "P9LLD7nY4s53qfxY1kqlfihLnvo=");
    }
    let other = Said { subject: "someone-else".to_owned(), ..said() };
    let fault = scene.assume(&other).unwrap_err();
    assert_eq!(
        (&*fault.code, &*fault.message),
        ("AccessDeniedException", "Not authorized to perform sts:AssumeRoleWithSAML")
    );
}

#[test]
fn endpoints_of_regions_and_of_the_provider_are_meant_too() {
    let scene = Scene::trusting(json!({}));
    for (recipient, audience) in [
        ("https://eu-central-1.signin.aws.amazon.com/saml", "https://signin.aws.amazon.com/saml"),
        ("https://signin.aws.amazon.com/static/saml", "https://us-east-1.signin.aws.amazon.com/saml"),
        (
            "https://signin.aws.amazon.com/saml/acs/01234567-89ab-cdef-0123-456789abcdef",
            "urn:amazon:webservices",
        ),
    ] {
        let said = Said { recipient: recipient.to_owned(), audience: audience.to_owned(), ..said() };
        assert_eq!(scene.assume(&said).unwrap()["Audience"], recipient);
    }
}

/// What an identity provider says, rightly signed, that is still not enough.
#[test]
fn what_is_not_for_now_or_not_for_us_gets_nothing() {
    let scene = Scene::trusting(json!({}));
    let s = |text: &str| text.to_owned();
    let name = "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}";
    let source = r#"Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:""#;
    let audience = "Response does not contain the required audience.";
    let (invalid, old) = ("InvalidIdentityToken", "ExpiredTokenException");
    let endpoint = |url: &str| Said { recipient: url.to_owned(), ..said() };
    let for_whom = |audience: &str| Said { audience: audience.to_owned(), ..said() };
    for (said, code, message) in [
        (
            Said { issuer: s("https://other.example.com"), ..said() },
            invalid,
            "Issuer not present in specified provider",
        ),
        (Said { issued: -301, ..said() }, old, "Token must be redeemed within 5 minutes of issuance"),
        (Said { issued: 120, ..said() }, invalid, ""),
        (Said { not_after: -1, ..said() }, old, ""),
        (Said { confirmed_until: -1, ..said() }, old, ""),
        (Said { session_ends: Some(-1), ..said() }, old, ""),
        (Said { not_before: 120, ..said() }, invalid, ""),
        (endpoint("https://sp.example.com/saml"), invalid, audience),
        (endpoint("https://evil.signin.aws.amazon.com.example.com/saml"), invalid, audience),
        (endpoint("https://evil.example/us-east-1.signin.aws.amazon.com/saml"), invalid, audience),
        (endpoint("http://signin.aws.amazon.com/saml"), invalid, audience),
        (endpoint("https://signin.aws.amazon.com/saml/acs/another"), invalid, audience),
        (for_whom("https://sp.example.com"), invalid, audience),
        (for_whom(""), invalid, audience),
        (Said { subject: s(""), ..said() }, invalid, ""),
        (said().without("RoleSessionName"), invalid, "RoleSessionName is required in AuthnResponse"),
        (said().set("RoleSessionName", &["some one"]), invalid, name),
        (said().set("SourceIdentity", &["aws:root"]), invalid, source),
        (said().without("Role"), invalid, "Your request included an invalid SAML response"),
        (
            said().set("Role", &[ROLE]),
            "AccessDeniedException",
            "Not authorized to perform sts:AssumeRoleWithSAML",
        ),
        (said().set("Role", &[&format!("{ROLE}s,{PROVIDER}")]), "AccessDeniedException", ""),
        (said().set("PrincipalTag:team", &["a", "b"]), invalid, ""),
        (
            Said { status: s("urn:oasis:names:tc:SAML:2.0:status:Responder"), ..said() },
            "IDPRejectedClaim",
            "The identity provider reported that authentication failed: urn:oasis:names:tc:SAML:2.0:status:Responder",
        ),
    ] {
        let (found, text) = scene.refused(&scene.idp.response(&said, Over::Both));
        assert_eq!(found, code, "{text}");
        assert!(message.is_empty() || text == message, "{text}");
    }
    // Either order of a pair counts.
    scene.assume(&said().set("Role", &[&format!(" {PROVIDER} , {ROLE} ")])).unwrap();
}

/// Responses that are not what the identity provider signed.
#[test]
fn what_is_not_signed_is_not_believed() {
    let scene = Scene::trusting(json!({}));
    let idp = &scene.idp;
    let right = idp.response(&said(), Over::Assertion);
    scene.send(json!({}), &right).unwrap();
    let stranger = Idp::new(&KEYS[1]);
    let signature = |text: &str| {
        let (_, rest) = text.split_once("<ds:Signature ").unwrap();
        let (inside, _) = rest.split_once("</ds:Signature>").unwrap();
        format!("<ds:Signature {inside}</ds:Signature>")
    };
    let evil = |id: &str| idp.assertion(id, &Said { subject: "admin".to_owned(), ..said() });
    let original = idp.signed("_a", &idp.assertion("_a", &said()));
    let around = |inside: &str| idp.around(&said(), inside).replace("<!>", "");
    let object = format!("<ds:Object>{original}</ds:Object></ds:Signature>");
    let whole = idp.response(&said(), Over::Response);
    for (what, text) in [
        ("nothing is signed", idp.response(&said(), Over::Nothing)),
        ("signed with a key that comes along", stranger.response(&said(), Over::Both)),
        ("changed afterwards", right.replace("someone</saml:NameID>", "admin</saml:NameID>")),
        ("its signature taken away", right.replace(&signature(&right), "")),
        ("signed twice", right.replace(&signature(&right), &signature(&right).repeat(2))),
        ("SHA-1", right.replace("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1")),
        ("a foreign transform", right.replace("#enveloped-signature", "#base64")),
        ("a signature of the whole document", right.replace("URI=\"#_a\"", "URI=\"\"")),
        ("the signature of another element", around(&evil("_b").replace("<!>", &signature(&original)))),
        ("another of the same name", around(&evil("_a").replace("<!>", &signature(&original)))),
        ("another before the signed one", around(&(evil("_b").replace("<!>", "") + &original))),
        ("another after the signed one", around(&(original.clone() + &evil("_b").replace("<!>", "")))),
        (
            "the signed one in its signature",
            around(&evil("_b").replace("<!>", &signature(&original).replace("</ds:Signature>", &object))),
        ),
        (
            "the signed one in an extension",
            around(&format!(
                "<samlp:Extensions>{original}</samlp:Extensions>{}",
                evil("_b").replace("<!>", "")
            )),
        ),
        (
            "the signed response in another",
            around(&format!("<samlp:Extensions>{whole}</samlp:Extensions>{}", evil("_b").replace("<!>", ""))),
        ),
        ("only the response of another", whole.replace("someone</saml:NameID>", "admin</saml:NameID>")),
        ("the same identifier twice", right.replace("ID=\"_r\"", "ID=\"_a\"")),
        ("a comment in the name", right.replace("someone</saml:NameID>", "some<!---->one</saml:NameID>")),
        ("an instruction in the name", right.replace("someone</saml:NameID>", "some<?x?>one</saml:NameID>")),
        ("a document type", format!("<!DOCTYPE x [<!ENTITY a \"b\">]>{right}")),
        (
            "a bomb of entities",
            format!(
                "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>{}",
                right.replace("someone</saml:NameID>", "&b;</saml:NameID>")
            ),
        ),
        ("no response", original.clone()),
        ("no XML", "SAML".to_owned()),
        (
            "too deep",
            right.replace("<saml:Subject>", &("<x>".repeat(2000) + &"</x>".repeat(2000) + "<saml:Subject>")),
        ),
        ("too many parts", right.replace("<saml:Subject>", &("<x/>".repeat(5000) + "<saml:Subject>"))),
    ] {
        let (code, message) = scene.refused(&text);
        assert_eq!(code, "InvalidIdentityToken", "{what}: {message}");
    }
    let (_, message) = scene.refused(&idp.response(&said(), Over::Nothing));
    assert_eq!(message, "Response signature invalid");
    let fault = scene.send(json!({"SAMLAssertion": "no base64!"}), "").unwrap_err();
    assert_eq!((&*fault.code, &*fault.message), ("InvalidIdentityToken", "Invalid base64 SAMLResponse"));
    let long = "A".repeat(100_001);
    let fault = scene.send(json!({"SAMLAssertion": long}), "").unwrap_err();
    assert_eq!(fault.code, "ValidationException");
}

#[test]
fn without_the_provider_or_its_key_nobody_gets_anything() {
    let scene = Scene::trusting(json!({}));
    scene.assume(&said()).unwrap();
    let refused = || scene.assume(&said()).unwrap_err();
    scene.put(provider(ACCOUNT, scene.idp.metadata_for("encryption")));
    assert_eq!(refused().message, "Response signature invalid");
    scene.put(provider(ACCOUNT, Idp::new(&KEYS[1]).metadata()));
    assert_eq!(refused().message, "Response signature invalid");
    let past = SamlProvider { valid_until: Timestamp(1), ..provider(ACCOUNT, scene.idp.metadata()) };
    scene.put(past.clone());
    assert_eq!(refused().code, "InvalidIdentityToken");
    scene.world.change(vec![Change::Remove(past.key())]);
    let fault = refused();
    assert_eq!((&*fault.code, &*fault.message), ("InvalidIdentityToken", "Specified provider doesn't exist"));
    // Another account's provider is none of this one's.
    scene.put(provider("444455556666", scene.idp.metadata()));
    let other = "arn:aws:iam::444455556666:saml-provider/Corp";
    let text = scene.idp.response(&Said::new(ROLE, other), Over::Assertion);
    assert_eq!(scene.send(json!({"PrincipalArn": other}), &text).unwrap_err().message, fault.message);
}

#[test]
fn tags_and_a_source_identity_are_for_the_trust_policy_to_let_in() {
    let all = ["sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"];
    let tagged = said()
        .set("PrincipalTag:team", &["blue"])
        .set("TransitiveTagKeys", &["team"])
        .set("SourceIdentity", &["someone"]);
    let blue = json!({"StringEquals": {"aws:RequestTag/team": "blue"}});
    let both = |mut one: Json, other: Json| {
        one.as_array_mut().unwrap().extend(other.as_array().unwrap().clone());
        one
    };
    let if_blue = || both(trust(&all[..2], blue.clone()), trust(&all[2..], json!({})));
    let scene = Scene::new(if_blue());
    assert_eq!(scene.assume(&tagged).unwrap()["SourceIdentity"], "someone");
    for (statements, said) in [
        (trust(&all[..2], json!({})), tagged.clone()),
        (trust(&[all[0], all[2]], json!({})), tagged.clone()),
        (if_blue(), tagged.clone().set("PrincipalTag:team", &["red"])),
        (trust(&all, json!({"StringEquals": {"sts:SourceIdentity": "other"}})), tagged.clone()),
        (trust(&all, json!({"Null": {"sts:TransitiveTagKeys": "true"}})), tagged.clone()),
    ] {
        scene.world.change(vec![Change::Put(Arc::new(role(statements)))]);
        assert_eq!(scene.assume(&said).unwrap_err().code, "AccessDeniedException");
    }
}

#[test]
fn a_session_is_no_longer_than_the_role_and_the_provider_let_it_be() {
    let scene = Scene::trusting(json!({}));
    let ends =
        |given: Json| Timestamp::parse_rfc3339(given["Credentials"]["Expiration"].as_str().unwrap()).unwrap();
    let long = ends(scene.assume(&said()).unwrap());
    let short = ends(scene.assume(&Said { session_ends: Some(1000), ..said() }).unwrap());
    assert!(long.seconds() - short.seconds() > 2500, "{long:?} {short:?}");
    let text = scene.idp.response(&said(), Over::Assertion);
    let fault = scene.send(json!({"DurationSeconds": 7200}), &text).unwrap_err();
    assert_eq!(
        fault.message,
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
    );
}

/// Attributes of directories are keys for conditions.
#[test]
fn attributes_are_condition_keys() {
    let oid = "urn:oid:1.3.6.1.4.1.5923.1.1.1.1";
    let scene = Scene::trusting(json!({"ForAnyValue:StringEquals": {"saml:edupersonaffiliation": "staff"}}));
    scene.assume(&said().set(oid, &["member", "staff"])).unwrap();
    for other in [said(), said().set(oid, &["student"]), said().set("urn:oid:2.5.4.3", &["staff"])] {
        assert_eq!(scene.assume(&other).unwrap_err().code, "AccessDeniedException");
    }
}

static CHANGED: LazyLock<Scene> = LazyLock::new(|| Scene::trusting(json!({})));

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever is changed in a response: it is refused, or it says what was signed.
    #[test]
    fn a_changed_response_says_nothing_else(
        over in prop_oneof![Just(Over::Assertion), Just(Over::Response), Just(Over::Both)],
        at in any::<prop::sample::Index>(),
        gone in 0_usize..40,
        put in prop_oneof![
            Just(String::new()), "[ -~]{1,12}", Just("<!-- -->".to_owned()), Just("<x/>".to_owned()), Just("\r\n\t".to_owned()),
            Just("admin".to_owned()), Just("&#x61;".to_owned()), Just("<![CDATA[x]]>".to_owned()), Just(" xmlns=\"urn:x\"".to_owned()),
        ],
    ) {
        let right = CHANGED.idp.response(&said(), over);
        let start = at.index(right.len());
        let end = (start + gone).min(right.len());
        let changed = format!("{}{put}{}", &right[..start], &right[end..]);
        if let Ok(given) = CHANGED.send(json!({}), &changed) {
            prop_assert_eq!(&given["Subject"], "someone");
            prop_assert_eq!(&given["Issuer"], idp::ENTITY);
            prop_assert_eq!(&given["Audience"], "https://signin.aws.amazon.com/saml");
            let user = format!("arn:aws:sts::{ACCOUNT}:assumed-role/R/someone@example.com");
            prop_assert_eq!(&given["AssumedRoleUser"]["Arn"], &user);
        }
    }
}
