"""API Gateway through its clients: a stack with both kinds of API, tokens of a real pool, signed requests."""

import json
import pathlib
import subprocess
import time

import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, WaiterError
from conftest import Runtime, allow

TEMPLATE = pathlib.Path(__file__).with_name("gateway.yaml")
BALANCER = "arn:aws:elasticloadbalancing:us-east-1:{}:loadbalancer/app/shop/0123456789abcdef"
LISTENER = "arn:aws:elasticloadbalancing:us-east-1:{}:listener/app/shop/0123456789abcdef/fedcba9876543210"


def settle(cloudformation, what):
    """Waits for the stack; tells which resources failed, and why."""
    name = cloudformation.describe_stacks(StackName="gateway")["Stacks"][0]["StackId"]
    try:
        cloudformation.get_waiter(f"stack_{what}_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    except WaiterError:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        pytest.fail(str([(e["LogicalResourceId"], e.get("ResourceStatusReason")) for e in events if "FAILED" in e["ResourceStatus"]]))


@pytest.fixture(scope="module")
def stack(admin, account):
    cloudformation = admin("cloudformation")
    parameters = {"LoadBalancerArn": BALANCER.format(account), "ListenerArn": LISTENER.format(account)}
    cloudformation.create_stack(
        StackName="gateway",
        TemplateBody=TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
    )
    settle(cloudformation, "create")
    outputs = cloudformation.describe_stacks(StackName="gateway")["Stacks"][0]["Outputs"]
    yield {o["OutputKey"]: o["OutputValue"] for o in outputs}
    cloudformation.delete_stack(StackName="gateway")
    settle(cloudformation, "delete")
    assert not admin("apigateway").get_rest_apis()["items"] and not admin("apigatewayv2").get_apis()["Items"]


@pytest.fixture(scope="module")
def tokens(admin, stack):
    idp = admin("cognito-idp")
    idp.admin_create_user(UserPoolId=stack["Pool"], Username="alice", MessageAction="SUPPRESS")
    idp.admin_set_user_password(UserPoolId=stack["Pool"], Username="alice", Password="Correct-horse-7", Permanent=True)
    answer = idp.admin_initiate_auth(
        UserPoolId=stack["Pool"], ClientId=stack["Client"], AuthFlow="ADMIN_USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": "alice", "PASSWORD": "Correct-horse-7"},
    )
    return answer["AuthenticationResult"]


@pytest.fixture(scope="module")
def ask(runtime):
    def ask(method, api, path, clients=None, **more):
        url = f"{runtime.facts['endpoint']}/_aws/execute-api/{api}{path}"
        if clients:
            request = AWSRequest(method, url, headers=dict(more.pop("headers", {})), data=more.pop("signed", more.get("data")))
            SigV4Auth(clients.session.get_credentials(), "execute-api", "us-east-1").add_auth(request)
            more["headers"] = dict(request.headers)
        answer = requests.request(method, url, verify=str(runtime.data / "ca.pem"), timeout=30, **more)
        return answer.status_code, answer.json() if answer.content else None, answer.headers.get("x-amzn-errortype")

    return ask


def test_signed_requests_are_judged(ask, limited, stack, account):
    api = stack["Api"]
    arn = f"arn:aws:execute-api:us-east-1:{account}:{api}/prod/GET/status"
    may, may_not = limited(allow("execute-api:Invoke", resource=arn)), limited()
    status, body, _ = ask("GET", api, "/prod/status", may)
    assert (status, body) == (200, {"caller": f"arn:aws:iam::{account}:user/{may.name}"})
    # Not signed: the gateway response of the stack says it in its own way.
    assert ask("GET", api, "/prod/status") == (404, {"message": "no such page"}, "MissingAuthenticationTokenException")
    # The API's own policy lets everybody of the account in; without it the caller's policy decides.
    assert ask("GET", api, "/prod/status", may_not)[0] == 200
    status, body, error = ask("GET", api, "/prod/status", may, data="changed", signed="signed")
    assert (status, error) == (403, "InvalidSignatureException"), body
    headers = {"x-amz-security-token": "forged"}
    assert ask("GET", api, "/prod/status", may, headers=headers)[0] == 403


def test_signed_requests_for_an_http_api(admin, ask, limited, stack, account):
    web, api = admin("apigatewayv2"), stack["WebApi"]
    integration = web.get_integrations(ApiId=api)["Items"][0]["IntegrationId"]
    route = web.create_route(ApiId=api, RouteKey="GET /signed", AuthorizationType="AWS_IAM", Target=f"integrations/{integration}")
    may = limited(allow("execute-api:Invoke", resource=f"arn:aws:execute-api:us-east-1:{account}:{api}/$default/GET/signed"))
    # What may go on meets the missing load balancer.
    assert ask("GET", api, "/signed", may)[0] == 503
    for clients in (None, limited()):
        assert ask("GET", api, "/signed", clients)[:2] == (403, {"message": "Forbidden"})
    web.delete_route(ApiId=api, RouteId=route["RouteId"])


