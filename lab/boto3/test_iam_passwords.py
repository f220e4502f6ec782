"""Passwords as the AWS CLI's users set and change them."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import allow
from test_cloudformation import settled
from test_iam import code


@pytest.fixture
def policy(admin):
    iam = admin("iam")
    yield lambda **rules: iam.update_account_password_policy(**rules)
    try:
        iam.delete_account_password_policy()
    except iam.exceptions.NoSuchEntityException:
        pass


def test_setting_and_changing(admin, limited, policy):
    iam, ann = admin("iam"), limited(allow("iam:ChangePassword"))
    policy(MinimumPasswordLength=12, RequireSymbols=True, PasswordReusePrevention=3)
    with pytest.raises(ClientError) as refused:
        iam.create_login_profile(UserName=ann.name, Password="too-short")
    error = refused.value.response
    assert error["Error"]["Code"] == "PasswordPolicyViolation" and error["ResponseMetadata"]["HTTPStatusCode"] == 400
    made = iam.create_login_profile(UserName=ann.name, Password="long-enough-1", PasswordResetRequired=True)["LoginProfile"]
    assert made["PasswordResetRequired"] is True
    change = lambda old, new: ann("iam").change_password(OldPassword=old, NewPassword=new)
    assert code(lambda: change("wrong-password", "long-enough-2")) == "AccessDenied"
    assert code(lambda: change("long-enough-1", "long-enough-1")) == "PasswordPolicyViolation"
    change("long-enough-1", "long-enough-2")
    assert iam.get_login_profile(UserName=ann.name)["LoginProfile"]["PasswordResetRequired"] is False
    assert code(lambda: iam.delete_user(UserName=ann.name)) == "DeleteConflict"
    iam.delete_login_profile(UserName=ann.name)
    assert code(lambda: change("long-enough-2", "long-enough-3")) == "NoSuchEntity"


def test_the_account_may_let_everyone(admin, limited, policy):
    iam, ann = admin("iam"), limited()
    iam.create_login_profile(UserName=ann.name, Password="long-enough-1")
    change = lambda: ann("iam").change_password(OldPassword="long-enough-1", NewPassword="long-enough-1")
    assert code(change) == "AccessDenied"
    policy(AllowUsersToChangePassword=True)
    change()
    assert ann("iam").get_account_password_policy()["PasswordPolicy"]["AllowUsersToChangePassword"] is True
    iam.delete_account_password_policy()
    assert code(change) == "AccessDenied"


def test_no_role_has_a_password(runtime, admin, account, limited):
    from test_iam import assumed, trust

    iam, clients = admin("iam"), limited(allow("sts:AssumeRole"))
    role = iam.create_role(RoleName="passwordless", AssumeRolePolicyDocument=trust(f"arn:aws:iam::{account}:root"))["Role"]["Arn"]
    iam.put_role_policy(RoleName="passwordless", PolicyName="p", PolicyDocument=json.dumps(allow("iam:*")))
    session = assumed(runtime, clients, RoleArn=role)
    change = lambda: session("iam").change_password(OldPassword="long-enough-1", NewPassword="long-enough-1")
    assert code(change) == "InvalidUserType"


def test_a_users_password_in_a_template(admin):
    cfn, iam, name = admin("cloudformation"), admin("iam"), "password-stack"
    capabilities = {"Capabilities": ["CAPABILITY_NAMED_IAM"]}

    def template(login):
        properties = {"UserName": "templated", **({"LoginProfile": login} if login else {})}
        return json.dumps({"Resources": {"User": {"Type": "AWS::IAM::User", "Properties": properties}}})

    cfn.create_stack(StackName=name, TemplateBody=template({"Password": "Correct-horse-1", "PasswordResetRequired": True}), **capabilities)
    assert settled(cfn, name)["StackStatus"] == "CREATE_COMPLETE"
    assert iam.get_login_profile(UserName="templated")["LoginProfile"]["PasswordResetRequired"] is True
    cfn.update_stack(StackName=name, TemplateBody=template({"Password": "short"}), **capabilities)
    assert settled(cfn, name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    cfn.update_stack(StackName=name, TemplateBody=template(None), **capabilities)
    assert settled(cfn, name)["StackStatus"] == "UPDATE_COMPLETE"
    assert code(lambda: iam.get_login_profile(UserName="templated")) == "NoSuchEntity"
    cfn.delete_stack(StackName=name)
    cfn.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    assert code(lambda: iam.get_user(UserName="templated")) == "NoSuchEntity"
