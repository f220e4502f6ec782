//! Network ACLs and their rules.

use model::estate::ec2::{AclAssociation, AclEntry, NetworkAcl};
use model::{Fault, Tags, Tx};

use crate::kind;
use crate::listing::own;

fn all_traffic(egress: bool) -> AclEntry {
    AclEntry {
        egress,
        number: 100,
        protocol: "-1".to_owned(),
        allow: true,
        cidr: "0.0.0.0/0".to_owned(),
        icmp: None,
        ports: None,
    }
}

/// The ACL that a VPC is born with: it lets everything through.
pub(crate) fn make_default(tx: &mut Tx<'_>, vpc: &str) -> Result<(), Fault> {
    tx.put(NetworkAcl {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "acl"),
        vpc: vpc.to_owned(),
        default: true,
        entries: vec![all_traffic(false), all_traffic(true)],
        associations: Vec::new(),
        tags: Tags::new(),
    })
}

/// Puts a subnet under its VPC's default ACL.
pub(crate) fn join_default(tx: &mut Tx<'_>, vpc: &str, subnet: &str) -> Result<String, Fault> {
    let default = tx.list::<NetworkAcl>().find(|a| a.vpc == vpc && a.default).cloned();
    let mut acl = default.ok_or_else(|| Fault::internal(format!("VPC `{vpc}` has no default ACL")))?;
    let id = kind::new_id(tx, "aclassoc");
    acl.associations.push(AclAssociation { id: id.clone(), subnet: subnet.to_owned() });
    tx.put(acl)?;
    Ok(id)
}

/// Takes a subnet from under its ACL.
pub(crate) fn leave(tx: &mut Tx<'_>, subnet: &str) -> Result<(), Fault> {
    for mut acl in own::<NetworkAcl>(tx) {
        if acl.associations.iter().any(|a| a.subnet == subnet) {
            acl.associations.retain(|a| a.subnet != subnet);
            tx.put(acl)?;
        }
    }
    Ok(())
}
