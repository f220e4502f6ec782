"""The templates here are valid in AWS, by the judgement of cfn-lint."""

import pathlib
import subprocess
import sys

import pytest
from conftest import ROOT

TEMPLATES = [ROOT / "examples" / "securecart" / "template.yaml", ROOT / "lab" / "boto3" / "gateway.yaml"]


def lint(template):
    program = pathlib.Path(sys.executable).with_name("cfn-lint")
    return subprocess.run([program, "--regions", "us-east-1", "--", template], capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_it_is_valid_in_aws(template):
    done = lint(template)
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_property_is_told(tmp_path):
    changed = tmp_path / "template.yaml"
    text = TEMPLATES[1].read_text()
    assert "CidrBlock: 10.9.0.0/16" in text
    changed.write_text(text.replace("CidrBlock: 10.9.0.0/16", "CidrRange: 10.9.0.0/16", 1))
    done = lint(changed)
    assert done.returncode != 0 and "CidrRange" in done.stdout, done.stdout
