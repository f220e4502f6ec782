//! Endpoints, peering, transit gateways, prefix lists, flow logs.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod common;

use common::{Ec2, count, text, world};
use harness::World;
use model::Service;
use serde_json::{Value as Json, json};

fn table(ec2: &Ec2<'_>, vpc: &str) -> String {
    text(&ec2.call("CreateRouteTable", json!({"VpcId": vpc})), "/RouteTable/RouteTableId")
}

fn ready(ec2: &Ec2<'_>, vpc: &str) {
    ec2.call("ModifyVpcAttribute", json!({"VpcId": vpc, "EnableDnsHostnames": {"Value": true}}));
}

/// A service that is there and does nothing: endpoints can lead to it.
const fn quiet(name: &'static str, model: &'static str) -> Service {
    Service {
        name,
        model,
        types: "",
        actions: "",
        operations: &[],
        ask: |_| Ok(Vec::new()),
        nodes: &[],
        resources: &[],
        jobs: &[],
        founding: model::service::nothing,
    }
}

static S3: Service = quiet("s3", "service s3\nprotocols rest-xml\n");
static KMS: Service = quiet("kms", "service kms\nprotocols json\n");

const OWN: &str = "arn:aws:iam::111122223333:role/logs";

#[test]
fn a_gateway_endpoint_keeps_its_routes() {
    let world = World::new(vec![&service_ec2::SERVICE, &S3, &KMS]);
    let admin = world.admin();
    let ec2 = Ec2(&world, &admin);
    let vpc = ec2.vpc("10.0.0.0/16");
    let table = table(&ec2, &vpc);
    let s3 = "com.amazonaws.us-east-1.s3";
    let input = json!({"VpcId": vpc, "ServiceName": s3, "RouteTableIds": [table]});
    let id = text(&ec2.call("CreateVpcEndpoint", input.clone()), "/VpcEndpoint/VpcEndpointId");
    let tables = || {
        ec2.call("DescribeRouteTables", json!({"Filters": [{"Name": "route.gateway-id", "Values": [id]}]}))
    };
    assert_eq!(text(&tables(), "/RouteTables/0/RouteTableId"), table);
    let list = json!({"RouteTableId": table, "DestinationPrefixListId": "pl-63a5400a"});
    #[rustfmt::skip]
    let cases = [
        ("CreateVpcEndpoint", input, "RouteAlreadyExists"),
        ("CreateVpcEndpoint", json!({"VpcId": vpc, "ServiceName": "com.amazonaws.us-east-1.kms"}), "InvalidParameter"),
        ("CreateVpcEndpoint", json!({"VpcId": vpc, "ServiceName": "com.amazonaws.us-east-1.ssm", "VpcEndpointType": "Interface"}), "InvalidServiceName"),
        ("CreateVpcEndpoint", json!({"VpcId": vpc, "ServiceName": s3, "PolicyDocument": "{"}), "InvalidPolicyDocument"),
        ("CreateVpcEndpoint", json!({"VpcId": vpc, "ServiceName": s3, "SubnetIds": ["subnet-0"]}), "InvalidParameter"),
        ("CreateVpcEndpoint", json!({"VpcId": vpc, "ServiceName": s3, "VpcEndpointType": "GatewayLoadBalancer"}), "UnsupportedOperation"),
        ("DeleteRoute", list, "InvalidParameterValue"),
        ("DeleteVpc", json!({"VpcId": vpc}), "DependencyViolation"),
    ];
    for (operation, input, code) in cases {
        assert_eq!(ec2.code(operation, input.clone()), code, "{operation} {input}");
    }
    ec2.call("ModifyVpcEndpoint", json!({"VpcEndpointId": id, "RemoveRouteTableIds": [table]}));
    assert_eq!(count(&tables(), "RouteTables"), 0);
    let gone = ec2.call("DeleteVpcEndpoints", json!({"VpcEndpointIds": [id, "vpce-0"]}));
    assert_eq!(text(&gone, "/Unsuccessful/0/Error/Code"), "InvalidVpcEndpointId.NotFound");
}

