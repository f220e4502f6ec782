//! Routes, gateways, addresses, NAT, ACLs, further blocks, DHCP options, the default VPC.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::{Ec2, count, text, world};
use serde_json::{Value as Json, json};

/// A VPC with a public and a private subnet and an internet gateway.
struct Network {
    vpc: String,
    public: String,
    private: String,
    internet: String,
}

fn network(ec2: &Ec2<'_>) -> Network {
    let vpc = ec2.vpc("10.0.0.0/16");
    let (public, private) = (ec2.subnet(&vpc, "10.0.0.0/24"), ec2.subnet(&vpc, "10.0.1.0/24"));
    let internet = text(&ec2.call("CreateInternetGateway", json!({})), "/InternetGateway/InternetGatewayId");
    ec2.call("AttachInternetGateway", json!({"InternetGatewayId": internet, "VpcId": vpc}));
    Network { vpc, public, private, internet }
}

fn table(ec2: &Ec2<'_>, vpc: &str) -> String {
    text(&ec2.call("CreateRouteTable", json!({"VpcId": vpc})), "/RouteTable/RouteTableId")
}

fn routes(ec2: &Ec2<'_>, table: &str) -> Vec<Json> {
    let shown = ec2.call("DescribeRouteTables", json!({"RouteTableIds": [table]}));
    shown.pointer("/RouteTables/0/Routes").and_then(Json::as_array).cloned().unwrap_or_default()
}

#[test]
fn a_nat_gateway_leads_out_until_it_is_deleted() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let net = network(&ec2);
    let eip = text(&ec2.call("AllocateAddress", json!({})), "/AllocationId");
    let made = ec2.call("CreateNatGateway", json!({"SubnetId": net.public, "AllocationId": eip}));
    assert_eq!(text(&made, "/NatGateway/State"), "pending");
    let nat = text(&made, "/NatGateway/NatGatewayId");
    let table = table(&ec2, &net.vpc);
    let out = json!({"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": nat});
    ec2.call("CreateRoute", out.clone());
    assert_eq!(ec2.code("CreateRoute", out), "RouteAlreadyExists");
    ec2.call("AssociateRouteTable", json!({"RouteTableId": table, "SubnetId": net.private}));
    let states = |routes: &[Json]| routes.iter().map(|r| text(r, "/State")).collect::<Vec<_>>();
    assert_eq!(states(&routes(&ec2, &table)), ["active", "active"]);
    let refused = [
        ("ReleaseAddress", json!({"AllocationId": eip}), "InvalidIPAddress.InUse"),
        (
            "DetachInternetGateway",
            json!({"InternetGatewayId": net.internet, "VpcId": net.vpc}),
            "DependencyViolation",
        ),
        ("DeleteSubnet", json!({"SubnetId": net.public}), "DependencyViolation"),
        ("DeleteRouteTable", json!({"RouteTableId": table}), "DependencyViolation"),
        (
            "CreateNatGateway",
            json!({"SubnetId": net.public, "AllocationId": eip}),
            "Resource.AlreadyAssociated",
        ),
        (
            "DisassociateAddress",
            json!({"AssociationId": text(&made, "/NatGateway/NatGatewayAddresses/0/AssociationId")}),
            "AuthFailure",
        ),
    ];
    for (operation, input, code) in refused {
        assert_eq!(ec2.code(operation, input), code, "{operation}");
    }
    ec2.call("DeleteNatGateway", json!({"NatGatewayId": nat}));
    assert_eq!(states(&routes(&ec2, &table)), ["active", "blackhole"]);
    let shown =
        ec2.call("DescribeNatGateways", json!({"Filter": [{"Name": "state", "Values": ["deleted"]}]}));
    assert_eq!(count(&shown, "NatGateways"), 1);
    ec2.call("ReleaseAddress", json!({"AllocationId": eip}));
    ec2.call("DetachInternetGateway", json!({"InternetGatewayId": net.internet, "VpcId": net.vpc}));
    assert_eq!(count(&ec2.call("DescribeNetworkInterfaces", json!({})), "NetworkInterfaces"), 0);
    world.run_jobs_until(model::plane::Calls::now(&*world.estate).plus_seconds(3601));
    assert_eq!(count(&ec2.call("DescribeNatGateways", json!({})), "NatGateways"), 0);
}

