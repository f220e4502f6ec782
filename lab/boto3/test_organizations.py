"""Accounts, and the policies of the organization above every other policy."""

import json
import shutil
import time
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import Runtime, allow


def code(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


@pytest.fixture
def member(runtime, admin):
    """A new account, as its administrator."""
    name = uuid.uuid4().hex[:8]
    made = admin("organizations").create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]
    assert made["State"] == "SUCCEEDED"
    role = f"arn:aws:iam::{made['AccountId']}:role/OrganizationAccountAccessRole"
    keys = admin("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    clients = runtime.session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    clients.account = made["AccountId"]
    return clients


def test_the_tree(admin, member):
    org = admin("organizations")
    root = org.list_roots()["Roots"][0]["Id"]
    unit = org.create_organizational_unit(ParentId=root, Name=uuid.uuid4().hex)["OrganizationalUnit"]["Id"]
    org.move_account(AccountId=member.account, SourceParentId=root, DestinationParentId=unit)
    assert [a["Id"] for a in org.list_accounts_for_parent(ParentId=unit)["Accounts"]] == [member.account]
    assert org.list_parents(ChildId=member.account)["Parents"] == [{"Id": unit, "Type": "ORGANIZATIONAL_UNIT"}]
    assert code(lambda: org.delete_organizational_unit(OrganizationalUnitId=unit)) == "OrganizationalUnitNotEmptyException"
    assert code(lambda: member("organizations").list_accounts()) == "AccessDeniedException"
    assert org.describe_organization()["Organization"]["FeatureSet"] == "ALL"


def test_a_service_control_policy_bounds_a_whole_account(admin, member):
    org = admin("organizations")
    assert member("iam").list_users() and member("s3").list_buckets()
    deny = {"Version": "2012-10-17", "Statement": [{"Sid": "NoBuckets", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
    made = org.create_policy(Content=json.dumps(deny), Description="-", Name=uuid.uuid4().hex, Type="SERVICE_CONTROL_POLICY")
    policy = made["Policy"]["PolicySummary"]["Id"]
    org.attach_policy(PolicyId=policy, TargetId=member.account)
    with pytest.raises(ClientError) as refused:
        member("s3").list_buckets()
    assert "explicit deny in a service control policy" in refused.value.response["Error"]["Message"]
    assert member("iam").list_users()
    org.detach_policy(PolicyId=policy, TargetId=member.account)
    assert member("s3").list_buckets()


def test_an_account_without_an_allowing_policy_can_do_nothing(admin, member):
    org = admin("organizations")
    only = org.create_policy(Content=json.dumps(allow("iam:*")), Description="-", Name=uuid.uuid4().hex, Type="SERVICE_CONTROL_POLICY")
    policy = only["Policy"]["PolicySummary"]["Id"]
    org.attach_policy(PolicyId=policy, TargetId=member.account)
    org.detach_policy(PolicyId="p-FullAWSAccess", TargetId=member.account)
    assert member("iam").list_users()
    with pytest.raises(ClientError) as refused:
        member("s3").list_buckets()
    assert "because no service control policy allows the s3:ListAllMyBuckets action" in refused.value.response["Error"]["Message"]
    assert code(lambda: org.detach_policy(PolicyId=policy, TargetId=member.account)) == "ConstraintViolationException"


def test_the_management_account_is_not_bound(admin, account):
    org = admin("organizations")
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
    made = org.create_policy(Content=json.dumps(deny), Description="-", Name=uuid.uuid4().hex, Type="SERVICE_CONTROL_POLICY")
    policy = made["Policy"]["PolicySummary"]["Id"]
    org.attach_policy(PolicyId=policy, TargetId=account)
    try:
        assert admin("s3").list_buckets()
    finally:
        org.detach_policy(PolicyId=policy, TargetId=account)


def test_across_accounts_both_sides_must_allow(admin, member, limited):
    s3, name = member("s3"), f"cross-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"theirs")
    granted, bare = limited(allow("s3:GetObject")), limited()
    read = lambda clients: clients("s3").get_object(Bucket=name, Key="k")["Body"].read()
    assert code(lambda: read(granted)) == "AccessDenied"
    users = [f"arn:aws:iam::{admin('sts').get_caller_identity()['Account']}:user/{c.name}" for c in (granted, bare)]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": users}, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*"}]}
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    assert read(granted) == b"theirs"
    assert code(lambda: read(bare)) == "AccessDenied"


def test_a_resource_control_policy_keeps_outsiders_out(admin, member, limited):
    org = admin("organizations")
    root = org.list_roots()["Roots"][0]["Id"]
    try:
        org.enable_policy_type(RootId=root, PolicyType="RESOURCE_CONTROL_POLICY")
    except org.exceptions.PolicyTypeAlreadyEnabledException:
        pass
    s3, name = member("s3"), f"rcp-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}
    made = org.create_policy(Content=json.dumps(deny), Description="-", Name=uuid.uuid4().hex, Type="RESOURCE_CONTROL_POLICY")
    org.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=member.account)
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=name, Key="k")
    assert "resource control policy" in refused.value.response["Error"]["Message"]
    allowing = dict(deny, Statement=[dict(deny["Statement"][0], Effect="Allow")])
    refused = code(lambda: org.create_policy(Content=json.dumps(allowing), Description="-", Name="a", Type="RESOURCE_CONTROL_POLICY"))
    assert refused == "MalformedPolicyDocumentException"


