//! VPCs, subnets, security groups and interfaces through the real door.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::{Ec2, count, text, world};
use harness::ACCOUNT;
use model::estate::iam::Linked;
use serde_json::{Value as Json, json};

#[test]
fn a_vpc_is_born_with_its_default_group_and_leaves_nothing_behind() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let vpc = ec2.vpc("10.0.0.9/16");
    let shown = ec2.call("DescribeVpcs", json!({"VpcIds": [vpc]}));
    assert_eq!(text(&shown, "/Vpcs/0/CidrBlock"), "10.0.0.0/16");
    let groups =
        ec2.call("DescribeSecurityGroups", json!({"Filters": [{"Name": "vpc-id", "Values": [vpc]}]}));
    assert_eq!(text(&groups, "/SecurityGroups/0/GroupName"), "default");
    let subnet = ec2.subnet(&vpc, "10.0.1.0/24");
    assert_eq!(ec2.code("DeleteVpc", json!({"VpcId": vpc})), "DependencyViolation");
    ec2.call("DeleteSubnet", json!({"SubnetId": subnet}));
    ec2.call("DeleteVpc", json!({"VpcId": vpc}));
    assert_eq!(ec2.code("DescribeVpcs", json!({"VpcIds": [vpc]})), "InvalidVpcID.NotFound");
    assert_eq!(count(&ec2.call("DescribeSecurityGroups", json!({})), "SecurityGroups"), 0);
}

