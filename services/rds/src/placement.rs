//! Where an instance stands: its VPC, its zone, its security groups.

use model::estate::ec2::{SecurityGroup, Subnet, Vpc};
use model::estate::rds::DbSubnetGroup;
use model::{Fault, Tx};

use crate::fault::{combination, invalid, no_subnet_group};

pub(crate) struct Placement {
    pub(crate) subnet_group: Option<String>,
    pub(crate) security_groups: Vec<String>,
    pub(crate) zone: String,
}

/// What a request says about the place.
pub(crate) struct Wanted<'a> {
    pub(crate) subnet_group: Option<&'a str>,
    pub(crate) security_groups: Option<&'a [String]>,
    pub(crate) zone: Option<&'a str>,
}

/// Checks the place that is asked for. Without a subnet group it is the default VPC, where there is one.
pub(crate) fn place(tx: &Tx<'_>, wanted: &Wanted<'_>) -> Result<Placement, Fault> {
    let group = match wanted.subnet_group {
        Some(name) => {
            let name = name.to_ascii_lowercase();
            Some(tx.find::<DbSubnetGroup>(&name).ok_or_else(|| no_subnet_group(&name))?)
        }
        None => None,
    };
    let vpc = match group {
        Some(group) => Some(group.vpc.clone()),
        None => tx.list::<Vpc>().find(|v| v.default).map(|v| v.id.clone()),
    };
    let security_groups = security_groups(tx, vpc.as_deref(), wanted.security_groups)?;
    let mut zones: Vec<String> = match group {
        Some(group) => {
            group.subnets.iter().filter_map(|s| Some(tx.find::<Subnet>(s)?.zone.clone())).collect()
        }
        None => ["a", "b", "c"].iter().map(|z| format!("{}{z}", tx.region)).collect(),
    };
    zones.sort();
    let zone = match wanted.zone {
        Some(zone) if zones.iter().any(|z| z == zone) => zone.to_owned(),
        Some(zone) => {
            return Err(invalid(format!(
                "The Availability Zone {zone} is not covered by the DB subnet group; it covers {}.",
                zones.join(", ")
            )));
        }
        None => zones.into_iter().next().unwrap_or_else(|| format!("{}a", tx.region)),
    };
    Ok(Placement { subnet_group: group.map(|g| g.name.clone()), security_groups, zone })
}

/// The groups that are asked for, all of the VPC; else the VPC's own default group.
pub(crate) fn security_groups(
    tx: &Tx<'_>,
    vpc: Option<&str>,
    wanted: Option<&[String]>,
) -> Result<Vec<String>, Fault> {
    let wanted = wanted.unwrap_or_default();
    for id in wanted {
        let group = tx.find::<SecurityGroup>(id);
        let group =
            group.ok_or_else(|| invalid(format!("Invalid security group , groupId= {id}, groupName=.")))?;
        if let Some(vpc) = vpc.filter(|vpc| *vpc != group.vpc) {
            return Err(combination(format!(
                "The DB instance and EC2 security group are in different VPCs. The DB instance is in {vpc} and the EC2 security group is in {}",
                group.vpc
            )));
        }
    }
    if !wanted.is_empty() {
        return Ok(wanted.to_vec());
    }
    let default = tx.list::<SecurityGroup>().find(|g| g.name == "default" && Some(g.vpc.as_str()) == vpc);
    Ok(default.map(|g| g.id.clone()).into_iter().collect())
}
