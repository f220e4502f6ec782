"""Tasks that really run: their role's credentials, their log, their replacement, and their end."""

import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import uuid

import pytest
from botocore.exceptions import ClientError
from conftest import PROGRAM, Runtime, allow

# The "image": a program that shows what a task can do. Nothing but the standard library.
IMAGE = r'''#!/usr/bin/python3
import datetime, hashlib, hmac, json, os, signal, ssl, subprocess, sys, time, urllib.error, urllib.request

def credentials():
    request = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"])
    request.add_header("Authorization", os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
    return json.load(urllib.request.urlopen(request, timeout=10))

def call(service, target, body, version="1.1", form=None):
    keys, region = credentials(), os.environ["AWS_REGION"]
    url = os.environ["AWS_ENDPOINT_URL"]
    host, now = url.split("//")[1], datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    payload = form.encode() if form else json.dumps(body).encode()
    headers = {"host": host, "x-amz-date": stamp, "x-amz-security-token": keys["Token"]}
    headers["content-type"] = "application/x-www-form-urlencoded" if form else "application/x-amz-json-" + version
    if target:
        headers["x-amz-target"] = target
    names = ";".join(sorted(headers))
    canonical = "\n".join(["POST", "/", ""] + [f"{n}:{headers[n]}" for n in sorted(headers)] + ["", names, hashlib.sha256(payload).hexdigest()])
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = ("AWS4" + keys["SecretAccessKey"]).encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={keys['AccessKeyId']}/{scope}, SignedHeaders={names}, Signature={signature}"
    request = urllib.request.Request(url, data=payload, headers=headers)
    context = ssl.create_default_context(cafile=os.environ["AWS_CA_BUNDLE"])
    try:
        return urllib.request.urlopen(request, timeout=10, context=context).read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()

def tried(name, work):
    try:
        print(name, "yes", work(), flush=True)
    except OSError as error:
        print(name, "no", error.errno, flush=True)

def main(what, *rest):
    if what == "identity":
        print(call("sts", None, None, form="Action=GetCallerIdentity&Version=2011-06-15").replace("\n", " "), flush=True)
    elif what == "secret":
        print(call("secretsmanager", "secretsmanager.GetSecretValue", {"SecretId": rest[0]}), flush=True)
    elif what == "look":
        for path in rest:
            tried("read " + path, lambda: len(os.listdir(path)) if os.path.isdir(path) else len(open(path, "rb").read()))
        tried("write own", lambda: open("x", "w").write("x"))
        tried("write /tmp", lambda: open("/tmp/countersign-was-here", "w").write("x"))
        print("status", [l for l in open("/proc/self/status") if l.split(":")[0] in ("Uid", "CapEff", "CapBnd", "NoNewPrivs")], flush=True)
        print("environment", sorted(os.environ), flush=True)
    elif what == "secrets":
        print("password is", os.environ["PASSWORD"], "level is", os.environ["LEVEL"], flush=True)
    elif what == "exit":
        sys.exit(int(rest[0]))
    elif what == "sleep":
        # A grandchild in a session of its own, which nobody's group reaches.
        subprocess.Popen(["/bin/sleep", rest[0]], start_new_session=True)
        print("listening at", os.environ["TASK_ADDRESS"], flush=True)
        signal.signal(signal.SIGTERM, lambda *_: (print("goodbye", flush=True), sys.exit(0)))
        time.sleep(600)
    elif what == "serve":
        import http.server
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200 if rest[1] == "well" else 500)
                self.end_headers()
        http.server.ThreadingHTTPServer((os.environ["TASK_ADDRESS"], int(rest[0])), Answer).serve_forever()
    elif what == "metadata":
        for path in ("", "/task"):
            print(urllib.request.urlopen(os.environ["ECS_CONTAINER_METADATA_URI_V4"] + path, timeout=10).read().decode(), flush=True)

main(*sys.argv[1:])
'''