#[test]
fn an_interface_endpoint_has_an_interface_in_each_zone() {
    let world = World::new(vec![&service_ec2::SERVICE, &KMS]);
    let admin = world.admin();
    let ec2 = Ec2(&world, &admin);
    let vpc = ec2.vpc("10.0.0.0/16");
    let subnet = |cidr: &str, zone: &str| {
        let made =
            ec2.call("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": zone}));
        text(&made, "/Subnet/SubnetId")
    };
    let (a, b) = (subnet("10.0.0.0/24", "us-east-1a"), subnet("10.0.1.0/24", "us-east-1b"));
    let twin = subnet("10.0.2.0/24", "us-east-1a");
    let wanted = json!({"VpcId": vpc, "ServiceName": "com.amazonaws.us-east-1.kms", "VpcEndpointType": "Interface", "SubnetIds": [a, b]});
    assert_eq!(
        ec2.code("CreateVpcEndpoint", wanted.clone()),
        "InvalidParameter",
        "private names need host names"
    );
    ready(&ec2, &vpc);
    let made = ec2.call("CreateVpcEndpoint", wanted.clone());
    let id = text(&made, "/VpcEndpoint/VpcEndpointId");
    let names: Vec<String> =
        made["VpcEndpoint"]["DnsEntries"].as_array().unwrap().iter().map(|e| text(e, "/DnsName")).collect();
    assert!(names.contains(&"kms.us-east-1.amazonaws.com".to_owned()), "{names:?}");
    assert_eq!(names.len(), 4);
    assert_eq!(ec2.code("CreateVpcEndpoint", wanted), "InvalidParameter", "the name is taken");
    let input = json!({"VpcEndpointId": id, "AddSubnetIds": [twin]});
    assert_eq!(ec2.code("ModifyVpcEndpoint", input), "DuplicateSubnetsInSameZone");
    let interfaces = || {
        ec2.call(
            "DescribeNetworkInterfaces",
            json!({"Filters": [{"Name": "interface-type", "Values": ["vpc_endpoint"]}]}),
        )
    };
    assert_eq!(count(&interfaces(), "NetworkInterfaces"), 2);
    let group = ec2.group(&vpc, "endpoints");
    ec2.call(
        "ModifyVpcEndpoint",
        json!({"VpcEndpointId": id, "AddSecurityGroupIds": [group], "RemoveSubnetIds": [b]}),
    );
    assert_eq!(count(&interfaces(), "NetworkInterfaces"), 1);
    assert_eq!(interfaces()["NetworkInterfaces"][0]["Groups"].as_array().unwrap().len(), 2);
    ec2.call("DeleteVpcEndpoints", json!({"VpcEndpointIds": [id]}));
    assert_eq!(count(&interfaces(), "NetworkInterfaces"), 0);
    let services = ec2.call(
        "DescribeVpcEndpointServices",
        json!({"Filters": [{"Name": "service-type", "Values": ["Interface"]}]}),
    );
    assert_eq!(
        services["ServiceNames"],
        json!(["com.amazonaws.us-east-1.ec2", "com.amazonaws.us-east-1.kms"])
    );
}

