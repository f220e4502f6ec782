//! Identity providers and service-linked roles: what is taken, what is refused, and whose they are.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "what fails here fails the test")]

use harness::{ACCOUNT, World};
use model::{Caller, Fault};
use serde_json::{Value as Json, json};

const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const URL: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEfGhI";

struct Scene {
    world: World,
    admin: Caller,
}

impl Scene {
    fn new() -> Scene {
        let world = World::new(vec![&service_iam::SERVICE]);
        let admin = world.admin();
        Scene { world, admin }
    }

    fn call(&self, operation: &str, input: Json) -> Result<Json, Fault> {
        self.world.call(&self.admin, "iam", operation, input)
    }

    fn code(&self, operation: &str, input: Json) -> String {
        self.call(operation, input).unwrap_err().code.into_owned()
    }
}

#[test]
fn openid_connect_providers() {
    let scene = Scene::new();
    for url in [
        "http://example.com",
        "https://",
        "https://example.com?a=b",
        "https://example.com:8443",
        "https://a b",
    ] {
        assert_eq!(scene.code("CreateOpenIDConnectProvider", json!({"Url": url})), "InvalidInput", "{url}");
    }
    let print = json!({"Url": URL, "ThumbprintList": ["not hexadecimal, although it is forty long.."]});
    assert!(scene.call("CreateOpenIDConnectProvider", print).is_err());
    let input = json!({"Url": URL, "ClientIDList": ["one"], "Tags": [{"Key": "team", "Value": "blue"}]});
    let made = scene.call("CreateOpenIDConnectProvider", input.clone()).unwrap();
    let arn = made["OpenIDConnectProviderArn"].clone();
    assert_eq!(arn, format!("arn:aws:iam::{ACCOUNT}:oidc-provider/{}", URL.trim_start_matches("https://")));
    assert_eq!(scene.code("CreateOpenIDConnectProvider", input), "EntityAlreadyExists");
    let client = |id: &str| json!({"OpenIDConnectProviderArn": arn, "ClientID": id});
    let named = json!({"OpenIDConnectProviderArn": arn});
    scene.call("AddClientIDToOpenIDConnectProvider", client("two")).unwrap();
    scene.call("AddClientIDToOpenIDConnectProvider", client("two")).unwrap();
    scene.call("RemoveClientIDFromOpenIDConnectProvider", client("one")).unwrap();
    let prints = json!({"OpenIDConnectProviderArn": arn, "ThumbprintList": ["a".repeat(40)]});
    scene.call("UpdateOpenIDConnectProviderThumbprint", prints).unwrap();
    let untag = json!({"OpenIDConnectProviderArn": arn, "TagKeys": ["team"]});
    scene.call("UntagOpenIDConnectProvider", untag).unwrap();
    let shown = scene.call("GetOpenIDConnectProvider", named.clone()).unwrap();
    assert_eq!((&shown["ClientIDList"], &shown["Tags"]), (&json!(["two"]), &json!([])));
    // A tag of the provider decides who may do something with it.
    let tagged = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetOpenIDConnectProvider",
        "Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}}]}"#;
    let red = scene.world.user("red", Some(tagged));
    let get = |caller: &Caller| scene.world.call(caller, "iam", "GetOpenIDConnectProvider", named.clone());
    assert_eq!(get(&red).unwrap_err().code, "AccessDeniedException");
    let tag = json!({"OpenIDConnectProviderArn": arn, "Tags": [{"Key": "team", "Value": "red"}]});
    scene.call("TagOpenIDConnectProvider", tag).unwrap();
    get(&red).unwrap();
    let eve = scene.world.user_in("444455556666", "eve", Some(ALL));
    assert!(get(&eve).is_err(), "another account's");
    scene.call("DeleteOpenIDConnectProvider", named.clone()).unwrap();
    assert_eq!(scene.code("GetOpenIDConnectProvider", named), "NoSuchEntity");
}

fn metadata(root: &str, inside: &str) -> String {
    let padding = " ".repeat(1000);
    format!(
        r#"<?xml version="1.0"?><md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" {root}>{inside}<!--{padding}--></md:EntityDescriptor>"#
    )
}