class Shop(Runtime):
    """A runtime with an images folder of its own."""

    def __init__(self):
        self.images = pathlib.Path(tempfile.mkdtemp(prefix="countersign-images-"))
        program = self.images / "probe"
        program.write_text(IMAGE)
        program.chmod(0o755)
        super().__init__()

    def start(self):
        command = [PROGRAM, "up", "--empty", "--detach", "--output", "json", "--data", self.data, "--port", str(self.port), "--images", self.images]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        self.facts = json.loads(done.stdout)
        text = pathlib.Path(self.facts["credentials"]).read_text()
        keys = dict(line.split(" = ") for line in text.splitlines() if " = " in line)
        self.key, self.secret = keys["aws_access_key_id"], keys["aws_secret_access_key"]


@pytest.fixture(scope="module")
def shop():
    shop = Shop()
    yield shop
    shop.stop()
    shutil.rmtree(shop.data)
    shutil.rmtree(shop.images)


class Scene:
    def __init__(self, shop):
        self.shop, clients = shop, shop.session()
        self.ecs, self.iam, self.logs = clients("ecs"), clients("iam"), clients("logs")
        self.secrets, self.ssm, self.ec2 = clients("secretsmanager"), clients("ssm"), clients("ec2")
        self.account = clients("sts").get_caller_identity()["Account"]
        vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = self.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        self.group = self.ec2.create_security_group(VpcId=vpc, GroupName="tasks", Description="tasks")["GroupId"]
        self.ecs.create_cluster(clusterName="shop")
        self.logs.create_log_group(logGroupName="/tasks")
        self.execution = self.role("start", allow("logs:CreateLogStream", "logs:PutLogEvents", resource=f"arn:aws:logs:us-east-1:{self.account}:log-group:/tasks:*"))
        self.network = {"awsvpcConfiguration": {"subnets": [self.subnet], "securityGroups": [self.group]}}

    def role(self, name, policy=None, service="ecs-tasks.amazonaws.com"):
        # The confused deputy's condition, as AWS recommends it.
        condition = {"ArnLike": {"aws:SourceArn": f"arn:aws:ecs:us-east-1:{self.account}:*"}, "StringEquals": {"aws:SourceAccount": self.account}}
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", "Condition": condition}]}
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        if policy:
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
        return arn

    def define(self, command, role=None, **more):
        container = {
            "name": "probe", "image": "registry.example.com/shop/probe:1", "command": command,
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/tasks", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}},
        }
        whole = {k: more.pop(k) for k in ("executionRoleArn",) if k in more}
        container.update(more)
        own = {"taskRoleArn": role} if role else {}
        return self.ecs.register_task_definition(
            family=f"f-{uuid.uuid4().hex[:8]}", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
            containerDefinitions=[container], **{"executionRoleArn": self.execution, **own, **whole},
        )["taskDefinition"]["taskDefinitionArn"]

    def run(self, definition):
        answer = self.ecs.run_task(cluster="shop", taskDefinition=definition, launchType="FARGATE", networkConfiguration=self.network)
        assert not answer["failures"], answer["failures"]
        return answer["tasks"][0]["taskArn"]

    def task(self, arn):
        return self.ecs.describe_tasks(cluster="shop", tasks=[arn])["tasks"][0]

    def until(self, arn, status, seconds=40):
        end = time.time() + seconds
        while time.time() < end:
            task = self.task(arn)
            if task["lastStatus"] == status:
                return task
            time.sleep(0.2)
        raise AssertionError(f"{arn} is {task['lastStatus']}, not {status}: {task.get('stoppedReason')}")

    def log(self, arn):
        stream = f"p/probe/{arn.rsplit('/')[-1]}"
        try:
            events = self.logs.get_log_events(logGroupName="/tasks", logStreamName=stream, startFromHead=True)["events"]
        except ClientError:
            return ""
        return "\n".join(e["message"] for e in events)

    def outcome(self, command, role=None, **more):
        arn = self.run(self.define(command, role, **more))
        task = self.until(arn, "STOPPED")
        return task, self.log(arn)


@pytest.fixture(scope="module")
def scene(shop):
    return Scene(shop)


