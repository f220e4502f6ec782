"""DynamoDB through boto3, by its client and its resources: items, conditions, pages, transactions, keys, stacks."""

import json
import time
import uuid
from decimal import Decimal

import boto3
import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError
from conftest import CONFIG, allow


def resource(clients):
    return clients.session.resource(
        "dynamodb", endpoint_url=clients.runtime.facts["endpoint"], verify=str(clients.runtime.data / "ca.pem"), config=CONFIG
    )


def refused(call, code):
    with pytest.raises(ClientError) as error:
        call()
    assert error.value.response["Error"]["Code"] == code, error.value
    return error.value


def make(dynamodb, **more):
    name = f"t-{uuid.uuid4().hex[:10]}"
    definition = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "user", "KeyType": "HASH"}, {"AttributeName": "when", "KeyType": "RANGE"}],
        "AttributeDefinitions": [
            {"AttributeName": "user", "AttributeType": "S"},
            {"AttributeName": "when", "AttributeType": "N"},
            {"AttributeName": "state", "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by-state",
                "KeySchema": [{"AttributeName": "state", "KeyType": "HASH"}, {"AttributeName": "when", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        **more,
    }
    table = dynamodb.create_table(**definition)
    table.wait_until_exists()
    return table


@pytest.fixture(scope="module")
def dynamodb(admin):
    return resource(admin)


@pytest.fixture(scope="module")
def orders(dynamodb):
    table = make(dynamodb)
    with table.batch_writer() as batch:
        for n in range(120):
            batch.put_item(
                Item={"user": f"u{n % 3}", "when": Decimal(n) / 4, "state": "open" if n % 2 else "done", "lines": [{"sku": f"s{n}", "count": n}]}
            )
    return table


def test_every_type_comes_back(dynamodb):
    table = make(dynamodb)
    item = {
        "user": "a", "when": Decimal("-1.5"), "text": "é\0x", "empty": "", "bytes": Binary(b"\0\xff"), "yes": True, "none": None,
        "list": [1, "two", [Decimal("3.1415926535897932384626433832795028841")]], "map": {"a.b": {"c": {}}},
        "names": {"a", "b"}, "numbers": {Decimal(1), Decimal("2.5")}, "blobs": {Binary(b"1"), Binary(b"2")}, "huge": Decimal("9e37"), "tiny": Decimal("-1e-100"),
    }
    table.put_item(Item=item)
    assert table.get_item(Key={"user": "a", "when": Decimal("-1.50")}, ConsistentRead=True)["Item"] == item
    nested = 1
    for _ in range(32):
        nested = {"m": nested}
    table.put_item(Item={"user": "deep", "when": 0, "map": nested})
    error = refused(lambda: table.put_item(Item={"user": "deep", "when": 0, "map": {"m": nested}}), "ValidationException")
    assert "Nesting Levels" in str(error)


def test_conditions_of_the_resource_api(orders):
    def whens(**query):
        return [float(i["when"]) for i in orders.query(**query)["Items"]]

    of_u0 = Key("user").eq("u0")
    assert whens(KeyConditionExpression=of_u0) == [n / 4 for n in range(0, 120, 3)]
    assert whens(KeyConditionExpression=of_u0 & Key("when").between(3, Decimal("4.5")), ScanIndexForward=False) == [4.5, 3.75, 3.0]
    assert whens(KeyConditionExpression=of_u0 & Key("when").lt(1)) == [0, 0.75]
    found = orders.query(
        IndexName="by-state", KeyConditionExpression=Key("state").eq("open"), FilterExpression=Attr("user").is_in(["u1", "u2"]) & ~Attr("lines[0].count").gt(20)
    )
    assert found["ScannedCount"] == 60 and found["Count"] == 7
    deep = Attr("user").eq("u0")
    for n in range(60):
        deep = deep | Attr("lines[0].sku").eq(f"s{n}")
    assert orders.scan(FilterExpression=deep, Select="COUNT")["Count"] == 40 + 40
    assert orders.scan(FilterExpression=Attr("lines").size().eq(1) & Attr("lines").attribute_type("L") & Attr("gone").not_exists())["Count"] == 120
    one = orders.get_item(Key={"user": "u0", "when": 0}, ProjectionExpression="#l[0].sku", ExpressionAttributeNames={"#l": "lines"})
    assert one["Item"] == {"lines": [{"sku": "s0"}]}


def test_pages(admin, orders):
    pages = admin("dynamodb").get_paginator("query").paginate(
        TableName=orders.name, KeyConditionExpression="#u = :u", ExpressionAttributeNames={"#u": "user"},
        ExpressionAttributeValues={":u": {"S": "u1"}}, PaginationConfig={"PageSize": 7},
    )
    assert [len(p["Items"]) for p in pages] == [7] * 5 + [5]
    segments = [i["when"] for s in range(3) for i in orders.scan(Segment=s, TotalSegments=3)["Items"]]
    assert len(segments) == len(set(segments)) == 120


def test_updates(dynamodb):
    table = make(dynamodb)
    key = {"user": "a", "when": 1}
    table.put_item(Item={**key, "stock": 5, "tags": {"x"}, "log": []}, ConditionExpression=Attr("user").not_exists())
    error = refused(lambda: table.put_item(Item=key, ConditionExpression=Attr("user").not_exists(), ReturnValuesOnConditionCheckFailure="ALL_OLD"), "ConditionalCheckFailedException")
    assert error.response["Item"]["stock"] == {"N": "5"}

    def sell(n):
        return table.update_item(
            Key=key, UpdateExpression="SET stock = stock - :n, #log = list_append(#log, :l) ADD tags :t", ConditionExpression="stock >= :n",
            ExpressionAttributeNames={"#log": "log"}, ExpressionAttributeValues={":n": n, ":l": [f"sold {n}"], ":t": {"sold"}}, ReturnValues="ALL_NEW",
        )["Attributes"]

    assert sell(3) == {**key, "stock": 2, "tags": {"x", "sold"}, "log": ["sold 3"]}
    refused(lambda: sell(3), "ConditionalCheckFailedException")
    error = refused(lambda: table.update_item(Key=key, UpdateExpression="SET log = :x", ExpressionAttributeValues={":x": 1}), "ValidationException")
    assert "reserved keyword: log" in str(error)
    assert table.delete_item(Key=key, ReturnValues="ALL_OLD")["Attributes"]["stock"] == 2


def test_transactions(admin, dynamodb):
    table, client = make(dynamodb), admin("dynamodb")
    put = {"Put": {"TableName": table.name, "Item": {"user": {"S": "a"}, "when": {"N": "1"}}, "ConditionExpression": "attribute_not_exists(#u)", "ExpressionAttributeNames": {"#u": "user"}}}
    client.transact_write_items(TransactItems=[put])
    with pytest.raises(client.exceptions.TransactionCanceledException) as cancelled:
        client.transact_write_items(TransactItems=[{"Delete": {"TableName": table.name, "Key": {"user": {"S": "b"}, "when": {"N": "1"}}}}, put])
    assert [r["Code"] for r in cancelled.value.response["CancellationReasons"]] == ["None", "ConditionalCheckFailed"]
    got = client.transact_get_items(TransactItems=[{"Get": {"TableName": table.name, "Key": {"user": {"S": "a"}, "when": {"N": "1"}}}}])
    assert got["Responses"][0]["Item"]["user"] == {"S": "a"}


def test_leading_keys_by_user_name(runtime, limited, orders, account):
    arn = f"arn:aws:dynamodb:us-east-1:{account}:table/{orders.name}"
    own = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["${aws:username}"]}}
    user = limited(allow("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:BatchGetItem", resource=arn, Condition=own))
    table = resource(user).Table(orders.name)
    table.put_item(Item={"user": user.name, "when": 1})
    assert table.query(KeyConditionExpression=Key("user").eq(user.name))["Count"] == 1
    for call in (
        lambda: table.get_item(Key={"user": "u0", "when": 0}),
        lambda: table.put_item(Item={"user": "u0", "when": 0}),
        lambda: table.query(KeyConditionExpression=Key("user").eq("u0")),
        lambda: table.query(IndexName="by-state", KeyConditionExpression=Key("state").eq(user.name)),
        lambda: resource(user).batch_get_item(RequestItems={orders.name: {"Keys": [{"user": user.name, "when": 1}, {"user": "u0", "when": 0}]}}),
        lambda: table.scan(),
        lambda: table.delete_item(Key={"user": user.name, "when": 1}),
    ):
        refused(call, "AccessDeniedException")
    orders.delete_item(Key={"user": user.name, "when": 1})


def test_a_disabled_key_closes_its_table(admin, dynamodb, limited):
    key = admin("kms").create_key()["KeyMetadata"]
    table = make(dynamodb, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key["KeyId"]})
    table.put_item(Item={"user": "a", "when": 1})
    assert admin("dynamodb").describe_table(TableName=table.name)["Table"]["SSEDescription"]["KMSMasterKeyArn"] == key["Arn"]
    blind = resource(limited(allow("dynamodb:*"))).Table(table.name)
    refused(lambda: blind.get_item(Key={"user": "a", "when": 1}), "AccessDeniedException")
    admin("kms").disable_key(KeyId=key["KeyId"])
    refused(lambda: table.get_item(Key={"user": "a", "when": 1}), "ValidationException")
    admin("kms").enable_key(KeyId=key["KeyId"])
    assert table.get_item(Key={"user": "a", "when": 1})["Item"]


