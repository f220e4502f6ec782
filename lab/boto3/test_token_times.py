"""Tokens that a pool itself signed, but not for now: the same runtime, hours and weeks on and back again.

The clock is the system's, so the program is started with libfaketime (Debian's package) and without it.
"""

import glob
import shutil

import pytest
import requests
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import Runtime
from test_apigateway import BALANCER, LISTENER, TEMPLATE, settle

UNAUTHORIZED = (401, {"message": "Unauthorized"})

def later(by):
    """The prefix of a command that sees a later time."""
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    assert found, "libfaketime is missing: apt-get install -y libfaketime"
    return ["env", f"LD_PRELOAD={found[0]}", f"FAKETIME=+{by}", "FAKETIME_DONT_FAKE_MONOTONIC=1"]



class Gateway(Runtime):
    """A runtime with the APIs of `gateway.yaml`, and a customer of their pool."""

    def deploy(self):
        admin = self.session()
        account = admin("sts").get_caller_identity()["Account"]
        cloudformation = admin("cloudformation")
        parameters = {"LoadBalancerArn": BALANCER.format(account), "ListenerArn": LISTENER.format(account)}
        cloudformation.create_stack(
            StackName="gateway",
            TemplateBody=TEMPLATE.read_text(),
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        )
        settle(cloudformation, "create")
        outputs = cloudformation.describe_stacks(StackName="gateway")["Stacks"][0]["Outputs"]
        self.stack = {o["OutputKey"]: o["OutputValue"] for o in outputs}

    def plain(self):
        """The endpoint without TLS: the certificates of another time are not valid in ours."""
        return self.facts["endpoint"].replace("https:", "http:")

    def sign_in(self):
        idp, pool = self.session()("cognito-idp"), self.stack["Pool"]
        idp.admin_create_user(UserPoolId=pool, Username="alice", MessageAction="SUPPRESS")
        idp.admin_set_user_password(UserPoolId=pool, Username="alice", Password="Correct-horse-7", Permanent=True)
        given = {"USERNAME": "alice", "PASSWORD": "Correct-horse-7"}
        answer = idp.admin_initiate_auth(
            UserPoolId=pool, ClientId=self.stack["Client"], AuthFlow="ADMIN_USER_PASSWORD_AUTH", AuthParameters=given
        )
        return answer["AuthenticationResult"]

    def refresh(self, tokens):
        """Not signed, so it may be asked of a runtime whose clock is not ours."""
        idp = self.session()("cognito-idp", endpoint_url=self.plain(), config=Config(signature_version=UNSIGNED))
        given = {"REFRESH_TOKEN": tokens["RefreshToken"]}
        answer = idp.initiate_auth(ClientId=self.stack["Client"], AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=given)
        return answer["AuthenticationResult"]

    def ask(self, tokens):
        """What each API answers: REST with a Cognito authorizer, HTTP with a JWT authorizer."""
        headers = {"Authorization": f"Bearer {tokens['IdToken']}", "x-api-key": "partner-key-0123456789"}
        answers = []
        for method, api, path in (("PUT", "Api", "/prod/status"), ("GET", "WebApi", "/orders")):
            url = f"{self.plain()}/_aws/execute-api/{self.stack[api]}{path}"
            answer = requests.request(method, url, headers=headers, timeout=30)
            answers.append((answer.status_code, answer.json()))
        return answers

    def again(self, prefix):
        self.stop()
        self.prefix = prefix
        self.start()


@pytest.fixture
def gateway():
    gateway = Gateway()
    gateway.deploy()
    yield gateway
    gateway.stop()
    shutil.rmtree(gateway.data)


def test_a_token_counts_in_its_own_time_only(gateway):
    # Behind the HTTP API stands no load balancer: 503 is the way's end, after the authorizer.
    through = [200, 503]
    now = gateway.sign_in()
    assert [status for status, _ in gateway.ask(now)] == through

    gateway.again(later("2h"))
    expired = gateway.ask(now)
    assert expired[0] == (401, {"message": "The incoming token has expired"}) and expired[1] == UNAUTHORIZED
    issued_later = gateway.refresh(now)
    assert [status for status, _ in gateway.ask(issued_later)] == through

    gateway.again([])
    assert gateway.ask(issued_later) == [UNAUTHORIZED, UNAUTHORIZED], "issued in the future"
    assert [status for status, _ in gateway.ask(now)] == through

    gateway.again(later("31d"))
    with pytest.raises(ClientError) as refused:
        gateway.refresh(now)
    error = refused.value.response["Error"]
    assert (error["Code"], error["Message"]) == ("NotAuthorizedException", "Refresh Token has expired")
