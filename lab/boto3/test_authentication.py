"""Who asks: unsigned, unknown, forged, stale, tampered and expired requests, each with AWS's own error."""

import datetime

import botocore.auth
import pytest
import requests
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError


def refusal(call):
    with pytest.raises(ClientError) as refused:
        call()
    error = refused.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]


def test_the_administrator_is_a_user_of_a_random_account(admin, account):
    identity = admin("sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{account}:user/administrator"


@pytest.mark.parametrize(
    "service, call, unknown, forged",
    [
        ("sts", lambda c: c.get_caller_identity(), (403, "InvalidClientTokenId"), (403, "SignatureDoesNotMatch")),
        ("iam", lambda c: c.list_users(), (403, "InvalidClientTokenId"), (403, "SignatureDoesNotMatch")),
        ("kms", lambda c: c.list_keys(), (400, "UnrecognizedClientException"), (400, "InvalidSignatureException")),
        ("s3", lambda c: c.list_buckets(), (403, "InvalidAccessKeyId"), (403, "SignatureDoesNotMatch")),
    ],
)
def test_unknown_keys_and_forged_signatures(runtime, service, call, unknown, forged):
    assert refusal(lambda: call(runtime.session("AKIAAAAAAAAAAAAAAAAA", "x" * 40)(service))) == unknown
    assert refusal(lambda: call(runtime.session(runtime.key, "x" * 40)(service))) == forged
    token = runtime.session("ASIAAAAAAAAAAAAAAAAA", "x" * 40, "bm90IGEgdG9rZW4=")
    assert refusal(lambda: call(token(service)))[0] in (400, 403)


def test_an_inactive_key_is_no_key(runtime, admin, limited):
    clients = limited()
    assert clients("sts").get_caller_identity()
    iam = admin("iam")
    key = iam.list_access_keys(UserName=clients.name)["AccessKeyMetadata"][0]["AccessKeyId"]
    iam.update_access_key(UserName=clients.name, AccessKeyId=key, Status="Inactive")
    assert refusal(lambda: clients("sts").get_caller_identity()) == (403, "InvalidClientTokenId")
    iam.update_access_key(UserName=clients.name, AccessKeyId=key, Status="Active")
    assert clients("sts").get_caller_identity()
    iam.delete_access_key(UserName=clients.name, AccessKeyId=key)
    assert refusal(lambda: clients("sts").get_caller_identity()) == (403, "InvalidClientTokenId")


def signed(runtime, service="sts", body="Action=GetCallerIdentity&Version=2011-06-15", at=None):
    """A signed request for GetCallerIdentity, as headers and body, signed at another time if asked."""
    request = AWSRequest("POST", runtime.facts["endpoint"] + "/", data=body)
    request.headers["Content-Type"] = "application/x-www-form-urlencoded"
    signer = botocore.auth.SigV4Auth(Credentials(runtime.key, runtime.secret), service, "us-east-1")
    real = botocore.auth.get_current_datetime
    botocore.auth.get_current_datetime = lambda *a, **k: at or real()
    try:
        signer.add_auth(request)
    finally:
        botocore.auth.get_current_datetime = real
    return dict(request.headers), body


def post(runtime, headers, body):
    return requests.post(runtime.facts["endpoint"] + "/", headers=headers, data=body, verify=runtime.data / "ca.pem")


def test_a_true_signature_passes_over_tls_and_plaintext(runtime):
    headers, body = signed(runtime)
    assert post(runtime, headers, body).status_code == 200
    plain = runtime.facts["endpoint"].replace("https", "http")
    assert requests.post(plain + "/", headers=headers, data=body).status_code == 200


@pytest.mark.parametrize("minutes, word", [(-6, "Signature expired"), (6, "Signature not yet current")])
def test_stale_and_future_signatures(runtime, minutes, word):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    answer = post(runtime, *signed(runtime, at=at.replace(tzinfo=None)))
    assert answer.status_code == 403 and "SignatureDoesNotMatch" in answer.text and word in answer.text


def test_what_is_signed_cannot_be_changed(runtime):
    headers, body = signed(runtime)
    assert "SignatureDoesNotMatch" in post(runtime, headers, body + "&x=1").text
    assert "SignatureDoesNotMatch" in post(runtime, {**headers, "X-Amz-Date": headers["X-Amz-Date"][:-2] + ("1Z" if headers["X-Amz-Date"][-2] == "0" else "0Z")}, body).text
    # A header of AWS's that the signature does not cover could be anybody's.
    assert post(runtime, {**headers, "X-Amz-Meta-Added": "1"}, body).status_code == 403


def test_a_signature_for_another_service_is_refused(runtime):
    answer = post(runtime, *signed(runtime, service="sts2"))
    assert answer.status_code >= 400


def test_unsigned_requests(runtime):
    answer = post(runtime, {"Content-Type": "application/x-www-form-urlencoded"}, "Action=GetCallerIdentity&Version=2011-06-15")
    assert answer.status_code == 403 and "MissingAuthenticationToken" in answer.text
    answer = post(runtime, {"X-Amz-Target": "TrentService.ListKeys", "Content-Type": "application/x-amz-json-1.1"}, "{}")
    assert answer.status_code == 400 and "MissingAuthenticationTokenException" in answer.text
    answer = requests.get(runtime.facts["endpoint"] + "/some-bucket/key", verify=runtime.data / "ca.pem")
    assert answer.status_code == 403 and "AccessDenied" in answer.text


def test_a_changed_session_token_is_refused(runtime, admin, account):
    role = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}],
    }
    import json

    arn = admin("iam").create_role(RoleName="token-test", AssumeRolePolicyDocument=json.dumps(role))["Role"]["Arn"]
    made = admin("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    key, secret, token = made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
    assert runtime.session(key, secret, token)("sts").get_caller_identity()["Arn"].endswith("assumed-role/token-test/session")
    changed = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    assert refusal(lambda: runtime.session(key, secret, changed)("sts").get_caller_identity()) == (403, "InvalidClientTokenId")
    other = admin("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]["SessionToken"]
    assert refusal(lambda: runtime.session(key, secret, other)("sts").get_caller_identity()) == (403, "InvalidClientTokenId")
    # Without the token the key is unknown.
    assert refusal(lambda: runtime.session(key, secret)("sts").get_caller_identity()) == (403, "InvalidClientTokenId")
