//! Route tables of transit gateways: who is associated, what is propagated, where packets cross.

use ipnet::IpNet;
use model::estate::ec2::{TransitGateway, TransitRoute, TransitRouteTable, TransitWay};
use model::{Fault, IntoValue, Tags, Tx, Value};

use crate::listing::{self, Listed, Listing, Values, one, own};
use crate::shapes::{
    self, AssociateTransitGatewayRouteTableRequest, AssociateTransitGatewayRouteTableResult,
    CreateTransitGatewayRouteRequest, CreateTransitGatewayRouteResult, CreateTransitGatewayRouteTableRequest,
    CreateTransitGatewayRouteTableResult, DeleteTransitGatewayRouteRequest, DeleteTransitGatewayRouteResult,
    DeleteTransitGatewayRouteTableRequest, DeleteTransitGatewayRouteTableResult,
    DisableTransitGatewayRouteTablePropagationRequest, DisableTransitGatewayRouteTablePropagationResult,
    DisassociateTransitGatewayRouteTableRequest, DisassociateTransitGatewayRouteTableResult,
    EnableTransitGatewayRouteTablePropagationRequest, EnableTransitGatewayRouteTablePropagationResult,
    ReplaceTransitGatewayRouteRequest, ReplaceTransitGatewayRouteResult, TransitGatewayAssociation,
    TransitGatewayAttachmentPropagation, TransitGatewayPropagation, TransitGatewayRouteAttachment,
    TransitGatewayRouteTableAssociation, TransitGatewayRouteTablePropagation,
};
use crate::transit::{attachment, incorrect};
use crate::{block, fault, kind, memory, tag, transit};

/// Routes that a table may hold.
const MOST: usize = 10_000;

pub(crate) static TABLES: Listing<TransitRouteTable> = Listing {
    prefix: "tgw-rtb",
    ids: "TransitGatewayRouteTableIds",
    shown: "TransitGatewayRouteTables",
    all: own,
    filters: &[
        ("default-association-route-table", |_, t| one(&t.default_association.to_string())),
        ("default-propagation-route-table", |_, t| one(&t.default_propagation.to_string())),
        ("state", |_, t| one(state(t))),
        ("transit-gateway-id", |_, t| one(&t.gateway)),
        ("transit-gateway-route-table-id", |_, t| one(&t.id)),
    ],
    show: |_, table| shown(table).into_value(),
};

fn state(table: &TransitRouteTable) -> &'static str {
    if table.deleted.is_some() { "deleted" } else { "available" }
}

fn shown(table: &TransitRouteTable) -> shapes::TransitGatewayRouteTable {
    shapes::TransitGatewayRouteTable {
        transit_gateway_route_table_id: Some(table.id.clone()),
        transit_gateway_id: Some(table.gateway.clone()),
        state: Some(state(table).to_owned()),
        default_association_route_table: Some(table.default_association),
        default_propagation_route_table: Some(table.default_propagation),
        creation_time: Some(table.created),
        tags: tag::shown(&table.tags),
    }
}

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<TransitRouteTable, Fault> {
    let found = tx.find::<TransitRouteTable>(id).filter(|t| t.deleted.is_none());
    found.cloned().ok_or_else(|| kind::missing("tgw-rtb", id))
}

pub(crate) fn make(
    tx: &mut Tx<'_>,
    gateway: &str,
    (association, propagation): (bool, bool),
    tags: Tags,
) -> Result<TransitRouteTable, Fault> {
    let table = TransitRouteTable {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "tgw-rtb"),
        gateway: gateway.to_owned(),
        default_association: association,
        default_propagation: propagation,
        associations: Vec::new(),
        propagations: Vec::new(),
        routes: Vec::new(),
        created: tx.now,
        deleted: None,
        tags,
    };
    tx.put(table.clone())?;
    Ok(table)
}

pub(crate) fn end(tx: &mut Tx<'_>, mut table: TransitRouteTable) -> Result<TransitRouteTable, Fault> {
    table.deleted = Some(tx.now);
    memory::fade(tx, &table.arn())?;
    tx.put(table.clone())?;
    Ok(table)
}

/// The table that routes what comes from an attachment.
pub(crate) fn table_of(tx: &Tx<'_>, attachment: &str) -> Option<TransitRouteTable> {
    let has = |t: &&TransitRouteTable| t.deleted.is_none() && t.associations.iter().any(|a| a == attachment);
    tx.list::<TransitRouteTable>().find(has).cloned()
}

