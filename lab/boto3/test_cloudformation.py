"""Stacks: made, changed, rolled back and deleted, with real resources behind them."""

import ipaddress
import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import allow

TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Purpose: {Type: String, Default: receipts, AllowedValues: [receipts, pictures]}
  Secret: {Type: String, Default: hidden, NoEcho: true}
Mappings:
  Days: {receipts: {window: 7}, pictures: {window: 30}}
Conditions:
  IsReceipts: !Equals [!Ref Purpose, receipts]
Resources:
  Key:
    Type: AWS::KMS::Key
    Properties:
      Description: !Sub "${Purpose} of ${AWS::StackName}"
      EnableKeyRotation: true
      PendingWindowInDays: !FindInMap [Days, !Ref Purpose, window]
      KeyPolicy:
        Version: "2012-10-17"
        Statement:
          - Sid: Account
            Effect: Allow
            Principal: {AWS: !Sub "arn:aws:iam::${AWS::AccountId}:root"}
            Action: kms:*
            Resource: "*"
  Alias:
    Type: AWS::KMS::Alias
    Properties:
      AliasName: !Join ["/", [alias, !Ref "AWS::StackName"]]
      TargetKeyId: !Ref Key
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      BucketEncryption:
        ServerSideEncryptionConfiguration:
          - ServerSideEncryptionByDefault: {SSEAlgorithm: "aws:kms", KMSMasterKeyID: !GetAtt Key.Arn}
      VersioningConfiguration: !If [IsReceipts, {Status: Enabled}, !Ref "AWS::NoValue"]
  Reader:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {AWS: !Ref "AWS::AccountId"}, Action: "sts:AssumeRole"}]
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {Sid: Read, Effect: Allow, Action: "s3:GetObject", Resource: !Sub "${Bucket.Arn}/*"}
Outputs:
  BucketName: {Value: !Ref Bucket, Export: {Name: !Sub "${AWS::StackName}-bucket"}}
  KeyArn: {Value: !GetAtt Key.Arn}
  RoleArn: {Value: !GetAtt Reader.Arn}
