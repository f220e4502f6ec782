"""A user pool with a client and people in it, who sign in as applications do."""

import json
import subprocess
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import PROGRAM
from pycognito.aws_srp import AWSSRP

PASSWORD = "Correct-horse-1"


def refusal(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]


def code(call):
    return refusal(call)["Code"]


def message(call):
    return refusal(call)["Message"]


def outbox(runtime, to):
    told = subprocess.run([PROGRAM, "outbox", "--data", runtime.data, "--to", to, "--output", "json"], capture_output=True, text=True)
    assert told.returncode == 0, told
    return json.loads(told.stdout)


def client_of(idp, pool, **more):
    more.setdefault("ExplicitAuthFlows", ["ALLOW_USER_SRP_AUTH", "ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])
    return idp.create_user_pool_client(UserPoolId=pool, ClientName="web", **more)["UserPoolClient"]


def user_of(idp, pool):
    email = f"u{uuid.uuid4().hex[:10]}@example.com"
    idp.admin_create_user(UserPoolId=pool, Username=email, MessageAction="SUPPRESS", UserAttributes=[{"Name": "email_verified", "Value": "true"}])
    idp.admin_set_user_password(UserPoolId=pool, Username=email, Password=PASSWORD, Permanent=True)
    return email


def srp(anyone, pool, client, email, password=PASSWORD, **more):
    return AWSSRP(email, password, pool, client["ClientId"], client=anyone("cognito-idp"), client_secret=client.get("ClientSecret"), **more)


def srp_steps(anyone, pool, client, email, password=PASSWORD):
    """One sign-in by SRP, as far as its first answer after the proof."""
    srp_user, c = srp(anyone, pool, client, email, password), anyone("cognito-idp")
    parameters = srp_user.get_auth_params()
    asked = c.initiate_auth(AuthFlow="USER_SRP_AUTH", AuthParameters=parameters, ClientId=client["ClientId"])
    responses = srp_user.process_challenge(asked["ChallengeParameters"], parameters)
    answer = lambda r: c.respond_to_auth_challenge(ClientId=client["ClientId"], ChallengeName="PASSWORD_VERIFIER", ChallengeResponses=r)
    return answer, responses


def sign_in(anyone, pool, client, email):
    answer, responses = srp_steps(anyone, pool, client, email)
    return answer(responses)["AuthenticationResult"]
