"""S3 and KMS: content is readable only by those who may use the key as well as the bucket."""

import io
import json
import os
import uuid

import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import allow


def code(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


@pytest.fixture
def bucket(admin):
    name = f"bucket-{uuid.uuid4().hex[:16]}"
    admin("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def key(admin):
    return admin("kms").create_key()["KeyMetadata"]["Arn"]


def test_objects_come_back_as_they_went(admin, bucket):
    s3 = admin("s3")
    for name, body in [("empty", b""), ("a/b c+d&e.txt", b"hello"), ("é/ü", os.urandom(300_000)), ("big", os.urandom(9 << 20))]:
        s3.upload_fileobj(io.BytesIO(body), bucket, name, ExtraArgs={"Metadata": {"k": "v"}, "ContentType": "text/x"})
        got = s3.get_object(Bucket=bucket, Key=name)
        assert got["Body"].read() == body and got["Metadata"] == {"k": "v"} and got["ContentType"] == "text/x"
        assert s3.head_object(Bucket=bucket, Key=name)["ContentLength"] == len(body)
        if body:
            part = s3.get_object(Bucket=bucket, Key=name, Range=f"bytes={len(body) // 2}-")
            assert part["Body"].read() == body[len(body) // 2 :] and part["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert code(lambda: s3.get_object(Bucket=bucket, Key="missing")) == "NoSuchKey"
    assert code(lambda: s3.get_object(Bucket=bucket, Key="big", Range="bytes=99999999-")) == "InvalidRange"
    assert code(lambda: s3.delete_bucket(Bucket=bucket)) == "BucketNotEmpty"


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256", "CRC64NVME"])
def test_checksums_are_checked(admin, bucket, algorithm):
    s3 = admin("s3")
    try:
        s3.put_object(Bucket=bucket, Key="k", Body=b"body", ChecksumAlgorithm=algorithm)
    except Exception as missing:  # the optional awscrt package computes some of them
        if "awscrt" not in str(missing) and "CRT" not in str(missing):
            raise
    name = {"CRC32": "ChecksumCRC32", "CRC32C": "ChecksumCRC32C", "SHA1": "ChecksumSHA1", "SHA256": "ChecksumSHA256", "CRC64NVME": "ChecksumCRC64NVME"}[algorithm]
    assert code(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"body", **{name: "AAAAAA=="})) == "BadDigest"


def test_listing_in_pages_with_prefixes(admin, bucket):
    s3 = admin("s3")
    for name in ["a/1", "a/2", "b", "c/d/1", "c/d/2", "z"]:
        s3.put_object(Bucket=bucket, Key=name, Body=b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 4})
    assert [[o["Key"] for o in p["Contents"]] for p in pages] == [["a/1", "a/2", "b", "c/d/1"], ["c/d/2", "z"]]
    top = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [o["Key"] for o in top["Contents"]] == ["b", "z"] and [p["Prefix"] for p in top["CommonPrefixes"]] == ["a/", "c/"]
    found, token = [], {}
    while True:
        page = s3.list_objects_v2(Bucket=bucket, Delimiter="/", MaxKeys=1, **token)
        found += [o["Key"] for o in page.get("Contents", [])] + [p["Prefix"] for p in page.get("CommonPrefixes", [])]
        if not page["IsTruncated"]:
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert found == ["a/", "b", "c/", "z"]
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix="c/d/")["Contents"]] == ["c/d/1", "c/d/2"]


def test_versions(admin, bucket):
    s3 = admin("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"before")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    one = s3.put_object(Bucket=bucket, Key="k", Body=b"one")["VersionId"]
    two = s3.put_object(Bucket=bucket, Key="k", Body=b"two")["VersionId"]
    read = lambda **v: s3.get_object(Bucket=bucket, Key="k", **v)["Body"].read()
    assert (read(), read(VersionId=one), read(VersionId="null")) == (b"two", b"one", b"before")
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] and code(read) == "NoSuchKey"
    listed = s3.list_object_versions(Bucket=bucket)
    assert [v["VersionId"] for v in listed["Versions"]] == [two, one, "null"] and listed["DeleteMarkers"][0]["IsLatest"]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert read() == b"two"


def test_presigned_urls(runtime, admin, bucket):
    s3 = admin("s3", config=Config(signature_version="s3v4"))
    s3.put_object(Bucket=bucket, Key="k", Body=b"shared")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=60)
    ca = runtime.data / "ca.pem"
    assert requests.get(url, verify=ca).content == b"shared"
    assert requests.get(url.replace("/k?", "/other?"), verify=ca).status_code == 403
    assert requests.put(url, data=b"x", verify=ca).status_code == 403
    late = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=1)
    import time

    time.sleep(2.1)
    refused = requests.get(late, verify=ca)
    assert refused.status_code == 403 and "Request has expired" in refused.text


