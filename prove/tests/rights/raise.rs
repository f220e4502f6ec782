//! Ways to raise the own rights: each is found, and what stops it is believed.

use prove::rights::{Document, Finding, Outcome};

use crate::{ADMINISTRATOR, around, rights, rights_in, role, template};

const EC2: &str = "{Service: ec2.amazonaws.com}";

fn found(template: &str) -> Vec<Finding> {
    rights(template).escalations()
}

/// The ways of `Caller` that are open, by their ids.
fn ways(found: &[Finding]) -> Vec<String> {
    let violated = found.iter().filter(|f| f.outcome == Outcome::Violated && f.subject == "Caller");
    let id = |f: &Finding| f.message.split_once('(').unwrap().1.split_once(')').unwrap().0.to_owned();
    violated.map(id).collect()
}

fn allow(actions: &str, resource: &str) -> String {
    format!("{{Effect: Allow, Action: [{actions}], Resource: \"{resource}\"}}")
}

fn user(statements: &[&str]) -> String {
    role("Caller", EC2, statements)
        .replace("AWS::IAM::Role", "AWS::IAM::User")
        .replace("RoleName", "UserName")
        .lines()
        .filter(|l| !l.contains("sts:AssumeRole}") && !l.contains("AssumeRolePolicyDocument"))
        .collect::<Vec<_>>()
        .join("\n")
        .replacen("        Version: \"2012-10-17\"\n        Statement:\n", "", 1)
        + "\n"
}

fn admin(name: &str, trusted: &str) -> String {
    role(name, trusted, &[&allow("\"*\"", "*")])
}

#[test]
fn each_way_is_found() {
    for (actions, by_user, expected) in [
        ("iam:CreatePolicyVersion", false, "create-policy-version"),
        ("iam:SetDefaultPolicyVersion", false, "set-default-policy-version"),
        ("iam:AttachUserPolicy", true, "attach-user-policy"),
        ("iam:PutUserPolicy", true, "put-user-policy"),
        ("iam:AttachRolePolicy", false, "attach-role-policy"),
        ("iam:PutRolePolicy", false, "put-role-policy"),
        ("iam:AddUserToGroup", true, "add-user-to-group"),
        ("iam:CreateAccessKey", false, "create-access-key"),
        ("iam:CreateLoginProfile", true, "create-login-profile"),
        ("iam:UpdateLoginProfile", false, "update-login-profile"),
        ("sts:AssumeRole", false, "assume-role"),
        ("iam:UpdateAssumeRolePolicy", false, "update-assume-role-policy"),
        ("iam:PassRole, ec2:RunInstances", false, "pass-role-ec2"),
        ("iam:PassRole, lambda:CreateFunction, lambda:InvokeFunction", false, "pass-role-lambda-invoke"),
        ("iam:PassRole, ecs:RunTask", false, "pass-role-ecs-run-task"),
        ("iam:PassRole, cloudformation:CreateStack", false, "pass-role-cloudformation"),
        ("iam:PassRole, glue:CreateDevEndpoint", false, "pass-role-glue-endpoint"),
        ("lambda:UpdateFunctionCode", false, "update-function-code"),
        // Half a way is none.
        ("iam:PassRole", false, ""),
        ("ec2:RunInstances, lambda:CreateFunction, s3:GetObject", false, ""),
    ] {
        let statement = allow(actions, "*");
        let caller = if by_user { user(&[&statement]) } else { role("Caller", EC2, &[&statement]) };
        let found = found(&template(&[caller]));
        assert_eq!(ways(&found).join(" "), expected, "{actions}: {found:#?}");
        for finding in &found {
            assert!(finding.requests.iter().all(|r| !r.because.is_empty()), "{finding:?}");
            assert!(finding.spot.line > 1 && finding.spot.file == "t.yaml");
        }
    }
}

#[test]
fn groups_that_a_user_is_in() {
    let group = "  Team:\n    Type: AWS::IAM::Group\n    Properties: {GroupName: team}\n".to_owned();
    let caller = |actions: &str| {
        user(&[&allow(actions, "*")])
            .replace("UserName: Caller\n", "UserName: Caller\n      Groups: [!Ref Team]\n")
    };
    for way in ["Attach", "Put"] {
        let text = template(&[group.clone(), caller(&format!("iam:{way}GroupPolicy"))]);
        let expected = format!("{}-group-policy", way.to_ascii_lowercase());
        assert_eq!(ways(&found(&text)), [expected]);
    }
    let apart = template(&[group, user(&[&allow("iam:PutGroupPolicy", "*")])]);
    assert!(ways(&found(&apart)).is_empty());
}

#[test]
fn through_a_role_that_may_more() {
    let pass = |service: &str| {
        let statement = format!(
            "{{Effect: Allow, Action: iam:PassRole, Resource: !GetAtt Strong.Arn, Condition: {{StringEquals: {{\"iam:PassedToService\": {service}}}}}}}"
        );
        [statement, allow("\"ec2:RunInstances\", \"ecs:RunTask\"", "*")]
    };
    let text = |trusted: &str, service: &str, strong: &str| {
        let [pass, run] = pass(service);
        template(&[role("Strong", trusted, &[strong]), role("Caller", EC2, &[&pass, &run])])
    };
    let (more, same) = (allow("s3:GetObject", "*"), allow("ec2:RunInstances", "*"));
    let open = found(&text(EC2, "ec2.amazonaws.com", &more));
    assert_eq!(ways(&open), ["pass-role-ec2"]);
    assert!(open[0].message.contains("and could then `s3:GetObject`"), "{}", open[0].message);
    let actions: Vec<&str> = open[0].requests.iter().map(|r| r.request.action.as_str()).collect();
    assert_eq!(actions, ["iam:PassRole", "ec2:RunInstances"]);
    for (why, trusted, service, strong) in [
        ("the role gives nothing more", EC2, "ec2.amazonaws.com", &same),
        ("the role trusts another service", "{Service: ecs-tasks.amazonaws.com}", "ec2.amazonaws.com", &more),
        ("the condition is for another service", EC2, "lambda.amazonaws.com", &more),
    ] {
        assert!(ways(&found(&text(trusted, service, strong))).is_empty(), "{why}");
    }
}

