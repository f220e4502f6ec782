"""IAM Access Analyzer's analyzers: what is shared with outsiders is found while the runtime runs."""

import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import allow

OTHER = "444455556666"


def doc(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def until(found, seconds=20):
    """What `found` gives once it gives something."""
    end = time.time() + seconds
    while not (answer := found()) and time.time() < end:
        time.sleep(0.2)
    return answer


@pytest.fixture(scope="module")
def client(admin):
    return admin("accessanalyzer")


@pytest.fixture(scope="module")
def analyzer(client):
    arn = client.create_analyzer(analyzerName="external", type="ACCOUNT", tags={"team": "security"})["arn"]
    yield arn
    client.delete_analyzer(analyzerName="external")


@pytest.fixture
def bucket(admin):
    s3, name = admin("s3"), f"box-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    yield name
    s3.delete_bucket(Bucket=name)


def findings(client, analyzer, resource, *states, **filters):
    criteria = {"resource": {"eq": [resource]}, **filters}
    if states:
        criteria["status"] = {"eq": list(states)}
    pages = client.get_paginator("list_findings").paginate(analyzerArn=analyzer, filter=criteria)
    return [finding for page in pages for finding in page["findings"]]


def shared(bucket, action="s3:GetObject", who=OTHER, **more):
    arns = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    return doc({"Effect": "Allow", "Principal": {"AWS": who}, "Action": action, "Resource": arns, **more})


def test_an_analyzer_is_made_once_and_told_of(client, analyzer, account, admin):
    told = client.get_analyzer(analyzerName="external")["analyzer"]
    assert (told["arn"], told["type"], told["status"]) == (analyzer, "ACCOUNT", "ACTIVE")
    assert analyzer == f"arn:aws:access-analyzer:us-east-1:{account}:analyzer/external"
    assert [a["name"] for a in client.list_analyzers(type="ACCOUNT")["analyzers"]] == ["external"]
    assert client.list_tags_for_resource(resourceArn=analyzer)["tags"] == {"team": "security"}
    client.tag_resource(resourceArn=analyzer, tags={"tier": "1"})
    client.untag_resource(resourceArn=analyzer, tagKeys=["team"])
    assert client.list_tags_for_resource(resourceArn=analyzer)["tags"] == {"tier": "1"}
    role = admin("iam").get_role(RoleName="AWSServiceRoleForAccessAnalyzer")["Role"]
    assert role["Path"] == "/aws-service-role/access-analyzer.amazonaws.com/"
    for more, code in (
        ({"analyzerName": "external", "type": "ACCOUNT"}, "ConflictException"),
        ({"analyzerName": "second", "type": "ACCOUNT"}, "ServiceQuotaExceededException"),
    ):
        with pytest.raises(ClientError) as refused:
            client.create_analyzer(**more)
        assert refused.value.response["Error"]["Code"] == code


def test_a_shared_bucket_is_found_and_resolved(client, analyzer, bucket, admin):
    s3, arn = admin("s3"), f"arn:aws:s3:::{bucket}"
    s3.put_bucket_policy(Bucket=bucket, Policy=shared(bucket))
    [found] = until(lambda: findings(client, analyzer, arn))
    assert (found["principal"], found["action"], found["isPublic"]) == ({"AWS": OTHER}, ["s3:GetObject"], False)
    told = client.get_finding_v2(analyzerArn=analyzer, id=found["id"])
    assert told["findingType"] == "ExternalAccess"
    assert told["findingDetails"][0]["externalAccessDetails"]["principal"] == {"AWS": OTHER}
    client.update_findings(analyzerArn=analyzer, status="ARCHIVED", ids=[found["id"]])
    assert client.get_finding(analyzerArn=analyzer, id=found["id"])["finding"]["status"] == "ARCHIVED"
    seen = client.get_analyzed_resource(analyzerArn=analyzer, resourceArn=arn)["resource"]
    assert (seen["status"], seen["sharedVia"], seen["actions"]) == ("ARCHIVED", ["POLICY"], ["s3:GetObject"])

    s3.delete_bucket_policy(Bucket=bucket)
    assert until(lambda: findings(client, analyzer, arn, "RESOLVED"))
    s3.put_bucket_policy(Bucket=bucket, Policy=shared(bucket, Condition={"StringEquals": {"aws:PrincipalAccount": "111111111111"}}))
    client.start_resource_scan(analyzerArn=analyzer, resourceArn=arn)
    assert not findings(client, analyzer, arn, "ACTIVE"), "nobody is of both accounts"


def test_a_bucket_open_to_all_is_public_unless_it_is_blocked(client, analyzer, bucket, admin):
    s3, arn = admin("s3"), f"arn:aws:s3:::{bucket}"
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=shared(bucket, who="*"))
    [found] = until(lambda: findings(client, analyzer, arn, "ACTIVE"))
    assert (found["isPublic"], found["principal"]) == (True, {"AWS": "*"})
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    assert until(lambda: findings(client, analyzer, arn, "RESOLVED"))