#[test]
fn what_conflicts_is_refused() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let net = network(&ec2);
    let other = ec2.vpc("10.9.0.0/16");
    let (ours, theirs) = (table(&ec2, &net.vpc), table(&ec2, &other));
    let loose = text(&ec2.call("CreateInternetGateway", json!({})), "/InternetGateway/InternetGatewayId");
    let held = ec2.call("AssociateRouteTable", json!({"RouteTableId": ours, "SubnetId": net.public}));
    let second = table(&ec2, &net.vpc);
    let main = ec2.call("DescribeRouteTables", json!({"Filters": [{"Name": "vpc-id", "Values": [net.vpc]}, {"Name": "association.main", "Values": ["true"]}]}));
    let main_association = text(&main, "/RouteTables/0/Associations/0/RouteTableAssociationId");
    let route = |to: &str, key: &str, target: &str| json!({"RouteTableId": ours, "DestinationCidrBlock": to, key: target});
    ec2.call("CreateRoute", route("0.0.0.0/0", "GatewayId", &net.internet));
    let acl = text(&ec2.call("CreateNetworkAcl", json!({"VpcId": net.vpc})), "/NetworkAcl/NetworkAclId");
    let rule = |number: i64, protocol: &str| json!({"NetworkAclId": acl, "RuleNumber": number, "Protocol": protocol, "RuleAction": "allow", "Egress": false, "CidrBlock": "10.0.0.0/8", "PortRange": {"From": 80, "To": 80}});
    ec2.call("CreateNetworkAclEntry", rule(100, "tcp"));
    let default_acl = ec2.call("DescribeNetworkAcls", json!({"Filters": [{"Name": "vpc-id", "Values": [net.vpc]}, {"Name": "default", "Values": ["true"]}]}));
    let default_acl = text(&default_acl, "/NetworkAcls/0/NetworkAclId");
    #[rustfmt::skip]
    let cases = [
        ("CreateRoute", route("0.0.0.0/0", "GatewayId", &net.internet), "RouteAlreadyExists"),
        ("CreateRoute", route("10.0.0.0/16", "GatewayId", &net.internet), "RouteAlreadyExists"),
        ("CreateRoute", route("10.0.1.0/24", "GatewayId", &net.internet), "InvalidParameterValue"),
        ("CreateRoute", route("8.0.0.0/8", "GatewayId", &loose), "InvalidParameterValue"),
        ("CreateRoute", route("8.0.0.0/8", "GatewayId", "igw-0"), "InvalidGatewayID.NotFound"),
        ("CreateRoute", route("8.0.0.0/8", "NatGatewayId", "nat-0"), "InvalidNatGatewayID.NotFound"),
        ("CreateRoute", route("8.0.0.0/8", "TransitGatewayId", "tgw-0"), "InvalidTransitGatewayID.NotFound"),
        ("CreateRoute", route("8.0.0.0/8", "VpcPeeringConnectionId", "pcx-0"), "InvalidVpcPeeringConnectionID.NotFound"),
        ("CreateRoute", route("8.0.0.0/8", "NetworkInterfaceId", "eni-0"), "InvalidNetworkInterfaceID.NotFound"),
        ("CreateRoute", route("8.0.0.0/8", "InstanceId", "i-0"), "InvalidInstanceID.NotFound"),
        ("CreateRoute", route("8.0.0.0/8", "VpcEndpointId", "vpce-0"), "UnsupportedOperation"),
        ("CreateRoute", route("8.0.0.0/8", "EgressOnlyInternetGatewayId", "eigw-0"), "InvalidParameterValue"),
        ("CreateRoute", json!({"RouteTableId": ours, "DestinationCidrBlock": "8.0.0.0/8"}), "InvalidParameterCombination"),
        ("CreateRoute", json!({"RouteTableId": ours, "GatewayId": net.internet}), "InvalidParameterCombination"),
        ("CreateRoute", json!({"RouteTableId": ours, "DestinationPrefixListId": "pl-0", "GatewayId": net.internet}), "InvalidPrefixListID.NotFound"),
        ("ReplaceRoute", route("9.0.0.0/8", "GatewayId", &net.internet), "InvalidParameterValue"),
        ("DeleteRoute", json!({"RouteTableId": ours, "DestinationCidrBlock": "9.0.0.0/8"}), "InvalidRoute.NotFound"),
        ("DeleteRoute", json!({"RouteTableId": ours, "DestinationCidrBlock": "10.0.0.0/16"}), "InvalidParameterValue"),
        ("AssociateRouteTable", json!({"RouteTableId": second, "SubnetId": net.public}), "Resource.AlreadyAssociated"),
        ("AssociateRouteTable", json!({"RouteTableId": theirs, "SubnetId": net.private}), "InvalidParameterValue"),
        ("DisassociateRouteTable", json!({"AssociationId": main_association}), "InvalidParameterValue"),
        ("DisassociateRouteTable", json!({"AssociationId": "rtbassoc-0"}), "InvalidAssociationID.NotFound"),
        ("DeleteRouteTable", json!({"RouteTableId": ours}), "DependencyViolation"),
        ("AttachInternetGateway", json!({"InternetGatewayId": net.internet, "VpcId": other}), "Resource.AlreadyAssociated"),
        ("AttachInternetGateway", json!({"InternetGatewayId": loose, "VpcId": net.vpc}), "InvalidParameterValue"),
        ("DetachInternetGateway", json!({"InternetGatewayId": loose, "VpcId": net.vpc}), "Gateway.NotAttached"),
        ("DeleteInternetGateway", json!({"InternetGatewayId": net.internet}), "DependencyViolation"),
        ("CreateNatGateway", json!({"SubnetId": net.public}), "MissingParameter"),
        ("CreateNatGateway", json!({"SubnetId": net.public, "AllocationId": "eipalloc-0"}), "InvalidAllocationID.NotFound"),
        ("CreateNetworkAclEntry", rule(100, "6"), "NetworkAclEntryAlreadyExists"),
        ("CreateNetworkAclEntry", rule(32_767, "6"), "InvalidParameterValue"),
        ("CreateNetworkAclEntry", rule(101, "icmp"), "MissingParameter"),
        ("ReplaceNetworkAclEntry", rule(101, "6"), "InvalidNetworkAclEntry.NotFound"),
        ("DeleteNetworkAcl", json!({"NetworkAclId": default_acl}), "InvalidParameterValue"),
        ("AssociateVpcCidrBlock", json!({"VpcId": net.vpc, "CidrBlock": "10.0.128.0/17"}), "InvalidVpc.Range"),
        ("AssociateVpcCidrBlock", json!({"VpcId": net.vpc, "CidrBlock": "172.16.0.0/16"}), "InvalidVpc.Range"),
        ("CreateDhcpOptions", json!({"DhcpConfigurations": [{"Key": "colour", "Values": ["red"]}]}), "InvalidParameterValue"),
        ("CreateDhcpOptions", json!({"DhcpConfigurations": [{"Key": "ntp-servers", "Values": ["time"]}]}), "InvalidParameterValue"),
        ("DescribeInstances", json!({"InstanceIds": ["i-0"]}), "InvalidInstanceID.NotFound"),
        ("AssociateAddress", json!({"AllocationId": "eipalloc-0", "NetworkInterfaceId": "eni-0"}), "InvalidAllocationID.NotFound"),
    ];
    for (operation, input, code) in cases {
        assert_eq!(ec2.code(operation, input.clone()), code, "{operation} {input}");
    }
    let moved = json!({"AssociationId": text(&held, "/AssociationId"), "RouteTableId": second});
    ec2.call("ReplaceRouteTableAssociation", moved);
    ec2.call("DeleteRouteTable", json!({"RouteTableId": ours}));
}

