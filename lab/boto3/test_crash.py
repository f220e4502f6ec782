"""Killed at any moment, the runtime loses nothing that it acknowledged."""

import os
import random
import shutil
import signal
import subprocess
import threading
import time

import pytest
from botocore.exceptions import ClientError
from conftest import PROGRAM, Runtime

ROUNDS = int(os.environ.get("COUNTERSIGN_KILLS", "12"))


@pytest.fixture
def own():
    runtime = Runtime()
    yield runtime
    try:
        os.kill(runtime.pid(), signal.SIGKILL)
    except (OSError, FileNotFoundError):
        pass
    shutil.rmtree(runtime.data, ignore_errors=True)


def write_until_dead(runtime, acknowledged, worker):
    s3, i = runtime.session()("s3"), 0
    while True:
        key = f"{worker}-{len(acknowledged)}-{i}"
        i += 1
        try:
            s3.put_object(Bucket="crash", Key=key, Body=key.encode())
        except Exception:
            return
        acknowledged.append(key)


def test_sigkill_during_writes(own):
    own.session()("s3").create_bucket(Bucket="crash")
    acknowledged, pause = [], random.Random(1)
    for _ in range(ROUNDS):
        workers = [threading.Thread(target=write_until_dead, args=(own, acknowledged, w)) for w in range(3)]
        for worker in workers:
            worker.start()
        before, patience = len(acknowledged), time.monotonic() + 10
        while len(acknowledged) == before and time.monotonic() < patience:
            time.sleep(0.01)
        time.sleep(pause.random() / 4)
        os.kill(own.pid(), signal.SIGKILL)
        for worker in workers:
            worker.join()
        own.start()
    found = set()
    for page in own.session()("s3").get_paginator("list_objects_v2").paginate(Bucket="crash"):
        found |= {o["Key"] for o in page.get("Contents", [])}
    missing = set(acknowledged) - found
    assert len(acknowledged) >= ROUNDS and not missing
    sample = acknowledged[:: max(1, len(acknowledged) // 50)]
    for key in sample:
        assert own.session()("s3").get_object(Bucket="crash", Key=key)["Body"].read() == key.encode()
    own.stop()
    verified = subprocess.run([PROGRAM, "verify-log", "--data", own.data], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stderr


def test_a_restart_finds_everything_as_it_was(own):
    admin = own.session()
    admin("iam").create_user(UserName="kept")
    arn = admin("sts").get_caller_identity()["Arn"]
    key = admin("kms").create_key()["KeyMetadata"]["KeyId"]
    blob = admin("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    own.stop()
    own.start()
    admin = own.session()
    assert admin("sts").get_caller_identity()["Arn"] == arn
    assert admin("iam").get_user(UserName="kept") and admin("kms").decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"


def test_two_cannot_hold_one_folder(own):
    second = subprocess.run([PROGRAM, "up", "--empty", "--data", own.data, "--port", str(own.port + 1)], capture_output=True, text=True, timeout=20)
    assert second.returncode == 1 and "in use by process" in second.stderr


def test_nothing_is_permitted_when_the_log_cannot_be_written(own):
    admin = own.session()
    admin("s3").create_bucket(Bucket="before")
    # The disk goes: the open segment cannot grow any more.
    subprocess.run(["prlimit", f"--pid={own.pid()}", "--fsize=1:1"], check=True)
    for call in (lambda: admin("s3").create_bucket(Bucket="after"), lambda: admin("sts").get_caller_identity(), lambda: admin("kms").list_keys()):
        # A read may still be answered while its own record waits to be written; its next one is not.
        with pytest.raises(ClientError) as refused:
            for _ in range(5):
                call()
                time.sleep(0.05)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
