"""STS through real calls: what sessions carry on, and what they may not."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import allow
from test_iam import assumed, code, trust


def refusal(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]


def test_a_denial_is_explained_to_those_who_may_know(runtime, admin, limited):
    clients = limited(allow("ec2:Describe*"))
    error = refusal(lambda: clients("ec2").create_vpc(CidrBlock="10.7.0.0/16"))
    assert error["Code"] == "UnauthorizedOperation"
    told, encoded = error["Message"].split(" Encoded authorization failure message: ")
    assert told.startswith("You are not authorized to perform this operation. User: arn:aws:iam::")
    assert told.endswith("because no identity-based policy allows the ec2:CreateVpc action.")
    decode = lambda who, message: who("sts").decode_authorization_message(EncodedMessage=message)["DecodedMessage"]
    assert code(lambda: decode(clients, encoded)) == "AccessDenied", "the message is not for whom was denied"
    why = json.loads(decode(admin, encoded))
    assert (why["allowed"], why["explicitDeny"]) == (False, False)
    assert why["context"]["principal"]["name"] == clients.name
    assert why["context"]["action"] == "ec2:CreateVpc"
    keys = {item["key"]: item["values"]["items"] for item in why["context"]["conditions"]["items"]}
    assert keys["aws:RequestedRegion"] == [{"value": "us-east-1"}]
    assert "Encoded" not in refusal(lambda: clients("iam").list_users())["Message"], "IAM's own denials are plain"
    # A changed message, or one that was never made here, says nothing.
    for wrong in (encoded[:-2] + ("AA" if encoded[-2:] != "AA" else "BB"), "bm90aGluZw", "not base64!"):
        assert code(lambda: decode(admin, wrong)) == "InvalidAuthorizationMessageException"


def test_a_matched_deny_is_named(admin, limited):
    policy = allow("ec2:*")
    policy["Statement"].append({"Sid": "NoVpcs", "Effect": "Deny", "Action": "ec2:CreateVpc", "Resource": "*"})
    clients = limited(policy)
    error = refusal(lambda: clients("ec2").create_vpc(CidrBlock="10.7.0.0/16"))
    encoded = error["Message"].split("Encoded authorization failure message: ")[1]
    why = json.loads(admin("sts").decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert why["explicitDeny"] is True
    statements = why["matchedStatements"]["items"]
    assert [(s["statementId"], s["effect"]) for s in statements] == [("NoVpcs", "DENY")]