#[test]
fn acls_move_with_their_subnets() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let net = network(&ec2);
    let of = |subnet: &str| {
        let shown = ec2.call(
            "DescribeNetworkAcls",
            json!({"Filters": [{"Name": "association.subnet-id", "Values": [subnet]}]}),
        );
        let acl = &shown["NetworkAcls"][0];
        let held = acl["Associations"].as_array().unwrap();
        let own = held.iter().find(|a| a["SubnetId"] == subnet).unwrap();
        (text(acl, "/NetworkAclId"), text(own, "/NetworkAclAssociationId"))
    };
    let (default, association) = of(&net.private);
    let acl = text(&ec2.call("CreateNetworkAcl", json!({"VpcId": net.vpc})), "/NetworkAcl/NetworkAclId");
    ec2.call("ReplaceNetworkAclAssociation", json!({"AssociationId": association, "NetworkAclId": acl}));
    assert_eq!(of(&net.private).0, acl);
    assert_eq!(of(&net.public).0, default);
    assert_eq!(ec2.code("DeleteNetworkAcl", json!({"NetworkAclId": acl})), "DependencyViolation");
    let shown = ec2.call("DescribeNetworkAcls", json!({"NetworkAclIds": [acl]}));
    let numbers: Vec<i64> = shown["NetworkAcls"][0]["Entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["RuleNumber"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, [32_767, 32_767]);
    ec2.call("DeleteSubnet", json!({"SubnetId": net.private}));
    ec2.call("DeleteNetworkAcl", json!({"NetworkAclId": acl}));
}

