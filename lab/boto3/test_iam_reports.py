"""What an account has and uses, as auditors ask for it."""

import csv
import io
import time

from conftest import allow
from test_iam import code


def test_keys_principals_and_services_that_were_used(admin, account, limited):
    iam, clients = admin("iam"), limited(allow("ec2:Describe*", "s3:ListAllMyBuckets"))
    key = iam.list_access_keys(UserName=clients.name)["AccessKeyMetadata"][0]["AccessKeyId"]
    used = lambda: iam.get_access_key_last_used(AccessKeyId=key)
    assert used()["UserName"] == clients.name
    assert used()["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    clients("ec2", region_name="eu-west-1").describe_vpcs()
    time.sleep(0.1)  # The record of a read is on the disk a few milliseconds later.
    last = used()["AccessKeyLastUsed"]
    assert (last["ServiceName"], last["Region"]) == ("ec2", "eu-west-1") and last["LastUsedDate"]
    arn = f"arn:aws:iam::{account}:user/{clients.name}"
    job = iam.generate_service_last_accessed_details(Arn=arn, Granularity="ACTION_LEVEL")["JobId"]
    details = iam.get_service_last_accessed_details(JobId=job)
    assert details["JobStatus"] == "COMPLETED"
    services = {s["ServiceNamespace"]: s for s in details["ServicesLastAccessed"]}
    assert set(services) == {"ec2", "s3"}
    assert services["ec2"]["LastAuthenticatedEntity"] == arn and services["ec2"]["LastAuthenticatedRegion"] == "eu-west-1"
    assert [a["ActionName"] for a in services["ec2"]["TrackedActionsLastAccessed"]] == ["DescribeVpcs"]
    assert services["s3"]["TotalAuthenticatedEntities"] == 0
    entities = iam.get_service_last_accessed_details_with_entities(JobId=job, ServiceNamespace="ec2")
    assert entities["EntityDetailsList"][0]["EntityInfo"]["Name"] == clients.name
    assert code(lambda: clients("iam").get_service_last_accessed_details(JobId=job)) == "AccessDenied"


def test_the_credential_report(admin):
    iam = admin("iam")
    assert code(iam.get_credential_report) == "ReportNotPresent"
    while iam.generate_credential_report()["State"] != "COMPLETE":
        time.sleep(0.1)
    report = iam.get_credential_report()
    assert report["ReportFormat"] == "text/csv"
    rows = list(csv.DictReader(io.StringIO(report["Content"].decode())))
    assert rows[0]["user"] == "<root_account>"
    administrator = next(row for row in rows if row["user"] == "administrator")
    assert administrator["access_key_1_active"] == "true" and administrator["access_key_1_last_used_service"] == "iam"


def test_the_account_in_numbers_and_in_full(admin, limited):
    iam, clients = admin("iam"), limited()
    summary = iam.get_account_summary()["SummaryMap"]
    assert summary["Users"] >= 2 and summary["AccountMFAEnabled"] == 0
    pages = iam.get_paginator("get_account_authorization_details").paginate(Filter=["User"], PaginationConfig={"PageSize": 1})
    assert clients.name in [u["UserName"] for page in pages for u in page["UserDetailList"]]
    details = iam.get_account_authorization_details(Filter=["AWSManagedPolicy"])
    assert "AdministratorAccess" in [p["PolicyName"] for p in details["Policies"]]
    assert details["Policies"][0]["PolicyVersionList"][0]["Document"]["Statement"]
