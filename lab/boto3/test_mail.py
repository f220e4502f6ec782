"""Codes go to a mail server where one is configured; what it does not take stays in the outbox, which says why."""

import email
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest
from conftest import PROGRAM, Runtime


class Sink(threading.Thread):
    """A mail server as small as can be (RFC 5321), which takes everything or refuses everybody."""

    def __init__(self, port=0, refuses=False):
        super().__init__(daemon=True)
        self.socket, self.messages, self.refuses = socket.create_server(("127.0.0.1", port)), [], refuses
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client, client.makefile("rwb") as lines:
                self.talk(lines)

    def talk(self, lines):
        def say(text):
            lines.write(text.encode() + b"\r\n")
            lines.flush()

        say("220 sink")
        while line := lines.readline():
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"DATA":
                say("354 go on")
                body = b""
                while (part := lines.readline()) != b".\r\n":
                    body += part
                self.messages.append(email.message_from_bytes(body))
                say("250 taken")
            elif verb == b"RCPT" and self.refuses:
                say("550 nobody of that name")
            elif verb == b"QUIT":
                say("221 bye")
                return
            else:
                say("250 sink")

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.fixture
def posting(monkeypatch):
    made = []

    def start(url):
        monkeypatch.setenv("COUNTERSIGN_SMTP", url)
        monkeypatch.setenv("COUNTERSIGN_SMTP_FROM", "shop@example.com")
        runtime = Runtime()
        made.append(runtime)
        return runtime

    yield start
    for runtime in made:
        runtime.stop()
        shutil.rmtree(runtime.data, ignore_errors=True)


def sign_up(runtime, name):
    cognito = runtime.session()("cognito-idp")
    pool = cognito.create_user_pool(PoolName="mail", AutoVerifiedAttributes=["email"], UsernameAttributes=["email"])["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="mail")["UserPoolClient"]["ClientId"]
    cognito.sign_up(ClientId=client, Username=name, Password="Correct-Horse-7-Battery", UserAttributes=[{"Name": "email", "Value": name}])
    return cognito, client


def outbox(runtime):
    told = subprocess.run([PROGRAM, "outbox", "--data", runtime.data, "--output", "json"], capture_output=True, text=True, check=True)
    return json.loads(told.stdout)


def eventually(find, seconds=20):
    end = time.monotonic() + seconds
    while not (found := find()) and time.monotonic() < end:
        time.sleep(0.1)
    assert found
    return found


def test_a_code_arrives_by_mail(posting):
    sink = Sink()
    runtime = posting(f"smtp://127.0.0.1:{sink.port}")
    cognito, client = sign_up(runtime, "ann@example.com")
    [message] = eventually(lambda: sink.messages)
    assert (message["To"], message["From"]) == ("ann@example.com", "shop@example.com")
    code = re.search(r"\d{6}", message.get_payload(decode=True).decode())[0]
    cognito.confirm_sign_up(ClientId=client, Username="ann@example.com", ConfirmationCode=code)
    eventually(lambda: all("undelivered" not in m for m in outbox(runtime)))


def test_what_is_not_taken_is_tried_again_and_stays_in_the_outbox(posting):
    sink = Sink(refuses=True)
    runtime = posting(f"smtp://127.0.0.1:{sink.port}")
    sign_up(runtime, "bob@example.com")
    eventually(lambda: "nobody of that name" in outbox(runtime)[0].get("undelivered", ""))
    # Nobody listens, and then the runtime is killed: the message still arrives.
    sink.stop()
    os.kill(runtime.pid(), 9)
    runtime.start()
    sink = Sink(port=sink.port)
    [message] = eventually(lambda: sink.messages, 40)
    assert message["To"] == "bob@example.com"
    eventually(lambda: "undelivered" not in outbox(runtime)[0])


def test_another_machine_is_not_told_in_the_clear(tmp_path):
    environment = os.environ | {"COUNTERSIGN_SMTP": "smtp://user:geheim@mail.example.com"}
    done = subprocess.run([PROGRAM, "up", "--empty", "--data", tmp_path / "data", "--port", "0"], capture_output=True, text=True, env=environment, timeout=30)
    assert done.returncode != 0 and "without TLS" in done.stderr and "geheim" not in done.stderr
