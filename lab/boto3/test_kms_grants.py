"""Grants of KMS keys: who may use a key by them, and when no longer."""

import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import allow

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}


def code(call, *arguments, **parameters):
    try:
        call(*arguments, **parameters)
    except ClientError as refused:
        return refused.response["Error"]["Code"]
    return "OK"


@pytest.fixture
def kms(admin):
    return admin("kms")


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture
def grantee(limited, account):
    """A principal without any policy: its KMS client, with its ARN."""

    def make(policy=None):
        clients = limited(policy)
        client = clients("kms")
        client.arn = f"arn:aws:iam::{account}:user/{clients.name}"
        return client

    return make


def encrypt(client, key, **more):
    return code(client.encrypt, KeyId=key, Plaintext=b"x", **more)


def test_a_grant_lets_its_grantee_do_what_it_says(kms, key, grantee):
    bob, eve = grantee(), grantee()
    assert encrypt(bob, key) == "AccessDeniedException"
    made = kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo", "DescribeKey"], Name="bobs")
    assert len(made["GrantId"]) == 64 and made["GrantToken"]
    blob = bob.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[made["GrantToken"]])["CiphertextBlob"]
    assert bob.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
    assert bob.describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
    again = bob.re_encrypt(CiphertextBlob=blob, DestinationKeyId=key, DestinationEncryptionContext={"a": "b"})["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=again, EncryptionContext={"a": "b"})["Plaintext"] == b"x"
    for call, parameters in [(bob.decrypt, {"CiphertextBlob": blob}), (bob.generate_data_key_without_plaintext, {"KeyId": key, "KeySpec": "AES_256"}), (bob.list_grants, {"KeyId": key}), (eve.describe_key, {"KeyId": key})]:
        assert code(call, **parameters) == "AccessDeniedException"
    assert encrypt(eve, key, GrantTokens=[made["GrantToken"]]) == "AccessDeniedException"
    assert encrypt(bob, key, GrantTokens=["bm90aGluZw=="]) == "InvalidGrantTokenException"
    assert encrypt(bob, kms.create_key()["KeyMetadata"]["Arn"]) == "AccessDeniedException"
    listed = kms.list_grants(KeyId=key, GranteePrincipal=bob.arn)["Grants"]
    assert [(g["GrantId"], g["Name"], g["GranteePrincipal"], g["KeyId"]) for g in listed] == [(made["GrantId"], "bobs", bob.arn, key)]


def test_a_grant_ends(kms, key, grantee):
    bob = grantee()
    made = kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"])
    kms.disable_key(KeyId=key)
    assert encrypt(bob, key) == "DisabledException"
    kms.enable_key(KeyId=key)
    assert encrypt(bob, key) == "OK"
    assert code(bob.revoke_grant, KeyId=key, GrantId=made["GrantId"]) == "AccessDeniedException"
    assert code(kms.revoke_grant, KeyId=key, GrantId=made["GrantId"], DryRun=True) == "DryRunOperationException"
    kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    assert encrypt(bob, key) == "AccessDeniedException"
    assert code(kms.revoke_grant, KeyId=key, GrantId=made["GrantId"]) == "NotFoundException"
    assert code(kms.revoke_grant, KeyId=key, GrantId="none") == "InvalidGrantIdException"
    assert encrypt(kms, key, GrantTokens=[made["GrantToken"]]) == "InvalidGrantTokenException"


def test_a_role_made_anew_is_not_the_grantee(admin, runtime, kms, key, account):
    iam, name = admin("iam"), f"r-{uuid.uuid4().hex[:12]}"

    def session():
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST).replace('"*"', f'"{account}"'))["Role"]["Arn"]
        got = admin("sts").assume_role(RoleArn=arn, RoleSessionName="worker")["Credentials"]
        return arn, runtime.session(got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"])("kms")

    arn, first = session()
    kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Encrypt"])
    assert encrypt(first, key) == "OK"
    iam.delete_role(RoleName=name)
    assert encrypt(first, key) != "OK"
    _, second = session()
    assert encrypt(second, key) == "AccessDeniedException"
    kms.create_grant(KeyId=key, GranteePrincipal=arn, Operations=["Encrypt"])
    assert encrypt(second, key) == "OK"


def test_constraints_count_with_their_case(kms, key, grantee):
    for kind, context, expected in [
        ("EncryptionContextEquals", {"Team": "red"}, "OK"),
        ("EncryptionContextEquals", {"Team": "red", "more": "x"}, "AccessDeniedException"),
        ("EncryptionContextSubset", {"Team": "red", "more": "x"}, "OK"),
        ("EncryptionContextSubset", {"team": "red"}, "AccessDeniedException"),
        ("EncryptionContextSubset", {"Team": "RED"}, "AccessDeniedException"),
    ]:
        bob = grantee()
        kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"], Constraints={kind: {"Team": "red"}})
        assert encrypt(bob, key, EncryptionContext=context) == expected, (kind, context)


def test_denies_are_beyond_grants(kms, key, grantee):
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}]}
    bob = grantee(deny)
    kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"])
    assert encrypt(bob, key) == "AccessDeniedException"


