//! Subnets: a part of a VPC's addresses in one zone.

use ipnet::IpNet;
use model::estate::ec2::{NetworkInterface, Subnet, SubnetCidrBlock, Vpc};
use model::{Fault, IntoValue as _, Tx};

use crate::listing::{Listing, one, some};
use crate::shapes::{
    self, CreateSubnetRequest, CreateSubnetResult, DeleteSubnetRequest, SubnetCidrBlockState,
};
use crate::{acl, association, block, fault, flow, kind, shared, tag, vpc, zone};

pub(crate) static SUBNETS: Listing<Subnet> = Listing {
    prefix: "subnet",
    ids: "SubnetIds",
    shown: "Subnets",
    all: |tx| shared::seen(tx, "ec2:DescribeSubnets"),
    filters: &[
        ("availability-zone", |_, s| one(&s.zone)),
        ("availabilityZone", |_, s| one(&s.zone)),
        ("availability-zone-id", |_, s| one(&zone::id(&s.zone))),
        ("availabilityZoneId", |_, s| one(&zone::id(&s.zone))),
        ("available-ip-address-count", |tx, s| one(&available(tx, s).to_string())),
        ("cidr-block", |_, s| one(&s.cidr)),
        ("cidr", |_, s| one(&s.cidr)),
        ("cidrBlock", |_, s| one(&s.cidr)),
        ("customer-owned-ipv4-pool", |_, _| Vec::new()),
        ("default-for-az", |_, s| one(&s.default_for_zone.to_string())),
        ("defaultForAz", |_, s| one(&s.default_for_zone.to_string())),
        ("enable-dns64", |_, _| one("false")),
        ("enable-lni-at-device-index", |_, _| Vec::new()),
        ("ipv6-cidr-block-association.association-id", |tx, s| {
            block_of(tx, &s.id).map(|b| b.id.clone()).into_iter().collect()
        }),
        ("ipv6-cidr-block-association.ipv6-cidr-block", |_, s| some(s.ipv6_cidr.as_ref())),
        ("ipv6-cidr-block-association.state", |_, s| {
            s.ipv6_cidr.iter().flat_map(|_| one("associated")).collect()
        }),
        ("ipv6-native", |_, _| one("false")),
        ("map-customer-owned-ip-on-launch", |_, _| one("false")),
        ("map-public-ip-on-launch", |_, s| one(&s.map_public_ip.to_string())),
        ("outpost-arn", |_, _| Vec::new()),
        ("owner-id", |_, s| one(s.account.as_str())),
        ("private-dns-name-options-on-launch.hostname-type", |_, _| one("ip-name")),
        ("private-dns-name-options-on-launch.enable-resource-name-dns-a-record", |_, _| one("false")),
        ("private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record", |_, _| one("false")),
        ("state", |_, _| one("available")),
        ("subnet-arn", |_, s| one(&s.arn())),
        ("subnet-id", |_, s| one(&s.id)),
        ("vpc-id", |_, s| one(&s.vpc)),
    ],
    show: |tx, subnet| shown(tx, subnet).into_value(),
};

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<Subnet, Fault> {
    kind::find(tx, "subnet", id)
}

/// A subnet that interfaces can be made in: the account's own, or one that is shared with it.
pub(crate) fn usable(tx: &Tx<'_>, id: &str) -> Result<Subnet, Fault> {
    shared::find(tx, id).ok_or_else(|| kind::missing("subnet", id))
}

/// The interfaces in a subnet, of whatever account.
pub(crate) fn interfaces<'t>(tx: &'t Tx<'_>, subnet: &'t str) -> impl Iterator<Item = &'t NetworkInterface> {
    tx.snapshot().all::<NetworkInterface>().filter(move |i| i.subnet == subnet)
}

pub(crate) fn block_of<'t>(tx: &'t Tx<'_>, subnet: &str) -> Option<&'t SubnetCidrBlock> {
    tx.snapshot().all::<SubnetCidrBlock>().find(|b| b.subnet == subnet)
}

