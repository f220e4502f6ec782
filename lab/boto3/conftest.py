"""A runtime of the tests' own, and clients for it: the administrator, and principals with chosen policies."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import uuid

import boto3
import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("COUNTERSIGN", ROOT / "target" / "debug" / "countersign"))
CONFIG = Config(retries={"max_attempts": 1, "mode": "standard"}, connect_timeout=5, read_timeout=60)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Runtime:
    """One `countersign up`, with its data folder."""

    template = ["--empty"]
    # The program, and what is put before it: whom it runs as.
    program, prefix = PROGRAM, []

    def __init__(self):
        self.data = pathlib.Path(tempfile.mkdtemp(prefix="countersign-boto3-"))
        self.port = free_port()
        self.start()

    def start(self):
        command = [*self.prefix, self.program, "up", *self.template, "--detach", "--output", "json", "--data", self.data, "--port", str(self.port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        self.facts = json.loads(done.stdout)
        text = pathlib.Path(self.facts["credentials"]).read_text()
        keys = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
        self.key, self.secret = keys["aws_access_key_id"], keys["aws_secret_access_key"]

    def stop(self):
        subprocess.run([*self.prefix, self.program, "down", "--data", self.data], check=True, timeout=60)

    def pid(self):
        return json.loads((self.data / "ready.json").read_text())["pid"]

    def session(self, key=None, secret=None, token=None):
        return Clients(self, key or self.key, secret or self.secret, token)


class Clients:
    """Clients of one principal: `clients("s3")`."""

    def __init__(self, runtime, key, secret, token=None):
        self.runtime = runtime
        self.session = boto3.Session(key, secret, token, region_name="us-east-1")

    def __call__(self, service, **more):
        more.setdefault("config", CONFIG)
        more.setdefault("endpoint_url", self.runtime.facts["endpoint"])
        return self.session.client(service, verify=str(self.runtime.data / "ca.pem"), **more)


@pytest.fixture(scope="session")
def runtime():
    runtime = Runtime()
    yield runtime
    runtime.stop()
    shutil.rmtree(runtime.data)


@pytest.fixture(scope="session")
def shop():
    """The deployed shop: made once, for deploying it takes most of a minute. Tests that break it come last."""
    from shop import Shop

    shop = Shop()
    yield shop
    shop.stop()
    shutil.rmtree(shop.data)


@pytest.fixture(scope="session")
def endpoint(runtime):
    return runtime.facts["endpoint"]


@pytest.fixture(scope="session")
def admin(runtime):
    return runtime.session()


@pytest.fixture(scope="session")
def account(admin):
    return admin("sts").get_caller_identity()["Account"]


@pytest.fixture(scope="session")
def anyone(runtime):
    """Clients without any credentials: `anyone("cognito-idp")`."""
    session = botocore.session.get_session()
    config = Config(signature_version=UNSIGNED, retries={"max_attempts": 1})
    place = {"endpoint_url": runtime.facts["endpoint"], "verify": str(runtime.data / "ca.pem")}
    return lambda service, region="us-east-1": session.create_client(service, region_name=region, config=config, **place)


@pytest.fixture(scope="session")
def idp(admin):
    return admin("cognito-idp")


@pytest.fixture
def pool(idp):
    """A user pool, by its id."""
    made = idp.create_user_pool(PoolName="shop", UsernameAttributes=["email"], AutoVerifiedAttributes=["email"])
    yield made["UserPool"]["Id"]
    try:
        idp.delete_user_pool(UserPoolId=made["UserPool"]["Id"])
    except idp.exceptions.ResourceNotFoundException:
        pass  # The test has deleted it.


def allow(*actions, resource="*", **more):
    """A policy that allows these actions."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture(scope="session")
def limited(runtime, admin):
    """`limited(policy)`: the clients of a fresh user with this policy, or with none."""

    def make(policy=None):
        iam, name = admin("iam"), f"u-{uuid.uuid4().hex[:12]}"
        iam.create_user(UserName=name)
        if policy:
            iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        clients = runtime.session(key["AccessKeyId"], key["SecretAccessKey"])
        clients.name = name
        return clients

    return make
