//! Route tables: where packets of a subnet go.

use ipnet::IpNet;
use model::estate::ec2::{
    Destination, EgressOnlyGateway, InternetGateway, NatGateway, Route, RouteTable, Target,
    TransitAttachment, TransitGateway, Vpc, VpcPeering,
};
use model::{Fault, IntoValue as _, Tx};

use crate::listing::{Listing, Values, one, own};
use crate::shapes::{
    self, CreateRouteRequest, CreateRouteResult, DeleteRouteRequest, ReplaceRouteRequest,
    RouteTableAssociation,
};
use crate::{association, block, fault, interface, kind, prefix, tag, vpc};

/// Routes that a table may hold.
const MOST: usize = 500;

fn associations(
    table: &RouteTable,
    of: fn(&model::estate::ec2::RouteAssociation) -> Option<String>,
) -> Vec<String> {
    table.associations.iter().filter_map(of).collect()
}

fn routes(table: &RouteTable, of: fn(&Route) -> Option<String>) -> Vec<String> {
    table.routes.iter().filter_map(of).collect()
}

fn target(route: &Route, prefix: &str) -> Option<String> {
    let id = route.target.id();
    id.starts_with(prefix).then(|| id.to_owned())
}

const FILTERS: &[(&str, Values<RouteTable>)] = &[
    ("association.gateway-id", |_, t| associations(t, |a| a.gateway.clone())),
    ("association.route-table-association-id", |_, t| associations(t, |a| Some(a.id.clone()))),
    ("association.route-table-id", |_, t| t.associations.iter().map(|_| t.id.clone()).collect()),
    ("association.subnet-id", |_, t| associations(t, |a| a.subnet.clone())),
    ("association.main", |_, t| one(&t.main().to_string())),
    ("owner-id", |_, t| one(t.account.as_str())),
    ("route-table-id", |_, t| one(&t.id)),
    ("route.destination-cidr-block", |_, t| routes(t, |r| v4(&r.destination))),
    ("route.destination-ipv6-cidr-block", |_, t| routes(t, |r| v6(&r.destination))),
    ("route.destination-prefix-list-id", |_, t| routes(t, |r| list(&r.destination))),
    ("route.egress-only-internet-gateway-id", |_, t| routes(t, |r| target(r, "eigw-"))),
    ("route.gateway-id", |_, t| routes(t, |r| gateway(&r.target))),
    ("route.instance-id", |_, _| Vec::new()),
    ("route.nat-gateway-id", |_, t| routes(t, |r| target(r, "nat-"))),
    ("route.transit-gateway-id", |_, t| routes(t, |r| target(r, "tgw-"))),
    ("route.origin", |_, t| routes(t, |r| Some(origin(r).to_owned()))),
    ("route.state", |tx, t| t.routes.iter().map(|r| state(tx, t, r).to_owned()).collect()),
    ("route.vpc-peering-connection-id", |_, t| routes(t, |r| target(r, "pcx-"))),
    ("vpc-id", |_, t| one(&t.vpc)),
];

pub(crate) static TABLES: Listing<RouteTable> = Listing {
    prefix: "rtb",
    ids: "RouteTableIds",
    shown: "RouteTables",
    all: own,
    filters: FILTERS,
    show: |tx, table| shown(tx, table).into_value(),
};

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<RouteTable, Fault> {
    kind::find(tx, "rtb", id)
}

fn v4(destination: &Destination) -> Option<String> {
    if let Destination::Ipv4(cidr) = destination { Some(cidr.clone()) } else { None }
}

fn v6(destination: &Destination) -> Option<String> {
    if let Destination::Ipv6(cidr) = destination { Some(cidr.clone()) } else { None }
}

fn list(destination: &Destination) -> Option<String> {
    if let Destination::PrefixList(id) = destination { Some(id.clone()) } else { None }
}

/// What AWS calls a gateway: `local`, an internet gateway, an endpoint.
fn gateway(target: &Target) -> Option<String> {
    match target {
        Target::Local => Some("local".to_owned()),
        Target::InternetGateway(id) | Target::Endpoint(id) => Some(id.clone()),
        _ => None,
    }
}

fn origin(route: &Route) -> &'static str {
    if route.target == Target::Local { "CreateRouteTable" } else { "CreateRoute" }
}

