"""`verify --data`: the estate that runs, not what its template says."""

import subprocess

import pytest
from conftest import PROGRAM


def verified(data):
    return subprocess.run([PROGRAM, "verify", "--data", data], capture_output=True, text=True, timeout=60)


def test_a_path_that_a_call_opens_is_found_and_gone_when_closed(shop):
    held = verified(shop.data)
    assert held.returncode == 0 and "holds: every path" in held.stdout, held.stdout + held.stderr
    assert ", 0 unguarded paths" in held.stdout and ", 0 guarded paths" not in held.stdout, held.stdout
    # The HTTP API has no web ACL of its own: its orders lean on the balancer's.
    waf = shop.admin("wafv2")
    arn = shop.admin("elbv2").describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    acl = waf.get_web_acl_for_resource(ResourceArn=arn)["WebACL"]["ARN"]
    waf.disassociate_web_acl(ResourceArn=arn)
    try:
        opened = verified(shop.data)
        assert opened.returncode == 1 and "violated" in opened.stdout, opened.stdout + opened.stderr
        assert "internet → " in opened.stdout and "service/securecart/orders" in opened.stdout and "database/" in opened.stdout
    finally:
        waf.associate_web_acl(WebACLArn=acl, ResourceArn=arn)
    assert verified(shop.data).returncode == 0


def test_a_group_that_a_call_opens_is_found(shop):
    ec2, rds = shop.admin("ec2"), shop.admin("rds")
    database = rds.describe_db_instances()["DBInstances"][0]
    group = database["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
    everyone = [{"IpProtocol": "tcp", "FromPort": database["Endpoint"]["Port"], "ToPort": database["Endpoint"]["Port"], "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    before = verified(shop.data)
    # The catalogue may be read by anybody, and now its service reaches the database.
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=everyone)
    try:
        after = verified(shop.data)
        assert after.returncode == 1 and "service/securecart/catalogue" in after.stdout, after.stdout + after.stderr
    finally:
        ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=everyone)
    assert verified(shop.data).stdout == before.stdout


def test_rights_come_with_the_lines_of_the_template(shop):
    key = shop.admin("kms").list_keys()["Keys"]
    policies = [(k["KeyArn"], shop.admin("kms").get_key_policy(KeyId=k["KeyId"], PolicyName="default")["Policy"]) for k in key]
    arn = next(arn for arn, policy in policies if "LogsOfThisAccount" in policy)
    asked = subprocess.run([PROGRAM, "verify", "--data", shop.data, "--who-can", "kms:Decrypt", "--to", arn], capture_output=True, text=True, timeout=60)
    assert asked.returncode == 0 and "AccountsRole" in asked.stdout, asked.stdout + asked.stderr
    assert "statement 2 `LogsOfThisAccount` (examples/securecart/template.yaml:" in asked.stdout, asked.stdout


def test_a_stopped_estate_is_read_and_a_folder_that_is_none_is_refused(shop, tmp_path):
    running = verified(shop.data)
    shop.stop()
    stopped = verified(shop.data)
    assert stopped.returncode == 0 and stopped.stdout == running.stdout
    shop.start()
    refused = verified(tmp_path)
    assert refused.returncode == 2 and "no data folder" in refused.stderr and not list(tmp_path.iterdir())
