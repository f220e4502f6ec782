"""After a restart `up` is ready only when the services that ran before are back; if they are not, it says so."""

import json
import os
import signal
import subprocess

import pytest
from conftest import PROGRAM


@pytest.mark.parametrize("end", ["down", "kill"])
def test_the_shop_answers_as_soon_as_up_returns(shop, end):
    assert shop.ask("GET", "catalogue").status_code == 200
    shop.stop() if end == "down" else os.kill(shop.pid(), signal.SIGKILL)
    shop.start()
    # No second try: what is ready answers.
    assert [shop.ask("GET", "catalogue").status_code for _ in range(10)] == [200] * 10
    assert shop.facts["notReady"] == []


def test_what_does_not_come_back_is_named(shop, tmp_path):
    shop.stop()
    command = [PROGRAM, "up", "--detach", "--output", "json", "--data", shop.data, "--port", str(shop.port), "--images", tmp_path, "--wait", "10"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    lacks = json.loads(done.stdout)["notReady"]
    assert lacks and all(line.startswith("service ") and "0 of" in line for line in lacks), lacks
    shop.stop()
    shop.start()
    assert shop.facts["notReady"] == [] and shop.ask("GET", "catalogue").status_code == 200
