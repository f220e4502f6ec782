//! NAT gateways.

use model::estate::ec2::{NatGateway, NetworkInterface};
use model::{Fault, IntoValue as _, Tags, Tx};

use crate::interface::Wanted;
use crate::listing::{Listing, one, own};
use crate::shapes::{
    self, CreateNatGatewayRequest, CreateNatGatewayResult, DeleteNatGatewayRequest, DeleteNatGatewayResult,
    NatGatewayAddress,
};
use crate::{address, fault, gateway, interface, kind, memory, subnet, tag};

/// Who manages the interfaces and addresses of NAT gateways.
const OWNER: &str = "amazon-nat";

pub(crate) static GATEWAYS: Listing<NatGateway> = Listing {
    prefix: "nat",
    ids: "NatGatewayIds",
    shown: "NatGateways",
    all: own,
    filters: &[
        ("nat-gateway-id", |_, g| one(&g.id)),
        ("state", |_, g| one(state(g))),
        ("subnet-id", |_, g| one(&g.subnet)),
        ("vpc-id", |_, g| one(&g.vpc)),
    ],
    show: |_, gateway| shown(gateway).into_value(),
};

fn state(gateway: &NatGateway) -> &'static str {
    if gateway.deleted.is_some() { "deleted" } else { "available" }
}

fn shown(gateway: &NatGateway) -> shapes::NatGateway {
    let address = NatGatewayAddress {
        allocation_id: gateway.allocation.clone(),
        network_interface_id: Some(gateway.interface.clone()),
        private_ip: Some(gateway.private_ip.clone()),
        public_ip: gateway.public_ip.clone(),
        association_id: gateway.association.clone(),
        is_primary: Some(true),
        status: Some("succeeded".to_owned()),
        ..NatGatewayAddress::default()
    };
    shapes::NatGateway {
        create_time: Some(gateway.created),
        delete_time: gateway.deleted,
        nat_gateway_addresses: Some(vec![address]),
        nat_gateway_id: Some(gateway.id.clone()),
        state: Some(state(gateway).to_owned()),
        subnet_id: Some(gateway.subnet.clone()),
        vpc_id: Some(gateway.vpc.clone()),
        tags: tag::shown(&gateway.tags),
        connectivity_type: Some(if gateway.public { "public" } else { "private" }.to_owned()),
        ..shapes::NatGateway::default()
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html>
pub(crate) fn create_nat_gateway(
    tx: &mut Tx<'_>,
    input: CreateNatGatewayRequest,
) -> Result<CreateNatGatewayResult, Fault> {
    fault::refuse(&[
        ("AvailabilityMode", input.availability_mode.as_deref().is_some_and(|m| m != "zonal")),
        ("VpcId", input.vpc_id.is_some()),
        ("AvailabilityZoneAddress", input.availability_zone_addresses.is_some()),
        ("SecondaryAllocationId", input.secondary_allocation_ids.is_some_and(|s| !s.is_empty())),
        ("SecondaryPrivateIpAddress", input.secondary_private_ip_addresses.is_some_and(|s| !s.is_empty())),
        ("SecondaryPrivateIpAddressCount", input.secondary_private_ip_address_count.is_some()),
    ])?;
    let public = input.connectivity_type.as_deref() != Some("private");
    let subnet = subnet::find(tx, &input.subnet_id.ok_or_else(|| fault::absent("SubnetId"))?)?;
    let elastic = match (&input.allocation_id, public) {
        (Some(id), true) => Some(address::find(tx, id)?),
        (None, true) => return Err(fault::absent("AllocationId")),
        (None, false) => None,
        (Some(_), false) => {
            return Err(fault::combination("A private NAT gateway cannot have an AllocationId"));
        }
    };
    if let Some(used) = elastic.as_ref().filter(|e| e.association.is_some()) {
        let message = format!("Elastic IP address [{}] is already associated", used.id);
        return Err(Fault::client("Resource.AlreadyAssociated", message));
    }
    if public && gateway::of_vpc(tx, &subnet.vpc).is_none() {
        let message = format!("Network {} has no Internet gateway attached", subnet.vpc);
        return Err(Fault::client("Gateway.NotAttached", message));
    }
    let tags = tag::given(tx, input.tag_specifications, "natgateway")?;
    let id = kind::new_id(tx, "nat");
    let interface = interface(tx, &subnet.id, &id, input.private_ip_address)?;
    let association = match &elastic {
        Some(elastic) => Some(address::lend(tx, elastic, &interface, false, Some(OWNER.to_owned()))?),
        None => None,
    };
    let gateway = NatGateway {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id,
        vpc: subnet.vpc,
        subnet: subnet.id,
        public,
        allocation: elastic.as_ref().map(|e| e.id.clone()),
        association,
        interface: interface.id,
        private_ip: interface.private_ip,
        public_ip: elastic.map(|e| e.public_ip),
        created: tx.now,
        deleted: None,
        tags,
    };
    tx.put(gateway.clone())?;
    let made = shapes::NatGateway { state: Some("pending".to_owned()), ..shown(&gateway) };
    Ok(CreateNatGatewayResult { client_token: input.client_token, nat_gateway: Some(made) })
}

fn interface(
    tx: &mut Tx<'_>,
    subnet: &str,
    gateway: &str,
    address: Option<String>,
) -> Result<NetworkInterface, Fault> {
    let wanted = Wanted {
        subnet: subnet.to_owned(),
        groups: None,
        address,
        ipv6: Vec::new(),
        ipv6_count: 0,
        description: format!("Interface for NAT Gateway {gateway}"),
        interface_type: "nat_gateway".to_owned(),
        requester: Some(OWNER.to_owned()),
        tags: Tags::new(),
    };
    let mut made = interface::make(tx, wanted)?;
    // It forwards what is not its own.
    made.source_dest_check = false;
    tx.put(made.clone())?;
    Ok(made)
}

/// The address stays allocated; the gateway stays to be seen for an hour.
pub(crate) fn delete_nat_gateway(
    tx: &mut Tx<'_>,
    input: DeleteNatGatewayRequest,
) -> Result<DeleteNatGatewayResult, Fault> {
    let mut gateway: NatGateway = kind::find(tx, "nat", &input.nat_gateway_id)?;
    if gateway.deleted.is_none() {
        if let Some(interface) = tx.find::<NetworkInterface>(&gateway.interface).cloned() {
            interface::remove(tx, &interface)?;
        }
        gateway.deleted = Some(tx.now);
        memory::fade(tx, &gateway.arn())?;
        tx.put(gateway.clone())?;
    }
    Ok(DeleteNatGatewayResult { nat_gateway_id: Some(gateway.id) })
}
