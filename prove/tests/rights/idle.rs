//! Grants that come to nothing.

use prove::rights::Outcome;

use crate::{rights, role, template};

const ECS: &str = "{Service: ecs-tasks.amazonaws.com}";

#[test]
fn idle_grants_are_warned_of_and_others_are_not() {
    let read = "{Effect: Allow, Action: \"s3:GetObject\", Resource: \"arn:aws:s3:::b/*\"}";
    for (statements, boundary, expected) in [
        (vec![read], "", None),
        (vec![read, "{Effect: Deny, Action: \"s3:*\", Resource: \"*\"}"], "", Some("never allows anything")),
        (vec![read, "{Effect: Deny, Action: \"s3:*\", Resource: \"arn:aws:s3:::b/x/*\"}"], "", None),
        (
            vec!["{Effect: Allow, Action: \"sqs:SendMessage\", Resource: \"*\"}"],
            "bound",
            Some("never allows anything"),
        ),
        (vec![read], "bound", None),
        (
            vec![read, "{Effect: Allow, Action: \"sqs:SendMessage\", Resource: \"*\"}"],
            "bound",
            Some("statement 2: never allows anything"),
        ),
        (
            vec!["{Effect: Allow, Action: \"s3:GetObjekt\", Resource: \"*\"}"],
            "",
            Some("no action is called `s3:GetObjekt`"),
        ),
        (
            vec![
                "{Effect: Allow, Action: [\"iam:PassRole\", \"kms:Dec*\", \"newservice:Do\"], Resource: \"*\"}",
            ],
            "",
            None,
        ),
    ] {
        let mut text = template(&[role("Reader", ECS, &statements)]);
        if !boundary.is_empty() {
            let bound = "RoleName: Reader\n      PermissionsBoundary: arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess\n";
            text = text.replace("RoleName: Reader\n", bound);
        }
        let found = rights(&text).idle();
        assert_eq!(found.len(), usize::from(expected.is_some()), "{statements:?}: {found:?}");
        if let Some(expected) = expected {
            assert!(found[0].message.contains(expected), "{}", found[0].message);
            assert_eq!(found[0].outcome, Outcome::Warning);
            assert!(found[0].spot.line > 10);
        }
    }
}
