//! The default VPC: a network that is ready for use. An account has none until it asks.

use model::estate::ec2::{Destination, Route, Subnet, Target, Vpc};
use model::{Fault, Tags, Tx};

use crate::shapes::{
    CreateDefaultSubnetRequest, CreateDefaultSubnetResult, CreateDefaultVpcRequest, CreateDefaultVpcResult,
};
use crate::{acl, association, fault, gateway, kind, subnet, vpc, zone};

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateDefaultVpc.html>
pub(crate) fn create_default_vpc(
    tx: &mut Tx<'_>,
    _: CreateDefaultVpcRequest,
) -> Result<CreateDefaultVpcResult, Fault> {
    if vpc::default(tx).is_ok() {
        return Err(Fault::client(
            "DefaultVpcAlreadyExists",
            "A Default VPC already exists for this account in this region.",
        ));
    }
    let vpc = vpc::make(tx, "172.31.0.0/16".to_owned(), "default".to_owned(), true, Tags::new())?;
    let mut internet = gateway::make(tx, Tags::new())?;
    internet.vpc = Some(vpc.id.clone());
    tx.put(internet.clone())?;
    if let Some(mut main) = association::main_of(tx, &vpc.id) {
        main.routes.push(Route {
            destination: Destination::Ipv4("0.0.0.0/0".to_owned()),
            target: Target::InternetGateway(internet.id),
            managed_by: None,
        });
        tx.put(main)?;
    }
    for zone in zone::names(&tx.region.clone()) {
        make_subnet(tx, &vpc, zone)?;
    }
    Ok(CreateDefaultVpcResult { vpc: Some(vpc::shown(tx, &vpc)) })
}

/// A /20 that no other subnet has a part of.
fn make_subnet(tx: &mut Tx<'_>, vpc: &Vpc, zone: String) -> Result<Subnet, Fault> {
    let free = (0..16_u32)
        .map(|n| format!("172.31.{}.0/20", n * 16))
        .find_map(|cidr| subnet::checked(tx, vpc, &cidr).ok());
    let none = || {
        Fault::client(
            "InsufficientFreeAddressesInSubnet",
            "The default VPC has no free block for a default subnet.",
        )
    };
    let subnet = Subnet {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "subnet"),
        vpc: vpc.id.clone(),
        cidr: free.ok_or_else(none)?,
        ipv6_cidr: None,
        zone,
        map_public_ip: true,
        default_for_zone: true,
        tags: Tags::new(),
    };
    tx.put(subnet.clone())?;
    acl::join_default(tx, &vpc.id, &subnet.id)?;
    Ok(subnet)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateDefaultSubnet.html>
pub(crate) fn create_default_subnet(
    tx: &mut Tx<'_>,
    input: CreateDefaultSubnetRequest,
) -> Result<CreateDefaultSubnetResult, Fault> {
    fault::refuse(&[("Ipv6Native", input.ipv6_native == Some(true))])?;
    if input.availability_zone.is_none() && input.availability_zone_id.is_none() {
        return Err(fault::absent("AvailabilityZone"));
    }
    let none = || {
        let message = "No default VPC found in the current region. To create a default subnet, you must have a default VPC.";
        Fault::client("DefaultVpcDoesNotExist", message)
    };
    let vpc = vpc::default(tx).map_err(|_| none())?;
    let zone = zone::chosen(tx, input.availability_zone.as_deref(), input.availability_zone_id.as_deref())?;
    if tx.list::<Subnet>().any(|s| s.default_for_zone && s.zone == zone) {
        return Err(Fault::client(
            "DefaultSubnetAlreadyExistsInAvailabilityZone",
            format!("A default subnet already exists in availability zone {zone}."),
        ));
    }
    let subnet = make_subnet(tx, &vpc, zone)?;
    Ok(CreateDefaultSubnetResult { subnet: Some(subnet::shown(tx, &subnet)) })
}
