"""The CDK, unchanged: bootstrap, deploy, diff, roll back, destroy, each step as the roles that bootstrap makes."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest
from botocore.exceptions import ClientError
from conftest import PROGRAM, ROOT, Runtime

SOURCE = pathlib.Path(__file__).with_name("cdk")
APP = ROOT / "target" / "cdk"


@pytest.fixture(scope="module")
def app():
    """The application, with the CDK that it asks for from npm, kept between runs."""
    APP.mkdir(parents=True, exist_ok=True)
    wanted = (SOURCE / "package.json").read_text()
    installed = APP / "installed.json"
    for file in SOURCE.iterdir():
        shutil.copy(file, APP)
    if not installed.exists() or installed.read_text() != wanted:
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], cwd=APP, check=True, timeout=600)
        installed.write_text(wanted)
    return APP


class Cdk:
    """`cdk` in a shell that was only told `eval "$(countersign env)"`."""

    def __init__(self, runtime, app, home):
        self.runtime, self.app, self.home = runtime, app, home

    def __call__(self, *words, succeeds=True, **context):
        # Nothing of the tests' surroundings but where programs are; the CDK remembers accounts at home.
        env = {"PATH": os.environ["PATH"], "HOME": str(self.home), "CI": "1", "CDK_DISABLE_CLI_TELEMETRY": "1", "NODE_NO_WARNINGS": "1"}
        chosen = [word for name, value in context.items() for word in ("-c", f"{name}={value}")]
        script = f'eval "$({PROGRAM} env --data {self.runtime.data})" && exec node_modules/.bin/cdk "$@"'
        command = ["bash", "-c", script, "cdk", *words, "--no-notices", "--no-color", *chosen]
        done = subprocess.run(command, cwd=self.app, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        assert (done.returncode == 0) == succeeds, done.stdout
        return done.stdout

    def deploy(self, *words, **more):
        return self("deploy", "--require-approval", "never", *words, **more)


@pytest.fixture(scope="module")
def estate():
    """A runtime of its own: bootstrapping is once for an account."""
    runtime = Runtime()
    yield runtime
    runtime.stop()
    shutil.rmtree(runtime.data)


@pytest.fixture(scope="module")
def clients(estate):
    return estate.session()


@pytest.fixture(scope="module")
def cdk(estate, app, tmp_path_factory):
    cdk = Cdk(estate, app, tmp_path_factory.mktemp("home"))
    cdk("bootstrap")
    return cdk


@pytest.fixture(scope="module")
def deployed(cdk):
    cdk.deploy()
    return cdk


def stack(clients, name="Orders"):
    return clients("cloudformation").describe_stacks(StackName=name)["Stacks"][0]


def outputs(clients, name="Orders"):
    return {o["OutputKey"]: o["OutputValue"] for o in stack(clients, name)["Outputs"]}


def who(clients, event):
    """Who made the last such call that was let through."""
    found = clients("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": event}])["Events"]
    events = [json.loads(e["CloudTrailEvent"]) for e in found]
    return next(e["userIdentity"]["arn"] for e in events if "errorCode" not in e)


def code(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


def test_bootstrap_makes_what_the_cdk_needs_and_again_changes_nothing(cdk, clients):
    made = outputs(clients, "CDKToolkit")
    bucket = clients("s3").get_bucket_encryption(Bucket=made["BucketName"])["ServerSideEncryptionConfiguration"]
    assert bucket["Rules"][0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert clients("ecr").describe_repositories(repositoryNames=[made["ImageRepositoryName"]])["repositories"]
    assert clients("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")["Parameter"]["Value"] == made["BootstrapVersion"]
    assert "(no changes)" in cdk("bootstrap")


def test_a_stack_is_deployed_by_the_roles_of_bootstrap(deployed, clients):
    made = outputs(clients)
    assert stack(clients)["StackStatus"] == "CREATE_COMPLETE"
    # One role made the change set, another the resources.
    assert "cdk-hnb659fds-deploy-role" in who(clients, "ExecuteChangeSet")
    assert "cdk-hnb659fds-cfn-exec-role" in who(clients, "CreateTable")
    page = clients("ssm").get_parameter(Name="/orders/page")["Parameter"]["Value"]
    bucket, key = page.removeprefix("s3://").split("/", 1)
    found = clients("s3").get_object(Bucket=bucket, Key=key)
    assert b"<title>Orders</title>" in found["Body"].read() and found["ServerSideEncryption"] == "aws:kms"
    # What the application granted, and no more.
    session = clients("sts").assume_role(RoleArn=made["Role"], RoleSessionName="reader")["Credentials"]
    reader = deployed.runtime.session(session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    clients("s3").put_object(Bucket=made["Bucket"], Key="k", Body=b"paid")
    assert reader("s3").get_object(Bucket=made["Bucket"], Key="k")["Body"].read() == b"paid"
    assert code(lambda: reader("s3").put_object(Bucket=made["Bucket"], Key="k", Body=b"x")) == "AccessDenied"
    assert code(lambda: reader("dynamodb").put_item(TableName=made["Table"], Item={"id": {"S": "1"}})) == "AccessDeniedException"
    clients("s3").delete_object(Bucket=made["Bucket"], Key="k")
    assert "(no changes)" in deployed.deploy()


def test_a_difference_is_told_and_then_made(deployed, clients):
    told = deployed("diff", table="renamed", team="orders")
    assert "AWS::DynamoDB::Table Carts" in told and "TableName (requires replacement)" in told, told
    assert clients("cloudformation").list_change_sets(StackName="Orders")["Summaries"] == []
    before = outputs(clients)["Table"]
    deployed.deploy(table="renamed", team="orders", protected=1)
    assert outputs(clients)["Table"] == "renamed"
    assert code(lambda: clients("dynamodb").describe_table(TableName=before)) == "ResourceNotFoundException"
    role = outputs(clients)["Role"].rsplit("/", 1)[1]
    tags = {t["Key"]: t["Value"] for t in clients("iam").list_role_tags(RoleName=role)["Tags"]}
    assert tags["team"] == "orders" and tags["aws:cloudformation:stack-name"] == "Orders"
    # Tags that the stack loses, its resources lose.
    deployed.deploy("--method=direct", table="renamed", protected=1)
    assert "team" not in {t["Key"] for t in clients("iam").list_role_tags(RoleName=role)["Tags"]}
    assert "TerminationProtection is enabled" in deployed("destroy", "--force", succeeds=False, protected=1)


def test_what_fails_goes_back_or_stays_as_asked(deployed, clients):
    told = deployed.deploy(succeeds=False, broken=1, table="renamed")
    assert "Parameter name: can't be prefixed" in told and stack(clients)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    deployed.deploy("--no-rollback", succeeds=False, broken=1, table="renamed", team="new")
    assert stack(clients)["StackStatus"] == "UPDATE_FAILED" and outputs(clients)["Table"] == "renamed"
    deployed("rollback", table="renamed")
    assert stack(clients)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "team" not in {t["Key"] for t in stack(clients)["Tags"]}


def test_destroy_leaves_nothing(deployed, clients):
    made = outputs(clients)
    deployed("destroy", "--force")
    assert code(lambda: stack(clients)) == "ValidationError"
    assert code(lambda: clients("dynamodb").describe_table(TableName=made["Table"])) == "ResourceNotFoundException"
    assert code(lambda: clients("iam").get_role(RoleName=made["Role"].rsplit("/", 1)[1])) == "NoSuchEntity"
    deployed.deploy()


def test_the_roles_of_bootstrap_are_what_is_allowed(deployed, clients):
    """Less in the execution role, and nothing is made; without the role, not even begun."""
    deployed("bootstrap", "--cloudformation-execution-policies", "arn:aws:iam::aws:policy/AWSCloudFormationReadOnlyAccess")
    told = deployed.deploy(succeeds=False, table="other")
    assert "is not authorized to perform: dynamodb:CreateTable" in told, told
    iam, role = clients("iam"), f"cdk-hnb659fds-cfn-exec-role-{clients('sts').get_caller_identity()['Account']}-us-east-1"
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=role, PolicyArn=policy["PolicyArn"])
    iam.delete_role(RoleName=role)
    told = deployed.deploy(succeeds=False, table="other")
    assert f"{role} is invalid or cannot be assumed" in told, told
    assert code(lambda: clients("dynamodb").describe_table(TableName="other")) == "ResourceNotFoundException"


