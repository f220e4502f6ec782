"""IAM's policy simulators: the evaluator's own answers to requests that nobody makes; and the very same by a real call."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

S3 = "arn:aws:s3:::box/key"


def doc(*statements, indent=None):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=indent)


def allow(action="s3:*", resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def deny(action="s3:*", resource="*", **more):
    return allow(action, resource, **more) | {"Effect": "Deny"}


@pytest.fixture
def iam(admin):
    return admin("iam")


def custom(iam, policies, action="s3:GetObject", **more):
    [result] = iam.simulate_custom_policy(PolicyInputList=policies, ActionNames=[action], **more)["EvaluationResults"]
    return result


IP = allow(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
FROM = [{"ContextKeyName": "aws:SourceIp", "ContextKeyValues": ["192.0.2.7"], "ContextKeyType": "ip"}]
USER = "arn:aws:iam::111122223333:user/ann"


@pytest.mark.parametrize("policies,more,decision", [
    ([allow()], {}, "allowed"),
    ([allow("s3:Put*")], {}, "implicitDeny"),
    ([allow(), deny("s3:Get*")], {}, "explicitDeny"),
    ([IP], {}, "implicitDeny"),
    ([IP], {"ContextEntries": FROM}, "allowed"),
    ([allow()], {"PermissionsBoundaryPolicyInputList": [doc(allow("ec2:*"))]}, "implicitDeny"),
    ([allow()], {"PermissionsBoundaryPolicyInputList": [doc(allow())]}, "allowed"),
    ([allow("ec2:*")], {"ResourcePolicy": doc(allow(resource="arn:aws:s3:::box/*", Principal={"AWS": USER})), "CallerArn": USER, "ResourceArns": [S3]}, "allowed"),
    ([allow()], {"CallerArn": USER, "ResourceArns": [S3], "ResourceOwner": "arn:aws:iam::444455556666:root"}, "implicitDeny"),
    ([allow(resource="arn:aws:s3:::box/${aws:username}/*")], {"CallerArn": USER, "ResourceArns": ["arn:aws:s3:::box/ann/k"]}, "allowed"),
])
def test_decisions(iam, policies, more, decision):
    assert custom(iam, [doc(p) for p in policies], **more)["EvalDecision"] == decision


def test_statements_are_told_with_their_places(iam):
    first, second = doc(allow("ec2:*"), allow("s3:GetObject"), indent=4), doc(allow())
    found = custom(iam, [first, second])["MatchedStatements"]
    assert [(m["SourcePolicyId"], m["SourcePolicyType"]) for m in found] == [("PolicyInputList.1", "IAM Policy"), ("PolicyInputList.2", "IAM Policy")]
    begin, end = found[0]["StartPosition"], found[0]["EndPosition"]
    lines = first.splitlines()
    assert lines[begin["Line"] - 1][: begin["Column"] - 1].endswith("},") and lines[end["Line"] - 1][: end["Column"] - 1].endswith("}")
    assert "s3:GetObject" in "".join(lines[begin["Line"] : end["Line"]])


def test_each_resource_has_its_own_answer(iam):
    policy = doc(allow(resource="arn:aws:s3:::box/*"), deny(resource="arn:aws:s3:::box/secret"))
    arns = ["arn:aws:s3:::box/a", "arn:aws:s3:::box/secret", "arn:aws:s3:::other/a"]
    result = custom(iam, [policy], ResourceArns=arns)
    assert result["EvalDecision"] == "explicitDeny"
    assert [(r["EvalResourceName"], r["EvalResourceDecision"]) for r in result["ResourceSpecificResults"]] == list(zip(arns, ["allowed", "explicitDeny", "implicitDeny"]))


def test_what_was_asked_for_and_not_given(iam):
    assert custom(iam, [doc(IP)])["MissingContextValues"] == ["aws:SourceIp"]
    assert custom(iam, [doc(IP)], ContextEntries=FROM)["MissingContextValues"] == []
    keys = iam.get_context_keys_for_custom_policy(PolicyInputList=[doc(IP), doc(allow(resource="arn:aws:s3:::b/${aws:username}"))])
    assert sorted(keys["ContextKeyNames"]) == ["aws:SourceIp", "aws:username"]


@pytest.mark.parametrize("change", [
    {"PolicyInputList": ["{}"]},
    {"ActionNames": ["s3:*"]},
    {"ActionNames": ["GetObject"]},
    {"ResourceArns": ["box"]},
    {"ResourcePolicy": doc(allow(Principal="*"))},
    {"ResourceHandlingOption": "EC2-VPC-EBS"},
])
def test_bad_input(iam, change):
    with pytest.raises(ClientError) as refused:
        iam.simulate_custom_policy(**({"PolicyInputList": [doc(allow())], "ActionNames": ["s3:GetObject"]} | change))
    assert refused.value.response["Error"]["Code"] == "InvalidInput"


def test_a_principal_is_simulated_with_all_it_has(iam, admin, runtime):
    name = f"sim-{uuid.uuid4().hex[:8]}"
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    iam.create_group(GroupName=name)
    iam.add_user_to_group(UserName=name, GroupName=name)
    iam.put_group_policy(GroupName=name, PolicyName="of-group", PolicyDocument=doc(allow("iam:ListUsers")))
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=doc(deny("iam:ListRoles")))

    def simulated(action, **more):
        [result] = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], **more)["EvaluationResults"]
        return result["EvalDecision"], [m["SourcePolicyId"] for m in result["MatchedStatements"]]

    assert simulated("iam:ListUsers") == ("allowed", ["of-group"])
    assert simulated("iam:ListRoles") == ("explicitDeny", ["own"])
    assert simulated("iam:ListGroups") == ("implicitDeny", [])
    assert simulated("iam:ListGroups", PolicyInputList=[doc(allow("iam:*"))]) == ("allowed", ["PolicyInputList.1"])
    # The very same by real calls.
    key = iam.create_access_key(UserName=name)["AccessKey"]
    own = runtime.session(key["AccessKeyId"], key["SecretAccessKey"])("iam")
    own.list_users()
    for call in (own.list_roles, own.list_groups):
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == "AccessDenied"
    # A boundary bounds both.
    boundary = iam.create_policy(PolicyName=name, PolicyDocument=doc(allow("s3:*")))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=boundary)
    [result] = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["iam:ListUsers"])["EvaluationResults"]
    assert result["EvalDecision"] == "implicitDeny" and result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
    with pytest.raises(ClientError):
        own.list_users()
    with pytest.raises(ClientError) as refused:
        iam.simulate_principal_policy(PolicySourceArn=arn + "x", ActionNames=["iam:ListUsers"])
    assert refused.value.response["Error"]["Code"] == "NoSuchEntity"