#[test]
fn peering_takes_two() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let other = world.user_in(
        "444455556666",
        "peer",
        Some(r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#),
    );
    let peer = Ec2(&world, &other);
    let (ours, theirs) = (ec2.vpc("10.0.0.0/16"), peer.vpc("10.1.0.0/16"));
    let request = json!({"VpcId": ours, "PeerVpcId": theirs, "PeerOwnerId": "444455556666"});
    let made = ec2.call("CreateVpcPeeringConnection", request.clone());
    let id = text(&made, "/VpcPeeringConnection/VpcPeeringConnectionId");
    let named = json!({"VpcPeeringConnectionId": id});
    assert_eq!(ec2.code("CreateVpcPeeringConnection", request), "VpcPeeringConnectionAlreadyExists");
    assert_eq!(ec2.code("AcceptVpcPeeringConnection", named.clone()), "OperationNotPermitted");
    let table = table(&ec2, &ours);
    ec2.call(
        "CreateRoute",
        json!({"RouteTableId": table, "DestinationCidrBlock": "10.1.0.0/16", "VpcPeeringConnectionId": id}),
    );
    let state = || {
        let shown = ec2.call("DescribeRouteTables", json!({"RouteTableIds": [table]}));
        text(&shown, "/RouteTables/0/Routes/1/State")
    };
    assert_eq!(state(), "blackhole");
    let (web, theirs_group) = (ec2.group(&ours, "web"), peer.group(&theirs, "db"));
    let from_peer = json!({"GroupId": web, "IpPermissions": [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": theirs_group, "UserId": "444455556666"}]}]});
    assert_eq!(ec2.code("AuthorizeSecurityGroupIngress", from_peer.clone()), "InvalidGroup.NotFound");
    peer.call("AcceptVpcPeeringConnection", named.clone());
    assert_eq!(state(), "active");
    let rule = ec2.call("AuthorizeSecurityGroupIngress", from_peer);
    assert_eq!(text(&rule, "/SecurityGroupRules/0/ReferencedGroupInfo/VpcPeeringConnectionId"), id);
    assert_eq!(peer.code("AcceptVpcPeeringConnection", named.clone()), "InvalidStateTransition");
    peer.call("DeleteVpcPeeringConnection", named);
    assert_eq!(state(), "blackhole");
    let near = ec2.vpc("10.0.128.0/17");
    let failed = ec2.call("CreateVpcPeeringConnection", json!({"VpcId": ours, "PeerVpcId": near}));
    assert_eq!(text(&failed, "/VpcPeeringConnection/Status/Code"), "failed");
}

#[test]
fn a_transit_gateway_routes_between_vpcs() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let (a, b) = (ec2.vpc("10.0.0.0/16"), ec2.vpc("10.1.0.0/16"));
    let (sa, sb) = (ec2.subnet(&a, "10.0.0.0/24"), ec2.subnet(&b, "10.1.0.0/24"));
    let gateway = text(&ec2.call("CreateTransitGateway", json!({})), "/TransitGateway/TransitGatewayId");
    let attach = |vpc: &str, subnet: &str| {
        let input = json!({"TransitGatewayId": gateway, "VpcId": vpc, "SubnetIds": [subnet]});
        let made = ec2.call("CreateTransitGatewayVpcAttachment", input);
        text(&made, "/TransitGatewayVpcAttachment/TransitGatewayAttachmentId")
    };
    let (to_a, to_b) = (attach(&a, &sa), attach(&b, &sb));
    let shown = ec2.call("DescribeTransitGateways", json!({"TransitGatewayIds": [gateway]}));
    let table = text(&shown, "/TransitGateways/0/Options/AssociationDefaultRouteTableId");
    let search = |name: &str, value: &str| {
        let input =
            json!({"TransitGatewayRouteTableId": table, "Filters": [{"Name": name, "Values": [value]}]});
        let found = ec2.call("SearchTransitGatewayRoutes", input);
        found["Routes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| format!("{} {}", text(r, "/DestinationCidrBlock"), text(r, "/State")))
            .collect::<Vec<_>>()
    };
    assert_eq!(search("type", "propagated"), ["10.0.0.0/16 active", "10.1.0.0/16 active"]);
    let route = |cidr: &str| json!({"TransitGatewayRouteTableId": table, "DestinationCidrBlock": cidr});
    let mut to = route("10.1.7.0/24");
    to["TransitGatewayAttachmentId"] = json!(to_b);
    ec2.call("CreateTransitGatewayRoute", to.clone());
    let mut hole = route("10.9.0.0/16");
    hole["Blackhole"] = json!(true);
    ec2.call("CreateTransitGatewayRoute", hole);
    assert_eq!(search("route-search.longest-prefix-match", "10.1.7.9"), ["10.1.7.0/24 active"]);
    assert_eq!(
        search("route-search.supernet-of-match", "10.1.7.0/25"),
        ["10.1.0.0/16 active", "10.1.7.0/24 active"]
    );
    assert_eq!(search("state", "blackhole"), ["10.9.0.0/16 blackhole"]);
    let in_vpc = text(&ec2.call("CreateRouteTable", json!({"VpcId": a})), "/RouteTable/RouteTableId");
    ec2.call(
        "CreateRoute",
        json!({"RouteTableId": in_vpc, "DestinationCidrBlock": "10.1.0.0/16", "TransitGatewayId": gateway}),
    );
    let named = |id: &str| json!({"TransitGatewayRouteTableId": table, "TransitGatewayAttachmentId": id});
    #[rustfmt::skip]
    let cases = [
        ("CreateTransitGatewayRoute", to, "RouteAlreadyExists"),
        ("CreateTransitGatewayRoute", route("10.2.0.0/16"), "InvalidParameterCombination"),
        ("DeleteTransitGatewayRoute", route("10.0.0.0/16"), "InvalidRoute.NotFound"),
        ("AssociateTransitGatewayRouteTable", named(&to_a), "Resource.AlreadyAssociated"),
        ("EnableTransitGatewayRouteTablePropagation", named(&to_a), "TransitGatewayRouteTablePropagation.Duplicate"),
        ("DeleteTransitGatewayRouteTable", json!({"TransitGatewayRouteTableId": table}), "IncorrectState"),
        ("DeleteTransitGateway", json!({"TransitGatewayId": gateway}), "IncorrectState"),
        ("CreateTransitGatewayVpcAttachment", json!({"TransitGatewayId": gateway, "VpcId": a, "SubnetIds": [sa]}), "DuplicateTransitGatewayAttachment"),
        ("DeleteSubnet", json!({"SubnetId": sa}), "DependencyViolation"),
        ("CreateTransitGateway", json!({"Options": {"AmazonSideAsn": 7}}), "InvalidParameterValue"),
        ("CreateTransitGateway", json!({"Options": {"MulticastSupport": "enable"}}), "UnsupportedOperation"),
    ];
    for (operation, input, code) in cases {
        assert_eq!(ec2.code(operation, input.clone()), code, "{operation} {input}");
    }
    ec2.call("DeleteTransitGatewayVpcAttachment", json!({"TransitGatewayAttachmentId": to_b}));
    assert_eq!(search("state", "blackhole"), ["10.1.7.0/24 blackhole", "10.9.0.0/16 blackhole"]);
    let associated =
        ec2.call("GetTransitGatewayRouteTableAssociations", json!({"TransitGatewayRouteTableId": table}));
    assert_eq!(count(&associated, "Associations"), 1);
    ec2.call("DeleteTransitGatewayVpcAttachment", json!({"TransitGatewayAttachmentId": to_a}));
    let routes = ec2.call("DescribeRouteTables", json!({"RouteTableIds": [in_vpc]}));
    assert_eq!(text(&routes, "/RouteTables/0/Routes/1/State"), "blackhole");
    ec2.call("DeleteTransitGateway", json!({"TransitGatewayId": gateway}));
    assert_eq!(
        ec2.code("DeleteTransitGateway", json!({"TransitGatewayId": gateway})),
        "InvalidTransitGatewayID.NotFound"
    );
    assert_eq!(count(&ec2.call("DescribeNetworkInterfaces", json!({})), "NetworkInterfaces"), 0);
}

#[test]
fn prefix_lists_have_versions_and_users() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let vpc = ec2.vpc("10.0.0.0/16");
    let group = ec2.group(&vpc, "web");
    let wanted = json!({"PrefixListName": "offices", "AddressFamily": "IPv4", "MaxEntries": 2, "Entries": [{"Cidr": "10.1.0.0/16"}]});
    let id = text(&ec2.call("CreateManagedPrefixList", wanted), "/PrefixList/PrefixListId");
    let permission = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": id}]}]});
    ec2.call("AuthorizeSecurityGroupIngress", permission);
    let change = |version: i64, cidr: &str| json!({"PrefixListId": id, "CurrentVersion": version, "AddEntries": [{"Cidr": cidr}]});
    ec2.call("ModifyManagedPrefixList", change(1, "10.2.0.0/16"));
    #[rustfmt::skip]
    let cases = [
        ("ModifyManagedPrefixList", change(1, "10.3.0.0/16"), "PrefixListVersionMismatch"),
        ("ModifyManagedPrefixList", change(2, "10.3.0.0/16"), "PrefixListMaxEntriesExceeded"),
        ("ModifyManagedPrefixList", json!({"PrefixListId": "pl-63a5400a", "MaxEntries": 2}), "OperationNotPermitted"),
        ("DeleteManagedPrefixList", json!({"PrefixListId": id}), "DependencyViolation"),
        ("CreateManagedPrefixList", json!({"PrefixListName": "com.amazonaws.x", "AddressFamily": "IPv4", "MaxEntries": 2}), "InvalidParameterValue"),
    ];
    for (operation, input, code) in cases {
        assert_eq!(ec2.code(operation, input.clone()), code, "{operation} {input}");
    }
    let entries = |input: Json| count(&ec2.call("GetManagedPrefixListEntries", input), "Entries");
    assert_eq!(entries(json!({"PrefixListId": id})), 2);
    assert_eq!(entries(json!({"PrefixListId": id, "TargetVersion": 1})), 1);
    ec2.call(
        "RestoreManagedPrefixListVersion",
        json!({"PrefixListId": id, "CurrentVersion": 2, "PreviousVersion": 1}),
    );
    assert_eq!(entries(json!({"PrefixListId": id})), 1);
    let users = ec2.call("GetManagedPrefixListAssociations", json!({"PrefixListId": id}));
    assert_eq!(text(&users, "/PrefixListAssociations/0/ResourceId"), group);
    ec2.call("DeleteSecurityGroup", json!({"GroupId": group}));
    ec2.call("DeleteManagedPrefixList", json!({"PrefixListId": id}));
}

/// A flow log is kept, and nobody is told that anything is delivered.
#[test]
fn flow_logs_do_not_pretend() {
    let (world, admin) = world();
    let ec2 = Ec2(&world, &admin);
    let vpc = ec2.vpc("10.0.0.0/16");
    let wanted = |more: Json| {
        let mut input = json!({"ResourceIds": [vpc], "ResourceType": "VPC", "TrafficType": "ALL", "LogGroupName": "flows"});
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    ec2.call("CreateFlowLogs", wanted(json!({"DeliverLogsPermissionArn": OWN})));
    let shown = ec2.call("DescribeFlowLogs", json!({}));
    assert_eq!(text(&shown, "/FlowLogs/0/DeliverLogsStatus"), "FAILED");
    #[rustfmt::skip]
    let cases = [
        (wanted(json!({"DeliverLogsPermissionArn": OWN})), "FlowLogAlreadyExists"),
        (wanted(json!({})), "MissingParameter"),
        (wanted(json!({"LogDestinationType": "kinesis-data-firehose"})), "UnsupportedOperation"),
        (wanted(json!({"LogDestinationType": "s3", "LogDestination": "arn:aws:s3:::nowhere"})), "InvalidParameterValue"),
    ];
    for (input, code) in cases {
        assert_eq!(ec2.code("CreateFlowLogs", input.clone()), code, "{input}");
    }
    let may = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}"#;
    let user = world.user("no-pass-role", Some(may));
    let input = wanted(json!({"DeliverLogsPermissionArn": OWN, "LogGroupName": "others"}));
    assert_eq!(Ec2(&world, &user).code("CreateFlowLogs", input), "AccessDeniedException");
    ec2.call("DeleteVpc", json!({"VpcId": vpc}));
    assert_eq!(count(&ec2.call("DescribeFlowLogs", json!({})), "FlowLogs"), 0);
}