#[test]
fn saml_providers_have_metadata_that_can_verify() {
    let scene = Scene::new();
    let sso = r#"<md:IDPSSODescriptor><md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>MIIB</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor></md:IDPSSODescriptor>"#;
    let entity = r#"entityID="https://idp.example.com""#;
    let create = |name: &str, document: &str| {
        scene.call("CreateSAMLProvider", json!({"Name": name, "SAMLMetadataDocument": document}))
    };
    let expired = format!(r#"{entity} validUntil="2020-01-01T00:00:00Z""#);
    let external = metadata(entity, sso).replacen("?>", r#"?><!DOCTYPE a [<!ENTITY x "y">]>"#, 1);
    for wrong in [
        "x".repeat(1000),
        metadata("", sso),
        metadata(entity, ""),
        metadata(entity, "<md:IDPSSODescriptor/>"),
        metadata(entity, sso).replace("SAML:2.0", "SAML:1.0"),
        metadata(entity, sso).replace("</md:EntityDescriptor>", ""),
        metadata(&expired, sso),
        external,
    ] {
        let fault = create("idp", &wrong).unwrap_err();
        assert_eq!(fault.code, "InvalidInput", "{fault}");
    }
    let arn = create("idp", &metadata(entity, sso)).unwrap()["SAMLProviderArn"].clone();
    assert_eq!(arn, format!("arn:aws:iam::{ACCOUNT}:saml-provider/idp"));
    assert_eq!(create("idp", &metadata(entity, sso)).unwrap_err().code, "EntityAlreadyExists");
    let named = json!({"SAMLProviderArn": arn});
    let update = json!({"SAMLProviderArn": arn, "SAMLMetadataDocument": metadata(entity, "")});
    assert_eq!(scene.code("UpdateSAMLProvider", update), "InvalidInput");
    let encrypted = json!({"SAMLProviderArn": arn, "AssertionEncryptionMode": "Required"});
    assert_eq!(scene.code("UpdateSAMLProvider", encrypted), "InvalidInput");
    let shown = scene.call("GetSAMLProvider", named.clone()).unwrap();
    assert_eq!(shown["SAMLMetadataDocument"], metadata(entity, sso));
    assert_eq!(scene.call("ListSAMLProviders", json!({})).unwrap()["SAMLProviderList"][0]["Arn"], arn);
    scene.call("DeleteSAMLProvider", named.clone()).unwrap();
    assert_eq!(scene.code("GetSAMLProvider", named), "NoSuchEntity");
}

#[test]
fn service_linked_roles_are_made_for_services_that_have_one() {
    let scene = Scene::new();
    let create = |service: &str, suffix: Option<&str>| {
        let mut input = json!({"AWSServiceName": service});
        if let Some(suffix) = suffix {
            input["CustomSuffix"] = json!(suffix);
        }
        scene.call("CreateServiceLinkedRole", input)
    };
    let made = create("ecs.amazonaws.com", None).unwrap()["Role"].clone();
    assert_eq!(
        made["Arn"],
        format!("arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS")
    );
    assert_eq!(create("ecs.amazonaws.com", None).unwrap_err().code, "InvalidInput", "there is one");
    assert_eq!(create("rds.amazonaws.com", Some("x")).unwrap_err().code, "InvalidInput", "no suffixes");
    assert_eq!(create("nobody.amazonaws.com", None).unwrap_err().code, "InvalidInput");
    let suffixed = create("autoscaling.amazonaws.com", Some("x")).unwrap();
    assert_eq!(suffixed["Role"]["RoleName"], "AWSServiceRoleForAutoScaling_x");
    // The service's name is a condition key.
    let only = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:CreateServiceLinkedRole",
        "Resource":"*","Condition":{"StringEquals":{"iam:AWSServiceName":"rds.amazonaws.com"}}}]}"#;
    let limited = scene.world.user("limited", Some(only));
    let by_limited = |service: &str| {
        scene.world.call(&limited, "iam", "CreateServiceLinkedRole", json!({"AWSServiceName": service}))
    };
    assert_eq!(by_limited("guardduty.amazonaws.com").unwrap_err().code, "AccessDeniedException");
    by_limited("rds.amazonaws.com").unwrap();
    let describe = json!({"RoleName": "AWSServiceRoleForECS", "Description": "tasks"});
    assert_eq!(scene.call("UpdateRoleDescription", describe).unwrap()["Role"]["Description"], "tasks");
}

#[test]
fn a_service_linked_role_stays_while_it_is_needed() {
    let scene = Scene::new();
    scene.call("CreateServiceLinkedRole", json!({"AWSServiceName": "organizations.amazonaws.com"})).unwrap();
    let organization = model::estate::iam::Organization {
        account: model::AccountId::parse(ACCOUNT).unwrap(),
        id: "o-example".to_owned(),
        root: "r-abcd".to_owned(),
        feature_set: "ALL".to_owned(),
        policy_types: Vec::new(),
        created: model::Timestamp(0),
        policies: Vec::new(),
        root_tags: model::Tags::new(),
    };
    use model::Node as _;
    let key = organization.key();
    scene.world.change(vec![model::graph::Change::Put(std::sync::Arc::new(organization))]);
    let name = json!({"RoleName": "AWSServiceRoleForOrganizations"});
    let delete = || {
        let task = scene.call("DeleteServiceLinkedRole", name.clone()).unwrap()["DeletionTaskId"].clone();
        scene.call("GetServiceLinkedRoleDeletionStatus", json!({"DeletionTaskId": task})).unwrap()
    };
    let kept = delete();
    assert_eq!(kept["Status"], "FAILED", "{kept}");
    assert_eq!(kept["Reason"]["RoleUsageList"].as_array().unwrap().len(), 1);
    scene.call("GetRole", name.clone()).unwrap();
    scene.world.change(vec![model::graph::Change::Remove(key)]);
    assert_eq!(delete()["Status"], "SUCCEEDED");
    assert_eq!(scene.code("GetRole", name.clone()), "NoSuchEntity");
    let other = scene.code("GetServiceLinkedRoleDeletionStatus", json!({"DeletionTaskId": "task/of/nobody"}));
    assert_eq!(other, "NoSuchEntity");
    // A plain role is not deleted this way.
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    scene.call("CreateRole", json!({"RoleName": "plain", "AssumeRolePolicyDocument": trust})).unwrap();
    assert_eq!(scene.code("DeleteServiceLinkedRole", json!({"RoleName": "plain"})), "NoSuchEntity");
}