def test_roles_keys_and_secrets_are_looked_at(client, analyzer, admin, account):
    iam, kms, secrets, name = admin("iam"), admin("kms"), admin("secretsmanager"), uuid.uuid4().hex[:12]
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{OTHER}:role/deploy"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(RoleName=f"r-{name}", AssumeRolePolicyDocument=doc(trust))["Role"]["Arn"]
    [found] = until(lambda: findings(client, analyzer, role))
    assert (found["principal"], found["action"]) == ({"AWS": f"arn:aws:iam::{OTHER}:role/deploy"}, ["sts:AssumeRole"])

    key = kms.create_key()["KeyMetadata"]["Arn"]
    own = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*", "Resource": "*"}
    kms.put_key_policy(KeyId=key, Policy=doc(own, own | {"Principal": {"AWS": OTHER}, "Action": "kms:Decrypt"}))
    [found] = until(lambda: findings(client, analyzer, key))
    assert found["action"] == ["kms:Decrypt"]

    secret = secrets.create_secret(Name=f"s-{name}", SecretString="x")["ARN"]
    open_to = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    vpc = open_to | {"Condition": {"StringEquals": {"aws:SourceVpc": ["vpc-1", "vpc-2"]}}}
    secrets.put_resource_policy(SecretId=secret, ResourcePolicy=doc(vpc))
    assert until(lambda: len(findings(client, analyzer, secret)) == 2)
    one = findings(client, analyzer, secret, **{"condition.aws:SourceVpc": {"eq": ["vpc-2"]}})
    assert [f["condition"] for f in one] == [{"aws:SourceVpc": "vpc-2"}]
    listed = client.get_paginator("list_analyzed_resources").paginate(analyzerArn=analyzer, PaginationConfig={"PageSize": 2})
    assert {role, key, secret} <= {r["resourceArn"] for page in listed for r in page["analyzedResources"]}

    iam.delete_role(RoleName=f"r-{name}")
    assert until(lambda: findings(client, analyzer, role, "RESOLVED")), "what is gone shares nothing"


def test_archive_rules(client, analyzer, bucket, admin):
    s3, arn = admin("s3"), f"arn:aws:s3:::{bucket}"
    client.create_archive_rule(analyzerName="external", ruleName="ours", filter={"resource": {"contains": [bucket]}, "isPublic": {"eq": ["false"]}})
    s3.put_bucket_policy(Bucket=bucket, Policy=shared(bucket))
    assert [f["status"] for f in until(lambda: findings(client, analyzer, arn))] == ["ARCHIVED"]
    client.update_archive_rule(analyzerName="external", ruleName="ours", filter={"error": {"exists": True}})
    s3.put_bucket_policy(Bucket=bucket, Policy=shared(bucket, "s3:PutObject"))
    assert until(lambda: findings(client, analyzer, arn, "ACTIVE"))
    assert [r["ruleName"] for r in client.list_archive_rules(analyzerName="external")["archiveRules"]] == ["ours"]
    client.delete_archive_rule(analyzerName="external", ruleName="ours")
    for wrong in ({"colour": {"eq": ["red"]}}, {"status": {"eq": ["ACTIVE"]}}, {"resource": {}}):
        with pytest.raises(ClientError) as refused:
            client.create_archive_rule(analyzerName="external", ruleName="wrong", filter=wrong)
        assert refused.value.response["Error"]["Code"] == "ValidationException", wrong
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_archive_rule(analyzerName="external", ruleName="ours")