/// Addresses that are neither AWS's own nor taken.
fn available(tx: &Tx<'_>, subnet: &Subnet) -> u32 {
    let Ok(net) = subnet.cidr.parse() else { return 0 };
    let hosts = block::hosts(&net);
    let all = hosts.end().saturating_sub(*hosts.start()).saturating_add(1);
    let taken = interfaces(tx, &subnet.id).count();
    all.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX))
}

pub(crate) fn shown(tx: &Tx<'_>, subnet: &Subnet) -> shapes::Subnet {
    let block = block_of(tx, &subnet.id);
    let blocks = subnet.ipv6_cidr.iter().map(|cidr| shown6(block.map(|b| b.id.as_str()), cidr)).collect();
    shapes::Subnet {
        availability_zone_id: Some(zone::id(&subnet.zone)),
        map_customer_owned_ip_on_launch: Some(false),
        owner_id: Some(subnet.account.to_string()),
        assign_ipv6_address_on_creation: Some(block.is_some_and(|b| b.assign)),
        ipv6_cidr_block_association_set: Some(blocks),
        tags: tag::shown(&subnet.tags),
        subnet_arn: Some(subnet.arn()),
        enable_dns64: Some(false),
        ipv6_native: Some(false),
        private_dns_name_options_on_launch: Some(shapes::PrivateDnsNameOptionsOnLaunch {
            hostname_type: Some("ip-name".to_owned()),
            enable_resource_name_dns_a_record: Some(false),
            enable_resource_name_dns_aaaa_record: Some(false),
        }),
        subnet_id: Some(subnet.id.clone()),
        state: Some("available".to_owned()),
        vpc_id: Some(subnet.vpc.clone()),
        cidr_block: Some(subnet.cidr.clone()),
        available_ip_address_count: Some(i64::from(available(tx, subnet))),
        availability_zone: Some(subnet.zone.clone()),
        default_for_az: Some(subnet.default_for_zone),
        map_public_ip_on_launch: Some(subnet.map_public_ip),
        ..shapes::Subnet::default()
    }
}

