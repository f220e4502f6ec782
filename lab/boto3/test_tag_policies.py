"""Tag policies: inherited down the organization, and enforced wherever tags are given."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError
from test_organizations import code, member, settled  # noqa: F401 (a fixture)


def refusal(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]


@pytest.fixture
def policies(admin):
    """`policies(content, target)`: attaches a new tag policy. At the end all is as it was."""
    org, made = admin("organizations"), []
    root = org.list_roots()["Roots"][0]["Id"]
    org.enable_policy_type(RootId=root, PolicyType="TAG_POLICY")

    def attach(content, target):
        policy = org.create_policy(Content=json.dumps(content), Description="-", Name=uuid.uuid4().hex, Type="TAG_POLICY")
        made.append(policy["Policy"]["PolicySummary"]["Id"])
        org.attach_policy(PolicyId=made[-1], TargetId=target)
        return made[-1]

    yield attach
    if any(t["Type"] == "TAG_POLICY" for t in org.list_roots()["Roots"][0]["PolicyTypes"]):
        org.disable_policy_type(RootId=root, PolicyType="TAG_POLICY")
    for policy in made:
        org.delete_policy(PolicyId=policy)


def rule(enforced=("ssm:parameter", "ec2:ALL_SUPPORTED", "dynamodb:table"), **more):
    return {"tags": {"costcenter": {
        "tag_key": {"@@assign": "CostCenter"}, "tag_value": {"@@assign": ["100", "2*"], **more}, "enforced_for": {"@@assign": list(enforced)}}}}


def test_the_effective_policy_is_what_the_tree_says(admin, member, policies):
    org = admin("organizations")
    root = org.list_roots()["Roots"][0]["Id"]
    effective = lambda **who: json.loads(org.describe_effective_policy(PolicyType="TAG_POLICY", **who)["EffectivePolicy"]["PolicyContent"])
    assert code(lambda: effective(TargetId=member.account)) == "EffectivePolicyNotFoundException"
    policies(rule(**{"@@operators_allowed_for_child_policies": ["@@append"]}), root)
    policies({"tags": {"CostCenter": {"tag_value": {"@@append": ["300"], "@@remove": ["100"]}}, "team": {"tag_value": {"@@assign": ["blue"]}}}}, member.account)
    said = effective(TargetId=member.account)["tags"]
    assert said["costcenter"]["tag_value"] == ["100", "2*", "300"], "what may only be appended to is not taken from"
    assert said["costcenter"]["tag_key"] == "CostCenter" and said["team"] == {"tag_value": ["blue"]}
    assert "team" not in effective()["tags"]
    own = member("organizations").describe_effective_policy(PolicyType="TAG_POLICY")["EffectivePolicy"]
    assert own["TargetId"] == member.account and json.loads(own["PolicyContent"])["tags"] == said
    assert code(lambda: member("organizations").describe_effective_policy(PolicyType="TAG_POLICY", TargetId="999999999999")) == "AccessDeniedException"
    for wrong in ({"tags": {"a": {"tag_key": "a"}}}, {"tags": {"a": {"tag_key": {"@@assign": "b"}}}}, {"plans": {}}, {"tags": {"a": {"other": {"@@assign": "x"}}}}, {"tags": {"a": {"enforced_for": {"@@assign": ["s3"]}}}}):
        make = lambda: org.create_policy(Content=json.dumps(wrong), Description="-", Name="wrong", Type="TAG_POLICY")
        assert code(make) == "MalformedPolicyDocumentException", wrong


def test_tags_are_refused_wherever_they_are_given(admin, member, policies):
    org, ssm, ec2, dynamodb = admin("organizations"), member("ssm"), member("ec2"), member("dynamodb")
    tags = lambda key="CostCenter", value="100": [{"Key": key, "Value": value}]
    ssm.put_parameter(Name="before", Value="x", Type="String", Tags=tags(value="999"))
    policy = policies(rule(), member.account)
    refused = refusal(lambda: ssm.put_parameter(Name="p", Value="x", Type="String", Tags=tags(value="999")))
    assert refused["Code"] == "TagPolicyViolation"
    assert refused["Message"] == "The tag policy does not allow the specified value for the following tag key: 'CostCenter'."
    assert code(lambda: ssm.get_parameter(Name="p")) == "ParameterNotFound", "nothing was made"
    ssm.put_parameter(Name="p", Value="x", Type="String", Tags=tags(value="250"))
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="p", Tags=tags("Other", "any"))
    wrong_case = refusal(lambda: ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="p", Tags=tags("costcenter")))
    assert wrong_case["Code"] == "TagPolicyViolation" and "capitalization" in wrong_case["Message"]
    # What was there before stays, and may be given other tags.
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="before", Tags=tags("Other", "any"))
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    assert code(lambda: ec2.create_tags(Resources=[vpc], Tags=tags(value="1"))) == "TagPolicyViolation"
    ec2.create_tags(Resources=[vpc], Tags=tags())
    table = lambda given: dynamodb.create_table(
        TableName="tagged", BillingMode="PAY_PER_REQUEST", Tags=given, KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}])
    assert code(lambda: table(tags(value="1"))) == "TagPolicyViolation"
    table(tags())
    # Not enforced for these, nor in other accounts.
    member("kms").create_key(Tags=[{"TagKey": "CostCenter", "TagValue": "999"}])
    admin("ssm").put_parameter(Name=f"own-{uuid.uuid4().hex}", Value="x", Type="String", Tags=tags(value="999"))
    # Nor through a stack.
    cfn = member("cloudformation")
    stack = lambda value: json.dumps({"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x", "Tags": {"CostCenter": value}}}}})
    cfn.create_stack(StackName="bad", TemplateBody=stack("999"))
    assert settled(cfn, "bad")["StackStatus"].startswith("ROLLBACK")
    cfn.create_stack(StackName="good", TemplateBody=stack("100"))
    assert settled(cfn, "good")["StackStatus"] == "CREATE_COMPLETE"
    # Detached, or the type disabled, it holds nothing back.
    again = lambda: ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="p", Tags=tags(value="999"))
    assert code(again) == "TagPolicyViolation"
    org.detach_policy(PolicyId=policy, TargetId=member.account)
    again()
    ssm.add_tags_to_resource(ResourceType="Parameter", ResourceId="p", Tags=tags())
    org.attach_policy(PolicyId=policy, TargetId=member.account)
    assert code(again) == "TagPolicyViolation"
    org.disable_policy_type(RootId=org.list_roots()["Roots"][0]["Id"], PolicyType="TAG_POLICY")
    again()