"""


def code(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


def settled(cfn, name):
    for _ in range(200):
        stack = cfn.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.05)
    raise AssertionError(stack)


def create(cfn, body, **more):
    name = f"stack-{uuid.uuid4().hex[:10]}"
    made = cfn.create_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"], **more)["StackId"]
    return name, made, settled(cfn, made)


def outputs(stack):
    return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}


def test_a_stack_lives(admin, runtime, account):
    cfn, s3 = admin("cloudformation"), admin("s3")
    name, made, stack = create(cfn, TEMPLATE)
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack
    out = outputs(stack)
    assert {p["ParameterKey"]: p["ParameterValue"] for p in stack["Parameters"]} == {"Purpose": "receipts", "Secret": "****"}
    s3.put_object(Bucket=out["BucketName"], Key="k", Body=b"x")
    assert s3.head_object(Bucket=out["BucketName"], Key="k")["SSEKMSKeyId"] == out["KeyArn"]
    tags = {t["Key"]: t["Value"] for t in s3.get_bucket_tagging(Bucket=out["BucketName"])["TagSet"]}
    assert tags["aws:cloudformation:stack-name"] == name
    assert admin("kms").describe_key(KeyId=f"alias/{name}")["KeyMetadata"]["Description"] == f"receipts of {name}"
    # An update in place, and one that replaces the alias.
    body = TEMPLATE.replace("Description: !Sub \"${Purpose} of", "Description: !Sub \"new ${Purpose} of").replace("[alias, !Ref", "[alias, new, !Ref")
    cfn.update_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])
    assert settled(cfn, name)["StackStatus"] == "UPDATE_COMPLETE"
    assert admin("kms").describe_key(KeyId=f"alias/new/{name}")["KeyMetadata"]["Description"] == f"new receipts of {name}"
    assert code(lambda: admin("kms").describe_key(KeyId=f"alias/{name}")) == "NotFoundException"
    assert outputs(settled(cfn, name))["KeyArn"] == out["KeyArn"]
    assert code(lambda: cfn.update_stack(StackName=name, TemplateBody=body, Capabilities=["CAPABILITY_IAM"])) == "ValidationError"
    # The bucket is not empty: the stack cannot go.
    cfn.delete_stack(StackName=name)
    assert settled(cfn, made)["StackStatus"] == "DELETE_FAILED"
    for version in s3.list_object_versions(Bucket=out["BucketName"])["Versions"]:
        s3.delete_object(Bucket=out["BucketName"], Key=version["Key"], VersionId=version["VersionId"])
    cfn.delete_stack(StackName=name)
    assert settled(cfn, made)["StackStatus"] == "DELETE_COMPLETE"
    assert code(lambda: s3.head_bucket(Bucket=out["BucketName"])) in ("404", "NoSuchBucket")
    assert admin("kms").describe_key(KeyId=out["KeyArn"])["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert code(lambda: cfn.describe_stacks(StackName=name)) == "ValidationError"


def test_a_failed_creation_leaves_nothing_behind(admin):
    cfn, bucket = admin("cloudformation"), f"left-{uuid.uuid4().hex[:12]}"
    body = {
        "Resources": {
            "First": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}},
            "Second": {"Type": "AWS::KMS::Alias", "DependsOn": "First", "Properties": {"AliasName": "alias/none", "TargetKeyId": "missing"}},
        }
    }
    _, made, stack = create(cfn, json.dumps(body))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE" and "Second" in stack["StackStatusReason"]
    assert code(lambda: admin("s3").head_bucket(Bucket=bucket)) in ("404", "NoSuchBucket")
    statuses = [e["ResourceStatus"] for e in cfn.describe_stack_events(StackName=made)["StackEvents"] if e["LogicalResourceId"] == "First"]
    assert statuses == ["DELETE_COMPLETE", "DELETE_IN_PROGRESS", "CREATE_COMPLETE", "CREATE_IN_PROGRESS"]


def test_a_failed_update_goes_back(admin):
    cfn = admin("cloudformation")
    name, made, stack = create(cfn, TEMPLATE)
    arn = outputs(stack)["KeyArn"]
    broken = TEMPLATE.replace("Description: !Sub", "Description: !Sub \"changed\" #").replace("TargetKeyId: !Ref Key", "TargetKeyId: missing")
    cfn.update_stack(StackName=name, TemplateBody=broken, Capabilities=["CAPABILITY_IAM"])
    after = settled(cfn, name)
    assert after["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", after
    assert admin("kms").describe_key(KeyId=arn)["KeyMetadata"]["Description"] == f"receipts of {name}"
    assert admin("kms").describe_key(KeyId=f"alias/{name}")["KeyMetadata"]["Arn"] == arn


def test_the_deployer_needs_each_permission(admin, limited):
    body = json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}, "Key": {"Type": "AWS::KMS::Key"}}})
    clients = limited(allow("cloudformation:*", "s3:*", "kms:List*"))
    _, _, stack = create(clients("cloudformation"), body)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE" and "kms:CreateKey" in stack["StackStatusReason"]
    whole = limited(allow("cloudformation:*", "s3:*", "kms:*"))
    assert create(whole("cloudformation"), body)[2]["StackStatus"] == "CREATE_COMPLETE"
    via = limited(allow("cloudformation:*"))
    denied = allow("cloudformation:*", "s3:*")
    denied["Statement"].append({"Effect": "Deny", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:ViaAWSService": "true"}}})
    assert via and create(limited(denied)("cloudformation"), json.dumps({"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}))[2]["StackStatus"] == "ROLLBACK_COMPLETE"


@pytest.mark.parametrize(
    "change, part",
    [
        (("AWS::KMS::Alias", "AWS::KMS::Alien"), "Unrecognized resource types: [AWS::KMS::Alien]"),
        (("EnableKeyRotation: true", "EnableKeyRotatio: true"), "did you mean `EnableKeyRotation`?"),
        (("EnableKeyRotation: true", "EnableKeyRotation: maybe"), "must be of type Boolean"),
        (("!Ref Key\n", "!Ref Kee\n"), "Unresolved resource dependencies [Kee]"),
        (("!GetAtt Key.Arn}", "!GetAtt Key.Arm}"), "does not support attribute Arm"),
        (("Default: receipts", "Default: other"), "AllowedValues"),
        (("!If [IsReceipts", "!If [IsOther"), "unresolved condition dependency IsOther"),
        (("      EnableKeyRotation: true", "      EnableKeyRotation: true\n      EnableKeyRotation: true"), "is there twice"),
        (("PendingWindowInDays: !FindInMap [Days", "PendingWindowInDays: !Ref Alias #"), "Circular dependency"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_made(admin, change, part):
    assert change[0] in TEMPLATE
    with pytest.raises(ClientError) as refused:
        create(admin("cloudformation"), TEMPLATE.replace(*change, 1))
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationError" and part in error["Message"] and "line" in error["Message"], error


def test_capabilities_exports_and_change_sets(admin):
    cfn = admin("cloudformation")
    assert code(lambda: cfn.create_stack(StackName="x", TemplateBody=TEMPLATE)) == "InsufficientCapabilitiesException"
    name, _, stack = create(cfn, TEMPLATE)
    user = {"Resources": {"Policy": {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Fn::ImportValue": f"{name}-bucket"}, "PolicyDocument": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": [{"Fn::Sub": ["arn:aws:s3:::${B}/*", {"B": {"Fn::ImportValue": f"{name}-bucket"}}]}],
                       "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}}}}}
    other, _, made = create(cfn, json.dumps(user))
    assert made["StackStatus"] == "CREATE_COMPLETE", made
    assert code(lambda: cfn.delete_stack(StackName=name)) == "ValidationError"
    assert any(e["Name"] == f"{name}-bucket" for e in cfn.list_exports()["Exports"])
    cfn.delete_stack(StackName=other)
    settled(cfn, made["StackId"])
    changed = TEMPLATE.replace("EnableKeyRotation: true", "EnableKeyRotation: false").replace("[alias, !Ref", "[alias, two, !Ref")
    cfn.create_change_set(StackName=name, ChangeSetName="look", TemplateBody=changed, Capabilities=["CAPABILITY_IAM"])
    changes = cfn.describe_change_set(StackName=name, ChangeSetName="look")["Changes"]
    found = {c["ResourceChange"]["LogicalResourceId"]: (c["ResourceChange"]["Action"], c["ResourceChange"].get("Replacement")) for c in changes}
    assert found == {"Key": ("Modify", "False"), "Alias": ("Modify", "True")}
    cfn.execute_change_set(StackName=name, ChangeSetName="look")
    assert settled(cfn, name)["StackStatus"] == "UPDATE_COMPLETE"
    fresh = f"fresh-{uuid.uuid4().hex[:8]}"
    cfn.create_change_set(StackName=fresh, ChangeSetName="new", ChangeSetType="CREATE", TemplateBody=json.dumps({"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}))
    assert cfn.describe_stacks(StackName=fresh)["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    cfn.execute_change_set(StackName=fresh, ChangeSetName="new")
    assert settled(cfn, fresh)["StackStatus"] == "CREATE_COMPLETE"


def test_a_denial_names_the_line_of_the_template(admin, runtime):
    import subprocess

    from conftest import PROGRAM

    _, _, stack = create(admin("cloudformation"), TEMPLATE)
    out = outputs(stack)
    keys = admin("sts").assume_role(RoleArn=out["RoleArn"], RoleSessionName="session")["Credentials"]
    reader = runtime.session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    admin("s3").put_object(Bucket=out["BucketName"], Key="k", Body=b"x")
    # The bucket lets it; the key does not.
    with pytest.raises(ClientError) as refused:
        reader("s3").get_object(Bucket=out["BucketName"], Key="k")
    request = refused.value.response["ResponseMetadata"]["RequestId"]
    told = subprocess.run([PROGRAM, "explain", request, "--data", runtime.data], capture_output=True, text=True).stdout
    line = next(i for i, text in enumerate(TEMPLATE.splitlines(), 1) if "Sid: Read" in text)
    assert "DENIED" in told and f"Read of `read` at template:{line}" in told, told


def settled(cfn, stack):
    for _ in range(200):
        found = cfn.describe_stacks(StackName=stack)["Stacks"][0]
        if not found["StackStatus"].endswith("IN_PROGRESS"):
            return found
        time.sleep(0.05)
    raise AssertionError(found)


@pytest.fixture
def child(admin):
    """A nested stack's template in a bucket: its URL."""
    s3, bucket = admin("s3"), f"templates-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)

    def put(body):
        s3.put_object(Bucket=bucket, Key="child.json", Body=json.dumps(body))
        return f"https://{bucket}.s3.amazonaws.com/child.json"

    return put