def test_grants_by_a_grant_are_no_wider(kms, key, grantee):
    bob, eve = grantee(), grantee()
    kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["CreateGrant", "Encrypt"])
    assert code(bob.create_grant, KeyId=key, GranteePrincipal=eve.arn, Operations=["Decrypt"]) == "AccessDeniedException"
    bob.create_grant(KeyId=key, GranteePrincipal=eve.arn, Operations=["Encrypt"])
    assert encrypt(eve, key) == "OK"


def test_who_retires(kms, key, grantee):
    bob, rex = grantee(), grantee()
    make = lambda **more: kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, **{"Operations": ["Encrypt"], **more})
    made = make(RetiringPrincipal=rex.arn)
    assert code(bob.retire_grant, KeyId=key, GrantId=made["GrantId"]) == "AccessDeniedException"
    assert kms.list_retirable_grants(RetiringPrincipal=rex.arn)["Grants"][0]["GrantId"] == made["GrantId"]
    assert code(rex.list_retirable_grants, RetiringPrincipal=rex.arn) == "AccessDeniedException"
    rex.retire_grant(GrantToken=made["GrantToken"])
    assert encrypt(bob, key) == "AccessDeniedException"
    assert code(kms.retire_grant, GrantToken=made["GrantToken"]) == "InvalidGrantTokenException"
    made = make(Operations=["Encrypt", "RetireGrant"])
    bob.retire_grant(KeyId=key, GrantId=made["GrantId"])
    assert encrypt(bob, key) == "AccessDeniedException"


def test_what_is_refused_and_what_is_the_same(kms, key, grantee, account):
    bob = grantee()
    for more, expected in [
        ({"GranteePrincipal": f"arn:aws:iam::{account}:role/none"}, "InvalidArnException"),
        ({"Operations": ["GenerateMac"]}, "ValidationException"),
        ({"Constraints": {"EncryptionContextEquals": {"a": "b"}, "EncryptionContextSubset": {"a": "b"}}}, "ValidationException"),
        ({"KeyId": str(uuid.uuid4())}, "NotFoundException"),
        ({"DryRun": True}, "DryRunOperationException"),
    ]:
        assert code(kms.create_grant, **{"KeyId": key, "GranteePrincipal": bob.arn, "Operations": ["Encrypt"], **more}) == expected, more
    one, two = [kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"], Name="n") for _ in range(2)]
    assert one["GrantId"] == two["GrantId"] and one["GrantToken"] != two["GrantToken"]
    for _ in range(3):
        kms.create_grant(KeyId=key, GranteePrincipal=bob.arn, Operations=["Encrypt"])
    pages = kms.get_paginator("list_grants").paginate(KeyId=key, PaginationConfig={"PageSize": 2})
    assert [len(page["Grants"]) for page in pages] == [2, 2]


def test_policies_limit_the_making(admin, kms, key, grantee):
    bob = grantee()
    maker = grantee(allow("kms:CreateGrant", Condition={"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt"]}, "StringEquals": {"kms:GranteePrincipal": bob.arn}}))
    make = lambda to, *operations: code(maker.create_grant, KeyId=key, GranteePrincipal=to.arn, Operations=list(operations))
    assert make(bob, "Encrypt") == "OK"
    assert make(bob, "Encrypt", "Decrypt") == "AccessDeniedException"
    assert make(maker, "Encrypt") == "AccessDeniedException"
    for _ in range(20):
        found = admin("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateGrant"}])["Events"]
        events = [json.loads(e["CloudTrailEvent"]) for e in found]
        mine = [e for e in events if e["requestParameters"].get("granteePrincipal") == bob.arn and "errorCode" not in e]
        if mine:
            break
        time.sleep(0.2)
    assert len(mine[0]["responseElements"]["grantId"]) == 64
    assert mine[0]["requestParameters"]["operations"] == ["Encrypt"] and mine[0]["readOnly"] is False
    assert key in [r["ARN"] for r in mine[0]["resources"]]