fn state(tx: &Tx<'_>, table: &RouteTable, route: &Route) -> &'static str {
    if table.stands(tx.snapshot(), &route.target) { "active" } else { "blackhole" }
}

fn shown_route(tx: &Tx<'_>, table: &RouteTable, route: &Route) -> shapes::Route {
    let target = |prefix: &str| target(route, prefix);
    shapes::Route {
        destination_cidr_block: v4(&route.destination),
        destination_ipv6_cidr_block: v6(&route.destination),
        destination_prefix_list_id: list(&route.destination),
        egress_only_internet_gateway_id: target("eigw-"),
        gateway_id: gateway(&route.target),
        nat_gateway_id: target("nat-"),
        transit_gateway_id: target("tgw-"),
        network_interface_id: target("eni-"),
        vpc_peering_connection_id: target("pcx-"),
        origin: Some(origin(route).to_owned()),
        state: Some(state(tx, table, route).to_owned()),
        ..shapes::Route::default()
    }
}

pub(crate) fn shown(tx: &Tx<'_>, table: &RouteTable) -> shapes::RouteTable {
    let association = |a: &model::estate::ec2::RouteAssociation| RouteTableAssociation {
        main: Some(a.main),
        route_table_association_id: Some(a.id.clone()),
        route_table_id: Some(table.id.clone()),
        subnet_id: a.subnet.clone(),
        gateway_id: a.gateway.clone(),
        association_state: association::associated(),
        ..RouteTableAssociation::default()
    };
    shapes::RouteTable {
        associations: Some(table.associations.iter().map(association).collect()),
        propagating_vgws: Some(Vec::new()),
        route_table_id: Some(table.id.clone()),
        routes: Some(table.routes.iter().map(|r| shown_route(tx, table, r)).collect()),
        tags: tag::shown(&table.tags),
        vpc_id: Some(table.vpc.clone()),
        owner_id: Some(table.account.to_string()),
    }
}

/// The routes that stay within the VPC: one for each of its blocks.
pub(crate) fn local(vpc: &Vpc) -> Vec<Route> {
    let v4 = vpc.cidrs.iter().cloned().map(Destination::Ipv4);
    let v6 = vpc.ipv6_cidrs.iter().cloned().map(Destination::Ipv6);
    v4.chain(v6).map(|destination| Route { destination, target: Target::Local, managed_by: None }).collect()
}

/// Brings the local routes of every table of a VPC in line with its blocks.
pub(crate) fn follow_blocks(tx: &mut Tx<'_>, vpc: &Vpc) -> Result<(), Fault> {
    for mut table in own::<RouteTable>(tx).into_iter().filter(|t| t.vpc == vpc.id) {
        let mut routes = local(vpc);
        // A block's own route may lead to an interface instead: that stays as it is.
        let led_away = |l: &Route| {
            table.routes.iter().any(|r| r.target != Target::Local && r.destination == l.destination)
        };
        routes.retain(|l| !led_away(l));
        routes.extend(table.routes.iter().filter(|r| r.target != Target::Local).cloned());
        table.routes = routes;
        tx.put(table)?;
    }
    Ok(())
}

/// A route as the two requests for one give it.
#[derive(Default)]
struct Asked {
    v4: Option<String>,
    v6: Option<String>,
    list: Option<String>,
    gateway: Option<String>,
    nat: Option<String>,
    interface: Option<String>,
    instance: Option<String>,
    peering: Option<String>,
    egress_only: Option<String>,
    transit: Option<String>,
    local: bool,
    /// Targets that are not served here.
    refused: [(&'static str, bool); 5],
}

macro_rules! asked {
    ($input:ident, $local:expr) => {
        Asked {
            v4: $input.destination_cidr_block,
            v6: $input.destination_ipv6_cidr_block,
            list: $input.destination_prefix_list_id,
            gateway: $input.gateway_id,
            nat: $input.nat_gateway_id,
            interface: $input.network_interface_id,
            instance: $input.instance_id,
            peering: $input.vpc_peering_connection_id,
            egress_only: $input.egress_only_internet_gateway_id,
            transit: $input.transit_gateway_id,
            local: $local,
            refused: [
                ("VpcEndpointId", $input.vpc_endpoint_id.is_some()),
                ("LocalGatewayId", $input.local_gateway_id.is_some()),
                ("CarrierGatewayId", $input.carrier_gateway_id.is_some()),
                ("CoreNetworkArn", $input.core_network_arn.is_some()),
                ("OdbNetworkArn", $input.odb_network_arn.is_some()),
            ],
        }
    };
}

fn destination(
    tx: &Tx<'_>,
    v4: Option<String>,
    v6: Option<String>,
    list: Option<String>,
) -> Result<Destination, Fault> {
    match (v4, v6, list) {
        (Some(cidr), None, None) => {
            Ok(Destination::Ipv4(block::v4(&cidr, "destinationCidrBlock")?.to_string()))
        }
        (None, Some(cidr), None) => {
            Ok(Destination::Ipv6(block::v6(&cidr, "destinationIpv6CidrBlock")?.to_string()))
        }
        (None, None, Some(id)) => prefix::must_exist(tx, &id).map(|()| Destination::PrefixList(id)),
        _ => Err(fault::combination(
            "The request must contain exactly one of destinationCidrBlock, destinationIpv6CidrBlock, destinationPrefixListId",
        )),
    }
}

impl Asked {
    /// The one target, which must be there and of this VPC.
    fn target(&self, tx: &Tx<'_>, table: &RouteTable, to: &Destination) -> Result<Target, Fault> {
        fault::refuse(&self.refused)?;
        if let Some(instance) = &self.instance {
            return Err(kind::missing("i", instance));
        }
        let given =
            [&self.gateway, &self.nat, &self.interface, &self.peering, &self.egress_only, &self.transit];
        if given.iter().filter(|g| g.is_some()).count() + usize::from(self.local) != 1 {
            return Err(fault::combination(
                "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, vpcPeeringConnectionId, egressOnlyInternetGatewayId, transitGatewayId",
            ));
        }
        let v6 = matches!(to, Destination::Ipv6(_));
        match (given, self.local) {
            ([Some(id), ..], _) if id == "local" => Ok(Target::Local),
            ([Some(id), ..], _) => internet(tx, table, id),
            ([_, Some(id), ..], _) => nat(tx, table, id, to),
            ([_, _, Some(id), ..], _) => {
                let found = interface::find(tx, id)?;
                same_network(table, id, &found.vpc)?;
                Ok(Target::Interface(found.id))
            }
            ([_, _, _, Some(id), ..], _) => peering(tx, table, id),
            ([.., Some(id), _], _) if v6 => {
                let found: EgressOnlyGateway = kind::find(tx, "eigw", id)?;
                same_network(table, id, &found.vpc)?;
                Ok(Target::EgressOnlyGateway(found.id))
            }
            ([.., Some(id), _], _) => Err(fault::value(format!(
                "The egress-only internet gateway '{id}' can only be the target of IPv6 routes"
            ))),
            ([.., Some(id)], _) => transit(tx, table, id),
            _ => Ok(Target::Local),
        }
    }
}

fn same_network(table: &RouteTable, id: &str, vpc: &str) -> Result<(), Fault> {
    match table.vpc == vpc {
        true => Ok(()),
        false => Err(fault::value(format!(
            "route table {} and network gateway {id} belong to different networks",
            table.id
        ))),
    }
}

fn internet(tx: &Tx<'_>, table: &RouteTable, id: &str) -> Result<Target, Fault> {
    let unknown =
        || Fault::client("InvalidGatewayID.NotFound", format!("The gateway ID '{id}' does not exist"));
    let gateway = tx.find::<InternetGateway>(id).ok_or_else(unknown)?;
    same_network(table, id, gateway.vpc.as_deref().unwrap_or_default())?;
    Ok(Target::InternetGateway(id.to_owned()))
}

fn nat(tx: &Tx<'_>, table: &RouteTable, id: &str, to: &Destination) -> Result<Target, Fault> {
    let unknown =
        || Fault::client("InvalidNatGatewayID.NotFound", format!("The natGateway ID '{id}' does not exist"));
    let gateway = tx.find::<NatGateway>(id).filter(|n| n.deleted.is_none()).ok_or_else(unknown)?;
    same_network(table, id, &gateway.vpc)?;
    match to {
        Destination::Ipv6(_) => Err(fault::value("A NAT gateway takes IPv4 only: NAT64 is not served here")),
        _ => Ok(Target::NatGateway(id.to_owned())),
    }
}

/// A connection that waits for its acceptance may be routed to already.
fn peering(tx: &Tx<'_>, table: &RouteTable, id: &str) -> Result<Target, Fault> {
    let fits = |p: &&VpcPeering| {
        p.id == id
            && p.side(&table.vpc).is_some()
            && ["active", "pending-acceptance"].contains(&p.status.as_str())
    };
    match tx.snapshot().all::<VpcPeering>().any(|p| fits(&p)) {
        true => Ok(Target::Peering(id.to_owned())),
        false => Err(kind::missing("pcx", id)),
    }
}

fn transit(tx: &Tx<'_>, table: &RouteTable, id: &str) -> Result<Target, Fault> {
    let there = tx.find::<TransitGateway>(id).is_some_and(|g| g.deleted.is_none());
    let fits = |a: &TransitAttachment| a.gateway == id && a.vpc == table.vpc && a.deleted.is_none();
    match there && tx.list::<TransitAttachment>().any(fits) {
        true => Ok(Target::TransitGateway(id.to_owned())),
        false => Err(kind::missing("tgw", id)),
    }
}

/// Within the VPC's own blocks only interfaces and NAT gateways may be led to.
fn may_lead(tx: &Tx<'_>, table: &RouteTable, to: &Destination, target: &Target) -> Result<(), Fault> {
    if matches!(target, Target::Interface(_) | Target::NatGateway(_) | Target::Local) {
        return Ok(());
    }
    let (Ok(net), Ok(vpc)) = (to.text().parse::<IpNet>(), vpc::find(tx, &table.vpc)) else { return Ok(()) };
    let inside = block::nets(&vpc.cidrs).chain(block::nets(&vpc.ipv6_cidrs)).any(|b| b.contains(&net));
    match inside {
        false => Ok(()),
        true => Err(fault::value(format!(
            "The destination CIDR block {net} is equal to or more specific than one of this VPC's CIDR blocks. This route can target only an interface or an instance."
        ))),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html>
pub(crate) fn create_route(tx: &mut Tx<'_>, input: CreateRouteRequest) -> Result<CreateRouteResult, Fault> {
    let mut table = find(tx, &input.route_table_id)?;
    let asked: Asked = asked!(input, false);
    let to = destination(tx, asked.v4.clone(), asked.v6.clone(), asked.list.clone())?;
    let target = asked.target(tx, &table, &to)?;
    if table.routes.iter().any(|r| r.destination == to) {
        return Err(Fault::client(
            "RouteAlreadyExists",
            format!("The route identified by {} already exists.", to.text()),
        ));
    }
    may_lead(tx, &table, &to, &target)?;
    if target == Target::Local {
        return Err(fault::value("A local route is made with the CIDR block of the VPC only"));
    }
    if table.routes.len() >= MOST {
        return Err(fault::limit("RouteLimitExceeded", "routes per route table"));
    }
    table.routes.push(Route { destination: to, target, managed_by: None });
    tx.put(table)?;
    Ok(CreateRouteResult { r#return: Some(true) })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceRoute.html>
pub(crate) fn replace_route(tx: &mut Tx<'_>, input: ReplaceRouteRequest) -> Result<(), Fault> {
    let mut table = find(tx, &input.route_table_id)?;
    let asked: Asked = asked!(input, input.local_target == Some(true));
    let to = destination(tx, asked.v4.clone(), asked.v6.clone(), asked.list.clone())?;
    let target = asked.target(tx, &table, &to)?;
    let own_block = vpc::find(tx, &table.vpc).is_ok_and(|v| local(&v).iter().any(|l| l.destination == to));
    let none = || {
        fault::value(format!(
            "There is no route defined for '{}' in the route table. Use CreateRoute instead.",
            to.text()
        ))
    };
    may_lead(tx, &table, &to, &target)?;
    let route = table.routes.iter_mut().find(|r| r.destination == to).ok_or_else(none)?;
    if route.managed_by.is_some() {
        return Err(fault::value(format!(
            "cannot replace VPC endpoint route {} in route table {}",
            to.text(),
            table.id
        )));
    }
    if target == Target::Local && !own_block {
        return Err(fault::value("Only the route of a CIDR block of the VPC can be local"));
    }
    route.target = target;
    tx.put(table)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRoute.html>
pub(crate) fn delete_route(tx: &mut Tx<'_>, input: DeleteRouteRequest) -> Result<(), Fault> {
    let mut table = find(tx, &input.route_table_id)?;
    // The list may be gone by now; its route can be deleted all the same.
    let to = match input.destination_prefix_list_id {
        Some(id) => Destination::PrefixList(id),
        None => destination(tx, input.destination_cidr_block, input.destination_ipv6_cidr_block, None)?,
    };
    let at = table.routes.iter().position(|r| r.destination == to);
    let Some(route) = at.and_then(|at| table.routes.get(at)) else {
        let what = match to {
            Destination::Ipv4(cidr) => format!("destination-cidr-block {cidr}"),
            Destination::Ipv6(cidr) => format!("destination-ipv6-cidr-block {cidr}"),
            Destination::PrefixList(id) => format!("destination-prefix-list-id {id}"),
        };
        let message = format!("no route with {what} in route table {}", table.id);
        return Err(Fault::client("InvalidRoute.NotFound", message));
    };
    let refused = match (&route.target, &route.managed_by) {
        (Target::Local, _) => Some("local"),
        (_, Some(_)) => Some("VPC endpoint"),
        _ => None,
    };
    if let Some(kind) = refused {
        let message = format!("cannot remove {kind} route {} in route table {}", to.text(), table.id);
        return Err(fault::value(message));
    }
    table.routes.retain(|r| r.destination != to);
    tx.put(table)
}
