//! Peering connections between VPCs.

use model::Tx;
use model::estate::ec2::VpcPeering;

/// The connection between two VPCs that is in force.
pub(crate) fn between(tx: &Tx<'_>, a: &str, b: &str) -> Option<VpcPeering> {
    let joins = |p: &&VpcPeering| p.side(a).is_some() && p.side(b).is_some() && p.status == "active";
    tx.snapshot().all::<VpcPeering>().find(joins).cloned()
}

pub(crate) fn connects(tx: &Tx<'_>, a: &str, b: &str) -> bool {
    between(tx, a, b).is_some()
}