def test_an_api_may_stand_behind_another(admin, ask, runtime):
    client = admin("apigateway")

    def api(name, **integration):
        made = client.create_rest_api(name=name, endpointConfiguration={"types": ["REGIONAL"]})
        on = {"restApiId": made["id"], "resourceId": made["rootResourceId"], "httpMethod": "GET"}
        client.put_method(**on, authorizationType="NONE")
        client.put_integration(**on, **integration)
        if integration["type"] == "MOCK":
            client.put_method_response(**on, statusCode="200")
            client.put_integration_response(**on, statusCode="200", responseTemplates={"application/json": '{"inner": true}'})
        client.create_deployment(restApiId=made["id"], stageName="prod")
        return made["id"]

    inner = api("inner", type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    uri = f"{runtime.facts['endpoint']}/_aws/execute-api/{inner}/prod"
    outer = api("outer", type="HTTP_PROXY", integrationHttpMethod="GET", uri=uri)
    assert ask("GET", outer, "/prod")[:2] == (200, {"inner": True})
    for one in (inner, outer):
        client.delete_rest_api(restApiId=one)


def test_without_a_resource_policy_the_callers_policy_decides(admin, ask, limited, account):
    client = admin("apigateway")
    api = client.create_rest_api(name="internal", endpointConfiguration={"types": ["REGIONAL"]})
    on = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
    client.put_method(**on, authorizationType="AWS_IAM")
    client.put_method_response(**on, statusCode="200")
    client.put_integration(**on, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    client.put_integration_response(**on, statusCode="200", responseTemplates={"application/json": "{}"})
    client.create_deployment(restApiId=api["id"], stageName="prod")
    prefix = f"arn:aws:execute-api:us-east-1:{account}:{api['id']}"
    may, other, nobody = (limited(allow("execute-api:Invoke", resource=f"{prefix}/{s}/*")) for s in ("prod", "test", "x"))
    assert ask("GET", api["id"], "/prod", may)[:2] == (200, {})
    for clients in (other, nobody):
        status, body, error = ask("GET", api["id"], "/prod", clients)
        assert (status, error) == (403, "AccessDeniedException")
        assert body["Message"].startswith(f"User: arn:aws:iam::{account}:user/{clients.name} is not authorized to perform: execute-api:Invoke")
    # What the management calls change is paged and tagged as elsewhere.
    client.tag_resource(resourceArn=f"arn:aws:apigateway:us-east-1::/restapis/{api['id']}", tags={"a": "1"})
    assert client.get_rest_api(restApiId=api["id"])["tags"] == {"a": "1"}
    assert len(list(client.get_paginator("get_models").paginate(restApiId=api["id"], PaginationConfig={"PageSize": 1}))) == 2
    client.delete_rest_api(restApiId=api["id"])
    assert ask("GET", api["id"], "/prod", may)[0] == 403


def test_tokens_of_a_pool_open_the_apis(ask, stack, tokens):
    api, bearer = stack["Api"], {"Authorization": f"Bearer {tokens['IdToken']}"}
    key = {"x-api-key": "partner-key-0123456789"}
    status, body, _ = ask("PUT", api, "/prod/status", headers=bearer | key)
    assert status == 200 and len(body["subject"]) == 36
    for headers, expected in (
        (key, (401, {"message": "Unauthorized"}, "UnauthorizedException")),
        (bearer, (403, {"message": "Forbidden"}, "ForbiddenException")),
        (bearer | {"x-api-key": "other-key-0123456789"}, (403, {"message": "Forbidden"}, "ForbiddenException")),
        ({"Authorization": f"Bearer {tokens['AccessToken']}"} | key, (401, {"message": "Unauthorized"}, "UnauthorizedException")),
        ({"Authorization": f"Bearer {tokens['IdToken'][:-4]}AAAA"} | key, (401, {"message": "Unauthorized"}, "UnauthorizedException")),
    ):
        assert ask("PUT", api, "/prod/status", headers=headers) == expected
    # The load balancer does not exist: the way ends there, after every check.
    assert ask("POST", api, "/prod/orders", headers=bearer, json={"item": "pen"})[0] == 503
    assert ask("POST", api, "/prod/orders", headers=bearer, json={"no": "item"})[:2] == (400, {"message": "Invalid request body"})
    assert ask("GET", api, "/prod/orders/1/items", headers=bearer)[0] == 503
    status, _, error = ask("DELETE", api, "/prod/orders/1", headers=bearer)
    assert (status, error) == (403, "AccessDeniedException"), "the API's policy denies it"
    assert ask("GET", api, "/prod/none")[:2] == (404, {"message": "no such page"}), "the gateway response of the stack"
    web = stack["WebApi"]
    assert ask("GET", web, "/orders", headers=bearer)[:2] == (503, {"message": "Service Unavailable"})
    assert ask("GET", web, "/orders")[:2] == (401, {"message": "Unauthorized"})
    assert ask("GET", web, "/none", headers=bearer)[:2] == (404, {"message": "Not Found"})


def test_a_change_of_the_stack_counts_once_it_is_deployed(admin, account, stack, ask, tokens):
    cloudformation = admin("cloudformation")
    changed = TEMPLATE.read_text().replace('"subject":', '"who":').replace("x-customer: context", "x-client: context")
    changed = changed.replace("ThrottlingBurstLimit: 100", "ThrottlingBurstLimit: 90").replace("AllowMethods: [GET]", "AllowMethods: [GET, PUT]")
    headers = {"Authorization": tokens["IdToken"], "x-api-key": "partner-key-0123456789"}

    def update(body):
        parameters = [{"ParameterKey": k, "UsePreviousValue": True} for k in ("LoadBalancerArn", "ListenerArn")]
        cloudformation.update_stack(StackName="gateway", TemplateBody=body, Parameters=parameters)
        settle(cloudformation, "update")

    update(changed)
    client = admin("apigateway")
    assert client.get_stage(restApiId=stack["Api"], stageName="prod")["methodSettings"]["*/*"]["throttlingBurstLimit"] == 90
    assert "subject" in ask("PUT", stack["Api"], "/prod/status", headers=headers)[1], "the deployment is as it was"
    update(changed.replace("Deployment:\n    Type", "Deployment2:\n    Type").replace("!Ref Deployment\n", "!Ref Deployment2\n"))
    assert "who" in ask("PUT", stack["Api"], "/prod/status", headers=headers)[1]


def test_permissions_are_by_method_and_path(limited, stack, account):
    arn = "arn:aws:apigateway:us-east-1::"
    reader = limited(allow("apigateway:GET", resource=[f"{arn}/restapis/{stack['Api']}", f"{arn}/apis"]))
    assert reader("apigateway").get_rest_api(restApiId=stack["Api"])["name"] == "shop"
    assert reader("apigatewayv2").get_apis()["Items"]
    for call in (
        lambda: reader("apigateway").get_stages(restApiId=stack["Api"]),
        lambda: reader("apigateway").delete_rest_api(restApiId=stack["Api"]),
        lambda: reader("apigatewayv2").get_api(ApiId=stack["WebApi"]),
        lambda: reader("apigateway").get_api_keys(includeValues=True),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    tagged = limited(allow("apigateway:GET", Condition={"StringEquals": {"aws:ResourceTag/team": "shop"}}))
    assert tagged("apigateway").get_rest_api(restApiId=stack["Api"])
    with pytest.raises(ClientError):
        tagged("apigatewayv2").get_api(ApiId=stack["WebApi"])


def test_what_is_not_served_is_refused(admin, stack):
    client, web = admin("apigateway"), admin("apigatewayv2")
    on = {"restApiId": stack["Api"], "resourceId": client.get_rest_api(restApiId=stack["Api"])["rootResourceId"], "httpMethod": "GET"}
    client.put_method(**on, authorizationType="NONE")
    for call in (
        lambda: client.create_rest_api(name="x", endpointConfiguration={"types": ["PRIVATE"]}),
        lambda: client.create_authorizer(restApiId=stack["Api"], name="x", type="TOKEN", authorizerUri="arn:aws:lambda:x", identitySource="method.request.header.Authorization"),
        lambda: client.put_integration(**on, type="AWS_PROXY", integrationHttpMethod="POST", uri="arn:aws:apigateway:us-east-1:lambda:path/x"),
        lambda: client.put_integration(**on, type="HTTP_PROXY", integrationHttpMethod="GET", uri="https://example.com/"),
        lambda: client.put_integration(**on, type="MOCK", requestTemplates={"application/json": "#set($x = 1)"}),
        lambda: web.create_api(Name="x", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"),
        lambda: web.create_integration(ApiId=stack["WebApi"], IntegrationType="AWS_PROXY", IntegrationUri="arn:aws:lambda:x", PayloadFormatVersion="2.0"),
    ):
        with pytest.raises(ClientError) as refused:
            call()
        error = refused.value.response["Error"]
        assert error["Code"] == "BadRequestException" and "not served" in error["Message"], error


def test_nothing_is_forwarded_when_the_log_cannot_be_written():
    own = Runtime()
    try:
        client = own.session()("apigateway")
        api = client.create_rest_api(name="mock", endpointConfiguration={"types": ["REGIONAL"]})
        on = {"restApiId": api["id"], "resourceId": api["rootResourceId"], "httpMethod": "GET"}
        client.put_method(**on, authorizationType="NONE")
        client.put_method_response(**on, statusCode="200")
        client.put_integration(**on, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
        client.put_integration_response(**on, statusCode="200")
        client.create_deployment(restApiId=api["id"], stageName="prod")
        url = f"{own.facts['endpoint']}/_aws/execute-api/{api['id']}/prod"
        get = lambda: requests.get(url, verify=str(own.data / "ca.pem"), timeout=10)
        assert get().status_code == 200
        subprocess.run(["prlimit", f"--pid={own.pid()}", "--fsize=1:1"], check=True)
        # One may still be answered while its own record waits to be written.
        statuses = []
        for _ in range(5):
            statuses.append(get().status_code)
            time.sleep(0.1)
        assert statuses[-1] == 500, statuses
    finally:
        own.stop()