def test_a_task_is_its_role(scene):
    allowed = scene.secrets.create_secret(Name="mine", SecretString="open-sesame")["ARN"]
    scene.secrets.create_secret(Name="other", SecretString="not-for-you")
    role = scene.role("reader", allow("secretsmanager:GetSecretValue", resource=allowed))
    task, log = scene.outcome(["identity"], role)
    assert task["containers"][0].get("exitCode") == 0, (task["stoppedReason"], log)
    assert f"assumed-role/reader/{task['taskArn'].rsplit('/')[-1]}" in log
    assert "open-sesame" in scene.outcome(["secret", "mine"], role)[1]
    denied = scene.outcome(["secret", "other"], role)[1]
    assert "AccessDenied" in denied and "not-for-you" not in denied
    # A task without a role has no credentials at all, whatever its execution role may do.
    task, log = scene.outcome(["identity"])
    assert task["containers"][0]["exitCode"] != 0 and "AWS_CONTAINER_CREDENTIALS_FULL_URI" in log


def test_the_trust_policy_decides(scene):
    role = scene.role("distrusting", allow("*"), service="lambda.amazonaws.com")
    task, log = scene.outcome(["identity"], role)
    assert task["containers"][0]["exitCode"] != 0 and "HTTP Error 403" in log
    gone = scene.role("gone", allow("*"))
    definition = scene.define(["identity"], gone)
    scene.iam.delete_role_policy(RoleName="gone", PolicyName="own")
    scene.iam.delete_role(RoleName="gone")
    arn = scene.run(definition)
    assert scene.until(arn, "STOPPED")["containers"][0]["exitCode"] != 0


def test_a_start_that_the_execution_role_may_not_make(scene):
    scene.ssm.put_parameter(Name="/app/level", Type="String", Value="high")
    secret = scene.secrets.create_secret(Name="db", SecretString=json.dumps({"password": "hunter2"}))["ARN"]
    secrets = [{"name": "PASSWORD", "valueFrom": f"{secret}:password::"}, {"name": "LEVEL", "valueFrom": "/app/level"}]
    task, log = scene.outcome(["secrets"], secrets=secrets)
    assert task["stopCode"] == "TaskFailedToStart" and "ResourceInitializationError" in task["stoppedReason"]
    assert "secretsmanager:GetSecretValue" in task["stoppedReason"]
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"},
        {"Effect": "Allow", "Action": ["secretsmanager:GetSecretValue", "ssm:GetParameters"], "Resource": "*"}]}
    able = scene.role("start-with-secrets", policy)
    assert "password is hunter2 level is high" in scene.outcome(["secrets"], secrets=secrets, executionRoleArn=able)[1]
    silent = scene.role("start-silent", allow("ecr:GetAuthorizationToken"))
    task, _ = scene.outcome(["identity"], executionRoleArn=silent)
    assert task["stoppedReason"].startswith("ResourceInitializationError: failed to validate logger args"), task["stoppedReason"]
    assert "logs:CreateLogStream" in task["stoppedReason"]


def test_images_and_exits(scene):
    task, _ = scene.outcome(["identity"], image="nothing:1")
    assert task["stopCode"] == "TaskFailedToStart" and task["stoppedReason"].startswith("CannotPullContainerError")
    task, _ = scene.outcome(["exit", "7"])
    assert (task["stopCode"], task["containers"][0]["exitCode"]) == ("EssentialContainerExited", 7)
    assert task["stoppedReason"] == "Essential container in task exited"
    task, log = scene.outcome(["-c", "echo from the shell; exit 3"], entryPoint=["/bin/sh"])
    assert task["containers"][0]["exitCode"] == 3 and log == "from the shell"


