"""Accounts, and the policies of the organization above every other policy."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import allow


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
