//! Elastic IP addresses. They come from 198.19.0.0/16, a block for benchmarks (RFC 2544) that
//! no host on the internet has.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use model::estate::ec2::{ElasticIp, IpAssociation, NetworkInterface};
use model::{Fault, IntoValue as _, Tx, Value};

use crate::listing::{Listing, Values, one, own, some};
use crate::shapes::{
    self, AllocateAddressRequest, AllocateAddressResult, AssociateAddressRequest, AssociateAddressResult,
    DisassociateAddressRequest, ReleaseAddressRequest,
};
use crate::{fault, gateway, interface, kind, listing, tag};

const POOL: &str = "198.19.0.0/16";

fn lent<'a>(address: &'a ElasticIp, of: fn(&'a IpAssociation) -> &'a String) -> Vec<String> {
    some(address.association.as_ref().map(of))
}

const FILTERS: &[(&str, Values<ElasticIp>)] = &[
    ("allocation-id", |_, a| one(&a.id)),
    ("association-id", |_, a| lent(a, |x| &x.id)),
    ("domain", |_, _| one("vpc")),
    ("instance-id", |_, _| Vec::new()),
    ("network-border-group", |_, a| one(&a.region)),
    ("network-interface-id", |_, a| lent(a, |x| &x.interface)),
    ("network-interface-owner-id", |_, a| a.association.iter().map(|_| a.account.to_string()).collect()),
    ("private-ip-address", |_, a| lent(a, |x| &x.private_ip)),
    ("public-ip", |_, a| one(&a.public_ip)),
];

pub(crate) static ADDRESSES: Listing<ElasticIp> = Listing {
    prefix: "eipalloc",
    ids: "AllocationIds",
    shown: "Addresses",
    all: own,
    filters: FILTERS,
    show: |tx, address| shown(tx, address).into_value(),
};

/// Addresses may be named themselves, too.
pub(crate) fn describe_addresses(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    let named = listing::strings(&input, "PublicIps");
    if named.is_empty() {
        return ADDRESSES.answer(tx, &input);
    }
    let ids = named.iter().map(|ip| Ok(Value::Text(by_ip(tx, ip)?.id)));
    let mut ids: Vec<Value> = ids.collect::<Result<_, Fault>>()?;
    let mut members = model::Members::of(input)?;
    if let Some(Value::List(more)) = members.take("AllocationIds") {
        ids.extend(more);
    }
    members.push("AllocationIds", Value::List(ids));
    ADDRESSES.answer(tx, &Value::Map(members))
}

fn shown(tx: &Tx<'_>, address: &ElasticIp) -> shapes::Address {
    let lent = address.association.as_ref();
    let interface = lent.and_then(|x| tx.find::<NetworkInterface>(&x.interface));
    shapes::Address {
        allocation_id: Some(address.id.clone()),
        association_id: lent.map(|x| x.id.clone()),
        domain: Some("vpc".to_owned()),
        network_interface_id: lent.map(|x| x.interface.clone()),
        network_interface_owner_id: interface.map(|i| i.account.to_string()),
        private_ip_address: lent.map(|x| x.private_ip.clone()),
        subnet_id: interface.map(|i| i.subnet.clone()),
        tags: tag::shown(&address.tags),
        public_ipv4_pool: Some("amazon".to_owned()),
        network_border_group: Some(address.region.clone()),
        public_ip: Some(address.public_ip.clone()),
        ..shapes::Address::default()
    }
}

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<ElasticIp, Fault> {
    kind::find(tx, "eipalloc", id)
}

fn by_ip(tx: &Tx<'_>, ip: &str) -> Result<ElasticIp, Fault> {
    let missing = || Fault::client("InvalidAddress.NotFound", format!("Address '{ip}' not found."));
    tx.list::<ElasticIp>().find(|a| a.public_ip == ip).cloned().ok_or_else(missing)
}

