//! What belongs to a service of AWS's is not for users to change; names belong to one alone.
#![allow(clippy::unwrap_used, reason = "a test")]

use harness::World;
use serde_json::json;

/// A service-linked role is there from the first use of its service.
fn linked(world: &World) {
    let role = json!({"account": harness::ACCOUNT, "name": "AWSServiceRoleForECS",
        "path": "/aws-service-role/ecs.amazonaws.com/", "id": "AROAECS", "created": 0, "description": null,
        "max_session": 3600, "inline": [], "attached": [], "boundary": null, "tags": {}, "last_used": null,
        "trust": {"text": r#"{"Version":"2012-10-17","Statement":[]}"#}});
    let role: model::estate::iam::Role = serde_json::from_value(role).unwrap();
    world.change(vec![model::graph::Change::Put(std::sync::Arc::new(role))]);
}

#[test]
fn a_service_linked_role_is_only_the_services() {
    let world = World::new(vec![&service_iam::SERVICE]);
    let admin = world.admin();
    linked(&world);
    let name = "AWSServiceRoleForECS";
    let arn = "arn:aws:iam::aws:policy/AdministratorAccess";
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    for (operation, input) in [
        ("AttachRolePolicy", json!({"RoleName": name, "PolicyArn": arn})),
        ("DetachRolePolicy", json!({"RoleName": name, "PolicyArn": arn})),
        ("PutRolePolicy", json!({"RoleName": name, "PolicyName": "p", "PolicyDocument": policy})),
        ("DeleteRolePolicy", json!({"RoleName": name, "PolicyName": "p"})),
        ("UpdateAssumeRolePolicy", json!({"RoleName": name, "PolicyDocument": policy})),
        ("PutRolePermissionsBoundary", json!({"RoleName": name, "PermissionsBoundary": arn})),
        ("DeleteRolePermissionsBoundary", json!({"RoleName": name})),
        ("UpdateRole", json!({"RoleName": name, "MaxSessionDuration": 7200})),
        ("DeleteRole", json!({"RoleName": name})),
    ] {
        let fault = world.call(&admin, "iam", operation, input).unwrap_err();
        assert_eq!(fault.code, "UnmodifiableEntity", "{operation}: {fault}");
    }
    assert!(world.call(&admin, "iam", "GetRole", json!({"RoleName": name})).is_ok());
}

#[test]
fn who_has_a_policy() {
    let world = World::new(vec![&service_iam::SERVICE]);
    let admin = world.admin();
    let arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let call = |operation: &str, input| world.call(&admin, "iam", operation, input).unwrap();
    call("CreateGroup", json!({"GroupName": "readers"}));
    call("AttachGroupPolicy", json!({"GroupName": "readers", "PolicyArn": arn}));
    call("CreateUser", json!({"UserName": "bounded", "PermissionsBoundary": arn}));
    let names = |more: serde_json::Value| {
        let mut input = json!({"PolicyArn": arn});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let found = call("ListEntitiesForPolicy", input);
        (found["PolicyGroups"].as_array().unwrap().len(), found["PolicyUsers"].as_array().unwrap().len())
    };
    assert_eq!(names(json!({})), (1, 1));
    assert_eq!(names(json!({"EntityFilter": "Group"})), (1, 0));
    assert_eq!(names(json!({"PolicyUsageFilter": "PermissionsBoundary"})), (0, 1));
    assert_eq!(names(json!({"PolicyUsageFilter": "PermissionsPolicy"})), (1, 0));
    call("UpdateGroup", json!({"GroupName": "readers", "NewGroupName": "auditors", "NewPath": "/a/"}));
    assert_eq!(call("GetGroup", json!({"GroupName": "auditors"}))["Group"]["Path"], "/a/");
    assert!(world.call(&admin, "iam", "GetGroup", json!({"GroupName": "readers"})).is_err());
    assert_eq!(names(json!({})), (1, 1));
}

#[test]
fn an_alias_is_of_one_account() {
    let world = World::new(vec![&service_iam::SERVICE]);
    let admin = world.admin();
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    let other = world.user_in("444455556666", "other", Some(all));
    let create =
        |caller, alias: &str| world.call(caller, "iam", "CreateAccountAlias", json!({"AccountAlias": alias}));
    create(&admin, "the-shop").unwrap();
    assert_eq!(create(&other, "the-shop").unwrap_err().code, "EntityAlreadyExists");
    create(&admin, "the-store").unwrap();
    let list = world.call(&admin, "iam", "ListAccountAliases", json!({})).unwrap();
    assert_eq!(list["AccountAliases"], json!(["the-store"]));
    create(&other, "the-shop").unwrap();
    let delete =
        |alias: &str| world.call(&admin, "iam", "DeleteAccountAlias", json!({"AccountAlias": alias}));
    assert_eq!(delete("the-shop").unwrap_err().code, "NoSuchEntity", "it is another's");
    delete("the-store").unwrap();
}

#[test]
fn who_renames_must_be_allowed_both_names() {
    let world = World::new(vec![&service_iam::SERVICE]);
    let admin = world.admin();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:Update*",
        "Resource":["arn:aws:iam::*:group/red*","arn:aws:iam::*:user/red*"]}]}"#;
    let limited = world.user("limited", Some(policy));
    world.call(&admin, "iam", "CreateGroup", json!({"GroupName": "red"})).unwrap();
    world.call(&admin, "iam", "CreateUser", json!({"UserName": "red"})).unwrap();
    let rename = |operation: &str, kind: &str, to: &str| {
        let input = json!({format!("{kind}Name"): "red", format!("New{kind}Name"): to});
        world.call(&limited, "iam", operation, input)
    };
    for (operation, kind) in [("UpdateGroup", "Group"), ("UpdateUser", "User")] {
        assert_eq!(rename(operation, kind, "admins").unwrap_err().code, "AccessDeniedException");
        rename(operation, kind, "red-1").unwrap();
    }
}

#[test]
fn names_differ_in_more_than_case() {
    let world = World::new(vec![&service_iam::SERVICE]);
    let call = |operation: &str, input| world.call(&world.admin(), "iam", operation, input);
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let named = |kind: &str, name: &str| match kind {
        "Role" => json!({"RoleName": name, "AssumeRolePolicyDocument": trust}),
        _ => json!({format!("{kind}Name"): name}),
    };
    for kind in ["User", "Group", "Role"] {
        let create = format!("Create{kind}");
        call(&create, named(kind, "red")).unwrap();
        assert_eq!(call(&create, named(kind, "Red")).unwrap_err().code, "EntityAlreadyExists", "{kind}");
    }
    for kind in ["User", "Group"] {
        call(&format!("Create{kind}"), named(kind, "blue")).unwrap();
        let rename = |from: &str, to: &str| {
            let input = json!({format!("{kind}Name"): from, format!("New{kind}Name"): to});
            call(&format!("Update{kind}"), input)
        };
        assert_eq!(rename("blue", "RED").unwrap_err().code, "EntityAlreadyExists", "{kind}");
        rename("blue", "Blue").unwrap();
        call(&format!("Delete{kind}"), named(kind, "Blue")).unwrap();
        call(&format!("Create{kind}"), named(kind, "blue")).unwrap();
    }
}
