"""IAM Access Analyzer's custom policy checks, proved by the runtime."""

import json

import pytest
from botocore.exceptions import ClientError


def doc(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


READ = {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
WRITE = {"Sid": "Write", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
PUBLIC = READ | {"Principal": "*", "Resource": "arn:aws:s3:::box/*"}
FIXED = PUBLIC | {"Condition": {"StringEquals": {"aws:SourceVpce": "vpce-0123456789abcdef0"}}}


@pytest.fixture
def analyzer(admin):
    return admin("accessanalyzer")


def test_new_access_is_told_from_old(analyzer):
    same = analyzer.check_no_new_access(existingPolicyDocument=doc(READ, WRITE), newPolicyDocument=doc(READ), policyType="IDENTITY_POLICY")
    assert same["result"] == "PASS" and "reasons" not in same
    more = analyzer.check_no_new_access(existingPolicyDocument=doc(READ), newPolicyDocument=doc(READ, WRITE), policyType="IDENTITY_POLICY")
    assert more["result"] == "FAIL"
    assert [(r["statementIndex"], r["statementId"]) for r in more["reasons"]] == [(1, "Write")]


def test_access_that_must_not_be_granted(analyzer):
    def check(*access):
        return analyzer.check_access_not_granted(policyDocument=doc(READ), policyType="IDENTITY_POLICY", access=list(access))["result"]

    assert check({"actions": ["s3:PutObject"]}) == "PASS"
    assert check({"actions": ["s3:GetObject"]}) == "FAIL"
    assert check({"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::box/*"]}) == "FAIL"
    assert check({"resources": ["arn:aws:s3:::box/*"]}) == "FAIL"
    with pytest.raises(ClientError) as refused:
        check({})
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


def test_public_access(analyzer):
    def check(statement, kind="AWS::S3::Bucket"):
        return analyzer.check_no_public_access(policyDocument=doc(statement), resourceType=kind)["result"]

    assert (check(PUBLIC), check(FIXED)) == ("FAIL", "PASS")
    with pytest.raises(ClientError) as refused:
        check(PUBLIC, "AWS::EC2::Instance")
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_what_is_no_policy_is_refused(analyzer):
    for text in ("nonsense", doc(READ | {"Effect": "Alow"})):
        with pytest.raises(ClientError) as refused:
            analyzer.check_no_new_access(existingPolicyDocument=text, newPolicyDocument=doc(READ), policyType="IDENTITY_POLICY")
        assert refused.value.response["Error"]["Code"] == "InvalidParameterException"


def test_what_is_not_known_is_neither_pass_nor_fail(analyzer):
    odd = READ | {"Condition": {"NumericLessThan": {"aws:username": "5"}}}
    with pytest.raises(ClientError) as refused:
        analyzer.check_access_not_granted(policyDocument=doc(odd), policyType="IDENTITY_POLICY", access=[{"actions": ["s3:GetObject"]}])
    assert refused.value.response["Error"]["Code"] == "UnprocessableEntityException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 422

def test_a_policy_is_validated(analyzer):
    def found(text, kind="IDENTITY_POLICY", **more):
        pages = analyzer.get_paginator("validate_policy").paginate(policyDocument=text, policyType=kind, **more)
        return [finding for page in pages for finding in page["findings"]]

    assert found(doc(READ)) == []
    bad = READ | {"Effect": "Alow", "Resource": "arn:aws:s3:us-east-1::box"}
    findings = found(doc(bad), PaginationConfig={"PageSize": 1})
    assert [(f["issueCode"], f["findingType"]) for f in findings] == [("INVALID_EFFECT", "ERROR"), ("ARN_REGION_NOT_ALLOWED", "ERROR")]
    text = doc(bad)
    for finding, what in zip(findings, ('"Alow"', "us-east-1")):
        span = finding["locations"][0]["span"]
        assert text[span["start"]["offset"]:span["end"]["offset"]] == what
        assert span["start"]["line"] == 1 and finding["learnMoreLink"].endswith(finding["issueCode"].lower().replace("_", "-"))
    assert findings[1]["locations"][0]["path"][-1] == {"substring": {"start": 11, "length": 9}}
    assert [f["issueCode"] for f in found(doc(READ), "RESOURCE_POLICY")] == ["MISSING_PRINCIPAL"]
    with pytest.raises(ClientError) as refused:
        analyzer.validate_policy(policyDocument=doc(READ), policyType="IDENTITY_POLICY", validatePolicyResourceType="AWS::S3::Bucket")
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_nobody_validates_without_permission(limited):
    with pytest.raises(ClientError) as refused:
        limited()("accessanalyzer").validate_policy(policyDocument=doc(READ), policyType="IDENTITY_POLICY")
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
