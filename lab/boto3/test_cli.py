"""The AWS CLI, versions 1 and 2, and curl, told only `eval "$(countersign env)"`."""

import base64
import concurrent.futures
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
import uuid

import pytest
from conftest import PROGRAM, ROOT, allow

# A version of its own: it insists on its own botocore.
VERSION_1 = "awscli==1.45.11"
VENV = ROOT / "target" / "awscli"


def version_1():
    program, marker = VENV / "bin" / "aws", VENV / "installed"
    if not marker.exists() or marker.read_text() != VERSION_1:
        subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)
        subprocess.run([VENV / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", VERSION_1], check=True, timeout=600)
        marker.write_text(VERSION_1)
    return program


def version_2():
    for folder in ("/usr/local/bin", "/usr/bin"):
        found = shutil.which("aws", path=folder)
        if found and "aws-cli/2" in subprocess.run([found, "--version"], capture_output=True, text=True).stdout:
            return found
    raise AssertionError("AWS CLI 2 is missing: apt-get install awscli")


class Cli:
    """Commands in a shell that was only told `eval "$(countersign env)"`."""

    def __init__(self, runtime, program, home):
        self.runtime, self.program, self.home = runtime, program, home
        found = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        self.version = tuple(map(int, re.match(r"aws-cli/(\d+)\.(\d+)", found).groups()))

    def shell(self, script, *words, succeeds=True, cwd=None, **env):
        surroundings = {"PATH": os.environ["PATH"], "HOME": str(self.home), "AWS_PAGER": "", **env}
        script = f'eval "$({PROGRAM} env --data {self.runtime.data})" && {script}'
        done = subprocess.run(["bash", "-c", script, "bash", *map(str, words)], cwd=cwd or self.home, env=surroundings, capture_output=True, text=True, timeout=120)
        assert (done.returncode == 0) == succeeds, (words, done.stdout, done.stderr)
        return done.stdout if succeeds else done.stdout + done.stderr

    def __call__(self, *words, **more):
        # The command and its options are written together; values that stand alone may have spaces.
        words = [word for at, part in enumerate(words) for word in (part.split() if at == 0 or part.startswith("--") else [part])]
        # Before 2.13 the CLI does not know AWS_ENDPOINT_URL; version 1 has an address of its own for RDS.
        asked = "--endpoint-url" in words or (self.version >= (2, 13) or self.version[0] == 1) and words[0] != "rds"
        point = "" if asked else ' --endpoint-url "$AWS_ENDPOINT_URL"'
        return self.shell(f'exec {self.program} "$@"{point}', *words, **more)

    def json(self, *words, **more):
        return json.loads(self(*words, "--output", "json", **more))


@pytest.fixture(scope="module", params=[version_1, version_2], ids=["v1", "v2"])
def cli(request, runtime, tmp_path_factory):
    return Cli(runtime, request.param(), tmp_path_factory.mktemp("home"))


@pytest.fixture
def bucket(cli):
    name = f"cli-{uuid.uuid4().hex[:12]}"
    cli("s3 mb", f"s3://{name}")
    yield name
    cli("s3 rb --force", f"s3://{name}")


READS = """
sts get-caller-identity | iam list-users | ec2 describe-vpcs | ec2 describe-regions | ec2 describe-instances | ecs list-clusters
rds describe-db-instances | rds describe-db-engine-versions --engine postgres | organizations describe-organization
organizations list-roots | cloudtrail lookup-events --max-items 1 | wafv2 list-web-acls --scope REGIONAL | acm list-certificates
apigateway get-rest-apis | apigatewayv2 get-apis | elbv2 describe-load-balancers | logs describe-log-groups | kms list-keys
cognito-idp list-user-pools --max-results 5 | secretsmanager list-secrets | ssm describe-parameters | cloudformation list-stacks
dynamodb list-tables | ecr describe-repositories | s3api list-buckets | iam list-policies --scope AWS --max-items 2
"""


def test_every_service_answers(cli):
    commands = [c.strip() for line in READS.strip().splitlines() for c in line.split("|")]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(cli.json, commands))
    assert all(isinstance(answer, dict) for answer in answers)
    assert cli("iam list-policies --scope AWS --max-items 1 --query Policies[].PolicyName --output text").strip()


def test_objects_go_and_come(cli, bucket, tmp_path):
    big, back, url = tmp_path / "big", tmp_path / "back", f"s3://{bucket}"
    big.write_bytes(secrets.token_bytes(20_000_000))
    cli("s3 cp", str(big), f"{url}/big")
    # In parts, there and back, and from one object to another.
    assert cli.json("s3api head-object --bucket", bucket, "--key big")["ETag"].endswith('-3"')
    cli("s3 cp", f"{url}/big", f"{url}/copy")
    cli("s3 cp", f"{url}/copy", str(back))
    assert back.read_bytes() == big.read_bytes()
    assert cli.json("s3api get-object --range bytes=5-9 --bucket", bucket, "--key big", str(back))["ContentLength"] == 5
    assert back.read_bytes() == big.read_bytes()[5:10]
    cli("s3 mv", f"{url}/copy", f"{url}/moved")
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    for name in ("a/one", "a/b/two words", "ünï"):
        (tree / name).write_text(name)
    cli("s3 sync", str(tree), f"{url}/tree")
    (tree / "a" / "one").unlink()
    cli("s3 sync --delete", str(tree), f"{url}/tree")
    cli("s3 sync", f"{url}/tree", f"{url}/other")
    cli("s3 sync", f"{url}/other", str(tmp_path / "again"))
    again = {p.relative_to(tmp_path / "again").as_posix(): p.read_text() for p in (tmp_path / "again").rglob("*") if p.is_file()}
    assert again == {name: name for name in ("a/b/two words", "ünï")}
    assert "Total Objects: 6" in cli("s3 ls --recursive --summarize", url)
    cli("s3 rm --recursive", f"{url}/tree")
    assert "tree/" not in cli("s3 ls", url + "/")
    # What a bucket has not got is not taken for the bucket.
    assert "NotImplemented" in cli("s3api delete-bucket-cors --bucket", bucket, succeeds=False)
    assert "NotImplemented" in cli("s3api put-object-acl --acl private --key big --bucket", bucket, succeeds=False)
    assert cli.json("s3api head-object --bucket", bucket, "--key big")["ContentLength"] == 20_000_000


def test_presigned_addresses(cli, bucket, tmp_path):
    (tmp_path / "x").write_text("for a while")
    cli("s3 cp", str(tmp_path / "x"), f"s3://{bucket}/x")
    # Version 1 signs these with version 2 of the signature unless it is told better, which new buckets in AWS refuse, too.
    config = tmp_path / "config"
    config.write_text("[default]\ns3 =\n  signature_version = s3v4\n")
    url = cli("s3 presign --expires-in 60", f"s3://{bucket}/x", AWS_CONFIG_FILE=str(config)).strip()
    assert cli.shell('curl -sS "$1"', url) == "for a while"
    assert "SignatureDoesNotMatch" in cli.shell('curl -sS "$1"', url.replace("/x?", "/y?"))
    assert "AccessDenied" in cli.shell('curl -sS "$1"', url.split("?")[0])


def test_either_scheme_and_no_other_authority(cli, runtime):
    for scheme in ("http", "https"):
        assert cli.json("sts get-caller-identity --endpoint-url", f"{scheme}://127.0.0.1:{runtime.port}")["Account"]
    without = f'unset AWS_CA_BUNDLE REQUESTS_CA_BUNDLE; exec {cli.program} sts get-caller-identity --endpoint-url "$AWS_ENDPOINT_URL"'
    assert "SSL validation failed" in cli.shell(without, succeeds=False)


def test_lives_of_services(cli, tmp_path):
    name = f"cli-{uuid.uuid4().hex[:10]}"
    cli("dynamodb create-table --billing-mode PAY_PER_REQUEST --attribute-definitions AttributeName=id,AttributeType=S --key-schema AttributeName=id,KeyType=HASH --table-name", name)
    cli("dynamodb wait table-exists --table-name", name)
    cli("dynamodb put-item --table-name", name, "--item", '{"id": {"S": "1"}, "n": {"N": "2"}}')
    cli("dynamodb update-item --table-name", name, "--key", '{"id": {"S": "1"}}', "--update-expression", "ADD n :one", "--expression-attribute-values", '{":one": {"N": "1"}}')
    assert cli.json("dynamodb scan --table-name", name)["Items"] == [{"id": {"S": "1"}, "n": {"N": "3"}}]
    cli("dynamodb delete-table --table-name", name)

    key = cli("kms create-key --query KeyMetadata.KeyId --output text").strip()
    (tmp_path / "plain").write_bytes(b"secret")
    sealed = cli("kms encrypt --query CiphertextBlob --output text --encryption-context a=b --key-id", key, "--plaintext", f"fileb://{tmp_path}/plain").strip()
    (tmp_path / "sealed").write_bytes(base64.b64decode(sealed))
    assert cli("kms decrypt --query Plaintext --output text --encryption-context a=b --ciphertext-blob", f"fileb://{tmp_path}/sealed").strip() == "c2VjcmV0"
    assert "InvalidCiphertextException" in cli("kms decrypt --encryption-context a=c --ciphertext-blob", f"fileb://{tmp_path}/sealed", succeeds=False)

    cli("secretsmanager create-secret --secret-string hidden --kms-key-id", key, "--name", name)
    assert cli("secretsmanager get-secret-value --query SecretString --output text --secret-id", name).strip() == "hidden"
    cli("ssm put-parameter --type SecureString --value hidden --key-id", key, "--name", f"/{name}/p")
    assert cli("ssm get-parameters-by-path --with-decryption --query Parameters[].Value --output text --path", f"/{name}").strip() == "hidden"

    cli("logs create-log-group --log-group-name", name)
    cli("logs create-log-stream --log-stream-name s --log-group-name", name)
    now = cli.shell("date +%s000").strip()
    cli("logs put-log-events --log-stream-name s --log-group-name", name, "--log-events", f"timestamp={now},message=hello")
    assert cli.json("logs filter-log-events --filter-pattern hello --log-group-name", name)["events"][0]["message"] == "hello"
    if cli.version[0] == 2:
        assert "hello" in cli("logs tail", name)

    pool = cli("cognito-idp create-user-pool --query UserPool.Id --output text --pool-name", name).strip()
    client = cli("cognito-idp create-user-pool-client --explicit-auth-flows ALLOW_USER_PASSWORD_AUTH ALLOW_REFRESH_TOKEN_AUTH --query UserPoolClient.ClientId --output text --client-name c --user-pool-id", pool).strip()
    cli("cognito-idp admin-create-user --message-action SUPPRESS --username alice --user-pool-id", pool)
    cli("cognito-idp admin-set-user-password --permanent --password Correct-horse-1 --username alice --user-pool-id", pool)
    done = cli.json("cognito-idp initiate-auth --auth-flow USER_PASSWORD_AUTH --auth-parameters USERNAME=alice,PASSWORD=Correct-horse-1 --client-id", client)
    assert done["AuthenticationResult"]["AccessToken"]
    cli("cognito-idp delete-user-pool --user-pool-id", pool)

    vpc = cli("ec2 create-vpc --cidr-block 10.9.0.0/16 --query Vpc.VpcId --output text").strip()
    assert cli("ec2 describe-security-groups --query SecurityGroups[].GroupName --output text --filters", f"Name=vpc-id,Values={vpc}").strip() == "default"
    cli("ec2 delete-vpc --vpc-id", vpc)
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    cli("iam create-role --role-name", name, "--assume-role-policy-document", json.dumps(trust))
    assert cli.json("iam get-role --role-name", name)["Role"]["AssumeRolePolicyDocument"] == trust
    cli("iam delete-role --role-name", name)


def parameter(value):
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}