pub(crate) fn shown6(id: Option<&str>, cidr: &str) -> shapes::SubnetIpv6CidrBlockAssociation {
    shapes::SubnetIpv6CidrBlockAssociation {
        association_id: id.map(str::to_owned),
        ipv6_cidr_block: Some(cidr.to_owned()),
        ipv6_cidr_block_state: Some(SubnetCidrBlockState {
            state: Some("associated".to_owned()),
            status_message: None,
        }),
        ipv6_address_attribute: Some("public".to_owned()),
        ip_source: Some("amazon".to_owned()),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html>
pub(crate) fn create_subnet(
    tx: &mut Tx<'_>,
    input: CreateSubnetRequest,
) -> Result<CreateSubnetResult, Fault> {
    fault::refuse(&[
        ("OutpostArn", input.outpost_arn.is_some()),
        ("Ipv6Native", input.ipv6_native == Some(true)),
        ("Ipv4IpamPoolId", input.ipv4_ipam_pool_id.is_some()),
        ("Ipv4NetmaskLength", input.ipv4_netmask_length.is_some()),
        ("Ipv6IpamPoolId", input.ipv6_ipam_pool_id.is_some()),
        ("Ipv6NetmaskLength", input.ipv6_netmask_length.is_some()),
    ])?;
    let vpc = vpc::find(tx, &input.vpc_id)?;
    let zone = zone::chosen(tx, input.availability_zone.as_deref(), input.availability_zone_id.as_deref())?;
    let cidr = input.cidr_block.ok_or_else(|| fault::absent("cidrBlock"))?;
    let cidr = checked(tx, &vpc, &cidr)?;
    let tags = tag::given(tx, input.tag_specifications, "subnet")?;
    let subnet = Subnet {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "subnet"),
        vpc: vpc.id.clone(),
        cidr,
        ipv6_cidr: None,
        zone,
        map_public_ip: false,
        default_for_zone: false,
        tags,
    };
    tx.put(subnet.clone())?;
    acl::join_default(tx, &vpc.id, &subnet.id)?;
    let subnet = match input.ipv6_cidr_block {
        Some(cidr) => add_block(tx, &subnet.id, &cidr)?.0,
        None => subnet,
    };
    Ok(CreateSubnetResult { subnet: Some(shown(tx, &subnet)) })
}

/// A block within the VPC that no other subnet has a part of.
pub(crate) fn checked(tx: &Tx<'_>, vpc: &Vpc, text: &str) -> Result<String, Fault> {
    let net = block::v4(text, "cidrBlock")?;
    let whole = IpNet::V4(net);
    let range = || Fault::client("InvalidSubnet.Range", format!("The CIDR '{text}' is invalid."));
    if !(16..=28).contains(&net.prefix_len()) || !block::nets(&vpc.cidrs).any(|b| b.contains(&whole)) {
        return Err(range());
    }
    free_of_others(tx, vpc, &whole, text)?;
    Ok(net.to_string())
}

fn free_of_others(tx: &Tx<'_>, vpc: &Vpc, net: &IpNet, text: &str) -> Result<(), Fault> {
    let others = tx.list::<Subnet>().filter(|s| s.vpc == vpc.id);
    let mut theirs = others.flat_map(|s| [Some(&s.cidr), s.ipv6_cidr.as_ref()]).flatten();
    match theirs.any(|c| c.parse().is_ok_and(|c| block::overlap(&c, net))) {
        true => Err(Fault::client(
            "InvalidSubnet.Conflict",
            format!("The CIDR '{text}' conflicts with another subnet"),
        )),
        false => Ok(()),
    }
}

/// Gives a subnet an IPv6 block of its VPC: /44 to /64, in steps of four.
pub(crate) fn add_block(tx: &mut Tx<'_>, id: &str, text: &str) -> Result<(Subnet, String), Fault> {
    let mut subnet = find(tx, id)?;
    let vpc = vpc::find(tx, &subnet.vpc)?;
    let net = block::v6(text, "ipv6CidrBlock")?;
    let whole = IpNet::V6(net);
    let fits = (44..=64).contains(&net.prefix_len()) && net.prefix_len() % 4 == 0;
    if !fits || !block::nets(&vpc.ipv6_cidrs).any(|b| b.contains(&whole)) {
        return Err(Fault::client("InvalidSubnet.Range", format!("The CIDR '{text}' is invalid.")));
    }
    if subnet.ipv6_cidr.is_some() {
        return Err(Fault::client(
            "SubnetCidrBlockLimitExceeded",
            "The maximum number of IPv6 CIDR blocks of the subnet has been reached.",
        ));
    }
    free_of_others(tx, &vpc, &whole, text)?;
    let association = kind::new_id(tx, "subnet-cidr-assoc");
    tx.put(SubnetCidrBlock {
        account: subnet.account.clone(),
        region: subnet.region.clone(),
        id: association.clone(),
        subnet: subnet.id.clone(),
        cidr: net.to_string(),
        assign: false,
    })?;
    subnet.ipv6_cidr = Some(net.to_string());
    tx.put(subnet.clone())?;
    Ok((subnet, association))
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html>
pub(crate) fn delete_subnet(tx: &mut Tx<'_>, input: DeleteSubnetRequest) -> Result<(), Fault> {
    let subnet = find(tx, &input.subnet_id)?;
    if interfaces(tx, &subnet.id).next().is_some() {
        let message = format!("The subnet '{}' has dependencies and cannot be deleted.", subnet.id);
        return Err(fault::dependency(message));
    }
    association::leave(tx, &subnet.id)?;
    acl::leave(tx, &subnet.id)?;
    flow::leave(tx, &subnet.id)?;
    vpc::remove_where::<SubnetCidrBlock>(tx, |b| b.subnet == subnet.id)?;
    tx.remove(&subnet)
}
