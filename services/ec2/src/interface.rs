//! Network interfaces and their addresses.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use model::estate::ec2::{ElasticIp, NetworkInterface, SecurityGroup, Subnet};
use model::{CallerKind, Fault, IntoValue as _, Tx};

use crate::listing::{Listing, Values, one, own, some};
use crate::shapes::{
    self, CreateNetworkInterfaceRequest, CreateNetworkInterfaceResult, DeleteNetworkInterfaceRequest,
    NetworkInterfaceAssociation,
};
use crate::{address, block, fault, flow, group, kind, subnet, tag, zone};

/// Interfaces that an account may have in a region.
const MOST: usize = 5000;

fn elastic<'t>(tx: &'t Tx<'_>, interface: &NetworkInterface) -> Option<&'t ElasticIp> {
    tx.list::<ElasticIp>().find(|a| a.association.as_ref().is_some_and(|x| x.interface == interface.id))
}

/// A name of an interface in the public zone.
fn public_name(region: &str, address: &str) -> String {
    let host = address.replace('.', "-");
    match region {
        "us-east-1" => format!("ec2-{host}.compute-1.amazonaws.com"),
        region => format!("ec2-{host}.{region}.compute.amazonaws.com"),
    }
}

/// An interface is in use as long as the service that made it has it.
pub(crate) fn status(interface: &NetworkInterface) -> &'static str {
    if interface.requester.is_some() { "in-use" } else { "available" }
}

fn attached(interface: &NetworkInterface, value: &str) -> Vec<String> {
    interface.requester.iter().map(|_| value.to_owned()).collect()
}

const FILTERS: &[(&str, Values<NetworkInterface>)] = &[
    ("addresses.association.owner-id", |_, i| i.public_ip.iter().map(|_| i.account.to_string()).collect()),
    ("addresses.association.public-ip", |_, i| some(i.public_ip.as_ref())),
    ("addresses.primary", |_, _| one("true")),
    ("addresses.private-ip-address", |_, i| one(&i.private_ip)),
    ("association.allocation-id", |tx, i| elastic(tx, i).map(|a| a.id.clone()).into_iter().collect()),
    ("association.association-id", |tx, i| association_id(tx, i).into_iter().collect()),
    ("association.ip-owner-id", |_, i| i.public_ip.iter().map(|_| i.account.to_string()).collect()),
    ("association.public-dns-name", |_, i| i.public_ip.iter().map(|a| public_name(&i.region, a)).collect()),
    ("association.public-ip", |_, i| some(i.public_ip.as_ref())),
    ("attachment.attach-time", |_, i| attached(i, &i.created.to_rfc3339_seconds())),
    ("attachment.attachment-id", |_, i| attached(i, &attachment_id(i))),
    ("attachment.delete-on-termination", |_, i| attached(i, "false")),
    ("attachment.device-index", |_, i| attached(i, "1")),
    ("attachment.instance-id", |_, _| Vec::new()),
    ("attachment.instance-owner-id", |_, i| some(i.requester.as_ref())),
    ("attachment.status", |_, i| attached(i, "attached")),
    ("availability-zone", |_, i| one(&i.zone)),
    ("availability-zone-id", |_, i| one(&zone::id(&i.zone))),
    ("description", |_, i| one(&i.description)),
    ("group-id", |_, i| i.groups.clone()),
    ("group-name", |tx, i| {
        i.groups.iter().filter_map(|g| Some(tx.find::<SecurityGroup>(g)?.name.clone())).collect()
    }),
    ("interface-type", |_, i| one(&i.interface_type)),
    ("ipv6-addresses.ipv6-address", |_, i| i.ipv6.clone()),
    ("mac-address", |_, i| one(&i.mac())),
    ("network-interface-id", |_, i| one(&i.id)),
    ("operator.managed", |_, i| one(&i.requester.is_some().to_string())),
    ("operator.principal", |_, i| some(i.requester.as_ref())),
    ("owner-id", |_, i| one(i.account.as_str())),
    ("private-dns-name", |_, i| one(&i.private_name())),
    ("private-ip-address", |_, i| one(&i.private_ip)),
    ("requester-id", |_, i| some(i.requester.as_ref())),
    ("requester-managed", |_, i| one(&i.requester.is_some().to_string())),
    ("source-dest-check", |_, i| one(&i.source_dest_check.to_string())),
    ("status", |_, i| one(status(i))),
    ("subnet-id", |_, i| one(&i.subnet)),
    ("vpc-id", |_, i| one(&i.vpc)),
];

