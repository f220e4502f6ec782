//! Who may do what to which network resource.

use harness::World;
use serde_json::{Value as Json, json};

fn policy(statements: Json) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

#[test]
fn resources_conditions_and_creation_tags() {
    let world = World::new(vec![&service_ec2::SERVICE]);
    let admin = world.admin();
    let make = |operation: &str, input: Json| world.call(&admin, "ec2", operation, input).unwrap();
    let tagged = |value: &str| json!([{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": value}]}]);
    let vpc = |cidr: &str, team: &str| {
        let made = make("CreateVpc", json!({"CidrBlock": cidr, "TagSpecifications": tagged(team)}));
        made["Vpc"]["VpcId"].as_str().unwrap().to_owned()
    };
    let (ours, theirs) = (vpc("10.0.0.0/16", "shop"), vpc("10.1.0.0/16", "bank"));
    let group = |vpc: &str| {
        let made = make("CreateSecurityGroup", json!({"VpcId": vpc, "GroupName": "g", "Description": "d"}));
        made["GroupId"].as_str().unwrap().to_owned()
    };
    let (our_group, their_group) = (group(&ours), group(&theirs));
    let in_vpc = format!("arn:aws:ec2:us-east-1:111122223333:vpc/{ours}");
    let allowed = policy(json!([
        {"Effect": "Allow", "Action": "ec2:CreateSubnet", "Resource": "arn:aws:ec2:*:*:subnet/*"},
        {"Effect": "Allow", "Action": "ec2:CreateSubnet", "Resource": "arn:aws:ec2:*:*:vpc/*", "Condition": {"StringEquals": {"ec2:ResourceTag/team": "shop"}}},
        {"Effect": "Allow", "Action": "ec2:AuthorizeSecurityGroupIngress", "Resource": "*", "Condition": {"ArnEquals": {"ec2:Vpc": in_vpc}}},
        {"Effect": "Allow", "Action": "ec2:CreateVpc", "Resource": "*"},
        {"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*", "Condition": {"StringEquals": {"ec2:CreateAction": "CreateVpc", "aws:RequestTag/team": "shop"}}},
    ]));
    let user = world.user("engineer", Some(&allowed));
    let rule = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]);
    let of = |value: &str| json!({"CidrBlock": "10.7.0.0/16", "TagSpecifications": tagged(value)});
    #[rustfmt::skip]
    let cases = [
        ("CreateSubnet", json!({"VpcId": ours, "CidrBlock": "10.0.1.0/24"}), true),
        ("CreateSubnet", json!({"VpcId": theirs, "CidrBlock": "10.1.1.0/24"}), false),
        ("AuthorizeSecurityGroupIngress", json!({"GroupId": our_group, "IpPermissions": rule}), true),
        ("AuthorizeSecurityGroupIngress", json!({"GroupId": their_group, "IpPermissions": rule}), false),
        ("CreateVpc", json!({"CidrBlock": "10.8.0.0/16"}), true),
        ("CreateVpc", of("shop"), true),
        ("CreateVpc", of("bank"), false),
        ("CreateTags", json!({"Resources": [ours], "Tags": [{"Key": "team", "Value": "shop"}]}), false),
        ("DescribeVpcs", json!({}), false),
        ("CreateVpc", json!({"CidrBlock": "10.8.0.0/16", "DryRun": true}), true),
        ("DeleteVpc", json!({"VpcId": ours, "DryRun": true}), false),
    ];
    for (operation, input, allowed) in cases {
        let refused = match world.call(&user, "ec2", operation, input.clone()) {
            Err(fault) if fault.code == "AccessDeniedException" => true,
            Err(fault) if fault.code == "DryRunOperation" => false,
            Err(fault) => panic!("{operation} {input}: {fault}"),
            Ok(_) => false,
        };
        assert_eq!(refused, !allowed, "{operation} {input}");
    }
}
