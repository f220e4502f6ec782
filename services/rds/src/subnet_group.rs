//! DB subnet groups: the subnets that instances may be put in.

use std::collections::BTreeSet;

use model::estate::ec2::Subnet as Ec2Subnet;
use model::estate::rds::{DbInstance, DbSubnetGroup};
use model::{Fault, Tx};

use crate::fault::{invalid, no_subnet_group};
use crate::name::{page, subnet_group, tags};
use crate::shapes::*;

/// The VPC of these subnets, which must be one, and span two zones.
fn check(tx: &Tx<'_>, subnets: &[String]) -> Result<String, Fault> {
    let invalid_subnet = |message: String| Fault::client("InvalidSubnet", message);
    let mut zones = BTreeSet::new();
    let mut vpcs = BTreeSet::new();
    let mut missing = Vec::new();
    for id in subnets {
        match tx.find::<Ec2Subnet>(id) {
            Some(subnet) => {
                zones.insert(subnet.zone.clone());
                vpcs.insert(subnet.vpc.clone());
            }
            None => missing.push(id.as_str()),
        }
    }
    if !missing.is_empty() {
        return Err(invalid_subnet(format!("Some input subnets in :[{}] are invalid.", missing.join(", "))));
    }
    let mut vpcs = vpcs.into_iter();
    let (Some(vpc), None) = (vpcs.next(), vpcs.next()) else {
        return Err(invalid_subnet("The subnets of a DB subnet group must be of one VPC.".to_owned()));
    };
    if zones.len() < 2 {
        let zones: Vec<String> = zones.into_iter().collect();
        return Err(Fault::client(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            format!(
                "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement. Current AZ coverage: {}. Add subnets to cover at least 2 AZs.",
                zones.join(", ")
            ),
        ));
    }
    Ok(vpc)
}

pub(crate) fn find(tx: &Tx<'_>, name: &str) -> Result<DbSubnetGroup, Fault> {
    let name = name.to_ascii_lowercase();
    tx.find::<DbSubnetGroup>(&name).cloned().ok_or_else(|| no_subnet_group(&name))
}

pub(crate) fn shown(tx: &Tx<'_>, group: &DbSubnetGroup) -> DBSubnetGroup {
    let subnet = |id: &String| Subnet {
        subnet_identifier: Some(id.clone()),
        subnet_availability_zone: tx
            .find::<Ec2Subnet>(id)
            .map(|s| AvailabilityZone { name: Some(s.zone.clone()) }),
        subnet_outpost: None,
        subnet_status: Some("Active".to_owned()),
    };
    DBSubnetGroup {
        db_subnet_group_name: Some(group.name.clone()),
        db_subnet_group_description: Some(group.description.clone()),
        vpc_id: Some(group.vpc.clone()),
        subnet_group_status: Some("Complete".to_owned()),
        subnets: Some(group.subnets.iter().map(subnet).collect()),
        db_subnet_group_arn: Some(group.arn()),
        supported_network_types: Some(vec!["IPV4".to_owned()]),
    }
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBSubnetGroup.html>
pub(crate) fn create_db_subnet_group(
    tx: &mut Tx<'_>,
    input: CreateDBSubnetGroupMessage,
) -> Result<CreateDBSubnetGroupResult, Fault> {
    let name = subnet_group(&input.db_subnet_group_name)?;
    if tx.find::<DbSubnetGroup>(&name).is_some() {
        return Err(Fault::client(
            "DBSubnetGroupAlreadyExists",
            format!("The DB subnet group '{name}' already exists."),
        ));
    }
    let vpc = check(tx, &input.subnet_ids)?;
    let group = DbSubnetGroup {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name,
        description: input.db_subnet_group_description,
        vpc,
        subnets: input.subnet_ids,
        tags: tags(input.tags),
    };
    let answer = shown(tx, &group);
    tx.put(group)?;
    Ok(CreateDBSubnetGroupResult { db_subnet_group: Some(answer) })
}

pub(crate) fn describe_db_subnet_groups(
    tx: &mut Tx<'_>,
    input: DescribeDBSubnetGroupsMessage,
) -> Result<DBSubnetGroupMessage, Fault> {
    let found = match &input.db_subnet_group_name {
        Some(name) => vec![shown(tx, &find(tx, name)?)],
        None => tx.list::<DbSubnetGroup>().map(|g| shown(tx, g)).collect(),
    };
    let name = |g: &DBSubnetGroup| g.db_subnet_group_name.clone().unwrap_or_default();
    let (groups, marker) = page(found, name, input.marker.as_deref(), input.max_records)?;
    Ok(DBSubnetGroupMessage { marker, db_subnet_groups: Some(groups) })
}

pub(crate) fn modify_db_subnet_group(
    tx: &mut Tx<'_>,
    input: ModifyDBSubnetGroupMessage,
) -> Result<ModifyDBSubnetGroupResult, Fault> {
    let mut group = find(tx, &input.db_subnet_group_name)?;
    let vpc = check(tx, &input.subnet_ids)?;
    if vpc != group.vpc {
        return Err(invalid("The new Subnets are not in the same Vpc as the existing subnet group"));
    }
    group.subnets = input.subnet_ids;
    group.description = input.db_subnet_group_description.unwrap_or(group.description);
    let answer = shown(tx, &group);
    tx.put(group)?;
    Ok(ModifyDBSubnetGroupResult { db_subnet_group: Some(answer) })
}

pub(crate) fn delete_db_subnet_group(
    tx: &mut Tx<'_>,
    input: DeleteDBSubnetGroupMessage,
) -> Result<(), Fault> {
    let group = find(tx, &input.db_subnet_group_name)?;
    let user = tx
        .list::<DbInstance>()
        .find(|i| i.subnet_group.as_ref() == Some(&group.name) && i.status != "deleting");
    match user {
        Some(user) => Err(Fault::client(
            "InvalidDBSubnetGroupStateFault",
            format!(
                "Cannot delete the subnet group '{}' because at least one database instance: {} is still using it.",
                group.name, user.id
            ),
        )),
        None => tx.remove(&group),
    }
}
