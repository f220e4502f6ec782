"""`countersign verify` on rights: who can, ways to raise them, what a change grants, idle grants; as a user runs it."""

import json
import subprocess
import xml.etree.ElementTree

import pytest
from conftest import PROGRAM

TEMPLATE = """\
Parameters:
  Resource: {Type: String, Default: "arn:aws:s3:::store/public/*"}
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      KeyPolicy:
        Version: "2012-10-17"
        Statement:
          - Sid: Account
            Effect: Allow
            Principal: {AWS: !Sub "arn:aws:iam::${AWS::AccountId}:root"}
            Action: kms:*
            Resource: "*"
  Reader:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - Sid: Decrypt
                Effect: Allow
                Action: kms:Decrypt
                Resource: !GetAtt Key.Arn
              - Sid: Objects
                Effect: Allow
                Action: s3:GetObject
                Resource: !Ref Resource
"""
RAISES = """\
              - Sid: Deployment
                Effect: Allow
                Action: [iam:PassRole, ec2:RunInstances]
                Resource: "*"
"""
DENIES = RAISES.replace("Deployment", "Never").replace("Allow", "Deny")


def verify(*arguments):
    return subprocess.run([PROGRAM, "verify", *arguments], capture_output=True, text=True, timeout=120)


def file(folder, text, name="t.yaml"):
    path = folder / name
    path.write_text(text)
    return path


def line(text, part):
    return 1 + next(at for at, line in enumerate(text.splitlines()) if part in line)


def test_who_can_lists_and_expects(tmp_path):
    path = file(tmp_path, TEMPLATE)
    ask = ["--who-can", "kms:Decrypt", "--to", "Key", path]
    done = verify(*ask)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{path}:{line(TEMPLATE, 'Sid: Decrypt')}: note: Reader can `kms:Decrypt` on Key" in done.stdout
    found = json.loads(verify(*ask, "--output", "json").stdout)["findings"]
    assert [f["subject"] for f in found] == ["Reader", "root of 111122223333"]
    [request] = found[0]["requests"]
    assert request["action"] == "kms:Decrypt" and ":assumed-role/" in request["principal"]
    assert [b["sid"] for b in request["because"]] == ["Account", "Decrypt"]
    assert verify(*ask, "--expect", "Reader,root").returncode == 0
    short = verify(*ask, "--expect", "root")
    assert short.returncode == 1 and "violated: Reader can" in short.stdout
    assert verify("--who-can", "kms:Decrypt", "--to", "Nothing", path).returncode == 2
    unknown = verify("--who-can", "Decrypt", "--to", "Key", path)
    assert unknown.returncode == 2 and "`Decrypt` is no action" in unknown.stderr


def test_a_way_to_raise_rights_is_told_until_something_stops_it(tmp_path):
    assert verify(file(tmp_path, TEMPLATE)).returncode == 0
    text = TEMPLATE + RAISES
    path = file(tmp_path, text)
    done = verify(path)
    at = line(text, "Sid: Deployment")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{path}:{at}: violated: Reader can raise its own rights (pass-role-ec2)" in done.stdout
    run = json.loads(verify(path, "--output", "sarif").stdout)["runs"][0]
    result = next(r for r in run["results"] if r["ruleId"] == "escalation" and "(pass-role-ec2)" in r["message"]["text"])
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == str(path) and place["region"]["startLine"] == at and result["level"] == "error"
    suite = xml.etree.ElementTree.fromstring(verify(path, "--output", "junit").stdout)
    case = next(c for c in suite if "(pass-role-ec2)" in c.get("name"))
    assert case.get("file") == str(path) and case.get("line") == str(at) and case.find("failure") is not None
    assert int(suite.get("failures")) == sum(1 for c in suite if c.find("failure") is not None)
    assert verify(path, "--accept", "Reader").returncode == 0
    assert verify(path, "--accept", "Reader:put-role-policy").returncode == 1
    assert verify(file(tmp_path, text + DENIES)).returncode == 0
    scp = file(tmp_path, '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"}}', "scp.json")
    assert verify(file(tmp_path, text), "--scp", scp).returncode == 0


