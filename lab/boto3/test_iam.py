"""IAM and STS through real calls: each layer lets the right thing through and refuses the wrong one."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import allow


def code(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


def trust(*principals, **condition):
    statement = {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def assumed(runtime, clients, **request):
    made = clients("sts").assume_role(RoleSessionName="session", **request)["Credentials"]
    return runtime.session(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


def test_silence_denies_and_says_why(limited):
    with pytest.raises(ClientError) as refused:
        limited()("iam").list_users()
    error = refused.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error["Error"]["Message"].endswith("because no identity-based policy allows the iam:ListUsers action")


def test_deny_beats_allow(limited):
    policy = allow("iam:List*")
    policy["Statement"].append({"Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*"})
    clients = limited(policy)
    assert clients("iam").list_roles()
    with pytest.raises(ClientError) as refused:
        clients("iam").list_users()
    assert "explicit deny in an identity-based policy" in refused.value.response["Error"]["Message"]


def test_group_policies_count_and_stop_counting(admin, limited):
    iam, clients = admin("iam"), limited()
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=json.dumps(allow("iam:ListUsers")))
    assert code(lambda: clients("iam").list_users()) == "AccessDenied"
    iam.add_user_to_group(GroupName="readers", UserName=clients.name)
    assert clients("iam").list_users()
    iam.remove_user_from_group(GroupName="readers", UserName=clients.name)
    assert code(lambda: clients("iam").list_users()) == "AccessDenied"


def test_managed_policies_their_versions_and_the_boundary(admin, limited):
    iam, clients = admin("iam"), limited()
    one = iam.create_policy(PolicyName="versions", PolicyDocument=json.dumps(allow("iam:ListUsers")))["Policy"]["Arn"]
    iam.attach_user_policy(UserName=clients.name, PolicyArn=one)
    assert clients("iam").list_users()
    iam.create_policy_version(PolicyArn=one, PolicyDocument=json.dumps(allow("iam:ListRoles")), SetAsDefault=True)
    assert code(lambda: clients("iam").list_users()) == "AccessDenied"
    assert clients("iam").list_roles()
    iam.set_default_policy_version(PolicyArn=one, VersionId="v1")
    bound = iam.create_policy(PolicyName="bound", PolicyDocument=json.dumps(allow("s3:*")))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=clients.name, PermissionsBoundary=bound)
    with pytest.raises(ClientError) as refused:
        clients("iam").list_users()
    assert "because no permissions boundary allows" in refused.value.response["Error"]["Message"]
    iam.delete_user_permissions_boundary(UserName=clients.name)
    assert clients("iam").list_users()
    assert code(lambda: iam.delete_policy(PolicyArn=one)) == "DeleteConflict"


def test_a_principal_tag_decides(admin, limited):
    condition = {"StringEquals": {"aws:PrincipalTag/team": "blue"}}
    clients = limited(allow("iam:ListUsers", Condition=condition))
    assert code(lambda: clients("iam").list_users()) == "AccessDenied"
    admin("iam").tag_user(UserName=clients.name, Tags=[{"Key": "team", "Value": "blue"}])
    assert clients("iam").list_users()
    admin("iam").untag_user(UserName=clients.name, TagKeys=["team"])
    assert code(lambda: clients("iam").list_users()) == "AccessDenied"


def test_secure_transport_is_what_the_wire_was(runtime, limited):
    clients = limited(allow("iam:ListUsers", Condition={"Bool": {"aws:SecureTransport": "true"}}))
    assert clients("iam").list_users()
    plain = runtime.facts["endpoint"].replace("https", "http")
    assert code(lambda: clients("iam", endpoint_url=plain).list_users()) == "AccessDenied"


def test_roles_are_assumed_only_by_those_whom_they_trust(runtime, admin, account, limited):
    iam = admin("iam")
    trusted, stranger = limited(allow("sts:AssumeRole")), limited(allow("sts:AssumeRole"))
    user = f"arn:aws:iam::{account}:user/{trusted.name}"
    role = iam.create_role(RoleName="trusting", AssumeRolePolicyDocument=trust(user))["Role"]["Arn"]
    iam.put_role_policy(RoleName="trusting", PolicyName="p", PolicyDocument=json.dumps(allow("iam:ListUsers", "iam:ListRoles")))
    session = assumed(runtime, trusted, RoleArn=role)
    assert session("iam").list_users()
    assert code(lambda: session("iam").list_groups()) == "AccessDenied"
    assert code(lambda: stranger("sts").assume_role(RoleArn=role, RoleSessionName="session")) == "AccessDenied"
    # A session policy only takes away.
    narrow = assumed(runtime, trusted, RoleArn=role, Policy=json.dumps(allow("iam:ListRoles", "s3:*")))
    assert narrow("iam").list_roles()
    assert code(lambda: narrow("iam").list_users()) == "AccessDenied"
    assert code(lambda: narrow("s3").list_buckets()) == "AccessDenied"
    # A role that is gone leaves its sessions nothing.
    iam.delete_role_policy(RoleName="trusting", PolicyName="p")
    assert code(lambda: session("iam").list_users()) == "AccessDenied"
    iam.delete_role(RoleName="trusting")
    assert code(lambda: trusted("sts").assume_role(RoleArn=role, RoleSessionName="session")) == "AccessDenied"


def test_external_ids_durations_and_chaining(runtime, admin, account, limited):
    iam, clients = admin("iam"), limited(allow("sts:AssumeRole"))
    root = f"arn:aws:iam::{account}:root"
    one = iam.create_role(
        RoleName="external", AssumeRolePolicyDocument=trust(root, StringEquals={"sts:ExternalId": "42"}), MaxSessionDuration=7200
    )["Role"]["Arn"]
    sts = clients("sts")
    assert code(lambda: sts.assume_role(RoleArn=one, RoleSessionName="session")) == "AccessDenied"
    assert code(lambda: sts.assume_role(RoleArn=one, RoleSessionName="session", ExternalId="41")) == "AccessDenied"
    assert sts.assume_role(RoleArn=one, RoleSessionName="session", ExternalId="42", DurationSeconds=7200)
    assert code(lambda: sts.assume_role(RoleArn=one, RoleSessionName="session", ExternalId="42", DurationSeconds=7201)) == "ValidationError"
    iam.put_role_policy(RoleName="external", PolicyName="p", PolicyDocument=json.dumps(allow("sts:AssumeRole")))
    two = iam.create_role(RoleName="chained", AssumeRolePolicyDocument=trust(one), MaxSessionDuration=7200)["Role"]["Arn"]
    first = assumed(runtime, clients, RoleArn=one, ExternalId="42")
    assert first("sts").assume_role(RoleArn=two, RoleSessionName="session")
    assert code(lambda: first("sts").assume_role(RoleArn=two, RoleSessionName="session", DurationSeconds=3601)) == "ValidationError"


def test_session_tags_need_leave_and_then_count(runtime, admin, account, limited):
    iam, clients = admin("iam"), limited(allow("sts:AssumeRole", "sts:TagSession"))
    document = json.loads(trust(f"arn:aws:iam::{account}:root"))
    role = iam.create_role(RoleName="tagged", AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    policy = allow("iam:ListUsers", Condition={"StringEquals": {"aws:PrincipalTag/project": "x"}})
    iam.put_role_policy(RoleName="tagged", PolicyName="p", PolicyDocument=json.dumps(policy))
    tags = [{"Key": "project", "Value": "x"}]
    assert code(lambda: clients("sts").assume_role(RoleArn=role, RoleSessionName="session", Tags=tags)) == "AccessDenied"
    document["Statement"][0]["Action"] = ["sts:AssumeRole", "sts:TagSession"]
    iam.update_assume_role_policy(RoleName="tagged", PolicyDocument=json.dumps(document))
    assert assumed(runtime, clients, RoleArn=role, Tags=tags)("iam").list_users()
    assert code(lambda: assumed(runtime, clients, RoleArn=role)("iam").list_users()) == "AccessDenied"


@pytest.mark.parametrize(
    "document, part",
    [
        ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*"}]}', "must contain resources"),
        ('{"Version":"2012-10-17","Statement":[{"Effect":"Maybe","Action":"s3:*","Resource":"*"}]}', "Syntax errors"),
        ('{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringEqual":{"a":"b"}}}]}', ""),
        ("not json", "Syntax errors"),
    ],
)
def test_malformed_policies_are_refused_with_their_place(admin, limited, document, part):
    name = limited().name
    with pytest.raises(ClientError) as refused:
        admin("iam").put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document)
    error = refused.value.response["Error"]
    assert error["Code"] == "MalformedPolicyDocument" and part in error["Message"] and "line" in error["Message"]


def test_pages(admin):
    iam = admin("iam")
    for i in range(7):
        iam.create_role(RoleName=f"page-{i}", Path="/pages/", AssumeRolePolicyDocument=trust("*"))
    pages = iam.get_paginator("list_roles").paginate(PathPrefix="/pages/", PaginationConfig={"PageSize": 3})
    assert [[r["RoleName"] for r in page["Roles"]] for page in pages] == [
        ["page-0", "page-1", "page-2"], ["page-3", "page-4", "page-5"], ["page-6"],
    ]
    assert code(lambda: iam.list_roles(Marker="not a marker")) == "ValidationError"
