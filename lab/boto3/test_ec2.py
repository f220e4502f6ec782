"""Networks: made, conflicting, described, permitted; and a three-tier network as a stack."""

import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import allow


@pytest.fixture(scope="module")
def ec2(admin):
    return admin("ec2")


@pytest.fixture
def vpc(ec2):
    """A VPC of its own, that the test leaves empty."""
    made = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    yield made
    ec2.delete_vpc(VpcId=made)


def error(call, **given):
    with pytest.raises(ClientError) as refused:
        call(**given)
    return refused.value.response


def code(call, **given):
    return error(call, **given)["Error"]["Code"]


def of(vpc, **more):
    """Filters."""
    return [{"Name": "vpc-id", "Values": [vpc]}] + [{"Name": k.replace("_", "-"), "Values": [v]} for k, v in more.items()]


def test_vpcs_and_subnets(ec2, vpc):
    tags = [{"ResourceType": "subnet", "Tags": [{"Key": "Name", "Value": "web"}]}]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", TagSpecifications=tags)["Subnet"]
    assert (subnet["AvailableIpAddressCount"], subnet["AvailabilityZone"]) == (251, "us-east-1a")
    found = ec2.describe_subnets(Filters=of(vpc) + [{"Name": "tag:Name", "Values": ["w*"]}])["Subnets"]
    assert [s["SubnetId"] for s in found] == [subnet["SubnetId"]]
    assert code(ec2.create_subnet, VpcId=vpc, CidrBlock="10.0.1.128/25") == "InvalidSubnet.Conflict"
    assert code(ec2.create_subnet, VpcId=vpc, CidrBlock="10.1.0.0/24") == "InvalidSubnet.Range"
    assert code(ec2.create_vpc, CidrBlock="10.0.0.0/8") == "InvalidVpc.Range"
    assert code(ec2.delete_vpc, VpcId=vpc) == "DependencyViolation"
    assert code(ec2.describe_vpcs, VpcIds=["vpc-0123456789abcdef0"]) == "InvalidVpcID.NotFound"
    pages = ec2.get_paginator("describe_subnets").paginate(Filters=of(vpc), PaginationConfig={"PageSize": 5})
    assert sum(len(p["Subnets"]) for p in pages) == 1
    assert ec2.describe_vpc_attribute(VpcId=vpc, Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"] is True
    ec2.delete_subnet(SubnetId=subnet["SubnetId"])


def test_security_groups(ec2, vpc):
    group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
    https = [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "all"}]}]
    rule = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=https)["SecurityGroupRules"][0]
    again = error(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=https)["Error"]
    assert again["Code"] == "InvalidPermission.Duplicate"
    assert '"peer: 0.0.0.0/0, TCP, from port: 443, to port: 443, ALLOW" already exists' in again["Message"]
    shown = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert shown["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0", "Description": "all"}]
    assert shown["IpPermissionsEgress"][0]["IpProtocol"] == "-1"
    ec2.modify_security_group_rules(GroupId=group, SecurityGroupRules=[{
        "SecurityGroupRuleId": rule["SecurityGroupRuleId"],
        "SecurityGroupRule": {"IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "CidrIpv4": "10.0.0.0/8"},
    }])
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    assert {(r["IsEgress"], r["FromPort"]) for r in rules} == {(False, 8443), (True, -1)}
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[rule["SecurityGroupRuleId"]])
    assert code(ec2.revoke_security_group_ingress, GroupId=group, IpPermissions=https) == "InvalidPermission.NotFound"
    ec2.delete_security_group(GroupId=group)
    default = ec2.describe_security_groups(Filters=of(vpc, group_name="default"))["SecurityGroups"][0]["GroupId"]
    assert code(ec2.delete_security_group, GroupId=default) == "CannotDelete"


