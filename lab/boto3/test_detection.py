"""A principal that is denied again and again becomes a finding in Security Hub."""

import time
import uuid

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def hub(admin):
    client = admin("securityhub")
    with pytest.raises(ClientError, match="not subscribed"):
        client.get_findings()
    client.enable_security_hub()
    yield client
    client.disable_security_hub()


def probe(principal, times):
    for _ in range(times):
        with pytest.raises(ClientError):
            principal("kms").list_keys()


def findings(hub, account, name):
    arn = f"arn:aws:iam::{account}:user/{name}"
    return hub.get_findings(Filters={"ResourceId": [{"Value": arn, "Comparison": "EQUALS"}]})["Findings"]


def test_repeated_denials_are_found_and_counted(hub, limited, account):
    eve = limited()
    probe(eve, 4)
    time.sleep(0.5)
    assert findings(hub, account, eve.name) == []
    probe(eve, 3)
    for _ in range(50):
        found = findings(hub, account, eve.name)
        if found and found[0]["ProductFields"]["countersign/count"] == "7":
            break
        time.sleep(0.1)
    [finding] = found
    assert finding["Severity"]["Label"] == "MEDIUM" and finding["Workflow"]["Status"] == "NEW"
    assert "denied 7 times" in finding["Title"]
    said = [{"Id": finding["Id"], "ProductArn": finding["ProductArn"]}]
    hub.batch_update_findings(FindingIdentifiers=said, Workflow={"Status": "RESOLVED"}, Note={"Text": "a drill", "UpdatedBy": "me"})
    probe(eve, 1)
    time.sleep(0.5)
    [finding] = findings(hub, account, eve.name)
    assert finding["Workflow"]["Status"] == "RESOLVED" and finding["Note"]["Text"] == "a drill"
    wanted = {"WorkflowStatus": [{"Value": "RESOLVED", "Comparison": "NOT_EQUALS"}], "ResourceId": [{"Value": eve.name, "Comparison": "CONTAINS"}]}
    assert hub.get_findings(Filters=wanted)["Findings"] == []


def test_findings_of_others_are_imported_only_for_the_own_account(hub, account):
    def finding(owner):
        return {
            "SchemaVersion": "2018-10-08", "Id": uuid.uuid4().hex, "GeneratorId": "mine", "AwsAccountId": owner,
            "ProductArn": f"arn:aws:securityhub:us-east-1:{account}:product/{account}/default", "Types": ["Software and Configuration Checks"],
            "CreatedAt": "2026-01-01T00:00:00Z", "UpdatedAt": "2026-01-01T00:00:00Z", "Severity": {"Label": "LOW"},
            "Title": "t", "Description": "d", "Resources": [{"Type": "Other", "Id": "x"}],
        }

    done = hub.batch_import_findings(Findings=[finding(account), finding("999999999999")])
    assert (done["SuccessCount"], done["FailedCount"]) == (1, 1)