def until(look, seconds=20):
    for _ in range(seconds * 2):
        if look():
            return
        time.sleep(0.5)
    assert look()


def test_stacks_are_packaged_and_deployed(cli, bucket, tmp_path):
    stack, template = f"cli-{uuid.uuid4().hex[:10]}", tmp_path / "parent.json"
    (tmp_path / "child.json").write_text(json.dumps({"Resources": {"Child": parameter("child")}}))
    parent = {
        "Parameters": {"Value": {"Type": "String"}},
        "Resources": {"Own": parameter({"Ref": "Value"}), "Nested": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "child.json"}}},
        "Outputs": {"Own": {"Value": {"Ref": "Own"}}},
    }
    if cli.version[0] == 2 and cli.version < (2, 13):
        # It uploads to no other endpoint than AWS's.
        del parent["Resources"]["Nested"]
        template.write_text(json.dumps(parent))
    else:
        template.write_text(json.dumps(parent))
        cli("cloudformation package --template-file parent.json --output-template-file packaged.yaml --s3-bucket", bucket, cwd=tmp_path)
        template = tmp_path / "packaged.yaml"
    deploy = lambda value: cli("cloudformation deploy --no-fail-on-empty-changeset --tags team=shop --template-file", str(template), "--stack-name", stack, "--parameter-overrides", f"Value={value}")
    value = lambda: cli("ssm get-parameter --query Parameter.Value --output text --name", own).strip()
    deploy("one")
    own = cli("cloudformation describe-stacks --query Stacks[0].Outputs[0].OutputValue --output text --stack-name", stack).strip()
    assert value() == "one" and "No changes to deploy" in deploy("one")
    cli("cloudformation update-stack --use-previous-template --parameters ParameterKey=Value,ParameterValue=two --stack-name", stack)
    until(lambda: value() == "two")
    until(lambda: cli("cloudformation describe-stacks --query Stacks[0].StackStatus --output text --stack-name", stack).strip() == "UPDATE_COMPLETE")
    cli("cloudformation delete-stack --stack-name", stack)
    until(lambda: not cli.json("ssm get-parameters --names", own)["Parameters"])