def test_previews(client, analyzer, bucket, admin):
    arn = f"arn:aws:s3:::{bucket}"
    admin("s3").put_bucket_policy(Bucket=bucket, Policy=shared(bucket))
    assert until(lambda: findings(client, analyzer, arn, "ACTIVE"))

    def foreseen(arn, configuration):
        preview = client.create_access_preview(analyzerArn=analyzer, configurations={arn: configuration})["id"]
        told = client.get_access_preview(analyzerArn=analyzer, accessPreviewId=preview)["accessPreview"]
        if told["status"] == "FAILED":
            return told["statusReason"]["code"]
        found = client.list_access_preview_findings(analyzerArn=analyzer, accessPreviewId=preview)["findings"]
        return sorted((f["changeType"], f["status"]) for f in found)

    assert foreseen(arn, {"s3Bucket": {}}) == [("UNCHANGED", "ACTIVE")]
    assert foreseen(arn, {"s3Bucket": {"bucketPolicy": ""}}) == [("CHANGED", "RESOLVED")]
    assert foreseen(arn, {"s3Bucket": {"bucketPolicy": "{"}}) == "INVALID_CONFIGURATION"
    trust = doc({"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"})
    role = arn_of = f"arn:aws:iam::{analyzer.split(':')[4]}:role/not-yet"
    assert foreseen(role, {"iamRole": {"trustPolicy": trust}}) == [("NEW", "ACTIVE")]
    grant = {"operations": ["Decrypt"], "granteePrincipal": f"arn:aws:iam::{OTHER}:root", "issuingAccount": OTHER}
    key = arn_of.replace(":iam::", ":kms:us-east-1:").replace("role/not-yet", "key/" + str(uuid.uuid4()))
    assert foreseen(key, {"kmsKey": {"grants": [grant]}}) == [("NEW", "ACTIVE")]
    with pytest.raises(ClientError) as refused:
        foreseen(arn, {"iamRole": {"trustPolicy": trust}})
    assert refused.value.response["Error"]["Code"] == "ValidationException"


@pytest.fixture
def hub(admin):
    hub = admin("securityhub")
    hub.enable_security_hub()
    yield hub
    hub.disable_security_hub()


def test_security_hub_is_told(client, analyzer, bucket, admin, hub):
    arn = f"arn:aws:s3:::{bucket}"
    admin("s3").put_bucket_policy(Bucket=bucket, Policy=shared(bucket))
    wanted = {"ResourceId": [{"Value": arn, "Comparison": "EQUALS"}], "ProductName": [{"Value": "IAM Access Analyzer", "Comparison": "EQUALS"}]}
    [told] = until(lambda: hub.get_findings(Filters=wanted)["Findings"])
    assert (told["RecordState"], told["GeneratorId"]) == ("ACTIVE", "aws/access-analyzer")
    admin("s3").delete_bucket_policy(Bucket=bucket)
    assert until(lambda: [f for f in hub.get_findings(Filters=wanted)["Findings"] if f["RecordState"] == "ARCHIVED"])


def test_who_may_ask(client, analyzer, limited):
    arn = analyzer
    reader = limited(allow("access-analyzer:ListFindings", resource=arn))("accessanalyzer")
    assert "findings" in reader.list_findings_v2(analyzerArn=arn)
    for ask in (
        lambda: reader.get_finding(analyzerArn=arn, id=str(uuid.uuid4())),
        lambda: reader.update_findings(analyzerArn=arn, status="ARCHIVED", ids=[str(uuid.uuid4())]),
        lambda: reader.list_findings(analyzerArn=arn.replace("external", "other")),
    ):
        with pytest.raises(ClientError) as refused:
            ask()
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"


def test_a_stack_makes_an_analyzer_with_its_rules(client, admin):
    cloudformation = admin("cloudformation", region_name="eu-west-1")
    there = admin("accessanalyzer", region_name="eu-west-1")

    def template(**rules):
        rules = [{"RuleName": name, "Filter": [criterion]} for name, criterion in rules.items()]
        properties = {"AnalyzerName": "stacked", "Type": "ACCOUNT", "ArchiveRules": rules, "Tags": [{"Key": "a", "Value": "b"}]}
        resource = {"Type": "AWS::AccessAnalyzer::Analyzer", "Properties": properties}
        return json.dumps({"Resources": {"A": resource}, "Outputs": {"Arn": {"Value": {"Ref": "A"}}}})

    first = template(one={"Property": "isPublic", "Eq": ["false"]}, two={"Property": "error", "Exists": True})
    cloudformation.create_stack(StackName="analyzer", TemplateBody=first)
    cloudformation.get_waiter("stack_create_complete").wait(StackName="analyzer", WaiterConfig={"Delay": 1})
    [stack] = cloudformation.describe_stacks(StackName="analyzer")["Stacks"]
    made = there.get_analyzer(analyzerName="stacked")["analyzer"]
    assert made["arn"] == stack["Outputs"][0]["OutputValue"] and made["tags"]["a"] == "b"
    second = template(two={"Property": "error", "Exists": False}, three={"Property": "resource", "Contains": ["x"]})
    cloudformation.update_stack(StackName="analyzer", TemplateBody=second)
    cloudformation.get_waiter("stack_update_complete").wait(StackName="analyzer", WaiterConfig={"Delay": 1})
    rules = {r["ruleName"]: r["filter"] for r in there.list_archive_rules(analyzerName="stacked")["archiveRules"]}
    assert rules == {"two": {"error": {"exists": False}}, "three": {"resource": {"contains": ["x"]}}}
    cloudformation.delete_stack(StackName="analyzer")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="analyzer", WaiterConfig={"Delay": 1})
    with pytest.raises(there.exceptions.ResourceNotFoundException):
        there.get_analyzer(analyzerName="stacked")