pub(crate) static INTERFACES: Listing<NetworkInterface> = Listing {
    prefix: "eni",
    ids: "NetworkInterfaceIds",
    shown: "NetworkInterfaces",
    all: own,
    filters: FILTERS,
    show: |tx, interface| shown(tx, interface).into_value(),
};

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<NetworkInterface, Fault> {
    kind::find(tx, "eni", id)
}

fn association_id(tx: &Tx<'_>, interface: &NetworkInterface) -> Option<String> {
    elastic(tx, interface)?.association.as_ref().map(|x| x.id.clone())
}

fn association(tx: &Tx<'_>, interface: &NetworkInterface) -> Option<NetworkInterfaceAssociation> {
    let public = interface.public_ip.as_ref()?;
    let elastic = elastic(tx, interface);
    let owner = if elastic.is_some() { interface.account.as_str() } else { "amazon" };
    Some(NetworkInterfaceAssociation {
        allocation_id: elastic.map(|a| a.id.clone()),
        association_id: association_id(tx, interface),
        ip_owner_id: Some(owner.to_owned()),
        public_dns_name: Some(public_name(&interface.region, public)),
        public_ip: Some(public.clone()),
        ..NetworkInterfaceAssociation::default()
    })
}

/// `eni-attach-` and the digits of the interface.
fn attachment_id(interface: &NetworkInterface) -> String {
    interface.id.replace("eni-", "eni-attach-")
}

/// The service that manages the interface stands in the place of an instance.
pub(crate) fn attachment(interface: &NetworkInterface) -> Option<shapes::NetworkInterfaceAttachment> {
    let requester = interface.requester.as_ref()?;
    Some(shapes::NetworkInterfaceAttachment {
        attach_time: Some(interface.created),
        attachment_id: Some(attachment_id(interface)),
        delete_on_termination: Some(false),
        device_index: Some(1),
        instance_owner_id: Some(requester.clone()),
        status: Some("attached".to_owned()),
        ..shapes::NetworkInterfaceAttachment::default()
    })
}

pub(crate) fn groups(tx: &Tx<'_>, interface: &NetworkInterface) -> Vec<shapes::GroupIdentifier> {
    let group = |id: &String| shapes::GroupIdentifier {
        group_id: Some(id.clone()),
        group_name: tx.find::<SecurityGroup>(id).map(|g| g.name.clone()),
    };
    interface.groups.iter().map(group).collect()
}

fn shown(tx: &Tx<'_>, interface: &NetworkInterface) -> shapes::NetworkInterface {
    let address6 = |address: &String| shapes::NetworkInterfaceIpv6Address {
        ipv6_address: Some(address.clone()),
        is_primary_ipv6: Some(false),
        ..shapes::NetworkInterfaceIpv6Address::default()
    };
    let primary = shapes::NetworkInterfacePrivateIpAddress {
        association: association(tx, interface),
        primary: Some(true),
        private_dns_name: Some(interface.private_name()),
        private_ip_address: Some(interface.private_ip.clone()),
    };
    shapes::NetworkInterface {
        association: association(tx, interface),
        attachment: attachment(interface),
        availability_zone: Some(interface.zone.clone()),
        availability_zone_id: Some(zone::id(&interface.zone)),
        description: Some(interface.description.clone()),
        groups: Some(groups(tx, interface)),
        interface_type: Some(interface.interface_type.clone()),
        ipv6_addresses: Some(interface.ipv6.iter().map(address6).collect()),
        mac_address: Some(interface.mac()),
        network_interface_id: Some(interface.id.clone()),
        owner_id: Some(interface.account.to_string()),
        private_dns_name: Some(interface.private_name()),
        private_ip_address: Some(interface.private_ip.clone()),
        private_ip_addresses: Some(vec![primary]),
        requester_id: interface.requester.clone(),
        requester_managed: Some(interface.requester.is_some()),
        source_dest_check: Some(interface.source_dest_check),
        status: Some(status(interface).to_owned()),
        subnet_id: Some(interface.subnet.clone()),
        tag_set: tag::shown(&interface.tags),
        vpc_id: Some(interface.vpc.clone()),
        ..shapes::NetworkInterface::default()
    }
}

/// The services whose interfaces go by another name than the service's own.
const REQUESTERS: [(&str, &str); 3] =
    [("elasticloadbalancing", "amazon-elb"), ("rds", "amazon-rds"), ("elasticache", "amazon-elasticache")];

