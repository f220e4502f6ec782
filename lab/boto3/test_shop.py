"""The whole journey through the shop, and what is refused on the way."""

import base64
import gzip
import json
import re
import subprocess
import time

import jwt
import pytest
import requests
from botocore.exceptions import ClientError
from conftest import PROGRAM, ROOT
from cryptography.hazmat.primitives.asymmetric import rsa
from shop import Customer


@pytest.fixture(scope="module")
def customer(shop):
    return Customer(shop).sign_up().enrol()


def test_the_page_is_served_without_signing_in(shop):
    page = shop.ask("GET", "")
    assert page.status_code == 200 and "SecureCart" in page.text
    assert shop.ask("GET", "catalogue").json()["products"]


def test_an_order_goes_all_the_way(shop, customer):
    assert customer.ask("PUT", "cart", json={"items": {"kettle": 1, "mug": 2}}).status_code == 200
    placed = customer.ask("POST", "orders", json={})
    assert placed.status_code == 201, placed.text
    order = placed.json()
    assert order["total"] == 3900 + 2 * 1250
    assert customer.ask("GET", "cart").json() == {"items": {}}
    assert [o["order"] for o in customer.ask("GET", "orders").json()["orders"]] == [order["order"]]
    receipt = customer.ask("GET", f"orders/{order['order']}/receipt").json()
    assert receipt["total"] == order["total"]
    key = f"{receipt['customer']}/{order['order']}.json"
    stored = shop.admin("s3").head_object(Bucket=shop.outputs["ReceiptsBucket"], Key=key)
    assert stored["ServerSideEncryption"] == "aws:kms" and stored["SSEKMSKeyId"] == shop.outputs["DataKeyArn"]


def test_a_customer_sees_only_their_own(shop, customer):
    other = Customer(shop).sign_up().enrol()
    customer.ask("PUT", "cart", json={"items": {"mug": 1}})
    order = customer.ask("POST", "orders", json={}).json()["order"]
    assert other.ask("GET", "orders").json() == {"orders": []}
    assert other.ask("GET", f"orders/{order}/receipt").status_code == 404


def read(shop, token, path="orders", method="GET"):
    """Asks the API of other programs."""
    api = shop.outputs["ReadUrl"].split("/")[2].split(".")[0]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{shop.facts['endpoint']}/_aws/execute-api/{api}/{path}"
    return requests.request(method, url, headers=headers, verify=shop.ca, timeout=60)


def test_programs_read_orders_and_no_more(shop, customer):
    good = customer.tokens["AccessToken"]
    answer = read(shop, good)
    assert answer.status_code == 200 and answer.json() == customer.ask("GET", "orders").json()
    for kind in ("none", "garbage", "no algorithm", "claims changed", "another key", "another issuer", "expired"):
        assert read(shop, tokens(customer)[kind]).status_code == 401, kind
    # An ID token is of this client, but has no scope.
    refused = read(shop, customer.tokens["IdToken"])
    assert refused.status_code == 403 and refused.json() == {"message": "Forbidden"}
    assert read(shop, good, method="POST").status_code == 404
    assert read(shop, good, path="cart").status_code == 404
    # AWS has no firewall for HTTP APIs; the load balancer behind has one.
    assert read(shop, good, path="orders?q=1%20UNION%20SELECT%20password%20FROM%20users").status_code == 403


def lines(shop, group):
    return [e["message"] for e in shop.admin("logs").filter_log_events(logGroupName=group)["events"]]


def records(shop, prefix):
    """The text of all objects below a prefix of the records' bucket."""
    s3, bucket = shop.admin("s3"), shop.outputs["RecordsBucket"]
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    read = lambda key: s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return "".join(gzip.decompress(read(o["Key"])).decode() for o in found if o["Key"].endswith(".gz"))


def test_what_happened_is_kept(shop, customer):
    assert customer.ask("GET", "orders").status_code == 200
    assert shop.ask("GET", "catalogue?q=%3Cscript%3Ealert(1)%3C/script%3E").status_code == 403
    eventually(lambda: '"path":"/orders","status":"200"' in "".join(lines(shop, shop.outputs["GatewayLogGroup"])))
    blocked = lambda: [l for l in map(json.loads, lines(shop, shop.outputs["FirewallLogGroup"])) if l["action"] == "BLOCK"]
    eventually(blocked)
    assert customer.tokens["AccessToken"] not in "".join(lines(shop, shop.outputs["FirewallLogGroup"]))
    # A trail that logs the objects of the receipts' bucket has the receipt of every order.
    customer.ask("PUT", "cart", json={"items": {"mug": 1}})
    order = customer.ask("POST", "orders", json={}).json()["order"]
    eventually(lambda: f"{order}.json" in records(shop, "trail/AWSLogs/"))
    # Load balancers deliver once a minute here.
    eventually(lambda: ":443/orders HTTP" in records(shop, "balancer/AWSLogs/"), tries=150)
    assert shop.admin("securityhub").describe_hub()["HubArn"].endswith(":hub/default")


