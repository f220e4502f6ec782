//! Network ACLs in CloudFormation.

use model::estate::ec2::{NetworkAcl, Subnet};
use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Value as Json, json};

use super::{Mapped, at, call, gone, nothing_more};

pub(super) static ACL: Mapped = Mapped {
    create: "CreateNetworkAcl",
    given: &[("VpcId", "VpcId")],
    tagged: "network-acl",
    id: &["NetworkAcl", "NetworkAclId"],
    apply: nothing_more,
    attributes: |_, id| vec![("Id", json!(id))],
    delete: "DeleteNetworkAcl",
    by: "NetworkAclId",
};

fn egress(deploy: &Deploy<'_>) -> bool {
    matches!(deploy.property("Egress"), Some(Json::Bool(true))) || deploy.text("Egress") == Some("true")
}

fn put(tx: &mut Tx<'_>, deploy: &Deploy<'_>, operation: &str) -> Result<Physical, Fault> {
    let protocol =
        deploy.property("Protocol").map(|p| p.as_str().map_or_else(|| p.to_string(), str::to_owned));
    let input = json!({
        "NetworkAclId": deploy.property("NetworkAclId"),
        "RuleNumber": deploy.property("RuleNumber"),
        "RuleAction": deploy.property("RuleAction"),
        "Protocol": protocol,
        "Egress": egress(deploy),
        "CidrBlock": deploy.property("CidrBlock"),
        "Ipv6CidrBlock": deploy.property("Ipv6CidrBlock"),
        "IcmpTypeCode": deploy.property("Icmp"),
        "PortRange": deploy.property("PortRange"),
    });
    call(tx, deploy, operation, input)?;
    let acl = deploy.text("NetworkAclId").unwrap_or_default();
    let number = deploy.property("RuleNumber").map(ToString::to_string).unwrap_or_default();
    let id = format!("{acl}|{number}|{}", egress(deploy));
    Ok(Physical::new(id.clone()).attribute("Id", id))
}

pub(super) fn make(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    put(tx, deploy, "CreateNetworkAclEntry")
}

pub(super) fn replace(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    put(tx, deploy, "ReplaceNetworkAclEntry")
}

pub(super) fn unmake(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({
        "NetworkAclId": deploy.property("NetworkAclId"),
        "RuleNumber": deploy.property("RuleNumber"),
        "Egress": egress(deploy),
    });
    gone(call(tx, deploy, "DeleteNetworkAclEntry", input))
}

/// The association that a subnet has: it always has one.
fn association(tx: &Tx<'_>, subnet: &str) -> Option<String> {
    let mut all = tx.list::<NetworkAcl>().flat_map(|a| &a.associations);
    all.find(|a| a.subnet == subnet).map(|a| a.id.clone())
}

pub(super) fn associate(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let old = association(tx, deploy.text("SubnetId").unwrap_or_default());
    let input = json!({
        "AssociationId": old.unwrap_or_else(|| "aclassoc-none".to_owned()),
        "NetworkAclId": deploy.property("NetworkAclId"),
    });
    let made = call(tx, deploy, "ReplaceNetworkAclAssociation", input)?;
    let id = at(&made, &["NewAssociationId"])?;
    Ok(Physical::new(id.clone()).attribute("AssociationId", id))
}

/// The subnet goes back under its VPC's default ACL.
pub(super) fn dissociate(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let id = deploy.id()?;
    let subnet = tx.find::<Subnet>(deploy.text("SubnetId").unwrap_or_default());
    let default = subnet.and_then(|s| tx.list::<NetworkAcl>().find(|a| a.vpc == s.vpc && a.default));
    let Some(default) = default.map(|a| a.id.clone()) else { return Ok(()) };
    let input = json!({"AssociationId": id, "NetworkAclId": default});
    gone(call(tx, deploy, "ReplaceNetworkAclAssociation", input))
}