def test_a_task_is_confined(scene, shop):
    data = shop.data
    task, log = scene.outcome(["look", str(data), str(data / "root.key"), "/etc/hostname", "/root", "/tmp"], readonlyRootFilesystem=True)
    lines = {l.rsplit(" ", 2)[0]: l.split(" ")[-2] for l in log.splitlines() if l.startswith(("read", "write"))}
    assert lines == {
        f"read {data}": "no", f"read {data}/root.key": "no", "read /etc/hostname": "yes", "read /root": "no",
        "read /tmp": "no", "write own": "no", "write /tmp": "no",
    }, log
    assert "CapEff:\\t0000000000000000" in log and "NoNewPrivs:\\t1" in log
    if pathlib.Path(f"/proc/{shop.pid()}").stat().st_uid == 0:
        assert "Uid:\\t0\\t" not in log and "CapBnd:\\t0000000000000000" in log
    environment = next(l for l in log.splitlines() if l.startswith("environment"))
    assert "AWS_ACCESS_KEY_ID" not in environment and "COUNTERSIGN" not in environment and "USER" not in environment
    assert "write own yes" in scene.outcome(["look"])[1]


TEMPLATE = """
Parameters: {Command: {Type: String, Default: well}}
Resources:
  Vpc: {Type: "AWS::EC2::VPC", Properties: {CidrBlock: 10.9.0.0/16}}
  SubnetA: {Type: "AWS::EC2::Subnet", Properties: {VpcId: !Ref Vpc, CidrBlock: 10.9.1.0/24, AvailabilityZone: us-east-1a}}
  SubnetB: {Type: "AWS::EC2::Subnet", Properties: {VpcId: !Ref Vpc, CidrBlock: 10.9.2.0/24, AvailabilityZone: us-east-1b}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Vpc
      GroupDescription: all
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 0, ToPort: 65535, CidrIp: 10.9.0.0/16}]
  Logs: {Type: "AWS::Logs::LogGroup", Properties: {RetentionInDays: 7, Tags: [{Key: a, Value: b}]}}
  Stream: {Type: "AWS::Logs::LogStream", Properties: {LogGroupName: !Ref Logs, LogStreamName: extra}}
  Images:
    Type: AWS::ECR::Repository
    Properties:
      ImageTagMutability: IMMUTABLE
      LifecyclePolicy:
        LifecyclePolicyText: '{"rules":[{"rulePriority":1,"description":"Untagged images should not exist, but expire any older than one year","selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":365},"action":{"type":"expire"}}]}'
      RepositoryPolicyText:
        Version: "2012-10-17"
        Statement: [{Sid: Retrieve, Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: [ecr:BatchGetImage, ecr:GetDownloadUrlForLayer]}]
  Start:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: ecs-tasks.amazonaws.com}, Action: sts:AssumeRole, Condition: {StringEquals: {"aws:SourceAccount": !Ref "AWS::AccountId"}}}]
      Policies:
        - PolicyName: logs
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: [logs:CreateLogStream, logs:PutLogEvents], Resource: !GetAtt Logs.Arn}]
  Cluster: {Type: "AWS::ECS::Cluster"}
  Definition:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: stacked
      RequiresCompatibilities: [FARGATE]
      NetworkMode: awsvpc
      Cpu: "256"
      Memory: "512"
      ExecutionRoleArn: !GetAtt Start.Arn
      ContainerDefinitions:
        - Name: probe
          Image: probe:1
          Command: [serve, "8080", !Ref Command]
          StopTimeout: 2
          ReadonlyRootFilesystem: true
          PortMappings: [{ContainerPort: 8080}]
          DockerLabels: {Some.Label: kept}
          LogConfiguration: {LogDriver: awslogs, Options: {awslogs-group: !Ref Logs, awslogs-region: !Ref "AWS::Region", awslogs-stream-prefix: p}}
  Balancer: {Type: "AWS::ElasticLoadBalancingV2::LoadBalancer", Properties: {Scheme: internal, Subnets: [!Ref SubnetA, !Ref SubnetB], SecurityGroups: [!Ref Group]}}
  Targets:
    Type: AWS::ElasticLoadBalancingV2::TargetGroup
    Properties:
      VpcId: !Ref Vpc
      TargetType: ip
      Protocol: HTTP
      Port: 8080
      HealthCheckIntervalSeconds: 5
      HealthCheckTimeoutSeconds: 2
      HealthyThresholdCount: 2
      UnhealthyThresholdCount: 2
      TargetGroupAttributes: [{Key: deregistration_delay.timeout_seconds, Value: "1"}]
  Listener: {Type: "AWS::ElasticLoadBalancingV2::Listener", Properties: {LoadBalancerArn: !Ref Balancer, Port: 80, Protocol: HTTP, DefaultActions: [{Type: forward, TargetGroupArn: !Ref Targets}]}}
  Service:
    Type: AWS::ECS::Service
    DependsOn: [Listener]
    Properties:
      Cluster: !Ref Cluster
      LaunchType: FARGATE
      DesiredCount: 1
      TaskDefinition: !Ref Definition
      HealthCheckGracePeriodSeconds: 5
      DeploymentConfiguration: {DeploymentCircuitBreaker: {Enable: true, Rollback: true}}
      NetworkConfiguration: {AwsvpcConfiguration: {AssignPublicIp: DISABLED, Subnets: [!Ref SubnetA, !Ref SubnetB], SecurityGroups: [!Ref Group]}}
      LoadBalancers: [{ContainerName: probe, ContainerPort: 8080, TargetGroupArn: !Ref Targets}]
Outputs:
  Cluster: {Value: !Ref Cluster}
  Service: {Value: !GetAtt Service.Name}
  Targets: {Value: !Ref Targets}
  Uri: {Value: !GetAtt Images.RepositoryUri}
"""


