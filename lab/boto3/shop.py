"""A customer of the shop: signs up, signs in with SRP and a second factor, talks to the gateway."""

import json
import subprocess
import time
import uuid

import boto3
import pyotp
import requests
from botocore import UNSIGNED
from botocore.config import Config
from conftest import PROGRAM, Runtime
from pycognito.aws_srp import AWSSRP

PASSWORD = "Correct-horse-1-battery"


class Shop(Runtime):
    """One `countersign up` with the shop."""

    template = []

    def __init__(self):
        super().__init__()
        admin = self.session()
        outputs = admin("cloudformation").describe_stacks(StackName="securecart")["Stacks"][0]["Outputs"]
        self.outputs = {o["OutputKey"]: o["OutputValue"] for o in outputs}
        self.url = self.facts["shop"].rstrip("/")
        self.ca = str(self.data / "ca.pem")
        self.admin = admin

    def cognito(self):
        config = Config(signature_version=UNSIGNED, retries={"max_attempts": 1, "mode": "standard"})
        return boto3.client("cognito-idp", region_name="us-east-1", endpoint_url=self.facts["endpoint"], verify=self.ca, config=config)

    def outbox(self, to):
        done = subprocess.run([PROGRAM, "outbox", "--data", self.data, "--to", to, "--output", "json"], capture_output=True, text=True, check=True, timeout=30)
        return json.loads(done.stdout)

    def ask(self, method, path, token=None, **more):
        headers = more.pop("headers", {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return requests.request(method, f"{self.url}/{path}", headers=headers, verify=self.ca, timeout=60, **more)


class Customer:
    def __init__(self, shop):
        self.shop = shop
        self.cognito = shop.cognito()
        self.client = shop.outputs["ShopClientId"]
        self.pool = shop.outputs["UserPoolId"]
        self.email = f"{uuid.uuid4().hex[:12]}@example.com"

    def sign_up(self):
        self.cognito.sign_up(ClientId=self.client, Username=self.email, Password=PASSWORD)
        code = "".join(c for c in self.shop.outbox(self.email)[-1]["body"] if c.isdigit())[-6:]
        self.cognito.confirm_sign_up(ClientId=self.client, Username=self.email, ConfirmationCode=code)
        return self

    def password(self, password=PASSWORD):
        """The challenge that follows the password."""
        srp = AWSSRP(username=self.email, password=password, pool_id=self.pool, client_id=self.client, client=self.cognito)
        begun = self.cognito.initiate_auth(ClientId=self.client, AuthFlow="USER_SRP_AUTH", AuthParameters=srp.get_auth_params())
        answers = srp.process_challenge(begun["ChallengeParameters"], srp.get_auth_params())
        return self.cognito.respond_to_auth_challenge(ClientId=self.client, ChallengeName="PASSWORD_VERIFIER", ChallengeResponses=answers, **{k: begun[k] for k in ("Session",) if begun.get(k)})

    def enrol(self):
        """The first sign-in: adds the authenticator."""
        asked = self.password()
        assert asked["ChallengeName"] == "MFA_SETUP", asked
        made = self.cognito.associate_software_token(Session=asked["Session"])
        self.totp = pyotp.TOTP(made["SecretCode"])
        verified = self.cognito.verify_software_token(Session=made["Session"], UserCode=self.totp.now())
        done = self.cognito.respond_to_auth_challenge(
            ClientId=self.client, ChallengeName="MFA_SETUP", ChallengeResponses={"USERNAME": self.email}, Session=verified["Session"]
        )
        return self.keep(done)

    def sign_in(self, code=None):
        asked = self.password()
        assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA", asked
        done = self.cognito.respond_to_auth_challenge(
            ClientId=self.client, ChallengeName="SOFTWARE_TOKEN_MFA", Session=asked["Session"],
            ChallengeResponses={"USERNAME": self.email, "SOFTWARE_TOKEN_MFA_CODE": code or self.fresh()},
        )
        return self.keep(done)

    def fresh(self):
        """A code that was not used yet: the next step's, once it is near."""
        time.sleep(max(0, 30 - time.time() % 30) + 0.1)
        return self.totp.now()

    def keep(self, done):
        self.tokens = done["AuthenticationResult"]
        return self

    def ask(self, method, path, **more):
        return self.shop.ask(method, path, token=self.tokens["AccessToken"], **more)
