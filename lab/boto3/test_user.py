"""Without privileges: an ordinary user runs the shop, twice side by side, and neither knows the other."""

import concurrent.futures
import os
import pathlib
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
import uuid

import pytest
import requests
from botocore.exceptions import ClientError
from conftest import PROGRAM
from shop import Customer, Shop

NOBODY = pwd.getpwnam("nobody").pw_uid


@pytest.fixture(scope="module")
def user():
    """Who runs it: a user made for this, or whoever runs the tests, if that is not root."""
    if os.getuid() != 0:
        yield pwd.getpwuid(os.getuid())
        return
    name = f"cs{uuid.uuid4().hex[:10]}"
    subprocess.run(["useradd", "--system", "--create-home", "--home-dir", f"/tmp/{name}", name], check=True)
    yield pwd.getpwnam(name)
    subprocess.run(["userdel", "--remove", name], check=True, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def programs():
    """The programs where everyone may run them; the image is looked for beside the runtime."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-programs-"))
    folder.chmod(0o755)
    for program in (PROGRAM, PROGRAM.with_name("securecart")):
        shutil.copy(program, folder)
    yield folder
    shutil.rmtree(folder)


def become(user):
    return [] if os.getuid() == user.pw_uid else ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--no-new-privs", "env", f"HOME={user.pw_dir}"]


def shop_of(user, programs):
    class Own(Shop):
        program, prefix = programs / PROGRAM.name, become(user)

        def start(self):
            if os.getuid() == 0:
                os.chown(self.data, user.pw_uid, user.pw_gid)
            super().start()

    return Own()


@pytest.fixture(scope="module")
def shops(user, programs):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        pair = list(pool.map(lambda _: shop_of(user, programs), range(2)))
    yield pair
    for shop in pair:
        shop.stop()
        shutil.rmtree(shop.data)


def of(shop):
    """The processes that belong to a shop: the runtime, its descendants, and who names its folder."""
    found, parents = {}, {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = dict(line.split(":\t", 1) for line in (entry / "status").read_text().splitlines() if ":\t" in line)
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            parents[int(entry.name)] = int(status["PPid"])
            if not status["State"].startswith("Z"):
                found[int(entry.name)] = (int(status["Uid"].split()[0]), words)

    def below(pid):
        while pid > 1:
            if pid == runtime:
                return True
            pid = parents.get(pid, 0)
        return False

    try:
        runtime = shop.pid()
    except FileNotFoundError:
        runtime = -1
    return {pid: uid for pid, (uid, words) in found.items() if below(pid) or bytes(shop.data) in words}


def test_everything_is_the_users_and_for_nobody_else(shops, user):
    for shop in shops:
        running = of(shop)
        assert len(running) > 10 and set(running.values()) == {user.pw_uid}
        for path, mode in ((shop.data, 0o700), (pathlib.Path(shop.facts["credentials"]), 0o600)):
            assert stat.S_IMODE(path.stat().st_mode) == mode and path.stat().st_uid == user.pw_uid
    if os.getuid() == 0:
        credentials = shops[0].facts["credentials"]
        stranger = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        assert subprocess.run([*stranger, "cat", credentials], capture_output=True).returncode != 0
        assert subprocess.run([*become(user), "cat", credentials], capture_output=True).returncode == 0


def test_two_shops_do_not_know_each_other(shops):
    one, two = shops
    customer = Customer(one).sign_up().enrol()
    customer.ask("PUT", "cart", json={"items": {"mug": 1}})
    assert customer.ask("POST", "orders", json={}).status_code == 201
    assert two.ask("GET", "orders", token=customer.tokens["AccessToken"]).status_code == 401
    strange = two.session(one.key, one.secret)
    with pytest.raises(ClientError) as refused:
        strange("sts").get_caller_identity()
    assert refused.value.response["Error"]["Code"] == "InvalidClientTokenId"
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(one.url, verify=two.ca, timeout=10)


def test_down_leaves_nothing_running_and_up_finds_everything(shops):
    one, two = shops
    customer = Customer(one).sign_up().enrol()
    customer.ask("PUT", "cart", json={"items": {"mug": 1}})
    order = customer.ask("POST", "orders", json={}).json()["order"]
    one.stop()
    patience = time.monotonic() + 20
    while of(one) and time.monotonic() < patience:
        time.sleep(0.2)
    assert of(one) == {}
    assert two.ask("GET", "catalogue").status_code == 200
    one.start()
    for _ in range(60):
        answer = customer.ask("GET", "orders")
        if answer.status_code == 200:
            break
        time.sleep(0.5)
    assert [o["order"] for o in answer.json()["orders"]] == [order]