def finished(cloudformation, name, seconds=120):
    end = time.time() + seconds
    while time.time() < end:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.5)
    raise AssertionError(stack["StackStatus"])


def test_a_stack_is_ready_when_its_service_is(scene, shop):
    cloudformation, balancers = shop.session()("cloudformation"), shop.session()("elbv2")
    capabilities = {"Capabilities": ["CAPABILITY_IAM"]}
    cloudformation.create_stack(StackName="stacked", TemplateBody=TEMPLATE, **capabilities)
    stack = finished(cloudformation, "stacked")
    events = lambda: [(e["LogicalResourceId"], e.get("ResourceStatusReason")) for e in cloudformation.describe_stack_events(StackName="stacked")["StackEvents"] if "FAILED" in e["ResourceStatus"]]
    assert stack["StackStatus"] == "CREATE_COMPLETE", events()
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    health = balancers.describe_target_health(TargetGroupArn=outputs["Targets"])["TargetHealthDescriptions"]
    assert [h["TargetHealth"]["State"] for h in health] == ["healthy"]
    # An update to what never gets healthy fails, and both CloudFormation and ECS go back.
    cloudformation.update_stack(StackName="stacked", TemplateBody=TEMPLATE, Parameters=[{"ParameterKey": "Command", "ParameterValue": "ill"}], **capabilities)
    stack = finished(cloudformation, "stacked", 240)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", events()
    service = scene.ecs.describe_services(cluster=outputs["Cluster"], services=[outputs["Service"]])["services"][0]
    command = scene.ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]["containerDefinitions"][0]["command"]
    assert command == ["serve", "8080", "well"] and service["runningCount"] >= 1
    cloudformation.delete_stack(StackName="stacked")
    end = time.time() + 90
    while time.time() < end:
        try:
            status = finished(cloudformation, "stacked")["StackStatus"]
            assert status == "DELETE_COMPLETE", events()
            break
        except ClientError:
            break
    assert not [c for c in scene.ecs.list_clusters()["clusterArns"] if c.endswith(outputs["Cluster"])]