def test_whoever_may_not_is_told_so(cli, limited, bucket):
    nobody = limited(allow("s3:ListAllMyBuckets"))
    keys = nobody.session.get_credentials()
    as_nobody = f'AWS_ACCESS_KEY_ID={keys.access_key} AWS_SECRET_ACCESS_KEY={keys.secret_key} exec {cli.program} "$@" --endpoint-url "$AWS_ENDPOINT_URL"'
    cli.shell(as_nobody, "s3", "ls")
    assert "AccessDenied" in cli.shell(as_nobody, "iam", "list-users", succeeds=False)
    assert "AccessDeniedException" in cli.shell(as_nobody, "kms", "list-keys", succeeds=False)
    forged = as_nobody.replace(keys.secret_key, "forged")
    assert "SignatureDoesNotMatch" in cli.shell(forged, "s3", "ls", succeeds=False)
    assert "AccessDenied" in cli("s3 ls --no-sign-request", f"s3://{bucket}", succeeds=False)
    assert "MissingAuthenticationToken" in cli("sts get-caller-identity --no-sign-request", succeeds=False)


SIGNED = 'curl -sS --aws-sigv4 "aws:amz:$AWS_REGION:$1" --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" "${@:2}"'


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_curl_signs_for_itself(cli, runtime, bucket, tmp_path, scheme):
    here = f"{scheme}://127.0.0.1:{runtime.port}"
    assert "GetCallerIdentityResult" in cli.shell(SIGNED, "sts", f"{here}/?Action=GetCallerIdentity&Version=2011-06-15")
    listed = cli.shell(SIGNED, "dynamodb", "-H", "x-amz-target: DynamoDB_20120810.ListTables", "-H", "content-type: application/x-amz-json-1.0", "-d", "{}", here)
    assert "TableNames" in json.loads(listed)
    empty = "x-amz-content-sha256: UNSIGNED-PAYLOAD"
    (tmp_path / "x").write_text("by curl")
    cli.shell(SIGNED, "s3", "-H", empty, "-T", tmp_path / "x", f"{here}/{bucket}/x")
    assert cli.shell(SIGNED, "s3", "-H", empty, f"{here}/{bucket}/x") == "by curl"
    # The same object under the bucket's own name.
    host = f"{bucket}.s3.us-east-1.amazonaws.com"
    named = ["--connect-to", f"{host}:{443 if scheme == 'https' else 80}:127.0.0.1:{runtime.port}", f"{scheme}://{host}/x"]
    assert cli.shell(SIGNED, "s3", "-H", empty, *named) == "by curl"
    forged = SIGNED.replace("$AWS_SECRET_ACCESS_KEY", "forged")
    assert "SignatureDoesNotMatch" in cli.shell(forged, "s3", "-H", empty, *named)
