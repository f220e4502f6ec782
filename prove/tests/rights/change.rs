//! What a change allows anew.

use prove::rights::{Finding, Outcome};

use crate::{rights, role, subjects, template};

const ECS: &str = "{Service: ecs-tasks.amazonaws.com}";

fn change(old: &str, new: &str) -> Vec<Finding> {
    rights(new).new_access(&rights(old))
}

fn one(resource: &str, action: &str) -> String {
    template(&[role(
        "Reader",
        ECS,
        &[&format!("{{Effect: Allow, Action: \"{action}\", Resource: \"{resource}\"}}")],
    )])
}

#[test]
fn only_more_is_told() {
    let (narrow, wide) = (one("arn:aws:s3:::b/a/*", "s3:GetObject"), one("arn:aws:s3:::b/*", "s3:GetObject"));
    assert!(change(&narrow, &narrow).is_empty() && change(&wide, &narrow).is_empty());
    let found = change(&narrow, &wide);
    assert_eq!(subjects(&found, Outcome::Violated), ["Reader"]);
    let request = &found[0].requests[0].request;
    assert!(
        request.resource.starts_with("arn:aws:s3:::b/") && !request.resource.starts_with("arn:aws:s3:::b/a/")
    );
    assert!(found[0].spot.line > 10);
}

#[test]
fn a_boundary_that_goes_grants() {
    let free = one("*", "s3:*");
    let bound = free.replace(
        "RoleName: Reader\n",
        "RoleName: Reader\n      PermissionsBoundary: arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess\n",
    );
    assert!(change(&free, &bound).is_empty());
    assert_eq!(subjects(&change(&bound, &free), Outcome::Violated), ["Reader"]);
}

#[test]
fn a_trust_policy_and_a_new_role_count() {
    let old = one("*", "s3:GetObject");
    let new = old.replace(ECS, "{AWS: \"999999999999\"}");
    assert_eq!(subjects(&change(&old, &new), Outcome::Violated), ["Reader's policy"]);
    let more = format!(
        "{old}{}",
        role("Extra", ECS, &["{Effect: Allow, Action: sqs:SendMessage, Resource: \"*\"}"])
    );
    assert_eq!(subjects(&change(&old, &more), Outcome::Violated), ["Extra", "Extra's policy"]);
    assert!(change(&more, &old).is_empty());
}
