//! A share lets its principals do what its permission grants, as long as all that it rests on is there.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::sync::Arc;

use common::{CONSUMER, ORGANIZATION, OUTSIDER, OWNER, PARAMETER, Scene, UNIT, account};
use model::estate::iam::{Role, TrustedService};
use model::estate::ram::{ROLE, SERVICE, Share};
use model::graph::Change;
use model::{AccountId, Node};
use serde_json::json;

const DENIED: &str = "AccessDeniedException";

#[test]
fn nothing_is_shared_unless_it_is() {
    let scene = Scene::new();
    assert_eq!(scene.read(&scene.consumer), DENIED);
    scene.share(UNIT, PARAMETER);
    assert_eq!(scene.read(&scene.consumer), "ok");
    assert_eq!(scene.read(&scene.outsider), DENIED);
}

#[test]
fn a_member_is_reached_by_account_unit_and_organization() {
    for principal in [CONSUMER, UNIT, ORGANIZATION] {
        let scene = Scene::new();
        scene.share(principal, PARAMETER);
        assert_eq!(scene.read(&scene.consumer), "ok", "{principal}");
        // A member of another unit is in the organization, and in nothing else of these.
        scene.world.change(vec![Change::Put(Arc::new(account(CONSUMER, Some("ou-idle"))))]);
        let expected = if principal == UNIT { DENIED } else { "ok" };
        assert_eq!(scene.read(&scene.consumer), expected, "{principal}");
        // Whoever has left the organization has nothing of it.
        scene.world.change(vec![Change::Put(Arc::new(account(CONSUMER, None)))]);
        assert_eq!(scene.read(&scene.consumer), DENIED, "{principal}");
    }
}

#[test]
fn only_the_actions_of_the_permission() {
    let scene = Scene::new();
    let share = scene.share(CONSUMER, PARAMETER);
    let history = || scene.outcome(&scene.consumer, "ssm", "GetParameterHistory", json!({"Name": PARAMETER}));
    assert_eq!(history(), DENIED);
    assert_eq!(scene.outcome(&scene.consumer, "ssm", "DeleteParameter", json!({"Name": PARAMETER})), DENIED);
    let more = "arn:aws:ram::aws:permission/AWSRAMPermissionSSMParameterReadOnlyWithHistory";
    let input = json!({"resourceShareArn": share, "permissionArn": more, "replace": true});
    scene.owner("AssociateResourceSharePermission", input);
    assert_eq!(history(), "ok");
}

