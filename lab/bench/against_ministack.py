#!/usr/bin/env python3
"""CPU time per signed, authorised request: Countersign beside ministack, in one run on one machine.

    cargo build --release -p countersign && target/python/bin/python lab/bench/against_ministack.py

Both serve a user with a policy of its own, on loopback, enforcement on. Requests are signed before
the clock starts; what is measured is the server's own user and system time (/proc/PID/stat), all its
threads and children included. The rounds of the two alternate. Countersign answers a write once it is
on the disk; ministack keeps everything in memory. A sign-in is USER_PASSWORD_AUTH: here one
exponentiation in SRP's 3,072-bit group (RFC 5054, SHA-256) and two RS256 signatures of 2,048 bits.
"""

import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import venv

import boto3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICK = os.sysconf("SC_CLK_TCK")
MINISTACK = "ministack==1.5.33"
OPERATIONS = ["sts:GetCallerIdentity", "kms:Encrypt", "dynamodb:PutItem", "s3:PutObject", "cognito-idp:InitiateAuth"]
PASSWORD = "Correct-Horse-7-Battery"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["kms:Encrypt"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["dynamodb:PutItem"], "Resource": "arn:aws:dynamodb:*:*:table/bench"},
        {"Effect": "Allow", "Action": ["s3:PutObject"], "Resource": "arn:aws:s3:::bench/*"},
    ],
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu(pid):
    """User and system seconds of a process and of the children it waited for."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return sum(map(int, fields[11:15])) / TICK


def tree(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [p for child in children for p in tree(int(child))]


def memory(pid):
    """Resident bytes."""
    line = next(l for l in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if l.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


class Server:
    def clients(self, key, secret):
        session = boto3.Session(key, secret, region_name="us-east-1")
        config = Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"})
        return lambda service: session.client(service, endpoint_url=self.endpoint, config=config)

    def cpu(self):
        return sum(cpu(pid) for pid in tree(self.pid))

    def memory(self):
        return sum(memory(pid) for pid in tree(self.pid))

    def wait(self, admin):
        patience = time.monotonic() + 60
        while True:
            try:
                return admin("sts").get_caller_identity()
            except Exception:
                if time.monotonic() > patience:
                    raise
                time.sleep(0.01)


class Countersign(Server):
    name = "countersign"

    def __init__(self):
        self.data, self.port = tempfile.mkdtemp(prefix="countersign-bench-"), free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        program = os.environ.get("COUNTERSIGN", ROOT / "target" / "release" / "countersign")
        began = time.monotonic()
        command = [program, "up", "--empty", "--detach", "--output", "json", "--data", self.data, "--port", str(self.port)]
        facts = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        lines = pathlib.Path(facts["credentials"]).read_text().splitlines()
        keys = dict(line.split(" = ") for line in lines if " = " in line)
        self.admin = self.clients(keys["aws_access_key_id"], keys["aws_secret_access_key"])
        self.wait(self.admin)
        self.start = time.monotonic() - began
        self.pid = json.loads((pathlib.Path(self.data) / "ready.json").read_text())["pid"]

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)
        time.sleep(1)
        shutil.rmtree(self.data, ignore_errors=True)


class Ministack(Server):
    name = "ministack"

    def __init__(self):
        home = ROOT / "target" / "peer"
        if not (home / "bin" / "hypercorn").exists():
            venv.create(home, with_pip=True)
            subprocess.run([home / "bin" / "pip", "install", "-q", MINISTACK], check=True)
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        environment = os.environ | {"AUTH": "true", "GATEWAY_PORT": str(self.port), "LOG_LEVEL": "WARNING", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        began = time.monotonic()
        command = [home / "bin" / "hypercorn", "ministack.app:app", "--bind", f"127.0.0.1:{self.port}", "--keep-alive", "75"]
        self.process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self.process.pid
        self.admin = self.clients("test", "test")
        self.wait(self.admin)
        self.start = time.monotonic() - began

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def scene(server):
    """A user who may do exactly what is measured, and what it is done to."""
    admin = server.admin
    admin("iam").create_user(UserName="bench")
    admin("iam").put_user_policy(UserName="bench", PolicyName="bench", PolicyDocument=json.dumps(POLICY))
    made = admin("iam").create_access_key(UserName="bench")["AccessKey"]
    key = admin("kms").create_key()["KeyMetadata"]["KeyId"]
    admin("dynamodb").create_table(
        TableName="bench",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    admin("dynamodb").get_waiter("table_exists").wait(TableName="bench", WaiterConfig={"Delay": 1})
    admin("s3").create_bucket(Bucket="bench")
    cognito = admin("cognito-idp")
    pool = cognito.create_user_pool(PoolName="bench")["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="bench", ExplicitAuthFlows=flows)["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username="bench", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(UserPoolId=pool, Username="bench", Password=PASSWORD, Permanent=True)
    return Credentials(made["AccessKeyId"], made["SecretAccessKey"]), {"key": key, "client": client}


def requests(operation, made, count, tag):
    """Unsigned requests: method, path, headers, body."""
    json_of = lambda target, version: {"x-amz-target": target, "content-type": f"application/x-amz-json-{version}"}
    for i in range(count):
        match operation:
            case "sts:GetCallerIdentity":
                yield "POST", "/", {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, b"Action=GetCallerIdentity&Version=2011-06-15"
            case "kms:Encrypt":
                yield "POST", "/", json_of("TrentService.Encrypt", "1.1"), json.dumps({"KeyId": made["key"], "Plaintext": "aGVsbG8gd29ybGQ="}).encode()
            case "dynamodb:PutItem":
                item = {"id": {"S": f"{tag}-{i}"}, "name": {"S": "a thing"}, "count": {"N": str(i)}, "tags": {"SS": ["a", "b"]}}
                yield "POST", "/", json_of("DynamoDB_20120810.PutItem", "1.0"), json.dumps({"TableName": "bench", "Item": item}).encode()
            case "s3:PutObject":
                yield "PUT", f"/bench/{tag}-{i}", {"content-type": "application/octet-stream"}, b"x" * 1024
            case "cognito-idp:InitiateAuth":
                given = {"USERNAME": "bench", "PASSWORD": PASSWORD}
                body = {"AuthFlow": "USER_PASSWORD_AUTH", "ClientId": made["client"], "AuthParameters": given}
                yield "POST", "/", json_of("AWSCognitoIdentityProviderService.InitiateAuth", "1.1"), json.dumps(body).encode()


def signed(operation, server, credentials, scene, count, tag):
    service = operation.split(":")[0]
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(credentials, service, "us-east-1")
    made = []
    for method, path, headers, body in requests(operation, scene, count, tag):
        request = AWSRequest(method=method, url=server.endpoint + path, headers=headers, data=body)
        request.context["payload_signing_enabled"] = True
        if service != "cognito-idp":  # customers sign in without AWS credentials
            signer.add_auth(request)
        lines = [f"{method} {path} HTTP/1.1", f"host: 127.0.0.1:{server.port}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items() if name.lower() not in ("host", "content-length")]
        made.append("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return made


def answer(reader):
    status = reader.readline()
    length, chunked = 0, False
    while (line := reader.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
        chunked |= name.lower() == b"transfer-encoding" and b"chunked" in value
    body = reader.read(length)
    while chunked and (size := int(reader.readline(), 16)):
        body += reader.read(size)
        reader.readline()
    if chunked:
        reader.readline()
    if b" 200 " not in status:
        raise RuntimeError(f"{status!r} {body[:300]!r}")


def send(port, share, failures):
    try:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader = connection.makefile("rb")
            for request in share:
                connection.sendall(request)
                answer(reader)
    except Exception as failure:
        failures.append(failure)


def timed(server, made, connections):
    failures = []
    threads = [threading.Thread(target=send, args=(server.port, made[n::connections], failures)) for n in range(connections)]
    before, began = server.cpu(), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return (server.cpu() - before) / len(made) * 1e6, len(made) / (time.monotonic() - began)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--requests", type=int, default=2000, help="per round")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--connections", type=int, default=8)
    options.add_argument("--alone", action="store_true", help="without ministack")
    options.add_argument("operations", nargs="*", default=OPERATIONS)
    given = options.parse_args()
    servers = []
    try:
        for kind in [Countersign] if given.alone else [Countersign, Ministack]:
            servers.append(kind())
        time.sleep(2)
        for server in servers:
            print(f"{server.name}: first answer after {server.start:.2f} s, {server.memory() / 1e6:.0f} MB resident when idle")
        scenes = [scene(server) for server in servers]
        print(f"{'operation':24}" + "".join(f"{s.name + ' µs CPU':>20}{'req/s':>9}" for s in servers) + ("" if given.alone else f"{'ratio':>8}"))
        for operation in given.operations:
            cost, rate = {s.name: [] for s in servers}, {s.name: [] for s in servers}
            for number in range(given.rounds + 1):
                for server, (credentials, made_there) in zip(servers, scenes):
                    made = signed(operation, server, credentials, made_there, given.requests if number else given.requests // 4, f"{number}")
                    micros, per_second = timed(server, made, given.connections)
                    if number:  # the first round warms
                        cost[server.name].append(micros)
                        rate[server.name].append(per_second)
            medians = [statistics.median(cost[s.name]) for s in servers]
            row = "".join(f"{m:>20.0f}{statistics.median(rate[s.name]):>9.0f}" for m, s in zip(medians, servers))
            print(f"{operation:24}{row}" + ("" if given.alone else f"{medians[1] / medians[0]:>7.1f}x"), flush=True)
        for server in servers:
            print(f"{server.name}: {server.memory() / 1e6:.0f} MB resident at the end")
    finally:
        for server in servers:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
