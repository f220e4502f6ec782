//! VPCs: blocks of addresses with a router, and what each is born with.

use model::estate::ec2::{
    CidrBlock, EgressOnlyGateway, InternetGateway, NetworkAcl, NetworkInterface, RouteTable, SecurityGroup,
    Subnet, TransitAttachment, Vpc, VpcEndpoint,
};
use model::{Fault, IntoValue as _, Node, Tags, Tx};

use crate::listing::{Listing, one, own, some};
use crate::shapes::{self, CreateVpcRequest, CreateVpcResult, DeleteVpcRequest, VpcCidrBlockState};
use crate::{acl, association, block, dhcp, fault, flow, group, kind, peering, route, tag};

pub(crate) static VPCS: Listing<Vpc> = Listing {
    prefix: "vpc",
    ids: "VpcIds",
    shown: "Vpcs",
    all: own,
    filters: &[
        ("cidr", |_, v| some(v.cidrs.first())),
        ("cidr-block-association.association-id", |tx, v| block_ids(tx, v, &v.cidrs)),
        ("cidr-block-association.cidr-block", |_, v| v.cidrs.clone()),
        ("cidr-block-association.state", |_, _| one("associated")),
        ("dhcp-options-id", |tx, v| dhcp::of_vpc(tx, &v.id).map(|d| d.id.clone()).into_iter().collect()),
        ("ipv6-cidr-block-association.association-id", |tx, v| block_ids(tx, v, &v.ipv6_cidrs)),
        ("ipv6-cidr-block-association.ipv6-cidr-block", |_, v| v.ipv6_cidrs.clone()),
        ("ipv6-cidr-block-association.ipv6-pool", |_, v| {
            v.ipv6_cidrs.iter().flat_map(|_| one("Amazon")).collect()
        }),
        ("ipv6-cidr-block-association.state", |_, v| {
            v.ipv6_cidrs.iter().flat_map(|_| one("associated")).collect()
        }),
        ("is-default", |_, v| one(&v.default.to_string())),
        ("isDefault", |_, v| one(&v.default.to_string())),
        ("owner-id", |_, v| one(v.account.as_str())),
        ("state", |_, _| one("available")),
        ("vpc-id", |_, v| one(&v.id)),
    ],
    show: |tx, vpc| shown(tx, vpc).into_value(),
};

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<Vpc, Fault> {
    kind::find(tx, "vpc", id)
}

/// The account's default VPC in this region.
pub(crate) fn default(tx: &Tx<'_>) -> Result<Vpc, Fault> {
    let none = || Fault::client("VPCIdNotSpecified", "No default VPC for this user");
    tx.list::<Vpc>().find(|v| v.default).cloned().ok_or_else(none)
}

fn block_ids(tx: &Tx<'_>, vpc: &Vpc, cidrs: &[String]) -> Vec<String> {
    let blocks = tx.list::<CidrBlock>().filter(|b| b.vpc == vpc.id && cidrs.contains(&b.cidr));
    blocks.map(|b| b.id.clone()).collect()
}

fn block_id(tx: &Tx<'_>, vpc: &Vpc, cidr: &str) -> Option<String> {
    tx.list::<CidrBlock>().find(|b| b.vpc == vpc.id && b.cidr == cidr).map(|b| b.id.clone())
}

pub(crate) fn associated() -> Option<VpcCidrBlockState> {
    Some(VpcCidrBlockState { state: Some("associated".to_owned()), status_message: None })
}

pub(crate) fn shown(tx: &Tx<'_>, vpc: &Vpc) -> shapes::Vpc {
    let blocks = vpc.cidrs.iter().map(|cidr| shapes::VpcCidrBlockAssociation {
        association_id: block_id(tx, vpc, cidr),
        cidr_block: Some(cidr.clone()),
        cidr_block_state: associated(),
    });
    let blocks6: Vec<_> = vpc.ipv6_cidrs.iter().map(|cidr| shown6(tx, vpc, cidr)).collect();
    shapes::Vpc {
        owner_id: Some(vpc.account.to_string()),
        instance_tenancy: Some(vpc.tenancy.clone()),
        cidr_block_association_set: Some(blocks.collect()),
        ipv6_cidr_block_association_set: (!blocks6.is_empty()).then_some(blocks6),
        is_default: Some(vpc.default),
        tags: tag::shown(&vpc.tags),
        vpc_id: Some(vpc.id.clone()),
        state: Some("available".to_owned()),
        cidr_block: vpc.cidrs.first().cloned(),
        dhcp_options_id: Some(
            dhcp::of_vpc(tx, &vpc.id).map_or_else(|| "default".to_owned(), |d| d.id.clone()),
        ),
        ..shapes::Vpc::default()
    }
}

