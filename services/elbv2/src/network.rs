//! Where a load balancer stands: its subnets, security groups and interfaces. The interfaces are
//! made and removed by the service-linked role, through EC2's own door.

use model::estate::ec2::{SecurityGroup, Subnet};
use model::estate::iam::Linked;
use model::{Caller, Fault, Tx, Value};
use serde_json::{Value as Json, json};

use crate::fault::{configuration, invalid};
use crate::shapes::SubnetMapping;

const SERVICE: &str = "elasticloadbalancing.amazonaws.com";
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["ec2:CreateNetworkInterface","ec2:DeleteNetworkInterface","ec2:ModifyNetworkInterfaceAttribute","ec2:DescribeNetworkInterfaces","ec2:DescribeSubnets","ec2:DescribeVpcs","ec2:DescribeSecurityGroups"],"Resource":"*"}]}"#;

fn linked(tx: &mut Tx<'_>) -> Result<Caller, Fault> {
    Linked { service: SERVICE, role: "AWSServiceRoleForElasticLoadBalancing", policy: POLICY }.caller(tx)
}

fn call(tx: &mut Tx<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    let caller = linked(tx)?;
    tx.call_as(caller, Some(SERVICE), "ec2", operation, Value::from_json(input))
}

/// The ids of subnets given in either of the two ways. Fixed addresses are of network load balancers.
pub(crate) fn given(
    subnets: Option<Vec<String>>,
    mappings: Option<Vec<SubnetMapping>>,
) -> Result<Vec<String>, Fault> {
    match (subnets.unwrap_or_default(), mappings.unwrap_or_default()) {
        (subnets, mappings) if mappings.is_empty() => Ok(subnets),
        (subnets, mappings) if subnets.is_empty() => {
            let fixed = |m: &SubnetMapping| {
                m.allocation_id.is_some() || m.private_i_pv4_address.is_some() || m.i_pv6_address.is_some()
            };
            match mappings.iter().any(fixed) {
                true => Err(configuration(
                    "An application load balancer takes no addresses in its subnet mappings",
                )),
                false => Ok(mappings.into_iter().filter_map(|m| m.subnet_id).collect()),
            }
        }
        _ => Err(invalid("Only one of subnets or subnet mappings can be specified")),
    }
}

/// The subnets: of one network, in at least two zones, one in each.
pub(crate) fn subnets(tx: &Tx<'_>, ids: &[String]) -> Result<Vec<Subnet>, Fault> {
    let mut found: Vec<Subnet> = Vec::with_capacity(ids.len());
    for id in ids {
        let subnet = tx.find::<Subnet>(id).cloned();
        let subnet = subnet
            .ok_or_else(|| Fault::client("SubnetNotFound", format!("The subnet ID '{id}' does not exist")))?;
        if found.iter().any(|s| s.zone == subnet.zone) {
            return Err(configuration(
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
            ));
        }
        if found.iter().any(|s| s.vpc != subnet.vpc) {
            return Err(configuration("All subnets must belong to the same VPC"));
        }
        found.push(subnet);
    }
    match found.len() < 2 {
        true => Err(invalid("At least two subnets in two different Availability Zones must be specified")),
        false => Ok(found),
    }
}

/// The security groups of this network; without any, its default group.
pub(crate) fn groups(tx: &Tx<'_>, vpc: &str, ids: Option<Vec<String>>) -> Result<Vec<String>, Fault> {
    let ids = ids.unwrap_or_default();
    if ids.is_empty() {
        let default = tx.list::<SecurityGroup>().find(|g| g.vpc == vpc && g.name == "default");
        return Ok(default.map(|g| g.id.clone()).into_iter().collect());
    }
    for id in &ids {
        let group = tx.find::<SecurityGroup>(id);
        if group.is_none_or(|g| g.vpc != vpc) {
            return Err(Fault::client(
                "InvalidSecurityGroup",
                format!("One or more security groups are invalid: '{id}'"),
            ));
        }
    }
    Ok(ids)
}

/// Makes the interface of a load balancer in one of its subnets.
pub(crate) fn interface(
    tx: &mut Tx<'_>,
    subnet: &str,
    groups: &[String],
    description: &str,
) -> Result<String, Fault> {
    let input = json!({"SubnetId": subnet, "Groups": groups, "Description": description});
    let made = call(tx, "CreateNetworkInterface", input)?;
    let id = made.get("NetworkInterface").and_then(|i| i.text("NetworkInterfaceId")).map(str::to_owned);
    id.ok_or_else(|| Fault::internal("EC2 gave no network interface"))
}

/// Removes an interface; one that is gone already is as good.
pub(crate) fn remove(tx: &mut Tx<'_>, interface: &str) -> Result<(), Fault> {
    match call(tx, "DeleteNetworkInterface", json!({"NetworkInterfaceId": interface})) {
        Err(fault) if fault.code != "InvalidNetworkInterfaceID.NotFound" => Err(fault),
        _ => Ok(()),
    }
}

/// Puts an interface into these groups.
pub(crate) fn regroup(tx: &mut Tx<'_>, interface: &str, groups: &[String]) -> Result<(), Fault> {
    let input = json!({"NetworkInterfaceId": interface, "Groups": groups});
    call(tx, "ModifyNetworkInterfaceAttribute", input).map(|_| ())
}