def test_unused_access_is_configured(client, admin, account):
    arn = client.create_analyzer(analyzerName="unused", type="ACCOUNT_UNUSED_ACCESS", configuration={"unusedAccess": {"unusedAccessAge": 30}})["arn"]
    try:
        told = client.get_analyzer(analyzerName="unused")["analyzer"]
        assert told["configuration"] == {"unusedAccess": {"unusedAccessAge": 30}}
        # The record is read at once: the day's first look.
        assert until(lambda: client.get_analyzer(analyzerName="unused")["analyzer"].get("lastResourceAnalyzedAt"))
        assert client.list_findings_v2(analyzerArn=arn)["findings"] == [], "nobody here is a day old"
        exclusions = [{"resourceTags": [{"keep": "yes"}]}]
        client.update_analyzer(analyzerName="unused", configuration={"unusedAccess": {"unusedAccessAge": 7, "analysisRule": {"exclusions": exclusions}}})
        told = client.get_analyzer(analyzerName="unused")["analyzer"]["configuration"]["unusedAccess"]
        assert told == {"unusedAccessAge": 7, "analysisRule": {"exclusions": exclusions}}
        for ask in (
            lambda: client.list_findings(analyzerArn=arn),
            lambda: client.start_resource_scan(analyzerArn=arn, resourceArn="arn:aws:s3:::box"),
            lambda: client.update_analyzer(analyzerName="unused", configuration={"unusedAccess": {"unusedAccessAge": 400}}),
        ):
            with pytest.raises(ClientError) as refused:
                ask()
            assert refused.value.response["Error"]["Code"] == "ValidationException"
    finally:
        client.delete_analyzer(analyzerName="unused")


@pytest.fixture(scope="module")
def trail(admin, account):
    s3, cloudtrail, name = admin("s3"), admin("cloudtrail"), f"trail-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    service = {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}}
    s3.put_bucket_policy(Bucket=name, Policy=doc(
        service | {"Action": "s3:GetBucketAcl", "Resource": f"arn:aws:s3:::{name}"},
        service | {"Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/AWSLogs/{account}/*"},
    ))
    made = cloudtrail.create_trail(Name=name, S3BucketName=name, IsMultiRegionTrail=True)
    cloudtrail.start_logging(Name=name)
    yield {"arn": made["TrailARN"], "bucket": name}
    cloudtrail.delete_trail(Name=name)