/// A new attachment takes part where its gateway says.
pub(crate) fn join_defaults(tx: &mut Tx<'_>, gateway: &TransitGateway, id: &str) -> Result<(), Fault> {
    if let Some(table) = &gateway.association_table {
        let mut table = find(tx, table)?;
        table.associations.push(id.to_owned());
        tx.put(table)?;
    }
    if let Some(table) = &gateway.propagation_table {
        let mut table = find(tx, table)?;
        table.propagations.push(id.to_owned());
        tx.put(table)?;
    }
    Ok(())
}

/// An attachment that goes is in no table any more.
pub(crate) fn leave_all(tx: &mut Tx<'_>, id: &str) -> Result<(), Fault> {
    for mut table in own::<TransitRouteTable>(tx) {
        let before = (table.associations.len(), table.propagations.len());
        table.associations.retain(|a| a != id);
        table.propagations.retain(|a| a != id);
        if before != (table.associations.len(), table.propagations.len()) {
            tx.put(table)?;
        }
    }
    Ok(())
}

pub(crate) fn create_table(
    tx: &mut Tx<'_>,
    input: CreateTransitGatewayRouteTableRequest,
) -> Result<CreateTransitGatewayRouteTableResult, Fault> {
    let gateway = transit::find(tx, &input.transit_gateway_id)?;
    let tags = tag::given(tx, input.tag_specifications, "transit-gateway-route-table")?;
    let table = make(tx, &gateway.id, (false, false), tags)?;
    let made = shapes::TransitGatewayRouteTable { state: Some("pending".to_owned()), ..shown(&table) };
    Ok(CreateTransitGatewayRouteTableResult { transit_gateway_route_table: Some(made) })
}

pub(crate) fn delete_table(
    tx: &mut Tx<'_>,
    input: DeleteTransitGatewayRouteTableRequest,
) -> Result<DeleteTransitGatewayRouteTableResult, Fault> {
    let table = find(tx, &input.transit_gateway_route_table_id)?;
    if table.default_association || table.default_propagation {
        let message = format!("Cannot delete default route table {}.", table.id);
        return Err(incorrect(message));
    }
    if !table.associations.is_empty() {
        let message = format!(
            "Cannot delete route table {} with associations: {}.",
            table.id,
            table.associations.join(", ")
        );
        return Err(incorrect(message));
    }
    let table = end(tx, table)?;
    let gone = shapes::TransitGatewayRouteTable { state: Some("deleting".to_owned()), ..shown(&table) };
    Ok(DeleteTransitGatewayRouteTableResult { transit_gateway_route_table: Some(gone) })
}

/// The VPC of an attachment, which answers show beside it.
fn resource(tx: &Tx<'_>, id: &str) -> Option<String> {
    tx.find::<model::estate::ec2::TransitAttachment>(id).map(|a| a.vpc.clone())
}

fn association(tx: &Tx<'_>, table: &str, id: &str, state: &str) -> Option<TransitGatewayAssociation> {
    Some(TransitGatewayAssociation {
        transit_gateway_route_table_id: Some(table.to_owned()),
        transit_gateway_attachment_id: Some(id.to_owned()),
        resource_id: resource(tx, id),
        resource_type: Some("vpc".to_owned()),
        state: Some(state.to_owned()),
    })
}