#[test]
fn further_blocks_bring_their_local_routes() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let vpc = ec2.vpc("10.0.0.0/16");
    let table = table(&ec2, &vpc);
    let second = ec2.call("AssociateVpcCidrBlock", json!({"VpcId": vpc, "CidrBlock": "10.1.0.0/16"}));
    let six = ec2.call("AssociateVpcCidrBlock", json!({"VpcId": vpc, "AmazonProvidedIpv6CidrBlock": true}));
    assert_eq!(routes(&ec2, &table).len(), 3);
    let subnet = ec2.subnet(&vpc, "10.1.0.0/24");
    let association = json!({"AssociationId": text(&second, "/CidrBlockAssociation/AssociationId")});
    assert_eq!(ec2.code("DisassociateVpcCidrBlock", association.clone()), "InvalidCidrBlock.InUse");
    let whole = text(&six, "/Ipv6CidrBlockAssociation/Ipv6CidrBlock");
    let part = whole.replace("::/56", "::/64");
    let joined = ec2.call("AssociateSubnetCidrBlock", json!({"SubnetId": subnet, "Ipv6CidrBlock": part}));
    ec2.call(
        "ModifySubnetAttribute",
        json!({"SubnetId": subnet, "AssignIpv6AddressOnCreation": {"Value": true}}),
    );
    let made = ec2.call("CreateNetworkInterface", json!({"SubnetId": subnet}));
    assert!(text(&made, "/NetworkInterface/Ipv6Addresses/0/Ipv6Address").starts_with("2001:db8:"));
    let of_subnet = json!({"AssociationId": text(&joined, "/Ipv6CidrBlockAssociation/AssociationId")});
    assert_eq!(ec2.code("DisassociateSubnetCidrBlock", of_subnet.clone()), "InvalidCidrBlock.InUse");
    ec2.call(
        "DeleteNetworkInterface",
        json!({"NetworkInterfaceId": text(&made, "/NetworkInterface/NetworkInterfaceId")}),
    );
    ec2.call("DisassociateSubnetCidrBlock", of_subnet);
    ec2.call("DeleteSubnet", json!({"SubnetId": subnet}));
    ec2.call("DisassociateVpcCidrBlock", association);
    assert_eq!(routes(&ec2, &table).len(), 2);
    let shown = ec2.call("DescribeVpcs", json!({"VpcIds": [vpc]}));
    let primary = json!({"AssociationId": text(&shown, "/Vpcs/0/CidrBlockAssociationSet/0/AssociationId")});
    assert_eq!(ec2.code("DisassociateVpcCidrBlock", primary), "OperationNotPermitted");
}

#[test]
fn the_default_vpc_comes_when_it_is_asked_for() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    assert_eq!(count(&ec2.call("DescribeVpcs", json!({})), "Vpcs"), 0);
    let vpc = text(&ec2.call("CreateDefaultVpc", json!({})), "/Vpc/VpcId");
    assert_eq!(ec2.code("CreateDefaultVpc", json!({})), "DefaultVpcAlreadyExists");
    let zones =
        ec2.call("DescribeAvailabilityZones", json!({"ZoneIds": ["use1-az1", "use1-az2", "use1-az3"]}));
    assert_eq!(count(&zones, "AvailabilityZones"), 3);
    let subnets = ec2.call("DescribeSubnets", json!({"Filters": [{"Name": "default-for-az", "Values": ["true"]}, {"Name": "vpc-id", "Values": [vpc]}]}));
    assert_eq!(count(&subnets, "Subnets"), 3);
    let attributes = ec2.call("DescribeAccountAttributes", json!({"AttributeNames": ["default-vpc"]}));
    assert_eq!(text(&attributes, "/AccountAttributes/0/AttributeValues/0/AttributeValue"), vpc);
    ec2.call("CreateSecurityGroup", json!({"GroupName": "web", "Description": "in the default VPC"}));
    let open =
        json!({"GroupName": "web", "IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "CidrIp": "0.0.0.0/0"});
    ec2.call("AuthorizeSecurityGroupIngress", open);
    let other =
        json!({"GroupName": "web", "IpProtocol": "tcp", "FromPort": 81, "ToPort": 81, "CidrIp": "0.0.0.0/0"});
    let told = ec2.call("RevokeSecurityGroupIngress", other);
    assert_eq!(count(&told, "UnknownIpPermissions"), 1);
}