def test_a_bucket_policy_lets_in_and_keeps_out(admin, account, bucket, limited):
    s3, clients = admin("s3"), limited()
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    read = lambda: clients("s3").get_object(Bucket=bucket, Key="k")
    assert code(read) == "AccessDenied"
    user = {"AWS": f"arn:aws:iam::{account}:user/{clients.name}"}
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": user, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert read()
    policy["Statement"].append({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": f"arn:aws:s3:::{bucket}/*"})
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    assert code(read) == "AccessDenied"
    assert code(lambda: s3.get_object(Bucket=bucket, Key="k")) == "AccessDenied"
    public = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}]}
    assert code(lambda: s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(public))) == "AccessDenied"


def test_ciphertexts(admin, key):
    kms = admin("kms")
    context = {"purpose": "test"}
    blob = kms.encrypt(KeyId=key, Plaintext=b"secret", EncryptionContext=context)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"secret"
    for wrong in ({}, {"purpose": "other"}, {"purpose": "test", "more": "x"}):
        assert code(lambda: kms.decrypt(CiphertextBlob=blob, EncryptionContext=wrong)) == "InvalidCiphertextException"
    for at in (0, 5, 20, 30, len(blob) - 1):
        changed = blob[:at] + bytes([blob[at] ^ 1]) + blob[at + 1 :]
        assert code(lambda: kms.decrypt(CiphertextBlob=changed, EncryptionContext=context)) == "InvalidCiphertextException"
    kms.rotate_key_on_demand(KeyId=key)
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"secret"
    kms.disable_key(KeyId=key)
    assert code(lambda: kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)) == "DisabledException"
    kms.enable_key(KeyId=key)
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert code(lambda: kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)) == "KMSInvalidStateException"


def test_the_key_policy_must_consent(admin, account, limited):
    kms, clients = admin("kms"), limited(allow("kms:*"))
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:user/administrator"}, "Action": "kms:*", "Resource": "*"}],
    }
    key = kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["KeyId"]
    assert kms.encrypt(KeyId=key, Plaintext=b"x")
    assert code(lambda: clients("kms").encrypt(KeyId=key, Plaintext=b"x")) == "AccessDeniedException"
    policy["Statement"].append({"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "kms:Encrypt", "Resource": "*"})
    kms.put_key_policy(KeyId=key, Policy=json.dumps(policy))
    assert clients("kms").encrypt(KeyId=key, Plaintext=b"x")
    assert code(lambda: clients("kms").disable_key(KeyId=key)) == "AccessDeniedException"
    # Nobody may lock himself out by mistake.
    del policy["Statement"][0]
    assert code(lambda: kms.put_key_policy(KeyId=key, Policy=json.dumps(policy))) == "MalformedPolicyDocumentException"


def test_an_encryption_context_condition(admin, key, limited):
    clients = limited(allow("kms:Encrypt", resource=key, Condition={"StringEquals": {"kms:EncryptionContext:tenant": "a"}}))
    assert clients("kms").encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"tenant": "a"})
    assert code(lambda: clients("kms").encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"tenant": "b"})) == "AccessDeniedException"
    assert code(lambda: clients("kms").encrypt(KeyId=key, Plaintext=b"x")) == "AccessDeniedException"


@pytest.mark.parametrize("size", [10, 600_000])
def test_an_encrypted_object_needs_the_key(admin, bucket, key, limited, size):
    s3 = admin("s3")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    body = os.urandom(size)
    assert s3.put_object(Bucket=bucket, Key="k", Body=body)["SSEKMSKeyId"] == key
    without = limited(allow("s3:*"))
    assert code(lambda: without("s3").get_object(Bucket=bucket, Key="k")) == "AccessDenied"
    assert code(lambda: without("s3").put_object(Bucket=bucket, Key="k", Body=b"")) == "AccessDenied"
    via = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
    policy = allow("s3:*")
    policy["Statement"].append({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key, "Condition": via})
    through = limited(policy)
    assert through("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == body
    blob = admin("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert code(lambda: through("kms").decrypt(CiphertextBlob=blob)) == "AccessDeniedException"
    admin("kms").disable_key(KeyId=key)
    assert code(lambda: s3.get_object(Bucket=bucket, Key="k")) == "KMS.DisabledException"


def test_the_service_key_is_used_through_the_service_only(admin, bucket, limited):
    s3 = admin("s3")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    clients = limited(allow("s3:*"))
    clients("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
    assert clients("s3").get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
    assert code(lambda: admin("kms").encrypt(KeyId="alias/aws/s3", Plaintext=b"x")) == "AccessDeniedException"
