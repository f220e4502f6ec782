"""Calls without credentials are found where the account of what they are about looks for them."""

import json
import uuid

import pytest
from directory import PASSWORD, client_of, code, srp_steps, user_of


@pytest.fixture
def looked_up(admin):
    def find(name, about, region="us-east-1"):
        """The events of an operation that mention something, newest first."""
        trail = admin("cloudtrail", region_name=region)
        pages = trail.get_paginator("lookup_events").paginate(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])
        return [json.loads(e["CloudTrailEvent"]) for p in pages for e in p["Events"] if about in e["CloudTrailEvent"]]

    return find


def test_a_failed_sign_in_is_found_in_the_account_of_the_pool(idp, anyone, account, pool, looked_up):
    client, email, c = client_of(idp, pool), user_of(idp, pool), anyone("cognito-idp")
    wrong = f"Wrong-{uuid.uuid4().hex}"
    sign_in = lambda password: c.initiate_auth(
        AuthFlow="USER_PASSWORD_AUTH", ClientId=client["ClientId"], AuthParameters={"USERNAME": email, "PASSWORD": password}
    )
    assert code(lambda: sign_in(wrong)) == "NotAuthorizedException"
    sign_in(PASSWORD)
    good, bad = looked_up("InitiateAuth", client["ClientId"])
    assert bad["errorCode"] == "NotAuthorizedException" and bad["errorMessage"] == "Incorrect username or password."
    assert "errorCode" not in good and good["eventSource"] == bad["eventSource"] == "cognito-idp.amazonaws.com"
    for event in (good, bad):
        assert event["recipientAccountId"] == account and event["awsRegion"] == "us-east-1"
        assert event["userIdentity"] == {"type": "Unknown", "principalId": "Anonymous"}
        assert event["requestParameters"]["authFlow"] == "USER_PASSWORD_AUTH"
        # Neither who nor with what: both are sensitive.
        told = json.dumps(event)
        assert email not in told and wrong not in told and PASSWORD not in told and "eyJ" not in told
    # The proof of SRP fails in the second step.
    answer, responses = srp_steps(anyone, pool, client, email, wrong)
    assert code(lambda: answer(responses)) == "NotAuthorizedException"
    (event,) = looked_up("RespondToAuthChallenge", client["ClientId"])
    assert event["errorCode"] == "NotAuthorizedException" and event["recipientAccountId"] == account
    assert responses["PASSWORD_CLAIM_SIGNATURE"] not in json.dumps(event)


def test_what_a_token_or_a_name_is_about_is_found_as_well(admin, account, idp, anyone, pool, looked_up):
    client, email, c = client_of(idp, pool), user_of(idp, pool), anyone("cognito-idp")
    access = c.initiate_auth(AuthFlow="USER_PASSWORD_AUTH", ClientId=client["ClientId"], AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD})
    access = access["AuthenticationResult"]["AccessToken"]
    assert code(lambda: c.associate_software_token(AccessToken=access)) == "SoftwareTokenMFANotFoundException"
    c.sign_up(ClientId=client["ClientId"], Username=f"new-{uuid.uuid4().hex}@example.com", Password=PASSWORD)
    assert len(looked_up("SignUp", client["ClientId"])) == 1
    (event,) = looked_up("AssociateSoftwareToken", "SoftwareTokenMFANotFoundException")
    assert event["recipientAccountId"] == account and access not in json.dumps(event)
    # One may look for the pool, too.
    found = admin("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": pool}])["Events"]
    assert {"SignUp", "InitiateAuth", "AdminCreateUser"} <= {e["EventName"] for e in found}
    # What is about nothing of anybody's is found by nobody.
    nobody = "a" * 26
    assert code(lambda: c.initiate_auth(AuthFlow="USER_PASSWORD_AUTH", ClientId=nobody, AuthParameters={"USERNAME": "x", "PASSWORD": "y"})) == "ResourceNotFoundException"
    assert not looked_up("InitiateAuth", nobody)


def test_calls_are_found_in_the_region_of_the_pool(admin, anyone, looked_up):
    # Without a signature nothing tells the region, but for the pool itself.
    far = admin("cognito-idp", region_name="eu-west-1")
    pool = far.create_user_pool(PoolName="far")["UserPool"]["Id"]
    client = client_of(far, pool)["ClientId"]
    call = lambda: anyone("cognito-idp").initiate_auth(AuthFlow="USER_PASSWORD_AUTH", ClientId=client, AuthParameters={"USERNAME": "x", "PASSWORD": "y"})
    assert code(call) in ("UserNotFoundException", "NotAuthorizedException")
    (event,) = looked_up("InitiateAuth", client, "eu-west-1")
    assert event["awsRegion"] == "eu-west-1" and not looked_up("InitiateAuth", client)
    far.delete_user_pool(UserPoolId=pool)


def test_roles_of_web_identities_are_found_by_whose_they_are(admin, anyone, account, looked_up):
    identities, open_, iam, sts = admin("cognito-identity"), anyone("cognito-identity"), admin("iam"), anyone("sts")
    ident = identities.create_identity_pool(IdentityPoolName="shop", AllowUnauthenticatedIdentities=True)["IdentityPoolId"]
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Federated": "cognito-identity.amazonaws.com"}, "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"cognito-identity.amazonaws.com:aud": ident}},
    }]}
    name = f"r-{uuid.uuid4().hex[:12]}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    identities.set_identity_pool_roles(IdentityPoolId=ident, Roles={"unauthenticated": arn})
    me = open_.get_id(IdentityPoolId=ident)["IdentityId"]
    secret = open_.get_credentials_for_identity(IdentityId=me)["Credentials"]["SecretKey"]
    token = open_.get_open_id_token(IdentityId=me)["Token"]
    assume = lambda token: sts.assume_role_with_web_identity(RoleArn=arn, RoleSessionName="direct", WebIdentityToken=token)
    assume(token)
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust).replace(ident, ident[:-4] + "0000"))
    assert code(lambda: assume(token)) == "AccessDenied"
    assert code(lambda: assume(token[:-8] + "AAAAAAAA")) == "InvalidIdentityToken"
    unknown, denied, direct, enhanced = looked_up("AssumeRoleWithWebIdentity", name)
    bearer = {
        "type": "WebIdentityUser", "principalId": f"cognito-identity.amazonaws.com:{ident}:{me}",
        "userName": me, "identityProvider": "cognito-identity.amazonaws.com",
    }
    assert denied["userIdentity"] == direct["userIdentity"] == enhanced["userIdentity"] == bearer
    assert denied["errorCode"].startswith("AccessDenied") and "errorCode" not in direct and "errorCode" not in enhanced
    assert enhanced["sourceIPAddress"] == "cognito-identity.amazonaws.com" and direct["sourceIPAddress"] == "127.0.0.1"
    assert unknown["userIdentity"]["type"] == "Unknown" and unknown["errorCode"] == "InvalidIdentityToken"
    for event in (unknown, denied, direct, enhanced):
        assert event["recipientAccountId"] == account
        assert "eyJ" not in json.dumps(event) and secret not in json.dumps(event)
    # Calls of identities on their pool are data events in AWS, which lookups never show.
    assert not looked_up("GetId", ident) and not looked_up("GetCredentialsForIdentity", me)
    identities.delete_identity_pool(IdentityPoolId=ident)
