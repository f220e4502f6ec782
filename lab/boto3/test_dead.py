"""Every refusal of the journey again, with what it depends on dead: still a refusal, never a way through."""

import datetime
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.parse
import uuid

import psycopg
import pytest
import requests
from botocore.exceptions import ClientError
from conftest import allow
from shop import PASSWORD, Customer, Shop
from test_authentication import post
from test_authentication import signed as signed_call
from test_rds import signed
from test_shop import eventually, start, tokens

ATTACKS = {
    "SQL injection": "q=" + urllib.parse.quote("1' OR '1'='1'--"),
    "script": "q=" + urllib.parse.quote("<script>alert(1)</script>"),
}
NAME = "shop.securecart.example"


def status(call):
    """What a call came to, as an HTTP status; whoever gets no answer got nothing through."""
    try:
        answer = call()
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    except psycopg.OperationalError:
        return 403
    except (requests.exceptions.ConnectionError, OSError, http.client.HTTPException):
        return 503
    return getattr(answer, "status_code", 200)


class Journey:
    """What is refused on the way, and what is let through, each as a call to be made at any time."""

    def __init__(self, shop):
        self.shop, self.admin = shop, shop.admin
        self.customer = Customer(shop).sign_up().enrol()
        self.customer.ask("PUT", "cart", json={"items": {"mug": 1}})
        assert self.customer.ask("POST", "orders", json={}).status_code == 201
        self.account = self.admin("sts").get_caller_identity()["Account"]
        self.balancer = self.listener()
        self.refused = {**self.of_tokens(), **self.of_attacks(), **self.of_signing_in(), **self.of_content(), **self.of_database(), **self.of_calls()}
        self.good = {
            "the customer's orders": lambda: self.customer.ask("GET", "orders"),
            "the administrator's call": lambda: self.admin("sts").get_caller_identity(),
            "the object in its own bucket": lambda: self.reader("s3").get_object(Bucket=self.own, Key="k"),
            "the ciphertext": lambda: self.admin("kms").decrypt(CiphertextBlob=self.sealed, EncryptionContext={"a": "b"}),
            "the database's door": lambda: self.connect(self.rds_token(self.member)),
        }

    # ------------------------------------------------------------- who is asked

    def listener(self):
        """Where the internal load balancer really listens; to be found by those who may look at the process only."""
        pid, inodes = self.shop.pid(), set()
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                inodes.add(os.readlink(fd).removeprefix("socket:[").removesuffix("]"))
            except OSError:
                pass
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                port = int(fields[1].split(":")[1], 16)
                address = socket.inet_ntoa(bytes.fromhex(fields[1].split(":")[0])[::-1])
                try:
                    if self.direct("/prod/catalogue", at=(address, port)).status == 200:
                        return address, port
                except (OSError, http.client.HTTPException):
                    pass
        raise AssertionError("the load balancer does not listen")

    def direct(self, path, token=None, at=None):
        """A request straight to the load balancer, past the gateway."""
        context = ssl.create_default_context(cafile=self.shop.ca)
        with socket.create_connection(at or self.balancer, timeout=10) as plain, context.wrap_socket(plain, server_hostname=NAME) as door:
            connection = http.client.HTTPConnection(NAME)
            connection.sock = door
            connection.request("GET", path, headers={"User-Agent": "test", **({"Authorization": f"Bearer {token}"} if token else {})})
            answer = connection.getresponse()
            answer.status_code = answer.status
            answer.read()
            return answer

    # ---------------------------------------------------------------- refusals

    def of_tokens(self):
        bad, admin, shop = tokens(self.customer), self.admin("cognito-idp"), self.shop
        other_client = Customer(shop)
        other_client.client = admin.create_user_pool_client(UserPoolId=self.customer.pool, ClientName="other", ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])["UserPoolClient"]["ClientId"]
        bad["another audience"] = other_client.sign_up().enrol().tokens["AccessToken"]
        pool = admin.create_user_pool(PoolName="other")["UserPool"]["Id"]
        client = admin.create_user_pool_client(UserPoolId=pool, ClientName="other", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"])["UserPoolClient"]["ClientId"]
        admin.admin_create_user(UserPoolId=pool, Username="alice", MessageAction="SUPPRESS")
        admin.admin_set_user_password(UserPoolId=pool, Username="alice", Password=PASSWORD, Permanent=True)
        done = shop.cognito().initiate_auth(ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters={"USERNAME": "alice", "PASSWORD": PASSWORD})
        bad["another pool"] = done["AuthenticationResult"]["AccessToken"]
        at_gateway = {f"token at the gateway: {kind}": lambda t=t: shop.ask("GET", "orders", token=t) for kind, t in bad.items()}
        at_balancer = {f"token at the service: {kind}": lambda t=t: self.direct("/prod/orders", t) for kind, t in bad.items()}
        scope = {"a scope that is missing": lambda: self.customer.ask("POST", "catalogue", json={"id": "x", "name": "x", "price": 1})}
        return {**at_gateway, **at_balancer, **scope}

    def of_attacks(self):
        at_stage = {f"{kind} at the stage": lambda q=q: self.shop.ask("GET", f"catalogue?{q}") for kind, q in ATTACKS.items()}
        at_balancer = {f"{kind} at the load balancer": lambda q=q: self.direct(f"/prod/catalogue?{q}") for kind, q in ATTACKS.items()}
        return {**at_stage, **at_balancer}

    def of_signing_in(self):
        someone = self.customer
        plain = {"USERNAME": someone.email, "PASSWORD": PASSWORD}
        return {
            "a wrong code": lambda: someone.sign_in("000000"),
            "a wrong password": lambda: someone.password("Wrong-password-1"),
            "the password alone": lambda: someone.cognito.initiate_auth(ClientId=someone.client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=plain),
        }

    def of_content(self):
        admin, iam, kms = self.admin, self.admin("iam"), self.admin("kms")
        self.own, self.foreign = (f"b-{uuid.uuid4().hex[:12]}" for _ in range(2))
        self.key = kms.create_key()["KeyMetadata"]["Arn"]
        for bucket in (self.own, self.foreign):
            admin("s3").create_bucket(Bucket=bucket)
            admin("s3").put_object(Bucket=bucket, Key="k", Body=b"x")
        admin("s3").put_object(Bucket=self.own, Key="sealed", Body=b"x", ServerSideEncryption="aws:kms", SSEKMSKeyId=self.key)
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": self.account}, "Action": "sts:AssumeRole"}]}
        self.role = f"r-{uuid.uuid4().hex[:12]}"
        arn = iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=self.role, PolicyName="own", PolicyDocument=json.dumps(allow("s3:GetObject", resource=f"arn:aws:s3:::{self.own}/*")))
        keys = admin("sts").assume_role(RoleArn=arn, RoleSessionName="task")["Credentials"]
        self.reader = self.shop.session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        self.sealed = kms.encrypt(KeyId=self.key, Plaintext=b"secret", EncryptionContext={"a": "b"})["CiphertextBlob"]
        tampered = self.sealed[:-1] + bytes([self.sealed[-1] ^ 1])
        return {
            "an object of a bucket that the role does not name": lambda: self.reader("s3").get_object(Bucket=self.foreign, Key="k"),
            "an object under a key that the role may not use": lambda: self.reader("s3").get_object(Bucket=self.own, Key="sealed"),
            "a tampered ciphertext": lambda: kms.decrypt(CiphertextBlob=tampered, EncryptionContext={"a": "b"}),
            "another encryption context": lambda: kms.decrypt(CiphertextBlob=self.sealed, EncryptionContext={"a": "c"}),
        }

    def user(self, policy=None):
        iam, name = self.admin("iam"), f"u-{uuid.uuid4().hex[:12]}"
        iam.create_user(UserName=name)
        if policy:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        clients = self.shop.session(key["AccessKeyId"], key["SecretAccessKey"])
        clients.name, clients.key, clients.secret = name, key["AccessKeyId"], key["SecretAccessKey"]
        return clients

    def rds_token(self, clients):
        return clients("rds").generate_db_auth_token(DBHostname="localhost", Port=self.port, DBUsername="orders")

    def connect(self, password, user="orders"):
        psycopg.connect(host="localhost", port=self.port, dbname="shop", sslmode="verify-full", sslrootcert=self.shop.ca, connect_timeout=10, user=user, password=password).close()

    def of_database(self):
        self.database = self.admin("rds").describe_db_instances(DBInstanceIdentifier=self.shop.outputs["DatabaseId"])["DBInstances"][0]
        self.port = self.database["Endpoint"]["Port"]
        place = f"arn:aws:rds-db:us-east-1:{self.account}:dbuser:{self.database['DbiResourceId']}"
        self.member = self.user(allow("rds-db:connect", resource=f"{place}/orders"))
        stranger = self.user(allow("rds-db:connect", resource=f"{place}/other"))
        old = signed(self.member, self, minutes=-16, DBUser="orders")
        return {
            "an expired database token": lambda: self.connect(old),
            "a foreign database token": lambda: self.connect(self.rds_token(stranger)),
            "no database password": lambda: self.connect(""),
            "a wrong master password": lambda: self.connect("wrong", user="shopkeeper"),
        }

    def of_calls(self):
        inactive = self.user(allow("s3:*"))
        self.admin("iam").update_access_key(UserName=inactive.name, AccessKeyId=inactive.key, Status="Inactive")
        nobody = self.user()
        shop = self.shop
        stale = lambda: signed_call(shop, at=(datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=6)).replace(tzinfo=None))

        def tampered():
            headers, body = signed_call(shop)
            return post(shop, headers, body + "&x=1")

        return {
            "an unsigned call": lambda: post(shop, {"Content-Type": "application/x-www-form-urlencoded"}, "Action=GetCallerIdentity&Version=2011-06-15"),
            "a stale call": lambda: post(shop, *stale()),
            "a tampered call": tampered,
            "a call with an unknown key": lambda: shop.session("AKIAAAAAAAAAAAAAAAAA", "secret")("sts").get_caller_identity(),
            "a call with an inactive key": lambda: inactive("s3").list_buckets(),
            "a call that no policy allows": lambda: nobody("iam").list_users(),
        }

    # ------------------------------------------------------------------ verdict

    def let_through(self):
        """The refusals that were none."""
        found = {name: status(call) for name, call in self.refused.items()}
        return {name: code for name, code in found.items() if code < 400}

    def denial_is_found(self):
        """A denied call of one's own, and whether the trail tells of it."""
        nobody = self.user()
        assert status(lambda: nobody("iam").list_users()) == 403
        found = self.admin("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "AccessKeyId", "AttributeValue": nobody.key}])["Events"]
        return any(e["EventName"] == "ListUsers" and json.loads(e["CloudTrailEvent"]).get("errorCode", "").startswith("AccessDenied") for e in found)


@pytest.fixture(scope="module")
def shop():
    shop = Shop()
    yield shop
    shop.stop()
    shutil.rmtree(shop.data)


@pytest.fixture(scope="module")
def journey(shop):
    return Journey(shop)


def running(shop, word):
    """The runtime's descendants that bear this word."""
    parents, words = {}, {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                words[int(entry.name)] = (entry / "cmdline").read_text()
            except OSError:
                continue

    def below(pid):
        while pid > 1 and pid != shop.pid():
            pid = parents.get(pid, 0)
        return pid == shop.pid()

    return [pid for pid, text in words.items() if word in text and below(pid)]


def heals(journey):
    eventually(lambda: all(status(call) < 400 for call in journey.good.values()) or start(journey.shop))


def test_with_everything_alive(journey):
    assert {name: status(call) for name, call in journey.good.items()} == dict.fromkeys(journey.good, 200)
    assert journey.let_through() == {} and len(journey.refused) > 40
    assert journey.denial_is_found()


def test_with_the_tasks_killed(journey, shop):
    killed = running(shop, "/securecart")
    assert len(killed) >= 4
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    assert status(journey.good["the customer's orders"]) >= 500
    assert journey.let_through() == {}
    heals(journey)


def test_with_the_tasks_gone_for_good(journey, shop):
    ecs, cluster = shop.admin("ecs"), shop.outputs["Cluster"]
    for service in ("orders", "catalogue"):
        ecs.update_service(cluster=cluster, service=service, desiredCount=0)
    try:
        eventually(lambda: status(journey.good["the customer's orders"]) >= 500)
        assert journey.let_through() == {} and journey.denial_is_found()
    finally:
        for service in ("orders", "catalogue"):
            ecs.update_service(cluster=cluster, service=service, desiredCount=1)
    heals(journey)


def test_with_the_database_engine_killed(journey, shop):
    engine = running(shop, "bin/postgres\0-D")
    assert len(engine) == 1
    os.kill(engine[0], signal.SIGKILL)
    for _ in range(3):
        assert journey.let_through() == {}
    heals(journey)


def test_with_the_database_stopped(journey, shop):
    rds = shop.admin("rds")
    rds.stop_db_instance(DBInstanceIdentifier=shop.outputs["DatabaseId"])
    try:
        eventually(lambda: status(journey.good["the database's door"]) >= 400)
        assert status(journey.good["the customer's orders"]) >= 500
        assert journey.let_through() == {}
    finally:
        eventually(lambda: rds.describe_db_instances(DBInstanceIdentifier=shop.outputs["DatabaseId"])["DBInstances"][0]["DBInstanceStatus"] == "stopped")
        start(shop)
    heals(journey)


@pytest.mark.parametrize("way", ["disabled", "pending deletion"])
def test_with_the_keys_dead(journey, shop, way):
    kms, keys = shop.admin("kms"), (shop.outputs["DataKeyArn"], journey.key)
    for key in keys:
        kms.disable_key(KeyId=key) if way == "disabled" else kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    try:
        assert journey.let_through() == {} and journey.denial_is_found()
        # Nor is anything else readable that is under them.
        assert status(journey.good["the ciphertext"]) >= 400
        assert status(lambda: shop.admin("s3").get_object(Bucket=journey.own, Key="sealed")) >= 400
        assert status(lambda: journey.customer.ask("POST", "orders", json={})) >= 500
        assert status(lambda: shop.ask("GET", "catalogue")) >= 500
        eventually(lambda: status(journey.good["the database's door"]) >= 400)
        assert journey.let_through() == {}
    finally:
        for key in keys:
            if way == "pending deletion":
                kms.cancel_key_deletion(KeyId=key)
            kms.enable_key(KeyId=key)
    heals(journey)


def refusal(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


def test_a_web_acl_in_use_cannot_die(journey, shop):
    """Neither it nor what its rules lean on; and where its log cannot go, it judges all the same."""
    waf, logs = shop.admin("wafv2"), shop.admin("logs")
    seen = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    group = waf.create_rule_group(Name="own", Scope="REGIONAL", Capacity=50, VisibilityConfig=seen, Rules=[
        {"Name": "header", "Priority": 0, "Action": {"Block": {}}, "VisibilityConfig": seen,
         "Statement": {"ByteMatchStatement": {"SearchString": b"evil", "FieldToMatch": {"SingleHeader": {"Name": "x-own"}}, "TextTransformations": [{"Priority": 0, "Type": "NONE"}], "PositionalConstraint": "EXACTLY"}}},
    ])["Summary"]
    held = next(a for a in waf.list_web_acls(Scope="REGIONAL")["WebACLs"] if a["Name"].startswith("securecart"))
    named = {"Name": held["Name"], "Scope": "REGIONAL", "Id": held["Id"]}
    got = waf.get_web_acl(**named)
    acl, lock = got["WebACL"], got["LockToken"]
    rule = {"Name": "own", "Priority": 10, "OverrideAction": {"None": {}}, "VisibilityConfig": seen, "Statement": {"RuleGroupReferenceStatement": {"ARN": group["ARN"]}}}
    waf.update_web_acl(**named, LockToken=lock, DefaultAction=acl["DefaultAction"], VisibilityConfig=acl["VisibilityConfig"], Rules=[*acl["Rules"], rule])
    evil = lambda: shop.ask("GET", "catalogue", headers={"x-own": "evil"})
    eventually(lambda: status(evil) == 403)
    lock = waf.get_web_acl(**named)["LockToken"]
    assert refusal(lambda: waf.delete_web_acl(**named, LockToken=lock)) == "WAFAssociatedItemException"
    assert refusal(lambda: waf.delete_rule_group(Name="own", Scope="REGIONAL", Id=group["Id"], LockToken=group["LockToken"])) == "WAFAssociatedItemException"
    for known in waf.list_ip_sets(Scope="REGIONAL")["IPSets"]:
        assert refusal(lambda: waf.delete_ip_set(Name=known["Name"], Scope="REGIONAL", Id=known["Id"], LockToken=known["LockToken"])) == "WAFAssociatedItemException"
    logs.create_log_group(logGroupName="aws-waf-logs-shop")
    target = logs.describe_log_groups(logGroupNamePrefix="aws-waf-logs-shop")["logGroups"][0]["logGroupArn"]
    waf.put_logging_configuration(LoggingConfiguration={"ResourceArn": held["ARN"], "LogDestinationConfigs": [target]})
    logs.delete_log_group(logGroupName="aws-waf-logs-shop")
    assert status(evil) == 403 and journey.let_through() == {}


def test_without_the_roles(journey, shop):
    """Neither the reader's session nor the tasks' credentials outlive their roles."""
    iam = shop.admin("iam")
    roles = [journey.role, shop.outputs["OrdersRoleArn"].rsplit("/", 1)[1]]
    roles += [r["RoleName"] for r in iam.list_roles()["Roles"] if "CatalogueRole" in r["RoleName"]]
    assert len(roles) == 3
    # The bucket lets the role in, too.
    policy = allow("s3:GetObject", resource=f"arn:aws:s3:::{journey.own}/*", Principal={"AWS": [f"arn:aws:iam::{journey.account}:role/{journey.role}"]})
    shop.admin("s3").put_bucket_policy(Bucket=journey.own, Policy=json.dumps(policy))
    for role in roles:
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            iam.delete_role_policy(RoleName=role, PolicyName=policy)
        iam.delete_role(RoleName=role)
    assert status(journey.good["the object in its own bucket"]) >= 400
    assert status(journey.good["the customer's orders"]) >= 500
    assert status(lambda: shop.ask("GET", "catalogue")) >= 500
    assert journey.let_through() == {} and journey.denial_is_found()
    # One of the same name is another one.
    iam.create_role(RoleName=journey.role, AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}')
    iam.put_role_policy(RoleName=journey.role, PolicyName="own", PolicyDocument=json.dumps(allow("s3:GetObject", resource=f"arn:aws:s3:::{journey.own}/*")))
    assert status(journey.good["the object in its own bucket"]) >= 400


def test_without_the_users(journey, shop):
    """Keys and tokens of a user who is gone prove nothing."""
    iam, token = shop.admin("iam"), journey.rds_token(journey.member)
    iam.delete_access_key(UserName=journey.member.name, AccessKeyId=journey.member.key)
    iam.delete_user_policy(UserName=journey.member.name, PolicyName="own")
    iam.delete_user(UserName=journey.member.name)
    assert status(lambda: journey.connect(token)) >= 400
    assert status(lambda: journey.member("sts").get_caller_identity()) == 403
    assert journey.let_through() == {}


def test_without_the_pool(journey, shop):
    """Its keys are gone: the customer's good token is one no longer, at the gateway and at the service."""
    good = journey.customer.tokens["AccessToken"]
    ways = {"gateway": lambda: shop.ask("GET", "cart", token=good), "service": lambda: journey.direct("/prod/cart", good)}
    assert {way: status(call) for way, call in ways.items()} == {"gateway": 200, "service": 200}
    shop.admin("cognito-idp").delete_user_pool(UserPoolId=journey.customer.pool)
    assert status(ways["gateway"]) >= 400
    # Inside the network the service checks for itself, with keys that it trusts for ten seconds.
    eventually(lambda: status(ways["service"]) >= 400)
    assert status(lambda: journey.customer.sign_in("000000")) >= 400
    assert journey.let_through() == {} and journey.denial_is_found()


def test_with_a_log_that_cannot_be_written():
    """Nothing is let through at all, whoever asks."""
    shop = Shop()
    try:
        journey = Journey(shop)
        assert {name: status(call) for name, call in journey.good.items()} == dict.fromkeys(journey.good, 200)
        subprocess.run(["prlimit", f"--pid={shop.pid()}", "--fsize=1:1"], check=True)
        # A read may still be answered while its own record waits to be written.
        for _ in range(3):
            status(journey.good["the administrator's call"])
            time.sleep(0.1)
        assert journey.let_through() == {}
        through = {name: status(call) for name, call in journey.good.items()}
        assert all(code >= 400 for code in through.values()), through
        assert status(lambda: shop.ask("GET", "")) >= 500
        assert status(lambda: shop.admin("cloudtrail").lookup_events()) >= 500
    finally:
        os.kill(shop.pid(), signal.SIGKILL)
        shutil.rmtree(shop.data, ignore_errors=True)
