"""`countersign verify`: no path from the internet to a database without a WAF and an authorizer."""

import json
import pathlib
import subprocess

from conftest import PROGRAM

SHOP = pathlib.Path(__file__).parents[2] / "examples" / "securecart" / "template.yaml"
GUARDED = "      ResourceId: !Ref OrdersPath\n      HttpMethod: ANY\n      AuthorizationType: COGNITO_USER_POOLS\n      AuthorizerId: !Ref Authorizer\n"


def verify(*arguments):
    return subprocess.run([PROGRAM, "verify", *arguments], capture_output=True, text=True, timeout=30)


def opened(tmp_path):
    text = SHOP.read_text()
    assert GUARDED in text
    text = text.replace(GUARDED, GUARDED.replace("COGNITO_USER_POOLS", "NONE"))
    path = tmp_path / "template.yaml"
    path.write_text(text)
    before, _ = text.split("AuthorizationType: NONE\n      AuthorizerId: !Ref Authorizer")
    return path, before.count("\n") + 1


def test_the_shipped_template_holds():
    for arguments in ([], [SHOP]):
        done = verify(*arguments, "--output", "json")
        found = json.loads(done.stdout)
        assert done.returncode == 0 and found["holds"] and found["guarded"] and not found["violations"]


def test_a_method_without_authorizer_is_told_with_its_line(tmp_path):
    path, line = opened(tmp_path)
    done = verify(path)
    assert done.returncode == 1
    assert f"{path}:{line}: violated: Database is reached without an authorizer" in done.stdout
    assert f"ANY /orders AnyOrders (line {line}) [NO AUTHORIZER]" in done.stdout
    [violation] = json.loads(verify(path, "--output", "json").stdout)["violations"]
    assert violation["line"] == line and violation["missing"] == ["authorizer"]
    assert violation["hops"][-1]["name"] == "Database"
    run = json.loads(verify(path, "--output", "sarif").stdout)["runs"][0]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == str(path) and place["region"]["startLine"] == line


def test_what_cannot_be_read_is_neither(tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("Resources: [1, 2\n")
    assert verify(broken).returncode == 2
    assert verify(tmp_path / "absent.yaml").returncode == 2
    assert verify(SHOP, "--parameter", "Nobody=1").returncode == 2
