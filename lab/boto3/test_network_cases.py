"""`countersign network test`: flows through a network as the AWS CLI describes it."""

import json
import subprocess

import pytest

from conftest import PROGRAM

VPC = "vpc-0a"


def described():
    """A public tier with a web server, a private one with a database, a NAT gateway, and a peer."""
    entry = lambda number, egress, action, cidr="0.0.0.0/0", ports=None, protocol="-1": {
        "RuleNumber": number, "Egress": egress, "RuleAction": action, "CidrBlock": cidr, "Protocol": protocol,
    } | ({"PortRange": {"From": ports[0], "To": ports[1]}} if ports else {})
    permission = lambda protocol, ports=None, cidrs=(), groups=(): {
        "IpProtocol": protocol,
        "IpRanges": [{"CidrIp": c} for c in cidrs],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
        "UserIdGroupPairs": [{"GroupId": g, "UserId": "111122223333"} for g in groups],
    } | ({"FromPort": ports[0], "ToPort": ports[1]} if ports else {})
    interface = lambda id, subnet, ip, groups=(), **more: {
        "NetworkInterfaceId": id, "OwnerId": "111122223333", "VpcId": VPC, "SubnetId": subnet, "PrivateIpAddress": ip,
        "Groups": [{"GroupId": g} for g in groups], "SourceDestCheck": True, "InterfaceType": "interface", "Description": "",
        "PrivateIpAddresses": [{"Primary": True, "PrivateIpAddress": ip}], "Ipv6Addresses": [],
    } | more
    subnet = lambda id, cidr, zone: {"SubnetId": id, "VpcId": VPC, "CidrBlock": cidr, "AvailabilityZone": zone, "OwnerId": "111122223333"}
    everything = permission("-1", cidrs=["0.0.0.0/0"])
    return {
        "describe-vpcs.json": {"Vpcs": [{"VpcId": VPC, "OwnerId": "111122223333", "CidrBlock": "10.0.0.0/16"}]},
        "describe-subnets.json": {"Subnets": [subnet("subnet-pub", "10.0.1.0/24", "eu-west-1a"), subnet("subnet-priv", "10.0.2.0/24", "eu-west-1b")]},
        "a/addresses.json": {"Addresses": [{"AllocationId": "eipalloc-1", "NetworkInterfaceId": "eni-web", "PrivateIpAddress": "10.0.1.10", "PublicIp": "198.51.100.10"}]},
        "b/rest.json": {
            "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": VPC, "State": "available"}]}],
            "RouteTables": [
                {"RouteTableId": "rtb-pub", "VpcId": VPC, "Associations": [{"SubnetId": "subnet-pub", "Main": False}], "Routes": [
                    {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"},
                    {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}]},
                {"RouteTableId": "rtb-main", "VpcId": VPC, "Associations": [{"Main": True}], "Routes": [
                    {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"},
                    {"DestinationCidrBlock": "192.168.0.0/16", "GatewayId": "vgw-1", "State": "active"},
                    {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "active"}]},
            ],
            "NetworkAcls": [
                {"NetworkAclId": "acl-open", "VpcId": VPC, "Associations": [{"NetworkAclAssociationId": "x", "SubnetId": "subnet-pub"}],
                 "Entries": [entry(100, False, "allow"), entry(100, True, "allow"), entry(32767, False, "deny"), entry(32767, True, "deny")]},
                {"NetworkAclId": "acl-priv", "VpcId": VPC, "Associations": [{"NetworkAclAssociationId": "y", "SubnetId": "subnet-priv"}],
                 "Entries": [entry(90, False, "deny", "10.0.1.66/32"), entry(100, False, "allow"), entry(100, True, "allow", ports=(50000, 65535), protocol="6"),
                             entry(110, True, "allow", ports=(443, 443), protocol="6"), entry(32767, False, "deny"), entry(32767, True, "deny")]},
            ],
            "SecurityGroups": [
                {"GroupId": "sg-web", "GroupName": "web", "VpcId": VPC, "IpPermissions": [permission("tcp", (443, 443), ["0.0.0.0/0"])], "IpPermissionsEgress": [everything]},
                {"GroupId": "sg-db", "GroupName": "db", "VpcId": VPC, "IpPermissions": [permission("tcp", (5432, 5432), groups=["sg-web"])], "IpPermissionsEgress": [everything]},
            ],
            "NetworkInterfaces": [
                interface("eni-web", "subnet-pub", "10.0.1.10", ["sg-web"], Attachment={"InstanceId": "i-web", "DeviceIndex": 0}),
                interface("eni-bad", "subnet-pub", "10.0.1.66", ["sg-web"]),
                interface("eni-db", "subnet-priv", "10.0.2.10", ["sg-db"]),
                interface("eni-nat", "subnet-pub", "10.0.1.200", InterfaceType="nat_gateway", SourceDestCheck=False, Association={"PublicIp": "198.51.100.200"}),
            ],
            "NatGateways": [{"NatGatewayId": "nat-1", "VpcId": VPC, "SubnetId": "subnet-pub", "State": "available",
                             "NatGatewayAddresses": [{"NetworkInterfaceId": "eni-nat", "PrivateIp": "10.0.1.200", "PublicIp": "198.51.100.200"}]}],
        },
    }