#[test]
fn what_conflicts_is_refused() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let vpc = ec2.vpc("10.0.0.0/16");
    let subnet = ec2.subnet(&vpc, "10.0.1.0/28");
    let other = ec2.subnet(&ec2.vpc("10.9.0.0/16"), "10.9.0.0/24");
    let group = ec2.group(&vpc, "web");
    let open =
        json!([{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    ec2.call("AuthorizeSecurityGroupIngress", json!({"GroupId": group, "IpPermissions": open}));
    ec2.call("CreateNetworkInterface", json!({"SubnetId": subnet, "PrivateIpAddress": "10.0.1.5"}));
    let port = |from: i64, to: i64| json!([{"IpProtocol": "tcp", "FromPort": from, "ToPort": to, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]);
    let peer = |id: &str| json!([{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": id}]}]);
    let ingress = |permissions: Json| json!({"GroupId": group, "IpPermissions": permissions});
    let at = |address: &str| json!({"SubnetId": subnet, "PrivateIpAddress": address});
    #[rustfmt::skip]
    let cases = [
        ("CreateVpc", json!({"CidrBlock": "10.0.0.0/8"}), "InvalidVpc.Range"),
        ("CreateVpc", json!({"CidrBlock": "10.0.0"}), "InvalidParameterValue"),
        ("CreateVpc", json!({"CidrBlock": "169.254.0.0/16"}), "InvalidVpc.Range"),
        ("CreateVpc", json!({}), "MissingParameter"),
        ("CreateVpc", json!({"CidrBlock": "10.0.0.0/16", "DryRun": true}), "DryRunOperation"),
        ("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": "10.0.1.0/24"}), "InvalidSubnet.Conflict"),
        ("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": "10.1.0.0/24"}), "InvalidSubnet.Range"),
        ("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": "10.0.2.0/29"}), "InvalidSubnet.Range"),
        ("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "eu-west-1a"}), "InvalidParameterValue"),
        ("CreateSubnet", json!({"VpcId": "vpc-0", "CidrBlock": "10.0.2.0/24"}), "InvalidVpcID.NotFound"),
        ("CreateSecurityGroup", json!({"VpcId": vpc, "GroupName": "web", "Description": "again"}), "InvalidGroup.Duplicate"),
        ("CreateSecurityGroup", json!({"VpcId": vpc, "GroupName": "default", "Description": "x"}), "InvalidParameterValue"),
        ("CreateSecurityGroup", json!({"VpcId": vpc, "GroupName": "sg-x", "Description": "x"}), "InvalidParameterValue"),
        ("CreateSecurityGroup", json!({"GroupName": "x", "Description": "x"}), "VPCIdNotSpecified"),
        ("AuthorizeSecurityGroupIngress", ingress(open.clone()), "InvalidPermission.Duplicate"),
        ("AuthorizeSecurityGroupIngress", ingress(port(443, 80)), "InvalidParameterValue"),
        ("AuthorizeSecurityGroupIngress", ingress(json!([{"IpProtocol": "tcp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])), "InvalidParameterValue"),
        ("AuthorizeSecurityGroupIngress", ingress(json!([{"IpProtocol": "nope", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])), "InvalidParameterValue"),
        ("AuthorizeSecurityGroupIngress", ingress(json!([{"IpProtocol": "-1"}])), "MissingParameter"),
        ("AuthorizeSecurityGroupIngress", ingress(peer("sg-0123456789abcdef0")), "InvalidGroup.NotFound"),
        ("RevokeSecurityGroupIngress", ingress(port(80, 80)), "InvalidPermission.NotFound"),
        ("RevokeSecurityGroupIngress", json!({"GroupId": group, "SecurityGroupRuleIds": ["sgr-0"]}), "InvalidSecurityGroupRuleId.NotFound"),
        ("CreateNetworkInterface", at("10.0.1.5"), "InvalidIPAddress.InUse"),
        ("CreateNetworkInterface", at("10.0.1.3"), "InvalidParameterValue"),
        ("CreateNetworkInterface", at("10.0.1.15"), "InvalidParameterValue"),
        ("CreateNetworkInterface", at("10.0.7.7"), "InvalidParameterValue"),
        ("CreateNetworkInterface", json!({"SubnetId": other, "Groups": [group]}), "InvalidParameter"),
        ("CreateNetworkInterface", json!({"SubnetId": subnet, "SecondaryPrivateIpAddressCount": 1}), "UnsupportedOperation"),
        ("DeleteSubnet", json!({"SubnetId": subnet}), "DependencyViolation"),
        ("CreateTags", json!({"Resources": [vpc], "Tags": [{"Key": "aws:x", "Value": "y"}]}), "InvalidParameterValue"),
        ("CreateTags", json!({"Resources": ["vpc-0"], "Tags": [{"Key": "x", "Value": "y"}]}), "InvalidVpcID.NotFound"),
        ("CreateVpc", json!({"CidrBlock": "10.0.0.0/16", "TagSpecifications": [{"ResourceType": "subnet", "Tags": [{"Key": "a", "Value": "b"}]}]}), "InvalidParameterValue"),
        ("DescribeVpcs", json!({"Filters": [{"Name": "colour", "Values": ["red"]}]}), "InvalidParameterValue"),
        ("DescribeVpcs", json!({"NextToken": "!"}), "InvalidNextToken"),
        ("ModifyVpcAttribute", json!({"VpcId": vpc}), "MissingParameter"),
    ];
    for (operation, input, code) in cases {
        assert_eq!(ec2.code(operation, input.clone()), code, "{operation} {input}");
    }
}

#[test]
fn addresses_of_a_subnet_run_out_and_come_back() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let subnet = ec2.subnet(&ec2.vpc("10.0.0.0/16"), "10.0.0.0/28");
    let made: Vec<Json> =
        (0..11).map(|_| ec2.call("CreateNetworkInterface", json!({"SubnetId": subnet}))).collect();
    let addresses: std::collections::BTreeSet<String> =
        made.iter().map(|m| text(m, "/NetworkInterface/PrivateIpAddress")).collect();
    let expected = (4..15).map(|n| format!("10.0.0.{n}")).collect();
    assert_eq!(addresses, expected);
    assert_eq!(
        ec2.code("CreateNetworkInterface", json!({"SubnetId": subnet})),
        "InsufficientFreeAddressesInSubnet"
    );
    let shown = ec2.call("DescribeSubnets", json!({"SubnetIds": [subnet]}));
    assert_eq!(shown["Subnets"][0]["AvailableIpAddressCount"], 0);
    let one = text(&made[3], "/NetworkInterface/NetworkInterfaceId");
    ec2.call("DeleteNetworkInterface", json!({"NetworkInterfaceId": one}));
    let again = ec2.call("CreateNetworkInterface", json!({"SubnetId": subnet}));
    assert_eq!(
        text(&again, "/NetworkInterface/PrivateIpAddress"),
        text(&made[3], "/NetworkInterface/PrivateIpAddress")
    );
}

#[test]
fn groups_that_are_referenced_stay() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let vpc = ec2.vpc("10.0.0.0/16");
    let (web, app) = (ec2.group(&vpc, "web"), ec2.group(&vpc, "app"));
    let from_web = json!([{"IpProtocol": "6", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": [{"GroupId": web, "Description": "web tier"}]}]);
    let made = ec2.call("AuthorizeSecurityGroupIngress", json!({"GroupId": app, "IpPermissions": from_web}));
    let rule = text(&made, "/SecurityGroupRules/0/SecurityGroupRuleId");
    assert_eq!(text(&made, "/SecurityGroupRules/0/IpProtocol"), "tcp");
    assert_eq!(text(&made, "/SecurityGroupRules/0/ReferencedGroupInfo/GroupId"), web);
    assert_eq!(ec2.code("DeleteSecurityGroup", json!({"GroupId": web})), "DependencyViolation");
    let found = ec2.call(
        "DescribeSecurityGroups",
        json!({"Filters": [{"Name": "ip-permission.group-id", "Values": [web]}]}),
    );
    assert_eq!(
        (count(&found, "SecurityGroups"), text(&found, "/SecurityGroups/0/GroupId")),
        (1, app.clone())
    );
    ec2.call("RevokeSecurityGroupIngress", json!({"GroupId": app, "SecurityGroupRuleIds": [rule]}));
    ec2.call("DeleteSecurityGroup", json!({"GroupId": web}));
    let limit: Vec<Json> = (1..=61).map(|n| json!({"IpProtocol": "udp", "FromPort": n, "ToPort": n, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]})).collect();
    let input = json!({"GroupId": app, "IpPermissions": limit});
    assert_eq!(ec2.code("AuthorizeSecurityGroupIngress", input), "RulesPerSecurityGroupLimitExceeded");
}

#[test]
fn pages_and_tags() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let tag = |value: &str| json!([{"ResourceType": "vpc", "Tags": [{"Key": "tier", "Value": value}]}]);
    for n in 0..7 {
        let value = if n % 2 == 0 { "even" } else { "odd" };
        ec2.call(
            "CreateVpc",
            json!({"CidrBlock": format!("10.{n}.0.0/16"), "TagSpecifications": tag(value)}),
        );
    }
    let (mut seen, mut token) = (0, Json::Null);
    loop {
        let mut input = json!({"MaxResults": 5});
        if token.is_string() {
            input["NextToken"] = token.clone();
        }
        let page = ec2.call("DescribeVpcs", input);
        seen += count(&page, "Vpcs");
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(seen, 7);
    let even =
        |value: &str| ec2.call("DescribeVpcs", json!({"Filters": [{"Name": "tag:tier", "Values": [value]}]}));
    assert_eq!(count(&even("ev?n"), "Vpcs"), 4);
    let vpc = text(&even("odd"), "/Vpcs/0/VpcId");
    ec2.call("DeleteTags", json!({"Resources": [vpc], "Tags": [{"Key": "tier", "Value": "even"}]}));
    assert_eq!(count(&even("odd"), "Vpcs"), 3);
    ec2.call("DeleteTags", json!({"Resources": [vpc], "Tags": [{"Key": "tier"}]}));
    assert_eq!(count(&even("odd"), "Vpcs"), 2);
    let tags = ec2.call("DescribeTags", json!({"Filters": [{"Name": "resource-type", "Values": ["vpc"]}]}));
    assert_eq!(count(&tags, "Tags"), 6);
}

/// What a service makes for itself is its own: the account sees it and cannot touch it.
#[test]
fn interfaces_of_services_are_theirs() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let subnet = ec2.subnet(&ec2.vpc("10.0.0.0/16"), "10.0.0.0/24");
    let mut balancer = admin.clone();
    balancer.arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/AWSServiceRoleForElasticLoadBalancing/x");
    let role_arn = format!(
        "arn:aws:iam::{ACCOUNT}:role/aws-service-role/elasticloadbalancing.amazonaws.com/AWSServiceRoleForElasticLoadBalancing"
    );
    balancer.kind = model::CallerKind::Role { role_arn, session_name: "x".to_owned() };
    let role = Linked {
        service: "elasticloadbalancing.amazonaws.com",
        role: "AWSServiceRoleForElasticLoadBalancing",
        policy: "",
    };
    let role = linked(&role);
    balancer.principal_id = format!("{}:x", role.id);
    world.change(vec![model::graph::Change::Put(std::sync::Arc::new(role))]);
    let theirs = Ec2(&world, &balancer);
    let made = theirs.call("CreateNetworkInterface", json!({"SubnetId": subnet}));
    assert_eq!(text(&made, "/NetworkInterface/RequesterId"), "amazon-elb");
    assert_eq!(made["NetworkInterface"]["RequesterManaged"], true);
    let id = json!({"NetworkInterfaceId": text(&made, "/NetworkInterface/NetworkInterfaceId")});
    assert_eq!(ec2.code("DeleteNetworkInterface", id.clone()), "InvalidParameterValue");
    theirs.call("DeleteNetworkInterface", id);
}

fn linked(role: &Linked<'_>) -> model::estate::iam::Role {
    let everything =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}"#;
    model::estate::iam::Role {
        account: model::AccountId::parse(ACCOUNT).unwrap(),
        name: role.role.to_owned(),
        path: format!("/aws-service-role/{}/", role.service),
        id: "AROAEXAMPLE".to_owned(),
        created: model::Timestamp(0),
        description: None,
        max_session: 3600,
        trust: model::PolicyText::new("{}", None),
        inline: vec![model::estate::iam::InlinePolicy {
            name: "own".to_owned(),
            document: model::PolicyText::new(everything, None),
        }],
        attached: Vec::new(),
        boundary: None,
        tags: model::Tags::new(),
        last_used: None,
    }
}
