//! Peering connections between VPCs.

use ipnet::IpNet;
use model::estate::ec2::{Vpc, VpcPeering};
use model::{Fault, Tx};

use crate::block;

/// The connection between two VPCs that is in force.
pub(crate) fn between(tx: &Tx<'_>, a: &str, b: &str) -> Option<VpcPeering> {
    let joins = |p: &&VpcPeering| p.side(a).is_some() && p.side(b).is_some() && p.status == "active";
    tx.snapshot().all::<VpcPeering>().find(joins).cloned()
}

pub(crate) fn connects(tx: &Tx<'_>, a: &str, b: &str) -> bool {
    between(tx, a, b).is_some()
}

/// A block must not be one that a connected VPC has a part of.
pub(crate) fn free_of_peers(tx: &Tx<'_>, vpc: &Vpc, net: &IpNet) -> Result<(), Fault> {
    let mine = |p: &&VpcPeering| p.status == "active" && p.side(&vpc.id).is_some();
    for connection in tx.snapshot().all::<VpcPeering>().filter(mine) {
        for side in [&connection.requester, &connection.accepter].into_iter().filter(|s| s.vpc != vpc.id) {
            let peer = tx.snapshot().find::<Vpc>(&side.account, &side.region, &side.vpc);
            if peer.is_some_and(|p| block::nets(&p.cidrs).any(|b| block::overlap(&b, net))) {
                let message = format!("The CIDR '{net}' conflicts with the peer VPC {}", side.vpc);
                return Err(Fault::client("InvalidVpc.Range", message));
            }
        }
    }
    Ok(())
}