LANDING = """
Parameters:
  Denied: {Type: String}
  Root: {Type: String}
  Email: {Type: String}
Resources:
  Workloads:
    Type: AWS::Organizations::OrganizationalUnit
    DeletionPolicy: Retain
    Properties: {Name: !Ref "AWS::StackName", ParentId: !Ref Root}
  Member:
    Type: AWS::Organizations::Account
    DeletionPolicy: Retain
    Properties: {AccountName: member, Email: !Ref Email, ParentIds: [!Ref Workloads], Tags: [{Key: team, Value: shop}]}
  Guardrail:
    Type: AWS::Organizations::Policy
    Properties:
      Name: !Ref "AWS::StackName"
      Type: SERVICE_CONTROL_POLICY
      TargetIds: [!Ref Workloads]
      Content:
        Version: "2012-10-17"
        Statement:
          - {Sid: Guardrail, Effect: Deny, Action: !Ref Denied, Resource: "*"}
Outputs:
  Account: {Value: !Ref Member}
  Unit: {Value: !Ref Workloads}
  UnitPath: {Value: !GetAtt Workloads.Path}
  AccountPath: {Value: !Select [0, !GetAtt Member.Paths]}
  AccountArn: {Value: !GetAtt Member.Arn}
  Policy: {Value: !Ref Guardrail}
  PolicyArn: {Value: !GetAtt Guardrail.Arn}
"""


def settled(cfn, name):
    for _ in range(200):
        stack = cfn.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.05)
    raise AssertionError(stack)


def enter(runtime, admin, account):
    """The administrator of a member account."""
    role = f"arn:aws:iam::{account}:role/OrganizationAccountAccessRole"
    keys = admin("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    return runtime.session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])


def test_a_stack_bounds_an_account_and_lets_go(runtime, admin):
    org, cfn, name = admin("organizations"), admin("cloudformation"), f"landing-{uuid.uuid4().hex[:8]}"
    root = org.list_roots()["Roots"][0]["Id"]
    given = lambda **more: [{"ParameterKey": k, "ParameterValue": v} for k, v in more.items()]
    fixed = {"Root": root, "Email": f"{name}@example.com"}
    stack = cfn.create_stack(StackName=name, TemplateBody=LANDING, Parameters=given(Denied="s3:*", **fixed))["StackId"]
    made = settled(cfn, stack)
    assert made["StackStatus"] == "CREATE_COMPLETE", made
    out = {o["OutputKey"]: o["OutputValue"] for o in made["Outputs"]}
    facts = org.describe_organization()["Organization"]
    assert out["UnitPath"] == f"{facts['Id']}/{root}/{out['Unit']}/"
    assert out["AccountPath"] == f"{out['UnitPath']}{out['Account']}/"
    assert org.list_parents(ChildId=out["Account"])["Parents"][0]["Id"] == out["Unit"]
    assert {"Key": "team", "Value": "shop"} in org.list_tags_for_resource(ResourceId=out["Account"])["Tags"]
    assert org.describe_policy(PolicyId=out["Policy"])["Policy"]["PolicySummary"]["Arn"] == out["PolicyArn"]

    member = enter(runtime, admin, out["Account"])
    with pytest.raises(ClientError) as refused:
        member("s3").list_buckets()
    assert "explicit deny in a service control policy" in refused.value.response["Error"]["Message"]
    assert member("iam").list_users()

    cfn.update_stack(StackName=name, TemplateBody=LANDING, Parameters=given(Denied="ec2:*", **fixed))
    assert settled(cfn, stack)["StackStatus"] == "UPDATE_COMPLETE"
    assert member("s3").list_buckets()
    assert code(lambda: member("ec2").describe_vpcs()) == "UnauthorizedOperation"

    cfn.delete_stack(StackName=name)
    assert settled(cfn, stack)["StackStatus"] == "DELETE_COMPLETE"
    assert code(lambda: org.describe_policy(PolicyId=out["Policy"])) == "PolicyNotFoundException"
    attached = org.list_policies_for_target(TargetId=out["Unit"], Filter="SERVICE_CONTROL_POLICY")["Policies"]
    assert [p["Id"] for p in attached] == ["p-FullAWSAccess"]
    assert member("ec2").describe_vpcs() and member("s3").list_buckets()
    assert code(org.delete_organization) == "OrganizationNotEmptyException"


ACCOUNT = """
Parameters: {Email: {Type: String}}
Resources:
  Member: {Type: AWS::Organizations::Account, Properties: {AccountName: closing, Email: !Ref Email}}
Outputs: {Account: {Value: !Ref Member}}
"""


def test_an_account_that_leaves_its_stack_is_closed(runtime, admin, limited):
    org, cfn, name = admin("organizations"), admin("cloudformation"), f"closing-{uuid.uuid4().hex[:8]}"
    email = [{"ParameterKey": "Email", "ParameterValue": f"{name}@example.com"}]
    stack = cfn.create_stack(StackName=name, TemplateBody=ACCOUNT, Parameters=email)["StackId"]
    account = settled(cfn, stack)["Outputs"][0]["OutputValue"]
    member, bucket = enter(runtime, admin, account), f"closing-{uuid.uuid4().hex[:12]}"
    member("s3").create_bucket(Bucket=bucket)
    everyone = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": admin("sts").get_caller_identity()["Account"]}, "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}"}]}
    member("s3").put_bucket_policy(Bucket=bucket, Policy=json.dumps(everyone))
    assert "Contents" not in admin("s3").list_objects_v2(Bucket=bucket)
    cfn.delete_stack(StackName=name)
    assert settled(cfn, stack)["StackStatus"] == "DELETE_COMPLETE"
    for _ in range(100):
        status = org.describe_account(AccountId=account)["Account"]["Status"]
        if status == "SUSPENDED":
            break
        time.sleep(0.05)
    assert status == "SUSPENDED"
    assert code(lambda: member("s3").list_buckets()) == "AccessDenied"
    assert code(lambda: member("sts").get_caller_identity()) == "AccessDenied"
    assert code(lambda: admin("s3").list_objects_v2(Bucket=bucket)) == "AccessDenied"
    assert code(lambda: enter(runtime, admin, account)) == "AccessDenied"
    assert code(lambda: org.close_account(AccountId=account)) == "AccountAlreadyClosedException"
    assert code(lambda: org.close_account(AccountId=admin("sts").get_caller_identity()["Account"])) == "ConstraintViolationException"


