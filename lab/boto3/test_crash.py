"""Killed at any moment, the runtime loses nothing that it acknowledged."""

import os
import random
import shutil
import signal
import subprocess
import threading
import time

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import PROGRAM, Runtime

ROUNDS = int(os.environ.get("COUNTERSIGN_KILLS", "200"))
# After so many kills the whole log and all that was ever acknowledged are looked at, not the last round only.
WHOLE = 20
# A client that waits and tries again after the kill would take most of a round.
AT_ONCE = Config(retries={"total_max_attempts": 1, "mode": "standard"}, connect_timeout=5, read_timeout=60)


@pytest.fixture
def own():
    runtime = Runtime()
    yield runtime
    try:
        os.kill(runtime.pid(), signal.SIGKILL)
    except (OSError, FileNotFoundError):
        pass
    shutil.rmtree(runtime.data, ignore_errors=True)


def write_until_dead(s3, dead, acknowledged, prefix):
    """Writes until the runtime is killed; what has been answered is in `acknowledged`."""
    i = 0
    while not dead.is_set():
        key, i = f"{prefix}{i}", i + 1
        try:
            s3.put_object(Bucket="crash", Key=key, Body=key.encode())
        except Exception:
            continue
        acknowledged.append(key)


def kill_while_writing(own, clients, prefix, seconds):
    """The keys that were acknowledged before the SIGKILL, so many seconds after the first of them."""
    dead, acknowledged = threading.Event(), []
    workers = [threading.Thread(target=write_until_dead, args=(s3, dead, acknowledged, f"{prefix}{w}-")) for w, s3 in enumerate(clients)]
    for worker in workers:
        worker.start()
    patience = time.monotonic() + 10
    while not acknowledged and time.monotonic() < patience:
        time.sleep(0.002)
    time.sleep(seconds)
    os.kill(own.pid(), signal.SIGKILL)
    dead.set()
    for worker in workers:
        worker.join()
    assert acknowledged, f"nothing could be written in round {prefix}"
    return acknowledged


def kept(s3, prefix=""):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="crash", Prefix=prefix)
    return {o["Key"] for page in pages for o in page.get("Contents", [])}


def verify_log(own):
    verified = subprocess.run([PROGRAM, "verify-log", "--data", own.data], capture_output=True, text=True)
    assert verified.returncode == 0, verified.stderr


def test_sigkill_during_writes(own):
    own.session()("s3").create_bucket(Bucket="crash")
    acknowledged, pause = [], random.Random(1)
    clients = [own.session()("s3", config=AT_ONCE) for _ in range(3)]
    for kill in range(1, ROUNDS + 1):
        last = kill_while_writing(own, clients, f"{kill}-", pause.uniform(0.02, 0.2))
        acknowledged += last
        whole = kill % WHOLE == 0 or kill == ROUNDS
        if whole:
            verify_log(own)
        own.start()
        missing = set(acknowledged if whole else last) - kept(clients[0], "" if whole else f"{kill}-")
        assert not missing, f"after kill {kill}: {sorted(missing)}"
    for key in acknowledged[:: max(1, len(acknowledged) // 50)]:
        assert clients[0].get_object(Bucket="crash", Key=key)["Body"].read() == key.encode()
    own.stop()
    verify_log(own)


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