/// The service that makes this call on its own behalf: interfaces it makes are its to manage.
pub(crate) fn requester(tx: &Tx<'_>) -> Option<String> {
    let service = match &tx.caller().kind {
        CallerKind::Service { name } => name.as_str(),
        CallerKind::Role { role_arn, .. } => role_arn.split_once(":role/aws-service-role/")?.1,
        _ => return None,
    };
    let name = service.split(['.', '/']).next().unwrap_or(service);
    let known = REQUESTERS.iter().find(|(s, _)| *s == name).map(|(_, as_known)| (*as_known).to_owned());
    Some(known.unwrap_or_else(|| format!("amazon-{name}")))
}

/// What a new interface is to be.
pub(crate) struct Wanted {
    pub(crate) subnet: String,
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) address: Option<String>,
    pub(crate) ipv6: Vec<String>,
    pub(crate) ipv6_count: usize,
    pub(crate) description: String,
    pub(crate) interface_type: String,
    pub(crate) requester: Option<String>,
    pub(crate) tags: model::Tags,
}

pub(crate) fn make(tx: &mut Tx<'_>, wanted: Wanted) -> Result<NetworkInterface, Fault> {
    let subnet = subnet::usable(tx, &wanted.subnet)?;
    if tx.list::<NetworkInterface>().count() >= MOST {
        return Err(fault::limit("NetworkInterfaceLimitExceeded", "network interfaces"));
    }
    let groups = match wanted.interface_type.as_str() {
        // These carry no groups.
        "nat_gateway" | "transit_gateway" => Vec::new(),
        _ => group::of_interface(tx, &subnet.vpc, &subnet.id, wanted.groups)?,
    };
    let private_ip = address(tx, &subnet, wanted.address.as_deref())?;
    let ipv6 = addresses6(tx, &subnet, &wanted.ipv6, wanted.ipv6_count)?;
    let interface = NetworkInterface {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "eni"),
        vpc: subnet.vpc,
        subnet: subnet.id,
        zone: subnet.zone,
        private_ip,
        ipv6,
        groups,
        description: wanted.description,
        interface_type: wanted.interface_type,
        requester: wanted.requester,
        public_ip: None,
        source_dest_check: true,
        created: tx.now,
        tags: wanted.tags,
    };
    tx.put(interface.clone())?;
    Ok(interface)
}

/// An address of the subnet that no interface has: the wanted one, or any.
fn address(tx: &Tx<'_>, subnet: &Subnet, wanted: Option<&str>) -> Result<String, Fault> {
    let net: Ipv4Net = block::v4(&subnet.cidr, "cidrBlock")?;
    let others = subnet::interfaces(tx, &subnet.id);
    let taken: std::collections::BTreeSet<Ipv4Addr> =
        others.filter_map(|i| i.private_ip.parse().ok()).collect();
    let Some(wanted) = wanted else {
        let none = || {
            Fault::client(
                "InsufficientFreeAddressesInSubnet",
                "The specified subnet does not have enough free addresses to satisfy the request.",
            )
        };
        return block::free(tx, &net, &|a| taken.contains(&a)).map(|a| a.to_string()).ok_or_else(none);
    };
    let IpAddr::V4(given) = block::address(wanted, "privateIpAddress")? else {
        return Err(fault::bad_value(wanted, "privateIpAddress", "This is not a valid IPv4 address."));
    };
    if !net.contains(&given) {
        let message = format!("Address {wanted} does not fall within the subnet's address range");
        return Err(fault::value(message));
    }
    if !block::hosts(&net).contains(&u32::from(given)) {
        return Err(fault::value(format!("Address {wanted} is in subnet's reserved address range")));
    }
    match taken.contains(&given) {
        true => Err(Fault::client("InvalidIPAddress.InUse", format!("Address {wanted} is in use."))),
        false => Ok(given.to_string()),
    }
}

fn addresses6(tx: &Tx<'_>, subnet: &Subnet, wanted: &[String], count: usize) -> Result<Vec<String>, Fault> {
    let assign = subnet::block_of(tx, &subnet.id).is_some_and(|b| b.assign);
    let count = if wanted.is_empty() && count == 0 && assign { 1 } else { count };
    if wanted.is_empty() && count == 0 {
        return Ok(Vec::new());
    }
    let net = subnet.ipv6_cidr.as_deref().and_then(|c| c.parse::<Ipv6Net>().ok());
    let net = net.ok_or_else(|| {
        Fault::client("InvalidSubnet", format!("Subnet {} has no IPv6 CIDR block.", subnet.id))
    })?;
    let taken: Vec<&String> = subnet::interfaces(tx, &subnet.id).flat_map(|i| &i.ipv6).collect();
    let mut found: Vec<String> = Vec::new();
    for text in wanted {
        match block::address(text, "ipv6Addresses")? {
            IpAddr::V6(given) if net.contains(&given) => found.push(given.to_string()),
            _ => {
                let message = format!("Address {text} does not fall within the subnet's address range");
                return Err(fault::value(message));
            }
        }
    }
    if let Some(used) = found.iter().find(|f| taken.contains(f)) {
        return Err(Fault::client("InvalidIPAddress.InUse", format!("Address {used} is in use.")));
    }
    while found.len() < wanted.len().saturating_add(count) {
        let fresh = block::random6(tx, &net).to_string();
        if !taken.contains(&&fresh) && !found.contains(&fresh) {
            found.push(fresh);
        }
    }
    Ok(found)
}