def test_without_the_buckets_consent_no_record_arrives(shop, customer):
    s3, bucket = shop.admin("s3"), shop.outputs["RecordsBucket"]
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    less = {**policy, "Statement": [s for s in policy["Statement"] if s["Sid"] != "TrailWrites"]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(less))
    try:
        time.sleep(6)
        count = lambda: s3.list_objects_v2(Bucket=bucket, Prefix="trail/AWSLogs/")["KeyCount"]
        before = count()
        shop.admin("kms").list_keys()
        time.sleep(6)
        assert count() == before
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def segment(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def tokens(customer):
    good = customer.tokens["AccessToken"]
    head, claims, signature = good.split(".")
    facts = json.loads(base64.urlsafe_b64decode(claims + "=="))
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    kid = jwt.get_unverified_header(good)["kid"]
    forged = lambda **more: jwt.encode({**facts, **more}, stranger, algorithm="RS256", headers={"kid": kid})
    return {
        "none": None,
        "garbage": "garbage",
        "three garbage parts": "a.b.c",
        "no algorithm": f"{segment({'alg': 'none', 'kid': kid})}.{claims}.",
        "signature cut": f"{head}.{claims}.",
        "claims changed": f"{head}.{segment({**facts, 'sub': 'someone'})}.{signature}",
        "another key": forged(),
        "another issuer": forged(iss="https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"),
        "expired": forged(exp=int(time.time()) - 60),
        "not yet": forged(nbf=int(time.time()) + 3600),
        "an ID token where scopes are asked for": customer.tokens["IdToken"],
    }


@pytest.mark.parametrize("kind", ["none", "garbage", "three garbage parts", "no algorithm", "signature cut", "claims changed", "another key", "another issuer", "expired", "not yet", "an ID token where scopes are asked for"])
def test_a_bad_token_is_refused(shop, customer, kind):
    answer = shop.ask("GET", "orders", token=tokens(customer)[kind])
    assert answer.status_code in (401, 403), (kind, answer.status_code, answer.text)
    assert shop.ask("GET", "orders", token=customer.tokens["AccessToken"]).status_code == 200


def test_a_token_of_another_client_is_refused(shop, customer):
    """The gateway knows the pool; the service knows its client."""
    admin = shop.admin("cognito-idp")
    other = admin.create_user_pool_client(UserPoolId=customer.pool, ClientName="other", ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH"])["UserPoolClient"]["ClientId"]
    stranger = Customer(shop)
    stranger.client = other
    stranger.sign_up().enrol()
    assert stranger.ask("GET", "orders").status_code == 401


def test_a_scope_that_no_customer_has_is_asked_for(shop, customer):
    answer = customer.ask("POST", "catalogue", json={"id": "x", "name": "x", "price": 1})
    assert answer.status_code in (401, 403)


@pytest.mark.parametrize("path,more", [
    ("catalogue?q=1%27%20OR%20%271%27=%271%27--", {}),
    ("catalogue?q=%3Cscript%3Ealert(1)%3C/script%3E", {}),
    ("catalogue?q=1%20UNION%20SELECT%20password%20FROM%20users", {}),
])
def test_attacks_are_blocked_before_the_shop_sees_them(shop, customer, path, more):
    answer = customer.ask("GET", path, **more)
    assert answer.status_code == 403 and answer.json() == {"message": "Forbidden"}


def test_a_wrong_code_and_a_used_code_are_refused(shop):
    someone = Customer(shop).sign_up().enrol()
    used = someone.totp.now()
    for code in ("000000", used):
        with pytest.raises(ClientError) as refused:
            someone.sign_in(code)
        assert refused.value.response["Error"]["Code"] in ("CodeMismatchException", "ExpiredCodeException")
    with pytest.raises(ClientError, match="NotAuthorized"):
        someone.password("Wrong-password-1")
    with pytest.raises(ClientError) as refused:
        someone.cognito.initiate_auth(ClientId=someone.client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters={"USERNAME": someone.email, "PASSWORD": "x"})
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    someone.sign_in()


def test_the_journey_is_in_the_trail(shop, customer):
    events = shop.admin("cloudtrail").lookup_events(MaxResults=50)["Events"]
    assert any(e["EventName"] in ("RespondToAuthChallenge", "VerifySoftwareToken", "AssumeRole") for e in events)


def explained(shop, request):
    return subprocess.run([PROGRAM, "explain", request, "--data", shop.data], capture_output=True, text=True, check=True).stdout


def written(shop, told, sid, policy):
    """That a reason names this statement, and the line of the template where it is."""
    found = re.search(rf"\({sid} of `{policy}` at (\S+):(\d+)\)", told)
    assert found, told
    lines = (ROOT / found[1]).read_text().splitlines()
    assert f"Sid: {sid}" in lines[int(found[2]) - 1]


def request(call):
    """The id of a request that is refused."""
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["ResponseMetadata"]["RequestId"]


def test_every_decision_names_the_line_that_made_it(shop, customer):
    customer.ask("GET", "orders")
    customer.ask("GET", "catalogue")
    traced = subprocess.run([PROGRAM, "trace", "--all", "--data", shop.data], capture_output=True, text=True, check=True).stdout
    first = lambda text: next(l.split()[1] for l in traced.splitlines() if text in l and " allow " in l)
    # Allowed: by a managed policy, by policies in a role, by a bucket's and by a key's policy.
    written(shop, explained(shop, first("logs:PutLogEvents on arn:aws:logs:us-east-1:" + shop.outputs["DataKeyArn"].split(":")[4] + ":log-group:/securecart/services")), "Logs", "securecart-StartPolicy-.*")
    written(shop, explained(shop, first("dynamodb:Scan on")), "Goods", "catalogue")
    written(shop, explained(shop, first("rds-db:connect on")), "Database", "orders")
    written(shop, explained(shop, first("trail/AWSLogs/")), "TrailWrites", "resource policy")
    key, kms = shop.outputs["DataKeyArn"], shop.admin("kms")
    told = explained(shop, kms.encrypt(KeyId=key, Plaintext=b"x")["ResponseMetadata"]["RequestId"])
    assert "ALLOWED" in told and "whose own policies must allow it too" in told
    written(shop, told, "TheAccountByItsPolicies", "resource policy")
    # Denied: by a bucket's policy though the caller's own allows, and by nothing that allows.
    plain = shop.admin("s3", endpoint_url=shop.facts["endpoint"].replace("https", "http"))
    told = explained(shop, request(lambda: plain.get_object(Bucket=shop.outputs["ReceiptsBucket"], Key="x")))
    assert "DENIED" in told and "ExplicitDeny by resource-based policy" in told and "Allowed by identity-based policy" in told
    written(shop, told, "OnlyOverTls", "resource policy")
    iam = shop.admin("iam")
    iam.create_user(UserName="nobody")
    pair = iam.create_access_key(UserName="nobody")["AccessKey"]
    nobody = shop.session(pair["AccessKeyId"], pair["SecretAccessKey"])
    told = explained(shop, request(lambda: nobody("kms").decrypt(KeyId=key, CiphertextBlob=b"x")))
    assert "DENIED" in told and "ImplicitDeny by identity-based policy" in told
    written(shop, told, "TheAccountByItsPolicies", "resource policy")


def test_without_the_key_no_receipt_is_written_or_read(shop, customer):
    kms, key = shop.admin("kms"), shop.outputs["DataKeyArn"]
    customer.ask("PUT", "cart", json={"items": {"mug": 1}})
    order = customer.ask("POST", "orders", json={}).json()["order"]
    customer.ask("PUT", "cart", json={"items": {"mug": 1}})
    kms.disable_key(KeyId=key)
    try:
        assert customer.ask("POST", "orders", json={}).status_code >= 500
        assert customer.ask("GET", f"orders/{order}/receipt").status_code >= 500
    finally:
        kms.enable_key(KeyId=key)
    assert customer.ask("GET", f"orders/{order}/receipt").status_code == 200
    # The database, too, stood still without the key; as in AWS it has to be started again.
    eventually(lambda: customer.ask("GET", "orders").status_code == 200 or start(shop))


def start(shop):
    try:
        shop.admin("rds").start_db_instance(DBInstanceIdentifier=shop.outputs["DatabaseId"])
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InvalidDBInstanceState", error


def eventually(holds, tries=60):
    for _ in range(tries):
        if holds():
            return
        time.sleep(0.5)
    assert holds()


def test_without_the_database_permission_no_order_is_placed(shop, customer):
    iam, role = shop.admin("iam"), shop.outputs["OrdersRoleArn"].rsplit("/", 1)[1]
    policy = iam.get_role_policy(RoleName=role, PolicyName="orders")["PolicyDocument"]
    less = {**policy, "Statement": [s for s in policy["Statement"] if s.get("Sid") != "Database"]}
    iam.put_role_policy(RoleName=role, PolicyName="orders", PolicyDocument=json.dumps(less))
    try:
        assert customer.ask("GET", "orders").status_code >= 500
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="orders", PolicyDocument=json.dumps(policy))
    eventually(lambda: customer.ask("GET", "orders").status_code == 200)


def test_without_the_pool_no_token_is_good(shop, customer):
    shop.admin("cognito-idp").delete_user_pool(UserPoolId=customer.pool)
    assert customer.ask("GET", "orders").status_code in (401, 403, 500)
