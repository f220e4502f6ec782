//! Transit gateways. Their outputs are scattered: attachments name the table that routes their packets, a
//! table's routes name attachments and not the table.

use std::collections::{BTreeMap, HashSet};

use model::estate::ec2::{TransitAttachment, TransitGateway, TransitRoute, TransitRouteTable};
use model::{AccountId, Tags, Timestamp};

use super::item::Item;
use super::{Described, REGION};

/// What was read of the route tables.
#[derive(Default)]
pub(super) struct Tables {
    tables: BTreeMap<String, Table>,
    /// The attachments that lead to something else than a VPC, and to what.
    others: BTreeMap<String, String>,
}

#[derive(Default)]
struct Table {
    gateway: String,
    associations: Vec<String>,
    propagations: Vec<String>,
    routes: Vec<TransitRoute>,
    /// Whether anything told its routes.
    told: bool,
}

impl Tables {
    fn table(&mut self, id: &str) -> &mut Table {
        self.tables.entry(id.to_owned()).or_default()
    }

    /// The tables, the ids that stand for what is not known, and notes about them.
    pub(super) fn finish(self) -> (Vec<TransitRouteTable>, HashSet<String>, Vec<String>) {
        let (mut unmodelled, mut notes) = (HashSet::new(), Vec::new());
        for (id, kind) in &self.others {
            notes.push(format!("{id}: what is behind an attachment of type `{kind}` is not modelled"));
            unmodelled.insert(id.clone());
        }
        let mut tables = Vec::new();
        for (id, table) in self.tables {
            if !table.told {
                notes.push(format!(
                    "{id}: its routes are not known; write them with `aws ec2 search-transit-gateway-routes --transit-gateway-route-table-id {id} --filters Name=state,Values=active,blackhole > {id}.json`"
                ));
                unmodelled.insert(id.clone());
            }
            tables.push(TransitRouteTable {
                account: AccountId::none(),
                region: REGION.into(),
                id,
                gateway: table.gateway,
                default_association: false,
                default_propagation: false,
                associations: table.associations,
                propagations: table.propagations,
                routes: table.routes,
                created: Timestamp(0),
                deleted: None,
                tags: Tags::new(),
            });
        }
        (tables, unmodelled, notes)
    }
}

pub(super) fn gateway(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let options = item.inside("Options");
    let on = |name: &str| options.and_then(|o| o.maybe(name)) == Some("enable");
    described.put(TransitGateway {
        account: AccountId::none(),
        region: REGION.into(),
        id: item.text("TransitGatewayId")?,
        description: String::new(),
        asn: 0,
        association_table: None,
        propagation_table: None,
        dns_support: on("DnsSupport"),
        group_referencing: on("SecurityGroupReferencingSupport"),
        vpn_ecmp: false,
        created: Timestamp(0),
        deleted: None,
        tags: Tags::new(),
    });
    Ok(())
}

/// `describe-transit-gateway-attachments`: every kind, with its association.
pub(super) fn attachment(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let id = item.text("TransitGatewayAttachmentId")?;
    if gone(item) {
        return Ok(());
    }
    if let Some(table) = item.inside("Association").and_then(|a| a.maybe("TransitGatewayRouteTableId")) {
        described.transit.table(table).associations.push(id.clone());
    }
    match item.maybe("ResourceType") {
        Some("vpc") => {
            let vpc = item.text("ResourceId")?;
            keep(described, item, id, vpc, Vec::new())
        }
        other => {
            described.transit.others.insert(id, other.unwrap_or("unknown").to_owned());
            Ok(())
        }
    }
}

/// `describe-transit-gateway-vpc-attachments`: with the subnets.
pub(super) fn vpc_attachment(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    if gone(item) {
        return Ok(());
    }
    let (id, vpc) = (item.text("TransitGatewayAttachmentId")?, item.text("VpcId")?);
    keep(described, item, id, vpc, item.texts("SubnetIds"))
}

fn gone(item: &Item<'_>) -> bool {
    matches!(item.maybe("State"), Some("deleted" | "deleting" | "failed" | "rejected" | "pendingAcceptance"))
}

/// Each of the two outputs tells a part.
fn keep(
    described: &mut Described,
    item: &Item<'_>,
    id: String,
    vpc: String,
    subnets: Vec<String>,
) -> Result<(), String> {
    let known = described.snapshot.find::<TransitAttachment>(&AccountId::none(), REGION, &id);
    let subnets =
        if subnets.is_empty() { known.map(|k| k.subnets.clone()).unwrap_or_default() } else { subnets };
    let options = item.inside("Options");
    let on = |name: &str| options.and_then(|o| o.maybe(name)) == Some("enable");
    let was = known.is_some_and(|k| k.group_referencing);
    described.put(TransitAttachment {
        account: AccountId::none(),
        region: REGION.into(),
        id,
        gateway: item.text("TransitGatewayId")?,
        vpc,
        subnets,
        interfaces: Vec::new(),
        dns_support: true,
        group_referencing: was || on("SecurityGroupReferencingSupport"),
        ipv6_support: true,
        appliance_mode: on("ApplianceModeSupport"),
        created: Timestamp(0),
        deleted: None,
        tags: Tags::new(),
    });
    Ok(())
}

pub(super) fn table(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let id = item.text("TransitGatewayRouteTableId")?;
    described.transit.table(&id).gateway = item.maybe("TransitGatewayId").unwrap_or_default().to_owned();
    Ok(())
}

/// Propagations with the table's id beside them.
pub(super) fn propagations(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let own = described.transit.table(&item.text("TransitGatewayRouteTableId")?);
    own.told = true;
    let listed = item.list("TransitGatewayRouteTablePropagations").chain(item.list("Propagations"));
    let enabled = listed.filter(|p| p.maybe("State").is_none_or(|s| s == "enabled"));
    own.propagations.extend(enabled.filter_map(|p| p.maybe("TransitGatewayAttachmentId").map(str::to_owned)));
    Ok(())
}

/// A route of `search-transit-gateway-routes`, or a list of them with the table's id beside it.
pub(super) fn route(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    if let Some(id) = item.maybe("TransitGatewayRouteTableId") {
        for route in item.list("Routes") {
            one(described.transit.table(id), &route)?;
        }
        described.transit.table(id).told = true;
        return Ok(());
    }
    let named = item.file.find("tgw-rtb-").and_then(|at| item.file.get(at..));
    let end = |text: &str| text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len());
    let Some(id) = named.and_then(|text| text.get(..end(text))) else {
        return Err(format!(
            "{}: the routes of a transit gateway's table do not name it; name the file after it (`tgw-rtb-....json`)",
            item.file
        ));
    };
    let own = described.transit.table(id);
    own.told = true;
    one(own, item)
}

fn one(table: &mut Table, route: &Item<'_>) -> Result<(), String> {
    let cidr = route.block("DestinationCidrBlock")?;
    let attachment = route.each("TransitGatewayAttachments", "TransitGatewayAttachmentId").into_iter().next();
    let attachment = attachment.filter(|_| route.maybe("State") != Some("blackhole"));
    table.routes.push(TransitRoute { cidr, attachment });
    Ok(())
}