/// The one address that a request gives, in either of its two places.
fn primary(input: &CreateNetworkInterfaceRequest) -> Result<Option<String>, Fault> {
    let list = input.private_ip_addresses.as_deref().unwrap_or_default();
    let secondary = list.len() > 1 || list.iter().any(|a| a.primary == Some(false));
    fault::refuse(&[
        ("PrivateIpAddresses with secondary addresses", secondary),
        ("SecondaryPrivateIpAddressCount", input.secondary_private_ip_address_count.is_some_and(|n| n > 0)),
        ("Ipv4Prefix", input.ipv4_prefixes.is_some()),
        ("Ipv4PrefixCount", input.ipv4_prefix_count.is_some()),
        ("Ipv6Prefix", input.ipv6_prefixes.is_some()),
        ("Ipv6PrefixCount", input.ipv6_prefix_count.is_some()),
        ("EnablePrimaryIpv6", input.enable_primary_ipv6 == Some(true)),
        ("ConnectionTrackingSpecification", input.connection_tracking_specification.is_some()),
        ("Operator", input.operator.is_some()),
    ])?;
    let listed = list.first().and_then(|a| a.private_ip_address.clone());
    match (&input.private_ip_address, listed) {
        (Some(a), Some(b)) if *a != b => {
            Err(fault::combination("Only one primary private IP address can be specified."))
        }
        (one, other) => Ok(one.clone().or(other)),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html>
pub(crate) fn create_network_interface(
    tx: &mut Tx<'_>,
    input: CreateNetworkInterfaceRequest,
) -> Result<CreateNetworkInterfaceResult, Fault> {
    let requester = requester(tx);
    let kind = input.interface_type.clone().unwrap_or_else(|| "interface".to_owned());
    // Only services make interfaces of the kinds that are theirs.
    fault::refuse(&[("InterfaceType", kind != "interface" && requester.is_none())])?;
    let address = primary(&input)?;
    let ipv6 = input.ipv6_addresses.unwrap_or_default().into_iter().filter_map(|a| a.ipv6_address).collect();
    let count = usize::try_from(input.ipv6_address_count.unwrap_or(0))
        .map_err(|_| fault::value("The IPv6 address count must not be negative."))?;
    let wanted = Wanted {
        subnet: input.subnet_id,
        groups: input.groups,
        address,
        ipv6,
        ipv6_count: count.min(256),
        description: input.description.unwrap_or_default(),
        interface_type: kind,
        requester,
        tags: tag::given(tx, input.tag_specifications, "network-interface")?,
    };
    let interface = make(tx, wanted)?;
    Ok(CreateNetworkInterfaceResult {
        network_interface: Some(shown(tx, &interface)),
        client_token: input.client_token,
    })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNetworkInterface.html>
pub(crate) fn delete_network_interface(
    tx: &mut Tx<'_>,
    input: DeleteNetworkInterfaceRequest,
) -> Result<(), Fault> {
    let interface = find(tx, &input.network_interface_id)?;
    may_manage(tx, &interface)?;
    remove(tx, &interface)
}

/// What a service manages is its own to change and to delete.
pub(crate) fn may_manage(tx: &Tx<'_>, interface: &NetworkInterface) -> Result<(), Fault> {
    match interface.requester.is_some() && interface.requester != requester(tx) {
        true => Err(fault::value(format!("Network interface '{}' is currently in use.", interface.id))),
        false => Ok(()),
    }
}

/// An address that was lent to it stays with the account.
pub(crate) fn remove(tx: &mut Tx<'_>, interface: &NetworkInterface) -> Result<(), Fault> {
    if let Some(elastic) = elastic(tx, interface).cloned() {
        address::take_back(tx, &elastic)?;
    }
    flow::leave(tx, &interface.id)?;
    tx.remove(interface)
}
