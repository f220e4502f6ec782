//! Route tables: where packets of a subnet go.

use model::estate::ec2::{Destination, Route, RouteAssociation, RouteTable, Target, Vpc};
use model::{Fault, Tags, Tx};

use crate::kind;
use crate::listing::own;

/// The table of the subnets that have none of their own.
pub(crate) fn make_main(tx: &mut Tx<'_>, vpc: &str) -> Result<(), Fault> {
    let association =
        RouteAssociation { id: kind::new_id(tx, "rtbassoc"), main: true, subnet: None, gateway: None };
    tx.put(RouteTable {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "rtb"),
        vpc: vpc.to_owned(),
        routes: Vec::new(),
        associations: vec![association],
        tags: Tags::new(),
    })
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
        routes.retain(|l| {
            !table.routes.iter().any(|r| r.target != Target::Local && r.destination == l.destination)
        });
        routes.extend(table.routes.iter().filter(|r| r.target != Target::Local).cloned());
        table.routes = routes;
        tx.put(table)?;
    }
    Ok(())
}

/// Takes a subnet out of its table.
pub(crate) fn leave(tx: &mut Tx<'_>, subnet: &str) -> Result<(), Fault> {
    for mut table in own::<RouteTable>(tx) {
        if table.associations.iter().any(|a| a.subnet.as_deref() == Some(subnet)) {
            table.associations.retain(|a| a.subnet.as_deref() != Some(subnet));
            tx.put(table)?;
        }
    }
    Ok(())
}
