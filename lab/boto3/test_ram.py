"""What one account of the organization shares with another: enforced call by call, and in templates."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import allow

READ_HISTORY = "arn:aws:ram::aws:permission/AWSRAMPermissionSSMParameterReadOnlyWithHistory"


def code(call, **given):
    with pytest.raises(ClientError) as refused:
        call(**given)
    return refused.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def sharing(admin):
    assert admin("ram").enable_sharing_with_aws_organization()["returnValue"] is True


def join(runtime, admin):
    """A new account of the organization, as its administrator."""
    name = uuid.uuid4().hex[:8]
    made = admin("organizations").create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]
    role = f"arn:aws:iam::{made['AccountId']}:role/OrganizationAccountAccessRole"
    keys = admin("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    clients = runtime.session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    clients.account = made["AccountId"]
    return clients


@pytest.fixture(scope="module")
def owner(runtime, admin):
    return join(runtime, admin)


@pytest.fixture
def consumer(runtime, admin):
    return join(runtime, admin)


@pytest.fixture
def parameter(owner):
    """An advanced parameter of the owner's, by its ARN."""
    name = f"/shared/{uuid.uuid4().hex}"
    owner("ssm").put_parameter(Name=name, Value="https://shop", Type="String", Tier="Advanced")
    return owner("ssm").get_parameter(Name=name)["Parameter"]["ARN"]


def test_a_parameter_is_shared_and_no_more(sharing, owner, consumer, parameter):
    ram, ssm = owner("ram"), consumer("ssm")
    assert code(ssm.get_parameter, Name=parameter) == "AccessDeniedException"
    share = ram.create_resource_share(name="url", resourceArns=[parameter], principals=[consumer.account])["resourceShare"]
    assert share["status"] == "ACTIVE" and share["owningAccountId"] == owner.account
    assert ssm.get_parameter(Name=parameter)["Parameter"]["Value"] == "https://shop"
    assert [p["ARN"] for p in ssm.describe_parameters(Shared=True)["Parameters"]] == [parameter]
    assert [r["arn"] for r in consumer("ram").list_resources(resourceOwner="OTHER-ACCOUNTS")["resources"]] == [parameter]
    # What the permission does not grant stays the owner's.
    assert code(ssm.get_parameter_history, Name=parameter) == "AccessDeniedException"
    assert code(ssm.delete_parameter, Name=parameter) == "AccessDeniedException"
    ram.associate_resource_share_permission(resourceShareArn=share["resourceShareArn"], permissionArn=READ_HISTORY, replace=True)
    assert len(ssm.get_parameter_history(Name=parameter)["Parameters"]) == 1
    policy = json.loads(ram.get_resource_policies(resourceArns=[parameter])["policies"][0])
    assert policy["Statement"][0]["Principal"] == {"AWS": [consumer.account]}
    # And then it is shared no more.
    ram.disassociate_resource_share(resourceShareArn=share["resourceShareArn"], principals=[consumer.account])
    assert code(ssm.get_parameter, Name=parameter) == "AccessDeniedException"
    assert ssm.describe_parameters(Shared=True)["Parameters"] == []


def test_the_consumers_own_policies_bound_what_is_shared(runtime, sharing, admin, owner, consumer, parameter):
    owner("ram").create_resource_share(name="url", resourceArns=[parameter], principals=[consumer.account])
    iam = consumer("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    reader = runtime.session(key["AccessKeyId"], key["SecretAccessKey"])("ssm")
    assert code(reader.get_parameter, Name=parameter) == "AccessDeniedException"
    iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=json.dumps(allow("ssm:GetParameter", resource=parameter)))
    assert reader.get_parameter(Name=parameter)["Parameter"]["Value"]
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ssm:*", "Resource": "*"}]}
    org = admin("organizations")
    made = org.create_policy(Content=json.dumps(deny), Description="-", Name=uuid.uuid4().hex, Type="SERVICE_CONTROL_POLICY")
    org.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=consumer.account)
    with pytest.raises(ClientError) as refused:
        reader.get_parameter(Name=parameter)
    assert "explicit deny in a service control policy" in refused.value.response["Error"]["Message"]


def test_a_unit_is_those_who_are_in_it(sharing, admin, owner, consumer, parameter):
    org = admin("organizations")
    root = org.list_roots()["Roots"][0]["Id"]
    unit = org.create_organizational_unit(ParentId=root, Name=uuid.uuid4().hex)["OrganizationalUnit"]
    owner("ram").create_resource_share(name="url", resourceArns=[parameter], principals=[unit["Arn"]], allowExternalPrincipals=False)
    ssm = consumer("ssm")
    assert code(ssm.get_parameter, Name=parameter) == "AccessDeniedException"
    org.move_account(AccountId=consumer.account, SourceParentId=root, DestinationParentId=unit["Id"])
    assert ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
    org.move_account(AccountId=consumer.account, SourceParentId=unit["Id"], DestinationParentId=root)
    assert code(ssm.get_parameter, Name=parameter) == "AccessDeniedException"