/// Table and attachment must be of one gateway.
fn pair(tx: &Tx<'_>, table: &str, id: &str) -> Result<TransitRouteTable, Fault> {
    let table = find(tx, table)?;
    match attachment(tx, id)?.gateway == table.gateway {
        true => Ok(table),
        false => Err(fault::value(format!("{id} and {} belong to different transit gateways", table.id))),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateTransitGatewayRouteTable.html>
pub(crate) fn associate(
    tx: &mut Tx<'_>,
    input: AssociateTransitGatewayRouteTableRequest,
) -> Result<AssociateTransitGatewayRouteTableResult, Fault> {
    let id = input.transit_gateway_attachment_id;
    let mut table = pair(tx, &input.transit_gateway_route_table_id, &id)?;
    if table_of(tx, &id).is_some() {
        let message = format!("Transit Gateway Attachment {id} is already associated to a route table.");
        return Err(Fault::client("Resource.AlreadyAssociated", message));
    }
    table.associations.push(id.clone());
    tx.put(table.clone())?;
    Ok(AssociateTransitGatewayRouteTableResult {
        association: association(tx, &table.id, &id, "associating"),
    })
}

pub(crate) fn disassociate(
    tx: &mut Tx<'_>,
    input: DisassociateTransitGatewayRouteTableRequest,
) -> Result<DisassociateTransitGatewayRouteTableResult, Fault> {
    let id = input.transit_gateway_attachment_id;
    let mut table = find(tx, &input.transit_gateway_route_table_id)?;
    if !table.associations.contains(&id) {
        let message = format!("Transit Gateway Attachment {id} is not associated to {}.", table.id);
        return Err(Fault::client("InvalidAssociation.NotFound", message));
    }
    table.associations.retain(|a| *a != id);
    tx.put(table.clone())?;
    let association = association(tx, &table.id, &id, "disassociating");
    Ok(DisassociateTransitGatewayRouteTableResult { association })
}

fn propagation(tx: &Tx<'_>, table: &str, id: &str, state: &str) -> Option<TransitGatewayPropagation> {
    Some(TransitGatewayPropagation {
        transit_gateway_attachment_id: Some(id.to_owned()),
        resource_id: resource(tx, id),
        resource_type: Some("vpc".to_owned()),
        transit_gateway_route_table_id: Some(table.to_owned()),
        state: Some(state.to_owned()),
        ..TransitGatewayPropagation::default()
    })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_EnableTransitGatewayRouteTablePropagation.html>
pub(crate) fn enable_propagation(
    tx: &mut Tx<'_>,
    input: EnableTransitGatewayRouteTablePropagationRequest,
) -> Result<EnableTransitGatewayRouteTablePropagationResult, Fault> {
    let id =
        input.transit_gateway_attachment_id.ok_or_else(|| fault::absent("TransitGatewayAttachmentId"))?;
    let mut table = pair(tx, &input.transit_gateway_route_table_id, &id)?;
    if table.propagations.contains(&id) {
        let message = format!("Propagation of {id} to {} is already enabled.", table.id);
        return Err(Fault::client("TransitGatewayRouteTablePropagation.Duplicate", message));
    }
    table.propagations.push(id.clone());
    tx.put(table.clone())?;
    let propagation = propagation(tx, &table.id, &id, "enabled");
    Ok(EnableTransitGatewayRouteTablePropagationResult { propagation })
}

pub(crate) fn disable_propagation(
    tx: &mut Tx<'_>,
    input: DisableTransitGatewayRouteTablePropagationRequest,
) -> Result<DisableTransitGatewayRouteTablePropagationResult, Fault> {
    let id =
        input.transit_gateway_attachment_id.ok_or_else(|| fault::absent("TransitGatewayAttachmentId"))?;
    let mut table = find(tx, &input.transit_gateway_route_table_id)?;
    if !table.propagations.contains(&id) {
        let message = format!("Propagation of {id} to {} is not enabled.", table.id);
        return Err(Fault::client("TransitGatewayRouteTablePropagation.NotFound", message));
    }
    table.propagations.retain(|a| *a != id);
    tx.put(table.clone())?;
    let propagation = propagation(tx, &table.id, &id, "disabled");
    Ok(DisableTransitGatewayRouteTablePropagationResult { propagation })
}

/// An attachment in a table, or a table of an attachment.
#[derive(Clone)]
struct Member(String);

impl Listed for Member {
    fn id(&self) -> &str {
        &self.0
    }
    fn tags(&self) -> Option<&Tags> {
        None
    }
}

const MEMBERS: &[(&str, Values<Member>)] = &[
    ("resource-id", |tx, m| resource(tx, &m.0).into_iter().collect()),
    ("resource-type", |_, _| one("vpc")),
    ("transit-gateway-attachment-id", |_, m| one(&m.0)),
];

fn members(ids: Vec<String>) -> Vec<Member> {
    ids.into_iter().map(Member).collect()
}

/// The table that a request is about.
fn asked(tx: &Tx<'_>, input: &Value) -> Result<TransitRouteTable, Fault> {
    find(tx, input.text("TransitGatewayRouteTableId").unwrap_or_default())
}

pub(crate) fn get_associations(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    static LIST: Listing<Member> = Listing {
        prefix: "tgw-attach",
        ids: "",
        shown: "Associations",
        all: |_| Vec::new(),
        filters: MEMBERS,
        show: |tx, m| {
            TransitGatewayRouteTableAssociation {
                transit_gateway_attachment_id: Some(m.0.clone()),
                resource_id: resource(tx, &m.0),
                resource_type: Some("vpc".to_owned()),
                state: Some("associated".to_owned()),
            }
            .into_value()
        },
    };
    let table = asked(tx, &input)?;
    LIST.among(tx, &input, members(table.associations))
}

pub(crate) fn get_propagations(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    static LIST: Listing<Member> = Listing {
        prefix: "tgw-attach",
        ids: "",
        shown: "TransitGatewayRouteTablePropagations",
        all: |_| Vec::new(),
        filters: MEMBERS,
        show: |tx, m| {
            TransitGatewayRouteTablePropagation {
                transit_gateway_attachment_id: Some(m.0.clone()),
                resource_id: resource(tx, &m.0),
                resource_type: Some("vpc".to_owned()),
                state: Some("enabled".to_owned()),
                ..TransitGatewayRouteTablePropagation::default()
            }
            .into_value()
        },
    };
    let table = asked(tx, &input)?;
    LIST.among(tx, &input, members(table.propagations))
}

pub(crate) fn get_attachment_propagations(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    static LIST: Listing<Member> = Listing {
        prefix: "tgw-rtb",
        ids: "",
        shown: "TransitGatewayAttachmentPropagations",
        all: |_| Vec::new(),
        filters: &[("transit-gateway-route-table-id", |_, m| one(&m.0))],
        show: |_, m| {
            TransitGatewayAttachmentPropagation {
                transit_gateway_route_table_id: Some(m.0.clone()),
                state: Some("enabled".to_owned()),
            }
            .into_value()
        },
    };
    let found = attachment(tx, input.text("TransitGatewayAttachmentId").unwrap_or_default())?;
    let tables = tx.list::<TransitRouteTable>().filter(|t| t.propagations.contains(&found.id));
    let tables = members(tables.map(|t| t.id.clone()).collect());
    LIST.among(tx, &input, tables)
}

fn shown_way(way: &TransitWay) -> shapes::TransitGatewayRoute {
    let attachment = way.attachment.as_ref().map(|a| TransitGatewayRouteAttachment {
        resource_id: Some(a.vpc.clone()),
        transit_gateway_attachment_id: Some(a.id.clone()),
        resource_type: Some("vpc".to_owned()),
    });
    shapes::TransitGatewayRoute {
        destination_cidr_block: Some(way.cidr.clone()),
        transit_gateway_attachments: Some(attachment.into_iter().collect()),
        r#type: Some(if way.propagated { "propagated" } else { "static" }.to_owned()),
        state: Some(way_state(way).to_owned()),
        ..shapes::TransitGatewayRoute::default()
    }
}

fn way_state(way: &TransitWay) -> &'static str {
    if way.attachment.is_some() { "active" } else { "blackhole" }
}

/// The route as it stands in the table now.
fn standing(tx: &Tx<'_>, table: &TransitRouteTable, cidr: &str) -> Option<shapes::TransitGatewayRoute> {
    table.ways(tx.snapshot()).iter().find(|w| w.cidr == cidr).map(shown_way)
}

/// A route as the two requests for one give it.
fn wanted(
    tx: &Tx<'_>,
    table: &TransitRouteTable,
    cidr: &str,
    to: Option<String>,
    blackhole: Option<bool>,
) -> Result<TransitRoute, Fault> {
    let cidr = block::any(cidr, "DestinationCidrBlock")?.to_string();
    match (to, blackhole == Some(true)) {
        (Some(id), false) => {
            pair(tx, &table.id, &id)?;
            Ok(TransitRoute { cidr, attachment: Some(id) })
        }
        (None, true) => Ok(TransitRoute { cidr, attachment: None }),
        _ => Err(fault::combination(
            "The request must contain exactly one of TransitGatewayAttachmentId, Blackhole",
        )),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTransitGatewayRoute.html>
pub(crate) fn create_route(
    tx: &mut Tx<'_>,
    input: CreateTransitGatewayRouteRequest,
) -> Result<CreateTransitGatewayRouteResult, Fault> {
    let mut table = find(tx, &input.transit_gateway_route_table_id)?;
    let cidr = &input.destination_cidr_block;
    let route = wanted(tx, &table, cidr, input.transit_gateway_attachment_id, input.blackhole)?;
    let cidr = route.cidr.clone();
    if table.routes.iter().any(|r| r.cidr == cidr) {
        let message = format!("Route {cidr} already exists in Transit Gateway Route Table {}.", table.id);
        return Err(Fault::client("RouteAlreadyExists", message));
    }
    if table.routes.len() >= MOST {
        return Err(fault::limit("RouteLimitExceeded", "routes per transit gateway route table"));
    }
    table.routes.push(route);
    tx.put(table.clone())?;
    Ok(CreateTransitGatewayRouteResult { route: standing(tx, &table, &cidr) })
}

fn no_route(cidr: &str, table: &TransitRouteTable) -> Fault {
    Fault::client(
        "InvalidRoute.NotFound",
        format!("Route {cidr} does not exist in Transit Gateway Route Table {}.", table.id),
    )
}

pub(crate) fn replace_route(
    tx: &mut Tx<'_>,
    input: ReplaceTransitGatewayRouteRequest,
) -> Result<ReplaceTransitGatewayRouteResult, Fault> {
    let mut table = find(tx, &input.transit_gateway_route_table_id)?;
    let cidr = &input.destination_cidr_block;
    let route = wanted(tx, &table, cidr, input.transit_gateway_attachment_id, input.blackhole)?;
    let (cidr, missing) = (route.cidr.clone(), no_route(&route.cidr, &table));
    let old = table.routes.iter_mut().find(|r| r.cidr == cidr).ok_or(missing)?;
    *old = route;
    tx.put(table.clone())?;
    Ok(ReplaceTransitGatewayRouteResult { route: standing(tx, &table, &cidr) })
}

/// Only static routes can be deleted; propagated ones go with their propagation.
pub(crate) fn delete_route(
    tx: &mut Tx<'_>,
    input: DeleteTransitGatewayRouteRequest,
) -> Result<DeleteTransitGatewayRouteResult, Fault> {
    let mut table = find(tx, &input.transit_gateway_route_table_id)?;
    let cidr = block::any(&input.destination_cidr_block, "DestinationCidrBlock")?.to_string();
    if !table.routes.iter().any(|r| r.cidr == cidr) {
        return Err(no_route(&cidr, &table));
    }
    let route = standing(tx, &table, &cidr);
    table.routes.retain(|r| r.cidr != cidr);
    tx.put(table)?;
    Ok(DeleteTransitGatewayRouteResult { route })
}

/// A route among those that are searched.
#[derive(Clone)]
struct Searched(TransitWay);

impl Listed for Searched {
    fn id(&self) -> &str {
        &self.0.cidr
    }
    fn tags(&self) -> Option<&Tags> {
        None
    }
}

static ROUTES: Listing<Searched> = Listing {
    prefix: "",
    ids: "",
    shown: "Routes",
    all: |_| Vec::new(),
    filters: &[
        ("attachment.transit-gateway-attachment-id", |_, s| {
            s.0.attachment.iter().map(|a| a.id.clone()).collect()
        }),
        ("attachment.resource-id", |_, s| s.0.attachment.iter().map(|a| a.vpc.clone()).collect()),
        ("attachment.resource-type", |_, s| s.0.attachment.iter().flat_map(|_| one("vpc")).collect()),
        ("prefix-list-id", |_, _| Vec::new()),
        ("route-search.exact-match", |_, s| one(&s.0.cidr)),
        ("state", |_, s| one(way_state(&s.0))),
        ("type", |_, s| one(if s.0.propagated { "propagated" } else { "static" })),
    ],
    show: |_, s| shown_way(&s.0).into_value(),
};

fn net(searched: &Searched) -> Option<IpNet> {
    searched.0.cidr.parse().ok()
}

/// The searches that compare blocks; the others are filters like any.
fn by_block(found: &mut Vec<Searched>, name: &str, given: &IpNet) {
    match name {
        "route-search.subnet-of-match" => found.retain(|s| net(s).is_some_and(|n| given.contains(&n))),
        "route-search.supernet-of-match" => found.retain(|s| net(s).is_some_and(|n| n.contains(given))),
        _ => {
            found.retain(|s| net(s).is_some_and(|n| n.contains(given)));
            let longest = found.iter().filter_map(net).map(|n| n.prefix_len()).max();
            found.retain(|s| net(s).map(|n| n.prefix_len()) == longest);
        }
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_SearchTransitGatewayRoutes.html>
pub(crate) fn search_routes(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    const BLOCKS: [&str; 3] = [
        "route-search.longest-prefix-match",
        "route-search.subnet-of-match",
        "route-search.supernet-of-match",
    ];
    let table = asked(tx, &input)?;
    let mut found: Vec<Searched> = table.ways(tx.snapshot()).into_iter().map(Searched).collect();
    for filter in listing::filters(&input)?.iter().filter(|f| BLOCKS.contains(&f.name.as_str())) {
        for value in &filter.values {
            let whole = if value.contains('/') { value.clone() } else { format!("{value}/32") };
            by_block(&mut found, &filter.name, &block::any(&whole, "Filter")?);
        }
    }
    let mut members = model::Members::of(input)?;
    if let Some(Value::List(filters)) = members.take("Filters") {
        let rest = filters.into_iter().filter(|f| !BLOCKS.contains(&f.text("Name").unwrap_or_default()));
        members.push("Filters", Value::List(rest.collect()));
    }
    let mut answer = model::Members::of(ROUTES.among(tx, &Value::Map(members), found)?)?;
    let more = answer.get("NextToken").is_some();
    answer.push("AdditionalRoutesAvailable", more);
    Ok(Value::Map(answer))
}