def flow(ingress, to, port, source=None, proto="tcp", **more):
    return {"ingress": ingress, "dstIp": to, "dstPort": port, "proto": proto} | ({"srcIp": source} if source else {}) | more


CASES = [
    ("internet-web", flow("internet", "198.51.100.10", 443, "203.0.113.9"), True),
    ("internet-ssh", flow("internet", "198.51.100.10", 22, "203.0.113.9"), False),
    ("internet-db", flow("internet", "10.0.2.10", 5432, "203.0.113.9"), False),
    ("internet-nat", flow("internet", "198.51.100.200", 443, "203.0.113.9"), False),
    ("instance-db", flow("i-web", "10.0.2.10", 5432, "10.0.1.10"), True),
    ("instance-db-low-port", flow("i-web", "10.0.2.10", 5432, "10.0.1.10", srcPort=40000), False),
    ("spoofed", flow("i-web", "10.0.2.10", 5432, "10.0.1.11"), False),
    ("acl-deny", flow("eni-bad", "10.0.2.10", 5432, "10.0.1.66"), False),
    ("db-out", flow("eni-db", "203.0.113.9", 443, "10.0.2.10"), True),
    ("db-out-http", flow("eni-db", "203.0.113.9", 80, "10.0.2.10"), False),
    ("ping", flow("internet", "198.51.100.10", None, "203.0.113.9", "icmp"), False),
]


@pytest.fixture()
def network(tmp_path):
    def run(cases, *more, documents=None):
        for name, document in (documents or described()).items():
            path = tmp_path / "network" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document if isinstance(document, str) else json.dumps(document))
        lines = [c if isinstance(c, str) else json.dumps({"id": c[0], "flow": c[1], "expect": {"reachable": c[2]}}) for c in cases]
        file = tmp_path / "cases.jsonl"
        file.write_text("\n".join(lines))
        command = [PROGRAM, "network", "test", str(file), "--from", str(tmp_path / "network"), *more]
        return subprocess.run(command, capture_output=True, text=True)

    return run


def test_every_flow_is_as_expected(network):
    done = network(CASES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "11 cases: 11 passed, 0 failed, 0 not decided" in done.stdout


def test_a_mismatch_shows_the_way_and_the_rule(network):
    done = network([(name, asked, not wanted) for name, asked, wanted in CASES])
    assert done.returncode == 1 and "0 passed, 11 failed" in done.stdout
    for told in [
        "cases.jsonl:1: case `internet-web`: expected not reachable, decided reachable",
        "igw-1, 198.51.100.10 becomes 10.0.1.10",
        "no rule of sg-web lets it into eni-web",
        "sg-db (db) lets tcp 5432 into eni-db by sg-db IpPermissions[0] (sg-web)",
        "DROPPED: acl-priv into subnet-priv: rule 90 denies everything (10.0.1.66/32)",
        "nat-1: 10.0.2.10 becomes 10.0.1.200",
        "the source is no address of eni-web",
    ]:
        assert told in done.stdout, f"{told}\n{done.stdout}"


def test_what_is_not_modelled_is_not_guessed(network):
    done = network([("vpn", flow("eni-db", "192.168.1.1", 443, "10.0.2.10"), False)])
    assert done.returncode == 2 and "UNKNOWN: `vgw-1`, which is not modelled" in done.stdout, done.stdout
    # Nor is what is missing.
    for lack, told in [
        ("NetworkAcls", "the network ACL of subnet-pub, which is not described"),
        ("SecurityGroups", "a security group of eni-web, which is not described"),
        ("RouteTables", "the route table of subnet-pub, which is not described"),
    ]:
        partial = described()
        del partial["b/rest.json"][lack]
        done = network([("web", flow("internet", "198.51.100.10", 443, "203.0.113.9"), True)], documents=partial)
        assert done.returncode == 2 and told in done.stdout, done.stdout


def test_bad_input_is_named(network):
    missing = described()
    del missing["describe-vpcs.json"]["Vpcs"][0]["CidrBlock"]
    done = network(CASES[:1], documents=missing)
    assert done.returncode == 2 and "describe-vpcs.json: Vpcs[0]: `CidrBlock` is missing" in done.stderr, done.stderr
    wrong = described() | {"describe-vpcs.json": '{"Vpcs": ['}
    done = network(CASES[:1], documents=wrong)
    assert done.returncode == 2 and "describe-vpcs.json:1:10: this is not JSON" in done.stderr, done.stderr
    done = network(["{}", json.dumps({"id": "x", "flow": flow("eni-none", "10.0.2.10", 1), "expect": {"reachable": True}})])
    assert done.returncode == 2 and "there is no interface or instance `eni-none` here" in done.stdout, done.stdout
    assert "missing field `flow`" in done.stdout


def test_reports_for_programs(network):
    told = json.loads(network(CASES, "--output", "json").stdout)
    assert (told["cases"], told["passed"]) == (11, 11)
    assert '<testsuite name="countersign network test" tests="11"' in network(CASES, "--output", "junit").stdout