def test_a_subnet_is_shared(sharing, owner, consumer):
    ec2, theirs = owner("ec2"), consumer("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]
    assert code(theirs.create_network_interface, SubnetId=subnet["SubnetId"]) == "InvalidSubnetID.NotFound"
    share = owner("ram").create_resource_share(name="net", resourceArns=[subnet["SubnetArn"]], principals=[consumer.account])
    assert [s["OwnerId"] for s in theirs.describe_subnets(SubnetIds=[subnet["SubnetId"]])["Subnets"]] == [owner.account]
    group = theirs.create_security_group(GroupName="mine", Description="mine", VpcId=vpc)["GroupId"]
    made = theirs.create_network_interface(SubnetId=subnet["SubnetId"], Groups=[group])["NetworkInterface"]
    assert made["OwnerId"] == consumer.account and made["PrivateIpAddress"].startswith("10.0.1.")
    assert code(theirs.delete_subnet, SubnetId=subnet["SubnetId"]) == "UnauthorizedOperation"
    owner("ram").delete_resource_share(resourceShareArn=share["resourceShare"]["resourceShareArn"])
    assert code(theirs.create_network_interface, SubnetId=subnet["SubnetId"], Groups=[group]) == "InvalidSubnetID.NotFound"


def test_errors(sharing, owner, consumer, parameter):
    ram = owner("ram")
    assert code(ram.create_resource_share, name="x", resourceArns=["arn:aws:s3:::bucket"]) == "MalformedArnException"
    assert code(ram.create_resource_share, name="x", principals=["o-abcdefghij"]) == "InvalidParameterException"
    assert code(ram.delete_resource_share, resourceShareArn="x") == "MalformedArnException"
    other = consumer("ram").create_resource_share(name="theirs")["resourceShare"]["resourceShareArn"]
    assert code(ram.delete_resource_share, resourceShareArn=other) == "UnknownResourceException"
    assert code(ram.associate_resource_share, resourceShareArn=other, resourceArns=[parameter]) == "UnknownResourceException"
    assert code(consumer("ram").enable_sharing_with_aws_organization) == "AccessDeniedException"


TEMPLATE = {
    "Parameters": {"Who": {"Type": "String"}, "What": {"Type": "String"}, "Name": {"Type": "String"}},
    "Resources": {
        "Reading": {"Type": "AWS::RAM::Permission", "Properties": {
            "Name": {"Ref": "Name"}, "ResourceType": "ssm:Parameter",
            "PolicyTemplate": {"Effect": "Allow", "Action": ["ssm:GetParameter"]}}},
        "Share": {"Type": "AWS::RAM::ResourceShare", "Properties": {
            "Name": "templated", "AllowExternalPrincipals": False, "Principals": [{"Ref": "Who"}], "ResourceArns": [{"Ref": "What"}],
            "PermissionArns": [{"Ref": "Reading"}], "Tags": [{"Key": "team", "Value": "net"}]}},
    },
    "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Share", "Arn"]}}, "Ref": {"Value": {"Ref": "Share"}}, "Status": {"Value": {"Fn::GetAtt": ["Share", "Status"]}}},
}


def test_a_template_shares(runtime, sharing, admin, owner, consumer, parameter):
    cfn, name = owner("cloudformation"), f"s-{uuid.uuid4().hex[:8]}"
    given = lambda who: [{"ParameterKey": k, "ParameterValue": v} for k, v in {"Who": who, "What": parameter, "Name": name}.items()]
    cfn.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE), Parameters=given(consumer.account))
    cfn.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    outputs = {o["OutputKey"]: o["OutputValue"] for o in cfn.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]}
    assert outputs["Arn"] == outputs["Ref"] and outputs["Status"] == "ACTIVE"
    shown = owner("ram").get_resource_shares(resourceOwner="SELF", tagFilters=[{"tagKey": "team", "tagValues": ["net"]}])["resourceShares"]
    assert [s["resourceShareArn"] for s in shown] == [outputs["Arn"]]
    assert consumer("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
    assert code(consumer("ssm").get_parameters, Names=[parameter]) == "AccessDeniedException"
    second = join(runtime, admin)
    cfn.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=given(second.account))
    cfn.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert second("ssm").get_parameter(Name=parameter)["Parameter"]["Value"]
    assert code(consumer("ssm").get_parameter, Name=parameter) == "AccessDeniedException"
    cfn.delete_stack(StackName=name)
    cfn.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert code(second("ssm").get_parameter, Name=parameter) == "AccessDeniedException"
