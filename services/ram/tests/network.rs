//! Subnets and prefix lists of one account, used by another.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{CONSUMER, OUTSIDER, Scene};
use serde_json::{Value as Json, json};

fn id(made: &Json, object: &str, member: &str) -> String {
    made[object][member].as_str().unwrap().to_owned()
}

struct Network {
    vpc: String,
    subnet: String,
    arn: String,
}

fn network(scene: &Scene) -> Network {
    let call = |operation, input| scene.world.call(&scene.owner, "ec2", operation, input).unwrap();
    let vpc = id(&call("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"})), "Vpc", "VpcId");
    let made = call("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": "10.0.1.0/28"}));
    Network { vpc, subnet: id(&made, "Subnet", "SubnetId"), arn: id(&made, "Subnet", "SubnetArn") }
}

#[test]
fn a_shared_subnet_takes_interfaces_of_participants() {
    let scene = Scene::new();
    let network = network(&scene);
    let call = |operation, input| scene.world.call(&scene.consumer, "ec2", operation, input);
    let group = json!({"VpcId": network.vpc, "GroupName": "mine", "Description": "mine"});
    assert_eq!(call("CreateSecurityGroup", group.clone()).unwrap_err().code, "InvalidVpcID.NotFound");
    let seen = || call("DescribeSubnets", json!({})).unwrap()["Subnets"].as_array().map_or(0, Vec::len);
    assert_eq!(seen(), 0);
    let share = scene.share(CONSUMER, &network.arn);
    assert_eq!(seen(), 1);
    let group = call("CreateSecurityGroup", group).unwrap()["GroupId"].clone();
    let place = json!({"SubnetId": network.subnet, "Groups": [group]});
    let made = call("CreateNetworkInterface", place.clone()).unwrap();
    assert_eq!(made["NetworkInterface"]["OwnerId"], CONSUMER);
    // The owner's default group is not the participant's to use.
    let bare = call("CreateNetworkInterface", json!({"SubnetId": network.subnet})).unwrap_err();
    assert_eq!(bare.code, "MissingParameter");
    // The addresses are those of one subnet, whosever the interface is.
    let address = made["NetworkInterface"]["PrivateIpAddress"].clone();
    let same = json!({"SubnetId": network.subnet, "PrivateIpAddress": address});
    assert_eq!(scene.outcome(&scene.owner, "ec2", "CreateNetworkInterface", same), "InvalidIPAddress.InUse");
    let gone = json!({"SubnetId": network.subnet});
    assert_eq!(scene.outcome(&scene.owner, "ec2", "DeleteSubnet", gone.clone()), "DependencyViolation");
    // What the permission does not grant is denied: the subnet stays its owner's.
    assert_eq!(call("DeleteSubnet", gone).unwrap_err().code, "AccessDeniedException");
    let map = json!({"SubnetId": network.subnet, "MapPublicIpOnLaunch": {"Value": true}});
    assert_eq!(call("ModifySubnetAttribute", map).unwrap_err().code, "AccessDeniedException");
    // Once it is shared no more, there is no such subnet for the participant.
    scene.owner("DeleteResourceShare", json!({"resourceShareArn": share}));
    assert_eq!(call("CreateNetworkInterface", place).unwrap_err().code, "InvalidSubnetID.NotFound");
    assert_eq!(seen(), 0);
}

#[test]
fn a_subnet_needs_the_participants_own_policy_too() {
    let scene = Scene::new();
    let network = network(&scene);
    scene.share(CONSUMER, &network.arn);
    let group = json!({"VpcId": network.vpc, "GroupName": "mine", "Description": "mine"});
    let group = scene.world.call(&scene.consumer, "ec2", "CreateSecurityGroup", group).unwrap();
    let place = json!({"SubnetId": network.subnet, "Groups": [group["GroupId"]]});
    // Its own account's subnets only: the shared one is another's.
    let own = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:ec2:*:444455556666:*"}]}"#;
    let own = scene.world.user_in(CONSUMER, "own", Some(own));
    let denied = scene.outcome(&own, "ec2", "CreateNetworkInterface", place.clone());
    assert_eq!(denied, "AccessDeniedException");
    assert_eq!(scene.outcome(&scene.consumer, "ec2", "CreateNetworkInterface", place), "ok");
}

#[test]
fn subnets_stay_within_the_organization() {
    let scene = Scene::new();
    let network = network(&scene);
    assert_eq!(scene.try_share(OUTSIDER, &network.arn).unwrap_err().code, "OperationNotPermittedException");
    let apart = Scene::without_sharing();
    let network = self::network(&apart);
    assert_eq!(apart.try_share(CONSUMER, &network.arn).unwrap_err().code, "OperationNotPermittedException");
}

#[test]
fn a_shared_prefix_list_is_read_and_named() {
    let scene = Scene::new();
    let input = json!({"PrefixListName": "offices", "AddressFamily": "IPv4", "MaxEntries": 3,
        "Entries": [{"Cidr": "192.0.2.0/24"}]});
    let made = scene.world.call(&scene.owner, "ec2", "CreateManagedPrefixList", input).unwrap();
    let (list, arn) = (id(&made, "PrefixList", "PrefixListId"), id(&made, "PrefixList", "PrefixListArn"));
    let call = |operation, input| scene.world.call(&scene.consumer, "ec2", operation, input);
    let vpc = id(&call("CreateVpc", json!({"CidrBlock": "10.9.0.0/16"})).unwrap(), "Vpc", "VpcId");
    let group = json!({"VpcId": vpc, "GroupName": "mine", "Description": "mine"});
    let group = call("CreateSecurityGroup", group).unwrap()["GroupId"].clone();
    let entries = || call("GetManagedPrefixListEntries", json!({"PrefixListId": list}));
    let rule = json!({"GroupId": group, "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": list}]}]});
    let name = || call("AuthorizeSecurityGroupIngress", rule.clone());
    assert_eq!(entries().unwrap_err().code, "InvalidPrefixListID.NotFound");
    assert_eq!(name().unwrap_err().code, "InvalidPrefixListID.NotFound");
    let share = scene.share(CONSUMER, &arn);
    assert_eq!(entries().unwrap()["Entries"][0]["Cidr"], "192.0.2.0/24");
    name().unwrap();
    let change = json!({"PrefixListId": list, "PrefixListName": "theirs"});
    assert_eq!(call("ModifyManagedPrefixList", change).unwrap_err().code, "AccessDeniedException");
    let gone = json!({"PrefixListId": list});
    let used = scene.outcome(&scene.owner, "ec2", "DeleteManagedPrefixList", gone);
    assert_eq!(used, "DependencyViolation");
    let input = json!({"resourceShareArn": share, "principals": [CONSUMER]});
    scene.owner("DisassociateResourceShare", input);
    assert_eq!(entries().unwrap_err().code, "InvalidPrefixListID.NotFound");
}