#[test]
fn never_more_than_the_consumers_own_policies_allow() {
    let scene = Scene::new();
    scene.share(CONSUMER, PARAMETER);
    let nobody = scene.world.user_in(CONSUMER, "nobody", None);
    assert_eq!(scene.read(&nobody), DENIED);
    let narrow = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ssm:GetParameter","Resource":"arn:aws:ssm:*:444455556666:parameter/*"}]}"#;
    let narrow = scene.world.user_in(CONSUMER, "narrow", Some(narrow));
    assert_eq!(scene.read(&narrow), DENIED);
    assert_eq!(scene.read(&scene.consumer), "ok");
    scene.forbid(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"ssm:Get*","Resource":"*"}]}"#,
    );
    assert_eq!(scene.read(&scene.consumer), DENIED);
}

#[test]
fn nothing_once_what_it_rests_on_is_gone() {
    let management = AccountId::parse(common::MANAGEMENT).unwrap();
    type Gone = fn(&Scene, &str, &AccountId);
    let cases: [(&str, Gone); 6] = [
        ("the share", |scene, share, _| {
            scene.owner("DeleteResourceShare", json!({"resourceShareArn": share}));
        }),
        ("the resource in it", |scene, share, _| {
            let input = json!({"resourceShareArn": share, "resourceArns": [PARAMETER]});
            scene.owner("DisassociateResourceShare", input);
        }),
        ("the principal in it", |scene, share, _| {
            let input = json!({"resourceShareArn": share, "principals": [CONSUMER]});
            scene.owner("DisassociateResourceShare", input);
        }),
        ("the trust of the organization", |scene, _, management| {
            let trust = TrustedService {
                account: management.clone(),
                service: SERVICE.to_owned(),
                since: model::Timestamp(0),
            };
            scene.world.change(vec![Change::Remove(trust.key())]);
        }),
        ("the service's role", |scene, _, management| {
            let snapshot = model::plane::Calls::snapshot(&*scene.world.estate);
            let role = snapshot.find::<Role>(management, "", ROLE).unwrap();
            scene.world.change(vec![Change::Remove(role.key())]);
        }),
        ("the permission", |scene, share, _| {
            let snapshot = model::plane::Calls::snapshot(&*scene.world.estate);
            let mut found = snapshot.find_arn::<Share>(share).unwrap().clone();
            found.permissions.clear();
            scene.world.change(vec![Change::Put(Arc::new(found))]);
        }),
    ];
    for (what, gone) in cases {
        let scene = Scene::new();
        let share = scene.share(CONSUMER, PARAMETER);
        assert_eq!(scene.read(&scene.consumer), "ok", "{what}");
        gone(&scene, &share, &management);
        assert_eq!(scene.read(&scene.consumer), DENIED, "{what}");
    }
}

#[test]
fn outsiders_must_accept_first() {
    let scene = Scene::new();
    let share = scene.share(OUTSIDER, PARAMETER);
    assert_eq!(scene.read(&scene.outsider), DENIED);
    let asked = scene.world.call(&scene.outsider, "ram", "GetResourceShareInvitations", json!({})).unwrap();
    let invitation = &asked["resourceShareInvitations"][0];
    assert_eq!(invitation["status"], "PENDING");
    let answer = json!({"resourceShareInvitationArn": invitation["resourceShareInvitationArn"]});
    // The invitation is no other account's to accept.
    let other = scene.outcome(&scene.consumer, "ram", "AcceptResourceShareInvitation", answer.clone());
    assert_eq!(other, "ResourceShareInvitationArnNotFoundException");
    scene.world.call(&scene.outsider, "ram", "AcceptResourceShareInvitation", answer.clone()).unwrap();
    assert_eq!(scene.read(&scene.outsider), "ok");
    let again = scene.outcome(&scene.outsider, "ram", "RejectResourceShareInvitation", answer);
    assert_eq!(again, "ResourceShareInvitationAlreadyAcceptedException");
    // The owner lets no outsiders in any more.
    scene.owner("UpdateResourceShare", json!({"resourceShareArn": share, "allowExternalPrincipals": false}));
    assert_eq!(scene.read(&scene.outsider), DENIED);
}

#[test]
fn whoever_declines_gets_nothing() {
    let scene = Scene::new();
    let share = scene.share(OUTSIDER, PARAMETER);
    let asked = scene.world.call(&scene.outsider, "ram", "GetResourceShareInvitations", json!({})).unwrap();
    let arn = &asked["resourceShareInvitations"][0]["resourceShareInvitationArn"];
    let answer = json!({"resourceShareInvitationArn": arn});
    scene.world.call(&scene.outsider, "ram", "RejectResourceShareInvitation", answer).unwrap();
    assert_eq!(scene.read(&scene.outsider), DENIED);
    let input = json!({"associationType": "PRINCIPAL", "resourceShareArns": [share]});
    let left = scene.owner("GetResourceShareAssociations", input);
    assert_eq!(left["resourceShareAssociations"], json!([]));
}

#[test]
fn what_cannot_be_shared() {
    let scene = Scene::new();
    let standard = json!({"Name": "plain", "Type": "String", "Value": "x"});
    scene.world.call(&scene.owner, "ssm", "PutParameter", standard).unwrap();
    let unknown_unit = UNIT.replace("ou-work", "ou-none");
    let cases = [
        (CONSUMER, "not-an-arn", "MalformedArnException"),
        (CONSUMER, "arn:aws:s3:::bucket", "MalformedArnException"),
        (CONSUMER, "arn:aws:ssm:us-east-1:444455556666:parameter/x", "OperationNotPermittedException"),
        (CONSUMER, "arn:aws:ssm:us-east-1:111122223333:parameter/none", "UnknownResourceException"),
        (CONSUMER, "arn:aws:ssm:us-east-1:111122223333:parameter/plain", "InvalidParameterException"),
        (OWNER, PARAMETER, "InvalidParameterException"),
        ("o-test", PARAMETER, "InvalidParameterException"),
        (unknown_unit.as_str(), PARAMETER, "UnknownResourceException"),
    ];
    for (principal, resource, code) in cases {
        assert_eq!(scene.try_share(principal, resource).unwrap_err().code, code, "{principal} {resource}");
    }
}

#[test]
fn within_the_organization_only() {
    // Without sharing, members are asked like outsiders; the organization cannot be named.
    let scene = Scene::without_sharing();
    assert_eq!(scene.try_share(ORGANIZATION, PARAMETER).unwrap_err().code, "OperationNotPermittedException");
    scene.share(CONSUMER, PARAMETER);
    assert_eq!(scene.read(&scene.consumer), DENIED);
    let scene = Scene::new();
    let input = json!({"name": "closed", "allowExternalPrincipals": false, "principals": [OUTSIDER]});
    let refused = scene.outcome(&scene.owner, "ram", "CreateResourceShare", input);
    assert_eq!(refused, "OperationNotPermittedException");
}
