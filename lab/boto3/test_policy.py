"""`countersign policy test`: a user's own policy tests, decided by the evaluator of the runtime."""

import json
import pathlib
import subprocess
import xml.etree.ElementTree

import pytest

from conftest import PROGRAM

ACCOUNT, OTHER = "111122223333", "444455556666"
USER, ROLE = f"arn:aws:iam::{ACCOUNT}:user/team/ann", f"arn:aws:iam::{ACCOUNT}:role/team/r"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"
OBJECT = "arn:aws:s3:::box/ann/letter"


def doc(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action="s3:*", resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def deny(action="s3:*", resource="*", **more):
    return allow(action, resource, **more) | {"Effect": "Deny"}


def to(principal, **more):
    return doc(allow(Principal=principal, **more))


ALL = doc(allow("*"))
# policies, what differs in the request, outcome
CASES = {
    "nothing attached": ({}, {}, "implicitDeny"),
    "identity": ({"identity": [doc(allow())]}, {}, "allowed"),
    "identity as text": ({"identity": json.dumps(doc(allow()))}, {}, "allowed"),
    "another action": ({"identity": [doc(allow("s3:Put*"))]}, {}, "implicitDeny"),
    "deny wins": ({"identity": [doc(allow(), deny())]}, {}, "explicitDeny"),
    "variable from the principal": ({"identity": [doc(allow(resource="arn:aws:s3:::box/${aws:username}/*"))]}, {}, "allowed"),
    "boundary silent": ({"identity": [ALL], "boundary": doc(allow("ec2:*"))}, {}, "implicitDeny"),
    "boundary allows": ({"identity": [ALL], "boundary": [doc(allow())]}, {}, "allowed"),
    "session silent": ({"identity": [ALL], "session": [doc(allow("ec2:*"))]}, {"principal": SESSION}, "implicitDeny"),
    "no session policy": ({"identity": [ALL], "session": []}, {"principal": SESSION}, "allowed"),
    "federated without a policy": ({"identity": [ALL], "session": []}, {"principal": f"arn:aws:sts::{ACCOUNT}:federated-user/f"}, "implicitDeny"),
    "each level allows": ({"identity": [ALL], "scp": [[ALL], [doc(allow())]]}, {}, "allowed"),
    "one level is silent": ({"identity": [ALL], "scp": [[ALL], [doc(allow("ec2:*"))]]}, {}, "implicitDeny"),
    "one level is empty": ({"identity": [ALL], "scp": [[ALL], []]}, {}, "implicitDeny"),
    "service-linked roles are beyond": ({"identity": [ALL], "scp": [[doc(deny())]]}, {"principal": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x.amazonaws.com/r"}, "allowed"),
    "rcp denies": ({"identity": [ALL], "rcp": [[to("*", action="*"), doc(deny(Principal="*"))]]}, {}, "explicitDeny"),
    "endpoint silent": ({"identity": [ALL], "endpoint": doc(allow("ec2:*", Principal="*"))}, {}, "implicitDeny"),
    "resource alone": ({"resource": to({"AWS": USER})}, {}, "allowed"),
    "account needs identity": ({"resource": to({"AWS": ACCOUNT})}, {}, "implicitDeny"),
    "across accounts both": ({"identity": [ALL], "resource": to({"AWS": ACCOUNT})}, {"resourceAccount": OTHER}, "allowed"),
    "across accounts one": ({"resource": to({"AWS": USER})}, {"resourceAccount": OTHER}, "implicitDeny"),
    "across accounts none": ({"identity": [ALL]}, {"resourceAccount": OTHER}, "implicitDeny"),
    "session named passes the boundary": ({"resource": to({"AWS": SESSION}), "boundary": doc(allow("ec2:*"))}, {"principal": SESSION}, "allowed"),
    "role named does not": ({"resource": to({"AWS": f"arn:aws:iam::{ACCOUNT}:role/r"}), "boundary": doc(allow("ec2:*"))}, {"principal": SESSION}, "implicitDeny"),
    "role with a path": ({"resource": to({"AWS": ROLE})}, {"principal": SESSION, "context": {"aws:PrincipalArn": ROLE}}, "allowed"),
    "service": ({"resource": to({"Service": "logs.amazonaws.com"})}, {"principal": "logs.amazonaws.com", "principalType": "Service"}, "allowed"),
    "anonymous": ({"resource": to("*")}, {"principal": "*", "principalType": "Anonymous", "principalAccount": ""}, "allowed"),
    "root": ({}, {"principal": f"arn:aws:iam::{ACCOUNT}:root"}, "allowed"),
    "a key's own policy must grant": ({"identity": [ALL], "resource": to({"AWS": OTHER}, action="kms:*")}, {"action": "kms:Decrypt", "resource": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/k"}, "implicitDeny"),
    "trust": ({"resource": doc({"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}), "identity": [doc(allow("sts:*"))]}, {"action": "sts:AssumeRole", "resource": ROLE}, "allowed"),
    "facts": ({"identity": [doc(allow(Condition={"StringEquals": {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": OTHER}}))], "resource": to({"AWS": ACCOUNT})}, {"resourceAccount": OTHER}, "allowed"),
    "facts taken away": ({"identity": [doc(allow(Condition={"Null": {"aws:PrincipalArn": "true"}}))]}, {"context": {"aws:PrincipalArn": None}}, "allowed"),
    "numbers and flags": ({"identity": [doc(allow(Condition={"NumericLessThan": {"s3:max-keys": "10"}, "Bool": {"aws:SecureTransport": "true"}}))]}, {"context": {"s3:max-keys": 3, "aws:SecureTransport": True}}, "allowed"),
    "sets": ({"identity": [doc(allow(Condition={"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}}))]}, {"context": {"aws:TagKeys": ["a", "c"]}}, "implicitDeny"),
}


def case(name):
    policies, request, outcome = CASES[name]
    base = {"principal": USER, "principalAccount": ACCOUNT, "action": "s3:GetObject", "resource": OBJECT, "resourceAccount": ACCOUNT, "context": {}}
    return {"id": name, "policies": policies, "request": base | request, "expect": outcome, "source": "a field that is not known"}


def run(tmp_path, text, *options):
    file = tmp_path / "cases.json"
    file.write_text(text)
    return subprocess.run([PROGRAM, "policy", "test", file, *options], capture_output=True, text=True)


@pytest.mark.parametrize("form", ["array", "lines"])
def test_every_layer_has_its_say(tmp_path, form):
    cases = [case(name) for name in CASES]
    text = json.dumps(cases, indent=1) if form == "array" else "\n".join(map(json.dumps, cases))
    done = run(tmp_path, text)
    assert (done.returncode, done.stdout) == (0, f"{len(cases)} cases: {len(cases)} passed, 0 failed, 0 not decided\n")


def test_every_case_can_fail(tmp_path):
    outcomes = ["allowed", "implicitDeny", "explicitDeny"]
    wrong = [c | {"expect": o} for c in map(case, CASES) for o in outcomes if o != c["expect"]]
    done = run(tmp_path, json.dumps(wrong), "--output", "json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["failed"], told["passed"]) == (1, len(wrong), 0)
    assert all(r["outcome"] != r["expect"] and r["explanation"] for r in told["results"])


def test_a_mismatch_is_explained_with_its_line(tmp_path):
    policy = doc(allow(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}))
    asked = case("identity") | {"id": "from home", "policies": {"identity": [policy]}}
    asked["request"]["context"] = {"aws:SourceIp": "198.51.100.7"}
    done = run(tmp_path, json.dumps([case("root"), asked], indent=2))
    lines = (tmp_path / "cases.json").read_text().splitlines()
    begins = 1 + max(i for i, line in enumerate(lines) if line == "  {")
    statement = 1 + max(i for i, line in enumerate(lines) if '"Effect"' in line) - 1
    assert done.returncode == 1
    assert f"cases.json:{begins}: case `from home`: expected allowed, decided implicitDeny" in done.stdout
    assert f"cases.json:{statement}) would, but its condition IpAddress wants `aws:SourceIp` to be `192.0.2.0/24` and the request has `198.51.100.7`" in done.stdout


def test_what_cannot_be_read_is_named_and_the_rest_is_decided(tmp_path):
    malformed = case("identity") | {"policies": {"identity": [doc(allow() | {"Effect": "Alow"})]}}
    without = {k: v for k, v in case("identity").items() if k != "expect"}
    lines = [json.dumps(malformed), '{"id": nonsense', json.dumps(without), json.dumps(case("root"))]
    done = run(tmp_path, "\n".join(lines))
    assert done.returncode == 2
    assert "cases.json:1: case `identity`: error: `policies.identity`" in done.stdout and "Statement[1].Effect" in done.stdout
    assert "cases.json:2: case ``: error: this is not JSON" in done.stdout
    assert "missing field `expect`" in done.stdout
    assert done.stdout.endswith("4 cases: 1 passed, 0 failed, 3 not decided\n")
    assert run(tmp_path, '[{"id": 1},').returncode == 2


def test_junit(tmp_path):
    wrong = case("identity") | {"id": "<a&b>", "expect": "explicitDeny"}
    suite = xml.etree.ElementTree.fromstring(run(tmp_path, json.dumps([case("root"), wrong]), "--output", "junit").stdout)
    assert suite.attrib["tests"] == "2" and suite.attrib["failures"] == "1"
    assert suite[1].attrib["name"] == "<a&b>" and "s3:GetObject" in suite[1][0].text


CHECKS = pathlib.Path(__file__).resolve().parents[2] / "prove" / "tests" / "policy" / "cases.jsonl"


def checks():
    return [json.loads(line) for line in CHECKS.read_text().splitlines() if line.startswith("{")]


def test_checks_are_proved(tmp_path):
    cases = [c for c in checks() if c["expect"] in ("PASS", "FAIL")]
    wrong = [c | {"expect": {"PASS": "FAIL", "FAIL": "PASS"}[c["expect"]]} for c in cases]
    texts = [c | {k: json.dumps(v) for k, v in c.items() if k.endswith("Document")} for c in cases]
    for given in (cases, texts):
        done = run(tmp_path, "\n".join(map(json.dumps, given)))
        assert (done.returncode, done.stdout) == (0, f"{len(cases)} cases: {len(cases)} passed, 0 failed, 0 not decided\n")
    told = json.loads(run(tmp_path, json.dumps(wrong), "--output", "json").stdout)
    assert told["failed"] == len(wrong)
    assert all("allowed: `" in r["explanation"] for r in told["results"] if r["outcome"] == "FAIL")


def test_a_failed_check_shows_a_request_and_the_statement(tmp_path):
    new = doc(allow("s3:GetObject", "arn:aws:s3:::box/*"), allow("s3:PutObject", "arn:aws:s3:::box/*"))
    asked = {"id": "wider", "check": "CheckNoNewAccess", "policyType": "IDENTITY_POLICY", "expect": "PASS",
             "existingPolicyDocument": doc(allow("s3:Get*")), "newPolicyDocument": new}
    done = run(tmp_path, json.dumps([asked]))
    assert done.returncode == 1
    assert "case `wider`: expected PASS, decided FAIL" in done.stdout
    assert "allowed: `s3:PutObject` on `arn:aws:s3:::box/" in done.stdout and "cases.json:1" in done.stdout


@pytest.mark.parametrize("change,why", [
    ({"check": "CheckNothing"}, "unknown variant `CheckNothing`"),
    ({"policyType": "POLICY"}, "`policyType` is `IDENTITY_POLICY` or `RESOURCE_POLICY`"),
    ({"newPolicyDocument": doc(allow() | {"Effect": "Alow"})}, "`newPolicyDocument` (line 1 of the file)"),
    ({"existingPolicyDocument": None}, "`existingPolicyDocument`"),
])
def test_a_check_that_cannot_be_read_is_named(tmp_path, change, why):
    asked = {"check": "CheckNoNewAccess", "policyType": "IDENTITY_POLICY", "existingPolicyDocument": ALL, "newPolicyDocument": ALL, "expect": "PASS"}
    done = run(tmp_path, json.dumps(asked | change))
    assert done.returncode == 2 and why in done.stdout