ORGANIZATION = """
Resources:
  Organization: {Type: AWS::Organizations::Organization}
  Unit: {Type: AWS::Organizations::OrganizationalUnit, Properties: {Name: security, ParentId: !GetAtt Organization.RootId}}
Outputs: {Id: {Value: !Ref Organization}, Management: {Value: !GetAtt Organization.ManagementAccountId}}
"""


def test_an_organization_of_a_stack():
    """In a runtime of its own: an organization exists from the first start, and there is one only."""
    alone = Runtime()
    try:
        admin = alone.session()
        org, cfn = admin("organizations"), admin("cloudformation")
        stack = cfn.create_stack(StackName="second", TemplateBody=ORGANIZATION)["StackId"]
        assert settled(cfn, stack)["StackStatus"] == "ROLLBACK_COMPLETE"
        org.delete_organization()
        alone.stop()
        alone.start()
        admin = alone.session()
        org, cfn = admin("organizations"), admin("cloudformation")
        assert code(org.describe_organization) == "AWSOrganizationsNotInUseException"
        stack = cfn.create_stack(StackName="first", TemplateBody=ORGANIZATION)["StackId"]
        made = settled(cfn, stack)
        assert made["StackStatus"] == "CREATE_COMPLETE", made
        out = {o["OutputKey"]: o["OutputValue"] for o in made["Outputs"]}
        assert out == {"Id": org.describe_organization()["Organization"]["Id"], "Management": admin("sts").get_caller_identity()["Account"]}
        account = org.create_account(Email="m@example.com", AccountName="m")["CreateAccountStatus"]["AccountId"]
        assert enter(alone, admin, account)("s3").list_buckets()["Buckets"] == []
        cfn.delete_stack(StackName="first")
        assert settled(cfn, stack)["StackStatus"] == "DELETE_FAILED"
        assert org.describe_organization()["Organization"]["Id"] == out["Id"]
    finally:
        alone.stop()
        shutil.rmtree(alone.data)


def test_delegated_administrators_look_but_do_not_change(admin, member):
    organizations = admin("organizations")
    service, own, account = "access-analyzer.amazonaws.com", member("organizations"), member.account
    register = lambda: organizations.register_delegated_administrator(AccountId=account, ServicePrincipal=service)
    assert code(register) == "ConstraintViolationException", "the service is not trusted yet"
    organizations.enable_aws_service_access(ServicePrincipal=service)
    assert service in [s["ServicePrincipal"] for s in organizations.list_aws_service_access_for_organization()["EnabledServicePrincipals"]]
    assert code(own.list_accounts) == "AccessDeniedException", "no administrator yet"
    register()
    assert code(register) == "AccountAlreadyRegisteredException"
    assert account in [a["Id"] for a in organizations.list_delegated_administrators(ServicePrincipal=service)["DelegatedAdministrators"]]
    assert account in [a["Id"] for page in own.get_paginator("list_accounts").paginate() for a in page["Accounts"]]
    root = own.list_roots()["Roots"][0]["Id"]
    assert code(lambda: own.create_organizational_unit(ParentId=root, Name=uuid.uuid4().hex)) == "AccessDeniedException"
    assert code(lambda: own.enable_aws_service_access(ServicePrincipal=service)) == "AccessDeniedException"
    organizations.disable_aws_service_access(ServicePrincipal=service)
    assert code(own.list_accounts) == "AccessDeniedException", "the access took the delegation with it"
    assert code(lambda: organizations.list_delegated_services_for_account(AccountId=account)) == "AccountNotRegisteredException"