@pytest.fixture
def reader(admin, trail):
    """The role by which the service reads the trail."""
    iam, name = admin("iam"), f"reader-{uuid.uuid4().hex[:12]}"
    trust = {"Effect": "Allow", "Principal": {"Service": "access-analyzer.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=doc(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=json.dumps(allow("cloudtrail:GetTrail", "s3:GetObject", "s3:ListBucket")))
    return arn


def test_a_policy_is_generated_from_what_was_done(client, admin, limited, trail, reader, account):
    begun = time.time() - 1
    worker = limited(allow("s3:*", "kms:ListKeys", "sts:*"))
    worker("s3").list_buckets()
    worker("s3").get_bucket_location(Bucket=trail["bucket"])
    worker("kms").list_keys()
    with pytest.raises(ClientError):
        worker("iam").list_roles()
    user = admin("iam").get_user(UserName=worker.name)["User"]["Arn"]

    def start(who=client, role=reader, **more):
        details = {"trails": [{"cloudTrailArn": trail["arn"], "allRegions": True}], "accessRole": role, "startTime": begun, **more}
        return who.start_policy_generation(policyGenerationDetails={"principalArn": user}, cloudTrailDetails=details)["jobId"]

    def ended(job, **more):
        def done():
            told = client.get_generated_policy(jobId=job, **more)
            return told if told["jobDetails"]["status"] != "IN_PROGRESS" else None

        return until(done)

    job = start()
    told = ended(job)
    assert told["jobDetails"]["status"] == "SUCCEEDED", told
    [policy] = told["generatedPolicyResult"]["generatedPolicies"]
    [statement] = json.loads(policy["policy"])["Statement"]
    assert statement["Action"] == ["kms:ListKeys", "s3:GetBucketLocation", "s3:ListAllMyBuckets"], "what was denied is not needed"
    assert (statement["Effect"], statement["Resource"], statement["Sid"]) == ("Allow", "*", "SupportedServiceSid0")
    [policy] = ended(job, includeResourcePlaceholders=True)["generatedPolicyResult"]["generatedPolicies"]
    of = {action: s["Resource"] for s in json.loads(policy["policy"])["Statement"] for action in s["Action"]}
    assert "arn:aws:s3:::${BucketName}" in of["s3:GetBucketLocation"] and of["s3:ListAllMyBuckets"] == "*"
    assert job in [g["jobId"] for g in client.list_policy_generations(principalArn=user)["policyGenerations"]]
    with pytest.raises(ClientError) as refused:
        client.cancel_policy_generation(jobId=job)
    assert refused.value.response["Error"]["Code"] == "ValidationException"

    # What the access role may not do, the job cannot; nor does it without the role.
    admin("iam").put_role_policy(RoleName=reader.split("/")[-1], PolicyName="read", PolicyDocument=json.dumps(allow("s3:ListBucket")))
    failed = ended(start())
    assert failed["jobDetails"]["status"] == "FAILED" and failed["jobDetails"]["jobError"]["code"] == "AUTHORIZATION_ERROR"
    assert failed["generatedPolicyResult"]["generatedPolicies"] == []
    assert ended(start(role=reader + "x"))["jobDetails"]["status"] == "FAILED"
    passing = limited(allow("access-analyzer:StartPolicyGeneration"))("accessanalyzer")
    with pytest.raises(ClientError) as refused:
        start(passing)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException" and "iam:PassRole" in str(refused.value)
    for wrong in ({"trails": [{"cloudTrailArn": trail["arn"] + "x"}]}, {"startTime": begun - 100 * 86400}):
        with pytest.raises(ClientError) as refused:
            start(**wrong)
        assert refused.value.response["Error"]["Code"] == "ValidationException"


@pytest.fixture(scope="module")
def member(runtime, admin):
    """A member account: its administrator's clients, with its id."""
    name = f"m{uuid.uuid4().hex[:8]}"
    made = admin("organizations").create_account(Email=f"{name}@example.com", AccountName=name)["CreateAccountStatus"]["AccountId"]
    role = f"arn:aws:iam::{made}:role/OrganizationAccountAccessRole"
    credentials = admin("sts").assume_role(RoleArn=role, RoleSessionName="admin")["Credentials"]
    clients = runtime.session(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    clients.account = made
    return clients


def test_an_organization_trusts_its_members(client, analyzer, member, admin, bucket):
    organizations, arn = admin("organizations"), f"arn:aws:s3:::{bucket}"
    with pytest.raises(ClientError) as refused:
        client.create_analyzer(analyzerName="organization", type="ORGANIZATION")
    assert refused.value.response["Error"]["Code"] == "ValidationException", "the organization does not trust the service"
    organizations.enable_aws_service_access(ServicePrincipal="access-analyzer.amazonaws.com")
    with pytest.raises(ClientError):
        member("accessanalyzer").create_analyzer(analyzerName="organization", type="ORGANIZATION")
    whole = client.create_analyzer(analyzerName="organization", type="ORGANIZATION")["arn"]
    try:
        key = admin("kms").create_key()["KeyMetadata"]["Arn"]
        admin("kms").create_grant(KeyId=key, GranteePrincipal=f"arn:aws:iam::{member.account}:root", Operations=["Decrypt"])
        admin("s3").put_bucket_policy(Bucket=bucket, Policy=shared(bucket, who=[member.account, OTHER]))
        assert until(lambda: len(findings(client, analyzer, arn, "ACTIVE")) == 2)
        [of_key] = until(lambda: findings(client, analyzer, key, "ACTIVE"))
        assert (of_key["principal"], of_key["action"]) == ({"AWS": member.account}, ["kms:Decrypt"])
        [found] = until(lambda: findings(client, whole, arn, "ACTIVE"))
        assert found["principal"] == {"AWS": OTHER} and not findings(client, whole, key)

        # What is in a member account is looked at, too; its own analyzer takes the others for outsiders.
        role = f"r-{uuid.uuid4().hex[:12]}"
        trust = {"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}
        theirs = member("iam").create_role(RoleName=role, AssumeRolePolicyDocument=doc(trust))["Role"]["Arn"]
        [found] = until(lambda: findings(client, whole, theirs, "ACTIVE"))
        assert found["resourceOwnerAccount"] == member.account and not findings(client, analyzer, theirs)

        # While the service is not trusted, the analyzer stands still.
        organizations.disable_aws_service_access(ServicePrincipal="access-analyzer.amazonaws.com")
        told = client.get_analyzer(analyzerName="organization")["analyzer"]
        assert (told["status"], told["statusReason"]) == ("DISABLED", {"code": "AWS_SERVICE_ACCESS_DISABLED"})
        member("iam").delete_role(RoleName=role)
        time.sleep(2)
        assert findings(client, whole, theirs, "ACTIVE")
        organizations.enable_aws_service_access(ServicePrincipal="access-analyzer.amazonaws.com")
        assert until(lambda: findings(client, whole, theirs, "RESOLVED"))
    finally:
        client.delete_analyzer(analyzerName="organization")
        # Others begin from an organization that does not trust the service.
        organizations.disable_aws_service_access(ServicePrincipal="access-analyzer.amazonaws.com")


def test_internal_access_is_found_for_the_resources_that_are_named(client, admin, bucket, limited, account):
    arn = f"arn:aws:s3:::{bucket}"
    reader = limited(allow("s3:GetObject", resource=f"{arn}/*"))
    other = limited(allow("s3:GetObject", resource="arn:aws:s3:::other/*"))
    shut = limited(allow("s3:*"))
    admin("s3").put_bucket_policy(Bucket=bucket, Policy=doc({"Effect": "Deny", "Principal": {"AWS": f"arn:aws:iam::{account}:user/{shut.name}"}, "Action": "s3:*", "Resource": [arn, f"{arn}/*"]}))
    rule = {"inclusions": [{"resourceArns": [arn]}]}
    made = client.create_analyzer(analyzerName="internal", type="ACCOUNT_INTERNAL_ACCESS", configuration={"internalAccess": {"analysisRule": rule}})["arn"]

    def found(who, *states):
        principal = f"arn:aws:iam::{account}:user/{who.name}"
        criteria = {"principal.AWS": {"eq": [principal]}, "resource": {"eq": [arn]}, "status": {"eq": list(states or ("ACTIVE",))}}
        return client.list_findings_v2(analyzerArn=made, filter=criteria)["findings"]

    try:
        assert client.get_analyzer(analyzerName="internal")["analyzer"]["configuration"] == {"internalAccess": {"analysisRule": rule}}
        [one] = until(lambda: found(reader), 60)
        assert one["findingType"] == "InternalAccess"
        details = client.get_finding_v2(analyzerArn=made, id=one["id"])["findingDetails"][0]["internalAccessDetails"]
        assert "s3:GetObject" in details["action"] and "s3:PutObject" not in details["action"]
        assert (details["principalType"], details["accessType"]) == ("IAM_USER", "INTRA_ACCOUNT")
        assert not found(other) and not found(shut)
        # A right that is taken away takes the finding with it.
        admin("iam").delete_user_policy(UserName=reader.name, PolicyName="test")
        assert until(lambda: found(reader, "RESOLVED"), 60) and not found(reader)
        for wrong in ({"internalAccess": {}}, {"internalAccess": {"analysisRule": {"inclusions": [{"resourceTypes": ["AWS::SNS::Topic"]}]}}}, {"unusedAccess": {}}):
            with pytest.raises(ClientError) as refused:
                client.update_analyzer(analyzerName="internal", configuration=wrong)
            assert refused.value.response["Error"]["Code"] == "ValidationException", wrong
    finally:
        client.delete_analyzer(analyzerName="internal")
