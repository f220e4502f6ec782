//! The scene of these tests: a network with two zones, and a stand-in for EC2 that makes interfaces.
#![allow(
    dead_code,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a scene for tests, of which each binary uses some"
)]

pub(crate) mod edge;

use std::sync::Arc;

use harness::{ACCOUNT, REGION, World};
use model::estate::ec2::{NetworkInterface, SecurityGroup, Subnet, Vpc};
use model::graph::Change;
use model::{AccountId, Ask, Caller, Fault, Members, Service, Tags, Timestamp, Tx, Value};
use serde_json::{Value as Json, json};

pub(crate) const VPC: &str = "vpc-1";

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) admin: Caller,
}

static EC2: Service = Service {
    name: "ec2",
    model: "service ec2\nprotocols ec2\napi-version 2016-11-15\nservice-id EC2\noperation CreateNetworkInterface POST /\noperation DeleteNetworkInterface POST /\noperation ModifyNetworkInterfaceAttribute POST /\n",
    types: "",
    actions: "",
    operations: model::operations![
        write CreateNetworkInterface => create,
        write DeleteNetworkInterface => delete,
        write ModifyNetworkInterfaceAttribute => modify,
    ],
    ask: |asking| Ok(vec![Ask::new(format!("ec2:{}", asking.operation), "*")]),
    nodes: &[
        model::NodeKind::of::<NetworkInterface>(),
        model::NodeKind::of::<Subnet>(),
        model::NodeKind::of::<Vpc>(),
        model::NodeKind::of::<SecurityGroup>(),
    ],
    resources: &[],
    jobs: &[],
    founding: model::service::nothing,
};

fn create(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let id = format!("eni-{}", tx.random_text(17, b"0123456789abcdef"));
    let groups = input.get("Groups").and_then(Value::as_list).unwrap_or_default();
    tx.put(NetworkInterface {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: id.clone(),
        vpc: VPC.to_owned(),
        subnet: input.text("SubnetId").unwrap_or_default().to_owned(),
        zone: String::new(),
        private_ip: "10.0.0.5".to_owned(),
        ipv6: Vec::new(),
        groups: groups.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        description: input.text("Description").unwrap_or_default().to_owned(),
        interface_type: "interface".to_owned(),
        requester: Some(tx.caller().arn.clone()),
        public_ip: None,
        source_dest_check: true,
        created: tx.now,
        tags: Tags::new(),
    })?;
    let mut made = Members::default();
    made.push("NetworkInterfaceId", id);
    let mut output = Members::default();
    output.push("NetworkInterface", Value::Map(made));
    Ok(Value::Map(output))
}

fn delete(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let id = input.text("NetworkInterfaceId").unwrap_or_default();
    match tx.find::<NetworkInterface>(id).cloned() {
        Some(interface) => tx.remove(&interface).map(|()| Value::Null),
        None => Err(Fault::client("InvalidNetworkInterfaceID.NotFound", id.to_owned())),
    }
}

fn modify(_tx: &mut Tx<'_>, _input: Value) -> Result<Value, Fault> {
    Ok(Value::Null)
}

fn put<N: model::Node>(node: N) -> Change {
    Change::Put(Arc::new(node))
}

impl Scene {
    pub(crate) fn new() -> Scene {
        let world = World::new(vec![&EC2, &service_acm::SERVICE, &service_elbv2::SERVICE]);
        let account = AccountId::parse(ACCOUNT).unwrap();
        let region = REGION.to_owned();
        let vpc = |id: &str, cidr: &str| Vpc {
            account: account.clone(),
            region: region.clone(),
            id: id.to_owned(),
            cidrs: vec![cidr.to_owned()],
            ipv6_cidrs: Vec::new(),
            tenancy: "default".to_owned(),
            dns_support: true,
            dns_hostnames: true,
            default: false,
            tags: Tags::new(),
        };
        let subnet = |id: &str, cidr: &str, zone: &str| Subnet {
            account: account.clone(),
            region: region.clone(),
            id: id.to_owned(),
            vpc: VPC.to_owned(),
            cidr: cidr.to_owned(),
            ipv6_cidr: None,
            zone: zone.to_owned(),
            map_public_ip: false,
            default_for_zone: false,
            tags: Tags::new(),
        };
        let group = |id: &str, name: &str, vpc: &str| SecurityGroup {
            account: account.clone(),
            region: region.clone(),
            id: id.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            vpc: vpc.to_owned(),
            ingress: Vec::new(),
            egress: Vec::new(),
            tags: Tags::new(),
        };
        world.change(vec![
            put(vpc(VPC, "10.0.0.0/16")),
            put(vpc("vpc-2", "10.1.0.0/16")),
            put(subnet("subnet-a", "10.0.0.0/24", "us-east-1a")),
            put(subnet("subnet-a2", "10.0.2.0/24", "us-east-1a")),
            put(subnet("subnet-b", "10.0.1.0/24", "us-east-1b")),
            put(group("sg-default", "default", VPC)),
            put(group("sg-other", "default", "vpc-2")),
        ]);
        let admin = world.admin();
        Scene { world, admin }
    }

    pub(crate) fn call(&self, operation: &str, input: Json) -> Result<Json, Fault> {
        self.world.call(&self.admin, "elbv2", operation, input)
    }

    fn arn(made: &Json, list: &str, arn: &str) -> String {
        made[list][0][arn].as_str().unwrap().to_owned()
    }

    pub(crate) fn balancer(&self, name: &str, scheme: &str) -> String {
        let input = json!({"Name": name, "Scheme": scheme, "Subnets": ["subnet-a", "subnet-b"]});
        Scene::arn(&self.call("CreateLoadBalancer", input).unwrap(), "LoadBalancers", "LoadBalancerArn")
    }

    pub(crate) fn group(&self, name: &str) -> String {
        let input = json!({"Name": name, "Protocol": "HTTP", "Port": 8080, "VpcId": VPC, "TargetType": "ip"});
        Scene::arn(&self.call("CreateTargetGroup", input).unwrap(), "TargetGroups", "TargetGroupArn")
    }

    pub(crate) fn listener(&self, balancer: &str, port: u16, group: &str) -> String {
        let input = json!({
            "LoadBalancerArn": balancer,
            "Port": port,
            "Protocol": "HTTP",
            "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}],
        });
        Scene::arn(&self.call("CreateListener", input).unwrap(), "Listeners", "ListenerArn")
    }

    pub(crate) fn certificate(&self, name: &str) -> String {
        let input = json!({"DomainName": name, "ValidationMethod": "DNS"});
        let made = self.world.call(&self.admin, "acm", "RequestCertificate", input).unwrap();
        made["CertificateArn"].as_str().unwrap().to_owned()
    }

    pub(crate) fn interfaces(&self) -> usize {
        self.world.estate.snapshot().all::<NetworkInterface>().count()
    }

    pub(crate) fn now(&self) -> Timestamp {
        use model::plane::Calls as _;
        self.world.estate.now()
    }
}
