"""`countersign template check`: wrong is told apart from not served, with the place."""

import json
import subprocess

import pytest
from conftest import PROGRAM

KEY = "Resources:\n  Key:\n    Type: AWS::KMS::Key\n"
CASES = [
    (KEY, None),
    (KEY + "    Properties: {Enabeld: true}\n", ("wrong", 4, "did you mean `Enabled`")),
    (KEY + "    Properties: {BypassPolicyLockoutSafetyCheck: true, EnableKeyRotation: [1]}\n", ("wrong", 4, "Boolean")),
    ("Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {QueueName: q}\n", ("not-served", 3, "AWS::SQS::Queue")),
    ("Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {Queuename: q}\n", ("wrong", 4, "Queuename")),
    ("Resources:\n  Q:\n    Type: AWS::SQS::Quue\n", ("wrong", 3, "Unrecognized resource types")),
    ("Resources:\n  Q:\n    Type: Custom::Thing\n    Properties: {Anything: 1}\n", ("not-served", 3, "Custom::Thing")),
    (KEY + "Outputs:\n  Id: {Value: !Ref Kee}\n", ("wrong", 5, "Kee")),
    (KEY + "Outputs:\n  Id: {Value: !GetAtt Key.Arm}\n", ("wrong", 5, "Arm")),
    ("Transform: AWS::Serverless-2016-10-31\nResources:\n  F: {Type: AWS::Serverless::Function}\n", ("not-served", 1, "Transform")),
    ("Resources: [1, 2\n", ("wrong", None, "")),
]


def check(path, *more):
    return subprocess.run([PROGRAM, "template", "check", path, *more], capture_output=True, text=True, timeout=30)


@pytest.mark.parametrize("body,expected", CASES)
def test_problems_are_told_with_their_place_and_kind(tmp_path, body, expected):
    path = tmp_path / "template.yaml"
    path.write_text(body)
    done = check(path, "--output", "json")
    [found] = json.loads(done.stdout)
    wrong = expected is not None and expected[0] == "wrong"
    assert (done.returncode != 0) == wrong and found["valid"] == (not wrong)
    if expected is None:
        assert found["served"] and not found["problems"]
        return
    kind, line, text = expected
    assert any(p["kind"] == kind and line in (None, p["line"]) and text in p["message"] for p in found["problems"]), found


def test_sarif_names_file_and_line(tmp_path):
    path = tmp_path / "template.yaml"
    path.write_text(KEY + "    Properties: {Enabeld: true}\n")
    run = json.loads(check(path, "--output", "sarif").stdout)["runs"][0]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == str(path) and place["region"]["startLine"] == 4