def test_a_managed_policy_that_stands_elsewhere_is_undecided_until_it_is_given(tmp_path):
    arn = "arn:aws:iam::111122223333:policy/elsewhere"
    text = TEMPLATE.replace("      Policies:\n", f'      ManagedPolicyArns: ["{arn}"]\n      Policies:\n')
    path = file(tmp_path, text)
    unknown = verify(path)
    assert unknown.returncode == 2 and f"what the managed policy `{arn}` says is not known" in unknown.stdout
    policy = lambda action: file(tmp_path, json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}), "policy.json")
    assert verify(path, "--managed", f"{arn}={policy('s3:Get*')}").returncode == 0
    assert verify(path, "--managed", f"{arn}={policy('iam:*')}").returncode == 1


def test_a_change_that_grants_more_fails(tmp_path):
    old = file(tmp_path, TEMPLATE, "old.yaml")
    assert verify("--against", old, file(tmp_path, TEMPLATE)).returncode == 0
    wider = TEMPLATE.replace("store/public/*", "store/*")
    new = file(tmp_path, wider)
    done = verify("--against", old, new)
    assert done.returncode == 1 and f"{new}:{line(wider, 'Sid: Objects')}: violated: Reader allows what it did not before" in done.stdout, done.stdout
    assert verify("--against", new, old).returncode == 0


def test_idle_grants_are_warnings(tmp_path):
    text = (TEMPLATE + DENIES).replace("iam:PassRole, ec2:RunInstances", "s3:*").replace("kms:Decrypt", "kms:Decript", 1)
    done = verify(file(tmp_path, text))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"t.yaml:{line(text, 'Sid: Objects')}: warning:" in done.stdout and "never allows anything" in done.stdout
    assert f"t.yaml:{line(text, 'Sid: Decrypt')}: warning:" in done.stdout and "no action is called `kms:Decript`" in done.stdout


@pytest.mark.parametrize("text, said", [
    ("Resources: [1, 2\n", "`{path}`:2:1: "),
    (TEMPLATE.replace("Effect: Allow\n                Action: kms:Decrypt", "Effect: Perhaps\n                Action: kms:Decrypt"), "{path}:27: `Reader`, Policies/0/PolicyDocument.Statement[1].Effect: "),
    ('{"format_version": "1.2", "terraform_version": "1.9",\n "resource_changes": 5}', "`{path}`:1:1: `resource_changes` is missing"),
])
def test_bad_input_is_told_with_its_place(tmp_path, text, said):
    path = file(tmp_path, text)
    done = verify(path)
    assert done.returncode == 2 and said.format(path=path) in done.stderr, done.stderr


def plan(policy, unknown):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    change = lambda kind, name, after, unknown: {
        "address": f"{kind}.{name}", "mode": "managed", "type": kind, "name": name,
        "change": {"actions": ["create"], "before": None, "after": after, "after_unknown": unknown},
    }
    role = change("aws_iam_role", "app", {"name": "app", "path": "/", "assume_role_policy": json.dumps(trust)}, {"arn": True})
    own = change("aws_iam_role_policy", "own", {"name": "own", "role": "app", **({"policy": json.dumps(policy)} if policy else {})}, unknown)
    return json.dumps({"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": [role, own]}, indent=1)


def test_a_terraform_plan(tmp_path):
    policy = lambda action: {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    ask = lambda text, *more: verify(file(tmp_path, text, "plan.json"), *more)
    good = ask(plan(policy("s3:GetObject"), {}))
    assert good.returncode == 0 and "holds: no user or role can raise its own rights" in good.stdout, good.stdout + good.stderr
    text = plan(policy("iam:PutRolePolicy"), {})
    bad = ask(text)
    at = line(text, '"aws_iam_role_policy.own"')
    assert bad.returncode == 1 and f"plan.json:{at}: violated: aws_iam_role.app can raise its own rights (put-role-policy)" in bad.stdout
    unknown = ask(plan(None, {"policy": True}))
    assert unknown.returncode == 2 and "known only after apply" in unknown.stdout and "holds" not in unknown.stdout
    who = ask(text, "--who-can", "sts:AssumeRole", "--to", "app")
    assert who.returncode == 0 and "ec2.amazonaws.com can `sts:AssumeRole`" in who.stdout
    older = file(tmp_path, plan(policy("s3:GetObject"), {}), "old.json")
    assert ask(text, "--against", older).returncode == 1