def nested(value, good=True):
    kind = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Value"}}}
    bad = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Name": "/aws/refused", "Value": "x"}}
    resources = {"Child": kind} if good else {"Child": kind, "Bad": {**bad, "DependsOn": "Child"}}
    return {"Parameters": {"Value": {"Type": "String"}}, "Resources": resources, "Outputs": {"Name": {"Value": {"Ref": "Child"}}}}


def parent(url, value):
    child = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url, "Parameters": {"Value": value}}}
    copy = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Fn::GetAtt": "Inner.Outputs.Name"}}}
    return json.dumps({"Resources": {"Inner": child, "Copy": copy}, "Outputs": {"Name": {"Value": {"Fn::GetAtt": "Inner.Outputs.Name"}}}})


def test_nested_stacks_are_made_changed_and_deleted_with_their_parent(admin, child):
    cfn, ssm, stack = admin("cloudformation"), admin("ssm"), f"s-{uuid.uuid4().hex[:12]}"
    url = child(nested("one"))
    cfn.create_stack(StackName=stack, TemplateBody=parent(url, "one"))
    made = settled(cfn, stack)
    assert made["StackStatus"] == "CREATE_COMPLETE", made
    name = made["Outputs"][0]["OutputValue"]
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "one"
    cfn.update_stack(StackName=stack, TemplateBody=parent(url, "two"))
    assert settled(cfn, stack)["StackStatus"] == "UPDATE_COMPLETE"
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "two"
    stack_id, inner = made["StackId"], cfn.describe_stack_resource(StackName=stack, LogicalResourceId="Inner")
    cfn.delete_stack(StackName=stack)
    assert settled(cfn, stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert settled(cfn, inner["StackResourceDetail"]["PhysicalResourceId"])["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError):
        ssm.get_parameter(Name=name)


def test_a_nested_stack_that_fails_takes_its_parent_back(admin, child):
    cfn, stack = admin("cloudformation"), f"s-{uuid.uuid4().hex[:12]}"
    before = {p["Name"] for p in admin("ssm").describe_parameters()["Parameters"]}
    cfn.create_stack(StackName=stack, TemplateBody=parent(child(nested("one", good=False)), "one"))
    made = settled(cfn, stack)
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert {p["Name"] for p in admin("ssm").describe_parameters()["Parameters"]} == before


def test_parameters_may_name_stored_values_and_rules_must_hold(admin):
    cfn, ssm, stack = admin("cloudformation"), admin("ssm"), f"s-{uuid.uuid4().hex[:12]}"
    ssm.put_parameter(Name=f"/{stack}/version", Value="6", Type="String")
    body = json.dumps({
        "Parameters": {"Version": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": f"/{stack}/version"}},
        "Rules": {"Known": {"Assertions": [{"Assert": {"Fn::Not": [{"Fn::Contains": [["1", "2"], {"Ref": "Version"}]}]}, "AssertDescription": "too old"}]}},
        "Resources": {"Copy": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": {"Ref": "Version"}}}},
    })
    cfn.create_stack(StackName=stack, TemplateBody=body)
    assert settled(cfn, stack)["StackStatus"] == "CREATE_COMPLETE"
    name = cfn.describe_stack_resource(StackName=stack, LogicalResourceId="Copy")["StackResourceDetail"]["PhysicalResourceId"]
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == "6"
    ssm.put_parameter(Name=f"/{stack}/version", Value="2", Type="String", Overwrite=True)
    with pytest.raises(ClientError, match="too old"):
        cfn.update_stack(StackName=stack, UsePreviousTemplate=True)
    ssm.delete_parameter(Name=f"/{stack}/version")
    with pytest.raises(ClientError, match="Unable to fetch parameters"):
        cfn.update_stack(StackName=stack, UsePreviousTemplate=True)


SIXES = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.9.0.0/16}}
  Six: {Type: AWS::EC2::VPCCidrBlock, Properties: {VpcId: !Ref Vpc, AmazonProvidedIpv6CidrBlock: true}}
  First:
    Type: AWS::EC2::Subnet
    DependsOn: Six
    Properties:
      VpcId: !Ref Vpc
      CidrBlock: !Select [0, !Cidr [!GetAtt Vpc.CidrBlock, 2, 8]]
      Ipv6CidrBlock: !Select [0, !Cidr [!Select [0, !GetAtt Vpc.Ipv6CidrBlocks], 2, 64]]
  Second:
    Type: AWS::EC2::Subnet
    DependsOn: Six
    Properties:
      VpcId: !Ref Vpc
      CidrBlock: !Select [1, !Cidr [!GetAtt Vpc.CidrBlock, 2, 8]]
      Ipv6CidrBlock: !Select [1, !Cidr [!Select [0, !GetAtt Vpc.Ipv6CidrBlocks], 2, BITS]]
Outputs:
  Whole: {Value: !Select [0, !GetAtt Vpc.Ipv6CidrBlocks]}
  First: {Value: !Ref First}
  Second: {Value: !Ref Second}
"""


def test_blocks_of_both_families_are_divided(admin):
    cfn, ec2, stack = admin("cloudformation"), admin("ec2"), f"s-{uuid.uuid4().hex[:12]}"
    cfn.create_stack(StackName=stack, TemplateBody=SIXES.replace("BITS", "64"))
    made = settled(cfn, stack)
    assert made["StackStatus"] == "CREATE_COMPLETE", cfn.describe_stack_events(StackName=stack)["StackEvents"]
    out = {o["OutputKey"]: o["OutputValue"] for o in made["Outputs"]}
    parts = list(ipaddress.ip_network(out["Whole"]).subnets(new_prefix=64))
    for subnet, four, six in (("First", "10.9.0.0/24", parts[0]), ("Second", "10.9.1.0/24", parts[1])):
        found = ec2.describe_subnets(SubnetIds=[out[subnet]])["Subnets"][0]
        assert found["CidrBlock"] == four
        assert [a["Ipv6CidrBlock"] for a in found["Ipv6CidrBlockAssociationSet"]] == [str(six)]
    # Two blocks with 72 bits each do not fit into what a VPC is given.
    stack = f"s-{uuid.uuid4().hex[:12]}"
    cfn.create_stack(StackName=stack, TemplateBody=SIXES.replace("BITS", "72"))
    assert settled(cfn, stack)["StackStatus"] == "ROLLBACK_COMPLETE"
    reasons = [e.get("ResourceStatusReason", "") for e in cfn.describe_stack_events(StackName=stack)["StackEvents"]]
    assert any("Fn::Cidr cannot divide" in r for r in reasons), reasons


def changing(value, broken=None, **more):
    """A parameter, and behind it perhaps one that cannot be made or changed."""
    resources = {"Good": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}, **more}}
    if broken:
        resources["Bad"] = {"Type": "AWS::SSM::Parameter", "DependsOn": "Good", "Properties": {"Type": "String", "Value": "x", "Name": broken}}
    return json.dumps({"Resources": resources})


def physical(cfn, stack, logical="Good"):
    return cfn.describe_stack_resource(StackName=stack, LogicalResourceId=logical)["StackResourceDetail"]["PhysicalResourceId"]


def test_a_failed_update_may_stay_and_go_back_later(admin):
    cfn, ssm = admin("cloudformation"), admin("ssm")
    name, _, _ = create(cfn, changing("one"), Tags=[{"Key": "team", "Value": "old"}])
    parameter = physical(cfn, name)
    assert code(lambda: cfn.rollback_stack(StackName=name)) == "ValidationError"
    cfn.update_stack(StackName=name, TemplateBody=changing("two", "/aws/refused"), DisableRollback=True, Tags=[{"Key": "team", "Value": "new"}])
    assert settled(cfn, name)["StackStatus"] == "UPDATE_FAILED"
    assert ssm.get_parameter(Name=parameter)["Parameter"]["Value"] == "two"
    told = cfn.describe_events(StackName=name, Filters={"FailedEvents": True})["OperationEvents"]
    assert [(e["LogicalResourceId"], e["EventType"]) for e in told if e["LogicalResourceId"] == "Bad"] == [("Bad", "PROVISIONING_ERROR")]
    rolled = cfn.rollback_stack(StackName=name)["OperationId"]
    stack = settled(cfn, name)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE" and stack["Tags"] == [{"Key": "team", "Value": "old"}]
    assert ssm.get_parameter(Name=parameter)["Parameter"]["Value"] == "one"
    tags = {t["Key"]: t["Value"] for t in ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=parameter)["TagList"]}
    assert tags["team"] == "old"
    assert {e["OperationType"] for e in cfn.describe_events(StackName=name, OperationId=rolled)["OperationEvents"]} == {"ROLLBACK"}
    # Events are in an order that clients can tell.
    times = [e["Timestamp"] for e in cfn.describe_stack_events(StackName=name)["StackEvents"]]
    assert times == sorted(set(times), reverse=True)
    # Or it goes on from where it failed.
    cfn.update_stack(StackName=name, TemplateBody=changing("two", "/aws/refused"), DisableRollback=True)
    settled(cfn, name)
    cfn.update_stack(StackName=name, TemplateBody=changing("two", f"/{name}/good"))
    assert settled(cfn, name)["StackStatus"] == "UPDATE_COMPLETE"
    assert ssm.get_parameter(Name=f"/{name}/good")["Parameter"]["Value"] == "x"


@pytest.mark.parametrize("skip", [False, True])
def test_a_way_back_that_is_blocked_can_be_taken_again(admin, skip):
    """The way back itself fails; then it is taken again, or past what cannot be mended."""
    cfn, kms = admin("cloudformation"), admin("kms")
    key = lambda words, broken: json.dumps({"Resources": {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"Description": words}},
        **({"Bad": {"Type": "AWS::SSM::Parameter", "DependsOn": "Key", "Properties": {"Type": "String", "Value": "x", "Name": "/aws/refused"}}} if broken else {}),
    }})
    name, _, _ = create(cfn, key("one", False))
    made = physical(cfn, name, "Key")
    cfn.update_stack(StackName=name, TemplateBody=key("two", True), DisableRollback=True)
    assert settled(cfn, name)["StackStatus"] == "UPDATE_FAILED"
    assert code(lambda: cfn.continue_update_rollback(StackName=name)) == "ValidationError"
    kms.schedule_key_deletion(KeyId=made, PendingWindowInDays=7)
    cfn.rollback_stack(StackName=name)
    assert settled(cfn, name)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert code(lambda: cfn.continue_update_rollback(StackName=name, ResourcesToSkip=["Other"])) == "ValidationError"
    cfn.continue_update_rollback(StackName=name)
    assert settled(cfn, name)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    kms.cancel_key_deletion(KeyId=made)
    kms.enable_key(KeyId=made)
    if skip:
        cfn.continue_update_rollback(StackName=name, ResourcesToSkip=["Key"])
    else:
        cfn.continue_update_rollback(StackName=name)
    assert settled(cfn, name)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert kms.describe_key(KeyId=made)["KeyMetadata"]["Description"] == ("two" if skip else "one")


@pytest.mark.parametrize("on_failure, status, left", [("DELETE", "DELETE_COMPLETE", False), ("DO_NOTHING", "CREATE_FAILED", True), ("ROLLBACK", "ROLLBACK_COMPLETE", False)])
def test_what_becomes_of_a_failed_creation_is_chosen(admin, on_failure, status, left):
    cfn, ssm = admin("cloudformation"), admin("ssm")
    stack = f"s-{uuid.uuid4().hex[:12]}"
    body = json.loads(changing("one", "/aws/refused"))
    body["Resources"]["Good"]["Properties"]["Name"] = f"/{stack}/good"
    made = cfn.create_stack(StackName=stack, TemplateBody=json.dumps(body), OnFailure=on_failure)["StackId"]
    assert settled(cfn, made)["StackStatus"] == status
    assert bool(ssm.get_parameters(Names=[f"/{stack}/good"])["Parameters"]) == left


def test_what_a_template_needs_is_told(admin):
    cfn = admin("cloudformation")
    told = cfn.get_template_summary(TemplateBody=TEMPLATE)
    assert told["Capabilities"] == ["CAPABILITY_IAM"] and "AWS::IAM::Role" in told["CapabilitiesReason"]
    purpose = next(p for p in told["Parameters"] if p["ParameterKey"] == "Purpose")
    assert purpose["DefaultValue"] == "receipts" and purpose["ParameterConstraints"]["AllowedValues"] == ["receipts", "pictures"]
    assert "AWS::KMS::Key" in told["ResourceTypes"]


@pytest.mark.parametrize("more", [{"StackPolicyBody": "{}"}, {"NotificationARNs": ["arn:aws:sns:us-east-1:123456789012:t"]}, {"ResourceTypes": ["AWS::*"]}])
def test_what_would_not_be_kept_is_refused(admin, more):
    assert code(lambda: admin("cloudformation").create_stack(StackName="never", TemplateBody=changing("one"), **more)) == "ValidationError"
    assert code(lambda: admin("cloudformation").describe_stacks(StackName="never")) == "ValidationError"


def test_protection_is_put_on_and_taken_off(admin):
    cfn = admin("cloudformation")
    name, made, _ = create(cfn, changing("one"))
    cfn.update_termination_protection(StackName=name, EnableTerminationProtection=True)
    assert code(lambda: cfn.delete_stack(StackName=name)) == "ValidationError"
    cfn.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    cfn.delete_stack(StackName=name)
    assert settled(cfn, made)["StackStatus"] == "DELETE_COMPLETE"
