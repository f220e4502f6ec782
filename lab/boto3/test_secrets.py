"""Secrets Manager and the Parameter Store: a secret is only as open as its key."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import allow


def code(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


def name():
    return f"s-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def key(admin):
    return admin("kms").create_key()["KeyMetadata"]["Arn"]


def test_versions_and_stages(admin):
    sm, n = admin("secretsmanager"), name()
    arn = sm.create_secret(Name=n, SecretString="one")["ARN"]
    one = sm.get_secret_value(SecretId=n)
    assert one["SecretString"] == "one" and one["VersionStages"] == ["AWSCURRENT"]
    two = sm.put_secret_value(SecretId=arn, SecretString="two", ClientRequestToken="t" * 32)["VersionId"]
    assert sm.put_secret_value(SecretId=arn, SecretString="two", ClientRequestToken="t" * 32)["VersionId"] == two
    assert code(lambda: sm.put_secret_value(SecretId=arn, SecretString="other", ClientRequestToken="t" * 32)) == "ResourceExistsException"
    assert sm.get_secret_value(SecretId=n)["SecretString"] == "two"
    assert sm.get_secret_value(SecretId=n, VersionStage="AWSPREVIOUS")["SecretString"] == "one"
    sm.update_secret_version_stage(SecretId=n, VersionStage="AWSCURRENT", RemoveFromVersionId=two, MoveToVersionId=one["VersionId"])
    assert sm.get_secret_value(SecretId=n)["SecretString"] == "one"
    sm.put_secret_value(SecretId=n, SecretBinary=b"\x00\xff")
    assert sm.get_secret_value(SecretId=n)["SecretBinary"] == b"\x00\xff"
    assert sm.get_secret_value(SecretId=arn[:-7])["ARN"] == arn
    assert code(lambda: sm.create_secret(Name=n, SecretString="x")) == "ResourceExistsException"
    sm.delete_secret(SecretId=n, RecoveryWindowInDays=7)
    assert code(lambda: sm.get_secret_value(SecretId=n)) == "InvalidRequestException"
    sm.restore_secret(SecretId=n)
    assert sm.get_secret_value(SecretId=n)
    sm.delete_secret(SecretId=n, ForceDeleteWithoutRecovery=True)
    assert code(lambda: sm.get_secret_value(SecretId=n)) == "ResourceNotFoundException"


def test_a_secret_needs_its_key(admin, key, limited):
    sm, n = admin("secretsmanager"), name()
    arn = sm.create_secret(Name=n, SecretString="hidden", KmsKeyId=key)["ARN"]
    without = limited(allow("secretsmanager:*"))
    assert without("secretsmanager").describe_secret(SecretId=n)["KmsKeyId"] == key
    assert code(lambda: without("secretsmanager").get_secret_value(SecretId=n)) == "AccessDeniedException"
    policy = allow("secretsmanager:GetSecretValue", resource=arn)
    context = {"StringEquals": {"kms:EncryptionContext:SecretARN": arn, "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}}
    policy["Statement"].append({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key, "Condition": context})
    allowed = limited(policy)
    assert allowed("secretsmanager").get_secret_value(SecretId=n)["SecretString"] == "hidden"
    admin("kms").disable_key(KeyId=key)
    assert code(lambda: sm.get_secret_value(SecretId=n)) == "DecryptionFailure"


def test_a_policy_on_the_secret(admin, account, limited):
    sm, n, clients = admin("secretsmanager"), name(), limited()
    sm.create_secret(Name=n, SecretString="x")
    assert code(lambda: clients("secretsmanager").get_secret_value(SecretId=n)) == "AccessDeniedException"
    user = {"AWS": f"arn:aws:iam::{account}:user/{clients.name}"}
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": user, "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}
    sm.put_resource_policy(SecretId=n, ResourcePolicy=json.dumps(document))
    assert clients("secretsmanager").get_secret_value(SecretId=n)["SecretString"] == "x"
    document["Statement"][0]["Principal"] = "*"
    assert code(lambda: sm.put_resource_policy(SecretId=n, ResourcePolicy=json.dumps(document), BlockPublicPolicy=True)) == "PublicPolicyException"


def test_random_passwords(admin):
    sm = admin("secretsmanager")
    for _ in range(20):
        made = sm.get_random_password(PasswordLength=8, ExcludePunctuation=True, ExcludeCharacters="abc")["RandomPassword"]
        assert len(made) == 8 and made.isalnum() and not set(made) & set("abc")
        assert any(c.isupper() for c in made) and any(c.islower() for c in made) and any(c.isdigit() for c in made)


def test_parameters(admin, key, limited):
    ssm, base = admin("ssm"), f"/{name()}"
    assert ssm.put_parameter(Name=f"{base}/a", Value="1", Type="String")["Version"] == 1
    assert code(lambda: ssm.put_parameter(Name=f"{base}/a", Value="2", Type="String")) == "ParameterAlreadyExists"
    assert ssm.put_parameter(Name=f"{base}/a", Value="2", Overwrite=True)["Version"] == 2
    assert ssm.get_parameter(Name=f"{base}/a:1")["Parameter"]["Value"] == "1"
    ssm.put_parameter(Name=f"{base}/deep/b", Value="secret", Type="SecureString", KeyId=key)
    ssm.put_parameter(Name=f"{base}/c", Value="default key", Type="SecureString")
    flat = ssm.get_parameters_by_path(Path=base, WithDecryption=True)["Parameters"]
    assert [(p["Name"], p["Value"]) for p in flat] == [(f"{base}/a", "2"), (f"{base}/c", "default key")]
    assert len(ssm.get_parameters_by_path(Path=base, Recursive=True)["Parameters"]) == 3
    assert ssm.get_parameter(Name=f"{base}/deep/b")["Parameter"]["Value"] != "secret"
    assert ssm.get_parameter(Name=f"{base}/deep/b", WithDecryption=True)["Parameter"]["Value"] == "secret"
    without = limited(allow("ssm:*"))
    assert without("ssm").get_parameter(Name=f"{base}/deep/b")
    assert code(lambda: without("ssm").get_parameter(Name=f"{base}/deep/b", WithDecryption=True)) == "AccessDeniedException"
    assert without("ssm").get_parameter(Name=f"{base}/c", WithDecryption=True)["Parameter"]["Value"] == "default key"
    got = ssm.get_parameters(Names=[f"{base}/a", "missing"])
    assert got["InvalidParameters"] == ["missing"] and len(got["Parameters"]) == 1
    narrow = limited(allow("ssm:GetParameter", resource=f"arn:aws:ssm:us-east-1:{admin('sts').get_caller_identity()['Account']}:parameter{base}/a"))
    assert narrow("ssm").get_parameter(Name=f"{base}/a")
    assert code(lambda: narrow("ssm").get_parameter(Name=f"{base}/c")) == "AccessDeniedException"
    assert code(lambda: ssm.get_parameter(Name="nothing")) == "ParameterNotFound"


def test_a_template_makes_and_reads_them(admin):
    import time

    cfn, stack = admin("cloudformation"), name()
    body = {
        "Resources": {
            "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"GenerateSecretString": {"SecretStringTemplate": '{"username":"app"}', "GenerateStringKey": "password", "PasswordLength": 20}}},
            "Copy": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::Sub": "{{resolve:secretsmanager:${Secret}:SecretString:username}}"}}},
        },
        "Outputs": {"Secret": {"Value": {"Ref": "Secret"}}, "Copy": {"Value": {"Ref": "Copy"}}},
    }
    cfn.create_stack(StackName=stack, TemplateBody=json.dumps(body))
    for _ in range(100):
        found = cfn.describe_stacks(StackName=stack)["Stacks"][0]
        if not found["StackStatus"].endswith("IN_PROGRESS"):
            break
        time.sleep(0.05)
    assert found["StackStatus"] == "CREATE_COMPLETE", found
    out = {o["OutputKey"]: o["OutputValue"] for o in found["Outputs"]}
    made = json.loads(admin("secretsmanager").get_secret_value(SecretId=out["Secret"])["SecretString"])
    assert made["username"] == "app" and len(made["password"]) == 20
    assert admin("ssm").get_parameter(Name=out["Copy"])["Parameter"]["Value"] == "app"
