"""Policies and memberships as resources of their own: made, changed and deleted, and in force meanwhile."""

import json

from conftest import allow
from test_cloudformation import settled
from test_iam import code


def template(action, users):
    policy = lambda kind, name: {"Type": f"AWS::IAM::{kind}Policy", "Properties": {
        "PolicyName": "p", f"{kind}Name": name, "PolicyDocument": allow(action)}}
    return json.dumps({"Resources": {
        "Team": {"Type": "AWS::IAM::Group", "Properties": {"GroupName": "tied-team"}},
        "Worker": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "tied-worker", "AssumeRolePolicyDocument": {
            "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}}},
        "TeamPolicy": policy("Group", {"Ref": "Team"}),
        "WorkerPolicy": policy("Role", {"Ref": "Worker"}),
        "UserPolicy": policy("User", users[0]),
        "Members": {"Type": "AWS::IAM::UserToGroupAddition", "Properties": {"GroupName": {"Ref": "Team"}, "Users": users}},
    }})


def test_ties(admin, limited):
    cfn, iam, one, two = admin("cloudformation"), admin("iam"), limited(), limited()
    name = "ties"
    capabilities = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}
    cfn.create_stack(StackName=name, TemplateBody=template("iam:ListUsers", [one.name, two.name]), **capabilities)
    assert settled(cfn, name)["StackStatus"] == "CREATE_COMPLETE"
    assert one("iam").list_users() and two("iam").list_users()
    assert iam.list_role_policies(RoleName="tied-worker")["PolicyNames"] == ["p"]
    ids = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in cfn.describe_stack_resources(StackName=name)["StackResources"]}
    assert ids["WorkerPolicy"] == "p|tied-worker"
    cfn.update_stack(StackName=name, TemplateBody=template("iam:ListRoles", [one.name]), **capabilities)
    assert settled(cfn, name)["StackStatus"] == "UPDATE_COMPLETE"
    assert one("iam").list_roles()
    assert code(lambda: one("iam").list_users()) == "AccessDenied"
    assert code(lambda: two("iam").list_roles()) == "AccessDenied", "no member any more"
    cfn.delete_stack(StackName=name)
    cfn.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert code(lambda: one("iam").list_roles()) == "AccessDenied"
    assert iam.list_user_policies(UserName=one.name)["PolicyNames"] == []
