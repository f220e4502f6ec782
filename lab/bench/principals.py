#!/usr/bin/env python3
"""Many principals: what one changed policy costs, and what memory they take.

    cargo build --release -p countersign && target/python/bin/python lab/bench/principals.py [--users 100000]

Makes the users, each with a policy of its own, by signed requests; then changes single policies, one
after another on one connection, each answered once it is on the disk; then restarts the program.
"""

import argparse
import json
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import time
import urllib.parse

from against_ministack import Countersign, answer, timed
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


def policy(at, version):
    statement = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::bucket-{at}/v{version}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def signed(server, credentials, calls):
    """Raw requests of IAM, signed."""
    signer, made = SigV4Auth(credentials, "iam", "us-east-1"), []
    for call in calls:
        body = urllib.parse.urlencode({"Version": "2010-05-08", **call}).encode()
        request = AWSRequest(method="POST", url=server.endpoint + "/", headers=dict(FORM), data=body)
        signer.add_auth(request)
        lines = ["POST / HTTP/1.1", f"host: 127.0.0.1:{server.port}", f"content-length: {len(body)}"]
        lines += [f"{n}: {v}" for n, v in request.headers.items() if n.lower() not in ("host", "content-length")]
        made.append("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return made


def one_by_one(server, made):
    """Milliseconds of each request on one connection."""
    taken = []
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = connection.makefile("rb")
        for request in made:
            began = time.perf_counter()
            connection.sendall(request)
            answer(reader)
            taken.append((time.perf_counter() - began) * 1e3)
    return taken


def put(at, version):
    return {"Action": "PutUserPolicy", "UserName": f"user-{at}", "PolicyName": "own", "PolicyDocument": policy(at, version)}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--users", type=int, default=100_000)
    options.add_argument("--changes", type=int, default=1_000)
    given = options.parse_args()
    server = Countersign()
    try:
        keys = server.admin("iam")._request_signer._credentials
        credentials = Credentials(keys.access_key, keys.secret_key)
        print(f"empty: {server.memory() / 1e6:.0f} MB resident")
        began = time.monotonic()
        for first in range(0, given.users, 5_000):
            some = range(first, min(first + 5_000, given.users))
            timed(server, signed(server, credentials, ({"Action": "CreateUser", "UserName": f"user-{at}"} for at in some)), 8)
            timed(server, signed(server, credentials, (put(at, 0) for at in some)), 8)
        print(f"{given.users} users with a policy each: {server.memory() / 1e6:.0f} MB resident, made in {time.monotonic() - began:.0f} s")
        step = max(1, given.users // given.changes)
        taken = sorted(one_by_one(server, signed(server, credentials, (put(at, 1) for at in range(0, given.users, step)))))
        print(f"one changed policy: median {statistics.median(taken):.2f} ms, p99 {taken[len(taken) * 99 // 100]:.2f} ms, most {taken[-1]:.2f} ms")
        os.kill(server.pid, signal.SIGTERM)
        while pathlib.Path(f"/proc/{server.pid}").exists():
            time.sleep(0.1)
        began = time.monotonic()
        program = os.environ.get("COUNTERSIGN", pathlib.Path(__file__).resolve().parents[2] / "target" / "release" / "countersign")
        command = [program, "up", "--empty", "--detach", "--output", "json", "--data", server.data, "--port", str(server.port)]
        subprocess.run(command, capture_output=True, check=True)
        server.pid = json.loads((pathlib.Path(server.data) / "ready.json").read_text())["pid"]
        print(f"again ready after {time.monotonic() - began:.2f} s, {server.memory() / 1e6:.0f} MB resident")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
