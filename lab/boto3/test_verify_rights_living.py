"""`verify --data` on rights: what it says of the estate that runs is what the estate does."""

import json
import shutil
import subprocess
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import PROGRAM, Runtime, allow


@pytest.fixture(scope="module")
def own():
    runtime = Runtime()
    yield runtime
    runtime.stop()
    shutil.rmtree(runtime.data)


def verify(runtime, *arguments):
    done = subprocess.run([PROGRAM, "verify", "--data", runtime.data, "--output", "json", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, 1, 2) and done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def user(clients, *statements):
    iam, name = clients("iam"), f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": [s for p in statements for s in p["Statement"]]}
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    return name


def deny(*actions):
    policy = allow(*actions)
    policy["Statement"][0]["Effect"] = "Deny"
    return policy


def denied(call):
    try:
        call()
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    return False


def test_who_can_is_who_can(own):
    admin = own.session()
    kms, iam = admin("kms"), admin("iam")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    names = [user(admin, allow("kms:Encrypt", resource=key)), user(admin, allow("kms:*"), deny("kms:Encrypt")), user(admin, allow("s3:*"))]
    code, answer = verify(own, "--who-can", "kms:Encrypt", "--to", key)
    said = {f["subject"] for f in answer["findings"]}
    assert code == 0 and "administrator" in said
    for name in names:
        keys = iam.create_access_key(UserName=name)["AccessKey"]
        clients = own.session(keys["AccessKeyId"], keys["SecretAccessKey"])
        assert denied(lambda: clients("kms").encrypt(KeyId=key, Plaintext=b"x")) == (name not in said), name
    assert said & set(names) == {names[0]}
    assert verify(own, "--who-can", "kms:Encrypt", "--to", key, "--expect", f"administrator,root,{names[0]}")[0] == 0
    assert verify(own, "--who-can", "kms:Encrypt", "--to", key, "--expect", "administrator,root")[0] == 1


def test_a_raise_is_found_and_a_boundary_or_a_limit_of_the_organization_stops_it(own):
    admin = own.session()
    iam, org = admin("iam"), admin("organizations")
    ways = lambda name: [f["message"] for f in verify(own)[1]["findings"] if f["subject"] == name and f["outcome"] == "violated"]
    name = user(admin, allow("iam:PutUserPolicy"))
    [found] = ways(name)
    assert "(put-user-policy)" in found
    bound = iam.create_policy(PolicyName=uuid.uuid4().hex, PolicyDocument=json.dumps(allow("s3:*")))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=bound)
    assert ways(name) == []
    # In a member account, which the organization limits.
    made = org.create_account(Email=f"{uuid.uuid4().hex}@example.com", AccountName="member")["CreateAccountStatus"]["AccountId"]
    role = f"arn:aws:iam::{made}:role/OrganizationAccountAccessRole"
    keys = admin("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
    member = own.session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    other = user(member, allow("iam:AttachUserPolicy"))
    assert "(attach-user-policy)" in ways(other)[0]
    policy = org.create_policy(Content=json.dumps(deny("iam:Attach*")), Description="-", Name=uuid.uuid4().hex, Type="SERVICE_CONTROL_POLICY")["Policy"]["PolicySummary"]["Id"]
    org.attach_policy(PolicyId=policy, TargetId=made)
    assert ways(other) == []
    org.detach_policy(PolicyId=policy, TargetId=made)
    assert len(ways(other)) == 1


def test_a_grant_about_nothing_is_warned_of_and_a_stopped_estate_says_the_same(own):
    admin = own.session()
    key = admin("kms").create_key()["KeyMetadata"]["Arn"]
    gone = key.rsplit("/", 1)[0] + "/" + str(uuid.uuid4())
    user(admin, allow("kms:Decrypt", resource=key))
    user(admin, allow("kms:Decrypt", resource=gone))
    running = verify(own)
    warned = [f["message"] for f in running[1]["findings"] if f["rule"] == "idle-grant"]
    assert any(f"there is no `{gone}`" in w for w in warned) and not any(key in w for w in warned)
    own.stop()
    assert verify(own) == running
    own.start()