def test_items_expire(admin, dynamodb):
    table = make(dynamodb)
    admin("dynamodb").update_time_to_live(TableName=table.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"})
    table.put_item(Item={"user": "a", "when": 1, "until": int(time.time()) - 60, "state": "x"})
    table.put_item(Item={"user": "a", "when": 2, "until": int(time.time()) + 3600})
    for _ in range(100):
        if table.scan()["Count"] == 1:
            break
        time.sleep(0.1)
    assert [i["when"] for i in table.scan()["Items"]] == [2]
    assert table.scan(IndexName="by-state")["Count"] == 0


def test_items_outlive_the_process(runtime, admin, dynamodb):
    table = make(dynamodb)
    table.put_item(Item={"user": "a", "when": 1, "state": "kept"})
    runtime.stop()
    runtime.start()
    again = resource(runtime.session()).Table(table.name)
    assert again.query(IndexName="by-state", KeyConditionExpression=Key("state").eq("kept"))["Count"] == 1
    again.delete()


TEMPLATE = {
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key"},
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "TimeToLiveSpecification": {"AttributeName": "until", "Enabled": True},
                "Tags": [{"Key": "team", "Value": "shop"}],
            },
        },
        "Global": {
            "Type": "AWS::DynamoDB::GlobalTable",
            "Properties": {
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}],
                "Replicas": [{"Region": {"Ref": "AWS::Region"}, "DeletionProtectionEnabled": False, "Tags": [{"Key": "team", "Value": "shop"}]}],
            },
        },
    },
    "Outputs": {
        "Name": {"Value": {"Ref": "Table"}},
        "Arn": {"Value": {"Fn::GetAtt": ["Table", "Arn"]}},
        "Global": {"Value": {"Fn::GetAtt": ["Global", "TableId"]}},
    },
}


