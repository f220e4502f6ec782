//! Where tasks are placed: subnets and security groups of one VPC, and the interface of each task.

use model::estate::ec2::{SecurityGroup, Subnet};
use model::estate::ecs::{Interface, Placement};
use model::estate::iam::Linked;
use model::{Caller, Fault, Members, Tx, Value};

use crate::fault::{invalid, unserved};
use crate::shapes::{AwsVpcConfiguration, NetworkConfiguration};

/// ECS in an account: what it does with interfaces and targets it does through this role.
const LINKED: Linked<'static> = Linked {
    service: "ecs.amazonaws.com",
    role: "AWSServiceRoleForECS",
    policy: r#"{"Version":"2012-10-17","Statement":[{"Sid":"ECSTaskManagement","Effect":"Allow","Action":["ec2:AttachNetworkInterface","ec2:CreateNetworkInterface","ec2:CreateNetworkInterfacePermission","ec2:DeleteNetworkInterface","ec2:DeleteNetworkInterfacePermission","ec2:Describe*","ec2:DetachNetworkInterface","elasticloadbalancing:DeregisterTargets","elasticloadbalancing:Describe*","elasticloadbalancing:RegisterTargets"],"Resource":"*"}]}"#,
};

pub(crate) fn linked(tx: &mut Tx<'_>) -> Result<Caller, Fault> {
    LINKED.caller(tx)
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_AwsVpcConfiguration.html>
pub(crate) fn placement(tx: &Tx<'_>, given: Option<NetworkConfiguration>) -> Result<Placement, Fault> {
    let given = given.and_then(|n| n.awsvpc_configuration).ok_or_else(|| {
        invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    })?;
    if given.assign_public_ip.as_deref() == Some("ENABLED") {
        return Err(unserved("public addresses of tasks (assignPublicIp ENABLED) are"));
    }
    let groups = given.security_groups.unwrap_or_default();
    if given.subnets.is_empty() || given.subnets.len() > 16 {
        return Err(invalid("subnets can have 1 to 16 items."));
    }
    if groups.len() > 5 {
        return Err(invalid("securityGroups can have at most 5 items."));
    }
    let mut vpc = None;
    for id in &given.subnets {
        let subnet = tx.find::<Subnet>(id);
        let subnet = subnet.ok_or_else(|| invalid(format!("Error retrieving subnet information for [{id}]: The subnet ID '{id}' does not exist (ErrorCode: InvalidSubnetID.NotFound)")))?;
        if *vpc.get_or_insert(subnet.vpc.clone()) != subnet.vpc {
            return Err(invalid("Subnets must belong to the same VPC."));
        }
    }
    for id in &groups {
        let group = tx.find::<SecurityGroup>(id);
        let group = group.ok_or_else(|| invalid(format!("Error retrieving security group information for [{id}]: The security group '{id}' does not exist (ErrorCode: InvalidGroup.NotFound)")))?;
        if vpc.as_ref() != Some(&group.vpc) {
            return Err(invalid("Security groups and subnets must belong to the same VPC."));
        }
    }
    Ok(Placement { subnets: given.subnets, security_groups: groups })
}

pub(crate) fn shown(placement: &Placement) -> NetworkConfiguration {
    NetworkConfiguration {
        awsvpc_configuration: Some(AwsVpcConfiguration {
            subnets: placement.subnets.clone(),
            security_groups: Some(placement.security_groups.clone()),
            assign_public_ip: Some("DISABLED".to_owned()),
        }),
    }
}

fn texts(list: &[String]) -> Value {
    Value::List(list.iter().map(|t| Value::Text(t.clone())).collect())
}

/// Makes the interface of a task, in this subnet.
pub(crate) fn attach(tx: &mut Tx<'_>, placement: &Placement, subnet: &str) -> Result<Interface, Fault> {
    let attachment = tx.uuid();
    let mut input = Members::default();
    input.push("SubnetId", subnet);
    if !placement.security_groups.is_empty() {
        input.0.push(("Groups".into(), texts(&placement.security_groups)));
    }
    let arn = model::ids::arn("ecs", &tx.region, &tx.account, &format!("attachment/{attachment}"));
    input.push("Description", arn);
    let service = linked(tx)?;
    let made: Value = tx.call_as(service, None, "ec2", "CreateNetworkInterface", Value::Map(input))?;
    let made = made.get("NetworkInterface").cloned().unwrap_or_default();
    let text = |name: &str| made.text(name).unwrap_or_default().to_owned();
    let interface = Interface {
        id: text("NetworkInterfaceId"),
        attachment,
        vpc: text("VpcId"),
        subnet: subnet.to_owned(),
        zone: text("AvailabilityZone"),
        private_ip: text("PrivateIpAddress"),
        mac: text("MacAddress"),
    };
    match interface.id.is_empty() || interface.private_ip.is_empty() {
        true => Err(Fault::internal("EC2 gave no network interface")),
        false => Ok(interface),
    }
}

/// Gives the interface back. One that is gone already is no matter.
pub(crate) fn detach(tx: &mut Tx<'_>, interface: &Interface) -> Result<(), Fault> {
    let mut input = Members::default();
    input.push("NetworkInterfaceId", interface.id.as_str());
    let service = linked(tx)?;
    let _: Result<Value, Fault> =
        tx.call_as(service, None, "ec2", "DeleteNetworkInterface", Value::Map(input));
    Ok(())
}
