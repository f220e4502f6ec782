//! Route tables, routes and further blocks in CloudFormation.

use model::estate::ec2::CidrBlock;
use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Map, Value as Json, json};

use super::{Mapped, at, call, changed, gone, nothing_more};

pub(super) static TABLE: Mapped = Mapped {
    create: "CreateRouteTable",
    given: &[("VpcId", "VpcId")],
    tagged: "route-table",
    id: &["RouteTable", "RouteTableId"],
    apply: nothing_more,
    attributes: |_, id| vec![("RouteTableId", json!(id))],
    delete: "DeleteRouteTable",
    by: "RouteTableId",
};

pub(super) static ASSOCIATION: Mapped = Mapped {
    create: "AssociateRouteTable",
    given: &[("RouteTableId", "RouteTableId"), ("SubnetId", "SubnetId")],
    tagged: "",
    id: &["AssociationId"],
    apply: nothing_more,
    attributes: |_, id| vec![("Id", json!(id))],
    delete: "DisassociateRouteTable",
    by: "AssociationId",
};

/// Another table gives the association another id.
pub(super) fn reassociate(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    if !changed(deploy, "RouteTableId") {
        return Ok(deploy.physical.cloned().unwrap_or_default());
    }
    let input = json!({"AssociationId": deploy.id()?, "RouteTableId": deploy.property("RouteTableId")});
    let made = call(tx, deploy, "ReplaceRouteTableAssociation", input)?;
    let id = at(&made, &["NewAssociationId"])?;
    Ok(Physical::new(id.clone()).attribute("Id", id))
}

const DESTINATIONS: [&str; 3] =
    ["DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId"];
const TARGETS: [&str; 6] = [
    "EgressOnlyInternetGatewayId",
    "GatewayId",
    "NatGatewayId",
    "NetworkInterfaceId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
];

/// The members that properties of the same names go into.
fn members(deploy: &Deploy<'_>, names: &[&str]) -> Map<String, Json> {
    let given = names.iter().filter_map(|name| Some(((*name).to_owned(), deploy.property(name)?.clone())));
    std::iter::once(("RouteTableId".to_owned(), json!(deploy.property("RouteTableId"))))
        .chain(given)
        .collect()
}

fn put(tx: &mut Tx<'_>, deploy: &Deploy<'_>, operation: &str) -> Result<Physical, Fault> {
    let names: Vec<&str> = DESTINATIONS.into_iter().chain(TARGETS).collect();
    call(tx, deploy, operation, Json::Object(members(deploy, &names)))?;
    let to = DESTINATIONS.iter().find_map(|d| deploy.text(d)).unwrap_or_default();
    let table = deploy.text("RouteTableId").unwrap_or_default();
    Ok(Physical::new(format!("{table}|{to}")).attribute("CidrBlock", to))
}

pub(super) fn make(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    put(tx, deploy, "CreateRoute")
}

pub(super) fn replace(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    put(tx, deploy, "ReplaceRoute")
}

pub(super) fn unmake(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone(call(tx, deploy, "DeleteRoute", Json::Object(members(deploy, &DESTINATIONS))))
}

/// A further block of a VPC; the answer holds one of either family.
pub(super) fn add_block(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = json!({
        "VpcId": deploy.property("VpcId"),
        "CidrBlock": deploy.property("CidrBlock"),
        "AmazonProvidedIpv6CidrBlock": deploy.property("AmazonProvidedIpv6CidrBlock"),
    });
    let made = call(tx, deploy, "AssociateVpcCidrBlock", input)?;
    let id = at(&made, &["CidrBlockAssociation", "AssociationId"])
        .or_else(|_| at(&made, &["Ipv6CidrBlockAssociation", "AssociationId"]))?;
    let cidr = tx.find::<CidrBlock>(&id).map(|b| b.cidr.clone()).unwrap_or_default();
    let of = |v6: bool| if cidr.contains(':') == v6 { cidr.clone() } else { String::new() };
    Ok(Physical::new(id.clone())
        .attribute("Id", id)
        .attribute("CidrBlock", of(false))
        .attribute("Ipv6CidrBlock", of(true)))
}

pub(super) fn remove_block(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone(call(tx, deploy, "DisassociateVpcCidrBlock", json!({"AssociationId": deploy.id()?})))
}

pub(super) static SUBNET_BLOCK: Mapped = Mapped {
    create: "AssociateSubnetCidrBlock",
    given: &[("SubnetId", "SubnetId"), ("Ipv6CidrBlock", "Ipv6CidrBlock")],
    tagged: "",
    id: &["Ipv6CidrBlockAssociation", "AssociationId"],
    apply: nothing_more,
    attributes: |_, id| vec![("Id", json!(id))],
    delete: "DisassociateSubnetCidrBlock",
    by: "AssociationId",
};
