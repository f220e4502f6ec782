//! What other accounts share with the caller's: found here as if it were the account's own. Whether
//! the caller may do with it what it asks for has been decided before.

use model::estate::ec2::{Subnet, Vpc};
use model::estate::ram::{self, Who};
use model::{Node, Tx};

use crate::kind;

/// The resource with this id, of the account's own or shared with it.
pub(crate) fn find<N: Node>(tx: &Tx<'_>, id: &str) -> Option<N> {
    let own = || tx.find::<N>(id).cloned();
    let theirs = || {
        let path = format!("{}/{id}", kind::of(id)?.arn);
        let arn = ram::owner_arn(tx.snapshot(), Who::of(tx.caller())?, "ec2", &tx.region, &path)?;
        tx.find_arn::<N>(&arn).cloned()
    };
    own().or_else(theirs)
}

/// All of the account's own, and of others what is shared for this action.
pub(crate) fn seen<N: Node>(tx: &Tx<'_>, action: &str) -> Vec<N> {
    let theirs = Who::of(tx.caller()).map(|who| ram::usable::<N>(tx.snapshot(), who, &tx.region, action));
    tx.list::<N>().chain(theirs.unwrap_or_default()).cloned().collect()
}

/// The VPC of a subnet that is shared, as far as its participants have to do with it.
pub(crate) fn vpc(tx: &Tx<'_>, id: &str) -> Option<Vpc> {
    let subnets = seen::<Subnet>(tx, "ec2:DescribeSubnets");
    let subnet = subnets.into_iter().find(|s| s.vpc == id)?;
    tx.snapshot().find::<Vpc>(&subnet.account, &subnet.region, id).cloned()
}
