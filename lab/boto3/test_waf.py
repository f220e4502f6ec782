"""AWS WAF with a real client: web ACLs and their parts, alone and from a template."""

import time
import uuid

import pytest
from botocore.exceptions import ClientError

SEEN = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
NONE = [{"Priority": 0, "Type": "NONE"}]


def code(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def statement(path):
    return {"ByteMatchStatement": {"FieldToMatch": {"UriPath": {}}, "PositionalConstraint": "STARTS_WITH", "SearchString": path, "TextTransformations": NONE}}


def test_web_acls_are_kept_and_locked(admin):
    waf = admin("wafv2")
    name = f"acl-{uuid.uuid4()}"
    rules = [
        {"Name": "admin", "Priority": 0, "Statement": statement(b"/admin"), "Action": {"Block": {}}, "VisibilityConfig": SEEN},
        {
            "Name": "rate", "Priority": 1, "Action": {"Count": {}}, "VisibilityConfig": SEEN,
            "Statement": {"RateBasedStatement": {"Limit": 100, "EvaluationWindowSec": 60, "AggregateKeyType": "IP", "ScopeDownStatement": statement(b"/login")}},
        },
        {
            "Name": "common", "Priority": 2, "OverrideAction": {"None": {}}, "VisibilityConfig": SEEN,
            "Statement": {"ManagedRuleGroupStatement": {"VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet", "RuleActionOverrides": [{"Name": "NoUserAgent_HEADER", "ActionToUse": {"Count": {}}}]}},
        },
    ]
    assert waf.check_capacity(Scope="REGIONAL", Rules=rules)["Capacity"] == 2 + 2 + 2 + 700
    made = waf.create_web_acl(Name=name, Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=SEEN, Rules=rules)["Summary"]
    key = {"Name": name, "Scope": "REGIONAL", "Id": made["Id"]}
    got = waf.get_web_acl(**key)
    assert got["WebACL"]["Rules"] == rules
    change = {"DefaultAction": {"Block": {}}, "VisibilityConfig": SEEN}
    token = waf.update_web_acl(**key, **change, LockToken=got["LockToken"])["NextLockToken"]
    assert code(waf.update_web_acl, **key, **change, LockToken=got["LockToken"]) == "WAFOptimisticLockException"
    assert made["Id"] in {a["Id"] for a in waf.list_web_acls(Scope="REGIONAL")["WebACLs"]}
    assert code(waf.associate_web_acl, WebACLArn=made["ARN"], ResourceArn="arn:aws:apigateway:us-east-1::/apis/abc/stages/prod") == "WAFInvalidParameterException"
    assert waf.get_sampled_requests(
        WebAclArn=made["ARN"], RuleMetricName="m", Scope="REGIONAL", MaxItems=10,
        TimeWindow={"StartTime": time.time() - 600, "EndTime": time.time()},
    )["SampledRequests"] == []
    waf.delete_web_acl(**key, LockToken=token)
    assert code(waf.get_web_acl, **key) == "WAFNonexistentItemException"


TEMPLATE = """
Parameters:
  Blocks: {Type: CommaDelimitedList, Default: "192.0.2.0/24"}
Resources:
  Office:
    Type: AWS::WAFv2::IPSet
    Properties: {Scope: REGIONAL, IPAddressVersion: IPV4, Addresses: !Ref Blocks}
  Bots:
    Type: AWS::WAFv2::RegexPatternSet
    Properties: {Scope: REGIONAL, RegularExpressionList: ["^bad-?bot"]}
  Own:
    Type: AWS::WAFv2::RuleGroup
    Properties:
      Scope: REGIONAL
      Capacity: 50
      VisibilityConfig: &seen {SampledRequestsEnabled: true, CloudWatchMetricsEnabled: false, MetricName: m}
      Rules:
        - Name: bots
          Priority: 0
          Action: {Block: {}}
          RuleLabels: [{Name: "bot"}]
          VisibilityConfig: *seen
          Statement:
            RegexPatternSetReferenceStatement:
              Arn: !GetAtt Bots.Arn
              FieldToMatch: {SingleHeader: {Name: user-agent}}
              TextTransformations: [{Priority: 0, Type: LOWERCASE}]
  Acl:
    Type: AWS::WAFv2::WebACL
    Properties:
      Name: !Ref AWS::StackName
      Scope: REGIONAL
      DefaultAction: {Allow: {}}
      VisibilityConfig: *seen
      Rules:
        - Name: office
          Priority: 0
          Action: {Allow: {}}
          VisibilityConfig: *seen
          Statement: {IPSetReferenceStatement: {Arn: !GetAtt Office.Arn}}
        - Name: admin
          Priority: 1
          Action: {Block: {}}
          VisibilityConfig: *seen
          Statement:
            ByteMatchStatement:
              SearchString: /admin
              FieldToMatch: {UriPath: {}}
              PositionalConstraint: STARTS_WITH
              TextTransformations: [{Priority: 0, Type: NONE}]
        - Name: own
          Priority: 2
          OverrideAction: {None: {}}
          VisibilityConfig: *seen
          Statement: {RuleGroupReferenceStatement: {Arn: !GetAtt Own.Arn}}
Outputs:
  Acl: {Value: !Ref Acl}
  Arn: {Value: !GetAtt Acl.Arn}
  Capacity: {Value: !GetAtt Acl.Capacity}
  Labels: {Value: !GetAtt Own.LabelNamespace}
"""


def deployed(cloudformation, name):
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    assert stack["StackStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), [e.get("ResourceStatusReason") for e in events]
    return {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}


def test_a_template_makes_changes_and_removes_them(admin):
    cloudformation, waf = admin("cloudformation"), admin("wafv2")
    name = f"waf-{uuid.uuid4().hex[:8]}"
    cloudformation.create_stack(StackName=name, TemplateBody=TEMPLATE)
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    outputs = deployed(cloudformation, name)
    acl, identity, scope = outputs["Acl"].split("|")
    assert (acl, scope, outputs["Capacity"]) == (name, "REGIONAL", "53")
    got = waf.get_web_acl(Name=acl, Scope=scope, Id=identity)["WebACL"]
    assert got["ARN"] == outputs["Arn"]
    assert got["Rules"][1]["Statement"]["ByteMatchStatement"]["SearchString"] == b"/admin"
    office = [s for s in waf.list_ip_sets(Scope="REGIONAL")["IPSets"] if s["Name"].startswith(name)][0]
    where = {"Name": office["Name"], "Id": office["Id"], "Scope": "REGIONAL"}
    cloudformation.update_stack(StackName=name, UsePreviousTemplate=True, Parameters=[{"ParameterKey": "Blocks", "ParameterValue": "198.51.100.0/24"}])
    cloudformation.get_waiter("stack_update_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert waf.get_ip_set(**where)["IPSet"]["Addresses"] == ["198.51.100.0/24"]
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert code(waf.get_web_acl, Name=acl, Scope=scope, Id=identity) == "WAFNonexistentItemException"


def test_a_template_with_what_is_not_enforced_fails(admin):
    cloudformation = admin("cloudformation")
    name = f"waf-{uuid.uuid4().hex[:8]}"
    bad = TEMPLATE.replace("IPSetReferenceStatement: {Arn: !GetAtt Office.Arn}", "GeoMatchStatement: {CountryCodes: [DE]}")
    cloudformation.create_stack(StackName=name, TemplateBody=bad, OnFailure="DO_NOTHING")
    for _ in range(60):
        status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        if not status.endswith("IN_PROGRESS"):
            break
        time.sleep(0.5)
    assert status == "CREATE_FAILED"
    reasons = " ".join(e.get("ResourceStatusReason", "") for e in cloudformation.describe_stack_events(StackName=name)["StackEvents"])
    assert "countries" in reasons
    cloudformation.delete_stack(StackName=name)