def test_a_stack(admin):
    cloudformation, client = admin("cloudformation"), admin("dynamodb")
    name = f"tables-{uuid.uuid4().hex[:8]}"

    def settle(kind):
        cloudformation.get_waiter(f"stack_{kind}_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        return {o["OutputKey"]: o["OutputValue"] for o in cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]}

    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(TEMPLATE))
    outputs = settle("create")
    table = outputs["Name"]
    assert outputs["Arn"].endswith(f":table/{table}") and len(outputs["Global"]) == 36
    client.put_item(TableName=table, Item={"p": {"S": "a"}, "g": {"S": "x"}})
    described = client.describe_table(TableName=table)["Table"]
    assert described["SSEDescription"]["SSEType"] == "KMS"
    assert client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["AttributeName"] == "until"
    tags = {t["Key"]: t["Value"] for t in client.list_tags_of_resource(ResourceArn=outputs["Arn"])["Tags"]}
    assert tags["team"] == "shop" and tags["aws:cloudformation:stack-name"] == name

    changed = json.loads(json.dumps(TEMPLATE))
    properties = changed["Resources"]["Table"]["Properties"]
    properties["AttributeDefinitions"].append({"AttributeName": "g", "AttributeType": "S"})
    properties["GlobalSecondaryIndexes"] = [{"IndexName": "byG", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}]
    properties["Tags"] = [{"Key": "owner", "Value": "me"}]
    properties["DeletionProtectionEnabled"] = True
    statement = {"Effect": "Deny", "Principal": "*", "Action": "dynamodb:Scan", "Resource": "*"}
    properties["ResourcePolicy"] = {"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}}
    del properties["TimeToLiveSpecification"]
    cloudformation.update_stack(StackName=name, TemplateBody=json.dumps(changed))
    assert settle("update")["Name"] == table
    found = client.query(TableName=table, IndexName="byG", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": "x"}})
    assert found["Count"] == 1
    refused(lambda: client.scan(TableName=table), "AccessDeniedException")
    assert client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"
    tags = {t["Key"] for t in client.list_tags_of_resource(ResourceArn=outputs["Arn"])["Tags"]}
    assert "owner" in tags and "team" not in tags
    client.update_table(TableName=table, DeletionProtectionEnabled=False)
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    refused(lambda: client.describe_table(TableName=table), "ResourceNotFoundException")


def test_what_a_table_cannot_be(admin):
    template = json.loads(json.dumps(TEMPLATE))
    template["Resources"]["Table"]["Properties"]["StreamSpecification"] = {"StreamViewType": "NEW_IMAGE"}
    name = f"tables-{uuid.uuid4().hex[:8]}"
    error = refused(lambda: admin("cloudformation").create_stack(StackName=name, TemplateBody=json.dumps(template)), "ValidationError")
    assert "StreamSpecification" in str(error)
