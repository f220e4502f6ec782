"""Roles for who is signed in to a user pool that the account has registered as an issuer."""

import json

import pytest
from conftest import allow
from directory import client_of, sign_in, user_of
from test_iam import code


@pytest.fixture
def signed_in(idp, anyone, pool):
    client, email = client_of(idp, pool), user_of(idp, pool)
    return client["ClientId"], sign_in(anyone, pool, client, email)


def test_a_user_pools_token_gets_a_role(runtime, admin, anyone, pool, signed_in):
    iam, (client, tokens), url = admin("iam"), signed_in, f"cognito-idp.us-east-1.amazonaws.com/{pool}"
    trust = lambda arn, **condition: json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": arn}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition}]})
    def assume(token=tokens["IdToken"]):
        return anyone("sts").assume_role_with_web_identity(RoleArn=role, RoleSessionName="session", WebIdentityToken=token)
    role = iam.create_role(RoleName=pool, AssumeRolePolicyDocument=trust("cognito-identity.amazonaws.com"))["Role"]["Arn"]
    iam.put_role_policy(RoleName=pool, PolicyName="p", PolicyDocument=json.dumps(allow("iam:ListUsers")))
    assert code(assume) == "InvalidIdentityToken", "the account has no provider for it"
    provider = iam.create_open_id_connect_provider(Url=f"https://{url}", ClientIDList=["other"])["OpenIDConnectProviderArn"]
    assert code(assume) == "InvalidIdentityToken", "not for this client"
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=provider, ClientID=client)
    assert code(assume) == "AccessDenied", "the role does not trust it"
    trusting = trust(provider, StringEquals={f"{url}:aud": client})
    iam.update_assume_role_policy(RoleName=pool, PolicyDocument=trusting)
    made = assume()
    assert made["Provider"] == f"https://{url}" and made["Audience"] == client
    session = runtime.session(*(made["Credentials"][k] for k in ("AccessKeyId", "SecretAccessKey", "SessionToken")))
    assert session("iam").list_users()
    assert code(lambda: session("iam").list_roles()) == "AccessDenied"
    assert code(lambda: assume(tokens["AccessToken"])) == "InvalidIdentityToken"
    iam.update_assume_role_policy(RoleName=pool, PolicyDocument=trust(provider, StringEquals={f"{url}:sub": "other"}))
    assert code(assume) == "AccessDenied"
    iam.update_assume_role_policy(RoleName=pool, PolicyDocument=trusting)
    assert assume()
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=provider)
    assert code(assume) == "InvalidIdentityToken"


def test_service_linked_roles(admin):
    iam = admin("iam")
    role = iam.create_service_linked_role(AWSServiceName="elasticache.amazonaws.com")["Role"]
    assert role["Path"] == "/aws-service-role/elasticache.amazonaws.com/"
    assert code(lambda: iam.delete_role(RoleName=role["RoleName"])) == "UnmodifiableEntity"
    task = iam.delete_service_linked_role(RoleName=role["RoleName"])["DeletionTaskId"]
    assert iam.get_service_linked_role_deletion_status(DeletionTaskId=task)["Status"] == "SUCCEEDED"


def test_tags_of_instance_profiles(admin):
    iam = admin("iam")
    iam.create_instance_profile(InstanceProfileName="tagged", Tags=[{"Key": "a", "Value": "1"}])
    iam.tag_instance_profile(InstanceProfileName="tagged", Tags=[{"Key": "b", "Value": "2"}])
    iam.untag_instance_profile(InstanceProfileName="tagged", TagKeys=["a"])
    assert iam.list_instance_profile_tags(InstanceProfileName="tagged")["Tags"] == [{"Key": "b", "Value": "2"}]
    iam.delete_instance_profile(InstanceProfileName="tagged")
