"""Every operation that is served, called by a principal without any policy: each one is denied."""

import pathlib
import re

import botocore.session
import pytest
from botocore.exceptions import ClientError
from conftest import ROOT

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"}
# Values that patterns and meanings ask for; the rest is made from the shapes.
KNOWN = {
    "Bucket": "some-bucket", "Key": "some-key", "CopySource": "some-bucket/some-key", "UploadId": "upload",
    "RoleArn": "arn:aws:iam::111122223333:role/some", "PolicyArn": "arn:aws:iam::111122223333:policy/some",
    "PermissionsBoundary": "arn:aws:iam::111122223333:policy/some", "RoleSessionName": "session",
    "AccessKeyId": "AKIAAAAAAAAAAAAAAAAA", "AuthenticationCode1": "123456", "AuthenticationCode2": "654321", "AliasName": "alias/some", "PolicyDocument": "{}", "Policy": "{}",
    "AssumeRolePolicyDocument": "{}", "Path": "/", "VersionId": "v1", "Name": "some-name",
    "PolicyId": "p-examplepolicy", "AccountId": "111122223333", "ChildId": "111122223333", "TargetId": "r-abcd",
    "RootId": "r-abcd", "ParentId": "r-abcd", "SourceParentId": "r-abcd", "DestinationParentId": "r-abcd",
    "OrganizationalUnitId": "ou-abcd-abcdefgh", "CreateAccountRequestId": "car-" + "a" * 32, "Email": "a@example.com",
    "TagKeys": ["some"], "ResourceType": "Parameter", "ResourceId": "some", "Names": ["some"], "SecretId": "some",
    "statusCode": "200", "StackName": "some", "ChangeSetName": "some", "TemplateBody": "{}", "LogicalResourceId": "Some", "ResourcePolicy": "{}",
    "CertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/01234567-89ab-cdef-0123-456789abcdef",
    "UserPoolId": "us-east-1_AbCdEfGhI",
    "IdentityPoolId": "us-east-1:01234567-89ab-cdef-0123-456789abcdef", "IdentityId": "us-east-1:01234567-89ab-cdef-0123-456789abcdef",
    "IdentityIdsToDelete": "us-east-1:01234567-89ab-cdef-0123-456789abcdef",
    "LockToken": "01234567-89ab-cdef-0123-456789abcdef", "Id": "01234567-89ab-cdef-0123-456789abcdef",
}

# The same where a service means something else by a name.
MEANT = {
    "accessanalyzer": {
        "analyzerArn": "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/some",
        "resourceArn": "arn:aws:access-analyzer:us-east-1:111122223333:analyzer/some",
        "accessPreviewId": "01234567-89ab-cdef-0123-456789abcdef",
        "principalArn": "arn:aws:iam::111122223333:role/some",
    },
    "cognito-identity": {"ResourceArn": "arn:aws:cognito-identity:us-east-1:111122223333:identitypool/us-east-1:01234567-89ab-cdef-0123-456789abcdef"},
    "cognito-idp": {"ResourceArn": "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_AbCdEfGhI"},
    "ec2": {"ResourceType": "VPC"},
    "elbv2": {"Key": "some.key"},
    "organizations": {"ResourceId": "r-abcd"},
}


def value(shape, name, known):
    kind = shape.type_name
    # Some names are of text in one API and of a structure in another.
    if name in known and not (isinstance(known[name], str) and kind in ("structure", "map", "list")):
        return known[name]
    if kind == "structure":
        return {m: value(s, m, known) for m, s in shape.members.items() if m in shape.required_members}
    if kind == "list":
        item = value(shape.member, name, known)
        if item == {} and shape.member.type_name == "structure":
            # The query protocol has no empty structures: a list of them would not be sent at all.
            item = {m: value(s, m, known) for m, s in list(shape.member.members.items())[:1]}
        return [item] * max(1, shape.metadata.get("min", 1))
    if kind == "map":
        return {value(shape.key, "key", known): value(shape.value, "value", known)} if shape.metadata.get("min") else {}
    if kind in ("integer", "long"):
        return max(1, shape.metadata.get("min", 1))
    if kind == "boolean":
        return True
    if kind == "blob":
        return b"x" * max(1, shape.metadata.get("min", 1))
    if kind == "timestamp":
        return 0
    if shape.enum:
        return shape.enum[0]
    return "a" * max(1, shape.metadata.get("min", 1))


def served():
    for model in sorted((ROOT / "services").glob("*/*.model")):
        table = model.with_suffix(".iam").read_text()
        means = {o: actions.split() for o, actions in re.findall(r"^operation (\w+) = (.+)$", table, re.M)}
        for name in re.findall(r"^operation (\w+) ", model.read_text(), re.M):
            yield pytest.param(model.parent.name, name, means.get(name, [name]), id=f"{model.parent.name}-{name}")


@pytest.fixture(scope="module")
def nobody(limited):
    return limited()


@pytest.mark.parametrize("service, operation, actions", list(served()))
def test_nothing_is_open(nobody, service, operation, actions):
    client = nobody(service)
    shape = client.meta.service_model.operation_model(operation).input_shape
    known = KNOWN | MEANT.get(service, {})
    given = {m: value(shape.members[m], m, known) for m in shape.required_members} if shape else {}
    if actions == ["free"]:
        # It may fail, but not for want of a permission.
        try:
            client._make_api_call(operation, given)
        except ClientError as refused:
            assert refused.response["Error"]["Code"] not in DENIED
        return
    with pytest.raises(ClientError) as refused:
        client._make_api_call(operation, given)
    error = refused.value.response["Error"]
    assert error["Code"] in DENIED, error
    asked = re.search(r"perform: [\w-]+:(\w+)", error["Message"])
    assert not asked or asked[1] in actions, f"asked for {asked[0]}, which the action table does not tell"


def test_the_matrix_is_not_empty():
    assert len(list(served())) > 100
    assert botocore.session.get_session() and pathlib.Path(ROOT).exists()