def processes(marker):
    """Processes whose command line holds this, zombies aside."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and marker in (entry / "cmdline").read_text() and ") Z " not in (entry / "stat").read_text():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def live(marker, count, seconds=10):
    """Whether there come to be so many: a program takes a moment to start."""
    end = time.time() + seconds
    while len(processes(marker)) != count and time.time() < end:
        time.sleep(0.1)
    return len(processes(marker)) == count


def test_stopping_takes_everything_along(scene):
    marker = "31415.1"
    arn = scene.run(scene.define(["sleep", marker], stopTimeout=5))
    scene.until(arn, "RUNNING")
    end = time.time() + 10
    while "listening at 127." not in scene.log(arn) and time.time() < end:
        time.sleep(0.2)
    assert live(marker, 2)
    scene.ecs.stop_task(cluster="shop", task=arn, reason="enough")
    task = scene.until(arn, "STOPPED")
    assert (task["stopCode"], task["stoppedReason"], task["containers"][0]["exitCode"]) == ("UserInitiated", "enough", 0)
    assert "goodbye" in scene.log(arn) and not processes(marker)


def test_metadata(scene):
    task, log = scene.outcome(["metadata"])
    own, whole = (json.loads(l) for l in log.splitlines())
    assert own["Name"] == "probe" and whole["TaskARN"] == task["taskArn"]
    assert own["Networks"][0]["IPv4Addresses"][0].startswith("10.0.1.")


def steady(scene, name, seconds=60):
    end = time.time() + seconds
    while time.time() < end:
        service = scene.ecs.describe_services(cluster="shop", services=[name])["services"][0]
        if service["deployments"][0]["rolloutState"] == "COMPLETED" and service["runningCount"] == service["desiredCount"]:
            return service
        time.sleep(0.3)
    raise AssertionError(service["events"][:5])


def running(scene, name):
    arns = scene.ecs.list_tasks(cluster="shop", serviceName=name)["taskArns"]
    return {a for a in arns if scene.task(a)["lastStatus"] == "RUNNING"}


def test_a_service_replaces_what_dies(scene):
    marker = "27182.8"
    definition = scene.define(["sleep", marker], stopTimeout=2)
    scene.ecs.create_service(cluster="shop", serviceName="web", taskDefinition=definition, desiredCount=2, launchType="FARGATE", networkConfiguration=scene.network)
    steady(scene, "web")
    before = running(scene, "web")
    assert len(before) == 2
    victim = next(p for p in processes(marker) if "probe" in pathlib.Path(f"/proc/{p}/cmdline").read_text())
    os.kill(victim, signal.SIGKILL)
    end, after = time.time() + 30, before
    while time.time() < end and (len(after) != 2 or after == before):
        time.sleep(0.3)
        after = running(scene, "web")
    assert len(after) == 2 and len(after & before) == 1
    dead = scene.task((before - after).pop())
    assert dead["containers"][0]["exitCode"] == 137 and dead["stopCode"] == "EssentialContainerExited"
    assert live(marker, 4)


def test_a_bad_deployment_goes_back(scene):
    good = scene.define(["sleep", "16180.3"], stopTimeout=2)
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    scene.ecs.create_service(cluster="shop", serviceName="careful", taskDefinition=good, desiredCount=1, launchType="FARGATE", networkConfiguration=scene.network, deploymentConfiguration=breaker)
    steady(scene, "careful")
    bad = scene.define(["identity"], image="nothing:1")
    scene.ecs.update_service(cluster="shop", service="careful", taskDefinition=bad)
    end = time.time() + 60
    while time.time() < end:
        service = scene.ecs.describe_services(cluster="shop", services=["careful"])["services"][0]
        if service["taskDefinition"] == good:
            break
        time.sleep(0.3)
    service = steady(scene, "careful")
    assert service["taskDefinition"] == good and any("rolling back" in e["message"] for e in service["events"])
    scene.ecs.delete_service(cluster="shop", service="careful", force=True)


def test_nothing_outlives_the_runtime(scene, shop):
    marker = "27182.8"
    assert live(marker, 4)
    before = running(scene, "web")
    os.kill(shop.pid(), signal.SIGKILL)
    end = time.time() + 10
    while time.time() < end and processes(marker):
        time.sleep(0.1)
    assert not processes(marker)
    # Started again, the service gets new tasks in place of those that were lost.
    shop.start()
    end, after = time.time() + 30, before
    while time.time() < end and (len(after) != 2 or after & before):
        time.sleep(0.3)
        after = running(scene, "web")
    assert len(after) == 2 and not after & before
    scene.ecs.delete_service(cluster="shop", service="web", force=True)
    end = time.time() + 30
    while time.time() < end and processes(marker):
        time.sleep(0.3)
    assert not processes(marker)
