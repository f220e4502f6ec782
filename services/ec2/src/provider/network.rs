//! VPCs, subnets and interfaces in CloudFormation.

use model::estate::ec2::{CidrBlock, NetworkAcl, NetworkInterface, SecurityGroup, Subnet, Vpc};
use model::{Deploy, Fault, Tx};
use serde_json::{Value as Json, json};

use super::{Mapped, call, changed};

pub(super) static VPC: Mapped = Mapped {
    create: "CreateVpc",
    given: &[("CidrBlock", "CidrBlock"), ("InstanceTenancy", "InstanceTenancy")],
    tagged: "vpc",
    id: &["Vpc", "VpcId"],
    apply: |tx, deploy, id| {
        // Host names need name resolution, so it goes first.
        flags(
            tx,
            deploy,
            id,
            "ModifyVpcAttribute",
            "VpcId",
            &[("EnableDnsSupport", true), ("EnableDnsHostnames", false)],
        )
    },
    attributes: |tx, id| {
        let Some(vpc) = tx.find::<Vpc>(id) else { return Vec::new() };
        let blocks = tx.list::<CidrBlock>().filter(|b| b.vpc == id && vpc.cidrs.contains(&b.cidr));
        let group = tx.list::<SecurityGroup>().find(|g| g.vpc == id && g.name == "default");
        let acl = tx.list::<NetworkAcl>().find(|a| a.vpc == id && a.default);
        vec![
            ("VpcId", json!(id)),
            ("CidrBlock", json!(vpc.cidrs.first())),
            ("CidrBlockAssociations", blocks.map(|b| json!(b.id)).collect()),
            ("Ipv6CidrBlocks", json!(vpc.ipv6_cidrs)),
            ("DefaultSecurityGroup", json!(group.map(|g| &g.id))),
            ("DefaultNetworkAcl", json!(acl.map(|a| &a.id))),
        ]
    },
    delete: "DeleteVpc",
    by: "VpcId",
};

pub(super) static SUBNET: Mapped = Mapped {
    create: "CreateSubnet",
    given: &[
        ("VpcId", "VpcId"),
        ("CidrBlock", "CidrBlock"),
        ("Ipv6CidrBlock", "Ipv6CidrBlock"),
        ("AvailabilityZone", "AvailabilityZone"),
        ("AvailabilityZoneId", "AvailabilityZoneId"),
    ],
    tagged: "subnet",
    id: &["Subnet", "SubnetId"],
    apply: |tx, deploy, id| {
        let names = [("MapPublicIpOnLaunch", false), ("AssignIpv6AddressOnCreation", false)];
        flags(tx, deploy, id, "ModifySubnetAttribute", "SubnetId", &names)
    },
    attributes: |tx, id| {
        let Some(subnet) = tx.find::<Subnet>(id) else { return Vec::new() };
        let mut acls = tx.list::<NetworkAcl>().flat_map(|a| &a.associations);
        vec![
            ("SubnetId", json!(id)),
            ("VpcId", json!(subnet.vpc)),
            ("AvailabilityZone", json!(subnet.zone)),
            ("CidrBlock", json!(subnet.cidr)),
            ("Ipv6CidrBlocks", json!(subnet.ipv6_cidr.iter().collect::<Vec<_>>())),
            ("NetworkAclAssociationId", json!(acls.find(|a| a.subnet == id).map(|a| &a.id))),
        ]
    },
    delete: "DeleteSubnet",
    by: "SubnetId",
};

/// Sets attributes that are on or off, one call for each that is not as it was.
fn flags(
    tx: &mut Tx<'_>,
    deploy: &Deploy<'_>,
    id: &str,
    operation: &str,
    by: &str,
    names: &[(&str, bool)],
) -> Result<(), Fault> {
    for (name, default) in names.iter().filter(|(name, _)| changed(deploy, name)) {
        let value = deploy.property(name).cloned().unwrap_or(json!(default));
        call(tx, deploy, operation, json!({by: id, *name: {"Value": value}}))?;
    }
    Ok(())
}

pub(super) static INTERFACE: Mapped = Mapped {
    create: "CreateNetworkInterface",
    given: &[
        ("SubnetId", "SubnetId"),
        ("Description", "Description"),
        ("GroupSet", "Groups"),
        ("PrivateIpAddress", "PrivateIpAddress"),
        ("Ipv6AddressCount", "Ipv6AddressCount"),
        ("Ipv6Addresses", "Ipv6Addresses"),
    ],
    tagged: "network-interface",
    id: &["NetworkInterface", "NetworkInterfaceId"],
    apply: |tx, deploy, id| {
        let set = |tx: &mut Tx<'_>, member: &str, value: Json| {
            let input = json!({"NetworkInterfaceId": id, member: value});
            call(tx, deploy, "ModifyNetworkInterfaceAttribute", input).map(|_| ())
        };
        if changed(deploy, "SourceDestCheck") {
            let check = deploy.property("SourceDestCheck").cloned().unwrap_or(json!(true));
            set(tx, "SourceDestCheck", json!({"Value": check}))?;
        }
        // The making call has taken these.
        if deploy.previous.is_some() && changed(deploy, "Description") {
            set(tx, "Description", json!({"Value": deploy.text("Description").unwrap_or_default()}))?;
        }
        if deploy.previous.is_some() && changed(deploy, "GroupSet") {
            set(tx, "Groups", deploy.property("GroupSet").cloned().unwrap_or(json!([])))?;
        }
        Ok(())
    },
    attributes: |tx, id| {
        let Some(interface) = tx.find::<NetworkInterface>(id) else { return Vec::new() };
        vec![
            ("Id", json!(id)),
            ("VpcId", json!(interface.vpc)),
            ("PrimaryPrivateIpAddress", json!(interface.private_ip)),
            ("SecondaryPrivateIpAddresses", json!([])),
            ("PrimaryIpv6Address", json!(interface.ipv6.first().cloned().unwrap_or_default())),
        ]
    },
    delete: "DeleteNetworkInterface",
    by: "NetworkInterfaceId",
};