def test_who_may(ec2, limited, vpc):
    nobody = limited()("ec2")
    denied = error(nobody.create_vpc, CidrBlock="10.0.0.0/16")
    assert denied["Error"]["Code"] == "UnauthorizedOperation"
    assert denied["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert denied["Error"]["Message"].startswith("You are not authorized to perform this operation. User: arn:aws:iam::")
    assert code(nobody.delete_vpc, VpcId=vpc, DryRun=True) == "UnauthorizedOperation"
    dry = error(ec2.delete_vpc, VpcId=vpc, DryRun=True)
    assert (dry["Error"]["Code"], dry["ResponseMetadata"]["HTTPStatusCode"]) == ("DryRunOperation", 412)
    only = allow("ec2:CreateSubnet", resource=["arn:aws:ec2:*:*:subnet/*", f"arn:aws:ec2:*:*:vpc/{vpc}"])
    mine = limited(only)("ec2")
    subnet = mine.create_subnet(VpcId=vpc, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    tagged = [{"ResourceType": "subnet", "Tags": [{"Key": "a", "Value": "b"}]}]
    assert code(mine.create_subnet, VpcId=vpc, CidrBlock="10.0.8.0/24", TagSpecifications=tagged) == "UnauthorizedOperation"
    other = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    assert code(mine.create_subnet, VpcId=other, CidrBlock="10.7.0.0/24") == "UnauthorizedOperation"
    ec2.delete_vpc(VpcId=other)
    ec2.delete_subnet(SubnetId=subnet)


def test_a_way_out(ec2, vpc):
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    address = ec2.allocate_address(Domain="vpc")
    assert code(ec2.create_nat_gateway, SubnetId=subnet, AllocationId=address["AllocationId"]) == "Gateway.NotAttached"
    internet = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address["AllocationId"])["NatGateway"]["NatGatewayId"]
    ec2.get_waiter("nat_gateway_available").wait(NatGatewayIds=[nat])
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    shown = ec2.describe_addresses(PublicIps=[address["PublicIp"]])["Addresses"][0]
    assert shown["NetworkInterfaceId"].startswith("eni-")
    ec2.delete_nat_gateway(NatGatewayId=nat)
    ec2.get_waiter("nat_gateway_deleted").wait(NatGatewayIds=[nat])
    routes = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
    assert {r["DestinationCidrBlock"]: r["State"] for r in routes} == {"10.0.0.0/16": "active", "0.0.0.0/0": "blackhole"}
    ec2.delete_route_table(RouteTableId=table)
    ec2.release_address(AllocationId=address["AllocationId"])
    ec2.detach_internet_gateway(InternetGatewayId=internet, VpcId=vpc)
    ec2.delete_internet_gateway(InternetGatewayId=internet)
    ec2.delete_subnet(SubnetId=subnet)


def test_places(ec2):
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert [(z["ZoneName"], z["ZoneId"]) for z in zones][0] == ("us-east-1a", "use1-az1")
    assert "us-east-1" in [r["RegionName"] for r in ec2.describe_regions()["Regions"]]
    assert ec2.describe_instances()["Reservations"] == []
    names = ec2.describe_vpc_endpoint_services()["ServiceNames"]
    assert {"com.amazonaws.us-east-1.s3", "com.amazonaws.us-east-1.kms"} <= set(names)
    lists = {p["PrefixListName"] for p in ec2.describe_prefix_lists()["PrefixLists"]}
    assert lists == {"com.amazonaws.us-east-1.s3", "com.amazonaws.us-east-1.dynamodb"}


# A three-tier network: public, private and data subnets in two zones.
def template(port=8080, data=True, broken=False):
    def tag(name):
        return [{"Key": "Name", "Value": name}]

    def ref(name):
        return {"Ref": name}

    def get(name, attribute):
        return {"Fn::GetAtt": [name, attribute]}

    def zone(n):
        return {"Fn::Select": [n, {"Fn::GetAZs": ""}]}

    resources = {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {
            "CidrBlock": "10.20.0.0/16", "EnableDnsHostnames": True, "EnableDnsSupport": True, "Tags": tag("shop")}},
        "Internet": {"Type": "AWS::EC2::InternetGateway"},
        "Attachment": {"Type": "AWS::EC2::VPCGatewayAttachment", "Properties": {
            "VpcId": ref("Vpc"), "InternetGatewayId": ref("Internet")}},
        "Address": {"Type": "AWS::EC2::EIP", "DependsOn": "Attachment", "Properties": {"Domain": "vpc"}},
        "Nat": {"Type": "AWS::EC2::NatGateway", "Properties": {
            "AllocationId": get("Address", "AllocationId"), "SubnetId": ref("Public0")}},
        "Out": {"Type": "AWS::EC2::Route", "DependsOn": "Attachment", "Properties": {
            "RouteTableId": ref("PublicTable"), "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": ref("Internet")}},
        "Through": {"Type": "AWS::EC2::Route", "Properties": {
            "RouteTableId": ref("PrivateTable"), "DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": ref("Nat")}},
    }
    tiers = ["Public", "Private"] + (["Data"] if data else [])
    for t, tier in enumerate(tiers):
        resources[f"{tier}Table"] = {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": ref("Vpc"), "Tags": tag(tier)}}
        for n in range(2):
            resources[f"{tier}{n}"] = {"Type": "AWS::EC2::Subnet", "Properties": {
                "VpcId": ref("Vpc"), "AvailabilityZone": zone(n), "Tags": tag(f"{tier}{n}"),
                "CidrBlock": {"Fn::Select": [2 * t + n, {"Fn::Cidr": [get("Vpc", "CidrBlock"), 6, 8]}]},
                "MapPublicIpOnLaunch": tier == "Public"}}
            resources[f"{tier}{n}Table"] = {"Type": "AWS::EC2::SubnetRouteTableAssociation", "Properties": {
                "SubnetId": ref(f"{tier}{n}"), "RouteTableId": ref(f"{tier}Table")}}
    groups = {"Balancer": [("0.0.0.0/0", 443)], "App": [("Balancer", port)], "Endpoints": [("App", 443)]}
    for name, sources in groups.items():
        rules = []
        for source, at in sources:
            peer = {"CidrIp": source} if "/" in source else {"SourceSecurityGroupId": ref(f"{source}Group")}
            rules.append({"IpProtocol": "tcp", "FromPort": at, "ToPort": at, **peer})
        resources[f"{name}Group"] = {"Type": "AWS::EC2::SecurityGroup", "Properties": {
            "GroupDescription": name, "VpcId": ref("Vpc"), "SecurityGroupIngress": rules}}
    resources["BalancerToApp"] = {"Type": "AWS::EC2::SecurityGroupEgress", "Properties": {
        "GroupId": ref("EndpointsGroup"), "IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.20.0.0/16"}}
    resources["S3"] = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {
        "VpcId": ref("Vpc"), "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
        "RouteTableIds": [ref("PrivateTable")],
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [
            {"Sid": "Own", "Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}]}}}
    resources["Kms"] = {"Type": "AWS::EC2::VPCEndpoint", "Properties": {
        "VpcId": ref("Vpc"), "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.kms"}, "VpcEndpointType": "Interface",
        "PrivateDnsEnabled": True, "SubnetIds": [ref("Private0"), ref("Private1")], "SecurityGroupIds": [ref("EndpointsGroup")]}}
    if data:
        resources["DataAcl"] = {"Type": "AWS::EC2::NetworkAcl", "Properties": {"VpcId": ref("Vpc"), "Tags": tag("data")}}
        for egress in (False, True):
            resources[f"DataAcl{'Out' if egress else 'In'}"] = {"Type": "AWS::EC2::NetworkAclEntry", "Properties": {
                "NetworkAclId": ref("DataAcl"), "RuleNumber": 100, "Protocol": 6, "RuleAction": "allow", "Egress": egress,
                "CidrBlock": "10.20.0.0/16", "PortRange": {"From": 1024, "To": 65535}}}
        for n in range(2):
            resources[f"Data{n}Acl"] = {"Type": "AWS::EC2::SubnetNetworkAclAssociation", "Properties": {
                "SubnetId": ref(f"Data{n}"), "NetworkAclId": ref("DataAcl")}}
    if broken:
        resources["Broken"] = {"Type": "AWS::EC2::Subnet", "DependsOn": "S3", "Properties": {
            "VpcId": ref("Vpc"), "CidrBlock": "10.20.0.0/24"}}
    outputs = {name: {"Value": ref(name)} for name in ("Vpc", "AppGroup", "Nat", "Kms", "Address")}
    outputs["DefaultGroup"] = {"Value": get("Vpc", "DefaultSecurityGroup")}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def settled(cfn, name):
    for _ in range(600):
        stack = cfn.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.05)
    raise AssertionError(stack)


def census(ec2):
    """How much there is of everything."""
    every = {
        "describe_vpcs": "Vpcs", "describe_subnets": "Subnets", "describe_security_groups": "SecurityGroups",
        "describe_route_tables": "RouteTables", "describe_internet_gateways": "InternetGateways",
        "describe_addresses": "Addresses", "describe_network_acls": "NetworkAcls", "describe_vpc_endpoints": "VpcEndpoints",
        "describe_network_interfaces": "NetworkInterfaces", "describe_dhcp_options": "DhcpOptions",
        "describe_managed_prefix_lists": "PrefixLists", "describe_flow_logs": "FlowLogs",
    }
    counts = {member: len(getattr(ec2, call)()[member]) for call, member in every.items()}
    alive = [{"Name": "state", "Values": ["available"]}]
    counts["nat"] = len(ec2.describe_nat_gateways(Filters=alive)["NatGateways"])
    counts["transit"] = len(ec2.describe_transit_gateways(Filters=alive)["TransitGateways"])
    return counts


def test_a_stack_of_three_tiers(admin, ec2):
    cfn, name = admin("cloudformation"), f"net-{uuid.uuid4().hex[:8]}"
    ec2.delete_vpc(VpcId=ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])  # The default DHCP options stay.
    before = census(ec2)
    cfn.create_stack(StackName=name, TemplateBody=template())
    stack = settled(cfn, name)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack.get("StackStatusReason")
    made = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    vpc = made["Vpc"]
    subnets = ec2.describe_subnets(Filters=of(vpc))["Subnets"]
    assert sorted(s["CidrBlock"] for s in subnets) == [f"10.20.{n}.0/24" for n in range(6)]
    assert {s["AvailabilityZone"] for s in subnets} == {"us-east-1a", "us-east-1b"}
    assert {t["Key"] for s in subnets for t in s["Tags"]} >= {"aws:cloudformation:stack-name", "Name"}
    data = [s["SubnetId"] for s in subnets if {"Key": "Name", "Value": "Data0"} in s["Tags"]][0]
    own = [{"Name": "association.subnet-id", "Values": [data]}]
    acl = ec2.describe_network_acls(Filters=own)["NetworkAcls"][0]
    assert not acl["IsDefault"] and sorted(e["RuleNumber"] for e in acl["Entries"]) == [100, 100, 32767, 32767]
    routes = ec2.describe_route_tables(Filters=own)["RouteTables"][0]["Routes"]
    assert [r["GatewayId"] for r in routes] == ["local"]
    groups = {g["GroupId"]: g for g in ec2.describe_security_groups(Filters=of(vpc))["SecurityGroups"]}
    app = groups[made["AppGroup"]]
    assert app["GroupName"].startswith(name) and app["IpPermissions"][0]["FromPort"] == 8080
    assert made["DefaultGroup"] in groups
    kms = ec2.describe_vpc_endpoints(VpcEndpointIds=[made["Kms"]])["VpcEndpoints"][0]
    assert kms["PrivateDnsEnabled"] and len(kms["NetworkInterfaceIds"]) == 2

    # Another port: the group stays, its rule changes.
    cfn.update_stack(StackName=name, TemplateBody=template(port=9090))
    assert settled(cfn, name)["StackStatus"] == "UPDATE_COMPLETE"
    rules = ec2.describe_security_groups(GroupIds=[made["AppGroup"]])["SecurityGroups"][0]["IpPermissions"]
    assert [r["FromPort"] for r in rules] == [9090]

    # What conflicts turns the update round.
    now = census(ec2)
    cfn.update_stack(StackName=name, TemplateBody=template(port=7070, broken=True))
    stack = settled(cfn, name)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", stack
    assert "InvalidSubnet.Conflict" in stack["StackStatusReason"] or "conflicts with another subnet" in stack["StackStatusReason"]
    assert census(ec2) == now
    rules = ec2.describe_security_groups(GroupIds=[made["AppGroup"]])["SecurityGroups"][0]["IpPermissions"]
    assert [r["FromPort"] for r in rules] == [9090]

    # The data tier goes alone.
    cfn.update_stack(StackName=name, TemplateBody=template(port=9090, data=False))
    assert settled(cfn, name)["StackStatus"] == "UPDATE_COMPLETE"
    assert len(ec2.describe_subnets(Filters=of(vpc))["Subnets"]) == 4

    cfn.delete_stack(StackName=name)
    cfn.get_waiter("stack_delete_complete").wait(StackName=stack["StackId"], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert census(ec2) == before


def test_a_stack_that_fails_leaves_nothing(admin, ec2):
    cfn, name = admin("cloudformation"), f"net-{uuid.uuid4().hex[:8]}"
    before = census(ec2)
    cfn.create_stack(StackName=name, TemplateBody=template(broken=True))
    assert settled(cfn, name)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert census(ec2) == before
    cfn.delete_stack(StackName=name)