#[test]
fn a_role_is_assumed_only_if_it_trusts() {
    let assume = "{Effect: Allow, Action: sts:AssumeRole, Resource: !GetAtt Strong.Arn}";
    let root = "{AWS: \"arn:aws:iam::111122223333:root\"}";
    let text = |trusted: &str| template(&[admin("Strong", trusted), role("Caller", EC2, &[assume])]);
    assert_eq!(ways(&found(&text(root))), ["assume-role"]);
    assert!(ways(&found(&text(EC2))).is_empty());
}

#[test]
fn what_stops_a_way_is_believed() {
    let put = allow("iam:PutRolePolicy, iam:AttachRolePolicy", "*");
    let caller = |more: &[&str]| {
        let all: Vec<&str> = [put.as_str()].iter().chain(more).copied().collect();
        template(&[role("Caller", EC2, &all)])
    };
    assert_eq!(ways(&found(&caller(&[]))), ["attach-role-policy", "put-role-policy"]);
    let bound = |arn: &str| {
        let text = caller(&[]);
        text.replace("RoleName: Caller\n", &format!("RoleName: Caller\n      PermissionsBoundary: {arn}\n"))
    };
    assert!(found(&bound("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")).is_empty());
    // A boundary that lets everything be bounds nothing.
    assert_eq!(ways(&found(&bound(ADMINISTRATOR))), ["attach-role-policy", "put-role-policy"]);
    assert!(found(&caller(&["{Effect: Deny, Action: \"iam:*\", Resource: \"*\"}"])).is_empty());
    let only_others =
        "{Effect: Deny, Action: \"iam:*\", Resource: !Sub \"arn:aws:iam::${AWS::AccountId}:role/Caller\"}";
    assert!(found(&caller(&[only_others])).is_empty());
    let mut limited = around();
    let scp = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:*","Resource":"*"}}"#;
    limited.scps.push(Document { name: "scp.json".to_owned(), text: scp.to_owned() });
    assert!(rights_in(&caller(&[]), &limited).escalations().is_empty());
    // One that the template attaches, to this account and not to another.
    let attached = |target: &str| {
        let policy = format!(
            "  Limit:
    Type: AWS::Organizations::Policy
    Properties: {{Name: l, Type: SERVICE_CONTROL_POLICY, TargetIds: [{target}], Content: {scp}}}
"
        );
        found(&(caller(&[]) + &policy)).len()
    };
    assert_eq!((attached("!Ref AWS::AccountId"), attached("\"999999999999\"")), (0, 2));
}

#[test]
fn one_with_all_that_its_account_leaves_has_nothing_to_raise() {
    let mut limited = around();
    let scp = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:CreateAccessKey","Resource":"*"}}"#;
    limited.scps.push(Document { name: "scp.json".to_owned(), text: scp.to_owned() });
    assert!(rights_in(&template(&[admin("Caller", EC2)]), &limited).escalations().is_empty());
}

#[test]
fn one_with_every_right_within_a_boundary_is_no_administrator() {
    let bound = "  Bound:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument: {Version: \"2012-10-17\", Statement: {Effect: Allow, Action: \"iam:Delete*\", Resource: \"*\"}}
";
    let caller = admin("Caller", EC2)
        .replace("RoleName: Caller\n", "RoleName: Caller\n      PermissionsBoundary: !Ref Bound\n");
    assert_eq!(ways(&found(&template(&[bound.to_owned(), caller]))), ["delete-role-boundary"]);
}

#[test]
fn conditions_on_the_request_are_held_against_the_way() {
    let limited = |action: &str, key: &str, value: &str| {
        let condition = format!("Condition: {{ArnEquals: {{\"{key}\": \"{value}\"}}}}");
        let statement = format!("{{Effect: Allow, Action: {action}, Resource: \"*\", {condition}}}");
        ways(&found(&template(&[role("Caller", EC2, &[&statement, &allow("s3:Get*", "*")])])))
    };
    let read = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess";
    assert_eq!(limited("iam:AttachRolePolicy", "iam:PolicyARN", ADMINISTRATOR), ["attach-role-policy"]);
    // All that may be attached is what it may do anyway.
    assert!(limited("iam:AttachRolePolicy", "iam:PolicyARN", read).is_empty());
    assert!(limited("iam:PutRolePolicy", "iam:PermissionsBoundary", read).is_empty());
}

#[test]
fn ones_own_access_key_raises_nothing() {
    let own = "{Effect: Allow, Action: iam:CreateAccessKey, Resource: !Sub \"arn:aws:iam::${AWS::AccountId}:user/${!aws:username}\"}";
    assert!(found(&template(&[user(&[own])])).is_empty());
}

#[test]
fn administrators_are_left_out_and_doubts_said() {
    assert!(found(&template(&[admin("Caller", EC2)])).is_empty());
    let text = template(&[role("Caller", EC2, &[&allow("s3:Get*", "*")])]).replace(
        "RoleName: Caller\n",
        "RoleName: Caller\n      ManagedPolicyArns: [\"arn:aws:iam::aws:policy/X\"]\n",
    );
    let found = found(&text);
    assert_eq!((found.len(), found[0].outcome), (1, Outcome::Undecided));
}
