"""Every call is on record: found by CloudTrail, explained by the program, chained in the log."""

import json
import subprocess

import pytest
from botocore.exceptions import ClientError
from conftest import PROGRAM, allow


def lookup(admin, key, value):
    pages = admin("cloudtrail").get_paginator("lookup_events").paginate(LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}])
    return [json.loads(e["CloudTrailEvent"]) for page in pages for e in page["Events"]]


def test_a_denied_call_is_found(admin, limited, account):
    clients = limited()
    with pytest.raises(ClientError) as refused:
        clients("kms").list_keys()
    events = lookup(admin, "Username", clients.name)
    denied = [e for e in events if e["eventName"] == "ListKeys"]
    assert len(denied) == 1
    event = denied[0]
    assert event["errorCode"] == "AccessDeniedException" and event["eventSource"] == "kms.amazonaws.com"
    assert event["requestID"] == refused.value.response["ResponseMetadata"]["RequestId"]
    assert event["userIdentity"]["arn"] == f"arn:aws:iam::{account}:user/{clients.name}"


def test_secrets_never_reach_the_record(admin, limited, runtime):
    clients = limited()
    events = lookup(admin, "EventName", "CreateAccessKey")
    assert events and "SecretAccessKey" not in json.dumps(events) or "HIDDEN_DUE_TO_SECURITY_REASONS" in json.dumps(events)
    secret = clients.session.get_credentials().secret_key
    admin("kms").create_key(Description="x")
    for file in runtime.data.rglob("*"):
        if file.is_file():
            assert secret.encode() not in file.read_bytes(), file


def test_a_denial_is_explained(runtime, limited):
    policy = allow("kms:*")
    policy["Statement"].append({"Sid": "NoKeys", "Effect": "Deny", "Action": "kms:ListKeys", "Resource": "*"})
    clients = limited(policy)
    with pytest.raises(ClientError) as refused:
        clients("kms").list_keys()
    request = refused.value.response["ResponseMetadata"]["RequestId"]
    told = subprocess.run([PROGRAM, "explain", request, "--data", runtime.data], capture_output=True, text=True)
    assert told.returncode == 0 and "DENIED" in told.stdout and "NoKeys" in told.stdout, told
    traced = subprocess.run([PROGRAM, "trace", "--all", "--data", runtime.data], capture_output=True, text=True).stdout
    assert any("DENY" in line and "kms:ListKeys" in line and "NoKeys" in line for line in traced.splitlines())
    unknown = subprocess.run([PROGRAM, "explain", "no-such-request", "--data", runtime.data], capture_output=True, text=True)
    assert unknown.returncode == 1 and "no-such-request" in unknown.stderr


def test_the_log_verifies_and_a_changed_byte_shows(runtime, tmp_path):
    import shutil

    copy = tmp_path / "data"
    shutil.copytree(runtime.data / "log", copy / "log")
    verify = lambda: subprocess.run([PROGRAM, "verify-log", "--data", copy], capture_output=True, text=True)
    # The last batch may be half written while it is copied.
    assert verify().returncode == 0, verify().stderr
    file = sorted((copy / "log").iterdir())[0]
    bytes_ = bytearray(file.read_bytes())
    bytes_[len(bytes_) // 2] ^= 1
    file.write_bytes(bytes_)
    assert verify().returncode == 1 and "not intact" in verify().stderr