pub(crate) fn shown6(tx: &Tx<'_>, vpc: &Vpc, cidr: &str) -> shapes::VpcIpv6CidrBlockAssociation {
    shapes::VpcIpv6CidrBlockAssociation {
        association_id: block_id(tx, vpc, cidr),
        ipv6_cidr_block: Some(cidr.to_owned()),
        ipv6_cidr_block_state: associated(),
        network_border_group: Some(vpc.region.clone()),
        ipv6_pool: Some("Amazon".to_owned()),
        ipv6_address_attribute: Some("public".to_owned()),
        ip_source: Some("amazon".to_owned()),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpc.html>
pub(crate) fn create_vpc(tx: &mut Tx<'_>, input: CreateVpcRequest) -> Result<CreateVpcResult, Fault> {
    fault::refuse(&[
        ("Ipv6Pool", input.ipv6_pool.is_some()),
        ("Ipv6CidrBlock", input.ipv6_cidr_block.is_some()),
        ("Ipv4IpamPoolId", input.ipv4_ipam_pool_id.is_some()),
        ("Ipv4NetmaskLength", input.ipv4_netmask_length.is_some()),
        ("Ipv6IpamPoolId", input.ipv6_ipam_pool_id.is_some()),
        ("Ipv6NetmaskLength", input.ipv6_netmask_length.is_some()),
        ("VpcEncryptionControl", input.vpc_encryption_control.is_some()),
    ])?;
    let cidr = input.cidr_block.ok_or_else(|| fault::absent("cidrBlock"))?;
    let cidr = block::of_vpc(&cidr)?.to_string();
    let tenancy = input.instance_tenancy.unwrap_or_else(|| "default".to_owned());
    if !["default", "dedicated"].contains(&tenancy.as_str()) {
        return Err(fault::bad_value(&tenancy, "instanceTenancy", "It must be `default` or `dedicated`."));
    }
    let tags = tag::given(tx, input.tag_specifications, "vpc")?;
    let vpc = make(tx, cidr, tenancy, false, tags)?;
    let vpc = match input.amazon_provided_ipv6_cidr_block {
        Some(true) => {
            let cidr = fresh6(tx);
            add_block(tx, &vpc.id, cidr)?.0
        }
        _ => vpc,
    };
    Ok(CreateVpcResult { vpc: Some(shown(tx, &vpc)) })
}

/// A VPC and what it is born with: a default group, a main route table, a default ACL.
pub(crate) fn make(
    tx: &mut Tx<'_>,
    cidr: String,
    tenancy: String,
    default: bool,
    tags: Tags,
) -> Result<Vpc, Fault> {
    let vpc = Vpc {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "vpc"),
        cidrs: Vec::new(),
        ipv6_cidrs: Vec::new(),
        tenancy,
        dns_support: true,
        dns_hostnames: default,
        default,
        tags,
    };
    tx.put(vpc.clone())?;
    dhcp::join_default(tx, &vpc.id)?;
    group::make_default(tx, &vpc.id)?;
    association::make_main(tx, &vpc.id)?;
    acl::make_default(tx, &vpc.id)?;
    Ok(add_block(tx, &vpc.id, cidr)?.0)
}

/// A /56 of the documentation prefix (RFC 3849), which no real host has.
pub(crate) fn fresh6(tx: &Tx<'_>) -> String {
    let [a, b, c] = tx.random::<3>();
    format!("2001:db8:{:x}:{:x}::/56", u16::from_be_bytes([a, b]), u16::from_be_bytes([c, 0]))
}

/// Adds a checked block of either family: the local route follows it.
pub(crate) fn add_block(tx: &mut Tx<'_>, vpc: &str, cidr: String) -> Result<(Vpc, String), Fault> {
    let mut vpc = find(tx, vpc)?;
    let id = kind::new_id(tx, "vpc-cidr-assoc");
    tx.put(CidrBlock {
        account: vpc.account.clone(),
        region: vpc.region.clone(),
        id: id.clone(),
        vpc: vpc.id.clone(),
        cidr: cidr.clone(),
    })?;
    match cidr.contains(':') {
        true => {
            vpc.ipv6_cidrs.push(cidr);
            acl::follow_ipv6(tx, &vpc.id)?;
        }
        false => vpc.cidrs.push(cidr),
    }
    tx.put(vpc.clone())?;
    route::follow_blocks(tx, &vpc)?;
    Ok((vpc, id))
}

/// What is of a VPC and keeps it from being deleted.
fn in_use(tx: &Tx<'_>, id: &str) -> bool {
    tx.list::<Subnet>().any(|s| s.vpc == id)
        || tx.snapshot().all::<NetworkInterface>().any(|i| i.vpc == id)
        || tx.snapshot().all::<SecurityGroup>().any(|g| g.vpc == id && g.name != "default")
        || tx.list::<RouteTable>().any(|t| t.vpc == id && !t.main())
        || tx.list::<NetworkAcl>().any(|a| a.vpc == id && !a.default)
        || tx.list::<InternetGateway>().any(|g| g.vpc.as_deref() == Some(id))
        || tx.list::<EgressOnlyGateway>().any(|g| g.vpc == id)
        || tx.list::<VpcEndpoint>().any(|e| e.vpc == id)
        || tx.list::<TransitAttachment>().any(|a| a.vpc == id && a.deleted.is_none())
        || group::referenced_from_elsewhere(tx, id)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html>
pub(crate) fn delete_vpc(tx: &mut Tx<'_>, input: DeleteVpcRequest) -> Result<(), Fault> {
    let vpc = find(tx, &input.vpc_id)?;
    if in_use(tx, &vpc.id) {
        let message = format!("The vpc '{}' has dependencies and cannot be deleted.", vpc.id);
        return Err(fault::dependency(message));
    }
    remove_where::<SecurityGroup>(tx, |g| g.vpc == vpc.id)?;
    remove_where::<RouteTable>(tx, |t| t.vpc == vpc.id)?;
    remove_where::<NetworkAcl>(tx, |a| a.vpc == vpc.id)?;
    remove_where::<CidrBlock>(tx, |b| b.vpc == vpc.id)?;
    dhcp::leave(tx, &vpc.id)?;
    peering::end_of(tx, &vpc.id)?;
    flow::leave(tx, &vpc.id)?;
    tx.remove(&vpc)
}

pub(crate) fn remove_where<N: Node>(tx: &mut Tx<'_>, which: impl Fn(&N) -> bool) -> Result<(), Fault> {
    let found: Vec<N> = tx.list::<N>().filter(|n| which(n)).cloned().collect();
    found.iter().try_for_each(|n| tx.remove(n))
}
