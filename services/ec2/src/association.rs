//! Route tables as such, and which subnets and gateways they count for.

use model::estate::ec2::{InternetGateway, RouteAssociation, RouteTable, VpcEndpoint};
use model::{Fault, Tags, Tx};

use crate::listing::own;
use crate::route::{find, local, shown};
use crate::shapes::{
    AssociateRouteTableRequest, AssociateRouteTableResult, CreateRouteTableRequest, CreateRouteTableResult,
    DeleteRouteTableRequest, DisassociateRouteTableRequest, ReplaceRouteTableAssociationRequest,
    ReplaceRouteTableAssociationResult, RouteTableAssociationState,
};
use crate::{fault, kind, subnet, tag, vpc};

pub(crate) fn associated() -> Option<RouteTableAssociationState> {
    Some(RouteTableAssociationState { state: Some("associated".to_owned()), status_message: None })
}

fn new(tx: &Tx<'_>, vpc: &str, tags: Tags) -> RouteTable {
    RouteTable {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "rtb"),
        vpc: vpc.to_owned(),
        routes: Vec::new(),
        associations: Vec::new(),
        tags,
    }
}

/// The table of the subnets that have none of their own.
pub(crate) fn make_main(tx: &mut Tx<'_>, vpc: &str) -> Result<(), Fault> {
    let mut table = new(tx, vpc, Tags::new());
    let id = kind::new_id(tx, "rtbassoc");
    table.associations.push(RouteAssociation { id, main: true, subnet: None, gateway: None });
    tx.put(table)
}

/// The table that counts for the subnets of a VPC that have none of their own.
pub(crate) fn main_of(tx: &Tx<'_>, vpc: &str) -> Option<RouteTable> {
    tx.list::<RouteTable>().find(|t| t.vpc == vpc && t.main()).cloned()
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRouteTable.html>
pub(crate) fn create_route_table(
    tx: &mut Tx<'_>,
    input: CreateRouteTableRequest,
) -> Result<CreateRouteTableResult, Fault> {
    let vpc = vpc::find(tx, &input.vpc_id)?;
    let tags = tag::given(tx, input.tag_specifications, "route-table")?;
    let table = RouteTable { routes: local(&vpc), ..new(tx, &vpc.id, tags) };
    tx.put(table.clone())?;
    Ok(CreateRouteTableResult { route_table: Some(shown(tx, &table)), client_token: input.client_token })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteRouteTable.html>
pub(crate) fn delete_route_table(tx: &mut Tx<'_>, input: DeleteRouteTableRequest) -> Result<(), Fault> {
    let table = find(tx, &input.route_table_id)?;
    if !table.associations.is_empty() {
        let message = format!("The routeTable '{}' has dependencies and cannot be deleted.", table.id);
        return Err(fault::dependency(message));
    }
    for mut endpoint in own::<VpcEndpoint>(tx).into_iter().filter(|e| e.route_tables.contains(&table.id)) {
        endpoint.route_tables.retain(|t| *t != table.id);
        tx.put(endpoint)?;
    }
    tx.remove(&table)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateRouteTable.html>
pub(crate) fn associate_route_table(
    tx: &mut Tx<'_>,
    input: AssociateRouteTableRequest,
) -> Result<AssociateRouteTableResult, Fault> {
    fault::refuse(&[("PublicIpv4Pool", input.public_ipv4_pool.is_some())])?;
    let mut table = find(tx, &input.route_table_id)?;
    let (id, vpc) = match (&input.subnet_id, &input.gateway_id) {
        (Some(id), None) => (id, subnet::find(tx, id)?.vpc),
        (None, Some(id)) => (id, kind::find::<InternetGateway>(tx, "igw", id)?.vpc.unwrap_or_default()),
        _ => return Err(fault::combination("The request must contain exactly one of subnetId, gatewayId")),
    };
    if vpc != table.vpc {
        let kind = if input.subnet_id.is_some() { "subnet" } else { "gateway" };
        return Err(fault::value(format!(
            "route table {} and {kind} {id} belong to different networks",
            table.id
        )));
    }
    let of = |a: &RouteAssociation| a.subnet.as_ref() == Some(id) || a.gateway.as_ref() == Some(id);
    if let Some(known) = table.associations.iter().find(|a| of(a)) {
        // Saying it again changes nothing.
        let association_id = Some(known.id.clone());
        return Ok(AssociateRouteTableResult { association_id, association_state: associated() });
    }
    if own::<RouteTable>(tx).iter().any(|t| t.associations.iter().any(of)) {
        return Err(Fault::client(
            "Resource.AlreadyAssociated",
            format!(
                "the specified association for route table {} conflicts with an existing association",
                table.id
            ),
        ));
    }
    let association = RouteAssociation {
        id: kind::new_id(tx, "rtbassoc"),
        main: false,
        subnet: input.subnet_id,
        gateway: input.gateway_id,
    };
    let association_id = Some(association.id.clone());
    table.associations.push(association);
    tx.put(table)?;
    Ok(AssociateRouteTableResult { association_id, association_state: associated() })
}

/// The table that has an association, and the association.
fn holder(tx: &Tx<'_>, id: &str) -> Result<(RouteTable, RouteAssociation), Fault> {
    let held = |t: &RouteTable| t.associations.iter().find(|a| a.id == id).cloned();
    let found = tx.list::<RouteTable>().find_map(|t| Some((t.clone(), held(t)?)));
    found.ok_or_else(|| kind::missing("rtbassoc", id))
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateRouteTable.html>
pub(crate) fn disassociate_route_table(
    tx: &mut Tx<'_>,
    input: DisassociateRouteTableRequest,
) -> Result<(), Fault> {
    let (mut table, association) = holder(tx, &input.association_id)?;
    if association.main {
        return Err(fault::value(format!(
            "cannot disassociate the main route table association {}",
            association.id
        )));
    }
    table.associations.retain(|a| a.id != association.id);
    tx.put(table)
}

/// Also moves the main association, and with it what counts for the other subnets.
pub(crate) fn replace_route_table_association(
    tx: &mut Tx<'_>,
    input: ReplaceRouteTableAssociationRequest,
) -> Result<ReplaceRouteTableAssociationResult, Fault> {
    let (mut old, association) = holder(tx, &input.association_id)?;
    let new = find(tx, &input.route_table_id)?;
    if new.vpc != old.vpc {
        let message = format!("route tables {} and {} belong to different networks", old.id, new.id);
        return Err(fault::value(message));
    }
    old.associations.retain(|a| a.id != association.id);
    tx.put(old)?;
    let mut new = find(tx, &new.id)?;
    let id = kind::new_id(tx, "rtbassoc");
    new.associations.push(RouteAssociation { id: id.clone(), ..association });
    tx.put(new)?;
    Ok(ReplaceRouteTableAssociationResult { new_association_id: Some(id), association_state: associated() })
}

/// Takes a subnet or gateway out of its table.
pub(crate) fn leave(tx: &mut Tx<'_>, id: &str) -> Result<(), Fault> {
    let of = |a: &RouteAssociation| a.subnet.as_deref() == Some(id) || a.gateway.as_deref() == Some(id);
    for mut table in own::<RouteTable>(tx).into_iter().filter(|t| t.associations.iter().any(of)) {
        table.associations.retain(|a| !of(a));
        tx.put(table)?;
    }
    Ok(())
}
