"""Trails deliver what was called, denials included; without the bucket's consent nothing is written."""

import gzip
import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError


def bucket_policy(bucket, account, trail, actions=("s3:GetBucketAcl", "s3:PutObject")):
    service = {"Service": "cloudtrail.amazonaws.com"}
    source = {"StringEquals": {"aws:SourceArn": f"arn:aws:cloudtrail:us-east-1:{account}:trail/{trail}"}}
    acl = {"StringEquals": {**source["StringEquals"], "s3:x-amz-acl": "bucket-owner-full-control"}}
    statements = [
        {"Effect": "Allow", "Principal": service, "Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{bucket}", "Condition": source},
        {"Effect": "Allow", "Principal": service, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/AWSLogs/{account}/*", "Condition": acl},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": [s for s in statements if s["Action"] in actions]})


@pytest.fixture
def place(admin, account):
    name, bucket = f"trail-{uuid.uuid4().hex[:8]}", f"trail-{uuid.uuid4().hex[:12]}"
    admin("s3").create_bucket(Bucket=bucket)
    admin("s3").put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket, account, name))
    yield name, bucket
    try:
        admin("cloudtrail").delete_trail(Name=name)
    except ClientError:
        pass


def delivered(s3, bucket):
    records = []
    for found in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        body = s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
        records += json.loads(gzip.decompress(body))["Records"]
    return records


def eventually(look, seconds=15):
    for _ in range(seconds * 5):
        found = look()
        if found:
            return found
        time.sleep(0.2)
    return look()


def test_a_trail_delivers_calls_and_denials_once_each(admin, account, limited, place):
    name, bucket = place
    trail = admin("cloudtrail")
    trail.create_trail(Name=name, S3BucketName=bucket)
    trail.start_logging(Name=name)
    eve = limited()
    with pytest.raises(ClientError):
        eve("kms").list_keys()
    alias = f"alias/{name}"
    key = admin("kms").create_key()["KeyMetadata"]["KeyId"]
    admin("kms").create_alias(AliasName=alias, TargetKeyId=key)
    mine = lambda: [r for r in delivered(admin("s3"), bucket) if r["eventName"] in ("ListKeys", "CreateAlias")]
    found = eventually(lambda: len(mine()) >= 2 and mine())
    denied = [r for r in found if r["eventName"] == "ListKeys"]
    assert denied[0]["errorCode"].startswith("AccessDenied") and denied[0]["userIdentity"]["userName"] == eve.name
    time.sleep(5)
    ids = [r["eventID"] for r in delivered(admin("s3"), bucket)]
    assert len(ids) == len(set(ids))
    assert trail.get_trail_status(Name=name)["IsLogging"]
    keys = [o["Key"] for o in admin("s3").list_objects_v2(Bucket=bucket)["Contents"]]
    assert all(k.startswith(f"AWSLogs/{account}/CloudTrail/us-east-1/20") for k in keys)


def test_a_denial_is_recorded_by_the_code_that_went_out(admin, limited):
    eve, calls = limited(), {
        "ListUsers": ("iam", lambda c: c.list_users(), "AccessDenied"),
        "DescribeLoadBalancers": ("elbv2", lambda c: c.describe_load_balancers(), "AccessDenied"),
        "DescribeVpcs": ("ec2", lambda c: c.describe_vpcs(), "Client.UnauthorizedOperation"),
        "ListBuckets": ("s3", lambda c: c.list_buckets(), "AccessDenied"),
        "ListKeys": ("kms", lambda c: c.list_keys(), "AccessDeniedException"),
        "ListSecrets": ("secretsmanager", lambda c: c.list_secrets(), "AccessDeniedException"),
    }
    for operation, (service, call, expected) in calls.items():
        with pytest.raises(ClientError) as refused:
            call(eve(service))
        error = refused.value.response["Error"]
        assert error["Code"] == expected.removeprefix("Client.")
        look = lambda: admin("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": operation}])["Events"]
        found = [json.loads(e["CloudTrailEvent"]) for e in look()]
        mine = [e for e in found if e["userIdentity"].get("userName") == eve.name]
        assert [(e["errorCode"], e["errorMessage"]) for e in mine] == [(expected, error["Message"])], operation


def test_a_bucket_that_does_not_let_cloudtrail_in_is_refused(admin, place):
    name, bucket = place
    trail = admin("cloudtrail")
    admin("s3").delete_bucket_policy(Bucket=bucket)
    with pytest.raises(ClientError, match="InsufficientS3BucketPolicy"):
        trail.create_trail(Name=name, S3BucketName=bucket)
    with pytest.raises(ClientError, match="S3BucketDoesNotExist"):
        trail.create_trail(Name=name, S3BucketName=f"no-{uuid.uuid4().hex}")


def test_consent_taken_away_stops_delivery_and_loses_nothing(admin, account, place):
    name, bucket = place
    trail, s3 = admin("cloudtrail"), admin("s3")
    trail.create_trail(Name=name, S3BucketName=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket, account, name, actions=("s3:GetBucketAcl",)))
    trail.start_logging(Name=name)
    admin("kms").create_key(Description=name)
    assert eventually(lambda: trail.get_trail_status(Name=name).get("LatestDeliveryError")) == "AccessDenied"
    assert delivered(s3, bucket) == []
    s3.put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket, account, name))
    said = lambda: [r for r in delivered(s3, bucket) if (r.get("requestParameters") or {}).get("Description") == name or (r.get("requestParameters") or {}).get("description") == name]
    assert eventually(said)