fn named(tx: &Tx<'_>, id: Option<&str>, ip: Option<&str>) -> Result<ElasticIp, Fault> {
    match (id, ip) {
        (Some(id), None) => find(tx, id),
        (None, Some(ip)) => by_ip(tx, ip),
        (None, None) => Err(fault::absent("AllocationId")),
        (Some(_), Some(_)) => Err(fault::combination(
            "You may specify public IP or allocation id, but not both in the same call",
        )),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html>
pub(crate) fn allocate_address(
    tx: &mut Tx<'_>,
    input: AllocateAddressRequest,
) -> Result<AllocateAddressResult, Fault> {
    fault::refuse(&[
        ("Address", input.address.is_some()),
        ("PublicIpv4Pool", input.public_ipv4_pool.as_deref().is_some_and(|p| p != "amazon")),
        ("NetworkBorderGroup", input.network_border_group.as_ref().is_some_and(|g| *g != tx.region)),
        ("CustomerOwnedIpv4Pool", input.customer_owned_ipv4_pool.is_some()),
        ("IpamPoolId", input.ipam_pool_id.is_some()),
        ("Domain", input.domain.as_deref().is_some_and(|d| d != "vpc")),
    ])?;
    let tags = tag::given(tx, input.tag_specifications, "elastic-ip")?;
    let taken: BTreeSet<Ipv4Addr> =
        tx.snapshot().all::<ElasticIp>().filter_map(|a| a.public_ip.parse().ok()).collect();
    let pool: Ipv4Net = POOL.parse().map_err(|_| Fault::internal("the pool of addresses cannot be read"))?;
    let free = crate::block::free(tx, &pool, &|a| taken.contains(&a));
    let none = || fault::limit("AddressLimitExceeded", "addresses");
    let address = ElasticIp {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "eipalloc"),
        public_ip: free.ok_or_else(none)?.to_string(),
        association: None,
        tags,
    };
    tx.put(address.clone())?;
    Ok(AllocateAddressResult {
        allocation_id: Some(address.id),
        public_ipv4_pool: Some("amazon".to_owned()),
        network_border_group: Some(address.region),
        domain: Some("vpc".to_owned()),
        public_ip: Some(address.public_ip),
        ..AllocateAddressResult::default()
    })
}

/// What a service has lent out is its own to take back.
fn not_permitted() -> Fault {
    Fault::client("AuthFailure", "You do not have permission to access the specified resource.")
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html>
pub(crate) fn associate_address(
    tx: &mut Tx<'_>,
    input: AssociateAddressRequest,
) -> Result<AssociateAddressResult, Fault> {
    let address = named(tx, input.allocation_id.as_deref(), input.public_ip.as_deref())?;
    if let Some(instance) = &input.instance_id {
        return Err(kind::missing("i", instance));
    }
    let id = input.network_interface_id.ok_or_else(|| fault::absent("networkInterfaceId"))?;
    let target = interface::find(tx, &id)?;
    if target.requester.is_some() && target.requester != interface::requester(tx) {
        return Err(not_permitted());
    }
    if let Some(wanted) = input.private_ip_address.filter(|p| *p != target.private_ip) {
        let message = format!("Invalid value '{wanted}' for PrivateIpAddress: not an address of {id}.");
        return Err(fault::value(message));
    }
    let again = input.allow_reassociation != Some(false);
    let owner = interface::requester(tx);
    let association_id = Some(lend(tx, &address, &target, again, owner)?);
    Ok(AssociateAddressResult { association_id })
}

/// Gives a public address to an interface of a VPC that has an internet gateway.
pub(crate) fn lend(
    tx: &mut Tx<'_>,
    address: &ElasticIp,
    target: &NetworkInterface,
    again: bool,
    owner: Option<String>,
) -> Result<String, Fault> {
    if gateway::of_vpc(tx, &target.vpc).is_none() {
        let message = format!("Network {} is not attached to any internet gateway", target.vpc);
        return Err(Fault::client("Gateway.NotAttached", message));
    }
    let taken = |what: &str| {
        Fault::client("Resource.AlreadyAssociated", format!("resource {what} is already associated"))
    };
    if let Some(old) = &address.association {
        if old.interface == target.id {
            return Ok(old.id.clone());
        }
        if old.owner.is_some() && old.owner != owner {
            return Err(not_permitted());
        }
        if !again {
            return Err(taken(&format!("{} (by {})", address.id, old.id)));
        }
        take_back(tx, address)?;
    }
    let other = tx
        .list::<ElasticIp>()
        .find(|a| a.association.as_ref().is_some_and(|x| x.interface == target.id))
        .cloned();
    match other {
        Some(_) if !again => return Err(taken(&target.id)),
        Some(other) => take_back(tx, &other)?,
        None => {}
    }
    let id = kind::new_id(tx, "eipassoc");
    let association = IpAssociation {
        id: id.clone(),
        interface: target.id.clone(),
        private_ip: target.private_ip.clone(),
        owner,
    };
    tx.put(ElasticIp { association: Some(association), ..address.clone() })?;
    tx.put(NetworkInterface { public_ip: Some(address.public_ip.clone()), ..target.clone() })?;
    Ok(id)
}

/// Takes the address from its interface.
pub(crate) fn take_back(tx: &mut Tx<'_>, address: &ElasticIp) -> Result<(), Fault> {
    let lent = address.association.as_ref().and_then(|x| tx.find::<NetworkInterface>(&x.interface)).cloned();
    if let Some(interface) = lent {
        tx.put(NetworkInterface { public_ip: None, ..interface })?;
    }
    tx.put(ElasticIp { association: None, ..address.clone() })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateAddress.html>
pub(crate) fn disassociate_address(tx: &mut Tx<'_>, input: DisassociateAddressRequest) -> Result<(), Fault> {
    let address = match (&input.association_id, &input.public_ip) {
        (Some(id), _) => {
            let found = tx.list::<ElasticIp>().find(|a| a.association.as_ref().is_some_and(|x| x.id == *id));
            found.cloned().ok_or_else(|| kind::missing("eipassoc", id))?
        }
        (None, ip) => named(tx, None, ip.as_deref())?,
    };
    let Some(lent) = &address.association else {
        let message = format!("Address {} is not associated", address.public_ip);
        return Err(Fault::client("InvalidAssociationID.NotFound", message));
    };
    if lent.owner.is_some() && lent.owner != interface::requester(tx) {
        return Err(not_permitted());
    }
    take_back(tx, &address)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html>
pub(crate) fn release_address(tx: &mut Tx<'_>, input: ReleaseAddressRequest) -> Result<(), Fault> {
    let address = named(tx, input.allocation_id.as_deref(), input.public_ip.as_deref())?;
    match address.association.is_some() {
        true => {
            Err(Fault::client("InvalidIPAddress.InUse", format!("Address {} is in use.", address.public_ip)))
        }
        false => tx.remove(&address),
    }
}
