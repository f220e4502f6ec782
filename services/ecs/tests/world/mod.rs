//! A VPC with two zones, a role, a cluster; and what `act` and a load balancer would say.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a scene for tests"
)]

use harness::{ACCOUNT, World};
use model::estate::ecs::Task;
use model::{Ask, Asking, Caller, Fault, Members, Service, Tx, Value};
use serde_json::{Value as Json, json};

pub struct Scene {
    pub world: World,
    pub admin: Caller,
    pub subnets: Vec<String>,
    pub group: String,
}

pub const GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/shop/0123456789abcdef";

impl Scene {
    pub fn new() -> Scene {
        let world = World::new(vec![&service_ecs::SERVICE, &service_ec2::SERVICE, &ELBV2]);
        let admin = world.admin();
        let ec2 = |operation: &str, input: Json| world.call(&admin, "ec2", operation, input).unwrap();
        let vpc = ec2("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}));
        let vpc = vpc["Vpc"]["VpcId"].as_str().unwrap().to_owned();
        let subnet = |cidr: &str, zone: &str| {
            let made =
                ec2("CreateSubnet", json!({"VpcId": vpc, "CidrBlock": cidr, "AvailabilityZone": zone}));
            made["Subnet"]["SubnetId"].as_str().unwrap().to_owned()
        };
        let subnets = vec![subnet("10.0.1.0/24", "us-east-1a"), subnet("10.0.2.0/24", "us-east-1b")];
        let made =
            ec2("CreateSecurityGroup", json!({"VpcId": vpc, "GroupName": "tasks", "Description": "tasks"}));
        let group = made["GroupId"].as_str().unwrap().to_owned();
        let scene = Scene { admin: admin.clone(), subnets, group, world };
        scene.ecs("CreateCluster", json!({"clusterName": "shop"})).unwrap();
        scene
    }

    pub fn ecs(&self, operation: &str, input: Json) -> Result<Json, Fault> {
        self.world.call(&self.admin, "ecs", operation, input)
    }

    pub fn register(&self, change: Json) -> Result<Json, Fault> {
        let mut input = definition();
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        self.ecs("RegisterTaskDefinition", input)
    }

    pub fn network(&self) -> Json {
        json!({"awsvpcConfiguration": {"subnets": self.subnets, "securityGroups": [self.group]}})
    }

    pub fn service(&self, change: Json) -> Result<Json, Fault> {
        let mut input = json!({
            "cluster": "shop", "serviceName": "web", "taskDefinition": "web", "desiredCount": 2,
            "launchType": "FARGATE", "networkConfiguration": self.network(),
        });
        input.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        self.ecs("CreateService", input)
    }

    /// The tasks that are wanted, oldest first.
    pub fn tasks(&self) -> Vec<Task> {
        let snapshot = self.world.estate.snapshot();
        let mut tasks: Vec<Task> =
            snapshot.all::<Task>().filter(|t| t.desired == "RUNNING").cloned().collect();
        tasks.sort_by_key(|t| t.created);
        tasks
    }

    pub fn observe(&self, task: &Task, more: Json) {
        let mut payload = json!({"task": task.id});
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.world.report("ecs", "Observe", payload).unwrap();
    }

    /// Ends whatever is wanted stopped, as `act` would.
    pub fn end_stopping(&self) {
        let snapshot = self.world.estate.snapshot();
        let stopping: Vec<Task> = snapshot
            .all::<Task>()
            .filter(|t| t.desired == "STOPPED" && t.status == "STOPPING")
            .cloned()
            .collect();
        for task in stopping {
            self.observe(&task, json!({"status": "STOPPED"}));
        }
    }

    /// Lets a healthy task of each kind that is not running come up, and time pass.
    pub fn settle(&self) {
        for task in self.tasks().into_iter().filter(|t| t.status != "RUNNING") {
            let names: Vec<Json> = task
                .containers
                .iter()
                .map(|c| json!({"name": c.name, "status": "RUNNING", "health": if c.checked { "HEALTHY" } else { "UNKNOWN" }}))
                .collect();
            self.observe(&task, json!({"status": "RUNNING", "containers": names}));
        }
        self.end_stopping();
        self.look();
    }

    pub fn look(&self) {
        self.world.report("ecs", "Reconcile", json!({"service": "shop/web"})).unwrap();
    }

    pub fn describe(&self) -> Json {
        let found = self.ecs("DescribeServices", json!({"cluster": "shop", "services": ["web"]})).unwrap();
        found["services"][0].clone()
    }
}

/// With a health check, so that a task is healthy as soon as it is said to be.
pub fn definition() -> Json {
    json!({
        "family": "web", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "executionRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/start"),
        "containerDefinitions": [{
            "name": "web", "image": "web:1", "portMappings": [{"containerPort": 8443}],
            "environment": [{"name": "TOKEN", "value": "very-secret-value"}],
            "healthCheck": {"command": ["CMD-SHELL", "true"]},
        }],
    })
}

pub fn code(outcome: Result<Json, Fault>) -> String {
    outcome.unwrap_err().code.into_owned()
}

/// A load balancer that keeps its targets as records and believes in each of them.
static ELBV2: Service = Service {
    name: "elbv2",
    model: "service elbv2\nprotocols query\nendpoint-prefix elasticloadbalancing\napi-version 2015-12-01\nservice-id Elastic Load Balancing v2\n",
    types: "",
    actions: "",
    operations: model::operations![
        read DescribeTargetGroups => groups,
        read DescribeTargetHealth => health,
        write RegisterTargets => put,
        write DeregisterTargets => take,
    ],
    ask: |asking: &Asking<'_>| Ok(vec![Ask::new(format!("elasticloadbalancing:{}", asking.operation), "*")]),
    nodes: &[],
    resources: &[],
    jobs: model::jobs![Judge => judge],
    founding: model::service::nothing,
};

const TARGETS: &str = "test/targets";

fn groups(_: &mut Tx<'_>, _: Value) -> Result<Value, Fault> {
    Ok(Value::from_json(json!({"TargetGroups": [{"TargetType": "ip", "LoadBalancerArns": ["some"]}]})))
}

fn target(input: &Value) -> (String, i64) {
    let target = &input.get("Targets").and_then(Value::as_list).unwrap()[0];
    (target.text("Id").unwrap().to_owned(), target.get("Port").and_then(Value::as_i64).unwrap())
}

fn put(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let (id, port) = target(&input);
    tx.put_record_as(TARGETS, id.as_bytes(), &(id.clone(), port, "initial"))?;
    Ok(Value::Map(Members::default()))
}

fn take(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    tx.remove_record(TARGETS, target(&input).0.as_bytes())?;
    Ok(Value::Map(Members::default()))
}

fn health(tx: &mut Tx<'_>, _: Value) -> Result<Value, Fault> {
    let all = model::Range { from: b"", to: None, reverse: false, limit: 100 };
    let seen: Vec<Json> = tx
        .records(TARGETS, all)?
        .into_iter()
        .map(|(_, bytes)| {
            let (id, port, state): (String, i64, String) = serde_json::from_slice(&bytes).unwrap();
            json!({"Target": {"Id": id, "Port": port}, "TargetHealth": {"State": state}})
        })
        .collect();
    Ok(Value::from_json(json!({"TargetHealthDescriptions": seen})))
}

/// Job of the test's: this target is now in this state.
fn judge(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let id = payload["id"].as_str().unwrap();
    tx.put_record_as(TARGETS, id.as_bytes(), &(id, 8443, payload["state"].as_str().unwrap()))
}
