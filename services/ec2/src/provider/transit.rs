//! Transit gateways in CloudFormation.

use model::estate::ec2::TransitGateway;
use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Map, Value as Json, json};

use super::{Mapped, call, changed, gone, nothing_more};

/// Properties that go into `Options` when it is made.
const OPTIONS: [&str; 8] = [
    "AmazonSideAsn",
    "AutoAcceptSharedAttachments",
    "DefaultRouteTableAssociation",
    "DefaultRouteTablePropagation",
    "DnsSupport",
    "MulticastSupport",
    "SecurityGroupReferencingSupport",
    "VpnEcmpSupport",
];
/// Those that can be changed later.
const CHANGES: [&str; 7] = [
    "AssociationDefaultRouteTableId",
    "DefaultRouteTableAssociation",
    "DefaultRouteTablePropagation",
    "DnsSupport",
    "PropagationDefaultRouteTableId",
    "SecurityGroupReferencingSupport",
    "VpnEcmpSupport",
];

pub(super) static GATEWAY: Mapped = Mapped {
    create: "CreateTransitGateway",
    given: &[("Description", "Description"), ("Options", "Options")],
    tagged: "transit-gateway",
    id: &["TransitGateway", "TransitGatewayId"],
    apply: |tx, deploy, id| {
        let fresh = deploy.previous.is_none();
        // The making call has taken the others.
        let due = |name: &&&str| changed(deploy, name) && (!fresh || name.ends_with("RouteTableId"));
        let options = options(deploy, CHANGES.iter().filter(due));
        if options.is_empty() && (fresh || !changed(deploy, "Description")) {
            return Ok(());
        }
        let mut input = json!({"TransitGatewayId": id, "Options": options});
        if let (true, Some(members)) = (changed(deploy, "Description"), input.as_object_mut()) {
            let text = deploy.text("Description").unwrap_or_default();
            members.insert("Description".to_owned(), json!(text));
        }
        call(tx, deploy, "ModifyTransitGateway", input).map(|_| ())
    },
    attributes: |tx, id| {
        let arn = tx.find::<TransitGateway>(id).map(TransitGateway::arn);
        vec![("Id", json!(id)), ("TransitGatewayArn", json!(arn))]
    },
    delete: "DeleteTransitGateway",
    by: "TransitGatewayId",
};

fn options<'n>(deploy: &Deploy<'_>, names: impl Iterator<Item = &'n &'n str>) -> Map<String, Json> {
    names.filter_map(|name| Some(((*name).to_owned(), deploy.property(name)?.clone()))).collect()
}

pub(super) fn make(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let mut properties = deploy.properties.clone();
    if let Some(members) = properties.as_object_mut() {
        members.insert("Options".to_owned(), Json::Object(options(deploy, OPTIONS.iter())));
    }
    GATEWAY.make(tx, &Deploy { properties: &properties, ..*deploy })
}

pub(super) static ATTACHMENT: Mapped = Mapped {
    create: "CreateTransitGatewayVpcAttachment",
    given: &[
        ("TransitGatewayId", "TransitGatewayId"),
        ("VpcId", "VpcId"),
        ("SubnetIds", "SubnetIds"),
        ("Options", "Options"),
    ],
    tagged: "transit-gateway-attachment",
    id: &["TransitGatewayVpcAttachment", "TransitGatewayAttachmentId"],
    apply: |tx, deploy, id| {
        let mut input = json!({"TransitGatewayAttachmentId": id});
        let Some(members) = input.as_object_mut() else { return Ok(()) };
        for (property, member) in
            [("AddSubnetIds", "AddSubnetIds"), ("RemoveSubnetIds", "RemoveSubnetIds"), ("Options", "Options")]
        {
            // The making call has taken the options.
            let due = changed(deploy, property) && (deploy.previous.is_some() || property != "Options");
            if let Some(value) = deploy.property(property).filter(|_| due) {
                members.insert(member.to_owned(), value.clone());
            }
        }
        match members.len() {
            1 => Ok(()),
            _ => call(tx, deploy, "ModifyTransitGatewayVpcAttachment", input).map(|_| ()),
        }
    },
    attributes: |_, id| vec![("Id", json!(id))],
    delete: "DeleteTransitGatewayVpcAttachment",
    by: "TransitGatewayAttachmentId",
};

pub(super) static TABLE: Mapped = Mapped {
    create: "CreateTransitGatewayRouteTable",
    given: &[("TransitGatewayId", "TransitGatewayId")],
    tagged: "transit-gateway-route-table",
    id: &["TransitGatewayRouteTable", "TransitGatewayRouteTableId"],
    apply: nothing_more,
    attributes: |_, id| vec![("TransitGatewayRouteTableId", json!(id))],
    delete: "DeleteTransitGatewayRouteTable",
    by: "TransitGatewayRouteTableId",
};

/// Members of the same names as their properties.
fn same(deploy: &Deploy<'_>, names: &[&str]) -> Json {
    Json::Object(options(deploy, names.iter()))
}

const PAIR: [&str; 2] = ["TransitGatewayRouteTableId", "TransitGatewayAttachmentId"];
const ROUTE: [&str; 4] =
    ["TransitGatewayRouteTableId", "DestinationCidrBlock", "TransitGatewayAttachmentId", "Blackhole"];

fn made(deploy: &Deploy<'_>, second: &str) -> Physical {
    let text = |name: &str| deploy.text(name).unwrap_or_default();
    Physical::new(format!("{}|{}", text("TransitGatewayRouteTableId"), text(second)))
}

pub(super) fn associate(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    call(tx, deploy, "AssociateTransitGatewayRouteTable", same(deploy, &PAIR))?;
    Ok(made(deploy, "TransitGatewayAttachmentId"))
}

pub(super) fn disassociate(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone(call(tx, deploy, "DisassociateTransitGatewayRouteTable", same(deploy, &PAIR)))
}

pub(super) fn propagate(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    call(tx, deploy, "EnableTransitGatewayRouteTablePropagation", same(deploy, &PAIR))?;
    Ok(made(deploy, "TransitGatewayAttachmentId"))
}

pub(super) fn stop_propagating(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    gone(call(tx, deploy, "DisableTransitGatewayRouteTablePropagation", same(deploy, &PAIR)))
}

pub(super) fn make_route(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    call(tx, deploy, "CreateTransitGatewayRoute", same(deploy, &ROUTE))?;
    Ok(made(deploy, "DestinationCidrBlock"))
}

pub(super) fn unmake_route(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let names = ["TransitGatewayRouteTableId", "DestinationCidrBlock"];
    gone(call(tx, deploy, "DeleteTransitGatewayRoute", same(deploy, &names)))
}
